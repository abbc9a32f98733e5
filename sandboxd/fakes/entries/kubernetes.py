"""What a Kubernetes cluster hands out."""

from __future__ import annotations

from sandboxd.fakes.forms.service_account import rs256
from sandboxd.fakes.model import Kind, Proof

KINDS = (
    Kind(
        id="kubernetes_service_account_token",
        name="kubernetes.service_account_token",
        aliases=("kubernetes.token",),
        title="Kubernetes service account token",
        provider="Kubernetes",
        proof=Proof.RESERVED,
        why="Its issuer is on this machine or reserved, so no cluster that matters trusts it.",
        shape=r"eyJhbGciOiJSUzI1NiIsImtpZCI6[0-9A-Za-z_-]+\.eyJ[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+",
        anchors=("eyJhbGciOiJSUzI1NiIsImtpZCI6",),
        form=rs256(),
        key="service_account_token",
    ),
)
