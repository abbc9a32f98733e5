"""The families of databases: which plugins there are, what they take, how they name users."""

import re

import pytest
from unit.databases import URL, call, connect, database, role, users

from sandboxd.engines.database.families import PLUGINS, find
from sandboxd.engines.database.plugin import PluginError

GIVEN = {
    "cassandra": {"hosts": "127.0.0.1"},
    "influxdb": {"host": "127.0.0.1"},
    "redis": {"host": "127.0.0.1", "port": 6379},
    "valkey": {"host": "127.0.0.1", "port": 6379},
    "mysql": {"connection_url": "{{username}}:{{password}}@tcp(127.0.0.1:3306)/"},
    "mongodbatlas": {"public_key": "kkkk", "private_key": "ssss", "project_id": "pppp"},
    "couchbase": {"hosts": "couchbase://127.0.0.1"},
    "elasticsearch": {"url": "http://127.0.0.1:9200"},
    "oracle": {"connection_url": "{{username}}/{{password}}@127.0.0.1:1521/XE"},
    "redis-elasticache": {"region": "us-east-1"},
}
ROLES_AND_GROUPS = "error unmarshalling roles and groups creation statement JSON: "
UNREADABLE = "unable to read creation_statements: "
RULES = "error unmarshalling REDIS rules in the creation statement JSON: "
ROLES = '{"roles": [{"role": "read"}]}'
STATEMENTS = {
    "mongodb": ROLES,
    "mongodbatlas": ROLES,
    "couchbase": ROLES,
    "elasticsearch": '{"elasticsearch_roles": ["x"]}',
}
NAMES = {
    "postgresql": r"v-token-reportin-[0-9A-Za-z]{20}-1767225600",
    "redshift": r"v-token-reportin-[0-9a-z]{20}-1767225600",
    "mysql": r"v-token-reporting-[0-9A-Za-z]{14}",
    "mysql-aurora": r"v-token-reporting-[0-9A-Za-z]{14}",
    "mysql-rds": r"v-token-reporting-[0-9A-Za-z]{14}",
    "mysql-legacy": r"v-repo-[0-9A-Za-z]{9}",
    "cassandra": r"v_token_reporting_[0-9a-z]{20}_1767225600",
    "influxdb": r"v_token_reporting_[0-9a-z]{20}_1767225600",
    "redis": r"V_TOKEN_REPORTING_[0-9A-Z]{20}_1767225600",
    "valkey": r"V_TOKEN_REPORTING_[0-9A-Z]{20}_1767225600",
    "mongodb": r"v-token-reporting-[0-9A-Za-z]{20}-1767225600",
    "mongodbatlas": r"v-reporting-[0-9A-Za-z]{8}",
    "mssql": r"v-token-reporting-[0-9A-Za-z]{20}-1767225600",
    "oracle": r"V_TOKEN_REPORTIN_[0-9A-Z]{13}",
    "couchbase": r"V_TOKEN_REPORTING_[0-9A-Z]{20}_1767225600",
    "elasticsearch": r"v-token-reporting-[0-9A-Za-z]{20}-1767225600",
    "hana": r"V_TOKEN_REPORTING_[0-9A-Z]{20}_1767225600",
    "snowflake": r"v_token_reporting_[0-9A-Za-z]{20}_1767225600",
}


def details(family: str) -> dict:
    return next((GIVEN[name] for name in (family, family.partition("-")[0]) if name in GIVEN), {"connection_url": URL})


def connected(family: str, profile: str, **more):
    made = database(profile)
    call(made, "DELETE", "database/config/pg")
    sent = {"username": "root", "password": "root-password", "allowed_roles": "*", **details(family), **more}
    reply = call(made, "POST", "database/config/pg", {"plugin_name": f"{family}-database-plugin", **sent})
    return made, reply


def test_openbao_has_the_plugins_that_its_catalogue_lists() -> None:
    assert sorted(PLUGINS["openbao"]) == [
        f"{name}-database-plugin"
        for name in (
            "cassandra",
            "influxdb",
            "mysql-aurora",
            "mysql",
            "mysql-legacy",
            "mysql-rds",
            "postgresql",
            "redis",
            "valkey",
        )
    ]


@pytest.mark.parametrize(
    ("family", "profile"),
    [(family, profile) for profile in PLUGINS for family in NAMES if f"{family}-database-plugin" in PLUGINS[profile]],
)
def test_users_are_named_as_the_real_plugin_names_them(family, profile) -> None:
    made, _ = connected(family, profile)
    role(made, "reporting", creation_statements=[STATEMENTS.get(family, "CREATE")])
    if family == "redis":
        role(made, "reporting", creation_statements=[])

    reply = call(made, "GET", "database/creds/reporting")

    assert reply.status == 200, reply.text
    assert re.fullmatch(NAMES[family], reply.data["username"])
    assert reply.data["username"] in users(made)


def test_elasticache_has_static_users_alone() -> None:
    made, _ = connected("redis-elasticache", "vault")
    role(made)

    assert call(made, "GET", "database/creds/app").errors == ["1 error occurred:\n\t* user creation not supported\n\n"]


