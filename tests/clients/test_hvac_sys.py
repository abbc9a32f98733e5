"""hvac, unmodified: the system paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hvac
import pytest
from hvac import exceptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.servers import Server

POLICY = 'path "secret/data/*" { capabilities = ["read"] }'


@pytest.fixture
def bare(sealed: Server) -> Iterator[hvac.Client]:
    """A client of a server that is not initialised."""
    client = hvac.Client(url=sealed.address, token="")
    yield client
    client.adapter.close()


def test_health_is_told_by_status(vault: hvac.Client) -> None:
    assert vault.sys.read_health_status(method="HEAD").status_code == 200
    assert vault.sys.read_health_status(method="GET")["initialized"] is True


def test_seal_and_leader_status_are_read(vault: hvac.Client) -> None:
    assert vault.sys.is_sealed() is False
    assert vault.sys.read_seal_status()["type"] == "shamir"
    assert vault.sys.is_initialized() is True
    assert vault.ha_status["ha_enabled"] is False
    assert vault.sys.read_leader_status()["ha_enabled"] is False


def test_secrets_engines_are_mounted_tuned_moved_and_unmounted(vault: hvac.Client, path: str) -> None:
    vault.sys.enable_secrets_engine("kv", path=path, description="Mine", config={"default_lease_ttl": "1h"})
    assert vault.sys.list_mounted_secrets_engines()["data"][f"{path}/"]["description"] == "Mine"
    vault.sys.tune_mount_configuration(path, max_lease_ttl="3h", description="Yours")
    settings = vault.sys.read_mount_configuration(path)["data"]
    assert (settings["default_lease_ttl"], settings["max_lease_ttl"]) == (3600, 10800)
    assert settings["description"] == "Yours"
    with pytest.raises(exceptions.InvalidRequest, match="path is already in use"):
        vault.sys.enable_secrets_engine("kv", path=path)
    vault.sys.move_backend(path, f"{path}-moved")
    while f"{path}-moved/" not in vault.sys.list_mounted_secrets_engines()["data"]:  # moved in the background
        pass
    vault.sys.disable_secrets_engine(f"{path}-moved")
    assert f"{path}-moved/" not in vault.sys.list_mounted_secrets_engines()["data"]


def test_the_options_of_a_mount_are_read(vault: hvac.Client, path: str) -> None:
    vault.sys.enable_secrets_engine("kv", path=path, options={"version": "2"})
    assert vault.sys.retrieve_mount_option(path, "version", "1") == "2"


def test_an_unknown_engine_is_refused(vault: hvac.Client, path: str) -> None:
    with pytest.raises(exceptions.InvalidRequest, match="plugin not found in the catalog: nothing"):
        vault.sys.enable_secrets_engine("nothing", path=path)


def test_auth_methods_are_enabled_tuned_and_disabled(vault: hvac.Client, path: str) -> None:
    vault.sys.enable_auth_method("userpass", path=path, description="Mine")
    assert vault.sys.list_auth_methods()["data"][f"{path}/"]["type"] == "userpass"
    vault.sys.tune_auth_method(path, default_lease_ttl="30m", listing_visibility="unauth")
    settings = vault.sys.read_auth_method_tuning(path)["data"]
    assert (settings["default_lease_ttl"], settings["listing_visibility"]) == (1800, "unauth")
    vault.sys.disable_auth_method(path)
    assert f"{path}/" not in vault.sys.list_auth_methods()["data"]


def test_policies_are_written_read_listed_and_deleted(vault: hvac.Client, path: str) -> None:
    vault.sys.create_or_update_policy(path, POLICY)
    assert vault.sys.read_policy(path)["data"]["rules"] == POLICY
    assert path in vault.sys.list_policies()["data"]["policies"]
    vault.sys.create_or_update_acl_policy(path, {"path": {"secret/*": {"capabilities": ["list"]}}})
    assert '"secret/*"' in vault.sys.read_acl_policy(path)["data"]["policy"]
    assert path in vault.sys.list_acl_policies()["data"]["keys"]
    assert vault.get_policy(path, parse=False)
    vault.sys.delete_policy(path)
    with pytest.raises(exceptions.InvalidPath):
        vault.sys.read_policy(path)
    with pytest.raises(exceptions.InvalidRequest, match="failed to parse policy"):
        vault.sys.create_or_update_policy(path, "nonsense")
    with pytest.raises(exceptions.InvalidRequest, match="cannot delete"):
        vault.sys.delete_acl_policy("root")


def test_capabilities_are_asked_for_self_token_and_accessor(vault: hvac.Client, path: str) -> None:
    vault.sys.create_or_update_policy(path, POLICY)
    auth = vault.auth.token.create(policies=[path])["auth"]
    wanted = ["secret/data/x", "secret/metadata/x"]
    for who in ({"token": auth["client_token"]}, {"accessor": auth["accessor"]}):
        data = vault.sys.get_capabilities(wanted, **who)["data"]
        assert (data[wanted[0]], data[wanted[1]]) == (["read"], ["deny"])
    assert vault.sys.get_capabilities(["secret/data/x"])["data"]["secret/data/x"] == ["root"]


def test_leases_are_listed_read_renewed_and_revoked(vault: hvac.Client, path: str) -> None:
    vault.sys.enable_auth_method("userpass", path=path)
    vault.auth.userpass.create_or_update_user("ann", password="pw", mount_point=path)
    token = vault.auth.userpass.login("ann", "pw", use_token=False, mount_point=path)["auth"]["client_token"]
    prefix = f"auth/{path}/login/ann"
    lease = f"{prefix}/{vault.sys.list_leases(prefix)['data']['keys'][0]}"
    assert vault.sys.read_lease(lease)["data"]["id"] == lease
    vault.sys.revoke_prefix(prefix)
    while vault.list(f"sys/leases/lookup/{prefix}"):  # revoked in the background
        pass
    with pytest.raises(exceptions.Forbidden):
        vault.auth.token.lookup(token)


def test_leases_that_are_not_there_are_refused(vault: hvac.Client) -> None:
    with pytest.raises(exceptions.InvalidRequest, match="lease not found"):
        vault.sys.renew_lease("secret/none/aaaaaaaaaaaaaaaaaaaaaaaa")
    with pytest.raises(exceptions.InvalidRequest, match="invalid lease"):
        vault.sys.read_lease("secret/none/aaaaaaaaaaaaaaaaaaaaaaaa")
    with pytest.raises(exceptions.InvalidPath):
        vault.sys.list_leases("none")
    vault.sys.revoke_lease("secret/none/aaaaaaaaaaaaaaaaaaaaaaaa")
    vault.sys.revoke_force("none")


def test_data_is_wrapped_and_unwrapped_once(vault: hvac.Client) -> None:
    token = vault.sys.wrap({"a": "b"}, ttl=120)["wrap_info"]["token"]
    assert vault.sys.unwrap(token)["data"] == {"a": "b"}
    with pytest.raises(exceptions.InvalidRequest, match="wrapping token is not valid or does not exist"):
        vault.sys.unwrap(token)


def test_answers_are_wrapped_on_request(vault: hvac.Client) -> None:
    vault.secrets.kv.v2.create_or_update_secret("hvac/wrapped", {"a": "b"})
    answer = vault.read("secret/data/hvac/wrapped", wrap_ttl="60s")
    assert answer["wrap_info"]["creation_path"] == "secret/data/hvac/wrapped"
    assert vault.sys.unwrap(answer["wrap_info"]["token"])["data"]["data"] == {"a": "b"}


def test_namespaces_are_created_used_listed_and_deleted(vault: hvac.Client, shared: Server, path: str) -> None:
    vault.sys.create_namespace(path)
    assert f"{path}/" in vault.list("sys/namespaces")["data"]["keys"]
    inside = hvac.Client(url=shared.address, token="root", namespace=path)
    inside.sys.enable_secrets_engine("kv", path="kv", options={"version": "1"})
    inside.secrets.kv.v1.create_or_update_secret("a", {"x": 1}, mount_point="kv")
    assert inside.secrets.kv.v1.read_secret("a", mount_point="kv")["data"] == {"x": 1}
    with pytest.raises(exceptions.InvalidPath):
        vault.secrets.kv.v1.read_secret("a", mount_point="kv")
    inside.adapter.close()
    vault.sys.delete_namespace(path)
    while vault.read(f"sys/namespaces/{path}"):  # deleted in the background
        pass


def test_an_unknown_namespace_raises_invalid_path(shared: Server) -> None:
    lost = hvac.Client(url=shared.address, token="root", namespace="nowhere")
    with pytest.raises(exceptions.InvalidPath):
        lost.sys.list_mounted_secrets_engines()
    lost.adapter.close()


def test_audit_devices_cannot_be_enabled_over_the_wire(vault: hvac.Client) -> None:
    assert vault.sys.list_enabled_audit_devices()["data"] == {}
    with pytest.raises(exceptions.InvalidRequest, match="cannot enable audit device via API"):
        vault.sys.enable_audit_device("file", options={"file_path": "/dev/null"})
    vault.sys.disable_audit_device("none")


def test_rate_limit_quotas(lone: hvac.Client) -> None:
    lone.sys.create_or_update_quota("q", rate=1000.0)
    assert lone.sys.read_quota("q")["data"]["rate"] == 1000
    assert lone.sys.list_quotas()["data"]["keys"] == ["q"]
    lone.sys.create_or_update_quota("tight", rate=1, path="secret/", interval="1h")
    lone.secrets.kv.v2.read_configuration()
    with pytest.raises(exceptions.RateLimitExceeded, match="rate limit quota exceeded"):
        lone.secrets.kv.v2.read_configuration()
    lone.sys.delete_quota("tight")
    lone.secrets.kv.v2.read_configuration()


def test_the_encryption_key_is_rotated(lone: hvac.Client) -> None:
    assert lone.sys.get_encryption_key_status()["data"]["term"] == 1
    lone.sys.rotate_encryption_key()
    assert lone.sys.get_encryption_key_status()["data"]["term"] == 2


def test_a_server_is_initialised_unsealed_and_sealed(bare: hvac.Client) -> None:
    assert bare.sys.is_initialized() is False
    assert bare.sys.read_health_status(method="HEAD").status_code == 501
    made = bare.sys.initialize(secret_shares=3, secret_threshold=2)
    assert bare.sys.is_initialized() is True
    assert bare.sys.is_sealed() is True
    assert bare.sys.read_health_status(method="HEAD").status_code == 503
    assert bare.sys.submit_unseal_key(made["keys"][0])["progress"] == 1
    assert bare.sys.submit_unseal_key(reset=True)["progress"] == 0
    assert bare.sys.submit_unseal_keys(made["keys_base64"][:2])["sealed"] is False
    bare.token = made["root_token"]
    while bare.sys.read_health_status(method="HEAD").status_code != 200:  # the real server takes a moment
        pass
    assert bare.is_authenticated() is True
    bare.sys.seal()
    assert bare.sys.is_sealed() is True
    with pytest.raises(exceptions.VaultDown, match="sealed"):
        bare.sys.list_mounted_secrets_engines()
    with pytest.raises(exceptions.InvalidRequest, match="Vault is already initialized"):
        bare.sys.initialize(secret_shares=1, secret_threshold=1)


def test_a_root_token_is_generated(bare: hvac.Client) -> None:
    made = bare.sys.initialize(secret_shares=1, secret_threshold=1)
    bare.sys.submit_unseal_key(made["keys"][0])
    while bare.sys.read_health_status(method="HEAD").status_code != 200:
        pass
    assert bare.sys.read_root_generation_progress()["started"] is False
    started = bare.sys.start_root_token_generation()
    done = bare.sys.generate_root(made["keys"][0], started["nonce"])
    assert done["complete"] is True
    bare.sys.start_root_token_generation()
    bare.sys.cancel_root_generation()
    assert bare.sys.read_root_generation_progress()["started"] is False


def test_the_unseal_keys_are_changed(bare: hvac.Client) -> None:
    made = bare.sys.initialize(secret_shares=2, secret_threshold=2)
    bare.sys.submit_unseal_keys(made["keys"])
    while bare.sys.read_health_status(method="HEAD").status_code != 200:
        pass
    assert bare.sys.read_rekey_progress()["started"] is False
    started = bare.sys.start_rekey(secret_shares=1, secret_threshold=1)
    done = bare.sys.rekey_multi(made["keys"], nonce=started["nonce"])
    assert done["complete"] is True
    bare.token = made["root_token"]
    bare.sys.seal()
    assert bare.sys.submit_unseal_key(done["keys"][0])["sealed"] is False
    bare.token = ""


def test_paths_that_are_not_there(vault: hvac.Client) -> None:
    assert vault.read("sys/nothing") is None
    with pytest.raises(exceptions.InvalidPath, match="unsupported path"):
        vault.write("sys/nothing", a=1)


def test_a_method_that_is_not_served_raises_unsupported_operation(vault: hvac.Client) -> None:
    with pytest.raises(exceptions.VaultError) as caught:
        vault.delete("sys/mounts")
    assert "unsupported operation" in str(caught.value.text)
