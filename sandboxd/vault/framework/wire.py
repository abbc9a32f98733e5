"""JSON as the real server writes it, for what is encoded once and answered many times.

The rules are those of Go's encoder: compact, keys sorted, the signs of HTML escaped. Numbers that a client spelled its
own way (`Number`) come out as they were written; `as_floats` gives them the form that they have after the real server
read them as 64-bit floats, as its versioned key/value store does.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from sandboxd.vault.framework.numbers import Number

_ESCAPES = ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026"))
_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_TOKEN = re.compile(_STRING + rb'|[\[\]{}]|[^,:\[\]{}"]+')
_STRING_OR_NUMBER = re.compile(_STRING + rb"|-?[0-9][0-9.eE+-]*")
_MAY_DIFFER_AS_FLOAT = re.compile(rb"[0-9]{16}|[0-9][.eE]|-0")
_LONE = re.compile("[\ud800-\udfff]")
_NO_KEY = object()


def hook(value: Any) -> Any:
    """What the encoder does not know: numbers that keep their spelling or pass 64 bits, read-only mappings."""
    if isinstance(value, Number):
        return msgspec.Raw(value.text.encode())
    if isinstance(value, int):
        return msgspec.Raw(str(value).encode())
    if isinstance(value, Mapping):
        return dict(value)
    raise NotImplementedError(f"{type(value).__name__} has no JSON form")


_encoder = msgspec.json.Encoder(enc_hook=hook, order="deterministic")
_decoder = msgspec.json.Decoder(float_hook=Number)


def encode(value: Any) -> bytes:
    """The JSON of a value, whatever its depth."""
    try:
        raw = _encoder.encode(value)
    except RecursionError:
        raw = _encode_deep(value)
    except UnicodeEncodeError:
        raw = _encoder.encode(readable(value))
    if b"<" in raw or b">" in raw or b"&" in raw:
        for sign, escape in _ESCAPES:
            raw = raw.replace(sign, escape)
    if not raw.isascii():
        raw = raw.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
    return raw


def readable(value: Any) -> Any:
    """The value with a sign for each byte of a path or header that is no UTF-8, as Go writes it."""
    if isinstance(value, str):
        return _LONE.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {readable(key): readable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [readable(inner) for inner in value]
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.replace(
            value, **{name: readable(getattr(value, name)) for name in value.__struct_fields__}
        )
    return value


def decode(raw: bytes) -> Any:
    """The value that `encode` was given, whatever its depth."""
    try:
        return _decoder.decode(raw)
    except RecursionError:
        return _decode_deep(raw)


def as_floats(raw: bytes) -> bytes:
    """The same JSON with every number as Go writes it after reading it as a float: 1e5 is 100000, 1.10 is 1.1."""
    if _MAY_DIFFER_AS_FLOAT.search(raw) is None:
        return raw
    return _STRING_OR_NUMBER.sub(_as_float, raw)


def _as_float(token: "re.Match[bytes]") -> bytes:
    text = token.group()
    if text.startswith(b'"'):
        return text
    shortest = repr(float(text))
    value = abs(float(text))
    if value != 0 and not 1e-6 <= value < 1e21:
        mantissa, _, exponent = shortest.partition("e")
        return f"{mantissa}e{exponent[0]}{exponent[1:].lstrip('0')}".encode()
    plain = format(Decimal(shortest), "f")
    return (plain.rstrip("0").rstrip(".") if "." in plain else plain).encode()


def _encode_deep(value: Any) -> bytes:
    # Nested deeper than the interpreter recurses: what is still to be written is kept on a stack instead.
    out: list[bytes] = []
    todo: list[Any] = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, bytes):
            out.append(item)
        elif isinstance(item, dict):
            todo.append(b"}")
            for position, (key, inner) in reversed(list(enumerate(sorted(item.items())))):
                todo += [inner, (b"," if position else b"") + _encoder.encode(key) + b":"]
            todo.append(b"{")
        elif isinstance(item, list):
            todo.append(b"]")
            for position, inner in reversed(list(enumerate(item))):
                todo += [inner, b"," if position else b""]
            todo.append(b"[")
        else:
            out.append(_encoder.encode(item))
    return b"".join(out)


def _decode_deep(raw: bytes) -> Any:
    root: list[Any] = []
    boxes: list[Any] = [root]
    keys: list[Any] = [_NO_KEY]
    for token in _TOKEN.findall(raw):
        if token in (b"}", b"]"):
            boxes.pop()
            keys.pop()
            continue
        box = boxes[-1]
        value: Any = {} if token == b"{" else [] if token == b"[" else _decoder.decode(token)
        if isinstance(box, list):
            box.append(value)
        elif keys[-1] is _NO_KEY:
            keys[-1] = value
            continue
        else:
            box[keys[-1]] = value
            keys[-1] = _NO_KEY
        if token in (b"{", b"["):
            boxes.append(value)
            keys.append(_NO_KEY)
    return root[0]
