"""Password policies: how long a generated password is, and which characters it is made of.

A **policy** is written in HCL: a length, and **rules**, each a set of characters with the least number of them that a
password must hold. Source: OpenBao's `random` helper, for the order of the checks and their texts.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from sandboxd.vault.entropy import Entropy
from sandboxd.vault.errors import listed
from sandboxd.vault.hcl import HCLError
from sandboxd.vault.hcl import parse as parse_hcl
from sandboxd.vault.hcl.decode import Blocks, map_of, read_any
from sandboxd.vault.namespaces import Namespace
from sandboxd.vault.storage import Storage

SHORTEST, LONGEST = 4, 100  # characters in a password of a policy that a client may write
MAX_CHARSET = 256
TRIES = 2_000
_GO_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (int, "int"),
    (float, "float64"),
    (str, "string"),
    (Blocks, "[]map[string]interface {}"),
    (list, "[]interface {}"),
    (dict, "map[string]interface {}"),
)


class Rule(NamedTuple):
    """A set of characters, and the least number of them in a password."""

    charset: str
    min_chars: int = 0

    def passes(self, password: str) -> bool:
        """Whether a password holds enough of the characters."""
        return self.min_chars <= 0 or sum(char in self.charset for char in password) >= self.min_chars


class PasswordPolicy(NamedTuple):
    """How passwords are made."""

    length: int
    rules: tuple[Rule, ...]

    @property
    def charset(self) -> str:
        """All characters that a password may be made of, each once, sorted."""
        return "".join(sorted({char for rule in self.rules for char in rule.charset}))


class StoredPolicy(msgspec.Struct, frozen=True):
    """A policy as a client wrote it."""

    text: str


_LOWER = "abcdefghijklmnopqrstuvwxyz"
DEFAULT = PasswordPolicy(20, (Rule(_LOWER, 1), Rule(_LOWER.upper(), 1), Rule("0123456789", 1), Rule("-", 1)))
"""What makes passwords where no policy is named."""


def key(namespace: Namespace, name: str = "") -> str:
    """Where a policy of that name, or the folder of all of them, lies in the storage."""
    return f"{namespace.prefix}password-policy/{name}"


def load(storage: Storage, namespace: Namespace, name: str) -> PasswordPolicy | None:
    """The policy of that name in a namespace, or None. Raises ValueError when what is stored does not parse."""
    found = storage.get(key(namespace, name))
    return parse(found.text) if isinstance(found, StoredPolicy) else None


def generate(policy: PasswordPolicy, entropy: Entropy) -> str:
    """A password: any that the policy allows, all of them alike.

    Where so few of all passwords pass the rules that the real server would give up, one is put together from the rules
    instead. Raises ValueError with the real server's text for a policy that can make none.
    """
    charset = policy.charset
    problems = _problems(policy)
    if problems:
        raise ValueError(listed(problems))
    if len(charset) > MAX_CHARSET:
        raise ValueError("unable to generate random characters: charset is too long: limited to 255 characters")
    for _ in range(TRIES):
        password = entropy.text(policy.length, charset)
        if all(rule.passes(password) for rule in policy.rules):
            return password
    return _constructed(policy, entropy)


def _constructed(policy: PasswordPolicy, entropy: Entropy) -> str:
    if any(rule.min_chars > 0 and not rule.charset for rule in policy.rules):
        raise ValueError("timed out generating string")
    needed = "".join(entropy.text(rule.min_chars, rule.charset) for rule in policy.rules if rule.min_chars > 0)
    chars = list(needed + entropy.text(policy.length - len(needed), policy.charset))
    for index in range(len(chars) - 1, 0, -1):
        other = entropy.below(index + 1)
        chars[index], chars[other] = chars[other], chars[index]
    return "".join(chars)


def possible(policy: PasswordPolicy) -> bool:
    """Whether any password passes all rules: none does if a rule asks for characters it doesn't have."""
    return not any(rule.min_chars > 0 and not rule.charset for rule in policy.rules)


