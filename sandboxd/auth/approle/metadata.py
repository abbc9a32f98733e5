"""The metadata of a secret ID, which its tokens carry along."""

import contextlib

import msgspec

from sandboxd.vault.gotext import decode_base64, quote


def parse_metadata(text: str) -> dict[str, str]:
    """The metadata in a text: a JSON object of texts, or `key=value` pairs with commas; either may be in base64.

    Raises ValueError with the real server's text. Source: OpenBao's strutil.
    """
    text = text.strip()
    if not text:
        return {}
    with contextlib.suppress(ValueError):
        text = decode_base64(text).decode("utf-8", "replace")
    try:
        decoded = msgspec.json.decode(text, type=dict[str, str | None])
    except msgspec.DecodeError:
        return _pairs(text)
    metadata = {name: value or "" for name, value in decoded.items()}
    for name, value in metadata.items():
        if name and not value:
            raise ValueError(f"invalid value for key {quote(name)}")
    return metadata


def _pairs(text: str) -> dict[str, str]:
    metadata: dict[str, str] = {}
    for pair in sorted({part.strip() for part in text.lower().split(",")} - {""}):
        shards = pair.split("=")
        if len(shards) != 2:
            raise ValueError("failed to parse the input: invalid <key,value> format")
        name, value = shards[0].strip(), shards[1].strip()
        if not name or not value:
            raise ValueError(
                f"failed to parse the input: invalid <key,value> pair: key: {quote(name)} value: {quote(value)}"
            )
        metadata[name] = value
    return metadata
