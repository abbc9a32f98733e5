"""LDIF (RFC 2849), read as the real server's parser does: which entries a text is about, and what is wrong with it.

Source: the go-ldap/ldif parser, for what it takes and its texts.
"""

import re
from collections.abc import Iterator

from sandboxd.vault.gotext import decode_base64

_ATTRIBUTE = re.compile(r"[A-Za-z][0-9A-Za-z;-]*")


def dns(text: str) -> list[str]:
    """The DNs of the entries of a text, in order, each as often as it is there.

    Raises ValueError with the parser's text.
    """
    found: list[str] = []
    first = True
    for number, lines in _records(text):
        try:
            dn = _entry(lines, first=first)
        except ValueError as error:
            raise ValueError(f"Error in line {number}: {error}") from None
        first = False
        if dn is not None:
            found.append(dn)
    return found


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """The records, as unfolded lines without comments, each with the number of the line after it."""
    lines: list[str] = []
    comment = False
    numbered = (
        enumerate((*text.split("\n"), ""), start=1) if not text.endswith("\n") else enumerate(text.split("\n"), 1)
    )
    for number, raw in numbered:
        line = raw.rstrip("\r\n")
        if not line:
            if lines:
                yield number, lines
                lines = []
        elif line[0] == "#":
            comment = True
        elif line[0] == " ":
            if not comment and lines:
                lines[-1] += line[1:]
        else:
            comment = False
            lines.append(line)


def _entry(lines: list[str], *, first: bool) -> str | None:
    """The DN of a record; None for one that holds a version alone."""
    if first and lines[0].startswith("version:"):
        version = lines[0][8:].lstrip(" ")
        if not re.fullmatch(r"[+-]?[0-9]+", version):
            raise ValueError(f'strconv.Atoi: parsing "{version}": invalid syntax')
        if int(version) != 1:
            raise ValueError(f"Invalid version spec {version}")
        lines = lines[1:]
        if not lines:
            return None
    if not lines[0].startswith("dn:"):
        raise ValueError("missing 'dn:'")
    _, dn = _line(lines[0])
    if len(lines) == 1:
        raise ValueError("only a dn: line")
    _change(_without_controls(lines[1:]))
    return dn


def _without_controls(lines: list[str]) -> list[str]:
    while lines[0].startswith("control:"):
        if len(lines) == 1:
            raise ValueError("only controls found")
        lines = lines[1:]
    return lines


def _change(lines: list[str]) -> None:
    """Check what a record says of its entry. Raises ValueError."""
    kind = ""
    if lines[0].startswith("changetype:"):
        _, kind = _line(lines[0])
        lines = lines[1:] if len(lines) > 1 else lines
    if kind in ("", "add"):
        for line in lines:
            _line(line)
    elif kind == "delete":
        if len(lines) > 1:
            raise ValueError("no attributes allowed for changetype delete")
    elif kind == "modify":
        _modification(lines)
    elif kind in ("moddn", "modrdn"):
        raise ValueError(f"unsupported changetype {kind}")
    else:
        raise ValueError(f"invalid changetype {kind}")


def _modification(lines: list[str]) -> None:
    if lines[-1] != "-":
        raise ValueError("modify request does not close with a single dash")
    operation = attribute = ""
    for line in lines:
        if line == "-":
            if not operation:
                raise ValueError("empty operation")
            if operation not in ("add", "replace", "delete"):
                raise ValueError(f"invalid operation {operation} in modify request")
            operation = ""
            continue
        name, value = _line(line)
        if not operation:
            operation, attribute = name, value
        elif name != attribute:
            raise ValueError(f"invalid attribute {name} in {operation} request for {attribute}")


def _line(line: str) -> tuple[str, str]:
    """The attribute and the value of a line. Raises ValueError."""
    name, colon, value = line.partition(":")
    if not colon:
        raise ValueError(f"Missing : in line `{line}`")
    _check_attribute(name)
    if value.startswith(":"):
        return name, decode_base64(value[1:].lstrip(" ")).decode("utf-8", "replace")
    if value.startswith("<"):
        # The real server reads the file; a sandbox opens none.
        raise ValueError("failed to read a value: URLs are not followed")
    return name, value.lstrip(" ")


def _check_attribute(name: str) -> None:
    if not name:
        raise ValueError("empty attribute name")
    if name[0].isascii() and name[0].isdigit():
        if re.search(r"\A\.|\.\.", name):
            raise ValueError("OID with at least 2 consecutive dots")
        if not re.fullmatch(r"[0-9.]*", name):
            raise ValueError("Invalid character in OID")
    elif not (name[0].isascii() and name[0].isalpha()):
        raise ValueError("invalid first character in attribute")
    elif not _ATTRIBUTE.fullmatch(name):
        raise ValueError("invalid character in attribute name")
