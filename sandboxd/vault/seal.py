"""The seal: what keeps the server shut until enough shares of its key have been given.

A server is **initialised** once, which makes the **unseal key** and its **shares**; whenever it starts it is **sealed**
until a **threshold** of shares came in. A **ceremony** collects shares for one purpose: to unseal, to rekey (a
**rotation** of the key), to make a root token (a **generation**). The key guards nothing but itself here: only its hash
is kept, to tell right shares from wrong ones.

That the server was initialised is kept in the storage, below `core/seal/`; whether it is sealed, and the ceremonies
under way, are the process's own. Source: OpenBao's seal manager, for the order of the checks and their texts.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

import msgspec

from sandboxd.vault import shamir
from sandboxd.vault.entropy import Entropy
from sandboxd.vault.errors import Refusal
from sandboxd.vault.storage import Storage, View

KEY_SIZE = 32
SHORTEST, LONGEST = 16, 33  # bytes in a key or share
AES_SIZES = (16, 24, 32)
UNDECRYPTED = "failed to decrypt keys from storage: cipher: message authentication failed"
MAX_OPERATIONS = 3_865_470_566  # what the real server lets AES-GCM encrypt with one key


class SealConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How the unseal key is split, and the hash that tells whether shares give it."""

    shares: int
    threshold: int
    key_hash: bytes


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """What the server calls itself."""

    name: str
    id: str


class Keyring(msgspec.Struct, frozen=True, kw_only=True):
    """The key that the real server encrypts its storage with, and when it is to be replaced. Shown, never used."""

    term: int = 1
    install_time: int = 0  # nanoseconds since 1970
    stored: int = 0  # values in the storage when it was installed
    enabled: bool = True
    interval: int = 0  # seconds; 0 for no rotation by time
    max_operations: int = MAX_OPERATIONS


class KeySet(msgspec.Struct, frozen=True, kw_only=True):
    """A new unseal key: what is kept of it, and the shares to hand out (the key itself when there is one share)."""

    config: SealConfig
    shares: tuple[bytes, ...]


class WrongKeyError(ValueError):
    """The shares give another key than the server's; never holds a share.

    Its text is the real server's for a wrong unseal key. `size` is the key's where AES knows no such keys, else 0.
    """

    def __init__(self, *, size: int = 0) -> None:
        super().__init__(
            f"invalid key: failed to setup unseal key: crypto/aes: invalid key size {size}"
            if size
            else f"unable to retrieve stored keys: invalid key: {UNDECRYPTED}"
        )
        self.size = size


class Ceremony:
    """Collects shares until there are enough of them.

    Args:
        nonce: names this ceremony, so that shares go to the one that was meant.
    """

    def __init__(self, nonce: str) -> None:
        self.nonce = nonce
        self._given: list[bytes] = []

    @property
    def progress(self) -> int:
        """How many shares have been given."""
        return len(self._given)

    def add(self, share: bytes) -> bool:
        """Take a share; False, and nothing happens, when it was given before."""
        if self.has(share):
            return False
        self._given.append(share)
        return True

    def add_again(self, share: bytes) -> None:
        """Take a share, also one that was given before."""
        self._given.append(share)

    def has(self, share: bytes) -> bool:
        """Whether a share was given before."""
        return any(hmac.compare_digest(share, given) for given in self._given)

    def restart(self, nonce: str = "") -> None:
        """Forget the shares given so far, and take another name if there is one."""
        self._given = []
        self.nonce = nonce or self.nonce

    def key(self, threshold: int) -> bytes | None:
        """The key that the shares give, after which they are forgotten; None while there are too few.

        Raises ValueError with the real server's text when they do not combine.
        """
        if len(self._given) < threshold:
            return None
        given, self._given = self._given, []
        return given[0] if threshold == 1 else shamir.combine(given)


@dataclass(slots=True, kw_only=True)
class Rotation:
    """A rekey under way: the shares of the old key given so far, and the new key while it waits to be verified."""

    ceremony: Ceremony
    verification: Ceremony = field(default_factory=lambda: Ceremony(""))
    shares: int
    threshold: int
    pgp_keys: tuple[str, ...] = ()
    backup: bool = False
    verify: bool = False
    pending: SealConfig | None = None


@dataclass(slots=True, kw_only=True, repr=False)
class Generation:
    """The making of a root token: the shares given so far, and what the token is to be hidden with."""

    ceremony: Ceremony
    otp: str = ""
    pgp_key: str = ""
    pgp_fingerprint: str = ""


