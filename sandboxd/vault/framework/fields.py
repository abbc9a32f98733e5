"""The kinds of field that a path can declare.

A field is an attribute of a frozen dataclass, declared with `param(default, help)`. Its kind follows from the
annotation: `str`, `int`, `bool`, `float`, `dict[str, Any]`, or one of the aliases here (`Duration`, `CommaList`, ...).
Decoding (`lenient`) is as lenient as the real server's, and refuses with its texts.

Source: OpenBao's framework (field types) as observed on a running 2.7.2.
"""

import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from dataclasses import Field as DataclassField
from typing import Annotated, Any, Literal, NamedTuple

from sandboxd.vault.framework.lenient import (
    KeyPairError,
    decode_bool,
    decode_comma_ints,
    decode_comma_list,
    decode_float,
    decode_headers,
    decode_int,
    decode_int64,
    decode_items,
    decode_lower,
    decode_map,
    decode_moment,
    decode_name,
    decode_pairs,
    decode_seconds,
    decode_signed_seconds,
    decode_string,
    decode_strings,
)

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


STRING = Kind("string", decode_string, "")
GREEDY = Kind("string", decode_string, "", pattern=".+")
ANYTHING = Kind("string", decode_string, "", pattern=".*")
NAME_AT = Kind("string", decode_string, "", pattern=r"(?:\w(?:[\w\-.@]*\w)?)")
LOWER = Kind("lowercase string", decode_lower, "", ("string", "lowercase"))
NAME_STRING = Kind("name string", decode_name, "", ("string", ""))
INT = Kind("int", decode_int, 0, ("integer", ""))
INT64 = Kind("int64", decode_int64, 0, ("integer", "int64"))
FLOAT = Kind("float", decode_float, 0.0, ("number", "float"))
BOOL = Kind("bool", decode_bool, False, ("boolean", ""))
MAP = Kind("map", decode_map, {}, ("object", "map"))
PAIRS = Kind("keypair", decode_pairs, {}, ("object", "kvpairs"))
SECONDS = Kind("duration (sec)", decode_seconds, 0, ("string", "duration"))
SIGNED_SECONDS = Kind("duration (sec)", decode_signed_seconds, 0, ("string", "duration"))
SLICE = Kind("slice", decode_items, (), ("array", ""), items="object")
STRINGS = Kind("slice", decode_strings, (), ("array", ""), items="string")
COMMA_STRINGS = Kind("slice", decode_comma_list, (), ("array", ""), items="string")
COMMA_INTS = Kind("slice", decode_comma_ints, (), ("array", ""), items="integer")
HEADERS = Kind("header", decode_headers, {}, ("object", "header"))
MOMENT = Kind("time", decode_moment, 0, ("string", "date-time"))

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
MaybeList = Annotated[tuple[str, ...] | None, COMMA_STRINGS]  # None is shown as null, () as an empty list
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


@dataclass(frozen=True, kw_only=True)
class NoArgs:
    """No fields: what a path takes that asks for nothing."""
