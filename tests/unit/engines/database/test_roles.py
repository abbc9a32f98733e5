"""Dynamic roles: users are made on demand and end with their leases."""

import pytest
from unit.databases import call, connect, database, later, role, users
from unit.helpers import START

from sandboxd.fakes import Status, verify
from sandboxd.vault.clock import NANOSECONDS


@pytest.fixture
def made():
    return database()


def lend(made, name="app", token="root", **kwargs):
    return call(made, "GET", f"database/creds/{name}", token=token, **kwargs)


def test_a_read_makes_a_user_and_lends_it_out(made) -> None:
    role(made, default_ttl="1h", max_ttl="2h")

    reply = lend(made)

    assert (reply.status, reply.json["lease_duration"], reply.json["renewable"]) == (200, 3600, True)
    assert reply.json["lease_id"].startswith("database/creds/app/")
    assert sorted(reply.data) == ["password", "username"]
    assert users(made)[reply.data["username"]].password == reply.data["password"]


def test_the_user_outlasts_its_lease_by_five_seconds(made) -> None:
    role(made, default_ttl="1h")

    name = lend(made).data["username"]

    assert users(made)[name].expiration == (START + 3605) * NANOSECONDS


def test_a_password_without_a_policy_has_twenty_characters_of_four_classes_and_is_a_fake(made) -> None:
    role(made)

    password = lend(made).data["password"]

    assert len(password) == 20
    assert all(any(test(char) for char in password) for test in (str.isupper, str.islower, str.isdigit, "-".__eq__))
    assert verify(password).status is Status.MADE_HERE


def test_a_users_name_tells_who_asked_and_of_which_role(made) -> None:
    role(made, "reporting")

    assert lend(made, "reporting").data["username"].startswith("v-token-reportin-")


def test_a_username_template_of_the_connection_is_followed(made) -> None:
    connect(made, "pg", username_template="{{.RoleName}}_{{.DisplayName | uppercase}}_{{random 4}}")
    role(made)

    assert lend(made).data["username"].startswith("app_TOKEN_")


def test_the_password_policy_of_the_role_goes_before_that_of_the_connection(made) -> None:
    for name, length in (("short", 12), ("long", 40)):
        policy = f'length = {length}\nrule "charset" {{ charset = "abc" }}'
        call(made, "POST", f"sys/policies/password/{name}", {"policy": policy})
    connect(made, "pg", password_policy="long")
    role(made, "plain")
    role(made, "own", credential_config={"password_policy": "short"})

    assert len(lend(made, "plain").data["password"]) == 40
    assert len(lend(made, "own").data["password"]) == 12


def test_a_revoked_lease_drops_its_user(made) -> None:
    role(made)
    lease_id = lend(made).json["lease_id"]

    call(made, "POST", "sys/leases/revoke", {"lease_id": lease_id, "sync": True})

    assert users(made) == {}


def test_an_expired_lease_drops_its_user(made) -> None:
    role(made, default_ttl=60)
    lend(made)

    later(made, 61)

    assert users(made) == {}


def test_users_end_with_the_token_that_asked_for_them(made) -> None:
    role(made)
    policy = 'path "database/creds/*" { capabilities = ["read"] }'
    call(made, "POST", "sys/policies/acl/reader", {"policy": policy})
    token = call(made, "POST", "auth/token/create", {"policies": ["reader"]}).json["auth"]["client_token"]
    lend(made, token=token)

    call(made, "POST", "auth/token/revoke", {"token": token})

    assert users(made) == {}


def test_renewing_lets_the_user_last_longer(made) -> None:
    role(made, default_ttl=60, max_ttl=600)
    reply = lend(made)
    later(made, 30)

    renewed = call(made, "POST", "sys/leases/renew", {"lease_id": reply.json["lease_id"], "increment": 120})

    assert renewed.json["lease_duration"] == 120
    assert users(made)[reply.data["username"]].expiration == (START + 30 + 125) * NANOSECONDS


