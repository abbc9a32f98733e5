"""A small service that asks Vault again, with care, and still can do nothing without it.

It gives each request to Vault a time limit, asks again after pauses that grow and that chance has a part in, for one of
its own requests at a time, and logs in anew when its token is no longer accepted. While Vault is away it fails.

    sandboxd drill --health 'http://127.0.0.1:{port}/health' -- python retrying.py
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
TIME_LIMIT = 1.5  # seconds for a request to Vault
FIRST_PAUSE, LONGEST_PAUSE = 0.4, 4.0  # seconds


class Vault:
    """Logs in, and reads; asks again where that may help."""

    def __init__(self):
        self._token = ""
        self._turn = threading.Lock()  # one at a time: what the others wait for is the same
        self._failures = 0
        self._not_before = 0.0

    def secret_version(self):
        with self._turn:
            time.sleep(max(self._not_before - time.monotonic(), 0))
            try:
                found = self._read()
            except FAILURES:
                # The pause lasts for whoever comes next: many users are not to be many tries.
                self._failures += 1
                longest = min(FIRST_PAUSE * 2 ** (self._failures - 1), LONGEST_PAUSE)
                self._not_before = time.monotonic() + longest * random.uniform(0.75, 1.25)
                raise
            self._failures = 0
            return found

    def _read(self):
        if not self._token:
            self._token = self._log_in()
        try:
            return self._ask(SECRET)["data"]["metadata"]["version"]
        except urllib.error.HTTPError as error:
            if error.code != 403:
                raise
            self._token = self._log_in()  # once: a 403 may also be what the policy says
            return self._ask(SECRET)["data"]["metadata"]["version"]

    def _log_in(self):
        if "SANDBOXD_ROLE_ID" not in os.environ:
            return os.environ["VAULT_TOKEN"]
        ids = {"role_id": os.environ["SANDBOXD_ROLE_ID"], "secret_id": os.environ["SANDBOXD_SECRET_ID"]}
        return self._ask(f"{os.environ['SANDBOXD_AUTH_PATH']}/login", ids)["auth"]["client_token"]

    def _ask(self, path, data=None):
        headers = {"X-Vault-Token": self._token if data is None else "", "User-Agent": "retrying/1.0"}
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(f"{VAULT}/v1/{path}", body, headers)
        with urllib.request.urlopen(request, timeout=TIME_LIMIT, context=TRUST) as answer:
            return json.load(answer)


vault = Vault()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            version = vault.secret_version()
        except FAILURES as error:
            self.reply(503, {"error": str(error)})
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
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "0"))), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
