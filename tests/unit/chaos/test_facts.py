"""What a fault can be aimed at."""

import pytest
from unit.chaos.setting import Setting


@pytest.fixture
def made():
    return Setting()


@pytest.mark.parametrize(
    ("pattern", "hit"),
    [
        ("secret/data/app", True),
        ("/secret/data/app/", True),
        ("secret/*", True),
        ("*", True),
        ("*/app", True),
        ("secret/+/app", True),
        ("secret/data/a*", True),
        ("secret", False),
        ("secret/+", False),
        ("+/app", False),
        ("SECRET/*", False),
        ("secret/data/ap", False),
        ("secret.data.app", False),
    ],
)
def test_a_path_is_aimed_at_by_a_pattern(made, pattern, hit):
    made.start(f"status path={pattern}")
    assert (made.read() == 503) is hit


def test_one_of_several_patterns_is_enough(made):
    made.start("status path=kv/*,secret/data/*")
    assert made.read() == 503


def test_some_paths_can_be_spared(made):
    made.start("status except=sys/*,auth/*")
    assert made.read() == 503
    assert made.read("sys/health") == 200


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("GET", "secret/data/app", "read"),
        ("HEAD", "secret/data/app", "read"),
        ("LIST", "secret/metadata", "list"),
        ("GET", "secret/metadata?list=true", "list"),
        ("POST", "secret/data/app", "write"),
        ("PUT", "secret/data/app", "write"),
        ("PATCH", "secret/data/app", "patch"),
        ("DELETE", "secret/data/app", "delete"),
        ("POST", "auth/userpass/login/ann", "login"),
        ("POST", "auth/userpass/login/ann", "write"),
        ("POST", "auth/token/renew-self", "renew"),
        ("PUT", "sys/leases/renew", "renew"),
        ("POST", "sys/renew/some/lease", "renew"),
        ("POST", "auth/token/revoke-self", "revoke"),
        ("PUT", "sys/leases/revoke-prefix/aws/creds", "revoke"),
    ],
)
def test_an_operation_is_what_a_request_does(made, method, path, operation):
    made.call("POST", "sys/auth/userpass", {"type": "userpass"})
    active = made.start(f"status operation={operation}")
    made.call(method, path, {"data": {}} if method in ("POST", "PUT", "PATCH") else None)
    assert active.struck == 1


@pytest.mark.parametrize("operation", ["list", "write", "patch", "delete", "login", "renew", "revoke"])
def test_a_read_is_no_other_operation(made, operation):
    made.start(f"status operation={operation}")
    assert made.read() == 200


def test_a_mount_type_is_that_of_the_mount(made):
    made.start("status mount_type=kv")
    assert made.read() == 503
    assert made.read("auth/token/lookup-self") == 200
    assert made.read("nowhere/x") == 404


def test_a_namespace_is_aimed_at_however_it_is_named(made):
    made.call("POST", "sys/namespaces/team", {})
    made.call("POST", "team/sys/mounts/secret", {"type": "kv"})
    made.start("status namespace=team")
    assert made.read("team/secret/x") == 503
    assert made.read("secret/x", headers={"x-vault-namespace": "team"}) == 503
    assert made.read() == 200


def test_the_root_namespace_is_called_root(made):
    made.call("POST", "sys/namespaces/team", {})
    made.start("status namespace=root")
    assert made.read() == 503
    assert made.read("team/sys/mounts") == 200


def test_paths_in_a_namespace_are_meant_with_it_and_without(made):
    made.call("POST", "sys/namespaces/team", {})
    made.call("POST", "team/sys/mounts/kv", {"type": "kv"})
    one, other = made.start("status path=team/kv/* times=1"), made.start("status path=kv/* times=1")
    made.reads(2, "kv/x", headers={"x-vault-namespace": "team"})
    assert (one.struck, other.struck) == (1, 1)


