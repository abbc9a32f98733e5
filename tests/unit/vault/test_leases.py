"""Leases. Expected answers were seen on OpenBao 2.7.2, or follow from its expiration manager."""

import pytest
from unit.helpers import START, call, finished, world
from unit.leasing import lend

from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.errors import Failure, UnsupportedOperation
from sandboxd.vault.framework.backend import Auth
from sandboxd.vault.lease_entry import LeaseEntry

DOWN = Failure("the database is down")


@pytest.fixture
def vault():
    return world()


@pytest.fixture
def lender(vault):
    return lend(vault)


def token(vault, **fields):
    return call(vault, "POST", "auth/token/create", {"policies": ["reader"], **fields}).json["auth"]["client_token"]


@pytest.fixture
def reader(vault):
    rules = 'path "lend/*" { capabilities = ["read", "update"] }'
    assert call(vault, "PUT", "sys/policies/acl/reader", {"policy": rules}).status == 204
    return token(vault)


def passed(vault, seconds):
    vault.clock.advance(seconds)
    finished(vault.timeline.catch_up())


def test_a_secret_is_revoked_when_its_time_is_over(vault, lender):
    lease_id = call(vault, "POST", "lend/creds/a", {"ttl": "1h"}).json["lease_id"]
    passed(vault, 3599)
    assert lender.revoked == []
    passed(vault, 1)
    assert lender.revoked == ["a"]
    assert vault.leases.get(lease_id) is None


def test_what_a_jump_of_the_clock_passes_ends_in_the_order_of_its_expiry(vault, lender):
    for name, ttl in (("late", 300), ("early", 100), ("middle", 200)):
        call(vault, "POST", f"lend/creds/{name}", {"ttl": ttl})
    passed(vault, 1000)
    assert lender.revoked == ["early", "middle", "late"]


def test_a_renewed_lease_does_not_end_at_its_first_expiry(vault, lender):
    lease_id = call(vault, "POST", "lend/creds/a", {"ttl": 100}).json["lease_id"]
    vault.clock.advance(50)
    call(vault, "POST", "sys/leases/renew", {"lease_id": lease_id})
    passed(vault, 60)
    assert lender.revoked == []
    passed(vault, 40)
    assert lender.revoked == ["a"]


