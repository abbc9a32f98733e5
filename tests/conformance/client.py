"""A plain HTTP client that sends what it is told: any method, any path, any header, any bytes."""

from __future__ import annotations

import http.client
import json
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conformance.steps import Step, Wire

TIMEOUT = 30.0


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers in their order, body as it was."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def json(self) -> Any:
        """The decoded body, or None when it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Client:
    """One keep-alive connection to a server, and the values saved from its answers."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.saved: dict[str, str] = {}
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)

    def close(self) -> None:
        self.connection.close()

    def send(self, step: Step | Wire) -> Answer:
        """Send a step and keep what it asks to be saved. A value that is not in the answer is saved as ''."""
        answer = self.exchange(step) if isinstance(step, Wire) else self.request(step)
        document = answer.json() if step.save else None
        self.saved |= {name: str(dig(document, path)) for name, path in step.save.items()}
        return answer

    def fill(self, text: str) -> str:
        """Text with each `$name` that was saved replaced by its value."""
        return re.sub(r"\$(\w+)", lambda found: self.saved.get(found[1], found[0]), text)

    def request(self, step: Step) -> Answer:
        path = self.fill(step.path)
        pairs = step.headers.items() if isinstance(step.headers, Mapping) else step.headers
        headers = [(name, self.fill(value)) for name, value in pairs]
        if step.token is not None:
            headers.append(("X-Vault-Token", self.fill(step.token)))
        if step.namespace is not None:
            headers.append(("X-Vault-Namespace", self.fill(step.namespace)))
        if step.wrap is not None:
            headers.append(("X-Vault-Wrap-TTL", step.wrap))
        body = step.body
        if body is not None and not isinstance(body, bytes):
            body = self.fill(json.dumps(body)).encode()
        for _ in range(2):  # once more if the server has closed a connection that was idle
            try:
                return self.attempt(step.method, path, headers, body)
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self.connection.close()
        return Answer(0, (), b"connection closed without an answer")

    def attempt(self, method: str, path: str, headers: list[tuple[str, str]], body: bytes | None) -> Answer:
        self.connection.putrequest(method, path if path.startswith("/") else f"/v1/{path}", skip_accept_encoding=True)
        for name, value in headers:
            self.connection.putheader(name, value)
        if body is not None:
            self.connection.putheader("Content-Length", str(len(body)))
        self.connection.endheaders(body)
        return read(self.connection.getresponse())

    def exchange(self, step: Wire) -> Answer:
        with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT) as wire:
            wire.sendall(step.data)
            response = http.client.HTTPResponse(wire)
            response.begin()
            return read(response)


def read(response: http.client.HTTPResponse) -> Answer:
    return Answer(response.status, tuple(response.getheaders()), response.read())


def dig(document: Any, path: str) -> Any:
    """The value at a dotted path; '' when there is none. A name with dots in it wins over a walk down."""
    if not path:
        return document
    if isinstance(document, dict):
        for end in [len(path), *(found.start() for found in reversed(list(re.finditer(r"\.", path))))]:
            if path[:end] in document:
                return dig(document[path[:end]], path[end + 1 :])
    head, _, rest = path.partition(".")
    if isinstance(document, list) and head.isdigit() and int(head) < len(document):
        return dig(document[int(head)], rest)
    return ""
