"""Outages on cue, as a user starts, watches, repeats and ends them with `sandboxd chaos`."""

from __future__ import annotations

import http.client
import json
import signal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from e2e.conftest import Command, ask, ended, until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

SCENARIO = """
title: Half down, then down
tags: [mine]
clock: sandbox
phases:
  - {name: half, hold: 1h, faults: [{fault: status, code: 503, probability: 0.5, path: secret/*}]}
  - {name: all of it, hold: 1h, faults: [{fault: status, code: 502, path: secret/*}]}
"""
FIXTURE = f"""
sandbox: shop
secrets:
  secret/app: {{fields: {{user: app}}}}
  secret/other: {{fields: {{user: other}}}}
chaos:
  mine:{SCENARIO.replace(chr(10), chr(10) + "    ")}
"""
CONTROL = "/_sandboxd/v1/"
APP = "/v1/secret/data/app"
OTHER = "/v1/secret/data/other"
HEALTH = "/v1/sys/health"
READS = 12


class Vault:
    """A sandbox with the fixture, its commands, and what a client sees of it."""

    def __init__(self, command: Command, *arguments: str) -> None:
        self.command = command
        found = command.up(*arguments)
        self.address: str = found["address"]
        self.control: str = found["control"]
        self.token = command.token()

    def chaos(self, *arguments: str, status: int = 0) -> str:
        """What `sandboxd chaos` prints."""
        done = self.command("chaos", *arguments, status=status)
        return done.stderr if status else done.stdout

    def told(self, *arguments: str) -> Any:
        return json.loads(self.chaos(*arguments, "--json"))

    def start(self, *arguments: str) -> str:
        """Begin with something by `sandboxd chaos start`; gives its id."""
        return str(self.told("start", *arguments)["id"])

    def fault(self, kind: str, **takes: Any) -> str:
        """Begin with a fault without a command, where that is not what is shown; gives its id."""
        return str(self.ask("POST", "chaos/faults", {"fault": kind, **takes})["id"])

    def scenario(self, seed: str = "") -> str:
        """Begin with the fixture's scenario without a command; gives its id."""
        return str(self.ask("POST", "chaos/runs", {"name": "mine", "seed": seed})["id"])

    def stop(self, what: str = "") -> None:
        """End something, or all, without a command."""
        self.ask("DELETE", f"chaos/{what}" if what else "chaos")

    def advance(self, duration: str) -> None:
        self.ask("POST", "time/advance", {"value": duration})

    def get(self, path: str = APP, **headers: str) -> tuple[int, str]:
        """The status and the body of a GET; underscores in the names of headers stand for dashes."""
        given = {"X-Vault-Token": self.token} | {name.replace("_", "-"): value for name, value in headers.items()}
        connection = self.connected()
        try:
            connection.request("GET", path, headers=given)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def connected(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.address)
        return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)

    def status(self, path: str = APP, **headers: str) -> int:
        return self.get(path, **headers)[0]

    def statuses(self) -> list[int]:
        """Of so many reads."""
        return [self.status() for _ in range(READS)]

    def ask(self, method: str, route: str, body: Any = None) -> Any:
        """Ask the control API at its own port."""
        status, found = ask(self.control, method, CONTROL + route, self.token, body)
        assert status == 200, found
        return found

    def runs(self) -> list[Any]:
        """The scenarios that are under way."""
        return [each for each in self.ask("GET", "chaos")["runs"] if not each["over"]]

    def well_again(self) -> None:
        """As it was when it started."""
        self.ask("POST", "chaos/header", {"allowed": False})
        self.ask("POST", "reset")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    folder = tmp_path_factory.mktemp("chaos")
    (folder / "shop.yaml").write_text(FIXTURE)
    command = Command(folder)
    try:
        yield Vault(command, str(folder / "shop.yaml"))
    finally:
        command.clean()


@pytest.fixture
def vault(shared: Vault) -> Iterator[Vault]:
    yield shared
    shared.well_again()


@pytest.fixture
def mine(tmp_path: Path) -> str:
    file = tmp_path / "own.yaml"
    file.write_text(SCENARIO)
    return str(file)


def heard(process: subprocess.Popen[str], text: str) -> None:
    """Read what a command says until it has said a text."""
    assert process.stdout is not None
    said = ""
    while text not in said:
        line = process.stdout.readline()
        assert line, said
        said += line


