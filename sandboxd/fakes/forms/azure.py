"""Azure Storage: account keys inside connection strings, and SAS URLs."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from sandboxd.fakes import hosts, mark
from sandboxd.fakes.alphabets import BASE64
from sandboxd.fakes.checksums import MARVIN_BASE64
from sandboxd.fakes.errors import OptionError
from sandboxd.fakes.forms.chosen import unbase64
from sandboxd.fakes.forms.symbols import Bad, Lit, Mark, Rand, is_marked, symbols, write
from sandboxd.fakes.model import VALUE, Form, Parts
from sandboxd.fakes.options import Options, option

if TYPE_CHECKING:
    from sandboxd.fakes.stream import Stream

STORAGE_KEY = (Rand(64, BASE64), Mark(12, BASE64), Lit("+ASt"), Bad(MARVIN_BASE64))
STORAGE_KEY_KIND = "azure_storage_key"
_ACCOUNT = "devstoreaccount1"  # the account name that the Azurite emulator is born with
_NAMES = {
    "AccountKey",
    "AccountName",
    "BlobEndpoint",
    "DefaultEndpointsProtocol",
    "EndpointSuffix",
    "QueueEndpoint",
    "TableEndpoint",
}


class StorageOptions(Options):
    """Where a local storage emulator listens."""

    host: str = option("127.0.0.1", "A loopback or reserved host, or a container's name without dots.", minimum=1)
    port: int = option(10000, "The port of the blob service.", minimum=1, maximum=65535)


def _place(options: StorageOptions) -> str:
    if not hosts.is_local(options.host):
        raise OptionError("host must be loopback, reserved (.test, .invalid) or a name without dots")
    return f"http://{options.host}:{options.port}/{_ACCOUNT}"


def storage_key() -> Form:
    """Account keys."""
    return symbols(*STORAGE_KEY)


def connection_string() -> Form:
    """A connection string to a local emulator; its key verifies alone too."""

    def make(_kind: str, stream: Stream, options: StorageOptions) -> Parts:
        key = write(STORAGE_KEY, STORAGE_KEY_KIND, stream)
        endpoint = f"BlobEndpoint={_place(options)};"
        value = f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={key};{endpoint}"
        return {VALUE: value, "account_name": _ACCOUNT, "account_key": key}

    def marked(_kind: str, value: str) -> bool:
        pairs = _pairs(value)
        # A pair of another name could hold another secret.
        return set(pairs) <= _NAMES and is_marked(STORAGE_KEY, STORAGE_KEY_KIND, pairs.get("AccountKey", ""))

    def broken(value: str) -> bool:
        pairs = _pairs(value)
        endpoints = [hosts.of_url(url) for name, url in pairs.items() if name.endswith("Endpoint")]
        return bool(endpoints) and all(map(hosts.is_reserved, endpoints)) and "EndpointSuffix" not in pairs

    parts = {"account_name": "The account.", "account_key": "The key."}
    return Form(
        make=make, marked=marked, broken=broken, genuine=_genuine, bits=72.0, options=StorageOptions, parts=parts
    )


def _genuine(value: str) -> bool:
    return storage_key().genuine(_pairs(value).get("AccountKey", ""))


def _pairs(value: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in value.split(";") if pair)
    return {name: text for name, _, text in pairs}


_SAS = r"(?P<before>https?://[^?\s]+\?(?:[^\s]*&)?)sig=(?P<sig>[^&\s]+)(?P<after>[^\s]*)"


class SasOptions(StorageOptions):
    """A shared access signature."""

    container: str = option("c", "The container.", minimum=1, maximum=63)
    permissions: str = option("r", "What it allows.", minimum=1, maximum=16)
    expiry: str = option("2000-01-01T00:00:00Z", "When it ended: the default is long past.")


def sas_url() -> Form:
    """A signed URL to a container of a local emulator."""

    def make(kind: str, stream: Stream, options: SasOptions) -> Parts:
        query = f"sv=2024-11-04&se={quote(options.expiry, safe='')}&sr=c&sp={options.permissions}&"
        before = f"{_place(options)}/{options.container}?{query}"
        head = stream.read(24)
        signature = base64.b64encode(head + _mark(kind, before, head)).decode()
        return {VALUE: f"{before}sig={quote(signature, safe='')}"}

    def marked(kind: str, value: str) -> bool:
        found = re.fullmatch(_SAS, value)
        signature = unbase64(unquote(found["sig"])) if found else None
        if found is None or signature is None or len(signature) != 32:
            return False
        return signature[24:] == _mark(kind, found["before"] + found["after"], signature[:24])

    def broken(value: str) -> bool:
        return hosts.is_reserved(hosts.of_url(value))

    return Form(make=make, marked=marked, broken=broken, bits=64.0, options=SasOptions)


def _mark(kind: str, rest: str, head: bytes) -> bytes:
    return mark.digest(kind, rest.encode() + b"\0" + head + bytes(8))[:8]
