"""`sys/mounts`, `sys/mounts/{path}/tune` and `sys/remount`. Expected answers are those of a running OpenBao 2.7.2."""

import re
from typing import Any

import pytest
from unit.helpers import Reply, call, world

from sandboxd.vault.world import World

KV = {"type": "kv"}


@pytest.fixture
def vault() -> World:
    return world()


def mount(vault: World, path: str, **fields: Any) -> Reply:
    return call(vault, "POST", f"sys/mounts/{path}", {**KV, **fields})


def test_a_new_mount_is_shown_with_all_its_fields(vault: World) -> None:
    assert mount(vault, "a/b").status == 204
    shown = call(vault, "GET", "sys/mounts/a/b").data
    assert re.fullmatch(r"kv_[0-9a-f]{8}", shown.pop("accessor"))
    assert len(shown.pop("uuid")) == 36
    assert shown == {
        "config": {"default_lease_ttl": 0, "force_no_cache": False, "max_lease_ttl": 0},
        "deprecation_status": "supported",
        "description": "",
        "external_entropy_access": False,
        "local": False,
        "options": {},
        "plugin_version": "",
        "running_plugin_version": "v2.7.2+builtin.bao",
        "running_sha256": "",
        "seal_wrap": False,
        "type": "kv",
    }


def test_the_mount_table_is_answered_below_data_and_beside_it(vault: World) -> None:
    answer = call(vault, "GET", "sys/mounts").json
    assert sorted(answer["data"]) == ["cubbyhole/", "identity/", "secret/", "sys/"]
    assert answer["sys/"] == answer["data"]["sys/"]
    assert answer["data"]["cubbyhole/"]["local"] is True
    assert answer["data"]["sys/"]["options"] is None


def test_settings_are_decoded_and_shown(vault: World) -> None:
    config = {
        "default_lease_ttl": "1h",
        "max_lease_ttl": 7200,
        "force_no_cache": True,
        "audit_non_hmac_request_keys": " a , b ",
        "audit_non_hmac_response_keys": ["c"],
        "listing_visibility": "unauth",
        "passthrough_request_headers": ["X-A"],
        "allowed_response_headers": "X-B",
        "unknown": 1,
    }
    assert mount(vault, "x", config=config).status == 204
    assert call(vault, "GET", "sys/mounts/x").data["config"] == {
        "default_lease_ttl": 3600,
        "max_lease_ttl": 7200,
        "force_no_cache": True,
        "audit_non_hmac_request_keys": ["a", "b"],
        "audit_non_hmac_response_keys": ["c"],
        "listing_visibility": "unauth",
        "passthrough_request_headers": ["X-A"],
        "allowed_response_headers": ["X-B"],
    }


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"type": "nope"}, "plugin not found in the catalog: nope"),
        ({"type": "approle"}, "plugin not found in the catalog: approle"),
        ({"type": ""}, "backend type must be specified as a string"),
        ({"type": "plugin"}, "plugin_name must be provided for plugin backend"),
        ({"type": "system"}, 'mount type of "system" is not mountable'),
        ({"type": "kv", "options": {"version": "3"}}, 'nil backend of type "kv" returned from factory'),
        ({"type": "generic", "options": {"version": "2"}}, 'secrets engine "generic" does not allow setting a version'),
        ({"config": {"default_lease_ttl": "zz"}}, 'unable to parse default TTL of zz: time: invalid duration "zz"'),
        (
            {"config": {"default_lease_ttl": "2h", "max_lease_ttl": "1h"}},
            "given default lease TTL greater than given max lease TTL",
        ),
        (
            {"config": {"default_lease_ttl": "9999h"}},
            "given default lease TTL greater than system max lease TTL of 2764800",
        ),
        ({"config": {"force_no_cache": "true"}}, "unable to convert given mount config information"),
        ({"config": {"listing_visibility": "x"}}, "invalid listing_visibility x"),
        (
            {"config": {"plugin_version": "x"}},
            'version "x" is not a valid semantic version: malformed version: x',
        ),
        ({"config": {"plugin_version": "1.0.0"}}, "cannot select non-builtin version of secrets plugin kv"),
    ],
)
def test_what_cannot_be_mounted_is_refused(vault: World, fields: dict[str, Any], text: str) -> None:
    answer = mount(vault, "x", **fields)
    assert (answer.status, answer.errors) == (400, [text])


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("secret", "path is already in use at secret/"),
        ("secret/below", "path is already in use at secret/"),
        ("sys/x", 'cannot mount "sys/x/"'),
        ("auth/x", 'cannot mount "auth/x/"'),
        ("cubbyhole", 'cannot mount "cubbyhole/"'),
    ],
)
def test_a_path_in_use_or_reserved_is_refused(vault: World, path: str, text: str) -> None:
    assert mount(vault, path).errors == [text]


