"""Values that are runs of symbols: the form of most tokens.

A layout is a list of segments, left to right: a literal, random symbols, symbols of the mark, and the field that takes
the place of a provider's checksum.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from sandboxd.fakes import mark
from sandboxd.fakes.alphabets import HEX
from sandboxd.fakes.model import VALUE, Form, Parts

if TYPE_CHECKING:
    from sandboxd.fakes.checksums import Checksum
    from sandboxd.fakes.options import NoOptions
    from sandboxd.fakes.stream import Stream


class Lit(Struct, frozen=True):
    """Fixed text."""

    text: str

    @property
    def width(self) -> int:
        """How many symbols it takes."""
        return len(self.text)


class Rand(Struct, frozen=True):
    """Random symbols."""

    width: int
    alphabet: str


class Mark(Struct, frozen=True):
    """Symbols of the mark."""

    width: int
    alphabet: str


class Bad(Struct, frozen=True):
    """The field that a provider fills with its checksum, and a fake with one that it cannot be."""

    checksum: Checksum

    @property
    def width(self) -> int:
        """How many symbols it takes."""
        return self.checksum.width


Segment = Lit | Rand | Mark | Bad
Layout = tuple[Segment, ...]


def symbols(*layout: Segment) -> Form:
    """The form of a layout."""
    literals = [segment.text for segment in layout if isinstance(segment, Lit)]
    return Form(
        make=partial(_make, layout),
        marked=partial(is_marked, layout),
        broken=partial(_broken, layout),
        genuine=partial(_genuine, layout),
        bits=sum(mark.bits(segment.alphabet, segment.width) for segment in layout if isinstance(segment, Mark)),
        length=length_of(layout),
        anchor=max(literals, key=len, default=""),
    )


def length_of(layout: Layout) -> int:
    """How many symbols a value has."""
    return sum(segment.width for segment in layout)


def write(layout: Layout, kind: str, stream: Stream) -> str:
    """Make a value. One that meets the provider's checksum by chance is drawn again."""
    while True:
        value = _completed(layout, kind, "".join(_drawn(segment, stream) for segment in layout))
        if _checksum(layout) is None or _broken(layout, value):
            return value


def is_marked(layout: Layout, kind: str, value: str) -> bool:
    """Cut a value by the layout, check each segment, and compute its mark again. Hex may be in capitals."""
    if len(value) != length_of(layout):
        return False
    hexadecimal = all(isinstance(segment, Lit) or getattr(segment, "alphabet", "") == HEX for segment in layout)
    masked, canonical, at = [], [], 0
    for segment in layout:
        found = value[at : at + segment.width]
        at += len(found)
        if isinstance(segment, Lit):
            if found != segment.text and not (hexadecimal and found.lower() == segment.text.lower()):
                return False
            found = segment.text
        else:
            found = found.lower() if hexadecimal else found
        if isinstance(segment, Rand) and not set(found) <= set(segment.alphabet):
            return False
        masked.append(mark.BLANK * len(found) if isinstance(segment, Mark | Bad) else found)
        canonical.append(found)
    return _completed(layout, kind, "".join(masked)) == "".join(canonical)


def _make(layout: Layout, kind: str, stream: Stream, _options: NoOptions) -> Parts:
    return {VALUE: write(layout, kind, stream)}


def _drawn(segment: Segment, stream: Stream) -> str:
    match segment:
        case Lit(text):
            return text
        case Rand(count, alphabet):
            return stream.symbols(count, alphabet)
        case Mark() | Bad():
            return mark.BLANK * segment.width


def _completed(layout: Layout, kind: str, masked: str) -> str:
    """Fill the blanks of a masked value."""
    written = ""
    for segment in layout:
        match segment:
            case Mark(count, alphabet):
                written += mark.symbols(kind, masked, alphabet, count)
            case Bad(checksum):
                written += checksum.wrong(written, int.from_bytes(mark.digest(kind, masked, 2), "big"))
            case _:
                written += masked[len(written) : len(written) + segment.width]
    return written


def _checksum(layout: Layout) -> tuple[Checksum, int] | None:
    """The provider's checksum, and how many symbols follow it."""
    after = 0
    for segment in reversed(layout):
        if isinstance(segment, Bad):
            return segment.checksum, after
        after += segment.width
    return None


def _parted(layout: Layout, value: str) -> tuple[Checksum, str, str] | None:
    """The checksum of a value that may be longer than ours: rule, what is before the field, and the field."""
    rule = _checksum(layout)
    if rule is None:
        return None
    checksum, after = rule
    end = len(value) - after
    before, found = value[: end - checksum.width], value[end - checksum.width : end]
    return (checksum, before, found) if before and set(found) <= set(checksum.alphabet) else None


def _broken(layout: Layout, value: str) -> bool:
    parted = _parted(layout, value)
    return parted is not None and parted[0].broken(parted[1], parted[2])


def _genuine(layout: Layout, value: str) -> bool:
    parted = _parted(layout, value)
    if parted is None:
        return False
    checksum, before, found = parted
    try:
        return checksum.right(before) == found
    except ValueError:  # what came before is not in the encoding that the checksum is over
        return False
