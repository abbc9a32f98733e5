"""Secret IDs: made for a role, looked up and destroyed, by themselves or by their accessor.

An expired secret ID is still listed until it is tidied away, once a minute or when asked for.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec

from sandboxd.auth.approle import cidrs
from sandboxd.auth.approle.metadata import parse_metadata
from sandboxd.auth.approle.roles import MAX_HMAC_INPUT, ListArgs, NameArgs, Role, load
from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.durations import rfc3339
from sandboxd.vault.errors import Refusal, fail, refuse
from sandboxd.vault.framework.backend import Call, Path, Response, Result
from sandboxd.vault.framework.fields import CommaList, Duration, Name, NoArgs, param
from sandboxd.vault.framework.moments import postponed
from sandboxd.vault.framework.records import page
from sandboxd.vault.gotext import quote

TIDY_INTERVAL = 60 * NANOSECONDS
NEVER = "0001-01-01T00:00:00Z"


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a secret ID. Moments are nanoseconds since 1970, `ttl` is in seconds."""

    accessor: str
    num_uses: int
    ttl: int
    creation_time: int
    last_updated_time: int
    expiration_time: int = 0  # 0: never
    metadata: dict[str, str] = {}
    cidr_list: tuple[str, ...] = ()
    token_bound_cidrs: tuple[str, ...] = ()

    def later(self, by: int) -> "Secret":
        """The same secret ID, so many nanoseconds later."""
        return postponed(self, by, "creation_time", "last_updated_time", "expiration_time") if self.ttl else self

    def expired(self, now: int) -> bool:
        """Whether it is over at a moment."""
        return 0 < self.expiration_time <= now


class AccessorRef(msgspec.Struct, frozen=True):
    """Where an accessor leads. It is found from any role of the mount, the secret ID only from its own."""

    role: str
    digest: str


class Tidied(msgspec.Struct, frozen=True):
    """When expired secret IDs were last tidied away, in nanoseconds since 1970."""

    at: int


@dataclass(frozen=True, kw_only=True)
class NewArgs:
    """How to make a secret ID, or which part of the list to show."""

    role_name: Name = param(help="Name of the role, in any case of letters.")
    cidr_list: CommaList = param((), "CIDR blocks from which it can be used, within the role's.")
    metadata: str = param("", "What the tokens carry along: a JSON object of texts, as text, or `key=value,...`.")
    num_uses: int = param(0, "How many logins it is good for, at most as many as the role says.")
    token_bound_cidrs: CommaList = param((), "CIDR blocks that may use its tokens, within the role's.")
    ttl: Duration = param(0, "How long it is good for, at most as long as the role says.")


@dataclass(frozen=True, kw_only=True)
class NewOrListArgs(NewArgs, ListArgs):
    """Both of it."""


@dataclass(frozen=True, kw_only=True, repr=False)
class CustomArgs(NewArgs):
    """How to make a secret ID of one's own."""

    secret_id: str = param("", "The secret ID.")


@dataclass(frozen=True, kw_only=True, repr=False)
class SecretArgs(NameArgs):
    """Which secret ID."""

    secret_id: str = param("", "The secret ID.")


@dataclass(frozen=True, kw_only=True)
class AccessorArgs(NameArgs):
    """Which secret ID, by its accessor."""

    secret_id_accessor: str = param("", "The accessor of the secret ID.")


def digest(role: Role, secret_id: str, failure: str = "failed to create HMAC of secret_id") -> str:
    """The name that a secret ID is kept under. Raises Failure, whose text begins as given, when it is too long."""
    raw = secret_id.encode("utf-8", "surrogatepass")
    if len(raw) > MAX_HMAC_INPUT:
        fail(f"{failure}: value is longer than maximum of {MAX_HMAC_INPUT} bytes")
    return blake2b(raw, key=role.hmac_key.encode(), digest_size=32).hexdigest()


def key(role: Role, name: str) -> str:
    """Where a secret ID of a role is kept."""
    return f"secret_id/{role.name}/{name}"


def accessor_key(role: Role, accessor: str) -> str:
    """Where an accessor is kept: roles with local secret IDs do not see the others' accessors."""
    return f"{'accessor_local' if role.local_secret_ids else 'accessor'}/{accessor}"


def remove(call: Call, role: Role, name: str, secret: Secret) -> None:
    """Remove a secret ID and its accessor."""
    call.storage.delete(accessor_key(role, secret.accessor))
    call.storage.delete(key(role, name))