def test_old_names_of_kv_choose_its_version(vault: World) -> None:
    mount(vault, "one", type="kv-v1")
    mount(vault, "two", type="kv-v2")
    shown = [call(vault, "GET", f"sys/mounts/{path}").data for path in ("one", "two")]
    assert [(mount["type"], mount["options"]) for mount in shown] == [
        ("kv", {"version": "1"}),
        ("kv", {"version": "2"}),
    ]


def test_unmounting_forgets_what_was_stored(vault: World) -> None:
    mount(vault, "x")
    call(vault, "POST", "x/a", {"k": "v"})
    assert call(vault, "DELETE", "sys/mounts/x").status == 204
    mount(vault, "x")
    assert call(vault, "GET", "x/a").status == 404


def test_unmounting_nothing_succeeds_but_what_is_built_in_stays(vault: World) -> None:
    assert call(vault, "DELETE", "sys/mounts/none").status == 204
    assert call(vault, "DELETE", "sys/mounts/secret/below").status == 204
    assert call(vault, "DELETE", "sys/mounts/sys").errors == ['cannot unmount "sys/"']


def test_reading_the_settings_shows_the_times_that_hold(vault: World) -> None:
    assert call(vault, "GET", "sys/mounts/secret/tune").data == {
        "default_lease_ttl": 2764800,
        "description": "key/value secret storage",
        "force_no_cache": False,
        "max_lease_ttl": 2764800,
        "options": {"version": "2"},
    }


def test_tuning_changes_what_is_sent_and_system_takes_it_back(vault: World) -> None:
    assert call(vault, "POST", "sys/mounts/secret/tune", {"default_lease_ttl": "1h", "description": "d"}).status == 204
    tuned = call(vault, "GET", "sys/mounts/secret/tune").data
    assert (tuned["default_lease_ttl"], tuned["description"]) == (3600, "d")
    call(vault, "POST", "sys/mounts/secret/tune", {"default_lease_ttl": "system"})
    assert call(vault, "GET", "sys/mounts/secret/tune").data["default_lease_ttl"] == 2764800


@pytest.mark.parametrize(
    ("path", "fields", "text"),
    [
        ("none", {}, 'tune of path "none/" failed: no mount entry found'),
        ("sys", {"description": "x"}, "cannot tune parameter description of sys/"),
        ("secret", {"token_type": "batch"}, "'token_type' can only be modified on auth mounts"),
        ("secret", {"max_lease_ttl": "zz"}, 'time: invalid duration "zz"'),
        ("secret", {"options": {"version": "1"}}, "cannot downgrade mount from version 2"),
        ("secret", {"options": {"version": "3"}}, "invalid version provided: 3"),
        (
            "secret",
            {"default_lease_ttl": "2h", "max_lease_ttl": "1h"},
            "backend max lease TTL of 3600 would be less than backend default lease TTL of 7200",
        ),
        (
            "secret",
            {"user_lockout_config": {"lockout_threshold": "3"}},
            'tuning of user lockout configuration for auth type "kv" not allowed',
        ),
    ],
)
def test_what_cannot_be_tuned_is_refused(vault: World, path: str, fields: dict[str, Any], text: str) -> None:
    answer = call(vault, "POST", f"sys/mounts/{path}/tune", fields)
    assert (answer.status, answer.errors) == (400, [text])