def test_a_revocation_that_fails_is_tried_again_further_and_further_apart(vault, lender):
    call(vault, "POST", "lend/creds/a", {"ttl": 100})
    lender.trouble = DOWN
    passed(vault, 100)
    waits = []
    for _ in range(5):
        waits.append((vault.leases.next_due - vault.clock.now_ns()) // NANOSECONDS)
        passed(vault, waits[-1])
    assert waits == [20, 40, 80, 160, 320]
    (lease,) = vault.leases.irrevocable()
    text = "out of retries: failed to revoke entry: resp: (*logical.Response)(nil) err: the database is down"
    assert lease.revoke_error == text


def test_a_revocation_that_succeeds_later_ends_the_lease(vault, lender):
    call(vault, "POST", "lend/creds/a", {"ttl": 100})
    lender.trouble = DOWN
    passed(vault, 100)
    lender.trouble = None
    passed(vault, 20)
    assert lender.revoked == ["a"]
    assert vault.leases.irrevocable() == []


def test_a_revocation_that_the_engine_does_not_know_is_given_up_at_once(vault, lender):
    call(vault, "POST", "lend/creds/a", {"ttl": 100})
    lender.trouble = UnsupportedOperation()
    passed(vault, 100)
    (lease,) = vault.leases.irrevocable()
    assert lease.revoke_error.endswith("err: unsupported operation")
    assert lease.tries == 1


def test_tries_go_on_after_a_restart(vault, lender):
    call(vault, "POST", "lend/creds/a", {"ttl": 100})
    lender.trouble = DOWN
    passed(vault, 100)
    due = vault.leases.next_due
    vault.restore(vault.snapshot())
    assert vault.leases.next_due == due


def test_leases_end_with_the_token_that_asked(vault, lender, reader):
    call(vault, "GET", "lend/creds/a", token=reader)
    call(vault, "POST", "auth/token/revoke", {"token": reader})
    assert lender.revoked == ["a"]


def test_leases_of_children_end_before_those_of_their_parents(vault, lender, reader):
    rules = 'path "*" { capabilities = ["create", "read", "update", "sudo"] }'
    call(vault, "PUT", "sys/policies/acl/reader", {"policy": rules})
    child = call(vault, "POST", "auth/token/create", {}, token=reader).json["auth"]["client_token"]
    call(vault, "GET", "lend/creds/parent", token=reader)
    call(vault, "GET", "lend/creds/child", token=child)
    call(vault, "POST", "auth/token/revoke", {"token": reader})
    assert lender.revoked == ["child", "parent"]


def test_leases_of_an_expired_token_end_too(vault, lender, reader):
    short = token(vault, ttl=60)
    call(vault, "POST", "lend/creds/a", {"ttl": 3600}, token=short)
    passed(vault, 60)
    assert lender.revoked == ["a"]
    assert call(vault, "GET", "auth/token/lookup-self", token=short).errors == ["permission denied"]


def test_a_lease_that_a_batch_token_asked_for_ends_with_it(vault, lender, reader):
    batch = token(vault, type="batch", ttl="30m")
    reply = call(vault, "POST", "lend/creds/a", {"ttl": "1h"}, token=batch)
    assert reply.json["lease_duration"] == 1800
    renewed = call(vault, "POST", "sys/leases/renew", {"lease_id": reply.json["lease_id"], "increment": "2h"})
    assert renewed.json["lease_duration"] == 1800
    passed(vault, 1800)
    assert lender.revoked == ["a"]


def test_a_lease_that_a_batch_token_asked_for_ends_with_its_parent(vault, lender, reader):
    rules = 'path "*" { capabilities = ["create", "read", "update", "sudo"] }'
    call(vault, "PUT", "sys/policies/acl/reader", {"policy": rules})
    batch = call(vault, "POST", "auth/token/create", {"type": "batch"}, token=reader).json["auth"]["client_token"]
    call(vault, "GET", "lend/creds/a", token=batch)
    call(vault, "POST", "auth/token/revoke", {"token": reader})
    assert lender.revoked == ["a"]
    assert call(vault, "GET", "auth/token/lookup-self", token=batch).errors == ["permission denied"]


def test_the_last_use_of_a_token_does_not_hand_out_a_lease(vault, lender, reader):
    once = token(vault, num_uses=1)
    reply = call(vault, "GET", "lend/creds/a", token=once)
    text = "Secret cannot be returned; token had one use left, so leased credentials were immediately revoked."
    assert (reply.status, reply.errors) == (400, [text])
    assert lender.revoked == ["a"]


def test_an_orphan_lease_of_a_token_that_is_gone_is_swept_up(vault, lender, reader):
    call(vault, "GET", "lend/creds/a", token=reader)
    vault.tokens.delete(vault.tokens.lookup(reader))
    assert finished(vault.leases.tidy("root")) == 2  # the secret's, and the token's own
    assert lender.revoked == ["a"]


def test_the_time_left_is_counted_from_the_rounded_moment():
    entry = LeaseEntry(id="a", path="a", namespace_id="root", token="", auth=Auth(), expire_time=100 * NANOSECONDS)
    assert entry.ttl(40 * NANOSECONDS + 400_000_000) == 60
    assert entry.ttl(40 * NANOSECONDS + 500_000_000) == 59


def test_the_lease_of_a_token_ends_in_its_hash(vault):
    found = vault.tokens.lookup("root")
    assert vault.leases.of_token(found).id == f"auth/token/create/{found.hash}"
    assert vault.leases.of_token(found).issue_time == START * NANOSECONDS
