"""The commands about worlds beside the main one: `world new`, `list`, `end`."""

import os

from sandboxd.cli.output import USAGE, say, say_json, stop
from sandboxd.cli.running import ask, segment

PATIENCE = 60.0
"""Seconds that a big state may take to be copied."""
MAIN = ""
"""These commands are always asked of the main world."""


def new(world: str, source: str, ttl: str, name: str, *, as_json: bool) -> None:
    """Make a world."""
    wish = {"name": world, "from": source} | ({"ttl": ttl} if ttl else {})
    made = ask(name, "POST", "worlds", wish, timeout=PATIENCE, world=MAIN)
    del made["root_token"]  # the sandbox's own; `sandboxd env` has it
    if as_json:
        say_json(made)
        return
    say(f'The world "{made["name"]}" is there{_lasts(made["ttl"])}.\n')
    option = "" if name == "default" else f" --name {name}"
    ways = (
        (f'eval "$(sandboxd env{option} --world {made["name"]})"', "points this shell at it"),
        (f"VAULT_NAMESPACE={made['namespace']}", "points any client at it"),
        (made["header"], "is the header that points a request at it"),
    )
    width = max(len(way) for way, _ in ways)
    for way, effect in ways:
        say(f"  {way:<{width}}   {effect}")


def show(name: str, *, as_json: bool) -> None:
    """Show all worlds."""
    found = ask(name, "GET", "worlds", world=MAIN)["worlds"]
    if as_json:
        say_json(found)
        return
    if not found:
        say("There is the main world alone. `sandboxd world new` makes another one.")
        return
    width = max(len(each["name"]) for each in found)
    for each in found:
        made = each["made_at"][:19].replace("T", " ")
        say(f"{each['name']:<{width}}  from {each['from']}, {made} UTC{_lasts(each['ttl'])}")


def end(worlds: list[str], name: str, *, everything: bool, as_json: bool) -> None:
    """End some worlds, or all."""
    if bool(worlds) == everything:
        stop("say which worlds to end, or --all", USAGE)
    if everything:
        worlds = [each["name"] for each in ask(name, "GET", "worlds", world=MAIN)["worlds"]]
    for world in worlds:
        ask(name, "DELETE", f"worlds/{segment('world', world)}", world=MAIN)
    if as_json:
        say_json({"ended": worlds})
    else:
        say(f"Ended {', '.join(worlds)}." if worlds else "There is the main world alone.")
        if os.environ.get("SANDBOXD_WORLD") in worlds:
            say("  unset SANDBOXD_WORLD VAULT_NAMESPACE BAO_NAMESPACE   points this shell at the main one again")


def _lasts(ttl: int) -> str:
    return f", until nobody has asked it anything for {ttl} s" if ttl else ""
