"""The accounts that are lent."""

from sandboxd.engines.ldap.config import generate_password, known, load
from sandboxd.engines.ldap.managed import is_managed, manage, release
from sandboxd.vault.framework.checkouts import Library

LIBRARY = Library(
    lease="checkout-creds",
    folders=True,
    configured=lambda call: load(call) is not None,
    password=lambda call: generate_password(call, known(call), "password"),
    owned=is_managed,
    own=manage,
    disown=release,
    owner="the secrets engine",
    ids="ldap-library",
)
