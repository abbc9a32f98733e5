"""Numbers that keep their spelling.

The real server hands a client's `1e5` or `1.10` back as it was written; a float would not.
"""


class Number:
    """A JSON number that is not a small whole one, as it was written. Equal when written alike."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Number({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __float__(self) -> float:
        return float(self.text)
