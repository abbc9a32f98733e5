"""Asking all parts of a world about a value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sandboxd.edge.standing.issued import of_issued, of_token
from sandboxd.edge.standing.logins import of_declared, of_secret_ids
from sandboxd.edge.standing.model import RANKS, UNKNOWN, Scope, Standing
from sandboxd.edge.standing.secrets import joined, of_held
from sandboxd.insight import insight

if TYPE_CHECKING:
    from sandboxd.fixtures import Plan
    from sandboxd.insight import Held
    from sandboxd.vault.world import World


def standing(world: World, plan: Plan | None, value: str, scope: Scope | None = None) -> Standing:
    """Where a value stands now. All that is due must have been done: `world.timeline.catch_up()`."""
    best = UNKNOWN
    for found in _all(world, plan, value, scope or Scope()):
        if best is UNKNOWN or RANKS.get(found.state, 2) < RANKS.get(best.state, 2):
            best = found
        if best.state == "current":
            break
    return best


def scoped(world: World, path: str, field: str = "", namespace: str = "") -> Scope | None:
    """A scope as people write it: with a namespace before the path or apart, a secret's path with `data/` or without.

    None when there is no such namespace.
    """
    if not path:
        return Scope(field=field)
    found = world.namespaces.resolve(namespace, path.strip("/"))
    if found is None:
        return None
    where, below = found
    return Scope(path=insight(world).values.as_read(where, below), namespace=where.path, field=field)


def _all(world: World, plan: Plan | None, value: str, scope: Scope) -> Iterator[Standing]:
    """What is said of a value within a scope, the most telling first."""
    declared = None if plan is None else plan.whose(value)
    issued = world.ledger.find(value)
    token = of_token(world, value)
    if token is not None and scope.holds(token):
        yield token
    lent = None if issued is None else of_issued(world, issued)
    for held in _held(world, value, scope):
        found = of_held(world, held, declared)
        if lent is not None and (lent.path, lent.namespace) == (found.path, found.namespace):
            found, lent = joined(found, lent), None
        if scope.holds(found):
            yield found
    if lent is not None and scope.holds(lent):
        yield lent
    for found in of_secret_ids(world, value):
        if scope.holds(found):
            yield found
    if declared is not None:
        found = of_declared(world, value, declared)
        if scope.holds(found):
            yield found


def _held(world: World, value: str, scope: Scope) -> Iterator[Held]:
    values = insight(world).values
    if not scope.path:
        return values.find(value)
    where = world.namespaces.at(scope.namespace)
    return iter(()) if where is None else values.at(where, scope.path, value)
