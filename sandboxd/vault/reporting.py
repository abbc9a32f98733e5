"""Errors that no request can be told of."""

from sandboxd.vault.errors import VaultError


def report(error: BaseException) -> None:
    """Tell of an error that no request can be told of, in the log.

    A refusal's text holds no value that could be secret, so it is shown; of any other error only its kind and where it
    came from.
    """
    import logging
    from traceback import format_tb

    log = logging.getLogger("sandboxd")
    if isinstance(error, VaultError):
        log.error("%s", error)
    else:
        where = "".join(format_tb(error.__traceback__))
        log.error("unexpected %s; please report it\n%s", type(error).__name__, where)
