"""Go's types, as far as templates can tell: what a Python value counts as.

str     string             dict    map[string]interface {}      Record    a struct of the name it has
int     int                list    []interface {}               Byte      uint8
float   float64            None    nil                          complex   complex128
bool    bool               MISSING a value that is not there
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

LARGEST = 1 << 20  # bytes of any text that a template may make


class TemplateError(ValueError):
    """A template that can't be parsed, or not be filled in.

    The text is that of Go's package; `template` names the one that ran, which may be defined within the parsed one.
    """

    def __init__(self, text: str, template: str = "") -> None:
        super().__init__(text)
        self.template = template


class Missing:
    """What a map has under a key that it doesn't have."""


MISSING: Final = Missing()


class Byte(int):
    """One byte of a text."""


class Record(dict[str, object]):
    """A struct: it has the fields that it has, and asking for any other is an error that names its type.

    Args:
        type_name: as Go prints it ("rabbitmq.UsernameMetadata").
        fields: the values, in the order that Go declares them.
    """

    def __init__(self, type_name: str, **fields: object) -> None:
        super().__init__(fields)
        self.type_name = type_name


@dataclass(frozen=True, slots=True)
class Function:
    """A function that templates can call.

    Args:
        call: gets the arguments; a ValueError of it ends the run with Go's text for a function's error.
        takes: the types of its parameters: "string", "int", "any" (an interface, to which what is not there is nil), or
            "value" (Go's reflect.Value, which can be of nothing at all).
        rest: the type of however many more it takes; empty when it takes none.
    """

    call: Callable[..., Any]
    takes: tuple[str, ...] = ()
    rest: str = ""

    def parameter(self, index: int) -> str:
        """The type that an argument must have."""
        return self.takes[index] if index < len(self.takes) else self.rest


_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (Byte, "uint8"),
    (int, "int"),
    (float, "float64"),
    (complex, "complex128"),
    (str, "string"),
    (list, "[]interface {}"),
    (Mapping, "map[string]interface {}"),
    (type(None), "<nil>"),
    (Missing, "<nil>"),
)


def type_name(value: object) -> str:
    """What Go calls the type of a value."""
    if isinstance(value, Record):
        return value.type_name
    return next(name for kind, name in _TYPES if isinstance(value, kind))


def absent(value: object) -> bool:
    """Whether there is no value, or it is nil."""
    return value is None or value is MISSING


def truth(value: object) -> bool:
    """Whether a value counts as true: not the zero of its type; a struct always does."""
    return True if isinstance(value, Record) else not absent(value) and bool(value)


def octets(text: str) -> bytes:
    """The bytes of a text, among them those that are no UTF-8."""
    return text.encode("utf-8", "surrogateescape")


def text_of(data: bytes) -> str:
    """The text that bytes are, as `octets` takes it."""
    return data.decode("utf-8", "surrogateescape")


def bounded(text: str) -> str:
    """The same text. Raises TemplateError when it is larger than any that a template may make."""
    if len(text) > LARGEST:
        raise TemplateError(f"text of more than {LARGEST} bytes")
    return text
