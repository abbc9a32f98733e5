"""What goes wrong within Vault, at its place, in its words."""

from __future__ import annotations

import pytest
from unit.chaos.setting import Setting
from unit.helpers import finished

from sandboxd.vault.clock import NANOSECONDS

DENIED = ["1 error occurred:\n\t* permission denied\n\n"]
READ_ONLY = "ERROR: cannot execute INSERT in a read-only transaction (SQLSTATE 25006)"
DEADLINE = ["context deadline exceeded"]


@pytest.fixture(params=["vault", "openbao"])
def made(request):
    return Setting(request.param)


@pytest.fixture
def vault():
    return Setting("vault")


def listed(text: str) -> list[str]:
    return [f"1 error occurred:\n\t* {text}\n\n"]


class Held:
    """Stands for the waiting of chaos: notes how long, and says whether the time passed."""

    def __init__(self, made: Setting, *, passes: bool = True) -> None:
        self.waits: list[float | None] = []
        self.passes = passes
        made.chaos.hold = self

    async def __call__(self, active, seconds):
        self.waits.append(seconds)
        return self.passes


# Policies and tokens.


def test_denied_is_a_403_of_policy_for_those_aimed_at(made):
    made.start("denied path=secret/*")
    reply = made.call("GET", "secret/data/app")
    assert (reply.status, reply.errors) == (403, DENIED)
    assert made.read("auth/token/lookup-self") == 200


def test_denied_comes_after_the_token_was_looked_at(made):
    made.start("denied")
    assert made.call("GET", "secret/data/app", token="bad").errors != DENIED


def test_a_rejected_token_is_as_one_that_is_unknown(made):
    unknown = made.call("GET", "secret/data/app", token="hvs.unknown")
    made.start("token-rejected path=secret/*")
    reply = made.call("GET", "secret/data/app")
    assert (reply.status, reply.errors) == (unknown.status, unknown.errors)


def test_a_token_that_was_made_since_is_well(made):
    old = made.token("root")
    made.start("token-rejected path=secret/*")
    assert made.read(token=old) == 403
    new = made.token("root")
    assert made.read(token=new) == 200
    assert made.read(token=old) == 403


def test_logging_in_anew_need_not_help(made):
    made.start("token-rejected path=secret/* login_helps=false")
    assert made.read(token=made.token("root")) == 403


def test_a_request_without_a_token_is_told_what_it_always_is(made):
    usual = made.call("GET", "secret/data/app", token="")
    made.start("token-rejected")
    assert made.call("GET", "secret/data/app", token="").errors == usual.errors


# Quotas and overload.


def test_a_rate_limit_refuses_before_the_token_is_looked_at(made):
    made.start("rate-limited")
    reply = made.call("GET", "secret/data/app", token="bad")
    assert (reply.status, reply.errors) == (429, ['request path "secret/data/app": rate limit quota exceeded'])
    assert "Retry-After" not in reply.headers


def test_a_rate_limit_tells_more_where_it_is_told_to(made):
    made.start("rate-limited headers=true rate=50 retry_after=1500ms")
    headers = made.call("GET", "secret/data/app").headers
    assert {name: headers[name] for name in headers if name.startswith(("X-Rate", "Retry"))} == {
        "X-Ratelimit-Limit": "50",
        "X-Ratelimit-Remaining": "0",
        "X-Ratelimit-Reset": "2",
        "Retry-After": "2",
    }


def test_a_real_quota_says_the_same(made):
    made.call("POST", "sys/quotas/rate-limit/one", {"rate": 1, "interval": "1h", "path": "secret/"})
    made.read()
    really = made.call("GET", "secret/data/app")
    made.call("DELETE", "sys/quotas/rate-limit/one")
    made.start("rate-limited")
    struck = made.call("GET", "secret/data/app")
    assert (struck.status, struck.errors) == (really.status, really.errors)


@pytest.mark.parametrize("path", ["sys/health", "sys/seal-status"])
def test_what_a_real_quota_spares_is_spared(made, path):
    made.start("rate-limited")
    assert made.read(path) == 200


def test_too_many_leases_refuse_logins_and_leave_reads_alone(vault):
    vault.start("lease-limited")
    reply = vault.call("POST", "auth/token/create", {})
    assert (reply.status, reply.errors) == (
        429,
        listed('request path "auth/token/create": lease count quota exceeded'),
    )
    assert vault.read() == 200


def test_overload_is_a_503_that_spares_health(vault):
    vault.start("overloaded")
    reply = vault.call("GET", "secret/data/app")
    assert (reply.status, reply.errors) == (503, ["overloaded, try again later"])
    assert vault.read("sys/health") == 200


# Storage and audit.


