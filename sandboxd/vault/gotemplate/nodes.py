"""What a template is made of, once it is parsed. `str` of a node is its source as Go writes it in errors."""

from dataclasses import dataclass, field

from sandboxd.vault.gotext import quote


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a template."""

    at: int  # where it starts in the source, in characters


@dataclass(frozen=True, slots=True)
class Text(Node):
    """What is printed as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Identifier(Node):
    """The name of a function."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Dot(Node):
    """The value that all is about: `.`."""

    def __str__(self) -> str:
        return "."


@dataclass(frozen=True, slots=True)
class Nil(Node):
    """No value: `nil`."""

    def __str__(self) -> str:
        return "nil"


@dataclass(frozen=True, slots=True)
class Field(Node):
    """Fields of the dot: `.A.B`."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return "." + ".".join(self.names)


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """A variable, and fields of it: `$x.A.B`."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(frozen=True, slots=True)
class Bool(Node):
    """`true` or `false`."""

    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A number: each of the kinds of value that it can be, where it can."""

    source: str
    whole: int | None = None  # as an int64
    real: float | None = None
    pair: complex | None = None

    def __str__(self) -> str:
        return self.source


@dataclass(frozen=True, slots=True)
class String(Node):
    """A text in quotes."""

    source: str
    text: str

    def __str__(self) -> str:
        return self.source


@dataclass(frozen=True, slots=True)
class Chain(Node):
    """Fields of some other value: `(pipeline).A.B`."""

    of: Node
    names: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join((_operand(self.of), *self.names))


@dataclass(frozen=True, slots=True)
class Command(Node):
    """A value, or a function and its arguments."""

    operands: tuple[Node, ...]

    def __str__(self) -> str:
        return " ".join(map(_operand, self.operands))


@dataclass(frozen=True, slots=True)
class Pipeline(Node):
    """Commands; each gets what the one before gave as its last argument."""

    commands: tuple[Command, ...]
    variables: tuple[Variable, ...] = ()
    assigns: bool = False  # to variables that are there already

    def __str__(self) -> str:
        text = " | ".join(map(str, self.commands))
        if not self.variables:
            return text
        return f"{', '.join(map(str, self.variables))} {'=' if self.assigns else ':='} {text}"


@dataclass(frozen=True, slots=True)
class Action(Node):
    """A pipeline whose value is printed."""

    pipe: Pipeline


@dataclass(frozen=True, slots=True)
class Branch(Node):
    """An `if`, `with` or `range`."""

    word: str
    pipe: Pipeline
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...] | None = None


@dataclass(frozen=True, slots=True)
class Jump(Node):
    """A `break` or `continue`."""

    word: str


@dataclass(frozen=True, slots=True)
class Include(Node):
    """Another template, filled in with the value of a pipeline."""

    name: str
    pipe: Pipeline | None = None

    def __str__(self) -> str:
        return f"{{{{template {quote(self.name)}{'' if self.pipe is None else f' {self.pipe}'}}}}}"


@dataclass(frozen=True, slots=True)
class Stop(Node):
    """The `end` or `else` that a list of nodes stops at."""

    word: str

    def __str__(self) -> str:
        return f"{{{{{self.word}}}}}"


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed template, and those that it defines, by name."""

    text: str
    root: tuple[Node, ...]
    defined: dict[str, tuple[Node, ...]] = field(default_factory=dict)

    def place(self, at: int) -> str:
        """Line and column as errors give them: the line from 1, the column in bytes from 0."""
        before = self.text[:at]
        start = before.rfind("\n") + 1
        column = len(before[start:].encode("utf-8", "surrogateescape"))
        return f"{1 + before.count(chr(10))}:{column}"


def _operand(node: Node) -> str:
    return f"({node})" if isinstance(node, Pipeline) else str(node)
