"""PostgreSQL connection strings. What is refused, and how, was captured from OpenBao."""

from __future__ import annotations

import ssl

import pytest

from sandboxd.engines.database.drivers import postgres
from sandboxd.engines.database.drivers.postgres_url import read
from sandboxd.engines.database.plugin import PluginError
from sandboxd.vault.errors import Refusal


def test_a_url_says_who_and_where() -> None:
    found = read("postgresql://v%40ult:p%2Fw@127.0.0.1:6432/app?sslmode=disable&application_name=x&timezone=UTC")
    assert (found.user, found.password, found.database) == ("v@ult", "p/w", "app")
    assert [(place.host, place.port) for place in found.places] == [("127.0.0.1", 6432)]
    assert found.parameters == {"application_name": "x", "timezone": "UTC"}


def test_pairs_say_the_same() -> None:
    found = read(r"  host=localhost port = 6432 user=vault password='it\'s a \\' dbname=app sslmode=disable ")
    assert (found.user, found.password, found.database) == ("vault", "it's a \\", "app")
    assert [(place.host, place.port) for place in found.places] == [("localhost", 6432)]


def test_the_port_is_5432_where_none_is_given() -> None:
    assert read("postgres://127.0.0.1/").places[0].port == 5432


def test_several_hosts_have_ports_of_their_own_or_the_first() -> None:
    own = read("postgres://127.0.0.1:1,[::1]:2/")
    assert [(place.host, place.port) for place in own.places] == [("127.0.0.1", 1), ("::1", 2)]
    shared = read("host=127.0.0.1,localhost port=7")
    assert [place.port for place in shared.places] == [7, 7]


def test_the_host_of_a_parameter_wins_over_that_of_the_url() -> None:
    assert read("postgres://127.0.0.1/?host=/run/pg").places[0].local


def test_a_socket_is_never_encrypted() -> None:
    assert read("host=/run/pg sslmode=require").places[0].contexts == (None,)


@pytest.mark.parametrize(
    ("mode", "ways"),
    [
        ("disable", [None]),
        ("allow", [None, ssl.CERT_NONE]),
        ("prefer", [ssl.CERT_NONE, None]),
        ("", [ssl.CERT_NONE, None]),
        ("require", [ssl.CERT_NONE]),
        ("verify-ca", [ssl.CERT_REQUIRED]),
        ("verify-full", [ssl.CERT_REQUIRED]),
    ],
)
def test_the_mode_says_which_encryption_is_tried(mode: str, ways: list[object]) -> None:
    place = read(f"host=localhost sslmode={mode}").places[0]
    assert [context and context.verify_mode for context in place.contexts] == ways


def test_only_the_strictest_mode_looks_at_the_name() -> None:
    assert [
        read(f"host=localhost sslmode={mode}").places[0].contexts[0].check_hostname  # type: ignore[union-attr]
        for mode in ("require", "verify-ca", "verify-full")
    ] == [False, False, True]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nonsense", "invalid keyword/value"),
        ("host=127.0.0.1 port", "invalid keyword/value"),
        ("host='127.0.0.1", "unterminated quoted string in connection info string"),
        ("host=a\\", "invalid backslash"),
        ("postgresql://%zz@127.0.0.1/x", 'invalid URL escape "%zz"'),
        ("postgresql://127.0.0.1:99999/x", 'strconv.ParseUint: parsing "99999": value out of range'),
        ("host=localhost port=x", 'strconv.ParseUint: parsing "x": invalid syntax'),
        ("host=localhost port=0", "outside range"),
        ("postgresql://127.0.0.1/?sslmode=bogus", "sslmode is invalid"),
        ("postgresql://127.0.0.1/?connect_timeout=x", 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("postgresql://127.0.0.1/?connect_timeout=-1", "negative timeout"),
        ("postgresql://127.0.0.1/?target_session_attrs=foo", "%!w(<nil>)"),
        (
            "postgresql://127.0.0.1/?sslrootcert=/nope&sslmode=verify-ca",
            "unable to read CA file: open /nope: no such file or directory",
        ),
        ("postgresql://127.0.0.1/?sslcert=/nope", 'both "sslcert" and "sslkey" are required'),
    ],
)
def test_what_pgx_refuses_is_refused_in_its_words(text: str, reason: str) -> None:
    with pytest.raises(PluginError) as caught:
        read(text)
    assert caught.value.text == f"cannot parse connection url: {reason}"


@pytest.mark.parametrize("name", ["service", "servicefile", "passfile"])
def test_nothing_is_taken_from_files_that_could_lead_elsewhere(name: str) -> None:
    with pytest.raises(Refusal, match=f"it does not follow {name}"):
        read(f"postgresql://127.0.0.1/?{name}=x")


def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGHOST": "db.example", "PGPORT": "1", "PGSERVICE": "x", "PGPASSWORD": "x"}.items():
        monkeypatch.setenv(name, value)
    found = read("user=vault sslmode=disable")
    assert found.password == ""
    assert all(place.port == 5432 and place.host != "db.example" for place in found.places)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://db.example/x",
        "postgresql://127.0.0.1,db.example/x",
        "postgresql://127.0.0.1/x?host=db.example",
        "host=127.0.0.1,10.0.0.1",
        "host='db.example'",
    ],
)
def test_a_host_elsewhere_is_refused_wherever_it_stands(text: str) -> None:
    with pytest.raises(Refusal, match="the database app is elsewhere"):
        postgres.check(read(text), "the database app")


def test_an_address_for_a_host_is_not_followed_but_sent_to_the_server() -> None:
    assert read("postgresql://127.0.0.1/?hostaddr=10.0.0.1").parameters == {"hostaddr": "10.0.0.1"}


def test_a_password_is_not_shown() -> None:
    assert "hidden" not in repr(read("postgresql://u:hidden@127.0.0.1/"))
