"""The pytest plugin: a sandbox for each test, and outages by a marker.

- The fixture `sandbox` is a `sandboxd.testing.Sandbox` that is as it was when it started at the beginning of each test.
  `sandboxd_fixture = path/to/fixture.yaml` in pytest's configuration says what it is filled from.
- `@pytest.mark.chaos("slow delay=2s path=secret/*")` has a fault, or a scenario by its name, go wrong during a test.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sandboxd.testing.sandbox import Sandbox

OPTION = "sandboxd_fixture"
MARKER = "chaos(*what, seed=...): have these faults (as on the command line) or scenarios go wrong during the test"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the option that says what the sandbox is filled from."""
    parser.addini(OPTION, "the fixture that the sandbox of the tests is filled from", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture(scope="session")
def sandboxd_process(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """The one sandbox that all tests of this process share, one after the other."""
    from sandboxd.testing.sandbox import Sandbox

    written = str(request.config.getini(OPTION))
    fixture = Path(request.config.rootpath, written) if written else None
    with Sandbox(fixture) as found:
        yield found


@pytest.fixture
def sandbox(sandboxd_process: Sandbox, request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A sandbox that is as fresh as it was when it started, with what the markers say going wrong."""
    from sandboxd.chaos.kinds import KINDS

    sandboxd_process.reset()
    chaos = sandboxd_process.chaos
    for marker in reversed(list(request.node.iter_markers("chaos"))):
        seed = str(marker.kwargs.get("seed", ""))
        for what in marker.args:
            if str(what).partition(" ")[0] in KINDS:
                chaos.start(what, seed=seed)
            else:
                name, *aim = str(what).split()
                chaos.run(name, *aim, seed=seed)
    yield sandboxd_process
    chaos.stop()
