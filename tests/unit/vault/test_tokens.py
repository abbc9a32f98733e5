"""Tokens. Their forms are those of Vault's documentation and of tokens made by OpenBao 2.7.2."""

import re

import msgspec
import pytest
from unit.helpers import call, world

from sandboxd.fakes import verify
from sandboxd.vault.bootstrap import create_root_token
from sandboxd.vault.tokens import MalformedToken, Token, split_namespace, token_hash


def made(vault, **fields):
    fields = {"policies": ("default",), "path": "auth/token/create", "creation_time": 1, "ttl": 60, **fields}
    return vault.tokens.create(Token(id="", **fields))


def test_a_vault_service_token_has_95_characters_and_the_signed_form():
    token = made(world("vault"))
    assert re.fullmatch(r"hvs\.CAESI[0-9A-Za-z_-]{86}", token.id)
    assert re.fullmatch(r"[0-9A-Za-z]{24}", token.accessor)


def test_a_vault_root_token_has_28_characters():
    assert re.fullmatch(r"hvs\.[0-9A-Za-z]{24}", create_root_token(world("vault")).id)


def test_an_openbao_service_token_has_26_characters():
    vault = world()
    assert re.fullmatch(r"s\.[0-9A-Za-z]{24}", made(vault).id)
    assert re.fullmatch(r"s\.[0-9A-Za-z]{24}", create_root_token(vault).id)


def test_vault_service_tokens_carry_the_mark_of_a_fake():
    vault = world("vault")
    assert verify(made(vault).id).made_here
    assert verify(create_root_token(vault).id).made_here


def test_a_token_of_a_namespace_shows_it_at_the_end():
    vault = world()
    namespace = vault.namespaces.create(vault.namespaces.get("root"), "team/", {}, id_length=6)
    token = made(vault, namespace_id=namespace.id)
    assert token.id.endswith(f".{namespace.id}")
    assert token.accessor.endswith(f".{namespace.id}")
    assert vault.tokens.accessors(namespace.id) == [token.accessor]


@pytest.mark.parametrize(("profile", "prefix"), [("vault", "hvb.AAAAAQ"), ("openbao", "b.AAAAAQ")])
def test_a_batch_token_carries_all_it_knows(profile, prefix):
    vault = world(profile)
    token = made(vault, type="batch", meta={"k": "v"}, display_name="app", entity_id="e", role="r")
    assert token.id.startswith(prefix)
    assert vault.tokens.by_hash(token.hash) is None
    assert msgspec.structs.replace(vault.tokens.lookup(token.id), id="") == msgspec.structs.replace(token, id="")


def test_a_batch_token_is_read_by_another_world_with_the_same_storage():
    vault = world()
    token = made(vault, type="batch")
    vault.restore(vault.snapshot())
    assert vault.tokens.lookup(token.id) == token


def test_a_tampered_batch_token_is_unknown():
    vault = world()
    token = made(vault, type="batch")
    swapped = token.id[:-1] + ("A" if token.id[-1] != "A" else "Q")
    assert vault.tokens.lookup(swapped) is None
    assert vault.tokens.lookup("b.AAAA") is None
    assert vault.tokens.lookup("b.") is None


@pytest.mark.parametrize(("token_id", "at"), [("b.!!!", 0), ("b.A", 0), ("hvb.AAAA=", 4), ("b.AAAAA", 4)])
def test_a_batch_token_that_does_not_decode_says_where(token_id, at):
    with pytest.raises(MalformedToken) as caught:
        world().tokens.lookup(token_id)
    assert caught.value.errors == (f"illegal base64 data at input byte {at}",)


def test_a_malformed_token_is_refused_before_anything_else():
    reply = call(world(), "GET", "sys/internal/ui/mounts", token="b.!!!")
    assert (reply.status, reply.errors) == (500, ["error performing token check: illegal base64 data at input byte 0"])


def test_a_batch_token_ends_with_its_time():
    vault = world()
    token = made(vault, type="batch", creation_time=100, ttl=60)
    assert vault.tokens.live(token.id, 160) == token
    assert vault.tokens.live(token.id, 160.1) is None


def test_a_batch_token_ends_with_its_parent():
    vault = world()
    parent = made(vault)
    token = made(vault, type="batch", parent=parent.hash)
    assert vault.tokens.live(token.id, 2) == token
    vault.tokens.delete(parent)
    assert vault.tokens.live(token.id, 2) is None


def test_a_used_up_token_can_be_looked_up_but_not_used():
    vault = world()
    token = msgspec.structs.replace(made(vault), num_uses=-1, used_up=True)
    vault.tokens.put(token)
    assert vault.tokens.lookup(token.id) == token
    assert vault.tokens.live(token.id, 0) is None


def test_a_chosen_id_is_hashed_otherwise_than_a_random_one():
    assert re.fullmatch(r"[0-9a-f]{40}", token_hash("mine"))
    assert re.fullmatch(r"h[0-9a-f]{64}", token_hash("s.mine"))


def test_only_unknown_ids_of_the_signed_form_are_forged():
    vault = world("vault")
    token = made(vault)
    assert not vault.tokens.forged(token.id)
    vault.tokens.delete(token)
    assert not vault.tokens.forged(token.id)  # revoked, but signed
    assert vault.tokens.forged(token.id[:-1] + ("A" if token.id[-1] != "A" else "B"))
    assert not vault.tokens.forged("hvs." + "!" * 91)
    assert not vault.tokens.forged("hvs.abcdefghijklmnopqrstuvwx")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("s.abc", ("s.abc", "")),
        ("s.abc.ns1234", ("s.abc", "ns1234")),
        ("hvb.abc.ns1234", ("hvb.abc", "ns1234")),
        ("abc.ns1234", ("abc", "ns1234")),
        ("abc.", ("abc.", "")),
        ("auth/a.b/login/habc", ("auth/a.b/login/habc", "")),
        ("auth/token/create/habc.ns1234", ("auth/token/create/habc", "ns1234")),
        ("", ("", "")),
    ],
)
def test_the_namespace_is_cut_off_a_name(name, parts):
    assert split_namespace(name) == parts


def test_a_deleted_token_leaves_orphans():
    vault = world()
    parent = made(vault)
    child = made(vault, parent=parent.hash)
    assert vault.tokens.children(parent.hash) == [child]
    vault.tokens.delete(parent)
    assert vault.tokens.by_accessor(parent.accessor) is None
    assert vault.tokens.lookup(child.id).parent == ""
