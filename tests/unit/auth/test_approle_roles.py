"""Roles of AppRole, and the paths of their fields. Expected answers were recorded from OpenBao 2.7.2."""

import pytest
from unit.helpers import call, world

EMPTY = {
    "bind_secret_id": True,
    "local_secret_ids": False,
    "secret_id_bound_cidrs": None,
    "secret_id_num_uses": 0,
    "secret_id_ttl": 0,
    "token_bound_cidrs": [],
    "token_explicit_max_ttl": 0,
    "token_max_ttl": 0,
    "token_no_default_policy": False,
    "token_num_uses": 0,
    "token_period": 0,
    "token_policies": [],
    "token_strictly_bind_ip": False,
    "token_ttl": 0,
    "token_type": "default",
}


def vault_with_approle(profile="openbao"):
    made = world(profile)
    assert call(made, "POST", "sys/auth/approle", {"type": "approle"}).status == 204
    return made


@pytest.fixture
def vault():
    return vault_with_approle()


def write(vault, data, name="app"):
    return call(vault, "POST", f"auth/approle/role/{name}", data)


def read(vault, path="app"):
    return call(vault, "GET", f"auth/approle/role/{path}").data


def refused(answer):
    return answer.status, answer.errors


def wrapped(text):
    return [f"1 error occurred:\n\t* {text}\n\n"]


def test_a_role_has_defaults(vault):
    assert write(vault, {}).status == 204
    assert read(vault) == EMPTY


def test_vault_does_not_know_the_field_that_openbao_added():
    vault = vault_with_approle("vault")
    write(vault, {})
    assert read(vault) == {name: value for name, value in EMPTY.items() if name != "token_strictly_bind_ip"}


def test_a_role_that_is_not_there_is_not_found(vault):
    assert refused(call(vault, "GET", "auth/approle/role/app")) == (404, [])
    assert call(vault, "DELETE", "auth/approle/role/app").status == 204


def test_writing_again_changes_what_is_sent(vault):
    write(vault, {"token_ttl": "10m", "secret_id_ttl": 60, "token_policies": "b,a"})
    write(vault, {"token_ttl": "11m"})
    assert read(vault) == EMPTY | {"token_ttl": 660, "secret_id_ttl": 60, "token_policies": ["b", "a"]}


def test_null_is_the_zero_value_of_what_is_no_time(vault):
    write(vault, {"secret_id_num_uses": 5, "secret_id_ttl": 5})
    write(vault, {"secret_id_num_uses": None, "secret_id_ttl": None, "secret_id_bound_cidrs": None})
    assert read(vault) == EMPTY | {"secret_id_ttl": 5, "secret_id_bound_cidrs": []}


def test_names_of_roles_have_no_case(vault):
    write(vault, {"token_ttl": 5}, "UPPER")
    assert read(vault, "uPPer")["token_ttl"] == 5
    assert call(vault, "LIST", "auth/approle/role").data == {"keys": ["upper"]}


@pytest.mark.parametrize(("profile", "status"), [("openbao", 200), ("vault", 403)])
def test_openbao_asks_the_policies_about_the_name_in_lower_case(profile, status):
    vault = vault_with_approle(profile)
    write(vault, {})
    rules = 'path "auth/approle/role/app" { capabilities = ["read"] }'
    call(vault, "PUT", "sys/policies/acl/low", {"policy": rules})
    token = call(vault, "POST", "auth/token/create", {"policies": ["low"]}).json["auth"]["client_token"]
    assert call(vault, "GET", "auth/approle/role/APP", token=token).status == status


def test_roles_are_listed_page_by_page(vault):
    for name in "abc":
        write(vault, {}, name)
    assert call(vault, "LIST", "auth/approle/role?after=a&limit=1").data == {"keys": ["b"]}


def test_a_deleted_role_cannot_be_logged_in_to(vault):
    write(vault, {"role_id": "me", "bind_secret_id": False, "token_bound_cidrs": "127.0.0.1"})
    assert call(vault, "POST", "auth/approle/login", {"role_id": "me"}, token="").status == 200
    call(vault, "DELETE", "auth/approle/role/app")
    answer = call(vault, "POST", "auth/approle/login", {"role_id": "me"}, token="")
    assert refused(answer) == (400, ["invalid role or secret ID"])


