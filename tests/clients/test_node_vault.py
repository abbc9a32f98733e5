"""node-vault, unmodified: runs the tests in `node/`, and reports each of them as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hvac
import pytest
from clients import nodejs

from sandboxd.testing import Sandbox

if TYPE_CHECKING:
    from conformance.servers import Server

CALLS, OUTAGES = "vault.test.mjs", "outages.test.mjs"


@pytest.fixture(scope="module")
def calls(shared: Server) -> dict[str, str]:
    return nodejs.run(CALLS, shared.address)


@pytest.fixture(scope="module")
def outages() -> dict[str, str]:
    with Sandbox(root_token="root") as sandbox:
        sandbox.chaos.allow_header()
        client = hvac.Client(url=sandbox.address, token="root")
        client.secrets.kv.v2.create_or_update_secret("app", {"x": 1})
        client.adapter.close()
        return nodejs.run(OUTAGES, sandbox.address)


@pytest.mark.parametrize("name", nodejs.names(CALLS))
def test_node_vault(name: str, calls: dict[str, str]) -> None:
    if calls[name]:
        pytest.fail(calls[name], pytrace=False)


@pytest.mark.parametrize("name", nodejs.names(OUTAGES))
def test_node_vault_in_an_outage(name: str, outages: dict[str, str]) -> None:
    if outages[name]:
        pytest.fail(outages[name], pytrace=False)
