"""Paths of `sys/` that concern internal."""

from typing import Any

from sandboxd.vault.framework.backend import Path

PATHS: tuple[Path[Any, Any], ...] = ()
