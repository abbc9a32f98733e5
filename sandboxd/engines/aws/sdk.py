"""How the AWS SDK for Go checks and words things: its words reach clients.

It is version 1, which Vault's engine used for ten years. The public source has gone over to version 2 by now, which
leaves all but missing parameters to AWS and words errors otherwise; which release brought that is not told here.

Parameters of a call are those of its API: text, a number, a list, or a map of these.
"""

from collections.abc import Iterator, Mapping
from typing import Any

NO_CREDENTIALS = (
    "NoCredentialProviders: no valid providers in chain. Deprecated.\n"
    "\tFor verbose messaging see aws.Config.CredentialsChainVerboseErrors"
)

# The least that the API's model says of a parameter: characters of a text, or the number itself. The SDK checks these
# before it calls; what is the most is for AWS to say.
_LEAST: Mapping[str, Mapping[str, int]] = {
    "AddUserToGroup": {"GroupName": 1},
    "AssumeRole": {
        "DurationSeconds": 900,
        "ExternalId": 2,
        "RoleArn": 20,
        "RoleSessionName": 2,
        "PolicyArns.arn": 20,
        "Tags.Key": 1,
    },
    "AttachUserPolicy": {"PolicyArn": 20},
    "CreateUser": {"PermissionsBoundary": 20, "UserName": 1},
    "GetFederationToken": {"DurationSeconds": 900, "Name": 2, "PolicyArns.arn": 20},
    "GetSessionToken": {"DurationSeconds": 900, "SerialNumber": 9, "TokenCode": 6},
    "GetUser": {"UserName": 1},
    "ListAttachedGroupPolicies": {"GroupName": 1},
    "TagUser": {"Tags.Key": 1},
}
LONGEST: Mapping[str, int] = {"AssumeRole": 43_200, "GetFederationToken": 129_600, "GetSessionToken": 129_600}
"""Seconds that AWS lets temporary credentials last."""


class AwsError(Exception):
    """What came of a call instead of an answer, in the SDK's words. `code` is AWS's own name of the error."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


def answered(code: str, message: str, status: int, request_id: str) -> AwsError:
    """The error that an answer of AWS is."""
    return AwsError(f"{code}: {message}\n\tstatus code: {status}, request id: {request_id}", code)


def check(action: str, params: Mapping[str, Any]) -> None:
    """Raise AwsError for parameters that the SDK does not send."""
    faults: list[str] = []
    for name, least in _LEAST.get(action, {}).items():
        outer, _, inner = name.partition(".")
        values = {outer: params[outer]} if outer in params else {}
        if inner:
            values = {
                f"{outer}[{index}].{inner.title()}": item[inner] for index, item in enumerate(params.get(outer, ()))
            }
        faults += [f"- {fault}, {action}Input.{at}.\n" for at, each in values.items() if (fault := _fault(each, least))]
    if faults:
        raise AwsError(f"InvalidParameter: {len(faults)} validation error(s) found.\n{''.join(faults)}")


def _fault(value: str | int, least: int) -> str:
    if isinstance(value, int):
        return f"minimum field value of {least}" if value < least else ""
    return f"minimum field size of {least}" if len(value.encode("utf-8", "surrogateescape")) < least else ""


def flat(params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Parameters as pairs of AWS's query protocol."""
    for name, value in params.items():
        yield from _flat(name, value)


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(f"{name}.{key}", item)
    elif isinstance(value, list):
        for index, item in enumerate(value, 1):
            yield from _flat(f"{name}.member.{index}", item)
    else:
        yield name, str(value)
