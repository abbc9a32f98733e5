"""What a fault is made of: its aim, its limits, its place in the way of a request.

A fault is one flat record, in a fixture, in a scenario's file, on the command line, in a header or in the control API:
the **kind** (`fault: slow`), what the kind takes (`delay: 2s`), the **aim** (which requests, or which things: `path`,
`app`, …) and the **limits** (how often, how long: `probability`, `times`, `for`, …). Durations stand as they were
written.

The **depth** says where a fault takes hold:

- `door`: at the listener, before there is a request, so its aim knows nothing but the node and the client's address;
- `request`: at one request or its answer;
- `state`: it changes the state of the world when it begins, for everybody, and puts it back when it ends. Its aim says
  which things are changed.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from sandboxd.chaos.delays import check_delay
from sandboxd.vault.durations import parse_nanoseconds

CHECKED = "checked"
"""The mark of a type whose text a function checks, in the `extra` of its `Meta`: the function, which raises ValueError,
and what it expects in words."""


def check_span(text: str) -> None:
    """Raise ValueError for what is no duration, or less than nothing."""
    if parse_nanoseconds(text) < 0:
        raise ValueError("less than nothing")


def check_shift(text: str) -> None:
    """Raise ValueError for what is no duration; one below zero counts backwards."""
    parse_nanoseconds(text)


def check_share(text: str) -> None:
    """Raise ValueError for what is no share: a number from 0 to 1, or a percentage."""
    share(text)


def check_name(text: str) -> None:
    """Raise ValueError for a name that could not be said where faults are stopped."""
    if "/" in text or "," in text:
        raise ValueError("a slash or a comma in it")


def share(text: str | float) -> float:
    """A share as a number from 0 to 1; takes `0.3` and `30%`. Raises ValueError."""
    found = float(text[:-1]) / 100 if isinstance(text, str) and text.endswith("%") else float(text)
    if not 0 <= found <= 1:
        raise ValueError("not between 0 and 1")
    return found


Span = Annotated[
    str | int,
    Meta(
        description="Seconds, or a duration such as 250ms, 90s or 1h30m.",
        extra={CHECKED: (check_span, "seconds, or a duration such as 250ms, 90s or 1h30m")},
    ),
]
Shift = Annotated[
    str | int,
    Meta(
        description="Seconds, or a duration such as 5m; with a minus sign for the past.",
        extra={CHECKED: (check_shift, "seconds, or a duration such as 5m or -5m")},
    ),
]
Wait = Annotated[
    str | int,
    Meta(
        description="How long: 2s, jitter(2s, 500ms), uniform(1s, 3s), normal(2s, 500ms) or lognormal(300ms, 0.8).",
        extra={
            CHECKED: (
                check_delay,
                "2s, jitter(2s, 500ms), uniform(1s, 3s), normal(2s, 500ms) or lognormal(300ms, 0.8)",
            )
        },
    ),
]
Share = Annotated[
    str | int | float,
    Meta(
        description="How many of all: a number from 0 to 1, or a percentage such as 30%.",
        extra={CHECKED: (check_share, "a number from 0 to 1, or a percentage such as 30%")},
    ),
]
Count = Annotated[int, Meta(ge=0)]
Ordinal = Annotated[int, Meta(ge=1)]
Patterns = str | tuple[str, ...]
Operation = Literal["read", "list", "write", "patch", "delete", "login", "renew", "revoke"]
Depth = Literal["door", "request", "state"]


class Fault(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="fault",
    rename={"except_": "except", "from_": "from", "for_": "for"},
):
    """What all kinds of faults have: aim and limits. Each kind is a Struct of its own, tagged with its name.

    `HELP` says in a line what goes wrong, `VAULT_ONLY` whether OpenBao knows no such thing.
    """

    HELP: ClassVar[str] = ""
    DEPTH: ClassVar[Depth] = "request"
    VAULT_ONLY: ClassVar[bool] = False

    path: Annotated[
        Patterns, Meta(description="API paths without /v1/: `*` stands for anything, `+` for one segment.")
    ] = ()
    except_: Annotated[Patterns, Meta(description="API paths that are spared.")] = ()
    operation: Annotated[
        Operation | tuple[Operation, ...],
        Meta(description="What is done; login, renew and revoke are told by their paths."),
    ] = ()
    mount_type: Annotated[Patterns, Meta(description="Types of the mount: kv, database, approle, …")] = ()
    namespace: Annotated[Patterns, Meta(description="Namespaces; those below one are meant by team/*.")] = ()
    accessor: Annotated[Patterns, Meta(description="Accessors of tokens.")] = ()
    entity: Annotated[Patterns, Meta(description="Identity entities, by name or id.")] = ()
    role: Annotated[Patterns, Meta(description="Roles that tokens were logged in with, or that a login is for.")] = ()
    policy: Annotated[Patterns, Meta(description="Policies that tokens have.")] = ()
    app: Annotated[
        Patterns, Meta(description="Apps, by User-Agent, X-Sandboxd-App, or the display name of their token.")
    ] = ()
    address: Annotated[Patterns, Meta(description="Client addresses, or networks such as 127.0.0.0/8.")] = ()
    node: Annotated[Patterns, Meta(description="Nodes of the cluster, such as node-2, or leader.")] = ()

    probability: Annotated[Share, Meta(description="The share of requests that it strikes.")] = 1
    every: Annotated[Ordinal, Meta(description="Strike every nth request only.")] = 1
    after: Annotated[Count, Meta(description="Spare the first so many requests.")] = 0
    first: Annotated[Count, Meta(description="Look at the first so many requests only; 0 for all.")] = 0
    times: Annotated[Count, Meta(description="Strike at most so often; 0 for any number.")] = 0
    from_: Annotated[Span, Meta(description="Begin so long after the start.")] = 0
    for_: Annotated[Span, Meta(description="End so long after it began; 0 for never.")] = 0
    clock: Annotated[
        Literal["real", "sandbox"],
        Meta(description="Whose time `from` and `for` are; that of the sandbox can be moved."),
    ] = "real"
    before: Annotated[Wait, Meta(description="Wait so long before it strikes.")] = 0
    name: Annotated[
        str,
        Meta(
            description="What it is called in counters; by default its kind.",
            extra={CHECKED: (check_name, "a name without slashes and commas")},
        ),
    ] = ""
