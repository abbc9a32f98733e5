"""`sys/auth`. Expected answers are those of a running OpenBao 2.7.2."""

import re
from typing import Any

import pytest
from unit.helpers import Reply, call, world

from sandboxd.vault.world import World


@pytest.fixture
def vault() -> World:
    return world()


def enable(vault: World, path: str, kind: str = "userpass", **fields: Any) -> Reply:
    return call(vault, "POST", f"sys/auth/{path}", {"type": kind, **fields})


def test_a_new_method_is_shown_with_all_its_fields(vault: World) -> None:
    assert enable(vault, "up").status == 204
    shown = call(vault, "GET", "sys/auth/up").data
    assert re.fullmatch(r"auth_userpass_[0-9a-f]{8}", shown["accessor"])
    assert shown["config"] == {
        "default_lease_ttl": 0,
        "force_no_cache": False,
        "max_lease_ttl": 0,
        "token_type": "default-service",
    }


def test_the_list_of_methods_is_answered_below_data_and_beside_it(vault: World) -> None:
    enable(vault, "up")
    answer = call(vault, "GET", "sys/auth").json
    assert sorted(answer["data"]) == ["token/", "up/"]
    assert answer["up/"] == answer["data"]["up/"]


@pytest.mark.parametrize(
    ("path", "fields", "text"),
    [
        ("x", {"type": "kv"}, "plugin not found in the catalog: kv"),
        ("x", {"type": "token"}, "token credential backend cannot be instantiated"),
        ("x", {"type": "aws-ec2"}, "plugin not found in the catalog: aws"),
        ("x", {"options": {"version": "1"}}, 'auth method "userpass" does not allow setting a version'),
        ("x", {"config": {"token_type": "zz"}}, "invalid value for 'token_type'"),
        ("x", {"config": {"plugin_version": "1.0.0"}}, "plugin not found in the catalog: userpass, version=v1.0.0"),
        (
            "x",
            {"config": {"user_lockout_config": {"lockout_threshold": "3"}}},
            "unable to convert given auth config information",
        ),
        ("token", {}, "path is already in use at token/"),
        ("token/x", {}, "path is already in use at token/"),
    ],
)
def test_what_cannot_be_enabled_is_refused(vault: World, path: str, fields: dict[str, Any], text: str) -> None:
    answer = call(vault, "POST", f"sys/auth/{path}", {"type": "userpass", **fields})
    assert (answer.status, answer.errors) == (400, [text])


def test_reading_goes_by_the_exact_path(vault: World) -> None:
    enable(vault, "up")
    assert call(vault, "GET", "sys/auth/up/").status == 200
    assert call(vault, "GET", "sys/auth/up/x").errors == ["No auth engine at up/x/"]


def test_a_method_called_sys_makes_all_others_conflict(vault: World) -> None:
    # An oddity of the real server, which takes `auth/sys/` for the mark of a namespace `auth/`.
    assert enable(vault, "sys").status == 204
    assert enable(vault, "up").errors == ["existing mount at auth/"]


def test_the_token_store_cannot_be_disabled(vault: World) -> None:
    assert call(vault, "DELETE", "sys/auth/token").errors == ["token credential backend cannot be disabled"]
    assert call(vault, "DELETE", "sys/auth/none").status == 204


def test_an_auth_method_can_be_tuned_at_both_of_its_paths(vault: World) -> None:
    enable(vault, "up")
    assert call(vault, "POST", "sys/auth/up/tune", {"token_type": "batch"}).status == 204
    assert call(vault, "GET", "sys/mounts/auth/up/tune").data["token_type"] == "batch"
    assert call(vault, "POST", "sys/mounts/auth/up/tune", {"token_type": ""}).status == 204
    assert call(vault, "GET", "sys/auth/up/tune").data["token_type"] == "default-service"


def test_the_lockout_is_shown_once_it_is_tuned(vault: World) -> None:
    enable(vault, "up")
    settings = {"lockout_threshold": "3", "lockout_duration": "5m", "lockout_disable": True}
    assert call(vault, "POST", "sys/auth/up/tune", {"user_lockout_config": settings}).status == 204
    tuned = call(vault, "GET", "sys/auth/up/tune").data
    lockout = {
        "user_lockout_counter_reset_duration": 0,
        "user_lockout_disable": True,
        "user_lockout_duration": 300,
        "user_lockout_threshold": 3,
    }
    assert {name: value for name, value in tuned.items() if name.startswith("user_lockout")} == lockout
    assert call(vault, "GET", "sys/auth/up").data["config"]["user_lockout_config"] == lockout


def test_the_type_of_the_token_stores_tokens_is_fixed(vault: World) -> None:
    answer = call(vault, "POST", "sys/auth/token/tune", {"token_type": "batch"})
    assert answer.errors == ["'token_type' cannot be set for 'token' or 'ns_token' auth mounts"]
