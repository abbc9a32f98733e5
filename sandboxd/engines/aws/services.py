"""The services of AWS that the engine calls, IAM and STS: simulated, or behind an endpoint on this machine.

A **service** takes the name of an action and its parameters, and gives the members of the answer. The simulated ones
know every user, role and group that they are asked for, and keep nothing.
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple, Protocol, TypeVar

from sandboxd.engines.aws import sdk
from sandboxd.engines.aws.sdk import LONGEST, NO_CREDENTIALS, AwsError
from sandboxd.vault.durations import SECOND, rfc3339
from sandboxd.vault.errors import Refusal, refuse
from sandboxd.vault.framework.backend import Call
from sandboxd.vault.framework.fields import CommaList, Duration, param
from sandboxd.vault.framework.rotating import RootRotation

T = TypeVar("T")
Found = dict[str, Any]
ROOT = "config/root"
REGION = "us-east-1"
NO_STS = "could not obtain sts client"


@dataclass(frozen=True, kw_only=True, repr=False)
class Config(RootRotation):
    """How the engine reaches AWS. Times are in seconds, moments in nanoseconds since 1970."""

    access_key: str = param("", "Access key that may make keys.")
    secret_key: str = param("", "Secret key that may make keys.")
    region: str = param("", "Region of the calls.")
    iam_endpoint: str = param("", "URL of IAM, where it is not the usual one.")
    sts_endpoint: str = param("", "URL of STS, where it is not the usual one.")
    sts_region: str = param("", "Region of the calls of STS.")
    sts_fallback_endpoints: CommaList = param((), "URLs of STS to try when the first does not answer.")
    sts_fallback_regions: CommaList = param((), "Regions of these.")
    max_retries: int = param(-1, "How often to call again after an error that may pass; -1 for the usual.")
    username_template: str = param("", "Template of the names of users and sessions.")
    role_arn: str = param("", "Role to assume with identity tokens of the engine.")
    identity_token_audience: str = param("", "Audience of the engine's identity tokens.")
    identity_token_ttl: Duration = param(3600, "How long the engine's identity tokens last.")
    rotated_at: int = param(0, hidden=True)

    @property
    def sts_places(self) -> list[Place]:
        """Where STS is, in the order to try. Raises ValueError with the real server's text.

        The fallbacks, and a region of its own, count only beside an endpoint.
        """
        regions = [self.region] if self.region else []
        endpoints = [self.sts_endpoint] if self.sts_endpoint else []
        if endpoints:
            if self.sts_region:
                regions = [self.sts_region]
            endpoints += self.sts_fallback_endpoints
            regions += self.sts_fallback_regions
        regions = regions or [REGION]
        endpoints = endpoints or [f"https://sts.{region}.amazonaws.com" for region in regions]
        if len(regions) != len(endpoints):
            raise ValueError("number of regions does not match number of endpoints")
        return list(map(Place, endpoints, regions))


class Place(NamedTuple):
    """Where a service is."""

    endpoint: str
    region: str


class Service(Protocol):
    """Makes a call of one service. Raises AwsError, and Refusal for an endpoint that is not on this machine."""

    async def __call__(self, action: str, /, **params: Any) -> Found:
        """The members of the answer."""


def load(call: Call) -> Config | None:
    """How the engine is configured, if it is."""
    return call.storage.get(ROOT, Config)


def iam(call: Call, *, live: bool | None = None) -> Service:
    """IAM. `live` is that of the mount, or of the lease that asks."""
    config = load(call)
    if not (call.live if live is None else live):
        return Simulated(call, config)
    from sandboxd.engines.aws.api import Api

    endpoint = config.iam_endpoint if config is not None else ""
    place = Place(endpoint or "https://iam.amazonaws.com", (config and config.region) or REGION)
    return Api(call, "iam", place, config)


async def sts(call: Call) -> Service:
    """STS: the first that answers. Raises Refusal with the real server's text when there is none."""
    config = load(call)
    try:
        places = (config or Config()).sts_places
    except ValueError as error:
        raise Refusal(str(error)) from None
    if not call.live:
        return Simulated(call, config) if config is not None else refuse(NO_STS)
    from sandboxd.engines.aws.api import Api

    for place in places:
        service = Api(call, "sts", place, config)
        try:
            await service("GetCallerIdentity")
        except AwsError:
            continue
        return service
    raise Refusal(NO_STS)


def settled(call: Call, work: Coroutine[Any, Any, T]) -> T | Awaitable[T]:
    """What a coroutine comes to: at once when the mount is simulated, since nothing is waited for then."""
    if call.live:
        return work
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("a simulated service waits for something")


def user_id(name: str) -> str:
    """The id of a simulated user: always the same one, and by its end one of AWS's examples."""
    return f"AIDA{b32encode(sha256(name.encode('utf-8', 'surrogateescape')).digest())[:9].decode()}EXAMPLE"


class Simulated:
    """IAM and STS as they answer an engine that may do everything."""

    def __init__(self, call: Call, config: Config | None) -> None:
        self._call = call
        self._config = config

    async def __call__(self, action: str, /, **params: Any) -> Found:
        sdk.check(action, params)
        if self._config is None:
            raise AwsError(NO_CREDENTIALS)
        if action == "CreateAccessKey":
            made = self._call.fakes("aws.access_key_id", "secret_key")
            return {"AccessKey": {"AccessKeyId": made["value"], "SecretAccessKey": made["secret_access_key"]}}
        if action == "GetUser":
            name = params.get("UserName", "vault")
            return {"User": {"UserName": name, "UserId": user_id(name)}}
        if action == "ListAttachedGroupPolicies":
            return {"AttachedPolicies": [{"PolicyArn": f"arn:aws:iam::aws:policy/{params['GroupName']}"}]}
        if action in LONGEST:
            return self._session(action, params)
        return {}

    def _session(self, action: str, params: Found) -> Found:
        seconds, longest = params["DurationSeconds"], LONGEST[action]
        if seconds > longest:
            raise sdk.answered(
                "ValidationError",
                f"1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: "
                f"Member must have value less than or equal to {longest}",
                400,
                self._call.entropy.uuid(),
            )
        made = self._call.fakes("aws.temporary_access_key_id", "secret_key")
        found: Found = {
            "Credentials": {
                "AccessKeyId": made["value"],
                "SecretAccessKey": made["secret_access_key"],
                "SessionToken": made["session_token"],
                "Expiration": rfc3339((int(self._call.clock.now()) + seconds) * SECOND),
            }
        }
        if action == "AssumeRole":
            found["AssumedRoleUser"] = {"Arn": _session_arn(params["RoleArn"], params["RoleSessionName"])}
        return found


def _session_arn(role: str, session: str) -> str:
    """The ARN of a session of a role, which does not have the path of the role."""
    _, partition, _, _, account, resource = (*role.split(":", 5), *[""] * 6)[:6]
    return f"arn:{partition or 'aws'}:sts::{account}:assumed-role/{resource.rpartition('/')[2]}/{session}"