class Seal:
    """Whether the server is open, and how it is opened."""

    def __init__(self, storage: Storage, entropy: Entropy) -> None:
        self._storage = storage
        self._view = View(storage, "core/seal/")
        self._entropy = entropy
        self._open = False
        self.on_open: Callable[[], None] = lambda: None
        self._ceremony: Ceremony | None = None
        self.rotation: Rotation | None = None
        self.generation: Generation | None = None

    @property
    def config(self) -> SealConfig | None:
        """How the key is split; None before the server is initialised."""
        return self._view.get("config", SealConfig)

    @property
    def initialized(self) -> bool:
        """Whether there is a key."""
        return self.config is not None

    @property
    def sealed(self) -> bool:
        """Whether requests are refused."""
        return not self._open

    @property
    def shares(self) -> int:
        """How many shares the key is split into; 0 before the server is initialised."""
        return 0 if (config := self.config) is None else config.shares

    @property
    def threshold(self) -> int:
        """How many shares open it; 0 before the server is initialised."""
        return 0 if (config := self.config) is None else config.threshold

    @property
    def progress(self) -> int:
        """How many shares have been given towards opening it."""
        return 0 if self._ceremony is None else self._ceremony.progress

    @property
    def nonce(self) -> str:
        """Names the opening under way; empty when there is none."""
        return "" if self._ceremony is None else self._ceremony.nonce

    @property
    def cluster(self) -> Cluster | None:
        """What the server calls itself; None before it is initialised."""
        return self._view.get("cluster", Cluster)

    @property
    def keyring(self) -> Keyring:
        """The storage's key."""
        return self._view.get("keyring", Keyring) or Keyring()

    @keyring.setter
    def keyring(self, keyring: Keyring) -> None:
        self._view.put("keyring", keyring)

    def initialize(self, shares: int = 1, threshold: int = 1, *, now: int = 0) -> tuple[bytes, ...]:
        """Make the key and give its shares, which are not kept. The server stays sealed.

        Args:
            now: nanoseconds since 1970, shown as the moment when the storage's key was installed.

        Raises Refusal (400) with the real server's text for numbers that make no sense, or the second time.
        """
        try:
            check_shares(shares, threshold)
        except ValueError as error:
            raise Refusal(f"invalid seal configuration: {error}") from None
        if self.initialized:
            raise Refusal("Vault is already initialized")
        made = self.make(shares, threshold)
        self.adopt(made.config)
        self._view.put(
            "cluster", Cluster(name=f"vault-cluster-{self._entropy.bytes(4).hex()}", id=self._entropy.uuid())
        )
        self.keyring = Keyring(install_time=now, stored=len(self._storage))
        return made.shares

    def open(self) -> None:
        """Open the server without its key, as a development server does when it starts. Does nothing uninitialised."""
        self._ceremony = None
        if self.initialized:
            self._opened()

    def seal(self) -> None:
        """Shut the server. A rekey under way is forgotten; the making of a root token goes on afterwards."""
        self._open = False
        self._ceremony = None
        self.rotation = None

    def unseal(self, share: bytes) -> bool:
        """Take a share; give whether the server is open now.

        A share that was given before changes nothing. Raises Refusal (400) for one that cannot be a share, for shares
        that give the wrong key (all of them are forgotten then), and before the server is initialised.
        """
        config = self.config
        if config is None:
            raise Refusal("Vault is not initialized")
        if self._open:
            return True
        try:
            check_length(share)
        except ValueError as error:
            raise Refusal(f"invalid key: {error}") from None
        if self._ceremony is None:
            self._ceremony = Ceremony(self._entropy.uuid())
        if not self._ceremony.add(share):
            return False
        try:
            key = self._ceremony.key(config.threshold)
        except ValueError as error:
            self._ceremony = None
            raise Refusal(f"invalid key: failed to compute combined key: {error}") from None
        if key is None:
            return False
        self._ceremony = None
        try:
            self.verify(key)
        except WrongKeyError as error:
            raise Refusal(str(error)) from None
        self._opened()
        return True

    def _opened(self) -> None:
        self._open = True
        self.on_open()

    def reset(self) -> None:
        """Forget the shares given so far towards opening it."""
        self._ceremony = None

    def reload(self) -> None:
        """Take over what the storage says after it was restored: what was never initialised is sealed."""
        self._ceremony = self.rotation = self.generation = None
        self._open = self._open and self.initialized

    def ceremony(self) -> Ceremony:
        """A new ceremony, with a fresh nonce."""
        return Ceremony(self._entropy.uuid())

    def make(self, shares: int, threshold: int) -> KeySet:
        """A new key, which does not hold before it is adopted."""
        key = self._entropy.bytes(KEY_SIZE)
        parts = (key,) if shares == 1 else tuple(shamir.split(key, shares, threshold, self._entropy))
        config = SealConfig(shares=shares, threshold=threshold, key_hash=sha256(key).digest())
        return KeySet(config=config, shares=parts)

    def adopt(self, config: SealConfig) -> None:
        """Have another key open the server from now on."""
        self._view.put("config", config)

    def verify(self, key: bytes) -> None:
        """Raise WrongKeyError unless it is the server's key."""
        if len(key) not in AES_SIZES:
            raise WrongKeyError(size=len(key))
        config = self.config
        if config is None or not opens(config, key):
            raise WrongKeyError


def opens(config: SealConfig, key: bytes) -> bool:
    """Whether it is the key that was split like that."""
    return hmac.compare_digest(sha256(key).digest(), config.key_hash)


def check_length(share: bytes) -> None:
    """Raise ValueError with the real server's text for what is too short or too long for a key or share."""
    if len(share) < SHORTEST:
        raise ValueError(f"key is shorter than minimum {SHORTEST} bytes")
    if len(share) > LONGEST:
        raise ValueError(f"key is longer than maximum {LONGEST} bytes")


def check_shares(shares: int, threshold: int) -> None:
    """Raise ValueError with the real server's text unless a key can be split like that."""
    if shares < 1:
        raise ValueError("shares must be at least one")
    if threshold < 1:
        raise ValueError("threshold must be at least one")
    if shares > 1 and threshold < 2:
        raise ValueError("threshold must be greater than one for multiple shares")
    if shares > 255:
        raise ValueError("shares must be less than 256")
    if threshold > 255:
        raise ValueError("threshold must be less than 256")
    if threshold > shares:
        raise ValueError("threshold cannot be larger than shares")
