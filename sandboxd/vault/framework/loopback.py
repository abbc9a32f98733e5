"""Which addresses are this machine: the only ones that anything here connects to."""

import ipaddress

from sandboxd.vault.errors import Refusal


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