def test_a_refused_tuning_changes_nothing(vault: World) -> None:
    call(vault, "POST", "sys/mounts/secret/tune", {"description": "new", "listing_visibility": "sometimes"})
    assert call(vault, "GET", "sys/mounts/secret/tune").data["description"] == "key/value secret storage"


def test_a_store_without_versions_is_upgraded_with_what_it_holds(vault: World) -> None:
    mount(vault, "x")
    call(vault, "POST", "x/a", {"k": "v"})
    upgraded = call(vault, "POST", "sys/mounts/x/tune", {"options": {"version": "2"}})
    text = "Upgrading mount from version 0 to version 0. This mount will be unavailable for a brief period"
    assert upgraded.warnings == [f"{text} and will resume service shortly."]
    assert call(vault, "GET", "x/data/a").data["data"] == {"k": "v"}


def test_moving_a_mount_keeps_what_it_holds(vault: World) -> None:
    mount(vault, "x")
    call(vault, "POST", "x/a", {"k": "v"})
    moved = call(vault, "POST", "sys/remount", {"from": "x", "to": "y/z"})
    status = call(vault, "GET", f"sys/remount/status/{moved.data['migration_id']}").data
    assert status["migration_info"] == {"source_mount": "x/", "target_mount": "y/z/", "status": "success"}
    assert call(vault, "GET", "y/z/a").data == {"k": "v"}
    assert call(vault, "GET", "x/a").status == 404


@pytest.mark.parametrize(
    ("source", "target", "text"),
    [
        ("", "y", "both 'from' and 'to' path must be specified as a string"),
        ("secret", "y ", "'to' path cannot contain trailing whitespace"),
        ("none", "y", 'no matching mount at "none/"'),
        ("secret", "sys/x", "cannot remount to destination sys/x/"),
        ("sys", "x", 'cannot remount "sys/"'),
        ("secret", "secret/x", 'path already in use at "secret/"'),
        ("secret", "a//b", "invalid destination mount: path 'a//b/' does not match cleaned path 'a/b/'"),
        ("secret", "auth/x", "cannot remount to destination auth/x/"),
    ],
)
def test_what_cannot_be_moved_is_refused(vault: World, source: str, target: str, text: str) -> None:
    assert call(vault, "POST", "sys/remount", {"from": source, "to": target}).errors == [text]


def test_moving_from_below_a_mount_is_reported_as_a_failure(vault: World) -> None:
    moved = call(vault, "POST", "sys/remount", {"from": "secret/deep", "to": "y"})
    status = call(vault, "GET", f"sys/remount/status/{moved.data['migration_id']}").data
    assert status["migration_info"]["status"] == "failure"


def test_openbao_has_only_its_own_engines(vault: World) -> None:
    assert mount(vault, "aws", type="aws").errors == ["plugin not found in the catalog: aws"]


def test_vault_shows_versions_of_its_own(  # from Vault's documentation
) -> None:
    vault = world("vault")
    versions = {path: entry["running_plugin_version"] for path, entry in call(vault, "GET", "sys/mounts").data.items()}
    assert re.fullmatch(r"v0\.\d+\.\d+\+builtin", versions["secret/"])
    assert re.fullmatch(r"v\d+\.\d+\.\d+\+builtin\.vault", versions["sys/"])


@pytest.mark.parametrize(("sent", "shown"), [(None, None), ({}, {})])
def test_options_sent_as_null_stay_null(vault: World, sent: Any, shown: Any) -> None:
    assert mount(vault, "a", options=sent).status == 204
    assert call(vault, "GET", "sys/mounts/a").data["options"] == shown
