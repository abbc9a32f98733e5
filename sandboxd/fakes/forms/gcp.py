"""GCP service-account keys: the JSON file that Google's libraries read.

Project ids may not contain `null`, and this one does; the RSA modulus carries the tag; the address that hands out
tokens is loopback. The private key id ends in the mark, which binds every member of the object.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sandboxd.fakes import hosts, mark
from sandboxd.fakes.alphabets import ALNUM_LOWER, DIGITS, HEX
from sandboxd.fakes.errors import OptionError
from sandboxd.fakes.forms import keys, primes
from sandboxd.fakes.model import VALUE, Form, Parts
from sandboxd.fakes.options import Options, option

if TYPE_CHECKING:
    from sandboxd.fakes.stream import Stream

_MARK = 16


class ServiceAccountOptions(Options):
    """A service account."""

    account: str = option("sandboxd-fake", "The part of client_email before the @.", minimum=1, maximum=64)
    token_uri: str = option(
        "http://127.0.0.1:8200/fake/token", "Where tokens are fetched: a loopback or reserved host."
    )


def service_account() -> Form:
    """Service-account keys."""

    def make(kind: str, stream: Stream, options: ServiceAccountOptions) -> Parts:
        if not hosts.is_reserved(hosts.of_url(options.token_uri)):
            raise OptionError("token_uri must be a URL with a loopback or reserved host")
        project = f"sbx-null-{stream.symbols(10, ALNUM_LOWER)}"
        members = {
            "type": "service_account",
            "project_id": project,
            "private_key_id": stream.symbols(24, HEX) + mark.BLANK * _MARK,
            "private_key": keys.rsa_pem(primes.tagged_key(stream.child("rsa"), 2048)),
            "client_email": f"{options.account}@{project}.iam.gserviceaccount.com",
            "client_id": "1" + stream.symbols(20, DIGITS),
            "auth_uri": "https://sandboxd.invalid/o/oauth2/auth",
            "token_uri": options.token_uri,
            "auth_provider_x509_cert_url": "https://sandboxd.invalid/oauth2/v1/certs",
            "client_x509_cert_url": f"https://sandboxd.invalid/robot/v1/metadata/x509/{options.account}",
            "universe_domain": "sandboxd.invalid",
        }
        members["private_key_id"] = members["private_key_id"][:-_MARK] + _mark(kind, members)
        shown = ("client_email", "client_id", "project_id", "private_key", "private_key_id")
        return {VALUE: json.dumps(members, indent=2), **{name: members[name] for name in shown}}

    def marked(kind: str, value: str) -> bool:
        members = read(value)
        identifier = str(members.get("private_key_id", ""))
        masked = {**members, "private_key_id": identifier[:-_MARK] + mark.BLANK * _MARK}
        return len(identifier) == 40 and identifier[-_MARK:] == _mark(kind, masked) and broken(value)

    def broken(value: str) -> bool:
        members = read(value)
        return (
            "null" in str(members.get("project_id", ""))
            and hosts.is_reserved(hosts.of_url(str(members.get("token_uri", ""))))
            and keys.rsa_is_marked("", str(members.get("private_key", "")))
        )

    parts = {
        "client_email": "The account's address.",
        "client_id": "The account's number.",
        "project_id": "The project.",
        "private_key": "The private key, as PEM.",
        "private_key_id": "The id of the private key.",
    }
    return Form(make=make, marked=marked, broken=broken, bits=64.0, options=ServiceAccountOptions, parts=parts)


def read(value: str) -> dict[str, object]:
    """The members of a service-account key; empty when a text is none."""
    try:
        members = json.loads(value) if '"service_account"' in value else None
    except ValueError:
        return {}
    return members if isinstance(members, dict) and members.get("type") == "service_account" else {}


def _mark(kind: str, members: dict[str, str] | dict[str, object]) -> str:
    """The mark of all members, in whatever order they stand."""
    return mark.symbols(kind, json.dumps(members, sort_keys=True, separators=(",", ":")), HEX, _MARK)
