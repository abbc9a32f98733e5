"""Lists and scans of a store's keys."""

from bisect import bisect_right
from typing import Any

from sandboxd.vault.framework.backend import Call


def folder(prefix: str, path: str) -> str:
    """Where the keys below a path lie in the storage; the path may end in a slash or not."""
    return f"{prefix}{path.rstrip('/')}/" if path.strip("/") else prefix


def page(keys: list[str], after: str, limit: int) -> list[str]:
    """The part of sorted keys that comes after one (which need not be there), at most `limit` of them; 0 for all."""
    start = bisect_right(keys, after) if after else 0
    return keys[start : start + limit] if limit > 0 else keys[start:] if start else keys


def scan(call: Call, top: str) -> list[str]:
    """Every key below a folder at any depth: what lies in a folder first, then its folders, the last one first."""
    found: list[str] = []
    folders = [""]
    while folders:
        below = folders.pop()
        for name in call.storage.list(top + below):
            (folders if name.endswith("/") else found).append(below + name)
    return found


def listed(keys: list[str]) -> dict[str, Any]:
    """The answer to a list or scan."""
    return {"keys": keys} if keys else {}
