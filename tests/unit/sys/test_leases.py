"""`sys/leases`. Expected answers were recorded from OpenBao 2.7.2; what it says of renewals follows from its source."""

import pytest
from unit.helpers import call, world
from unit.leasing import lend

from sandboxd.vault.errors import Failure, UnsupportedOperation

DOWN = Failure("the database is down")


@pytest.fixture
def vault():
    return world()


@pytest.fixture
def lender(vault):
    return lend(vault)


def lease(vault, name="a", ttl="1h", **fields):
    return call(vault, "POST", f"lend/creds/{name}", {"ttl": ttl, **fields}).json["lease_id"]


def test_a_lease_is_looked_up(vault, lender):
    lease_id = lease(vault)
    assert call(vault, "POST", "sys/leases/lookup", {"lease_id": lease_id}).data == {
        "expire_time": "2026-01-01T01:00:00Z",
        "id": lease_id,
        "issue_time": "2026-01-01T00:00:00Z",
        "last_renewal": None,
        "path": "lend/creds/a",
        "renewable": True,
        "ttl": 3600,
    }


def test_the_lease_of_the_root_token_never_ends(vault):
    lease_id = vault.leases.of_token(vault.tokens.lookup("root")).id
    data = call(vault, "POST", "sys/leases/lookup", {"lease_id": lease_id}).data
    assert (data["expire_time"], data["ttl"], data["renewable"], data["path"]) == (None, 0, False, "auth/token/create")


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("lookup", {}, 400, "lease_id must be specified"),
        ("lookup", {"lease_id": "none"}, 400, "invalid lease"),
        ("lookup", {"lease_id": "auth/"}, 400, "invalid lease"),
        ("lookup", {"lease_id": 5}, 400, "invalid lease ID"),
        ("lookup", {"lease_id": "../x"}, 400, "failed to read lease entry ../x: relative paths not supported"),
        ("renew", {}, 400, "lease_id must be specified"),
        ("renew", {"lease_id": "none"}, 400, "lease not found"),
        ("renew/none", {}, 400, "lease not found"),
        ("renew/none", {"lease_id": ["a"]}, 400, "invalid lease ID"),
        ("revoke", {}, 400, "lease_id must be specified"),
        ("revoke", {"url_lease_id": "none"}, 400, "lease_id must be specified"),
        ("revoke-prefix", {}, 404, "1 error occurred:\n\t* unsupported path\n\n"),
    ],
)
def test_what_is_wrong_is_said(vault, path, body, status, error):
    reply = call(vault, "POST", f"sys/leases/{path}", body)
    assert (reply.status, reply.errors) == (status, [error])


def test_tokens_are_not_renewed_here(vault):
    token = call(vault, "POST", "auth/token/create", {"policies": ["default"]}).json["auth"]["client_token"]
    lease_id = vault.leases.of_token(vault.tokens.lookup(token)).id
    reply = call(vault, "POST", "sys/leases/renew", {"lease_id": lease_id})
    assert (reply.status, reply.errors) == (400, ["tokens cannot be renewed through this endpoint"])


@pytest.mark.parametrize("path", ["sys/leases/renew", "sys/leases/renew/{}"])
def test_a_lease_is_renewed_by_body_or_path(vault, lender, path):
    lease_id = lease(vault)
    vault.clock.advance(600)
    body = {"increment": "2h"} if "{}" in path else {"increment": "2h", "lease_id": lease_id}
    reply = call(vault, "PUT", path.format(lease_id), body)
    assert (reply.json["lease_id"], reply.json["lease_duration"], reply.json["renewable"]) == (lease_id, 7200, True)
    data = call(vault, "POST", "sys/leases/lookup", {"lease_id": lease_id}).data
    assert (data["ttl"], data["last_renewal"]) == (7200, "2026-01-01T00:10:00Z")


def test_a_renewal_stops_at_the_maximum(vault, lender):
    lease_id = lease(vault, max_ttl="2h")
    vault.clock.advance(3000)
    reply = call(vault, "POST", "sys/leases/renew", {"lease_id": lease_id, "increment": "5h"})
    assert reply.json["lease_duration"] == 4200
    assert reply.warnings == ['TTL of "5h" exceeded the effective max_ttl of "1h10m"; TTL value is capped accordingly']