@pytest.mark.parametrize(
    ("family", "statements", "text"),
    [
        ("mongodb", [], "empty creation statements"),
        ("mongodb", ["CREATE"], "invalid character 'C' looking for beginning of value"),
        ("mongodb", ["[]"], "json: cannot unmarshal array into Go value of type mongodb.mongoDBStatement"),
        ("mongodb", ["null"], "roles array is required in creation statement"),
        ("mongodb", ['{"a"'], "unexpected end of JSON input"),
        ("mongodb", ['{"a":1,}'], "invalid character '}' looking for beginning of object key string"),
        ("mongodb", ['{"roles":[1]} x'], "invalid character 'x' after top-level value"),
        ("mongodb", ['"a"'], "json: cannot unmarshal string into Go value of type mongodb.mongoDBStatement"),
        ("mongodb", ["5"], "json: cannot unmarshal number into Go value of type mongodb.mongoDBStatement"),
        ("mongodb", ["true"], "json: cannot unmarshal bool into Go value of type mongodb.mongoDBStatement"),
        ("mongodb", ["[" * 100_000], "exceeded max depth"),
        ("mongodb", ["{}"], "roles array is required in creation statement"),
        ("mongodbatlas", ["{}", "{}"], "only 1 creation statement supported for creation"),
        ("mongodbatlas", [" "], "error unmarshalling statement unexpected end of JSON input"),
        ("couchbase", ["", " "], "empty creation statements"),
        (
            "couchbase",
            ["x"],
            f"{ROLES_AND_GROUPS}invalid character 'x' looking for beginning of value",
        ),
        ("elasticsearch", [], "unable to read creation_statements: empty creation statements"),
        (
            "elasticsearch",
            ['{"elasticsearch_roles": ["a"], "elasticsearch_role_definition": {"b": 1}}'],
            f'{UNREADABLE}"elasticsearch_roles" and "elasticsearch_role_definition" are mutually exclusive',
        ),
        (
            "redis",
            ["+@read"],
            f"{RULES}invalid character '+' looking for beginning of value",
        ),
        (
            "redis",
            ["{}"],
            f"{RULES}json: cannot unmarshal object into Go value of type []string",
        ),
        ("redis", ['["+@all", 5]'], f"{RULES}json: cannot unmarshal number into Go value of type string"),
        ("redis", ["[" * 100_000], f"{RULES}exceeded max depth"),
    ],
)
def test_creation_statements_that_a_family_cannot_use_are_refused(family, statements, text) -> None:
    made, _ = connected(family, "vault")
    role(made, creation_statements=statements)

    assert call(made, "GET", "database/creds/app").errors == [f"1 error occurred:\n\t* {text}\n\n"]


@pytest.mark.parametrize(
    ("family", "more", "text"),
    [
        ("mongodb", {"connection_url": ""}, "connection_url cannot be empty"),
        ("mongodb", {"socket_timeout": -1}, "socket_timeout must be >= 0"),
        ("mongodbatlas", {"public_key": ""}, "failed to initialize: public Key is not set"),
        ("mongodbatlas", {"private_key": None}, "failed to initialize: private Key is not set"),
        ("couchbase", {"hosts": ""}, "hosts cannot be empty"),
        ("couchbase", {"tls": True}, "base64pem cannot be empty"),
        (
            "couchbase",
            {"tls": True, "base64pem": "x"},
            "hosts list must start with couchbases:// for TLS connection",
        ),
        ("elasticsearch", {"url": 5}, '"url" must be a string'),
        ("elasticsearch", {"ca_cert": 5}, '"ca_cert" must be a string'),
        ("elasticsearch", {"insecure": "yes"}, '"insecure" must be a bool'),
        ("mssql", {"username": "{{password}}"}, "username and/or password cannot contain the template variables"),
        ("hana", {"max_connection_lifetime": "x"}, 'invalid max_connection_lifetime: time: invalid duration "x"'),
    ],
)
def test_details_that_a_family_cannot_use_are_refused(family, more, text) -> None:
    _, reply = connected(family, "vault", **more)

    assert reply.errors == [f"error creating database object: {text}"]


def test_elasticsearch_names_what_is_missing() -> None:
    made = database("vault")

    refused = call(made, "POST", "database/config/es", {"plugin_name": "elasticsearch-database-plugin"})

    assert refused.errors == ['error creating database object: "username" must be provided']


def test_a_plugin_says_what_it_can_set_beyond_passwords() -> None:
    made, _ = connected("snowflake", "vault")

    shown = call(made, "GET", "database/config/pg").data["connection_details"]

    assert shown["supported_credential_types"] == ["password", "rsa_private_key"]


def test_what_a_plugin_cannot_set_is_refused() -> None:
    made = database("vault")
    role(made, credential_type="rsa_private_key")

    assert call(made, "GET", "database/creds/app").errors == ['unsupported credential_type: "rsa_private_key"']


def test_a_user_with_slashes_in_its_name_is_one_user() -> None:
    made = database()
    sent = {"db_name": "pg", "username": "a/b/", "rotation_period": 60}
    call(made, "POST", "database/static-roles/app", sent)

    assert list(users(made)) == ["a%2Fb%2F"]


def test_an_unknown_plugin_is_looked_for_twice() -> None:
    with pytest.raises(PluginError) as caught:
        find("vault", "none", "v1.0.0")

    line = "plugin not found in the catalog: none, version=v1.0.0"
    assert caught.value.text == f"invalid database version: 2 errors occurred:\n\t* {line}\n\t* {line}\n\n"


def test_connections_of_the_same_database_have_users_of_their_own() -> None:
    made = database()
    connect(made, "other")
    role(made)
    call(made, "GET", "database/creds/app")

    assert len(users(made, "pg")) == 1
    assert users(made, "other") == {}
