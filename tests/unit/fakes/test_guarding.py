"""The guard: what comes in, what is refused, in which order."""

import base64
import hashlib
import json
import zlib

import pytest

from sandboxd.fakes import Caution, Refusal, Rule, fingerprint, generate, guard
from sandboxd.fakes.alphabets import BASE62, digits
from sandboxd.fakes.guarding import is_placeholder, is_secret_name

BODY = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5"
GENUINE = "ghp_" + BODY + digits(zlib.crc32(BODY.encode()), BASE62, 6)
SHAPED = "glpat-" + "aB3dE5gH7j" * 2
# The secret key of RFC 8032, section 7.1, test 1.
UNMARKED_KEY = (
    "-----BEGIN PRIVATE" + " KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE" + " KEY-----\n"
)


def rule(literal, **given):
    found = guard(literal, **given)
    return None if found is None else (type(found), found.rule)


REAL = {
    "github": GENUINE,
    "npm": "npm_" + BODY + digits(zlib.crc32(BODY.encode()), BASE62, 6),
    "vercel": "vci_" + BODY + BODY[:20] + digits(zlib.crc32((BODY + BODY[:20]).encode()), BASE62, 6),
    "cloudflare": "cfat_" + BODY + BODY[:10] + f"{zlib.crc32((BODY + BODY[:10]).encode()):08x}",
    "bitbucket": (head := "ATBB" + BODY[:24]) + f"{zlib.crc32(head.encode()):08X}",
    "atlassian": (head := "ATCTT3" + (BODY * 6)[:177] + "=") + f"{zlib.crc32(head.encode()):08X}",
    "grafana": (head := "glsa_" + BODY + "xY") + "_" + zlib.crc32(head.encode()).to_bytes(4, "little").hex(),
    "github_fine": (head := "github_pat_" + BODY[:22] + "_" + (BODY * 2)[:43])
    + base64.b32encode(hashlib.sha256(head.encode()).digest())[:8].decode()
    + BODY[:8],
    "azure": "zzz" + "8Q~" + "z" * 31 + "blP",
}


@pytest.mark.parametrize("value", REAL.values(), ids=REAL)
def test_a_right_checksum_is_refused_and_nothing_overrides_that(value):
    found = guard(value)
    assert (type(found), found.rule) == (Refusal, Rule.CHECKSUM)
    assert not found.overridable


@pytest.mark.parametrize(
    "value",
    [
        SHAPED,
        "sk_" + "live_" + BODY,
        "sk_" + "test_" + BODY,
        "AKIA" + "IOSFODNN7ABCDEFG",
        "xoxb-" + "123456789012-1234567890123-" + BODY[:24],
        "sk-ant-" + "api03-" + (BODY * 4)[:93] + "AA",
        "hvs." + BODY[:24],
        "SG." + BODY[:22] + "." + (BODY * 2)[:43],
        "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + BODY,
        "https://hooks.slack.com/services/T12345678/B12345678/" + BODY[:24],
    ],
)
def test_the_form_of_a_provider_s_token_is_refused_unless_its_path_is_named(value):
    found = guard(value)
    assert (type(found), found.rule, found.overridable) == (Refusal, Rule.FORMAT, True)


@pytest.mark.parametrize(
    "value",
    [
        "AKIAIOSFODNN7" + "EXAMPLE",
        "ghp_" + "x" * 36,
        "ghp_" + "a" * 30 + "zzzzzz",
        "AKIA" + "7" * 16,
        "glpat-" + "XXXXXXXXXXXXXXXXXXXX",
        "https://hooks.slack.com/services/T00000000/B00000000/" + "X" * 24,
        "pk_" + "live_" + BODY,
        "",
        "just a sentence about a token",
    ],
)
def test_examples_placeholders_and_impossible_values_come_in(value):
    assert guard(value, key_name="note") is None


def test_a_foreign_private_key_is_refused():
    assert rule(UNMARKED_KEY) == (Refusal, Rule.KEY)


@pytest.mark.parametrize("label", ["RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY",
                                   "PGP PRIVATE KEY BLOCK", "DSA PRIVATE KEY"])  # fmt: skip
def test_a_private_key_that_cannot_be_read_is_refused(label):
    assert rule(f"-----BEGIN {label}-----\nAAAA\n-----END {label}-----") == (Refusal, Rule.KEY)


def test_our_key_does_not_let_another_in_beside_it(source):
    ours = generate("ed25519.private_key", source)
    assert guard(ours) is None
    assert rule(ours + UNMARKED_KEY) == (Refusal, Rule.KEY)


