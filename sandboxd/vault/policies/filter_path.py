"""List filters: the template that says, for each key of a listing, which path a token must be able to read to see it.

`list_scan_response_keys_filter_path = "{{ .path }}{{ .key }}"` shows a key only to those who may read the secret. The
notation is that of Go's text/template: what is understood here are fields, literals, pipes, parentheses, comments,
trimming dashes and the functions that depend on their arguments alone. Conditions, loops, variables, time and chance
are refused by name. What is refused in the real server as well is refused in its words.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, NoReturn, TypeAlias

from sandboxd.vault.durations import parse_integer
from sandboxd.vault.gotext import quote
from sandboxd.vault.policies.model import PolicyError

Value: TypeAlias = str | int | None
"""None is what a field that is not there gives."""

_ACTION = re.compile(
    r"""\{\{(-\s)?(?:/\*.*?\*/|((?:"(?:[^"\\\n]|\\.)*"|`[^`]*`|[^}"`]|\}(?!\}))*?))(\s-)?\}\}""", re.DOTALL
)
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)
      | (?P<field>\.[A-Za-z_0-9.]*)
      | (?P<number>[+-]?[0-9]+)
      | (?P<word>[$A-Za-z_][A-Za-z_0-9]*)
      | (?P<mark>[|()])
      | (?P<other>\S)
    )""",
    re.VERBOSE,
)
_ELSEWHERE = frozenset(
    (
        *("if", "else", "end", "range", "with", "define", "block", "template", "break", "continue", "$"),
        *(
            "and",
            "or",
            "not",
            "eq",
            "ne",
            "lt",
            "le",
            "gt",
            "ge",
            "true",
            "false",
            "nil",
            "call",
            "index",
            "slice",
            "len",
        ),
        *("print", "printf", "println", "html", "js", "urlquery", "glob"),
        *("random", "uuid", "timestamp", "unix_time", "unix_time_millis"),
    )
)
"""What the real server's templates know and these do not."""


_POSSIBLE_KEYS = ("OneOfAllTheKeysAListingMayHold32", "TwoOfAllTheKeysAListingMayHold32")


class Token(NamedTuple):
    kind: str
    text: str


class Call(NamedTuple):
    """A function and its arguments; without a function, the one argument is the value."""

    function: str
    arguments: tuple["Argument", ...]


Pipeline: TypeAlias = tuple[Call, ...]
Argument: TypeAlias = Token | Pipeline
Piece: TypeAlias = str | Pipeline


@lru_cache(maxsize=256)
def compile_filter(template: str) -> tuple[Piece, ...]:
    """Return the pieces of a template. Raises PolicyError if it is not one."""
    pieces: list[Piece] = []
    at = 0
    trim = False
    while True:
        start = template.find("{{", at)
        text = template[at:] if start < 0 else template[at:start]
        action = _ACTION.match(template, start) if start >= 0 else None
        text = text.lstrip() if trim else text
        pieces.append(text.rstrip() if action and action[1] else text)
        if start < 0:
            return tuple(piece for piece in pieces if piece)
        line = template.count("\n", 0, start) + 1
        if action is None:
            _refuse(line, _broken(template[start + 2 :]))
        if action[2] is not None:
            pieces.append(_Parser(action[2], line).pipeline())
        trim = bool(action[3])
        at = action.end()


def render_filter(template: str, *, path: str, key: str) -> str:
    """Return the path to check for one key of a listing at `path`. Raises PolicyError."""
    fields: dict[str, Value] = {".path": path, ".key": key, ".": f"map[key:{key} path:{path}]"}
    return "".join(
        _shown(_run(piece, fields)) if isinstance(piece, tuple) else piece for piece in compile_filter(template)
    )


def check_filter(template: str) -> None:
    """Raise PolicyError, worded as in the real server, unless the template gives a path for each key."""
    try:
        compile_filter(template)
    except PolicyError as error:
        text = f"unable to compile template for list_scan_response_keys_filter_path: unable to parse template: {error}"
        raise PolicyError(text) from None
    try:
        one, two = (render_filter(template, path="path", key=key) for key in _POSSIBLE_KEYS)
    except PolicyError as error:
        text = f"failed to validate list_scan_response_keys_filter_path: unable to apply template: {error}"
        raise PolicyError(text) from None
    if one == two:
        raise PolicyError("list_scan_response_keys_filter_path resulted in same path for two different keys")


def _refuse(line: int, text: str) -> NoReturn:
    raise PolicyError(f"template: template:{line}: {text}")


def _broken(rest: str) -> str:
    if "}" in rest and "}}" not in rest:
        return 'unexpected "}" in operand'
    if rest.count('"') % 2 or rest.count("`") % 2:
        return "unterminated quoted string"
    return "unclosed action"


class _Parser:
    """Reads the inside of one action."""

    def __init__(self, text: str, line: int) -> None:
        self._line = line
        self._tokens = [Token(match.lastgroup or "", match[0].strip()) for match in _TOKEN.finditer(text)]

    def pipeline(self) -> Pipeline:
        calls = self._calls()
        if self._tokens:
            _refuse(self._line, "unexpected right paren")
        return calls

    def _calls(self) -> Pipeline:
        calls: list[Call] = []
        while True:
            arguments = self._arguments()
            if arguments:
                calls.append(self._call(arguments, stage=len(calls) + 1))
            if not self._tokens or self._tokens[0].text != "|":
                break
            if not arguments:
                _refuse(self._line, 'unexpected "|" in command')
            self._tokens.pop(0)
        if not calls:
            _refuse(self._line, "missing value for command")
        return tuple(calls)

    def _arguments(self) -> list[Argument]:
        found: list[Argument] = []
        while self._tokens and self._tokens[0].text not in ("|", ")"):
            token = self._tokens.pop(0)
            if token.text == "(":
                found.append(self._calls())
                if not self._tokens:
                    _refuse(self._line, "unclosed left paren")
                self._tokens.pop(0)
                continue
            if token.kind == "other":
                _refuse(self._line, f"unexpected {quote(token.text)} in {'operand' if found else 'command'}")
            if token.kind == "word":
                self._check_word(token.text)
            found.append(token)
        return found

    def _check_word(self, word: str) -> None:
        if word in ("end", "else"):
            _refuse(self._line, f"unexpected {{{{{word}}}}}")
        if word.startswith("$") and word != "$":
            _refuse(self._line, f"undefined variable {quote(word)}")
        if word in _ELSEWHERE:
            _refuse(self._line, f"{quote(word)} is not supported in list filters here")
        if word not in _FUNCTIONS:
            _refuse(self._line, f"function {quote(word)} not defined")

    def _call(self, arguments: list[Argument], *, stage: int) -> Call:
        first = arguments[0]
        if isinstance(first, Token) and first.kind == "word":
            return Call(first.text, tuple(arguments[1:]))
        if stage > 1 and isinstance(first, Token) and first.kind in ("string", "number"):
            _refuse(self._line, f"non executable command in pipeline stage {stage}")
        if stage > 1 or len(arguments) > 1:
            name = first.text if isinstance(first, Token) else "parenthesized pipeline"
            _refuse(self._line, f"can't give argument to non-function {name}")
        return Call("", (first,))


def _run(pipeline: Pipeline, fields: dict[str, Value]) -> Value:
    value: Value = None
    for stage, call in enumerate(pipeline):
        arguments = [_value(argument, fields) for argument in call.arguments]
        if not call.function:
            value = arguments[0]
            continue
        if stage:
            arguments.append(value)
        kinds, function = _FUNCTIONS[call.function]
        if len(arguments) != len(kinds):
            wanted = f"want {len(kinds)} got {len(arguments)}"
            raise PolicyError(f"wrong number of args for {call.function}: {wanted}")
        for argument, kind in zip(arguments, kinds, strict=True):
            if not isinstance(argument, kind):
                names = {str: "string", int: "int"}
                raise PolicyError(f"wrong type for value; expected {names[kind]}; got {names.get(type(argument))}")
        try:
            value = function(*arguments)
        except ValueError as error:
            raise PolicyError(f"error calling {call.function}: {error}") from None
    return value


def _value(argument: Argument, fields: dict[str, Value]) -> Value:
    if not isinstance(argument, Token):
        return _run(argument, fields)
    match argument.kind:
        case "string":
            inner = argument.text[1:-1]
            return inner if argument.text[0] == "`" else re.sub(r"\\(.)", _unescape, inner)
        case "number":
            return parse_integer(argument.text)
    return fields.get(argument.text)


def _unescape(match: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t"}.get(match[1], match[1])


def _shown(value: Value) -> str:
    return "<no value>" if value is None else str(value)


def _truncate(length: int, text: str) -> str:
    if length <= 0:
        raise ValueError(f"max length must be > 0 but was {length}")
    return text.encode()[:length].decode("utf-8", "replace")


def _truncate_sha256(length: int, text: str) -> str:
    if length <= 8:
        raise ValueError(f"max length must be > 8 but was {length}")
    raw = text.encode()
    if len(raw) <= length:
        return text
    return raw[: length - 8].decode("utf-8", "replace") + hashlib.sha256(raw[length - 8 :]).hexdigest()[:8]


def _decode_base64(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except binascii.Error:
        raise ValueError("illegal base64 data") from None


def _decode_hex(text: str) -> str:
    if wrong := re.search(r"[^0-9a-fA-F]", text):
        raise ValueError(f"encoding/hex: invalid byte: U+{ord(wrong[0]):04X} {wrong[0]!r}")
    if len(text) % 2:
        raise ValueError("encoding/hex: odd length hex string")
    return bytes.fromhex(text).decode("utf-8", "replace")


_FUNCTIONS: dict[str, tuple[tuple[type, ...], Callable[..., Value]]] = {
    "truncate": ((int, str), _truncate),
    "truncate_sha256": ((int, str), _truncate_sha256),
    "uppercase": ((str,), str.upper),
    "lowercase": ((str,), str.lower),
    "replace": ((str, str, str), lambda old, new, text: text.replace(old, new)),
    "sha256": ((str,), lambda text: hashlib.sha256(text.encode()).hexdigest()),
    "base64": ((str,), lambda text: base64.b64encode(text.encode()).decode()),
    "decode_base64": ((str,), _decode_base64),
    "hex": ((str,), lambda text: text.encode().hex()),
    "decode_hex": ((str,), _decode_hex),
}
