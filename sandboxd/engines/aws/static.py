"""Static roles: IAM users that are there already, whose access key is replaced after each period.

AWS lets a user have two keys. So the one before goes when the next but one is made, and apps have a period to move.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import msgspec

from sandboxd.engines.aws.sdk import AwsError
from sandboxd.engines.aws.services import Service, iam, settled
from sandboxd.vault.durations import SECOND, rfc3339
from sandboxd.vault.errors import Failure, UnsupportedPath, refuse
from sandboxd.vault.framework.backend import Call, Response, Result
from sandboxd.vault.framework.fields import Duration, NameAt, param
from sandboxd.vault.framework.moments import postponed
from sandboxd.vault.gotext import quote

PREFIX = "static-roles/"
CREDENTIALS = "static-creds/"
SHORTEST_PERIOD = 60
MOST_KEYS = 2
_SENT = ("username", "rotation_period", "assume_role_arn", "assume_role_session_name", "external_id")


@dataclass(frozen=True, kw_only=True)
class NameArgs:
    """Which role."""

    name: NameAt = param(help="Name of the role.")


@dataclass(frozen=True, kw_only=True)
class StaticRoleArgs(NameArgs):
    """A static role as a client writes it."""

    username: str = param("", "The IAM user whose keys are replaced.", required=True)
    rotation_period: Duration = param(0, "After how long a key is replaced.", required=True)
    assume_role_arn: str = param("", "ARN of a role to assume, for a user of another account.")
    assume_role_session_name: str = param("", "Name of the session of that role.")
    external_id: str = param("", "External ID to assume that role with.")


class StaticRole(msgspec.Struct, frozen=True, kw_only=True):
    """A static role, as stored. `id` is AWS's own of the user, which its name may change hands without."""

    name: str
    id: str = ""
    username: str = ""
    rotation_period: int = 0
    assume_role_arn: str = ""
    assume_role_session_name: str = ""
    external_id: str = ""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """The access key of a user; `expiration` is in nanoseconds since 1970."""

    access_key: str
    secret_key: str
    expiration: int
    older: tuple[str, ...] = ()  # the parts of the key before, if it still works

    def __repr__(self) -> str:
        return f"<Key {self.access_key}>"

    def later(self, by: int) -> Key:
        """The same key, which expires so many nanoseconds later."""
        return postponed(self, by, "expiration")


def read(call: Call, args: StaticRoleArgs) -> Result:
    role = _load(call, args.name)
    return None if role is None else msgspec.structs.asdict(role)


def _load(call: Call, name: str) -> StaticRole | None:
    return call.storage.get(PREFIX + name, StaticRole)


def write(call: Call, args: StaticRoleArgs) -> Result | Awaitable[Result]:
    return settled(call, _write(call, args))


async def _write(call: Call, args: StaticRoleArgs) -> Result:
    before = _load(call, args.name)
    changes: dict[str, Any] = {name: getattr(args, name) for name in _SENT if name in call.given}
    role = msgspec.structs.replace(before or StaticRole(name=args.name), **changes)
    if role.assume_role_arn and not role.assume_role_session_name:
        refuse('missing "assume_role_session_name" parameter')  # that both are needed is from Vault's documentation
    service = iam(call)
    if "username" in call.given:
        role = await _identified(service, role, known=before is not None)
    elif before is None:
        refuse('missing "username" parameter')
    if "rotation_period" in call.given:
        if role.rotation_period < SHORTEST_PERIOD:
            raise Failure(f"role rotation period out of range: must be greater than {SHORTEST_PERIOD}.00 seconds")
    elif before is None:
        refuse('missing "rotation_period" parameter')
    call.storage.put(PREFIX + args.name, role)  # as the real server: it stays without a key if none can be made
    if call.storage.get(CREDENTIALS + args.name) is not None:
        # The moment that is shown with the key stays the one before.
        call.timers.set(PREFIX + args.name, call.clock.now_ns() + role.rotation_period * SECOND)
    else:
        try:
            await _replace_key(call, service, role)
        except Failure as error:
            raise Failure(f"failed to create new credentials for role {quote(args.name)}: {error.errors[0]}") from error
    return msgspec.structs.asdict(role)


