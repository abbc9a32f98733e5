"""Statements as roles have them: templates, of which one text may hold several.

Source: `strutil.ParseArbitraryStringSlice` of go-secure-stdlib, by which the real plugins split them.
"""

import contextlib

from sandboxd.vault.framework.jsontext import whole
from sandboxd.vault.gotext import decode_base64


def split(text: str) -> tuple[str, ...]:
    """The single statements of a text: those of a JSON list, else what stands between semicolons; either in base64."""
    text = text.strip()
    with contextlib.suppress(ValueError):
        text = decode_base64(text).decode("utf-8", "replace")
    found = json_list(text)
    if found is None:
        found = text.split(";")
    return tuple(filter(None, (statement.strip() for statement in found)))


def json_list(text: str) -> list[str] | None:
    """The texts of a JSON list, or None when it is none; Go reads `null` as an empty one."""
    try:
        found = whole(text)
    except ValueError:
        return None
    if found is None:
        return []
    if isinstance(found, list) and all(item is None or isinstance(item, str) for item in found):
        return [item or "" for item in found]
    return None