def make(call: Call, args: NewArgs) -> Result:
    return _make(call, args, call.entropy.uuid())


def make_custom(call: Call, args: CustomArgs) -> Result:
    return _make(call, args, args.secret_id or refuse("missing secret_id"))


def _make(call: Call, args: NewArgs, secret_id: str) -> Result:
    role = _role(call, args.role_name)
    if role is None:
        refuse(_no_role(args.role_name), 404)
    if not role.bind_secret_id:
        refuse("bind_secret_id is not set on the role")
    for blocks, allowed, what in (
        (args.cidr_list, role.secret_id_bound_cidrs or (), "CIDR"),
        (args.token_bound_cidrs, role.token_bound_cidrs, "token CIDR"),
    ):
        fault = cidrs.fault(blocks)
        if fault:
            fail(f"failed to validate {what} blocks: {fault}")
        cidrs.check_subset(blocks, allowed)
    num_uses, ttl = role.secret_id_num_uses, role.secret_id_ttl
    if "num_uses" in call.raw:
        if args.num_uses < 0:
            refuse("num_uses cannot be negative")
        num_uses = _within(num_uses, args.num_uses, "num_uses cannot be higher than the role's secret_id_num_uses")
    if "ttl" in call.given:
        ttl = _within(ttl, args.ttl, "ttl cannot be longer than the role's secret_id_ttl")
    try:
        metadata = parse_metadata(args.metadata)
    except ValueError as error:
        refuse(f"failed to parse metadata: {error}")
    lasts = min(ttl, call.mount.bounds.max_ttl)
    now = call.clock.now_ns()
    secret = Secret(
        accessor=call.entropy.uuid(),
        num_uses=num_uses,
        ttl=ttl,
        creation_time=now,
        last_updated_time=now,
        expiration_time=now + lasts * NANOSECONDS if lasts else 0,
        metadata=metadata,
        cidr_list=args.cidr_list,
        token_bound_cidrs=args.token_bound_cidrs,
    )
    name = digest(role, secret_id, "failed to store secret_id: failed to create HMAC of secret ID")
    if call.storage.get(key(role, name)) is not None:
        fail("failed to store secret_id: SecretID is already registered")
    call.storage.put(accessor_key(role, secret.accessor), AccessorRef(role.name, name))
    call.storage.put(key(role, name), secret)
    data = {
        "secret_id": secret_id,
        "secret_id_accessor": secret.accessor,
        "secret_id_num_uses": num_uses,
        "secret_id_ttl": lasts,
    }
    return Response(data=data, wrapped_accessor=secret.accessor)


def _within(limit: int, wanted: int, text: str) -> int:
    """What was asked for, when the role allows it. 0 is no limit."""
    if limit and (wanted == 0 or wanted > limit):
        refuse(text)
    return wanted


def lookup(call: Call, args: SecretArgs) -> Result:
    role, name = _named(call, args)
    secret = call.storage.get(key(role, name), Secret)
    return _shown(call, secret)


def destroy(call: Call, args: SecretArgs) -> None:
    role, name = _named(call, args)
    secret = call.storage.get(key(role, name), Secret)
    if secret is not None:
        remove(call, role, name, secret)


def lookup_accessor(call: Call, args: AccessorArgs) -> Result:
    role, ref = _accessed(call, args)
    if ref is None:
        return Response(data={"error": _no_accessor(args)}, status=404)
    return _shown(call, call.storage.get(key(role, ref.digest), Secret))


def destroy_accessor(call: Call, args: AccessorArgs) -> None:
    role, ref = _accessed(call, args)
    if ref is None:
        fail(_no_accessor(args))
    secret = call.storage.get(key(role, ref.digest), Secret)
    if secret is None:
        raise Refusal("invalid secret id accessor", status=403)
    remove(call, role, ref.digest, secret)


def list_accessors(call: Call, args: NewArgs) -> Result:
    role = _role(call, args.role_name)
    if role is None:
        refuse(_no_role(args.role_name))
    names = call.storage.list(key(role, ""))
    if isinstance(args, NewOrListArgs):
        names = page(names, args.after, args.limit)
    found = (call.storage.get(key(role, name), Secret) for name in names)
    accessors = [secret.accessor for secret in found if secret is not None]
    return {"keys": accessors} if accessors else {}


