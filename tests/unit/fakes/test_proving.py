"""Whose value is it."""

import zlib

import pytest

from sandboxd.fakes import Proof, Status, generate, identify, verify
from sandboxd.fakes.alphabets import BASE62, digits


def valid_github(prefix="ghp_", body="a1B2" * 7 + "zz"):
    """A token whose checksum is right, as GitHub would have issued it."""
    return prefix + body + digits(zlib.crc32(body.encode()), BASE62, 6)


def test_a_value_made_here_is_named_with_its_class_and_what_may_be_claimed(source):
    verdict = verify(generate("github.pat", source))
    assert verdict.made_here
    assert verdict.proof is Proof.IMPOSSIBLE
    assert verdict.claim == "No provider can have issued it."
    assert verdict.structure == "The last 6 base62 digits write a number above 2^32 - 1, which no CRC32 can be."
    assert round(verdict.bits, 1) == 59.5


def test_a_right_checksum_is_taken_for_real():
    verdict = verify(valid_github())
    assert (verdict.status, verdict.kind.id) == (Status.POSSIBLY_REAL, "github_ghp")
    assert verdict.findings[0].genuine
    assert "take it for real" in verdict.claim


def test_an_impossible_checksum_without_a_mark_is_impossible():
    verdict = verify("ghp_" + "a" * 30 + "zzzzzz")
    assert verdict.status is Status.IMPOSSIBLE
    assert verdict.structure


def test_a_wrong_checksum_that_could_be_one_is_not_called_impossible():
    token = valid_github()
    wrong = token[:10] + ("x" if token[10] != "x" else "y") + token[11:]
    assert verify(wrong).status is Status.POSSIBLY_REAL


def test_the_shape_alone_makes_a_token_possibly_real():
    assert verify("glpat-" + "aB3dE5gH7j" * 2).status is Status.POSSIBLY_REAL


@pytest.mark.parametrize("value", ["AKIAIOSFODNN7" + "EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "EXAMPLEKEY"])
def test_a_published_example_is_known(value):
    assert verify(value).status is Status.DOCUMENTED


def test_the_alphabet_in_a_value_makes_it_an_example():
    assert verify("ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789").status is Status.DOCUMENTED


def test_an_aws_account_of_twelve_digits_is_possibly_real():
    # The first published example decodes to an account; its ending is changed, so that it is no example any more.
    assert verify("AKIAIOSFODNN7" + "EXAMPLF").status is Status.POSSIBLY_REAL
    assert verify("AKIA" + "7" * 16).status is Status.IMPOSSIBLE


@pytest.mark.parametrize("value", ["", "hello", "d41d8cd98f00b204e9800998ecf8427e", "correct horse battery staple"])
def test_what_nothing_is_known_of_is_not_recognised(value):
    verdict = verify(value)
    assert verdict.status is Status.UNKNOWN
    assert verdict.proof is None


def test_a_hint_is_not_a_proof():
    """Class S*: a leading zero in a Slack id excuses nothing without a mark."""
    value = "xoxb-" + "012345678901-0123456789012-" + "aB3" * 8
    assert verify(value).status is Status.POSSIBLY_REAL


def test_hex_verifies_in_capitals_too(source):
    assert verify(generate("uuid", source).upper()).kind.id == "uuid4_marked"
    assert verify(generate("datadog.api_key", source).upper()).kind.id == "datadog_api_key"


def test_a_url_to_a_container_is_ours_but_claims_no_more_than_its_password(source):
    verdict = verify(generate("postgres.url", source, {"host": "db"}))
    assert verdict.made_here
    assert verdict.proof is Proof.CHOSEN
    assert verdict.claim == Proof.CHOSEN.claim
    assert verdict.structure == ""


def test_the_specific_kind_of_a_url_comes_before_the_general_one(source):
    assert identify(generate("postgres.url", source))[0].kind.id == "postgres_url"


def test_a_service_account_is_named_before_the_key_inside_it(source):
    found = identify(generate("gcp.service_account", source))
    assert [finding.kind.id for finding in found if finding.marked] == ["gcp_service_account", "pem_rsa"]


def test_password_claims_never_harmlessness(source):
    assert "real use cannot be told" in verify(generate("password", source)).claim


def test_every_class_has_a_claim():
    assert all(proof.claim.endswith(".") for proof in Proof)
