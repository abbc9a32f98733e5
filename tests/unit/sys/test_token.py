"""Looking up, renewing and revoking tokens. Expected answers were recorded from OpenBao 2.7.2."""

import re

import pytest
from unit.helpers import START, call, world

LATEST = "2026-01-01T00:00:00Z"


@pytest.fixture
def vault():
    return world()


def make(vault, path="auth/token/create", by="root", **fields):
    return call(vault, "POST", path, {"policies": ["default"], **fields}, token=by).json["auth"]


def test_a_lookup_tells_all_but_the_parent(vault):
    made = make(vault, ttl="1h", meta={"k": "v"}, display_name="app")
    assert call(vault, "POST", "auth/token/lookup", {"token": made["client_token"]}).data == {
        "accessor": made["accessor"],
        "creation_time": START,
        "creation_ttl": 3600,
        "display_name": "token-app",
        "entity_id": "",
        "expire_time": "2026-01-01T01:00:00Z",
        "explicit_max_ttl": 0,
        "id": made["client_token"],
        "issue_time": LATEST,
        "meta": {"k": "v"},
        "num_uses": 0,
        "orphan": False,
        "path": "auth/token/create",
        "policies": ["default"],
        "renewable": True,
        "ttl": 3600,
        "type": "service",
    }


def test_the_root_token_lasts_for_ever(vault):
    data = call(vault, "GET", "auth/token/lookup-self").data
    assert (data["expire_time"], data["ttl"], data["creation_ttl"], data["renewable"]) == (None, 0, 0, False)
    assert (data["path"], data["display_name"], data["orphan"]) == ("auth/token/create", "token", True)


def test_a_lookup_by_accessor_hides_the_token(vault):
    made = make(vault)
    data = call(vault, "POST", "auth/token/lookup-accessor", {"accessor": made["accessor"]}).data
    assert (data["id"], data["accessor"]) == ("", made["accessor"])


def test_a_batch_token_shows_whole_seconds(vault):
    vault.clock.advance(0.5)
    token = make(vault, type="batch", ttl="1h")["client_token"]
    data = call(vault, "GET", "auth/token/lookup-self", token=token).data
    assert (data["issue_time"], data["expire_time"]) == (LATEST, "2026-01-01T01:00:00Z")
    assert (data["accessor"], data["renewable"], data["type"]) == ("", False, "batch")


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("lookup", {"token": "none"}, 403, "bad token"),
        ("lookup", {"token": "b.!!!"}, 400, "illegal base64 data at input byte 0"),
        ("lookup", {"token": 5}, 403, "invalid token"),
        ("lookup", {"token": None}, 403, "invalid token"),
        ("lookup", {"token": "hvs.CAESI" + "A" * 86}, 403, "bad token"),
        ("revoke", {"token": "hvs.CAESI" + "A" * 86}, 403, "bad token"),
        ("lookup-accessor", {}, 400, "1 error occurred:\n\t* missing accessor\n\n"),
        ("lookup-accessor", {"accessor": "none"}, 400, "1 error occurred:\n\t* invalid accessor\n\n"),
        ("renew", {}, 400, "missing token ID"),
        ("renew", {"token": "none"}, 400, "token not found"),
        (
            "renew",
            {"token": "b.!!!"},
            500,
            "1 error occurred:\n\t* error looking up token to renew: illegal base64 data at input byte 0\n\n",
        ),
        ("renew", {"token": "root"}, 400, "lease is not renewable"),
        ("renew-accessor", {"accessor": "none"}, 400, "1 error occurred:\n\t* invalid accessor\n\n"),
        ("revoke", {}, 400, "missing token ID"),
        ("revoke", {"token": "b.!!!"}, 500, "1 error occurred:\n\t* illegal base64 data at input byte 0\n\n"),
        ("revoke-orphan", {}, 400, "missing token ID"),
        ("revoke-orphan", {"token": "none"}, 400, "token to revoke not found"),
        ("revoke-accessor", {}, 400, "1 error occurred:\n\t* missing accessor\n\n"),
    ],
)
def test_what_is_wrong_is_said(vault, path, body, status, error):
    reply = call(vault, "POST", f"auth/token/{path}", body)
    assert (reply.status, reply.errors) == (status, [error])


def test_revoking_what_is_not_there_is_done_at_once(vault):
    assert call(vault, "POST", "auth/token/revoke", {"token": "none"}).status == 204
    reply = call(vault, "POST", "auth/token/revoke-accessor", {"accessor": "none"})
    assert (reply.status, reply.warnings) == (200, ["No token found with this accessor"])


