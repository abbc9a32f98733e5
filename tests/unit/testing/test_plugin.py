"""The pytest plugin, in suites of its own."""

import pytest

pytest_plugins = ["pytester"]

HEAD = """
import http.client, pytest
from urllib.parse import urlsplit

def get(sandbox, path):
    parts = urlsplit(sandbox.address)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    connection.request("GET", f"/v1/{path}", headers={"X-Vault-Token": sandbox.token})
    status = connection.getresponse().status
    connection.close()
    return status
"""


@pytest.fixture
def suite(pytester):
    def run(text: str, *, fixture: str = "") -> None:
        pytester.makeini(f"[pytest]\naddopts = --strict-markers\n{fixture}")
        pytester.makepyfile(HEAD + text)
        pytester.runpytest_subprocess("-q").assert_outcomes(passed=text.count("def test_"))

    return run


def test_each_test_has_a_fresh_sandbox(suite):
    suite("""
def test_one(sandbox):
    assert get(sandbox, "sys/health") == 200
    sandbox.chaos.start("status")
    assert get(sandbox, "sys/health") == 503

def test_two(sandbox):
    assert get(sandbox, "sys/health") == 200
""")


def test_a_marker_has_a_fault_or_a_scenario_go_wrong(suite, pytester):
    pytester.path.joinpath("main.yaml").write_text(
        "sandbox: shop\nchaos:\n  bad: {faults: [{fault: status, code: 500}]}\n"
        "secrets:\n  secret/app: {fields: {a: b}}\n"
    )
    suite(
        """
@pytest.mark.chaos("status code=502 path=sys/*")
def test_fault(sandbox):
    assert get(sandbox, "sys/health") == 502
    assert get(sandbox, "secret/data/app") == 200

@pytest.mark.chaos("bad path=secret/*", seed="s")
def test_scenario(sandbox):
    assert get(sandbox, "secret/data/app") == 500
    assert get(sandbox, "sys/health") == 200

def test_none(sandbox):
    assert get(sandbox, "secret/data/app") == 200
""",
        fixture="sandboxd_fixture = main.yaml",
    )
