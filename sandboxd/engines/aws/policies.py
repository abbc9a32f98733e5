"""IAM policies: the ARNs that name them, and documents that are put together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import unquote_plus

from sandboxd.engines.aws.services import Service
from sandboxd.vault.framework.jsontext import misfit, whole

VERSION = "2012-10-17"


def resource_of(arn: str) -> tuple[str, str]:
    """The service of an ARN, and what it names there. Raises ValueError with the SDK's text."""
    if not arn.startswith("arn:"):
        raise ValueError("arn: invalid prefix")
    parts = arn.split(":", 5)
    if len(parts) != 6:
        raise ValueError("arn: not enough sections")
    return parts[2], parts[5]


def check_managed(arn: str) -> None:
    """Raise ValueError, with the real server's text, for what is no ARN of a managed policy."""
    service, resource = resource_of(arn)
    if service != "iam":
        raise ValueError(f"expected a service of iam but got {service}")
    if not resource.startswith("policy/"):
        raise ValueError(f"expected a resource type of policy but got {resource}")


async def of_groups(iam: Service, groups: Iterable[str]) -> tuple[list[str], list[str]]:
    """The inline documents of groups, and the ARNs of the policies that are attached to them. Raises AwsError."""
    documents, arns = [], []
    for group in groups:
        attached = await iam("ListAttachedGroupPolicies", GroupName=group)
        arns += [policy["PolicyArn"] for policy in attached.get("AttachedPolicies") or ()]
        inline = await iam("ListGroupPolicies", GroupName=group)
        for name in inline.get("PolicyNames") or ():
            found = await iam("GetGroupPolicy", GroupName=group, PolicyName=name)
            documents.append(unquote_plus(found.get("PolicyDocument", "")))
    return documents, arns


def combined(documents: Sequence[str]) -> str:
    """One document with the statements of all. Raises ValueError, with the text of Go's decoder, for what is none."""
    statements: list[Any] = []
    for document in filter(None, documents):
        statements += _statements(whole(document))
    return json.dumps({"Version": VERSION, "Statement": statements}, separators=(",", ":"))


def _statements(document: Any) -> list[Any]:
    if document is None:
        return []
    if not isinstance(document, dict):
        raise misfit(document, "aws.PolicyDocument")
    found: list[Any] = []
    for name, value in document.items():
        if name.lower() == "version" and not isinstance(value, str | None):
            raise misfit(value, "string", "PolicyDocument.Version")
        if name.lower() == "statement":
            if value is None:
                raise ValueError("unsupported data type <nil> for StatementEntries")
            found = value if isinstance(value, list) else [value]
    return found
