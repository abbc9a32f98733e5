"""What a fault does to a request, at the edge: the wrong answers, and the conduct of those that go out wrongly.

What goes wrong within the way of a request is `chaos.troubles`'s; what goes wrong before there is a request, `doors`'.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sandboxd.chaos.facts import Seen
from sandboxd.chaos.kinds import transport
from sandboxd.chaos.model import Fault
from sandboxd.edge import conditions, struck_http, struck_vault
from sandboxd.edge import decode as decoding
from sandboxd.edge.conduct import Cut, Hold, Instead, Late, Never, Pieces, broken_chunks
from sandboxd.edge.decode import Refused, refused
from sandboxd.edge.encode import refused as refusal
from sandboxd.edge.messages import FAULT, Answer, Incoming
from sandboxd.edge.proxies import page as proxy_page
from sandboxd.vault.durations import parse_nanoseconds
from sandboxd.vault.errors import VaultError
from sandboxd.vault.waiting import waited

if TYPE_CHECKING:
    from sandboxd.chaos.rules import Strike
    from sandboxd.chaos.run import Chaos
    from sandboxd.edge.app import App
    from sandboxd.vault.nodes import Node

SECOND = 1_000_000_000


class Case(NamedTuple):
    """A request that was struck."""

    app: App
    chaos: Chaos
    strike: Strike
    incoming: Incoming
    path: str
    query: str

    @property
    def fault(self) -> Any:
        """What strikes it."""
        return self.strike.fault

    @property
    def hold(self) -> Hold:
        """Waits, as long as the fault lasts."""
        return partial(self.chaos.hold, self.strike.active)

    @property
    def seen(self) -> Seen:
        """It as chaos sees it."""
        return seen(self.app, self.incoming, self.path, self.query)

    async def served(self, **changed: Any) -> Answer:
        """The answer that it would have had."""
        return await _served(self.app, self.incoming._replace(**changed), self.path, self.query)


Act = Callable[[Case], Answer | Awaitable[Answer]]


async def answer(app: App, incoming: Incoming, path: str, query: str) -> Answer:
    """Answer a request below `/v1/` that something may go wrong with. Raises Refused or VaultError."""
    chaos = cast("Chaos | None", app.world.faults)
    strike = None
    if FAULT in incoming.headers:
        if chaos is None or not chaos.header_allowed:
            text = "X-Sandboxd-Fault is not allowed here: start the sandbox with --fault-header, or run "
            raise refused(400, f"{text}`sandboxd chaos header on`")
        strike = _by_header(chaos, decoding.first(incoming.headers, FAULT))
    elif chaos is not None:
        if chaos.due <= 0:
            await chaos.turn()
        strike = chaos.strike(seen(app, incoming, path, query))
    if chaos is None or strike is None:
        return await app.served(incoming, path, query)
    case = Case(app, chaos, strike, incoming, path, query)
    early = strike.draw(strike.fault.before)
    if early:
        await waited(chaos.hold(strike.active, early))
    act = ACTS.get(type(strike.fault))
    if act is None:
        from sandboxd.chaos.troubles import trouble

        return await case.served(trouble=trouble(strike, chaos))
    found = act(case)
    return found if isinstance(found, Answer) else await found


def seen(app: App, incoming: Incoming, path: str, query: str) -> Seen:
    """A request as chaos sees it."""
    listing = incoming.method == "GET" and bool(query) and _lists(query)
    return Seen(
        app.world,
        method=incoming.method,
        path=path[4:],
        listing=listing,
        token=decoding.token(incoming.headers),
        headers=incoming.headers,
        address=incoming.remote_address,
        body=partial(_body, incoming),
        node=_names(incoming.node),
    )


def _names(node: Node | None) -> tuple[str, ...]:
    """What a node can be aimed at by."""
    if node is None:
        return ()
    return (node.name, "leader") if node.condition == "active" else (node.name,)


def _lists(query: str) -> bool:
    try:
        return decoding.flag(decoding.parse_query(query), "list")
    except Refused:
        return False


def _body(incoming: Incoming) -> Mapping[str, object]:
    try:
        return decoding.decode_body(incoming.body, decoding.media_type(incoming.headers)) if incoming.body else {}
    except Refused:
        return {}


def _by_header(chaos: Chaos, text: str) -> Strike | None:
    from sandboxd.chaos.rules import Strike
    from sandboxd.fixtures.scenarios import fault_of

    def read(text: str) -> Fault:
        fault = fault_of(text, "X-Sandboxd-Fault")
        if fault.DEPTH != "request":
            raise ValueError("X-Sandboxd-Fault: a request can only have a fault of its own, not one for everybody")
        return fault

    try:
        active = chaos.by_header(text, read)
    except ValueError as error:
        raise refused(400, str(error)) from None
    return Strike(active, active.seen) if active.takes() else None


async def _served(app: App, incoming: Incoming, path: str, query: str) -> Answer:
    """The answer, a refusal being one too: what goes wrong with answers goes wrong with these as well."""
    try:
        return await app.served(incoming, path, query)
    except Refused as error:
        return error.answer
    except VaultError as error:
        return refusal(error)


# Answers that go out wrongly.


def _silent(case: Case) -> Answer:
    seconds = parse_nanoseconds(case.fault.close_after) / SECOND
    return Answer(200, conduct=Never(case.hold, seconds or None))


async def _reset(case: Case) -> Answer:
    fault: transport.Reset = case.fault
    if fault.at == "request":
        return Answer(200, conduct=Cut(lambda _head, _whole: 0, "reset"))
    found = await case.served()
    return found._replace(conduct=Cut(lambda _head, whole: fault.bytes or whole // 2, "reset"))


def _empty(_case: Case) -> Answer:
    return Answer(200, conduct=Cut(lambda _head, _whole: 0, "close"))


async def _answer_lost(case: Case) -> Answer:
    found = await case.served()
    how = case.fault.by
    if how == "gateway-timeout":
        return proxy_page("nginx", 504)
    if how == "silent":
        return found._replace(conduct=Never(case.hold))
    return found._replace(conduct=Cut(lambda _head, _whole: 0, "reset" if how == "reset" else "close"))


async def _slow(case: Case) -> Answer:
    found = await case.served()
    return found._replace(conduct=Late(case.hold, case.strike.draw(case.fault.delay)))


async def _dribble(case: Case) -> Answer:
    fault: transport.Dribble = case.fault
    found = await case.served()
    pause = parse_nanoseconds(fault.over) / SECOND / max(fault.pieces - 1, 1)
    return found._replace(conduct=Pieces(case.hold, lambda whole: -(-whole // fault.pieces), pause))


async def _bandwidth(case: Case) -> Answer:
    found = await case.served()
    rate: int = case.fault.rate
    # Ten times a second, or a byte at a time where that is still too much.
    size = max(rate // 10, 1)
    return found._replace(conduct=Pieces(case.hold, lambda _whole: size, size / rate, first=False))


async def _truncated(case: Case) -> Answer:
    fault: transport.Truncated = case.fault
    found = await case.served()
    return found._replace(conduct=Cut(lambda head, whole: head + (fault.keep or (whole - head) // 2), "close"))


async def _malformed_chunk(case: Case) -> Answer:
    return (await case.served())._replace(conduct=Instead(broken_chunks))


def _garbage(case: Case) -> Answer:
    garbage = case.strike.bytes(case.fault.size)
    return Answer(200, conduct=Instead(lambda _raw: garbage))


ACTS: Mapping[type[Fault], Act] = {
    transport.Silent: _silent,
    transport.Reset: _reset,
    transport.Empty: _empty,
    transport.AnswerLost: _answer_lost,
    transport.Slow: _slow,
    transport.Dribble: _dribble,
    transport.Bandwidth: _bandwidth,
    transport.Truncated: _truncated,
    transport.MalformedChunk: _malformed_chunk,
    transport.Garbage: _garbage,
    **struck_http.ACTS,
    **conditions.ACTS,
    **struck_vault.ACTS,
}
