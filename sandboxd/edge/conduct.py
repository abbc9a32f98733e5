"""How an answer goes out wrongly: late, in pieces, cut off, broken, or not at all.

A **conduct** is given the bytes that the answer would have been, and the **outlet** of the connection, and plays its
part there. While it plays, the connection takes up no other request. When the fault ends it does not wait any longer:
what would still come, comes at once, and who was never to be answered is cut off.
"""

from collections.abc import Awaitable, Callable
from socket import SO_LINGER, SOL_SOCKET
from struct import pack
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from asyncio import Transport

Hold = Callable[[float | None], Awaitable[bool]]
"""Waits so many seconds, None for as long as the fault lasts; gives whether the time has passed, False when the fault
ended before."""
Ending = Literal["keep", "close", "reset"]


class Outlet(Protocol):
    """The way out of a connection."""

    def write(self, data: bytes) -> None:
        """Send bytes."""

    def end(self, how: Ending) -> None:
        """Be done: keep the connection for the next request, close it (FIN), or reset it (RST)."""


class Conduct(Protocol):
    """How an answer goes out."""

    @property
    def forsakes(self) -> bool:
        """Whether nothing is ever sent, so that there is nothing to stay for once the client has hung up."""

    async def play(self, outlet: Outlet, raw: bytes, *, close: bool) -> None:
        """Send the answer, and end.

        Args:
            raw: the answer as it would go out.
            close: whether the connection would end with it.
        """


class Late:
    """The answer comes after `seconds`."""

    forsakes = False

    def __init__(self, hold: Hold, seconds: float) -> None:
        self._hold = hold
        self._seconds = seconds

    async def play(self, outlet: Outlet, raw: bytes, *, close: bool) -> None:
        """Wait, then send."""
        await self._hold(self._seconds)
        outlet.write(raw)
        outlet.end("close" if close else "keep")


class Never:
    """No answer comes. The connection stays as it is, or closes after `seconds`."""

    forsakes = True

    def __init__(self, hold: Hold, seconds: float | None = None) -> None:
        self._hold = hold
        self._seconds = seconds

    async def play(self, outlet: Outlet, raw: bytes, *, close: bool) -> None:  # noqa: ARG002 -- nothing goes out
        """Wait, then end."""
        outlet.end("close" if await self._hold(self._seconds) else "reset")


class Cut:
    """The answer stops after so many bytes.

    Args:
        keep: how many bytes of it go out, given the length of its head and the length of all of it.
        how: how the connection ends then.
    """

    forsakes = False

    def __init__(self, keep: Callable[[int, int], int], how: Ending) -> None:
        self._keep = keep
        self._how: Ending = how

    async def play(self, outlet: Outlet, raw: bytes, *, close: bool) -> None:  # noqa: ARG002 -- it ends anyway
        """Send a part, and end."""
        kept = raw[: min(self._keep(head_size(raw), len(raw)), len(raw) - 1)]
        if kept:
            outlet.write(kept)
        outlet.end(self._how)


class Instead:
    """Other bytes than those of the answer go out, then the connection closes."""

    forsakes = False

    def __init__(self, make: Callable[[bytes], bytes]) -> None:
        self._make = make

    async def play(self, outlet: Outlet, raw: bytes, *, close: bool) -> None:  # noqa: ARG002 -- it ends anyway
        """Send them, and close."""
        outlet.write(self._make(raw))
        outlet.end("close")


class Pieces:
    """The answer goes out in pieces, one after each pause.

    Args:
        size: of a piece in bytes, given the length of the answer.
        pause: in seconds.
        first: send a piece before the first pause.
    """

    forsakes = False

    def __init__(self, hold: Hold, size: Callable[[int], int], pause: float, *, first: bool = True) -> None:
        self._hold = hold
        self._size = size
        self._pause = pause
        self._first = first

    async def play(self, outlet: Outlet, raw: bytes, *, close: bool) -> None:
        """Send piece by piece."""
        size = max(self._size(len(raw)), 1)
        at = 0
        waiting = not self._first
        while at < len(raw):
            if waiting and not await self._hold(self._pause):
                outlet.write(raw[at:])
                break
            outlet.write(raw[at : at + size])
            at += size
            waiting = True
        outlet.end("close" if close else "keep")


def head_size(raw: bytes) -> int:
    """The length of an answer's head, with the empty line behind it."""
    return raw.index(b"\r\n\r\n") + 4


def broken_chunks(raw: bytes) -> bytes:
    """An answer as one that is sent in chunks, of which the second is none."""
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length:")]
    lines.append(b"Transfer-Encoding: chunked")
    first = body[: len(body) // 2] or b"{"
    return b"\r\n".join(lines) + b"\r\n\r\n%x\r\n" % len(first) + first + b"\r\nlskdu018973t09sylgasjkfg1][]'./.sdlv"


def reset(transport: "Transport") -> None:
    """Close a connection at once, so that the other side gets a reset (RST) for it."""
    socket = transport.get_extra_info("socket")
    if socket is not None:
        socket.setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
    transport.abort()
