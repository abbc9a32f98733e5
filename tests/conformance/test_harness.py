"""The conformance machinery itself: it must see what differs, and only that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conformance.client import Answer, dig
from conformance.compare import compare
from conformance.normalise import Normaliser, encoding
from conformance.servers import Server

NOW = 1_800_000_000.0
TOKEN = "s.aB3dE5gH7jK9mN1pQ3sT5vW7"
OTHER = "s.zY2xW4vU6tS8rQ0pO2nM4lK6"


@pytest.fixture
def look() -> Normaliser:
    never_started: Any = None
    return Normaliser(Server("oracle", 1, Path("/nowhere"), never_started, (NOW - 9, NOW - 8)))


def body(look: Normaliser, value: Any, number: int = 1, **random: str) -> Any:
    answer = Answer(200, (), json.dumps(value).encode())
    return look.answer(number, answer, NOW, {path.replace("__", "."): kind for path, kind in random.items()})["body"]


def test_a_token_seen_again_is_the_same_token(look: Normaliser) -> None:
    assert body(look, {"auth": {"client_token": TOKEN}}) == {"auth": {"client_token": "<token>"}}
    again = body(look, {"id": TOKEN, "other": OTHER}, 2)
    assert again == {"id": "<token = 1 body.auth.client_token>", "other": "<token>"}


def test_a_token_of_the_wrong_form_is_left_as_it_is(look: Normaliser) -> None:
    for wrong in (TOKEN[:-1], TOKEN.lower(), TOKEN.replace("s.", "x."), f"{TOKEN}-"):
        assert body(look, {"id": wrong}) != {"id": "<token>"}


def test_random_values_are_found_inside_of_texts(look: Normaliser) -> None:
    uuid = "01234567-89ab-cdef-0123-456789abcdef"
    assert body(look, ["path " + uuid]) == ["path <uuid>"]
    assert body(look, ["kv_0a1b2c3d"]) == ["kv_<mount accessor>"]


def test_times_say_how_far_they_are_from_now(look: Normaliser) -> None:
    later = "2027-01-15T09:00:00.123456789Z"  # an hour after NOW
    assert body(look, {"t": later}) == {"t": "<time +3600s with a fraction Z>"}
    assert body(look, {"t": "2027-01-15T09:00:00Z"}) == {"t": "<time +3600s Z>"}
    assert body(look, {"t": int(NOW)}) == {"t": "<unix +0s>"}
    assert body(look, {"t": int(NOW) - 8}) == {"t": "<unix at start>"}
    assert body(look, {"t": "0001-01-01T00:00:00Z"}) == {"t": "0001-01-01T00:00:00Z"}


def test_numbers_and_texts_that_are_no_times_stay(look: Normaliser) -> None:
    value = {"n": 3600, "f": 1.5, "t": "aGVsbG8=", "b": True, "z": None}
    assert body(look, value) == value


def test_declared_values_are_held_to_their_format(look: Normaliser) -> None:
    assert body(look, {"a": {"b": "AAAA"}}, a__b="base64 3") == {"a": {"b": "<base64 3>"}}
    assert body(look, {"a": {"b": "AAAA"}}, a__b="base64 4") == {"a": {"b": "AAAA"}}
    assert body(look, {"a": "xyz"}, a="hex 3") == {"a": "xyz"}
    assert body(look, {"a": ["b", "a"]}, a="any order") == {"a": ["a", "b"]}


def test_random_names_and_lists_are_put_in_an_order_of_their_own(look: Normaliser) -> None:
    first, second = (f"{digit * 8}-0000-0000-0000-000000000000" for digit in "ba")
    body(look, {"one": first, "two": second})
    seen = {"keys": [second, first], "info": {second: 2, first: 1}}
    assert body(look, seen, 2) == {
        "keys": ["<uuid = 1 body.one>", "<uuid = 1 body.two>"],
        "info": {"<uuid = 1 body.one>": 1, "<uuid = 1 body.two>": 2},
    }


def test_the_way_json_is_written_is_told() -> None:
    assert encoding('{"a":["\\u003c\\u0026",1]}\n') == "as Go"
    assert encoding('{"a":1}') == "no newline at the end"
    assert encoding('{"a": 1}\n') == "spaces between tokens"
    assert encoding('{"a":"<"}\n') == "strings are escaped otherwise"
    assert encoding('{"a":"\\u00e9"}\n') == "strings are escaped otherwise"


def paths(expected: Any, got: Any) -> list[str]:
    return [difference.path for difference in compare(expected, got)]


def test_all_differences_are_found() -> None:
    assert paths({"a": 1, "b": [1, 2]}, {"a": 1, "b": [1, 2]}) == []
    assert paths({"a": 1, "b": 2}, {"a": 2, "c": 3}) == ["a", "b", "c"]
    assert paths({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}) == ["a[1].b"]
    assert paths([1, 2], [1]) == [""]
    assert paths({"a": 1, "b": 2}, {"b": 2, "a": 1}) == ["{order}"]
    assert paths({"a": 1}, {"a": True}) == ["a"]
    assert paths({"a": 1}, {"a": 1.0}) == ["a"]


def test_times_differ_only_by_more_than_a_moment() -> None:
    assert paths("<time +3600s Z>", "<time +3601s Z>") == []
    assert paths("<time +3600s Z>", "<time +3700s Z>") == [""]
    assert paths("<time +3600s Z>", "<time +3600s with a fraction Z>") == [""]
    assert paths("<unix at start>", "<unix -1s>") == []
    assert paths({"ttl": 3600}, {"ttl": 3599}) == []
    assert paths({"ttl": 3600}, {"ttl": 3500}) == ["ttl"]
    assert paths({"lease_duration": 3600}, {"lease_duration": 3599}) == ["lease_duration"]


def test_values_are_found_by_dotted_paths() -> None:
    document = {"a": {"b.c": [{"d": 5}]}, "kv/": {"x": 1}}
    assert dig(document, "a.b.c.0.d") == 5
    assert dig(document, "kv/.x") == 1
    assert dig(document, "a.none") == ""
