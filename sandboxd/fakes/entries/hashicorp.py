"""Vault, OpenBao, HCP Terraform, Consul and Nomad."""

from __future__ import annotations

from sandboxd.fakes.alphabets import BASE62, BASE64_URL
from sandboxd.fakes.forms.chosen import uuid
from sandboxd.fakes.forms.symbols import Lit, Mark, Rand, symbols
from sandboxd.fakes.model import Kind, Proof

KINDS = (
    Kind(
        id="vault_service_token",
        name="vault.token",
        aliases=(
            "vault.service_token",
            "openbao.token",
        ),
        title="Vault / OpenBao service token",
        provider="HashiCorp",
        proof=Proof.LOCAL,
        shape=r"(?:hvs\.|s\.)[0-9A-Za-z]{24}",
        real=r"hvs\.[0-9A-Za-z]{24}",
        anchors=("hvs.",),
        form=symbols(Lit("hvs."), Rand(13, BASE62), Mark(11, BASE62)),
        key="vault_token",
    ),
    Kind(
        id="vault_service_token_long",
        name="vault.service_token_long",
        title="Vault service token (SSCT form)",
        provider="HashiCorp",
        proof=Proof.LOCAL,
        shape=r"hvs\.[0-9A-Za-z_-]{90,120}",
        anchors=("hvs.",),
        form=symbols(Lit("hvs.CAESI"), Rand(75, BASE64_URL), Mark(11, BASE64_URL)),
        key="vault_token",
    ),
    Kind(
        id="vault_batch_token",
        name="vault.batch_token",
        title="Vault batch token",
        provider="HashiCorp",
        proof=Proof.LOCAL,
        shape=r"hvb\.[0-9A-Za-z_-]{138,300}",
        anchors=("hvb.",),
        form=symbols(Lit("hvb.AAAAAQ"), Rand(129, BASE64_URL), Mark(11, BASE64_URL)),
        key="vault_token",
    ),
    Kind(
        id="vault_recovery_token",
        name="vault.recovery_token",
        title="Vault recovery token",
        provider="HashiCorp",
        proof=Proof.LOCAL,
        shape=r"hvr\.[0-9A-Za-z]{24}",
        form=symbols(Lit("hvr."), Rand(13, BASE62), Mark(11, BASE62)),
        key="vault_token",
    ),
    Kind(
        id="vault_approle_secret_id",
        name="vault.secret_id",
        aliases=(
            "vault.role_id",
            "vault.approle_secret_id",
        ),
        title="Vault AppRole role_id / secret_id",
        provider="HashiCorp",
        proof=Proof.LOCAL,
        shape="[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        form=uuid(),
        shapeless=True,
        key="secret_id",
    ),
    Kind(
        id="terraform_cloud_token",
        name="terraform.token",
        aliases=(
            "terraform_cloud.token",
            "tfc.token",
        ),
        title="HCP Terraform API token",
        provider="HashiCorp",
        proof=Proof.MARKED,
        shape=r"[0-9A-Za-z]{14}\.atlasv1\.[0-9A-Za-z_=-]{60,70}",
        form=symbols(Rand(14, BASE62), Lit(".atlasv1."), Rand(56, BASE62), Mark(11, BASE62)),
        key="terraform_token",
    ),
    Kind(
        id="consul_token",
        name="consul.token",
        aliases=("consul.acl_token",),
        title="Consul ACL token",
        provider="HashiCorp",
        proof=Proof.LOCAL,
        shape="[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        form=uuid(),
        shapeless=True,
        key="consul_token",
    ),
    Kind(
        id="nomad_token",
        name="nomad.token",
        aliases=("nomad.secret_id",),
        title="Nomad ACL token",
        provider="HashiCorp",
        proof=Proof.LOCAL,
        shape="[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        form=uuid(),
        shapeless=True,
        key="nomad_token",
    ),
)
