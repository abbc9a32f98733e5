"""The command `verify`: whose a value is, and whether it is valid now.

It ends with 0 for a value that is valid now, 6 for one that is not ours, and 7 for one that is ours and not valid now.
Where no sandbox runs, the value alone tells: then 0 is for what sandboxd made.
"""

import sys
from typing import Any

import msgspec

from sandboxd.cli import state
from sandboxd.cli.output import NOT_OURS, NOT_VALID, OK, say, say_json
from sandboxd.cli.running import ask

UNRECOGNISED = "not recognised"


def verify(value: str, name: str, world: str | None, *, as_json: bool) -> None:
    """Tell whose a value is; with a running sandbox also whether it is valid, where it is from, and who has it."""
    text = sys.stdin.read().strip() if value == "-" else value
    found: Any
    if state.held(name):
        found = ask(name, "POST", "verify", {"value": text}, world=world)
    else:
        from sandboxd.edge.verdict import judge

        found = msgspec.to_builtins(judge(text))
    if as_json:
        say_json(found)
    else:
        _show(found)
    sys.exit(NOT_OURS if not found["ours"] else OK if found["valid"] or found["state"] == "unchecked" else NOT_VALID)


def _show(found: dict[str, Any]) -> None:
    made = f"{found['status']}{': ' + found['title'] if found['title'] else ''}"
    if found["state"] == "unchecked":
        say(made)
    else:
        say(f"{'valid' if found['valid'] else 'not valid' if found['ours'] else 'not ours'}: {found['state']}")
        say(f"  {found['reason']}")
    if found["path"]:
        version = f", version {found['version']}" if found["version"] else ""
        owner = f"; owner: {found['owner']}" if found["owner"] else ""
        path = f"{found['namespace']}{found['path']}"
        say(_printable(f"  From {path}, field {found['field']}{version}{owner}."))
    for person in found["obtained_by"]:
        say(f"  Obtained by {_name(person)} at {person['at']}.")
    obtained = {person["accessor"] for person in found["obtained_by"]} - {""}
    for person in found["readers"]:
        again = not person["version"] and person["accessor"] in obtained  # a credential is read when it is obtained
        if person not in found["obtained_by"] and not again:
            version = f", version {person['version']}," if person["version"] else ""
            say(f"  Last read by {_name(person)}{version} at {person['at']}.")
    if found["state"] == "unchecked":
        say(f"  {found['claim']}")
    elif found["status"] != UNRECOGNISED:
        say(f"  By its form: {made}. {found['claim']}")
    declared = found["declared"]
    if declared:
        age = "" if declared["current"] else ", not the current one"
        path = f"{declared['namespace']}{declared['path']}"
        say(f"  Declared as {path}, field {declared['field']}, version {declared['version']}{age}: {declared['place']}")


def _name(person: dict[str, Any]) -> str:
    """A token's name as people know it."""
    role = person["metadata"].get("role_name") or person["metadata"].get("username") or ""
    accessor = f"accessor {person['accessor']}" if person["accessor"] else "a batch token"
    return _printable(f"{person['display_name']}{f' ({role})' if role else ''}, {accessor}")


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)
