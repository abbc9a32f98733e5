"""Drilling apps: the examples, a test suite, and what goes wrong with a drill itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from e2e.conftest import SANDBOXD, ended, until

from sandboxd.chaos.kinds import transport
from sandboxd.chaos.monkey import schedule
from sandboxd.fixtures.scenarios import scenario_in

if TYPE_CHECKING:
    from e2e.conftest import Command

    from sandboxd.chaos.model import Fault
    from sandboxd.chaos.scenario import Scenario

APPS = Path(__file__).parents[2] / "docs" / "examples" / "apps"
HEALTH = "http://127.0.0.1:{port}/health"
PATIENCE = 120.0
SCENARIOS = {
    "unavailable": """
title: Vault says that it is sealed
phases: [{name: sealed, hold: 3s, faults: [{fault: status, code: 503, errors: [Vault is sealed]}]}]
""",
    "silence": """
title: Requests go in, and nothing comes out
phases: [{name: silent, hold: 4s, faults: [{fault: silent}]}]
""",
    "revoked": """
title: The tokens that there are are no longer valid
phases: [{name: revoked, hold: 4s, faults: [{fault: token-rejected, path: secret/*}]}]
expect: {login: true}
""",
}
ONCE = """
import os, sys, time, urllib.request
request = urllib.request.Request(os.environ["VAULT_ADDR"] + "/v1/secret/data/app",
                                 headers={"X-Vault-Token": os.environ["VAULT_TOKEN"]})
urllib.request.urlopen(request).read()
time.sleep(1.5)
print("all passed for", os.environ["SANDBOXD_SCENARIO"], os.environ["SANDBOXD_ROLE_ID"][:1] != "")
sys.exit(int(sys.argv[1]))
"""
FRAGILE = """
import os, time, urllib.request
request = urllib.request.Request(os.environ["VAULT_ADDR"] + "/v1/secret/data/app",
                                 headers={"X-Vault-Token": os.environ["VAULT_TOKEN"]})
while True:
    urllib.request.urlopen(request, timeout=3).read()
    time.sleep(0.1)
"""


@pytest.fixture
def outages(tmp_path: Path) -> list[str]:
    """Files of scenarios."""
    files = []
    for name, text in SCENARIOS.items():
        file = tmp_path / f"{name}.yaml"
        file.write_text(text)
        files.append(str(file))
    return files


def drill(command: Command, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a drill to its end."""
    return subprocess.run(
        [*SANDBOXD, "drill", "--logs", tempfile.mkdtemp(dir=command.home), *arguments],
        env=command.environment,
        cwd=APPS.parents[2],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_the_examples_are_graded_in_the_order_of_their_care(
    command: Command, outages: list[str], tmp_path: Path
) -> None:
    def run(name: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
        report = tmp_path / f"{name}.json"
        reports = ("--json", str(report), "--html", str(report.with_suffix(".html")), "--junit", f"{report}.xml")
        app = (sys.executable, str(APPS / f"{name}.py"))
        options = ("--calm", "1", "--threshold", "B", "--health", HEALTH)
        return drill(command, *outages, *reports, *options, "--", *app), json.loads(report.read_text())

    names = ("resilient", "retrying", "naive")
    with ThreadPoolExecutor() as pool:
        found = dict(zip(names, pool.map(run, names), strict=True))
    grades = [found[name][1]["grade"] for name in names]
    assert grades == sorted(set(grades)), {name: each[0].stdout for name, each in found.items()}
    assert found["resilient"][1]["grade"] == "A"
    assert found["naive"][0].returncode == 1  # worse than the threshold
    assert "did not log in anew" in found["naive"][0].stdout
    for name, (done, report) in found.items():
        assert done.stderr == ""
        assert max(map(len, done.stdout.splitlines())) <= 130  # paths of files may be long
        suite = ET.fromstring((tmp_path / f"{name}.json.xml").read_text())[0]
        assert [case.get("name") for case in suite.findall("testcase")] == list(SCENARIOS)
        for scenario in report["scenarios"]:
            assert scenario["measures"]["struck"] > 0
            assert any(call["accessor"] for call in scenario["calls"])
            assert Path(scenario["log"]).read_text().startswith("http://127.0.0.1:")
        written = [file.read_text() for file in tmp_path.glob(f"{name}.*")]
        assert not any("hvs." in text for text in [done.stdout, *written])


def test_the_exit_status_of_a_test_suite_counts(command: Command, outages: list[str]) -> None:
    def run(status: int) -> subprocess.CompletedProcess[str]:
        options = ("--tests", "--calm", "0", "--stretch", "0.1")
        return drill(command, outages[0], *options, "--", sys.executable, "-c", ONCE, str(status))

    with ThreadPoolExecutor() as pool:
        good, bad = pool.map(run, (0, 3))
    assert good.returncode == 0, good.stdout + good.stderr
    assert "the tests passed" in " ".join(good.stdout.split())
    assert bad.returncode == 1
    assert "the tests failed, with status 3" in " ".join(bad.stdout.split())


def test_an_app_that_does_not_start_could_not_be_drilled(command: Command, outages: list[str]) -> None:
    done = drill(command, outages[0], "--", sys.executable, "-c", "raise SystemExit(5)")
    assert done.returncode == 8
    assert "the app ended with status 5 before it was ready" in done.stdout
    assert "Could not be run: unavailable." in done.stdout


def test_a_command_that_is_not_there_is_told(command: Command, outages: list[str]) -> None:
    done = drill(command, outages[0], "--", "/nowhere/app")
    assert (done.returncode, done.stderr) == (
        8,
        "sandboxd: /nowhere/app cannot be started: No such file or directory\n",
    )


def test_an_interrupt_ends_it_and_leaves_nothing(command: Command, outages: list[str], tmp_path: Path) -> None:
    place = tmp_path / "pid"
    text = f"import os, time; open({str(place)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    process = command.start("drill", outages[0], "--logs", str(tmp_path), "--", sys.executable, "-c", text)
    until(lambda: place.exists() and place.read_text())
    process.send_signal(signal.SIGINT)
    status, said = ended(process)
    assert status == 130, said
    assert "Interrupted after 0 of 1 scenarios; nothing is left running." in said

    def gone() -> bool:
        try:
            os.kill(int(place.read_text()), 0)
        except ProcessLookupError:
            return True
        return False

    until(gone)


def test_scenarios_can_be_chosen(command: Command, outages: list[str]) -> None:
    done = drill(command, *outages, "--except", "sil*", "--except", "revoked", "--list")
    assert done.stdout == "unavailable     3 s  Vault says that it is sealed\n"
    done = drill(command, *outages, "--only", "silence", "--list", "--stretch", "0.5")
    assert done.stdout == "silence     2 s  Requests go in, and nothing comes out\n"


def test_scenarios_of_the_fixture_can_be_drilled(command: Command, tmp_path: Path) -> None:
    fixture = tmp_path / "fixture.yaml"
    fixture.write_text(
        "sandbox: shop\nchaos:\n"
        "  our-outage: {title: Ours, tags: [mine], phases: [{hold: 2s, faults: [{fault: sealed}]}]}\n"
    )
    for chosen in ("our-outage", "our-*", "tag:mine"):
        done = drill(command, chosen, "--fixture", str(fixture), "--list")
        assert done.stdout == "our-outage     2 s  Ours\n"


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (("FILE",), 2, "no command: put it behind --, as in `sandboxd drill -- ./app`"),
        (("nonsense", "--", "true"), 2, 'no scenario fits "nonsense".'),
        (("FILE", "--health", "http://192.0.2.1/", "--", "true"), 2, "--health is no http(s) URL on this machine"),
        (("FILE", "--junit", "/nowhere/x.xml", "--", "true"), 2, "there is no folder /nowhere for x.xml"),
        (("FILE", "--fixture", "/nowhere.yaml", "--", "true"), 4, "there is no fixture file /nowhere.yaml"),
        (("FILE", "--role", "none", "--", "true"), 8, 'the fixture has no AppRole role "none"'),
    ],
)
def test_what_makes_no_sense_is_told(
    command: Command, outages: list[str], arguments: tuple[str, ...], status: int, text: str
) -> None:
    done = drill(command, *(outages[0] if each == "FILE" else each for each in arguments))
    assert done.returncode == status
    assert done.stderr.startswith(f"sandboxd: {text}")


def at_first(scenario: Scenario) -> tuple[Fault, ...]:
    """The faults of the first phase that strike every request."""
    return tuple(each for each in scenario.phases[0].faults if each == type(each)())


def test_the_smallest_random_outage_that_an_app_takes_badly_is_written_to_a_file(
    command: Command, tmp_path: Path
) -> None:
    app = tmp_path / "app.py"
    app.write_text(FRAGILE)
    fatal = {transport.Reset, transport.Empty, transport.Garbage}
    seed = next(str(n) for n in range(1000) if fatal & {type(each) for each in at_first(schedule(f"{n}-1", 2))})
    done = drill(
        command, "--monkey", "1", "--monkey-for", "2s", "--seed", seed, "--calm", "0.2", "--tries", "10",
        "--", sys.executable, str(app),
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    again = next(line for line in done.stdout.splitlines() if "Run it again with" in line).split()
    file = Path(again[again.index("drill") + 1])
    smallest = scenario_in(file)
    assert len(smallest.phases) == 1
    assert len(smallest.phases[0].faults) == 1
    done = drill(command, str(file), "--calm", "0.2", "--", sys.executable, str(app))
    assert done.returncode == 1
    assert f"monkey-{seed}-1  " in done.stdout
