"""Templates of identity tokens: JSON in which `{{...}}` stands for something of the entity that asks.

Source: OpenBao's identitytpl in its JSON mode, and Go's encoding/json for what it says of broken JSON.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from sandboxd.vault.durations import parse_seconds
from sandboxd.vault.gotext import quote
from sandboxd.vault.identity import Entity, EntityAlias, Group

RESERVED_CLAIMS = ("iat", "aud", "exp", "iss", "sub", "namespace", "nonce", "auth_time", "at_hash", "c_hash")
_MISSING = "no value could be found for one of the template directives"
_UNBALANCED = "unbalanced templating characters"
_SPACE = " \t\r\n"
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')


class TemplateError(ValueError):
    """A template cannot be filled in, or does not come out as a JSON object; the text is the real server's."""


def nobody(namespace_id: str = "root") -> Entity:
    """The entity that templates are tried out with when they are written."""
    return Entity(id="", name="", namespace_id=namespace_id)


def populate(template: str, entity: Entity, groups: Iterable[Group], now: int) -> str:
    """The template with its directives filled in. `now` is in seconds since 1970. Raises TemplateError."""
    head, *pieces = template.split("{{")
    if "}}" in head:
        raise TemplateError(_UNBALANCED)
    members = tuple(groups)
    filled = [head]
    for piece in pieces:
        directive, *rest = piece.split("}}")
        if len(rest) != 1:
            raise TemplateError(_UNBALANCED)
        filled += [_value(directive.strip(), entity, members, now), rest[0]]
    return "".join(filled)


def parse_object(text: str) -> dict[str, Any]:
    """The JSON object that a text holds. Raises TemplateError with what Go says of anything else."""
    fault = json_fault(text)
    if fault:
        raise TemplateError(fault)
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError as error:  # what JSON allows and no claim can hold, such as half a surrogate pair
        raise TemplateError(str(error)) from None
    if found is None:
        return {}
    if isinstance(found, dict):
        return found
    kind = {list: "array", str: "string", bool: "bool"}.get(type(found), "number")
    raise TemplateError(f"json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}")


def _value(directive: str, entity: Entity, groups: tuple[Group, ...], now: int) -> str:
    if directive.startswith("identity.entity."):
        return _of_entity(directive.removeprefix("identity.entity."), entity, groups)
    if directive.startswith("identity.groups."):
        if not groups:
            raise TemplateError("string contains groups template directives but no groups were provided")
        return _of_group(directive.removeprefix("identity.groups."), entity, groups)
    if directive.startswith("time."):
        return _of_time(directive.removeprefix("time."), now)
    raise TemplateError(_MISSING)


def _json(value: Any) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


def _of_map(directive: str, name: str, pairs: Mapping[str, str] | None) -> str | None:
    """What a directive says of the map with that name, or None when it is about something else."""
    if directive == name:
        return _json(pairs or {})
    if directive.startswith(f"{name}."):
        return _json((pairs or {}).get(directive[len(name) + 1 :], ""))
    return None


def _of_entity(directive: str, entity: Entity, groups: tuple[Group, ...]) -> str:
    plain: dict[str, Callable[[], Any]] = {
        "id": lambda: entity.id,
        "name": lambda: entity.name,
        "groups.names": lambda: [group.name for group in groups],
        "groups.ids": lambda: [group.id for group in groups],
    }
    if directive in plain:
        return _json(plain[directive]())
    if directive.startswith("aliases."):
        accessor, dot, rest = directive.removeprefix("aliases.").partition(".")
        if not dot:
            raise TemplateError("invalid alias selector")
        nothing = EntityAlias(id="", name="", canonical_id="", mount_accessor=accessor)
        return _of_alias(rest, next((one for one in entity.aliases if one.mount_accessor == accessor), nothing))
    found = _of_map(directive, "metadata", entity.metadata)
    if found is None:
        raise TemplateError(_MISSING)
    return found


def _of_alias(directive: str, alias: EntityAlias) -> str:
    if directive in ("id", "name"):
        return _json(getattr(alias, directive))
    for name, pairs in (("metadata", alias.metadata), ("custom_metadata", alias.custom_metadata)):
        found = _of_map(directive, name, pairs)
        if found is not None:
            return found
    raise TemplateError(_MISSING)


def _of_group(directive: str, entity: Entity, groups: tuple[Group, ...]) -> str:
    """What a directive says of a group. The real server puts it in as it is, without quotes around it."""
    selector, dot, rest = directive.partition(".")
    if not dot or selector not in ("ids", "names"):
        raise TemplateError("invalid groups selector")
    wanted, dot, rest = rest.partition(".")
    if not dot:
        raise TemplateError("invalid groups accessor")
    for group in groups:
        if selector == "names" and group.namespace_id != entity.namespace_id:
            continue
        if wanted == (group.id if selector == "ids" else group.name):
            break
    else:
        raise TemplateError(f"entity is not a member of group {quote(wanted)}")
    metadata = group.metadata or {}
    values = {"id": group.id, "name": group.name, **{f"metadata.{key}": value for key, value in metadata.items()}}
    if rest not in values:
        raise TemplateError(_MISSING)
    return values[rest]


