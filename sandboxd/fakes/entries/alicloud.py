"""Alibaba Cloud."""

from __future__ import annotations

from sandboxd.fakes.alphabets import BASE62, BASE64
from sandboxd.fakes.forms.symbols import Lit, Mark, Rand, symbols
from sandboxd.fakes.model import Kind, Proof

KINDS = (
    Kind(
        id="alicloud_access_key_id",
        name="alicloud.access_key_id",
        aliases=("alicloud.access_key",),
        title="Alibaba Cloud access key id (long-lived)",
        provider="Alibaba Cloud",
        proof=Proof.MARKED,
        shape="LTAI[A-Za-z0-9]{20}",
        real="LTAI[A-Za-z0-9]{12,26}",
        anchors=("LTAI",),
        form=symbols(Lit("LTAI5t"), Rand(7, BASE62), Mark(11, BASE62)),
        siblings={"secret_access_key": "alicloud_secret_access_key"},
        key="alicloud_access_key",
    ),
    Kind(
        id="alicloud_secret_access_key",
        name="alicloud.secret_access_key",
        aliases=("alicloud.secret_key",),
        title="Alibaba Cloud access key secret",
        provider="Alibaba Cloud",
        proof=Proof.MARKED,
        shape="[A-Za-z0-9]{30}",
        form=symbols(Rand(19, BASE62), Mark(11, BASE62)),
        shapeless=True,
        key="alicloud_secret_key",
    ),
    Kind(
        id="alicloud_temporary_access_key_id",
        name="alicloud.temporary_access_key_id",
        title="Alibaba Cloud access key id (temporary)",
        provider="Alibaba Cloud",
        proof=Proof.MARKED,
        shape=r"STS\.[A-Za-z0-9]{25}",
        real=r"STS\.[A-Za-z0-9]{20,30}",
        anchors=("STS.",),
        form=symbols(Lit("STS."), Rand(14, BASE62), Mark(11, BASE62)),
        siblings={
            "secret_access_key": "alicloud_temporary_secret_access_key",
            "security_token": "alicloud_security_token",
        },
        key="alicloud_access_key",
    ),
    Kind(
        id="alicloud_temporary_secret_access_key",
        name="alicloud.temporary_secret_access_key",
        title="Alibaba Cloud access key secret (temporary)",
        provider="Alibaba Cloud",
        proof=Proof.MARKED,
        shape="[A-Za-z0-9]{44}",
        form=symbols(Rand(33, BASE62), Mark(11, BASE62)),
        shapeless=True,
        key="alicloud_secret_key",
    ),
    Kind(
        id="alicloud_security_token",
        name="alicloud.security_token",
        title="Alibaba Cloud STS security token",
        provider="Alibaba Cloud",
        proof=Proof.MARKED,
        why="The tag sandboxdFAKE follows the usual preamble.",
        shape="[A-Za-z0-9+/]{100,}={0,3}",
        real="CAIS[A-Za-z0-9+/]{96,}={0,3}",
        anchors=("CAIS",),
        form=symbols(Lit("CAISsandboxdFAKE//"), Rand(307, BASE64), Mark(11, BASE64)),
        key="alicloud_security_token",
    ),
)
