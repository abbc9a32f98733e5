"""Chaos, as a test speaks of it: begun with in a line, ended at the end of a `with`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from urllib.parse import quote

from sandboxd.edge import asking
from sandboxd.edge.messages import CONTROL
from sandboxd.vault.errors import in_one_line

PATIENCE = 60.0
"""Seconds that a request to the control API may take."""


class ControlError(Exception):
    """The sandbox refused what it was asked; the text says why."""


class Control:
    """The control API of a running sandbox.

    Args:
        address: where it answers.
        token: the sandbox's root token.
        world: a world beside the main one; empty for that.
    """

    def __init__(self, address: str, token: str, world: str = "") -> None:
        self.address = address
        self._token = token
        self._world = world

    def __repr__(self) -> str:
        return f"<Control {self.address}>"

    def ask(self, method: str, route: str, body: Any = None) -> Any:
        """One request; gives the decoded answer. Raises ControlError."""
        try:
            status, found = asking.ask(
                self.address,
                method,
                CONTROL + route,
                token=self._token,
                body=body,
                timeout=PATIENCE,
                world=self._world,
            )
        except asking.Unreachable as error:
            raise ControlError(f"the sandbox does not answer at {self.address}: {error}") from None
        if status != 200:
            told = found.get("errors") if isinstance(found, dict) else None
            raise ControlError(in_one_line(told) if told else f"status {status}")
        return found


class Strike(NamedTuple):
    """A request that a fault has hit. `at` is RFC 3339, `request` such as `GET secret/data/app`."""

    at: str
    fault: str
    kind: str
    id: str
    request: str
    app: str


class _Begun:
    """What can be ended, also by leaving a `with`. `_KIND` is where the control API shows it."""

    _KIND: ClassVar[str]

    def __init__(self, control: Control, id_: str, seed: str) -> None:
        self._control = control
        self.id = id_
        self.seed = seed
        """What chance is drawn from: with it, the same requests are struck again."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it, and undo what it changed; nothing happens when it is over already. Raises ControlError."""
        if self._known() is not None:
            self._control.ask("DELETE", f"chaos/{quote(self.id, safe='')}")

    def _known(self) -> Any:
        """What the sandbox tells of it; None when it is over."""
        shown = self._control.ask("GET", "chaos?strikes=0")[self._KIND]
        return next((each for each in shown if each["id"] == self.id and not each.get("over")), None)


class Fault(_Begun):
    """A fault that was begun with."""

    _KIND = "faults"

    @property
    def struck(self) -> int:
        """How many requests it has hit, as long as it is on; 0 when it is over."""
        known = self._known()
        return 0 if known is None else int(known["struck"])

    @property
    def seen(self) -> int:
        """How many requests it was aimed at, as long as it is on; 0 when it is over."""
        known = self._known()
        return 0 if known is None else int(known["seen"])


class Run(_Begun):
    """A scenario that was begun with."""

    _KIND = "runs"

    @property
    def over(self) -> bool:
        """Whether it has come to its end, or was stopped."""
        return self._known() is None

    @property
    def phase(self) -> str:
        """The name of the phase that it is in; empty when it is over."""
        known = self._known()
        return "" if known is None else str(known["phase"])


