"""Secret IDs of AppRole. Expected answers were recorded from OpenBao 2.7.2."""

import base64

import pytest
from unit.helpers import call, world

ROLE = "auth/approle/role/app"


@pytest.fixture
def vault():
    made = world()
    call(made, "POST", "sys/auth/approle", {"type": "approle"})
    call(made, "POST", ROLE, {"role_id": "me"})
    return made


def custom(vault, secret_id, **fields):
    return call(vault, "POST", f"{ROLE}/custom-secret-id", {"secret_id": secret_id, **fields})


def lookup(vault, secret_id):
    return call(vault, "POST", f"{ROLE}/secret-id/lookup", {"secret_id": secret_id})


def login(vault, secret_id):
    return call(vault, "POST", "auth/approle/login", {"role_id": "me", "secret_id": secret_id}, token="")


def accessors(vault):
    answer = call(vault, "LIST", f"{ROLE}/secret-id")
    return answer.data["keys"] if answer.status == 200 else []


def refused(answer):
    return answer.status, answer.errors


def wrapped(text):
    return [f"1 error occurred:\n\t* {text}\n\n"]


def test_a_secret_id_is_made_up_and_looked_up(vault):
    made = call(vault, "POST", f"{ROLE}/secret-id", {}).data
    assert sorted(made) == ["secret_id", "secret_id_accessor", "secret_id_num_uses", "secret_id_ttl"]
    assert lookup(vault, made["secret_id"]).data == {
        "cidr_list": [],
        "creation_time": "2026-01-01T00:00:00Z",
        "expiration_time": "0001-01-01T00:00:00Z",
        "last_updated_time": "2026-01-01T00:00:00Z",
        "metadata": {},
        "secret_id_accessor": made["secret_id_accessor"],
        "secret_id_num_uses": 0,
        "secret_id_ttl": 0,
        "token_bound_cidrs": [],
    }


def test_the_accessor_leads_to_the_same(vault):
    accessor = custom(vault, "mine").data["secret_id_accessor"]
    by_accessor = call(vault, "POST", f"{ROLE}/secret-id-accessor/lookup", {"secret_id_accessor": accessor})
    assert by_accessor.data == lookup(vault, "mine").data


def test_accessors_are_listed(vault):
    assert refused(call(vault, "LIST", f"{ROLE}/secret-id")) == (404, [])
    made = {custom(vault, name).data["secret_id_accessor"] for name in ("a", "b", "c")}
    assert set(accessors(vault)) == made
    assert len(call(vault, "LIST", f"{ROLE}/secret-id?limit=2").data["keys"]) == 2


def test_a_secret_id_is_made_once(vault):
    custom(vault, "mine")
    assert refused(custom(vault, "mine")) == (
        500,
        wrapped("failed to store secret_id: SecretID is already registered"),
    )


def test_two_roles_may_have_the_same_secret_id(vault):
    custom(vault, "mine")
    call(vault, "POST", "auth/approle/role/other", {})
    answer = call(vault, "POST", "auth/approle/role/other/custom-secret-id", {"secret_id": "mine"})
    assert answer.status == 200


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_destroyed_secret_id_is_gone_with_its_accessor(vault, method):
    accessor = custom(vault, "mine").data["secret_id_accessor"]
    path, body = f"{ROLE}/secret-id/destroy", {"secret_id": "mine"}
    answer = call(vault, "POST", path, body) if method == "POST" else call(vault, "DELETE", f"{path}?secret_id=mine")
    assert answer.status == 204
    assert lookup(vault, "mine").status == 204
    assert accessors(vault) == []
    answer = call(vault, "POST", f"{ROLE}/secret-id-accessor/lookup", {"secret_id_accessor": accessor})
    assert answer.status == 404
    assert answer.data == {"error": f'failed to find accessor entry for secret_id_accessor: "{accessor}"'}


