"""The routes answered outside the way of a request, gathered, and which `sys/` routes only the root namespace has."""

from sandboxd.sys import health, joining, leader, rekey, seal
from sandboxd.sys.direct import DirectHandler

DIRECT: dict[str, DirectHandler] = {**seal.DIRECT, **health.DIRECT, **leader.DIRECT, **joining.DIRECT, **rekey.DIRECT}

# What Go's server decodes their bodies into: its refusals name these types.
BODY_TYPES = {
    "sys/init": "http.InitRequest",
    "sys/unseal": "http.UnsealRequest",
    "sys/generate-root/attempt": "http.GenerateRootInitRequest",
    "sys/generate-root/update": "http.GenerateRootUpdateRequest",
    "sys/rekey/init": "http.RekeyRequest",
    "sys/rekey/update": "http.RekeyUpdateRequest",
    "sys/rekey/verify": "http.RekeyVerificationUpdateRequest",
    "sys/storage/raft/join": "http.JoinRequest",
}

UNREAD = frozenset(("sys/storage/raft/bootstrap",))
"""Direct routes whose bodies nobody reads, so that a broken one is no mistake."""

# Refused with a namespace header before anything else is looked at. Source: OpenBao's HTTP handler.
ROOT_ONLY = (
    "raw",
    "generate-recovery-token",
    "init",
    "seal",
    "step-down",
    "unseal",
    "health",
    "rekey-recovery-key",
    "rekey",
    "storage",
    "generate-root",
    "metrics",
    "pprof",
    "in-flight-req",
)


def root_only(path: str) -> bool:
    """Whether a path below `sys/` is one of those, or below one."""
    return any(path == name or path.startswith(f"{name}/") for name in ROOT_ONLY)
