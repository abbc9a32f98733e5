"""Filling a template in."""

from collections.abc import Mapping
from typing import Any, NoReturn

from sandboxd.vault.gotemplate import nodes
from sandboxd.vault.gotemplate.builtins import FUNCTIONS, SHORTCUTS
from sandboxd.vault.gotemplate.formatting import plain
from sandboxd.vault.gotemplate.parser import parse
from sandboxd.vault.gotemplate.values import (
    LARGEST,
    MISSING,
    Byte,
    Function,
    Record,
    TemplateError,
    absent,
    bounded,
    truth,
    type_name,
)
from sandboxd.vault.gotext import quote

STEPS = 100_000  # nodes that one run may come by
NESTED = 50  # templates within templates, while they run; 100,000 in Go
_NOTHING = object()  # no value comes down the pipeline


class Template:
    """A parsed template.

    Args:
        source: what it is made of.
        name: what errors call it.
        strict: whether a key that a map doesn't have is an error (Go's option `missingkey=error`).
    """

    def __init__(self, source: nodes.Source, name: str, functions: Mapping[str, Function], *, strict: bool) -> None:
        self.source = source
        self.name = name
        self.functions = functions
        self.strict = strict

    @classmethod
    def parse(
        cls, text: str, functions: Mapping[str, Function], *, name: str = "template", strict: bool = False
    ) -> "Template":
        """Parse a template that may call `functions` besides the built-in ones. Raises TemplateError."""
        known = {**FUNCTIONS, **functions}
        return cls(parse(name, text, {*known, *SHORTCUTS}), name, known, strict=strict)

    def run(self, data: object, functions: Mapping[str, Function] | None = None) -> str:
        """The template, filled in with data.

        Args:
            data: what `.` is.
            functions: replace those of the same names that it was parsed with.

        Raises TemplateError.
        """
        known = {**self.functions, **functions} if functions else self.functions
        run = _Run(self, known)
        run.template(self.name, self.source.root, data)
        return "".join(run.found)


class _Jump(Exception):
    """A `break` or `continue` on its way to its loop."""