@pytest.mark.parametrize(
    ("data", "status", "text"),
    [
        ({"token_type": "other"}, 400, "invalid 'token_type' value \"other\""),
        ({"token_num_uses": -1}, 400, "'token_num_uses' cannot be negative"),
        ({"token_ttl": "2h", "token_max_ttl": "1h"}, 400, "'token_ttl' cannot be greater than 'token_max_ttl'"),
        (
            {"token_type": "batch", "token_period": 60},
            400,
            "'token_type' cannot be 'batch' or 'default_batch' when set to generate periodic tokens",
        ),
        (
            {"token_type": "batch", "token_num_uses": 1},
            400,
            "'token_type' cannot be 'batch' or 'default_batch' when set to generate tokens with limited use count",
        ),
        (
            {"token_strictly_bind_ip": True, "token_bound_cidrs": "10.0.0.1"},
            400,
            "'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; set only one",
        ),
        ({"role_id": ""}, 400, "invalid role_id supplied, or failed to generate a role_id"),
        ({"secret_id_num_uses": -1}, 400, "secret_id_num_uses cannot be negative"),
        (
            {"period": "1000h"},
            400,
            'period of "1000h0m0s" is greater than the backend\'s maximum lease TTL of "768h0m0s"',
        ),
        ({"secret_id_ttl": "x"}, 400, 'error converting input for field "secret_id_ttl": time: invalid duration "x"'),
        ({"secret_id_bound_cidrs": "bad"}, 500, "failed to validate CIDR blocks: invalid CIDR address: bad"),
        ({"bound_cidr_list": "1.2.3.4/33"}, 500, "failed to validate CIDR blocks: invalid CIDR address: 1.2.3.4/33"),
        ({"bind_secret_id": False}, 500, "at least one constraint should be enabled on the role"),
        ({"bind_secret_id": None}, 500, "at least one constraint should be enabled on the role"),
    ],
)
def test_fields_that_make_no_sense_are_refused(vault, data, status, text):
    assert refused(write(vault, data)) == (status, [text] if status == 400 else wrapped(text))
    assert call(vault, "GET", "auth/approle/role/app").status == 404


def test_an_error_with_a_warning_is_the_clients(vault):
    answer = write(vault, {"bind_secret_id": False, "token_max_ttl": "1000h"})
    assert refused(answer) == (400, wrapped("at least one constraint should be enabled on the role"))


def test_a_name_has_a_greatest_length(vault):
    answer = write(vault, {}, "n" * 4097)
    assert refused(answer) == (400, ["role_name is longer than maximum of 4096 bytes"])


def test_a_role_id_belongs_to_one_role(vault):
    write(vault, {"role_id": "taken"})
    assert refused(write(vault, {"role_id": "taken"}, "other")) == (500, wrapped("role_id already in use"))
    assert call(vault, "POST", "auth/approle/role/app/role-id", {"role_id": "new"}).status == 204
    assert write(vault, {"role_id": "taken"}, "other").status == 204
    assert read(vault, "app/role-id") == {"role_id": "new"}


def test_local_secret_ids_are_decided_once(vault):
    write(vault, {"local_secret_ids": True})
    assert read(vault, "app/local-secret-ids") == {"local_secret_ids": True}
    assert refused(write(vault, {"local_secret_ids": None})) == (
        400,
        ["local_secret_ids can only be modified during role creation"],
    )


@pytest.mark.parametrize("kind", ["service", "batch"])
def test_default_types_of_token_are_adjusted(vault, kind):
    answer = write(vault, {"token_type": f"default-{kind}"})
    assert answer.warnings == [f"default-{kind} has no useful meaning; adjusting to {kind}"]
    assert read(vault)["token_type"] == kind


