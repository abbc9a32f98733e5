"""What a kind of fake is.

- A **kind** is a declared credential format; its entry in `entries/` is all there is to say about it.
- Its **shape** is the pattern that an app's own check accepts; an **anchor** is a literal that every match holds, by
  which a text can be ruled out fast. A kind without anchors is *shapeless*: its shape alone (32 hex digits) says
  nothing.
- Its **form** makes values and knows their mark and structure.
- Its **proof** is the class of evidence that its values carry, and sets what may be claimed.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from sandboxd.fakes.options import NoOptions, Option, Options

if TYPE_CHECKING:
    from sandboxd.fakes.stream import Stream

VALUE = "value"
"""The name of a kind's main part."""

Parts = Mapping[str, str]
EMPTY: Parts = MappingProxyType({})


class Proof(enum.StrEnum):
    """Classes of evidence."""

    IMPOSSIBLE = "S"
    HINTED = "S*"
    MARKED = "M"
    SANDBOX = "M+"
    RESERVED = "R"
    LOCAL = "L"
    CHOSEN = "U"

    @property
    def claim(self) -> str:
        """What may be claimed of a value of this class that carries the mark."""
        return _CLAIMS[self]

    @property
    def conclusive(self) -> bool:
        """Whether the structure alone, without a mark, shows that a value is harmless."""
        return self in (Proof.IMPOSSIBLE, Proof.RESERVED)


_CLAIMS = {
    Proof.IMPOSSIBLE: "No provider can have issued it.",
    Proof.HINTED: "It breaks a rule seen in every known sample, which no document states; the mark is the evidence.",
    Proof.MARKED: "A real token carries this mark only by an accident of the mark's odds.",
    Proof.SANDBOX: "It carries the mark, and is of the provider's own test realm or shows a sandboxd tag.",
    Proof.RESERVED: "It leads nowhere outside this machine.",
    Proof.LOCAL: "It was made locally, no provider is involved; harmless as long as nobody adopts it.",
    Proof.CHOSEN: "It was made by sandboxd; that nobody has since put it to real use cannot be told from it.",
}


class Nature(enum.Enum):
    """What a value is to the guard."""

    TOKEN = "token"
    KEY = "key"
    ADDRESS = "address"
    PUBLIC = "public"


def _never(_value: str) -> bool:
    return False


class Form(Struct, frozen=True, kw_only=True, eq=False, dict=True):
    """How values are made and recognised.

    make(kind id, stream, options): the value, and its parts by name.
    marked(kind id, value): the value carries its mark. broken(value): its structure is one no issuer can have made (or
    it leads nowhere). genuine(value): the provider's checksum is right.
    bits: size of the mark, 0 where there is none. length: of every value, where it is fixed.
    parts: names of what `make` gives besides the value, and what each is.
    """

    make: Callable[[str, Stream, Any], Parts]
    marked: Callable[[str, str], bool]
    broken: Callable[[str], bool] = _never
    genuine: Callable[[str], bool] = _never
    bits: float
    length: int | None = None
    options: type[Options] = NoOptions
    parts: Mapping[str, str] = EMPTY
    anchor: str = ""


class Kind(Struct, frozen=True, kw_only=True, eq=False, dict=True):
    """One declared kind.

    id: goes into the mark and the stream, so it never changes. name: what fixtures call it; aliases: what else they
    may.
    why: the sentence that explains the structure, or what else there is to know. shape: pattern of what an app accepts.
    real: pattern of what a provider issues, where it is wider. anchors: literals, one of which each match holds.
    documented: pattern of the provider's published examples. siblings: kinds whose values belong to one of this kind,
    made for the same place, by part name. key: the usual name of a field that holds it. aside: a text about using it.
    """

    id: str
    name: str
    title: str
    provider: str
    proof: Proof
    form: Form
    shape: str
    key: str
    why: str = ""
    real: str = ""
    anchors: tuple[str, ...] = ()
    documented: str = ""
    aliases: tuple[str, ...] = ()
    siblings: Mapping[str, str] = EMPTY
    nature: Nature = Nature.TOKEN
    shapeless: bool = False
    aside: str = ""

    def __repr__(self) -> str:
        return f"<Kind {self.name}>"

    @property
    def bits(self) -> float:
        """Bits of mark."""
        return self.form.bits

    @property
    def options(self) -> tuple[Option, ...]:
        """What can be asked of it."""
        return self.form.options.declared

    @property
    def parts(self) -> Mapping[str, str]:
        """Everything that can be had for one place besides the value: part names, and what each is."""
        siblings = {part: f"The {kind} that belongs to it." for part, kind in self.siblings.items()}
        return {**self.form.parts, **siblings}

    @cached_property
    def literals(self) -> tuple[str, ...]:
        """The anchors, by default the longest literal of the form. Empty when shapeless."""
        if self.shapeless:
            return ()
        return self.anchors or ((self.form.anchor,) if self.form.anchor else ())

    @cached_property
    def accepted(self) -> re.Pattern[str]:
        """Matches a whole value that an app accepts."""
        return re.compile(self.shape)

    @cached_property
    def issued(self) -> re.Pattern[str]:
        """Finds values of this kind, made by whomever, in a text."""
        pattern = self.real or self.shape.removesuffix(r"\s*")  # a line break at the end is no part of a finding
        return re.compile(rf"(?<![0-9A-Za-z])(?:{pattern})(?![0-9A-Za-z])")

    @cached_property
    def published(self) -> re.Pattern[str] | None:
        """Matches a whole value that is a provider's own example."""
        return re.compile(self.documented) if self.documented else None
