import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from sandboxd.cli import client
from sandboxd.edge import asking


@contextmanager
def serving(answers: dict[str, tuple[int, bytes]]):
    """A program that answers these paths, and its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.get(self.path, (404, b"nothing"))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_answer_is_decoded():
    with serving({"/a": (200, b'{"x": 1}'), "/b": (200, b""), "/c": (500, b"oh no")}) as port:
        address = f"http://127.0.0.1:{port}"
        assert asking.ask(address, "GET", "/a") == (200, {"x": 1})
        assert asking.ask(address, "POST", "/b", body={"y": 2}) == (200, None)
        assert asking.ask(address, "GET", "/c") == (500, "oh no")


def test_where_nobody_answers_is_said_so():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        with pytest.raises(asking.Unreachable):
            asking.ask(f"http://127.0.0.1:{probe.getsockname()[1]}", "GET", "/")


@pytest.mark.parametrize(
    ("answers", "who"),
    [
        ({"/_sandboxd/v1/status": (200, b'{"name": "shop", "pid": 7}')}, 'the sandbox "shop" (pid 7)'),
        (
            {"/v1/sys/seal-status": (200, b'{"sealed": false, "version": "2.1.1"}')},
            "a Vault or OpenBao server (version 2.1.1)",
        ),
        ({}, "another program"),
        ({"/_sandboxd/v1/status": (200, b"[]"), "/v1/sys/seal-status": (200, b"<html>")}, "another program"),
    ],
)
def test_who_listens_is_told(answers, who):
    with serving(answers) as port:
        assert client.who_listens("127.0.0.1", port) == who


def test_a_taken_port_is_not_free():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert not client.port_is_free("127.0.0.1", port)
    assert client.port_is_free("127.0.0.1", port)