def test_a_renewal_counts_from_now(vault):
    token = make(vault, ttl="1h")["client_token"]
    vault.clock.advance(600)
    auth = call(vault, "POST", "auth/token/renew-self", {"increment": "2h"}, token=token).json["auth"]
    assert (auth["lease_duration"], auth["client_token"], auth["policies"]) == (7200, token, ["default"])
    data = call(vault, "GET", "auth/token/lookup-self", token=token).data
    assert (data["ttl"], data["last_renewal"], data["last_renewal_time"]) == (
        7200,
        "2026-01-01T00:10:00Z",
        START + 600,
    )
    assert data["creation_ttl"] == 3600


def test_a_renewal_without_increment_gives_what_was_given_before(vault):
    token = make(vault, ttl="1h")["client_token"]
    vault.clock.advance(600)
    auth = call(vault, "POST", "auth/token/renew-self", {}, token=token).json["auth"]
    assert auth["lease_duration"] == 3600


def test_a_renewal_goes_up_to_the_explicit_maximum(vault):
    token = make(vault, ttl="1h", explicit_max_ttl="2h")["client_token"]
    vault.clock.advance(3000)
    reply = call(vault, "POST", "auth/token/renew-self", {"increment": "3h"}, token=token)
    assert reply.json["auth"]["lease_duration"] == 4200
    assert reply.warnings == [
        'TTL of "3h" exceeded the effective max_ttl of "1h10m"; TTL value is capped accordingly',
    ]


def test_a_periodic_token_gets_its_period_whatever_is_asked_for(vault):
    token = make(vault, period="1h")["client_token"]
    for _ in range(3):
        vault.clock.advance(3000)
        auth = call(vault, "POST", "auth/token/renew-self", {"increment": "5h"}, token=token).json["auth"]
        assert auth["lease_duration"] == 3600


def test_a_renewal_by_accessor_does_not_give_the_token(vault):
    made = make(vault, ttl="1h")
    auth = call(vault, "POST", "auth/token/renew-accessor", {"accessor": made["accessor"]}).json["auth"]
    assert (auth["client_token"], auth["accessor"]) == ("", made["accessor"])


def test_a_renewal_by_accessor_loses_the_reason_why_not(vault):
    made = make(vault, renewable=False)
    reply = call(vault, "POST", "auth/token/renew-accessor", {"accessor": made["accessor"]})
    assert (reply.status, reply.errors) == (400, ["1 error occurred:\n\t* invalid request\n\n"])


def test_an_expired_token_is_refused(vault):
    token = make(vault, ttl="1h")["client_token"]
    vault.clock.advance(3600)
    reply = call(vault, "GET", "auth/token/lookup-self", token=token)
    assert (reply.status, reply.errors) == (403, ["permission denied"])


