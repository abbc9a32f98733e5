"""Where sandboxd is known to answer otherwise than OpenBao, each with the reason.

An entry that no longer differs fails its case, so this list cannot outlive its truth.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """One place that differs: the case as `area/name`, the number of the step, the path as the failure prints it.

    The path `*` is the whole answer, for a request that is refused by the one and served by the other.
    """

    case: str
    step: int
    path: str
    reason: str


WEB_PAGES = "A web page must not reach a sandbox, so an Origin that was not allowed is refused; OpenBao serves it."

KNOWN: tuple[Known, ...] = (
    *(Known("http/cross-origin requests before CORS is set up", step, "*", WEB_PAGES) for step in (2, 3, 4, 5)),
    Known("system/cross-origin requests", 51, "*", WEB_PAGES),
)
