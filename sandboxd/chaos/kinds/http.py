"""Wrong answers in good HTTP: mostly of what stands between the client and Vault."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from sandboxd.chaos.model import Fault, Span

Code = Annotated[int, Meta(ge=200, le=599)]

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_FRAMING = frozenset(("content-length", "transfer-encoding", "connection", "keep-alive", "trailer", "upgrade"))


def _check_header(name: str, value: str) -> None:
    """Raise ValueError for a header that would leave no whole answer of those who read it."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:40]!r} is no name of a header")
    if name.lower() in _FRAMING:
        raise ValueError(f"{name} says where an answer ends, and is the server's own: truncated and others break it")
    if not _VALUE.fullmatch(value):
        raise ValueError(f"the value of {name} has a line break or another control character in it")


class Status(Fault, frozen=True, tag="status"):
    """Any answer at all."""

    HELP: ClassVar[str] = "An answer of your own: any status, body and headers."

    code: Annotated[Code, Meta(description="The status.")] = 503
    errors: Annotated[tuple[str, ...], Meta(description="The texts of a body as Vault has it.")] = ()
    body: Annotated[str, Meta(description="A body of another form.")] = ""
    content_type: Annotated[str, Meta(description="Its type.")] = "application/json"
    headers: Annotated[
        dict[str, str], Meta(description="More headers; on a line, Name:value with commas between them.")
    ] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in (*self.headers.items(), ("Content-Type", self.content_type)):
            _check_header(name, value)


class ProxyPage(Fault, frozen=True, tag="proxy-page"):
    """The HTML page of a proxy that does not reach Vault."""

    HELP: ClassVar[str] = "The error page of a proxy or load balancer in front of Vault, in HTML."

    proxy: Annotated[
        Literal["nginx", "apache", "haproxy", "envoy", "traefik", "cloudflare", "aws-alb"],
        Meta(description="Whose page."),
    ] = "nginx"
    code: Annotated[Literal[502, 503, 504], Meta(description="The status.")] = 502


class Throttled(Fault, frozen=True, tag="throttled"):
    """The 429 of a gateway in front of Vault."""

    HELP: ClassVar[str] = "429 Too Many Requests of a gateway, with or without a word on when to come again."

    retry_after: Annotated[Span, Meta(description="What Retry-After says; 0 for no such header.")] = 0
    limit: Annotated[
        int, Meta(ge=0, description="What X-RateLimit-Limit says, with -Remaining and -Reset; 0 for none.")
    ] = 0


class Redirect(Fault, frozen=True, tag="redirect"):
    """A 307 that leads nowhere."""

    HELP: ClassVar[str] = "307 to a leader that is dead, or in a circle."

    to: Annotated[
        Literal["dead", "loop", "leader"],
        Meta(description="A port that refuses, the very same address again, or the real leader."),
    ] = "dead"


class ContentType(Fault, frozen=True, tag="content-type"):
    """The right body under a wrong label."""

    HELP: ClassVar[str] = "The answer as it is, under a wrong Content-Type."

    type: Annotated[str, Meta(description="The type; empty for no such header.")] = "text/html"

    def __post_init__(self) -> None:
        _check_header("Content-Type", self.type)


class Stale(Fault, frozen=True, tag="stale"):
    """Answers from before."""

    HELP: ClassVar[str] = "Reads are answered from the state as it was when the fault began, as by a cache."


KINDS: tuple[type[Fault], ...] = (Status, ProxyPage, Throttled, Redirect, ContentType, Stale)
