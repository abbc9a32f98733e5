"""Making values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandboxd.fakes.errors import FakeError, OptionError
from sandboxd.fakes.model import VALUE, Kind, Parts
from sandboxd.fakes.options import NOTHING, decode
from sandboxd.fakes.registry import kind as named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandboxd.fakes.stream import Source


def generate(kind: Kind | str, source: Source, options: Mapping[str, object] = NOTHING, part: str = VALUE) -> str:
    """Make the value of a kind for a place, or one of its parts (a public key, the secret of a key id).

    The same arguments give the same text, byte for byte. Raises UnknownKind, OptionError, and FakeError for a part that
    the kind does not have.
    """
    wanted = named(kind) if isinstance(kind, str) else kind
    if part in wanted.siblings:
        checked: Any = decode(wanted.form.options, options, wanted.name)
        del checked  # wrong options are an error for every part
        return generate(wanted.siblings[part], source)
    if part != VALUE and part not in wanted.form.parts:
        known = ", ".join(wanted.parts) or "none"
        raise FakeError(f"{wanted.name} has no part {part!r}; it has {known}")
    return _made(wanted, source, options)[part]


def parts(kind: Kind | str, source: Source, options: Mapping[str, object] = NOTHING) -> Parts:
    """Make everything of a kind for a place: the value under "value", and all of its parts by name."""
    wanted = named(kind) if isinstance(kind, str) else kind
    made = dict(_made(wanted, source, options))
    for part, sibling in wanted.siblings.items():
        made[part] = generate(sibling, source)
    return made


def _made(kind: Kind, source: Source, options: Mapping[str, object]) -> Parts:
    checked = decode(kind.form.options, options, kind.name)
    try:
        return kind.form.make(kind.id, source.stream(kind.id), checked)
    except OptionError as error:
        raise OptionError(f"{kind.name}: {error}") from None