def test_a_slow_storage_makes_requests_wait_and_spares_health(made):
    held = Held(made)
    made.start("storage-slow delay=3s")
    assert made.read(waits=True) == 200
    assert held.waits == [3]
    assert made.read("sys/health") == 200
    assert held.waits == [3]


def test_a_storage_that_hangs_ends_in_a_deadline(made):
    held = Held(made)
    made.start("storage-hangs")
    reply = made.call("GET", "secret/data/app", waits=True)
    assert (reply.status, reply.errors, held.waits) == (500, DEADLINE, [90])


def test_a_storage_that_comes_back_lets_requests_go_on(made):
    Held(made, passes=False)
    made.start("storage-hangs")
    assert made.read(waits=True) == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "text"),
    [
        # As an OpenBao answered whose PostgreSQL had become read-only.
        ("POST", "secret/data/app", {"data": {"x": 2}}, 500, listed(READ_ONLY)),
        ("POST", "kv1/app", {"x": 2}, 500, listed(f"failed to write: {READ_ONLY}")),
        ("DELETE", "kv1/old", None, 500, listed(READ_ONLY.replace("INSERT", "DELETE"))),
        ("DELETE", "secret/data/app", None, 500, listed(READ_ONLY)),
        ("POST", "auth/token/create", {}, 400, [f"failed to persist accessor index entry: {READ_ONLY}"]),
        ("POST", "sys/mounts/new", {"type": "kv"}, 400, ["failed to update mount table"]),
        ("POST", "sys/auth/new", {"type": "approle"}, 400, [f"failed to update auth table: {READ_ONLY}"]),
        ("POST", "cubbyhole/x", {"a": "b"}, 500, listed(f"failed to write: {READ_ONLY}")),
        ("POST", "identity/entity", {"name": "e"}, 500, listed(f"failed to persist packed storage entry: {READ_ONLY}")),
        ("POST", "secret/config", {"max_versions": 3}, 500, listed(READ_ONLY)),
    ],
)
def test_a_read_only_storage_refuses_writes_in_the_words_of_who_writes(made, method, path, body, status, text):
    made.call("POST", "sys/mounts/kv1", {"type": "kv"})
    made.call("POST", "kv1/old", {"x": 1})
    before = dict(made.world.snapshot().values)
    made.start("read-only")
    reply = made.call(method, path, body)
    assert (reply.status, reply.errors) == (status, text)
    made.chaos_stop()
    assert dict(made.world.snapshot().values) == before


def test_a_read_only_storage_can_be_read(made):
    made.start("read-only")
    assert made.read() == 200
    assert made.call("LIST", "secret/metadata").status == 200
    assert made.read("auth/token/lookup-self") == 200


def test_a_use_that_cannot_be_counted_is_an_internal_error(made):
    once = made.token("root", num_uses=5)
    made.start("read-only")
    reply = made.call("GET", "secret/data/app", token=once)
    assert (reply.status, reply.errors) == (500, listed("internal error"))
    made.chaos_stop()
    assert made.call("GET", "auth/token/lookup-self", token=once).data["num_uses"] == 4


def test_an_answer_that_cannot_be_wrapped_is_an_internal_error(made):
    made.start("read-only")
    reply = made.call("GET", "secret/data/app", headers={"x-vault-wrap-ttl": "60s"})
    assert (reply.status, reply.errors) == (500, ["internal error"])


def test_a_login_for_someone_new_cannot_be_kept(made):
    made.call("POST", "sys/auth/userpass", {"type": "userpass"})
    made.call("POST", "auth/userpass/users/u", {"password": "p"})
    made.start("read-only")
    reply = made.call("POST", "auth/userpass/login/u", {"password": "p"}, token="")
    assert (reply.status, reply.errors) == (500, [f"failed to persist packed storage entry: {READ_ONLY}"])
    assert made.call("POST", "auth/userpass/login/u", {"password": "bad"}, token="").status == 400


def test_audit_that_fails_answers_as_with_a_device_that_fails(vault, tmp_path):
    made, full = vault, vault.world
    found = []
    for path, token in (("secret/data/app", "root"), ("secret/data/app", "bad"), ("nope/x", "root")):
        made.start("audit-blocked")
        struck = made.call("GET", path, token=token)
        made.chaos_stop()
        found.append((struck.status, struck.errors))
    made.call("PUT", "sys/audit/file", {"type": "file", "options": {"file_path": str(tmp_path / "log")}})
    [device] = full.audit._devices.values()

    def fail(_line: bytes) -> None:
        raise OSError

    device.sink.write = fail
    for (path, token), struck in zip(
        (("secret/data/app", "root"), ("secret/data/app", "bad"), ("nope/x", "root")), found, strict=True
    ):
        really = made.call("GET", path, token=token)
        assert struck == (really.status, really.errors)
    assert found[0][0] == 500


