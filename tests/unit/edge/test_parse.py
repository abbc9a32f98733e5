"""Expected texts and limits were observed on a running OpenBao 2.7.2."""

import pytest

from sandboxd.edge.parse import (
    CHUNKED,
    HEAD_LIMIT,
    MAX_HEADERS,
    Broken,
    BrokenBody,
    Chunked,
    Sized,
    find_end,
    parse_head,
)

GET = b"GET /v1/sys/health HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /v1/kv/a HTTP/1.1\r\nHost: localhost\r\n"


def head(raw: bytes):
    end, _ = find_end(raw)
    return parse_head(raw[:end])


def status(raw: bytes) -> str:
    """The status line that a broken head is refused with."""
    with pytest.raises(Broken) as caught:
        head(raw)
    return caught.value.answer.partition(b"\r\n")[0].decode().removeprefix("HTTP/1.1 ")


def test_a_plain_head_is_read():
    found = head(b"GET /v1/a?b=c HTTP/1.1\r\nHost: localhost:8200\r\nX-Vault-Token: \t root \r\n\r\n")
    assert (found.method, found.target, found.length, found.close) == ("GET", "/v1/a?b=c", 0, False)
    assert found.headers == {"host": ("localhost:8200",), "x-vault-token": ("root",)}


def test_a_header_that_comes_twice_has_both_values_in_their_order():
    assert head(GET + b"X: 1\r\nx: 2\r\n\r\n").headers["x"] == ("1", "2")


def test_headers_may_hold_any_utf8():
    assert head(GET + "X: é\r\n\r\n".encode()).headers["x"] == ("é",)


def test_bytes_that_are_no_utf8_come_back_as_they_were():
    assert head(GET + b"X: \xff\r\n\r\n").headers["x"][0].encode("utf-8", "surrogateescape") == b"\xff"


@pytest.mark.parametrize("method", ["get", "LIST", "FOO", "X-Y"])
def test_any_method_is_taken(method):
    assert head(f"{method} / HTTP/1.1\r\nHost: a\r\n\r\n".encode()).method == method


@pytest.mark.parametrize(
    "target",
    ["/", "/\xe9".encode().decode("latin-1"), '/"<>\\^`{|}', "*", "http://localhost/v1/a", "http:///v1/a", "mailto:a"],
)
def test_any_target_without_spaces_and_controls_is_taken(target):
    assert head(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode("latin-1")).close is False


def test_lines_may_end_without_a_carriage_return():
    assert head(b"GET / HTTP/1.1\nHost: a\nX: b\n\n").headers["x"] == ("b",)


def test_a_header_may_go_on_in_the_next_line():
    assert head(GET + b"X: a\r\n\tb \r\n  c\r\n\r\n").headers["x"] == ("a b c",)


def test_a_header_may_begin_in_its_second_line():
    assert head(GET + b"X:\r\n a\r\n\r\n").headers["x"] == ("a",)


def test_a_later_minor_version_is_taken():
    found = head(b"GET / HTTP/1.2\r\nHost: a\r\n\r\n")
    assert not found.old
    assert not found.close


def test_the_preface_of_http2_is_a_request_like_any_other():
    assert head(b"PRI * HTTP/2.0\r\n\r\n").close


def test_a_connect_closes():
    assert head(b"CONNECT a:80 HTTP/1.1\r\n\r\n").close


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        b" / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / http/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.10\r\nHost: a\r\n\r\n",
        b"GET a HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\rHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
        GET + b"nonsense\r\n\r\n",
        GET + b": a\r\n\r\n",
        GET + b"X(: a\r\n\r\n",
        GET + b"\xc3\xa9: a\r\n\r\n",
        GET + b"X: a\x01\r\n\r\n",
        GET + b"X: a\x7f\r\n\r\n",
        GET + b"X: a\0\r\n\r\n",
        GET + b"X: a\rb\r\n\r\n",
        GET + b"X: a\r\n \x01\r\n\r\n",
        b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_what_is_no_http_is_a_bad_request(raw):
    assert status(raw) == "400 Bad Request"


@pytest.mark.parametrize("version", ["0.9", "2.0", "3.0"])
def test_other_versions_are_not_supported(version):
    text = "505 HTTP Version Not Supported: unsupported protocol version"
    assert status(f"GET / HTTP/{version}\r\nHost: a\r\n\r\n".encode()) == text


def test_a_request_names_its_host():
    assert status(b"GET / HTTP/1.1\r\n\r\n") == "400 Bad Request: missing required Host header"


def test_an_old_request_needs_no_host():
    assert head(b"GET / HTTP/1.0\r\n\r\n").old


