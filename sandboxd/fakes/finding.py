"""Credentials in a text: where they are, and whose.

Kinds with an anchor are searched by their pattern, when the anchor is in the text at all. A shapeless kind is found
only by its mark: every run of symbols that could hold one is tried. Real values of a shapeless kind are no more than
random text, and only a field's name can raise suspicion (see the guard).
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct

from sandboxd.fakes.model import Nature
from sandboxd.fakes.proving import Finding, encodable, judge
from sandboxd.fakes.registry import kinds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandboxd.fakes.model import Kind

_RUNS = (
    r"(?<![0-9A-Za-z_-])[0-9A-Za-z_-]{16,512}(?![0-9A-Za-z_-])",
    r"(?<![0-9A-Za-z+/])[0-9A-Za-z+/]{16,8192}={0,2}(?![0-9A-Za-z+/=])",
    r"(?<![0-9A-Za-z._+-])[0-9A-Za-z._+-]{14,64}@[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*",
)


class Span(Struct, frozen=True):
    """A credential in a text, at text[start:end]. It does not hold the value."""

    start: int
    end: int
    finding: Finding

    @property
    def kind(self) -> Kind:
        """Of which kind it is."""
        return self.finding.kind

    @property
    def made_here(self) -> bool:
        """Whether sandboxd made it."""
        return self.finding.made_here

    def holds(self, other: Span) -> bool:
        """Whether another span lies within this one."""
        return self.start <= other.start and other.end <= self.end

    def encloses(self, other: Span) -> bool:
        """Whether another span lies within this one and is shorter."""
        return self.holds(other) and self.end - self.start > other.end - other.start

    def touches(self, other: Span) -> bool:
        """Whether two spans share text."""
        return self.start < other.end and other.start < self.end


def find(text: str) -> list[Span]:
    """Every credential in a text, in order: sandboxd's own, and what has the shape of a real one.

    A value inside one that sandboxd made (the password of a URL) is not reported again; one inside a value that it did
    not make is. Of kinds that claim the same text the one whose mark it carries wins, else the longest.
    """
    text = encodable(text)
    kept: list[Span] = []
    for span in sorted((*_anchored(text), *_runs(text)), key=_rank):
        if not any(_hides(other, span) for other in kept):
            kept.append(span)
    return sorted(kept, key=lambda span: (span.start, -span.end))


def _rank(span: Span) -> tuple[bool, int, bool]:
    return not span.made_here, span.start - span.end, span.kind.provider == "generic"


def _hides(first: Span, second: Span) -> bool:
    if not first.made_here:
        return first.touches(second)
    if second.made_here:
        return first.holds(second)
    # An unmarked value around a marked one stays: a URL to a real host with a fake password. So does a token in a URL,
    # whose mark is in its password alone.
    apart = second.encloses(first) or (first.kind.nature is Nature.ADDRESS and first.encloses(second))
    return not apart and first.touches(second)


def _anchored(text: str) -> Iterator[Span]:
    for kind in kinds():
        if any(literal in text for literal in kind.literals):
            for match in kind.issued.finditer(text):
                yield Span(match.start(), match.end(), judge(kind, match[0]))


def _runs(text: str) -> Iterator[Span]:
    fixed, free = _shapeless()
    seen = set()
    for pattern in _RUNS:
        for match in re.finditer(pattern, text):
            run = match[0]
            # A word: a mark without a digit is too rare to look for.
            if run.isalpha() or match.span() in seen:
                continue
            seen.add(match.span())
            for kind in (*fixed.get(len(run), ()), *free):
                if kind.form.marked(kind.id, run):
                    yield Span(match.start(), match.end(), judge(kind, run))


@cache
def _shapeless() -> tuple[dict[int, tuple[Kind, ...]], tuple[Kind, ...]]:
    """Shapeless kinds that have a mark: those of one length by length, and the others."""
    fixed: dict[int, tuple[Kind, ...]] = {}
    free: list[Kind] = []
    for kind in kinds():
        if not kind.shapeless or not kind.bits:
            continue
        length = kind.form.length
        if length is None:
            free.append(kind)
        else:
            fixed[length] = (*fixed.get(length, ()), kind)
    return fixed, tuple(free)
