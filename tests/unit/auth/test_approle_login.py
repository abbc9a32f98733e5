"""Logging in with AppRole, and renewing. Expected answers were recorded from OpenBao 2.7.2."""

import pytest
from unit.helpers import call, world

ROLE = "auth/approle/role/app"
INVALID = (400, ["invalid role or secret ID"])


@pytest.fixture
def vault():
    made = world()
    call(made, "POST", "sys/auth/approle", {"type": "approle"})
    call(made, "POST", ROLE, {"role_id": "me", "token_policies": "p", "token_ttl": "20m", "token_max_ttl": "30m"})
    custom(made, "mine")
    return made


def custom(vault, secret_id, **fields):
    return call(vault, "POST", f"{ROLE}/custom-secret-id", {"secret_id": secret_id, **fields})


def login(vault, secret_id="mine", role_id="me"):
    return call(vault, "POST", "auth/approle/login", {"role_id": role_id, "secret_id": secret_id}, token="")


def token(vault, secret_id="mine"):
    return login(vault, secret_id).json["auth"]["client_token"]


def myself(vault, secret_id="mine"):
    return call(vault, "GET", "auth/token/lookup-self", token=token(vault, secret_id)).data


def uses_left(vault, secret_id):
    return call(vault, "POST", f"{ROLE}/secret-id/lookup", {"secret_id": secret_id}).data["secret_id_num_uses"]


def refused(answer):
    return answer.status, answer.errors


def test_a_login_gives_the_token_of_the_role(vault):
    auth = login(vault).json["auth"]
    assert auth["policies"] == auth["token_policies"] == ["default", "p"]
    assert auth["metadata"] == {"role_name": "app"}
    assert (auth["lease_duration"], auth["renewable"], auth["token_type"]) == (1200, True, "service")
    assert (auth["orphan"], auth["num_uses"], auth["mfa_requirement"]) == (True, 0, None)


def test_the_token_knows_where_it_comes_from(vault):
    found = myself(vault)
    assert (found["display_name"], found["path"]) == ("approle", "auth/approle/login")
    assert found["meta"] == {"role_name": "app"}


def test_the_role_id_names_the_alias(vault):
    login(vault)
    login(vault)
    (entity,) = call(vault, "LIST", "identity/entity/id").data["keys"]
    (alias,) = call(vault, "GET", f"identity/entity/id/{entity}").data["aliases"]
    assert (alias["name"], alias["metadata"]) == ("me", {"role_name": "app"})


def test_blanks_around_the_ids_do_not_count(vault):
    assert login(vault, " mine ", " me\n").status == 200


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({}, 500, "missing role_id"),
        ({"role_id": " "}, 500, "missing role_id"),
        ({"role_id": "none"}, 400, "invalid role or secret ID"),
        ({"role_id": "none", "secret_id": "mine"}, 400, "invalid role or secret ID"),
        ({"role_id": "me"}, 400, "missing secret_id"),
        ({"role_id": "me", "secret_id": None}, 400, "missing secret_id"),
        ({"role_id": "me", "secret_id": "none"}, 400, "invalid role or secret ID"),
        (
            {"role_id": ["me"]},
            500,
            (
                "Field validation failed: error converting input for field \"role_id\": '' expected type 'string', got "
                "unconvertible type '[]interface {}'"
            ),
        ),
        (
            {"role_id": "me", "secret_id": "x" * 4097},
            500,
            "failed to create HMAC of secret_id: value is longer than maximum of 4096 bytes",
        ),
    ],
)
def test_a_login_that_makes_no_sense_is_refused(vault, body, status, text):
    assert refused(call(vault, "POST", "auth/approle/login", body, token="")) == (status, [text])


def test_where_no_one_is_locked_out_a_missing_role_id_is_the_clients_fault(vault):
    call(vault, "POST", "sys/auth/approle/tune", {"user_lockout_config": {"lockout_disable": True}})
    answer = call(vault, "POST", "auth/approle/login", {}, token="")
    assert refused(answer) == (400, ["missing role_id"])


def test_a_secret_id_of_another_role_does_not_count(vault):
    call(vault, "POST", "auth/approle/role/other", {"role_id": "you"})
    assert refused(login(vault, "mine", "you")) == INVALID


def test_uses_are_counted(vault):
    custom(vault, "twice", num_uses=2)
    vault.clock.advance(5)
    assert login(vault, "twice").status == 200
    found = call(vault, "POST", f"{ROLE}/secret-id/lookup", {"secret_id": "twice"}).data
    assert (found["secret_id_num_uses"], found["last_updated_time"]) == (1, "2026-01-01T00:00:05Z")
    assert login(vault, "twice").status == 200
    assert refused(login(vault, "twice")) == INVALID
    assert call(vault, "POST", f"{ROLE}/secret-id/lookup", {"secret_id": "twice"}).status == 204


def test_a_role_may_ask_for_no_secret_id(vault):
    call(vault, "POST", ROLE, {"bind_secret_id": False, "secret_id_bound_cidrs": "127.0.0.0/8"})
    assert login(vault, "anything").status == 200
    assert call(vault, "POST", "auth/approle/login", {"role_id": "me"}, token="").status == 200


