"""Settings decoded as strictly as the real server does: only what has the right type already."""

from collections.abc import Callable, Mapping
from typing import Any

from sandboxd.vault.framework.numbers import Number
from sandboxd.vault.system import SystemCall


def is_null(call: SystemCall, name: str) -> bool:
    """Whether a field was sent as null, which some fields keep apart from empty."""
    return name in call.given and call.raw.get(name) is None


def strict_string(value: Any) -> str:
    """Text, or a number as it was written. Raises TypeError."""
    if value is None:
        return ""
    if isinstance(value, str | Number) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    raise TypeError


def strict_bool(value: Any) -> bool:
    """A boolean. Raises TypeError."""
    if value is None:
        return False
    if isinstance(value, bool):
        return value
    raise TypeError


def strict_int(value: Any) -> int:
    """A whole number. Raises TypeError."""
    if value is None:
        return 0
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise TypeError


def strict_list(value: Any) -> tuple[str, ...]:
    """A list of texts. Raises TypeError."""
    if value is None:
        return ()
    if isinstance(value, list | tuple):
        return tuple(map(strict_string, value))
    raise TypeError


def strict_unsigned(value: Any) -> int:
    """A whole number that is not negative. Raises TypeError."""
    if strict_int(value) < 0:
        raise TypeError
    return strict_int(value)


def strict_object(raw: Any, kinds: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """The fields of an object that are there, whatever the case of their names. Raises TypeError."""
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise TypeError
    found: dict[str, Any] = {}
    folded = {name.lower(): name for name in raw}
    for name, kind in kinds.items():
        given = name if name in raw else folded.get(name)
        if given is not None:
            found[name] = kind(raw[given])
    return found
