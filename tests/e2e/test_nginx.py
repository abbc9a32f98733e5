"""A real nginx in front of a stub, which asks the sandbox about each credential (see docs/verification.md)."""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from conformance.servers import free_port
from e2e.conftest import ROOT, Command, ask, until

FIXTURE = """
sandbox: shop
secrets:
  secret/pay:
    owner: payments
    rotation: {every: 30d, grace: 1d}
    fields:
      api_key: {kind: stripe.secret_key}
dynamic:
  acme/creds/app:
    ttl: 1h
    credentials: [password]
    fields:
      username: bookshop
      password: {kind: password}
"""

CONFIG = """
daemon off;
master_process off;
pid FOLDER/nginx.pid;
error_log FOLDER/error.log;
events {}
http {
  access_log off;
  client_body_temp_path FOLDER/body;
  proxy_temp_path FOLDER/proxy;
  fastcgi_temp_path FOLDER/fastcgi;
  uwsgi_temp_path FOLDER/uwsgi;
  scgi_temp_path FOLDER/scgi;

  server {
    listen 127.0.0.1:STUB;
    location / { return 200 "charged"; }
  }

SERVER
}
"""


DOCUMENT = (ROOT / "docs" / "verification.md").read_text()
QUESTION = "?path=secret/pay&field=api_key"


class Sandbox:
    """A sandbox, and the nginx in front of what stands for the real service."""

    def __init__(self, command: Command, folder: Path) -> None:
        self.command = command
        self.folder = folder
        (folder / "shop.yaml").write_text(FIXTURE)
        self.address = command.up(str(folder / "shop.yaml"))["address"]
        self.nginx = find_nginx()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """A request to the sandbox itself; gives what it answered."""
        status, found = ask(self.address, method, path, self.command.token(), body)
        assert status in (200, 204), found
        return found

    def key(self) -> str:
        """The current key of the secret."""
        found: str = self.ask("GET", "/v1/secret/data/pay")["data"]["data"]["api_key"]
        return found

    @contextlib.contextmanager
    def guarded(self, question: str = QUESTION) -> Iterator[Proxy]:
        """An nginx as it is documented, but for the addresses and the question."""
        port, stub = free_port(), free_port()
        server = DOCUMENT.partition("```nginx\n")[2].partition("```")[0]
        values = {
            "SERVER": server,
            "FOLDER": str(self.folder),
            "STUB": str(stub),
            "127.0.0.1:8080": f"127.0.0.1:{port}",
            "127.0.0.1:9000": f"127.0.0.1:{stub}",
            "http://127.0.0.1:8200": self.address,
            QUESTION: question,
        }
        text = CONFIG
        for name, value in values.items():
            assert name in text
            text = text.replace(name, value)
        (self.folder / "nginx.conf").write_text(text)
        log = self.folder / "error.log"
        arguments = [self.nginx, "-p", self.folder, "-c", self.folder / "nginx.conf", "-e", log]
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL)
        proxy = Proxy(port)

        def ready() -> bool:
            assert process.poll() is None, log.read_text()
            with contextlib.suppress(ConnectionError):
                return proxy.send().status > 0
            return False

        try:
            until(ready)
            yield proxy
        finally:
            process.terminate()
            process.wait()


class Reply:
    """What came back through the proxy."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.state = headers.get("X-State", "")
        self.challenge = headers.get("WWW-Authenticate", "")
        self.text = body.decode()


class Proxy:
    """An nginx that is running."""

    def __init__(self, port: int) -> None:
        self.port = port

    def send(self, target: str = "/v1/charges", method: str = "POST", **headers: str) -> Reply:
        """A request of an app."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, target, "amount=5" if method == "POST" else None, sent)
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.headers), answer.read())
        finally:
            connection.close()


