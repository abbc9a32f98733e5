"""What auth methods say of what one logs in with, and the fixture of what nobody else may know any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sandboxd.edge.standing.model import Source, Standing, State, shown
from sandboxd.insight import insight

if TYPE_CHECKING:
    from sandboxd.fixtures import Declared
    from sandboxd.vault.mounts import Mounted
    from sandboxd.vault.world import World


def of_secret_ids(world: World, value: str) -> Iterator[Standing]:
    """The secret IDs that a value is: they are kept as digests, with a key for each role."""
    methods = [each for namespace in world.namespaces for each in world.mounts.list(namespace, "auth")]
    methods = [each for each in methods if each.entry.type == "approle"]
    if not methods:
        return
    from sandboxd.auth.approle.roles import MAX_HMAC_INPUT, Role
    from sandboxd.auth.approle.secret_ids import Secret, digest, key

    if len(value.encode("utf-8", "surrogatepass")) > MAX_HMAC_INPUT:
        return
    now = world.clock.now_ns()
    for mounted in methods:
        for name in mounted.view.list("role/"):
            role = mounted.view.get(f"role/{name}", Role)
            secret = None if role is None else mounted.view.get(key(role, digest(role, value)), Secret)
            if secret is not None:
                yield Standing(
                    state="expired" if secret.expired(now) else "current",
                    source="secret_id",
                    path=f"{mounted.mount.path}role/{name}/secret-id",
                    namespace=mounted.namespace.path,
                    field="secret_id",
                    owner=secret.metadata.get("owner", ""),
                    issued_at=shown(secret.creation_time),
                    expires_at=shown(secret.expiration_time),
                    ended_at=shown(secret.expiration_time) if secret.expired(now) else "",
                )


def of_declared(world: World, value: str, declared: Declared) -> Standing:
    """What the fixture says of a value: it is a user's password or a role ID, or was something that is no more."""
    where = world.namespaces.at(declared.namespace)
    found = None if where is None else world.mounts.find(where, declared.path)
    state: State = "revoked"
    path = declared.path
    users: tuple[str, ...] = ()
    source: Source = "fixture"
    if where is not None and found is not None:
        mounted, below = found
        if mounted.entry.type == "userpass":
            state, users, source = _user(mounted, below, value), (below.rpartition("/")[2],), "user"
        elif mounted.entry.type == "approle":
            state = _role_id(mounted, below, value) if declared.field == "role_id" else "revoked"
        elif mounted.entry.table == "mounts":
            path = insight(world).values.as_read(where, declared.path)
            state = "superseded" if insight(world).values.there(where, path) else "revoked"
    return Standing(
        state=state,
        source=source,
        path=path,
        namespace=declared.namespace,
        field=declared.field,
        version=declared.version,
        owner=declared.owner,
        users=users,
    )


def _user(mounted: Mounted, path: str, password: str) -> State:
    from sandboxd.auth.userpass import User, matches

    user = mounted.view.get(f"user/{path.removeprefix('users/').lower()}", User)
    return "revoked" if user is None else "current" if matches(user, password) else "superseded"


def _role_id(mounted: Mounted, path: str, role_id: str) -> State:
    from sandboxd.auth.approle.roles import Role

    role = mounted.view.get(path.lower(), Role)
    return "revoked" if role is None else "current" if role.role_id == role_id else "superseded"
