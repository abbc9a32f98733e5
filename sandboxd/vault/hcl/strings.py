"""What quoted strings and heredocs mean."""

import re

_NAMED = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, '"': 34}
_ESCAPE = re.compile(r"""\\(?:([abfnrtv\\"])|([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))""")
_PLAIN = re.compile(r'(?:[^"\\$\n]|\$(?!\{))+')
_BRACE = re.compile(r"[{}]")
_PLAIN_JSON = re.compile(r'[^"\\\n]+')


def unquote(text: str, *, interpolation: bool) -> str | None:
    """Return the value of a string literal, quotes included in `text`; None if it is not a good one.

    With `interpolation` what stands between `${` and its `}` is taken as it is, quotes and backslashes too. Escapes for
    single bytes may add up to UTF-8; bytes that do not are replaced.
    """
    if len(text) < 2 or text[-1] != '"':
        return None
    body = text[1:-1]
    if "\\" not in body and '"' not in body and "\n" not in body and not (interpolation and "${" in body):
        return body
    plain = _PLAIN if interpolation else _PLAIN_JSON
    out = bytearray()
    at = 0
    while at < len(body):
        if match := plain.match(body, at):
            out += match[0].encode("utf-8", "surrogatepass")
            at = match.end()
        elif match := _ESCAPE.match(body, at):
            piece = _escaped(match, strict=not interpolation)
            if piece is None:
                return None
            out += piece
            at = match.end()
        elif interpolation and body.startswith("${", at):
            end = _closing_brace(body, at + 2)
            if end is None:
                return None
            out += body[at:end].encode("utf-8", "surrogatepass")
            at = end
        else:
            return None
    return out.decode("utf-8", "replace")


def _escaped(match: re.Match[str], *, strict: bool) -> bytes | None:
    named, octal, byte, short, long = match.groups()
    if named:
        return bytes((_NAMED[named],))
    if octal:
        return bytes((int(octal, 8),)) if int(octal, 8) < 256 else None
    if byte:
        return bytes((int(byte, 16),))
    point = int(short or long, 16)
    if point <= 0x10FFFF and not 0xD800 <= point <= 0xDFFF:
        return chr(point).encode()
    # A code point that is none is refused in JSON. In HCL it becomes U+FFFD if it is a surrogate, or so big that the
    # real library takes it for negative.
    return None if strict or 0x10FFFF < point < 0x8000_0000 else "\ufffd".encode()


def _closing_brace(body: str, at: int) -> int | None:
    depth = 1
    for match in _BRACE.finditer(body, at):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return match.end()
    return None


def unindent(heredoc: str) -> str:
    """Return the value of a heredoc, given whole, from `<<` to the line break after the closing anchor.

    With `<<-` the indentation of the closing anchor is taken off each line, if every line has it.
    """
    first = heredoc.index("\n")
    # The closing anchor is as long as the opening one less `<<` or `<<-`; what stands before it on its line is kept.
    end = len(heredoc) - first + 1
    if heredoc[2] != "-":
        return heredoc[first + 1 : end]
    *lines, indent = heredoc[first + 1 : end + 1].split("\n")
    if all(line.startswith(indent) for line in lines):
        return "".join(line[len(indent) :] + "\n" for line in lines)
    return heredoc[first + 1 : end].rstrip(" \t")
