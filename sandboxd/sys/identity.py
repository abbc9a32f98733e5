"""The identity backend: everything below `identity/`, one file for each family of paths."""

from sandboxd.sys import (
    identity_alias,
    identity_entity,
    identity_group,
    identity_group_alias,
    identity_lookup,
    identity_merge,
    identity_oidc,
    identity_oidc_tokens,
)
from sandboxd.vault.framework.backend import Engine

BACKEND = Engine(
    type="identity",
    help="The identity backend knows who is behind the tokens: entities, their aliases at auth mounts, and groups.",
    paths=(
        *identity_alias.PATHS,
        *identity_entity.PATHS,
        *identity_group.PATHS,
        *identity_group_alias.PATHS,
        *identity_lookup.PATHS,
        *identity_merge.PATHS,
        *identity_oidc.PATHS,
        *identity_oidc_tokens.PATHS,
    ),
    unauthenticated=identity_oidc_tokens.UNAUTHENTICATED,
    system=True,
    singleton=True,
)
