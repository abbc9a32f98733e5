"""The guard: no real credential comes in.

It looks at a literal of a fixture, and asks in this order:

1. *checksum*: is a provider's checksum in it right, and no mark there? Refused; nothing overrides that.
2. *format*: has it the shape of a provider's token, no mark, no impossible structure, and is it no published example?
3. *key*: is it a private key, or a service account, that was not made here?
4. *address*: is it a URL with a password, to a host that is not loopback or reserved?
5. *shapeless*: does the name of its field say secret, and does it look like one? A caution, unless strict.

It looks into JSON and PEM, and behind one layer of base64, too. What it says never holds the value: a kind, a reason,
and a salted fingerprint by which two findings can be told to be the same.
"""

from __future__ import annotations

import enum
import hmac
import json
import math
import re
from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct

from sandboxd.fakes import hosts
from sandboxd.fakes.finding import Span, find
from sandboxd.fakes.forms.addresses import basic_credentials, credentials, hosts_of
from sandboxd.fakes.forms.chosen import unbase64
from sandboxd.fakes.model import Nature
from sandboxd.fakes.proving import Status, encodable, verify
from sandboxd.fakes.registry import kinds

if TYPE_CHECKING:
    from collections.abc import Iterator

SALT = b"sandboxd/fingerprint/1"


class Rule(enum.IntEnum):
    """The rules in their order."""

    CHECKSUM = 1
    FORMAT = 2
    KEY = 3
    ADDRESS = 4
    SHAPELESS = 5


class Objection(Struct, frozen=True):
    """What speaks against a literal.

    kind: id of the kind it looks like, empty when none. where: how it was reached inside the literal, empty for itself.
    """

    rule: Rule
    kind: str
    reason: str
    fingerprint: str
    where: str = ""

    def __str__(self) -> str:
        inside = f" ({self.where})" if self.where else ""
        return f"{self.reason}{inside} [{self.kind or 'secret'} {self.fingerprint}]"


class Refusal(Objection, frozen=True):
    """The literal may not come in. `overridable`: unless its path is named as an exception."""

    @property
    def overridable(self) -> bool:
        """Whether naming the path lets it in."""
        return self.rule is not Rule.CHECKSUM


class Caution(Objection, frozen=True):
    """The literal may come in, with a warning."""


class _View(Struct, frozen=True):
    """A text to look at: the literal, or what is inside it."""

    text: str
    name: str
    where: str
    leaf: bool


def guard(literal: str, *, key_name: str = "", strict: bool = False, salt: bytes = SALT) -> Refusal | Caution | None:
    """Say what speaks against a literal that is to be loaded; None when nothing does.

    key_name: of the field that holds it. strict: cautions become refusals. salt: for the fingerprint; give one of the
    project's own, so that fingerprints in a public log are of no use to others.
    """
    if _is_wholly_ours(literal):
        return None
    objections = [objection for view in _views(literal, key_name) for objection in _objections(view, salt)]
    if not objections:
        return None
    worst = min(objections, key=lambda each: (isinstance(each, Caution), each.rule))
    if strict and isinstance(worst, Caution):
        return Refusal(worst.rule, worst.kind, worst.reason, worst.fingerprint, worst.where)
    return worst


def _is_wholly_ours(literal: str) -> bool:
    """Whether a literal is one value that was made here. A URL is not: its mark is in its password alone."""
    verdict = verify(literal)
    kind = verdict.kind
    return (
        verdict.made_here
        and kind is not None
        and kind.nature is not Nature.ADDRESS
        and kind.accepted.fullmatch(literal.strip()) is not None
    )


def fingerprint(value: str, salt: bytes = SALT) -> str:
    """Twelve hex digits that tell two values apart and give neither away."""
    return hmac.digest(salt, encodable(value).encode(), "sha256")[:6].hex()


def _objections(view: _View, salt: bytes) -> Iterator[Refusal | Caution]:
    spans = find(view.text)
    for span in spans:
        value = view.text[span.start : span.end]
        objection = _about(span, value)
        if objection is not None:
            refused, rule, reason = objection
            kind = Refusal if refused else Caution
            yield kind(rule, span.kind.id, reason, fingerprint(value, salt), view.where)
    if view.leaf and not spans and is_secret_name(view.name) and _looks_secret(view.text, view.name):
        reason = "the field is named like a secret, and the value looks like one"
        yield Caution(Rule.SHAPELESS, _shapeless_kind(view), reason, fingerprint(view.text, salt), view.where)


def _about(span: Span, value: str) -> tuple[bool, Rule, str] | None:
    """Whether a credential in a text is refused, by which rule and why."""
    finding, kind = span.finding, span.kind
    if kind.nature is Nature.PUBLIC:
        return None
    if kind.nature is Nature.ADDRESS:
        return None if finding.broken else _about_address(kind.title, value, marked=finding.made_here)
    if finding.made_here:
        return None
    if finding.genuine:
        return True, Rule.CHECKSUM, f"it is a {kind.title} with a right checksum: {kind.provider} issued it"
    if finding.status is not Status.POSSIBLY_REAL:
        return None
    if kind.nature is Nature.KEY:
        return True, Rule.KEY, "it holds a private key that was not made by sandboxd"
    if is_placeholder(value):
        return None
    return True, Rule.FORMAT, f"it has the form of a {kind.title} and was not made by sandboxd"


