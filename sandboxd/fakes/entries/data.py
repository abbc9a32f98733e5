"""Databases and streams as a service."""

from __future__ import annotations

from sandboxd.fakes.alphabets import ALNUM_UPPER, BASE64, HEX
from sandboxd.fakes.forms.chosen import password, uuid
from sandboxd.fakes.forms.symbols import Lit, Mark, Rand, symbols
from sandboxd.fakes.model import Kind, Proof

KINDS = (
    Kind(
        id="snowflake_password",
        name="snowflake.password",
        title="Snowflake user password",
        provider="Snowflake",
        proof=Proof.CHOSEN,
        shape="[!-~]{8,256}",
        form=password(),
        shapeless=True,
        key="snowflake_password",
    ),
    Kind(
        id="confluent_api_key",
        name="confluent.api_key",
        title="Confluent Cloud API key id",
        provider="Confluent",
        proof=Proof.MARKED,
        shape="[0-9A-Z]{16}",
        form=symbols(Rand(8, ALNUM_UPPER), Mark(8, ALNUM_UPPER)),
        siblings={"api_secret": "confluent_api_secret"},
        shapeless=True,
        key="confluent_api_key",
    ),
    Kind(
        id="confluent_api_secret",
        name="confluent.api_secret",
        aliases=("confluent.secret",),
        title="Confluent Cloud API secret",
        provider="Confluent",
        proof=Proof.MARKED,
        shape="cflt[0-9A-Za-z+/]{60}",
        form=symbols(Lit("cflt"), Rand(49, BASE64), Mark(11, BASE64)),
        key="confluent_secret",
    ),
    Kind(
        id="supabase_token",
        name="supabase.token",
        aliases=("supabase.access_token",),
        title="Supabase personal access token",
        provider="Supabase",
        proof=Proof.MARKED,
        shape="sbp_[0-9a-f]{40}",
        form=symbols(Lit("sbp_"), Rand(24, HEX), Mark(16, HEX)),
        key="supabase_access_token",
    ),
    Kind(
        id="mongodbatlas_private_key",
        name="mongodbatlas.private_key",
        title="MongoDB Atlas API private key",
        provider="MongoDB",
        proof=Proof.MARKED,
        shape="[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        form=uuid(),
        shapeless=True,
        key="atlas_private_key",
    ),
)
