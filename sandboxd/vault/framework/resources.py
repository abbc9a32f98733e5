"""The shape that most dynamic engines share, declared rather than written out.

A **single** is one record at a path of its own: how to reach the provider, how long leases last. A **collection** is
records by name: roles. Both are frozen dataclasses of `param` fields, decoded, stored and shown as they are, less what
is hidden; a `check` says what makes no sense, or rounds a record off, and `show` what a client gets to see. A
**simulated secret** is a leased credential of a provider that is not there: nothing to revoke, and lengths to renew by.

    ACCESS = Single("config/access", Access, "Say how to reach Nomad.", hidden=("token",))
    ROLES = Collection("role", Role, "Manage roles.", check=check)
    ENGINE = Engine(..., paths=(*ACCESS.paths(), *ROLES.paths(), ...), secrets=(simulated("token", lengths),))
"""

from collections.abc import Callable
from dataclasses import dataclass, field, make_dataclass
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from sandboxd.vault.framework.backend import Call, Lease, Path, Response, Result, SecretKind
from sandboxd.vault.framework.fields import Duration, Name, NoArgs, param
from sandboxd.vault.framework.records import only, page, sent, update, without

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class PageArgs:
    """Which part of a list."""

    after: str = param("", "Begin after this name, which need not be there.", place="query")
    limit: int = param(0, "How many names at most; 0 for all.", place="query")


@dataclass(frozen=True, kw_only=True)
class LeaseConfig:
    """How long leases last, in seconds; 0 for what the mount says."""

    ttl: Duration = param(0, "How long a credential lasts at first.", shown_default=True)
    max_ttl: Duration = param(0, "How long it lasts when its lease is renewed.", shown_default=True)


def kept(_call: Call, record: R) -> R:
    """The check that finds nothing."""
    return record


@dataclass(frozen=True)
class Single(Generic[R]):
    """One record at a path.

    Args:
        template: its path, which is also where it is stored.
        record: what it is made of.
        help: one line for path-help and OpenAPI.
        hidden: the fields that are not shown.
        merges: whether a write leaves the fields alone that it doesn't name.
        check: raises what refuses a record, or gives it as it is to be stored; it has what is stored already to merge
            with behind it.
        missing: raises what a read says when nothing is stored; by default there is nothing to be found (404).
        deletes: whether it can be deleted.
        exists: whether the policies tell a first write (`create`) from the others.
        operation_ids: see `Path`.
    """

    template: str
    record: type[R]
    help: str
    hidden: tuple[str, ...] = ()
    merges: bool = True
    check: Callable[[Call, R], R] = kept
    missing: Callable[[], Result] | None = None
    deletes: bool = True
    exists: bool = False
    operation_ids: dict[str, str] = field(default_factory=dict)

    def load(self, call: Call) -> R | None:
        """The record, or None."""
        return call.storage.get(self.template, self.record)

    def store(self, call: Call, record: R) -> None:
        """Put a record there."""
        call.storage.put(self.template, record)

    def paths(self) -> tuple[Path[Any, Any], ...]:
        """The path that serves it."""
        return (
            Path(
                self.template,
                self.record,
                self.help,
                read=self._read,
                write=self._write,
                delete=self._delete if self.deletes else None,
                exists=self._exists if self.exists else None,
                operation_ids=self.operation_ids,
            ),
        )

    def _exists(self, call: Call, _args: R) -> bool:
        return self.load(call) is not None

    def _read(self, call: Call, _args: R) -> Result:
        record = self.load(call)
        if record is None:
            return None if self.missing is None else self.missing()
        return without(record, *self.hidden)

    def _write(self, call: Call, args: R) -> None:
        before = self.load(call) if self.merges else None
        self.store(call, self.check(call, args if before is None else update(before, args, sent(call, self.record))))

    def _delete(self, call: Call, _args: R) -> None:
        call.storage.delete(self.template)


class Named(NamedTuple, Generic[R]):
    """A record of a collection, and its name."""

    name: str
    record: R


