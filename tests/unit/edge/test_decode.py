"""Refusals were recorded from a running OpenBao 2.7.2."""

import json

import pytest

from sandboxd.edge.decode import Refused, cleaned, decode, origin_form, parse_query, split
from sandboxd.edge.messages import Answer, Incoming
from sandboxd.vault.framework.wire import encode

MERGE_PATCH = "application/merge-patch+json"


def request(method="GET", target="/v1/kv/a", body=b"", **headers: str):
    found = {name.replace("_", "-"): (value,) for name, value in headers.items()}
    path, query = split(target)
    return decode(Incoming(method, target, found, body, "192.0.2.1", 7), path, query, lambda: "an id")


def refusal(method="GET", target="/v1/kv/a", body=b"", **headers: str) -> tuple[int, list[str]]:
    with pytest.raises(Refused) as caught:
        request(method, target, body, **headers)
    return caught.value.answer.status, json.loads(caught.value.answer.body)["errors"]


@pytest.mark.parametrize(
    ("method", "operation"),
    [
        ("GET", "read"),
        ("POST", "update"),
        ("PUT", "update"),
        ("DELETE", "delete"),
        ("LIST", "list"),
        ("SCAN", "scan"),
        ("HEAD", "header"),
    ],
)
def test_a_method_is_an_operation(method, operation):
    assert request(method).operation == operation


def test_a_request_has_all_that_came_with_it():
    found = request(x_vault_token="root", x_vault_namespace="a/b", x_vault_wrap_ttl="5m", x_vault_wrap_format="jwt")
    assert (found.id, found.path, found.method) == ("an id", "kv/a", "GET")
    assert (found.token, found.namespace, found.wrap_ttl, found.wrap_format) == ("root", "a/b", 300, "jwt")
    assert (found.remote_address, found.remote_port) == ("192.0.2.1", 7)


@pytest.mark.parametrize("method", ["TRACE", "FOO", "get", "CONNECT", "PROPFIND"])
def test_other_methods_are_not_allowed(method):
    assert refusal(method) == (405, [])


def test_options_are_not_for_handlers():
    assert refusal("OPTIONS") == (400, ["cannot handle internal-only request operation"])


@pytest.mark.parametrize("value", ["true", "1", "t", "T", "TRUE", "True"])
def test_a_list_may_be_asked_for_in_the_query(value):
    found = request(target=f"/v1/kv/a?list={value}&after=x")
    assert (found.operation, found.path, found.data) == ("list", "kv/a/", {"after": "x"})


@pytest.mark.parametrize("query", ["list=false", "list=0", "list=", "list", "scan=F"])
def test_a_read_that_asks_for_no_list_is_a_read(query):
    assert request(target=f"/v1/kv/a?{query}").operation == "read"


def test_a_scan_may_be_asked_for_in_the_query():
    assert request(target="/v1/kv?scan=true").operation == "scan"


@pytest.mark.parametrize("query", ["list=maybe", "scan=x", "list=yes", "list=true&scan=true"])
def test_a_list_that_is_neither_asked_for_nor_not_is_refused(query):
    assert refusal(target=f"/v1/kv/a?{query}") == (400, [])


def test_a_list_ends_in_a_slash():
    assert request("LIST", "/v1/kv/a").path == request("LIST", "/v1/kv/a/").path == "kv/a/"


def test_a_query_is_the_data_of_what_has_no_body():
    assert request(target="/v1/kv/a?x=1&y=2&y=3&help=0").data == {"x": "1", "y": ("2", "3")}
    assert request("DELETE", "/v1/kv/a?versions=1").data == {"versions": "1"}


def test_a_body_of_what_has_none_is_not_read():
    assert request("GET", body=b"{").data == request("DELETE", body=b"[").data == {}


def test_a_query_of_what_has_a_body_is_not_read():
    assert request("POST", "/v1/kv/a?x=1", b'{"y":2}').data == {"y": 2}


@pytest.mark.parametrize("kind", ["", "text/plain", "application/xml", "///", "application/x-www-form-urlencoded"])
def test_json_is_json_whatever_its_type_says(kind):
    assert request("POST", body=b' {"a":[1]}', content_type=kind).data == {"a": [1]}


def test_a_form_is_read():
    kind = "application/x-www-form-urlencoded; charset=utf-8"
    assert request("POST", body=b"a=1&b=%C3%A9&b=+&c", content_type=kind).data == {"a": "1", "b": "é, ", "c": ""}


