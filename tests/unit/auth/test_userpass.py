"""The userpass auth method. Expected answers were recorded from OpenBao 2.7.2.

The bcrypt hash is of "U*U", from the test vectors of Openwall's crypt_blowfish.
"""

import pytest
from unit.helpers import call, world

HASH = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
BODY = HASH[4:]
INVALID = (400, ["invalid username or password"])
EMPTY = {
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


@pytest.fixture
def vault():
    made = world()
    call(made, "POST", "sys/auth/userpass", {"type": "userpass"})
    call(made, "POST", "auth/userpass/users/ann", {"password": "pw"})
    return made


def write(vault, data, name="ann"):
    return call(vault, "POST", f"auth/userpass/users/{name}", data)


def read(vault, name="ann"):
    return call(vault, "GET", f"auth/userpass/users/{name}").data


def login(vault, password="pw", name="ann"):
    return call(vault, "POST", f"auth/userpass/login/{name}", {"password": password}, token="")


def token(vault):
    return login(vault).json["auth"]["client_token"]


def names(vault):
    return call(vault, "LIST", "auth/userpass/users").data["keys"]


def renew(vault, mine):
    return call(vault, "POST", "auth/token/renew-self", {}, token=mine)


def refused(answer):
    return answer.status, answer.errors


def wrapped(text):
    return [f"1 error occurred:\n\t* {text}\n\n"]


def test_a_user_has_defaults(vault):
    assert read(vault) == EMPTY


def test_a_user_logs_in(vault):
    write(vault, {"token_policies": "p"})
    auth = login(vault).json["auth"]
    assert auth["policies"] == ["default", "p"]
    assert auth["metadata"] == {"username": "ann"}
    assert auth["lease_duration"] == 2764800


def test_the_token_knows_where_it_comes_from(vault):
    answer = call(vault, "GET", "auth/token/lookup-self", token=token(vault))
    assert (answer.data["display_name"], answer.data["path"]) == ("userpass-ann", "auth/userpass/login/ann")


def test_names_have_no_case(vault):
    assert write(vault, {"token_ttl": 5}, "ANN").status == 204
    assert names(vault) == ["ann"]
    assert login(vault, name="Ann").json["auth"]["metadata"] == {"username": "ann"}


def test_users_are_listed_page_by_page(vault):
    write(vault, {"password": "pw"}, "bob")
    assert call(vault, "LIST", "auth/userpass/users?after=ann&limit=1").data == {"keys": ["bob"]}


def test_a_deleted_user_is_gone(vault):
    assert call(vault, "DELETE", "auth/userpass/users/ANN").status == 204
    assert refused(call(vault, "GET", "auth/userpass/users/ann")) == (404, [])
    assert refused(login(vault)) == INVALID


@pytest.mark.parametrize("password", ["bad", "PW", "pw ", "x" * 73])
def test_a_wrong_password_is_refused(vault, password):
    assert refused(login(vault, password)) == INVALID


@pytest.mark.parametrize("password", ["", None])
def test_a_login_needs_a_password(vault, password):
    assert refused(login(vault, password)) == (500, ["missing password"])


def test_fields_that_do_not_decode_fail_while_the_user_is_looked_for(vault):
    text = (
        "Field validation failed: error converting input for field \"password\": '' expected type 'string', got "
        "unconvertible type '[]interface {}'"
    )
    assert refused(login(vault, ["pw"])) == (500, [text])


@pytest.mark.parametrize(
    ("method", "name", "status", "text"),
    [
        ("GET", "ann", 405, "unsupported operation"),
        ("LIST", "ann", 404, "unsupported path"),
        ("POST", "a/b", 404, "unsupported path"),
        ("POST", "with%20space", 404, "unsupported path"),
    ],
)
def test_a_login_has_one_form(vault, method, name, status, text):
    answer = call(vault, method, f"auth/userpass/login/{name}", {} if method == "POST" else None, token="")
    assert refused(answer) == (status, [text])


@pytest.mark.parametrize(
    ("data", "status", "text"),
    [
        ({}, 400, "must provide either password or password_hash"),
        ({"password": "", "password_hash": ""}, 400, "must provide either password or password_hash"),
        ({"password": "a", "password_hash": "b"}, 400, "only one of password or password_hash may be provided"),
        ({"password_hash": "b"}, 400, "password_hash is not a valid bcrypt hash"),
        ({"password": "x" * 73}, 500, "bcrypt: password length exceeds 72 bytes"),
        ({"password": "é" * 37}, 500, "bcrypt: password length exceeds 72 bytes"),
        ({"password": "pw", "token_type": "default-service"}, 400, "invalid 'token_type' value \"default-service\""),
        (
            {"password": "x" * 73, "token_ttl": "2h", "token_max_ttl": "1h"},
            400,
            "'token_ttl' cannot be greater than 'token_max_ttl'",
        ),
        (
            {"password": "pw", "bound_cidrs": "bad"},
            400,
            'error parsing address "bad": Unable to convert "bad" to an IPv4 or IPv6 address, or a UNIX Socket',
        ),
    ],
)
def test_a_user_that_makes_no_sense_is_refused(vault, data, status, text):
    assert refused(write(vault, data, "bob")) == (status, wrapped(text) if status == 500 else [text])
    assert names(vault) == ["ann"]


def test_changing_a_user_needs_no_password(vault):
    assert write(vault, {"password": "", "token_policies": ["a"]}).status == 204
    assert read(vault) == EMPTY | {"token_policies": ["a"]}
    assert login(vault).status == 200


def test_deprecated_names_still_work(vault):
    write(vault, {"policies": "Y,x", "ttl": "1h", "max_ttl": "2h", "bound_cidrs": "127.0.0.1/32"})
    assert read(vault) == EMPTY | {
        "bound_cidrs": ["127.0.0.1"],
        "max_ttl": 7200,
        "policies": ["x", "y"],
        "ttl": 3600,
        "token_bound_cidrs": ["127.0.0.1"],
        "token_max_ttl": 7200,
        "token_policies": ["x", "y"],
        "token_ttl": 3600,
    }


def test_the_present_name_wins_over_the_deprecated_one(vault):
    write(vault, {"ttl": "1h", "token_ttl": "2h", "max_ttl": None, "policies": None, "bound_cidrs": "1.1.1.1"})
    assert read(vault) == EMPTY | {
        "ttl": 7200,
        "token_ttl": 7200,
        "bound_cidrs": ["1.1.1.1"],
        "token_bound_cidrs": ["1.1.1.1"],
    }
    write(vault, {"token_ttl": 10, "token_bound_cidrs": "127.0.0.1"})
    assert read(vault) == EMPTY | {"token_ttl": 10, "token_bound_cidrs": ["127.0.0.1"]}


def test_a_user_from_elsewhere_is_denied(vault):
    write(vault, {"token_bound_cidrs": "10.0.0.0/8"})
    assert refused(login(vault)) == (403, ["permission denied"])


def test_a_token_may_be_bound_to_the_address_of_the_login(vault):
    write(vault, {"token_strictly_bind_ip": True})
    answer = call(vault, "GET", "auth/token/lookup-self", token=token(vault))
    assert answer.data["bound_cidrs"] == ["127.0.0.1"]


def test_the_password_has_a_path_of_its_own(vault):
    assert call(vault, "POST", "auth/userpass/users/ann/password", {"password": "new"}).status == 204
    assert refused(login(vault)) == INVALID
    assert login(vault, "new").status == 200


@pytest.mark.parametrize(
    ("name", "data", "status", "text"),
    [
        ("ann", {}, 400, "must provide either password or password_hash"),
        ("none", {"password": "x"}, 500, "username does not exist"),
    ],
)
def test_a_new_password_must_be_one(vault, name, data, status, text):
    answer = call(vault, "POST", f"auth/userpass/users/{name}/password", data)
    assert refused(answer) == (status, wrapped(text) if status == 500 else [text])


def test_the_policies_have_a_path_of_their_own(vault):
    path = "auth/userpass/users/ann/policies"
    assert call(vault, "POST", path, {"policies": "b,A"}).status == 204
    assert read(vault) == EMPTY | {"policies": ["a", "b"], "token_policies": ["a", "b"]}
    call(vault, "POST", path, {"token_policies": ["C"]})
    assert read(vault) == EMPTY | {"token_policies": ["c"]}
    call(vault, "POST", path, {})
    assert read(vault) == EMPTY | {"token_policies": ["c"]}
    answer = call(vault, "POST", "auth/userpass/users/none/policies", {})
    assert refused(answer) == (500, wrapped("username does not exist"))


def test_what_is_written_below_a_name_in_capitals_is_kept_where_nobody_looks(vault):
    assert call(vault, "POST", "auth/userpass/users/ANN/password", {"password": "new"}).status == 204
    assert names(vault) == ["ANN", "ann"]
    assert login(vault).status == 200


@pytest.mark.parametrize("password", ["x" * 72, "é" * 36])
def test_a_password_may_be_72_bytes_long(vault, password):
    write(vault, {"password": password})
    assert login(vault, password).status == 200
    assert login(vault, password + "more").status == 200


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$", "$2x$", "$2$", "$1a$"])
def test_a_bcrypt_hash_takes_the_place_of_the_password(vault, prefix):
    assert write(vault, {"password_hash": prefix + BODY}).status == 204
    assert login(vault, "U*U").status == 200
    assert refused(login(vault, "U*V")) == INVALID


def test_a_bcrypt_hash_is_read_as_far_as_it_goes(vault):
    write(vault, {"password_hash": HASH + "EXTRA"})
    assert login(vault, "U*U").status == 200
    write(vault, {"password_hash": HASH[:-1] + "!"})
    assert refused(login(vault, "U*U")) == INVALID
    write(vault, {"password_hash": HASH.replace("CCCC", "C!CC", 1)})
    assert refused(login(vault, "U*U")) == INVALID


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("$3a$" + BODY, "password_hash is not a valid bcrypt hash"),
        ("$2b$05$short", "password_hash is not a valid bcrypt hash"),
        ("$2b$xx" + BODY[2:], "password_hash is not a valid bcrypt hash"),
        ("$2b$03" + BODY[2:], "password_hash is not a valid bcrypt hash"),
        ("$2b$32" + BODY[2:], "password_hash is not a valid bcrypt hash"),
        ("$2b$04" + BODY[2:], "bcrypt cost of 4 is too low, want 5 at minimum"),
        ("$2b$13" + BODY[2:], "bcrypt cost of 13 exceeds maximum cost of 12"),
    ],
)
def test_a_hash_that_is_none_is_refused(vault, sent, text):
    assert refused(write(vault, {"password_hash": sent})) == (400, [text])


