"""What can go wrong when a fake is asked for.

- `FakeError`
  - `UnknownKind`: no kind has that name; the message lists close ones.
  - `OptionError`: an option is unknown, has the wrong type or is out of bounds.
"""

from __future__ import annotations


class FakeError(ValueError):
    """A fake could not be made as asked. Its text holds names and limits, never a value."""


class UnknownKind(FakeError):
    """No kind has the name that was asked for; `close` are the names it may have meant."""

    def __init__(self, name: str, close: tuple[str, ...]) -> None:
        self.name = name
        self.close = close
        hint = f"; did you mean {', '.join(close)}?" if close else ""
        super().__init__(f"unknown kind {name!r}{hint}")


class OptionError(FakeError):
    """An option that a kind does not have, or a value that it does not take."""
