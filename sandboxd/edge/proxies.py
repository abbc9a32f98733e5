"""The error pages of proxies and load balancers, as they stand in front of many a Vault.

A proxy that does not reach Vault answers by itself, with its own headers and nothing of Vault's. 502: what came back
was no answer; 503: nobody is there to ask; 504: no answer came in time. Those of nginx, Apache, HAProxy, Envoy and
Traefik were captured from the programs themselves, with their versions left out of them as administrators do
(`server_tokens off`, `ServerTokens Prod`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sandboxd.edge.messages import Answer

_NGINX = {502: "Bad Gateway", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}
_COLO = "FRA"  # the data centre that the id of a request at Cloudflare ends in


def page(proxy: str, code: int, id_: str = "") -> Answer:
    """The page of a proxy for 502, 503 or 504, with its headers.

    Args:
        id_: of the request, 16 hex digits, for those who show one.
    """
    return _PAGES[proxy](code, id_)


def _nginx(code: int, _id: str) -> Answer:
    # nginx 1.22, whose words for 503 and 504 are its own.
    return _centred(code, "nginx", "nginx")


def _centred(code: int, server: str, signature: str, *more: tuple[str, str]) -> Answer:
    title = f"{code} {_NGINX[code]}"
    sign = f"<hr><center>{signature}</center>\r\n" if signature else ""
    body = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        f"{sign}</body>\r\n</html>\r\n"
    )
    headers = (("Server", server), *more)
    return Answer(code, body.encode(), headers, "text/html", standard=False, reason=_NGINX[code])


_APACHE = {
    # The line breaks of the first are mixed in the original too.
    502: (
        "Proxy Error",
        (
            "The proxy server received an invalid\r\nresponse from an upstream server.<br />\r\n"
            "The proxy server could not handle the request<p>Reason: "
            "<strong>Error reading from remote server</strong></p>"
        ),
    ),
    503: (
        "Service Unavailable",
        (
            "The server is temporarily unable to service your\nrequest due to maintenance downtime or capacity\n"
            "problems. Please try again later."
        ),
    ),
    504: (
        "Gateway Timeout",
        "The gateway did not receive a timely response\nfrom the upstream server or application.",
    ),
}


def _apache(code: int, _id: str) -> Answer:
    # httpd 2.4.71, whose 503 also ends the connection.
    title, text = _APACHE[code]
    body = (
        '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">\n'
        f"<html><head>\n<title>{code} {title}</title>\n</head><body>\n<h1>{title}</h1>\n<p>{text}</p>\n</body></html>\n"
    )
    kind = "text/html; charset=iso-8859-1"
    headers = (("Server", "Apache"),)
    return Answer(code, body.encode(), headers, kind, standard=False, close=code == 503, reason=title)


_HAPROXY = {
    502: ("Bad Gateway", "The server returned an invalid or incomplete response."),
    503: ("Service Unavailable", "No server is available to handle this request."),
    504: ("Gateway Time-out", "The server didn't respond in time."),
}


def _haproxy(code: int, _id: str) -> Answer:
    # HAProxy 2.6 does not say who it is.
    title, text = _HAPROXY[code]
    body = f"<html><body><h1>{code} {title}</h1>\n{text}\n</body></html>\n"
    headers = (("Cache-Control", "no-cache"),)
    return Answer(code, body.encode(), headers, "text/html", standard=False, reason=title)


_ENVOY = {
    502: "upstream connect error or disconnect/reset before headers. reset reason: protocol error",
    503: "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure",
    504: "upstream request timeout",
}


def _envoy(code: int, _id: str) -> Answer:
    # Envoy 1.40: no page at all.
    return Answer(code, _ENVOY[code].encode(), (("Server", "envoy"),), "text/plain", standard=False)


def _traefik(code: int, _id: str) -> Answer:
    # Traefik 3.7: only the answer of a service without servers has a type.
    if code == 503:
        headers = (("X-Content-Type-Options", "nosniff"),)
        return Answer(code, b"no available server\n", headers, "text/plain; charset=utf-8", standard=False)
    body = b"Bad Gateway" if code == 502 else b"Gateway Timeout"
    return Answer(code, body, content_type="", standard=False)


def _cloudflare(code: int, id_: str) -> Answer:
    # From public captures: the plain page of Cloudflare's own proxies. What web pages show instead is for browsers.
    return _centred(code, "cloudflare", "cloudflare", ("CF-RAY", f"{id_ or '0' * 16}-{_COLO}"))


def _aws_alb(code: int, _id: str) -> Answer:
    # From public captures: nginx's page without its last line.
    return _centred(code, "awselb/2.0", "")


_PAGES: Mapping[str, Callable[[int, str], Answer]] = {
    "nginx": _nginx,
    "apache": _apache,
    "haproxy": _haproxy,
    "envoy": _envoy,
    "traefik": _traefik,
    "cloudflare": _cloudflare,
    "aws-alb": _aws_alb,
}
