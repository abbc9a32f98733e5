"""The RabbitMQ secrets engine: users of a broker, made for a lease.

A **role** says what a user may do: its tags, and its permissions in virtual hosts and on their topics. The broker is
simulated: it makes any user, and is never contacted. With `live` it is reached through its management API, on this
machine (`broker.py`).

Source: OpenBao's rabbitmq secrets engine, and the answers and calls of a running 2.7.2.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sandboxd.engines.rabbitmq.broker import Broker, BrokerError
from sandboxd.vault.errors import Failure, Refusal, refuse
from sandboxd.vault.framework.backend import Call, Engine, Lease, Path, Response, Result, SecretKind
from sandboxd.vault.framework.fields import param
from sandboxd.vault.framework.gojson import TEXT, MapOf, Struct, unmarshal
from sandboxd.vault.framework.resources import Collection, LeaseConfig, Named, Single
from sandboxd.vault.framework.usernames import Record, Template, TemplateError
from sandboxd.vault.gotext import quote

TEMPLATE = '{{ printf "%s-%s" (.DisplayName) (uuid) }}'
PASSWORD_LENGTH = 36
NOT_MADE = "failed to create a new user with the generated credentials"
PERMISSIONS = MapOf(Struct("rabbitmq.vhostPermission", {"configure": TEXT, "write": TEXT, "read": TEXT}))
TOPICS = MapOf(MapOf(Struct("rabbitmq.vhostTopicPermission", {"write": TEXT, "read": TEXT})))


@dataclass(frozen=True, kw_only=True, repr=False)
class Connection:
    """Which broker to speak to, and as whom."""

    connection_uri: str = param("", "URL of the broker's management API.")
    username: str = param("", "An administrator of the broker.")
    password: str = param("", "The administrator's password.")
    verify_connection: bool = param(True, "Try the connection before it is stored.")
    password_policy: str = param("", "The password policy to make passwords by.")
    username_template: str = param("", "Template of the names of users.")


@dataclass(frozen=True, kw_only=True)
class Role:
    """What users may do, as a client writes it."""

    tags: str = param("", "Tags of the user, separated by commas.")
    vhosts: str = param("", "JSON: a map from virtual host to permissions (configure, write, read).")
    vhost_topics: str = param("", "JSON: a map from virtual host to exchange to topic permissions (write, read).")

    @property
    def permissions(self) -> dict[str, dict[str, str]]:
        """Permissions by virtual host."""
        found: dict[str, dict[str, str]] = unmarshal(self.vhosts or "null", PERMISSIONS)
        return found

    @property
    def topics(self) -> dict[str, dict[str, dict[str, str]]]:
        """Topic permissions by virtual host and exchange."""
        found: dict[str, dict[str, dict[str, str]]] = unmarshal(self.vhost_topics or "null", TOPICS)
        return found


def check_role(_call: Call, named: Named[Role]) -> Role:
    role = named.record
    if not role.tags and not role.vhosts:
        refuse("both tags and vhosts not specified")
    for name, read in (("vhosts", lambda: role.permissions), ("vhost_topics", lambda: role.topics)):
        try:
            read()
        except ValueError as error:
            refuse(f"failed to unmarshal {name}: {error}")
    return role


def show_role(named: Named[Role]) -> Result:
    role = named.record
    return {"tags": role.tags, "vhosts": role.permissions, "vhost_topics": role.topics}


LEASE = Single(
    "config/lease",
    LeaseConfig,
    "Say how long credentials last.",
    merges=False,
    deletes=False,
    operation_ids={"read": "rabbit-mq-read-lease-configuration", "write": "rabbit-mq-configure-lease"},
)
ROLES = Collection(
    "roles",
    Role,
    "Manage a role.",
    merges=False,
    check=check_role,
    show=show_role,
    paged=True,
    operation_ids={"read": "rabbit-mq-read-role", "write": "rabbit-mq-write-role", "delete": "rabbit-mq-delete-role"},
    list_ids={"list": "rabbit-mq-list-roles"},
)


def connection(call: Call) -> Connection:
    """The stored connection; an empty one when there is none."""
    return call.storage.get("config/connection", Connection) or Connection()


async def configure(call: Call, args: Connection) -> None:
    for name in ("connection_uri", "username", "password"):
        if not getattr(args, name):
            refuse(f"missing {name}")
    if args.username_template:
        _try_template(call, args.username_template)
    if args.verify_connection:
        broker = _broker(args, "failed to create client: ")
        try:
            await broker.check(live=call.live)
        except BrokerError as error:
            raise Failure(f"failed to validate the connection: {error}") from None
    call.storage.put("config/connection", args)


def _try_template(call: Call, text: str) -> None:
    """Refuse a template that does not parse, or not run with empty names.

    The real server prints the error with a verb that is none for it: as Go shows a struct, pointers included.
    """
    pointer = f"0xc{int.from_bytes(call.entropy.bytes(4), 'big') & ~15:09x}"
    try:
        template = Template.parse(text, profile=call.profile)
    except TemplateError as error:
        refuse(f"unable to initialize username template: %!w(*fmt.wrapError=&{{{error} {pointer}}})")
    try:
        template.render(_names("", ""), call.clock, call.entropy)
    except TemplateError as error:
        refuse(f"invalid username template: %!w(*fmt.wrapError=&{{{error} {{{error.template} {pointer}}}}})")


def _names(display_name: str, role_name: str) -> Record:
    return Record("rabbitmq.UsernameMetadata", DisplayName=display_name, RoleName=role_name)


def _broker(config: Connection, before: str = "") -> Broker:
    try:
        return Broker(config.connection_uri, config.username, config.password)
    except ValueError as error:
        raise Failure(f"{before}parse {quote(config.connection_uri)}: {error}") from None


async def create(call: Call, args: Any) -> Response:
    role = ROLES.load(call, args.name) or refuse(f"unknown role: {args.name}")
    config = connection(call)
    username = _username(call, config, args.name)
    password = _password(call, config)
    broker = _broker(config)
    if broker.fault:
        raise Failure(NOT_MADE)
    live = call.live
    if live:
        await _make(broker, username, password, role)
    lengths = LEASE.load(call) or LeaseConfig()
    return Response(
        data={"username": username, "password": password},
        lease=Lease(
            kind="creds",
            ttl=lengths.ttl,
            max_ttl=lengths.max_ttl,
            internal={"username": username, "live": live},
        ),
        credentials=("password",),
    )


def _username(call: Call, config: Connection, role: str) -> str:
    template = Template.parse(config.username_template or TEMPLATE, profile=call.profile)
    caller = call.caller
    try:
        return template.render(_names(caller.display_name if caller else "", role), call.clock, call.entropy)
    except TemplateError as error:
        raise Failure(f"failed to generate username: {error}") from None


def _password(call: Call, config: Connection) -> str:
    if not config.password_policy:
        return call.fake("password", "password", length=PASSWORD_LENGTH, characters="alphanumeric")
    try:
        return call.system.generate_password(config.password_policy)
    except Refusal as error:
        raise Failure(*error.errors) from None


async def _make(broker: Broker, username: str, password: str, role: Role) -> None:
    """Make a user with the permissions of a role; when that fails half-way, the user is deleted."""
    try:
        status, body = await broker.put_user(username, password, role.tags)
    except BrokerError:
        raise Failure(NOT_MADE) from None
    if status >= 300:
        raise Failure(f"error creating user {username} - {status}: {body}")
    try:
        for vhost, permissions in sorted(role.permissions.items()):
            await broker.permit(vhost, username, permissions)
        for vhost, exchanges in sorted(role.topics.items()):
            for exchange, permissions in sorted(exchanges.items()):
                await broker.permit_topic(vhost, username, {"exchange": exchange, **permissions})
    except BrokerError as error:
        with suppress(BrokerError):  # the client is told of the first error
            await broker.delete_user(username)
        raise Failure(str(error)) from None


def renew(call: Call, lease: Lease) -> Lease:
    lengths = LEASE.load(call) or LeaseConfig()
    lease.ttl, lease.max_ttl = lengths.ttl, lengths.max_ttl
    return lease


async def revoke(call: Call, lease: Lease) -> None:
    if not lease.internal.get("live"):
        return
    try:
        await _broker(connection(call)).delete_user(str(lease.internal["username"]))
    except BrokerError as error:
        raise Failure(f"could not delete user: {error}") from None


ENGINE = Engine(
    type="rabbitmq",
    help="Make users of a RabbitMQ broker, which last as long as their lease.",
    paths=(
        Path(
            "config/connection",
            Connection,
            "Say which broker to speak to, and as whom.",
            write=configure,
            operation_ids={"write": "rabbit-mq-configure-connection"},
        ),
        *LEASE.paths(),
        *ROLES.paths(),
        Path(
            "creds/{name}",
            ROLES.named,
            "Have a user made, with the permissions of a role.",
            read=create,
            operation_ids={"read": "rabbit-mq-request-credentials"},
        ),
    ),
    secrets=(SecretKind("creds", revoke=revoke, renew=renew),),
)
