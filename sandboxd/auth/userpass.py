"""The userpass auth method: log in with a name and a password.

A password is kept as a salted hash. It may be given as a bcrypt hash instead, which is kept as it is. Source: OpenBao's
userpass.
"""

import hmac
import re
from dataclasses import dataclass, replace
from hashlib import pbkdf2_hmac
from typing import Any

import msgspec

from sandboxd.vault.errors import Failure, InvalidCredentials, PermissionDenied, fail, refuse
from sandboxd.vault.framework.backend import Alias, Auth, AuthMethod, Call, Path, Response, Result
from sandboxd.vault.framework.fields import CommaList, Duration, Name, NoArgs, param
from sandboxd.vault.framework.records import (
    TokenFields,
    address_in,
    page,
    parse_cidrs,
    renamed,
    sanitize_policies,
    sent,
    update,
)

INVALID = "invalid username or password"
MAX_PASSWORD = 72
"""Bytes of a password that count, as in bcrypt."""

MIN_COST, MAX_COST = 5, 12
_BCRYPT = re.compile(r"\$[0-2][^$]?\$(?P<cost>[0-9]{2}).(?P<salt>.{22})(?P<hash>.{31})", re.DOTALL)


@dataclass(frozen=True, kw_only=True, repr=False)
class User(TokenFields):
    """A user as it is stored."""

    bound_cidrs: CommaList = param((), "Use `token_bound_cidrs` instead.", deprecated=True)
    max_ttl: Duration = param(0, "Use `token_max_ttl` instead.", deprecated=True)
    policies: CommaList = param((), "Use `token_policies` instead.", deprecated=True)
    ttl: Duration = param(0, "Use `token_ttl` instead.", deprecated=True)
    salt: str = param("", hidden=True)  # hexadecimal; empty for a bcrypt hash, which has its own
    hash: str = param("", hidden=True)


@dataclass(frozen=True, kw_only=True, repr=False)
class UserArgs(User):
    """A user as a client writes it."""

    username: Name = param(help="Name of the user, in any case of letters.")
    password: str = param("", "The password.")
    password_hash: str = param("", "The bcrypt hash of the password, in its place.")


@dataclass(frozen=True, kw_only=True)
class ListArgs:
    """Which part of the list."""

    after: str = param("", "Begin after this name, which need not be there.", place="query")
    limit: int = param(0, "How many names at most; 0 for all.", place="query")


@dataclass(frozen=True, kw_only=True, repr=False)
class LoginArgs:
    """Who logs in."""

    username: Name = param(help="Name of the user, in any case of letters.")
    password: str = param("", "The password.")


def load(call: Call, name: str) -> User | None:
    """The user of that name."""
    return call.storage.get(f"user/{name.lower()}", User)


def exists(call: Call, args: UserArgs) -> bool:
    return load(call, args.username) is not None


def write(call: Call, args: UserArgs) -> None:
    old = load(call, args.username)
    if old is None:
        check_password(args)
    given = sent(call, UserArgs)
    user = update(old or User(), args, given).checked(call)
    if args.password or args.password_hash:
        user = with_password(call, user, args)
    if "bound_cidrs" in given and "token_bound_cidrs" not in given:
        user = replace(user, bound_cidrs=parse_cidrs(user.bound_cidrs))
    for name in ("policies", "ttl", "max_ttl", "bound_cidrs"):
        user = renamed(user, given, name, f"token_{name}")
    call.storage.put(f"user/{args.username.lower()}", user)


def read(call: Call, args: UserArgs) -> Result:
    user = load(call, args.username)
    if user is None:
        return None
    old = {
        "bound_cidrs": user.bound_cidrs,
        "max_ttl": user.max_ttl,
        "policies": user.policies and user.token_policies,
        "ttl": user.ttl,
    }
    return user.token_data(call.profile) | {name: value for name, value in old.items() if value}


def delete(call: Call, args: UserArgs) -> None:
    call.storage.delete(f"user/{args.username.lower()}")


def list_names(call: Call, args: ListArgs | NoArgs) -> Result:
    names = call.storage.list("user/")
    if isinstance(args, ListArgs):
        names = page(names, args.after, args.limit)
    return {"keys": names} if names else {}


def write_password(call: Call, args: UserArgs) -> None:
    _keep_as_written(call, args, with_password(call, _known(call, args), args))


def write_policies(call: Call, args: UserArgs) -> None:
    given = sent(call, UserArgs) & {"policies", "token_policies"}
    user = update(_known(call, args), args, given)
    if "token_policies" in given:
        user = replace(user, token_policies=sanitize_policies(user.token_policies))
    _keep_as_written(call, args, renamed(user, given, "policies", "token_policies"))


def _known(call: Call, args: UserArgs) -> User:
    return load(call, args.username) or fail("username does not exist")


