"""The commands about the nodes of a cluster: `nodes list`, `elect`, `stop`, `start`, `isolate`, `join`, …"""

from typing import Any

from sandboxd.cli.options import seconds_of
from sandboxd.cli.output import say, say_json
from sandboxd.cli.running import ask, segment

MAIN = ""
"""The cluster is the main world's."""


def show(name: str, *, as_json: bool) -> None:
    """Show all nodes."""
    _tell(ask(name, "GET", "nodes", world=MAIN), as_json=as_json)


def elect(node: str, lasts: str, name: str, *, as_json: bool) -> None:
    """Have an election."""
    wish = {"node": node, "seconds": seconds_of(lasts, "--for")}
    _tell(ask(name, "POST", "nodes/elect", wish, world=MAIN), as_json=as_json)


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
