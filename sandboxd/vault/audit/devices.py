"""Audit devices: what a client enables at a path, with its options, and what becomes of it when it runs.

Source: OpenBao's file, socket and syslog audit devices, for the options, the order of the checks and their texts.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from sandboxd.vault.audit.hashing import Hash, hasher
from sandboxd.vault.audit.sinks import Discard, File, Sink, Socket, Stdout, Syslog
from sandboxd.vault.durations import SECOND, parse_nanoseconds
from sandboxd.vault.gotext import quote

# The bits by which Go tells directories, links, pipes, sockets and devices from files.
_IRREGULAR = 1 << 31 | 1 << 27 | 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21 | 1 << 19
_TRUE, _FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False")


class DeviceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An audit device as it is stored and shown. The path ends in a slash."""

    path: str
    type: str
    uuid: str
    salt: str
    accessor: str
    description: str = ""
    options: Mapping[str, str] = {}
    local: bool = False


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """An audit device of the server's configuration. The path ends in a slash."""

    path: str
    type: str
    description: str = ""
    options: Mapping[str, str] = {}
    local: bool = False


class Device(NamedTuple):
    """An audit device that runs."""

    entry: DeviceEntry
    sink: Sink
    hashed: Hash
    raw: bool  # shows everything
    hides_accessors: bool
    elides_lists: bool  # shows of a listing only how much there is
    prefix: bytes


def start(entry: DeviceEntry) -> Device:
    """Make a device ready to write. Raises ValueError with the real server's text for options that won't do."""
    make = _KINDS.get(entry.type)
    if make is None:
        raise ValueError(f"unknown backend type: {quote(entry.type)}")
    options = entry.options
    sink = make(options)
    return Device(
        entry=entry,
        sink=sink,
        hashed=hasher(entry.salt),
        raw=_flag(options, "log_raw", default=False),
        hides_accessors=_flag(options, "hmac_accessor", default=True),
        elides_lists=_flag(options, "elide_list_responses", default=False),
        prefix=options.get("prefix", "").encode(),
    )


def _common(options: Mapping[str, str]) -> None:
    form = options.get("format", "json")
    if form == "jsonx":
        raise ValueError(
            'jsonx formatting has been removed, consider switching to json by omitting "format" or setting it to "json"'
        )
    if form != "json":
        raise ValueError(f"unknown format type {quote(form)}")
    _flag(options, "hmac_accessor", default=True)
    _flag(options, "log_raw", default=False)
    _flag(options, "elide_list_responses", default=False)


def _flag(options: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = options.get(name)
    if text is None:
        return default
    if text not in _TRUE + _FALSE:
        raise ValueError(f"strconv.ParseBool: parsing {quote(text)}: invalid syntax")
    return text in _TRUE


def _file(options: Mapping[str, str]) -> Sink:
    path = options.get("file_path", options.get("path"))
    if path is None:
        raise ValueError("file_path is required")
    _common(options)
    special = {"stdout": Stdout, "discard": Discard}.get(path.lower())
    mode = _mode(options, "" if special else path)
    if special is not None:
        return special()
    try:
        return File(path, mode)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"sanity check failed; unable to open {quote(path)} for writing: {_reason(error, path)}"
        ) from None


def _mode(options: Mapping[str, str], path: str) -> int | None:
    """The permissions of the file; None to leave them as they are. Never executable, whatever is asked for."""
    text = options.get("mode")
    if text is None:
        return 0o600
    try:
        mode = int(text, 8) if text.isdecimal() and text.isascii() else -1
    except ValueError:
        mode = -1
    if mode < 0:
        raise ValueError(f"strconv.ParseUint: parsing {quote(text)}: invalid syntax")
    if mode >= 1 << 32:
        raise ValueError(f"strconv.ParseUint: parsing {quote(text)}: value out of range")
    if mode == 0:
        if path:
            try:
                Path(path).stat()
            except (OSError, ValueError) as error:
                raise ValueError(f"stat {path}: {_text(error)}") from None
        return None
    if mode & _IRREGULAR:
        raise ValueError("file mode does not represent a regular file")
    return mode & 0o666


def _reason(error: Exception, path: str) -> str:
    """What went wrong with a file, or with one of its folders, as Go words it."""
    where = str(Path(path).parent) if isinstance(error, ValueError) else str(getattr(error, "filename", None) or path)
    return f"{'open' if where == path else 'mkdir'} {where}: {_text(error)}"


def _text(error: Exception) -> str:
    return ((isinstance(error, OSError) and error.strerror) or "invalid argument").lower()


def _socket(options: Mapping[str, str]) -> Sink:
    address = options.get("address")
    if address is None:
        raise ValueError("address is required")
    timeout = parse_nanoseconds(options.get("write_timeout", "2s")) / SECOND
    _common(options)
    return Socket(options.get("socket_type", "tcp"), address, timeout)


def _syslog(options: Mapping[str, str]) -> Sink:
    _common(options)
    return Syslog(options.get("facility", "AUTH"), options.get("tag", "vault"))


_KINDS: Mapping[str, Callable[[Mapping[str, str]], Sink]] = {"file": _file, "socket": _socket, "syslog": _syslog}