def test_an_accessor_destroys_its_secret_id(vault):
    accessor = custom(vault, "mine").data["secret_id_accessor"]
    path, body = f"{ROLE}/secret-id-accessor/destroy", {"secret_id_accessor": accessor}
    assert call(vault, "POST", path, body).status == 204
    assert refused(login(vault, "mine")) == (400, ["invalid role or secret ID"])
    text = f'failed to find accessor entry for secret_id_accessor: "{accessor}"'
    assert refused(call(vault, "POST", path, body)) == (500, wrapped(text))


def test_another_roles_accessor_leads_nowhere(vault):
    accessor = custom(vault, "mine").data["secret_id_accessor"]
    call(vault, "POST", "auth/approle/role/other", {})
    path, body = "auth/approle/role/other/secret-id-accessor", {"secret_id_accessor": accessor}
    assert call(vault, "POST", f"{path}/lookup", body).status == 204
    assert refused(call(vault, "POST", f"{path}/destroy", body)) == (403, ["invalid secret id accessor"])


def test_accessors_of_local_secret_ids_are_apart(vault):
    call(vault, "POST", "auth/approle/role/local", {"local_secret_ids": True})
    made = call(vault, "POST", "auth/approle/role/local/secret-id", {}).data
    body = {"secret_id_accessor": made["secret_id_accessor"]}
    assert call(vault, "POST", f"{ROLE}/secret-id-accessor/lookup", body).status == 404
    assert call(vault, "POST", "auth/approle/role/local/secret-id-accessor/lookup", body).status == 200


@pytest.mark.parametrize(
    ("path", "data", "status", "text"),
    [
        ("app/custom-secret-id", {}, 400, "missing secret_id"),
        ("none/custom-secret-id", {"secret_id": "x"}, 404, 'role "none" does not exist'),
        ("none/secret-id", {}, 404, 'role "none" does not exist'),
        ("none/secret-id/lookup", {}, 400, "missing secret_id"),
        ("none/secret-id/lookup", {"secret_id": "x"}, 500, 'role "none" does not exist'),
        ("none/secret-id/destroy", {"secret_id": "x"}, 500, 'role "none" does not exist'),
        ("none/secret-id-accessor/lookup", {}, 400, "missing secret_id_accessor"),
        ("none/secret-id-accessor/lookup", {"secret_id_accessor": "x"}, 500, 'role "none" does not exist'),
        ("none/secret-id-accessor/destroy", {"secret_id_accessor": "x"}, 500, 'role "none" does not exist'),
        (
            "app/secret-id/lookup",
            {"secret_id": "x" * 4097},
            500,
            "failed to create HMAC of secret_id: value is longer than maximum of 4096 bytes",
        ),
        (
            "app/custom-secret-id",
            {"secret_id": "x" * 4097},
            500,
            "failed to store secret_id: failed to create HMAC of secret ID: value is longer than maximum of 4096 bytes",
        ),
    ],
)
def test_what_is_missing_is_refused(vault, path, data, status, text):
    answer = call(vault, "POST", f"auth/approle/role/{path}", data)
    assert refused(answer) == (status, wrapped(text) if status == 500 else [text])


def test_listing_needs_the_role(vault):
    answer = call(vault, "LIST", "auth/approle/role/none/secret-id")
    assert refused(answer) == (400, ['role "none" does not exist'])


def test_a_role_without_secret_ids_makes_none(vault):
    call(vault, "POST", ROLE, {"bind_secret_id": False, "token_bound_cidrs": "127.0.0.1"})
    assert refused(custom(vault, "mine")) == (400, ["bind_secret_id is not set on the role"])


