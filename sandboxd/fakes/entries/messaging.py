"""Mail and messages: Twilio, SendGrid, Mailgun, Mailchimp."""

from __future__ import annotations

from sandboxd.fakes.alphabets import BASE64_URL, HEX
from sandboxd.fakes.forms.symbols import Lit, Mark, Rand, symbols
from sandboxd.fakes.model import Kind, Proof

KINDS = (
    Kind(
        id="twilio_account_sid",
        name="twilio.account_sid",
        title="Twilio account SID",
        provider="Twilio",
        proof=Proof.MARKED,
        shape="AC[0-9a-f]{32}",
        form=symbols(Lit("AC"), Rand(16, HEX), Mark(16, HEX)),
        siblings={"auth_token": "twilio_auth_token", "api_key_sid": "twilio_api_key_sid"},
        key="twilio_account_sid",
    ),
    Kind(
        id="twilio_auth_token",
        name="twilio.auth_token",
        title="Twilio auth token",
        provider="Twilio",
        proof=Proof.MARKED,
        shape="[0-9a-f]{32}",
        form=symbols(Rand(16, HEX), Mark(16, HEX)),
        shapeless=True,
        key="twilio_auth_token",
    ),
    Kind(
        id="twilio_api_key_sid",
        name="twilio.api_key_sid",
        title="Twilio API key SID",
        provider="Twilio",
        proof=Proof.MARKED,
        shape="SK[0-9a-f]{32}",
        form=symbols(Lit("SK"), Rand(16, HEX), Mark(16, HEX)),
        key="twilio_api_key",
    ),
    Kind(
        id="sendgrid_key",
        name="sendgrid.api_key",
        aliases=("sendgrid.key",),
        title="SendGrid API key",
        provider="SendGrid",
        proof=Proof.MARKED,
        shape=r"SG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}",
        form=symbols(Lit("SG."), Rand(22, BASE64_URL), Lit("."), Rand(32, BASE64_URL), Mark(11, BASE64_URL)),
        key="sendgrid_api_key",
    ),
    Kind(
        id="mailgun_key",
        name="mailgun.api_key",
        aliases=("mailgun.key",),
        title="Mailgun API key",
        provider="Mailgun",
        proof=Proof.MARKED,
        shape="key-[0-9a-f]{32}",
        form=symbols(Lit("key-"), Rand(16, HEX), Mark(16, HEX)),
        key="mailgun_api_key",
    ),
    Kind(
        id="mailgun_key_new",
        name="mailgun.private_api_key",
        title="Mailgun API key (newer)",
        provider="Mailgun",
        proof=Proof.MARKED,
        shape="[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}",
        form=symbols(Rand(16, HEX), Mark(16, HEX), Lit("-"), Rand(8, HEX), Lit("-"), Rand(8, HEX)),
        shapeless=True,
        key="mailgun_private_api_key",
    ),
    Kind(
        id="mailchimp_key",
        name="mailchimp.api_key",
        aliases=("mailchimp.key",),
        title="Mailchimp API key",
        provider="Mailchimp",
        proof=Proof.HINTED,
        why="Its data centre is us0; they are numbered from 1.",
        shape="[0-9a-f]{32}-us[0-9]{1,2}",
        anchors=("-us",),
        form=symbols(Rand(16, HEX), Mark(16, HEX), Lit("-us0")),
        key="mailchimp_api_key",
    ),
)
