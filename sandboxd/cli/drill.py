"""`sandboxd drill`: run an app under outages, and grade how it takes them."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import msgspec

from sandboxd import __version__
from sandboxd.chaos.drill import report_text
from sandboxd.chaos.drill.report import Drill, Result
from sandboxd.cli.options import fresh_seed, seconds_of
from sandboxd.cli.output import BAD_FIXTURE, FAILED, NOT_RUN, OK, USAGE, complain, say, stop

if TYPE_CHECKING:
    from sandboxd.chaos.drill.grade import Grade
    from sandboxd.chaos.scenario import Scenario
    from sandboxd.edge.drilling import Wish
    from sandboxd.vault.world import Profile

INTERRUPTED = 130
TAG = "tag:"
MONKEY = "monkey-"
"""How the names of random scenarios begin."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asked for."""

    command: tuple[str, ...]
    scenarios: tuple[str, ...]
    only: tuple[str, ...]
    without: tuple[str, ...]
    show: bool
    health: str
    tests: bool
    fixture: Path | None
    profile: Profile | None
    role: str
    policies: tuple[str, ...]
    root: bool
    ready: float
    calm: float
    patience: float
    stretch: float
    seed: str
    threshold: Grade
    monkey: int
    monkey_for: str
    tries: int
    html: Path | None
    junit: Path | None
    json: Path | None
    logs: Path | None


def run(order: Order) -> None:
    """Run the drill; ends with its exit status."""
    from sandboxd.edge import runtime
    from sandboxd.fixtures import catalogue

    fixture = order.fixture or catalogue.folder() / "drill.yaml"
    if not fixture.is_file():
        stop(f"there is no fixture file {fixture}", BAD_FIXTURE)
    chosen, profile = _chosen(order, fixture)
    if order.show:
        _list(order, chosen)
        return
    _check(order)
    folder = order.logs or Path(tempfile.mkdtemp(prefix="sandboxd-drill-"))
    from sandboxd.edge.drilling import Wish

    wish = Wish(
        command=order.command,
        folder=folder,
        fixture=fixture,
        profile=profile,
        health=order.health,
        tests=order.tests,
        ready=order.ready,
        calm=order.calm,
        patience=order.patience,
        stretch=order.stretch,
        seed=order.seed,
        root=order.root,
        role=order.role,
        policies=order.policies,
    )
    sys.exit(runtime.run(lambda: _Drilling(order, wish, chosen).run()))


def _check(order: Order) -> None:
    if not order.command:
        stop("no command: put it behind --, as in `sandboxd drill -- ./app`", USAGE)
    for file in (order.html, order.junit, order.json):
        if file is not None and not file.parent.is_dir():
            stop(f"there is no folder {file.parent} for {file.name}", USAGE)
    if not order.health:
        return
    from sandboxd.vault.framework.loopback import is_loopback

    parts = urlsplit(order.health.replace("{port}", "1"))
    if parts.scheme not in ("http", "https") or not is_loopback(parts.hostname or ""):
        stop("--health is no http(s) URL on this machine, such as http://127.0.0.1:8080/health", USAGE)


def _chosen(order: Order, fixture: Path) -> tuple[dict[str, Scenario], Profile]:
    """The scenarios that were asked for, by name, and whose behaviour is followed. Stops with what is wrong."""
    from sandboxd.fixtures import load, make_plan, scenarios

    try:
        known: dict[str, Scenario] = {}
        for name in scenarios.names():
            found = scenarios.named(name)
            if found is not None:
                known[name] = found
        plan = make_plan(load(fixture), seed=order.seed)
        known |= plan.scenarios
        random = _random(order)
        chosen: dict[str, Scenario] = {} if order.scenarios or random else dict(known)
        for pattern in order.scenarios:
            chosen |= _matching(pattern, known)
        chosen |= random
    except ValueError as error:  # FixtureError, with all that is wrong
        stop(str(error), BAD_FIXTURE)
    kept = {
        name: scenario
        for name, scenario in chosen.items()
        if (not order.only or _fits(name, scenario, order.only)) and not _fits(name, scenario, order.without)
    }
    return kept or stop("no scenario fits", USAGE), order.profile or plan.profile or "vault"


def _random(order: Order) -> dict[str, Scenario]:
    """The random scenarios, by name; the same seed gives the same ones."""
    if not order.monkey:
        return {}
    from sandboxd.chaos.monkey import schedule

    seconds, seed = seconds_of(order.monkey_for, "--monkey-for"), order.seed or fresh_seed()
    seeds = [f"{seed}-{number}" for number in range(1, order.monkey + 1)]
    return {f"{MONKEY}{each}": schedule(each, seconds) for each in seeds}


def _matching(pattern: str, known: Mapping[str, Scenario]) -> dict[str, Scenario]:
    from sandboxd.fixtures import scenarios

    if pattern.endswith((".yaml", ".yml", ".json")):
        return {Path(pattern).stem: scenarios.scenario_in(Path(pattern))}
    found = {name: scenario for name, scenario in known.items() if _fits(name, scenario, (pattern,))}
    if not found:
        from sandboxd.fixtures.problems import close_to

        tags = sorted({f"{TAG}{tag}" for scenario in known.values() for tag in scenario.tags})
        stop(f'no scenario fits "{pattern}". {close_to(pattern, [*known, *tags])}'.rstrip(), USAGE)
    return found