# What there is.


def test_scenarios_are_listed_with_their_titles_and_those_of_the_fixture_are_marked(vault: Vault) -> None:
    lines = vault.chaos("list").splitlines()
    assert any(line.startswith("brown-out ") and "Slower and slower" in line for line in lines)
    assert any(line.split() == ["mine", "Half", "down,", "then", "down", "(of", "the", "fixture)"] for line in lines)


def test_a_tag_narrows_the_list(vault: Vault) -> None:
    lines = vault.chaos("list", "--tag", "seal").splitlines()
    assert [line.split()[0] for line in lines] == ["cold-start", "sealed-after-restart"]


def test_a_tag_that_no_scenario_has_is_refused_with_those_that_there_are(vault: Vault) -> None:
    said = vault.chaos("list", "--tag", "sael", status=1)
    assert 'no scenario has the tag "sael"' in said
    assert "seal" in said.split("there are ")[1].split(", ")


def test_the_list_is_there_as_json_for_scripts(vault: Vault) -> None:
    assert vault.told("list", "--tag", "mine") == [
        {"name": "mine", "title": "Half down, then down", "tags": ["mine"], "needs": [], "own": True}
    ]


def test_the_kinds_of_faults_are_listed_with_what_each_does(vault: Vault) -> None:
    lines = vault.chaos("list", "--faults").splitlines()
    assert any(line.split()[:2] == ["sealed", "Vault"] for line in lines)
    kinds = {line.split()[0] for line in lines if line.startswith("  ")}
    assert {"refused", "slow", "status", "sealed", "tokens-revoked"} <= kinds


def test_a_scenario_has_a_page_with_its_timeline(vault: Vault) -> None:
    page = vault.chaos("show", "mine")
    assert page.startswith("# mine\n")
    assert "**half**, 1h: `status`" in page


def test_a_fault_is_shown_with_all_that_it_takes(vault: Vault) -> None:
    page = vault.chaos("show", "slow")
    keys = [line.split()[0] for line in page.splitlines() if line.startswith("  ")]
    assert {"delay", "path", "probability", "times", "for"} <= set(keys)


def test_what_ships_is_listed_and_shown_with_no_sandbox_up(command: Command, mine: str) -> None:
    assert "brown-out" in command("chaos", "list").stdout
    assert "## Timeline" in command("chaos", "show", "brown-out").stdout
    assert command("chaos", "show", mine).stdout.startswith("# own\n")


def test_nothing_can_be_started_with_no_sandbox_up(command: Command) -> None:
    assert "`sandboxd up` starts one" in command("chaos", "start", "slow", status=3).stderr


# Single faults.


def test_a_fault_has_requests_fail_as_it_says_until_it_is_stopped(vault: Vault) -> None:
    fault = vault.start("status", "code=502", "errors=gone fishing")
    status, body = vault.get()
    assert (status, json.loads(body)) == (502, {"errors": ["gone fishing"]})
    assert vault.chaos("stop", fault) == f"Ended {fault}.\n"
    assert vault.status() == 200


def test_starting_tells_the_id_and_how_to_end_it(vault: Vault) -> None:
    said = vault.chaos("start", "status", "--seed", "abc")
    (fault,) = vault.ask("GET", "chaos")["faults"]
    assert f"status has begun, as {fault['id']} (seed abc)." in said
    assert f"sandboxd chaos stop {fault['id']} " in said


def test_what_is_not_aimed_at_is_spared(vault: Vault) -> None:
    vault.chaos("start", "status", "path=secret/*,cubbyhole/*", "except=secret/data/other", "operation=read")
    assert (vault.status(APP), vault.status(OTHER), vault.status(HEALTH)) == (503, 200, 200)
    assert ask(vault.address, "POST", APP, vault.token, {"data": {}})[0] == 200


def test_one_app_alone_can_be_struck(vault: Vault) -> None:
    vault.chaos("start", "throttled", "app=shop/*")
    assert (vault.status(User_Agent="shop/2.1"), vault.status(User_Agent="till/1.0")) == (429, 200)


def test_a_fault_strikes_no_more_often_than_it_was_told_to(vault: Vault) -> None:
    vault.chaos("start", "status", "times=2", "after=1")
    assert [vault.status() for _ in range(5)] == [200, 503, 503, 200, 200]


