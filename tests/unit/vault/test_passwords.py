"""Password policies. Texts were recorded from OpenBao 2.7.2."""

import re

import pytest

from sandboxd.vault.entropy import Entropy
from sandboxd.vault.namespaces import ROOT
from sandboxd.vault.passwords import (
    DEFAULT,
    PasswordPolicy,
    Rule,
    StoredPolicy,
    generate,
    key,
    load,
    parse,
    possible,
)
from sandboxd.vault.storage import Storage

DECODING = "decoding failed due to the following error(s):\n\n"
CHARSET = f"unable to parse rules: unable to parse rule charset: failed to parse charset restriction: {DECODING}"


def test_a_policy_has_a_length_and_rules():
    policy = parse(
        'length = 20\nrule "charset" {\n charset = "abc"\n min-chars = 1\n}\nrule "charset" { charset = "x" }'
    )
    assert policy == PasswordPolicy(20, (Rule("abc", 1), Rule("x", 0)))
    assert policy.charset == "abcx"


@pytest.mark.parametrize(
    "text",
    [
        '{"length":20,"rule":[{"charset":{"charset":"ab","min-chars":1}}]}',
        '{"length":20,"rule":{"charset":{"charset":"ab","min-chars":1}}}',
        'Length=20.0\nrule "charset" { Charset="ab" MIN-CHARS=1.9 other=3 }',
        'length=0x14\nrule "charset" { charset=[97,98] min-chars=1 }',
    ],
)
def test_a_policy_is_read_leniently(text):
    assert parse(text) == PasswordPolicy(20, (Rule("ab", 1),))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "2 errors occurred:\n\t* length must be > 0\n\t* no charset specified\n\n"),
        ("length=20", "1 error occurred:\n\t* no charset specified\n\n"),
        (
            'length="20"',
            f"failed to decode configuration: {DECODING}'length' expected type 'int', got unconvertible type 'string'",
        ),
        (
            "length=true",
            f"failed to decode configuration: {DECODING}'length' expected type 'int', got unconvertible type 'bool'",
        ),
        ('length=20\nRULE "charset" { charset="ab" }', "1 error occurred:\n\t* no charset specified\n\n"),
        ('length=20\nrule "charset" "b" { charset="a" }', "1 error occurred:\n\t* no charset specified\n\n"),
        (
            'length=20\nrule "charset" { charset="a" min-chars=21 }',
            "1 error occurred:\n\t* specified rules require at least 21 characters but 20 is specified\n\n",
        ),
        (
            'length=20\nrule "charset" { charset="a" min-chars="2" }',
            f"{CHARSET}'min-chars' expected type 'int', got unconvertible type 'string'",
        ),
        (
            'length=20\nrule "charset" { charset=["a","b"] }',
            (
                f"{CHARSET}'charset[0]' expected type 'int32', got unconvertible type 'string'\n"
                "'charset[1]' expected type 'int32', got unconvertible type 'string'"
            ),
        ),
        (
            'length=20\nrule "charset" { charset=5 }',
            f"{CHARSET}'charset' source data must be an array or slice, got int",
        ),
        (
            'length=20\nrule "charset" { charset={} }',
            f"{CHARSET}'charset[0]' expected type 'int32', got unconvertible type 'map[string]interface {{}}'",
        ),
        (
            'length=20\nrule "foo" { charset="a" }',
            "unable to parse rules: unable to parse rule foo: unrecognized rule type foo",
        ),
        (
            'length=20\nrule { charset="a" }',
            (
                "unable to parse rules: unable to get rule info: unable to get rule data: "
                "'' source data must be an array or slice, got string"
            ),
        ),
        ('length=20\nrule = "x"', "unable to retrieve rules: '' source data must be an array or slice, got string"),
        (
            'length=20\nrule "charset" { charset="a\\nb" }',
            "1 error occurred:\n\t* non-printable character in charset\n\n",
        ),
        (
            'length = 20 rule "charset" { charset = "ab"',
            "unable to decode: At 1:45: object expected closing RBRACE got: EOF",
        ),
    ],
)
def test_a_bad_policy_is_refused_in_the_real_servers_words(text, error):
    with pytest.raises(ValueError, match=f"^{re.escape(error)}$"):
        parse(text)


def test_a_password_keeps_to_its_policy():
    policy = PasswordPolicy(12, (Rule("abc", 2), Rule("0123456789", 5), Rule("-", 1)))
    entropy = Entropy("passwords")
    for _ in range(200):
        password = generate(policy, entropy)
        assert len(password) == 12
        assert set(password) <= set(policy.charset)
        assert all(rule.passes(password) for rule in policy.rules)


def test_every_password_that_passes_is_as_likely_as_any_other():
    policy = PasswordPolicy(2, (Rule("ab", 1), Rule("c", 0)))
    entropy = Entropy("passwords")
    counts: dict[str, int] = {}
    for _ in range(8_000):
        password = generate(policy, entropy)
        counts[password] = counts.get(password, 0) + 1
    assert sorted(counts) == ["aa", "ab", "ac", "ba", "bb", "bc", "ca", "cb"]
    assert all(850 < count < 1_150 for count in counts.values())


def test_a_policy_that_few_passwords_pass_still_makes_one():
    policy = PasswordPolicy(100, (Rule("a", 50), Rule("b", 50)))
    password = generate(policy, Entropy("passwords"))
    assert (password.count("a"), password.count("b")) == (50, 50)
    assert password not in ("a" * 50 + "b" * 50, "b" * 50 + "a" * 50)


def test_the_default_policy_mixes_four_kinds():
    password = generate(DEFAULT, Entropy("passwords"))
    assert len(password) == 20
    assert all(rule.passes(password) for rule in DEFAULT.rules)


def test_a_charset_can_be_too_long():
    policy = PasswordPolicy(10, (Rule("".join(chr(0x4E00 + index) for index in range(300))),))
    with pytest.raises(ValueError, match="charset is too long: limited to 255 characters"):
        generate(policy, Entropy("passwords"))


def test_a_rule_that_asks_for_characters_it_lacks_is_impossible():
    assert not possible(PasswordPolicy(5, (Rule("", 1), Rule("a", 1))))
    assert possible(DEFAULT)


def test_a_policy_is_loaded_by_its_name():
    storage = Storage()
    storage.put(key(ROOT, "a/b"), StoredPolicy('length=4 rule "charset" { charset="x" }'))
    policy = load(storage, ROOT, "a/b")
    assert policy is not None
    assert generate(policy, Entropy()) == "xxxx"
    assert load(storage, ROOT, "a") is None


def test_the_same_seed_makes_the_same_password():
    assert generate(DEFAULT, Entropy("one")) == generate(DEFAULT, Entropy("one")) != generate(DEFAULT, Entropy("two"))