@pytest.mark.parametrize("host", ["a b", "a/b", "a@b", "a<b", "é", "a?b", "a#b"])
def test_a_host_that_is_none_is_refused(host):
    assert status(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()) == "400 Bad Request: malformed Host header"


@pytest.mark.parametrize("host", ["", "a", "a:80", "[::1]:8200", "a_b.test", "127.0.0.1"])
def test_a_host_is_taken(host):
    assert head(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()).headers["host"] == (host,)


@pytest.mark.parametrize("line", [b"X : a", b"a b: c"])
def test_a_name_with_a_space_is_no_header_name(line):
    assert status(GET + line + b"\r\n\r\n") == "400 Bad Request: invalid header name"


def test_a_head_may_have_500_headers_and_no_more():
    assert head(GET + b"X: a\r\n" * (MAX_HEADERS - 1) + b"\r\n").close is False
    assert status(GET + b"X: a\r\n" * MAX_HEADERS + b"\r\n") == "431 Request Header Fields Too Large"
    assert status(GET + b" X\n" + b"X: a\r\n" * MAX_HEADERS + b"\r\n") == "431 Request Header Fields Too Large"


def test_a_long_header_takes_no_time():
    assert head(GET + b"X: " + b" " * 500_000 + b"\r\n\r\n").headers["x"] == ("",)
    assert status(GET + b"X: " + b" " * 500_000 + b"\0\r\n\r\n") == "400 Bad Request"


@pytest.mark.parametrize(
    ("lines", "length"),
    [
        (b"Content-Length: 18", 18),
        (b"Content-Length:  18 ", 18),
        (b"Content-Length: 00018", 18),
        (b"Content-Length: 18\r\nContent-Length: 18", 18),
        (b"Transfer-Encoding: chunked", CHUNKED),
        (b"Transfer-Encoding: Chunked", CHUNKED),
        (b"Content-Length: 18\r\nTransfer-Encoding: chunked", CHUNKED),
        (b"X: a", 0),
    ],
)
def test_the_length_of_a_body_is_told(lines, length):
    assert head(POST + lines + b"\r\n\r\n").length == length


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length:",
        b"Content-Length: x",
        b"Content-Length: -1",
        b"Content-Length: -0",
        b"Content-Length: +18",
        b"Content-Length: 18, 18",
        "Content-Length: \u0663".encode(),
        b"Content-Length: 9223372036854775808",
        b"Content-Length: " + b"9" * 5000,
        b"Content-Length: 18\r\nContent-Length: 19",
        b"Content-Length: x\r\nTransfer-Encoding: chunked",
    ],
)
def test_a_length_that_is_none_is_refused(lines):
    assert status(POST + lines + b"\r\n\r\n") == "400 Bad Request"


@pytest.mark.parametrize("value", ["", "gzip", "identity", "chunked, chunked", "chunked\r\nTransfer-Encoding: chunked"])
def test_other_encodings_are_not_implemented(value):
    with pytest.raises(Broken) as caught:
        head(POST + f"Transfer-Encoding: {value}\r\n\r\n".encode())
    assert caught.value.answer.startswith(b"HTTP/1.1 501 Not Implemented\r\n")
    assert caught.value.answer.endswith(b"\r\n\r\nUnsupported transfer encoding")


