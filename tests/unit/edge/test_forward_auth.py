"""Proxies ask whether a credential is valid; each in the form that it has."""

import base64
import json
from types import SimpleNamespace

import pytest
from unit.helpers import START, call, finished
from unit.leasing import Lender, mount

from sandboxd.edge.app import App
from sandboxd.edge.control import Control
from sandboxd.edge.forward_auth import Nonsense, Question, read
from sandboxd.edge.guard import make_guard
from sandboxd.edge.messages import Incoming
from sandboxd.edge.parse import parse_head
from sandboxd.edge.presented import Presented
from sandboxd.edge.sandbox import Options, open_sandbox
from sandboxd.vault.clock import NANOSECONDS, Clock

ROOT = "a-root-token"


class Asking:
    """A sandbox that proxies ask."""

    def __init__(self, sandbox) -> None:
        self.world = sandbox.world
        self.app = App(sandbox.world, Control(sandbox, stop=lambda: None, reload=None))
        self.guard = make_guard()

    def raw(self, text, address="127.0.0.1"):
        """Send a request as it stands on the wire, through the guard."""
        head = parse_head(text.strip().replace("\n", "\r\n").encode("utf-8", "surrogateescape"))
        incoming = Incoming(head.method, head.target, head.headers, b"", address, 1)
        answer = self.guard(incoming) or finished(self.app.answer(incoming))
        return SimpleNamespace(
            status=answer.status, headers=dict(answer.headers), text=answer.body.decode(), json=json.loads(answer.body)
        )

    def ask(self, query="", method="GET", address="127.0.0.1", **headers):
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in {"Host": "127.0.0.1:8200", **headers}.items()]
        target = f"/_sandboxd/v1/forward-auth{query}"
        return self.raw("\n".join([f"{method} {target} HTTP/1.1", *lines]), address)

    def call(self, method, path, data=None):
        return call(self.world, method, path, data, token=ROOT)

    def put(self, path, **fields):
        self.call("POST", f"secret/data/{path}", {"data": fields})


class Issuer(Lender):
    def lend(self, call, args):
        response = super().lend(call, args)
        response.data = {"password": f"password-of-{args.name}", "username": f"v-{args.name}"}
        response.credentials = ("password",)
        return response


@pytest.fixture
async def asking():
    asking = Asking(await open_sandbox(Options(root_token=ROOT), Clock(lambda: START * NANOSECONDS)))
    asking.put("shop", api_key="the-key", other="x")
    mount(asking.world, Issuer().engine, "db/")
    return asking


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


# The answer


async def test_a_valid_credential_is_accepted_and_told_of(asking):
    answer = asking.ask(Authorization="Bearer the-key")
    assert answer.status == 200
    assert answer.headers == {
        "X-Sandboxd-State": "current",
        "X-Sandboxd-Path": "secret/data/shop",
        "X-Sandboxd-Field": "api_key",
        "X-Sandboxd-Version": "1",
    }
    assert (answer.json["allowed"], answer.json["reason"]) == (True, "It is valid.")


async def test_an_answer_says_who_holds_a_credential_and_until_when(asking):
    lease = asking.call("GET", "db/creds/app?ttl=60").json["lease_id"]
    headers = asking.ask(Authorization="Bearer password-of-app").headers
    accessor = asking.call("GET", "auth/token/lookup-self").data["accessor"]
    assert (headers["X-Sandboxd-Holder"], headers["X-Sandboxd-Accessor"]) == ("token", accessor)
    assert (headers["X-Sandboxd-Lease-Id"], headers["X-Sandboxd-Expires-At"]) == (lease, "2026-01-01T00:01:00Z")


async def test_an_unknown_credential_is_refused_with_the_reason(asking):
    answer = asking.ask(Authorization="Bearer nobodys")
    assert answer.status == 401
    assert answer.json == {
        "allowed": False,
        "reason": "It was never issued here.",
        "state": "unknown",
        "errors": ["It was never issued here."],
    }
    assert answer.headers == {
        "WWW-Authenticate": 'Bearer realm="sandboxd", error="invalid_token", '
        'error_description="It was never issued here."',
        "X-Sandboxd-State": "unknown",
    }


