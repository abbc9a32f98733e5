"""The parser of HCL's own notation."""

from sandboxd.vault.hcl.nodes import MAX_DEPTH, UNKNOWN, HCLError, Item, Items, List, Literal, Object, Position, Token
from sandboxd.vault.hcl.scan import Scanner

_LITERALS = frozenset(("NUMBER", "FLOAT", "BOOL", "STRING", "HEREDOC"))


def parse_hcl(text: str) -> Items:
    """Return the items of an HCL text; raise HCLError with the real library's words."""
    parser = _Parser(text.replace("\r\n", "\n"))
    try:
        items = parser.items(within=False)
    except HCLError:
        parser.raise_slip()
        raise
    parser.raise_slip()
    return items


class _EndOfFileError(Exception):
    """The text ended where a value or a key should be, which often is no error."""


class _Parser:
    def __init__(self, text: str) -> None:
        self._scanner = Scanner(text)
        self._token = Token("EOF", "")
        self._unread = False
        self._depth = 0

    def raise_slip(self) -> None:
        """Raise what the scanner met last: it goes before whatever the parser found."""
        if self._scanner.slip:
            index, text = self._scanner.slip
            raise HCLError.at(self._scanner.position(index), text)

    def items(self, *, within: bool) -> Items:
        """Read items up to the end, or, `within` an object, up to its closing brace, which stays unread."""
        entries: list[Item] = []
        while not (within and self._peek().kind == "RBRACE"):
            try:
                entries.append(self._item())
            except _EndOfFileError:
                break  # even after `key =`: the key is dropped without a word
            if self._peek().kind == "COMMA":
                self._next()
        return Items(tuple(entries))

    def _next(self) -> Token:
        if self._unread:
            self._unread = False
        else:
            self._token = self._scanner.scan()
        return self._token

    def _peek(self) -> Token:
        token = self._next()
        self._unread = True
        return token

    def _item(self) -> Item:
        keys = self._keys()
        value: Literal | List | Object
        match self._token.kind:
            case "ASSIGN":
                assign, value = self._token.position, self._value()
            case "LBRACE":
                assign, value = UNKNOWN, self._object()
            case _:
                written = " ".join(key.text for key in keys)
                text = f"key '{written}' expected start of object ('{{') or assignment ('=')"
                raise HCLError.at(self._token.position, text)
        self._peek()  # the real parser looks for a comment here; what the scanner trips over counts
        return Item(keys, value, assign)

    def _keys(self) -> tuple[Token, ...]:
        """Read keys up to the first token that is none, which is left in `self._token`."""
        keys: list[Token] = []
        while True:
            token = self._next()
            kind, wrong = token.kind, ""
            if kind in ("IDENT", "STRING"):
                keys.append(token)
                continue
            if kind == "EOF" and not keys:
                raise _EndOfFileError
            if kind == "ASSIGN" and len(keys) != 1:
                wrong = "nested object expected: LBRACE got: ASSIGN" if keys else "no object keys found!"
            elif kind == "LBRACE" and not keys:
                wrong = "expected: IDENT | STRING got: LBRACE"
            elif kind not in ("ASSIGN", "LBRACE", "EOF") and not (kind == "RBRACE" and keys):
                wrong = f"expected: IDENT | STRING | ASSIGN | LBRACE got: {kind}"
            if wrong:
                raise HCLError.at(token.position, wrong)
            return tuple(keys)

    def _value(self) -> Literal | List | Object:
        token = self._next()
        if token.kind in _LITERALS:
            return Literal(token)
        if token.kind == "LBRACE":
            return self._object()
        if token.kind == "LBRACK":
            return self._list()
        if token.kind == "EOF":
            raise _EndOfFileError
        raise HCLError.at(token.position, f"Unknown token: {token.position} {token.kind} {token.text}")

    def _object(self) -> Object:
        start = self._token.position
        self._deepen(start)
        items = self.items(within=True)
        if self._next().kind != "RBRACE":
            raise HCLError.at(self._token.position, f"object expected closing RBRACE got: {self._token.kind}")
        self._depth -= 1
        return Object(items, start)

    def _list(self) -> List:
        start = self._token.position
        self._deepen(start)
        elements: list[Literal | List | Object] = []
        wants_comma = False
        while True:
            token = self._next()
            kind = token.kind
            if wants_comma and kind not in ("COMMA", "RBRACK"):
                text = f"error parsing list, expected comma or list end, got: {kind}"
                raise HCLError.at(token.position, text)
            if kind == "COMMA":
                self._peek()
                wants_comma = False
            elif kind in _LITERALS:
                elements.append(Literal(token))
                wants_comma = True
            elif kind in ("LBRACE", "LBRACK"):
                elements.append(self._nested(token))
                wants_comma = kind == "LBRACE"  # the real parser forgets to ask for one after a list
            elif kind == "RBRACK":
                self._depth -= 1
                return List(tuple(elements), start)
            else:
                raise HCLError.at(token.position, f"unexpected token while parsing list: {kind}")

    def _nested(self, token: Token) -> List | Object:
        try:
            return self._object() if token.kind == "LBRACE" else self._list()
        except HCLError as error:
            what = "object" if token.kind == "LBRACE" else "list"
            text = f"error while trying to parse {what} within list: {error}"
            raise HCLError.at(token.position, text) from None

    def _deepen(self, position: Position) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise HCLError.at(position, f"nested more than {MAX_DEPTH} deep")
