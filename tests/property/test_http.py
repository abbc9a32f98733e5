"""A request is read the same however it is cut, and the quick way of reading it agrees with the thorough."""

from __future__ import annotations

import contextlib
import itertools

from hypothesis import example, given
from hypothesis import strategies as st

from sandboxd.edge import parse
from sandboxd.edge.gojson import decode_object
from sandboxd.edge.guard import make_guard
from sandboxd.edge.messages import Incoming
from sandboxd.edge.parse import Broken, BrokenBody, Chunked, find_end, parse_head

names = st.sampled_from(["Host", "X", "Content-Length", "Transfer-Encoding", "Connection", "Expect", "a b", "é", ""])
values = st.one_of(
    st.sampled_from(["localhost", "1", "18", "chunked", "close", "keep-alive", "100-continue", "", " x ", "[::1]:80"]),
    st.text(max_size=8),
)
lines = st.lists(st.tuples(names, values), max_size=5)
targets = st.one_of(st.sampled_from(["/", "*", "/v1/a", "http://a/b", "a:80"]), st.text(max_size=8))
versions = st.sampled_from(["HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/1.2", "http/1.1", ""])
endings = st.sampled_from(["\r\n", "\n", "\r"])
heads = st.builds(
    lambda method, target, version, fields, end: end.join(
        [f"{method} {target} {version}", *(f"{name}: {value}" for name, value in fields), "", ""]
    ).encode("utf-8", "surrogatepass"),
    st.sampled_from(["GET", "POST", "CONNECT", "PRI", "g(t", ""]),
    targets,
    versions,
    lines,
    endings,
)


def outcome(read, raw: bytes) -> object:
    """What comes of reading: a head, or the refusal."""
    try:
        return read(raw)
    except Broken as error:
        return error.answer


@given(heads)
@example(b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n")
def test_the_quick_and_the_thorough_way_agree(raw: bytes) -> None:
    end = raw.find(b"\r\n\r\n")
    if end >= 0:
        assert outcome(parse_head, raw[:end]) == outcome(parse._parse_lines, raw[:end])


@given(st.one_of(heads, st.binary(max_size=60)))
def test_any_bytes_are_a_head_or_refused(raw: bytes) -> None:
    with contextlib.suppress(Broken):
        end, after = find_end(raw)
        assert (end, after) == (-1, -1) or 0 <= end < after <= len(raw)
        head = parse_head(raw[: max(end, 0)])
        incoming = Incoming(head.method, head.target, head.headers, b"", "127.0.0.1", 1)
        make_guard()(incoming)


chunks = st.lists(st.binary(min_size=1, max_size=30), max_size=5)
cuts = st.lists(st.integers(0, 200), max_size=6)


@given(chunks, st.binary(max_size=5), cuts)
def test_a_chunked_body_is_read_however_it_is_cut(parts: list[bytes], after: bytes, places: list[int]) -> None:
    raw = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    body = Chunked()
    edges = [0, *sorted(min(place, len(raw)) for place in places), len(raw)]
    pieces = [raw[start:end] for start, end in itertools.pairwise(edges) if start < end]
    rests = [body.feed(piece) for piece in [*pieces[:-1], pieces[-1] + after]]
    assert rests == [None] * (len(pieces) - 1) + [after]
    assert body.whole() == b"".join(parts)
    assert body.size == sum(map(len, parts))


@given(st.binary(max_size=80))
def test_any_bytes_are_chunks_or_refused(raw: bytes) -> None:
    with contextlib.suppress(BrokenBody):
        Chunked().feed(raw)


json_pieces = st.sampled_from(
    [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        '"a"',
        '"',
        "\\u12",
        "\\ud800",
        "1",
        "-",
        "1e5",
        "0x",
        "true",
        "nul",
        " ",
        "é",
        "\x00",
    ]
)


@given(st.one_of(st.lists(json_pieces, max_size=12).map(lambda parts: "".join(parts).encode()), st.binary(max_size=40)))
def test_any_bytes_are_an_object_or_refused_in_words(raw: bytes) -> None:
    refusal = ""
    try:
        assert isinstance(decode_object(raw), dict | None)
    except ValueError as error:
        refusal = str(error)
    assert not refusal or refusal.startswith(("failed to decode JSON input: ", "refused JSON input "))
    assert "could not convert" not in refusal
