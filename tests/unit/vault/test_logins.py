"""From a login to its token. What is expected follows from OpenBao's login handling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from unit.helpers import call, world
from unit.leasing import mount

from sandboxd.vault.errors import Failure, PermissionDenied, Refusal
from sandboxd.vault.framework.backend import Alias, Auth, AuthMethod, Path, Response
from sandboxd.vault.framework.fields import param

if TYPE_CHECKING:
    from sandboxd.vault.framework.backend import Call


@dataclass(frozen=True, kw_only=True)
class Args:
    user: str = param("", "Who.")


class Door:
    """An auth method that lets everybody in, with the `auth` that a test sets."""

    def __init__(self) -> None:
        self.auth: dict[str, Any] = {}
        self.trouble: Exception | None = None
        path: Path[Any, Any] = Path("login", Args, "Log in.", write=self.login, login=True)
        self.method = AuthMethod(type="door", help="Log in.", paths=(path,), renew=self.renew)

    def login(self, call: Call, args: Args) -> Response:
        alias = Alias(name=args.user, metadata={"user": args.user}) if args.user else None
        return Response(auth=Auth(alias=alias, display_name=args.user, **self.auth))

    def renew(self, call: Call, auth: Auth) -> Auth:
        if self.trouble is not None:
            raise self.trouble
        return msgspec.structs.replace(auth, ttl=1800)


@pytest.fixture
def vault():
    return world()


@pytest.fixture
def door(vault):
    made = Door()
    made.entry = mount(vault, made.method, "door/")
    return made


def login(vault, **fields):
    return call(vault, "POST", "auth/door/login", fields, token="")


def test_a_login_gets_a_token_with_the_default_policy(vault, door):
    door.auth = {"policies": ("B", "a"), "ttl": 3600, "metadata": {"k": "v"}, "num_uses": 3}
    auth = login(vault, user="ann").json["auth"]
    assert auth["policies"] == auth["token_policies"] == ["a", "b", "default"]
    assert (auth["lease_duration"], auth["renewable"], auth["orphan"], auth["token_type"], auth["num_uses"]) == (
        3600,
        True,
        True,
        "service",
        3,
    )
    data = call(vault, "POST", "auth/token/lookup", {"token": auth["client_token"]}).data
    assert (data["path"], data["display_name"], data["meta"]) == ("auth/door/login", "door-ann", {"k": "v"})
    assert (data["entity_id"], data["orphan"]) == (auth["entity_id"], True)


def test_the_same_alias_is_the_same_entity(vault, door):
    first = login(vault, user="ann").json["auth"]["entity_id"]
    assert login(vault, user="ann").json["auth"]["entity_id"] == first
    assert login(vault, user="bob").json["auth"]["entity_id"] != first


def test_the_policies_of_the_entity_come_on_top(vault, door):
    auth = login(vault, user="ann").json["auth"]
    entity = vault.identity.entity(auth["entity_id"])
    vault.identity.put_entity(msgspec.structs.replace(entity, policies=("x",)))
    auth = login(vault, user="ann").json["auth"]
    assert (auth["token_policies"], auth["identity_policies"], auth["policies"]) == (
        ["default"],
        ["x"],
        ["default", "x"],
    )


def test_a_disabled_entity_is_kept_out(vault, door):
    auth = login(vault, user="ann").json["auth"]
    entity = vault.identity.entity(auth["entity_id"])
    vault.identity.put_entity(msgspec.structs.replace(entity, disabled=True))
    assert (login(vault, user="ann").status, login(vault, user="ann").errors) == (403, ["permission denied"])
    assert call(vault, "GET", "auth/token/lookup-self", token=auth["client_token"]).status == 403


@pytest.mark.parametrize(
    ("policies", "error"),
    [
        (("root",), "auth methods cannot create root tokens"),
        (("response-wrapping",), 'cannot assign policy "response-wrapping"'),
    ],
)
def test_no_login_gets_what_nobody_may_get(vault, door, policies, error):
    door.auth = {"policies": policies}
    reply = login(vault)
    assert (reply.status, reply.errors) == (400, [error])


def test_the_time_is_capped_with_a_warning(vault, door):
    door.auth = {"ttl": 7200, "max_ttl": 3600}
    reply = login(vault)
    assert reply.json["auth"]["lease_duration"] == 3600
    assert reply.warnings == ['TTL of "2h" exceeded the effective max_ttl of "1h"; TTL value is capped accordingly']


@pytest.mark.parametrize(
    ("mount_type", "wanted", "given"),
    [
        ("", "default", "service"),
        ("", "batch", "batch"),
        ("default-batch", "default", "batch"),
        ("default-batch", "service", "service"),
        ("batch", "service", "batch"),
        ("service", "batch", "service"),
    ],
)
def test_the_mount_has_its_say_in_the_type(vault, mount_type, wanted, given):
    door = Door()
    mount(vault, door.method, "door/", token_type=mount_type)
    door.auth = {"token_type": wanted, "ttl": 60}
    auth = login(vault).json["auth"]
    assert (auth["token_type"], auth["renewable"], bool(auth["accessor"])) == (
        given,
        given == "service",
        given == "service",
    )


def test_the_method_says_how_a_token_is_renewed(vault, door):
    door.auth = {"ttl": 3600}
    token = login(vault).json["auth"]["client_token"]
    reply = call(vault, "POST", "auth/token/renew-self", {}, token=token)
    assert (reply.json["auth"]["lease_duration"], reply.json["auth"]["client_token"]) == (1800, token)


@pytest.mark.parametrize(
    ("trouble", "status", "error"),
    [
        (Refusal("role is gone"), 400, "role is gone"),
        (
            Failure("policies have changed"),
            500,
            "1 error occurred:\n\t* failed to renew entry: policies have changed\n\n",
        ),
        (PermissionDenied(), 403, "1 error occurred:\n\t* failed to renew entry: permission denied\n\n"),
    ],
)
def test_the_method_can_refuse_a_renewal(vault, door, trouble, status, error):
    token = login(vault).json["auth"]["client_token"]
    door.trouble = trouble
    reply = call(vault, "POST", "auth/token/renew", {"token": token})
    assert (reply.status, reply.errors) == (status, [error])


def test_a_login_can_be_wrapped_under_the_name_of_who_logged_in(vault, door):
    headers = {"x-vault-wrap-ttl": "60s"}
    info = call(vault, "POST", "auth/door/login", {"user": "ann"}, token="", headers=headers).json["wrap_info"]
    data = call(vault, "POST", "auth/token/lookup", {"token": info["token"]}).data
    assert data["display_name"] == "door-ann"
    inside = call(vault, "POST", "sys/wrapping/unwrap", {"token": info["token"]}).json["auth"]
    assert inside["accessor"] == info["wrapped_accessor"]
