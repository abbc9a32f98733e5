"""URLs with a password."""

import base64
from urllib.parse import urlsplit

import pytest

from sandboxd.fakes import OptionError, generate, kind, parts, verify

URLS = [
    ("postgres.url", "postgresql", 5432, "/app"),
    ("mysql.url", "mysql", 3306, "/app"),
    ("mongodb.url", "mongodb", 27017, "/app"),
    ("redis.url", "redis", 6379, "/0"),
    ("amqp.url", "amqp", 5672, "/%2f"),
]


@pytest.mark.parametrize(("name", "scheme", "port", "path"), URLS)
def test_a_url_leads_to_the_usual_port_of_this_machine(name, scheme, port, path, source):
    found = urlsplit(generate(name, source))
    assert (found.scheme, found.hostname, found.port, found.path) == (scheme, "127.0.0.1", port, path)
    assert verify(found.password).kind.id == "password_marked"


def test_every_part_of_a_url_can_be_chosen_and_had(source):
    options = {"scheme": "postgresql+psycopg", "user": "me@x", "host": "db", "port": 6432, "database": "d",
               "parameters": "sslmode=disable"}  # fmt: skip
    made = parts("postgres.url", source, options)
    assert made["value"] == f"postgresql+psycopg://me%40x:{made['password']}@db:6432/d?sslmode=disable"
    assert (made["username"], made["host"], made["port"], made["database"]) == ("me@x", "db", "6432", "d")
    assert verify(made["value"]).kind.id == "postgres_url"


def test_port_zero_is_left_out(source):
    assert urlsplit(generate("mongodb.url", source, {"port": 0})).port is None


@pytest.mark.parametrize("host", ["db.prod.corp.com", "10.0.0.1", "8.8.8.8"])
def test_a_host_that_someone_owns_is_refused(host, source):
    with pytest.raises(OptionError, match=r"postgres\.url: host must be loopback"):
        generate("postgres.url", source, {"host": host})


def test_a_scheme_is_a_scheme(source):
    with pytest.raises(OptionError, match="scheme"):
        generate("url", source, {"scheme": "https://"})


def test_options_show_the_defaults_of_each_scheme():
    defaults = {option.name: option.default for option in kind("redis.url").options}
    assert (defaults["port"], defaults["user"], defaults["database"]) == (6379, "", "0")


def test_basic_credentials_are_user_and_password_in_base64(source):
    made = parts("basic_auth", source, {"user": "me"})
    assert base64.b64decode(made["value"]).decode() == f"me:{made['password']}"
    assert made["header"] == f"Basic {made['value']}"
    assert verify(made["header"]).kind.id == "basic_auth"


def test_a_user_in_basic_credentials_holds_no_colon(source):
    with pytest.raises(OptionError):
        generate("basic_auth", source, {"user": "a:b"})