@pytest.mark.parametrize(
    ("fields", "num_uses", "ttl"),
    [({}, 5, 3600), ({"ttl": None}, 5, 3600), ({"ttl": "30m"}, 5, 1800), ({"num_uses": 2}, 2, 3600)],
)
def test_the_role_says_what_a_secret_id_is_good_for(vault, fields, num_uses, ttl):
    call(vault, "POST", ROLE, {"secret_id_num_uses": 5, "secret_id_ttl": "1h"})
    made = custom(vault, "mine", **fields).data
    assert (made["secret_id_num_uses"], made["secret_id_ttl"]) == (num_uses, ttl)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"num_uses": -1}, "num_uses cannot be negative"),
        ({"num_uses": 0}, "num_uses cannot be higher than the role's secret_id_num_uses"),
        ({"num_uses": None}, "num_uses cannot be higher than the role's secret_id_num_uses"),
        ({"num_uses": 6}, "num_uses cannot be higher than the role's secret_id_num_uses"),
        ({"ttl": 0}, "ttl cannot be longer than the role's secret_id_ttl"),
        ({"ttl": "2h"}, "ttl cannot be longer than the role's secret_id_ttl"),
    ],
)
def test_a_secret_id_stays_within_the_role(vault, fields, text):
    call(vault, "POST", ROLE, {"secret_id_num_uses": 5, "secret_id_ttl": "1h"})
    assert refused(custom(vault, "mine", **fields)) == (400, [text])


def test_no_secret_id_outlasts_the_mount(vault):
    call(vault, "POST", ROLE, {"secret_id_ttl": "10000h"})
    assert custom(vault, "mine").data["secret_id_ttl"] == 2764800
    found = lookup(vault, "mine").data
    assert (found["secret_id_ttl"], found["expiration_time"]) == (36000000, "2026-02-02T00:00:00Z")


def test_an_expired_secret_id_is_no_use(vault):
    accessor = custom(vault, "mine", ttl=50).data["secret_id_accessor"]
    vault.clock.advance(49)
    assert login(vault, "mine").status == 200
    vault.clock.advance(2)
    assert refused(login(vault, "mine")) == (400, ["invalid role or secret ID"])
    assert lookup(vault, "mine").status == 204
    answer = call(vault, "POST", f"{ROLE}/secret-id-accessor/lookup", {"secret_id_accessor": accessor})
    assert answer.status == 204
    assert accessors(vault) == [accessor]


def test_expired_secret_ids_are_tidied_away_within_a_minute(vault):
    custom(vault, "mine", ttl=1)
    vault.clock.advance(2)
    assert len(accessors(vault)) == 1
    assert custom(vault, "mine").status == 500
    vault.clock.advance(60)
    assert accessors(vault) == []
    assert custom(vault, "mine").status == 200


def test_tidying_can_be_asked_for(vault):
    custom(vault, "mine", ttl=1)
    vault.clock.advance(2)
    answer = call(vault, "POST", "auth/approle/tidy/secret-id", {})
    assert answer.status == 202
    assert answer.warnings == [
        (
            "Tidy operation successfully started. Any information from the operation will be printed to OpenBao's "
            "server logs."
        )
    ]
    assert accessors(vault) == []


def test_accessors_of_a_deleted_role_lead_nowhere_until_they_are_tidied_away(vault):
    accessor = custom(vault, "mine").data["secret_id_accessor"]
    call(vault, "DELETE", ROLE)
    call(vault, "POST", ROLE, {})
    path, body = f"{ROLE}/secret-id-accessor/lookup", {"secret_id_accessor": accessor}
    assert call(vault, "POST", path, body).status == 204
    vault.clock.advance(60)
    assert call(vault, "POST", path, body).status == 404


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("", {}),
        ("{}", {}),
        ('{"k": "v", "l": "w"}', {"k": "v", "l": "w"}),
        (' {"k":"v"} ', {"k": "v"}),
        ('{"": ""}', {"": ""}),
        (base64.b64encode(b'{"k":"v"}').decode(), {"k": "v"}),
        ("k=v,l=w", {"k": "v", "l": "w"}),
        ("K = V ,, l= w", {"k": "v", "l": "w"}),
        ("k=v,k=w", {"k": "w"}),
    ],
)
def test_metadata_comes_in_two_forms(vault, sent, kept):
    custom(vault, "mine", metadata=sent)
    assert lookup(vault, "mine").data["metadata"] == kept
    assert login(vault, "mine").json["auth"]["metadata"] == kept | {"role_name": "app"}


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ('{"k": 1}', "failed to parse the input: invalid <key,value> format"),
        ("null", "failed to parse the input: invalid <key,value> format"),
        ("[]", "failed to parse the input: invalid <key,value> format"),
        ("k", "failed to parse the input: invalid <key,value> format"),
        ("k=v=w", "failed to parse the input: invalid <key,value> format"),
        ("k=", 'failed to parse the input: invalid <key,value> pair: key: "k" value: ""'),
        ("=v", 'failed to parse the input: invalid <key,value> pair: key: "" value: "v"'),
        ('{"k": ""}', 'invalid value for key "k"'),
        ('{"k": null}', 'invalid value for key "k"'),
    ],
)
def test_metadata_of_no_form_is_refused(vault, sent, text):
    assert refused(custom(vault, "mine", metadata=sent)) == (400, [f"failed to parse metadata: {text}"])


