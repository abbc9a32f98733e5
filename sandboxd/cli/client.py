"""What answers at a port, if anything does."""

import errno
import socket

from sandboxd.edge.asking import Unreachable, ask
from sandboxd.edge.messages import CONTROL


def who_listens(host: str, port: int) -> str:
    """A few words on what answers at a port."""
    for scheme in ("http", "https"):
        address = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
        try:
            status, found = ask(address, "GET", f"{CONTROL}status", timeout=1.0)
            if status == 200 and isinstance(found, dict) and "pid" in found:
                return f'the sandbox "{found.get("name")}" (pid {found.get("pid")})'
            status, found = ask(address, "GET", "/v1/sys/seal-status", timeout=1.0)
            if isinstance(found, dict) and "sealed" in found:
                return f"a Vault or OpenBao server (version {found.get('version')})"
        except Unreachable:
            continue
    return "another program"


def port_is_free(host: str, port: int) -> bool:
    """Whether a port can be listened on now, as far as others are concerned."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno != errno.EADDRINUSE
    return True