def find_nginx() -> str:
    """Where nginx is; the test is skipped without it, and fails in CI."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        if os.environ.get("NEED_NGINX"):
            pytest.fail("there is no nginx on this machine, and NEED_NGINX is set")
        pytest.skip("there is no nginx on this machine")
    return found


@pytest.fixture
def shop(command: Command, tmp_path: Path) -> Sandbox:
    return Sandbox(command, tmp_path)


def bearer(value: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {value}"}


def test_a_stub_takes_the_credential_that_is_valid_now_and_no_other(shop: Sandbox) -> None:
    with shop.guarded() as proxy:
        reply = proxy.send(**bearer(shop.key()))
        assert (reply.status, reply.text, reply.state) == (200, "charged", "current")
        refused = proxy.send(**bearer("nobodys"))
        assert (refused.status, refused.state) == (401, "unknown")
        assert 'error_description="It was never issued here."' in refused.challenge
        assert proxy.send().status == 401
        assert proxy.send(**bearer(shop.command.token())).status == 401


def test_a_browser_in_front_of_the_proxy_makes_no_difference(shop: Sandbox) -> None:
    page = {"Origin": "https://shop.example", "Referer": "https://shop.example/", "Sec_Fetch_Site": "same-site"}
    with shop.guarded() as proxy:
        assert proxy.send(**page, **bearer(shop.key())).status == 200
        assert proxy.send(method="GET", **page, **bearer("nobodys")).status == 401


def test_a_rotated_credential_is_taken_through_its_grace(shop: Sandbox) -> None:
    with shop.guarded("?path=secret/pay") as proxy:
        old = shop.key()
        shop.ask("POST", "/_sandboxd/v1/rotate", {"path": "secret/pay"})
        new = shop.key()
        assert [(reply.status, reply.state) for reply in (proxy.send(**bearer(old)), proxy.send(**bearer(new)))] == [
            (200, "grace"),
            (200, "current"),
        ]
        shop.ask("POST", "/_sandboxd/v1/time/advance", {"value": "25h"})
        assert [(reply.status, reply.state) for reply in (proxy.send(**bearer(old)), proxy.send(**bearer(new)))] == [
            (401, "superseded"),
            (200, "current"),
        ]


def test_grace_can_be_refused(shop: Sandbox) -> None:
    with shop.guarded("?path=secret/pay&grace=refuse") as proxy:
        old = shop.key()
        shop.ask("POST", "/_sandboxd/v1/rotate", {"path": "secret/pay"})
        assert proxy.send(**bearer(old)).status == 401
        assert proxy.send(**bearer(shop.key())).status == 200


def test_a_dynamic_credential_is_taken_until_its_lease_ends(shop: Sandbox) -> None:
    def basic(lent: Any, user: str = "bookshop") -> dict[str, str]:
        pair = f"{user}:{lent['data']['password']}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    with shop.guarded("?path=acme/creds/app") as proxy:
        first, second = (shop.ask("GET", "/v1/acme/creds/app") for _ in range(2))
        assert [proxy.send(**basic(each)).status for each in (first, second)] == [200, 200]
        assert proxy.send(**basic(first, "another")).status == 401
        shop.ask("PUT", "/v1/sys/leases/revoke", {"lease_id": first["lease_id"], "sync": True})
        reply = proxy.send(**basic(first))
        assert (reply.status, reply.state, reply.challenge) == (
            401,
            "revoked",
            'Basic realm="sandboxd", charset="UTF-8"',
        )
        assert proxy.send(**basic(second)).status == 200
        shop.ask("POST", "/_sandboxd/v1/time/advance", {"value": "61m"})
        reply = proxy.send(**basic(second))
        assert (reply.status, reply.state) == (401, "expired")


def test_a_token_is_taken_until_it_is_revoked(shop: Sandbox) -> None:
    with shop.guarded("") as proxy:
        token = shop.ask("POST", "/v1/auth/token/create", {"ttl": "1h"})["auth"]["client_token"]
        assert proxy.send(X_Vault_Token=token).status == 200
        shop.ask("POST", "/v1/auth/token/revoke", {"token": token})
        assert (reply := proxy.send(X_Vault_Token=token)).status == 401
        assert reply.state == "revoked"


def test_a_credential_may_be_in_the_query_of_the_request(shop: Sandbox) -> None:
    with shop.guarded("?query=api_key&path=secret/pay") as proxy:
        assert proxy.send(f"/v1/charges?api_key={shop.key()}").status == 200
        assert proxy.send("/v1/charges?api_key=nobodys&path=x&uri=/").status == 401


def test_a_question_that_makes_no_sense_is_no_permission(shop: Sandbox) -> None:
    with shop.guarded("?pth=secret/pay") as proxy:
        assert proxy.send(**bearer(shop.key())).status == 500
