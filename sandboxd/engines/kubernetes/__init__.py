"""The Kubernetes secrets engine: service account tokens, and the service accounts and role bindings for them.

A **role** says for which Kubernetes namespaces tokens may be had, and for whom: an existing service account, or one
that is made for the lease, bound to an existing role or to one made from rules. The **cluster** behind it is simulated,
or the API of a real one on this machine (`live`). A simulated cluster makes whatever it is asked for; its tokens are
signed, and verify against the key set that it publishes (`tokens.documents`).

The engine runs in no pod: what the real server finds in a pod's environment and files is not there.

Source: OpenBao's kubernetes secrets engine, as for all that this package does.
"""

from sandboxd.engines.kubernetes.config import PATHS as CONFIG
from sandboxd.engines.kubernetes.credentials import PATHS as CREDENTIALS
from sandboxd.engines.kubernetes.credentials import TOKEN, roll_back
from sandboxd.engines.kubernetes.roles import PATHS as ROLES
from sandboxd.engines.kubernetes.tokens import documents, issuer_at
from sandboxd.vault.framework.backend import Engine

__all__ = ["ENGINE", "documents", "issuer_at"]

ENGINE = Engine(
    type="kubernetes",
    help="Hand out tokens of Kubernetes service accounts, with roles and role bindings made for them.",
    paths=(*CONFIG, *CREDENTIALS, *ROLES),
    secrets=(TOKEN,),
    on_timer=roll_back,
)
