"""HTTP to an upstream on this machine, for engines that are live.

Calls run in a thread and within a time limit, follow no redirection, and fail in the words of Go's HTTP client, since
these reach clients of the real server.
"""

import asyncio
import http.client
import re
import ssl
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote as percent_encoded

from sandboxd.vault.framework import urls
from sandboxd.vault.framework.loopback import check_loopback
from sandboxd.vault.gotext import quote

TIMEOUT = 30.0
"""Seconds that a call may take."""

LATE = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
LONGEST_ANSWER = 4 << 20
HIGHEST_PORT = 65535
_CONTROL = re.compile(r"[\0-\x08\n-\x1f\x7f]")
_PASSWORD = re.compile(r"(//[^/@:]*:)[^/@]*@")


class Answer(NamedTuple):
    """What an upstream answered."""

    status: int
    body: bytes
    type: str = ""  # the media type, without parameters


class CallFailed(Exception):
    """Nothing was answered; the text is that of Go's HTTP client, with the URL less its password."""


class Upstream:
    """An API below a URL.

    Args:
        url: where it is. What is wrong with it shows with the first call, as in Go.
        what: what a refusal calls it, when it is not on this machine ("the broker of this mount").
        headers: sent with each call.
        timeout: seconds that a call may take.
        late: what is said when they are over.
        ca: PEM certificates of whom the upstream's is to be signed by; empty for whom this machine trusts.

    Raises ValueError with Go's reason for what is no URL.
    """

    def __init__(
        self,
        url: str,
        what: str,
        headers: Mapping[str, str],
        timeout: float = TIMEOUT,
        *,
        late: str = LATE,
        ca: str = "",
    ) -> None:
        self._url = url
        self._parsed = urls.parse(url)
        path = re.split(r"[?#]", url.partition("//")[2])[0].partition("/")
        self._base = percent_encoded(path[1] + path[2], safe="/%:@!$&'()*+,;=-_.~")
        self._what = what
        self._headers = headers
        self._timeout = timeout
        self._late = late
        self._ca = ca

    @property
    def fault(self) -> str:
        """Why no call could be made, in Go's words, or an empty string. Nothing is connected to."""
        if self._parsed.scheme not in ("http", "https"):
            return f"unsupported protocol scheme {quote(self._parsed.scheme)}"
        for name, value in self._headers.items():
            if _CONTROL.search(value):
                return f"net/http: invalid header field value for {quote(name)}"
        if not self._parsed.host:
            return "http: no Host in request URL"
        return f"dial tcp: address {self._port}: invalid port" if self._port > HIGHEST_PORT else ""

    async def call(self, method: str, path: str, body: bytes | None = None, content_type: str = "") -> Answer:
        """Make a call. `path` follows the URL, escaped.

        Raises CallFailed when there is no answer, and Refusal for an upstream that is not on this machine.
        """
        self.check(method, path)
        check_loopback(self._parsed.hostname, self._what)
        try:
            return await asyncio.to_thread(self._exchange, method, path, body, content_type)
        except (OSError, http.client.HTTPException) as error:
            raise self._failed(method, path, self._reason(error)) from None

    def check(self, method: str, path: str) -> None:
        """Raise CallFailed when no such call could be made, wherever the upstream is; nothing is connected to."""
        if self.fault:
            raise self._failed(method, path, self.fault)

    def _failed(self, method: str, path: str, reason: str) -> CallFailed:
        shown = _PASSWORD.sub(r"\1***@", self._url + path)
        return CallFailed(f"{method.title()} {quote(shown)}: {reason}")

    @property
    def _tls(self) -> bool:
        return self._parsed.scheme == "https"

    @property
    def _port(self) -> int:
        return int(self._parsed.port or (443 if self._tls else 80))

    def _exchange(self, method: str, path: str, body: bytes | None, content_type: str) -> Answer:
        connection = self._connection()
        typed = {"Content-Type": content_type} if content_type else {}
        try:
            headers: dict[str, str | bytes] = {"User-Agent": "sandboxd", "Connection": "close", **typed}
            for name, value in self._headers.items():
                headers[name] = value.encode()  # Python's own choice is Latin-1
            connection.request(method, self._base + path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.read(LONGEST_ANSWER), response.headers.get_content_type())
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._parsed.hostname, self._port
        if not self._tls:
            return http.client.HTTPConnection(host, port, timeout=self._timeout)
        context = ssl.create_default_context(cadata=self._ca) if self._ca else None
        return http.client.HTTPSConnection(host, port, timeout=self._timeout, context=context)

    def _reason(self, error: Exception) -> str:
        if isinstance(error, ssl.SSLCertVerificationError):
            return "tls: failed to verify certificate: x509: certificate signed by unknown authority"
        if isinstance(error, ConnectionRefusedError):
            host = "127.0.0.1" if self._parsed.hostname == "localhost" else self._parsed.hostname
            address = f"[{host}]" if ":" in host else host
            return f"dial tcp {address}:{self._port}: connect: connection refused"
        if isinstance(error, TimeoutError):
            return self._late
        return "EOF"