def test_a_renewal_that_the_engine_refuses_says_why(vault, lender):
    lease_id = lease(vault)
    lender.trouble = DOWN
    reply = call(vault, "POST", "sys/leases/renew", {"lease_id": lease_id})
    text = "failed to renew entry: resp: (*logical.Response)(nil) err: the database is down"
    assert (reply.status, reply.errors) == (400, [text])


def test_a_lease_is_revoked_at_once(vault, lender):
    lease_id = lease(vault)
    assert call(vault, "POST", "sys/leases/revoke", {"lease_id": lease_id}).status == 204
    assert lender.revoked == ["a"]
    assert call(vault, "POST", "sys/leases/lookup", {"lease_id": lease_id}).errors == ["invalid lease"]
    assert call(vault, "POST", "sys/leases/revoke", {"lease_id": lease_id}).status == 204


def test_a_lease_is_revoked_later_on_request(vault, lender):
    lease_id = lease(vault)
    lender.trouble = DOWN
    reply = call(vault, "PUT", f"sys/leases/revoke/{lease_id}", {"sync": False})
    assert (reply.status, reply.text) == (202, "")
    assert call(vault, "POST", "sys/leases/lookup", {"lease_id": lease_id}).data["ttl"] == 0


def test_a_revocation_that_the_engine_fails_says_why(vault, lender):
    lease_id = lease(vault)
    lender.trouble = DOWN
    reply = call(vault, "POST", "sys/leases/revoke", {"lease_id": lease_id})
    text = "failed to revoke entry: resp: (*logical.Response)(nil) err: the database is down"
    assert (reply.status, reply.errors) == (400, [text])


def test_leases_are_listed_folder_by_folder(vault, lender):
    lease_id = lease(vault)
    assert call(vault, "LIST", "sys/leases/lookup").data == {"keys": ["auth/", "lend/"]}
    assert call(vault, "LIST", "sys/leases/lookup/lend/creds").data == {"keys": ["a/"]}
    assert call(vault, "LIST", "sys/leases/lookup/lend/creds/a/").data == {"keys": [lease_id.rpartition("/")[2]]}
    assert call(vault, "LIST", "sys/leases/lookup/none").status == 404
    assert call(vault, "GET", "sys/leases/lookup/lend").status == 405


def test_all_below_a_prefix_is_revoked(vault, lender):
    for name in ("a", "b", "b"):
        lease(vault, name)
    assert call(vault, "PUT", "sys/leases/revoke-prefix/lend/creds/b", {}).status == 204
    assert lender.revoked == ["b", "b"]
    reply = call(vault, "PUT", "sys/leases/revoke-prefix/lend", {"sync": False})
    assert (reply.status, reply.text) == (202, "")
    assert lender.revoked == ["b", "b", "a"]


def test_tokens_are_revoked_by_prefix_too(vault):
    token = call(vault, "POST", "auth/token/create", {"policies": ["default"]}).json["auth"]["client_token"]
    lease_id = vault.leases.of_token(vault.tokens.lookup(token)).id
    assert call(vault, "PUT", f"sys/leases/revoke-prefix/{lease_id}", {}).status == 204
    assert call(vault, "GET", "auth/token/lookup-self", token=token).status == 403


def test_force_forgets_what_cannot_be_revoked(vault, lender):
    lease_id = lease(vault)
    lender.trouble = DOWN
    reply = call(vault, "PUT", "sys/leases/revoke-prefix/lend/creds", {})
    text = (
        f'failed to revoke "{lease_id}" (1 / 1): failed to revoke entry: resp: (*logical.Response)(nil) err: '
        "the database is down"
    )
    assert (reply.status, reply.errors) == (400, [text])
    assert call(vault, "PUT", "sys/leases/revoke-force/lend/creds", {}).status == 204
    assert call(vault, "POST", "sys/leases/lookup", {"lease_id": lease_id}).errors == ["invalid lease"]


