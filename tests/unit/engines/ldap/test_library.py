"""Accounts that the LDAP engine lends. Expected answers are from Vault's openldap plugin."""

import pytest
from unit.helpers import call

from sandboxd.fakes import verify


@pytest.fixture
def lib(vault):
    answer = call(
        vault, "POST", "ldap/library/team", {"service_account_names": "one,two", "ttl": "1h", "max_ttl": "2h"}
    )
    assert answer.status == 204
    return vault


def check_out(vault, name="team", token="root", **fields):
    return call(vault, "POST", f"ldap/library/{name}/check-out", fields, token=token)


def check_in(vault, *accounts, token="root", way="team"):
    body = {"service_account_names": accounts} if accounts else {}
    return call(vault, "POST", f"ldap/library/{way}/check-in", body, token=token)


def status(vault, name="team"):
    return call(vault, "GET", f"ldap/library/{name}/status").data


def other_token(vault):
    """A token that may do as it likes with the library."""
    call(vault, "PUT", "sys/policies/acl/lib", {"policy": 'path "ldap/library/*" { capabilities = ["update"] }'})
    return call(vault, "POST", "auth/token/create", {"policies": ["lib"]}).json["auth"]["client_token"]


def test_a_set_is_read_as_it_was_written(lib):
    assert call(lib, "GET", "ldap/library/team").data == {
        "service_account_names": ["one", "two"],
        "ttl": 3600,
        "max_ttl": 7200,
        "disable_check_in_enforcement": False,
    }


def test_times_are_a_day_by_default(vault):
    call(vault, "POST", "ldap/library/team", {"service_account_names": ["one"]})
    data = call(vault, "GET", "ldap/library/team").data
    assert (data["ttl"], data["max_ttl"]) == (86400, 86400)


def test_an_account_is_lent_with_a_lease(lib):
    answer = check_out(lib).json
    assert answer["data"]["service_account_name"] == "one"
    assert verify(answer["data"]["password"]).made_here
    assert (answer["lease_duration"], answer["renewable"]) == (3600, True)
    assert answer["lease_id"].startswith("ldap/library/team/check-out/")


def test_each_account_is_lent_once(lib):
    assert [check_out(lib).data["service_account_name"] for _ in range(2)] == ["one", "two"]
    assert check_out(lib).errors == ["No service accounts available for check-out."]


@pytest.mark.parametrize(("asked", "granted"), [(60, 60), ("90m", 3600), (0, 2764800)])
def test_a_borrower_may_ask_for_less_time(lib, asked, granted):
    lib_max = {"max_ttl": 0}
    call(lib, "POST", "ldap/library/team", lib_max)
    assert check_out(lib, ttl=asked).json["lease_duration"] == granted


def test_without_a_ttl_of_the_set_the_borrower_says(vault):
    call(vault, "POST", "ldap/library/team", {"service_account_names": "one", "ttl": 0, "max_ttl": 0})
    assert check_out(vault, ttl="1h").json["lease_duration"] == 3600


def test_the_password_changes_when_the_lease_ends(lib):
    first = check_out(lib).json
    call(lib, "PUT", "sys/leases/revoke", {"lease_id": first["lease_id"]})
    assert lib.ledger.find(first["data"]["password"]).end == "revoked"
    second = check_out(lib).data
    assert second["service_account_name"] == "one"
    assert second["password"] != first["data"]["password"]


def test_a_lease_that_ends_late_takes_the_account_from_whoever_has_it_by_then(lib):
    first = check_out(lib).json
    check_in(lib)
    second = check_out(lib).data
    assert second["service_account_name"] == first["data"]["service_account_name"] == "one"
    call(lib, "PUT", "sys/leases/revoke", {"lease_id": first["lease_id"]})
    assert lib.ledger.find(first["data"]["password"]).end == "superseded"
    assert lib.ledger.find(second["password"]).end == "superseded"
    assert status(lib)["one"] == {"available": True}


def test_a_lease_is_renewed_while_the_account_is_lent(lib):
    lease = check_out(lib).json["lease_id"]
    call(lib, "POST", "ldap/library/team", {"ttl": "90m"})
    assert call(lib, "PUT", "sys/leases/renew", {"lease_id": lease}).json["lease_duration"] == 5400
    check_in(lib)
    answer = call(lib, "PUT", "sys/leases/renew", {"lease_id": lease})
    assert answer.status == 400
    assert "one is already checked in, please call check-out to regain it" in answer.errors[0]


def test_the_borrower_gives_an_account_back(lib):
    password = check_out(lib).data["password"]
    assert check_in(lib).data == {"check_ins": ["one"]}
    assert lib.ledger.find(password).end == "superseded"
    assert check_in(lib).data == {"check_ins": []}
    assert check_in(lib, "one").data == {"check_ins": []}


def test_of_several_accounts_it_must_be_said_which(lib):
    check_out(lib)
    check_out(lib)
    (text,) = check_in(lib).errors
    assert text == (
        'when multiple service accounts are checked out, the "service_account_names" to check in must be provided'
    )
    assert check_in(lib, "two", "one").data == {"check_ins": ["two", "one"]}


def test_only_the_borrower_gives_an_account_back(lib):
    check_out(lib)
    stranger = other_token(lib)
    assert check_in(lib, token=stranger).data == {"check_ins": []}
    assert check_in(lib, "one", token=stranger).errors == [
        "\"one\" can't be checked in because it wasn't checked out by the caller"
    ]
    call(lib, "POST", "ldap/library/team", {"disable_check_in_enforcement": True})
    assert check_in(lib, "one", token=stranger).data == {"check_ins": ["one"]}


