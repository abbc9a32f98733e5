"""Which directory to manage, with which account, and how passwords are made."""

from dataclasses import dataclass, fields, replace
from typing import Any

from sandboxd.vault.durations import rfc3339
from sandboxd.vault.errors import Failure, VaultError
from sandboxd.vault.framework.backend import Call, Path, Result
from sandboxd.vault.framework.fields import Duration, NoArgs, param
from sandboxd.vault.framework.ldap import LdapFields, password
from sandboxd.vault.framework.records import update
from sandboxd.vault.framework.rotating import RootRotation, check, deferred, plan
from sandboxd.vault.gotext import quote

PLACE = "config"
PASSWORD_LENGTH = 64
SCHEMAS = {"openldap": "cn", "racf": "racfid", "ad": "userPrincipalName"}
"""The schemas, and the attribute that names a user in each."""

CREDENTIAL_TYPES = ("password", "phrase")


@dataclass(frozen=True, kw_only=True, repr=False)
class Config(LdapFields, RootRotation):
    """A directory, as stored."""

    schema: str = param("openldap", "What kind of directory it is: openldap, ad or racf.")
    password_policy: str = param("", "Password policy that passwords follow.")
    length: int = param(0, "How long passwords are.", deprecated=True)
    skip_static_role_import_rotation: bool = param(False, "Leave the password of a new static role as it is.")
    credential_type: str = param("password", "What to manage in RACF: password or phrase.")
    last_bind_password_rotation: int = param(0, hidden=True)  # nanoseconds since 1970


@dataclass(frozen=True, kw_only=True, repr=False)
class ConfigArgs(Config):
    """A directory as a client describes it."""

    ttl: Duration = param(0, "How long a password lasts.")
    max_ttl: Duration = param(0, "How long a password lasts at most.")


def load(call: Call) -> Config | None:
    """The directory that the engine manages, if it was told."""
    return call.storage.get(PLACE, Config)


def exists(call: Call, _args: ConfigArgs) -> bool:
    return load(call) is not None


def write(call: Call, args: ConfigArgs) -> None:
    old = load(call)
    new = _described(old or Config(), args, call)
    if "userattr" in call.given:
        new = replace(new, userattr=args.userattr)  # as it was written
    elif old is None:
        new = replace(new, userattr=SCHEMAS[new.schema])
    rotation = {field.name for field in fields(RootRotation)}
    new = update(new, args, call.given & rotation)
    check(call, new)
    call.storage.put(PLACE, new)
    plan(call, PLACE, new.next(new.last_bind_password_rotation or call.clock.now_ns()))


def _described(old: Config, args: ConfigArgs, call: Call) -> Config:
    """The directory after a write. Raises Failure with the real server's texts, in its order."""
    try:
        new = old.changed(args, call.given)
    except ValueError as error:
        raise Failure(str(error)) from error
    new = update(new, args, call.given & {"schema", "password_policy", "skip_static_role_import_rotation"})
    if not new.schema:
        raise Failure("schema is required")
    if new.schema not in SCHEMAS:
        raise Failure(f"the configured schema {new.schema} is not valid. Supported schemas: [{' '.join(SCHEMAS)}]")
    if new.password_policy and "length" in call.given:
        raise Failure("cannot set both 'password_policy' and 'length'")
    kind = args.credential_type if "credential_type" in call.given else "password"
    if kind not in CREDENTIAL_TYPES:
        raise Failure(f"invalid credential_type {quote(kind)}")
    # These two go back to where they were when a write says nothing of them.
    return replace(new, length=args.length if "length" in call.given else 0, credential_type=kind)


def read(call: Call, _args: ConfigArgs) -> Result:
    config = load(call)
    if config is None:
        return None
    data: dict[str, Any] = {
        **config.shown(),
        "schema": config.schema,
        "skip_static_role_import_rotation": config.skip_static_role_import_rotation,
        "credential_type": config.credential_type,
        **{field.name: getattr(config, field.name) for field in fields(RootRotation)},
    }
    if config.length > 0:
        data["length"] = config.length
    if config.password_policy:
        data["password_policy"] = config.password_policy
    if config.last_bind_password_rotation:
        data["last_bind_password_rotation"] = rfc3339(config.last_bind_password_rotation)
    return data


def delete(call: Call, _args: ConfigArgs) -> None:
    call.storage.delete(PLACE)
    call.timers.cancel(PLACE)


def known(call: Call) -> Config:
    """The directory that the engine manages. Raises Failure when it was never told."""
    config = load(call)
    if config is None:
        raise Failure("the config is currently unset")
    return config


def generate_password(call: Call, config: Config, field: str, policy: str = "") -> str:
    """A new password, by a policy or by the directory's rules. Raises Failure when there is no such policy."""
    policy = policy or config.password_policy
    if not policy:
        return password(call, field, config.length or PASSWORD_LENGTH)
    try:
        return call.system.generate_password(policy)
    except VaultError as error:
        raise Failure(f"unable to generate password: {error.errors[0]}") from error


def rotate_root(call: Call, _args: NoArgs) -> None:
    config = known(call)
    new = generate_password(call, config, "bindpass")
    call.superseded(config.bindpass)
    now = call.clock.now_ns()
    call.storage.put(PLACE, replace(config, bindpass=new, last_bind_password_rotation=now))
    plan(call, PLACE, config.next(now))


def rotate_on_schedule(call: Call) -> None:
    """Rotate the password that the engine itself logs in with. Raises Failure, to be tried again."""
    if not deferred(call, PLACE, known(call)):
        rotate_root(call, NoArgs())


PATHS = (
    Path(
        PLACE,
        ConfigArgs,
        "Say which directory to manage.",
        description="The password is not shown again.",
        read=read,
        write=write,
        delete=delete,
        exists=exists,
        operation_ids={
            "read": "ldap-read-configuration",
            "write": "ldap-configure",
            "delete": "ldap-delete-configuration",
        },
    ),
    Path(
        "rotate-root",
        NoArgs,
        "Rotate the password that the engine itself logs in with.",
        write=rotate_root,
        operation_ids={"write": "ldap-rotate-root-credentials"},
    ),
)
