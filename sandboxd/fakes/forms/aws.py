"""AWS access key ids.

Behind the four letters of the type stand 80 bits in base32: a one in current keys, the account number in 40 bits, and
39 opaque ones (awsteele.com, 2020-09-26; LocalStack uses the same arithmetic). Account numbers have exactly twelve
digits, so a number from 10**12 on is no account. The end, `EXAMPLE`, is that of the ids in AWS's own documentation.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sandboxd.fakes.alphabets import BASE32, digits, number
from sandboxd.fakes.model import VALUE, Form, Parts

if TYPE_CHECKING:
    from sandboxd.fakes.options import NoOptions
    from sandboxd.fakes.stream import Stream

_FIRST_IMPOSSIBLE = 10**12
_ID = r"A[KS]IA[A-Z2-7]{16}"


def account(key_id: str) -> int | None:
    """The account number in an id, None where it holds none (older ids, and what is no id)."""
    if not re.fullmatch(_ID, key_id):
        return None
    leading = number(key_id[4:], BASE32) >> 32
    return (leading & 0x7FFFFFFFFF80) >> 7 if leading >> 47 else None


def access_key_id(prefix: str) -> Form:
    """Ids of one type, AKIA or ASIA. Their structure is their mark: 39.5 bits against random text."""

    def make(_kind: str, stream: Stream, _options: NoOptions) -> Parts:
        impossible = _FIRST_IMPOSSIBLE + stream.below(2**40 - _FIRST_IMPOSSIBLE)
        head = 1 << 44 | impossible << 4 | stream.below(16)
        return {VALUE: prefix + digits(head, BASE32, 9) + "EXAMPLE"}

    def marked(_kind: str, value: str) -> bool:
        return value.startswith(prefix) and value.endswith("EXAMPLE") and broken(value)

    def broken(value: str) -> bool:
        found = account(value)
        return found is not None and found >= _FIRST_IMPOSSIBLE

    return Form(make=make, marked=marked, broken=broken, bits=39.5, length=20, anchor=prefix)
