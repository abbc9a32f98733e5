"""The seal: what keeps the server shut until enough shares of its key have been given.

A server is **initialised** once, which makes the **unseal key** and its **shares**; each time it starts it is **sealed**
until a **threshold** of shares came in. A **ceremony** is what collects shares for a purpose: to unseal, to rekey, to
make a root token. Here the key guards nothing but itself: only its hash is kept, to tell right shares from wrong ones.

That the server was initialised is kept in the storage, below `core/seal/`; whether it is sealed is the process's own.
Source: OpenBao's seal manager, for the order and texts of the checks.
"""

import hmac
from collections.abc import Sequence
from hashlib import sha256

import msgspec

from sandboxd.vault import shamir
from sandboxd.vault.entropy import Entropy
from sandboxd.vault.errors import Refusal
from sandboxd.vault.storage import Storage

KEY_SIZE = 32
SHORTEST, LONGEST = 16, 33  # bytes in a key or share


class SealConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How the unseal key is split, and the hash that tells whether shares give it."""

    shares: int
    threshold: int
    key_hash: bytes


class KeySet(msgspec.Struct, frozen=True, kw_only=True):
    """A new unseal key: what is kept of it, and the shares to hand out (the key itself when there is one share)."""

    config: SealConfig
    shares: tuple[bytes, ...]


class WrongKeyError(ValueError):
    """The shares do not combine, or give another key than the server's. Says why; never holds a share."""


class Ceremony:
    """Collects shares until there are enough of them.

    Args:
        nonce: names this ceremony, so that shares are given to the one that was meant.
    """

    def __init__(self, nonce: str) -> None:
        self.nonce = nonce
        self._given: list[bytes] = []

    @property
    def progress(self) -> int:
        """How many shares have been given."""
        return len(self._given)

    def add(self, share: bytes) -> bool:
        """Take a share; False when it was given before."""
        if any(hmac.compare_digest(share, given) for given in self._given):
            return False
        self._given.append(share)
        return True

    def restart(self) -> None:
        """Forget the shares given so far."""
        self._given = []

    def key(self, threshold: int) -> bytes | None:
        """The key that the shares give, and none of them is kept; None while there are too few.

        Raises WrongKeyError when they do not combine.
        """
        if len(self._given) < threshold:
            return None
        given, self._given = self._given, []
        if threshold == 1:
            return given[0]
        try:
            return shamir.combine(given)
        except ValueError as error:
            raise WrongKeyError(str(error)) from None


class Seal:
    """Whether the server is open, and how it is opened."""

    def __init__(self, storage: Storage, entropy: Entropy) -> None:
        self._storage = storage
        self._entropy = entropy
        self._open = False
        self._ceremony: Ceremony | None = None

    @property
    def config(self) -> SealConfig | None:
        """How the key is split; None before the server is initialised."""
        found = self._storage.get("core/seal/config")
        return found if isinstance(found, SealConfig) else None

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

    def initialize(self, shares: int = 1, threshold: int = 1) -> tuple[bytes, ...]:
        """Make the key and give its shares, which are not kept. The server is open afterwards.

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
        self._open = True
        return made.shares

    def open(self) -> None:
        """Open the server without its key, as a development server does when it starts. Does nothing uninitialised."""
        self._open = self.initialized
        self._ceremony = None

    def seal(self) -> None:
        """Shut the server."""
        self._open = False
        self._ceremony = None

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
        if len(share) < SHORTEST:
            raise Refusal(f"invalid key: key is shorter than minimum {SHORTEST} bytes")
        if len(share) > LONGEST:
            raise Refusal(f"invalid key: key is longer than maximum {LONGEST} bytes")
        if self._ceremony is None:
            self._ceremony = Ceremony(self._entropy.uuid())
        if not self._ceremony.add(share):
            return False
        try:
            key = self._ceremony.key(config.threshold)
        except WrongKeyError as error:
            self._ceremony = None
            raise Refusal(f"invalid key: failed to compute combined key: {error}") from None
        if key is None:
            return False
        self._ceremony = None
        self.verify(key)
        self._open = True
        return True

    def reset(self) -> None:
        """Forget the shares given so far."""
        self._ceremony = None

    def reload(self) -> None:
        """Take over what the storage says after it was restored: what was never initialised is sealed."""
        self._ceremony = None
        self._open = self._open and self.initialized

    def make(self, shares: int, threshold: int) -> KeySet:
        """A new key, which does not hold before it is adopted."""
        key = self._entropy.bytes(KEY_SIZE)
        parts = (key,) if shares == 1 else tuple(shamir.split(key, shares, threshold, self._entropy))
        return KeySet(
            config=SealConfig(shares=shares, threshold=threshold, key_hash=sha256(key).digest()), shares=parts
        )

    def adopt(self, config: SealConfig) -> None:
        """Have another key open the server from now on."""
        self._storage.put("core/seal/config", config)

    def verify(self, key: bytes) -> None:
        """Raise WrongKeyError or, where AES itself would refuse the key's size, its text, unless it is the key."""
        config = self.config
        if config is None or not hmac.compare_digest(sha256(key).digest(), config.key_hash):
            raise WrongKeyError("cipher: message authentication failed")


def check_shares(shares: int, threshold: int, *, pgp_keys: Sequence[str] = ()) -> None:
    """Raise ValueError with the real server's text unless a key can be split like that."""
    if shares < 1:
        raise ValueError("shares must be at least one")
    if threshold < 1:
        raise ValueError("threshold must be at least one")
    if shares > 1 and threshold < 2:
        raise ValueError("threshold must be greater than one for multiple shares")
    if shares > 255:
        raise ValueError("shares must be less than 256")
    if threshold > shares:
        raise ValueError("threshold cannot be larger than shares")
    if pgp_keys and len(pgp_keys) != shares:
        raise ValueError("count mismatch between number of provided PGP keys and number of shares")
