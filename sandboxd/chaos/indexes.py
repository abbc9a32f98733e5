"""Index tokens: how far the storage had come with an answer, so that a later request can ask for no less.

An answer carries one in `X-Vault-Index`, and a client that wants to read its own writes sends it along. The two servers
have different forms, both in base64:

- Vault Enterprise: `v1:<cluster id>:<local index>:<replicated index>:<HMAC-SHA256 of all before, in hex>` (from its
  documentation and its Go client's `ParseReplicationState`). Which of the two indexes counts here is our choice: the
  local one, since no other cluster is replicated.
- OpenBao: `{"cluster":"<id>","value":"<index>"}` (captured from a cluster of 2.7.2).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from typing import NamedTuple

import msgspec

_STATE = re.compile(r"(v1:([^:]+):([0-9]{1,20}):([0-9]{1,20})):((?:[0-9a-fA-F]{2})+)")


class Index(NamedTuple):
    """What an index token says. `value` is None for one that is no number, which every node has seen."""

    cluster: str
    value: int | None
    state: str = ""
    mac: str = ""

    def signed(self, key: bytes) -> bool:
        """Whether it was made with that key, where that shows."""
        return not self.mac or hmac.compare_digest(_mac(self.state, key), self.mac.lower())


class _Value(msgspec.Struct):
    cluster: str | None = ""
    value: str | None = ""


def written(profile: str, cluster: str, index: int, key: bytes) -> str:
    """The token for an index of a cluster."""
    if profile == "vault":
        state = f"v1:{cluster}:{index}:0"
        raw = f"{state}:{_mac(state, key)}".encode()
    else:
        raw = msgspec.json.encode({"cluster": cluster, "value": str(index)})
    return b64encode(raw).decode()


def parse(profile: str, text: str) -> Index:
    """What a token says. Raises ValueError for what is none."""
    raw = b64decode(text, validate=True)
    if profile == "vault":
        found = _STATE.fullmatch(raw.decode())
        if found is None:
            raise ValueError("no state")
        return Index(found[2], int(found[3]), found[1], found[5])
    value = msgspec.json.decode(raw, type=_Value | None) or _Value()
    digits = value.value or ""
    return Index(value.cluster or "", int(digits) if digits.isascii() and digits.isdigit() else None)


def _mac(state: str, key: bytes) -> str:
    return hmac.new(key, state.encode(), hashlib.sha256).hexdigest()
