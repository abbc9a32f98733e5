"""`identity/oidc`. Expected answers are those of a running OpenBao 2.7.2."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from unit.helpers import START, Reply, call, world

from sandboxd.vault.world import World

OIDC = "identity/oidc"
RESTRICTED = "iat, aud, exp, iss, sub, namespace, nonce, auth_time, at_hash, c_hash"
EXPECTED = 'expected ["ES256" "ES384" "ES512" "EdDSA" "RS256" "RS384" "RS512" "PS256" "PS384" "PS512"]'


@pytest.fixture
def vault() -> World:
    return world()


@pytest.fixture
def bearer(vault: World) -> str:
    """A token of the entity `ann`, which has metadata and is in the group `devs`."""
    mount = call(vault, "GET", "sys/auth/token").data["accessor"]
    ann = call(vault, "POST", "identity/entity", {"name": "ann", "metadata": {"team": "a"}}).data["id"]
    call(vault, "POST", "identity/entity-alias", {"name": "ann", "mount_accessor": mount, "canonical_id": ann})
    call(vault, "POST", "identity/group", {"name": "devs", "member_entity_ids": [ann]})
    call(vault, "PUT", "sys/policies/acl/o", {"policy": 'path "identity/oidc/*" { capabilities = ["read"] }'})
    call(vault, "POST", "auth/token/roles/r", {"allowed_entity_aliases": "ann", "allowed_policies": "o"})
    found: str = call(vault, "POST", "auth/token/create/r", {"entity_alias": "ann"}).json["auth"]["client_token"]
    return found


def key(vault: World, name: str = "k", **fields: Any) -> Reply:
    return call(
        vault, "POST", f"{OIDC}/key/{name}", {"algorithm": "ES256", "allowed_client_ids": "*", **fields}, waits=True
    )


def role(vault: World, **fields: Any) -> Reply:
    return call(vault, "POST", f"{OIDC}/role/r", {"key": "k", "ttl": "1h", "client_id": "app", **fields}, waits=True)


def token(vault: World, bearer: str) -> str:
    found: str = call(vault, "GET", f"{OIDC}/token/r", token=bearer).data["token"]
    return found


def public_keys(vault: World) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(call(vault, "GET", f"{OIDC}/.well-known/keys", token="").text)["keys"]
    return found


def raw(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def head(signed: str) -> Any:
    return json.loads(raw(signed.partition(".")[0]))


def claims(signed: str) -> Any:
    return json.loads(raw(signed.split(".")[1]))


def verify(signed: str, key: dict[str, str]) -> None:
    """Check a token by a JSON Web Key, as RFC 7518 says. Raises InvalidSignature."""
    body, _, last = signed.rpartition(".")
    message, signature = body.encode(), raw(last)
    numbers = {name: int.from_bytes(raw(key[name]), "big") for name in ("n", "e", "x", "y") if name in key}
    if key["kty"] == "OKP":
        ed25519.Ed25519PublicKey.from_public_bytes(raw(key["x"])).verify(signature, message)
        return
    digest = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}[key["alg"][2:]]()
    if key["kty"] == "RSA":
        public = rsa.RSAPublicNumbers(numbers["e"], numbers["n"]).public_key()
        public.verify(signature, message, padding.PKCS1v15(), digest)
        return
    curve = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}[key["crv"]]()
    size = len(signature) // 2
    r, s = (int.from_bytes(half, "big") for half in (signature[:size], signature[size:]))
    point = ec.EllipticCurvePublicNumbers(numbers["x"], numbers["y"], curve).public_key()
    point.verify(encode_dss_signature(r, s), message, ec.ECDSA(digest))


def introspect(vault: World, signed: str, **fields: Any) -> Any:
    return json.loads(call(vault, "POST", f"{OIDC}/introspect", {"token": signed, **fields}).text)


def test_one_key_is_there_from_the_start(vault: World) -> None:
    assert call(vault, "LIST", f"{OIDC}/key").data == {"keys": ["default"]}
    assert call(vault, "GET", f"{OIDC}/key/default").data == {
        "algorithm": "RS256",
        "allowed_client_ids": ["*"],
        "rotation_period": 86400,
        "verification_ttl": 86400,
    }


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"rotation_period": "30s"}, "rotation_period must be at least one minute"),
        (
            {"rotation_period": "1h", "verification_ttl": "20h"},
            "verification_ttl cannot be longer than 10x rotation_period",
        ),
        ({"algorithm": "XX"}, 'unknown signing algorithm "XX"'),
    ],
)
def test_what_cannot_be_a_key_is_refused(vault: World, fields: dict[str, Any], text: str) -> None:
    assert key(vault, **fields).errors == [text]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"key": ""}, "the key parameter is required"),
        ({"key": "none"}, 'cannot find key "none"'),
        (
            {"ttl": "48h"},
            "a role's token ttl cannot be longer than the verification_ttl of the key it references",
        ),
        (
            {"template": "{bad"},
            "error parsing template JSON: invalid character 'b' looking for beginning of object key string",
        ),
        (
            {"template": '{"a":{{none.x}}}'},
            "error parsing template: no value could be found for one of the template directives",
        ),
        ({"template": '{"a":1}}'}, "error parsing template: unbalanced templating characters"),
        ({"template": '{"iss":"x"}'}, f'top level key "iss" not allowed. Restricted keys: {RESTRICTED}'),
    ],
)
def test_what_cannot_be_a_role_is_refused(vault: World, fields: dict[str, Any], text: str) -> None:
    key(vault)
    assert role(vault, **fields).errors == [text]


def test_a_role_without_a_client_id_gets_one(vault: World) -> None:
    key(vault)
    role(vault, client_id="")
    assert len(call(vault, "GET", f"{OIDC}/role/r").data["client_id"]) == 26


def test_keys_in_use_stay(vault: World) -> None:
    key(vault)
    role(vault)
    text = 'unable to delete key "k" because it is currently referenced by these roles: r'
    assert call(vault, "DELETE", f"{OIDC}/key/k").errors == [text]
    shorter = key(vault, verification_ttl="5m")
    assert "referenced by one or more roles with a token ttl greater than 300 seconds" in shorter.errors[0]
    assert call(vault, "DELETE", f"{OIDC}/key/default").errors == ['deletion of key "default" not allowed']


def test_a_token_says_who_asks(vault: World, bearer: str) -> None:
    key(vault)
    template = '{"me":{{identity.entity.name}},"of":{{identity.entity.groups.names}},"m":{{identity.entity.metadata}}}'
    role(vault, template=template)
    call(vault, "POST", f"{OIDC}/config", {"issuer": "https://id.example:8200"})
    ann = call(vault, "GET", "identity/entity/name/ann").data["id"]
    assert claims(token(vault, bearer)) == {
        "aud": "app",
        "exp": START + 3600,
        "iat": START,
        "iss": "https://id.example:8200/v1/identity/oidc",
        "m": {"team": "a"},
        "me": "ann",
        "namespace": "root",
        "of": ["devs"],
        "sub": ann,
    }


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512", "EdDSA", "RS256", "RS512"])
def test_the_published_keys_verify_it(vault: World, bearer: str, algorithm: str) -> None:
    key(vault, algorithm=algorithm)
    role(vault)
    signed = token(vault, bearer)
    assert head(signed)["alg"] == algorithm
    (published,) = [found for found in public_keys(vault) if found["kid"] == head(signed)["kid"]]
    verify(signed, published)


def test_only_an_entity_gets_a_token(vault: World) -> None:
    key(vault)
    role(vault)
    assert call(vault, "GET", f"{OIDC}/token/r").errors == ["no entity associated with the request's token"]
    assert call(vault, "GET", f"{OIDC}/token/none").errors == ['role "none" not found']


def test_a_key_signs_only_for_the_roles_it_allows(vault: World, bearer: str) -> None:
    key(vault, allowed_client_ids="other")
    role(vault)
    answer = call(vault, "GET", f"{OIDC}/token/r", token=bearer)
    assert answer.errors == ['the key "k" does not list the client ID of the role "r" as an allowed client ID']


def test_discovery_names_the_issuer_and_its_keys(vault: World) -> None:
    call(vault, "POST", f"{OIDC}/config", {"issuer": "http://id.example"})
    document = json.loads(call(vault, "GET", f"{OIDC}/.well-known/openid-configuration", token="").text)
    assert document["issuer"] == "http://id.example/v1/identity/oidc"
    assert document["jwks_uri"] == "http://id.example/v1/identity/oidc/.well-known/keys"


@pytest.mark.parametrize("issuer", ["https://a/path", "ftp://a", "a", "http://a?x=1", "http://u@a", "http://"])
def test_an_issuer_is_scheme_host_and_port(vault: World, issuer: str) -> None:
    answer = call(vault, "POST", f"{OIDC}/config", {"issuer": issuer})
    text = "invalid issuer, which must include only a scheme, host, and optional port (e.g. https://example.com:8200)"
    assert answer.errors == [text]


def test_a_key_rotated_out_verifies_for_a_while(vault: World, bearer: str) -> None:
    key(vault, rotation_period="1h", verification_ttl="2h")
    role(vault)
    old = token(vault, bearer)
    first = [found["kid"] for found in public_keys(vault)]
    call(vault, "POST", f"{OIDC}/key/k/rotate", {"verification_ttl": "10m"})
    assert head(token(vault, bearer))["kid"] == first[1]
    assert introspect(vault, old) == {"active": True}
    vault.clock.advance(601)
    assert introspect(vault, old) == {"active": False, "error": "unable to validate the token signature"}


def test_keys_rotate_by_themselves_as_time_goes_by(vault: World) -> None:
    key(vault, rotation_period="1h", verification_ttl="2h")
    role(vault)
    first = [found["kid"] for found in public_keys(vault)]
    vault.clock.advance(3601)
    second = [found["kid"] for found in public_keys(vault)]
    assert second[:2] == first
    assert len(second) == 3
    vault.clock.advance(365 * 24 * 3600)
    later = [found["kid"] for found in public_keys(vault)]
    assert not set(first) & set(later)
    assert len(later) == 4


@pytest.mark.parametrize(
    ("signed", "fault"),
    [
        ("x", "error parsing token: go-jose/go-jose: compact JWS format must have three parts"),
        ("a.b.c", "error parsing token: illegal base64 data at input byte 0"),
        ("eyJhbGciOiJSUzI1NiJ9.e30.eHg", "unable to validate the token signature"),
        ("eyJhbGciOiJub25lIn0.e30.", f'error parsing token: unexpected signature algorithm "none"; {EXPECTED}'),
    ],
)
def test_what_is_no_token_of_ours_is_told(vault: World, signed: str, fault: str) -> None:
    assert introspect(vault, signed) == {"active": False, "error": fault}


def test_introspection_looks_at_audience_time_and_entity(vault: World, bearer: str) -> None:
    key(vault)
    role(vault, ttl="10m")
    signed = token(vault, bearer)
    invalid = "error validating claims: go-jose/go-jose/jwt: validation failed, "
    assert introspect(vault, signed, client_id="app") == {"active": True}
    assert introspect(vault, signed, client_id="x")["error"] == f"{invalid}invalid audience claim (aud)"
    call(vault, "POST", "identity/entity/name/ann", {"disabled": True})
    assert introspect(vault, signed)["error"] == "entity is disabled"
    vault.clock.advance(661)
    assert introspect(vault, signed)["error"] == f"{invalid}token is expired (exp)"


def test_the_default_key_is_made_when_a_role_first_wants_it(vault: World) -> None:
    assert public_keys(vault) == []
    role(vault, key="default")
    assert [found["kty"] for found in public_keys(vault)] == ["RSA", "RSA"]