def test_an_old_request_has_no_encodings():
    assert head(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").length == 0


@pytest.mark.parametrize(
    ("version", "connection", "close", "kept"),
    [
        ("1.1", "", False, False),
        ("1.1", "Connection: close", True, False),
        ("1.1", "Connection: Close", True, False),
        ("1.1", "Connection: foo, close", True, False),
        ("1.1", "Connection: foo\r\nConnection: close", True, False),
        ("1.1", "Connection: disclosed", False, False),
        ("1.1", "Connection: keep-alive", False, False),
        ("1.0", "", True, False),
        ("1.0", "Connection: keep-alive", False, True),
        ("1.0", "Connection: Keep-Alive", False, True),
        ("1.0", "Connection: keep-alive, close", True, False),
    ],
)
def test_the_connection_is_kept_or_closed_as_asked(version, connection, close, kept):
    lines = f"\r\n{connection}" if connection else ""
    found = head(f"GET / HTTP/{version}\r\nHost: a{lines}\r\n\r\n".encode())
    assert (found.close, found.kept) == (close, kept)


@pytest.mark.parametrize(
    ("lines", "waits"),
    [
        (b"Expect: 100-continue\r\nContent-Length: 1", True),
        (b"Expect: 100-Continue\r\nContent-Length: 1", True),
        (b"Expect: foo, 100-continue\r\nContent-Length: 1", True),
        (b"Expect: 100-continue\r\nTransfer-Encoding: chunked", True),
        (b"Expect: 100-continue", False),
        (b"Expect:", False),
    ],
)
def test_a_client_waits_before_its_body(lines, waits):
    assert head(POST + lines + b"\r\n\r\n").waits is waits


def test_other_expectations_fail():
    assert status(GET + b"Expect: something\r\n\r\n") == "417 Expectation Failed"


def test_a_head_that_is_not_whole_has_no_end():
    assert find_end(GET) == (-1, -1)
    assert find_end(b"") == (-1, -1)
    assert find_end(b"GET / HT") == (-1, -1)


def test_a_refusal_is_plain_text_and_ends_the_connection():
    with pytest.raises(Broken) as caught:
        head(GET + b"nonsense\r\n\r\n")
    lines = caught.value.answer.decode().split("\r\n")
    assert lines[1:] == ["Content-Type: text/plain; charset=utf-8", "Connection: close", "", "400 Bad Request"]


def test_a_broken_first_line_is_refused_before_the_head_is_whole():
    with pytest.raises(Broken):
        find_end(b"nonsense\r\n")


def test_an_empty_line_in_a_body_does_not_end_the_head():
    raw = b"POST / HTTP/1.1\r\nHost: a\r\n\r\n\n\n"
    assert find_end(raw) == (24, 28)


def test_the_limit_is_the_real_servers():
    assert HEAD_LIMIT == 1_052_672


def test_a_sized_body_is_put_together_from_its_pieces():
    body = Sized(5)
    assert body.feed(b"ab") is None
    assert body.feed(b"cdeXY") == b"XY"
    assert body.whole() == b"abcde"


def chunked(*pieces: bytes) -> tuple[bytes, bytes | None]:
    """The body, and what follows it."""
    body = Chunked()
    rest = None
    for piece in pieces:
        rest = body.feed(piece)
    return body.whole(), rest


WHOLE = b"4\r\nabcd\r\n00A; name=value\r\n0123456789\r\n0\r\n\r\nNEXT"


def test_a_chunked_body_is_read():
    assert chunked(WHOLE) == (b"abcd0123456789", b"NEXT")


def test_a_chunked_body_may_be_split_anywhere():
    for at in range(len(WHOLE) - 4):
        assert chunked(WHOLE[:at], WHOLE[at:]) == (b"abcd0123456789", b"NEXT"), at
    assert chunked(*(WHOLE[at : at + 1] for at in range(len(WHOLE) - 4))) == (b"abcd0123456789", b"")


def test_trailers_are_read_over():
    assert chunked(b"1\r\na\r\n0\r\nX-A: 1\r\nB: 2\r\n\r\nNEXT") == (b"a", b"NEXT")


def test_spaces_may_follow_the_length():
    assert chunked(b"1 \t\r\na\r\n0\r\n\r\n") == (b"a", b"")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"zz\r\n", "invalid byte in chunk length"),
        (b"-1\r\n", "invalid byte in chunk length"),
        (b"0x12\r\n", "invalid byte in chunk length"),
        (b"12 ;x\r\n", "invalid byte in chunk length"),
        (b"\r\n", "empty hex number for chunk length"),
        (b"ffffffffffffffff1\r\n", "http chunk length too large"),
        (b"00000000000000012\r\n", "http chunk length too large"),
        (b"1\na\n0\n\n", "chunked line ends with bare LF"),
        (b"1\r2\r\na", "invalid CR in chunked line"),
        (b"1\r\naXX0\r\n\r\n", "malformed chunked encoding"),
        (b"1;" + b"a" * 5000 + b"\r\n", "header line too long"),
        (b"1;" + b"a" * 5000, "header line too long"),
        ((b"1;" + b"a" * 2000 + b"\r\nx\r\n") * 20, "chunked encoding contains too much non-data"),
        (b"0\r\nbad trailer\r\n\r\n", 'malformed MIME header: missing colon: "bad trailer"'),
        (b"0\r\nA(: b\r\n\r\n", 'malformed MIME header line: "A(: b"'),
        (b"0\r\nA: " + b"b" * 9000 + b"\r\n\r\n", "http: suspiciously long trailer after chunked body"),
        (b"0\r\nA: " + b"b" * 9000, "http: suspiciously long trailer after chunked body"),
    ],
)
def test_a_broken_chunked_body_is_told_of_in_the_real_servers_words(raw, text):
    with pytest.raises(BrokenBody) as caught:
        Chunked().feed(raw)
    assert str(caught.value) == text
