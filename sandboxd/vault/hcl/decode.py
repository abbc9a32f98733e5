"""Reading nodes as plain values, as leniently as HashiCorp's decoder.

Each reader takes the **name** of what is read, which starts with `root` and shows in error texts, the node, and, where
it can add to one, the **old** value: an attribute written twice is read twice, into the same value. Readers raise
HCLError in the real library's words.
"""

import math
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, TypeVar

from sandboxd.vault.gotext import quote
from sandboxd.vault.hcl.nodes import HCLError, Item, Items, List, Literal, Node, Object

_GO_INTEGER = re.compile(
    r"[+-]?(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|(?P<octal>0(?:_?[0-7])+)|0|[1-9](?:_?[0-9])*)"
)

T = TypeVar("T")
Reader: TypeAlias = Callable[[str, Node, T | None], T]


class Blocks(list[dict[str, Any]]):
    """What a nested object is read as where nothing says how: a list of objects, for it may be repeated."""


def nodes_of(items: Items, key: str) -> Iterator[Node]:
    """Give the nodes to read one after the other for the field `key` of an object: all labelled blocks, then values."""
    found = items.under(key)
    labelled = tuple(item for item in found if item.keys)
    if labelled:
        yield Items(labelled)
    for item in found:
        if not item.keys:
            yield item.value.items if isinstance(item.value, Object) else item.value


def read_field(items: Items, key: str, reader: Reader[T], *, name: str = "", old: T | None = None) -> T | None:
    """Return the field `key` of an object, `old` if it is not there. Errors call it `name`, or else `key`."""
    value = old
    for node in nodes_of(items, key):
        value = reader(f"root.{name or key}", node, value)
    return value


def read_string(name: str, node: Node, old: str | None = None) -> str:
    """Return a string, heredoc or number as text."""
    del old
    if isinstance(node, Literal):
        if node.kind in ("STRING", "HEREDOC"):
            return node.token.string()
        if node.kind == "NUMBER":
            return node.token.text
    raise HCLError.at(node.position, f"{name}: unknown type for string {node.go_type}")


def read_int(name: str, node: Node, old: int | None = None) -> int:
    """Return a whole number, also one written as text, hexadecimal or octal."""
    del old
    if isinstance(node, Literal) and node.kind in ("NUMBER", "STRING"):
        return _integer(node.token.text if node.kind == "NUMBER" else node.token.string())
    raise HCLError.at(node.position, f"{name}: unknown type {node.go_type}")


def read_bool(name: str, node: Node, old: bool | None = None) -> bool:
    """Return true or false."""
    del old
    if isinstance(node, Literal) and node.kind == "BOOL":
        return node.token.text == "true"
    raise HCLError.at(node.position, f"{name}: unknown type {node.go_type}")


def read_float(name: str, node: Node, old: float | None = None) -> float:
    """Return a number as float."""
    del old
    if isinstance(node, Literal) and node.kind in ("NUMBER", "FLOAT"):
        return _float(node.token.text)
    raise HCLError.at(node.position, f"{name}: unknown type {node.go_type}")


def list_of(reader: Reader[T]) -> Reader[list[T]]:
    """Return a reader of lists; a lone object is a list of one."""

    def read(name: str, node: Node, old: list[T] | None = None) -> list[T]:
        result = [] if old is None else old
        elements: tuple[Node, ...]
        match node:
            case List(elements=elements):
                pass
            case Items(entries=elements):
                pass
            case Object():
                elements = (node,)
            case _:
                raise HCLError.at(node.position, f"unknown slice type: {node.go_type}")
        result.extend([reader(f"{name}[{index}]", element, None) for index, element in enumerate(elements)])
        return result

    return read


def map_of(reader: Reader[T]) -> Reader[dict[str, T]]:
    """Return a reader of objects as dicts."""

    def read(name: str, node: Node, old: dict[str, T] | None = None) -> dict[str, T]:
        result = {} if old is None else old
        items = Items((node,)) if isinstance(node, Item) else node.items if isinstance(node, Object) else node
        if not isinstance(items, Items):
            raise HCLError.at(node.position, f"{name}: not an object type for map ({node.go_type})")
        labelled: set[str] = set()
        for item in items:
            if not item.keys:
                raise HCLError.at(items.position, f"{name}: map must have string keys")
            key = item.keys[0].string()
            if key in labelled:
                continue
            value: Node = item.value
            if len(item.keys) > 1:
                value = items.under(key)
                labelled.add(key)
            result[key] = reader(f"{name}.{key}", value, result.get(key))
        return result

    return read


def read_any(name: str, node: Node, old: object = None) -> Any:
    """Return whatever is there: text, number, bool, list, or Blocks for an object."""
    if old is not None:
        return _read_like(name, node, old)
    match node:
        case Items() | Object():
            return _read_blocks(name, node, Blocks())
        case List():
            return _read_list(name, node, [])
        case Literal(kind="BOOL"):
            return read_bool(name, node)
        case Literal(kind="FLOAT"):
            return read_float(name, node)
        case Literal(kind="NUMBER"):
            return read_int(name, node)
        case Literal():
            return read_string(name, node)
    raise HCLError(f"{name}: cannot decode into interface: {node.go_type}", node.position)


def read_element(name: str, node: Node, old: object = None) -> Any:
    """Return an element of a list: what `read_any` returns, but for an object, which is a dict here."""
    if old is None and isinstance(node, Items | Object):
        return _read_map(name, node, {})
    return read_any(name, node, old)


def _read_like(name: str, node: Node, old: object) -> Any:
    """Read what must be of the kind of `old`, because the attribute is repeated."""
    match old:
        case bool():
            return read_bool(name, node)
        case int():
            return read_int(name, node)
        case float():
            return read_float(name, node)
        case str():
            return read_string(name, node)
        case Blocks():
            return _read_blocks(name, node, old)
        case list():
            return _read_list(name, node, old)
    assert isinstance(old, dict)
    return _read_map(name, node, old)


_read_map: Reader[dict[str, Any]] = map_of(read_any)
_read_list: Reader[list[Any]] = list_of(read_element)
_read_blocks: Reader[list[dict[str, Any]]] = list_of(_read_map)


def _float(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise HCLError(f"strconv.ParseFloat: parsing {quote(text)}: invalid syntax") from None
    if math.isinf(number):
        raise HCLError(f"strconv.ParseFloat: parsing {quote(text)}: value out of range")
    return number


def _integer(text: str) -> int:
    """Read an integer whose prefix says its base, as Go's ParseInt does with base 0."""
    match = _GO_INTEGER.fullmatch(text)
    if not match:
        raise HCLError(f"strconv.ParseInt: parsing {quote(text)}: invalid syntax")
    try:
        number = int(text.lstrip("+-"), 8 if match["octal"] else 0) * (-1 if text[0] == "-" else 1)
    except ValueError:  # thousands of digits
        number = 1 << 64
    if not -(1 << 63) <= number < 1 << 63:
        raise HCLError(f"strconv.ParseInt: parsing {quote(text)}: value out of range")
    return number
