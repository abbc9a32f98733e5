"""Whose value is it: sandboxd's, a provider's own example, or possibly a real one?"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from msgspec import Struct

from sandboxd.fakes.model import Kind, Nature, Proof
from sandboxd.fakes.registry import kinds

if TYPE_CHECKING:
    from collections.abc import Iterator


class Status(enum.StrEnum):
    """What a value is held for."""

    MADE_HERE = "sandboxd-made"
    DOCUMENTED = "documented example"
    IMPOSSIBLE = "impossible"
    POSSIBLY_REAL = "possibly real"
    UNKNOWN = "not recognised"


class Finding(Struct, frozen=True):
    """What one kind says of a value.

    marked: it carries the kind's mark. broken: its structure is one that no issuer can have made, or it leads nowhere.
    genuine: the provider's checksum is right. documented: it is a provider's published example.
    """

    kind: Kind
    marked: bool
    broken: bool
    genuine: bool
    documented: bool

    @property
    def made_here(self) -> bool:
        """Whether sandboxd made it."""
        return self.marked

    @property
    def proof(self) -> Proof:
        """The class of evidence; less than the kind's own where the structure is missing."""
        if self.kind.proof.conclusive and not self.broken:
            return Proof.CHOSEN
        return self.kind.proof

    @property
    def status(self) -> Status:
        """What the value is held for."""
        if self.marked:
            return Status.MADE_HERE
        if self.genuine:
            return Status.POSSIBLY_REAL
        if self.documented:
            return Status.DOCUMENTED
        if self.broken and self.kind.proof.conclusive:
            return Status.IMPOSSIBLE
        return Status.UNKNOWN if self.kind.shapeless or self.kind.nature is Nature.PUBLIC else Status.POSSIBLY_REAL


class Verdict(Struct, frozen=True):
    """The answer to `verify`.

    claim: what may be claimed, in a sentence or two. structure: why it cannot have been issued, empty when nothing of
    the kind holds. findings: what every kind that fits says.
    """

    status: Status
    kind: Kind | None
    proof: Proof | None
    bits: float
    claim: str
    structure: str
    findings: tuple[Finding, ...]

    @property
    def made_here(self) -> bool:
        """Whether sandboxd made it."""
        return self.status is Status.MADE_HERE


_CLAIMS = {
    Status.DOCUMENTED: "It is one of the provider's published examples.",
    Status.IMPOSSIBLE: "It carries no mark, but no provider can have issued it, or it leads nowhere.",
    Status.POSSIBLY_REAL: "It has the shape of a real credential and no mark.",
    Status.UNKNOWN: "Nothing tells where it came from.",
}
_ORDER = tuple(Status)


def judge(kind: Kind, value: str) -> Finding:
    """What one kind says of a value."""
    form = kind.form
    shaped = kind.issued.fullmatch(value) is not None or kind.accepted.fullmatch(value) is not None
    return Finding(
        kind=kind,
        marked=form.bits > 0 and form.marked(kind.id, value),
        broken=shaped and form.broken(value),
        genuine=shaped and form.genuine(value),
        documented=shaped and is_documented(kind, value),
    )


def identify(value: str) -> list[Finding]:
    """What each kind says whose mark or shape a value has, the likeliest first."""
    value = encodable(value.strip())
    found = []
    for kind in candidates(value):
        finding = judge(kind, value)
        whole = kind.accepted.fullmatch(value) is not None
        if finding.marked or whole or kind.issued.fullmatch(value):
            rank = (_ORDER.index(finding.status), not whole, kind.provider == "generic")
            found.append((rank, finding))
    return [finding for _, finding in sorted(found, key=lambda each: each[0])]


def verify(value: str) -> Verdict:
    """Say whose a value is, and what may be claimed of it. Blanks around it do not count."""
    findings = tuple(identify(value))
    if not findings:
        return Verdict(Status.UNKNOWN, None, None, 0.0, _CLAIMS[Status.UNKNOWN], "", ())
    first = findings[0]
    status = first.status
    structure = first.kind.why if first.broken else ""
    if status is Status.MADE_HERE:
        claim = first.proof.claim
    elif first.genuine:
        claim = "The provider's checksum in it is right, and it carries no mark: take it for real."
    else:
        claim = _CLAIMS[status]
    proof, bits = (first.proof, first.kind.bits) if first.marked else (None, 0.0)
    return Verdict(status, first.kind, proof, bits, claim, structure, findings)


def encodable(text: str) -> str:
    """A text of the same length that UTF-8 can hold: lone surrogates, as JSON may name, become question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def candidates(value: str) -> Iterator[Kind]:
    """Kinds that a value can be of, as far as its length and its literals tell."""
    for kind in kinds():
        length = kind.form.length
        # What a provider issues may be longer or shorter than what is made here.
        if length is not None and length != len(value) and kind.shapeless:
            continue
        if not kind.literals or any(literal in value for literal in kind.literals):
            yield kind


def is_documented(kind: Kind, value: str) -> bool:
    """Whether a value is a published example of its kind, or holds the alphabet, as scanners' own examples do."""
    if "abcdefghijklmnopqrstuvwxyz" in value.lower():
        return True
    return kind.published is not None and kind.published.fullmatch(value) is not None
