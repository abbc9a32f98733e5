"""URLs as Go reads them. What is refused, and how, was captured from OpenBao's database plugins."""

from __future__ import annotations

import re

import pytest

from sandboxd.vault.framework import urls


def test_a_url_is_taken_apart() -> None:
    url = urls.parse("postgresql://v%40ult:p%2Fw@127.0.0.1:5432/app%20db?sslmode=disable&a=b+c#end")
    assert (url.scheme, url.username, url.password) == ("postgresql", "v@ult", "p/w")
    assert (url.host, url.hostname, url.port) == ("127.0.0.1:5432", "127.0.0.1", "5432")
    assert (url.path, url.query) == ("/app db", {"sslmode": "disable", "a": "b c"})


def test_what_is_missing_is_empty_or_none() -> None:
    url = urls.parse("nonsense")
    assert (url.scheme, url.username, url.password, url.host, url.path) == ("", None, None, "", "nonsense")
    assert urls.parse("x://user@h").password is None
    assert urls.parse("x://user:@h").password == ""


def test_the_user_ends_at_the_last_at_sign() -> None:
    url = urls.parse("x://a:b@c@host/")
    assert (url.username, url.password, url.host) == ("a", "b@c", "host")


def test_an_ipv6_address_stands_in_brackets() -> None:
    url = urls.parse("x://[::1]:6379")
    assert (url.host, url.hostname, url.port) == ("[::1]:6379", "::1", "6379")
    assert urls.parse("x://[::1]").port == ""


def test_several_hosts_are_one_to_go() -> None:
    assert urls.parse("postgresql://127.0.0.1:1,127.0.0.1:2/db").host == "127.0.0.1:1,127.0.0.1:2"


def test_the_first_of_two_parameters_counts_and_malformed_ones_are_left_out() -> None:
    assert urls.parse("x://h?a=1&a=2&b=%zz&c;d=1&e").query == {"a": "1", "e": ""}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("%zz", 'invalid URL escape "%zz"'),
        ("postgresql://%zz@127.0.0.1/x", 'invalid URL escape "%zz"'),
        ("postgresql://u:p@127.0.0.1:15432,/postgres", 'invalid port ":15432," after host'),
        ("http://127.0.0.1:1:1", 'invalid port ":1:1" after host'),
        ("x://u:p w@h", "net/url: invalid userinfo"),
        ("x://[::1", "missing ']' in host"),
        ("x://a b", 'invalid character " " in host name'),
        (":x", "missing protocol scheme"),
        ("1a:b", "first path segment in URL cannot contain colon"),
        ("x://h\n", "net/url: invalid control character in URL"),
        ("x://h%4", 'invalid URL escape "%4"'),
    ],
)
def test_what_go_refuses_is_refused_in_its_words(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        urls.parse(text)


def test_a_path_segment_keeps_what_go_lets_stand() -> None:
    assert urls.path_escaped("a$&+=:@~/?;,% é") == "a$&+=:@~%2F%3F%3B%2C%25%20%C3%A9"


def test_a_password_is_not_shown() -> None:
    assert "hidden" not in repr(urls.parse("x://u:hidden@h"))
