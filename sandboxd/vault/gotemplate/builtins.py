"""The functions that every Go template has."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus

from sandboxd.vault.gotemplate.formatting import plain, sprint, sprintf, sprintln
from sandboxd.vault.gotemplate.values import MISSING, Byte, Function, Record, absent, octets, text_of, truth, type_name

NO_COMPARISON = "missing argument for comparison"
BAD_TYPE = "invalid type for comparison"
_HTML = {"\x00": "\ufffd", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"}
_JS = {"\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D"}


def _kind(value: object) -> str:
    """What comparisons go by; empty for what has no order."""
    found = type_name(value)
    return found if found in ("bool", "int", "uint8", "float64", "complex128", "string") else ""


def _comparable(value: object) -> str:
    kind = _kind(value)
    if not kind:
        raise ValueError(BAD_TYPE)
    return kind


_WHOLE = ("int", "uint8")


def equal(first: object, *others: object) -> bool:
    """Whether the first is the same as any of the others."""
    if not others:
        raise ValueError(NO_COMPARISON)
    return any(_same(first, other) for other in others)


def _same(first: object, other: object) -> bool:
    kinds = _kind(first), _kind(other)
    if kinds[0] != kinds[1] and not set(kinds) <= set(_WHOLE):
        if absent(first) or absent(other):
            return False
        raise ValueError(f"incompatible types for comparison: {type_name(first)} and {type_name(other)}")
    if kinds[0]:
        return first == other
    if absent(first) or absent(other):
        return absent(first) and absent(other)
    if type_name(first) != type_name(other):
        shown = f"{plain(first)}: {type_name(first)}, {type_name(other)}: {plain(other)}"
        raise ValueError(f"non-comparable types {shown}")
    if not isinstance(other, Record):
        raise ValueError(f"non-comparable type {plain(other)}: {type_name(other)}")
    return first == other


def less(first: Any, other: Any) -> bool:
    """Whether the first comes before the other."""
    kinds = _comparable(first), _comparable(other)
    if kinds[0] != kinds[1] and not set(kinds) <= set(_WHOLE):
        raise ValueError(f"incompatible types for comparison: {type_name(first)} and {type_name(other)}")
    if kinds[0] in ("bool", "complex128"):
        raise ValueError(BAD_TYPE)
    if isinstance(first, str):
        return octets(first) < octets(other)
    return bool(first < other)


def _less_or_equal(first: Any, other: Any) -> bool:
    return less(first, other) or equal(first, other)


def index(item: Any, *indexes: Any) -> Any:
    """What lies in a map, a list or a text under an index; and in that under the next one."""
    if absent(item):
        raise ValueError("index of untyped nil")
    for key in indexes:
        if absent(item):
            raise ValueError("index of nil pointer")
        if isinstance(item, str | list):
            data = octets(item) if isinstance(item, str) else item
            place = _place(key, len(data))
            if place == len(data):
                raise ValueError(f"reflect: {'string' if isinstance(item, str) else 'slice'} index out of range")
            item = Byte(data[place]) if isinstance(item, str) else data[place]
        elif isinstance(item, Mapping) and not isinstance(item, Record):
            if absent(key):
                raise ValueError("value is nil; should be of type string")
            if not isinstance(key, str):
                raise ValueError(f"value has type {type_name(key)}; should be string")
            item = item.get(key)
        else:
            raise ValueError(f"can't index item of type {type_name(item)}")
    return item


def _place(key: Any, most: int) -> int:
    if absent(key):
        raise ValueError("cannot index slice/array with nil")
    if type_name(key) not in _WHOLE:
        raise ValueError(f"cannot index slice/array with type {type_name(key)}")
    if not 0 <= key <= most:
        raise ValueError(f"index out of range: {int(key)}")
    return int(key)


def cut(item: Any, *indexes: Any) -> Any:
    """A part of a text or list, from one index up to another."""
    if absent(item):
        raise ValueError("slice of untyped nil")
    if len(indexes) > 3:
        raise ValueError(f"too many slice indexes: {len(indexes)}")
    if not isinstance(item, str | list):
        raise ValueError(f"can't slice item of type {type_name(item)}")
    if isinstance(item, str) and len(indexes) == 3:
        raise ValueError("cannot 3-index slice a string")
    data = octets(item) if isinstance(item, str) else item
    places = [_place(key, len(data)) for key in indexes]
    start, end, *most = [*places, *(0, len(data))[len(places) :]]
    for low, high in ((start, end), *((end, limit) for limit in most)):
        if low > high:
            raise ValueError(f"invalid slice index: {low} > {high}")
    part = data[start:end]
    return text_of(part) if isinstance(part, bytes) else part


def length(item: Any) -> int:
    """How much a text, list or map holds."""
    if item is None:
        raise ValueError("len of nil pointer")
    if item is MISSING:
        raise ValueError("reflect: call of reflect.Value.Type on zero Value")
    if isinstance(item, str):
        return len(octets(item))
    if isinstance(item, list | Mapping) and not isinstance(item, Record):
        return len(item)
    raise ValueError(f"len of type {type_name(item)}")


def _escaper(table: Mapping[str, str]) -> Callable[..., str]:
    def escaped(*values: Any) -> str:
        return "".join(table.get(char) or _unprintable(char, table) for char in _joined(values))

    return escaped


def _unprintable(char: str, table: Mapping[str, str]) -> str:
    byte = "\udc80" <= char <= "\udcff"
    if table is _HTML or byte or " " <= char < "\x80" or (char > "\x7f" and char.isprintable()):
        return char
    return f"\\u{ord(char):04X}"


def _joined(values: Sequence[Any]) -> str:
    return sprint(["<no value>" if absent(value) else value for value in values])


def urlquery(*values: Any) -> str:
    """The values as part of a URL's query."""
    return quote_plus(octets(_joined(values)), safe="-_.~")


FUNCTIONS: Mapping[str, Function] = {
    "call": Function(lambda *_: None, ("value",), "value"),
    "eq": Function(equal, ("value",), "value"),
    "ge": Function(lambda first, other: not less(first, other), ("value", "value")),
    "gt": Function(lambda first, other: not _less_or_equal(first, other), ("value", "value")),
    "html": Function(_escaper(_HTML), (), "any"),
    "index": Function(index, ("value",), "value"),
    "js": Function(_escaper(_JS), (), "any"),
    "le": Function(_less_or_equal, ("value", "value")),
    "len": Function(length, ("value",)),
    "lt": Function(less, ("value", "value")),
    "ne": Function(lambda first, other: not equal(first, other), ("value", "value")),
    "not": Function(lambda value: not truth(value), ("value",)),
    "print": Function(lambda *values: sprint(values), (), "any"),
    "printf": Function(lambda text, *values: sprintf(text, values), ("string",), "any"),
    "println": Function(lambda *values: sprintln(values), (), "any"),
    "slice": Function(cut, ("value",), "value"),
    "urlquery": Function(urlquery, (), "any"),
}
SHORTCUTS = ("and", "or")
"""The two that look at no more arguments than they need: `running` has them, and what `call` does."""
