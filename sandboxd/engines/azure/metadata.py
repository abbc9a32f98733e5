"""Metadata: pairs that a role carries and that come with its credentials.

From Vault's documentation: they are of its Enterprise edition, and here everyone has them. Terraform's provider sends
them as a JSON text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from sandboxd.vault.framework.fields import PAIRS, Kind
from sandboxd.vault.framework.gojson import TEXT, MapOf, unmarshal


def _decode(value: Any) -> dict[str, str]:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        found: dict[str, str] = unmarshal(value, MapOf(TEXT))
        return found
    pairs: dict[str, str] = PAIRS.decode(value)
    return pairs


Metadata = Annotated[dict[str, str], Kind("keypair", _decode, {}, ("object", "kvpairs"))]


def shown(role: Mapping[str, str], sent: Mapping[str, str]) -> dict[str, Any]:
    """What credentials show: a role's own metadata wins over what the request brings."""
    found = {**sent, **role}
    return {"metadata": found} if found else {}
