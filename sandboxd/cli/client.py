"""Talks to a running sandbox over loopback, with nothing but the standard library."""

import errno
import http.client
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

import msgspec

from sandboxd.edge.messages import CONTROL


class Unreachable(Exception):
    """No sandbox answers there."""


def ask(
    address: str,
    method: str,
    path: str,
    *,
    token: str = "",
    body: Any = None,
    timeout: float = 5.0,
    world: str = "",
) -> tuple[int, Any]:
    """One request; gives the status and the decoded answer. `timeout` is in seconds. Raises Unreachable."""
    parts = urlsplit(address)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        # The certificate was made by the sandbox itself, on this machine.
        context = ssl._create_unverified_context()  # noqa: S323, SLF001
        connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=timeout, context=context)
    else:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    given = {"X-Vault-Token": token, "X-Sandboxd-World": world}
    headers = {name: value.encode("utf-8", "surrogateescape") for name, value in given.items() if value}
    try:
        connection.request(method, path, None if body is None else msgspec.json.encode(body), headers)
        answer = connection.getresponse()
        raw = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(str(error)) from None
    finally:
        connection.close()
    try:
        return answer.status, msgspec.json.decode(raw) if raw else None
    except msgspec.DecodeError:
        return answer.status, raw.decode("utf-8", "replace")


def who_listens(host: str, port: int) -> str:
    """A few words on what answers at a port."""
    for scheme in ("http", "https"):
        address = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
        try:
            status, found = ask(address, "GET", f"{CONTROL}status", timeout=1.0)
            if status == 200 and isinstance(found, dict) and "pid" in found:
                return f'the sandbox "{found.get("name")}" (pid {found.get("pid")})'
            status, found = ask(address, "GET", "/v1/sys/seal-status", timeout=1.0)
            if isinstance(found, dict) and "sealed" in found:
                return f"a Vault or OpenBao server (version {found.get('version')})"
        except Unreachable:
            continue
    return "another program"


def port_is_free(host: str, port: int) -> bool:
    """Whether a port can be listened on now, as far as others are concerned."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno != errno.EADDRINUSE
    return True
