from sandboxd.edge.verdict import judge
from sandboxd.fakes import Source, generate, kind
from sandboxd.fixtures import Declared


def test_a_value_made_here_is_ours():
    found = judge(generate("stripe.secret_key", Source("shop", "secret/app", "key")))
    assert found.ours
    assert found.kind == "stripe.secret_key"
    assert found.title == kind("stripe.secret_key").title


def test_any_other_value_is_not():
    found = judge("hunter2")
    assert (found.ours, found.declared) == (False, None)


def test_a_value_that_the_fixture_declares_is_ours_whatever_it_looks_like():
    place = Declared(path="secret/app", field="a", version=1, current=True, kind="")
    assert judge("hunter2", place).ours


def test_a_verdict_does_not_hold_the_value():
    assert "hunter2" not in repr(judge("hunter2"))