def test_a_fault_ends_by_itself_when_its_time_is_over(vault: Vault) -> None:
    vault.chaos("start", "status", "clock=sandbox", "--for", "2h")
    assert vault.status() == 503
    vault.advance("1h")
    assert vault.status() == 503
    vault.advance("1h")
    assert vault.status() == 200
    assert not vault.ask("GET", "chaos")["faults"]


def test_a_seed_gives_the_same_strikes_again(vault: Vault) -> None:
    seen = []
    for _ in range(2):
        fault = vault.start("status", "probability=50%", "--seed", "a seed")
        seen.append(vault.statuses())
        vault.stop(fault)
    assert seen[0] == seen[1]
    assert set(seen[0]) == {200, 503}


def test_what_a_fault_took_is_back_when_it_is_stopped(vault: Vault) -> None:
    vault.fault("secret-deleted", path="secret/app")
    assert vault.status() == 404
    vault.chaos("stop", "secret-deleted")
    status, body = vault.get()
    assert (status, json.loads(body)["data"]["data"]) == (200, {"user": "app"})


def test_status_tells_what_a_fault_is_and_what_it_has_hit(vault: Vault) -> None:
    fault = vault.fault("status", code=502, path="secret/*", every=2)
    assert [vault.status(User_Agent="shop/2.1") for _ in range(3)] == [502, 200, 502]
    lines = vault.chaos("status", "--strikes", "1").splitlines()
    told = next(line for line in lines if line.startswith(f"{fault} "))
    assert told.split() == [fault, "status", "code=502", "every=2", "path=secret/*:", "2", "of", "3", "struck"]
    latest = lines[lines.index("Latest:") + 1 :]
    assert len(latest) == 1
    assert latest[0].split()[1:] == ["status", "GET", "secret/data/app", "(shop/2.1)"]


def test_a_fault_can_be_stopped_by_the_name_that_it_was_given(vault: Vault) -> None:
    vault.fault("status", name="flaky")
    vault.fault("slow", delay="1ms")
    assert vault.chaos("stop", "flaky") == "Ended flaky.\n"
    assert [each["kind"] for each in vault.ask("GET", "chaos")["faults"]] == ["slow"]


def test_stop_alone_ends_everything_and_a_second_one_finds_nothing(vault: Vault) -> None:
    vault.fault("status", path="secret/*")
    vault.fault("sealed")
    vault.scenario()
    assert vault.chaos("stop") == "Ended 3 of them; all is as it was.\n"
    assert set(vault.statuses()) == {200}
    assert vault.chaos("stop") == "Nothing is going wrong.\n"


def test_what_is_stopped_already_is_said_to_be(vault: Vault) -> None:
    fault = vault.fault("status")
    vault.stop(fault)
    assert f'nothing that is called "{fault}" is going wrong' in vault.chaos("stop", fault, status=1)


def test_a_fault_in_one_world_leaves_the_others_alone(vault: Vault) -> None:
    vault.ask("POST", "worlds", {"name": "w1"})
    vault.chaos("start", "sealed", "--world", "w1")
    assert vault.status(HEALTH, X_Sandboxd_World="w1") == 503
    assert vault.status(HEALTH) == 200
    said = vault.chaos("start", "refused", "--world", "w1", status=1)
    assert "started in the main world" in said
    vault.ask("DELETE", "worlds/w1")


# The port itself.


def test_commands_get_through_while_the_main_port_refuses_and_stop_brings_it_back(vault: Vault) -> None:
    vault.chaos("start", "refused")
    with pytest.raises(ConnectionRefusedError):
        vault.status()
    assert ask(vault.control, "GET", f"{CONTROL}status", vault.token)[0] == 200
    assert vault.address in vault.command("status").stdout
    vault.chaos("stop")
    assert vault.status() == 200


def test_a_connection_that_was_open_ends_when_the_port_refuses(vault: Vault) -> None:
    connection = vault.connected()
    connection.request("GET", HEALTH)
    assert connection.getresponse().read()
    vault.fault("refused")
    try:
        assert connection.sock.recv(1) == b""
    except ConnectionResetError:
        pass
    finally:
        connection.close()


def test_reset_too_opens_a_port_that_refuses(vault: Vault) -> None:
    vault.chaos("start", "connection-refused")
    with pytest.raises(ConnectionRefusedError):
        vault.status()
    vault.command("reset")
    assert vault.status() == 200


