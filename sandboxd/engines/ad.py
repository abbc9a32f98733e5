"""The Active Directory secrets engine: passwords of service accounts, rotated when one is read that is too old.

A **role** stands for a service account. Reading its credentials gives the password, and the one before; after the
role's `ttl` they are rotated first. A **library set** lends accounts, one borrower at a time.

The directory is simulated: every service account is there, and none has had its password set by anyone else. Vault
took the engine out in favour of the one for LDAP; clients still speak to it. Source: Vault's plugin for Active
Directory and its documentation.
"""

from dataclasses import dataclass, replace
from typing import Any

import msgspec

from sandboxd.vault.durations import SECOND, rfc3339
from sandboxd.vault.errors import Failure, VaultError
from sandboxd.vault.framework.backend import Call, Engine, Path, Response, Result, Rotates
from sandboxd.vault.framework.checkouts import Library
from sandboxd.vault.framework.fields import Duration, Lower, Name, NoArgs, param
from sandboxd.vault.framework.ldap import LdapFields, password
from sandboxd.vault.framework.lending import in_library
from sandboxd.vault.framework.moments import postponed

FIELD = "{{PASSWORD}}"
"""Where a formatter has the password."""

PREFIX_LENGTH, SHORTEST = 6, 8
"""The real server begins passwords with six characters that satisfy rules of complexity, and asks for eight more."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Config(LdapFields):
    """A directory, and how passwords are made. Times are in seconds."""

    ttl: Duration = param(0, "After how long a password is rotated when it is read; by default what the mount says.")
    max_ttl: Duration = param(0, "The longest such time that a role may have; by default what the mount says.")
    last_rotation_tolerance: Duration = param(
        5, "How much later than the engine the directory may have set a password without being taken for another's."
    )
    password_policy: str = param("", "Password policy that passwords follow.")
    length: int = param(64, "How long passwords are.", deprecated=True)
    formatter: str = param("", "Text around the password, which `{{PASSWORD}}` stands for.", deprecated=True)


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """A role, and its passwords. Moments are in nanoseconds since 1970, times in seconds."""

    service_account_name: str
    ttl: int
    rotated: int = 0
    due: int = 0
    password: str = ""
    last_password: str = ""

    def later(self, by: int) -> "Role":
        """The same, so many nanoseconds later."""
        return postponed(self, by, "due")

    def __repr__(self) -> str:
        return f"Role({self.service_account_name!r})"


@dataclass(frozen=True, kw_only=True)
class RoleArgs:
    """A role as a client writes it."""

    name: Lower = param(help="Name of the role.")
    service_account_name: str = param("", "Name of the service account.")
    ttl: Duration = param(0, "After how long the password is rotated when it is read.")


@dataclass(frozen=True, kw_only=True)
class NameArgs:
    """Which role."""

    name: Name = param(help="Name of the role.")


# The directory


def write_config(call: Call, args: Config) -> None:
    old = call.storage.get("config", Config)
    try:
        directory = (old or Config()).changed(args, call.given)
    except ValueError as error:
        raise Failure(str(error)) from error
    # Whatever is not sent goes back to its default, unlike the fields of the directory.
    policy = args.password_policy
    length = args.length if "length" in call.given or not policy else 0
    ttl = args.ttl or call.mount.bounds.default_ttl
    max_ttl = args.max_ttl or call.mount.bounds.max_ttl
    if ttl > max_ttl:
        raise Failure("ttl must be smaller than or equal to max_ttl")
    config = replace(
        directory,
        use_pre111_group_cn_behavior=bool(args.use_pre111_group_cn_behavior),
        ttl=ttl,
        max_ttl=max_ttl,
        last_rotation_tolerance=args.last_rotation_tolerance,
        password_policy=policy,
        length=length,
        formatter=args.formatter,
    )
    check_password_rules(config)
    call.storage.put("config", config)


def check_password_rules(config: Config) -> None:
    """Raise Failure for rules by which no good password can be made."""
    if config.password_policy:
        if config.length or config.formatter:
            raise Failure("cannot set password_policy and either length or formatter")
        return
    if not config.formatter:
        if config.length < PREFIX_LENGTH + SHORTEST:
            raise Failure(
                f"it's not possible to generate a _secure_ password of length {config.length}, please boost length to "
                f"{SHORTEST + PREFIX_LENGTH}, though Vault recommends higher"
            )
        return
    if _room(config) < SHORTEST:
        raise Failure(
            f"since the desired length is {config.length}, it isn't possible to generate a sufficiently complex "
            "password - please increase desired length or remove characters from the formatter"
        )
    count = config.formatter.count(FIELD)
    if count == 0:
        raise Failure(f"{config.formatter} must contain password replacement field of {FIELD}")
    if count > 1:
        raise Failure(f"{config.formatter} must contain ONE password replacement field of {FIELD}")


def _room(config: Config) -> int:
    """How many characters the formatter leaves to the password."""
    return config.length - (len(config.formatter.encode()) - len(FIELD))


def read_config(call: Call, _args: Config) -> Result:
    config = call.storage.get("config", Config)
    if config is None:
        return None
    shown = (
        *("url", "starttls", "insecure_tls", "certificate", "binddn", "userdn", "upndomain", "tls_min_version"),
        *("tls_max_version", "last_rotation_tolerance", "use_pre111_group_cn_behavior"),
        *("ttl", "max_ttl", "length", "formatter", "password_policy"),
    )
    return {name: getattr(config, name) for name in shown}


def delete_config(call: Call, _args: Config) -> None:
    call.storage.delete("config")


def known_config(call: Call) -> Config:
    """The directory. Raises Failure when it was never told."""
    config = call.storage.get("config", Config)
    if config is None:
        raise Failure("the config is currently unset")
    return config


def generate_password(call: Call, config: Config, field: str) -> str:
    """A new password by the directory's rules. Raises Failure when they do not do."""
    check_password_rules(config)
    if config.password_policy:
        try:
            return call.system.generate_password(config.password_policy)
        except VaultError as error:
            raise Failure(*error.errors) from error
    if config.formatter:
        return config.formatter.replace(FIELD, password(call, field, _room(config)), 1)
    return password(call, field, config.length)


