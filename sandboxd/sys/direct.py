"""What the routes have in common that the real server answers outside the way of a request.

They take no token (or check it by themselves), put no envelope around the answer, and answer while sealed. A **direct
handler** gets the world and the request, and gives the status and the JSON body, None for no body. Its bodies are
Structs, because their fields keep the real server's order. A handler raises VaultError like any other.

A body is read as Go reads one into a struct: names in any case, nothing lenient about types.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sandboxd.vault import pipeline
from sandboxd.vault.errors import Refusal, UnsupportedOperation, VaultError, refuse
from sandboxd.vault.framework.numbers import Number
from sandboxd.vault.request import Request
from sandboxd.vault.seal import LONGEST, SHORTEST
from sandboxd.vault.world import World

Answer = tuple[int, Any]  # status, and the JSON body or None
DirectHandler = Callable[[World, Request], Answer | Awaitable[Answer]]


class Unsigned(int):
    """The type of a field that takes no number below zero."""


_GO_TYPES: Mapping[object, str] = {str: "string", int: "int", Unsigned: "uint", bool: "bool", list: "[]string"}


def refuse_method() -> VaultError:
    """The refusal of a verb that a direct route does not serve: no text at all."""
    return VaultError(status=405)


def body_fields(world: World, request: Request, struct: str, **fields: tuple[str, type]) -> dict[str, Any]:
    """The declared fields of a request's body, by name; those not sent have their type's zero value.

    Args:
        struct: Go's name of the struct, which shows in error texts.
        fields: for each name here, Go's name of the field (its JSON tag, or its own), and str, int, Unsigned, bool, or
            list (of strings).

    Raises Refusal (400) with the real server's text for a value of another type.
    """
    found: dict[str, Any] = {name: kind() for name, (_, kind) in fields.items()}
    if request.operation != "update":
        return found
    wanted = {tag.lower(): (name, tag, kind) for name, (tag, kind) in fields.items()}
    for key, value in request.data.items():
        known = wanted.get(key.lower())
        if known is None or value is None:
            continue
        name, tag, kind = known
        shown = f"{struct}.{key if world.profile == 'openbao' else tag}"
        if kind is list:
            _check(world, value, list, f"field {shown}")
            for item in value:
                _check(world, "" if item is None else item, str, f"field {shown}")
            found[name] = tuple("" if item is None else item for item in value)
        else:
            _check(world, value, kind, f"field {shown}")
            found[name] = value
    return found


def _check(world: World, value: Any, kind: type, where: str) -> None:
    if type(value) is kind or (kind is Unsigned and type(value) is int and value >= 0):
        return
    if isinstance(value, Number) or (kind is Unsigned and type(value) is int):
        spelled = f"number {value}" if kind in (int, Unsigned) else "number"
    else:
        spelled = {str: "string", bool: "bool", int: "number", list: "array", dict: "object"}[type(value)]
    # Vault words the first half differently, from its public source.
    lead = "failed to decode JSON input" if world.profile == "openbao" else "failed to parse JSON input"
    raise Refusal(f"{lead}: json: cannot unmarshal {spelled} into Go struct {where} of type {_GO_TYPES[kind]}")


def decode_share(text: str) -> bytes:
    """The bytes of a key or share in hexadecimal or base64. Raises ValueError with the real server's text."""
    try:
        share = bytes.fromhex(text) if text.isalnum() else b""
    except ValueError:
        share = b""
    # What is valid in both notations is taken for hexadecimal only when its length fits.
    if SHORTEST <= len(share) <= LONGEST:
        return share
    try:
        return base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("'key' must be a valid hex or base64 string") from None


def share_in(world: World, request: Request, struct: str, *, tagged: bool = False) -> tuple[bytes, str]:
    """The share and the nonce that a request brings, whatever its verb."""
    names = ("key", "nonce") if tagged else ("Key", "Nonce")
    body = body_fields(world, request, struct, key=(names[0], str), nonce=(names[1], str))
    if not body["key"]:
        refuse("'key' must be specified in request body as JSON")
    try:
        return decode_share(body["key"]), body["nonce"]
    except ValueError as error:
        refuse(str(error))


def unauthenticated(handler: Callable[[World, Request], Answer], setting: str) -> DirectHandler:
    """A route that Vault answers without a token, and OpenBao, unless told to, sends the usual way, to find nothing.

    Args:
        setting: the name of the world's setting that tells OpenBao to.
    """

    async def answer(world: World, request: Request) -> Answer:
        if world.profile == "openbao" and not getattr(world.settings, setting):
            await pipeline.handle(world, request)
            raise UnsupportedOperation
        world.check_open()
        world.audit.outside(request)
        try:
            status, body = handler(world, request)
        except VaultError as error:
            world.audit.outside(request, {"errors": list(error.errors)}, status=error.status)
            raise
        world.audit.outside(request, body, status=status)
        return status, body

    return answer
