"""What faults at a listener can be: there is no request yet, so most of an aim cannot be judged."""

from __future__ import annotations

from sandboxd.chaos.kinds import kind_name, transport
from sandboxd.chaos.model import Fault

KERNEL = (transport.Refused, transport.Unreachable)
"""Where nothing of the sandbox gets to see the connection."""
TLS = (
    transport.TlsExpired,
    transport.TlsCaExpired,
    transport.TlsWrongName,
    transport.TlsUnknownCa,
    transport.TlsStalled,
)
OWN_CA = (transport.TlsExpired, transport.TlsCaExpired, transport.TlsWrongName)
"""What needs a certificate of the CA that the listener's is of."""

_ALWAYS = {"node", "from_", "for_", "clock", "name"}
_COUNTED = {"address", "probability", "every", "after", "first", "times"}
_INSTEAD = {
    transport.Refused: "connect-reset",
    transport.Unreachable: "connect-silent",
    transport.ConnectReset: "reset",
    transport.ConnectSilent: "silent",
}


def problem(fault: Fault) -> str:
    """What a fault at a listener asks that cannot be judged there; empty when there is nothing."""
    plain = type(fault)()
    allowed = _ALWAYS if isinstance(fault, KERNEL) else _ALWAYS | _COUNTED
    encoded = dict(zip(fault.__struct_fields__, fault.__struct_encode_fields__, strict=True))
    for name in Fault.__struct_fields__:
        if name not in allowed and getattr(fault, name) != getattr(plain, name):
            return _told(fault, encoded[name])
    return ""


def _told(fault: Fault, asked: str) -> str:
    instead = _INSTEAD.get(type(fault))
    hint = f"; {instead} can" if instead else ""
    seen = "nobody here sees the connection" if isinstance(fault, KERNEL) else "there is no request yet"
    return f"{kind_name(fault)} cannot be judged by {asked}: {seen}{hint}"
