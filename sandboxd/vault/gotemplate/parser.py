"""From the tokens of a template to its nodes."""

from collections.abc import Callable, Collection

from sandboxd.vault.gotemplate import literals, nodes
from sandboxd.vault.gotemplate.lexer import Kind, Token, tokens
from sandboxd.vault.gotemplate.values import TemplateError
from sandboxd.vault.gotext import quote

DEEPEST = 60  # levels of parentheses and branches; far more in Go, whose stack grows
LONGEST_PIPELINE = 1000
_OPERANDS = frozenset(
    (
        Kind.BOOL,
        Kind.CHARACTER,
        Kind.COMPLEX,
        Kind.DOT,
        Kind.FIELD,
        Kind.IDENTIFIER,
        Kind.NUMBER,
        Kind.RAW,
        Kind.STRING,
        Kind.VARIABLE,
        Kind.OPEN,
    )
)
_LITERALS = (nodes.Bool, nodes.String, nodes.Number, nodes.Nil, nodes.Dot)


def parse(name: str, text: str, functions: Collection[str]) -> nodes.Source:
    """The nodes of a template that may call the functions of these names. Raises TemplateError."""
    return _Parser(name, text, functions).source()


class _Parser:
    def __init__(self, name: str, text: str, functions: Collection[str]) -> None:
        self.name = name
        self.text = text
        self.functions = functions
        self.tokens = tokens(text)
        self.index = 0
        self.furthest = 0  # of the tokens looked at: errors name its line
        self.variables = ["$"]
        self.ranges = 0  # that enclose what is being read
        self.depth = 0
        self.action_line = 0
        self.defined: dict[str, tuple[nodes.Node, ...]] = {}

    # Moving through the tokens

    def peek(self) -> Token:
        index = min(self.index, len(self.tokens) - 1)
        self.furthest = max(self.furthest, index)
        return self.tokens[index]

    def next(self) -> Token:
        token = self.peek()
        self.index += 1
        return token

    def peek_word(self) -> Token:
        while self.peek().kind is Kind.SPACE:
            self.index += 1
        return self.peek()

    def next_word(self) -> Token:
        self.peek_word()
        return self.next()

    def error(self, text: str) -> TemplateError:
        return TemplateError(f"template: {self.name}:{self.tokens[self.furthest].line}: {text}")

    def unexpected(self, token: Token, context: str) -> TemplateError:
        if token.kind is not Kind.ERROR:
            return self.error(f"unexpected {token} in {context}")
        started = ""
        if self.action_line not in (0, token.line):
            where = f" started at {self.name}:{self.action_line}"
            started = where if token.text.endswith(" action") else f" in action{where}"
        return self.error(f"{token}{started}")

    def expect(self, context: str, *kinds: Kind) -> Token:
        token = self.next_word()
        if token.kind not in kinds:
            raise self.unexpected(token, context)
        return token

    def unquoted(self, token: Token) -> str:
        try:
            return literals.unquote(token.text)
        except ValueError as error:
            raise self.error(str(error)) from None

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.error("max expression depth exceeded")

    # Lists of nodes

    def source(self) -> nodes.Source:
        found: list[nodes.Node] = []
        while self.peek().kind is not Kind.EOF:
            if self.peek().kind is Kind.LEFT:
                start = self.index
                self.next()
                if self.next_word().keyword("define"):
                    self.definition()
                    continue
                self.index = start
            node = self.item()
            if isinstance(node, nodes.Stop):
                raise self.error(f"unexpected {node}")
            found.append(node)
        root = tuple(found)
        self.define(self.name, root)
        return nodes.Source(self.text, self.defined[self.name], self.defined)

    def define(self, name: str, root: tuple[nodes.Node, ...]) -> None:
        if _empty(self.defined.get(name, ())):
            self.defined[name] = root
        elif not _empty(root):
            raise self.error(f"template: multiple definition of template {quote(name)}")

    def definition(self) -> None:
        context = "define clause"
        name = self.unquoted(self.expect(context, Kind.STRING, Kind.RAW))
        self.expect(context, Kind.RIGHT)
        self.define(name, self.scoped(context))

    def scoped(self, context: str) -> tuple[nodes.Node, ...]:
        """A template within the template: its variables and loops are its own."""
        outside = self.variables, self.ranges
        self.variables, self.ranges = ["$"], 0
        body, stop = self.items()
        if stop.word != "end":
            raise self.error(f"unexpected {stop} in {context}")
        self.variables, self.ranges = outside
        return body

    def items(self) -> tuple[tuple[nodes.Node, ...], nodes.Stop]:
        """Nodes up to an `end` or `else`."""
        found: list[nodes.Node] = []
        while self.peek_word().kind is not Kind.EOF:
            node = self.item()
            if isinstance(node, nodes.Stop):
                return tuple(found), node
            found.append(node)
        raise self.error("unexpected EOF")

    def item(self) -> nodes.Node:
        token = self.next_word()
        if token.kind is Kind.TEXT:
            return nodes.Text(token.at, token.text)
        if token.kind is not Kind.LEFT:
            raise self.unexpected(token, "input")
        self.action_line = token.line
        node = self.action()
        self.action_line = 0
        return node

    # Actions

    def action(self) -> nodes.Node:
        token = self.peek_word()
        read = self.words().get(token.text) if token.kind is Kind.KEYWORD else None
        if read is None:
            return nodes.Action(token.at, self.pipeline("command", Kind.RIGHT))
        self.next()
        return read(token)

    def words(self) -> dict[str, Callable[[Token], nodes.Node]]:
        return {
            "block": self.block,
            "break": self.jump,
            "continue": self.jump,
            "else": self.otherwise,
            "end": lambda _: nodes.Stop(self.expect("end", Kind.RIGHT).at, "end"),
            "if": self.branch,
            "range": self.branch,
            "template": self.include,
            "with": self.branch,
        }

    def jump(self, token: Token) -> nodes.Node:
        after = self.next_word()
        if after.kind is not Kind.RIGHT:
            raise self.unexpected(after, f"{{{{{token.text}}}}}")
        if not self.ranges:
            raise self.error(f"{{{{{token.text}}}}} outside {{{{range}}}}")
        return nodes.Jump(token.at, token.text)

    def otherwise(self, token: Token) -> nodes.Node:
        after = self.peek_word()
        if after.keyword("if", "with"):
            return nodes.Stop(after.at, "else")
        return nodes.Stop(self.expect("else", Kind.RIGHT).at, token.text)

    def branch(self, token: Token) -> nodes.Node:
        self.deeper()
        word = token.text
        known = len(self.variables)
        pipe = self.pipeline(word, Kind.RIGHT)
        self.ranges += word == "range"
        body, stop = self.items()
        self.ranges -= word == "range"
        otherwise: tuple[nodes.Node, ...] | None = None
        if stop.word == "else":
            after = self.peek()
            if word != "range" and after.keyword(word):
                otherwise = (self.branch(self.next()),)  # it takes the one `end` there is
            else:
                otherwise, stop = self.items()
                if stop.word != "end":
                    raise self.error(f"expected end; found {stop}")
        del self.variables[known:]
        self.depth -= 1
        return nodes.Branch(pipe.at, word, pipe, body, otherwise)

    def template_name(self, context: str) -> tuple[int, str]:
        token = self.next_word()
        if token.kind not in (Kind.STRING, Kind.RAW):
            raise self.unexpected(token, context)
        return token.at, self.unquoted(token)

    def block(self, _: Token) -> nodes.Node:
        context = "block clause"
        at, name = self.template_name(context)
        pipe = self.pipeline(context, Kind.RIGHT)
        self.deeper()
        self.define(name, self.scoped(context))
        self.depth -= 1
        return nodes.Include(at, name, pipe)

    def include(self, _: Token) -> nodes.Node:
        context = "template clause"
        at, name = self.template_name(context)
        if self.peek_word().kind is Kind.RIGHT:
            self.next()
            return nodes.Include(at, name)
        return nodes.Include(at, name, self.pipeline(context, Kind.RIGHT))

    # Pipelines

    def pipeline(self, context: str, end: Kind) -> nodes.Pipeline:
        at = self.peek_word().at
        variables, assigns = self.declarations(context)
        commands: list[nodes.Command] = []
        while True:
            token = self.peek_word()
            if token.kind is end:
                self.next()
                break
            if token.kind not in _OPERANDS and not token.keyword("nil"):
                raise self.unexpected(token, context)
            commands.append(self.command())
            if len(commands) > LONGEST_PIPELINE:
                raise self.error("pipeline too long")
        if not commands:
            raise self.error(f"missing value for {context}")
        for stage, command in enumerate(commands[1:], 2):
            if isinstance(command.operands[0], _LITERALS):
                raise self.error(f"non executable command in pipeline stage {stage}")
        return nodes.Pipeline(at, tuple(commands), variables, assigns)

    def declarations(self, context: str) -> tuple[tuple[nodes.Variable, ...], bool]:
        """The variables that a pipeline sets, and whether they are there already."""
        found: list[nodes.Variable] = []
        while self.peek_word().kind is Kind.VARIABLE:
            start = self.index
            token = self.next()
            after = self.peek_word()
            if after.kind not in (Kind.DECLARE, Kind.ASSIGN) and after.text != ",":
                self.index = start
                break
            self.next()
            found.append(nodes.Variable(token.at, (token.text,)))
            self.variables.append(token.text)
            if after.kind is not Kind.OTHER:
                return tuple(found), after.kind is Kind.ASSIGN
            if context != "range" or len(found) > 1:
                raise self.error(f"too many declarations in {context}")
            if self.peek_word().kind not in (Kind.VARIABLE, Kind.RIGHT, Kind.CLOSE):
                raise self.error("range can only initialize variables")
        return tuple(found), False

    def command(self) -> nodes.Command:
        at = self.peek_word().at
        operands: list[nodes.Node] = []
        while True:
            self.peek_word()
            operand = self.operand()
            if operand is not None:
                operands.append(operand)
            token = self.next()
            if token.kind is Kind.SPACE:
                continue
            if token.kind in (Kind.RIGHT, Kind.CLOSE):
                self.index -= 1
            elif token.kind is not Kind.PIPE:
                raise self.unexpected(token, "operand")
            break
        return nodes.Command(at, tuple(operands))

    def operand(self) -> nodes.Node | None:
        node = self.term()
        if node is None or self.peek().kind is not Kind.FIELD:
            return node
        at = self.peek().at
        names: list[str] = []
        while self.peek().kind is Kind.FIELD:
            names.append(self.next().text[1:])
        if isinstance(node, nodes.Field):
            return nodes.Field(at, (*node.names, *names))
        if isinstance(node, nodes.Variable):
            return nodes.Variable(at, (*node.names, *names))
        if isinstance(node, _LITERALS):
            raise self.error(f"unexpected . after term {quote(str(node))}")
        return nodes.Chain(at, node, tuple(names))

    def term(self) -> nodes.Node | None:
        token = self.peek_word()
        read = _TERMS.get("nil" if token.keyword("nil") else token.kind)
        if read is None:
            return None
        self.next()
        return read(self, token)

    def identifier(self, token: Token) -> nodes.Node:
        if token.text not in self.functions:
            raise self.error(f"function {quote(token.text)} not defined")
        return nodes.Identifier(token.at, token.text)

    def variable(self, token: Token) -> nodes.Node:
        if token.text not in self.variables:
            raise self.error(f"undefined variable {quote(token.text)}")
        return nodes.Variable(token.at, (token.text,))

    def number(self, token: Token) -> nodes.Node:
        read = {Kind.CHARACTER: literals.character, Kind.COMPLEX: literals.pair}.get(token.kind, literals.number)
        try:
            return read(token.text, token.at)
        except ValueError as error:
            raise self.error(str(error)) from None

    def parenthesized(self, _: Token) -> nodes.Node:
        self.deeper()
        pipe = self.pipeline("parenthesized pipeline", Kind.CLOSE)
        self.depth -= 1
        return pipe

    def string(self, token: Token) -> nodes.Node:
        return nodes.String(token.at, token.text, self.unquoted(token))


_TERMS: dict[Kind | str, Callable[[_Parser, Token], nodes.Node]] = {
    "nil": lambda _, token: nodes.Nil(token.at),
    Kind.IDENTIFIER: _Parser.identifier,
    Kind.DOT: lambda _, token: nodes.Dot(token.at),
    Kind.VARIABLE: _Parser.variable,
    Kind.FIELD: lambda _, token: nodes.Field(token.at, (token.text[1:],)),
    Kind.BOOL: lambda _, token: nodes.Bool(token.at, token.text == "true"),
    Kind.CHARACTER: _Parser.number,
    Kind.COMPLEX: _Parser.number,
    Kind.NUMBER: _Parser.number,
    Kind.OPEN: _Parser.parenthesized,
    Kind.STRING: _Parser.string,
    Kind.RAW: _Parser.string,
}


def _empty(root: tuple[nodes.Node, ...]) -> bool:
    """Whether a template holds nothing but space."""
    return all(isinstance(node, nodes.Text) and not node.text.strip() for node in root)
