"""Helpers for stored records, and the token fields that all auth methods share."""

import ipaddress
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self, TypeVar

from sandboxd.vault.errors import Refusal, refuse
from sandboxd.vault.framework.backend import Auth, Call
from sandboxd.vault.framework.fields import CommaList, Duration, param
from sandboxd.vault.gotext import quote

R = TypeVar("R")


@dataclass(frozen=True)
class Stored:
    """A stored object without a schema: what a client wrote, kept whole."""

    data: Mapping[str, Any]


def only(kind: type[R], args: Any) -> R:
    """The part of a path's arguments that is a stored record: `kind` is a base class of the arguments' class."""
    return kind(**{field.name: getattr(args, field.name) for field in fields(kind)})  # type: ignore[arg-type]


def without(record: Any, *names: str) -> dict[str, Any]:
    """A record's fields as a dict, less its secrets."""
    return {key: value for key, value in asdict(record).items() if key not in names}


def update(record: R, args: Any, given: Collection[str]) -> R:
    """The record with those of its fields changed that the client sent."""
    names = {field.name for field in fields(record)}  # type: ignore[arg-type]
    changed = {name: getattr(args, name) for name in given if name in names}
    return replace(record, **changed) if changed else record  # type: ignore[type-var]


@dataclass(frozen=True, kw_only=True)
class TokenFields:
    """The `token_*` fields of a role or user. Source: OpenBao's tokenutil, for the order and texts of the checks."""

    token_bound_cidrs: CommaList = param((), "Addresses and CIDR blocks that may use the token; none for all.")
    token_explicit_max_ttl: Duration = param(
        0, "How long the token can live in all, whatever the role or mount says later; 0 for no such limit."
    )
    token_max_ttl: Duration = param(0, "How long the token can live when it is renewed; 0 for what the mount says.")
    token_no_default_policy: bool = param(False, "Leave the `default` policy off the token.")
    token_num_uses: int = param(0, "How many times the token can be used; 0 for no limit.")
    token_period: Duration = param(
        0, "Makes the token periodic: each renewal gives it this long again, without a maximum."
    )
    token_policies: CommaList = param((), "Names of the policies that the token gets.")
    token_strictly_bind_ip: bool = param(False, "Bind the token to the address that logged in.")
    token_ttl: Duration = param(0, "How long the token lasts at first; 0 for what the mount says.")
    token_type: str = param("default", "The type of token: service, batch, or default.", shown_default=True)

    def checked(self, call: Call) -> "Self":
        """The record with its token fields normalised. Raises Refusal with the real server's texts."""
        kind = _TYPES.get(self.token_type)
        if self.token_type.startswith("default-") and kind is not None:
            call.warn(f"{self.token_type} has no useful meaning; adjusting to {kind}")
        cidrs = parse_cidrs(self.token_bound_cidrs)
        if kind is None:
            refuse(f"invalid 'token_type' value {quote(self.token_type)}")
        if self.token_num_uses < 0:
            refuse("'token_num_uses' cannot be negative")
        if kind == "batch" and self.token_period:
            refuse("'token_type' cannot be 'batch' or 'default_batch' when set to generate periodic tokens")
        if kind == "batch" and self.token_num_uses:
            refuse(
                "'token_type' cannot be 'batch' or 'default_batch' when set to generate tokens with limited use count"
            )
        if 0 < self.token_max_ttl < self.token_ttl:
            refuse("'token_ttl' cannot be greater than 'token_max_ttl'")
        if self.token_strictly_bind_ip and cidrs:
            refuse("'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; set only one")
        return replace(self, token_bound_cidrs=cidrs, token_type=kind)

    def token_data(self, profile: str) -> dict[str, Any]:
        """The token fields as they are read back."""
        data: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(TokenFields)}
        if profile == "vault":
            del data["token_strictly_bind_ip"]  # OpenBao's own
        return data

    def auth(self, call: Call, **more: Any) -> Auth:
        """The `Auth` of a login by this role."""
        cidrs = (call.request.remote_address,) if self.token_strictly_bind_ip else self.token_bound_cidrs
        return Auth(
            policies=tuple(self.token_policies),
            ttl=self.token_ttl,
            max_ttl=self.token_max_ttl,
            explicit_max_ttl=self.token_explicit_max_ttl,
            period=self.token_period,
            num_uses=self.token_num_uses,
            bound_cidrs=tuple(cidrs),
            token_type=self.token_type,
            no_default_policy=self.token_no_default_policy,
            **more,
        )


T = TypeVar("T", bound=TokenFields)


_TYPES = {
    "": "default",
    "default": "default",
    "service": "service",
    "batch": "batch",
    "default-service": "service",
    "default-batch": "batch",
}


def parse_cidrs(texts: Iterable[str]) -> tuple[str, ...]:
    """Addresses and CIDR blocks as the real server spells them. Raises Refusal for what is none."""
    return tuple(map(_cidr, texts))


def _cidr(text: str) -> str:
    if _network(text) is not None:
        return text
    if "/" in text:
        return f'"\\"{text}\\""'  # taken for the path of a UNIX socket, and quoted twice
    shown = quote(text)
    raise Refusal(
        f"error parsing address {shown}: Unable to convert {shown} to an IPv4 or IPv6 address, or a UNIX Socket"
    )


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    address, colon, port = text.rpartition(":")
    for candidate in (text, address if colon and port.isdigit() and "." in address else text):
        try:
            return ipaddress.ip_network(candidate, strict=False)
        except ValueError:
            continue
    return None


def address_in(address: str, cidrs: Iterable[str]) -> bool:
    """Whether an address lies in one of the blocks."""
    found = _network(address)
    if found is None:
        return False
    blocks = [block for block in map(_network, cidrs) if block is not None]
    return any(block.version == found.version and found.network_address in block for block in blocks)


def sanitize_policies(policies: Iterable[str], *, add_default: bool = False) -> tuple[str, ...]:
    """Policy names in lower case, sorted, each once; `root` stands alone; `default` added when asked for."""
    names = {name.strip().lower() for name in policies} - {""}
    if "root" in names:
        return ("root",)
    if add_default:
        names.add("default")
    return tuple(sorted(names))
