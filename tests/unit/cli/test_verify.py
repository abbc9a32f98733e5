"""What `verify` prints of a verdict, and the status that it ends with."""

import json

import msgspec
import pytest
from typer.testing import CliRunner

from sandboxd.cli import app
from sandboxd.cli import verify as verifying
from sandboxd.edge.standing import Standing
from sandboxd.edge.verdict import judge
from sandboxd.fakes import Source, generate
from sandboxd.fixtures import Declared
from sandboxd.insight import Reader
from sandboxd.vault.ledger import Holder

KEY = generate("stripe.secret_key", Source("shop", "secret/pay", "key"))
FOUND = Standing(
    state="current",
    source="secret",
    path="secret/data/pay",
    namespace="team/",
    field="key",
    version=2,
    owner="payments",
    holders=(Holder(accessor="acc", display_name="approle", at=10**9),),
)


@pytest.fixture
def told(monkeypatch):
    """Gives what is printed, and the status, when the sandbox answers with a verdict."""

    def told(verdict, *words, value="a-value"):
        asked = []

        def ask(name, method, route, body=None, *, world=None):
            asked.append((name, method, route, body, world))
            return msgspec.to_builtins(verdict)

        monkeypatch.setattr(verifying, "ask", ask)
        monkeypatch.setattr(verifying.state, "held", lambda _: True)
        result = CliRunner().invoke(app.app, ["verify", value, *words], input="from-stdin\n")
        return result.exit_code, result.stdout, asked

    return told


def judged(state, value=KEY, **more):
    return judge(value, None, msgspec.structs.replace(FOUND, state=state, **more))


@pytest.mark.parametrize(
    ("state", "status", "line"),
    [
        ("current", 0, "valid: current"),
        ("grace", 0, "valid: grace"),
        ("expired", 7, "not valid: expired"),
        ("revoked", 7, "not valid: revoked"),
        ("superseded", 7, "not valid: superseded"),
    ],
)
def test_the_status_tells_whether_it_is_valid(told, state, status, line):
    found, out, _ = told(judged(state))
    assert (found, out.splitlines()[0]) == (status, line)


def test_what_was_made_by_sandboxd_and_never_issued_here_is_ours_and_not_valid(told):
    status, out, _ = told(judge(KEY, None, Standing(state="unknown")))
    assert status == 7
    assert "It was never issued here, though it was made by sandboxd (Stripe secret key" in out


def test_what_nobody_knows_is_not_ours(told):
    status, out, _ = told(judge("hunter2", None, Standing(state="unknown")))
    assert (status, out) == (6, "not ours: unknown\n  It was never issued here.\n")


def test_it_says_where_a_value_is_from_and_who_has_it(told):
    readers = [
        Reader(
            accessor="acc", display_name="approle", entity_id="", metadata={"role_name": "shop"}, version=2, at=10**9
        ),
        Reader(accessor="", display_name="ci", entity_id="", metadata={}, version=1, at=10**9),
    ]
    declared = Declared(path="secret/pay", field="key", version=1, current=False, kind="", place="shop.yaml:3:3")
    _, out, _ = told(judge("a-value", declared, FOUND, readers))
    assert out.splitlines()[1:] == [
        "  It is valid.",
        "  From team/secret/data/pay, field key, version 2; owner: payments.",
        "  Obtained by approle (shop), accessor acc at 1970-01-01T00:00:01Z.",
        "  Last read by ci, a batch token, version 1, at 1970-01-01T00:00:01Z.",
        "  Declared as secret/pay, field key, version 1, not the current one: shop.yaml:3:3",
    ]


def test_who_obtained_a_credential_is_not_told_again_as_its_reader(told):
    reader = Reader(accessor="acc", display_name="approle", entity_id="", metadata={}, version=0, at=10**9 + 1)
    _, out, _ = told(judge("a-value", None, msgspec.structs.replace(FOUND, version=0), [reader]))
    assert "Obtained by approle, accessor acc" in out
    assert "Last read" not in out


def test_names_cannot_command_the_terminal(told):
    _, out, _ = told(judged("current", field="key\x1b[31m\n"))
    assert "field key?[31m?, version" in out


def test_the_value_may_come_from_standard_input_and_is_not_shown(told):
    _, out, asked = told(judged("current"), "--world", "one", value="-")
    assert asked == [("default", "POST", "verify", {"value": "from-stdin"}, "one")]
    assert "from-stdin" not in out


def test_it_can_be_had_as_json(told):
    status, out, _ = told(judged("revoked"), "--json")
    assert (status, json.loads(out)["state"]) == (7, "revoked")