@pytest.mark.parametrize("body", [b"a=%zz", b"a=1;b=2"])
def test_a_form_that_is_none_is_refused(body):
    answer = refusal("POST", body=body, content_type="application/x-www-form-urlencoded")
    assert answer == (400, ["error parsing form data"])


def test_a_body_that_is_no_object_is_refused():
    status, (text,) = refusal("POST", body=b'{"a":}')
    assert (status, text) == (400, "failed to decode JSON input: missing value after object key")


@pytest.mark.parametrize("number", [b"-0", b"1.50", b"1" * 300, b"0.10", b"1e3", b"-0.0", b"7"])
def test_numbers_keep_their_spelling(number):
    assert encode(request("POST", body=b'{"a":%b}' % number).data) == b'{"a":%b}' % number


@pytest.mark.parametrize("number", [b"1e400", b"-1e999", b"1" * 400])
def test_a_number_out_of_range_is_refused(number):
    _, (text,) = refusal("POST", body=b'{"a":%b}' % number)
    assert text == (
        f"failed to decode JSON input: json: cannot unmarshal number {number.decode()} into Go value of type float64"
    )


@pytest.mark.parametrize(
    ("kind", "status", "text"),
    [
        ("", 400, "mime: no media type"),
        (" ", 400, "mime: no media type"),
        ("/x", 400, "mime: no media type"),
        ("é/x", 400, "mime: no media type"),
        ("a b", 400, "mime: expected slash after first token"),
        ("x/", 400, "mime: expected token after slash"),
        ("x/é", 400, "mime: expected token after slash"),
        ("a/b/c", 400, "mime: unexpected content after media subtype"),
        ("a/b c", 400, "mime: unexpected content after media subtype"),
        ("x", 415, "PATCH requires Content-Type of application/merge-patch+json, provided x"),
        ("A/B; c=d", 415, "PATCH requires Content-Type of application/merge-patch+json, provided a/b"),
        (f"{MERGE_PATCH}; a", 400, "mime: invalid media parameter"),
        (f"{MERGE_PATCH}; a=", 400, "mime: invalid media parameter"),
        (f"{MERGE_PATCH}; ;", 400, "mime: invalid media parameter"),
        (f"{MERGE_PATCH}; a=b c", 400, "mime: invalid media parameter"),
        (f'{MERGE_PATCH}; a="b', 400, "mime: invalid media parameter"),
        (f"{MERGE_PATCH}; a=b; A=c", 400, "mime: duplicate parameter name"),
    ],
)
def test_a_patch_says_what_it_is(kind, status, text):
    assert refusal("PATCH", body=b"{}", content_type=kind) == (status, [text])


@pytest.mark.parametrize(
    "kind",
    [MERGE_PATCH, MERGE_PATCH.upper(), f" {MERGE_PATCH} ;", f"{MERGE_PATCH} ; a = b", f'{MERGE_PATCH};a="b\\"c"'],
)
def test_a_patch_is_taken(kind):
    found = request("PATCH", body=b'{"a":null}', content_type=kind)
    assert (found.operation, found.data) == ("patch", {"a": None})


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({"x_vault_token": "a"}, "a"),
        ({"x_vault_token": "a", "authorization": "Bearer b"}, "a"),
        ({"x_vault_token": "", "authorization": "Bearer b"}, "b"),
        ({"authorization": "Bearer  b "}, "b"),
        ({"authorization": "bearer b"}, ""),
        ({"authorization": "Basic b"}, ""),
        ({}, ""),
    ],
)
def test_a_token_comes_in_either_header(headers, token):
    assert request(**headers).token == token


@pytest.mark.parametrize(
    ("ttl", "reason"),
    [
        ("x", 'time: invalid duration "x"'),
        ("1y", 'time: unknown unit "y" in duration "1y"'),
        ("-1", "requested wrap ttl cannot be negative"),
        ("-5s", "requested wrap ttl cannot be negative"),
    ],
)
def test_a_wrap_ttl_that_is_none_is_refused(ttl, reason):
    assert refusal(x_vault_wrap_ttl=ttl) == (400, [f"error parsing X-Vault-Wrap-TTL header: {reason}"])


