"""Servers and clients for tests of real clients.

`shared` is one development server for all tests that keep to paths of their own; `server` (of the root conftest) is a
fresh one; `sealed` is one that is neither initialised nor unsealed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import hvac
import pytest
from conformance.servers import ROOT_TOKEN, SEALED, Server, start

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def shared(subject: str) -> Iterator[Server]:
    running = start(subject)
    yield running
    running.stop()


@pytest.fixture
def sealed(subject: str) -> Iterator[Server]:
    running = start(subject, config=SEALED)
    yield running
    running.stop()


@pytest.fixture
def vault(shared: Server) -> Iterator[hvac.Client]:
    """An hvac client of the shared server, with the root token."""
    client = hvac.Client(url=shared.address, token=ROOT_TOKEN)
    yield client
    client.adapter.close()


@pytest.fixture
def lone(server: Server) -> Iterator[hvac.Client]:
    """An hvac client of a server that no other test sees."""
    client = hvac.Client(url=server.address, token=ROOT_TOKEN)
    yield client
    client.adapter.close()


@pytest.fixture
def path(request: pytest.FixtureRequest) -> str:
    """A name that no other test uses, for mounts and the like."""
    return "t-" + request.node.name.removeprefix("test_").replace("_", "-").replace("[", "-").replace("]", "")
