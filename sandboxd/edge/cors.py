"""Cross-origin requests, as the real server answers them once CORS is set up.

A **preflight** is the OPTIONS request by which a browser asks what a page may do; it is answered here. Everything else
goes its way, and its answer gets headers that let the page read it. Pages that CORS does not let in never come so far:
see `guard`.
"""

from sandboxd.edge.decode import first
from sandboxd.edge.encode import encode_errors
from sandboxd.edge.messages import Answer, Incoming
from sandboxd.vault.world import CorsConfig

METHODS = ("DELETE", "GET", "OPTIONS", "POST", "PUT", "LIST")
SCAN = "SCAN"  # OpenBao's own
MAX_AGE = 300  # seconds that browsers may remember a preflight


def handle(
    config: CorsConfig, incoming: Incoming, *, profile: str
) -> tuple[Answer | None, tuple[tuple[str, str], ...]]:
    """What CORS has to say about a request: the answer, if it is answered with that, and else headers for the answer.

    Args:
        config: as it is set up.
        profile: whose methods a preflight names.
    """
    origin = first(incoming.headers, "origin")
    if not origin:
        return None, ()
    if config.allowed_origins != ("*",) and origin not in config.allowed_origins:
        return Answer(403, encode_errors(("origin not allowed",))), ()
    methods = METHODS if profile == "vault" else (*METHODS, SCAN)
    preflight = incoming.method == "OPTIONS"
    if preflight and first(incoming.headers, "access-control-request-method") not in methods:
        return Answer(405, content_type=""), ()
    headers = [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
    if config.allow_credentials:
        headers.append(("Access-Control-Allow-Credentials", "true"))
    if not preflight:
        return None, tuple(headers)
    headers += [
        ("Access-Control-Allow-Methods", ",".join(methods)),
        ("Access-Control-Allow-Headers", ",".join(config.allowed_headers)),
        ("Access-Control-Max-Age", str(MAX_AGE)),
        # An answer without a body goes out without the security header that the others have.
        ("Cache-Control", "no-store"),
    ]
    return Answer(200, headers=tuple(headers), content_type="", standard=False), ()
