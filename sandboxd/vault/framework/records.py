"""Helpers for stored records, and the token fields that all auth methods share."""

import ipaddress
import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from typing import Any, Self, TypeVar

from sandboxd.vault.errors import Failure, InvalidKey, Refusal, refuse
from sandboxd.vault.framework.backend import Auth, Call
from sandboxd.vault.framework.fields import CommaList, Duration, param, params
from sandboxd.vault.gotext import quote

R = TypeVar("R")


@dataclass(frozen=True)
class Stored:
    """A stored object without a schema: what a client wrote, kept whole."""

    data: Mapping[str, Any]


def write_document(call: Call, path: str, document: object) -> None:
    """Keep what a client wrote at a path of its own choice. Raises Failure in the words of such engines."""
    try:
        call.storage.put(path, document)
    except InvalidKey as error:
        raise Failure(f"failed to write: {error.errors[0]}") from None


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


def sent(call: Call, record: type) -> frozenset[str]:
    """The fields of a record that the client sent. `null` counts as the zero value, but not for a time."""
    return frozenset(
        field.attribute
        for field in _params(record)
        if not field.hidden
        and field.name in call.raw
        and (call.raw[field.name] is not None or field.kind.decode(None) is not None)
    )


_params = cache(params)


def renamed(record: R, given: Collection[str], old: str, new: str) -> R:
    """The record after a write to a field that has a deprecated name as well as the present one.

    The present one wins. The deprecated one then shows the same if it was sent too, else nothing.
    """
    if new in given:
        value = getattr(record, new)
        return replace(record, **{old: value if old in given else type(value)()})  # type: ignore[type-var]
    if old not in given:
        return record
    value = getattr(record, old)
    if new == "token_policies":
        value = sanitize_policies(value)
    return replace(record, **{old: value, new: value})  # type: ignore[type-var]


def page(names: list[str], after: str, limit: int) -> list[str]:
    """The part of sorted names that comes after one, which need not be there, at most `limit` of them (0 for all)."""
    start = bisect_right(names, after) if after else 0
    return names[start : start + limit] if limit > 0 else names[start:]


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
        """The record with the token fields that the client sent, spelled as the real server spells them.

        Raises Refusal with the real server's texts.
        """
        cidrs = self.token_bound_cidrs
        if "token_bound_cidrs" in call.raw:
            cidrs = parse_cidrs(cidrs)
        kind = self.token_type or "default"
        if kind not in ("default", "service", "batch"):
            refuse(f"invalid 'token_type' value {quote(kind)}")
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


def parse_cidrs(texts: Iterable[str]) -> tuple[str, ...]:
    """Addresses and CIDR blocks as the real server spells them. Raises Refusal for what is none."""
    return tuple(map(_cidr, texts))


def _cidr(text: str) -> str:
    found = parse_interface(text)
    if found is not None:
        return str(found.ip if found.network.prefixlen == found.max_prefixlen else found)
    if _without_port(text) is not None:
        return text
    if "/" in text:
        return f'"\\"{text}\\""'  # taken for the path of a UNIX socket, and quoted twice
    shown = quote(text)
    raise Refusal(
        f"error parsing address {shown}: Unable to convert {shown} to an IPv4 or IPv6 address, or a UNIX Socket"
    )


Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface
_INTERFACE = re.compile(r"[0-9a-fA-F:.]+(/[0-9]+)?")
_PORT = re.compile(r"(?:([0-9.]+)|\[([0-9a-fA-F:.]+)\]):[0-9]+")


def parse_interface(text: str) -> Interface | None:
    """An address and the block that it lies in; None for what is none."""
    if not _INTERFACE.fullmatch(text):
        return None
    try:
        found = ipaddress.ip_interface(text)
    except ValueError:
        return None
    mapped = found.ip.ipv4_mapped if isinstance(found, ipaddress.IPv6Interface) else None
    if mapped is None or found.network.prefixlen < 96:
        return found
    return ipaddress.IPv4Interface((mapped, found.network.prefixlen - 96))


def _without_port(text: str) -> Interface | None:
    """The address in front of a port; None when there is none."""
    found = _PORT.fullmatch(text)
    return parse_interface(found[1] or found[2]) if found is not None else None


def address_in(address: str, cidrs: Iterable[str]) -> bool:
    """Whether an address lies in one of the blocks."""
    found = parse_interface(address)
    if found is None:
        return False
    blocks = [block for block in (parse_interface(cidr) or _without_port(cidr) for cidr in cidrs) if block is not None]
    return any(found.ip in block.network for block in blocks)


def sanitize_policies(policies: Iterable[str], *, add_default: bool = False) -> tuple[str, ...]:
    """Policy names in lower case, sorted, each once; `root` stands alone; `default` added when asked for."""
    names = {name.strip().lower() for name in policies} - {""}
    if "root" in names:
        return ("root",)
    if add_default:
        names.add("default")
    return tuple(sorted(names))