def _fits(name: str, scenario: Scenario, patterns: Iterable[str]) -> bool:
    return any(
        pattern.removeprefix(TAG) in scenario.tags if pattern.startswith(TAG) else fnmatchcase(name, pattern)
        for pattern in patterns
    )


def _list(order: Order, chosen: Mapping[str, Scenario]) -> None:
    from sandboxd.chaos.drill.timeline import UNENDING, ends, stages, stretched

    width = max(map(len, chosen))
    for name, scenario in chosen.items():
        lasts = ends(stages(stretched(scenario, order.stretch), 0.0, UNENDING * order.stretch))
        needs = f"  (needs {', '.join(scenario.needs)})" if scenario.needs else ""
        say(f"{name:<{width}}  {lasts:4.0f} s  {scenario.title}{needs}")


class _Drilling:
    """A drill under way."""

    def __init__(self, order: Order, wish: Wish, chosen: Mapping[str, Scenario]) -> None:
        self._order = order
        self._wish = wish
        self._chosen = chosen
        self._results: list[Result] = []
        self._tty = sys.stdout.isatty()
        self._begun = ""

    async def run(self) -> int:
        """Run it; gives the exit status."""
        from sandboxd.edge.drilling import NotRun
        from sandboxd.vault.clock import Clock
        from sandboxd.vault.durations import rfc3339

        self._begun = rfc3339(Clock().now_ns() // 1_000_000_000 * 1_000_000_000)
        loop = asyncio.get_running_loop()
        task = cast("asyncio.Task[int]", asyncio.current_task())
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, task.cancel)
        say(report_text.header())
        interrupted = False
        try:
            await self._all()
        except NotRun as error:
            self._clear()
            complain(f"sandboxd: {error}")
            return NOT_RUN
        except ValueError as error:  # FixtureError
            self._clear()
            complain(str(error))
            return BAD_FIXTURE
        except asyncio.CancelledError:
            self._clear()
            interrupted = True
        return self._finish(interrupted=interrupted)

    async def _all(self) -> None:
        for number, (name, scenario) in enumerate(self._chosen.items(), 1):
            result = await self._one(f"[{number}/{len(self._chosen)}]", name, scenario)
            self._results.append(result)
            say(report_text.row(result, colours=self._tty))
            if self._badly(result) and name.startswith(MONKEY) and self._order.tries:
                await self._shrink(name, scenario)

    async def _one(self, head: str, name: str, scenario: Scenario) -> Result:
        from sandboxd.edge.drilling import drill

        def tell(text: str) -> None:
            if self._tty:
                self._clear()
                print(f"{head} {name}: {text}"[: report_text.WIDTH], end="", flush=True)

        result = await drill(self._wish, name, scenario, tell)
        self._clear()
        return result

    def _badly(self, result: Result) -> bool:
        from sandboxd.chaos.drill.grade import worse

        return result.grade is not None and worse(result.grade, self._order.threshold)

    async def _shrink(self, name: str, scenario: Scenario) -> None:
        """Find the smallest part of a random scenario that the app still takes badly, and write it to a file."""
        from sandboxd.chaos.monkey import shrink
        from sandboxd.fixtures import scenarios

        tries = 0

        async def broke(smaller: Scenario) -> bool:
            nonlocal tries
            tries += 1
            head = f"smaller, try {tries} of at most {self._order.tries}:"
            return self._badly(await self._one(head, f"{name}-smaller", smaller))

        smallest = await shrink(scenario, broke, most=self._order.tries)
        file = self._wish.folder / f"{name}.yaml"
        text = scenarios.written(smallest.scenario)
        try:
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            complain(f"sandboxd: cannot write {file}: {error.strerror or error}")
        say(f"  The smallest part of it found in {smallest.tries} tries that is worse than {self._order.threshold}:")
        say(textwrap.indent(text.rstrip(), "    "))
        say(f"  Run it again with: sandboxd drill {file} -- ...")

    def _clear(self) -> None:
        if self._tty:
            print("\r\x1b[K", end="", flush=True)

    def _finish(self, *, interrupted: bool) -> int:
        order = self._order
        drill = Drill(
            command=order.command,
            profile=str(self._wish.profile),
            fixture=str(order.fixture or "built in"),
            version=__version__,
            began=self._begun,
            threshold=order.threshold,
            results=tuple(self._results),
        )
        say()
        if interrupted:
            say(f"Interrupted after {len(self._results)} of {len(self._chosen)} scenarios; nothing is left running.")
        else:
            say(report_text.footer(drill))
        if not _write(order, drill):
            return FAILED
        if any(each.log for each in drill.results):
            say(f"What the app said is in {self._wish.folder}.")
        if interrupted:
            return INTERRUPTED
        if drill.failed or not drill.graded:
            return NOT_RUN
        return FAILED if drill.below else OK


def _write(order: Order, drill: Drill) -> bool:
    """Write the reports that were asked for; gives whether that went well."""
    from sandboxd.chaos.drill import report_html, report_json, report_junit

    wanted: tuple[tuple[Path | None, Callable[[], bytes]], ...] = (
        (order.html, lambda: report_html.render(drill).encode()),
        (order.junit, lambda: report_junit.render(drill).encode()),
        (order.json, lambda: report_json.render(drill)),
    )
    for file, make in wanted:
        if file is None:
            continue
        try:
            file.write_bytes(make())
        except OSError as error:
            complain(f"sandboxd: cannot write {file}: {error.strerror or error}")
            return False
        say(f"Wrote {file}.")
    return True
