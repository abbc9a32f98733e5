import os
import signal
import stat
import subprocess
import sys

import pytest

from sandboxd.cli import state

RUNNING = state.Running(name="shop", pid=os.getpid(), address="http://127.0.0.1:1", profile="vault")
HOLD = """
import sys
from sandboxd.cli import state
with state.holding("shop"):
    state.write(state.Running(name="shop", pid=1, address="http://127.0.0.1:1", profile="vault"), "token")
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SANDBOXD_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def holder():
    """Another process that holds the name "shop"."""
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def test_a_running_sandbox_is_found_with_its_token():
    with state.holding("shop"):
        state.write(RUNNING, "hunter2")
        assert state.read("shop") == RUNNING
        assert state.read_token("shop") == "hunter2"
        assert state.names() == ["shop"]


def test_nothing_is_known_of_any_other():
    assert state.read("shop") is None
    assert state.read_token("shop") == ""
    assert state.names() == []
    assert not state.held("shop")


def test_what_is_kept_is_for_its_owner_alone(tmp_path):
    with state.holding("shop"):
        state.write(RUNNING, "hunter2")
        place = tmp_path / "state" / "shop"
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert {stat.S_IMODE(entry.stat().st_mode) for entry in place.iterdir()} == {0o600}


def test_a_file_that_others_could_read_is_replaced_by_one_they_cannot(tmp_path):
    path = tmp_path / "token"
    path.write_text("old")
    path.chmod(0o644)
    state.write_private(path, "new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_is_let_go_of_in_the_end_with_all_but_the_log(tmp_path):
    with state.holding("shop"):
        state.write(RUNNING, "hunter2")
        state.log_file("shop").write_text("said")
    assert state.read("shop") is None
    assert {entry.name for entry in (tmp_path / "state" / "shop").iterdir()} == {"lock", "log"}
    with state.holding("shop"):
        pass


def test_a_name_is_held_by_one_process(holder):
    assert state.held("shop")
    assert state.read("shop") is not None
    with pytest.raises(state.Held), state.holding("shop"):
        pass
    assert state.read("shop") is not None


def test_a_process_that_is_killed_holds_nothing_any_more(holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert not state.held("shop")
    assert state.was_left("shop")
    assert state.read("shop") is None
    assert not state.was_left("shop")
    assert state.read_token("shop") == ""
    with state.holding("shop"):
        pass


def test_a_file_that_is_no_state_is_nothing(tmp_path):
    with state.holding("shop"):
        (tmp_path / "state" / "shop" / "state.json").write_text("{")
        assert state.read("shop") is None