def test_irrevocable_leases_are_counted_and_listed(vault, lender):
    lease_id = lease(vault)
    lender.trouble = UnsupportedOperation()
    call(vault, "PUT", "sys/leases/revoke", {"lease_id": lease_id, "sync": False})
    accessor = vault.mounts.at(vault.namespaces.get("root"), "lend/").entry.accessor
    count = call(vault, "GET", "sys/leases/count?type=irrevocable").data
    assert count == {"counts": {accessor: 1}, "lease_count": 1}
    text = "failed to revoke entry: resp: (*logical.Response)(nil) err: unsupported operation"
    listed = call(vault, "GET", "sys/leases?type=irrevocable").data
    assert listed == {"lease_count": 1, "leases": [{"lease_id": lease_id, "mount_id": accessor, "error": text}]}
    data = call(vault, "POST", "sys/leases/lookup", {"lease_id": lease_id}).data
    assert (data["revoke_error"], data["renewable"]) == (text, False)


def test_a_list_of_irrevocable_leases_is_cut_with_a_warning(vault, lender):
    lender.trouble = UnsupportedOperation()
    for _ in range(3):
        call(vault, "PUT", "sys/leases/revoke", {"lease_id": lease(vault), "sync": False})
    reply = call(vault, "GET", "sys/leases?type=irrevocable&limit=2")
    assert (reply.data["lease_count"], len(reply.data["leases"])) == (2, 2)
    assert reply.warnings[0].startswith("Command halted because many irrevocable leases were found.")
    assert call(vault, "GET", "sys/leases?type=irrevocable&limit=none").data["lease_count"] == 3


@pytest.mark.parametrize(
    ("query", "status", "errors"),
    [
        ("", 404, []),
        ("?type=x", 404, []),
        ("?type=irrevocable&limit=0", 500, ["1 error occurred:\n\t* limit must be 'none' or a positive integer\n\n"]),
        (
            "?type=irrevocable&limit=x",
            500,
            ["1 error occurred:\n\t* invalid 'limit' provided: strconv.Atoi: parsing \"x\": invalid syntax\n\n"],
        ),
    ],
)
def test_only_irrevocable_leases_can_be_listed(vault, query, status, errors):
    reply = call(vault, "GET", f"sys/leases{query}")
    assert (reply.status, reply.errors) == (status, errors)


def test_tidying_starts(vault):
    reply = call(vault, "POST", "sys/leases/tidy", {})
    assert (reply.status, reply.json["data"]) == (202, None)
    assert not reply.text.endswith("\n")


def test_vault_still_has_the_paths_of_old():
    vault = world("vault")
    lender = lend(vault)
    assert call(vault, "PUT", "sys/renew", {"lease_id": lease(vault)}).json["lease_duration"] == 3600
    assert call(vault, "PUT", f"sys/revoke/{lease(vault, 'b')}", {}).status == 204
    assert call(vault, "PUT", "sys/revoke-prefix/lend", {}).status == 204
    assert call(vault, "PUT", "sys/revoke-force/lend", {}).status == 204
    assert lender.revoked == ["b", "a"]
    assert call(world(), "PUT", "sys/renew", {}).status == 404


def test_a_lease_of_a_namespace_is_found_from_anywhere(vault):
    for name in ("a", "b"):
        call(vault, "POST", f"sys/namespaces/{name}", {})
    inside, outside = {"x-vault-namespace": "a"}, {"x-vault-namespace": "b"}
    call(vault, "POST", "auth/token/create", {"policies": ["default"]}, headers=inside)
    (name,) = call(vault, "LIST", "sys/leases/lookup/auth/token/create", headers=inside).data["keys"]
    assert call(vault, "LIST", "sys/leases/lookup/auth/token/create", headers=outside).status == 404
    for headers in ({}, inside, outside):
        body = {"lease_id": f"auth/token/create/{name}"}
        assert call(vault, "POST", "sys/leases/lookup", body, headers=headers).data["namespace_path"] == "a/"
    call(vault, "PUT", "sys/leases/revoke-prefix/auth/token/create", {}, headers=outside)
    assert call(vault, "LIST", "sys/leases/lookup/auth/token/create", headers=inside).status == 200
    call(vault, "PUT", "sys/leases/revoke-prefix/auth/token/create", {}, headers=inside)
    assert call(vault, "LIST", "sys/leases/lookup/auth/token/create", headers=inside).status == 404