class Chaos:
    """What goes wrong in a sandbox."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def start(self, fault: str, *, seed: str = "", **takes: Any) -> Fault:
        """Begin with a fault, as on the command line: `start("slow delay=2s path=secret/*")`.

        Args:
            takes: more of what it takes, as in `start("slow", delay="2s")`; with an underscore behind Python's own
                words (`for_`, `from_`, `except_`).

        Raises ControlError for what is no fault.
        """
        from msgspec import to_builtins

        from sandboxd.fixtures.scenarios import fault_of

        try:
            wish = to_builtins(fault_of(fault, "start"))
        except ValueError as error:
            raise ControlError(str(error)) from None
        wish |= {name.rstrip("_"): value for name, value in takes.items()}
        found = self._control.ask("POST", f"chaos/faults?seed={quote(seed, safe='')}", wish)
        return Fault(self._control, found["id"], found["seed"])

    def run(self, scenario: str | Path | dict[str, Any], *aim: str, seed: str = "") -> Run:
        """Begin with a scenario: by name, a file (`Path`), or a mapping of its own.

        Args:
            aim: another aim for all of its faults, as in `run("brown-out", "app=shop*")`.

        Raises ControlError, or FixtureError for a file with mistakes.
        """
        wish: dict[str, Any] = {"seed": seed, "aim": list(aim)}
        if isinstance(scenario, Path):
            from msgspec import to_builtins

            from sandboxd.fixtures.scenarios import scenario_in

            wish |= {"name": scenario.stem, "scenario": to_builtins(scenario_in(scenario))}
        elif isinstance(scenario, dict):
            wish |= {"name": "test", "scenario": scenario}
        else:
            wish["name"] = os.fspath(scenario)
        found = self._control.ask("POST", "chaos/runs", wish)
        return Run(self._control, found["id"], found["seed"])

    def replay(self, run: Run | None = None, *, seed: str = "") -> Run:
        """Do a run again, the latest without: the same requests are struck, or others from another seed."""
        found = self._control.ask("POST", "chaos/replay", {"run": run.id if run is not None else "", "seed": seed})
        return Run(self._control, found["id"], found["seed"])

    def stop(self) -> int:
        """End everything, and undo what it changed; gives how much that was."""
        return int(self._control.ask("DELETE", "chaos")["stopped"])

    def allow_header(self, *, allowed: bool = True) -> None:
        """Let requests ask for faults of their own by `X-Sandboxd-Fault`, or no longer."""
        self._control.ask("POST", "chaos/header", {"allowed": allowed})

    def strikes(self, most: int = 1000) -> list[Strike]:
        """The latest requests that were hit, oldest first."""
        found = self._control.ask("GET", f"chaos?strikes={most}")["strikes"]
        return [Strike(**each) for each in found]


class Nodes:
    """The nodes of a cluster, by their names: `node-1`, `node-2`, …"""

    def __init__(self, control: Control) -> None:
        self._control = control

    @property
    def leader(self) -> str:
        """Who leads; empty when nobody does at present."""
        return str(self._control.ask("GET", "nodes")["leader"])

    @property
    def conditions(self) -> dict[str, str]:
        """What each node is: active, standby, leaderless, sealed, stopped, …"""
        return {each["name"]: each["condition"] for each in self._control.ask("GET", "nodes")["nodes"]}

    def elect(self, node: str = "", *, seconds: float = 0.0) -> None:
        """Have an election, which takes so many seconds; the next in turn wins without a name."""
        self._control.ask("POST", "nodes/elect", {"node": node, "seconds": seconds})

    def stop(self, node: str) -> None:
        """End a node's process: its port refuses."""
        self._act(node, "stop")

    def start(self, node: str) -> None:
        """Start a node's process again."""
        self._act(node, "start")

    def isolate(self, node: str) -> None:
        """Cut a node off from the others; clients still reach it."""
        self._act(node, "isolate")

    def join(self, node: str) -> None:
        """Have a node reach the others again, also one that was removed."""
        self._act(node, "join")

    def remove(self, node: str) -> None:
        """Take a node out of the cluster."""
        self._act(node, "remove")

    def seal(self, node: str) -> None:
        """Seal one node."""
        self._act(node, "seal")

    def unseal(self, node: str) -> None:
        """Open one node, without its key."""
        self._act(node, "unseal")

    def calm(self) -> None:
        """Bring all nodes back."""
        self._control.ask("POST", "nodes/calm")

    def _act(self, node: str, action: str) -> None:
        self._control.ask("POST", f"nodes/{quote(node, safe='')}/{action}")
