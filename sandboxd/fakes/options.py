"""Options of a kind: a class whose attributes say what they take.

    class PasswordOptions(Options):
        length: int = option(30, "How many characters.", minimum=16, maximum=256)

The type of an option is that of its default. From the same attributes come the schema that editors show (`Option`) and
the checking of what a fixture gives (`decode`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from sandboxd.fakes.errors import OptionError

NOTHING: Mapping[str, object] = MappingProxyType({})

_TYPES: dict[type, tuple[str, str]] = {
    bool: ("boolean", "true or false"),
    int: ("integer", "a whole number"),
    str: ("string", "a text"),
    tuple: ("array", "a list of texts"),
    dict: ("object", "a mapping"),
}


class Option(Struct, frozen=True, kw_only=True):
    """One option as an editor shows it.

    type: the JSON Schema name of its type. minimum, maximum: of a number, or of a text's length.
    """

    name: str = ""
    default: Any
    help: str
    choices: tuple[object, ...] = ()
    minimum: int | None = None
    maximum: int | None = None

    @property
    def type(self) -> str:
        """The JSON Schema name of its type."""
        return _TYPES[type(self.default)][0]


class Options:
    """What was chosen: every option by name, those not given at their defaults."""

    declared: ClassVar[tuple[Option, ...]] = ()

    def __init_subclass__(cls) -> None:
        own = (replace(value, name=name) for name, value in vars(cls).items() if isinstance(value, Option))
        cls.declared = (*cls.declared, *own)

    def __init__(self, **given: object) -> None:
        self.__dict__.update({each.name: each.default for each in self.declared}, **given)


class NoOptions(Options):
    """The options of a kind that has none."""


T = TypeVar("T", bound=Options)


def option(
    default: object,
    help: str,  # noqa: A002 - the word readers look for
    *,
    choices: tuple[object, ...] = (),
    minimum: int | None = None,
    maximum: int | None = None,
) -> Any:
    """Declare an option; for the type checker it is a value of the attribute's type."""
    return Option(default=default, help=help, choices=choices, minimum=minimum, maximum=maximum)


def decode(options: type[T], given: Mapping[str, object], kind: str) -> T:
    """Check what was given for a kind. Raises OptionError; its text never repeats a value."""
    known = {each.name: each for each in options.declared}
    checked: dict[str, object] = {}
    for name, value in given.items():
        if name not in known:
            raise OptionError(f"{kind} has no option {name!r}{_hint(name, known)}")
        checked[name] = _checked(known[name], value, kind)
    return options(**checked)


def _hint(name: str, known: Iterable[str]) -> str:
    import difflib

    names = list(known)
    if not names:
        return "; it has none"
    close = difflib.get_close_matches(name, names, n=3)
    return f"; did you mean {', '.join(close)}?" if close else f"; it has {', '.join(names)}"


def _checked(wanted: Option, value: object, kind: str) -> object:
    expected = type(wanted.default)
    if isinstance(value, list | tuple) and expected is tuple and all(isinstance(each, str) for each in value):
        value = tuple(value)
    elif isinstance(value, Mapping) and expected is dict and all(isinstance(each, str) for each in value):
        value = dict(value)
    if type(value) is not expected:
        raise OptionError(f"{kind}: {wanted.name} must be {_TYPES[expected][1]}")
    if wanted.choices and value not in wanted.choices:
        raise OptionError(f"{kind}: {wanted.name} must be one of {', '.join(map(str, wanted.choices))}")
    size = value if isinstance(value, int) else len(value) if isinstance(value, str) else None
    unit = " characters long" if isinstance(value, str) else ""
    if size is not None and wanted.minimum is not None and size < wanted.minimum:
        raise OptionError(f"{kind}: {wanted.name} must be at least {wanted.minimum}{unit}")
    if size is not None and wanted.maximum is not None and size > wanted.maximum:
        raise OptionError(f"{kind}: {wanted.name} must be at most {wanted.maximum}{unit}")
    return value
