"""Tokens with something inside: Discord, Sentry, Grafana Cloud."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING

from sandboxd.fakes import hosts, mark
from sandboxd.fakes.alphabets import BASE62, BASE64, BASE64_URL, HEX
from sandboxd.fakes.errors import OptionError
from sandboxd.fakes.forms.chosen import unbase64
from sandboxd.fakes.model import VALUE, Form, Parts
from sandboxd.fakes.options import NoOptions, Options, option

if TYPE_CHECKING:
    from sandboxd.fakes.stream import Stream

_LARGEST_SNOWFLAKE = 2**63 - 1
_EPOCH = 1_700_000_000


def blanked(value: str, count: int) -> str:
    """A value whose last symbols are its mark, masked."""
    return value[:-count] + mark.BLANK * count


def discord() -> Form:
    """A bot token whose user id is a snowflake of the year 2085 or later, too big for 64 signed bits."""

    def make(kind: str, stream: Stream, _options: NoOptions) -> Parts:
        snowflake = 93 * 10**17 + stream.below(69 * 10**16)
        user = base64.urlsafe_b64encode(str(snowflake).encode()).rstrip(b"=").decode()
        masked = f"{user}.{stream.symbols(6, BASE64_URL)}.{stream.symbols(27, BASE64_URL)}" + mark.BLANK * 11
        return {VALUE: mark.filled(kind, masked, BASE64_URL)}

    def marked(kind: str, value: str) -> bool:
        return broken(value) and mark.is_filled(kind, value, blanked(value, 11), BASE64_URL)

    def broken(value: str) -> bool:
        user = unbase64(value.partition(".")[0]) or b""
        return user.isdigit() and int(user) > _LARGEST_SNOWFLAKE

    return Form(make=make, marked=marked, broken=broken, bits=66.0)


class DsnOptions(Options):
    """A Sentry DSN."""

    host: str = option("127.0.0.1", "A loopback or reserved host, or a container's name without dots.", minimum=1)
    port: int = option(9000, "The port; 0 leaves it out.", minimum=0, maximum=65535)
    project: int = option(0, "The project's number; 0 draws one.", minimum=0)


def sentry_dsn() -> Form:
    """A DSN of a local Sentry."""
    pattern = r"https?://[0-9a-f]{16}(?P<mark>[0-9a-f]{16})@[^/@\s]+/[0-9]+"

    def make(kind: str, stream: Stream, options: DsnOptions) -> Parts:
        if not hosts.is_local(options.host):
            raise OptionError("host must be loopback, reserved (.test, .invalid) or a name without dots")
        place = options.host + (f":{options.port}" if options.port else "")
        public = stream.symbols(16, HEX) + mark.BLANK * 16
        project = options.project or 1 + stream.below(9999)
        value = mark.filled(kind, f"http://{public}@{place}/{project}", HEX)
        return {VALUE: value, "public_key": value[7:39]}

    def marked(kind: str, value: str) -> bool:
        found = re.fullmatch(pattern, value)
        if found is None:
            return False
        start, end = found.span("mark")
        return mark.is_filled(kind, value, value[:start] + mark.BLANK * 16 + value[end:], HEX)

    def leads_nowhere(value: str) -> bool:
        return hosts.is_reserved(hosts.of_url(value))

    parts = {"public_key": "The key before the @."}
    return Form(make=make, marked=marked, broken=leads_nowhere, bits=64.0, options=DsnOptions, parts=parts)


class OrgTokenOptions(Options):
    """A Sentry organisation token."""

    organization: str = option("sandboxd-fake", "The organisation's slug.", minimum=1, maximum=64)
    issued_at: int = option(_EPOCH, "When it says it was issued, in seconds since 1970.", minimum=0)


def sentry_org_token() -> Form:
    """An organisation token; it names its server, and that is under .invalid."""

    def make(kind: str, stream: Stream, options: OrgTokenOptions) -> Parts:
        payload = {
            "iat": options.issued_at,
            "url": "https://sandboxd.invalid",
            "region_url": "https://us.sandboxd.invalid",
            "org": options.organization,
        }
        encoded = base64.b64encode(json.dumps(payload, separators=(",", ":")).encode()).decode()
        masked = f"sntrys_{encoded}_{stream.symbols(32, BASE64)}" + mark.BLANK * 11
        return {VALUE: mark.filled(kind, masked, BASE64)}

    def marked(kind: str, value: str) -> bool:
        return broken(value) and mark.is_filled(kind, value, blanked(value, 11), BASE64)

    def broken(value: str) -> bool:
        payload = _json(value.removeprefix("sntrys_").partition("_")[0])
        servers = [payload.get("url"), payload.get("region_url")]
        return all(isinstance(server, str) and hosts.of_url(server).endswith(".invalid") for server in servers)

    return Form(make=make, marked=marked, broken=broken, bits=66.0, options=OrgTokenOptions, anchor="sntrys_")


def grafana_cloud() -> Form:
    """An access-policy token of organisation 0 in the region `invalid`."""

    def text(secret: str) -> str:
        return json.dumps({"o": "0", "n": "sandboxd-fake", "k": secret, "m": {"r": "invalid"}}, separators=(",", ":"))

    def make(kind: str, stream: Stream, _options: NoOptions) -> Parts:
        filled = mark.filled(kind, stream.symbols(13, BASE62) + mark.BLANK * 11, BASE62)
        return {VALUE: "glc_" + base64.b64encode(text(filled).encode()).decode()}

    def marked(kind: str, value: str) -> bool:
        secret = _json(value.removeprefix("glc_")).get("k")
        if not isinstance(secret, str) or len(secret) != 24:
            return False
        whole = "glc_" + base64.b64encode(text(secret).encode()).decode()
        return value == whole and mark.is_filled(kind, secret, blanked(secret, 11), BASE62)

    def broken(value: str) -> bool:
        payload = _json(value.removeprefix("glc_"))
        return payload.get("o") == "0" and payload.get("m") == {"r": "invalid"}

    return Form(make=make, marked=marked, broken=broken, bits=mark.bits(BASE62, 11), anchor="glc_")


def _json(encoded: str) -> dict[str, object]:
    """The JSON object in a base64 text; empty when there is none."""
    decoded = unbase64(encoded)
    try:
        found = json.loads(decoded) if decoded is not None else None
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
