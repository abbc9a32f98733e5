"""What a fault that changes the state is aimed at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sandboxd.chaos.facts import entities_of, fits, policies_of, roles_of

if TYPE_CHECKING:
    from sandboxd.chaos.model import Fault
    from sandboxd.vault.mounts import Mounted
    from sandboxd.vault.namespaces import Namespace
    from sandboxd.vault.tokens import Token
    from sandboxd.vault.world import World


def namespaces(world: World, fault: Fault) -> Iterator[Namespace]:
    """The namespaces that a fault is aimed at; all of them where it says nothing."""
    for namespace in world.namespaces:
        name = namespace.path.rstrip("/") or "root"
        if not fault.namespace or fits(fault.namespace, name, path=True):
            yield namespace


def meant(fault: Fault, namespace: Namespace, *paths: str) -> bool:
    """Whether a fault is aimed at one of these paths, which are below a namespace; at all of them without a path."""
    whole = [text for path in paths for text in (path.rstrip("/"), (namespace.path + path).rstrip("/"))]
    if fault.except_ and fits(fault.except_, *whole, path=True):
        return False
    return not fault.path or fits(fault.path, *whole, path=True)


def mounts(world: World, fault: Fault, kind: str = "") -> Iterator[Mounted]:
    """The mounts in the namespaces that a fault is aimed at: those of a type, or of the types that it says."""
    for namespace in namespaces(world, fault):
        for mounted in world.mounts.list(namespace):
            found = mounted.entry.type
            if (not kind or found == kind) and (not fault.mount_type or fits(fault.mount_type, found)):
                yield mounted


def tokens(world: World, fault: Fault) -> list[Token]:
    """The tokens that a fault is aimed at. Root tokens are meant only by their accessor."""
    ids = {namespace.id: namespace for namespace in namespaces(world, fault)}
    return [
        token
        for token in world.tokens.all()
        if token.namespace_id in ids
        and (not token.root or fault.accessor)
        and (not fault.accessor or fits(fault.accessor, token.accessor))
        and (not fault.app or fits(fault.app, token.display_name))
        and (not fault.role or fits(fault.role, *roles_of(token)))
        and (not fault.policy or fits(fault.policy, *policies_of(world, token)))
        and (not fault.entity or fits(fault.entity, *entities_of(world, token)))
        and meant(fault, ids[token.namespace_id], token.path)
    ]
