"""The commands about snapshots: `snapshot save`, `restore`, `list`, `delete`, `diff`."""

from typing import Any

from sandboxd.cli.output import say, say_json
from sandboxd.cli.running import ask, segment

PATIENCE = 60.0
"""Seconds that a big state may take to be written or read."""

_SIGNS = {"added": "+", "changed": "~", "removed": "-"}


def save(snapshot: str, name: str, world: str | None, *, force: bool, as_json: bool) -> None:
    """Keep the state as it is now."""
    body = {"name": snapshot, "force": force}
    found = ask(name, "POST", "snapshots", body, timeout=PATIENCE, world=world)
    if as_json:
        say_json(found)
    else:
        say(f'Saved "{snapshot}": {found["secrets"]} secrets, {found["leases"]} leases, {found["tokens"]} tokens.')


def restore(snapshot: str, name: str, world: str | None, *, as_json: bool) -> None:
    """Go back to a snapshot."""
    found = ask(name, "POST", f"snapshots/{segment('snapshot', snapshot)}/restore", timeout=PATIENCE, world=world)
    if as_json:
        say_json(found)
    else:
        say(f'All is as "{snapshot}" has it; the clock shows {_moment(found["now"])} UTC.')


def show(name: str, world: str | None, *, as_json: bool) -> None:
    """Show all snapshots."""
    found = ask(name, "GET", "snapshots", timeout=PATIENCE, world=world)["snapshots"]
    if as_json:
        say_json(found)
        return
    if not found:
        say("There are no snapshots. `sandboxd snapshot save NAME` makes one.")
        return
    usable = [each for each in found if "problem" not in each]
    if usable:
        _table(
            [
                ("NAME", "SAVED (UTC)", "SANDBOX TIME (UTC)", "SECRETS", "LEASES", "TOKENS"),
                *(
                    (
                        each["name"],
                        _moment(each["saved_at"]),
                        _moment(each["at"]),
                        *(str(each[what]) for what in ("secrets", "leases", "tokens")),
                    )
                    for each in usable
                ),
            ]
        )
    for each in found:
        if "problem" in each:
            say(f'"{each["name"]}" cannot be used: {each["problem"]}')


def delete(snapshot: str, name: str, world: str | None, *, as_json: bool) -> None:
    """Forget a snapshot."""
    found = ask(name, "DELETE", f"snapshots/{segment('snapshot', snapshot)}", world=world)
    if as_json:
        say_json(found)
    else:
        say(f'Deleted the snapshot "{snapshot}".')


def diff(snapshot: str, other: str, name: str, world: str | None, *, as_json: bool) -> None:
    """Show what is different between two states."""
    path = f"snapshots/{segment('snapshot', snapshot)}/diff"
    found = ask(name, "POST", path, {"to": other}, timeout=PATIENCE, world=world)
    if as_json:
        say_json(found)
        return
    if not found["changes"]:
        say(f'Nothing is different between "{snapshot}" and "{other}".')
        return
    _table([(_SIGNS[each["change"]], each["kind"], each["name"], _details(each)) for each in found["changes"]])


def _details(change: dict[str, Any]) -> str:
    before, after = change["before"], change["after"]
    return f"{before} -> {after}" if before and after and before != after else after or before


def _moment(text: str) -> str:
    return text[:19].replace("T", " ")


def _table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        say("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
