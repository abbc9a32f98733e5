"""Connection details: what the conformance cases cannot show, since it needs keys or another profile."""

import pytest
from unit.databases import authority

from sandboxd.engines.database import details
from sandboxd.engines.database.plugin import PluginError, sanitized, substituted

MY = "{{username}}:{{password}}@tcp(127.0.0.1:3306)/"


def test_mysql_takes_a_ca_and_a_key_with_its_certificate() -> None:
    ca = authority()
    pair = ca["ca_cert"] + ca["ca_private_key"]

    found = details.mysql({"connection_url": MY, "tls_ca": ca["ca_cert"], "tls_certificate_key": pair})

    assert found["tls_certificate_key"] == pair


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("none", "tls: failed to find any PEM data in certificate input"),
        (authority()["ca_cert"], "tls: found a certificate rather than a key in the PEM for the private key"),
        (
            authority()["ca_cert"] + "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "tls: failed to parse private key",
        ),
    ],
)
def test_mysql_refuses_a_key_that_is_none(key, text) -> None:
    with pytest.raises(PluginError) as caught:
        details.mysql({"connection_url": MY, "tls_certificate_key": key})

    assert caught.value.text == f"unable to load tls_certificate_key_data: {text}"


def test_details_are_found_in_any_case() -> None:
    assert details.sql({"CONNECTION_URL": "x", "Max_Open_Connections": "7"})["max_open_connections"] == 7


def test_a_valkey_url_says_who_and_whether_to_encrypt() -> None:
    found = details.valkey({"connection_url": "valkeys://app:pw@127.0.0.1:6379", "ca_cert": "x"})

    assert (found["username"], found["password"], found["tls"]) == ("app", "pw", True)


def test_vaults_redis_takes_no_url() -> None:
    with pytest.raises(PluginError, match="host cannot be empty"):
        details.redis({"connection_url": "redis://app:pw@127.0.0.1:6379"})


def test_placeholders_without_a_value_stay() -> None:
    assert substituted("{{name}} {{password}}", {"name": "app"}) == "app {{password}}"


def test_secrets_are_taken_out_of_errors() -> None:
    assert sanitized("cannot use pw", {"pw": "[password]", "": "[nothing]"}) == "cannot use [password]"