def test_a_foreign_service_account_is_refused_even_without_its_key():
    text = json.dumps(
        {"type": "service_account", "project_id": "x", "token_uri": "https://oauth2.googleapis.com/token"}
    )
    assert rule(text) == (Refusal, Rule.KEY)


def test_a_service_account_whose_token_uri_was_changed_is_refused(source):
    text = generate("gcp.service_account", source)
    assert guard(text) is None
    changed = text.replace("http://127.0.0.1:8200/fake/token", "https://oauth2.googleapis.com/token")
    assert rule(changed) == (Refusal, Rule.KEY)


@pytest.mark.parametrize(
    "url",
    [
        "postgres://app:s3cr3tPass@db.prod.corp.com:5432/app",
        "mongodb+srv://app:s3cr3tPass@cluster0.abcde.mongodb.net/x",
        "redis://:s3cr3tPass@10.0.0.5:6379/0",
        "https://user:s3cr3tPass@api.corp.io/v1",
        "mongodb://u:s3cr3tPass@127.0.0.1,db.corp.com/x",
    ],
)
def test_a_url_with_a_password_to_a_host_that_someone_owns_is_refused(url):
    found = guard(url)
    assert (type(found), found.rule, found.overridable) == (Refusal, Rule.ADDRESS, True)


@pytest.mark.parametrize(
    "url",
    [
        "postgres://app:s3cr3tPass@127.0.0.1:5432/app",
        "postgres://app:s3cr3tPass@db.test/app",
        "postgres://postgres:postgres@db:5432/app",
        "postgres://app:${PASSWORD}@db.prod.corp.com/app",
        "https://api.corp.io/v1?x=1",
    ],
)
def test_a_url_that_leads_nowhere_or_holds_no_password_comes_in(url):
    assert guard(url) is None


def test_a_random_password_to_a_container_is_a_caution():
    url = "postgres://app:x9K2mQ7vL4pR8sT3@db:5432/app"
    assert rule(url) == (Caution, Rule.ADDRESS)
    assert rule(url, strict=True) == (Refusal, Rule.ADDRESS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("twilio_auth_token", "0f9d3b1c5a7e48d2b6c1f0a9e8d7c6b5"),
        ("DB_PASSWORD", "tr0ub4dor&3"),
        ("dbPassword", "x9K2mQ7vL4pR"),
        ("client-secret", "x9K2mQ7vL4pR8sT3uV6w"),
        ("api.key", "550e8400-e29b-41d4-a716-446655440000"),
    ],
)
def test_a_field_named_like_a_secret_that_holds_one_is_a_caution_and_refused_when_strict(name, value):
    assert rule(value, key_name=name) == (Caution, Rule.SHAPELESS)
    assert rule(value, key_name=name, strict=True) == (Refusal, Rule.SHAPELESS)


def test_a_caution_names_the_kind_that_field_and_shape_suggest():
    assert guard("0f9d3b1c5a7e48d2b6c1f0a9e8d7c6b5", key_name="twilio_auth_token").kind == "twilio_auth_token"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("checksum", "0f9d3b1c5a7e48d2b6c1f0a9e8d7c6b5"),
        ("password", "changeme"),
        ("password", "${DB_PASSWORD}"),
        ("password", "{{ password }}"),
        ("secret_name", "x9K2mQ7vL4pR8sT3uV6w"),
        ("token_ttl", "3600s"),
        ("public_key", "x9K2mQ7vL4pR8sT3uV6w"),
        ("secret_path", "kv/data/app1234567890"),
        ("token", "/run/secrets/token1"),
        ("token_url", "https://auth.corp.io/token"),
    ],
)
def test_what_only_sounds_like_a_secret_comes_in(name, value):
    assert guard(value, key_name=name, strict=True) is None


def test_rules_are_asked_in_order():
    everything = {
        "password": "x9K2mQ7vL4pR8sT3",
        "url": "postgres://app:s3cr3tPass@db.prod.corp.com/app",
        "key": UNMARKED_KEY,
        "gitlab": SHAPED,
        "github": GENUINE,
    }
    for expected in (Rule.CHECKSUM, Rule.FORMAT, Rule.KEY, Rule.ADDRESS, Rule.SHAPELESS):
        assert guard(json.dumps(everything)).rule is expected
        everything.popitem()
    assert guard(json.dumps(everything)) is None


def test_a_refusal_comes_before_a_caution_of_an_earlier_rule():
    text = json.dumps({"a": "postgres://app:x9K2mQ7vL4pR8sT3@db:5432/app", "b": "redis://:s3cr3tPass@db.corp.com/0"})
    assert rule(text) == (Refusal, Rule.ADDRESS)


