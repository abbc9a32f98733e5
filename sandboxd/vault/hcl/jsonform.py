"""HCL written as JSON: a scanner and a parser as lax as the real library's, which are not those of a JSON library.

Objects that hold nothing but objects are **flattened** into items with several keys, so that
`{"path": {"secret/*": {"policy": "read"}}}` gives the same tree as `path "secret/*" { policy = "read" }`.
"""

from collections.abc import Iterator

from sandboxd.vault.hcl.cursor import DECIMAL, END, Cursor, is_digit, is_letter
from sandboxd.vault.hcl.nodes import MAX_DEPTH, HCLError, Item, Items, List, Literal, Object, Token

_SPACE = frozenset(" \t\r\n")
_MARKS = {"[": "LBRACK", "]": "RBRACK", "{": "LBRACE", "}": "RBRACE", ",": "COMMA", ":": "COLON"}
_WORDS = {"true": "BOOL", "false": "BOOL", "null": "NULL"}


def parse_json(text: str) -> Items:
    """Return the items of a JSON object; what follows it is not looked at. Raises HCLError."""
    parser = _Parser(text)
    try:
        items = parser.root()
    except HCLError:
        parser.raise_slip()
        raise
    parser.raise_slip()
    return _flat(items)


class _Scanner(Cursor):
    rereads_bad_code = True

    def scan(self) -> Token:
        """Return the next token; EOF at the end."""
        while self._peek() in _SPACE:
            self.at += 1
        start = self.at
        kind = self._kind(self._read())
        index = start if start < len(self.text) else start + self._past_end - 1
        return Token(kind, self.text[start : self.at], self.position(index), json=True)

    def _read(self) -> str:
        char = self.text[self.at : self.at + 1]
        if char:
            self.at += 1
        else:
            self._past_end += 1
        return END if char == "\0" else char

    def _kind(self, first: str) -> str:
        if first == END:
            return "EOF"
        if is_letter(first):
            return self._word()
        if first in DECIMAL:
            return self._number(first)
        if first in _MARKS:
            return _MARKS[first]
        if first == '"':
            self._string()
            return "STRING"
        if first == ".":
            if self._peek() not in DECIMAL:
                return "PERIOD"
            self._exponent(self._digits(self._peek()))
            return "FLOAT"
        if first == "-" and self._peek() in DECIMAL:
            return self._number(self._read())
        self._slip("illegal char" if first == "-" else f"illegal char: {first}")
        return "ILLEGAL"

    def _word(self) -> str:
        start = self.at - 1
        char = self._read()
        while is_letter(char) or is_digit(char) or char == "-":
            char = self._read()
        self._back(char)
        word = self.text[start : self.at]
        if word not in _WORDS:
            self._slip("illegal char")
        return _WORDS.get(word, "ILLEGAL")

    def _number(self, first: str) -> str:
        after = self.at
        self._digits(first)
        kind = self._fraction(self._read())
        if kind == "NUMBER" and first == "0" and (self.at != after or self._past_end):
            self._slip("numbers cannot start with 0")
        return kind

    def _string(self) -> None:
        while (char := self._read()) != '"':
            if char in ("\n", END):
                self._slip("literal not terminated")
                return
            if char == "\\":
                self._escape()


class _EndOfFileError(Exception):
    """The text ended where a value or a key should be; what was read so far counts."""


class _Parser:
    def __init__(self, text: str) -> None:
        self._scanner = _Scanner(text)
        self._token = Token("EOF", "")
        self._depth = 0

    def raise_slip(self) -> None:
        """Raise what the scanner met last: it goes before whatever the parser found."""
        if self._scanner.slip:
            index, text = self._scanner.slip
            position = self._scanner.position(index)
            raise HCLError(f"{position}: {text}", position)

    def root(self) -> Items:
        """Read the object that the whole text is."""
        token = self._next()
        if token.kind != "LBRACE":
            raise self._unknown("Expected object, got unknown token")
        return self._object().items

    def _next(self) -> Token:
        self._token = self._scanner.scan()
        return self._token

    def _unknown(self, what: str) -> HCLError:
        token = self._token
        return HCLError(f"{what}: {token.position} {token.kind} {token.text}", token.position)

    def _object(self) -> Object:
        self._deepen()
        entries: list[Item] = []
        try:
            while True:
                entries.append(self._item())
                if self._next().kind != "COMMA":  # nor need it be the closing brace
                    break
        except _EndOfFileError:
            pass
        except HCLError:
            if self._token.kind != "RBRACE":  # a key or a value missing at the end of an object is forgiven
                raise
        self._depth -= 1
        return Object(Items(tuple(entries)))

    def _item(self) -> Item:
        keys: list[Token] = []
        while True:
            token = self._next()
            if token.kind == "EOF":
                raise _EndOfFileError
            if token.kind == "STRING":
                keys.append(Token("STRING", token.text, json=True))
            elif token.kind == "COLON" and keys:
                return Item(tuple(keys), self._value(), token.position)
            elif token.kind == "ILLEGAL":
                raise HCLError("illegal", token.position)
            else:
                raise HCLError(f"expected: STRING got: {token.kind}", token.position)

    def _value(self) -> Literal | List | Object:
        token = self._next()
        match token.kind:
            case "NUMBER" | "FLOAT" | "BOOL" | "NULL" | "STRING":
                return _literal(token)
            case "LBRACE":
                return self._object()
            case "LBRACK":
                return self._list()
            case "EOF":
                raise _EndOfFileError
        raise self._unknown("Expected object value, got unknown token")

    def _list(self) -> List:
        elements: list[Literal | List | Object] = []
        while (token := self._next()).kind != "RBRACK":
            match token.kind:
                case "NUMBER" | "FLOAT" | "STRING":
                    elements.append(_literal(token))
                case "LBRACE":
                    elements.append(self._object())
                case "COMMA" | "BOOL" | "LBRACK":
                    pass  # the real parser knows neither bools nor lists in a list, and passes over them
                case kind:
                    raise HCLError(f"unexpected token while parsing list: {kind}", token.position)
        return List(tuple(elements))

    def _deepen(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise HCLError(f"{self._token.position}: nested more than {MAX_DEPTH} deep", self._token.position)


def _literal(token: Token) -> Literal:
    """A literal without its position, which the real library forgets; null becomes the empty string."""
    if token.kind == "NULL":
        return Literal(Token("STRING", "", json=True))
    return Literal(Token(token.kind, token.text, json=token.kind == "STRING"))


def _flat(items: Items) -> Items:
    entries: list[Item] = []
    for item in items:
        entries.extend(_flat_item(item))
    return Items(tuple(Item(item.keys, _flat_value(item.value), item.assign) for item in entries))


def _flat_value(value: Literal | List | Object) -> Literal | List | Object:
    if isinstance(value, Object):
        return Object(_flat(value.items))
    if isinstance(value, List):
        return List(
            tuple(
                Object(_flat(element.items)) if isinstance(element, Object) else element for element in value.elements
            )
        )
    return value


def _flat_item(item: Item) -> Iterator[Item]:
    """Give the items that `item` stands for: itself, or if its value holds objects alone, one for each of them."""
    value = item.value
    inner: list[Item] = []
    if isinstance(value, Object):
        inner = [Item(item.keys + entry.keys, entry.value, item.assign) for entry in value.items]
    elif isinstance(value, List):
        inner = [Item(item.keys, element, item.assign) for element in value.elements if isinstance(element, Object)]
        if len(inner) != len(value.elements):
            inner = []
    if not inner or not all(isinstance(entry.value, Object) for entry in inner):
        yield item
        return
    for entry in inner:
        yield from _flat_item(entry)
