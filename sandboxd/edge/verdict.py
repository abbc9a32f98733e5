"""Whose a value is, as `sandboxd verify` and the control API tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from sandboxd.fixtures import Declared


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a value; never the value itself.

    `ours`: sandboxd made it, or the running fixture declares it. `status` and `claim` are for people. `declared`: where
    the running fixture has it.
    """

    ours: bool
    status: str
    kind: str | None
    title: str | None
    claim: str
    structure: str
    declared: Declared | None = None


def judge(value: str, declared: Declared | None = None) -> Verdict:
    """Tell whose a value is, from the value alone and from where the running fixture declares it."""
    from sandboxd.fakes import verify

    found = verify(value)
    return Verdict(
        ours=found.made_here or declared is not None,
        status=found.status.value,
        kind=None if found.kind is None else found.kind.name,
        title=None if found.kind is None else found.kind.title,
        claim=found.claim,
        structure=found.structure,
        declared=declared,
    )
