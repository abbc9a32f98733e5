"""The page of a scenario, in Markdown: for `sandboxd chaos show`, and for the documentation."""

from __future__ import annotations

from collections.abc import Iterator

from sandboxd.chaos.kinds import kind_name
from sandboxd.chaos.model import Fault
from sandboxd.chaos.scenario import Expected, Phase, Scenario, lasting
from sandboxd.vault.durations import parse_nanoseconds

_NEEDS = {
    "tls": "TLS (`sandboxd up --tls`)",
    "nodes": "several nodes (`sandboxd up --nodes 3`)",
    "vault": "the profile of Vault (`--as vault`)",
    "kv": "secrets in a key/value store",
    "approle": "an AppRole auth method with a role",
    "database": "a database engine with a role",
    "pki": "a PKI engine",
}


def page(name: str, scenario: Scenario, *, level: int = 1) -> str:
    """The page of a scenario.

    Args:
        level: of its heading.
    """
    head = "#" * level
    parts = [f"{head} {name}\n\n{scenario.title}"]
    for title, text in (
        ("What happens", scenario.happens),
        ("On the wire", scenario.signature),
        ("What a well-behaved client does", scenario.client),
        ("Timeline", "\n".join(timeline(scenario))),
        ("What a drill expects", "\n".join(f"- {each}" for each in expectations(scenario.expect))),
        ("What the sandbox needs", "\n".join(f"- {_NEEDS[need]}" for need in scenario.needs)),
        ("Sources", "\n".join(f"- {source}" for source in scenario.sources)),
    ):
        if text:
            parts.append(f"{head}# {title}\n\n{text.strip()}")
    return "\n\n".join(parts) + "\n"


def timeline(scenario: Scenario) -> Iterator[str]:
    """The phases of a scenario, a line each; those of a group are indented."""
    yield from _lines(scenario.phases or (Phase(faults=scenario.faults),), "")
    if scenario.repeat == 0:
        yield "\nAll of it again and again, until it is stopped."
    elif scenario.repeat > 1:
        yield f"\nAll of it {scenario.repeat} times."


def _lines(phases: tuple[Phase, ...], indent: str) -> Iterator[str]:
    for number, phase in enumerate(phases, 1):
        times = f", {phase.repeat} times" if phase.repeat > 1 else ""
        name = f"**{phase.name}**" if phase.name else ""
        if phase.phases:
            yield f"{indent}{number}. {name or 'These'}{times}:"
            yield from _lines(phase.phases, indent + "   ")
            continue
        kind, lasts = lasting(phase)
        span = "until it is stopped" if lasts is None else _span(phase)
        how = {"hold": "", "ramp": ", more and more", "recover": ", less and less"}[kind]
        told = "; ".join(map(words, phase.faults)) or "nothing goes wrong"
        yield f"{indent}{number}. {name + ', ' if name else ''}{span}{times}{how}: {told}."


def _span(phase: Phase) -> str:
    kind, _ = lasting(phase)
    return str(getattr(phase, kind))


def words(fault: Fault) -> str:
    """A fault in words: its kind with what it takes, what it is aimed at, and how often."""
    plain = type(fault)()
    common = set(Fault.__struct_fields__)
    encoded = dict(zip(fault.__struct_fields__, fault.__struct_encode_fields__, strict=True))
    own = [
        f"{encoded[name]} {_shown(getattr(fault, name))}"
        for name in fault.__struct_fields__
        if name not in common and getattr(fault, name) != getattr(plain, name)
    ]
    found = f"`{kind_name(fault)}`" + (f" ({', '.join(own)})" if own else "")
    aim = [
        f"{'all but' if name == 'except_' else encoded[name]} {_shown(getattr(fault, name))}"
        for name in ("path", "except_", "operation", "mount_type", "namespace", "accessor", "entity", "role", "policy",
                     "app", "address", "node")
        if getattr(fault, name)
    ]  # fmt: skip
    limits = list(_limits(fault))
    return found + (f" for {', '.join(aim)}" if aim else "") + (f", {', '.join(limits)}" if limits else "")


def _limits(fault: Fault) -> Iterator[str]:
    if str(fault.probability) not in ("1", "100%"):
        yield f"with a chance of {fault.probability}"
    if fault.every > 1:
        yield f"every {fault.every}. time"
    if fault.after:
        yield f"after {fault.after} requests"
    if fault.first:
        yield f"among the first {fault.first}"
    if fault.times:
        yield "once" if fault.times == 1 else f"at most {fault.times} times"
    if parse_nanoseconds(fault.from_):
        yield f"from {fault.from_} on"
    if parse_nanoseconds(fault.for_):
        yield f"for {fault.for_}"


def _shown(value: object) -> str:
    if isinstance(value, tuple | list):
        return " or ".join(f"`{each}`" for each in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def expectations(expected: Expected) -> Iterator[str]:
    """What a drill expects of an app, a sentence each."""
    yield f"The app is well again within {expected.recover_within} of the end."
    if expected.available:
        yield "With a cache, it can go on serving while the outage lasts."
    if parse_nanoseconds(expected.reread_within):
        yield f"It goes on with a secret that has changed for at most {expected.reread_within}."
    yield "A new login is what helps." if expected.login else "No new login is needed."
    yield f"It makes no more than {expected.requests_per_second} requests a second."