def test_current_vault_calls_a_bad_token_invalid():
    vault = world("vault")
    reply = call(vault, "GET", "auth/token/lookup-self", token="hvs.unknown")
    assert reply.errors == ["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]
    reply = call(vault, "GET", "auth/token/lookup-self", token="hvs.CAESI" + "A" * 86)
    assert reply.errors == ["permission denied"]


def test_children_are_revoked_with_their_parent(vault):
    parent = make(vault, policies=["root"], ttl="1h")["client_token"]
    child = make(vault, by=parent)["client_token"]
    orphan = make(vault, "auth/token/create-orphan", by=parent)["client_token"]
    assert call(vault, "POST", "auth/token/revoke-self", token=parent).status == 204
    assert call(vault, "GET", "auth/token/lookup-self", token=child).status == 403
    assert call(vault, "GET", "auth/token/lookup-self", token=orphan).status == 200


def test_children_of_a_token_revoked_alone_become_orphans(vault):
    parent = make(vault, policies=["root"], ttl="1h")["client_token"]
    child = make(vault, by=parent)["client_token"]
    assert call(vault, "POST", "auth/token/revoke-orphan", {"token": parent}).status == 204
    assert call(vault, "GET", "auth/token/lookup-self", token=parent).status == 403
    assert call(vault, "GET", "auth/token/lookup-self", token=child).data["orphan"] is True


def test_revoking_alone_needs_sudo(vault):
    rules = 'path "auth/token/*" { capabilities = ["create", "update"] }'
    call(vault, "PUT", "sys/policies/acl/maker", {"policy": rules})
    token = make(vault, policies=["maker"])["client_token"]
    reply = call(vault, "POST", "auth/token/revoke-orphan", {"token": "root"}, token=token)
    assert (reply.status, reply.errors) == (400, ["root or sudo privileges required to revoke and orphan"])


@pytest.mark.parametrize(("path", "done"), [("renew", "renewed"), ("revoke", "revoked"), ("revoke-orphan", "revoked")])
def test_batch_tokens_can_be_neither_renewed_nor_revoked(vault, path, done):
    token = make(vault, type="batch")["client_token"]
    reply = call(vault, "POST", f"auth/token/{path}", {"token": token})
    assert (reply.status, reply.errors) == (400, [f"batch tokens cannot be {done}"])


def test_the_last_use_sees_itself_used_up(vault):
    token = make(vault, num_uses=1)["client_token"]
    assert call(vault, "GET", "auth/token/lookup-self", token=token).data["num_uses"] == -1
    assert call(vault, "GET", "auth/token/lookup-self", token=token).status == 403
    token = make(vault, num_uses=1)["client_token"]
    assert call(vault, "POST", "auth/token/renew-self", {}, token=token).errors == ["token not found"]


def test_a_use_counts_when_policy_denies_it(vault):
    token = make(vault, num_uses=2)["client_token"]
    call(vault, "GET", "sys/mounts", token=token)
    assert call(vault, "POST", "auth/token/lookup", {"token": token}).data["num_uses"] == 1


def test_accessors_are_listed_for_those_with_sudo(vault):
    made = make(vault)
    assert made["accessor"] in call(vault, "LIST", "auth/token/accessors").data["keys"]
    call(vault, "PUT", "sys/policies/acl/lister", {"policy": 'path "auth/token/*" { capabilities = ["list"] }'})
    lister = make(vault, policies=["lister"])["client_token"]
    assert call(vault, "LIST", "auth/token/accessors", token=lister).status == 403


@pytest.mark.parametrize(("profile", "product"), [("openbao", "OpenBao"), ("vault", "Vault")])
def test_tidying_starts(profile, product):
    reply = call(world(profile), "POST", "auth/token/tidy", {})
    assert reply.status == 202
    assert reply.json["warnings"] == [
        (
            "Tidy operation successfully started. Any information from the operation will be printed to "
            f"{product}'s server logs."
        )
    ]


def test_a_token_of_a_namespace_is_looked_up_from_anywhere(vault):
    for name in ("a", "b"):
        call(vault, "POST", f"sys/namespaces/{name}", {})
    made = call(vault, "POST", "auth/token/create", {"policies": ["default"]}, headers={"x-vault-namespace": "a"}).json[
        "auth"
    ]
    assert re.fullmatch(r"s\.\w{24}\.\w{6}", made["client_token"])
    for namespace in ("", "a", "b"):
        headers = {"x-vault-namespace": namespace} if namespace else {}
        data = call(vault, "GET", "auth/token/lookup-self", token=made["client_token"], headers=headers).data
        assert (data["namespace_path"], data["ttl"]) == ("a/", 2764800)
        renewed = call(vault, "POST", "auth/token/renew", {"token": made["client_token"]}, headers=headers)
        assert renewed.status == 200
    reply = call(vault, "POST", "auth/token/lookup-accessor", {"accessor": made["accessor"]})
    assert (reply.status, reply.errors) == (
        500,
        ["1 error occurred:\n\t* cannot lookup token in different namespace\n\n"],
    )


def test_the_policies_of_an_entity_show(vault):
    entity = call(vault, "POST", "identity/entity", {"name": "ann", "policies": ["x"]})
    call(vault, "POST", "auth/token/roles/r", {"allowed_entity_aliases": "ann"})
    accessor = vault.mounts.at(vault.namespaces.get("root"), "auth/token/").entry.accessor
    alias = {"name": "ann", "canonical_id": entity.data["id"], "mount_accessor": accessor}
    call(vault, "POST", "identity/entity-alias", alias)
    auth = make(vault, "auth/token/create/r", entity_alias="ann")
    assert (auth["token_policies"], auth["identity_policies"], auth["policies"]) == (
        ["default"],
        ["x"],
        ["default", "x"],
    )
    data = call(vault, "GET", "auth/token/lookup-self", token=auth["client_token"]).data
    assert (data["identity_policies"], data["external_namespace_policies"]) == (["x"], {})
    assert (data["policies"], data["role"], data["entity_id"]) == (["default"], "r", entity.data["id"])
