"""Asks a running sandbox over loopback, with nothing but the standard library."""

import http.client
import ssl
from typing import Any
from urllib.parse import urlsplit

import msgspec


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
