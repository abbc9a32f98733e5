"""The AppRole auth method: an app logs in as a role, with the role's ID and a secret ID.

A **role** says what tokens it gives, and has a **role ID**, which is no secret and finds it at login. A **secret ID**
is made for a role, with limits of its own; it is kept as a keyed digest only. Its **accessor** names it where the
secret ID itself must not be seen.
"""

from sandboxd.auth.approle.fields import PATHS as FIELD_PATHS
from sandboxd.auth.approle.login import LOGIN, alias_of, renew, role_of
from sandboxd.auth.approle.roles import PATHS as ROLE_PATHS
from sandboxd.auth.approle.secret_ids import PATHS as SECRET_ID_PATHS
from sandboxd.vault.framework.backend import AuthMethod

METHOD = AuthMethod(
    type="approle",
    help="Log in as a role, with its role ID and a secret ID that was made for it.",
    paths=(*ROLE_PATHS, *FIELD_PATHS, *SECRET_ID_PATHS, LOGIN),
    renew=renew,
    lockout=True,
    alias_of=alias_of,
    role_of=role_of,
)
