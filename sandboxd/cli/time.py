"""The commands about the sandbox's time: `time now`, `freeze`, `advance`, `scale`, `resume`, `at`."""

from typing import Any

from sandboxd.cli.output import say, say_json
from sandboxd.cli.running import ask

PATIENCE = 600.0
"""Seconds that a jump may take: everything on its way is done."""


def now(name: str, world: str | None, *, as_json: bool) -> None:
    """Tell where the sandbox's clock stands."""
    found = ask(name, "GET", "time", world=world)
    _show(found, as_json=as_json)
    if found["notes"] and not as_json:
        say(f"\nThis is not real time, which is {_moment(found['real'])}.")
        for note in found["notes"]:
            say(f"  {note}")


def change(name: str, world: str | None, action: str, value: str = "", *, as_json: bool) -> None:
    """Move the sandbox's clock."""
    found = ask(name, "POST", f"time/{action}", {"value": value}, timeout=PATIENCE, world=world)
    _show(found, as_json=as_json)


def _show(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        say_json(found)
        return
    say(f"{_moment(found['now'])}{_pace(found)}")
    if found["passed"]:
        say(f"  {found['passed']} things came due on the way.")
    coming = found["next"]
    if coming is not None:
        say(f"  Next: {_WORDS[coming['what']].format(coming['name'])} at {_moment(coming['at'])}.")


def _pace(found: dict[str, Any]) -> str:
    offset, scale = found["offset"], found["scale"]
    said = []
    if abs(offset) >= 1:
        said.append(f"{_span(abs(offset))} {'ahead of' if offset > 0 else 'behind'} real time")
    if found["frozen"]:
        said.append("frozen")
    elif scale != 1:
        said.append(f"passing {scale:g} times as fast")
    return f" ({', '.join(said)})" if said else " (real time)"


def _span(seconds: float) -> str:
    left, parts = round(seconds), []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2])


def _moment(text: str) -> str:
    return text[:19].replace("T", " ") + " UTC"


_WORDS = {
    "lease": "the lease {} expires",
    "token": "the token of lease {} expires",
    "timer": "{} is due",
}
