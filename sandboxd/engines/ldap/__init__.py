"""The LDAP secrets engine: entries of a directory whose passwords rotate, that are made for a lease, or lent.

A **static role** is an entry whose password the engine rotates on a schedule. A **dynamic role** makes an entry for
each lease, from LDIF, and removes it with the lease. A **library set** lends accounts, one borrower at a time.

The directory is simulated: whatever is configured is there and does what it is told. Vault's own; OpenBao has the
engine as a plugin to install. Source: Vault's openldap plugin and its documentation, as for all that this package does.
"""

from sandboxd.engines.ldap import config, dynamic, library, static
from sandboxd.vault.framework.backend import Call, Engine, Rotates


def on_timer(call: Call, name: str) -> None:
    """Rotate what a timer is named after."""
    if name == config.PLACE:
        config.rotate_on_schedule(call)
    else:
        static.rotate_on_schedule(call, name.removeprefix(static.PREFIX))


ENGINE = Engine(
    type="ldap",
    help="Manage the passwords of directory entries: rotate them, make entries for a lease, lend accounts.",
    paths=(*config.PATHS, *dynamic.PATHS, *static.PATHS, *library.LIBRARY.paths()),
    secrets=(dynamic.CREDENTIALS, library.LIBRARY.secret()),
    on_timer=on_timer,
    rotates=(
        Rotates("static-role/{name}", "rotate-role/{name}", read="static-cred/{name}"),
        Rotates(config.PLACE, "rotate-root"),
    ),
)
