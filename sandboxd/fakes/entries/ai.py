"""Models as a service."""

from __future__ import annotations

from sandboxd.fakes.alphabets import BASE62, BASE64_URL, LETTERS
from sandboxd.fakes.forms.symbols import Lit, Mark, Rand, symbols
from sandboxd.fakes.model import Kind, Proof

KINDS = (
    Kind(
        id="openai_project_key",
        name="openai.api_key",
        aliases=(
            "openai.project_key",
            "openai.key",
        ),
        title="OpenAI project key",
        provider="OpenAI",
        proof=Proof.MARKED,
        shape="sk-proj-[0-9A-Za-z_-]{58,74}T3BlbkFJ[0-9A-Za-z_-]{58,74}",
        real="sk-(?:proj|svcacct|admin)-[0-9A-Za-z_-]{20,74}T3BlbkFJ[0-9A-Za-z_-]{20,74}",
        anchors=("T3BlbkFJ",),
        form=symbols(
            Lit("sk-proj-"), Rand(74, BASE64_URL), Lit("T3BlbkFJ"), Rand(63, BASE64_URL), Mark(11, BASE64_URL)
        ),
        key="openai_api_key",
    ),
    Kind(
        id="openai_legacy_key",
        name="openai.legacy_key",
        title="OpenAI key (legacy)",
        provider="OpenAI",
        proof=Proof.MARKED,
        shape="sk-[0-9A-Za-z]{20}T3BlbkFJ[0-9A-Za-z]{20}",
        anchors=("T3BlbkFJ",),
        form=symbols(Lit("sk-"), Rand(20, BASE62), Lit("T3BlbkFJ"), Rand(9, BASE62), Mark(11, BASE62)),
        key="openai_api_key",
    ),
    Kind(
        id="anthropic_key",
        name="anthropic.api_key",
        aliases=("anthropic.key",),
        title="Anthropic API key",
        provider="Anthropic",
        proof=Proof.MARKED,
        shape="sk-ant-api03-[0-9A-Za-z_-]{93}AA",
        real="sk-ant-(?:api|admin|sid|oat)[0-9]{2}-[0-9A-Za-z_-]{80,}AA",
        anchors=("sk-ant-",),
        form=symbols(Lit("sk-ant-api03-"), Rand(82, BASE64_URL), Mark(11, BASE64_URL), Lit("AA")),
        key="anthropic_api_key",
    ),
    Kind(
        id="huggingface_token",
        name="huggingface.token",
        aliases=("hf.token",),
        title="Hugging Face user token",
        provider="Hugging Face",
        proof=Proof.MARKED,
        shape="hf_[A-Za-z]{34}",
        form=symbols(Lit("hf_"), Rand(23, LETTERS), Mark(11, LETTERS)),
        key="hf_token",
    ),
)