def test_audit_that_fails_keeps_requests_from_being_carried_out(made):
    made.start("audit-blocked")
    assert made.call("POST", "secret/data/new", {"data": {}}).status == 500
    assert made.read("sys/health") == 200
    made.chaos_stop()
    assert made.read("secret/data/new") == 404


def test_audit_that_blocks_makes_requests_wait_until_it_goes_on(made):
    held = Held(made, passes=False)
    made.start("audit-blocked how=hang")
    assert made.read(waits=True) == 200
    assert held.waits == [None]


# Renewals and logins.

RENEWALS = {
    "not-renewable": "lease is not renewable",
    "not-found": "lease not found",
    "expired": "lease expired",
    "max-ttl": "past the max TTL, cannot renew",
}


@pytest.mark.parametrize(("why", "text"), RENEWALS.items())
def test_a_lease_cannot_be_renewed(made, why, text):
    made.start(f"renewals-refused why={why}")
    reply = made.call("PUT", "sys/leases/renew", {"lease_id": "database/creds/app/x"})
    assert (reply.status, reply.errors) == (400, [text])


@pytest.mark.parametrize(
    ("why", "status", "errors"),
    [
        ("not-renewable", 400, ["lease is not renewable"]),
        ("not-found", 400, ["invalid lease ID"]),
        ("expired", 400, ["lease expired"]),
        ("max-ttl", 500, listed("past the max TTL, cannot renew")),
    ],
)
def test_a_token_cannot_be_renewed(made, why, status, errors):
    token = made.token()
    made.start(f"renewals-refused why={why}")
    reply = made.call("POST", "auth/token/renew-self", {}, token=token)
    assert (reply.status, reply.errors) == (status, errors)
    assert made.read("auth/token/lookup-self", token=token) == 200


def test_a_renewal_is_capped_in_the_answer_and_in_truth(made):
    token = made.token(ttl="1h")
    made.start("renewals-capped ttl=10s")
    reply = made.call("POST", "auth/token/renew-self", {"increment": "1h"}, token=token)
    assert reply.json["auth"]["lease_duration"] == 10
    assert reply.warnings == ['TTL of "1h" exceeded the effective max_ttl of "10s"; TTL value is capped accordingly']
    assert made.call("GET", "auth/token/lookup-self", token=token).data["ttl"] == 10
    made.pass_(11)
    assert made.read("auth/token/lookup-self", token=token) == 403


def test_a_renewal_of_a_leased_secret_is_capped(made):
    lease = lent(made)
    made.start("renewals-capped ttl=10s")
    reply = made.call("PUT", "sys/leases/renew", {"lease_id": lease, "increment": 3600}, waits=True)
    assert reply.json["lease_duration"] == 10
    assert made.call("PUT", "sys/leases/lookup", {"lease_id": lease}).data["ttl"] == 10


def test_a_renewal_below_the_cap_is_left_alone(made):
    token = made.token(ttl="1h")
    made.start("renewals-capped ttl=2h")
    reply = made.call("POST", "auth/token/renew-self", {"increment": "1h"}, token=token)
    assert (reply.json["auth"]["lease_duration"], reply.warnings) == (3600, None)


def userpass(made: Setting) -> None:
    made.call("POST", "sys/auth/userpass", {"type": "userpass"})
    made.call("POST", "auth/userpass/users/u", {"password": "p"})


def test_a_login_with_the_right_password_is_refused_as_with_a_wrong_one(made):
    userpass(made)
    wrong = made.call("POST", "auth/userpass/login/u", {"password": "bad"}, token="")
    made.start("logins-refused")
    right = made.call("POST", "auth/userpass/login/u", {"password": "p"}, token="")
    assert (right.status, right.errors) == (wrong.status, wrong.errors)


def test_a_login_with_the_right_secret_id_is_refused_as_with_a_wrong_one(made):
    made.call("POST", "sys/auth/approle", {"type": "approle"})
    made.call("POST", "auth/approle/role/shop", {})
    role_id = made.call("GET", "auth/approle/role/shop/role-id").data["role_id"]
    secret_id = made.call("POST", "auth/approle/role/shop/secret-id").data["secret_id"]
    wrong = made.call("POST", "auth/approle/login", {"role_id": role_id, "secret_id": "bad"}, token="")
    made.start("logins-refused")
    right = made.call("POST", "auth/approle/login", {"role_id": role_id, "secret_id": secret_id}, token="")
    assert (right.status, right.errors) == (wrong.status, wrong.errors)


