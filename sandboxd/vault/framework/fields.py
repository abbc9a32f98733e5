"""The kinds of field that a path can declare, and the lenient decoding of what clients send for them.

A field is an attribute of a frozen dataclass, declared with `param(default, help)`. Its kind follows from the
annotation: `str`, `int`, `bool`, `float`, `dict[str, Any]`, or one of the aliases here (`Duration`, `CommaList`, ...).
Decoding is as lenient as the real server's ("10" is an int, 1 is true), and refuses with its texts.

Source: OpenBao's framework (field types) as observed on a running 2.7.2.
"""

import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, field, fields
from dataclasses import Field as DataclassField
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from sandboxd.vault.durations import parse_moment, parse_seconds
from sandboxd.vault.framework.numbers import Number

T = TypeVar("T")
Place = Literal["auto", "path", "query", "body"]


class Kind(NamedTuple):
    """One kind of field: how its input is decoded, what it is called in OpenAPI, what it matches in a path."""

    name: str  # the real server's name, shown by path-help
    decode: Callable[[Any], Any]  # raises ValueError with the real server's text
    zero: Any
    schema: tuple[str, str] = ("string", "")  # OpenAPI type and format
    pattern: str = r"(?:\w(?:[\w\-.]*\w)?)"  # what it matches as a path segment
    items: str = ""  # OpenAPI type of an array's items


class Param(NamedTuple):
    """One declared field of a path."""

    name: str  # on the wire
    attribute: str  # in the dataclass
    kind: Kind
    default: Any
    help: str
    place: Place
    deprecated: bool
    required: bool
    values: tuple[str, ...]
    has_default: bool
    hidden: bool = False


class _Meta(NamedTuple):
    help: str
    name: str
    place: Place
    deprecated: bool
    required: bool
    values: tuple[str, ...]
    shown_default: bool
    hidden: bool


def param(
    default: Any = "",
    help: str = "",  # noqa: A002 -- the field's own word
    *,
    name: str = "",
    place: Place = "auto",
    deprecated: bool = False,
    required: bool = False,
    values: tuple[str, ...] = (),
    shown_default: bool | None = None,
    factory: Callable[[], Any] | None = None,
    hidden: bool = False,
) -> Any:
    """Declare a field of a path.

    Args:
        default: the value when the client sends none. What the template captures needs none.
        help: one sentence for path-help and OpenAPI.
        name: the name on the wire, where it is no Python name (`class`, `kv-version`).
        place: where clients send it, for OpenAPI: in the path, the query or the body; "auto" tells from the template
            and the operation.
        deprecated: shown as such in OpenAPI.
        required: shown as such in OpenAPI; handlers refuse by themselves.
        values: the allowed values, for OpenAPI.
        shown_default: whether OpenAPI shows the default; by default, when one is given that is not the zero value.
        factory: makes the default, where it is a mutable value.
        hidden: stored with the record, but not taken from a client.
    """
    shown = bool(default) if shown_default is None else shown_default
    metadata = {"param": _Meta(help, name, place, deprecated, required, values, shown, hidden)}
    if factory is not None:
        return field(default_factory=factory, metadata=metadata)
    return field(default=default, metadata=metadata)


_GO_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (str, "string"),
    (int, "json.Number"),
    (float, "json.Number"),
    (Number, "json.Number"),
    (list, "[]interface {}"),
    (tuple, "[]string"),  # a field given several times in the query
    (dict, "map[string]interface {}"),
)

_TRUE, _FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False", "")
_INTEGER = re.compile(r"[+-]?(0[xX](_?[0-9a-fA-F])+|0[bB](_?[01])+|0[oO]?(_?[0-7])*|[1-9](_?[0-9])*)\Z")
_NAME = re.compile(r"\w(([\w\-.]+)?\w)?\Z", re.ASCII)
_LIMIT = 1 << 63


def go_type(value: object) -> str:
    """What the real server calls the type of a decoded JSON value."""
    return next((name for kind, name in _GO_TYPES if isinstance(value, kind)), "<nil>")


