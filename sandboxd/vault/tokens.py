"""Tokens: the store of service tokens, and batch tokens, which carry all they know.

A token has a parent unless it is an **orphan**; when a token is revoked, its children go with it. Its **accessor**
names it without granting its powers. A token whose last use is under way is **used up**: it can be looked up, and
nothing else. Times are in seconds since 1970.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

import msgspec

from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.entropy import Entropy
from sandboxd.vault.errors import Failure
from sandboxd.vault.framework.backend import Caller
from sandboxd.vault.framework.moments import postponed
from sandboxd.vault.storage import Storage, View

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TokenType = Literal["service", "batch"]

_SERVICE = ("hvs.", "s.")
_BATCH = ("hvb.", "b.")
_BATCH_PREFIX = {"vault": "hvb.", "openbao": "b."}


class MalformedToken(Failure):
    """A batch token whose body does not decode. Its text is Go's, and says where."""


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """One token."""

    id: str
    accessor: str = ""
    parent: str = ""  # the parent's hash; empty for an orphan
    policies: tuple[str, ...] = ()
    path: str = ""
    meta: Mapping[str, str] | None = None
    display_name: str = ""
    num_uses: int = 0
    creation_time: int = 0
    ttl: int = 0
    explicit_max_ttl: int = 0
    period: int = 0
    entity_id: str = ""
    bound_cidrs: tuple[str, ...] = ()
    namespace_id: str = "root"
    type: TokenType = "service"
    role: str = ""
    inline_policy: str = ""
    no_identity_policies: bool = False
    used_up: bool = False  # the last use is under way

    @property
    def hash(self) -> str:
        """What the token is stored and referred to by."""
        return token_hash(self.id)

    @property
    def root(self) -> bool:
        """Whether it may do everything."""
        return "root" in self.policies

    def later(self, by: int) -> "Token":
        """The same token, so many nanoseconds later."""
        return postponed(self, by // NANOSECONDS, "creation_time")

    def caller(self) -> Caller:
        """What handlers get to know of it."""
        return Caller(
            accessor=self.accessor,
            display_name=self.display_name,
            entity_id=self.entity_id,
            policies=self.policies,
            metadata=self.meta or {},
            type=self.type,
            cubbyhole_id=self.hash if self.type == "service" else "",
        )


def token_hash(token_id: str) -> str:
    """The hash that a token is looked up by: comparing hashes takes the same time whatever was guessed.

    It shows as the end of the token's lease id. As in the real server, an id that somebody chose (it has no dot) gets a
    SHA-1, all others `h` and a SHA-256.
    """
    raw = token_id.encode("utf-8", "surrogatepass")
    if "." not in token_id:
        return hashlib.sha1(raw, usedforsecurity=False).hexdigest()
    return "h" + hashlib.sha256(raw).hexdigest()


def split_namespace(name: str) -> tuple[str, str]:
    """The name of a token, accessor or lease without its namespace, and the namespace's id (empty for none)."""
    start = name.rfind("/") + 1
    if not start and name.startswith((*_SERVICE, *_BATCH)):
        start = name.index(".") + 1
    at = name.rfind(".", start)
    return (name, "") if at < 0 or at == len(name) - 1 else (name[:at], name[at + 1 :])


class Tokens:
    """The token store."""

    def __init__(self, storage: Storage, entropy: Entropy, profile: str) -> None:
        self._storage = storage
        self._ids = View(storage, "core/token/id/")
        self._accessors = View(storage, "core/token/accessor/")
        self._children = View(storage, "core/token/parent/")
        self._entropy = entropy
        self._profile = profile
        self._batch: dict[str, Token] = {}
        self._key: bytes | None = None

    def reload(self) -> None:
        """Forget what was read, after the storage was restored."""
        self._batch, self._key = {}, None

    def lookup(self, token_id: str) -> Token | None:
        """The token with that id, used up or not, or None.

        Expiry is the lease's matter for service tokens; `live` looks at that of batch tokens. Raises MalformedToken.
        """
        if token_id.startswith(_BATCH):
            return self._open(token_id)
        return self._ids.get(token_hash(token_id), Token)

    def live(self, token_id: str, now: float) -> Token | None:
        """The token with that id if it can still be used at the moment `now`, or None. Raises MalformedToken."""
        token = self.lookup(token_id)
        if token is None or token.used_up:
            return None
        if token.type == "batch":
            if now > token.creation_time + token.ttl:
                return None
            if token.parent and ((parent := self.by_hash(token.parent)) is None or parent.used_up):
                return None
        return token

    def check_form(self, token_id: str) -> None:
        """Raise MalformedToken for a batch token whose body does not decode."""
        if token_id.startswith(_BATCH):
            self._open(token_id)

    def forged(self, token_id: str) -> bool:
        """Whether an id has the long form of Vault's service tokens, and was not made here.

        The real server signs these; a wrong signature is another answer than an unknown token.
        """
        from sandboxd.fakes.tokens import LONG, is_service_token, looks_signed

        limit = 35 if self._profile == "openbao" else 33  # the longest unsigned one, with its namespace
        return (
            len(token_id) > limit
            and looks_signed(token_id)
            and self.lookup(token_id) is None
            and not is_service_token(token_id, LONG)
        )

    def by_hash(self, hashed: str) -> Token | None:
        """The token with that hash, or None."""
        return self._ids.get(hashed, Token)

    def by_accessor(self, accessor: str) -> Token | None:
        """The token with that accessor, or None."""
        hashed = self._accessors.get(accessor, Reference)
        return None if hashed is None else self._ids.get(hashed.hash, Token)

    def accessors(self, namespace_id: str) -> list[str]:
        """The accessors of all tokens of a namespace, sorted."""
        suffix = "" if namespace_id == "root" else f".{namespace_id}"
        return [name for name in self._accessors.list() if (name.endswith(suffix) if suffix else "." not in name)]

    def children(self, hashed: str) -> list[Token]:
        """The children of a token."""
        found = (self._ids.get(name, Token) for name in self._children.list(f"{hashed}/"))
        return [token for token in found if token is not None]

    def all(self) -> Iterator[Token]:
        """Every service token."""
        for name in self._ids.list():
            token = self._ids.get(name, Token)
            if token is not None:
                yield token

    def create(self, token: Token) -> Token:
        """Make a new token as `make` does, and keep it unless it is a batch token."""
        token = self.make(token)
        if token.type == "service":
            self.keep(token)
        return token

    def make(self, token: Token) -> Token:
        """A new token, kept nowhere; a batch token is sealed into its id.

        An empty `id` is filled with a fresh one, as is the accessor of a service token.
        """
        suffix = "" if token.namespace_id == "root" else f".{token.namespace_id}"
        if token.type == "batch":
            return msgspec.structs.replace(token, id=self._seal(token) + suffix)
        return msgspec.structs.replace(
            token,
            id=token.id or self._mint(token, suffix),
            accessor=token.accessor or self._entropy.text(24) + suffix,
        )

    def keep(self, token: Token) -> None:
        """Keep a new service token."""
        self.put(token)
        self._accessors.put(token.accessor, Reference(hash=token.hash))
        if token.parent:
            self._children.put(f"{token.parent}/{token.hash}", Reference(hash=token.hash))

    def put(self, token: Token) -> None:
        """Keep a changed token."""
        self._ids.put(token.hash, token)

    def delete(self, token: Token) -> None:
        """Forget a token. Its children become orphans; its leases and cubbyhole are the caller's to remove."""
        hashed = token.hash
        self._ids.delete(hashed)
        self._accessors.delete(token.accessor)
        if token.parent:
            self._children.delete(f"{token.parent}/{hashed}")
        for child in self.children(hashed):
            self.put(msgspec.structs.replace(child, parent=""))
        self._children.clear(f"{hashed}/")

    def _mint(self, token: Token, suffix: str) -> str:
        from sandboxd.fakes.tokens import LONG, OPENBAO, SHORT, mint_service_token

        if self._profile == "openbao":
            return mint_service_token(self._entropy.bytes, OPENBAO) + suffix
        if token.policies == ("root",):
            return mint_service_token(self._entropy.bytes, SHORT) + suffix
        return mint_service_token(self._entropy.bytes, LONG)  # its namespace is hidden inside, in the real one

    def _cipher(self) -> "AESGCM":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if self._key is None:
            stored = self._storage.get("core/token/batch-key")
            if not isinstance(stored, BatchKey):
                stored = BatchKey(key=self._entropy.bytes(32))
                self._storage.put("core/token/batch-key", stored)
            self._key = stored.key
        return AESGCM(self._key)

    def _seal(self, token: Token) -> str:
        from sandboxd.fakes.tokens import pack_batch_token

        nonce = self._entropy.bytes(12)
        content = Content(**{name: getattr(token, name) for name in Content.__struct_fields__})
        sealed = self._cipher().encrypt(nonce, msgspec.msgpack.encode(content), None)
        return pack_batch_token(nonce + sealed, _BATCH_PREFIX[self._profile])

    def _open(self, token_id: str) -> Token | None:
        known = self._batch.get(token_id)
        if known is not None:
            return known
        from cryptography.exceptions import InvalidTag

        from sandboxd.fakes.tokens import unpack_batch_token

        body = split_namespace(token_id)[0].partition(".")[2]
        try:
            sealed = unpack_batch_token(body)
        except ValueError as error:
            raise MalformedToken(str(error)) from None
        if sealed is None:
            return None
        try:
            opened = self._cipher().decrypt(sealed[:12], sealed[12:], None)
        except (ValueError, InvalidTag):
            return None
        content = msgspec.msgpack.decode(opened, type=Content)
        token = Token(id=token_id, type="batch", **msgspec.structs.asdict(content))
        if len(self._batch) > 10_000:
            self._batch.clear()
        self._batch[token_id] = token
        return token


class Content(msgspec.Struct, frozen=True, array_like=True):
    """What a batch token carries."""

    parent: str
    policies: tuple[str, ...]
    path: str
    meta: Mapping[str, str] | None
    display_name: str
    creation_time: int
    ttl: int
    role: str
    entity_id: str
    namespace_id: str
    bound_cidrs: tuple[str, ...]
    inline_policy: str
    no_identity_policies: bool


class Reference(msgspec.Struct, frozen=True):
    """Points to a token."""

    hash: str


class BatchKey(msgspec.Struct, frozen=True):
    """The key that batch tokens are sealed with."""

    key: bytes
