"""What is remembered of credentials that were handed out."""

import asyncio
from types import SimpleNamespace

import pytest
from unit.helpers import START, call, world
from unit.leasing import Lender, mount

from sandboxd.vault import ledger as ledgers
from sandboxd.vault.clock import NANOSECONDS


class Issuer(Lender):
    """Lends out passwords that the ledger is to know."""

    def lend(self, call, args):
        response = super().lend(call, args)
        response.data = {"password": call.entropy.text(12), "user": args.name}
        response.credentials = ("password",)
        return response


@pytest.fixture
def made():
    made = world()
    mount(made, Issuer().engine, "lend/")
    return made


def lent(made, query="", token="root"):
    reply = call(made, "GET", f"lend/creds/app{query}", token=token).json
    return SimpleNamespace(password=reply["data"]["password"], user=reply["data"]["user"], lease=reply["lease_id"])


def test_a_credential_is_known_with_its_lease_and_who_obtained_it(made):
    found = lent(made)
    issued = made.ledger.find(found.password)
    accessor = call(made, "GET", "auth/token/lookup-self").data["accessor"]
    assert (issued.path, issued.field, issued.lease_id) == ("lend/creds/app", "password", found.lease)
    assert [(holder.accessor, holder.at) for holder in issued.holders] == [(accessor, START * NANOSECONDS)]
    assert issued.valid(made.clock.now_ns())


def test_what_is_no_credential_is_not_kept(made):
    assert made.ledger.find(lent(made).user) is None


def test_values_are_kept_as_hashes(made):
    found = lent(made)
    assert not any(found.password in path for path in made.storage.walk("core/ledger/"))


def test_a_revoked_lease_ends_its_credential(made):
    found = lent(made)
    call(made, "PUT", "sys/leases/revoke", {"lease_id": found.lease, "sync": True})
    issued = made.ledger.find(found.password)
    assert (issued.end, issued.valid(made.clock.now_ns())) == ("revoked", False)


def test_an_expired_lease_ends_its_credential_at_that_moment(made):
    found = lent(made, "?ttl=60")
    asyncio.run(made.timeline.advance(3600))
    issued = made.ledger.find(found.password)
    assert (issued.end, issued.ended_at) == ("expired", (START + 60) * NANOSECONDS)


def test_a_renewed_lease_keeps_its_credential(made):
    found = lent(made, "?ttl=60")
    call(made, "PUT", "sys/leases/renew", {"lease_id": found.lease, "increment": 600})
    asyncio.run(made.timeline.advance(100))
    assert made.ledger.find(found.password).valid(made.clock.now_ns())
    asyncio.run(made.timeline.advance(600))
    assert made.ledger.find(found.password).end == "expired"


def test_credentials_end_with_the_token_that_obtained_them(made):
    child = call(made, "POST", "auth/token/create", {"policies": ["root"]}).json["auth"]["client_token"]
    found = lent(made, token=child)
    call(made, "POST", "auth/token/revoke", {"token": child})
    assert made.ledger.find(found.password).end == "revoked"


def test_a_token_that_ended_is_remembered_with_how(made):
    tokens = [call(made, "POST", "auth/token/create", {"ttl": "1m"}).json["auth"]["client_token"] for _ in range(2)]
    call(made, "POST", "auth/token/revoke", {"token": tokens[0]})
    asyncio.run(made.timeline.advance(120))
    assert [made.ledger.find(token).end for token in tokens] == ["revoked", "expired"]


def test_a_superseded_credential_is_valid_through_its_grace(made):
    made.ledger.superseded("old", path="db/static-creds/a", grace=60)
    issued = made.ledger.find("old")
    assert (issued.end, issued.valid(made.clock.now_ns())) == ("superseded", True)
    made.clock.advance(60)
    assert not issued.valid(made.clock.now_ns())


def test_only_so_many_ends_are_remembered(made, monkeypatch):
    monkeypatch.setattr(ledgers, "REMEMBERED", 2)
    for name in ("a", "b", "c"):
        made.ledger.superseded(name, path="x")
    assert [made.ledger.find(name) is None for name in ("a", "b", "c")] == [True, False, False]


def test_the_ledger_goes_back_with_the_state(made):
    found = lent(made)
    before = made.snapshot()
    call(made, "PUT", "sys/leases/revoke", {"lease_id": found.lease, "sync": True})
    made.restore(before)
    assert made.ledger.find(found.password).end == ""


def test_the_username_that_goes_with_a_password_is_known(made):
    class Database(Lender):
        def lend(self, call, args):
            response = super().lend(call, args)
            response.data = {"password": "a-password", "username": "v-app"}
            response.credentials = ("password",)
            return response

    mount(made, Database().engine, "db/")
    call(made, "GET", "db/creds/app")
    assert made.ledger.find("a-password").username == "v-app"


def test_what_was_lost_is_no_more_and_has_no_grace(made):
    made.ledger.superseded("old", path="kv/a", field="key", grace=60)
    made.ledger.lost("old", path="kv/a", field="key", namespace="", how="revoked", at=5)
    issued = made.ledger.find("old")
    assert (issued.end, issued.ended_at, issued.valid(made.clock.now_ns())) == ("revoked", 5, False)


def test_what_is_known_from_elsewhere_is_not_lost(made):
    found = lent(made)
    made.ledger.lost(found.password, path="kv/copy", field="key", namespace="", how="revoked", at=5)
    assert made.ledger.find(found.password).end == ""
