"""The commands about outages: `chaos list`, `show`, `start`, `run`, `monkey`, `stop`, `status`, `replay`, `header`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from sandboxd.cli import state
from sandboxd.cli.options import fresh_seed, seconds_of
from sandboxd.cli.output import BAD_FIXTURE, USAGE, say, say_json
from sandboxd.cli.output import stop as fail
from sandboxd.cli.running import ask, segment

PATIENCE = 60.0
"""Seconds that it may take to begin or end: some faults change a good part of the state."""
LOOK = 0.25
"""Seconds between two looks at a run."""


def catalogue(name: str, world: str | None, *, faults: bool, tag: str, as_json: bool) -> None:
    """List what there is; of the fixture too, where the sandbox is up."""
    found = _catalogue(name, world)
    shown = found["faults"] if faults else [each for each in found["scenarios"] if not tag or tag in each["tags"]]
    if as_json:
        say_json(shown)
        return
    if faults:
        family = ""
        width = max(len(each["kind"]) for each in shown)
        for each in shown:
            if each["family"] != family:
                say(f"{'' if not family else chr(10)}{each['family']}")
                family = each["family"]
            say(f"  {each['kind']:<{width}}  {each['help']}")
        say("\n`sandboxd chaos show FAULT` tells what one takes.")
        return
    if not shown:
        tags = sorted({each for scenario in found["scenarios"] for each in scenario["tags"]})
        fail(f'no scenario has the tag "{tag}"; there are {", ".join(tags)}')
    width = max(len(each["name"]) for each in shown)
    for each in shown:
        mark = "  (of the fixture)" if each["own"] else ""
        needs = f"  (needs {', '.join(each['needs'])})" if each["needs"] else ""
        say(f"{each['name']:<{width}}  {each['title']}{needs}{mark}")


def _catalogue(name: str, world: str | None) -> Any:
    if state.read(name) is not None:
        return ask(name, "GET", "chaos/catalogue", timeout=PATIENCE, world=world)
    from sandboxd.edge.outages import catalogue as shipped

    return shipped({})


def show(what: str, name: str, world: str | None) -> None:
    """Show a scenario's page, or what a fault takes."""
    from sandboxd.chaos.kinds import KINDS

    if what in KINDS:
        from sandboxd.chaos.reference import reference

        say(reference(KINDS[what]).rstrip())
        return
    scenario = _in_file(what)
    from sandboxd.chaos.page import page
    from sandboxd.fixtures import scenarios

    if scenario is None:
        scenario = scenarios.named(what)
    if scenario is not None:
        say(page(Path(what).stem, scenario).rstrip())
        return
    if state.read(name) is None:
        from sandboxd.fixtures.problems import close_to

        fail(f'there is no scenario or fault "{what}". {close_to(what, [*scenarios.names(), *KINDS])}'.rstrip())
    say(ask(name, "GET", f"chaos/{segment('scenario', what)}", world=world)["page"].rstrip())


def _in_file(what: str) -> Any:
    """The scenario in a file, or None where no file is meant. Stops with what is wrong with it."""
    if not what.endswith((".yaml", ".yml", ".json")) and "/" not in what:
        return None
    from sandboxd.fixtures import scenarios

    try:
        return scenarios.scenario_in(Path(what))
    except ValueError as error:
        fail(str(error), BAD_FIXTURE)


def begin(what: str, words: list[str], seed: str, name: str, world: str | None) -> tuple[Any, bool]:
    """Begin with something; gives what is told of it, and whether it is a scenario."""
    from sandboxd.chaos.kinds import KINDS
    from sandboxd.chaos.scenario import Scenario

    scenario = None if what in KINDS else _in_file(what)
    from sandboxd.fixtures import scenarios

    try:
        fault = scenarios.fault_from([what, *words], "sandboxd chaos start") if what in KINDS else None
        if fault is None:
            scenarios.aimed_at(Scenario(), words, "sandboxd chaos start")
    except ValueError as error:
        fail(_own_words(error), USAGE)
    if fault is not None:
        import msgspec

        query = f"?seed={segment('seed', seed)}" if seed else ""
        body = msgspec.to_builtins(fault)
        return ask(name, "POST", f"chaos/faults{query}", body, timeout=PATIENCE, world=world), False
    wish: dict[str, Any] = {"name": Path(what).stem if scenario is not None else what, "seed": seed, "aim": words}
    if scenario is not None:
        import msgspec

        wish["scenario"] = msgspec.to_builtins(scenario)
    return ask(name, "POST", "chaos/runs", wish, timeout=PATIENCE, world=world), True


def _own_words(error: ValueError) -> str:
    """What is wrong with words of the command line, where line and column mean little."""
    text = str(error)
    prefix, _, rest = text.partition(": ")
    return rest if prefix.startswith("sandboxd chaos start:") else text


def start(what: str, words: list[str], lasts: str, seed: str, name: str, world: str | None, *, as_json: bool) -> None:
    """Begin with a fault or a scenario."""
    if lasts:
        words = [*words, f"for={lasts}"]
    found, is_run = begin(what, words, seed, name, world)
    if as_json:
        say_json(found)
        return
    option = "" if name == "default" else f" --name {name}"
    say(f"{found['name']} has begun, as {found['id']} (seed {found['seed']}).\n")
    ways = (
        (f"sandboxd chaos status{option}", "tells what it hits"),
        (f"sandboxd chaos stop {found['id']}{option}", "ends it" + (", with all that it changed" if is_run else "")),
    )
    width = max(len(way) for way, _ in ways)
    for way, effect in ways:
        say(f"  {way:<{width}}   {effect}")


