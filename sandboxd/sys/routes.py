"""The routes answered outside the way of a request, gathered, and which `sys/` routes only the root namespace has."""

from sandboxd.sys import rekey, seal
from sandboxd.sys.direct import DirectHandler

DIRECT: dict[str, DirectHandler] = {**seal.DIRECT, **rekey.DIRECT}

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
