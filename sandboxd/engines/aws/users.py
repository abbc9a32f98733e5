"""IAM users that are made for a lease, and deleted with all that belongs to them."""

from __future__ import annotations

from contextlib import suppress

from sandboxd.engines.aws.roles import Role
from sandboxd.engines.aws.sdk import AwsError
from sandboxd.engines.aws.services import Found, Service
from sandboxd.vault.errors import Refusal

MOST = 1000  # items of a list


async def make(iam: Service, username: str, name: str, role: Role) -> Found:
    """Make a user as a role has it, and give its access key. Raises Refusal, and leaves no user behind then."""
    more = {"PermissionsBoundary": role.permissions_boundary_arn} if role.permissions_boundary_arn else {}
    try:
        await iam("CreateUser", UserName=username, Path=role.user_path or "/", **more)
    except AwsError as error:
        raise Refusal(f"Error creating IAM user: {error}") from None
    step = ""
    try:
        for arn in role.policy_arns or ():
            step = "attaching user policy"
            await iam("AttachUserPolicy", UserName=username, PolicyArn=arn)
        if role.policy_document:
            step = "putting user policy"
            await iam("PutUserPolicy", UserName=username, PolicyName=name, PolicyDocument=role.policy_document)
        for group in role.iam_groups or ():
            step = "adding user to group"
            await iam("AddUserToGroup", UserName=username, GroupName=group)
        if role.iam_tags:
            step = "adding tags to user"
            tags = [{"Key": key, "Value": value} for key, value in sorted(role.iam_tags.items())]
            await iam("TagUser", UserName=username, Tags=tags)
        step = "creating access keys"
        found: Found = (await iam("CreateAccessKey", UserName=username))["AccessKey"]
    except AwsError as error:
        with suppress(AwsError):  # the client is told of the first error
            await remove(iam, username)
        raise Refusal(f"Error {step}: {error}") from None
    return found


async def remove(iam: Service, username: str) -> None:
    """Delete a user, with its keys, policies and memberships. Raises AwsError."""
    user = {"UserName": username}
    groups = (await iam("ListGroupsForUser", **user, MaxItems=MOST)).get("Groups")
    policies = (await iam("ListUserPolicies", **user, MaxItems=MOST)).get("PolicyNames")
    attached = (await iam("ListAttachedUserPolicies", **user, MaxItems=MOST)).get("AttachedPolicies")
    keys = (await iam("ListAccessKeys", **user, MaxItems=MOST)).get("AccessKeyMetadata")
    for key in keys or ():
        await iam("DeleteAccessKey", **user, AccessKeyId=key["AccessKeyId"])
    for policy in attached or ():
        await iam("DetachUserPolicy", **user, PolicyArn=policy["PolicyArn"])
    for name in policies or ():
        await iam("DeleteUserPolicy", **user, PolicyName=name)
    for group in groups or ():
        await iam("RemoveUserFromGroup", **user, GroupName=group["GroupName"])
    await iam("DeleteUser", **user)
