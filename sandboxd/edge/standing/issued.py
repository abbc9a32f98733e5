"""What the ledger and the token store say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandboxd.edge.standing.model import Standing, State, shown
from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.errors import VaultError
from sandboxd.vault.ledger import Holder, Issued
from sandboxd.vault.tokens import MalformedToken, Token
from sandboxd.vault.wrapping import POLICY as WRAPPING

if TYPE_CHECKING:
    from sandboxd.vault.world import World


def of_issued(world: World, issued: Issued) -> Standing:
    """What the ledger says of a credential."""
    state: State = issued.end or "current"
    expires = 0
    if issued.end:
        state = "grace" if issued.valid(world.clock.now_ns()) else issued.end
    elif issued.lease_id:
        lease = world.leases.get(issued.lease_id)
        expires = 0 if lease is None else lease.expire_time
    else:
        where = world.namespaces.at(issued.namespace)
        if where is None or world.mounts.find(where, issued.path) is None:
            state = "revoked"  # its engine is gone
    return Standing(
        state=state,
        source="ledger",
        path=issued.path,
        namespace=issued.namespace,
        field=issued.field,
        users=(issued.username,) if issued.username else (),
        holders=issued.holders,
        lease_id=issued.lease_id,
        issued_at=shown(issued.issued_at),
        expires_at=shown(expires),
        ended_at=shown(issued.ended_at),
        grace_until=shown(issued.grace_until),
    )


def of_token(world: World, value: str) -> Standing | None:
    """What the token store says, of a wrapping token in its long form too."""
    if value.count(".") == 2:
        from sandboxd.vault import wrapping_jwt

        try:
            value = wrapping_jwt.read(world, value) if wrapping_jwt.looks_like_one(value) else value
        except VaultError:
            return None
    try:
        token = world.tokens.lookup(value)
    except MalformedToken:
        return None
    return None if token is None else _live(world, token)


def _live(world: World, token: Token) -> Standing:
    lease = world.leases.of_token(token) if token.type == "service" else None
    now = world.clock.now()
    ends = (token.creation_time + token.ttl) * NANOSECONDS if token.type == "batch" else 0
    expires = lease.expire_time if lease is not None else ends
    entity = world.identity.entity(token.entity_id) if token.entity_id else None
    state: State = "current"
    if ends and now > token.creation_time + token.ttl:
        state = "expired"
    elif world.tokens.live(token.id, now) is None or (token.entity_id and (entity is None or entity.disabled)):
        state = "revoked"
    namespace = world.namespaces.get(token.namespace_id)
    return Standing(
        state=state,
        source="token",
        path=token.path,
        namespace="" if namespace is None else namespace.path,
        field="wrapping_token" if token.policies == (WRAPPING,) else "token",
        owner=(token.meta or {}).get("owner", ""),
        holders=(
            Holder(
                accessor=token.accessor,
                display_name=token.display_name,
                entity_id=token.entity_id,
                at=token.creation_time * NANOSECONDS,
            ),
        ),
        lease_id="" if lease is None else lease.id,
        issued_at=shown(token.creation_time * NANOSECONDS),
        expires_at=shown(expires),
        ended_at=shown(ends) if state == "expired" else "",
    )