def test_a_user_who_is_locked_out_is_denied(made):
    userpass(made)
    made.start("logins-refused why=locked-out")
    reply = made.call("POST", "auth/userpass/login/u", {"password": "p"}, token="")
    assert (reply.status, reply.errors) == (403, ["permission denied"])


def test_requests_that_are_no_logins_are_not_refused(made):
    userpass(made)
    made.start("logins-refused")
    assert made.read() == 200
    assert made.read("auth/userpass/users/u") == 200


# What is behind an engine.


def database(made: Setting, plugin: str = "postgresql-database-plugin", url: str = "") -> None:
    url = url or "postgresql://{{username}}:{{password}}@127.0.0.1:5432/shop?sslmode=disable"
    made.call("POST", "sys/mounts/database", {"type": "database"})
    config = {"plugin_name": plugin, "allowed_roles": "*", "connection_url": url, "username": "root", "password": "x"}
    reply = made.call("POST", "database/config/shop", config, waits=True)
    assert reply.status in (200, 204), reply.text
    role = {"db_name": "shop", "creation_statements": ['CREATE ROLE "{{name}}"'], "default_ttl": "1h"}
    assert made.call("POST", "database/roles/app", role, waits=True).status in (200, 204)


def lent(made: Setting) -> str:
    database(made)
    found: str = made.call("GET", "database/creds/app", waits=True).json["lease_id"]
    return found


def test_a_database_that_is_down_is_told_in_the_plugins_words():
    # OpenBao's words are those that tests/live sees of a real one that was killed.
    made = Setting("openbao")
    database(made)
    made.start("upstream-down")
    reply = made.call("GET", "database/creds/app")
    assert reply.status == 500
    assert reply.errors == listed(
        "unable to start transaction: failed to connect to `user=root database=shop`: 127.0.0.1:5432 (127.0.0.1): "
        "dial error: dial tcp 127.0.0.1:5432: connect: connection refused"
    )


def test_permission_is_looked_at_before_the_database(made):
    database(made)
    made.start("upstream-down")
    reply = made.call("GET", "database/creds/app", token=made.token())
    assert (reply.status, reply.errors) == (403, DENIED)


def test_what_does_not_reach_the_database_goes_on(made):
    database(made)
    made.start("upstream-down")
    assert made.read() == 200
    assert made.read("database/roles/app") == 200
    assert made.call("GET", "database/creds/app").status == 500
    made.chaos_stop()
    assert made.call("GET", "database/creds/app", waits=True).status == 200


# Clocks.


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_a_clock_that_is_wrong_shows_in_answers_and_is_right_again_afterwards(made, seconds):
    now = made.world.clock.now_ns()
    made.start(f"clock-skew by={seconds}s")
    health = made.call("GET", "sys/health")
    assert health.json["server_time_utc"] == now // NANOSECONDS + seconds
    written = made.call("POST", "secret/data/app", {"data": {}}).data["created_time"]
    assert written.startswith("2026-01-01T01" if seconds > 0 else "2025-12-31T23")
    assert made.world.clock.now_ns() == now


def test_the_date_of_an_answer_is_wrong_too(made):
    made.start("clock-skew by=1h")
    assert made.call("GET", "secret/data/app").headers["Date"] == "Thu, 01 Jan 2026 01:00:00 GMT"


def test_a_clock_ahead_takes_tokens_for_expired_and_does_not_revoke_them(made):
    token = made.token("root", ttl="30m")
    made.start("clock-skew by=1h")
    assert made.read(token=token) == 403
    made.chaos_stop()
    assert made.read(token=token) == 200


def test_other_apps_meet_the_right_clock(made):
    made.start("clock-skew by=1h app=shop")
    at = made.call("GET", "sys/health").json["server_time_utc"]
    assert made.call("GET", "sys/health", headers={"user-agent": "shop"}).json["server_time_utc"] == at + 3600


def test_the_clock_is_right_again_when_a_request_is_refused(made):
    now = made.world.clock.now_ns()
    made.start("clock-skew by=1h")
    assert made.read("nope/x") == 404
    assert made.world.clock.now_ns() == now


def test_every_kind_does_something(made):
    from sandboxd.chaos.kinds import KINDS
    from sandboxd.chaos.troubles import TROUBLES
    from sandboxd.edge.struck import ACTS

    requests = {kind for kind in KINDS.values() if kind.DEPTH == "request"}
    assert requests == {*TROUBLES, *ACTS}
    assert not {*TROUBLES} & {*ACTS}


def test_waiting_is_told_by_the_fault_that_ends(made):
    active = made.start("storage-hangs")
    assert finished(made.chaos.stop(active.id)) == 1
