"""Bindings: which roles an account gets on which resources, in HCL or JSON, also in base64.

Source: the plugin's public source, for what is accepted and each text, and hashicorp/hcl v1.0.1-vault-7.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sandboxd.vault.errors import listed
from sandboxd.vault.gotext import decode_base64, quote
from sandboxd.vault.hcl import HCLError, Item, Items, List, Literal, Object, parse

T = TypeVar("T")
Bindings = dict[str, tuple[str, ...]]


def read_bindings(text: str) -> Bindings:
    """The roles by resource, both sorted. Raises ValueError with the plugin's texts."""
    try:
        text, form = decode_base64(text).decode("utf-8", "replace"), "base64-encoded"
    except ValueError:
        form = "raw string"
    try:
        items = parse(text)
        _check_duplicates(items)
    except HCLError as error:
        raise ValueError(f"unable to parse {form} bindings as valid HCL: {error}") from None
    found: dict[str, set[str]] = {}
    try:
        _all(items, lambda item: _resource(item, found), lambda item: f"(line {item.assign.line}) ")
    except ValueError as error:
        raise ValueError(f"unable to parse bindings: {error}") from None
    return {resource: tuple(sorted(roles)) for resource, roles in sorted(found.items())}


def _all(things: Items | tuple[T, ...], read: Callable[..., None], place: Callable[..., str]) -> None:
    """Read each thing. Raises ValueError that tells of all that failed, each with its place in front."""
    errors: list[str] = []
    for thing in things:
        try:
            read(thing)
        except ValueError as error:
            errors.append(f"{place(thing)}{error}")
    if errors:
        raise ValueError(listed(errors))


def _check_duplicates(items: Items) -> None:
    """Raise HCLError for an argument that is set twice. In JSON, the last one counts."""
    seen: set[str] = set()
    for item in items:
        nested = item.value.elements if isinstance(item.value, List) else (item.value,)
        for inner in nested:
            if isinstance(inner, Object):
                _check_duplicates(inner.items)
        for key in item.keys if item.assign.line else ():
            if key.text in seen and not key.json:
                raise HCLError(
                    f"The argument {quote(key.text)} at {key.position} was already set. "
                    "Each argument can only be defined once"
                )
            seen.add(key.text)


def _resource(item: Item, found: dict[str, set[str]]) -> None:
    if len(item.keys) != 2 or not isinstance(item.value, Object):
        raise ValueError('top-level items must have format "resource" "$resource_name"')
    if item.keys[0].string() != "resource":
        raise ValueError(f'invalid item {quote(item.keys[0].string())}, expected "resource"')
    roles = found.setdefault(item.keys[1].string(), set())
    _all(
        item.value.items,
        lambda inner: _role_list(inner, roles),
        lambda inner: f"role list (line {inner.assign.line}): ",
    )


def _role_list(item: Item, roles: set[str]) -> None:
    if len(item.keys) != 1:
        raise ValueError('expected "roles" list, got nil object item')
    if item.keys[0].string() != "roles":
        raise ValueError(f'invalid key {quote(item.keys[0].string())} in resource, expected "roles"')
    if not isinstance(item.value, List):
        raise ValueError("parsing error, expected list of roles for key 'roles'")
    _all(item.value.elements, lambda element: roles.add(_role(element, item.assign.line)), lambda _element: "")


def _role(element: Literal | List | Object, line: int) -> str:
    if not isinstance(element, Literal):
        raise ValueError(f"unexpected nil item in roles list (line {line})")
    if element.kind not in ("STRING", "HEREDOC"):
        raise ValueError(f"unexpected item {element.token.text} in roles list is not a string (line {line})")
    role = element.token.string()
    match role.split("/"):
        case ["roles", _] | ["projects" | "organizations", _, "roles", _]:
            return role
    raise ValueError(
        f"invalid role {quote(role)} (line {line}) must be one of following formats: "
        '"projects/X/roles/Y", "organizations/X/roles/Y", "roles/X"'
    )
