"""Tokens of Kubernetes service accounts."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from sandboxd.fakes import OptionError, Source, Status, generate, guard, parts, verify

KIND = "kubernetes.service_account_token"


def unpadded(segment):
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def claims(token):
    return json.loads(unpadded(token.split(".")[1]))


def changed(token, **new):
    header, payload, signature = token.split(".")
    text = json.dumps({**json.loads(unpadded(payload)), **new}, separators=(",", ":"))
    return f"{header}.{base64.urlsafe_b64encode(text.encode()).rstrip(b'=').decode()}.{signature}"


def test_it_verifies_against_its_key_set(source):
    made = parts(KIND, source)
    signed, _, signature = made["value"].rpartition(".")
    header = json.loads(unpadded(signed.split(".")[0]))
    (key,) = json.loads(made["jwks"])["keys"]
    assert header == {"alg": "RS256", "kid": key["kid"]}
    numbers = (int.from_bytes(unpadded(key[name]), "big") for name in ("e", "n"))
    RSAPublicNumbers(*numbers).public_key().verify(unpadded(signature), signed.encode(), PKCS1v15(), SHA256())


def test_it_says_what_a_clusters_token_says(source):
    found = claims(generate(KIND, source, {"namespace": "app", "name": "web", "issued_at": 100, "expires_at": 700}))
    account = found["kubernetes.io"]["serviceaccount"]
    assert found["sub"] == "system:serviceaccount:app:web"
    assert (found["iat"], found["nbf"], found["exp"]) == (100, 100, 700)
    assert found["aud"] == [found["iss"]]
    assert found["kubernetes.io"]["namespace"] == "app"
    assert account["name"] == "web"
    assert len(account["uid"]) == len(found["jti"]) == 36


def test_the_service_account_and_the_audiences_are_those_asked_for(source):
    found = claims(generate(KIND, source, {"uid": "u-1", "audiences": ["a", "b"]}))
    assert found["kubernetes.io"]["serviceaccount"]["uid"] == "u-1"
    assert found["aud"] == ["a", "b"]


def test_tokens_of_one_seed_are_signed_with_the_same_key(source):
    other = Source(source.seed, "kv/data/other", "token")
    assert parts(KIND, source)["jwks"] == parts(KIND, other)["jwks"]


def test_it_is_signed_with_the_key_that_is_given(source):
    key = generate("rsa.private_key", source)
    made = parts(KIND, source, {"private_key": key})
    assert made["jwks"] != parts(KIND, source)["jwks"]
    assert verify(made["value"]).made_here


def test_a_key_that_is_not_rsa_is_refused_and_not_repeated(source):
    key = generate("ec.private_key", source)
    with pytest.raises(OptionError, match="private_key must be an RSA key in PEM") as refused:
        generate(KIND, source, {"private_key": key})
    assert key not in str(refused.value)


def test_an_issuer_that_someone_owns_is_refused(source):
    assert verify(generate(KIND, source, {"issuer": "http://vault:8200/x"})).made_here
    with pytest.raises(OptionError, match="issuer"):
        generate(KIND, source, {"issuer": "https://oidc.eks.us-east-1.amazonaws.com/id/1"})


def test_a_token_whose_claims_were_changed_carries_no_mark(source):
    token = generate(KIND, source)
    assert verify(changed(token)).made_here
    assert verify(changed(token, sub="system:serviceaccount:kube-system:admin")).status is Status.IMPOSSIBLE


@pytest.mark.parametrize(
    "token",
    [
        "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJpc3MiOiJodHRwczovL2t1YmVybmV0ZXMuZGVmYXVsdC5zdmMifQ.c2lnbmF0dXJlLi4uLi4",
        "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJpc3MiOiJodHRwOi8vbG9jYWxob3N0In0.c2lnbmF0dXJlLi4uLi4",
    ],
    ids=["of a cluster", "of another issuer on this machine"],
)
def test_a_token_that_was_not_made_here_is_possibly_real(token):
    assert verify(token).status is Status.POSSIBLY_REAL
    assert guard(token) is not None


@pytest.mark.parametrize("value", ["a.b", "a.b.c", "e30.e30.e30", "e30.W10.e30", "e31.e30.e30", "e30._w.e30"])
def test_what_is_no_token_is_none(value):
    assert not verify(value).made_here
