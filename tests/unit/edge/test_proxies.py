"""The pages of proxies. Lengths and texts are those of the captured ones, less the versions that some show."""

from __future__ import annotations

import pytest

from sandboxd.edge.parse import parse_head
from sandboxd.edge.proxies import page
from sandboxd.edge.writing import written

PAGES = {
    ("nginx", 502): (150, "text/html", "Bad Gateway"),
    ("nginx", 503): (190, "text/html", "Service Temporarily Unavailable"),
    ("nginx", 504): (160, "text/html", "Gateway Time-out"),
    ("apache", 502): (381, "text/html; charset=iso-8859-1", "Proxy Error"),
    ("apache", 503): (339, "text/html; charset=iso-8859-1", "Service Unavailable"),
    ("apache", 504): (287, "text/html; charset=iso-8859-1", "Gateway Timeout"),
    ("haproxy", 502): (107, "text/html", "Bad Gateway"),
    ("haproxy", 503): (107, "text/html", "Service Unavailable"),
    ("haproxy", 504): (92, "text/html", "Gateway Time-out"),
    ("envoy", 502): (87, "text/plain", "Bad Gateway"),
    ("envoy", 503): (98, "text/plain", "Service Unavailable"),
    ("envoy", 504): (24, "text/plain", "Gateway Timeout"),
    ("traefik", 502): (11, "", "Bad Gateway"),
    ("traefik", 503): (20, "text/plain; charset=utf-8", "Service Unavailable"),
    ("traefik", 504): (15, "", "Gateway Timeout"),
    ("cloudflare", 502): (155, "text/html", "Bad Gateway"),
    ("cloudflare", 503): (195, "text/html", "Service Temporarily Unavailable"),
    ("cloudflare", 504): (165, "text/html", "Gateway Time-out"),
    ("aws-alb", 502): (122, "text/html", "Bad Gateway"),
    ("aws-alb", 503): (162, "text/html", "Service Temporarily Unavailable"),
    ("aws-alb", 504): (132, "text/html", "Gateway Time-out"),
}


def sent(proxy: str, code: int, id_: str = "") -> tuple[str, dict[str, str], str]:
    """The first line, the headers and the body as they go out."""
    head = parse_head(b"GET /v1/secret/data/x HTTP/1.1\r\nHost: vault\r\nX-Vault-Namespace: team")
    answer = page(proxy, code, id_)
    top, _, body = written(head, answer, lambda: "now", close=answer.close).decode().partition("\r\n\r\n")
    first, *lines = top.split("\r\n")
    return first, dict(line.split(": ", 1) for line in lines), body


@pytest.mark.parametrize(("proxy", "code"), PAGES)
def test_a_page_is_as_the_proxy_sends_it(proxy, code):
    length, kind, reason = PAGES[proxy, code]
    first, headers, body = sent(proxy, code)
    assert first == f"HTTP/1.1 {code} {reason}"
    assert headers["Content-Length"] == str(len(body)) == str(length)
    assert headers.get("Content-Type", "") == kind


@pytest.mark.parametrize(("proxy", "code"), PAGES)
def test_a_page_has_nothing_of_vault(proxy, code):
    _, headers, body = sent(proxy, code)
    assert headers.get("Cache-Control", "") in ("", "no-cache")
    assert not headers.keys() & {"Strict-Transport-Security", "X-Vault-Namespace"}
    assert '{"errors"' not in body


@pytest.mark.parametrize(
    ("proxy", "server"),
    [
        ("nginx", "nginx"),
        ("apache", "Apache"),
        ("haproxy", None),
        ("envoy", "envoy"),
        ("traefik", None),
        ("cloudflare", "cloudflare"),
        ("aws-alb", "awselb/2.0"),
    ],
)
def test_a_proxy_says_who_it_is_or_does_not(proxy, server):
    assert sent(proxy, 502)[1].get("Server") == server


def test_nginx_answers_with_its_page():
    assert sent("nginx", 502)[2] == (
        "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
        "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )


def test_apache_ends_the_connection_where_nobody_is_there():
    assert sent("apache", 503)[1]["Connection"] == "close"
    assert "Connection" not in sent("apache", 502)[1]


def test_envoy_answers_without_a_page():
    reason = "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure"
    assert sent("envoy", 503)[2] == reason
    assert sent("envoy", 504)[2] == "upstream request timeout"


def test_cloudflare_names_the_request():
    assert sent("cloudflare", 502, "8f3d56181e892e53")[1]["CF-RAY"] == "8f3d56181e892e53-FRA"
