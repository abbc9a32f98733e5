"""Policies that allow less than before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from sandboxd.chaos.effects.aims import meant, namespaces
from sandboxd.chaos.facts import fits
from sandboxd.vault.errors import refuse
from sandboxd.vault.inside import inside
from sandboxd.vault.policies.model import BITS
from sandboxd.vault.policy_store import IMMUTABLE

if TYPE_CHECKING:
    from sandboxd.chaos.kinds import state
    from sandboxd.chaos.run import Chaos

DEFAULT = "default"
"""The policy that is narrowed only when it is named."""

_STANZA = re.compile(r'path\s+"((?:[^"\\]|\\.)*)"\s*\{')
_CAPABILITIES = re.compile(r"(\bcapabilities\s*=\s*\[)([^\]]*)(\])")
# What may hold braces that are none of the structure: texts, and comments.
_OPAQUE = re.compile(r'"(?:[^"\\]|\\.)*"|#[^\n]*|//[^\n]*|/\*.*?\*/', re.DOTALL)
_WORD = re.compile(r'"([a-z]+)"')


class Stanza(NamedTuple):
    """A rule of a policy in its text: the path, and from where to where it stands."""

    path: str
    begin: int
    end: int


async def narrow(chaos: Chaos, fault: state.PolicyNarrowed) -> int:
    """Take capabilities, or rules, out of policies."""
    unknown = [name for name in fault.lose if name not in BITS]
    if unknown:
        refuse(f"{unknown[0]} is no capability; there are {', '.join(BITS)}")
    world, count = chaos.world, 0
    async with inside(world, "chaos") as requests:
        for namespace in namespaces(world, fault):
            for name in world.policies.list(namespace):
                stored = world.policies.get(namespace, name)
                meant_by_name = fits(fault.policy, name) if fault.policy else name != DEFAULT
                if stored is None or not meant_by_name or name in IMMUTABLE[world.profile]:
                    continue
                narrowed, touched = _narrowed(stored.text, fault, namespace)
                if touched:
                    path = f"sys/policies/acl/{name}"
                    await requests.write(namespace.path, path, {"policy": narrowed or "# nothing is left of it"})
                    count += touched
    return count


def _narrowed(text: str, fault: state.PolicyNarrowed, namespace: object) -> tuple[str, int]:
    """A policy's text with less in it, and how many rules that was taken from."""
    touched = 0
    for stanza in reversed(list(stanzas(text))):
        pattern = stanza.path.rstrip("*")
        if not meant(fault, namespace, stanza.path, pattern):  # type: ignore[arg-type] # one of the world
            continue
        inner = text[stanza.begin : stanza.end]
        left = _without(inner, fault.lose) if fault.lose else ""
        if left != inner:
            text = text[: stanza.begin] + left + text[stanza.end :]
            touched += 1
    return text.strip(), touched


def stanzas(text: str) -> Iterator[Stanza]:
    """The rules of a policy, as they stand in its HCL."""
    plain = _OPAQUE.sub(lambda found: "." * len(found[0]), text)
    for found in _STANZA.finditer(text):
        if plain[found.start()] == ".":  # within a comment
            continue
        depth, at = 1, found.end()
        while depth and at < len(plain):
            depth += {"{": 1, "}": -1}.get(plain[at], 0)
            at += 1
        yield Stanza(found[1], found.start(), at)


def _without(stanza: str, lost: tuple[str, ...]) -> str:
    def kept(found: re.Match[str]) -> str:
        names = [name for name in _WORD.findall(found[2]) if name not in lost]
        return found[1] + ", ".join(f'"{name}"' for name in names) + found[3]

    return _CAPABILITIES.sub(kept, stanza)
