"""What faults have answered in good HTTP, as the bytes that go out."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from unit.chaos.setting import Setting
from unit.helpers import START, finished

from sandboxd.chaos.kinds.http import ContentType, Status
from sandboxd.edge.app import App
from sandboxd.edge.messages import Answer, Incoming
from sandboxd.edge.parse import parse_head
from sandboxd.edge.writing import written
from sandboxd.fixtures.problems import FixtureError
from sandboxd.fixtures.scenarios import fault_in, fault_of
from sandboxd.vault.nodes import Member, Node

if TYPE_CHECKING:
    from collections.abc import Mapping

DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
VAULTS = {"Cache-Control": "no-store", "Strict-Transport-Security": "max-age=31536000; includeSubDomains"}


@pytest.fixture
def setting() -> Setting:
    return Setting("openbao")


class Sent:
    """An answer as it went out."""

    def __init__(self, raw: bytes) -> None:
        head, _, self.body = raw.decode().partition("\r\n\r\n")
        self.first, *lines = head.split("\r\n")
        self.headers = dict(line.split(": ", 1) for line in lines)
        assert len(self.headers) == len(lines)
        self.date = self.headers.pop("Date")


def ask(setting: Setting, target: str = "/v1/secret/data/app", method: str = "GET", **more: Any) -> Sent:
    """Make a request, and give the bytes of its answer."""
    headers = {"host": ("vault.test:8200",), "x-vault-token": ("root",)}
    incoming = Incoming(method, target, headers, more.pop("body", b""), "127.0.0.1", 1, **more)
    answer: Answer = finished(App(setting.world).answer(incoming))
    head = parse_head(f"{method} {target} HTTP/1.1\r\nHost: vault.test:8200".encode())
    return Sent(written(head, answer, lambda: DATE, close=answer.close))


def start(setting: Setting, **fault: object) -> None:
    finished(setting.chaos.start(fault_in(msgspec.json.encode(fault), "test")))


def lines(sent: Sent) -> Mapping[str, str]:
    """The headers, less the length."""
    return {name: text for name, text in sent.headers.items() if name != "Content-Length"}


# status


def test_a_status_alone_has_the_empty_errors_of_vault(setting):
    start(setting, fault="status", code=502)
    sent = ask(setting)
    assert sent.first == "HTTP/1.1 502 Bad Gateway"
    assert lines(sent) == {**VAULTS, "Content-Type": "application/json"}
    assert sent.body == '{"errors":[]}\n'


def test_a_status_can_have_errors_as_vault_words_them(setting):
    start(setting, fault="status", code=500, errors=["context deadline exceeded"])
    assert ask(setting).body == '{"errors":["context deadline exceeded"]}\n'


def test_a_status_can_have_any_body_and_is_nobodys_then(setting):
    start(setting, fault="status", code=418, body="tea", content_type="text/plain", headers={"X-Pot": "ja"})
    sent = ask(setting)
    assert sent.first == "HTTP/1.1 418 I'm a Teapot"
    assert sent.headers == {"Content-Type": "text/plain", "X-Pot": "ja", "Content-Length": "3"}
    assert sent.body == "tea"


def test_headers_replace_those_that_vault_has(setting):
    start(setting, fault="status", headers={"cache-control": "public", "content-type": "a/b", "date": "never"})
    sent = ask(setting)
    assert lines(sent) == {**VAULTS, "Cache-Control": "public", "Content-Type": "a/b"}
    assert sent.date == "never"


def test_a_status_without_a_body_has_none(setting):
    start(setting, fault="status", code=204, body="x")
    sent = ask(setting)
    assert (sent.first, sent.body) == ("HTTP/1.1 204 No Content", "")
    assert "Content-Length" not in sent.headers


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({"Content-Length": "3"}, "Content-Length says where an answer ends"),
        ({"transfer-encoding": "chunked"}, "transfer-encoding says where an answer ends"),
        ({"Connection": "close"}, "Connection says where an answer ends"),
        ({"X-A": "b\r\nSet-Cookie: c"}, "the value of X-A has a line break"),
        ({"X-A": "b\nc"}, "the value of X-A has a line break"),
        ({"X-A": "b\x00"}, "the value of X-A has a line break"),
        ({"X A": "b"}, "'X A' is no name of a header"),
        ({"": "b"}, "'' is no name of a header"),
        ({"X-A:": "b"}, "'X-A:' is no name of a header"),
        ({"X-A\r\nB": "b"}, "is no name of a header"),
    ],
)
def test_a_header_that_would_break_the_answer_is_refused(headers, text):
    with pytest.raises(ValueError, match=text):
        Status(headers=headers)
    with pytest.raises(FixtureError, match=r"."):
        fault_in(msgspec.json.encode({"fault": "status", "headers": headers}), "test")


def test_the_refusal_says_where(setting):
    with pytest.raises(FixtureError, match=r"test:1:1: Content-Length says where an answer ends"):
        fault_in(b'{"fault": "status", "headers": {"Content-Length": "1"}}', "test")


def test_a_type_with_a_line_break_is_refused():
    with pytest.raises(ValueError, match="the value of Content-Type has a line break"):
        Status(content_type="a\r\nb")
    with pytest.raises(ValueError, match="the value of Content-Type has a line break"):
        ContentType(type="a\nb")


# proxy-page and throttled


def test_a_proxy_page_is_that_of_the_proxy(setting):
    start(setting, fault="proxy-page", proxy="aws-alb", code=503)
    sent = ask(setting)
    assert sent.first == "HTTP/1.1 503 Service Temporarily Unavailable"
    assert lines(sent) == {"Content-Type": "text/html", "Server": "awselb/2.0"}


def test_each_page_of_cloudflare_has_an_id_of_its_own_and_the_same_for_a_seed():
    ids = []
    for _ in range(2):
        setting = Setting("openbao")
        setting.start("proxy-page proxy=cloudflare", seed="s")
        ids.append([ask(setting).headers["CF-RAY"] for _ in range(3)])
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 3
    assert all(len(each) == 20 for each in ids[0])


def test_a_gateway_throttles_without_a_word(setting):
    start(setting, fault="throttled")
    sent = ask(setting)
    assert sent.first == "HTTP/1.1 429 Too Many Requests"
    assert lines(sent) == {"Content-Type": "text/plain; charset=utf-8"}
    assert sent.body == "Too Many Requests\n"


def test_a_gateway_says_when_to_come_again_in_whole_seconds(setting):
    start(setting, fault="throttled", retry_after="1500ms", limit=100)
    assert lines(ask(setting)) == {
        "Content-Type": "text/plain; charset=utf-8",
        "Retry-After": "2",
        "X-RateLimit-Limit": "100",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": "2",
    }


# content-type


def test_the_right_body_has_the_wrong_type(setting):
    start(setting, fault="content-type")
    sent = ask(setting)
    assert sent.headers["Content-Type"] == "text/html"
    assert '"data":{"data":{"x":1}' in sent.body


@pytest.mark.parametrize("target", ["/v1/secret/data/app", "/v1/secret/data/none", "/v1/none/x", "/v1/sys/mounts/"])
def test_no_type_at_all_is_had_for_an_empty_one(setting, target):
    start(setting, fault="content-type", type="")
    assert "Content-Type" not in ask(setting, target).headers


def test_an_empty_type_can_be_said_on_a_line_and_an_aim_cannot_be_empty():
    assert fault_of("content-type type=", "test") == ContentType(type="")
    with pytest.raises(FixtureError, match="expected a text"):
        fault_of("content-type path=", "test")


# redirect


def test_a_redirect_is_that_of_a_standby(setting):
    setting.world.address = "http://127.0.0.1:8200"
    start(setting, fault="redirect", to="leader")
    for method in ("GET", "POST", "LIST"):
        sent = ask(setting, "/v1/secret/data/a%20b?x=1&y=%2f", method)
        assert sent.first == "HTTP/1.1 307 Temporary Redirect"
        assert sent.headers == {
            **VAULTS,
            "Location": "http://127.0.0.1:8200/v1/secret/data/a%20b?x=1&y=%2f",
            "Content-Length": "0",
        }
        assert sent.body == ""


def test_a_redirect_in_a_circle_leads_to_the_very_same_address(setting):
    start(setting, fault="redirect", to="loop")
    assert ask(setting, "/v1/kv/a?list=true").headers["Location"] == "http://vault.test:8200/v1/kv/a?list=true"
    assert ask(setting, "/v1/kv/a", tls=True).headers["Location"] == "https://vault.test:8200/v1/kv/a"


def test_in_a_cluster_the_leader_is_another_node(setting):
    leader = Member(name="node-2", address="http://127.0.0.1:8210", cluster_address="https://127.0.0.1:8211")
    node = Node(name="node-1", condition="standby", leader=leader)
    start(setting, fault="redirect", to="leader")
    assert ask(setting, node=node).headers["Location"] == "http://127.0.0.1:8210/v1/secret/data/app"


def dead_port(sent: Sent) -> int:
    scheme, _, rest = sent.headers["Location"].partition("://127.0.0.1:")
    port, _, path = rest.partition("/")
    assert (scheme, path) == ("http", "v1/secret/data/app")
    return int(port)


def refuses(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) != 0


def taken(port: int) -> bool:
    with socket.socket() as other:
        try:
            other.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False


def test_a_dead_leader_refuses_and_its_port_is_nobody_elses(setting):
    start(setting, fault="redirect")
    port = dead_port(ask(setting))
    assert refuses(port)
    assert taken(port)
    assert dead_port(ask(setting)) == port
    finished(setting.chaos.stop_all())


def test_the_port_of_a_dead_leader_is_free_again_when_the_fault_ends(setting):
    setting.chaos.allow_header(allowed=True)
    start(setting, fault="redirect")
    port = dead_port(ask(setting))
    finished(setting.chaos.stop_all())
    assert not taken(port)


def test_a_status_of_the_date_of_the_sandbox(setting):
    assert int(setting.world.clock.now()) == START
    start(setting, fault="status", code=503)
    assert ask(setting).date == DATE


# Its own words


@pytest.mark.parametrize("text", ["status code=99", "status code=600", "proxy-page code=500", "redirect to=nowhere"])
def test_what_a_fault_cannot_be_is_refused(text):
    with pytest.raises(FixtureError, match="test:1:"):
        fault_of(text, "test")


def test_a_stale_answer_and_a_late_one_are_answers_like_others(setting):
    start(setting, fault="stale", path="secret/*")
    start(setting, fault="lagging", path="auth/*")
    assert lines(ask(setting)) == {**VAULTS, "Content-Type": "application/json"}
    assert "X-Vault-Index" in ask(setting, "/v1/auth/token/lookup-self").headers
    finished(setting.chaos.stop_all())
    assert "X-Vault-Index" not in ask(setting, "/v1/auth/token/lookup-self").headers