def _keep_as_written(call: Call, args: UserArgs, user: User) -> None:
    # The real server keeps this under the name as it was written, where nobody looks for it in capitals.
    call.storage.put(f"user/{args.username}", user)


def check_password(args: UserArgs) -> None:
    """Raise Refusal unless there is a password, or its hash."""
    if args.password and args.password_hash:
        refuse("only one of password or password_hash may be provided")
    if not (args.password or args.password_hash):
        refuse("must provide either password or password_hash")


def with_password(call: Call, user: User, args: UserArgs) -> User:
    """The user with the password that was sent, or its hash. Raises Refusal or Failure."""
    check_password(args)
    if args.password_hash:
        found = _BCRYPT.match(args.password_hash)
        cost = int(found["cost"]) if found is not None else 0
        if not 4 <= cost <= 31:
            refuse("password_hash is not a valid bcrypt hash")
        if cost < MIN_COST:
            refuse(f"bcrypt cost of {cost} is too low, want {MIN_COST} at minimum")
        if cost > MAX_COST:
            refuse(f"bcrypt cost of {cost} exceeds maximum cost of {MAX_COST}")
        return replace(user, salt="", hash=args.password_hash)
    if len(_encoded(args.password)) > MAX_PASSWORD:
        fail("bcrypt: password length exceeds 72 bytes")
    salt = call.entropy.bytes(16).hex()
    return replace(user, salt=salt, hash=_hashed(args.password, salt))


def matches(user: User, password: str) -> bool:
    """Whether that is the user's password."""
    if user.salt:
        return hmac.compare_digest(_hashed(password, user.salt), user.hash)
    found = _BCRYPT.match(user.hash)
    if found is None:
        return False
    import bcrypt

    try:
        made = bcrypt.hashpw(_encoded(password)[:MAX_PASSWORD], f"$2b${found['cost']}${found['salt']}".encode())
    except ValueError:  # a salt of the wrong symbols, which only shows now
        return False
    return hmac.compare_digest(made[-31:], _encoded(found["hash"]))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _hashed(password: str, salt: str) -> str:
    # One round: what is kept here is no one's real password, and a login has to be quick.
    return pbkdf2_hmac("sha256", _encoded(password)[:MAX_PASSWORD], bytes.fromhex(salt), 1).hex()


def alias_of(call: Call, args: LoginArgs) -> str:
    """The name, in lower case, is what failed logins are counted by."""
    del call
    return args.username.lower()


def login(call: Call, args: LoginArgs) -> Result:
    if not args.password:
        raise Failure("missing password")
    name = args.username.lower()
    user = load(call, name) or refuse(INVALID)
    if not matches(user, args.password):
        raise InvalidCredentials(INVALID)
    if user.token_bound_cidrs and not address_in(call.request.remote_address, user.token_bound_cidrs):
        raise PermissionDenied
    auth = user.auth(call, metadata={"username": name}, display_name=name, alias=Alias(name=name))
    return Response(auth=auth)


def renew(call: Call, auth: Auth) -> Auth | None:
    """Renew a token for the times that the user has now, unless the policies changed. A user who is gone: no change."""
    user = load(call, (auth.metadata or {})["username"])
    if user is None:
        return None
    if set(user.token_policies) - {"default"} != set(auth.token_policies) - {"default"}:
        fail("policies have changed, not renewing")
    return msgspec.structs.replace(auth, ttl=user.token_ttl, max_ttl=user.token_max_ttl, period=user.token_period)


PATHS: tuple[Path[Any, Any], ...] = (
    Path(
        "users/{username}",
        UserArgs,
        "Write, read or delete a user.",
        description=(
            "Writing a user again changes the fields that are sent.\n"
            "Deleting a user leaves the tokens alone that were given; they are not renewed any more."
        ),
        read=read,
        write=write,
        delete=delete,
        exists=exists,
        folds=True,
    ),
    Path("users/?", NoArgs, "List the users.", list=list_names, profiles=("vault",)),
    Path("users/?", ListArgs, "List the users.", list=list_names, profiles=("openbao",)),
    Path(
        "users/{username}/password",
        UserArgs,
        "Give a user another password.",
        only=("username", "password", "password_hash"),
        write=write_password,
    ),
    Path(
        "users/{username}/policies",
        UserArgs,
        "Give a user other policies.",
        only=("username", "policies", "token_policies"),
        write=write_policies,
    ),
    Path("login/{username}", LoginArgs, "Log in with a password.", write=login, login=True),
)

METHOD = AuthMethod(
    type="userpass",
    help="Log in with a name and a password, which are written below `users/`.",
    paths=PATHS,
    unauthenticated=("login/*",),
    renew=renew,
    lockout=True,
    alias_of=alias_of,
)
