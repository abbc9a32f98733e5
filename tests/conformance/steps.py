"""How a conformance case is written.

A *case* is a named list of *steps*; a step is one request. Paths are below `/v1/` unless they begin with a slash. A
step speaks with the root token unless it says otherwise. What an answer gives can be saved under a name and put into
any later path, header or body as `$name`.

    case(
        "a token can look itself up",
        POST("auth/token/create", {"policies": ["default"]}, save={"t": "auth.client_token"}),
        GET("auth/token/lookup-self", token="$t"),
    )
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

Json = Any
Headers = Mapping[str, str] | tuple[tuple[str, str], ...]
ROOT: Final = "root"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One request, and what to make of its answer."""

    method: str
    path: str
    body: bytes | Json | None = None
    """JSON to send, or bytes to send as they are."""
    token: str | None = ROOT
    headers: Headers = ()
    namespace: str | None = None
    wrap: str | None = None
    save: Mapping[str, str] = field(default_factory=dict)
    """Names for values of the answer, found by a dotted path: `auth.client_token`, `data.keys.0`."""
    random: Mapping[str, str] = field(default_factory=dict)
    """Dotted paths of values that are random, or worded freely, with their kind: `hex 32`, `base64 16`, `prose`, ..."""
    until: int | str | None = None
    """Ask again until this status comes, or this value of the answer (`data.status=success`), for work that the real
    server does in the background."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, kw_only=True)
class Wire:
    """Bytes sent as they are on a connection of their own, for requests that no HTTP client would make."""

    data: bytes
    save: Mapping[str, str] = field(default_factory=dict)
    random: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return repr(self.data.split(b"\r\n", 1)[0])


@dataclass(frozen=True)
class Case:
    """A named list of steps, and the servers it needs."""

    name: str
    steps: tuple[Step | Wire, ...]
    fresh: bool = False
    """Needs servers of its own: it leaves behind what cannot be cleaned up."""
    config: str | None = None
    """Needs servers started with this HCL, neither initialised nor unsealed; `PORT` stands for the port."""


Steps = Step | Wire | Iterable["Steps"]


def case(name: str, *steps: Steps, fresh: bool = False, config: str | None = None) -> Case:
    """A case made of steps, and of lists of steps, which are laid flat."""
    return Case(name, tuple(flat(steps)), fresh or config is not None, config)


def flat(steps: Iterable[Steps]) -> Iterable[Step | Wire]:
    for step in steps:
        if isinstance(step, Step | Wire):
            yield step
        else:
            yield from flat(step)


def request(method: str, path: str, body: bytes | Json | None = None, **rest: Any) -> Step:
    """A step; `rest` are the further fields of Step, with `ns` as the short name of `namespace`."""
    if "ns" in rest:
        rest["namespace"] = rest.pop("ns")
    return Step(method=method, path=path, body=body, **rest)


GET = partial(request, "GET")
POST = partial(request, "POST")
PUT = partial(request, "PUT")
PATCH = partial(request, "PATCH", headers={"Content-Type": "application/merge-patch+json"})
DELETE = partial(request, "DELETE")
LIST = partial(request, "LIST")
SCAN = partial(request, "SCAN")
HEAD = partial(request, "HEAD")
OPTIONS = partial(request, "OPTIONS")


def mount(path: str, kind: str, **fields: Json) -> Step:
    """Mount a secrets engine."""
    return POST(f"sys/mounts/{path}", {"type": kind, **fields})


def kv2(path: str) -> tuple[Step, ...]:
    """Mount a versioned key-value store, and wait until it is ready."""
    return (mount(path, "kv", options={"version": "2"}), GET(f"{path}/config", until=200))


def enable(path: str, kind: str, **fields: Json) -> Step:
    """Enable an auth method."""
    return POST(f"sys/auth/{path}", {"type": kind, **fields})


def policy(name: str, rules: str, **rest: Any) -> Step:
    """Write an ACL policy."""
    return PUT(f"sys/policies/acl/{name}", {"policy": rules}, **rest)


def token(name: str, *policies: str, **fields: Json) -> Step:
    """Create a token with these policies, without `default`, and save it as `$name`."""
    return POST(
        "auth/token/create",
        {"policies": list(policies), "no_default_policy": True, **fields},
        save={name: "auth.client_token", f"{name}_accessor": "auth.accessor"},
    )
