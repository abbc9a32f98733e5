"""A world that things go wrong in, with a real clock that a test moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unit.helpers import START, call, finished

from sandboxd.chaos.run import Chaos
from sandboxd.edge.runtime import make_world
from sandboxd.fixtures.scenarios import fault_of, scenario_of
from sandboxd.vault.bootstrap import start_dev
from sandboxd.vault.clock import NANOSECONDS, Clock
from sandboxd.vault.world import Settings

if TYPE_CHECKING:
    from unit.helpers import Reply

    from sandboxd.chaos.rules import Active
    from sandboxd.chaos.runs import Run


class Setting:
    """A world with chaos. `pass_(2.5)` lets so many seconds of real time pass."""

    def __init__(self, profile: Any = "vault") -> None:
        self.real = START * NANOSECONDS
        self.world = make_world(Settings(profile=profile), seed="tests", clock=Clock(lambda: self.real))
        self.key, _ = start_dev(self.world, "root")
        self.chaos = Chaos(self.world)
        self.call("POST", "secret/data/app", {"data": {"x": 1}})

    def pass_(self, seconds: float) -> None:
        """Let real time pass."""
        self.real += int(seconds * NANOSECONDS)

    def start(self, text: str, seed: str = "s") -> Active:
        """Begin with a fault."""
        return finished(self.chaos.start(fault_of(text, "test"), seed=seed))

    def run(self, text: str, seed: str = "s") -> Run:
        """Begin with a scenario, in YAML."""
        return finished(self.chaos.run("test", scenario_of(text.encode(), "test"), seed=seed))

    def turn(self) -> None:
        """Begin and end what is due."""
        finished(self.chaos.turn())

    def call(self, method: str, path: str, data: Any = None, **more: Any) -> Reply:
        """Make a request."""
        return call(self.world, method, path, data, **more)

    def read(self, path: str = "secret/data/app", **more: Any) -> int:
        """The status of a read."""
        return self.call("GET", path, **more).status

    def reads(self, count: int, path: str = "secret/data/app", **more: Any) -> list[int]:
        """The statuses of so many reads."""
        return [self.read(path, **more) for _ in range(count)]

    def token(self, *policies: str, **more: Any) -> str:
        """A new token."""
        wish = {"policies": list(policies) or ["default"], **more}
        found: str = self.call("POST", "auth/token/create", wish).json["auth"]["client_token"]
        return found

    def chaos_stop(self, name: str = "") -> int:
        """End a fault or a run, or all."""
        return finished(self.chaos.stop(name) if name else self.chaos.stop_all())

    def replay(self, id_: str = "", *, seed: str = "") -> Run:
        """Do a run again."""
        return finished(self.chaos.replay(id_, seed=seed))
