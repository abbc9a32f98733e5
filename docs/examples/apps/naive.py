"""A small service that takes Vault for something that is always there. It shows what goes wrong then.

It logs in once, when it starts, and ends where that fails. Each of its own requests reads the secret from Vault,
without a time limit, without another try, and without anything to fall back on.

    sandboxd drill --health 'http://127.0.0.1:{port}/health' -- python naive.py
"""

import json
import os
import ssl
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VAULT = os.environ["VAULT_ADDR"]
SECRET = os.environ.get("SECRET_PATH", "secret/data/app")
TRUST = ssl.create_default_context(cafile=os.environ.get("VAULT_CACERT")) if VAULT.startswith("https") else None


def ask(path, token="", data=None):
    headers = {"X-Vault-Token": token, "User-Agent": "naive/1.0"}
    body = None if data is None else json.dumps(data).encode()
    request = urllib.request.Request(f"{VAULT}/v1/{path}", body, headers)
    with urllib.request.urlopen(request, context=TRUST) as answer:
        return json.load(answer)


def log_in():
    if "SANDBOXD_ROLE_ID" not in os.environ:
        return os.environ["VAULT_TOKEN"]
    ids = {"role_id": os.environ["SANDBOXD_ROLE_ID"], "secret_id": os.environ["SANDBOXD_SECRET_ID"]}
    return ask(f"{os.environ['SANDBOXD_AUTH_PATH']}/login", data=ids)["auth"]["client_token"]


TOKEN = log_in()


def secret_version():
    return ask(SECRET, TOKEN)["data"]["metadata"]["version"]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            version = secret_version()
        except Exception as error:
            self.reply(500, {"error": str(error)})
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
