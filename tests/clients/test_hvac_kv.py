"""hvac, unmodified: the key-value stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hvac import exceptions

if TYPE_CHECKING:
    import hvac
    from hvac.api.secrets_engines import KvV1, KvV2


@pytest.fixture
def one(vault: hvac.Client, path: str) -> KvV1:
    vault.sys.enable_secrets_engine("kv", path=path, options={"version": "1"})
    return vault.secrets.kv.v1


@pytest.fixture
def two(vault: hvac.Client, path: str) -> KvV2:
    vault.sys.enable_secrets_engine("kv", path=path, options={"version": "2"})
    while True:  # the real server needs some milliseconds to make the store a versioned one
        try:
            vault.secrets.kv.v2.read_configuration(mount_point=path)
        except exceptions.InvalidRequest:
            continue
        return vault.secrets.kv.v2


def test_a_v1_secret_is_read_as_it_was_written(one: KvV1, path: str) -> None:
    one.create_or_update_secret("app", {"user": "ann", "pin": 1234}, mount_point=path)
    assert one.read_secret("app", mount_point=path)["data"] == {"user": "ann", "pin": 1234}


def test_a_v1_secret_can_be_created_and_updated_by_method(one: KvV1, path: str) -> None:
    one.create_or_update_secret("app", {"n": 1}, method="POST", mount_point=path)
    one.create_or_update_secret("app", {"n": 2}, method="PUT", mount_point=path)
    assert one.read_secret("app", mount_point=path)["data"] == {"n": 2}


def test_v1_secrets_are_listed(one: KvV1, path: str) -> None:
    for name in ("b", "a", "dir/c"):
        one.create_or_update_secret(name, {"n": 1}, mount_point=path)
    assert one.list_secrets("", mount_point=path)["data"]["keys"] == ["a", "b", "dir/"]
    assert one.list_secrets("dir", mount_point=path)["data"]["keys"] == ["c"]


def test_a_v1_secret_that_is_not_there_raises_invalid_path(one: KvV1, path: str) -> None:
    with pytest.raises(exceptions.InvalidPath):
        one.read_secret("none", mount_point=path)
    with pytest.raises(exceptions.InvalidPath):
        one.list_secrets("none", mount_point=path)


def test_a_deleted_v1_secret_is_gone(one: KvV1, path: str) -> None:
    one.create_or_update_secret("app", {"n": 1}, mount_point=path)
    one.delete_secret("app", mount_point=path)
    with pytest.raises(exceptions.InvalidPath):
        one.read_secret("app", mount_point=path)


def test_the_default_mount_is_a_v2_store(vault: hvac.Client) -> None:
    vault.secrets.kv.v2.create_or_update_secret("hvac/app", {"a": "b"})
    read = vault.secrets.kv.v2.read_secret_version("hvac/app", raise_on_deleted_version=True)
    assert read["data"]["data"] == {"a": "b"}
    assert read["data"]["metadata"]["version"] == 1


def test_versions_are_counted_and_kept(two: KvV2, path: str) -> None:
    for n in (1, 2, 3):
        written = two.create_or_update_secret("app", {"n": n}, mount_point=path)
        assert written["data"]["version"] == n
    assert read(two, path)["data"]["data"] == {"n": 3}
    assert read(two, path, version=1)["data"]["data"] == {"n": 1}
    assert sorted(two.read_secret_metadata("app", mount_point=path)["data"]["versions"]) == ["1", "2", "3"]


def read(two: KvV2, path: str, version: int | None = None) -> dict:
    return two.read_secret_version("app", version=version, mount_point=path, raise_on_deleted_version=True)


def test_check_and_set_refuses_a_stale_version(two: KvV2, path: str) -> None:
    two.create_or_update_secret("app", {"n": 1}, cas=0, mount_point=path)
    with pytest.raises(exceptions.InvalidRequest, match="check-and-set parameter did not match the current version"):
        two.create_or_update_secret("app", {"n": 2}, cas=0, mount_point=path)
    two.create_or_update_secret("app", {"n": 2}, cas=1, mount_point=path)


def test_check_and_set_can_be_required(two: KvV2, path: str) -> None:
    two.configure(max_versions=4, cas_required=True, mount_point=path)
    assert two.read_configuration(mount_point=path)["data"]["cas_required"] is True
    with pytest.raises(exceptions.InvalidRequest, match="check-and-set parameter required for this call"):
        two.create_or_update_secret("app", {"n": 1}, mount_point=path)


# hvac's own patch calls what hvac itself deprecates.
@pytest.mark.filterwarnings("ignore:The raise_on_deleted_version:DeprecationWarning")
def test_a_patch_changes_what_it_names(two: KvV2, path: str) -> None:
    two.create_or_update_secret("app", {"keep": 1, "change": 1}, mount_point=path)
    two.patch("app", {"change": 2}, mount_point=path)
    assert read(two, path)["data"]["data"] == {"keep": 1, "change": 2}


@pytest.mark.filterwarnings("ignore:The raise_on_deleted_version:DeprecationWarning")
def test_a_patch_of_nothing_raises_invalid_path(two: KvV2, path: str) -> None:
    with pytest.raises(exceptions.InvalidPath):
        two.patch("none", {"a": 1}, mount_point=path)


def test_a_deleted_version_raises_with_its_metadata(two: KvV2, path: str) -> None:
    two.create_or_update_secret("app", {"n": 1}, mount_point=path)
    two.delete_latest_version_of_secret("app", mount_point=path)
    with pytest.raises(exceptions.InvalidPath) as caught:
        read(two, path)
    assert caught.value.json["data"]["metadata"]["deletion_time"]
    quiet = two.read_secret_version("app", mount_point=path, raise_on_deleted_version=False)
    assert quiet["data"]["data"] is None


def test_deleted_versions_come_back_and_destroyed_ones_do_not(two: KvV2, path: str) -> None:
    for n in (1, 2):
        two.create_or_update_secret("app", {"n": n}, mount_point=path)
    two.delete_secret_versions("app", [1, 2], mount_point=path)
    two.undelete_secret_versions("app", [1, 2], mount_point=path)
    assert read(two, path, version=1)["data"]["data"] == {"n": 1}
    two.destroy_secret_versions("app", [1], mount_point=path)
    with pytest.raises(exceptions.InvalidPath):
        read(two, path, version=1)
    assert two.read_secret_metadata("app", mount_point=path)["data"]["versions"]["1"]["destroyed"] is True


def test_metadata_is_written_and_read(two: KvV2, path: str) -> None:
    two.update_metadata(
        "app",
        max_versions=3,
        cas_required=True,
        delete_version_after="1h",
        custom_metadata={"owner": "team"},
        mount_point=path,
    )
    data = two.read_secret_metadata("app", mount_point=path)["data"]
    assert data["max_versions"] == 3
    assert data["cas_required"] is True
    assert data["delete_version_after"] == "1h0m0s"
    assert data["custom_metadata"] == {"owner": "team"}


def test_all_of_a_secret_is_deleted_with_its_metadata(two: KvV2, path: str) -> None:
    two.create_or_update_secret("app", {"n": 1}, mount_point=path)
    two.delete_metadata_and_all_versions("app", mount_point=path)
    with pytest.raises(exceptions.InvalidPath):
        two.read_secret_metadata("app", mount_point=path)
    with pytest.raises(exceptions.InvalidPath):
        two.list_secrets("", mount_point=path)


def test_old_versions_are_dropped(two: KvV2, path: str) -> None:
    two.configure(max_versions=2, mount_point=path)
    for n in range(1, 5):
        two.create_or_update_secret("app", {"n": n}, mount_point=path)
    assert sorted(two.read_secret_metadata("app", mount_point=path)["data"]["versions"]) == ["3", "4"]


def test_a_secret_of_another_type_is_refused(two: KvV2, path: str, vault: hvac.Client) -> None:
    with pytest.raises(exceptions.InvalidRequest, match="no data provided"):
        vault.write(f"{path}/data/app", wrong="shape")


def test_generic_calls_reach_the_store(two: KvV2, path: str, vault: hvac.Client) -> None:
    vault.write_data(f"{path}/data/app", data={"data": {"a": 1}})
    assert vault.read(f"{path}/data/app")["data"]["data"] == {"a": 1}
    assert vault.list(f"{path}/metadata")["data"]["keys"] == ["app"]
    vault.delete(f"{path}/metadata/app")
    assert vault.read(f"{path}/data/app") is None
    assert vault.list(f"{path}/metadata") is None


def test_an_unknown_mount_raises_invalid_path(vault: hvac.Client) -> None:
    with pytest.raises(exceptions.InvalidPath, match="no handler for route"):
        vault.secrets.kv.v2.read_secret_version("app", mount_point="none", raise_on_deleted_version=True)
