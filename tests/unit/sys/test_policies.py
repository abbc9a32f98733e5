"""`sys/policies/acl` and `sys/policy`. Expected answers are those of a running OpenBao 2.7.2."""

import base64
from typing import Any

import pytest
from unit.helpers import Reply, call, world

from sandboxd.vault.world import World

RULES = 'path "a" { capabilities = ["read"] }'


@pytest.fixture
def vault() -> World:
    return world()


def write(vault: World, name: str, policy: str = RULES, **fields: Any) -> Reply:
    return call(vault, "PUT", f"sys/policies/acl/{name}", {"policy": policy, **fields})


def read(vault: World, name: str) -> Any:
    return call(vault, "GET", f"sys/policies/acl/{name}").data


def test_a_policy_is_read_as_it_was_written(vault: World) -> None:
    assert write(vault, "P").status == 204
    assert read(vault, "p") == {
        "allow_slashes_in_identity_templates": False,
        "allow_wildcards_in_identity_templates": False,
        "cas_required": False,
        "modified": "2026-01-01T00:00:00Z",
        "name": "p",
        "policy": RULES,
        "version": 1,
    }


def test_the_older_path_calls_the_text_rules(vault: World) -> None:
    written = call(vault, "PUT", "sys/policy/p", {"rules": RULES})
    assert written.warnings == ["'rules' is deprecated, please use 'policy' instead"]
    assert call(vault, "GET", "sys/policy/p").data["rules"] == RULES
    assert call(vault, "GET", "sys/policy").data == {
        "keys": ["default", "p", "root"],
        "policies": ["default", "p", "root"],
    }


def test_a_policy_may_come_in_base64(vault: World) -> None:
    write(vault, "p", base64.b64encode(RULES.encode()).decode())
    assert read(vault, "p")["policy"] == RULES


@pytest.mark.parametrize(
    ("name", "policy", "text"),
    [
        ("p", "", "'policy' parameter not supplied or empty"),
        (
            "p",
            'path "a" { capabilities = ["fly"] }',
            'failed to parse policy: path "a": path "a": invalid capability "fly"',
        ),
        ("root", RULES, 'cannot update "root" policy'),
        ("ROOT", RULES, 'cannot update "root" policy'),
        ("response-wrapping", RULES, 'cannot update "response-wrapping" policy'),
    ],
)
def test_what_is_no_policy_or_stays_as_it_is_is_refused(vault: World, name: str, policy: str, text: str) -> None:
    answer = write(vault, name, policy)
    assert (answer.status, answer.errors) == (400, [text])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("root", 'cannot delete "root" policy'),
        ("default", "cannot delete default policy"),
        ("response-wrapping", 'cannot delete "response-wrapping" policy'),
    ],
)
def test_policies_of_the_server_cannot_be_deleted(vault: World, name: str, text: str) -> None:
    assert call(vault, "DELETE", f"sys/policies/acl/{name}").errors == [text]


def test_deleting_a_policy_takes_effect_at_once(vault: World) -> None:
    write(vault, "p")
    assert call(vault, "DELETE", "sys/policies/acl/P").status == 204
    assert call(vault, "GET", "sys/policies/acl/p").status == 404


def test_lists_go_through_folders_and_show_names_before_them(vault: World) -> None:
    write(vault, "d/e/f")
    write(vault, "d/g")
    assert call(vault, "LIST", "sys/policies/acl").data["keys"] == ["default", "d/g", "d/e/f", "root"]
    assert call(vault, "LIST", "sys/policies/acl/d").data["keys"] == ["d/g", "d/e/f"]
    assert call(vault, "LIST", "sys/policies/acl/none").status == 404


def test_detailed_lists_show_each_policy_and_always_root(vault: World) -> None:
    write(vault, "d/g")
    found = call(vault, "LIST", "sys/policies/detailed/acl/d").data
    assert found["keys"] == ["d/g", "root"]
    assert found["key_info"]["d/g"]["policy"] == RULES


@pytest.mark.parametrize(
    ("cas", "text"),
    [
        (0, "check-and-set parameter 0 did not match the current version 1"),
        (-1, "check-and-set parameter set to -1 on existing entry"),
        (None, "check-and-set parameter 0 did not match the current version 1"),
    ],
)
def test_a_version_that_does_not_match_is_refused(vault: World, cas: int | None, text: str) -> None:
    write(vault, "p")
    assert write(vault, "p", cas=cas).errors == [text]


def test_a_policy_that_requires_it_is_written_only_with_its_version(vault: World) -> None:
    write(vault, "p", cas=-1, cas_required=True)
    assert write(vault, "p").errors == ["check-and-set parameter required for this call"]
    assert write(vault, "p", cas=1).status == 204


def test_a_policy_ends_when_its_time_is_over(vault: World) -> None:
    write(vault, "p", ttl="1h")
    assert read(vault, "p")["expiration"] == "2026-01-01T01:00:00Z"
    vault.clock.advance(3601)
    assert call(vault, "GET", "sys/policies/acl/p").status == 404
    assert "p" not in call(vault, "LIST", "sys/policies/acl").data["keys"]


def test_a_time_that_is_over_already_is_refused(vault: World) -> None:
    text = "refusing to update policy as expiration time has already elapsed"
    assert write(vault, "p", expiration="2025-01-01T00:00:00Z").errors == [text]
    assert write(vault, "p", ttl=0).errors == [text]
    both = write(vault, "p", ttl=5, expiration="2099-01-01T00:00:00Z")
    assert both.errors == ["cannot supply both 'expiration' and 'ttl' for policies"]


def test_patching_changes_only_what_is_sent(vault: World) -> None:
    write(vault, "p", allow_slashes_in_identity_templates=True)
    assert call(vault, "PATCH", "sys/policies/acl/p", {"cas_required": True}).status == 200
    patched = read(vault, "p")
    assert (patched["version"], patched["policy"], patched["cas_required"]) == (2, RULES, True)
    assert patched["allow_slashes_in_identity_templates"] is True
    assert call(vault, "PATCH", "sys/policies/acl/none", {}).errors == ["policy not found"]


def test_vault_shows_name_and_text_alone_and_warns_of_capitals() -> None:  # from Vault's documentation
    vault = world("vault")
    assert write(vault, "P").warnings == ["policy name was converted to p"]
    assert read(vault, "p") == {"name": "p", "policy": RULES}
    assert call(vault, "LIST", "sys/policies/detailed/acl").status == 404