async def _identified(service: Service, role: StaticRole, *, known: bool) -> StaticRole:
    """The role with the ID of its user. Raises Failure for a user that is not there, or another one by now."""
    name = quote(role.username)
    try:
        user = (await service("GetUser", UserName=role.username))["User"]
    except AwsError as error:
        raise Failure(f"unable to validate username {name}: {error}") from None
    if user["UserName"] != role.username:
        raise Failure(
            f"AWS GetUser returned a username, but it didn't match: {name} was requested, but "
            f"{quote(user['UserName'])} was returned"
        )
    if known and user["UserId"] != role.id:
        raise Failure(
            f"AWS GetUser returned a user, but the ID did not match: {quote(role.id)} was requested, but "
            f"{quote(user['UserId'])} was returned"
        )
    return msgspec.structs.replace(role, id=user["UserId"])


async def _replace_key(call: Call, service: Service, role: StaticRole) -> None:
    """Make the next key of a user; the oldest goes when there are two. Raises Failure."""
    user, shown = {"UserName": role.username}, quote(role.username)
    try:
        await _identified(service, role, known=True)
    except Failure as error:
        raise Failure(f"iam user didn't exist, or username/userid didn't match: {error.errors[0]}") from error
    step = "list existing access keys for IAM user"
    try:
        keys = (await service("ListAccessKeys", **user)).get("AccessKeyMetadata") or []
        if len(keys) >= MOST_KEYS:
            step = "delete oldest access keys for user"
            oldest = min(keys, key=lambda key: key["CreateDate"])
            await service("DeleteAccessKey", **user, AccessKeyId=oldest["AccessKeyId"])
        step = "create new access keys for user"
        made = (await service("CreateAccessKey", **user))["AccessKey"]
    except AwsError as error:
        raise Failure(f"unable to {step} {shown}: {error}") from None
    _store_key(call, role, made["AccessKeyId"], made["SecretAccessKey"])


def _store_key(call: Call, role: StaticRole, access_key: str, secret_key: str) -> None:
    now = call.clock.now_ns()
    before = call.storage.get(CREDENTIALS + role.name, Key)
    older: tuple[str, ...] = ()
    if before is not None:
        call.superseded(*before.older)
        older = (before.access_key, before.secret_key)
        call.superseded(*older, grace=role.rotation_period)
    expiration = now + role.rotation_period * SECOND
    key = Key(access_key=access_key, secret_key=secret_key, expiration=expiration, older=older)
    call.storage.put(CREDENTIALS + role.name, key)
    call.timers.set(PREFIX + role.name, expiration)


def delete(call: Call, args: StaticRoleArgs) -> Result | Awaitable[Result]:
    return settled(call, _delete(call, args.name))


async def _delete(call: Call, name: str) -> None:
    role = _load(call, name)
    if role is None:
        return
    key = call.storage.get(CREDENTIALS + name, Key)
    if key is not None:
        call.storage.delete(CREDENTIALS + name)  # as the real server: deleting again ends what did not end now
        call.superseded(key.access_key, key.secret_key)
        try:
            await iam(call)("DeleteAccessKey", UserName=role.username, AccessKeyId=key.access_key)
        except AwsError as error:
            raise Failure(
                f"failed to clean credentials while deleting role {quote(name)}: couldn't delete from IAM: {error}"  # noqa: S608
            ) from None
    call.timers.cancel(PREFIX + name)
    call.storage.delete(PREFIX + name)


def list_names(call: Call, _args: Any) -> Result:
    names = call.storage.list(PREFIX)
    return {"keys": names} if names else None


def read_key(call: Call, args: NameArgs) -> Result:
    key = call.storage.get(CREDENTIALS + args.name, Key)
    if key is None:
        return None
    return Response(
        data={
            "access_key": key.access_key,
            "secret_key": key.secret_key,
            "expiration": rfc3339(key.expiration),
        },
        credentials=("access_key", "secret_key"),
    )


def rotate(call: Call, args: NameArgs) -> Result | Awaitable[Result]:
    """Replace a key now. The real server has no path for it, so only the sandbox itself is served."""
    if not call.request.own:
        raise UnsupportedPath
    return settled(call, replace_key(call, args.name))


async def replace_key(call: Call, name: str) -> None:
    """Make the next key of a role. Raises Failure."""
    role = _load(call, name) or refuse(f"no static role named {name}")
    await _replace_key(call, iam(call), role)
