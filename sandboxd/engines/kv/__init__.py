"""The key/value store: `ENGINE` (version 1) keeps one document at each path, `ENGINE_V2` all of its versions."""

from sandboxd.engines.kv.v1 import ENGINE
from sandboxd.engines.kv.v2 import ENGINE_V2

__all__ = ["ENGINE", "ENGINE_V2"]
