"""Connections to PostgreSQL: asyncpg does the talking, pgx lends the words.

pgx tries every address of every host with every kind of encryption that its `sslmode` allows, and says how each of
these attempts went. Its version 4, which Vault has, tells of the last one only, and in another form.

Source: pgx 5.10 and 4.18, pgconn; the words were captured from OpenBao.
"""

import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol

from sandboxd.engines.database.drivers.dialing import (
    CONNECT_LIMIT,
    DEADLINE,
    addresses,
    dial_text,
    driver,
    joined,
    tls_text,
)
from sandboxd.engines.database.drivers.postgres_url import Place, Settings
from sandboxd.engines.database.plugin import PluginError
from sandboxd.vault.framework.loopback import check_loopback

TIMED_OUT = f"timeout: {DEADLINE}"
LOST = "unexpected EOF"

_WRONG_PASSWORD = "28P01"
_FINAL = (_WRONG_PASSWORD, "3D000", "42501")  # no other address would do better
_READ_ONLY = "show transaction_read_only"
_RECOVERY = "select pg_is_in_recovery()"
_WANTED: dict[str, tuple[str, object, str]] = {
    "read-write": (_READ_ONLY, "off", "read only connection"),
    "read-only": (_READ_ONLY, "on", "connection is not read only"),
    "primary": (_RECOVERY, False, "server is in standby mode"),
    "standby": (_RECOVERY, True, "server is not in hot standby mode"),
    "prefer-standby": (_RECOVERY, True, "standby server not found: server is not in hot standby mode"),
}
"""What a wanted kind of session is asked, what it has to answer, and what pgx says when it does not."""


class Connection(Protocol):
    """What is used of asyncpg's connections."""

    async def execute(self, query: str) -> str:
        """Run one or more statements."""

    async def fetchval(self, query: str, *args: object) -> Any:
        """The first value that a query gives."""

    async def fetch(self, query: str, *args: object) -> list[Any]:
        """The rows that a query gives."""

    async def close(self, *, timeout: float) -> None:  # noqa: ASYNC109 asyncpg has it so
        """End the connection in good order, within so many seconds."""

    def terminate(self) -> None:
        """Break the connection off."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One attempt to connect: to one address, encrypted or not."""

    place: Place
    address: str  # as asyncpg takes it
    shown: str  # as pgx shows it
    context: ssl.SSLContext | None


@dataclass(frozen=True, kw_only=True)
class Fault:
    """How an attempt failed: at which stage, and why. A `final` one ends the attempts."""

    attempt: Attempt
    stage: str
    text: str
    final: bool = False


def check(settings: Settings, what: str) -> None:
    """Raise Refusal when one of the hosts is elsewhere. `what` names the database in the refusal."""
    for place in settings.places:
        if not place.local:
            check_loopback(place.host, what)


async def connect(settings: Settings, profile: str) -> Connection:
    """Connect to the first place that answers. Raises PluginError with what pgx says of the profile's server."""
    faults: list[Fault] = []
    second_best: Attempt | None = None
    async for attempt in _attempts(settings):
        found = await _try(settings, attempt, session=settings.session)
        if not isinstance(found, Fault):
            return found
        faults.append(found)
        if settings.session == "prefer-standby" and found.stage == "ValidateConnect failed":
            second_best = attempt
        if found.final:
            break
    if second_best is not None:
        found = await _try(settings, second_best, session="any")
        if not isinstance(found, Fault):
            return found
        faults.append(found)
    raise PluginError(_said(settings, faults, profile))


def text_of(error: Exception) -> str:
    """What pgx says of a statement that failed."""
    severity = getattr(error, "severity", None)
    if severity is None:
        return LOST
    return f"{severity}: {getattr(error, 'message', '')} (SQLSTATE {getattr(error, 'sqlstate', '')})"