def test_a_lease_whose_role_is_gone_is_not_renewed(made) -> None:
    role(made)
    lease_id = lend(made).json["lease_id"]
    call(made, "DELETE", "database/roles/app")

    refused = call(made, "POST", "sys/leases/renew", {"lease_id": lease_id})

    assert refused.status == 400
    assert 'error during renew: could not find role with name "app"' in refused.errors[0]


def test_a_lease_whose_role_is_gone_is_revoked_by_what_it_remembers(made) -> None:
    role(made)
    lease_id = lend(made).json["lease_id"]
    call(made, "DELETE", "database/roles/app")

    call(made, "POST", "sys/leases/revoke", {"lease_id": lease_id, "sync": True})

    assert users(made) == {}


def test_what_cannot_be_revoked_without_its_connection_is_tried_again(made) -> None:
    role(made, default_ttl=60)
    lend(made)
    call(made, "DELETE", "database/config/pg")
    later(made, 61)
    assert len(users(made)) == 1

    connect(made, "pg")
    later(made, 60)

    assert users(made) == {}


def test_revoking_at_once_tells_why_it_cannot(made) -> None:
    role(made)
    lease_id = lend(made).json["lease_id"]
    call(made, "DELETE", "database/config/pg")

    refused = call(made, "POST", "sys/leases/revoke", {"lease_id": lease_id, "sync": True})

    assert refused.status == 400
    assert 'failed to find entry for connection with name: "pg"' in refused.errors[0]


def test_a_role_that_the_connection_does_not_allow_gets_nothing(made) -> None:
    connect(made, "pg", allowed_roles="read-*,other")
    role(made)
    role(made, "read-all")

    assert lend(made).errors == ['1 error occurred:\n\t* "app" is not an allowed role\n\n']
    assert lend(made, "read-all").status == 200


def test_postgresql_insists_on_creation_statements(made) -> None:
    role(made, creation_statements=[])

    assert lend(made).errors == ["1 error occurred:\n\t* empty creation statements\n\n"]


def test_a_failed_read_leaves_no_user_and_no_lease(made) -> None:
    role(made, credential_config={"password_policy": "none"})

    assert lend(made).errors == ["1 error occurred:\n\t* failed to generate password: no password policy found\n\n"]
    assert users(made) == {}
    assert call(made, "LIST", "sys/leases/lookup/database/creds/app").status == 404


def test_ttls_are_capped_by_the_mount(made) -> None:
    call(made, "POST", "sys/mounts/database/tune", {"max_lease_ttl": "30m"})
    role(made, default_ttl="1h")

    reply = lend(made)

    assert reply.json["lease_duration"] == 1800
    assert reply.warnings == ['TTL of "1h" exceeded the effective max_ttl of "30m"; TTL value is capped accordingly']


def test_a_write_changes_only_what_it_sends(made) -> None:
    role(made, default_ttl="1h", revocation_statements=["", "DROP"])

    call(made, "POST", "database/roles/app", {"max_ttl": "2h"})

    read = call(made, "GET", "database/roles/app").data
    assert (read["default_ttl"], read["max_ttl"], read["revocation_statements"]) == (3600, 7200, ["DROP"])


def test_roles_are_listed_in_parts_by_openbao_alone() -> None:
    for profile, expected in (("openbao", ["b"]), ("vault", ["a", "b", "c"])):
        made = database(profile)
        for name in "abc":
            role(made, name)
        assert call(made, "LIST", "database/roles?after=a&limit=1").data["keys"] == expected


def test_the_ledger_knows_what_was_lent_out(made) -> None:
    role(made)
    reply = lend(made)
    password = reply.data["password"]
    assert made.ledger.find(password).valid(made.clock.now_ns())

    call(made, "POST", "sys/leases/revoke", {"lease_id": reply.json["lease_id"], "sync": True})

    assert not made.ledger.find(password).valid(made.clock.now_ns())