class _Run:
    def __init__(self, template: Template, functions: Mapping[str, Function]) -> None:
        self.parsed = template
        self.functions = functions
        self.name = template.name  # of the template that runs
        self.node: nodes.Node = nodes.Text(0, "")  # where errors are
        self.variables: list[tuple[str, Any]] = []
        self.found: list[str] = []
        self.size = 0
        self.steps = 0
        self.depth = 0

    def error(self, text: str) -> TemplateError:
        place = f"{self.parsed.name}:{self.parsed.source.place(self.node.at)}"
        return TemplateError(f"template: {place}: executing {quote(self.name)} at <{self.node}>: {text}", self.name)

    def at(self, node: nodes.Node) -> None:
        self.node = node
        self.steps += 1
        if self.steps > STEPS:
            raise self.error(f"more than {STEPS} steps")

    def write(self, text: str) -> None:
        self.size += len(text)
        if self.size > LARGEST:
            raise self.error(f"text of more than {LARGEST} bytes")
        self.found.append(text)

    def template(self, name: str, root: tuple[nodes.Node, ...], data: object) -> None:
        outside = self.name, self.variables
        self.name, self.variables = name, [("$", data)]
        self.depth += 1
        self.walk(data, root)
        self.depth -= 1
        self.name, self.variables = outside

    # Nodes

    def walk(self, dot: Any, found: tuple[nodes.Node, ...]) -> None:
        for node in found:
            self.at(node)
            if isinstance(node, nodes.Text):
                self.write(node.text)
            elif isinstance(node, nodes.Action):
                value = self.pipeline(dot, node.pipe)
                if not node.pipe.variables:
                    self.write(plain(value))
            elif isinstance(node, nodes.Branch):
                known = len(self.variables)
                (self.loop if node.word == "range" else self.choose)(dot, node)
                del self.variables[known:]
            elif isinstance(node, nodes.Include):
                self.include(dot, node)
            else:
                assert isinstance(node, nodes.Jump)
                raise _Jump(node.word)

    def choose(self, dot: Any, node: nodes.Branch) -> None:
        value = self.pipeline(dot, node.pipe)
        if truth(value):
            self.walk(value if node.word == "with" else dot, node.body)
        elif node.otherwise is not None:
            self.walk(dot, node.otherwise)

    def loop(self, dot: Any, node: nodes.Branch) -> None:
        value = self.pipeline(dot, node.pipe)
        pairs = self.pairs(value, node)
        if not pairs and node.otherwise is not None:
            self.walk(dot, node.otherwise)
        known = len(self.variables)
        for key, item in pairs:
            self.set_loop(node.pipe, key, item)
            try:
                self.walk(item, node.body)
            except _Jump as jump:
                if str(jump) == "break":
                    return
            finally:
                del self.variables[known:]

    def pairs(self, value: Any, node: nodes.Branch) -> Any:
        """Keys and items of what a loop goes over."""
        if absent(value):
            return ()
        if isinstance(value, list):
            return tuple(enumerate(value))
        if isinstance(value, Mapping) and not isinstance(value, Record):
            return tuple((key, value[key]) for key in sorted(value))
        if isinstance(value, int) and not isinstance(value, bool):
            if len(node.pipe.variables) > 1:
                raise self.error(f"can't use {value} to iterate over more than one variable")
            kind = type(value)
            return _Count(max(0, value), kind)
        raise self.error(f"range can't iterate over {plain(value)}")

    def set_loop(self, pipe: nodes.Pipeline, key: Any, item: Any) -> None:
        count = len(pipe.variables)
        values = (key, item) if count > 1 else (item,)
        for index, (variable, value) in enumerate(zip(pipe.variables, values, strict=False)):
            if pipe.assigns:
                self.assign(variable.names[0], value)
            else:
                self.variables[len(self.variables) - count + index] = (variable.names[0], value)

    def include(self, dot: Any, node: nodes.Include) -> None:
        root = self.parsed.source.defined.get(node.name)
        if root is None:
            raise self.error(f"template {quote(node.name)} not defined")
        if self.depth >= NESTED:
            raise self.error("exceeded maximum template depth (100000)")
        self.template(node.name, root, None if node.pipe is None else self.pipeline(dot, node.pipe))

    # Values

    def assign(self, name: str, value: Any) -> None:
        for index in reversed(range(len(self.variables))):
            if self.variables[index][0] == name:
                self.variables[index] = (name, value)
                return
        raise self.error(f"undefined variable: {name}")

    def pipeline(self, dot: Any, pipe: nodes.Pipeline) -> Any:
        self.at(pipe)
        value: Any = _NOTHING
        for command in pipe.commands:
            value = self.command(dot, command, value)
            value = MISSING if value is None else value  # what a map holds is taken out of its interface
        for variable in pipe.variables:
            if pipe.assigns:
                self.assign(variable.names[0], value)
            else:
                self.variables.append((variable.names[0], value))
        return value

    def command(self, dot: Any, command: nodes.Command, last: Any) -> Any:
        node = command.operands[0]
        if isinstance(node, nodes.Identifier):
            return self.function(dot, node, command, command.operands[1:], last)
        given = len(command.operands) > 1 or last is not _NOTHING
        if isinstance(node, nodes.Field | nodes.Chain):
            return self.fields(dot, node, given=given)
        if isinstance(node, nodes.Variable):
            self.at(node)
            self.variable(node.names[0])
            if given and len(node.names) == 1:
                raise self.error(f"can't give argument to non-function {node}")
            return self.fields(dot, node, given=given)
        if not isinstance(node, nodes.Pipeline):
            self.at(node)
        if given:
            raise self.error(f"can't give argument to non-function {node}")
        if isinstance(node, nodes.Nil):
            raise self.error("nil is not a command")
        return self.literal(dot, node)

    def literal(self, dot: Any, node: nodes.Node) -> Any:
        """The value of a node that is neither a function nor a field."""
        if isinstance(node, nodes.Pipeline):
            return self.pipeline(dot, node)
        self.at(node)
        if isinstance(node, nodes.Dot):
            return dot
        if isinstance(node, nodes.Bool):
            return node.value
        if isinstance(node, nodes.String):
            return node.text
        assert isinstance(node, nodes.Number)
        return self.number(node)

    def number(self, node: nodes.Number) -> Any:
        """The value of a number where no type is asked for."""
        if node.pair is not None:
            return node.pair
        source = node.source
        whole = source.startswith("'") or (source[:2] in ("0x", "0X") and not any(mark in source for mark in "pP"))
        if node.real is not None and not whole and any(mark in source for mark in ".eEpP"):
            return node.real
        if node.whole is None:
            raise self.error(f"{source} overflows int")
        return node.whole

    def fields(self, dot: Any, node: nodes.Field | nodes.Chain | nodes.Variable, *, given: bool) -> Any:
        """Follow the names of a node from its value on; `given`: the last one is given arguments."""
        self.at(node)
        names = node.names
        if isinstance(node, nodes.Field):
            value = dot
        elif isinstance(node, nodes.Variable):
            value, names = self.variable(names[0]), names[1:]
        else:
            value = self.argument(dot, "value", node.of)
        held = ""  # the type of what a map holds is that of the map's values
        for index, name in enumerate(names):
            inner = self.field(value, name, held, given=given and index == len(names) - 1)
            held = "" if isinstance(value, Record) else "interface {}"
            value = inner
        return value

    def variable(self, name: str) -> Any:
        for known, value in reversed(self.variables):
            if known == name:
                return value
        raise self.error(f"undefined variable: {name}")  # `and` went past what would have set it

    def field(self, value: Any, name: str, held: str, *, given: bool) -> Any:
        if value is None and held:
            raise self.error(f"nil pointer evaluating {held}.{name}")
        if absent(value):
            if self.parsed.strict:
                raise self.error(f"nil data; no entry for key {quote(name)}")
            return MISSING
        if isinstance(value, Record):
            if name in value:
                if given:
                    raise self.error(f"{name} has arguments but cannot be invoked as function")
                return value[name]
        elif isinstance(value, Mapping):
            if given:
                raise self.error(f"{name} is not a method but has arguments")
            if name not in value and self.parsed.strict:
                raise self.error(f"map has no entry for key {quote(name)}")
            return value.get(name, MISSING)
        raise self.error(f"can't evaluate field {name} in type {held or type_name(value)}")

    # Calls

    def function(
        self, dot: Any, node: nodes.Identifier, whole: nodes.Node, operands: tuple[nodes.Node, ...], last: Any
    ) -> Any:
        self.at(node)
        if node.name in SHORTCUTS:
            return self.shortcut(dot, node.name, operands, last)
        function = self.functions[node.name]
        count = len(operands) + (last is not _NOTHING)
        least = len(function.takes)
        if function.rest and count < least:
            raise self.error(f"wrong number of args for {node.name}: want at least {least} got {len(operands)}")
        if not function.rest and count != least:
            raise self.error(f"wrong number of args for {node.name}: want {least} got {count}")
        values = [self.argument(dot, function.parameter(place), operand) for place, operand in enumerate(operands)]
        if last is not _NOTHING:
            values.append(self.valid(last, function.parameter(len(operands))))
        try:
            if node.name == "call":
                _call(values[0], operands)
            value = function.call(*values)
        except ValueError as error:
            self.node = whole
            raise self.error(f"error calling {node.name}: {error}") from None
        return bounded(value) if isinstance(value, str) else value

    def shortcut(self, dot: Any, name: str, operands: tuple[nodes.Node, ...], last: Any) -> Any:
        """`and` and `or`."""
        if not operands and last is _NOTHING:
            raise self.error(f"wrong number of args for {name}: want at least 1 got 0")
        value: Any = None
        for operand in operands:
            value = self.argument(dot, "value", operand)
            if truth(value) == (name == "or"):
                return value
        return value if last is _NOTHING else last

    def argument(self, dot: Any, kind: str, node: nodes.Node) -> Any:
        """The value of an argument, of the type that is asked for."""
        self.at(node)
        if isinstance(node, nodes.Nil):
            if kind not in ("any", "value"):
                raise self.error(f"cannot assign nil to {kind}")
            return MISSING if kind == "value" else None
        if isinstance(node, nodes.Identifier):
            return self.valid(self.function(dot, node, node, (), _NOTHING), kind)
        if isinstance(node, nodes.Field | nodes.Variable | nodes.Chain):
            return self.valid(self.fields(dot, node, given=False), kind)
        if isinstance(node, nodes.Dot | nodes.Pipeline):
            return self.valid(self.literal(dot, node), kind)
        if kind == "string" and not isinstance(node, nodes.String):
            raise self.error(f"expected string; found {node}")
        if kind == "int":
            if not isinstance(node, nodes.Number) or node.whole is None:
                raise self.error(f"expected integer; found {node}")
            return node.whole
        return self.literal(dot, node)

    def valid(self, value: Any, kind: str) -> Any:
        """A value, which must be of a type."""
        if kind == "value":
            return value
        if kind == "any":
            return None if value is MISSING else value
        if value is MISSING:
            raise self.error(f"invalid value; expected {kind}")
        if value is None or type_name(value) != kind:
            shown = "interface {}" if value is None else type_name(value)
            raise self.error(f"wrong type for value; expected {kind}; got {shown}")
        return value


def _call(function: Any, operands: tuple[nodes.Node, ...]) -> NoReturn:
    """What `call` does with a value: none here is a function. Raises ValueError."""
    if absent(function):
        raise ValueError("call of nil")
    kind = type_name(function)
    shown = str(operands[0]) if operands else function if isinstance(function, str) else f"<{kind} Value>"
    raise ValueError(f"non-function {shown} of type {kind}")


class _Count:
    """The numbers from 0 on, as pairs that a loop goes over; never all of them in memory."""

    def __init__(self, size: int, kind: type[int]) -> None:
        self.size = size
        self.kind = Byte if kind is Byte else int

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Any:
        return ((self.kind(number), self.kind(number)) for number in range(self.size))