def _unconvertible(expected: str, value: object, at: str = "") -> ValueError:
    return ValueError(f"'{at}' expected type '{expected}', got unconvertible type '{go_type(value)}'")


def decode_string(value: Any, at: str = "") -> str:
    """Text, also from a number or a boolean."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int | Number):
        return str(value)
    raise _unconvertible("string", value, at)


def _lower(value: Any) -> str:
    return decode_string(value).lower()


def _name(value: Any) -> str:
    text = decode_string(value)
    if not _NAME.match(text):
        raise ValueError("field does not match the formatting rules")
    return text


def decode_int(value: Any, at: str = "", name: str = "int") -> int:
    """A whole number of 64 bits, also from text ("10", "0x0a") or a boolean."""
    if isinstance(value, bool):
        return int(value)
    if value is None:
        return 0
    if isinstance(value, str | Number):
        text = str(value) or "0"
        if not _INTEGER.match(text):
            raise ValueError(f"'{at}' cannot parse value as '{name}': strconv.ParseInt: invalid syntax")
        digits = text.lstrip("+-")
        octal = len(digits) > 1 and digits[0] == "0" and (digits[1].isdigit() or digits[1] == "_")
        value = (-1 if text[0] == "-" else 1) * int(digits.replace("_", ""), 8 if octal else 0)
    if not isinstance(value, int):
        raise _unconvertible(name, value, at)
    if not -_LIMIT <= value < _LIMIT:
        raise ValueError(f"'{at}' cannot parse value as '{name}': strconv.ParseInt: value out of range")
    return value


def _int64(value: Any) -> int:
    return decode_int(value, name="int64")


def decode_bool(value: Any, at: str = "") -> bool:
    """A boolean, also from 1, "t", "true" and their opposites; empty text is false."""
    if isinstance(value, bool):
        return value
    if value is None:
        return False
    if isinstance(value, str | int | Number):
        text = str(value)
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        raise ValueError(f"'{at}' cannot parse value as 'bool': strconv.ParseBool: invalid syntax")
    raise _unconvertible("bool", value, at)


def decode_float(value: Any) -> float:
    """A number, also from text or a boolean."""
    if value is None:
        return 0.0
    if isinstance(value, bool | int):
        return float(value)
    if isinstance(value, str | Number):
        try:
            return float(str(value) or "0")
        except ValueError:
            raise ValueError("'' cannot parse value as 'float64': strconv.ParseFloat: invalid syntax") from None
    raise _unconvertible("float64", value)


def decode_map(value: Any, at: str = "") -> dict[str, Any]:
    """An object, also from a list of objects (merged)."""
    if isinstance(value, dict):
        return value
    if value is None:
        return {}
    if isinstance(value, list):
        merged: dict[str, Any] = {}
        for index, item in enumerate(value):
            merged.update(decode_map(item, f"{at}[{index}]"))
        return merged
    raise _unconvertible("map[string]interface {}", value, at)


def _items(value: Any) -> list[Any]:
    if value is None or (isinstance(value, str) and not value):
        return []
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, dict):
        return [value] if value else []
    return [value]


class KeyPairError(ValueError):
    """An item of a list of pairs has no `=`; `decode` knows the field's name, which the text ends with."""

    def __init__(self, index: int) -> None:
        super().__init__(f"invalid key pair at index {index}")


def _string_list(value: Any) -> tuple[str, ...]:
    return tuple(item.strip() for item in _each(_items(value), decode_string))


def _each(items: list[Any], decode_item: Callable[[Any, str], T]) -> tuple[T, ...]:
    """All items decoded. Raises ValueError that tells of all that failed."""
    found: list[T] = []
    errors: list[str] = []
    for index, item in enumerate(items):
        try:
            found.append(decode_item(item, f"[{index}]"))
        except ValueError as error:
            errors.append(str(error))
    if errors:
        raise ValueError("decoding failed due to the following error(s):\n\n" + "\n".join(errors))
    return tuple(found)


