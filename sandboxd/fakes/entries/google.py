"""Google, and Google Cloud."""

from __future__ import annotations

from sandboxd.fakes.alphabets import ALNUM_LOWER, BASE64_URL, DIGITS
from sandboxd.fakes.forms.gcp import service_account
from sandboxd.fakes.forms.symbols import Lit, Mark, Rand, symbols
from sandboxd.fakes.model import Kind, Nature, Proof

KINDS = (
    Kind(
        id="google_api_key",
        name="google.api_key",
        title="Google API key",
        provider="Google",
        proof=Proof.HINTED,
        why="Its 7th character is Z; Google's own scanner takes only A to D there.",
        shape="AIza[0-9A-Za-z_-]{35}",
        anchors=("AIza",),
        form=symbols(Lit("AIzaSyZ"), Rand(21, BASE64_URL), Mark(11, BASE64_URL)),
        key="google_api_key",
    ),
    Kind(
        id="google_oauth_client_secret",
        name="google.oauth_client_secret",
        aliases=("google.client_secret",),
        title="Google OAuth client secret",
        provider="Google",
        proof=Proof.MARKED,
        shape="GOCSPX-[0-9A-Za-z_-]{28}",
        form=symbols(Lit("GOCSPX-"), Rand(17, BASE64_URL), Mark(11, BASE64_URL)),
        key="google_client_secret",
    ),
    Kind(
        id="gcp_service_account",
        name="gcp.service_account",
        aliases=(
            "google.service_account",
            "gcp.service_account_key",
        ),
        title="GCP service-account key file (JSON)",
        provider="Google",
        proof=Proof.IMPOSSIBLE,
        why=(
            "Its project id holds null, which Google forbids, its RSA modulus starts with the sandboxd tag, and its "
            "token_uri is loopback."
        ),
        shape=r"""\{[^{}]*"service_account"[^{}]*\}""",
        anchors=('"service_account"',),
        form=service_account(),
        nature=Nature.KEY,
        key="gcp_credentials",
    ),
    Kind(
        id="gcp_access_token",
        name="gcp.access_token",
        aliases=("google.access_token",),
        title="Google OAuth access token",
        provider="Google",
        proof=Proof.SANDBOX,
        why="It says sandboxdFAKE where a real one is random; its mark is the evidence.",
        shape=r"ya29\.[0-9A-Za-z_.-]{100,}",
        anchors=("ya29.",),
        form=symbols(Lit("ya29.c.sandboxdFAKE"), Rand(140, BASE64_URL), Mark(11, BASE64_URL)),
        key="google_access_token",
    ),
    Kind(
        id="google_oauth_client_id",
        name="google.oauth_client_id",
        aliases=("google.client_id",),
        title="Google OAuth client id",
        provider="Google",
        proof=Proof.MARKED,
        shape=r"[0-9]{12}-[0-9a-z]{32}\.apps\.googleusercontent\.com",
        form=symbols(
            Lit("0"),
            Rand(11, DIGITS),
            Lit("-"),
            Rand(20, ALNUM_LOWER),
            Mark(12, ALNUM_LOWER),
            Lit(".apps.googleusercontent.com"),
        ),
        siblings={"client_secret": "google_oauth_client_secret"},
        nature=Nature.PUBLIC,
        key="google_client_id",
    ),
)
