"""Libraries of service accounts that are lent: one borrower at a time, and a new password after each.

A **set** is a named list of accounts. Whoever **checks out** a set gets an account that is free, with a lease; it is
**checked in** when the lease ends, or before. Only its borrower may do that, unless the set says otherwise, or the path
for managers is used.

Source: the secrets engines of Vault for LDAP and Active Directory, which differ in a few words.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, make_dataclass
from typing import Annotated, Any, TypeVar

import msgspec

from sandboxd.vault.durations import SECOND
from sandboxd.vault.errors import Failure, refuse
from sandboxd.vault.framework.backend import Call, Lease, Path, Response, Result, SecretKind
from sandboxd.vault.framework.fields import LOWER, CommaList, Duration, Lower, NoArgs, param
from sandboxd.vault.framework.lending import (
    CheckOut,
    Password,
    entity_of_caller,
    is_borrower,
    not_found,
    place,
    state_of,
    token_of_caller,
)
from sandboxd.vault.framework.records import update, without
from sandboxd.vault.gotext import quote

DAY = 24 * 60 * 60

SlashedLower = Annotated[str, LOWER._replace(pattern=r"(?:\w(?:[\w\-./]*\w)?)")]
"""A name in lower case that may hold slashes."""

A = TypeVar("A")

FolderLower = Annotated[str, LOWER._replace(pattern=".+")]


@dataclass(frozen=True, kw_only=True)
class LibrarySet:
    """A set, as stored. Times are in seconds."""

    service_account_names: CommaList = param((), "Names of the accounts.")
    ttl: Duration = param(DAY, "How long an account is lent.")
    max_ttl: Duration = param(DAY, "How long it can be lent when the lease is renewed.")
    disable_check_in_enforcement: bool = param(False, "Let anyone check accounts in, not their borrowers alone.")


@dataclass(frozen=True, kw_only=True)
class FolderArgs:
    """Which folder to list."""

    path: FolderLower = param(help="Path of the folder.")


@dataclass(frozen=True, kw_only=True)
class SetArgs(LibrarySet):
    """A set as a client writes it."""

    name: Lower = param(help="Name of the set.")


@dataclass(frozen=True, kw_only=True)
class CheckInArgs:
    """What to check in."""

    name: Lower = param(help="Name of the set.")
    service_account_names: CommaList = param((), "The accounts; not needed where only one is lent.")


@dataclass(frozen=True, kw_only=True)
class CheckOutArgs:
    """For how long to borrow."""

    name: Lower = param(help="Name of the set.")
    ttl: Duration = param(0, "For how long, at most what the set says.")


def _slashed(args: type[A]) -> type[A]:
    """The same arguments, where names may hold slashes."""
    name = ("name", SlashedLower, param(help="Name of the set."))
    return make_dataclass(f"Slashed{args.__name__}", [name], bases=(args,), frozen=True, kw_only=True)


@dataclass(frozen=True, kw_only=True)
class Library:
    """The sets of an engine.

    Args:
        lease: type of the leased secret.
        folders: whether names of sets may hold slashes.
        configured: whether the engine has its configuration, without which sets are neither written nor used; None
            where that only shows when a password is to be made.
        password: makes an account's next password; raises Failure.
        owned: whether an account belongs to the engine already.
        own, disown: note that it does, or no more.
        owner: who owns it then, in refusals.
        ids: what the ids of operations in OpenAPI begin with; empty for those that are made of the paths.
    """

    lease: str
    folders: bool
    configured: Callable[[Call], bool] | None
    password: Callable[[Call], str]
    owned: Callable[[Call, str], bool]
    own: Callable[[Call, str], None]
    disown: Callable[[Call, str], None]
    owner: str
    ids: str = ""

    def secret(self) -> SecretKind[Call]:
        """The kind of secret that an account is."""
        return SecretKind(self.lease, revoke=self._end, renew=self._renew)

    def paths(self) -> tuple[Path[Call, Any], ...]:
        """The paths of the library."""
        wide = _slashed(SetArgs) if self.folders else SetArgs
        narrow = _slashed(CheckInArgs) if self.folders else CheckInArgs
        lent = _slashed(CheckOutArgs) if self.folders else CheckOutArgs
        found: list[Path[Call, Any]] = [
            Path(
                "library/manage/{name}/check-in",
                narrow,
                "Check accounts in for others.",
                write=self._check_in_for,
                operation_ids=self._ids(write="force-check-in"),
            ),
            Path(
                "library/{name}/check-in",
                narrow,
                "Check accounts in.",
                write=self._check_in,
                operation_ids=self._ids(write="check-in"),
            ),
            Path(
                "library/{name}/check-out",
                lent,
                "Borrow an account.",
                write=self._check_out,
                operation_ids=self._ids(write="check-out"),
            ),
            Path(
                "library/{name}/status",
                narrow,
                "See which accounts are lent.",
                only=("name",),
                read=self._status,
                operation_ids=self._ids(read="check-status"),
            ),
            Path(
                "library/{name}",
                wide,
                "Write, read or delete a set of accounts.",
                description="A set is deleted only while none of its accounts is lent.",
                read=self._read,
                write=self._change,
                create=self._create,
                delete=self._delete,
                exists=lambda call, args: self._load(call, args.name) is not None,
                operation_ids=self._ids(read="read", write="configure", delete="delete"),
            ),
            Path(
                "library/?",
                NoArgs,
                "List the sets.",
                list=lambda call, _args: listed(call, "library/"),
                operation_ids=self._ids(list="list"),
            ),
        ]
        if self.folders:
            folder: Path[Call, Any] = Path(
                "library/{path}",
                FolderArgs,
                "List the sets in a folder.",
                list=lambda call, args: listed(call, f"library/{args.path}"),
                operation_ids=self._ids(list="list-library-path"),
            )
            found.append(folder)
        return tuple(found)

    def _ids(self, **verbs: str) -> dict[str, str]:
        return {operation: f"{self.ids}-{verb}" for operation, verb in verbs.items()} if self.ids else {}

    # Sets

    def _load(self, call: Call, name: str) -> LibrarySet | None:
        return call.storage.get(f"library/{name}", LibrarySet)

    def _known(self, call: Call, name: str) -> LibrarySet:
        return self._load(call, name) or refuse(f"{quote(name)} doesn't exist")

    def _read(self, call: Call, args: SetArgs) -> Result:
        found = self._load(call, args.name)
        return None if found is None else without(found)

    def _create(self, call: Call, args: SetArgs) -> None:
        self._need_config(call, "config must exist to create a library")
        accounts = args.service_account_names
        if not accounts:
            refuse('"service_account_names" must be provided')
        self._check_free(call, accounts)
        made = LibrarySet(
            service_account_names=accounts,
            ttl=args.ttl,
            max_ttl=args.max_ttl,
            disable_check_in_enforcement=args.disable_check_in_enforcement,
        )
        _check(made)
        for account in accounts:
            self.check_in(call, account)
            self.own(call, account)
        call.storage.put(f"library/{args.name}", made)

    def _change(self, call: Call, args: SetArgs) -> None:
        self._need_config(call, "config must exist to update a library")
        old = self._known(call, args.name)
        new = update(old, args, call.given)
        added = _difference(new.service_account_names, old.service_account_names)
        self._check_free(call, added)
        removed = _difference(old.service_account_names, new.service_account_names)
        self._check_in_already(call, removed)
        _check(new)
        for account in added:
            self.check_in(call, account)
            self.own(call, account)
        self._forget(call, removed)
        call.storage.put(f"library/{args.name}", new)

    def _delete(self, call: Call, args: SetArgs) -> None:
        found = self._load(call, args.name)
        if found is not None:
            self._check_in_already(call, found.service_account_names)
            self._forget(call, found.service_account_names)
            call.storage.delete(f"library/{args.name}")

    def _need_config(self, call: Call, text: str) -> None:
        if self.configured is not None and not self.configured(call):
            refuse(text)

    def _check_free(self, call: Call, accounts: Iterable[str]) -> None:
        for account in accounts:
            if self.owned(call, account):
                refuse(f"{quote(account)} is already managed by {self.owner}")

    def _check_in_already(self, call: Call, accounts: Iterable[str]) -> None:
        for account in accounts:
            found = call.storage.get(place("checkout", account), CheckOut)
            if found is not None and not found.available:
                # The last quote is the real server's.
                refuse(f"\"{account}\" can't be deleted because it is currently checked out'")

    def _forget(self, call: Call, accounts: Iterable[str]) -> None:
        for account in accounts:
            call.storage.delete(place("password", account))
            call.storage.delete(place("checkout", account))
            self.disown(call, account)

    # Lending

    def check_in(self, call: Call, account: str, *, ended: str = "") -> None:
        """Give an account a new password, and let it be borrowed.

        Raises Failure without configuration. `ended` is a password that ends with its lease, and needs no word of it.
        """
        new = self.password(call)
        old = call.storage.get(place("password", account), Password)
        if old is not None and old.value != ended:
            call.superseded(old.value)
        call.storage.put(place("password", account), Password(new))
        call.storage.put(place("checkout", account), CheckOut())

    def _check_out(self, call: Call, args: CheckOutArgs) -> Result:
        lent = self._known(call, args.name)
        ttl = lent.ttl
        if "ttl" in call.given and (args.ttl < ttl if ttl > 0 else args.ttl > 0):
            ttl = args.ttl
        free = (account for account in lent.service_account_names if state_of(call, account).available)
        account = next(free, None) or refuse("No service accounts available for check-out.")
        borrowed = CheckOut(available=False, entity_id=entity_of_caller(call), token=token_of_caller(call))
        call.storage.put(place("checkout", account), borrowed)
        password = call.storage.get(place("password", account), Password) or not_found()
        return Response(
            data={"service_account_name": account, "password": password.value},
            credentials=("password",),
            lease=Lease(
                kind=self.lease,
                ttl=ttl,
                max_ttl=lent.max_ttl,
                internal={"service_account_name": account, "set_name": args.name, "password": password.value},
            ),
        )

    def _check_in(self, call: Call, args: CheckInArgs) -> Result:
        return self._checked_in(call, args, anyone=False)

    def _check_in_for(self, call: Call, args: CheckInArgs) -> Result:
        return self._checked_in(call, args, anyone=True)

    def _checked_in(self, call: Call, args: CheckInArgs, *, anyone: bool) -> Result:
        if self.configured is not None and not self.configured(call):
            raise Failure("missing LDAP configuration")
        lent = self._known(call, args.name)
        anyone = anyone or lent.disable_check_in_enforcement
        if args.service_account_names:
            accounts = []
            for account in args.service_account_names:
                state = state_of(call, account)
                if not state.available:
                    if not anyone and not is_borrower(call, state):
                        refuse(f"{quote(account)} can't be checked in because it wasn't checked out by the caller")
                    accounts.append(account)
        else:
            states = {account: state_of(call, account) for account in lent.service_account_names}
            accounts = [
                account
                for account, state in states.items()
                if not state.available and (anyone or is_borrower(call, state))
            ]
            if len(accounts) > 1:
                refuse(
                    'when multiple service accounts are checked out, the "service_account_names" to check in must be '
                    "provided"
                )
        for account in accounts:
            self.check_in(call, account)
        return {"check_ins": accounts}

    def _status(self, call: Call, args: CheckInArgs) -> Result:
        shown: dict[str, Any] = {}
        for account in self._known(call, args.name).service_account_names:
            state = state_of(call, account)
            shown[account] = {"available": state.available}
            if state.token:
                shown[account]["borrower_client_token"] = state.token
            if state.entity_id:
                shown[account]["borrower_entity_id"] = state.entity_id
        return shown

    def _renew(self, call: Call, lease: Lease) -> Lease:
        lent = self._known(call, lease.internal["set_name"])
        account = lease.internal["service_account_name"]
        if state_of(call, account).available:
            refuse(f"{account} is already checked in, please call check-out to regain it")
        return msgspec.structs.replace(lease, ttl=lent.ttl, max_ttl=lent.max_ttl)

    def _end(self, call: Call, lease: Lease) -> None:
        # The account may be another's by now, who loses it too, as in the real server.
        self.check_in(call, lease.internal["service_account_name"], ended=lease.internal["password"])


def _check(checked: LibrarySet) -> None:
    if not checked.service_account_names:
        refuse("at least one service account must be configured")
    if "" in checked.service_account_names:
        refuse("service account name must not be empty")
    if 0 < checked.max_ttl < checked.ttl:
        # The real server calls nanoseconds seconds.
        longest, wanted = checked.max_ttl * SECOND, checked.ttl * SECOND
        refuse(f"max_ttl ({longest} seconds) may not be less than ttl ({wanted} seconds)")


def _difference(names: Iterable[str], others: Iterable[str]) -> list[str]:
    """The names that are not among others, in lower case, as the real server compares them."""
    return sorted({name.strip().lower() for name in names} - {name.strip().lower() for name in others} - {""})


def listed(call: Call, folder: str) -> Result:
    """The names in a folder, which ends in a slash."""
    names = call.storage.list(folder)
    return {"keys": names} if names else {}