def _old_string(value: Any, at: str) -> str:
    # The library behind comma lists words this differently from the one behind the other kinds.
    if isinstance(value, dict | list):
        shown = _go_value(value)
        expected = f"'{at}' expected type 'string', got unconvertible type '{go_type(value)}', value: '{shown}'"
        raise ValueError(f"1 error(s) decoding:\n\n* {expected}")
    return decode_string(value)


def _go_value(value: Any) -> str:
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{_go_value(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(_go_value, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return "<nil>" if value is None else str(value)


def decode_comma_list(value: Any) -> tuple[str, ...]:
    """Texts, from a list or from text with commas; blanks around them are dropped."""
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(",")) if value else ()
    return tuple(_old_string(item, f"[{index}]").strip() for index, item in enumerate(_items(value)))


def _comma_ints(value: Any) -> tuple[int, ...]:
    items = value.split(",") if isinstance(value, str) and value else _items(value)
    return _each(items, decode_int)


def _pairs(value: Any) -> dict[str, str]:
    try:
        decoded = decode_map(value)
        return {key: decode_string(item, f"[{key}]") for key, item in decoded.items()}
    except ValueError:
        pass
    pairs: dict[str, str] = {}
    for index, item in enumerate([value] if value == "" else _items(value)):
        try:
            key, equals, rest = decode_string(item, f"[{index}]").partition("=")
        except ValueError as error:
            raise ValueError(f"decoding failed due to the following error(s):\n\n{error}") from None
        if not equals or not key:
            raise KeyPairError(index)
        pairs[key] = rest
    return pairs


def _seconds(value: Any) -> int | None:
    if value is None:
        return None
    seconds = parse_seconds(_text(value))
    if seconds < 0:
        raise ValueError(f"cannot provide negative value '{seconds}'")
    return seconds


def _signed_seconds(value: Any) -> int | None:
    return None if value is None else parse_seconds(_text(value))


def _time(value: Any) -> int | None:
    return None if value is None else parse_moment(_text(value))


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, Number) else value


def _headers(value: Any) -> dict[str, tuple[str, ...]]:
    decoded = value if isinstance(value, dict) else {}
    if isinstance(value, str) and value:
        from base64 import b64decode

        import msgspec

        try:
            raw = b64decode(value, validate=True)
        except ValueError:
            raw = value.encode()
        try:
            decoded = msgspec.json.decode(raw, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise ValueError(str(error)) from None
    elif isinstance(value, list):
        decoded = {}
        for item in value:
            key, colon, rest = item.partition(":") if isinstance(item, str) else ("", "", "")
            if not colon or not key:
                raise ValueError('invalid key pair ""')
            decoded.setdefault(key, []).append(rest)
    found: dict[str, tuple[str, ...]] = {}
    for key, group in decoded.items():
        canonical = "-".join(part[:1].upper() + part[1:].lower() for part in key.split("-"))
        items = group if isinstance(group, list) else [group]
        if not all(isinstance(item, str | int | Number) and not isinstance(item, bool) for item in items):
            raise ValueError(f"received non-string value for header key:{key}")
        found[canonical] = found.get(canonical, ()) + tuple(map(str, items))
    return found


STRING = Kind("string", decode_string, "")
GREEDY = Kind("string", decode_string, "", pattern=".+")
ANYTHING = Kind("string", decode_string, "", pattern=".*")
NAME_AT = Kind("string", decode_string, "", pattern=r"(?:\w(?:[\w\-.@]*\w)?)")
LOWER = Kind("lowercase string", _lower, "", ("string", "lowercase"))
NAME_STRING = Kind("name string", _name, "", ("string", ""))
INT = Kind("int", decode_int, 0, ("integer", ""))
INT64 = Kind("int64", _int64, 0, ("integer", "int64"))
FLOAT = Kind("float", decode_float, 0.0, ("number", "float"))
BOOL = Kind("bool", decode_bool, False, ("boolean", ""))
MAP = Kind("map", decode_map, {}, ("object", "map"))
PAIRS = Kind("keypair", _pairs, {}, ("object", "kvpairs"))
SECONDS = Kind("duration (sec)", _seconds, 0, ("string", "duration"))
SIGNED_SECONDS = Kind("duration (sec)", _signed_seconds, 0, ("string", "duration"))
SLICE = Kind("slice", _items, (), ("array", ""), items="object")
STRINGS = Kind("slice", _string_list, (), ("array", ""), items="string")
COMMA_STRINGS = Kind("slice", decode_comma_list, (), ("array", ""), items="string")
COMMA_INTS = Kind("slice", _comma_ints, (), ("array", ""), items="integer")
HEADERS = Kind("header", _headers, {}, ("object", "header"))
MOMENT = Kind("time", _time, 0, ("string", "date-time"))

Name = Annotated[str, STRING]
NameAt = Annotated[str, NAME_AT]  # also takes @ in a path
Rest = Annotated[str, GREEDY]  # takes slashes in a path, and at least one character
AnyRest = Annotated[str, ANYTHING]  # takes slashes in a path, or nothing
Lower = Annotated[str, LOWER]
NameString = Annotated[str, NAME_STRING]
Int64 = Annotated[int, INT64]
Duration = Annotated[int, SECONDS]  # seconds
SignedDuration = Annotated[int, SIGNED_SECONDS]  # seconds
Pairs = Annotated[dict[str, str], PAIRS]
Items = Annotated[list[Any], SLICE]
Strings = Annotated[tuple[str, ...], STRINGS]
CommaList = Annotated[tuple[str, ...], COMMA_STRINGS]
CommaInts = Annotated[tuple[int, ...], COMMA_INTS]
Headers = Annotated[dict[str, tuple[str, ...]], HEADERS]
Moment = Annotated[int, MOMENT]  # nanoseconds since 1970

_PLAIN: dict[object, Kind] = {str: STRING, int: INT, bool: BOOL, float: FLOAT}


def _kind(annotation: object) -> Kind:
    for extra in getattr(annotation, "__metadata__", ()):
        if isinstance(extra, Kind):
            return extra
    if typing.get_origin(annotation) is dict or annotation is dict:
        return MAP
    try:
        return _PLAIN[annotation]
    except KeyError:
        raise TypeError(f"{annotation} is not a kind of field") from None


def params(record: type) -> tuple[Param, ...]:
    """The declared fields of a dataclass, in order. Raises TypeError for an annotation that is no kind of field."""
    hints = typing.get_type_hints(record, include_extras=True)
    found: list[Param] = []
    for declared in fields(record):
        meta: _Meta | None = declared.metadata.get("param")
        if meta is not None:
            kind = _kind(hints[declared.name])
            found.append(
                Param(
                    meta.name or declared.name,
                    declared.name,
                    kind,
                    _default(declared),
                    meta.help,
                    meta.place,
                    meta.deprecated,
                    meta.required,
                    meta.values,
                    meta.shown_default,
                    meta.hidden,
                )
            )
    return tuple(found)


def _default(declared: "DataclassField[Any]") -> Any:
    return declared.default if declared.default_factory is MISSING else declared.default_factory()


def decode(declared: Mapping[str, Param], raw: Mapping[str, Any]) -> dict[str, Any]:
    """The decoded values, by attribute, of what a client sent and the path declares.

    Raises ValueError with the real server's text for the first field (by name) that does not decode.
    """
    values: dict[str, Any] = {}
    for name in raw if len(raw) == 1 else sorted(raw):
        found = declared.get(name)
        if found is not None:
            try:
                value = found.kind.decode(raw[name])
            except KeyPairError as error:
                raise ValueError(f'error converting input for field "{name}": {error} in field "{name}"') from None
            except ValueError as error:
                raise ValueError(f'error converting input for field "{name}": {error}') from None
            if value is not None:
                values[found.attribute] = value
    return values
