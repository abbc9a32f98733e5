"""Stored values as bytes, for what outlives the process: JSON, with the name of the kind that it is read as."""

import importlib
from dataclasses import is_dataclass
from typing import Any

import msgspec

from sandboxd.vault.framework.numbers import Number
from sandboxd.vault.framework.wire import hook

_encoder = msgspec.json.Encoder(enc_hook=hook)
_decoders: dict[str, "msgspec.json.Decoder[Any]"] = {}


class UnknownValue(Exception):
    """A value cannot be read: its kind is unknown, or its bytes are not of that kind. The text shows neither."""


def pack(value: object) -> tuple[str, bytes]:
    """The kind of a value, and its bytes. Raises TypeError for what is neither a dataclass nor a Struct."""
    kind = type(value)
    if not (isinstance(value, msgspec.Struct) or is_dataclass(value)):
        raise TypeError(f"a {kind.__name__} cannot be kept: stored values are dataclasses or Structs")
    return f"{kind.__module__}:{kind.__qualname__}", _encoder.encode(value)


def unpack(kind: str, packed: bytes) -> object:
    """The value that was packed. Raises UnknownValue."""
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(_find(kind), float_hook=Number)
    try:
        return decoder.decode(packed)
    except msgspec.DecodeError as error:
        raise UnknownValue(f"this version cannot read it: {error}") from None


def _find(kind: str) -> Any:
    module, _, name = kind.partition(":")
    found: Any = None
    if module.startswith("sandboxd."):
        try:
            found = importlib.import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
        except (ImportError, AttributeError):
            found = None
    if not (isinstance(found, type) and (issubclass(found, msgspec.Struct) or is_dataclass(found))):
        raise UnknownValue("this version does not know its kind")
    return found