@pytest.mark.parametrize(
    ("role", "fields", "text"),
    [
        ({}, {"cidr_list": "bad"}, "failed to validate CIDR blocks: invalid CIDR address: bad"),
        (
            {},
            {"token_bound_cidrs": "10.1.2.0"},
            "failed to validate token CIDR blocks: invalid CIDR address: 10.1.2.0",
        ),
        (
            {"secret_id_bound_cidrs": ["10.0.0.0/8", "11.0.0.0/8"]},
            {"cidr_list": ["10.1.1.1/32", "::1/128"]},
            (
                'failed to verify subset relationship between CIDR blocks on the role ["10.0.0.0/8" "11.0.0.0/8"] and '
                'CIDR blocks on the secret ID ["10.1.1.1/32" "::1/128"]: %!w(<nil>)'
            ),
        ),
        (
            {"secret_id_bound_cidrs": ["10.0.0.0/8"]},
            {"cidr_list": ["1.2.3.4/0"]},
            (
                'failed to verify subset relationship between CIDR blocks on the role ["10.0.0.0/8"] and CIDR blocks '
                'on the secret ID ["1.2.3.4/0"]: CIDR that needs to be checked is not in its canonical form'
            ),
        ),
        (
            {"token_bound_cidrs": ["10.0.0.1", "10.1.0.0/16", "::1"]},
            {"token_bound_cidrs": ["10.0.0.2/32"]},
            (
                'failed to verify subset relationship between CIDR blocks on the role ["10.0.0.1/32" "10.1.0.0/16" '
                '"::1/32"] and CIDR blocks on the secret ID ["10.0.0.2/32"]: %!w(<nil>)'
            ),
        ),
        (
            {"token_bound_cidrs": ["127.0.0.1:80"]},
            {"token_bound_cidrs": ["127.0.0.1/32"]},
            (
                'failed to verify subset relationship between CIDR blocks on the role ["127.0.0.1:80/32"] and CIDR '
                'blocks on the secret ID ["127.0.0.1/32"]: failed to parse the CIDR to be checked against: invalid '
                "CIDR address: 127.0.0.1:80/32"
            ),
        ),
    ],
)
def test_blocks_stay_within_the_roles(vault, role, fields, text):
    call(vault, "POST", ROLE, role)
    assert refused(custom(vault, "mine", **fields)) == (500, wrapped(text))


def test_narrower_blocks_are_fine(vault):
    call(vault, "POST", ROLE, {"secret_id_bound_cidrs": "10.0.0.0/8", "token_bound_cidrs": "10.1.0.0/16,::1"})
    fields = {"cidr_list": "10.1.1.1/32", "token_bound_cidrs": "10.1.2.0/24,::1/128"}
    assert custom(vault, "mine", **fields).status == 200
    assert lookup(vault, "mine").data["token_bound_cidrs"] == ["10.1.2.0/24", "::1/128"]


def test_a_wrapped_secret_id_shows_its_accessor(vault):
    answer = call(vault, "POST", f"{ROLE}/secret-id", {}, headers={"x-vault-wrap-ttl": "60"})
    assert answer.json["wrap_info"]["wrapped_accessor"] in accessors(vault)


def test_the_secret_id_itself_is_not_kept(vault):
    custom(vault, "not-to-be-found")
    assert "not-to-be-found" not in str(vault.snapshot().values)
