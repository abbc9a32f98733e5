"""IAM and STS behind an endpoint on this machine, such as a moto server: AWS's query protocol, signed (version 4).

Calls are made once, whatever `max_retries` says: what may pass elsewhere is not waited for on the same machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from hmac import digest
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from sandboxd.engines.aws import sdk
from sandboxd.engines.aws.sdk import NO_CREDENTIALS, AwsError
from sandboxd.engines.aws.services import Config, Found, Place
from sandboxd.vault.framework import urls
from sandboxd.vault.framework.backend import Call
from sandboxd.vault.framework.upstream import CallFailed, Upstream
from sandboxd.vault.gotext import quote

VERSIONS = {"iam": "2010-05-08", "sts": "2011-06-15"}
FORM = "application/x-www-form-urlencoded; charset=utf-8"
_SCHEME = re.compile(r"[^:]+://")


class Api:
    """One service. Raises AwsError for an endpoint that is no URL."""

    def __init__(self, call: Call, service: str, place: Place, config: Config | None) -> None:
        self._clock = call.clock
        self._service = service
        endpoint = place.endpoint if _SCHEME.match(place.endpoint) else f"https://{place.endpoint}"
        self._endpoint = endpoint.rstrip("/")
        self._region = place.region
        self._config = config

    async def __call__(self, action: str, /, **params: Any) -> Found:
        sdk.check(action, params)
        if self._config is None or not self._config.access_key or not self._config.secret_key:
            raise AwsError(NO_CREDENTIALS)
        pairs = [("Action", action), ("Version", VERSIONS[self._service]), *sdk.flat(params)]
        body = urlencode(pairs, errors="surrogateescape").encode()
        try:
            answer = await self._upstream(self._config, body).call("POST", "/", body, FORM)
        except (CallFailed, ValueError) as error:
            raise AwsError(f"RequestError: send request failed\ncaused by: {error}") from None
        return members(action, answer.status, answer.body)

    def _upstream(self, config: Config, body: bytes) -> Upstream:
        """The endpoint, for a call with this body. Raises ValueError in Go's words."""
        if not f"{config.access_key}{self._region}".isprintable() or not config.access_key.isascii():
            raise ValueError(
                f'Post {quote(self._endpoint + "/")}: net/http: invalid header field value for "Authorization"'
            )
        headers = signature(
            (config.access_key, config.secret_key),
            f"{self._region}/{self._service}",
            datetime.fromtimestamp(int(self._clock.now()), UTC),
            {"content-type": FORM, "host": urls.parse(self._endpoint).host},
            body,
        )
        return Upstream(self._endpoint, f"the {self._service.upper()} endpoint of this mount", headers)


def members(action: str, status: int, body: bytes) -> Found:
    """The members of an answer. Raises AwsError for one that is an error, or cannot be read."""
    try:
        root = _value(ET.fromstring(body))  # noqa: S314 -- from this machine, and expat bounds what entities can do
    except ET.ParseError:
        root = None
    if not isinstance(root, dict):
        what = "failed decoding Query response" if status < 300 else "failed to unmarshal error message"
        raise sdk.answered("SerializationError", what, status, "")
    if status >= 300:
        error = _dict(root.get("Error"))
        request = root.get("RequestId") or _dict(root.get("ResponseMetadata")).get("RequestId", "")
        raise sdk.answered(str(error.get("Code", "")), str(error.get("Message", "")), status, str(request))
    return _dict(root.get(f"{action}Result"))


def _dict(value: Any) -> Found:
    return value if isinstance(value, dict) else {}


def _value(element: ET.Element) -> Any:
    """An element as a list of its members, a map of its children by name, or its text."""
    children = [(child.tag.rpartition("}")[2], child) for child in element]
    if not children:
        return element.text or ""
    if all(tag == "member" for tag, _ in children):
        return [_value(child) for _, child in children]
    return {tag: _value(child) for tag, child in children}


def signature(
    key: tuple[str, str], scope: str, moment: datetime, headers: Mapping[str, str], body: bytes
) -> dict[str, str]:
    """The headers that sign a POST to `/` (AWS signature version 4).

    Args:
        key: the two halves of an access key.
        scope: region and service.
        moment: when it is made.
        headers: what is signed, by names in lower case.
        body: what is sent.
    """
    access_key, secret_key = key
    date = moment.strftime("%Y%m%dT%H%M%SZ")
    signed = {**headers, "x-amz-date": date}
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    request = f"POST\n/\n\n{lines}\n{names}\n{sha256(body).hexdigest()}"
    full = f"{date[:8]}/{scope}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{date}\n{full}\n{sha256(request.encode()).hexdigest()}"
    derived = f"AWS4{secret_key}".encode("utf-8", "surrogateescape")
    for part in full.split("/"):
        derived = digest(derived, part.encode(), "sha256")
    made = digest(derived, text.encode(), "sha256").hex()
    return {
        "X-Amz-Date": date,
        "Authorization": f"AWS4-HMAC-SHA256 Credential={access_key}/{full}, SignedHeaders={names}, Signature={made}",
    }
