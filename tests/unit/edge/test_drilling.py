from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandboxd.edge.drilling import lacks
from sandboxd.edge.sandbox import Options, open_sandbox
from sandboxd.fixtures import catalogue
from sandboxd.fixtures.scenarios import scenario_of

if TYPE_CHECKING:
    from pathlib import Path


LAST = "[{faults: [{fault: sealed}]}]"


async def lacking(text: str, fixture: Path | None = None, profile: Any = None, *, phases: str = LAST) -> str:
    """What a scenario needs that a drill with some fixture cannot give it."""
    built_in = catalogue.folder() / "drill.yaml"
    sandbox = await open_sandbox(Options(name="drill", fixture=fixture or built_in, profile=profile))
    try:
        return lacks(sandbox, scenario_of(f"{text}\nphases: {phases}".encode(), "test"))
    finally:
        await sandbox.close()


@pytest.mark.parametrize("need", ["kv", "approle", "database", "tls", "nodes", "vault"])
async def test_the_fixture_of_its_own_has_what_scenarios_need(need: str):
    assert await lacking(f"needs: [{need}]") == ""


async def test_what_a_fixture_does_not_have_is_told(tmp_path: Path):
    empty = tmp_path / "empty.yaml"
    empty.write_text("sandbox: empty\n")
    assert await lacking("needs: [kv, database]", empty) == "the fixture has no mount of type database"


async def test_what_is_vaults_alone_is_not_drilled_as_openbao():
    assert await lacking("needs: [vault]", profile="openbao") == "it is Vault's alone, and this is OpenBao: --as vault"


async def test_what_lasts_long_by_the_sandboxs_clock_would_hardly_end():
    assert await lacking("clock: sandbox") == ""
    assert "nobody moves" in await lacking("clock: sandbox\nrepeat: 1000", phases="[{hold: 1h}]")
