"""Every refusal that a client can see, with its status.

    VaultError                     anything that becomes an `{"errors": [...]}` answer
    ├── Refusal                    the request was understood and refused: the text goes out as it is (400)
    └── Failure                    the request failed: inside routed requests the text goes out as a list of one (500)
        ├── InvalidRequest         400 invalid request
        ├── PermissionDenied       403 permission denied
        ├── UnsupportedPath        404 unsupported path
        ├── UnsupportedOperation   405 unsupported operation
        ├── InvalidCredentials     400 from a login that counts towards a user's lockout
        ├── InvalidWrappingToken   400 wrapping token is not valid or does not exist
        ├── InvalidKey             500 key contains invalid UTF-8 characters
        ├── Sealed                 503 Vault is sealed
        └── InternalError          500 internal error

The real server knows both kinds too: an "error response", whose text is shown plainly, and an error value, which
routing wraps as `1 error occurred:\\n\\t* text\\n\\n`. Which of the two a handler used shows on the wire, so handlers
here choose between them as well.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NoReturn


class VaultError(Exception):
    """A refusal with its HTTP status and the texts for the `errors` list (never a value that could be secret).

    `headers` go out with it.
    """

    status = 500
    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self, *errors: str, status: int | None = None) -> None:
        super().__init__(*errors)
        self.errors: tuple[str, ...] = errors
        if status is not None:
            self.status = status


class Refusal(VaultError):
    """The request was understood and refused. Its text goes out as it is."""

    status = 400


class Failure(VaultError):
    """The request failed on the way. Routing wraps its text as the one item of a list."""

    text = ""

    def __init__(self, *errors: str, status: int | None = None) -> None:
        super().__init__(*(errors or ((self.text,) if self.text else ())), status=status)


class InvalidRequest(Failure):
    """The request makes no sense here."""

    status = 400
    text = "invalid request"


class PermissionDenied(Failure):
    """No token, a bad token, or one whose policies do not allow the request."""

    status = 403
    text = "permission denied"


class UnsupportedPath(Failure):
    """The mount has no such path."""

    status = 404
    text = "unsupported path"


class UnsupportedOperation(Failure):
    """The path is there, the operation is not."""

    status = 405
    text = "unsupported operation"


class InvalidCredentials(Refusal):
    """A login with wrong credentials: it counts towards the user's lockout."""


class InvalidWrappingToken(Failure):
    """The wrapping token is unknown, expired, or was used before."""

    status = 400
    text = "wrapping token is not valid or does not exist"


class InvalidKey(Failure):
    """A path is no text, so nothing can be kept there."""

    text = "key contains invalid UTF-8 characters"


class Sealed(Failure):
    """The server is sealed or not initialised."""

    status = 503
    text = "Vault is sealed"


class InternalError(Failure):
    """Something that is not the client's fault."""

    status = 500
    text = "internal error"


def listed(errors: Sequence[str]) -> str:
    """The texts as the real server prints a list of errors."""
    head = "1 error occurred:" if len(errors) == 1 else f"{len(errors)} errors occurred:"
    return f"{head}\n\t* " + "\n\t* ".join(errors) + "\n\n"


def in_one_line(errors: Sequence[str]) -> str:
    """The texts in a line, for people: without the form of a list that some of them have."""
    lines = [line.strip().removeprefix("* ") for error in errors for line in error.splitlines()]
    return "; ".join(line for line in lines if line and not line.endswith("occurred:")) or "it gives no reason"


def refuse(text: str, status: int = 400) -> NoReturn:
    """Raise a `Refusal`: usable in expressions, as in `known(name) or refuse("no such role")`."""
    raise Refusal(text, status=status)


def fail(text: str, status: int = 500) -> NoReturn:
    """Raise a `Failure`: usable in expressions."""
    raise Failure(text, status=status)
