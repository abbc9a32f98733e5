"""What goes wrong with a request within Vault: one kind of trouble for each kind of fault that is about that.

Texts and statuses are those of the real server, at the place where it would give them: who has no permission is told so
before a database is found to be down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sandboxd.chaos.kinds import vault
from sandboxd.chaos.troubles.logins import LoginsRefused
from sandboxd.chaos.troubles.renewals import RenewalsCapped, RenewalsRefused
from sandboxd.chaos.troubles.storage import AuditBlocked, StorageHangs, StorageSlow, read_only
from sandboxd.chaos.troubles.tokens import Denied, LeaseLimited, TokenRejected
from sandboxd.chaos.troubles.upstream import UpstreamDown
from sandboxd.vault.faults import Trouble

if TYPE_CHECKING:
    from sandboxd.chaos.model import Fault
    from sandboxd.chaos.rules import Strike
    from sandboxd.chaos.run import Chaos

Make = Callable[["Strike", "Chaos"], Trouble]

TROUBLES: Mapping[type[Fault], Make] = {
    vault.ReadOnly: read_only,
    vault.StorageSlow: StorageSlow,
    vault.StorageHangs: StorageHangs,
    vault.AuditBlocked: AuditBlocked,
    vault.LeaseLimited: LeaseLimited,
    vault.Denied: Denied,
    vault.TokenRejected: TokenRejected,
    vault.RenewalsRefused: RenewalsRefused,
    vault.RenewalsCapped: RenewalsCapped,
    vault.LoginsRefused: LoginsRefused,
    vault.UpstreamDown: UpstreamDown,
}


def trouble(strike: Strike, chaos: Chaos) -> Trouble:
    """What a fault does within the way of a request."""
    return TROUBLES[type(strike.fault)](strike, chaos)