@dataclass(frozen=True)
class Collection(Generic[R]):
    """Records by name.

    Args:
        folder: where they are, as path and in the storage ("roles").
        record: what one is made of.
        help: one line for path-help and OpenAPI.
        name_kind: the kind of field that the name is (`Name`, `Lower`).
        merges: whether a write leaves the fields alone that it doesn't name.
        check: raises what refuses a record, or gives it as it is to be stored.
        show: what a read gives; by default all of its fields.
        answers: whether a write is answered with an empty object rather than with nothing.
        paged: whether lists can be taken in parts, as OpenBao's can.
        exists: whether the policies tell a first write (`create`) from the others.
        operation_ids, list_ids: see `Path`.
    """

    folder: str
    record: type[R]
    help: str
    name_kind: Any = Name
    merges: bool = True
    check: Callable[[Call, Named[R]], R] = lambda _call, named: named.record
    show: Callable[[Named[R]], Result] = lambda named: without(named.record)
    answers: bool = False
    paged: bool = False
    exists: bool = False
    operation_ids: dict[str, str] = field(default_factory=dict)
    list_ids: dict[str, str] = field(default_factory=dict)

    @cached_property
    def args(self) -> type[Any]:
        """A record and its name, as a path takes them."""
        name = ("name", self.name_kind, param(help="Its name."))
        return make_dataclass(f"{self.record.__name__}Args", [name], bases=(self.record,), frozen=True, kw_only=True)

    @cached_property
    def named(self) -> type[Any]:
        """A name alone, for paths that are about a record."""
        name = ("name", self.name_kind, param(help="Its name."))
        return make_dataclass(f"{self.record.__name__}Named", [name], frozen=True, kw_only=True)

    def name_of(self, args: Any) -> str:
        """The name that a path captured."""
        name: str = args.name
        return name

    def load(self, call: Call, name: str) -> R | None:
        """The record of that name, or None."""
        return call.storage.get(f"{self.folder}/{name}", self.record)

    def store(self, call: Call, name: str, record: R) -> None:
        """Put a record there."""
        call.storage.put(f"{self.folder}/{name}", record)

    def names(self, call: Call) -> list[str]:
        """All names, sorted."""
        return call.storage.list(f"{self.folder}/")

    def paths(self) -> tuple[Path[Any, Any], ...]:
        """The paths that serve them: each by its name, and their list."""
        each = Path(
            f"{self.folder}/{{name}}",
            self.args,
            self.help,
            read=self._read,
            write=self._write,
            delete=self._delete,
            exists=self._exists if self.exists else None,
            operation_ids=self.operation_ids,
        )
        whole: Path[Any, Any] = Path(
            f"{self.folder}/?",
            PageArgs if self.paged else NoArgs,
            "List their names.",
            list=self._list,
            operation_ids=self.list_ids,
        )
        return each, whole

    def _exists(self, call: Call, args: Any) -> bool:
        return self.load(call, self.name_of(args)) is not None

    def _read(self, call: Call, args: Any) -> Result:
        name = self.name_of(args)
        record = self.load(call, name)
        return None if record is None else self.show(Named(name, record))

    def _write(self, call: Call, args: Any) -> Result:
        name = self.name_of(args)
        before = self.load(call, name) if self.merges else None
        record = only(self.record, args) if before is None else update(before, args, sent(call, self.record))
        self.store(call, name, self.check(call, Named(name, record)))
        return Response() if self.answers else None

    def _delete(self, call: Call, args: Any) -> None:
        call.storage.delete(f"{self.folder}/{self.name_of(args)}")

    def _list(self, call: Call, args: Any) -> Result:
        names = self.names(call)
        keys = page(names, args.after, args.limit) if self.paged else names
        return {"keys": keys} if keys else None


def simulated(kind: str, lengths: Callable[[Call, Lease], tuple[int, int]]) -> SecretKind[Call]:
    """A kind of credential whose provider is not there.

    Args:
        kind: its name.
        lengths: the TTL and the maximum that a renewal goes by, in seconds; 0 for what the mount says. It may raise.
    """

    def renew(call: Call, lease: Lease) -> Lease:
        ttl, max_ttl = lengths(call, lease)
        return msgspec.structs.replace(lease, ttl=ttl, max_ttl=max_ttl)

    def revoke(_call: Call, _lease: Lease) -> None:
        """With its lease the credential is gone: nobody else knows of it."""

    return SecretKind(kind, revoke=revoke, renew=renew)
