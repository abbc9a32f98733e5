"""AWS key ids. The arithmetic and its examples: awsteele.com, 2020-09-26, and AWS's own documentation."""

import pytest

from sandboxd.fakes import Source, generate
from sandboxd.fakes.forms.aws import account


def test_a_published_id_gives_its_account_number():
    assert account("ASIAQNZGKIQY" + "56JQ7WML") == 29608264753


def test_the_documentation_s_id_is_of_the_older_form_that_holds_no_number():
    assert account("AKIAIOSFODNN7" + "EXAMPLE") is None


@pytest.mark.parametrize("value", ["", "AKIA", "AKIA" + "1" * 16, "AROA" + "A" * 16])
def test_what_is_no_key_id_has_no_account(value):
    assert account(value) is None


@pytest.mark.parametrize(("name", "prefix"), [("aws.access_key_id", "AKIA"), ("aws.temporary_access_key_id", "ASIA")])
def test_the_account_of_every_id_made_here_has_more_than_twelve_digits(name, prefix):
    for version in range(200):
        value = generate(name, Source("s", "p", "f", version))
        assert value.startswith(prefix)
        assert 10**12 <= account(value) < 2**40