def test_a_renewal_asks_the_user_as_it_is_now(vault):
    mine = token(vault)
    write(vault, {"token_ttl": "30m", "token_max_ttl": "40m"})
    assert renew(vault, mine).json["auth"]["lease_duration"] == 1800


def test_no_token_is_renewed_when_the_policies_changed(vault):
    mine = token(vault)
    write(vault, {"token_policies": "default"})
    assert renew(vault, mine).status == 200
    write(vault, {"token_policies": "other"})
    text = "failed to renew entry: policies have changed, not renewing"
    assert refused(renew(vault, mine)) == (500, wrapped(text))


def test_renewing_the_token_of_a_deleted_user_does_nothing(vault):
    mine = token(vault)
    call(vault, "DELETE", "auth/userpass/users/ann")
    assert renew(vault, mine).status == 204
    assert call(vault, "GET", "auth/token/lookup-self", token=mine).status == 200


def test_only_users_that_are_there_are_locked_out(vault):
    assert {login(vault, "bad", "nobody").status for _ in range(7)} == {400}
    assert [login(vault, "bad", name).status for name in ("ann", "ANN", "Ann", "ann", "ann", "ann")] == [400] * 5 + [
        403
    ]


def test_the_password_is_not_kept(vault):
    write(vault, {"password": "not-to-be-found"})
    assert "not-to-be-found" not in str(vault.snapshot().values)
