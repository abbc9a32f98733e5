"""IAM and STS behind one small server: it answers as it is told to, and notes every call."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qsl

SESSION = (
    "<Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>"
    "<SessionToken>token</SessionToken></Credentials>"
    "<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/x/y</Arn></AssumedRoleUser>"
)
KEY = "<AccessKey><AccessKeyId>AKIA{}</AccessKeyId><SecretAccessKey>secret{}</SecretAccessKey></AccessKey>"


class Said(NamedTuple):
    """What to answer a call with."""

    status: int
    body: str


def error(code: str, message: str, status: int = 400) -> Said:
    """An error of AWS."""
    inner = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return Said(status, f"<ErrorResponse xmlns='urn:x'>{inner}<RequestId>r-1</RequestId></ErrorResponse>")


class Stub:
    """The server.

    `calls` has the parameters of each call, less the version; `plan` what actions are answered with, as XML below the
    result, or whole. Others succeed.
    """

    def __init__(self) -> None:
        self.calls: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.plan: dict[str, str | Said] = {"GetUser": "<User><UserName>app</UserName><UserId>ID</UserId></User>"}
        self._made = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def taken(self) -> list[dict[str, str]]:
        """The calls so far, which are forgotten."""
        found, self.calls = self.calls, []
        return found

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, action: str) -> Said:
        said = self.plan.get(action, "")
        if isinstance(said, Said):
            return said
        if action == "CreateAccessKey":
            self._made += 1
            said = KEY.format(self._made, self._made)
        if action in ("AssumeRole", "GetFederationToken", "GetSessionToken"):
            said = SESSION
        return Said(200, f"<{action}Response xmlns='urn:x'><{action}Result>{said}</{action}Result></{action}Response>")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                call = dict(parse_qsl(body, keep_blank_values=True))
                del call["Version"]
                stub.calls.append(call)
                stub.headers.append(dict(self.headers))
                said = stub._answer(call["Action"])
                sent = said.body.encode()
                self.send_response(said.status)
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        return Handler
