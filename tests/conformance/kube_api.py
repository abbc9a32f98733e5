"""A Kubernetes API, small enough to read: it answers what the Kubernetes secrets engine asks, and notes every call.

The real server sends protobuf, sandboxd JSON; the notes are the same for both. What it does with a namespace follows
from the namespace's name: `forbidden` refuses, `status-<code>` answers plain text with that status, `short` and `long`
give tokens other times than were asked for, `garbled` gives what is no token, `absent` knows nothing that is deleted,
`kept` lets nothing be deleted, and `peopleless` has no service accounts made.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import threading
from typing import Any

NOW = 1_767_225_600
TEXT, NUMBER = "text", "number"
Fields = dict[int, tuple[str, Any]]

META: Fields = {
    1: ("name", TEXT),
    3: ("namespace", TEXT),
    11: ("labels", ("map", None)),
    12: ("annotations", ("map", None)),
    13: (
        "ownerReferences",
        ("list", {1: ("kind", TEXT), 3: ("name", TEXT), 4: ("uid", TEXT), 5: ("apiVersion", TEXT)}),
    ),
}
SUBJECT: Fields = {1: ("kind", TEXT), 2: ("apiGroup", TEXT), 3: ("name", TEXT), 4: ("namespace", TEXT)}
ROLE_REF: Fields = {1: ("apiGroup", TEXT), 2: ("kind", TEXT), 3: ("name", TEXT)}
RULE: Fields = {
    1: ("verbs", ("list", TEXT)),
    2: ("apiGroups", ("list", TEXT)),
    3: ("resources", ("list", TEXT)),
    4: ("resourceNames", ("list", TEXT)),
    5: ("nonResourceURLs", ("list", TEXT)),
}
ROLE: Fields = {1: ("metadata", META), 2: ("rules", ("list", RULE))}
BINDING: Fields = {1: ("metadata", META), 2: ("subjects", ("list", SUBJECT)), 3: ("roleRef", ROLE_REF)}
MESSAGES: dict[str, Fields] = {
    "ServiceAccount": {1: ("metadata", META)},
    "Role": ROLE,
    "ClusterRole": ROLE,
    "RoleBinding": BINDING,
    "ClusterRoleBinding": BINDING,
    "TokenRequest": {2: ("spec", {1: ("audiences", ("list", TEXT)), 4: ("expirationSeconds", NUMBER)})},
    "DeleteOptions": {},
}


def decoded(body: bytes) -> Any:
    """What a body says, whether it is JSON or protobuf, without what is empty."""
    if not body:
        return None
    if not body.startswith(b"k8s\0"):
        return trimmed(json.loads(body))
    envelope = message(body[4:], {1: ("type", {1: ("apiVersion", TEXT), 2: ("kind", TEXT)}), 2: ("raw", bytes)})
    kind = envelope["type"]["kind"]
    return trimmed({**envelope["type"], **message(envelope["raw"], MESSAGES[kind])})


def trimmed(value: Any) -> Any:
    """A value without the members that are empty."""
    if isinstance(value, dict):
        kept = {name: trimmed(each) for name, each in value.items()}
        return {name: each for name, each in sorted(kept.items()) if each not in (None, "", [], {})}
    return [trimmed(each) for each in value] if isinstance(value, list) else value


def message(data: bytes, fields: Fields) -> dict[str, Any]:
    """A protobuf message, as far as its fields are known."""
    found: dict[str, Any] = {}
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        else:
            assert tag & 7 == 2
            size, at = varint(data, at)
            value, at = data[at : at + size], at + size
        if tag >> 3 in fields:
            name, kind = fields[tag >> 3]
            if isinstance(kind, tuple) and kind[0] == "list":
                found.setdefault(name, []).append(read(value, kind[1]))
            elif isinstance(kind, tuple):
                pair = message(value, {1: ("key", TEXT), 2: ("value", TEXT)})
                found.setdefault(name, {})[pair["key"]] = pair.get("value", "")
            else:
                found[name] = read(value, kind)
    return found


def read(value: Any, kind: Any) -> Any:
    """One value of a message."""
    if isinstance(kind, dict):
        return message(value, kind)
    return value.decode() if kind is TEXT else value


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of any size, and where it ends."""
    shift = number = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, at


class KubeApi:
    """The server; `calls` has what was asked: method, path, bearer token, and what the body says."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str, Any]] = []
        self.port = 0
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait()

    @property
    def address(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}"

    def taken(self) -> list[tuple[str, str, str, Any]]:
        """The calls so far, which are forgotten."""
        found, self.calls = self.calls, []
        return found

    def close(self) -> None:
        """Stop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        waiting = asyncio.all_tasks(self._loop)
        for task in waiting:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(0))  # connections that were closed let go of their sockets

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                method, path, _ = head.split(" ", 2)
                headers = {name.lower(): value for name, value in re.findall(r"(?m)^([\w-]+): (.*?)\r$", head)}
                body = decoded(await reader.readexactly(int(headers.get("content-length", 0))))
                self.calls.append((method, path, headers.get("authorization", ""), body))
                status, kind, answer = answered(method, path, body)
                writer.write(
                    f"HTTP/1.1 {status} .\r\nContent-Type: {kind}\r\nContent-Length: {len(answer)}\r\n\r\n".encode()
                    + answer
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


def answered(method: str, path: str, body: Any) -> tuple[int, str, bytes]:
    """The status, type and body of the answer to a call."""
    found = re.search(r"/namespaces/([^/]+)", path)
    namespace = found[1] if found else ""
    code = re.fullmatch(r"status-(\d+)", namespace)
    if code:
        return int(code[1]), "text/plain", b"some plain text"
    if namespace == "forbidden":
        return refusal(403, "Forbidden", 'serviceaccounts is forbidden: User "x" cannot do that')
    if (method == "DELETE" and namespace == "kept") or (
        namespace == "peopleless" and method == "POST" and path.endswith("serviceaccounts")
    ):
        return refusal(403, "Forbidden", f"{path.rpartition('/namespaces/')[2]} is forbidden")
    if method == "DELETE" and namespace == "absent":
        return refusal(404, "NotFound", "it is not there")
    if path.endswith("/token"):
        status = {"token": token(namespace, body["spec"].get("expirationSeconds", 3600))}
        made = {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "spec": body["spec"],
            "status": status,
        }
        return 201, "application/json", json.dumps(made).encode()
    if method == "POST":
        body["metadata"]["uid"] = f"uid-of-{body['kind']}"
        return 201, "application/json", json.dumps(body).encode()
    if method == "GET":
        labels = {"env": "dev", "kubernetes.io/metadata.name": namespace}
        shown = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": namespace, "labels": labels}}
        return 200, "application/json", json.dumps(shown).encode()
    return 200, "application/json", b'{"kind":"Status","apiVersion":"v1","status":"Success"}'


def refusal(code: int, reason: str, text: str) -> tuple[int, str, bytes]:
    """A refusal as the API words it."""
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": text,
        "reason": reason,
        "code": code,
    }
    return code, "application/json", json.dumps(status).encode()


def token(namespace: str, seconds: int) -> str:
    """A token that lasts so long, and that nobody signed."""
    if namespace == "garbled":
        return "this.is.none"
    lasting = {"short": 900, "long": 90_000}.get(namespace, seconds)
    parts = ({"alg": "RS256", "kid": "k"}, {"iat": NOW, "exp": NOW + lasting})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join((*encoded, "c2ln"))
