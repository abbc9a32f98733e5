"""The rules that follow from a token's policies, and when they change."""

import pytest
from unit.helpers import call, world

from sandboxd.vault.namespaces import ROOT
from sandboxd.vault.policy_store import StoredPolicy
from sandboxd.vault.world import World

READ = 'path "secret/data/x" { capabilities = ["read"] }'
TEMPLATED = 'path "secret/data/{{identity.entity.metadata.team}}/x" { capabilities = ["read"] }'


@pytest.fixture
def vault() -> World:
    return world()


def token(vault: World, *policies: str) -> str:
    made = call(vault, "POST", "auth/token/create", {"policies": list(policies)}).json["auth"]
    found: str = made["client_token"]
    return found


def token_of_entity(vault: World, metadata: dict[str, str], policy: str) -> str:
    """A token of an entity with that metadata, and the policy `t`."""
    mount = call(vault, "GET", "sys/auth/token").data["accessor"]
    entity = call(vault, "POST", "identity/entity", {"name": "ann", "metadata": metadata}).data["id"]
    alias = {"name": "ann", "mount_accessor": mount, "canonical_id": entity}
    call(vault, "POST", "identity/entity-alias", alias)
    call(vault, "PUT", "sys/policies/acl/t", {"policy": policy})
    call(vault, "POST", "auth/token/roles/r", {"allowed_entity_aliases": "ann", "allowed_policies": "t"})
    made = call(vault, "POST", "auth/token/create/r", {"entity_alias": "ann"}).json["auth"]
    found: str = made["client_token"]
    return found


def status(vault: World, path: str, bearer: str) -> int:
    return call(vault, "GET", path, token=bearer).status


def test_a_policy_holds_from_the_moment_it_is_written(vault: World) -> None:
    bearer = token(vault, "p")
    assert status(vault, "secret/data/x", bearer) == 403
    vault.policies.put(ROOT, StoredPolicy(name="p", text=READ))
    assert status(vault, "secret/data/x", bearer) == 404
    vault.policies.delete(ROOT, "p")
    assert status(vault, "secret/data/x", bearer) == 403


def test_a_policy_holds_until_it_ends(vault: World) -> None:
    call(vault, "PUT", "sys/policies/acl/p", {"policy": READ, "ttl": "60s"})
    bearer = token(vault, "p")
    assert status(vault, "secret/data/x", bearer) == 404
    vault.clock.advance(61)
    assert status(vault, "secret/data/x", bearer) == 403


def test_a_rule_holds_until_it_ends(vault: World) -> None:
    ending = 'path "secret/data/x" { capabilities = ["read"] expiration = "2026-01-01T00:01:00Z" }'
    call(vault, "PUT", "sys/policies/acl/p", {"policy": ending})
    bearer = token(vault, "p")
    assert status(vault, "secret/data/x", bearer) == 404
    vault.clock.advance(61)
    assert status(vault, "secret/data/x", bearer) == 403


def test_templates_follow_the_entity(vault: World) -> None:
    bearer = token_of_entity(vault, {"team": "a"}, TEMPLATED)
    assert status(vault, "secret/data/a/x", bearer) == 404
    call(vault, "POST", "identity/entity/name/ann", {"metadata": {"team": "b"}})
    assert status(vault, "secret/data/a/x", bearer) == 403
    assert status(vault, "secret/data/b/x", bearer) == 404


def test_a_value_that_would_widen_a_path_shuts_the_token_out(vault: World) -> None:
    bearer = token_of_entity(vault, {"team": "a/b"}, TEMPLATED)
    answer = call(vault, "GET", "secret/data/x", token=bearer)
    assert (answer.status, answer.errors) == (400, ["Forbidden"])
    open_to_all = call(vault, "GET", "sys/internal/ui/mounts", token=bearer)
    assert (open_to_all.status, open_to_all.errors) == (403, ["Forbidden"])


def test_a_template_that_makes_no_pattern_is_an_error_of_the_server(vault: World) -> None:
    wide = 'path "secret/data/{{identity.entity.metadata.team}}*" { capabilities = ["read"] }'
    bearer = token_of_entity(vault, {"team": "+"}, wide)
    body = {"policy": wide, "allow_wildcards_in_identity_templates": True}
    call(vault, "PUT", "sys/policies/acl/t", body)
    answer = call(vault, "GET", "secret/data/x", token=bearer)
    assert (answer.status, answer.errors) == (500, ["1 error occurred:\n\t* internal error\n\n"])


def test_policies_of_groups_count(vault: World) -> None:
    bearer = token_of_entity(vault, {"team": "a"}, TEMPLATED)
    entity = call(vault, "GET", "identity/entity/name/ann").data["id"]
    call(vault, "PUT", "sys/policies/acl/g", {"policy": READ})
    assert status(vault, "secret/data/x", bearer) == 403
    call(vault, "POST", "identity/group", {"name": "g", "policies": "g", "member_entity_ids": [entity]})
    assert status(vault, "secret/data/x", bearer) == 404


def test_a_policy_of_a_namespace_holds_there_alone(vault: World) -> None:
    call(vault, "POST", "sys/namespaces/team", {})
    headers = {"x-vault-namespace": "team"}
    body = {"policy": 'path "sys/mounts" { capabilities = ["read"] }'}
    call(vault, "PUT", "sys/policies/acl/p", body, headers=headers)
    made = call(vault, "POST", "auth/token/create", {"policies": ["p"]}, headers=headers).json["auth"]
    bearer = made["client_token"]
    assert call(vault, "GET", "sys/mounts", token=bearer, headers=headers).status == 200
    assert call(vault, "GET", "sys/mounts", token=bearer).status == 403
