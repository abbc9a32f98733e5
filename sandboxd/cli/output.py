"""How the command line speaks: plainly, errors to standard error, and with exit statuses that mean something."""

import sys
from typing import Any, NoReturn

import msgspec

OK = 0
FAILED = 1  # it was tried, and went wrong
USAGE = 2  # the command line makes no sense
NOT_RUNNING = 3  # there is no such sandbox
BAD_FIXTURE = 4  # the fixture has errors
TAKEN = 5  # the name or the port is in use
NOT_OURS = 6  # `verify`: the value is not one of sandboxd's
NOT_VALID = 7  # `verify`: it is one of sandboxd's, and not valid now
NOT_RUN = 8  # `drill`: something could not be run


def say(text: str = "") -> None:
    """Print a line."""
    print(text, flush=True)


def complain(text: str) -> None:
    """Print a line to standard error."""
    print(text, file=sys.stderr, flush=True)


def stop(text: str, status: int = FAILED) -> NoReturn:
    """Complain, and end with a status."""
    complain(f"sandboxd: {text}")
    sys.exit(status)


def say_json(value: Any) -> None:
    """Print a value as JSON, for scripts."""
    say(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