def _of_time(directive: str, now: int) -> str:
    selector, *operation = directive.split(".", 2)
    if selector != "now":
        raise TemplateError(f"invalid time selector {quote(selector)}")
    if not operation:
        return str(now)
    if len(operation) == 1:
        raise TemplateError("missing time operand")
    sign = {"plus": 1, "minus": -1}.get(operation[0])
    try:
        seconds = parse_seconds(operation[1])
    except ValueError as error:
        raise TemplateError(f"invalid duration: {error}") from None
    if sign is None:
        raise TemplateError(f"invalid time operator {quote(operation[0])}")
    return str(now + sign * seconds)


# What Go's encoding/json finds wrong


class _Fault(Exception):
    """What is wrong with a JSON text."""


class _Scanner:
    """Walks over a JSON text as Go's scanner does, to say the same of the first thing that is wrong."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def skip(self) -> str:
        """Pass over blanks; give the next character. Raises _Fault at the end."""
        while self.at < len(self.text) and self.text[self.at] in _SPACE:
            self.at += 1
        if self.at >= len(self.text):
            raise _Fault("unexpected end of JSON input")
        return self.text[self.at]

    def wrong(self, where: str) -> _Fault:
        """The fault of the character that stands here."""
        char = self.text[self.at]
        shown = {"'": r"'\''", '"': "'\"'"}.get(char, f"'{quote(char)[1:-1]}'")
        return _Fault(f"invalid character {shown} {where}")

    def value(self) -> None:
        """Pass over a value."""
        char = self.skip()
        if char == "{":
            self.group("}", "object key:value pair", self.pair)
        elif char == "[":
            self.group("]", "array element", self.value)
        elif char == '"':
            self.string()
        elif char in "-0123456789":
            self.number()
        elif char in "tfn":
            self.word({"t": "true", "f": "false", "n": "null"}[char])
        else:
            raise self.wrong("looking for beginning of value")

    def group(self, end: str, what: str, item: Callable[[], None]) -> None:
        """Pass over an object or an array."""
        self.at += 1
        if self.skip() == end:
            self.at += 1
            return
        while True:
            item()
            char = self.skip()
            if char not in (",", end):
                raise self.wrong(f"after {what}")
            self.at += 1
            if char == end:
                return

    def pair(self) -> None:
        """Pass over a key and its value."""
        if self.skip() != '"':
            raise self.wrong("looking for beginning of object key string")
        self.string()
        if self.skip() != ":":
            raise self.wrong("after object key")
        self.at += 1
        self.value()

    def string(self) -> None:
        """Pass over a string."""
        found = _STRING.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
            return
        self.at += 1
        while self.at < len(self.text):
            char = self.text[self.at]
            if char < " ":
                raise self.wrong("in string literal")
            if char == "\\":
                self.escape()
            self.at += 1
        raise _Fault("unexpected end of JSON input")

    def escape(self) -> None:
        """Pass over a backslash and, of what it escapes, all but the last character."""
        self.at += 1
        for what, good in [("in string escape code", '"\\/bfnrtu'), *[_HEX] * 4]:
            if self.at >= len(self.text):
                raise _Fault("unexpected end of JSON input")
            if self.text[self.at] not in good:
                raise self.wrong(what)
            if what == "in string escape code" and self.text[self.at] != "u":
                return
            self.at += 1
        self.at -= 1

    def number(self) -> None:
        """Pass over a number."""
        found = _NUMBER.match(self.text, self.at)
        if found is None:
            self.at += 1
            if self.at >= len(self.text):
                raise _Fault("unexpected end of JSON input")
            raise self.wrong("in numeric literal")
        self.at = found.end()

    def word(self, word: str) -> None:
        """Pass over `true`, `false` or `null`."""
        for expected in word:
            if self.at >= len(self.text):
                raise _Fault("unexpected end of JSON input")
            if self.text[self.at] != expected:
                raise self.wrong(f"in literal {word} (expecting '{expected}')")
            self.at += 1


_HEX = (r"in \u hexadecimal character escape", "0123456789abcdefABCDEF")


def json_fault(text: str) -> str:
    """What Go's encoding/json says of a JSON text that is broken; an empty string for a good one."""
    scanner = _Scanner(text)
    try:
        scanner.value()
        while scanner.at < len(text):
            if text[scanner.at] not in _SPACE:
                raise scanner.wrong("after top-level value")
            scanner.at += 1
    except _Fault as fault:
        return str(fault)
    except RecursionError:
        return "exceeded max depth"
    return ""
