"""The AWS secrets engine: access keys of IAM users, and temporary credentials of STS.

AWS is simulated: users, roles and groups are taken to exist as a client names them, and nothing is connected to. With
`live` it is an IAM and an STS on this machine, such as a moto server, where users really exist until they are revoked.

Vault's own. Source: Vault's public source of the engine for the checks, their order and texts; its documentation, for
what came later.
"""

from __future__ import annotations

from collections.abc import Awaitable

from sandboxd.engines.aws import config, credentials, roles, static
from sandboxd.engines.aws.services import ROOT, Config, settled
from sandboxd.vault.framework.backend import Call, Engine, Path, Rotates, SecretKind
from sandboxd.vault.framework.fields import NoArgs


def on_timer(call: Call, name: str) -> Awaitable[None] | None:
    if name == ROOT:
        return settled(call, config.rotate_on_schedule(call))
    return settled(call, static.replace_key(call, name.removeprefix(static.PREFIX)))


def _gives(template: str, sts: str) -> Path[Call, credentials.CredentialArgs]:
    return Path(
        template,
        credentials.CredentialArgs,
        "Have credentials of AWS.",
        description="With their lease end the keys of IAM users; temporary credentials last as long as they do.",
        read=credentials.give,
        write=credentials.give,
        query=("role_arn", "role_session_name", "ttl"),
        operation_ids={
            "read": f"aws-generate-{sts}credentials",
            "write": f"aws-generate-{sts}credentials-with-parameters",
        },
    )


ENGINE = Engine(
    type="aws",
    help="Make access keys of IAM users and temporary credentials, and replace the keys of users that are there.",
    paths=(
        Path(
            ROOT,
            Config,
            "Say how to reach AWS, and as whom.",
            description="The secret key is not shown again.",
            read=config.read,
            write=config.write,
            exists=config.exists,
            operation_ids={
                "read": "aws-read-root-iam-credentials-configuration",
                "write": "aws-configure-root-iam-credentials",
            },
        ),
        Path(
            "config/rotate-root",
            NoArgs,
            "Replace the engine's own access key.",
            write=config.rotate_root,
            operation_ids={"write": "aws-rotate-root-iam-credentials"},
        ),
        Path(
            config.LEASE,
            config.LeaseArgs,
            "Say how long access keys of IAM users last.",
            read=config.read_lease,
            write=config.write_lease,
            operation_ids={"read": "aws-read-lease-configuration", "write": "aws-configure-lease"},
        ),
        Path(
            "roles/?",
            NoArgs,
            "List the roles.",
            list=roles.list_names,
            operation_ids={"list": "aws-list-roles"},
        ),
        Path(
            "roles/{name}",
            roles.RoleArgs,
            "Write, read or delete a role.",
            read=roles.read,
            write=roles.write,
            delete=roles.delete,
            operation_ids={"read": "aws-read-role", "write": "aws-write-role", "delete": "aws-delete-role"},
        ),
        _gives("creds/{name}", ""),
        _gives("sts/{name}", "sts-"),
        Path("static-roles/?", NoArgs, "List the static roles.", list=static.list_names),
        Path(
            "static-roles/{name}",
            static.StaticRoleArgs,
            "Write, read or delete a static role.",
            description="The user gets a new access key when the role is written, and then after each period.",
            read=static.read,
            write=static.write,
            delete=static.delete,
        ),
        Path(
            "static-roles/{name}/rotate",
            static.NameArgs,
            "Replace the access key of a static role: the sandbox does it.",
            write=static.rotate,
            unpublished=True,
        ),
        Path("static-creds/{name}", static.NameArgs, "Read the access key of a static role.", read=static.read_key),
    ),
    secrets=(SecretKind(credentials.KIND, revoke=credentials.revoke, renew=credentials.renew),),
    on_timer=on_timer,
    rotates=(
        Rotates(ROOT, "config/rotate-root"),
        Rotates("static-roles/{name}", "static-roles/{name}/rotate", read="static-creds/{name}"),
    ),
)
