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

LATER_METHODS = "These auth methods are not there yet, so the sandbox cannot mount them."
PLUGINS = "The catalogue of plugins is not there yet: what it would list cannot all be mounted."
OPERATORS = "Loggers, counters, the sanitized state and the raw storage have nothing to act on here yet."
PROVIDER = "The OIDC provider of the identity store is not there yet."
SMALLER = "The document lists what the sandbox serves: the paths above are missing in it, too."

KNOWN: tuple[Known, ...] = (
    *(
        Known("mounts/an auth method is enabled and disabled", step, "*", LATER_METHODS)
        for step in (11, 12, 13, 14, 38)
    ),
    Known("namespaces/what is only at the root", 15, "*", PLUGINS),
    Known("policies/paths that need sudo", 26, "*", PLUGINS),
    *(Known("system/plugins", step, "*", PLUGINS) for step in range(1, 19)),
    Known("policies/paths that need sudo", 24, "*", OPERATORS),
    *(
        Known("system/what is only of interest to operators", step, "*", OPERATORS)
        for step in (1, 4, 5, 6, 8, 10, 11, 12, 13)
    ),
    Known("policies/no policy at all", 24, "*", PROVIDER),
    *(Known("system/the OpenAPI document", step, "*", SMALLER) for step in (1, 8, 9, 10, 13)),
    *(Known("http/cross-origin requests before CORS is set up", step, "*", WEB_PAGES) for step in (2, 3, 4, 5)),
    Known("system/cross-origin requests", 51, "*", WEB_PAGES),
)
