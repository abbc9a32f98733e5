"""What real clients make of a Vault that is not well: hvac's exceptions, and what `bao` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hvac
import pytest
from clients.outages import bao, connect, read
from hvac import exceptions

from sandboxd.testing import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORT = 0.5  # seconds that hvac waits where nothing is to come


@pytest.fixture(scope="module")
def up() -> Iterator[Sandbox]:
    with Sandbox(root_token="root") as found:
        yield found


@pytest.fixture
def sandbox(up: Sandbox) -> Sandbox:
    up.reset()
    return up


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[hvac.Client]:
    """A client with a token of a policy, and what it needs."""
    root = connect(sandbox)
    root.secrets.kv.v2.create_or_update_secret("app", {"x": 1})
    root.sys.create_or_update_policy("app", 'path "*" { capabilities = ["create", "read", "update", "list"] }')
    root.sys.enable_auth_method("approle")
    root.auth.approle.create_or_update_approle("app", token_policies=["app"], token_ttl="1h")
    root.sys.enable_auth_method("userpass")
    root.auth.userpass.create_or_update_user("ann", password="p", policies="app")
    token = root.auth.token.create(policies=["app"], ttl="1h")["auth"]["client_token"]
    root.adapter.close()
    made = connect(sandbox, token=token)
    yield made
    made.adapter.close()


def login(client: hvac.Client) -> None:
    client.auth.userpass.login("ann", "p", use_token=False)


READS = [
    ("sealed", exceptions.VaultDown, "Vault is sealed", "Vault is sealed"),
    ("uninitialized", exceptions.VaultDown, "Vault is sealed", "Vault is sealed"),
    ("election", exceptions.InternalServerError, "local node not active", "local node not active"),
    ("dr-secondary", exceptions.InvalidRequest, "path disabled in replication DR", "path disabled in replication DR"),
    ("node-removed", exceptions.VaultDown, "Vault is sealed", "Vault is sealed"),
    ("rate-limited", exceptions.RateLimitExceeded, "rate limit quota exceeded", "rate limit quota exceeded"),
    ("overloaded", exceptions.VaultDown, "overloaded", "overloaded"),
    ("denied", exceptions.Forbidden, "permission denied", "permission denied"),
    ("token-rejected", exceptions.Forbidden, "invalid token", "invalid token"),
    ("audit-blocked", exceptions.InternalServerError, "internal error", "internal error"),
    ("storage-hangs patience=10ms", exceptions.InternalServerError, "context deadline", "context deadline exceeded"),
    ("clock-skew by=2h", exceptions.Forbidden, "invalid token", "invalid token"),
    ("tokens-revoked", exceptions.Forbidden, "invalid token", "invalid token"),
    ("policy-narrowed policy=app", exceptions.Forbidden, "permission denied", "permission denied"),
    (
        "mount-gone path=secret",
        exceptions.InvalidPath,
        "no handler for route|",
        "permission denied|no handler|No value",
    ),
    ("mount-moved path=secret", exceptions.InvalidPath, "no handler for route|", "no handler for route|No value"),
    ("secret-deleted", exceptions.InvalidPath, "", ""),
]


@pytest.mark.parametrize(("fault", "error", "told", "printed"), READS)
def test_a_read_fails_as_it_does_in_production_and_is_well_afterwards(sandbox, client, fault, error, told, printed):
    with sandbox.chaos.start(fault):
        with pytest.raises(error) as caught:
            read(client)
        assert any(part in str(caught.value) for part in told.split("|"))
        done = bao(sandbox, "read", "secret/data/app", token=client.token)
        if fault != "secret-deleted":  # whose metadata is still there to be read
            assert done.status == 2
            assert any(part in done.problem for part in printed.split("|")), done.problem
    assert read(client) == 1


@pytest.mark.parametrize(
    ("fault", "error", "told"),
    [
        ("logins-refused", exceptions.InvalidRequest, "invalid username or password"),
        ("logins-refused why=locked-out", exceptions.Forbidden, "permission denied"),
        ("users-locked-out", exceptions.Forbidden, "permission denied"),
        ("lease-limited", exceptions.RateLimitExceeded, "lease count quota exceeded"),
        ("mount-gone path=auth/userpass", exceptions.InvalidPath, "no handler for route"),
        ("read-only", exceptions.InternalServerError, "read-only transaction"),
        ("sealed", exceptions.VaultDown, "Vault is sealed"),
    ],
)
def test_a_login_fails_as_it_does_in_production_and_is_well_afterwards(sandbox, client, fault, error, told):
    with sandbox.chaos.start(fault), pytest.raises(error, match=told):
        login(client)
    login(client)


@pytest.mark.parametrize(
    ("fault", "error"),
    [("read-only", exceptions.InternalServerError), ("storage-slow delay=1h", None), ("audit-blocked how=hang", None)],
)
def test_a_write_fails_or_hangs_and_is_well_afterwards(sandbox, client, fault, error):
    from requests.exceptions import ReadTimeout

    impatient = connect(sandbox, timeout=SHORT)
    with sandbox.chaos.start(fault), pytest.raises(error or ReadTimeout):
        impatient.secrets.kv.v2.create_or_update_secret("new", {"x": 1})
    impatient.adapter.close()
    client.secrets.kv.v2.create_or_update_secret("new", {"x": 2})


@pytest.mark.parametrize(
    ("why", "error", "told"),
    [
        ("not-renewable", exceptions.InvalidRequest, "lease is not renewable"),
        ("not-found", exceptions.InvalidRequest, "invalid lease ID"),
        ("expired", exceptions.InvalidRequest, "lease expired"),
        ("max-ttl", exceptions.InternalServerError, "past the max TTL, cannot renew"),
    ],
)
def test_a_renewal_is_refused(sandbox, client, why, error, told):
    with sandbox.chaos.start(f"renewals-refused why={why}"), pytest.raises(error, match=told):
        client.auth.token.renew_self()
    assert client.auth.token.renew_self()["auth"]["lease_duration"] == 3600


def test_a_capped_renewal_is_a_success_with_a_warning_that_hvac_hands_over(sandbox, client):
    with sandbox.chaos.start("renewals-capped ttl=30s"):
        answer = client.auth.token.renew_self()
    assert answer["auth"]["lease_duration"] == 30
    assert "exceeded the effective max_ttl" in answer["warnings"][0]


@pytest.mark.parametrize(
    ("fault", "status"),
    [("standby", 429), ("dr-secondary", 472), ("performance-standby", 473), ("standby-cut-off", 474),
     ("node-removed", 530), ("sealed", 503), ("uninitialized", 501)],
)  # fmt: skip
def test_a_health_check_sees_the_status(sandbox, client, fault, status):
    with sandbox.chaos.start(fault):
        assert client.sys.read_health_status(method="HEAD").status_code == status
    assert client.sys.read_health_status(method="HEAD").status_code == 200


def test_bao_status_tells_that_it_is_sealed(sandbox, client):
    with sandbox.chaos.start("sealed"):
        done = bao(sandbox, "status")
        assert done.status == 2  # as the real command ends where Vault is sealed
        assert ["Sealed", "true"] in [line.split() for line in done.out.splitlines()]
    assert bao(sandbox, "status").status == 0


def test_secret_ids_that_are_gone_are_refused(sandbox, client):
    root = connect(sandbox)
    role_id = root.auth.approle.read_role_id("app")["data"]["role_id"]
    secret_id = root.auth.approle.generate_secret_id("app")["data"]["secret_id"]
    root.adapter.close()
    with sandbox.chaos.start("secret-ids-gone"), pytest.raises(exceptions.InvalidRequest, match="invalid role or"):
        client.auth.approle.login(role_id, secret_id, use_token=False)
    client.auth.approle.login(role_id, secret_id, use_token=False)


def test_a_secret_that_was_rolled_back_shows_old_data(sandbox, client):
    client.secrets.kv.v2.create_or_update_secret("app", {"x": 2})
    with sandbox.chaos.start("secret-rolled-back path=secret/app"):
        assert read(client) == 1
    assert read(client) == 2


def test_a_token_that_ends_sooner_is_told_so(sandbox, client):
    with sandbox.chaos.start("tokens-shortened ttl=20s"):
        assert client.auth.token.lookup_self()["data"]["ttl"] <= 20
    assert client.auth.token.lookup_self()["data"]["ttl"] > 3000


def test_one_app_fails_and_another_one_does_not(sandbox, client):
    with sandbox.chaos.start("sealed app=shop/*"):
        assert read(client) == 1
        shop = connect(sandbox, token=client.token)
        shop.session.headers["User-Agent"] = "shop/1.0"
        with pytest.raises(exceptions.VaultDown):
            read(shop)
        shop.adapter.close()


def test_a_request_asks_for_a_fault_of_its_own(sandbox, client):
    sandbox.chaos.allow_header()
    other = connect(sandbox, token=client.token)
    other.session.headers["X-Sandboxd-Fault"] = "sealed"
    with pytest.raises(exceptions.VaultDown):
        read(other)
    assert read(client) == 1
    other.adapter.close()
