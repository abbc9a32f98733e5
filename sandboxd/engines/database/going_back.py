"""Bringing a real database to where an earlier state of the sandbox takes it to be.

Users that were lent since are dropped by the end of their leases. What is left are passwords that were rotated since:
those of static roles, and that of the connection itself, which goes last because the others are set with it.
"""

from sandboxd.engines.database import connections
from sandboxd.engines.database.connections import Connection
from sandboxd.engines.database.plugin import PASSWORD, UpdateUser
from sandboxd.engines.database.static import StaticRole
from sandboxd.vault.framework.backend import Call, Past


async def going_back(call: Call, then: Past) -> None:
    """Set the passwords that were set then. Raises Failure for the first that the database refuses."""
    for name in then.list("static-role/"):
        was = then.get(f"static-role/{name}", StaticRole)
        now = call.storage.get(f"static-role/{name}", StaticRole)
        if was is None or was.credential_type != PASSWORD or not was.password:
            continue
        if now is None or now.password != was.password:
            await _set(call, was.db_name, was.username, was.password, was.rotation_statements)
    for name in then.list("config/"):
        before = then.get(f"config/{name}", Connection)
        after = call.storage.get(f"config/{name}", Connection)
        if before is None or after is None:
            continue
        old, new = before.given, after.given
        if old.get("username") == new.get("username") and old.get("password") not in ("", None, new.get("password")):
            await _set(call, name, str(old["username"]), str(old["password"]), after.root_rotation_statements)


async def _set(call: Call, connection: str, username: str, password: str, statements: tuple[str, ...]) -> None:
    if call.storage.get(f"config/{connection}") is None:
        return
    change = UpdateUser(username=username, password=password, statements=statements)
    async with connections.database(call, connection) as plugin:
        await plugin.update_user(change)
