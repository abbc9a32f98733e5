"""MySQL's connection strings. What is refused, and how, was captured from OpenBao."""

from __future__ import annotations

import pytest

from sandboxd.engines.database.drivers.mysql_url import check, read
from sandboxd.engines.database.plugin import PluginError
from sandboxd.vault.errors import Refusal


def test_a_connection_string_says_who_and_where() -> None:
    found = read("vault:p@ss:w/d@tcp(127.0.0.1:3307)/app%20db?charset=utf8mb4,utf8&tls=preferred&net_write_timeout=60")
    assert (found.user, found.password, found.database) == ("vault", "p@ss:w/d", "app db")
    assert (found.network, found.hosts) == ("tcp", ("127.0.0.1:3307",))
    assert (found.charsets, found.tls, found.variables) == (
        ("utf8mb4", "utf8"),
        "preferred",
        {"net_write_timeout": "60"},
    )


@pytest.mark.parametrize(
    ("text", "network", "hosts"),
    [
        ("/", "tcp", ("127.0.0.1:3306",)),
        ("u@tcp(localhost)/", "tcp", ("localhost:3306",)),
        ("u@tcp([::1]:1)/", "tcp", ("[::1]:1",)),
        ("u@unix(/run/my.sock)/", "unix", ("/run/my.sock",)),
        ("u@unix/", "unix", ("/tmp/mysql.sock",)),
        ("u@tcp(127.0.0.1:1, localhost)/", "tcp", ("127.0.0.1:1", "localhost:3306")),
    ],
)
def test_what_is_left_out_has_the_drivers_defaults(text: str, network: str, hosts: tuple[str, ...]) -> None:
    found = read(text)
    assert (found.network, found.hosts) == (network, hosts)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nonsense", "invalid DSN: missing the slash separating the database name"),
        ("u@tcp(127.0.0.1/", "invalid DSN: network address not terminated (missing closing brace)"),
        ("u@tcp(127.0.0.1)/?loc=Nope/Zone", "invalid DSN: did you forget to escape a param value?"),
        ("u@foo/", "default addr for network 'foo' unknown"),
        ("u@tcp(127.0.0.1)/?timeout=x", 'time: invalid duration "x"'),
        ("u@tcp(127.0.0.1)/?parseTime=maybe", "invalid bool value: maybe"),
        ("u@tcp(127.0.0.1)/?tls=bogus", "invalid value / unknown config name: bogus"),
        ("u@tcp(127.0.0.1)/%zz", 'invalid dbname "%zz": invalid URL escape "%zz"'),
    ],
)
def test_what_the_driver_refuses_is_refused_in_its_words(text: str, reason: str) -> None:
    with pytest.raises(PluginError) as caught:
        read(text)
    assert caught.value.text == f"unable to parse connectionURL: {reason}"


@pytest.mark.parametrize("text", ["u@tcp(db.example)/", "u@tcp(127.0.0.1,10.0.0.1:3306)/", "u@tcp6([2001:db8::1]:1)/"])
def test_a_host_elsewhere_is_refused_wherever_it_stands(text: str) -> None:
    with pytest.raises(Refusal, match="the database app is elsewhere"):
        check(read(text), "the database app")


@pytest.mark.parametrize("text", ["u@tcp(127.0.0.1)/", "u@tcp(localhost,[::1])/", "u@unix(/run/my.sock)/"])
def test_this_machine_is_let_pass(text: str) -> None:
    check(read(text), "the database app")


def test_a_password_is_not_shown() -> None:
    assert "hidden" not in repr(read("u:hidden@tcp(127.0.0.1)/"))
