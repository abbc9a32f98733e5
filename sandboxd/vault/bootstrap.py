"""From an empty storage to a vault that answers: what every namespace has, and what a development server adds."""

from base64 import b64encode
from typing import TYPE_CHECKING

from sandboxd.vault.framework.backend import Auth
from sandboxd.vault.mounts import MountConfig, MountEntry, Table
from sandboxd.vault.namespaces import ROOT, Namespace
from sandboxd.vault.tokens import Token

if TYPE_CHECKING:
    from sandboxd.vault.world import World

# Table, path, type, description, config.
_STANDARD: tuple[tuple[Table, str, str, str, MountConfig], ...] = (
    (
        "mounts",
        "sys/",
        "system",
        "system endpoints used for control, policy and debugging",
        MountConfig(passthrough_request_headers=("Accept",)),
    ),
    ("mounts", "identity/", "identity", "identity store", MountConfig(passthrough_request_headers=("Authorization",))),
    ("mounts", "cubbyhole/", "cubbyhole", "per-token private secret storage", MountConfig()),
    ("auth", "token/", "token", "token based credentials", MountConfig(token_type="default-service")),
)
_CHILD_TOKENS = MountConfig(token_type="default")


def furnish(world: "World", namespace: Namespace) -> None:
    """Give a namespace the mounts and policies that every one has."""
    prefix = "" if namespace is ROOT or not namespace.path else "ns_"
    for table, path, kind, description, config in _STANDARD:
        world.mounts.add(
            namespace,
            MountEntry(
                table=table,
                path=path,
                type=f"{prefix}{kind}",
                uuid=world.entropy.uuid(),
                accessor=world.mounts.new_accessor(table, kind),
                namespace_id=namespace.id,
                description=description,
                config=_CHILD_TOKENS if prefix and kind == "token" else config,
                local=kind == "cubbyhole",
                seal_wrap=kind == "system",
            ),
        )
    world.policies.install(namespace)


def create_root_token(
    world: "World",
    token_id: str = "",
    *,
    path: str = "auth/token/root",
    display_name: str = "root",
    leased: bool = False,
) -> Token:
    """Make a root token, with that id or a fresh one.

    As in the real server, the first one of an initialised server has no lease, a development server's has one.
    """
    token = world.tokens.create(
        Token(
            id=token_id,
            policies=("root",),
            path=path,
            display_name=display_name,
            creation_time=int(world.clock.now()),
        )
    )
    if leased:
        world.leases.register_auth(token, Auth(policies=("root",), renewable=False, accessor=token.accessor))
    return token


def mount_kv(
    world: "World", path: str = "secret/", version: str = "2", description: str = "key/value secret storage"
) -> None:
    """Mount a key/value engine."""
    world.mounts.add(
        ROOT,
        MountEntry(
            table="mounts",
            path=path,
            type="kv",
            uuid=world.entropy.uuid(),
            accessor=world.mounts.new_accessor("mounts", "kv"),
            namespace_id=ROOT.id,
            description=description,
            options={"version": version},
        ),
    )


def start_dev(world: "World", root_token: str = "", *, kv: str = "2") -> tuple[str, Token]:
    """Initialise and unseal a world as `server -dev` does: with a root token (made up when empty) and KV at `secret/`.

    Gives the unseal key in base64, and the token.
    """
    (share,) = world.seal.initialize(now=world.clock.now_ns())
    world.seal.open()
    furnish(world, ROOT)
    if kv:
        mount_kv(world, version=kv)
    token = create_root_token(world, root_token, path="auth/token/create", display_name="token", leased=True)
    world.commit()
    return b64encode(share).decode(), token
