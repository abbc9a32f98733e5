"""Bindings: which roles an account gets on which resources, in HCL or JSON, also in base64."""

from __future__ import annotations

import base64
import re

from sandboxd.vault.hcl import HCLError, Item, List, Literal, Object, parse

_ROLE = re.compile(r"(?:projects/[^/]+/|organizations/[^/]+/)?roles/.+")

Bindings = dict[str, tuple[str, ...]]


def read_bindings(text: str) -> Bindings:
    """The roles by resource. Raises ValueError with the plugin's texts."""
    try:
        return _read(base64.b64decode(text, validate=True).decode())
    except ValueError:
        return _read(text)


def _read(text: str) -> Bindings:
    try:
        items = parse(text)
    except HCLError as error:
        raise ValueError(f"unable to parse bindings: {error}") from None
    found: dict[str, set[str]] = {}
    wrong: list[str] = []
    for item in items:
        if len(item.keys) != 2:
            wrong.append(f"invalid resource item does not have ID on line {item.assign.line}")
        elif item.keys[0].string() != "resource":
            wrong.append(f"invalid key '{item.keys[0].string()}' (line {item.assign.line})")
        else:
            resource = item.keys[1].string()
            roles = found.setdefault(resource, set())
            for inner in item.value.items if isinstance(item.value, Object) else ():
                _read_roles(inner, resource, item.assign.line, roles, wrong)
    if wrong:
        count = f"{len(wrong)} error{'s' if len(wrong) > 1 else ''} occurred:"
        raise ValueError(f"unable to parse bindings: {count}\n" + "".join(f"\t* {each}\n" for each in wrong) + "\n")
    return {resource: tuple(sorted(roles)) for resource, roles in sorted(found.items())}


def _read_roles(item: Item, resource: str, line: int, roles: set[str], wrong: list[str]) -> None:
    key = item.keys[0].text.strip('"')
    if key != "roles":
        wrong.append(f"invalid key '{key}' in resource '{resource}' (line {line})")
    elif not isinstance(item.value, List):
        wrong.append(f"roles must be a list (line {item.assign.line})")
    else:
        for element in item.value.elements:
            role = element.token.string() if isinstance(element, Literal) else ""
            if _ROLE.fullmatch(role):
                roles.add(role)
            else:
                wrong.append(f"role '{role}' must start with 'roles/' (line {element.position.line})")
