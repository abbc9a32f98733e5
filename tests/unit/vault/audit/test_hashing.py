"""Hashing and JSON of audit lines. Expected values follow Go's encoding and OpenBao's salt package."""

import hmac

import pytest

from sandboxd.vault.audit.hashing import as_json, encode, hash_values, hasher

NONE = frozenset()


def mark(text):
    return f"#{text}"


def test_a_hash_is_an_hmac_under_the_salt():
    assert hasher("salt")("text") == "hmac-sha256:" + hmac.new(b"salt", b"text", "sha256").hexdigest()


def test_only_strings_are_hashed_and_names_are_sorted():
    data = {"z": "s", "a": [1, True, None, "s", {"k": "s"}]}
    assert list(hash_values(data, mark, NONE).items()) == [("a", [1, True, None, "#s", {"k": "#s"}]), ("z", "#s")]


@pytest.mark.parametrize(
    "text",
    ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00.123456789Z", "2020-12-31T23:59:59+02:00"],
)
def test_time_stamps_stay(text):
    assert hash_values({"t": text}, mark, NONE) == {"t": text}


@pytest.mark.parametrize(
    "text", ["2020-01-01", "2020-13-01T00:00:00Z", "2020-01-01T24:00:00Z", " 2020-01-01T00:00:00Z"]
)
def test_what_only_looks_like_a_time_stamp_is_hashed(text):
    assert hash_values({"t": text}, mark, NONE) == {"t": mark(text)}


def test_a_spared_name_spares_what_is_in_its_lists_but_not_other_names_below():
    data = {"k": ["a", "b"], "l": {"k": "c", "m": "d"}}
    assert hash_values(data, mark, frozenset({"k"})) == {"k": ["a", "b"], "l": {"k": "c", "m": "#d"}}


def test_numbers_come_out_as_gos_floats_do():
    assert encode(hash_values({"a": 1.0, "b": 2**53 + 1, "c": 1.5}, mark, NONE)) == (
        b'{"a":1,"b":9007199254740992,"c":1.5}\n'
    )


def test_the_signs_of_html_are_escaped():
    assert encode({"a": "<b> & \u2028"}) == b'{"a":"\\u003cb\\u003e \\u0026 \\u2028"}\n'


def test_structures_become_plain_data():
    assert as_json({"a": (1, 2), "b": {"c": ("x",)}}) == {"a": [1, 2], "b": {"c": ["x"]}}


def test_bytes_that_are_no_utf8_do_not_keep_an_entry_from_being_written():
    assert encode({"path": "secret/data/\udcff"}) == '{"path":"secret/data/\ufffd"}\n'.encode()