def run(what: str, words: list[str], seed: str, name: str, world: str | None, *, as_json: bool) -> None:
    """Run a scenario to its end."""
    from sandboxd.chaos.kinds import KINDS

    if what in KINDS:
        fail(f"{what} is a fault, which has no end: sandboxd chaos start {what} --for 30s", USAGE)
    found, _ = begin(what, words, seed, name, world)
    follow(found, name, world, as_json=as_json)


def monkey(lasts: str, seed: str, out: Path | None, name: str, world: str | None, *, as_json: bool) -> None:
    """Run a random scenario to its end, or write it to a file."""
    import msgspec

    from sandboxd.chaos.monkey import schedule

    seed = seed or fresh_seed()
    scenario = schedule(seed, seconds_of(lasts, "--for"))
    if out is None:
        wish = {"name": f"monkey-{seed}", "seed": seed, "scenario": msgspec.to_builtins(scenario)}
        follow(ask(name, "POST", "chaos/runs", wish, timeout=PATIENCE, world=world), name, world, as_json=as_json)
        return
    from sandboxd.fixtures import scenarios

    try:
        out.write_text(scenarios.written(scenario), encoding="utf-8")
    except OSError as error:
        fail(f"cannot write {out}: {error.strerror or error}")
    say_json({"file": str(out), "seed": seed}) if as_json else say(f"Wrote {out} (seed {seed}).")


def follow(found: Any, name: str, world: str | None, *, as_json: bool) -> None:
    """Tell what happens in a run until it is over; an interrupt ends it."""
    if not as_json:
        say(f"{found['title'] or found['name']} (run {found['id']}, seed {found['seed']})\n")
    phase = 0
    try:
        while True:
            if found["phases"] != phase and not found["over"] and not as_json:
                say(f"  {found['seconds']:6.1f} s  {found['phase']}")
            phase = found["phases"]
            if found["over"]:
                break
            time.sleep(LOOK)
            runs = ask(name, "GET", "chaos?strikes=0", world=world)["runs"]
            found = next((each for each in runs if each["id"] == found["id"]), {**found, "over": True})
    except KeyboardInterrupt:
        stopped = ask(name, "DELETE", f"chaos/{segment('run', found['id'])}", timeout=PATIENCE, world=world)
        if as_json:
            say_json({**found, "over": True})
        else:
            say(f"\nEnded before its time ({stopped['stopped']} run).")
        return
    if as_json:
        say_json(found)
        return
    say(f"  {found['seconds']:6.1f} s  over; {found['struck']} requests were struck.")
    for problem in found["problems"]:
        say(f"  It could not be had all of it: {problem}")


def stop(which: list[str], name: str, world: str | None, *, as_json: bool) -> None:
    """End some faults and runs, or all."""
    way = f"chaos/{segment('fault', ','.join(which))}" if which else "chaos"
    count = ask(name, "DELETE", way, timeout=PATIENCE, world=world)["stopped"]
    if as_json:
        say_json({"stopped": count})
    elif count:
        say(f"Ended {count} of them; all is as it was." if not which else f"Ended {', '.join(which)}.")
    else:
        say("Nothing is going wrong.")


def status(strikes: int, name: str, world: str | None, *, as_json: bool) -> None:
    """Tell what is going wrong."""
    found = ask(name, "GET", f"chaos?strikes={strikes}", world=world)
    if as_json:
        say_json(found)
        return
    runs = [each for each in found["runs"] if not each["over"]]
    if not runs and not found["faults"]:
        say("Nothing is going wrong.")
    width = max((len(each["id"]) for each in (*runs, *found["faults"])), default=0)
    for each in runs:
        say(
            f"{each['id']:<{width}}  {each['name']}: {each['phase']}, since {each['seconds']:.0f} s, "
            f"{each['struck']} struck (seed {each['seed']})"
        )
    for each in found["faults"]:
        when = "" if each["on"] else ", not now"
        told = " ".join(f"{key}={_value(value)}" for key, value in each["says"].items() if key not in ("fault", "name"))
        say(
            f"{each['id']:<{width}}  {each['name']} {told}".rstrip()
            + f": {each['struck']} of {each['seen']} struck{when}"
        )
    if found["header"]:
        say("Requests may ask for faults by X-Sandboxd-Fault.")
    if found["strikes"]:
        say("\nLatest:")
        for each in found["strikes"]:
            app = f"  ({each['app']})" if each["app"] else ""
            say(f"  {each['at'][11:23]}  {each['fault']:<16}  {each['request']}{app}")


def _value(value: Any) -> str:
    """A value as it is written on a line."""
    if isinstance(value, dict):
        return ",".join(f"{name}:{text}" for name, text in value.items())
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def replay(which: str, seed: str, name: str, world: str | None, *, as_json: bool) -> None:
    """Do a run again."""
    found = ask(name, "POST", "chaos/replay", {"run": which, "seed": seed}, timeout=PATIENCE, world=world)
    follow(found, name, world, as_json=as_json)


def header(switch: str, name: str, world: str | None, *, as_json: bool) -> None:
    """Let requests ask for faults of their own, or no longer."""
    if switch not in ("on", "off"):
        fail(f'"{switch}" is neither on nor off', USAGE)
    found = ask(name, "POST", "chaos/header", {"allowed": switch == "on"}, world=world)
    if as_json:
        say_json(found)
    else:
        say(
            "Requests may ask for faults by X-Sandboxd-Fault, as in: X-Sandboxd-Fault: status code=502"
            if found["allowed"]
            else "Requests can no longer ask for faults."
        )
