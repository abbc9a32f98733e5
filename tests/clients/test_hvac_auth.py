"""hvac, unmodified: tokens and logins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hvac
import pytest
from hvac import exceptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.servers import Server

As = "Callable[[str | None], hvac.Client]"


@pytest.fixture
def as_token(shared: Server) -> Iterator[Callable[[str | None], hvac.Client]]:
    """Make clients with other tokens."""
    made: list[hvac.Client] = []

    def make(token: str | None) -> hvac.Client:
        # An empty token keeps hvac from reading one out of the environment.
        made.append(hvac.Client(url=shared.address, token=token or ""))
        return made[-1]

    yield make
    for client in made:
        client.adapter.close()


def test_a_good_token_is_authenticated_and_a_bad_one_is_not(vault: hvac.Client, as_token: As) -> None:
    assert vault.is_authenticated() is True
    assert as_token("bad").is_authenticated() is False


def test_without_a_token_all_is_forbidden(as_token: As) -> None:
    with pytest.raises(exceptions.Forbidden, match="permission denied"):
        as_token(None).secrets.kv.v2.read_configuration()


def test_a_token_is_created_looked_up_renewed_and_revoked(vault: hvac.Client, as_token: As) -> None:
    auth = vault.auth.token.create(policies=["default"], ttl="1h", meta={"app": "x"}, display_name="app")["auth"]
    mine = as_token(auth["client_token"])
    data = mine.auth.token.lookup_self()["data"]
    assert data["meta"] == {"app": "x"}
    assert data["display_name"] == "token-app"
    assert 3590 < data["ttl"] <= 3600
    assert mine.auth.token.renew_self(increment="2h")["auth"]["lease_duration"] == 7200
    assert vault.auth.token.renew(auth["client_token"], increment="30m")["auth"]["lease_duration"] == 1800
    assert vault.auth.token.renew_accessor(auth["accessor"])["auth"]["accessor"] == auth["accessor"]
    assert auth["accessor"] in vault.auth.token.list_accessors()["data"]["keys"]
    mine.auth.token.revoke_self()
    assert mine.is_authenticated() is False
    with pytest.raises(exceptions.Forbidden, match="bad token"):
        vault.auth.token.lookup(auth["client_token"])
    with pytest.raises(exceptions.InvalidRequest, match="invalid accessor"):
        vault.auth.token.lookup_accessor(auth["accessor"])


def test_tokens_are_revoked_by_accessor_and_by_value(vault: hvac.Client) -> None:
    first = vault.auth.token.create(policies=["default"])["auth"]
    second = vault.auth.token.create(policies=["default"])["auth"]
    vault.auth.token.revoke_accessor(first["accessor"])
    vault.auth.token.revoke(second["client_token"])
    for auth in (first, second):
        with pytest.raises(exceptions.Forbidden):
            vault.auth.token.lookup(auth["client_token"])


def test_an_orphan_outlives_its_maker(vault: hvac.Client, as_token: As) -> None:
    parent = as_token(vault.auth.token.create(policies=["root"], ttl="1h")["auth"]["client_token"])
    orphan = parent.auth.token.create_orphan(policies=["default"])["auth"]["client_token"]
    child = parent.auth.token.create(policies=["default"])["auth"]["client_token"]
    parent.auth.token.revoke_self()
    assert vault.auth.token.lookup(orphan)["data"]["orphan"] is True
    with pytest.raises(exceptions.Forbidden):
        vault.auth.token.lookup(child)


def test_children_become_orphans(vault: hvac.Client, as_token: As) -> None:
    parent = vault.auth.token.create(policies=["root"], ttl="1h")["auth"]["client_token"]
    child = as_token(parent).auth.token.create(policies=["default"])["auth"]["client_token"]
    vault.auth.token.revoke_and_orphan_children(parent)
    assert vault.auth.token.lookup(child)["data"]["orphan"] is True


def test_a_token_of_few_uses_is_used_up(vault: hvac.Client, as_token: As) -> None:
    mine = as_token(vault.auth.token.create(policies=["default"], num_uses=2)["auth"]["client_token"])
    mine.auth.token.lookup_self()
    mine.auth.token.lookup_self()
    with pytest.raises(exceptions.Forbidden):
        mine.auth.token.lookup_self()


def test_batch_tokens_have_no_accessor(vault: hvac.Client, as_token: As) -> None:
    auth = vault.auth.token.create(policies=["default"], type="batch", ttl="1h")["auth"]
    assert auth["accessor"] == ""
    assert auth["token_type"] == "batch"
    assert as_token(auth["client_token"]).auth.token.lookup_self()["data"]["type"] == "batch"
    with pytest.raises(exceptions.InvalidRequest, match="batch tokens cannot be renewed"):
        vault.auth.token.renew(auth["client_token"])


def test_a_ttl_beyond_the_limit_is_capped_with_a_warning(vault: hvac.Client) -> None:
    answer = vault.auth.token.create(policies=["default"], ttl="2h", explicit_max_ttl="1h")
    assert answer["auth"]["lease_duration"] == 3600
    assert "TTL value is capped accordingly" in answer["warnings"][0]


def test_token_roles(vault: hvac.Client, path: str) -> None:
    vault.auth.token.create_or_update_role(
        path, allowed_policies="a", orphan=True, path_suffix="suffix", token_period="1h"
    )
    assert vault.auth.token.read_role(path)["data"]["token_period"] == 3600
    assert path in vault.auth.token.list_roles()["data"]["keys"]
    auth = vault.auth.token.create(role_name=path)["auth"]
    assert auth["policies"] == ["a", "default"]
    assert auth["orphan"] is True
    with pytest.raises(exceptions.InvalidRequest, match="token policies"):
        vault.auth.token.create(role_name=path, policies=["other"])
    vault.auth.token.delete_role(path)
    with pytest.raises(exceptions.InvalidPath):
        vault.auth.token.read_role(path)
    with pytest.raises(exceptions.InvalidRequest, match="unknown role"):
        vault.auth.token.create(role_name=path)


def test_wrong_durations_are_refused(vault: hvac.Client) -> None:
    with pytest.raises(exceptions.InvalidRequest, match="invalid duration"):
        vault.auth.token.create(ttl="tomorrow")


def test_a_token_cannot_give_more_than_it_has(vault: hvac.Client, as_token: As, path: str) -> None:
    vault.sys.create_or_update_policy(path, 'path "auth/token/create" { capabilities = ["update"] }')
    weak = as_token(vault.auth.token.create(policies=[path])["auth"]["client_token"])
    weak.auth.token.create(policies=[path])
    with pytest.raises(exceptions.InvalidRequest, match="child policies must be subset of parent"):
        weak.auth.token.create(policies=["root"])


def test_approle_logs_in(vault: hvac.Client, as_token: As, path: str) -> None:
    vault.sys.enable_auth_method("approle", path=path)
    approle = vault.auth.approle
    approle.create_or_update_approle("app", token_policies=["p"], token_ttl="10m", mount_point=path)
    role_id = approle.read_role_id("app", mount_point=path)["data"]["role_id"]
    secret = approle.generate_secret_id("app", metadata={"k": "v"}, mount_point=path)["data"]
    client = as_token(None)
    login = client.auth.approle.login(role_id, secret["secret_id"], mount_point=path)
    assert login["auth"]["policies"] == ["default", "p"]
    assert login["auth"]["lease_duration"] == 600
    assert login["auth"]["metadata"] == {"role_name": "app", "k": "v"}
    assert client.is_authenticated() is True


def test_approle_secret_ids_are_looked_up_and_destroyed(vault: hvac.Client, as_token: As, path: str) -> None:
    vault.sys.enable_auth_method("approle", path=path)
    approle = vault.auth.approle
    approle.create_or_update_approle("app", mount_point=path)
    secret = approle.generate_secret_id("app", mount_point=path)["data"]
    id_, accessor = secret["secret_id"], secret["secret_id_accessor"]
    assert approle.read_secret_id("app", id_, mount_point=path)["data"]["secret_id_accessor"] == accessor
    assert approle.read_secret_id_accessor("app", accessor, mount_point=path)["data"]["secret_id_num_uses"] == 0
    assert approle.list_secret_id_accessors("app", mount_point=path)["data"]["keys"] == [accessor]
    approle.destroy_secret_id("app", id_, mount_point=path)
    with pytest.raises(exceptions.InvalidPath):
        approle.read_secret_id_accessor("app", accessor, mount_point=path)
    again = approle.create_custom_secret_id("app", "my-own", mount_point=path)["data"]
    assert again["secret_id"] == "my-own"
    approle.destroy_secret_id_accessor("app", again["secret_id_accessor"], mount_point=path)
    role_id = approle.read_role_id("app", mount_point=path)["data"]["role_id"]
    with pytest.raises(exceptions.InvalidRequest, match="invalid role or secret ID"):
        as_token(None).auth.approle.login(role_id, "my-own", mount_point=path)


def test_approle_roles_are_kept_listed_and_deleted(vault: hvac.Client, path: str) -> None:
    vault.sys.enable_auth_method("approle", path=path)
    approle = vault.auth.approle
    approle.create_or_update_approle("app", secret_id_num_uses=3, token_type="batch", mount_point=path)
    data = approle.read_role("app", mount_point=path)["data"]
    assert (data["secret_id_num_uses"], data["token_type"]) == (3, "batch")
    approle.update_role_id("app", "fixed", mount_point=path)
    assert approle.read_role_id("app", mount_point=path)["data"]["role_id"] == "fixed"
    assert approle.list_roles(mount_point=path)["data"]["keys"] == ["app"]
    approle.delete_role("app", mount_point=path)
    with pytest.raises(exceptions.InvalidPath):
        approle.read_role("app", mount_point=path)


def test_a_wrapped_secret_id_is_unwrapped_by_the_app(vault: hvac.Client, as_token: As, path: str) -> None:
    vault.sys.enable_auth_method("approle", path=path)
    vault.auth.approle.create_or_update_approle("app", mount_point=path)
    role_id = vault.auth.approle.read_role_id("app", mount_point=path)["data"]["role_id"]
    wrapped = vault.auth.approle.generate_secret_id("app", wrap_ttl="60s", mount_point=path)["wrap_info"]["token"]
    app = as_token(wrapped)
    secret_id = app.sys.unwrap()["data"]["secret_id"]
    app.auth.approle.login(role_id, secret_id, mount_point=path)
    assert app.is_authenticated() is True
    with pytest.raises(exceptions.InvalidRequest, match="wrapping token is not valid or does not exist"):
        as_token(wrapped).sys.unwrap()


def test_userpass_logs_in(vault: hvac.Client, as_token: As, path: str) -> None:
    vault.sys.enable_auth_method("userpass", path=path)
    userpass = vault.auth.userpass
    userpass.create_or_update_user("ann", password="secret", policies="p", mount_point=path)
    client = as_token(None)
    auth = client.auth.userpass.login("ann", "secret", mount_point=path)["auth"]
    assert auth["metadata"] == {"username": "ann"}
    assert auth["policies"] == ["default", "p"]
    assert client.lookup_token()["data"]["path"] == f"auth/{path}/login/ann"
    with pytest.raises(exceptions.InvalidRequest, match="invalid username or password"):
        as_token(None).auth.userpass.login("ann", "wrong", mount_point=path)


def test_userpass_users_are_kept_listed_and_deleted(vault: hvac.Client, as_token: As, path: str) -> None:
    vault.sys.enable_auth_method("userpass", path=path)
    userpass = vault.auth.userpass
    userpass.create_or_update_user("ann", password="old", mount_point=path)
    userpass.update_password_on_user("ann", "new", mount_point=path)
    as_token(None).auth.userpass.login("ann", "new", mount_point=path)
    assert userpass.list_user(mount_point=path)["data"]["keys"] == ["ann"]
    assert userpass.read_user("ann", mount_point=path)["data"]["token_policies"] == []
    userpass.delete_user("ann", mount_point=path)
    with pytest.raises(exceptions.InvalidPath):
        userpass.read_user("ann", mount_point=path)


def test_a_login_does_not_take_the_token_when_told_not_to(vault: hvac.Client, path: str) -> None:
    vault.sys.enable_auth_method("userpass", path=path)
    vault.auth.userpass.create_or_update_user("ann", password="pw", mount_point=path)
    before = vault.token
    vault.auth.userpass.login("ann", "pw", use_token=False, mount_point=path)
    assert vault.token == before


def test_logging_out_forgets_and_may_revoke_the_token(vault: hvac.Client, as_token: As) -> None:
    token = vault.auth.token.create(policies=["default"])["auth"]["client_token"]
    client = as_token(token)
    client.logout(revoke_token=True)
    with pytest.raises(exceptions.Forbidden):
        vault.auth.token.lookup(token)
