"""What every declared kind must keep, read off the declarations."""

import re

import pytest

from sandboxd.fakes import Nature, Proof, Source, Status, find, generate, guard, kinds, parts, verify
from sandboxd.fakes.forms.addresses import basic_credentials, credentials

KINDS = pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.id)
MARKED = pytest.mark.parametrize("kind", [kind for kind in kinds() if kind.bits], ids=lambda kind: kind.id)
# Their mark is in the password, whatever is around it.
BY_PASSWORD = {"postgres_url", "mysql_url", "mongodb_url", "redis_url", "amqp_url", "url_marked", "basic_auth"}
# AWS ids have no mark but their structure. In keys and certificates the mark binds the numbers, not the text around;
# in a service account's token all but the signature.
NOT_BY_SYMBOL = {
    "aws_access_key_id", "aws_temporary_access_key_id", "pem_rsa", "pem_ec", "pem_ed25519", "pem_openssh",
    "pgp_private", "tls_certificate", "azure_storage_connection_string", "kubernetes_service_account_token",
}  # fmt: skip


def made(kind, version=1):
    return generate(kind, Source("catalogue", "kv/data/x", "f", version))


@KINDS
def test_its_values_are_what_an_app_accepts(kind):
    assert kind.accepted.fullmatch(made(kind))


@MARKED
def test_its_values_verify_as_its_own(kind):
    for version in (1, 2, 3) if kind.nature is Nature.TOKEN else (1,):
        verdict = verify(made(kind, version))
        assert (verdict.status, verdict.kind.id, verdict.proof) == (Status.MADE_HERE, kind.id, kind.proof)
        assert verdict.bits >= 39.5
        assert verdict.claim == kind.proof.claim


@MARKED
def test_its_values_verify_with_a_line_break_after_them(kind):
    assert verify(made(kind) + "\n").made_here


@pytest.mark.parametrize(
    "kind", [kind for kind in kinds() if kind.proof in (Proof.IMPOSSIBLE, Proof.RESERVED)], ids=lambda kind: kind.id
)
def test_a_structural_proof_holds_and_is_explained(kind):
    value = made(kind)
    assert kind.form.broken(value)
    assert not kind.form.genuine(value)
    assert verify(value).structure == kind.why
    assert re.fullmatch(r"[A-Z].+[^.]\.", kind.why)


@KINDS
def test_its_values_hold_its_anchor_and_match_what_a_scanner_looks_for(kind):
    value = made(kind)
    if not kind.shapeless:
        assert any(literal in value for literal in kind.literals)
        assert kind.issued.search(value)


@MARKED
def test_no_other_kind_takes_its_values_for_its_own(kind):
    value = made(kind)
    takers = {other.id for other in kinds() if other.bits and other.form.marked(other.id, value)} - {kind.id}
    if kind.id in BY_PASSWORD:
        assert takers <= BY_PASSWORD
    elif kind.id == "gcp_service_account":
        assert takers == {"pem_rsa"}  # the key inside it
    else:
        assert not takers


@pytest.mark.parametrize(
    "kind", [kind for kind in kinds() if kind.bits and kind.id not in NOT_BY_SYMBOL], ids=lambda kind: kind.id
)
def test_no_changed_symbol_is_accepted(kind):
    value = made(kind)
    positions = range(0, len(value), 41) if kind.id == "gcp_service_account" else range(len(value))
    if kind.id == "basic_auth":
        positions = range(len("sbx_user:Sbx1") * 4 // 3 + 2, len(value))
    elif kind.id in BY_PASSWORD:
        start = value.index("Sbx1")
        positions = range(start, start + 30)
    for at in positions:
        assert not kind.form.marked(kind.id, value[:at] + changed(value[at]) + value[at + 1 :]), at


def changed(symbol):
    """Another symbol, not the same one in the other case: hex may be written in capitals."""
    return chr(ord(symbol) + 1) if symbol not in "9Zz/-" else "x"


@MARKED
def test_the_guard_lets_its_values_in(kind):
    assert guard(made(kind), key_name=kind.key, strict=True) is None


@MARKED
def test_its_values_are_found_in_a_text(kind):
    value = made(kind)
    text = f'first line\n{kind.key} = "{value}"\nlast line\n'
    spans = [span for span in find(text) if span.made_here]
    assert [text[span.start : span.end].strip() for span in spans] == [value.strip()]
    assert spans[0].kind.id == kind.id


@KINDS
def test_the_same_place_gives_the_same_parts(kind):
    source = Source("catalogue", "kv/data/x", "f", 1)
    whole = parts(kind, source)
    assert whole == parts(kind.name, source)
    assert set(whole) == {"value", *kind.parts}
    for part, value in whole.items():
        assert generate(kind, source, part=part) == value


@KINDS
def test_its_declaration_is_complete(kind):
    assert re.fullmatch(r"[a-z0-9_]+", kind.id)
    assert re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)?", kind.name)
    assert kind.title
    assert kind.provider
    assert re.fullmatch(r"[a-z0-9_]+", kind.key)
    assert all(help_text.endswith(".") for help_text in kind.parts.values())


def test_a_value_of_each_kind_differs_from_version_to_version():
    for kind in kinds():
        if kind.nature is Nature.TOKEN:
            assert len({made(kind, version) for version in range(1, 30)}) == 29, kind.id


def test_a_password_verifies_alone_when_taken_out_of_its_url():
    for kind in kinds():
        if kind.id in BY_PASSWORD:
            value = made(kind)
            found = basic_credentials(value) if kind.id == "basic_auth" else credentials(value)
            assert verify(found[1]).kind.id == "password_marked"
