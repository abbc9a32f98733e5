"""The alphabets that credentials are written in, and numbers written in them.

A *digit* is a symbol of an alphabet at its position; numbers are written most significant digit first.
"""

from __future__ import annotations

import string

DIGITS = string.digits
HEX = "0123456789abcdef"
LOWER = string.ascii_lowercase
LETTERS = string.ascii_uppercase + string.ascii_lowercase
ALNUM_UPPER = string.digits + string.ascii_uppercase
ALNUM_LOWER = string.digits + string.ascii_lowercase
BASE32 = string.ascii_uppercase + "234567"
BASE32_LOWER = string.ascii_lowercase + "234567"
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
BASE64 = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
BASE64_URL = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
# Microsoft's alphabet for client secrets: the unreserved characters of a URL, zero after nine.
AZURE66 = string.ascii_lowercase + string.ascii_uppercase + "1234567890.-_~"


def digits(number: int, alphabet: str, width: int) -> str:
    """Write `number` modulo len(alphabet)**width as exactly `width` digits."""
    written = []
    for _ in range(width):
        number, remainder = divmod(number, len(alphabet))
        written.append(alphabet[remainder])
    return "".join(reversed(written))


def number(text: str, alphabet: str) -> int:
    """Read digits back. Raises ValueError at a symbol that is not of the alphabet."""
    value = 0
    for symbol in text:
        value = value * len(alphabet) + alphabet.index(symbol)
    return value