def test_a_manager_gives_any_account_back(lib):
    check_out(lib)
    assert check_in(lib, token=other_token(lib), way="manage/team").data == {"check_ins": ["one"]}


def test_the_entity_of_the_borrower_gives_an_account_back_with_another_token(lib):
    call(lib, "POST", "sys/auth/userpass", {"type": "userpass"})
    other_token(lib)
    call(lib, "POST", "auth/userpass/users/ann", {"password": "p", "token_policies": ["lib"]})
    tokens = [
        call(lib, "POST", "auth/userpass/login/ann", {"password": "p"}, token="").json["auth"]["client_token"]
        for _ in range(2)
    ]
    check_out(lib, token=tokens[0])
    assert status(lib)["one"]["borrower_entity_id"]
    assert check_in(lib, token=tokens[1]).data == {"check_ins": ["one"]}


def test_the_status_says_who_has_what(lib):
    check_out(lib)
    found = status(lib)
    assert found["two"] == {"available": True}
    assert found["one"]["available"] is False
    assert len(found["one"]["borrower_client_token"]) == 40


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, '"service_account_names" must be provided'),
        ({"service_account_names": "one"}, '"one" is already managed by the secrets engine'),
        ({"service_account_names": "static"}, '"static" is already managed by the secrets engine'),
        ({"service_account_names": "a,,b"}, "service account name must not be empty"),
        (
            {"service_account_names": "a", "ttl": "2h", "max_ttl": "1h"},
            "max_ttl (3600000000000 seconds) may not be less than ttl (7200000000000 seconds)",
        ),
    ],
)
def test_what_a_new_set_must_say(lib, fields, text):
    call(lib, "POST", "ldap/static-role/static", {"username": "static", "rotation_period": 60})
    answer = call(lib, "POST", "ldap/library/other", fields)
    assert (answer.status, answer.errors) == (400, [text])
    assert call(lib, "GET", "ldap/library/other").status == 404


def test_a_user_of_a_set_gets_no_static_role(lib):
    answer = call(lib, "POST", "ldap/static-role/static", {"username": "one", "rotation_period": 60})
    assert answer.errors == ['"one" is already managed by the secrets engine']


def test_accounts_come_and_go(lib):
    check_out(lib)
    assert call(lib, "POST", "ldap/library/team", {"service_account_names": "two,three"}).errors == [
        "\"one\" can't be deleted because it is currently checked out'"
    ]
    check_in(lib)
    assert call(lib, "POST", "ldap/library/team", {"service_account_names": "two,three"}).status == 204
    assert status(lib) == {"two": {"available": True}, "three": {"available": True}}
    assert call(lib, "POST", "ldap/library/other", {"service_account_names": "one"}).status == 204
    assert call(lib, "POST", "ldap/library/other", {"service_account_names": "one,three"}).errors == [
        '"three" is already managed by the secrets engine'
    ]
    assert call(lib, "POST", "ldap/library/other", {"service_account_names": ""}).errors == [
        "at least one service account must be configured"
    ]


def test_a_set_is_deleted_only_while_nothing_is_lent(lib):
    check_out(lib)
    assert call(lib, "DELETE", "ldap/library/team").errors == [
        "\"one\" can't be deleted because it is currently checked out'"
    ]
    check_in(lib)
    assert call(lib, "DELETE", "ldap/library/team").status == 204
    assert call(lib, "DELETE", "ldap/library/team").status == 204
    assert call(lib, "GET", "ldap/library/team").status == 404
    assert call(lib, "POST", "ldap/library/other", {"service_account_names": "one"}).status == 204


def test_names_may_have_folders(lib):
    call(lib, "POST", "ldap/library/a/b", {"service_account_names": "three"})
    assert call(lib, "LIST", "ldap/library").data == {"keys": ["a/", "team"]}
    assert call(lib, "LIST", "ldap/library/a").data == {"keys": ["b"]}
    assert check_out(lib, "a/b").data["service_account_name"] == "three"
    assert check_in(lib, way="manage/a/b").data == {"check_ins": ["three"]}
    assert status(lib, "a/b") == {"three": {"available": True}}


def test_sets_that_are_not_there(vault):
    for answer in (check_out(vault), check_in(vault), call(vault, "GET", "ldap/library/team/status")):
        assert (answer.status, answer.errors) == (400, ['"team" doesn\'t exist'])
    assert call(vault, "LIST", "ldap/library").status == 404


def test_accounts_that_are_not_there(lib):
    assert check_in(lib, "none").errors == ["1 error occurred:\n\t* not found\n\n"]
    answer = call(lib, "POST", "ldap/library/team/check-in", {"service_account_names": [""]})
    assert answer.errors == ["1 error occurred:\n\t* service account name must be provided\n\n"]


def test_sets_need_a_configuration(bare):
    body = {"service_account_names": "one"}
    assert call(bare, "POST", "ldap/library/team", body).errors == ["config must exist to create a library"]
    assert check_in(bare).errors == ["1 error occurred:\n\t* missing LDAP configuration\n\n"]


def test_a_set_is_not_changed_without_a_configuration(lib):
    call(lib, "DELETE", "ldap/config")
    assert call(lib, "POST", "ldap/library/team", {"ttl": 60}).errors == ["config must exist to update a library"]