def _about_address(title: str, value: str, *, marked: bool) -> tuple[bool, Rule, str] | None:
    found = credentials(value)
    if found is not None and is_placeholder(found[1]):
        return None
    if all(map(hosts.is_local, hosts_of(value))):
        # A container's name leads to no one else's machine; its password may still be a real one.
        if marked or (found is not None and not _is_random(found[1])):
            return None
        return False, Rule.ADDRESS, f"it is a {title} with a random password, to a host that is not reserved"
    return True, Rule.ADDRESS, f"it is a {title} with a credential, to a host that is neither loopback nor reserved"


def _views(literal: str, key_name: str) -> Iterator[_View]:
    outer = _View(literal, key_name, "", leaf=True)
    for view in _inside(outer):
        decoded = _decoded(view) if view.leaf else None
        if decoded is None:
            yield view
        else:
            # The field's name is held against what stands behind the base64, not against the base64.
            yield _View(view.text, view.name, view.where, leaf=False)
            yield from _inside(decoded)


def _inside(view: _View) -> Iterator[_View]:
    """A text, and the strings in it when it is JSON."""
    members = _members(view)
    if members is None:
        yield view
    else:
        yield from members
        yield _View(view.text, view.name, view.where, leaf=False)


def _members(view: _View) -> list[_View] | None:
    if not view.text.lstrip().startswith(("{", "[")):
        return None
    try:
        content = json.loads(view.text)
    except (ValueError, RecursionError):
        return None
    found: list[_View] = []
    waiting: list[tuple[str, object]] = [(view.name, content)]
    while waiting:
        name, each = waiting.pop()
        if isinstance(each, dict):
            waiting += [(str(key), value) for key, value in each.items()]
        elif isinstance(each, list):
            waiting += [(name, value) for value in each]
        elif isinstance(each, str):
            found.append(_View(each, name, _joined(view.where, f"in JSON, {name}" if name else "in JSON"), leaf=True))
    return found


def _decoded(view: _View) -> _View | None:
    """What stands behind one layer of base64, when it is text."""
    text = view.text.strip()
    if text.startswith("Basic "):
        found = basic_credentials(text)
        return _View(found[1], "password", _joined(view.where, "in Basic credentials"), leaf=True) if found else None
    content = unbase64("".join(text.split())) if len(text) >= 16 else None
    if content is None:
        return None
    try:
        decoded = content.decode()
    except UnicodeDecodeError:
        return None
    readable = all(symbol.isprintable() or symbol in "\r\n\t" for symbol in decoded)
    return _View(decoded, view.name, _joined(view.where, "in base64"), leaf=True) if readable else None


def _joined(*places: str) -> str:
    return ", ".join(filter(None, places))


_SECRET_NAME = (
    r"pass(?:word|wd|phrase|code)|(?:^|_)pass(?:$|_)|pwd|secret|token|credential|(?:^|_)auth(?:$|_)|authorization"
    r"|(?:api|access|private|signing|encryption|master|shared|license|account|app|secret)_?key|(?:^|_)(?:key|seed|salt)$"
)
_NO_SECRET_NAME = (
    r"(?:^|_)(?:id|ids|name|names|url|uri|path|type|ttl|file|host|user|username|algorithm|alg|count|period|expiry|expires"
    r"|issuer|policy|policies|role|version|length|bits|public_key)$|public"
)
_PLACEHOLDER = (
    r"(?is)\$\{.*\}|\$[A-Za-z_]\w*|\{\{.*\}\}|<.*>|%\(?\w+\)?[s%]?|\[.*\]|\*+|\.{3,}|your[-_ ].*"
    r"|.*(?:change[-_]?me|example|placeholder|dummy|redacted|replace[-_]?me|insert[-_]).*"
)


def is_secret_name(name: str) -> bool:
    """Whether the name of a field says that it holds a secret."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_").replace(".", "_")
    return re.search(_SECRET_NAME, plain) is not None and re.search(_NO_SECRET_NAME, plain) is None


def is_placeholder(value: str) -> bool:
    """Whether a text stands for a secret: a variable, CHANGE_ME, a row of x."""
    repeated = len(set(value[-12:])) <= 2  # x in a row, or 01 by turns
    return repeated or re.fullmatch(_PLACEHOLDER, value) is not None


def _looks_secret(value: str, name: str) -> bool:
    if is_placeholder(value) or "\n" in value.strip() or value.startswith(("/", "./", "~/")) or "://" in value:
        return False
    if len(value) >= 12 and re.search(r"pass|pwd", name, re.IGNORECASE) and " " not in value:
        return True
    return _is_random(value)


def _is_random(value: str) -> bool:
    """Whether a text looks drawn: by its classes of characters and its entropy in bits for each."""
    if len(value) < 8 or re.search(r"\s", value):
        return False
    classes = sum(re.search(pattern, value) is not None for pattern in ("[a-z]", "[A-Z]", "[0-9]", "[^0-9A-Za-z]"))
    counts = Counter(value).values()
    entropy = -sum(count / len(value) * math.log2(count / len(value)) for count in counts)
    if len(value) >= 16:
        return entropy >= 3.0 and re.search("[0-9]", value) is not None
    return classes >= 3 and entropy >= 2.5


def _shapeless_kind(view: _View) -> str:
    """The kind that the field's name and the value's shape suggest, empty when none does."""
    plain = view.name.lower().replace("-", "_").replace(".", "_")
    for kind in kinds():
        if kind.shapeless and plain.endswith(kind.key) and kind.accepted.fullmatch(view.text):
            return kind.id
    return ""