def test_headers_without_effect_are_looked_at():
    assert refusal(x_vault_mfa=":") == (
        400,
        ['failed to parse X-Vault-MFA header: invalid data in header "X-Vault-MFA"; missing method name or ID'],
    )
    assert refusal(x_vault_index="x") == (400, ['failed to decode "X-Vault-Index"'])
    assert request(x_vault_mfa="method:1", x_vault_index="").operation == "read"
    assert request(x_vault_mfa="").operation == "read"


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/v1/a", "/v1/a", ""),
        ("/v1/a?b=c?d", "/v1/a", "b=c?d"),
        ("/v1/a%20b", "/v1/a b", ""),
        ("/v1/a+b", "/v1/a+b", ""),
        ("/v1/%C3%A9", "/v1/é", ""),
        ("/v1/a%2Fb", "/v1/a/b", ""),
        ("/v1/a%3Fb", "/v1/a?b", ""),
        ("http://localhost:8200/v1/a?b", "/v1/a", "b"),
        ("*", "*", ""),
        ("mailto:a", "mailto:a", ""),
        ("/v1/%FF", "/v1/\udcff", ""),
        ("/v1/a\udcff%20b", "/v1/a\udcff b", ""),  # a byte that is no text, as it came
    ],
)
def test_a_target_is_a_path_and_a_query(target, path, query):
    assert split(target) == (path, query)


@pytest.mark.parametrize("target", ["/v1/%zz", "/v1/%", "/v1/%1", "/%/v1"])
def test_an_escape_that_is_none_is_no_http(target):
    with pytest.raises(Refused) as caught:
        split(target)
    kind = "text/plain; charset=utf-8"
    assert caught.value.answer == Answer(400, b"400 Bad Request", content_type=kind, standard=False, close=True)


@pytest.mark.parametrize("target", ["/v1/%00", "/v1/%0a", "/v1/%7f", "/v1/%E2%80%8B", "/v1/%C2%A0"])
def test_what_cannot_be_printed_is_no_path(target):
    with pytest.raises(Refused) as caught:
        split(target)
    assert caught.value.answer == Answer(400, b"", content_type="", standard=False)


@pytest.mark.parametrize(
    ("raw", "location"),
    [
        ("/v1/a//b", "/v1/a/b"),
        ("//v1/a", "/v1/a"),
        ("/v1/a/../b", "/v1/b"),
        ("/v1/a/./b/", "/v1/a/b/"),
        ("/v1/.", "/v1"),
        ("/v1/../../x", "/x"),
        ("/v1/a//", "/v1/a/"),
    ],
)
def test_a_path_that_is_not_clean_is_redirected(raw, location):
    answer = cleaned(raw, raw, "", "GET")
    assert answer is not None
    assert answer.status == 307
    assert dict(answer.headers)["Location"] in (location, location + "/")


def test_a_redirect_keeps_the_query_and_shows_it_safely():
    answer = cleaned("/v1//a", "/v1//a", 'b=<"&', "GET")
    assert answer is not None
    assert answer.headers == (("Location", '/v1/a?b=<"&'),)
    assert answer.body == b'<a href="/v1/a?b=&lt;&#34;&amp;">Temporary Redirect</a>.\n\n'


def test_a_redirect_of_what_writes_has_no_body():
    answer = cleaned("/v1//a", "/v1//a", "", "POST")
    assert answer is not None
    assert (answer.body, answer.content_type) == (b"", "")


@pytest.mark.parametrize("raw", ["/v1/a", "/v1/a/", "/v1/a.b", "/v1/..a", "/v1/a..", "/v1/a%2F%2Fb"])
def test_a_clean_path_is_left_alone(raw):
    assert cleaned(raw, raw, "", "GET") is None


def test_a_connect_is_left_alone():
    assert cleaned("/v1//a", "/v1//a", "", "CONNECT") is None


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("", {}),
        ("a=1&a=2&b", {"a": ["1", "2"], "b": [""]}),
        ("a=%zz&b=1", {"b": ["1"]}),
        ("a;b=1&c=2", {"c": ["2"]}),
        ("&&a=1&", {"a": ["1"]}),
        ("a=x+y%2B", {"a": ["x y+"]}),
        ("a==b", {"a": ["=b"]}),
    ],
)
def test_pieces_of_a_query_that_do_not_decode_are_left_out(query, fields):
    assert parse_query(query) == fields


def test_a_target_may_name_the_server():
    assert origin_form("http://localhost") == "/"
    assert origin_form("/v1/http://x") == "/v1/http://x"