def parse(text: str) -> PasswordPolicy:
    """The policy that an HCL or JSON text describes. Raises ValueError with the real server's text."""
    try:
        raw = map_of(read_any)("root", parse_hcl(text), None)
    except HCLError as error:
        raise ValueError(f"unable to decode: {error}") from None
    problems: list[str] = []
    length = _whole(raw, "length", problems)
    if problems:
        raise ValueError(f"failed to decode configuration: {_joined(problems)}")
    try:
        blocks = _maps(raw["rule"]) if "rule" in raw else []
    except ValueError as error:
        raise ValueError(f"unable to retrieve rules: {error}") from None
    try:
        policy = PasswordPolicy(length, tuple(map(_rule, blocks)))
    except ValueError as error:
        raise ValueError(f"unable to parse rules: {error}") from None
    found = _problems(policy)
    if found:
        raise ValueError(listed(found))
    return policy


def _problems(policy: PasswordPolicy) -> list[str]:
    found = []
    least = sum(rule.min_chars for rule in policy.rules)
    if policy.length <= 0:
        found.append("length must be > 0")
    elif policy.length < least:
        found.append(f"specified rules require at least {least} characters but {policy.length} is specified")
    charset = policy.charset
    if not charset:
        found.append("no charset specified")
    elif not charset.isprintable():
        found.append("non-printable character in charset")
    return found


def _rule(block: Mapping[str, Any]) -> Rule:
    for kind, value in block.items():
        try:
            data = _maps(value)
        except ValueError as error:
            raise ValueError(f"unable to get rule info: unable to get rule data: {error}") from None
        if not data:
            raise ValueError("unable to get rule info: rule info cannot be empty")
        if kind != "charset":
            raise ValueError(f"unable to parse rule {kind}: unrecognized rule type {kind}")
        problems: list[str] = []
        charset = _characters(data[0], problems)
        least = _whole(data[0], "min-chars", problems)
        if problems:
            text = f"failed to parse charset restriction: {_joined(problems)}"
            raise ValueError(f"unable to parse rule charset: {text}")
        return Rule(charset, least)
    raise ValueError("unable to get rule info: rule is empty")


# What follows reads values as leniently as the real server's decoder (mapstructure), with its texts.


def _maps(value: Any) -> list[Mapping[str, Any]]:
    if isinstance(value, dict):
        return [value]
    if not isinstance(value, list):
        raise ValueError(f"'' source data must be an array or slice, got {_kind(value)}")
    problems = [
        f"'[{index}]' expected a map or struct, got {_quoted_kind(item)}"
        for index, item in enumerate(value)
        if not isinstance(item, dict)
    ]
    if problems:
        raise ValueError(_joined(problems))
    return value


def _find(data: Mapping[str, Any], name: str) -> Any:
    """The value of a name, in any case when it isn't there as it is."""
    if name in data:
        return data[name]
    return next((value for key, value in data.items() if key.lower() == name), None)


def _whole(data: Mapping[str, Any], name: str, problems: list[str]) -> int:
    return _number(_find(data, name), name, "int", problems)


def _number(value: Any, name: str, kind: str, problems: list[str]) -> int:
    if value is None:
        return 0
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value)
    problems.append(f"'{name}' expected type '{kind}', got unconvertible type '{_go_type(value)}'")
    return 0


def _characters(data: Mapping[str, Any], problems: list[str]) -> str:
    value = _find(data, "charset")
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, list):
        codes = [_number(item, f"charset[{index}]", "int32", problems) for index, item in enumerate(value)]
        return "".join(chr(code) for code in codes if 0 <= code <= 0x10FFFF)
    problems.append(f"'charset' source data must be an array or slice, got {_kind(value)}")
    return ""


def _go_type(value: Any) -> str:
    return next((name for kind, name in _GO_TYPES if isinstance(value, kind)), "<nil>")


def _kind(value: Any) -> str:
    return _go_type(value).partition("[")[0] or "slice"


def _quoted_kind(value: Any) -> str:
    return f'"{_kind(value)}"'


def _joined(problems: list[str]) -> str:
    return "decoding failed due to the following error(s):\n\n" + "\n".join(problems)
