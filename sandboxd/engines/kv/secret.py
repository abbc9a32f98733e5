"""What the versioned store keeps: a **secret** with its **versions**, and the settings of the mount.

A version's data is kept as the JSON that it is answered with, so that a read only joins bytes. A version is *deleted*
from its deletion time on, which can be undone, and *destroyed* when its data is gone for good.
"""

from typing import Any

import msgspec

from sandboxd.vault.durations import SECOND, format_duration, rfc3339
from sandboxd.vault.errors import Failure, InvalidKey, refuse
from sandboxd.vault.framework import wire
from sandboxd.vault.framework.backend import Call
from sandboxd.vault.framework.lenient import decode_int

PREFIX = "versioned/"
"""Where the secrets lie in the mount's storage."""

DEFAULT_MAX_VERSIONS = 10
DISABLED = -1
"""The mount's `delete_version_after` that switches off those of its secrets."""

_BOOL = {False: "false", True: "true"}


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a mount; they hold for all of its secrets."""

    max_versions: int = 0  # 0 for the default
    cas_required: bool = False
    metadata_cas_required: bool = False
    delete_version_after: int = 0  # seconds; 0 for never


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a secret."""

    data: bytes | None  # JSON; None when destroyed
    created_time: str
    deletion_time: str = ""
    deletes_at: int = 0  # the deletion time in nanoseconds since 1970; 0 for never
    destroyed: bool = False

    def deleted(self, now: int) -> bool:
        """Whether the version is deleted at a moment (nanoseconds since 1970)."""
        return 0 < self.deletes_at <= now

    def deleting(self, moment: int) -> "Version":
        """The same version with another deletion time (nanoseconds since 1970; 0 for none)."""
        return msgspec.structs.replace(self, deletion_time=rfc3339(moment) if moment else "", deletes_at=moment)


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """All versions of a secret that are still known, and what holds for all of them."""

    versions: dict[int, Version] = {}
    current_version: int = 0
    oldest_version: int = 0
    created_time: str
    updated_time: str
    metadata_version: int = 0  # counts the writes of what follows
    max_versions: int = 0  # 0 for what the mount says
    cas_required: bool = False
    metadata_cas_required: bool = False
    delete_version_after: int = 0  # seconds; 0 for what the mount says
    custom_metadata: dict[str, str] = {}
    custom_json: str = "null"  # custom_metadata as it is answered

    def later(self, by: int) -> "Secret":
        """The same secret, its versions deleted so many nanoseconds later."""
        moved = {
            number: version.deleting(version.deletes_at + by)
            for number, version in self.versions.items()
            if version.deletes_at
        }
        return self.with_versions(moved) if moved else self

    def version(self, number: int) -> tuple[int, Version | None]:
        """The version of that number, or the current one for a number below 1, with its number."""
        number = number if number > 0 else self.current_version
        return number, self.versions.get(number)

    def with_versions(self, changed: dict[int, Version]) -> "Secret":
        """The same secret with some versions replaced."""
        return msgspec.structs.replace(self, versions={**self.versions, **changed}) if changed else self


def config_of(call: Call) -> Config:
    """The settings of the mount."""
    return call.storage.get("config", Config) or Config()


def find(call: Call, path: str) -> Secret | None:
    """The secret at a path; a slash at the end does not count."""
    return call.storage.get(PREFIX + path.rstrip("/"), Secret)


def keep(call: Call, path: str, secret: Secret) -> None:
    """Store a secret. Raises Failure for a path that is no text, in the words of the store that keeps its metadata."""
    try:
        call.storage.put(PREFIX + path.rstrip("/"), secret)
    except InvalidKey:
        raise Failure("string field contains invalid UTF-8") from None


def deletion(config: Config, secret: Secret | None, now: int) -> int:
    """When a version that begins now deletes itself (nanoseconds since 1970); 0 for never."""
    if config.delete_version_after == DISABLED:
        return 0
    limits = (config.delete_version_after, secret.delete_version_after if secret is not None else 0)
    return now + min(limit for limit in limits if limit) * SECOND if any(limits) else 0


def add_version(call: Call, path: str, config: Config, secret: Secret | None, data: bytes) -> msgspec.Raw:
    """Store a new version, drop those that are too many, and give the answer."""
    now = call.clock.now_ns()
    moment = rfc3339(now)
    if secret is None:
        secret = Secret(created_time=moment, updated_time=moment)
    version = Version(data=data, created_time=moment).deleting(deletion(config, secret, now))
    number = secret.current_version + 1
    most = max(secret.max_versions, config.max_versions) or DEFAULT_MAX_VERSIONS
    oldest, versions = secret.oldest_version, {**secret.versions, number: version}
    if number - oldest >= most:
        oldest = number - most + 1
        versions = {kept: versions[kept] for kept in versions if kept >= oldest}
    secret = msgspec.structs.replace(
        secret, versions=versions, current_version=number, oldest_version=oldest, updated_time=moment
    )
    keep(call, path, secret)
    return msgspec.Raw(version_json(secret, number, version))


def check_cas(options: dict[str, Any], config: Config, secret: Secret | None) -> None:
    """Raise Refusal unless the check-and-set option, if given or required, is the current version."""
    if "cas" not in options:
        if config.cas_required or (secret is not None and secret.cas_required):
            refuse("check-and-set parameter required for this call")
        return
    try:
        cas = decode_int(options["cas"])
    except ValueError:
        refuse("error parsing check-and-set parameter")
    if cas != (secret.current_version if secret is not None else 0):
        refuse("check-and-set parameter did not match the current version")


def version_json(secret: Secret, number: int, version: Version) -> bytes:
    """What a version is answered with beside its data."""
    return (
        f'{{"created_time":"{version.created_time}","custom_metadata":{secret.custom_json},'
        f'"deletion_time":"{version.deletion_time}","destroyed":{_BOOL[version.destroyed]},"version":{number}}}'
    ).encode()


def metadata_json(secret: Secret, profile: str) -> bytes:
    """What a secret's metadata is answered with."""
    counted = required = ""
    if profile == "openbao":
        counted = f'"current_metadata_version":{secret.metadata_version},'
        required = f'"metadata_cas_required":{_BOOL[secret.metadata_cas_required]},'
    versions = ",".join(
        f'"{number}":{{"created_time":"{version.created_time}","deletion_time":"{version.deletion_time}",'
        f'"destroyed":{_BOOL[version.destroyed]}}}'
        for number, version in sorted(secret.versions.items(), key=lambda item: str(item[0]))
    )
    return (
        f'{{"cas_required":{_BOOL[secret.cas_required]},"created_time":"{secret.created_time}",{counted}'
        f'"current_version":{secret.current_version},"custom_metadata":{secret.custom_json},'
        f'"delete_version_after":"{format_duration(secret.delete_version_after)}",'
        f'"max_versions":{secret.max_versions},{required}"oldest_version":{secret.oldest_version},'
        f'"updated_time":"{secret.updated_time}","versions":{{{versions}}}}}'
    ).encode()


def custom_json(custom_metadata: dict[str, str]) -> str:
    """Custom metadata as it is answered; none at all is null."""
    return wire.encode(custom_metadata).decode() if custom_metadata else "null"