def test_a_longer_maximum_than_the_mounts_is_warned_of(vault):
    assert write(vault, {"token_max_ttl": "1000h"}).warnings == [
        (
            "token_max_ttl is greater than the backend mount's maximum TTL value; issued tokens' max TTL value will be "
            "truncated"
        )
    ]


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ({"policies": ["Z", "b", "", " a "]}, {"policies": ["a", "b", "z"], "token_policies": ["a", "b", "z"]}),
        ({"policies": ["a", "root"]}, {"policies": ["root"], "token_policies": ["root"]}),
        ({"token_policies": ["A", ""], "policies": ["q"]}, {"policies": ["A", ""], "token_policies": ["A", ""]}),
        ({"token_policies": ["c"]}, {"token_policies": ["c"]}),
        ({"token_policies": []}, {"token_policies": []}),
    ],
)
def test_policies_have_a_deprecated_name(vault, data, shown):
    write(vault, {"policies": ["before"]})
    write(vault, data)
    assert read(vault, "app/policies") == shown


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ({"period": "1h", "token_period": "2h"}, {"period": 7200, "token_period": 7200}),
        ({"period": "1h", "token_period": None}, {"period": 3600, "token_period": 3600}),
        ({"token_period": 60}, {"token_period": 60}),
    ],
)
def test_the_period_has_a_deprecated_name(vault, data, shown):
    write(vault, data)
    assert read(vault, "app/period") == shown
    assert read(vault).get("period") == shown.get("period")


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("1.2.3.4/32", "1.2.3.4"),
        ("10.1.1.1/16", "10.1.1.1/16"),
        ("1.2.3.4/0", "1.2.3.4/0"),
        ("fe80:0:0:0::1/64", "fe80::1/64"),
        ("FE80::1", "fe80::1"),
        ("::1/128", "::1"),
        ("::ffff:1.2.3.4/120", "1.2.3.4/24"),
        ("1.2.3.4:80", "1.2.3.4:80"),
        ("[::1]:80", "[::1]:80"),
        ("/tmp/sock", '"\\"/tmp/sock\\""'),
        ("1.2.3/8", '"\\"1.2.3/8\\""'),
    ],
)
def test_addresses_are_spelled_anew(vault, sent, shown):
    write(vault, {"token_bound_cidrs": [sent]})
    assert read(vault)["token_bound_cidrs"] == [shown]


@pytest.mark.parametrize("bad", ["bad", "010.0.0.1", "1.2.3", "", "1"])
def test_what_is_no_address_is_refused(vault, bad):
    text = f'error parsing address "{bad}": Unable to convert "{bad}" to an IPv4 or IPv6 address, or a UNIX Socket'
    assert refused(write(vault, {"token_bound_cidrs": [bad]})) == (400, [text])


@pytest.mark.parametrize(
    ("field", "value", "shown", "default"),
    [
        ("period", "1h", {"period": 3600, "token_period": 3600}, {"token_period": 0}),
        ("policies", "a,b", {"policies": ["a", "b"], "token_policies": ["a", "b"]}, {"token_policies": []}),
        ("secret-id-bound-cidrs", "10.0.0.0/8", {"secret_id_bound_cidrs": ["10.0.0.0/8"]}, None),
        ("secret-id-num-uses", 3, {"secret_id_num_uses": 3}, {"secret_id_num_uses": 0}),
        ("secret-id-ttl", "2h", {"secret_id_ttl": 7200}, {"secret_id_ttl": 0}),
        ("token-bound-cidrs", ["127.0.0.0/8"], {"token_bound_cidrs": ["127.0.0.0/8"]}, None),
        ("token-max-ttl", "2h", {"token_max_ttl": 7200}, {"token_max_ttl": 0}),
        ("token-num-uses", -5, {"token_num_uses": -5}, {"token_num_uses": 0}),
        ("token-ttl", 60, {"token_ttl": 60}, {"token_ttl": 0}),
    ],
)
def test_each_field_is_set_read_and_reset_alone(vault, field, value, shown, default):
    name = field.replace("-", "_")
    assert call(vault, "GET", f"auth/approle/role/app/{field}").status == 404
    assert call(vault, "DELETE", f"auth/approle/role/app/{field}").status == 204
    answer = call(vault, "POST", f"auth/approle/role/app/{field}", {name: value})
    assert refused(answer) == (404, wrapped("unsupported path"))
    write(vault, {})
    assert call(vault, "POST", f"auth/approle/role/app/{field}", {name: value}).status == 204
    assert read(vault, f"app/{field}") == shown
    assert call(vault, "DELETE", f"auth/approle/role/app/{field}").status == 204
    assert read(vault, f"app/{field}") == (default or {name: None})
    assert read(vault) == EMPTY


