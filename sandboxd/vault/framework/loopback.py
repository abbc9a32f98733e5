"""Which mounts reach their upstreams, and which addresses are this machine: the only ones that they connect to."""

import ipaddress
from collections.abc import Mapping

from sandboxd.vault.errors import Refusal

_YES = ("1", "t", "T", "TRUE", "true", "True")


def is_live(options: Mapping[str, str], *, sandbox: bool) -> bool:
    """Whether a mount with these options is live; `sandbox` says so for mounts that say nothing."""
    option = options.get("live", "")
    return option in _YES if option else sandbox


def is_loopback(host: str) -> bool:
    """Whether a name or address (an IPv6 one may be in brackets) leads to this machine, whoever answers for names."""
    host = host.removeprefix("[").removesuffix("]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_loopback(host: str, what: str) -> None:
    """Raise Refusal for an upstream elsewhere. `what` names it in the refusal ("the database app")."""
    if not is_loopback(host):
        raise Refusal(
            f"sandboxd reaches upstreams on this machine only, and {what} is elsewhere: use localhost or a loopback "
            "address, or leave the option live off to have it simulated"
        )
