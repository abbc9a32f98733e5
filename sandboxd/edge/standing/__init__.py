"""Where a credential stands: whether it is valid now, where it is from, and what became of it.

A **standing** is what one part of the world says of a value: a secret that holds it, the ledger of what was handed out,
the token store, the secret IDs of AppRole, or the fixture. A value can have several; the best one counts, so that what
is valid somewhere is valid. Moments are RFC 3339, empty for none.
"""

from sandboxd.edge.standing.finding import scoped, standing
from sandboxd.edge.standing.model import VALID, Scope, Source, Standing, State

__all__ = ["VALID", "Scope", "Source", "Standing", "State", "scoped", "standing"]
