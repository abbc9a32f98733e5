"""Answers as bytes, with the headers of the real server in its order."""

from collections.abc import Callable
from http import HTTPStatus

from sandboxd.edge.messages import Answer
from sandboxd.edge.parse import Head

_PHRASES = {status.value: status.phrase for status in HTTPStatus} | {413: "Request Entity Too Large"}
_STANDARD = "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n"


def written(head: Head, answer: Answer, date_now: Callable[[], str], *, close: bool) -> bytes:
    """An answer as bytes.

    Args:
        date_now: gives the Date header.
        close: whether the connection ends with it.
    """
    status, body, headers, kind, standard, _, _, reason = answer
    namespace = head.headers.get("x-vault-namespace") if standard else None
    if headers or namespace or not standard or not kind or status >= 600:
        lines = dict(headers)
        date = lines.pop("Date", "") or date_now()
        if standard:
            lines.setdefault("Cache-Control", "no-store")
            if status < 600:  # Go's server has headers for the classes of statuses that there are
                lines["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        if kind:
            lines["Content-Type"] = kind
        if namespace and namespace[0]:
            lines["X-Vault-Namespace"] = namespace[0]
        text = "".join(f"{name}: {lines[name]}\r\n" for name in sorted(lines))
    else:
        text = f"Cache-Control: no-store\r\nContent-Type: {kind}\r\n{_STANDARD}"
        date = date_now()
    bare = status in (204, 304) or (head.method == "HEAD" and not body)
    length = "" if bare else f"Content-Length: {len(body)}\r\n"
    ending = "Connection: keep-alive\r\n" if head.kept else ""
    if close:
        ending = "" if head.old else "Connection: close\r\n"
    phrase = reason or _PHRASES.get(status) or f"status code {status}"
    version = "1.0" if head.old else "1.1"
    raw = (f"HTTP/{version} {status} {phrase}\r\n{text}Date: {date}\r\n{length}{ending}\r\n").encode(
        "utf-8", "surrogateescape"
    )
    return raw if head.method == "HEAD" or bare else raw + body