def test_connections_can_be_reset_before_anything_is_read(vault: Vault) -> None:
    vault.chaos("start", "connect-reset")
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        vault.status()
    vault.stop()
    assert vault.status() == 200


def test_a_fault_of_tls_is_refused_where_there_is_no_tls(vault: Vault) -> None:
    assert "start it with --tls" in vault.chaos("start", "tls-expired", status=1)
    assert vault.status() == 200


# Scenarios.


def test_a_run_tells_its_phases_and_what_it_struck_and_ends_by_itself(vault: Vault) -> None:
    process = vault.command.start("chaos", "run", "mine", "--seed", "abc")
    heard(process, "half")
    vault.advance("1h")
    assert vault.statuses() == [502] * READS
    heard(process, "all of it")
    vault.advance("1h")
    status, said = ended(process)
    assert status == 0
    assert f"over; {READS} requests were struck." in said
    assert vault.status() == 200


def test_a_run_names_itself_and_its_seed(vault: Vault) -> None:
    process = vault.command.start("chaos", "run", "mine", "--seed", "abc")
    (run,) = until(vault.runs)
    heard(process, f"Half down, then down (run {run['id']}, seed abc)")


def test_an_interrupt_ends_a_run_before_its_time(vault: Vault) -> None:
    process = vault.command.start("chaos", "run", "mine")
    heard(process, "half")
    process.send_signal(signal.SIGINT)
    status, said = ended(process)
    assert "Ended before its time" in said
    assert "Traceback" not in said
    assert status == 0
    assert not vault.runs()
    assert set(vault.statuses()) == {200}


def test_a_run_that_is_stopped_elsewhere_is_over(vault: Vault) -> None:
    process = vault.command.start("chaos", "run", "mine", "--json")
    (run,) = until(vault.runs)
    vault.stop(run["id"])
    status, said = ended(process)
    assert (status, json.loads(said)["id"], json.loads(said)["over"]) == (0, run["id"], True)


def test_status_tells_the_phase_of_a_scenario_and_the_faults_in_it(vault: Vault) -> None:
    run = vault.scenario("abc")
    first = vault.chaos("status")
    assert f"{run} " in first
    assert "mine: half, since " in first
    assert "(seed abc)" in first
    assert "code=503" in first
    vault.advance("1h")
    assert vault.runs()[0]["phase"] == "all of it"
    then = vault.told("status")
    assert [each["phase"] for each in then["runs"] if each["id"] == run] == ["all of it"]
    assert [(each["run"], each["says"]["code"]) for each in then["faults"]] == [(run, 502)]


def test_a_scenario_in_a_file_of_its_own_is_called_by_its_name(vault: Vault, mine: str) -> None:
    vault.start(mine)
    assert [each["name"] for each in vault.runs()] == ["own"]
    assert vault.chaos("stop", "own") == "Ended own.\n"
    assert not vault.runs()


def test_a_scenario_can_be_given_another_aim(vault: Vault) -> None:
    vault.start("mine", "app=shop/*", "probability=1")
    assert (vault.status(User_Agent="shop/2.1"), vault.status(User_Agent="till/1.0")) == (503, 200)


def test_a_replay_strikes_the_same_requests_whatever_comes_between(vault: Vault) -> None:
    run = vault.scenario()
    before = vault.statuses()
    vault.stop()
    process = vault.command.start("chaos", "replay", run)
    (again,) = until(vault.runs)
    assert again["replay_of"] == run
    after, between = [], set()
    for _ in range(READS):
        between |= {vault.status(OTHER), vault.status(HEALTH)}
        after.append(vault.status())
    assert after == before
    assert between == {200}
    vault.stop()
    assert ended(process)[0] == 0


def test_without_a_run_named_the_latest_is_replayed_and_a_replay_is_none(vault: Vault) -> None:
    for _ in range(2):
        run = vault.scenario()
        vault.stop()
    vault.ask("POST", "chaos/replay", {})
    vault.stop()
    process = vault.command.start("chaos", "replay", "--json")
    until(vault.runs)
    vault.stop()
    assert json.loads(ended(process)[1])["replay_of"] == run


def test_a_replay_with_a_seed_is_drawn_as_a_run_with_it(vault: Vault) -> None:
    first = vault.scenario("one")
    vault.stop()
    vault.scenario("two")
    wanted = vault.statuses()
    vault.stop()
    process = vault.command.start("chaos", "replay", first, "--seed", "two")
    until(vault.runs)
    assert vault.statuses() == wanted
    vault.stop()
    assert ended(process)[0] == 0


