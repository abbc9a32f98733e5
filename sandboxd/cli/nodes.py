"""The commands about the nodes of a cluster: `nodes list`, `elect`, `stop`, `start`, `isolate`, `join`, …"""

from typing import Any

from sandboxd.cli.output import USAGE, say, say_json
from sandboxd.cli.output import stop as fail
from sandboxd.cli.running import ask, segment

MAIN = ""
"""The cluster is the main world's."""


def show(name: str, *, as_json: bool) -> None:
    """Show all nodes."""
    _tell(ask(name, "GET", "nodes", world=MAIN), as_json=as_json)


def elect(node: str, lasts: str, name: str, *, as_json: bool) -> None:
    """Have an election."""
    from sandboxd.vault.clock import NANOSECONDS
    from sandboxd.vault.durations import parse_nanoseconds

    try:
        seconds = parse_nanoseconds(lasts) / NANOSECONDS
    except ValueError as error:
        fail(f"--for is no duration: {error}", USAGE)
    _tell(ask(name, "POST", "nodes/elect", {"node": node, "seconds": seconds}, world=MAIN), as_json=as_json)


def change(node: str, action: str, name: str, *, as_json: bool) -> None:
    """Do something to a node."""
    _tell(ask(name, "POST", f"nodes/{segment('node', node)}/{action}", world=MAIN), as_json=as_json)


def calm(name: str, *, as_json: bool) -> None:
    """Bring all nodes back."""
    _tell(ask(name, "POST", "nodes/calm", world=MAIN), as_json=as_json)


def _tell(found: Any, *, as_json: bool) -> None:
    if as_json:
        say_json(found)
        return
    for each in found["nodes"]:
        notes = ", cut off from the others" if each["isolated"] else ""
        say(f"{each['name']}  {each['address']:<24}  {each['condition']}{notes}")
    if not found["leader"]:
        say("There is no leader at present.")
