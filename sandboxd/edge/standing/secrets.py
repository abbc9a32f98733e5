"""What the secrets of key/value engines say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from sandboxd.edge.standing.model import Standing, State, shown
from sandboxd.insight import insight
from sandboxd.rotation import kept
from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.durations import parse_moment, parse_seconds, rfc3339
from sandboxd.vault.ledger import Holder

if TYPE_CHECKING:
    from sandboxd.fixtures import Declared
    from sandboxd.insight import Held
    from sandboxd.vault.world import World


def of_held(world: World, held: Held, declared: Declared | None) -> Standing:
    """What a secret says of a value that it holds. `declared`: where the fixture has that value."""
    same = declared is not None and (declared.namespace, declared.path) == (held.namespace, held.name)
    owner = held.metadata.get("owner") or (declared.owner if declared is not None and same else "")
    end = held.metadata.get("expires") or (declared.expires if declared is not None and same else "")
    expires = _end(world, held, end)
    state: State = "current"
    ended = ""
    if held.gone:
        state, ended = "revoked", held.deleted
    elif not held.current:
        state, ended = "superseded", held.replaced
    elif expires and expires <= world.clock.now_ns():
        state, ended = "expired", rfc3339(expires)
    readers = insight(world).readers.of(held.namespace, held.path)
    return Standing(
        state=state,
        source="secret",
        path=held.path,
        namespace=held.namespace,
        field=held.field,
        version=held.version,
        owner=owner,
        users=held.users,
        holders=tuple(
            Holder(accessor=each.accessor, display_name=each.display_name, entity_id=each.entity_id, at=each.at)
            for each in readers
            if each.version == held.version
        ),
        issued_at=held.created,
        expires_at=shown(expires),
        ended_at=ended,
    )


def _end(world: World, held: Held, text: str) -> int:
    """When a secret's declared end is, in nanoseconds since 1970; 0 for never, and for what says nothing of the kind.

    Fixtures keep it in the metadata as a date, a moment, or how long the secret lasts.
    """
    if text.isdecimal():
        return 0
    try:
        if text[4:5] == "-":
            return parse_moment(text if "T" in text else f"{text}T00:00:00Z")
        lasts = parse_seconds(text) if text else 0
    except ValueError:
        return 0
    if not lasts:
        return 0
    for each in kept(world):
        if (each.plan.namespace, each.plan.path) == (held.namespace, held.name):
            return each.expires
    return parse_moment(held.created) + lasts * NANOSECONDS if held.created else 0


def joined(secret: Standing, lent: Standing) -> Standing:
    """What a secret says of a value, with what the ledger knows of its end: that it was replaced, and its grace."""
    if secret.state != "superseded" or lent.state not in ("grace", "superseded"):
        return secret
    return msgspec.structs.replace(secret, state=lent.state, ended_at=lent.ended_at, grace_until=lent.grace_until)