@pytest.mark.parametrize(
    ("field", "data", "text"),
    [
        ("policies", {}, "missing token_policies"),
        ("period", {}, "missing period"),
        ("secret-id-num-uses", {}, "missing secret_id_num_uses"),
        ("secret-id-ttl", {}, "missing secret_id_ttl"),
        ("token-max-ttl", {}, "missing token_max_ttl"),
        ("token-num-uses", {}, "missing token_num_uses"),
        ("token-ttl", {}, "missing token_ttl"),
        ("role-id", {}, "missing role_id"),
        ("secret-id-num-uses", {"secret_id_num_uses": -3}, "secret_id_num_uses cannot be negative"),
        ("token-ttl", {"token_ttl": "3h"}, "token_ttl should not be greater than token_max_ttl"),
        ("token-max-ttl", {"token_max_ttl": 1}, "token_max_ttl should be greater than or equal to token_ttl"),
        (
            "period",
            {"token_period": "1000h"},
            'period of "0s" is greater than the backend\'s maximum lease TTL of "768h0m0s"',
        ),
        ("secret-id-bound-cidrs", {"secret_id_bound_cidrs": []}, "missing bound_cidr_list"),
        ("bound-cidr-list", {"bound_cidr_list": ""}, "missing bound_cidr_list"),
        (
            "secret-id-bound-cidrs",
            {"secret_id_bound_cidrs": "1.2.3.4"},
            "failed to validate CIDR blocks: invalid CIDR address: 1.2.3.4",
        ),
        (
            "token-bound-cidrs",
            {"token_bound_cidrs": "bad"},
            (
                'failed to parse token_bound_cidrs: error parsing address "bad": Unable to convert "bad" to an IPv4 or '
                "IPv6 address, or a UNIX Socket"
            ),
        ),
    ],
)
def test_a_field_that_makes_no_sense_is_refused(vault, field, data, text):
    write(vault, {"token_ttl": "1h", "token_max_ttl": "2h"})
    assert refused(call(vault, "POST", f"auth/approle/role/app/{field}", data)) == (400, [text])


@pytest.mark.parametrize("field", ["bound-cidr-list", "secret-id-bound-cidrs", "token-bound-cidrs"])
def test_writing_nothing_to_the_blocks_is_fine(vault, field):
    write(vault, {})
    assert call(vault, "POST", f"auth/approle/role/app/{field}", {}).status == 204
    assert read(vault) == EMPTY


def test_the_old_path_of_the_blocks_sets_them_but_shows_nothing(vault):
    write(vault, {})
    call(vault, "POST", "auth/approle/role/app/bound-cidr-list", {"bound_cidr_list": "127.0.0.1/32"})
    answer = call(vault, "GET", "auth/approle/role/app/bound-cidr-list")
    assert answer.data == {"bound_cidr_list": None}
    assert answer.warnings == [
        'The "bound_cidr_list" field is deprecated and will be removed. Please use "secret_id_bound_cidrs" instead.'
    ]
    call(vault, "DELETE", "auth/approle/role/app/bound-cidr-list")
    assert read(vault)["secret_id_bound_cidrs"] == ["127.0.0.1/32"]


def test_the_last_constraint_stays(vault):
    write(vault, {"bind_secret_id": False, "secret_id_bound_cidrs": "10.0.0.0/8"})
    answer = call(vault, "DELETE", "auth/approle/role/app/secret-id-bound-cidrs")
    assert refused(answer) == (500, wrapped("at least one constraint should be enabled on the role"))


@pytest.mark.parametrize(("profile", "status"), [("openbao", 404), ("vault", 200)])
def test_openbao_finds_no_way_to_bind_secret_id(profile, status):
    vault = vault_with_approle(profile)
    write(vault, {})
    answer = call(vault, "GET", "auth/approle/role/app/bind-secret-id")
    assert answer.status == status
    assert "true" in answer.text if status == 200 else answer.errors == wrapped("unsupported path")


def test_a_role_is_the_same_after_the_world_was_restored(vault):
    write(vault, {"role_id": "me", "token_policies": "p"})
    kept = vault.snapshot()
    call(vault, "DELETE", "auth/approle/role/app")
    vault.restore(kept)
    assert read(vault, "app/role-id") == {"role_id": "me"}


def test_nothing_of_a_role_shows_in_its_representation(vault):
    write(vault, {"role_id": "me"})
    (role,) = [value for path, value in vault.snapshot().values.items() if path.endswith("/role/app")]
    assert "me" not in repr(role).replace("name", "")