async def test_a_request_without_a_credential_is_challenged(asking):
    answer = asking.ask()
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="sandboxd"')
    assert answer.json["reason"] == "There is no credential in the request."


async def test_who_sent_a_password_is_asked_for_one(asking):
    answer = asking.ask(Authorization=basic("bob", "nobodys"))
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="sandboxd", charset="UTF-8"'


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "LIST"])
async def test_any_method_will_do(asking, method):
    assert asking.ask(method=method, Authorization="Bearer the-key").status == 200


@pytest.mark.parametrize("value", ["the-key", "nobodys", "secret%0d%0aX: y"])
async def test_no_answer_holds_the_value(asking, value):
    for query in ("", "?path=secret/none", "?field=other", "?kind=stripe.secret_key"):
        answer = asking.ask(query, Authorization=f"Bearer {value}")
        assert value not in repr((answer.headers, answer.text))


def test_a_credential_does_not_show_in_logs():
    assert "the-key" not in repr(Presented("the-key"))


async def test_a_world_beside_the_main_one_has_credentials_of_its_own(asking):
    control = asking.app.control
    asking.app = App(asking.world, control, control.worlds)
    await control.worlds.make("one", "now")
    asking.put("shop", api_key="a-new-key")
    for key, status in [("the-key", 200), ("a-new-key", 401)]:
        assert asking.ask(X_Sandboxd_World="one", X_Api_Key=key).status == status
    assert asking.ask(X_Api_Key="a-new-key").status == 200
    control.worlds.end("one")


async def test_names_of_fields_cannot_break_out_of_a_header(asking):
    asking.put("odd", **{'a\r\nX-Evil: "1" %é\\': "odd-value"})
    answer = asking.ask(Authorization="Bearer odd-value")
    assert answer.headers["X-Sandboxd-Field"] == 'a%0D%0AX-Evil: "1" %25%C3%A9\\'
    refusal = asking.ask("?path=secret/shop", Authorization="Bearer odd-value")
    assert "field a%0D%0AX-Evil: %221%22 %25%C3%A9%5C, and" in refusal.headers["WWW-Authenticate"]


# Where the credential is


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer the-key"},
        {"authorization": "bearer   the-key "},
        {"Authorization": "Token the-key"},
        {"Authorization": "token the-key"},
        {"Authorization": basic("anyone", "the-key")},
        {"Authorization": basic("the-key", "")},
        {"X-Api-Key": "the-key"},
        {"X-Vault-Token": "the-key"},
        {"Authorization": "Digest x", "X-Api-Key": "the-key"},
        {"X-Api-Key": "the-key", "X-Vault-Token": "nobodys"},
    ],
)
async def test_a_credential_is_found_where_clients_put_it(asking, headers):
    assert asking.ask(**headers).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "the-key"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic the-key"},
        {"Authorization": "Basic " + base64.b64encode(b"the-key").decode()},
        {"Authorization": basic("", "")},
        {"Authorization": "Digest the-key"},
        {"Authorization": "Bearer nobodys", "X-Api-Key": "the-key"},
        {"X-Shop-Key": "the-key"},
        {"Cookie": "session=the-key"},
        {"X-Api-Key": ""},
    ],
)
async def test_it_is_found_nowhere_else(asking, headers):
    assert asking.ask(**headers).status == 401


async def test_a_header_of_ones_own_may_be_named(asking):
    assert asking.ask("?header=X-Shop-Key", X_Shop_Key="the-key").status == 200
    assert asking.ask("?header=X-Shop-Key", Authorization="Bearer the-key").status == 401
    assert asking.ask("?header=Authorization", Authorization="Bearer the-key").status == 200


async def test_a_cookie_may_be_named(asking):
    assert asking.ask("?cookie=session", Cookie="a=b; session=the-key; c=d").status == 200
    assert asking.ask("?cookie=session", Cookie='session="the-key"').status == 200
    assert asking.ask("?cookie=session", Cookie="other=the-key; xsession=the-key").status == 401


