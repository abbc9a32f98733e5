"""What only Redis and Valkey have: rules, TLS of their own, and a plugin in each profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from live.conftest import sandbox_of

if TYPE_CHECKING:
    from live.conftest import Sandbox
    from live.databases import Redis


@pytest.fixture
def sandbox(redis: Redis) -> Sandbox:
    return sandbox_of(redis)


def rules(redis: Redis, username: str) -> str:
    listed = redis.ask("ACL", "LIST").decode()
    return next(line for line in listed.split("\r\n") if line.startswith(f"user {username} "))


def test_a_user_may_do_what_the_rules_of_its_role_say(sandbox: Sandbox, redis: Redis) -> None:
    sandbox.role("app", creation_statements='["~app:*", "+get"]')
    lent = sandbox.lend()
    user = (lent.username, lent.password)
    assert redis.ask("GET", "app:x", user=user).endswith(b"$-1\r\n")
    assert b"NOPERM" in redis.ask("GET", "other", user=user)
    assert b"NOPERM" in redis.ask("SET", "app:x", "1", user=user)


def test_without_statements_a_user_may_read_everything(sandbox: Sandbox, redis: Redis) -> None:
    sandbox.role("reader", creation_statements="")
    assert rules(redis, sandbox.lend("reader").username).endswith("~* resetchannels -@all +@read")


def test_valkeys_plugin_takes_statements_that_are_no_json_for_rules(sandbox: Sandbox, redis: Redis) -> None:
    sandbox.role("plain", creation_statements=["~a:*", "+set"])
    assert rules(redis, sandbox.lend("plain").username).endswith("~a:* resetchannels -@all +set")


def test_names_are_in_capitals(sandbox: Sandbox) -> None:
    assert sandbox.lend().username.startswith("V_TOKEN_APP_")


def test_a_static_role_for_nobody_is_refused_as_the_real_plugin_does(sandbox: Sandbox) -> None:
    body = {"db_name": "app", "username": "nobody", "rotation_period": 3600}
    [text] = sandbox.ask("POST", "db/static-roles/nobody", body).errors
    assert text == (
        "1 error occurred:\n\t* error setting credentials: reset of passwords for user nobody failed in "
        'changeUserPassword: response returned from Conn: expected prefix "array", got "blob-string"\n\n'
    )


def test_an_admin_who_may_not_look_is_told_so(sandbox: Sandbox, redis: Redis) -> None:
    redis.ask("ACL", "SETUSER", "limited", "on", ">pass-of-limited", "+acl|setuser")
    redis.make_user("looked-for", "before")
    assert sandbox.connect(username="limited", password="pass-of-limited").status == 204
    body = {"db_name": "app", "username": "looked-for", "rotation_period": 3600}
    [text] = sandbox.ask("POST", "db/static-roles/looked-for", body).errors
    assert text == (
        "1 error occurred:\n\t* error setting credentials: valkey error returned: NOPERM this user has no permissions "
        "to run the 'acl|getuser' command\n\n"
    )


@pytest.mark.parametrize("more", [{}, {"host": "localhost"}, {"insecure_tls": True}])
def test_a_connection_can_be_encrypted(sandbox: Sandbox, redis: Redis, more: dict[str, Any]) -> None:
    ca = "# é\n" + (redis.home / "ca.pem").read_text()
    assert sandbox.connect(tls=True, ca_cert=ca, port=redis.tls_port, **more).status == 204
    lent = sandbox.lend()
    assert redis.login(lent.username, lent.password)


def test_a_server_without_tls_is_told_from_one_with(sandbox: Sandbox, redis: Redis) -> None:
    ca = (redis.home / "server.pem").read_text()
    reply = sandbox.connect("safe", tls=True, ca_cert=ca, port=redis.tls_port)
    assert "certificate signed by unknown authority" in reply.errors[0]


def test_vaults_plugin_insists_on_json(redis: Redis) -> None:
    sandbox = sandbox_of(redis, "vault")
    lent = sandbox.lend()
    assert redis.login(lent.username, lent.password)
    sandbox.role("plain", creation_statements="+set")
    [text] = sandbox.ask("GET", "db/creds/plain").errors
    assert text == (
        "1 error occurred:\n\t* error unmarshalling REDIS rules in the creation statement JSON: invalid character '+' "
        "looking for beginning of value\n\n"
    )