def test_up_begins_with_an_outage_that_strikes_the_first_request(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "down.yaml"
    file.write_text("title: Down\nfaults: [{fault: status, code: 503, times: 1}]\n")
    vault = Vault(command, "--chaos", str(file))
    assert [vault.status(HEALTH), vault.status(HEALTH)] == [503, 200]
    assert "down: 1, since " in vault.chaos("status")


def test_up_with_an_outage_that_there_is_none_of_does_not_start(command: Command) -> None:
    done = command("up", "-d", "--port", "0", "--chaos", "brownout", status=1)
    assert "Did you mean brown-out?" in done.stderr
    assert "Traceback" not in done.stderr
    command("status", status=3)


def test_the_same_seed_makes_the_same_random_outage(command: Command, tmp_path: Path) -> None:
    files = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    for file in files:
        command("chaos", "monkey", "--seed", "one", "--out", str(file))
    assert files[0].read_text() == files[1].read_text()
    assert command("chaos", "show", str(files[0])).stdout.startswith("# a\n")


# Requests that ask for it.


def test_a_header_strikes_its_own_request_alone(command: Command) -> None:
    vault = Vault(command, "--fault-header")
    asked = {"X_Sandboxd_Fault": "status code=502"}
    assert [vault.status(HEALTH), vault.status(HEALTH, **asked), vault.status(HEALTH)] == [200, 502, 200]
    assert "Requests may ask for faults by X-Sandboxd-Fault." in vault.chaos("status")


def test_a_header_that_is_not_allowed_is_refused_with_what_allows_it(vault: Vault) -> None:
    status, body = vault.get(X_Sandboxd_Fault="status code=502")
    assert status == 400
    assert "sandboxd chaos header on" in body
    assert "--fault-header" in body


def test_the_header_can_be_allowed_and_forbidden_while_the_sandbox_runs(vault: Vault) -> None:
    assert "X-Sandboxd-Fault: status code=502" in vault.chaos("header", "on")
    assert vault.status(X_Sandboxd_Fault="status code=502") == 502
    assert "no longer" in vault.chaos("header", "off")
    assert vault.status(X_Sandboxd_Fault="status code=502") == 400


@pytest.mark.parametrize(
    ("asked", "told"),
    [("statuz code=502", "Did you mean status?"), ("status cde=502", "Did you mean code?"), ("refused", "of its own")],
)
def test_a_header_with_a_mistake_is_refused_with_what_is_wrong(vault: Vault, asked: str, told: str) -> None:
    vault.ask("POST", "chaos/header", {"allowed": True})
    status, body = vault.get(X_Sandboxd_Fault=asked)
    assert status == 400
    assert told in body


# Mistakes.


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        ("start statuz", 1, "Did you mean status?"),
        ("run mime", 1, "Did you mean mine?"),
        ("show brownout", 1, "Did you mean brown-out?"),
        ("start slow dely=2s", 2, "Did you mean delay?"),
        ("start slow delay=soon", 2, "lognormal(300ms, 0.8)"),
        ("start mine pth=secret/*", 2, "Did you mean path?"),
        ("run status", 2, "chaos start status --for 30s"),
        ("start nothere.yaml", 4, "No such file"),
        ("replay r999", 1, 'there is no run "r999"'),
        ("header maybe", 2, "neither on nor off"),
    ],
)
def test_a_mistake_is_told_with_what_was_probably_meant(vault: Vault, words: str, status: int, told: str) -> None:
    done = vault.command("chaos", *words.split(), status=status)
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout
    assert not vault.ask("GET", "chaos")["faults"]


def test_a_mistake_in_a_scenarios_file_is_told_with_its_line(vault: Vault, tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("title: Bad\nphases:\n  - {hold: 1s, faults: [{fault: statuz}]}\n")
    said = vault.chaos("run", str(file), status=4)
    assert "bad.yaml:3:" in said
    assert "Did you mean status?" in said
    assert not vault.runs()


def test_headers_are_shown_as_they_are_given(vault: Vault) -> None:
    vault.start("status", "code=503", "headers=Retry-After:3,X-Cache:hit")
    assert "headers=Retry-After:3,X-Cache:hit" in vault.chaos("status")