@pytest.mark.parametrize("header", ["X-Forwarded-Uri", "X-Original-URI"])
async def test_a_parameter_of_the_original_request_may_be_named(asking, header):
    assert asking.ask("?query=api_key", **{header: "/charge?a=b&api_key=the%2dkey"}).status == 200
    assert asking.ask("?query=api_key", **{header: "/charge?key=the-key"}).status == 401
    assert asking.ask("?query=api_key", **{header: "/charge"}).status == 401


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        ("", "Authorization: Bearer the-key\nAuthorization: Bearer the-key"),
        ("?header=X-Key", "X-Key: the-key\nX-Key: other"),
        ("?cookie=s", "Cookie: s=the-key; s=other"),
        ("?cookie=s", "Cookie: s=the-key\nCookie: s=other"),
        ("?query=k", "X-Original-URI: /?k=the-key&k=other"),
        ("?query=k", "X-Original-URI: /?k=the-key\nX-Forwarded-Uri: /"),
        ("?query=k", "X-Original-URI: /?k=the-key\nX-Original-URI: /"),
    ],
)
async def test_what_is_there_twice_is_refused(asking, query, lines):
    answer = asking.raw(f"GET /_sandboxd/v1/forward-auth{query} HTTP/1.1\nHost: localhost\n{lines}")
    assert answer.status == 401
    assert answer.json["reason"].startswith("The credential cannot be told: ")


async def test_a_password_needs_its_user_name_where_that_is_known(asking):
    asking.call("GET", "db/creds/app")
    asking.put("smtp", username="mailer", password="a-mail-password")
    for user, password, status in [
        ("v-app", "password-of-app", 200),
        ("v-other", "password-of-app", 401),
        ("mailer", "a-mail-password", 200),
        ("other", "a-mail-password", 401),
        ("anyone", "the-key", 200),
    ]:
        answer = asking.ask(Authorization=basic(user, password))
        assert answer.status == status
    assert asking.ask(Authorization="Bearer password-of-app").status == 200


# What it must be


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?path=secret/shop", 200),
        ("?path=secret/data/shop", 200),
        ("?path=/secret/shop/&field=api_key", 200),
        ("?field=api_key", 200),
        ("?path=secret%2Fshop", 200),
        ("?path=secret/other", 401),
        ("?path=secret/shop&field=other", 401),
        ("?path=none/shop", 401),
        ("?path=secret/shop&namespace=none", 401),
    ],
)
async def test_it_can_be_asked_for_from_one_place_alone(asking, query, status):
    assert asking.ask(query, Authorization="Bearer the-key").status == status


async def test_a_credential_from_elsewhere_is_told_to_be(asking):
    answer = asking.ask("?path=secret/pay&field=key", Authorization="Bearer the-key")
    text = "It is from secret/data/shop, field api_key, and what is asked for is secret/pay field key."
    assert answer.json["reason"] == text


async def test_a_dynamic_credential_is_asked_for_by_what_it_was_read_from(asking):
    asking.call("GET", "db/creds/app")
    assert asking.ask("?path=db/creds/app", Authorization="Bearer password-of-app").status == 200
    assert asking.ask("?path=db/creds/other", Authorization="Bearer password-of-app").status == 401


async def test_it_can_be_asked_to_be_of_a_kind(asking):
    from sandboxd.fakes import Source, generate

    key = generate("stripe.secret_key", Source("shop", "secret/app", "key"))
    asking.put("stripe", key=key)
    assert asking.ask("?kind=stripe.secret_key", Authorization=f"Bearer {key}").status == 200
    answer = asking.ask("?kind=stripe.secret_key", Authorization="Bearer the-key")
    assert (answer.status, answer.json["reason"]) == (401, "It is no stripe.secret_key.")


async def test_a_grace_window_counts_unless_it_is_refused(asking):
    asking.put("shop", api_key="a-new-key")
    asking.world.ledger.superseded("the-key", path="secret/data/shop", field="api_key", grace=60)
    answer = asking.ask(Authorization="Bearer the-key")
    assert (answer.status, answer.headers["X-Sandboxd-State"]) == (200, "grace")
    assert answer.headers["X-Sandboxd-Grace-Until"] == "2026-01-01T00:01:00Z"
    assert asking.ask("?grace=accept", Authorization="Bearer the-key").status == 200
    assert asking.ask("?grace=refuse", Authorization="Bearer the-key").status == 401
    assert asking.ask("?grace=refuse", Authorization="Bearer a-new-key").status == 200
    asking.world.clock.advance(60)
    answer = asking.ask(Authorization="Bearer the-key")
    assert (answer.status, answer.headers["X-Sandboxd-State"]) == (401, "superseded")


