"""JSON Web Tokens, signed with a key that the whole world knows.

The issuer is under .invalid and the signing key is printed below, so no verifier can rightly trust the token, and
anyone can check that it is one of ours. The `jti` carries the mark.
"""

from __future__ import annotations

import base64
import hmac
import json
from typing import TYPE_CHECKING

from sandboxd.fakes import hosts, mark
from sandboxd.fakes.alphabets import HEX
from sandboxd.fakes.errors import OptionError
from sandboxd.fakes.forms.chosen import unbase64
from sandboxd.fakes.model import VALUE, Form, Parts
from sandboxd.fakes.options import Options, option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandboxd.fakes.stream import Stream

PUBLISHED_KEY = b"sandboxd-published-signing-key-not-a-secret-v1"
_HEADER = {"alg": "HS256", "kid": "sandboxd-fake", "typ": "JWT"}


class JwtOptions(Options):
    """What the token says."""

    subject: str = option("sandboxd-user", "Who it is about (sub).", maximum=256)
    audience: str = option("", "Whom it is for (aud); empty leaves it out.", maximum=256)
    issuer: str = option("https://sandboxd.invalid", "Who issued it (iss): a URL or host that is reserved or loopback.")
    issued_at: int = option(946684800, "When it was issued (iat), in seconds since 1970.", minimum=0)
    expires_at: int = option(4102444800, "When it expires (exp), in seconds since 1970.", minimum=0)
    claims: Mapping[str, object] = option({}, "Further claims; they win over those above, but for iss and jti.")


def hs256() -> Form:
    """Tokens of the HS256 kind."""

    def make(kind: str, stream: Stream, options: JwtOptions) -> Parts:
        if not hosts.is_reserved(_host(options.issuer)):
            raise OptionError("issuer must be a reserved or loopback name, such as https://sandboxd.invalid")
        payload: dict[str, object] = {
            "sub": options.subject,
            "aud": options.audience,
            "iat": options.issued_at,
            "exp": options.expires_at,
            **options.claims,
            "iss": options.issuer,
            "jti": _identifier(kind, stream),
        }
        if not payload["aud"]:
            del payload["aud"]
        signed = f"{_encoded(_HEADER)}.{_encoded(payload)}"
        return {VALUE: f"{signed}.{_signature(signed)}", "signing_key": PUBLISHED_KEY.decode()}

    def marked(kind: str, value: str) -> bool:
        identifier = _payload(value).get("jti")
        return broken(value) and isinstance(identifier, str) and _is_identifier(kind, identifier)

    def broken(value: str) -> bool:
        signed, _, signature = value.rpartition(".")
        issuer = _payload(value).get("iss")
        return (
            hmac.compare_digest(signature.encode(), _signature(signed).encode())
            and isinstance(issuer, str)
            and hosts.is_reserved(_host(issuer))
        )

    parts = {"signing_key": "The published key that it is signed with; a verifier under test needs it."}
    return Form(make=make, marked=marked, broken=broken, bits=56.0, options=JwtOptions, parts=parts)


def _host(issuer: str) -> str:
    return hosts.of_url(issuer) if "://" in issuer else issuer


def _identifier(kind: str, stream: Stream) -> str:
    drawn = stream.symbols(16, HEX)
    masked = f"{drawn[:8]}-{drawn[8:12]}-4{drawn[12:15]}-a{drawn[15]}" + mark.BLANK * 2 + "-" + mark.BLANK * 12
    return mark.filled(kind, masked, HEX)


def _is_identifier(kind: str, value: str) -> bool:
    masked = f"{value[:21]}{mark.BLANK * 2}-{mark.BLANK * 12}"
    return len(value) == 36 and mark.is_filled(kind, value, masked, HEX)


def _encoded(part: Mapping[str, object]) -> str:
    try:
        text = json.dumps(part, separators=(",", ":"))
    except (TypeError, ValueError):
        raise OptionError("claims must be values that JSON can hold") from None
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _signature(signed: str) -> str:
    return base64.urlsafe_b64encode(hmac.digest(PUBLISHED_KEY, signed.encode(), "sha256")).rstrip(b"=").decode()


def _payload(value: str) -> dict[str, object]:
    parts = value.split(".")
    decoded = unbase64(parts[1]) if len(parts) == 3 else None
    try:
        found = json.loads(decoded) if decoded is not None else None
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