async def _attempts(settings: Settings) -> AsyncIterator[Attempt]:
    for place in settings.places:
        try:
            found = (place.host,) if place.local else await addresses(place.host)
        except OSError:
            continue  # another place may have an address
        for address in found:
            shown = f"{place.host}/.s.PGSQL.{place.port}" if place.local else joined(address, place.port)
            for context in place.contexts:
                yield Attempt(place=place, address=address, shown=shown, context=context)


async def _try(settings: Settings, attempt: Attempt, *, session: str) -> "Connection | Fault":
    asyncpg = driver("asyncpg", "postgresql")
    try:
        # All that asyncpg would else look for in the environment is given, so that nothing there has a say.
        made: Connection = await asyncpg.connect(
            host=attempt.address,
            port=attempt.place.port,
            user=settings.user,
            password=settings.password,
            database=settings.database or settings.user,
            ssl=attempt.context or False,
            direct_tls=settings.direct_tls,
            target_session_attrs="any",
            server_settings=dict(settings.parameters),
            timeout=min(settings.timeout or CONNECT_LIMIT, CONNECT_LIMIT),
            statement_cache_size=0,
        )
    except TimeoutError:
        return Fault(attempt=attempt, stage="failed to receive message", text=TIMED_OUT)
    except asyncpg.PostgresError as error:
        return _server_fault(attempt, error)
    except ssl.SSLError as error:
        return _tls_fault(attempt, error)
    except OSError as error:
        return _dial_fault(attempt, error)
    except asyncpg.InterfaceError:
        return Fault(attempt=attempt, stage="failed to receive message", text=LOST)
    if session == "any":
        return made
    question, wanted, text = _WANTED[session]
    if await made.fetchval(question) == wanted:
        return made
    made.terminate()
    return Fault(attempt=attempt, stage="ValidateConnect failed", text=text)


def _server_fault(attempt: Attempt, error: Exception) -> Fault:
    text, code = text_of(error), getattr(error, "sqlstate", "")
    if text == LOST:  # asyncpg's own, though it is of the same kind
        return Fault(attempt=attempt, stage="failed to receive message", text=text)
    stage = "failed SASL auth" if code == _WRONG_PASSWORD else "server error"
    return Fault(attempt=attempt, stage=stage, text=text, final=code in _FINAL)


def _tls_fault(attempt: Attempt, error: ssl.SSLError) -> Fault:
    # Go shakes hands when the first message is written.
    text = tls_text(error)
    if attempt.context is not None and not attempt.context.check_hostname:
        text = text.removeprefix("tls: failed to verify certificate: ")  # pgx verifies by itself then
    return Fault(attempt=attempt, stage="failed to write startup message", text=f"write failed: {text}")


def _dial_fault(attempt: Attempt, error: OSError) -> Fault:
    if error.errno is None and "rejected SSL upgrade" in str(error):
        return Fault(attempt=attempt, stage="tls error", text="server refused TLS connection")
    if error.errno is None and attempt.context is not None:
        return Fault(attempt=attempt, stage="tls error", text="EOF")
    if error.errno is None:  # asyncpg's own, when the connection is lost on the way
        return Fault(attempt=attempt, stage="failed to receive message", text=LOST)
    network = "unix" if attempt.place.local else "tcp"
    return Fault(attempt=attempt, stage="dial error", text=dial_text(network, attempt.shown, error))


def _said(settings: Settings, faults: list[Fault], profile: str) -> str:
    first = settings.places[0].host
    unknown = ("hostname resolving error", f"lookup {first}: no such host")
    if profile == "vault":
        stage, text = (faults[-1].stage, faults[-1].text) if faults else unknown
        who = f"`host={first} user={settings.user} database={settings.database}`"
        return f"failed to connect to {who}: {stage} ({text})"
    who = f"failed to connect to `user={settings.user} database={settings.database}`:"
    lines = [f"{at.attempt.shown} ({at.attempt.place.host}): {at.stage}: {at.text}" for at in faults] or [
        ": ".join(unknown)
    ]
    return f"{who} {lines[0]}" if len(lines) == 1 else "\n\t".join([who, *lines])