@pytest.mark.parametrize("value", [GENUINE, SHAPED, UNMARKED_KEY])
def test_values_are_found_behind_one_layer_of_base64(value):
    found = guard(base64.b64encode(value.encode()).decode())
    assert isinstance(found, Refusal)
    assert found.where == "in base64"


def test_a_password_in_basic_credentials_is_judged():
    header = "Basic " + base64.b64encode(b"admin:x9K2mQ7vL4pR8sT3").decode()
    assert rule(header, key_name="header") == (Caution, Rule.SHAPELESS)


def test_values_are_found_inside_json_under_their_own_names():
    found = guard(json.dumps({"a": [{"dbPassword": "x9K2mQ7vL4pR8sT3"}]}))
    assert (found.rule, found.where) == (Rule.SHAPELESS, "in JSON, dbPassword")
    found = guard(json.dumps({"note": [base64.b64encode(SHAPED.encode()).decode()]}))
    assert (found.rule, found.where) == (Rule.FORMAT, "in JSON, note, in base64")


def test_values_are_found_in_the_middle_of_a_text():
    assert rule(f"#!/bin/sh\nexport TOKEN='{SHAPED}'\n") == (Refusal, Rule.FORMAT)


@pytest.mark.parametrize("value", [GENUINE, SHAPED, "postgres://app:s3cr3tPass@db.prod.corp.com/app"])
def test_what_the_guard_says_never_holds_the_value(value):
    found = guard(value, key_name="x")
    for text in (str(found), repr(found)):
        assert value not in text
        assert "s3cr3tPass" not in text
    assert found.fingerprint in str(found)


def test_the_fingerprint_is_salted_and_tells_values_apart():
    assert guard(SHAPED).fingerprint == fingerprint(SHAPED)
    assert guard(SHAPED, salt=b"mine").fingerprint == fingerprint(SHAPED, b"mine") != fingerprint(SHAPED)
    assert fingerprint(SHAPED) != fingerprint(SHAPED + "x")
    assert len(fingerprint(SHAPED)) == 12


def test_a_fake_of_ours_in_json_or_base64_comes_in(source):
    token, password = generate("github.pat", source), generate("password", source)
    assert guard(json.dumps({"token": token, "password": password}), strict=True) is None
    assert guard(base64.b64encode(token.encode()).decode(), key_name="token") is None


def test_a_real_token_in_a_url_of_ours_is_refused(source):
    assert rule(generate("redis.url", source) + "?t=" + SHAPED) == (Refusal, Rule.FORMAT)


def test_a_fake_password_to_a_container_comes_in(source):
    assert guard(generate("postgres.url", source, {"host": "db"}), key_name="password", strict=True) is None


def test_a_fake_password_to_a_real_host_is_refused(source):
    url = f"postgres://app:{generate('password', source)}@db.prod.corp.com/app"
    assert rule(url) == (Refusal, Rule.ADDRESS)


@pytest.mark.parametrize(("name", "secret"), [("password", True), ("DB_PASS", True), ("apiKey", True), ("auth", True),
                                              ("author", False), ("compass", False), ("keyboard", False),
                                              ("aws_access_key_id", False), ("key", True),
                                              ("monkey", False)])  # fmt: skip
def test_names_that_say_secret(name, secret):
    assert is_secret_name(name) is secret


@pytest.mark.parametrize("value", ["$TOKEN", "<your token>", "changeme", "CHANGE_ME", "********", "...", "your-api-key",
                                   "replace-me", "[REDACTED]", "xxxxxxxxxxxxxxxxxx", "%(token)s"])  # fmt: skip
def test_placeholders(value):
    assert is_placeholder(value)


def test_text_that_utf_8_cannot_hold_is_judged_too():
    text = json.dumps({"token": f"\ud800 {SHAPED}", "password": "\udc00x9K2mQ7vL4pR8sT3", "jwt": "eyJ.\ud800"})
    assert rule(text) == (Refusal, Rule.FORMAT)


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PRIVATE" + " KEY-----\n" * 3000,
        ("-----BEGIN PRIVATE" + " KEY-----\n") * 3000,
        "a." * 50_000 + "://:@",
        "eyJaaaaaaaa." * 10_000,
        "{" * 100_000 + '"service_account"',
        "a=b;" * 30_000 + "AccountKey=",
        "[" * 5000,
    ],
)
def test_a_long_text_made_to_be_slow_is_not(text):
    """Each takes minutes when a pattern looks for its end from every start."""
    assert isinstance(guard(text, key_name="note"), Refusal | None)
