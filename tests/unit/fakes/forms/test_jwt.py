"""JSON Web Tokens."""

import base64
import hashlib
import hmac
import json

import pytest

from sandboxd.fakes import OptionError, Proof, Source, Status, generate, guard, parts, verify


def decoded(part):
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_the_published_key_signs_it(source):
    made = parts("jwt", source)
    signed, _, signature = made["value"].rpartition(".")
    expected = hmac.new(made["signing_key"].encode(), signed.encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(signature + "=") == expected
    assert decoded(signed.split(".")[0]) == {"alg": "HS256", "kid": "sandboxd-fake", "typ": "JWT"}


def test_claims_are_those_asked_for_and_issuer_and_id_cannot_be_overwritten(source):
    options = {"subject": "me", "audience": "app", "expires_at": 9, "claims": {"roles": ["a"], "iss": "x", "jti": "y"}}
    payload = decoded(generate("jwt", source, options).split(".")[1])
    assert (payload["sub"], payload["aud"], payload["exp"], payload["roles"]) == ("me", "app", 9, ["a"])
    assert payload["iss"] == "https://sandboxd.invalid"
    assert payload["jti"] != "y"


def test_an_audience_that_was_not_given_is_left_out(source):
    assert "aud" not in decoded(generate("jwt", source).split(".")[1])


def test_an_issuer_that_someone_owns_is_refused(source):
    assert verify(generate("jwt", source, {"issuer": "https://idp.test/realm"})).made_here
    with pytest.raises(OptionError, match="issuer"):
        generate("jwt", source, {"issuer": "https://accounts.google.com"})


def test_claims_that_json_cannot_hold_are_refused(source):
    with pytest.raises(OptionError, match="claims"):
        generate("jwt", source, {"claims": {"when": {1, 2}}})


def test_a_token_signed_with_the_published_key_but_without_the_mark_is_impossible(source):
    made = parts("jwt", source)
    header = made["value"].split(".")[0]
    payload = base64.urlsafe_b64encode(b'{"iss":"https://sandboxd.invalid"}').rstrip(b"=").decode()
    signature = hmac.new(made["signing_key"].encode(), f"{header}.{payload}".encode(), hashlib.sha256).digest()
    token = f"{header}.{payload}." + base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    assert verify(token).status is Status.IMPOSSIBLE


def test_the_mark_of_another_token_does_not_help_a_changed_one(source):
    first = generate("jwt", source).split(".")
    second = generate("jwt", Source("s", "p", "f")).split(".")
    assert not verify(".".join((first[0], second[1], first[2]))).made_here


def test_its_class_is_structural(source):
    assert verify(generate("jwt", source)).proof is Proof.IMPOSSIBLE


def test_the_token_of_jwt_io_comes_in():
    token = (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
    )
    assert guard(token) is None
