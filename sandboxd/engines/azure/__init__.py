"""The Azure secrets engine: service principals with secrets, made on demand or added to an application that is there.

Everything is simulated: no cloud is asked. A role of Azure, a group or an application is taken to exist under whatever
name or id a client gives. Source: the plugin's public source (0.25), for checks, their order and texts; Vault's
documentation for what is of its Enterprise edition.
"""

from __future__ import annotations

from sandboxd.engines.azure import config, credentials, roles, static_roles
from sandboxd.vault.framework.backend import Engine, Path, Rotates, SecretKind
from sandboxd.vault.framework.fields import NoArgs

ENGINE = Engine(
    type="azure",
    help="Make service principals in Azure, and secrets for them.",
    paths=(
        Path(
            config.CONFIG,
            config.Config,
            "Configure how Azure is reached.",
            read=config.read_config,
            write=config.write_config,
            delete=config.delete_config,
            exists=config.config_exists,
            operation_ids={
                "read": "azure-read-configuration",
                "write": "azure-configure",
                "delete": "azure-delete-configuration",
            },
        ),
        Path(
            "rotate-root",
            NoArgs,
            "Replace the engine's own secret.",
            write=config.rotate_root,
            operation_ids={"write": "azure-rotate-root"},
        ),
        Path(
            "roles/?",
            NoArgs,
            "List the roles.",
            list=roles.list_roles,
            operation_ids={"list": "azure-list-roles"},
        ),
        Path(
            "roles/{name}",
            roles.RoleArgs,
            "Manage one role.",
            read=roles.read_role,
            write=roles.write_role,
            delete=roles.delete_role,
            exists=roles.role_exists,
            operation_ids={"read": "azure-read-role", "write": "azure-write-role", "delete": "azure-delete-role"},
        ),
        Path(
            "creds/{role}",
            credentials.CredsArgs,
            "Get a service principal's credentials.",
            read=credentials.read,
            operation_ids={"read": "azure-request-service-principal-credentials"},
        ),
        Path("static-roles/?", NoArgs, "List the static roles.", list=static_roles.names),
        Path(
            "static-roles/{name}",
            static_roles.StaticRoleArgs,
            "Manage one static role.",
            read=static_roles.read,
            write=static_roles.write,
            delete=static_roles.delete,
            exists=static_roles.exists,
        ),
        Path(
            "static-roles/{name}/import",
            static_roles.ImportArgs,
            "Make a static role for a secret that is there already.",
            write=static_roles.import_secret,
        ),
        Path(
            "static-creds/{name}", static_roles.CredsArgs, "Get a static role's secret.", read=static_roles.read_creds
        ),
        Path("rotate-role/{name}", static_roles.NameArgs, "Replace a static role's secret.", write=static_roles.rotate),
    ),
    secrets=(
        SecretKind(credentials.DYNAMIC, revoke=credentials.revoke, renew=credentials.renew),
        SecretKind(credentials.STATIC, revoke=credentials.revoke, renew=credentials.renew),
    ),
    on_timer=config.on_timer,
    rotates=(
        Rotates(config.CONFIG, "rotate-root"),
        Rotates("static-roles/{name}", "rotate-role/{name}", read="static-creds/{name}"),
    ),
)
