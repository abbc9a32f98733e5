"""A small service that goes on while Vault is away.

Its own requests are answered from what it has read last; a thread beside them reads the secret anew every few seconds,
which is how it notices a rotation. That thread gives each request a time limit, backs off with jitter where one fails,
renews the token when two thirds of its time have passed, and logs in anew when it is no longer accepted.

    sandboxd drill --health 'http://127.0.0.1:{port}/health' -- python resilient.py
"""

import http.client
import json
import os
import random
import ssl
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VAULT = os.environ["VAULT_ADDR"]
SECRET = os.environ.get("SECRET_PATH", "secret/data/app")
TRUST = ssl.create_default_context(cafile=os.environ.get("VAULT_CACERT")) if VAULT.startswith("https") else None
FAILURES = (  # of a request to Vault
    OSError,  # connections, time limits, and statuses from 400 on
    http.client.HTTPException,  # answers that are no HTTP, or not whole
    ValueError,  # bodies that are no JSON
    LookupError,  # and no answer of Vault
)
TIME_LIMIT = 2.0  # seconds for a request to Vault
EVERY = float(os.environ.get("REFRESH_SECONDS", "2"))
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0  # seconds
TOO_OLD = 3600.0  # seconds after which what was read last is no longer good enough


class Vault:
    """Has a token that is well, and asks with it."""

    def __init__(self):
        self._token = ""
        self._renew_at = float("inf")

    def read(self, path):
        """Read a path, with a new token where that is what is missing."""
        if not self._token:
            self._log_in()
        elif time.monotonic() >= self._renew_at:
            self._renew()
        try:
            return self._ask(path)
        except urllib.error.HTTPError as error:
            if error.code != 403:
                raise
            self._log_in()  # once: a 403 may also be what the policy says
            return self._ask(path)

    def _log_in(self):
        if "SANDBOXD_ROLE_ID" not in os.environ:
            self._token = os.environ["VAULT_TOKEN"]
            return
        ids = {"role_id": os.environ["SANDBOXD_ROLE_ID"], "secret_id": os.environ["SANDBOXD_SECRET_ID"]}
        self._token = ""
        self._take(self._ask(f"{os.environ['SANDBOXD_AUTH_PATH']}/login", ids)["auth"])

    def _renew(self):
        try:
            self._take(self._ask("auth/token/renew-self", {})["auth"])
        except urllib.error.HTTPError as error:
            if error.code not in (400, 403):
                raise
            self._log_in()  # as far as it goes: past its longest time a token cannot be renewed

    def _take(self, auth):
        self._token = auth["client_token"]
        self._renew_at = time.monotonic() + auth["lease_duration"] * 2 / 3

    def _ask(self, path, data=None):
        headers = {"X-Vault-Token": self._token, "User-Agent": "resilient/1.0"}
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(f"{VAULT}/v1/{path}", body, headers)
        with urllib.request.urlopen(request, timeout=TIME_LIMIT, context=TRUST) as answer:
            return json.load(answer)


class Cache:
    """The secret as it was read last."""

    def __init__(self):
        self._vault = Vault()
        self._secret = None
        self._read_at = 0.0

    @property
    def version(self):
        """The version at hand; None for nothing, or nothing that is new enough."""
        if self._secret is None or time.monotonic() - self._read_at > TOO_OLD:
            return None
        return self._secret["metadata"]["version"]

    def keep(self):
        """Read again and again."""
        failures = 0
        while True:
            try:
                found = self._vault.read(SECRET)["data"]
            except FAILURES as error:
                failures += 1
                longest = min(FIRST_PAUSE * 2**failures, LONGEST_PAUSE)
                pause = longest * random.uniform(0.6, 1.0)
                print(f"cannot read {SECRET} ({error}); again in {pause:.1f} s", flush=True)
            else:
                failures, pause = 0, EVERY
                if self._secret is None or found["metadata"] != self._secret["metadata"]:
                    print(f"read version {found['metadata']['version']} of {SECRET}", flush=True)
                self._secret, self._read_at = found, time.monotonic()
            time.sleep(pause)


cache = Cache()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        version = cache.version
        if version is None:
            self.reply(503, {"error": "nothing was read yet"})
        else:
            self.reply(200, {"version": version})

    def reply(self, status, found):
        body = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        pass


if __name__ == "__main__":
    threading.Thread(target=cache.keep, daemon=True).start()
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "0"))), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
