"""Whose a value is and whether it is valid now, as `sandboxd verify` and the control API tell it.

`POST /_sandboxd/v1/verify` with `{"value": "…"}` answers a `Verdict` as JSON; the value itself is never in it:

    {
      "ours": true,                  sandboxd made it, or this sandbox knows it
      "valid": true,                 it may be used now: its state is "current" or "grace"
      "state": "grace",              current, grace, expired, revoked, superseded, unknown; unchecked without a sandbox
      "reason": "It was replaced …", the same in a sentence
      "source": "secret",            secret, ledger, token, secret_id, user, fixture; empty when the state is unknown
      "path": "secret/data/shop",    where it was read; of a token, what made it
      "namespace": "", "field": "api_key", "version": 3, "owner": "payments", "lease_id": "",
      "issued_at": "2026-…Z", "expires_at": "", "ended_at": "2026-…Z", "grace_until": "2026-…Z",
      "obtained_by": [               the tokens that it was given to, the latest last
        {"accessor": "…", "display_name": "approle", "entity_id": "…", "metadata": {"role_name": "shop"},
         "version": 2, "at": "2026-…Z"}],
      "readers": [],                 who read that path last, in whichever version
      "status": "sandboxd-made",     by its mark and form alone, as without a sandbox
      "kind": "stripe.secret_key", "title": "Stripe secret key", "claim": "…", "structure": "…",
      "declared": null               where the fixture declares it
    }
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from sandboxd.edge.standing.model import UNCHECKED, Source, Standing, State, shown

if TYPE_CHECKING:
    from sandboxd.fixtures import Declared, Plan
    from sandboxd.insight import Reader
    from sandboxd.vault.ledger import Holder
    from sandboxd.vault.world import World


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A token that was given something."""

    accessor: str
    display_name: str
    entity_id: str
    metadata: Mapping[str, str] = {}
    version: int = 0
    at: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a value; never the value itself. The module tells what each field means."""

    ours: bool
    valid: bool
    state: State
    reason: str
    source: Source
    path: str
    namespace: str
    field: str
    version: int
    owner: str
    lease_id: str
    issued_at: str
    expires_at: str
    ended_at: str
    grace_until: str
    obtained_by: tuple[Person, ...]
    readers: tuple[Person, ...]
    status: str
    kind: str | None
    title: str | None
    claim: str
    structure: str
    declared: Declared | None = None


async def verify(world: World, plan: Plan | None, value: str) -> Verdict:
    """Tell whose a value is, and where it stands now in a world that was filled from a plan."""
    from sandboxd.edge.standing import standing
    from sandboxd.insight import insight

    await settle(world)
    found = standing(world, plan, value)
    readers = insight(world).readers.of(found.namespace, found.path) if found.path else ()
    return judge(value, None if plan is None else plan.whose(value), found, readers)


async def settle(world: World) -> None:
    """Have all done that is due, so that what expired is known to have."""
    if not world.seal.sealed:
        await world.timeline.catch_up()
        world.commit()


def judge(
    value: str, declared: Declared | None = None, found: Standing = UNCHECKED, readers: Iterable[Reader] = ()
) -> Verdict:
    """Tell whose a value is, from the value alone and what is known of it.

    Args:
        declared: where the running fixture declares it.
        found: where it stands in the sandbox.
        readers: who read the path that it is from.
    """
    from sandboxd.fakes import verify as recognise

    seen = recognise(value)
    title = None if seen.kind is None else seen.kind.title
    everyone = tuple(readers)
    people = {_who(each): each.metadata for each in everyone}
    return Verdict(
        ours=seen.made_here or declared is not None or found.known,
        valid=found.valid,
        state=found.state,
        reason=reason(found, title if seen.made_here else None),
        source=found.source,
        path=found.path,
        namespace=found.namespace,
        field=found.field,
        version=found.version,
        owner=found.owner,
        lease_id=found.lease_id,
        issued_at=found.issued_at,
        expires_at=found.expires_at,
        ended_at=found.ended_at,
        grace_until=found.grace_until,
        obtained_by=tuple(_person(each, found.version, people.get(_who(each), {})) for each in found.holders),
        readers=tuple(_person(each, each.version, each.metadata) for each in everyone),
        status=seen.status.value,
        kind=None if seen.kind is None else seen.kind.name,
        title=title,
        claim=seen.claim,
        structure=seen.structure,
        declared=declared,
    )


def reason(found: Standing, made_as: str | None = None) -> str:
    """A sentence on why a value is valid or not. `made_as`: the kind of fake that it is by its mark."""
    at = f" at {found.ended_at}" if found.ended_at else ""
    if found.state == "current":
        return f"It is valid until {found.expires_at}." if found.expires_at else "It is valid."
    if found.state == "grace":
        return f"It was replaced{at}, and is valid until {found.grace_until}."
    if found.state == "superseded":
        over = f"; its grace ended at {found.grace_until}" if found.grace_until else ""
        return f"It was replaced{at}{over}."
    if found.state in ("expired", "revoked"):
        return f"It {'expired' if found.state == 'expired' else 'was revoked'}{at}."
    if found.state == "unchecked":
        return "No sandbox was asked whether it is valid now."
    if made_as is not None:
        return f"It was never issued here, though it was made by sandboxd ({made_as})."
    return "It was never issued here."


def _person(found: Holder | Reader, version: int, metadata: Mapping[str, str]) -> Person:
    return Person(
        accessor=found.accessor,
        display_name=found.display_name,
        entity_id=found.entity_id,
        metadata=metadata,
        version=version,
        at=shown(found.at),
    )


def _who(found: Holder | Reader) -> tuple[str, str, str]:
    return found.accessor, found.display_name, found.entity_id
