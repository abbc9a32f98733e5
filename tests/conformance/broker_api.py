"""A management API of RabbitMQ, small enough to read: it answers as it is told to, and notes every call."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Said(NamedTuple):
    """What to answer a kind of call with."""

    status: int
    body: bytes = b""


class BrokerApi:
    """The server.

    `calls` has what was asked: method, path, credentials, type of the content, and what it says. `plan` has the answers
    to calls, by the method and the start of the path; others succeed.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str, str, Any]] = []
        self.plan: dict[tuple[str, str], Said] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def taken(self) -> list[tuple[str, str, str, str, Any]]:
        """The calls so far, which are forgotten."""
        found, self.calls = self.calls, []
        return found

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, method: str, path: str) -> Said:
        usual = Said(200, b"[]") if method == "GET" else Said(204)
        return next(
            (said for (verb, start), said in self.plan.items() if verb == method and path.startswith(start)), usual
        )

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                kind = self.headers.get("Content-Type", "")
                login = self.headers.get("Authorization", "")
                api.calls.append((self.command, self.path, login, kind, json.loads(body) if body else None))
                said = api._answer(self.command, self.path)
                self.send_response(said.status)
                self.send_header("Content-Length", str(len(said.body)))
                self.end_headers()
                self.wfile.write(said.body)

            do_PUT = do_DELETE = do_GET

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        return Handler
