"""The commands about rotation, and the events that tell of it: `rotate`, `rotation`, `events`."""

from typing import Any
from urllib.parse import urlencode

import msgspec

from sandboxd.cli.output import say, say_json
from sandboxd.cli.running import ask

PATIENCE = 60.0
"""Seconds that an engine may take to rotate something."""
WAIT = 30.0
"""Seconds that one request for the next events waits."""


def rotate(path: str, namespace: str, name: str, world: str | None, *, as_json: bool) -> None:
    """Rotate something now."""
    found = ask(name, "POST", "rotate", {"path": path, "namespace": namespace}, timeout=PATIENCE, world=world)
    if as_json:
        say_json(found)
        return
    say(f"Rotated {found['namespace']}{found['path']}: version {found['version']}.")
    if found["grace_until"]:
        say(f"  The old one stays valid until {_moment(found['grace_until'])}.")
    if found["next"]:
        say(f"  Next: {_moment(found['next'])}.")


def show(name: str, world: str | None, *, everything: bool, as_json: bool) -> None:
    """Show what rotates or ends."""
    rows = ask(name, "GET", "rotation", timeout=PATIENCE, world=world)
    chosen = [row for row in rows if everything or _notable(row)]
    if as_json:
        say_json(chosen)
        return
    if not chosen:
        hidden = f" {len(rows)} secrets never rotate; --all shows them." if rows else ""
        say(f"Nothing rotates or ends.{hidden}")
        return
    table = [("PATH", "STATE", "VERSION", "NEXT ROTATION", "EXPIRES", "OWNER")]
    table += [
        (
            f"{row['namespace']}{row['path']}",
            row["state"],
            str(row["version"]),
            _moment(row["next"]) or "-",
            _moment(row["expires"]) or "-",
            row["owner"] or "-",
        )
        for row in chosen
    ]
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for number, line in enumerate(table):
        say("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())
        if number:
            _details(chosen[number - 1])


def _details(row: dict[str, Any]) -> None:
    if row["state"] == "grace":
        say(f"    The old one is valid until {_moment(row['grace_until'])}.")
    for user in row["old_in_use_by"]:
        said = f"version {user['version']}" if user["version"] else "an older one"
        alive = "" if user["token_alive"] else ", whose token has ended"
        who = user["name"] or "a token"
        say(f"    {who} ({user['accessor']}){alive} still uses {said}, read at {_moment(user['read_at'])}.")
    if row["failure"]:
        say(f"    The last rotation failed: {row['failure']}")


def _notable(row: dict[str, Any]) -> bool:
    return bool(row["schedule"] or row["next"] or row["expires"] or row["rotated"] or row["old_in_use_by"])


def events(name: str, world: str | None, *, follow: bool, kinds: list[str], as_json: bool) -> None:
    """Print events; with `follow`, until interrupted."""
    last = 0
    wait = 0.0
    while True:
        query = urlencode({"after": last, "kinds": ",".join(kinds), "wait": wait})
        found = ask(name, "GET", f"events?{query}", timeout=WAIT + 10, world=world)
        for event in found["events"]:
            say(msgspec.json.encode(event).decode() if as_json else _line(event))
        if not follow:
            return
        last, wait = found["last"], WAIT


def _line(event: dict[str, Any]) -> str:
    details = " ".join(
        f"{key}={_said(value)}" for key, value in event["details"].items() if value not in ("", [], None)
    )
    return f"{_moment(event['at'])}  {event['kind']:<24} {event['namespace']}{event['path']}  {details}".rstrip()


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _moment(text: str) -> str:
    return text[:19].replace("T", " ")
