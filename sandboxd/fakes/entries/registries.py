"""Package registries."""

from __future__ import annotations

from sandboxd.fakes.alphabets import BASE32_LOWER, BASE62, BASE64_URL, HEX
from sandboxd.fakes.checksums import CRC32_BASE62
from sandboxd.fakes.forms.macaroon import pypi
from sandboxd.fakes.forms.symbols import Bad, Lit, Mark, Rand, symbols
from sandboxd.fakes.model import Kind, Proof

KINDS = (
    Kind(
        id="npm_token",
        name="npm.token",
        aliases=("npm.access_token",),
        title="npm access token",
        provider="npm",
        proof=Proof.IMPOSSIBLE,
        why="The last 6 base62 digits write a number above 2^32 - 1, which no CRC32 can be.",
        shape="npm_[0-9A-Za-z]{36}",
        form=symbols(Lit("npm_"), Rand(20, BASE62), Mark(10, BASE62), Bad(CRC32_BASE62)),
        key="npm_token",
    ),
    Kind(
        id="pypi_token",
        name="pypi.token",
        aliases=("pypi.api_token",),
        title="PyPI API token",
        provider="PyPI",
        proof=Proof.IMPOSSIBLE,
        why="Its identifier is a UUID of version 8, where PyPI mints version 4, and its caveat ends it in 1970.",
        shape="pypi-AgEIcHlwaS5vcmc[0-9A-Za-z_-]{50,1000}",
        form=pypi(),
        key="pypi_token",
    ),
    Kind(
        id="nuget_key",
        name="nuget.api_key",
        aliases=("nuget.key",),
        title="NuGet API key",
        provider="NuGet",
        proof=Proof.MARKED,
        shape="oy2[a-z2-7]{43}",
        form=symbols(Lit("oy2"), Rand(30, BASE32_LOWER), Mark(13, BASE32_LOWER)),
        key="nuget_api_key",
    ),
    Kind(
        id="rubygems_key",
        name="rubygems.api_key",
        aliases=("rubygems.key",),
        title="RubyGems API key",
        provider="RubyGems",
        proof=Proof.MARKED,
        shape="rubygems_[0-9a-f]{48}",
        form=symbols(Lit("rubygems_"), Rand(32, HEX), Mark(16, HEX)),
        key="rubygems_api_key",
    ),
    Kind(
        id="dockerhub_pat",
        name="dockerhub.pat",
        aliases=(
            "docker.pat",
            "dockerhub.token",
        ),
        title="Docker Hub personal access token",
        provider="Docker",
        proof=Proof.MARKED,
        shape="dckr_pat_[0-9A-Za-z_-]{27}",
        form=symbols(Lit("dckr_pat_"), Rand(16, BASE64_URL), Mark(11, BASE64_URL)),
        key="dockerhub_token",
    ),
)