def rotate_root(call: Call, _args: NoArgs) -> None:
    config = known_config(call)
    new = generate_password(call, config, "bindpass")
    call.superseded(config.bindpass)
    call.storage.put("config", replace(config, bindpass=new))


# Roles


def load(call: Call, name: str) -> Role | None:
    """The role of that name. Raises Failure for one whose directory is not known any more."""
    role = call.storage.get(f"roles/{name}", Role)
    if role is not None:
        known_config(call)
    return role


def write_role(call: Call, args: RoleArgs) -> None:
    config = known_config(call)
    if not args.service_account_name:
        raise Failure('"service_account_name" is required')
    ttl = args.ttl or config.ttl
    if ttl > config.max_ttl:
        raise Failure(f"requested ttl of {ttl} seconds is over the max ttl of {config.max_ttl} seconds")
    old = load(call, args.name) or Role(service_account_name="", ttl=0)
    due = old.rotated + ttl * SECOND if old.rotated else 0
    role = msgspec.structs.replace(old, service_account_name=args.service_account_name, ttl=ttl, due=due)
    call.storage.put(f"roles/{args.name}", role)


def read_role(call: Call, args: RoleArgs) -> Result:
    role = load(call, args.name)
    if role is None:
        return None
    data: dict[str, Any] = {"service_account_name": role.service_account_name, "ttl": role.ttl}
    if role.rotated:
        data["last_vault_rotation"] = data["password_last_set"] = rfc3339(role.rotated)
    return data


def delete_role(call: Call, args: RoleArgs) -> None:
    call.storage.delete(f"roles/{args.name}")


def list_roles(call: Call, _args: NoArgs) -> Result:
    names = call.storage.list("roles/")
    return {"keys": names} if names else {}


def read_credentials(call: Call, args: NameArgs) -> Result:
    config = known_config(call)
    role = load(call, args.name)
    if role is None:
        return None
    if not role.rotated or call.clock.now_ns() > role.due:
        role = rotate(call, config, args.name, role)
    data = {"username": role.service_account_name.partition("@")[0], "current_password": role.password}
    if role.last_password:
        data["last_password"] = role.last_password
    return Response(data=data, credentials=("current_password",))


def rotate(call: Call, config: Config, name: str, role: Role) -> Role:
    """The role with a new password. Raises Failure when the rules for passwords do not do."""
    new = generate_password(call, config, "current_password")
    call.superseded(role.password)
    now = call.clock.now_ns()
    role = msgspec.structs.replace(
        role, rotated=now, due=now + role.ttl * SECOND, password=new, last_password=role.password
    )
    call.storage.put(f"roles/{name}", role)
    return role


def rotate_role(call: Call, args: NameArgs) -> None:
    config = known_config(call)
    role = load(call, args.name)
    if role is None:
        raise Failure(f"role {args.name} does not exist")
    rotate(call, config, args.name, role)


LIBRARY = Library(
    lease="creds",
    folders=False,
    configured=None,
    password=lambda call: generate_password(call, known_config(call), "password"),
    owned=in_library,
    own=lambda _call, _account: None,
    disown=lambda _call, _account: None,
    owner="another set",
)

PATHS: tuple[Path[Call, Any], ...] = (
    Path(
        "config",
        Config,
        "Say which directory to manage, and how passwords are made.",
        description="The password is not shown again.",
        read=read_config,
        write=write_config,
        delete=delete_config,
    ),
    Path(
        "roles/{name}",
        RoleArgs,
        "Write, read or delete a role.",
        description="Deleting a role leaves the password of its service account as it is.",
        read=read_role,
        write=write_role,
        delete=delete_role,
    ),
    Path("roles/?", NoArgs, "List the roles.", list=list_roles),
    Path("creds/{name}", NameArgs, "Read the passwords of a role, which may rotate them.", read=read_credentials),
    Path("rotate-role/{name}", NameArgs, "Rotate the password of a role.", write=rotate_role),
    Path(
        "rotate-root",
        NoArgs,
        "Rotate the password that the engine itself logs in with.",
        read=rotate_root,
        write=rotate_root,
    ),
    *LIBRARY.paths(),
)

ENGINE = Engine(
    type="ad",
    help="Rotate the passwords of service accounts in Active Directory, and lend accounts.",
    paths=PATHS,
    secrets=(LIBRARY.secret(),),
    rotates=(
        Rotates("roles/{name}", "rotate-role/{name}", read="creds/{name}"),
        Rotates("config", "rotate-root"),
    ),
)