async def test_what_expires_is_refused_from_that_moment_on(asking):
    asking.call("GET", "db/creds/app?ttl=60")
    asking.world.clock.advance(59)
    assert asking.ask(Authorization="Bearer password-of-app").status == 200
    asking.world.clock.advance(2)
    answer = asking.ask(Authorization="Bearer password-of-app")
    assert (answer.status, answer.headers["X-Sandboxd-State"]) == (401, "expired")


async def test_a_sealed_sandbox_goes_on_answering(asking):
    asking.call("PUT", "sys/seal")
    assert asking.ask(Authorization="Bearer the-key").status == 200


# Questions that make no sense


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("?pth=secret/shop", "there is no parameter pth; there are header, cookie, query, path, "),
        ("?path=", "path is empty"),
        ("?path", "the query cannot be read"),
        ("?path=a&path=b", "a parameter is there more than once"),
        ("?header=A&cookie=b", "say one of header, cookie, query"),
        ("?header=a%20b", "that is no name of a header"),
        ("?cookie=a;b", "that is no name of a cookie"),
        ("?grace=maybe", "grace is accept or refuse"),
        ("?kind=nothing.such", "nothing.such"),
        ("?namespace=team", "namespace says where the path begins, and there is none"),
        ("?&", "the query cannot be read"),
    ],
)
async def test_a_question_that_makes_no_sense_is_told_so(asking, query, text):
    answer = asking.ask(query, Authorization="Bearer the-key")
    assert answer.status == 400
    assert text in answer.json["errors"][0]


async def test_bytes_that_are_no_text_are_refused_like_any_other(asking):
    assert asking.ask(Authorization="Bearer \udcff\udce9").status == 401
    assert asking.ask("?path=secret/\udcff", Authorization="Bearer the-key").status == 401
    assert asking.ask("?\udcff=1", Authorization="Bearer the-key").status == 400


def test_the_target_of_the_original_request_ends_the_question():
    target = "/_sandboxd/v1/forward-auth?path=a%26b&uri=/charge?path=c&uri=/d&x=1"
    assert read(target) == Question(path="a&b", uri="/charge?path=c&uri=/d&x=1")
    assert read("/_sandboxd/v1/forward-auth?uri=/a?b=c") == Question(uri="/a?b=c")
    assert read("http://127.0.0.1/_sandboxd/v1/forward-auth?path=a") == Question(path="a")


def test_what_follows_a_slash_is_the_original_request():
    assert read("/_sandboxd/v1/forward-auth/charge?path=a&nonsense") == Question(uri="/charge?path=a&nonsense")
    assert read("/_sandboxd/v1/forward-auth/") == Question(uri="/")


def test_a_question_may_not_be_unreadable():
    with pytest.raises(Nonsense):
        read("/_sandboxd/v1/forward-auth?a=b&&c")


# The proxies


async def test_the_form_of_nginx(asking):
    """A subrequest of `auth_request`: HTTP/1.0, the Host of proxy_pass, all headers of the original request."""
    request = """
GET /_sandboxd/v1/forward-auth?path=secret/shop HTTP/1.0
Host: 127.0.0.1:8200
X-Original-URI: /charge?a=b
Connection: close
User-Agent: curl/8.0
Origin: https://shop.example
Referer: https://shop.example/cart
Sec-Fetch-Site: same-site
Authorization: Bearer the-key
"""
    assert asking.raw(request).status == 200


async def test_the_form_of_traefik(asking):
    """A GET to the address, its Host, with the original headers and X-Forwarded-*."""
    request = """
GET /_sandboxd/v1/forward-auth?query=api_key HTTP/1.1
Host: 127.0.0.1:8200
User-Agent: Mozilla/5.0
Accept: */*
Origin: https://shop.example
X-Forwarded-For: 192.0.2.7
X-Forwarded-Host: api.shop.example
X-Forwarded-Method: POST
X-Forwarded-Port: 443
X-Forwarded-Proto: https
X-Forwarded-Server: traefik
X-Forwarded-Uri: /charge?api_key=the-key
X-Real-Ip: 192.0.2.7
Accept-Encoding: gzip
"""
    assert asking.raw(request).status == 200
    assert asking.raw(request.replace("the-key", "nobodys")).status == 401


