"""Paths of `sys/` that concern mounts."""

from typing import Any

from sandboxd.vault.framework.backend import Path

PATHS: tuple[Path[Any, Any], ...] = ()
