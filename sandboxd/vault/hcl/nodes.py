"""The tree that parsing gives: items, nodes, tokens and their positions."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, TypeAlias

from sandboxd.vault.hcl.strings import unindent, unquote

MAX_DEPTH = 100
"""How deep lists and objects may be nested. The real library knows no limit; Python's stack does."""


class Position(NamedTuple):
    """A place in the source, counted in characters from 1; line 0 when it is not known, as in JSON."""

    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.line}:{self.column}" if self.line else "-"


UNKNOWN = Position()


class HCLError(ValueError):
    """The text is not HCL, or not what the reader wanted; `position` is where, when it is known."""

    def __init__(self, text: str, position: Position | None = None) -> None:
        super().__init__(text)
        self.position = position

    @classmethod
    def at(cls, position: Position, text: str) -> "HCLError":
        """Return the error with its place in front, as the real library words it."""
        return cls(f"At {position}: {text}", position)


class Token(NamedTuple):
    """A word of the source. `kind` is the library's name for it, which its error texts show."""

    kind: str
    text: str
    position: Position = UNKNOWN
    json: bool = False

    def string(self) -> str:
        """Return what an identifier, a string or a heredoc means. Raises HCLError for a bad escape sequence."""
        if self.kind == "HEREDOC":
            return unindent(self.text)
        if self.kind != "STRING" or not self.text:  # JSON's null is an empty STRING
            return self.text
        value = unquote(self.text, interpolation=not self.json)
        if value is None:
            raise HCLError(f"unquote {self.text} err: invalid syntax", self.position)
        return value


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, heredoc, number, float or bool."""

    token: Token
    go_type: ClassVar[str] = "*ast.LiteralType"

    @property
    def kind(self) -> str:
        return self.token.kind

    @property
    def position(self) -> Position:
        return self.token.position


@dataclass(frozen=True, slots=True)
class List:
    """`[a, b, c]`."""

    elements: tuple["Node", ...]
    position: Position = UNKNOWN
    go_type: ClassVar[str] = "*ast.ListType"


@dataclass(frozen=True, slots=True)
class Object:
    """`{ ... }`, the value of an item or an element of a list."""

    items: "Items"
    position: Position = UNKNOWN
    go_type: ClassVar[str] = "*ast.ObjectType"


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of an object: `key = value`, or a block with labels: `key "label" { ... }`."""

    keys: tuple[Token, ...]
    value: "Literal | List | Object"
    assign: Position = UNKNOWN
    """Where the `=` (in JSON, the `:`) stands; unknown for a block."""
    go_type: ClassVar[str] = "*ast.ObjectItem"

    @property
    def position(self) -> Position:
        return self.keys[0].position if self.keys else UNKNOWN


@dataclass(frozen=True, slots=True)
class Items:
    """The entries of an object or of the whole text, in order, duplicates included."""

    entries: tuple[Item, ...] = ()
    go_type: ClassVar[str] = "*ast.ObjectList"

    def __iter__(self) -> Iterator[Item]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def position(self) -> Position:
        return self.entries[0].position if self.entries else UNKNOWN

    def under(self, key: str) -> "Items":
        """Return the entries whose first key is `key`, in any case, without that key."""
        folded = key.casefold()
        return Items(
            tuple(
                Item(item.keys[1:], item.value, item.assign)
                for item in self.entries
                if item.keys and item.keys[0].string().casefold() == folded
            )
        )


Node: TypeAlias = Literal | List | Object | Item | Items