def test_a_token_is_aimed_at_by_its_accessor(made):
    token = made.token()
    accessor = made.call("GET", "auth/token/lookup-self", token=token).data["accessor"]
    made.start(f"status accessor={accessor}")
    assert made.read("auth/token/lookup-self", token=token) == 503
    assert made.read("auth/token/lookup-self") == 200


def test_a_policy_is_one_that_the_token_has(made):
    token = made.token("shop")
    made.start("status policy=shop")
    assert made.read("auth/token/lookup-self", token=token) == 503
    assert made.read("auth/token/lookup-self") == 200


def test_policies_of_the_identity_count_too(made):
    made.call("POST", "sys/auth/userpass", {"type": "userpass"})
    made.call("POST", "auth/userpass/users/ann", {"password": "x"})
    auth = made.call("POST", "auth/userpass/login/ann", {"password": "x"}).json["auth"]
    made.call("POST", f"identity/entity/id/{auth['entity_id']}", {"policies": ["vip"], "name": "ann"})
    made.start("status policy=vip times=1")
    made.start("status entity=ann times=1 code=502")
    assert made.reads(2, "auth/token/lookup-self", token=auth["client_token"]) == [503, 502]
    assert made.read("auth/token/lookup-self") == 200


def approle(made: Setting) -> tuple[str, str]:
    made.call("POST", "sys/auth/approle", {"type": "approle"})
    made.call("POST", "auth/approle/role/shop", {"token_policies": ["default"]})
    role_id = made.call("GET", "auth/approle/role/shop/role-id").data["role_id"]
    return role_id, made.call("POST", "auth/approle/role/shop/secret-id").data["secret_id"]


def test_a_role_is_the_one_that_a_login_is_for(made):
    role_id, secret_id = approle(made)
    made.start("status role=shop")
    login = {"role_id": role_id, "secret_id": secret_id}
    assert made.call("POST", "auth/approle/login", login, token="").status == 503


def test_a_role_is_the_one_that_a_token_was_logged_in_with(made):
    role_id, secret_id = approle(made)
    login = {"role_id": role_id, "secret_id": secret_id}
    token = made.call("POST", "auth/approle/login", login, token="").json["auth"]["client_token"]
    made.start("status role=shop operation=read")
    assert made.read("auth/token/lookup-self", token=token) == 503
    assert made.read("auth/token/lookup-self") == 200


@pytest.mark.parametrize(
    "headers", [{"user-agent": "shop/2.1 (linux)"}, {"x-sandboxd-app": "shop/web"}, {"user-agent": "shop/"}]
)
def test_an_app_is_known_by_what_it_calls_itself(made, headers):
    made.start("status app=shop/*")
    assert made.read(headers=headers) == 503
    assert made.read(headers={"user-agent": "curl/8"}) == 200


def test_an_app_is_known_by_the_name_of_its_token(made):
    token = made.token(display_name="shop")
    made.start("status app=token-shop")
    assert made.read("auth/token/lookup-self", token=token) == 503


@pytest.mark.parametrize(("address", "hit"), [("127.0.0.1", True), ("127.0.0.0/8", True), ("10.0.0.0/8", False)])
def test_an_address_is_the_clients(made, address, hit):
    made.start(f"status address={address}")
    assert (made.read() == 503) is hit


def test_all_that_an_aim_says_must_hold(made):
    made.start("status path=secret/* operation=write app=shop*")
    assert made.read(headers={"user-agent": "shop"}) == 200
    assert made.call("POST", "secret/data/app", {"data": {}}, headers={"user-agent": "x"}).status == 200
    assert made.call("POST", "secret/data/app", {"data": {}}, headers={"user-agent": "shop"}).status == 503


def test_a_request_with_a_token_that_is_none_is_still_judged(made):
    made.start("status policy=default")
    assert made.read(token="hvb.garbage") in (403, 500)
    made.start("status path=secret/*")
    assert made.read(token="hvb.garbage") == 503
