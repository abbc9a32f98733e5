"""Microsoft Azure."""

from __future__ import annotations

from sandboxd.fakes.alphabets import AZURE66, BASE62
from sandboxd.fakes.checksums import MARVIN_BASE66
from sandboxd.fakes.forms.azure import connection_string, sas_url, storage_key
from sandboxd.fakes.forms.symbols import Bad, Lit, Mark, Rand, symbols
from sandboxd.fakes.model import Kind, Nature, Proof

KINDS = (
    Kind(
        id="azure_client_secret",
        name="azure.client_secret",
        aliases=("entra.client_secret",),
        title="Azure AD / Entra client secret",
        provider="Azure",
        proof=Proof.IMPOSSIBLE,
        why="The checksum starts with a character other than a, b, c or d; 32 bits in base 66 start with one of those.",
        shape="[0-9A-Za-z_~.-]{3}[78]Q~[0-9A-Za-z_~.-]{31,34}",
        anchors=(
            "7Q~",
            "8Q~",
        ),
        form=symbols(Rand(3, BASE62), Lit("8Q~"), Rand(20, AZURE66), Mark(11, BASE62), Bad(MARVIN_BASE66)),
        key="azure_client_secret",
    ),
    Kind(
        id="azure_storage_key",
        name="azure.storage_key",
        aliases=("azure.storage_account_key",),
        title="Azure storage account key",
        provider="Azure",
        proof=Proof.IMPOSSIBLE,
        why="The Marvin32 checksum in its last 4 bytes is wrong.",
        shape="[0-9A-Za-z+/]{86}==",
        real=r"(?:[0-9A-Za-z+/]{76}\+ASt[0-9A-Za-z+/]{6}==|Eby8vdM02xNOcqFlqUwJ[0-9A-Za-z+/]{66}==)",
        anchors=(
            "+ASt",
            "Eby8vdM0",
        ),
        documented="Eby8vdM02xNOcqFlqUwJ[0-9A-Za-z+/]{66}==",
        form=storage_key(),
        key="azure_storage_account_key",
    ),
    Kind(
        id="azure_storage_connection_string",
        name="azure.storage_connection_string",
        title="Azure storage connection string",
        provider="Azure",
        proof=Proof.IMPOSSIBLE,
        why="Its endpoint is loopback, and the checksum of its key is wrong.",
        shape=r"(?:[A-Za-z]{1,40}=[^;\s]{0,255};){0,8}AccountKey=[0-9A-Za-z+/]{86}==(?:;[A-Za-z]{1,40}=[^;\s]{0,255}){0,8};?",
        anchors=("AccountKey=",),
        documented=".*AccountKey=Eby8vdM02xNOcqFlqUwJ[0-9A-Za-z+/]{66}==.*",
        form=connection_string(),
        key="azure_storage_connection_string",
    ),
    Kind(
        id="azure_sas_url",
        name="azure.sas_url",
        title="Azure blob SAS URL",
        provider="Azure",
        proof=Proof.RESERVED,
        why="Its host is loopback, and by default it expired in the year 2000.",
        shape=r"https?://[^\s?\"'<>]{1,512}\?(?:[^\s\"'<>]{0,2048}&)?sig=[0-9A-Za-z%+/=_-]{43,200}(?:&[^\s\"'<>]*)?",
        anchors=("sig=",),
        form=sas_url(),
        nature=Nature.ADDRESS,
        key="azure_sas_url",
    ),
)