def test_a_role_may_be_bound_to_other_places(vault):
    call(vault, "POST", ROLE, {"secret_id_bound_cidrs": "10.0.0.0/8"})
    text = 'source address "127.0.0.1" unauthorized by CIDR restrictions on the role: %!w(<nil>)'
    assert refused(login(vault)) == (400, [text])


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "unauthorized through CIDR restrictions on the secret ID"),
        ({"num_uses": 2}, "unauthorized by CIDR restrictions on the secret ID: %!w(<nil>)"),
    ],
)
def test_a_secret_id_may_be_bound_to_other_places(vault, fields, text):
    custom(vault, "far", cidr_list="10.0.0.0/8", **fields)
    assert refused(login(vault, "far")) == (400, [f'source address "127.0.0.1" {text}'])
    assert uses_left(vault, "far") == fields.get("num_uses", 0)


def test_a_secret_id_must_stay_within_a_role_that_changed(vault):
    custom(vault, "near", cidr_list="127.0.0.0/8", num_uses=3)
    call(vault, "POST", ROLE, {"secret_id_bound_cidrs": "10.0.0.0/8"})
    text = (
        'failed to verify subset relationship between CIDR blocks on the role ["10.0.0.0/8"] and CIDR blocks on the '
        'secret ID ["127.0.0.0/8"]: %!w(<nil>)'
    )
    assert refused(login(vault, "near")) == (500, [text])
    assert uses_left(vault, "near") == 3


def test_the_secret_id_binds_the_token_closer_than_the_role(vault):
    call(vault, "POST", ROLE, {"token_bound_cidrs": "127.0.0.0/8"})
    custom(vault, "near", token_bound_cidrs="127.0.0.1/32")
    assert myself(vault)["bound_cidrs"] == ["127.0.0.0/8"]
    assert myself(vault, "near")["bound_cidrs"] == ["127.0.0.1"]


def test_a_token_bound_elsewhere_is_given_but_cannot_be_used(vault):
    call(vault, "POST", ROLE, {"token_bound_cidrs": "10.0.0.1"})
    answer = call(vault, "GET", "auth/token/lookup-self", token=token(vault))
    assert answer.status == 403


def test_binding_strictly_to_the_address_is_without_effect(vault):
    call(vault, "POST", ROLE, {"token_strictly_bind_ip": True})
    assert "bound_cidrs" not in myself(vault)


def test_a_role_may_give_batch_tokens(vault):
    call(vault, "POST", ROLE, {"token_type": "batch"})
    auth = login(vault).json["auth"]
    assert (auth["token_type"], auth["renewable"], auth["accessor"]) == ("batch", False, "")


def test_no_role_gives_root_tokens(vault):
    call(vault, "POST", ROLE, {"token_policies": "root"})
    assert refused(login(vault)) == (400, ["auth methods cannot create root tokens"])


def test_a_renewal_asks_the_role_as_it_is_now(vault):
    mine = token(vault)
    call(vault, "POST", ROLE, {"token_ttl": "5m", "token_policies": "other"})
    auth = call(vault, "POST", "auth/token/renew-self", {}, token=mine).json["auth"]
    assert (auth["lease_duration"], auth["token_policies"]) == (300, ["default", "p"])
    call(vault, "POST", ROLE, {"token_period": "2m"})
    assert call(vault, "POST", "auth/token/renew-self", {}, token=mine).json["auth"]["lease_duration"] == 120


def test_no_token_is_renewed_when_its_role_is_gone(vault):
    mine = token(vault)
    call(vault, "DELETE", ROLE)
    text = '1 error occurred:\n\t* failed to renew entry: role "app" does not exist during renewal\n\n'
    assert refused(call(vault, "POST", "auth/token/renew-self", {}, token=mine)) == (500, [text])


def test_wrong_secret_ids_lock_the_role_id_out(vault):
    assert [login(vault, "wrong").status for _ in range(6)] == [400, 400, 400, 400, 400, 403]
    assert refused(login(vault)) == (403, ["permission denied"])


def test_expired_and_used_up_secret_ids_count_as_wrong(vault):
    custom(vault, "short", ttl=1)
    vault.clock.advance(2)
    assert [login(vault, "short").status for _ in range(6)] == [400, 400, 400, 400, 400, 403]


def test_unknown_role_ids_lock_nobody_out(vault):
    assert {login(vault, "wrong", "none").status for _ in range(7)} == {400}
    assert {login(vault, "").status for _ in range(7)} == {400}
    assert login(vault).status == 200


@pytest.mark.parametrize(("method", "status"), [("GET", 500), ("DELETE", 500), ("PUT", 200)])
def test_the_role_id_is_looked_for_whatever_the_method(vault, method, status):
    body = {"role_id": "me", "secret_id": "mine"} if method == "PUT" else None
    assert call(vault, method, "auth/approle/login", body, token="").status == status
