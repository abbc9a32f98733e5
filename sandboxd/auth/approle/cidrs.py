"""CIDR blocks as AppRole checks them, in the words of the real server.

Source: OpenBao's cidrutil.
"""

from collections.abc import Iterable, Sequence

from sandboxd.vault.errors import fail
from sandboxd.vault.framework.records import Interface, parse_interface
from sandboxd.vault.gotext import quote


def fault(blocks: Iterable[str]) -> str:
    """What is wrong with the first text that is no CIDR block; empty when all are."""
    return next((f"invalid CIDR address: {block}" for block in blocks if _parse(block) is None), "")


def check_subset(inner: Sequence[str], outer: Sequence[str]) -> None:
    """Raise Failure when not every block of a secret ID lies in one of its role's; a role without blocks has all."""
    if not inner or not outer:
        return
    outer = [block if "/" in block else f"{block}/32" for block in outer]
    try:
        inside = all(any(_holds(large, small) for large in outer) for small in inner)
        reason = "%!w(<nil>)"
    except ValueError as error:
        inside, reason = False, str(error)
    if not inside:
        fail(
            f"failed to verify subset relationship between CIDR blocks on the role {_shown(outer)} and CIDR blocks on "
            f"the secret ID {_shown(inner)}: {reason}"
        )


def _holds(large: str, small: str) -> bool:
    outer, inner = _block(large, "to be checked against"), _block(small, "that needs to be checked")
    return inner.network.prefixlen >= outer.network.prefixlen and inner.network.network_address in outer.network


def _block(text: str, place: str) -> Interface:
    found = _parse(text)
    if found is None:
        raise ValueError(f"failed to parse the CIDR {place}: invalid CIDR address: {text}")
    if found.network.prefixlen == 0 and int(found.ip):
        raise ValueError(f"CIDR {place} is not in its canonical form")
    return found


def _parse(text: str) -> Interface | None:
    return parse_interface(text) if "/" in text else None


def _shown(blocks: Iterable[str]) -> str:
    return f"[{' '.join(map(quote, blocks))}]"