def tidy(call: Call, args: NoArgs) -> Result:
    del args
    tidy_now(call)
    product = "Vault" if call.profile == "vault" else "OpenBao"  # from Vault's documentation
    text = (
        "Tidy operation successfully started. Any information from the operation will be printed to "
        f"{product}'s server logs."
    )
    return Response(warnings=[text], status=202)


def tidy_now(call: Call) -> None:
    """Remove the secret IDs that are over, and the accessors that lead nowhere."""
    now = call.clock.now_ns()
    for path in list(call.storage.walk("secret_id/")):
        secret = call.storage.get(path, Secret)
        if secret is not None and secret.expired(now):
            call.storage.delete(path)
    for folder in ("accessor/", "accessor_local/"):
        for path in list(call.storage.walk(folder)):
            ref = call.storage.get(path, AccessorRef)
            if ref is not None and call.storage.get(f"secret_id/{ref.role}/{ref.digest}") is None:
                call.storage.delete(path)
    call.storage.put("tidied", Tidied(now))


def _role(call: Call, name: str) -> Role | None:
    """The role of that name, in a mount that is tidy as the real server's: it tidies once a minute."""
    tidied = call.storage.get("tidied", Tidied)
    if tidied is None:
        call.storage.put("tidied", Tidied(call.clock.now_ns()))
    elif call.clock.now_ns() >= tidied.at + TIDY_INTERVAL:
        tidy_now(call)
    return load(call, name)


def _named(call: Call, args: SecretArgs) -> tuple[Role, str]:
    """The role, and the name that the secret ID would be kept under."""
    secret_id = args.secret_id or refuse("missing secret_id")
    role = _role(call, args.role_name) or fail(_no_role(args.role_name))
    return role, digest(role, secret_id)


def _accessed(call: Call, args: AccessorArgs) -> tuple[Role, AccessorRef | None]:
    """The role, and where the accessor leads."""
    accessor = args.secret_id_accessor or refuse("missing secret_id_accessor")
    role = _role(call, args.role_name) or fail(_no_role(args.role_name))
    return role, call.storage.get(accessor_key(role, accessor), AccessorRef)


def _shown(call: Call, secret: Secret | None) -> Result:
    if secret is None or secret.expired(call.clock.now_ns()):
        return None
    data = {
        "secret_id_accessor": secret.accessor,
        "secret_id_num_uses": secret.num_uses,
        "secret_id_ttl": secret.ttl,
        "creation_time": rfc3339(secret.creation_time),
        "expiration_time": rfc3339(secret.expiration_time) if secret.expiration_time else NEVER,
        "last_updated_time": rfc3339(secret.last_updated_time),
        "metadata": secret.metadata,
        "cidr_list": secret.cidr_list,
        "token_bound_cidrs": secret.token_bound_cidrs,
    }
    return Response(data=data, wrapped_accessor=secret.accessor)


def _no_role(name: str) -> str:
    return f"role {quote(name)} does not exist"


def _no_accessor(args: AccessorArgs) -> str:
    return f"failed to find accessor entry for secret_id_accessor: {quote(args.secret_id_accessor)}"


def _new_path(profile: str, args: type[NewArgs]) -> Path[Call, Any]:
    return Path(
        "role/{role_name}/secret-id/?",
        args,
        "Make a secret ID, or list the accessors of those there are.",
        write=make,
        list=list_accessors,
        folds=True,
        profiles=(profile,),
    )


PATHS: tuple[Path[Any, Any], ...] = (
    _new_path("vault", NewArgs),
    _new_path("openbao", NewOrListArgs),
    Path(
        "role/{role_name}/custom-secret-id",
        CustomArgs,
        "Make a secret ID of one's own.",
        write=make_custom,
        folds=True,
    ),
    Path("role/{role_name}/secret-id/lookup/?", SecretArgs, "Look a secret ID up.", write=lookup, folds=True),
    Path(
        "role/{role_name}/secret-id/destroy/?",
        SecretArgs,
        "Destroy a secret ID.",
        write=destroy,
        delete=destroy,
        folds=True,
    ),
    Path(
        "role/{role_name}/secret-id-accessor/lookup/?",
        AccessorArgs,
        "Look a secret ID up by its accessor.",
        write=lookup_accessor,
        folds=True,
    ),
    Path(
        "role/{role_name}/secret-id-accessor/destroy/?",
        AccessorArgs,
        "Destroy a secret ID by its accessor.",
        write=destroy_accessor,
        delete=destroy_accessor,
        folds=True,
    ),
    Path("tidy/secret-id", NoArgs, "Remove the secret IDs that are over.", write=tidy),
)