ENVOY = """
POST /_sandboxd/v1/forward-auth/charge?path=secret/none&amount=5 HTTP/1.1
host: HOST
content-length: 0
authorization: Bearer the-key
x-envoy-internal: true
x-forwarded-for: 127.0.0.1
x-envoy-expected-rq-timeout-ms: 250
"""


@pytest.mark.parametrize("host", ["localhost:10000", "api.shop.test", "shop.localhost", "127.0.0.1:10000"])
async def test_the_form_of_envoy(asking, host):
    """The original method, Host, path after the prefix, and query, without a body."""
    assert asking.raw(ENVOY.replace("HOST", host)).status == 200
    assert asking.raw(ENVOY.replace("HOST", host).replace("the-key", "nobodys")).status == 401


async def test_envoy_asks_more_with_a_prefix_that_ends_in_uri(asking):
    request = ENVOY.replace("HOST", "localhost").replace("forward-auth/", "forward-auth?path=secret/PATH&uri=/")
    assert asking.raw(request.replace("PATH", "shop")).status == 200
    assert asking.raw(request.replace("PATH", "other")).status == 401
    request = request.replace("path=secret/PATH", "query=k").replace("charge?", "charge?k=the-key&")
    assert asking.raw(request.replace("authorization", "x-nothing")).status == 200


async def test_envoy_may_pass_on_the_host_of_another_machine_with_the_token(asking):
    request = ENVOY.replace("HOST", "api.shop.example")
    assert asking.raw(request).status == 403
    assert asking.raw(f"{request}x-sandboxd-token: {ROOT}").status == 200
    assert asking.raw(f"{request}x-sandboxd-token: wrong").status == 403


# Who may ask


@pytest.mark.parametrize("mark", ["Origin: null", "Sec-Fetch-Site: cross-site", "Referer: http://evil.example/"])
async def test_a_web_page_is_not_answered(asking, mark):
    request = f"""
GET /_sandboxd/v1/forward-auth/?uri=/&api_key=the-key HTTP/1.1
Host: 127.0.0.1:8200
{mark}
"""
    answer = asking.raw(request)
    assert answer.status == 403
    assert answer.headers == {}


async def test_a_preflight_allows_a_page_nothing(asking):
    answer = asking.ask(
        method="OPTIONS",
        Origin="http://evil.example",
        Access_Control_Request_Method="GET",
        Access_Control_Request_Headers="x-forwarded-for",
    )
    assert (answer.status, answer.headers) == (403, {})


async def test_a_page_whose_host_leads_here_is_not_answered(asking):
    answer = asking.ask(Host="evil.example", X_Forwarded_For="1.2.3.4", Authorization="Bearer the-key")
    assert answer.status == 403


async def test_other_paths_stay_closed_to_pages_that_claim_to_be_proxied(asking):
    request = """
GET /_sandboxd/v1/status HTTP/1.1
Host: 127.0.0.1:8200
Origin: http://evil.example
X-Forwarded-For: 127.0.0.1
X-Sandboxd-Token: wrong
"""
    assert asking.raw(request).status == 403
    assert asking.raw(request.replace("status", "forward%2Dauth")).status == 403
    assert asking.raw(request.replace("127.0.0.1:8200", "evil.example")).status == 403


async def test_another_machine_needs_the_token(asking):
    assert asking.ask(address="192.0.2.7", Authorization="Bearer the-key").status == 403
    answer = asking.ask(address="192.0.2.7", Authorization="Bearer the-key", X_Sandboxd_Token=ROOT)
    assert answer.status == 200


async def test_the_root_token_is_a_credential_as_any_other(asking):
    assert asking.ask(Authorization=f"Bearer {ROOT}").status == 200
    assert asking.ask("?path=secret/shop", Authorization=f"Bearer {ROOT}").status == 401
