"""Passwords, names and random bytes."""

import base64

import pytest

from sandboxd.fakes import OptionError, Source, generate, verify
from sandboxd.fakes.forms.chosen import unbase64


@pytest.mark.parametrize("length", [16, 17, 19, 20, 21, 30, 64, 256])
@pytest.mark.parametrize("characters", ["mixed", "alphanumeric", "lowercase", "symbols"])
def test_a_password_of_any_length_and_characters_is_recognised(length, characters, source):
    value = generate("password", source, {"length": length, "characters": characters})
    assert len(value) == length
    assert verify(value).kind.id == "password_marked"


@pytest.mark.parametrize("name", ["password", "snowflake.password"])
def test_a_password_has_four_classes_of_characters_unless_told_otherwise(name, source):
    value = generate(name, source)
    assert {"upper": any(map(str.isupper, value)), "lower": any(map(str.islower, value)),
            "digit": any(map(str.isdigit, value)), "other": not value.isalnum()} == dict.fromkeys(
        ("upper", "lower", "digit", "other"), True)  # fmt: skip


def test_classes_of_characters_are_kept(source):
    assert generate("password", source, {"characters": "alphanumeric"}).isalnum()
    lowercase = generate("password", source, {"characters": "lowercase"})
    assert lowercase.isalnum()
    assert lowercase == lowercase.lower()


def test_a_password_too_short_for_a_mark_is_refused(source):
    with pytest.raises(OptionError, match="password: length must be at least 16"):
        generate("password", source, {"length": 12})


def test_short_passwords_stay_apart():
    values = {generate("password", Source("s", "p", str(at)), {"length": 16}) for at in range(200)}
    assert len(values) == 200


@pytest.mark.parametrize(("kind", "tail"), [("token", 32), ("username", 14)])
def test_a_prefix_of_one_s_choice_is_part_of_what_the_mark_binds(kind, tail, source):
    value = generate(kind, source, {"prefix": "acme-"})
    assert value.startswith("acme-")
    assert len(value) == 5 + tail
    assert verify(value).made_here
    assert not verify("acmf-" + value[5:]).made_here


def test_a_prefix_with_blanks_is_refused(source):
    with pytest.raises(OptionError):
        generate("username", source, {"prefix": "a b"})


def test_mail_goes_to_reserved_domains_only(source):
    assert generate("email", source, {"domain": "mail.test"}).endswith("@mail.test")
    with pytest.raises(OptionError, match="reserved"):
        generate("email", source, {"domain": "gmail.com"})
    with pytest.raises(OptionError):
        generate("email", source, {"prefix": "a@b"})


def test_hex_has_two_digits_for_each_byte(source):
    value = generate("hex", source, {"bytes": 12})
    assert len(bytes.fromhex(value)) == 12
    assert verify(value).kind.id == "hex_marked"


@pytest.mark.parametrize(
    "options", [{}, {"bytes": 16}, {"bytes": 64, "alphabet": "url"}, {"bytes": 33, "padding": False}]
)
def test_base64_decodes_to_its_bytes_and_is_recognised(options, source):
    value = generate("base64", source, options)
    decoded = base64.urlsafe_b64decode(value.replace("+", "-").replace("/", "_") + "=" * (-len(value) % 4))
    assert len(decoded) == options.get("bytes", 32)
    assert verify(value).kind.id == "base64_marked"


def test_strings_are_drawn_from_what_was_asked_between_prefix_and_suffix(source):
    value = generate("string", source, {"length": 40, "characters": "digits", "prefix": "<", "suffix": ">"})
    assert value[0] + value[-1] == "<>"
    assert value[1:-1].isdigit()
    assert len(value) == 42


def test_a_string_and_a_pin_carry_no_mark(source):
    assert not verify(generate("string", source)).made_here
    pin = generate("pin", source)
    assert pin.isdigit()
    assert len(pin) == 6
    assert not verify(pin).made_here


@pytest.mark.parametrize("version", [4, 8])
def test_a_uuid_says_its_version(version, source):
    from uuid import RFC_4122, UUID

    value = UUID(generate("uuid", source, {"version": version}))
    assert (value.version, value.variant) == (version, RFC_4122)
    assert verify(str(value)).kind.id == "uuid4_marked"


@pytest.mark.parametrize("text", ["aGk=", "aGk", "-_-_", "+/+/", ""])
def test_base64_of_either_alphabet_is_decoded(text):
    assert unbase64(text) is not None


@pytest.mark.parametrize("text", ["aGl=", "aGk==", "a", "a!k=", "aGk=\n", "=", "é"])
def test_what_is_not_exactly_base64_is_not_decoded(text):
    assert unbase64(text) is None
