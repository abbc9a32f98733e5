"""Amazon Web Services."""

from __future__ import annotations

from sandboxd.fakes.alphabets import BASE64
from sandboxd.fakes.forms.aws import access_key_id
from sandboxd.fakes.forms.symbols import Lit, Mark, Rand, symbols
from sandboxd.fakes.model import Kind, Proof

KINDS = (
    Kind(
        id="aws_access_key_id",
        name="aws.access_key_id",
        aliases=("aws.access_key",),
        title="AWS access key id (long-lived)",
        provider="AWS",
        proof=Proof.IMPOSSIBLE,
        why=(
            "The account number inside is above 999999999999, so it is none of twelve digits; the ending EXAMPLE is "
            "that of the ids in AWS's documentation."
        ),
        shape="AKIA[A-Z2-7]{16}",
        documented="A[KS]IA[A-Z2-7]{9}EXAMPLE",
        form=access_key_id("AKIA"),
        siblings={"secret_access_key": "aws_secret_access_key", "session_token": "aws_session_token"},
        key="aws_access_key_id",
    ),
    Kind(
        id="aws_temporary_access_key_id",
        name="aws.temporary_access_key_id",
        title="AWS access key id (temporary)",
        provider="AWS",
        proof=Proof.IMPOSSIBLE,
        why="The account number inside is above 999999999999, so it is none of twelve digits.",
        shape="ASIA[A-Z2-7]{16}",
        documented="A[KS]IA[A-Z2-7]{9}EXAMPLE",
        form=access_key_id("ASIA"),
        siblings={"secret_access_key": "aws_secret_access_key", "session_token": "aws_session_token"},
        key="aws_access_key_id",
    ),
    Kind(
        id="aws_secret_access_key",
        name="aws.secret_access_key",
        aliases=("aws.secret_key",),
        title="AWS secret access key",
        provider="AWS",
        proof=Proof.MARKED,
        why="It ends in EXAMPLEKEY, as the secrets in AWS's documentation do; no id that AWS can issue goes with it.",
        shape="[A-Za-z0-9/+]{40}",
        documented="[A-Za-z0-9/+]{30}EXAMPLEKEY",
        form=symbols(Rand(19, BASE64), Mark(11, BASE64), Lit("EXAMPLEKEY")),
        shapeless=True,
        key="aws_secret_access_key",
    ),
    Kind(
        id="aws_session_token",
        name="aws.session_token",
        title="AWS STS session token",
        provider="AWS",
        proof=Proof.MARKED,
        why="The tag sandboxdFAKE follows the usual preamble.",
        shape="[A-Za-z0-9+/]{100,}={0,3}",
        real="IQoJb3JpZ2luX2Vj[A-Za-z0-9+/]{84,}={0,3}",
        anchors=("IQoJb3JpZ2luX2Vj",),
        form=symbols(Lit("IQoJb3JpZ2luX2VjsandboxdFAKE//"), Rand(243, BASE64), Mark(11, BASE64)),
        key="aws_session_token",
    ),
)
