"""The versioned store's metadata, lists, settings and missing paths. Expected answers are those of OpenBao 2.7.2."""

import pytest
from unit.helpers import call, world

FIRST = "2026-01-01T00:00:00Z"
VERSION = {"created_time": FIRST, "deletion_time": "", "destroyed": False}
NEW = {
    "cas_required": False,
    "created_time": FIRST,
    "current_metadata_version": 0,
    "current_version": 1,
    "custom_metadata": None,
    "delete_version_after": "0s",
    "max_versions": 0,
    "metadata_cas_required": False,
    "oldest_version": 0,
    "updated_time": FIRST,
    "versions": {"1": VERSION},
}


@pytest.fixture
def vault():
    return world()


def put(vault, *paths):
    for path in paths:
        assert call(vault, "POST", f"secret/data/{path}", {"data": {"x": 1}}).status == 200


def metadata(vault, path="a"):
    return call(vault, "GET", f"secret/metadata/{path}").data


def test_metadata_describes_a_secret_and_its_versions(vault):
    put(vault, "a")
    assert metadata(vault) == NEW
    vault.clock.advance(60)
    put(vault, "a")
    call(vault, "DELETE", "secret/data/a")
    call(vault, "POST", "secret/destroy/a", {"versions": [1]})
    later = "2026-01-01T00:01:00Z"
    assert metadata(vault) == NEW | {
        "current_version": 2,
        "updated_time": later,
        "versions": {
            "1": VERSION | {"destroyed": True},
            "2": {"created_time": later, "deletion_time": later, "destroyed": False},
        },
    }


def test_metadata_can_be_there_before_any_version(vault):
    call(vault, "POST", "secret/metadata/a", {"max_versions": 3, "cas_required": True, "delete_version_after": "1h30m"})
    assert metadata(vault) == NEW | {
        "cas_required": True,
        "current_metadata_version": 1,
        "current_version": 0,
        "delete_version_after": "1h30m0s",
        "max_versions": 3,
        "versions": {},
    }
    assert call(vault, "GET", "secret/data/a").status == 404


@pytest.mark.parametrize("body", [{}, {"unknown": 1}, {"metadata_cas": 1}, {"delete_version_after": None}])
def test_a_write_that_sets_nothing_does_nothing(vault, body):
    assert call(vault, "POST", "secret/metadata/a", body).status == 204
    assert call(vault, "GET", "secret/metadata/a").status == 404


def test_a_write_replaces_what_it_names(vault):
    call(vault, "POST", "secret/metadata/a", {"custom_metadata": {"a": "1", "b": "2"}, "max_versions": 3})
    vault.clock.advance(1)
    call(vault, "POST", "secret/metadata/a", {"custom_metadata": {"n": 5, "t": True}})
    found = metadata(vault)
    assert (found["custom_metadata"], found["max_versions"]) == ({"n": "5", "t": "1"}, 3)
    assert (found["current_metadata_version"], found["updated_time"]) == (2, "2026-01-01T00:00:01Z")


@pytest.mark.parametrize("empty", [{}, None, []])
def test_no_custom_metadata_is_null(vault, empty):
    call(vault, "POST", "secret/metadata/a", {"custom_metadata": {"a": "1"}})
    assert call(vault, "POST", "secret/metadata/a", {"custom_metadata": empty}).status == 204
    assert metadata(vault)["custom_metadata"] is None


def test_a_null_is_zero_but_for_durations_nothing(vault):
    call(vault, "POST", "secret/metadata/a", {"max_versions": 3, "cas_required": True, "delete_version_after": "5s"})
    call(vault, "POST", "secret/metadata/a", {"max_versions": None, "cas_required": None, "delete_version_after": None})
    found = metadata(vault)
    assert (found["max_versions"], found["cas_required"], found["delete_version_after"]) == (0, False, "5s")


def test_custom_metadata_is_shown_with_every_version(vault):
    put(vault, "a")
    call(vault, "POST", "secret/metadata/a", {"custom_metadata": {"<k>": "v"}})
    assert call(vault, "GET", "secret/data/a").data["metadata"]["custom_metadata"] == {"<k>": "v"}
    assert r'"custom_metadata":{"\u003ck\u003e":"v"}' in call(vault, "GET", "secret/data/a").text
    assert call(vault, "POST", "secret/data/a", {"data": {}}).data["custom_metadata"] == {"<k>": "v"}


@pytest.mark.parametrize(
    ("custom", "problem"),
    [
        ({"": "v"}, 'length of key "" is 0 but must be 0 < len(key) <= 128'),
        ({"é" * 65: "v"}, f'length of key "{"é" * 65}" is 130 but must be 0 < len(key) <= 128'),
        ({"k": ""}, 'length of value for key "k" is 0 but must be 0 < len(value) <= 512'),
        ({"k": None}, 'length of value for key "k" is 0 but must be 0 < len(value) <= 512'),
        ({"k": "v" * 513}, 'length of value for key "k" is 513 but must be 0 < len(value) <= 512'),
        ({"k\n": "v"}, 'key "k\\n" (k\n) contains unprintable characters'),
        ({"k\u00a0": "v"}, 'key "k\\u00a0" (k\u00a0) contains unprintable characters'),
        ({"k": "v\u0001"}, 'value for key "k" contains unprintable characters'),
        ({f"k{n}": "v" for n in range(65)}, "payload must contain at most 64 keys, provided 65"),
    ],
)
def test_custom_metadata_has_limits(vault, custom, problem):
    reply = call(vault, "POST", "secret/metadata/a", {"custom_metadata": custom})
    text = f"1 error occurred:\n\t* custom_metadata validation failed: {problem}\n\n"
    assert (reply.status, reply.errors) == (400, [text])


def test_all_that_is_wrong_with_custom_metadata_is_told(vault):
    reply = call(vault, "POST", "secret/metadata/a", {"custom_metadata": {"k" * 129: "v" * 513 + "\n"}})
    assert reply.errors[0].startswith("3 errors occurred:\n\t* custom_metadata validation failed: length of key ")
    assert reply.errors[0].count("\t* ") == 3


@pytest.mark.parametrize("custom", [{"k" * 128: "v" * 512}, {f"k{n}": "v" for n in range(64)}, {"😀": "ok ok"}])
def test_custom_metadata_within_the_limits_is_kept(vault, custom):
    assert call(vault, "POST", "secret/metadata/a", {"custom_metadata": custom}).status == 204
    assert metadata(vault)["custom_metadata"] == custom


@pytest.mark.parametrize(("value", "kind"), [([], "[]interface {}"), ({}, "map[string]interface {}")])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_custom_metadata_holds_text_only(vault, method, value, kind):
    put(vault, "a")
    reply = call(vault, method, "secret/metadata/a", {"custom_metadata": {"k": value}})
    text = f"custom_metadata validation failed: '' expected type 'string', got unconvertible type '{kind}'"
    assert (reply.status, reply.errors) == (400, [text])


@pytest.mark.parametrize(("sent", "kept"), [(-1, 4294967295), ("-1", 4294967295), (4294967297, 1), (True, 1), ("", 0)])
def test_limits_on_versions_are_of_32_bits(vault, sent, kept):
    call(vault, "POST", "secret/metadata/a", {"max_versions": sent})
    call(vault, "POST", "secret/config", {"max_versions": sent})
    assert metadata(vault)["max_versions"] == kept
    assert call(vault, "GET", "secret/config").data["max_versions"] == kept


def test_what_the_mount_demands_cannot_be_switched_off(vault):
    call(vault, "POST", "secret/config", {"cas_required": True, "metadata_cas_required": True})
    settings = {"cas_required": False, "metadata_cas_required": False, "metadata_cas": 0}
    reply = call(vault, "POST", "secret/metadata/a", settings)
    warnings = [
        f'"{name}" set to false, but is mandated by backend config. This value will be ignored.'
        for name in ("cas_required", "metadata_cas_required")
    ]
    assert (reply.status, reply.data, reply.warnings) == (200, None, warnings)
    assert call(vault, "PATCH", "secret/metadata/a", settings | {"metadata_cas": 1}).warnings == warnings


def test_a_write_of_metadata_can_be_checked_and_set(vault):
    reply = call(vault, "POST", "secret/metadata/a", {"max_versions": 1, "metadata_cas": 3})
    assert (reply.status, reply.errors) == (400, ["metadata_cas must be 0 when creating new metadata"])
    assert call(vault, "POST", "secret/metadata/a", {"max_versions": 1, "metadata_cas": 0}).status == 204
    for method in ("POST", "PATCH"):
        reply = call(vault, method, "secret/metadata/a", {"max_versions": 1, "metadata_cas": 0})
        text = "metadata check-and-set parameter does not match the current version"
        assert (reply.status, reply.errors) == (400, [text])
    assert call(vault, "PATCH", "secret/metadata/a", {"max_versions": 2, "metadata_cas": 1}).status == 204
    assert metadata(vault)["current_metadata_version"] == 2


@pytest.mark.parametrize("path", ["secret/config", "secret/metadata/a"])
def test_check_and_set_of_metadata_can_be_required(vault, path):
    put(vault, "a")
    call(vault, "POST", path, {"metadata_cas_required": True})
    for method in ("POST", "PATCH"):
        reply = call(vault, method, "secret/metadata/a", {"max_versions": 1})
        assert (reply.status, reply.errors) == (400, ["metadata check-and-set parameter required for this call"])


def test_a_patch_of_metadata_changes_what_it_names(vault):
    call(vault, "POST", "secret/metadata/a", {"custom_metadata": {"keep": "1", "drop": "1"}, "max_versions": 2})
    vault.clock.advance(1)
    patch = {"custom_metadata": {"drop": None, "new": "x"}, "delete_version_after": "90s"}
    assert call(vault, "PATCH", "secret/metadata/a", patch).status == 204
    found = metadata(vault)
    assert (found["custom_metadata"], found["max_versions"]) == ({"keep": "1", "new": "x"}, 2)
    assert (found["delete_version_after"], found["updated_time"]) == ("1m30s", "2026-01-01T00:00:01Z")
    assert call(vault, "PATCH", "secret/metadata/a", {"custom_metadata": None}).status == 204
    assert metadata(vault)["custom_metadata"] is None


def test_a_patch_cannot_take_a_time_to_zero(vault):
    call(vault, "POST", "secret/metadata/a", {"delete_version_after": "90s"})
    assert call(vault, "PATCH", "secret/metadata/a", {"delete_version_after": "0s"}).status == 204
    assert metadata(vault)["delete_version_after"] == "1m30s"


def test_a_patch_needs_a_secret_unless_it_changes_nothing(vault):
    reply = call(vault, "PATCH", "secret/metadata/a", {"max_versions": 3})
    assert (reply.status, reply.text) == (404, "")
    assert call(vault, "PATCH", "secret/metadata/a", {"unknown": 3}).status == 204


@pytest.mark.parametrize(
    ("patch", "text"),
    [
        ({"max_versions": -1}, "number -1 into Go struct field .max_versions of type uint32"),
        ({"max_versions": 4294967296}, "number 4294967296 into Go struct field .max_versions of type uint32"),
        ({"custom_metadata": {"b": 5}}, "number into Go struct field .custom_metadata.b of type string"),
        ({"custom_metadata": {"b": 5, "a": True}}, "bool into Go struct field .custom_metadata.a of type string"),
    ],
)
def test_a_patch_is_less_lenient_than_a_write(vault, patch, text):
    put(vault, "a")
    reply = call(vault, "PATCH", "secret/metadata/a", patch)
    assert (reply.status, reply.errors) == (500, [f"1 error occurred:\n\t* json: cannot unmarshal {text}\n\n"])


def test_deleted_metadata_takes_all_versions_along(vault):
    put(vault, "a", "a")
    assert call(vault, "DELETE", "secret/metadata/a").status == 204
    assert call(vault, "GET", "secret/data/a").status == 404
    put(vault, "a")
    assert metadata(vault) == NEW
    assert call(vault, "DELETE", "secret/metadata/none").status == 204


NAMES = ("b", "a", "dir/x", "dir/y/z", "dir", "B", "dir2/q", "1")


def test_lists_are_one_level_deep(vault):
    put(vault, *NAMES)
    assert call(vault, "LIST", "secret/metadata").data == {"keys": ["1", "B", "a", "b", "dir", "dir/", "dir2/"]}
    assert call(vault, "GET", "secret/metadata/dir?list=true").data == {"keys": ["x", "y/"]}
    assert call(vault, "LIST", "secret/metadata/a").status == 404


def test_deleted_secrets_are_listed_until_their_metadata_goes(vault):
    put(vault, "a", "dir/x")
    call(vault, "DELETE", "secret/data/a")
    assert call(vault, "LIST", "secret/metadata").data == {"keys": ["a", "dir/"]}
    call(vault, "DELETE", "secret/metadata/a")
    call(vault, "DELETE", "secret/metadata/dir/x")
    assert call(vault, "LIST", "secret/metadata").status == 404


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("limit=2", ["1", "B"]),
        ("limit=2&after=a", ["b", "dir"]),
        ("after=bb", ["dir", "dir/", "dir2/"]),
        ("after=dir", ["dir/", "dir2/"]),
        ("after=dir/", ["dir2/"]),
        ("after=&limit=-1", ["1", "B", "a", "b", "dir", "dir/", "dir2/"]),
        ("limit=100", ["1", "B", "a", "b", "dir", "dir/", "dir2/"]),
    ],
)
def test_lists_come_in_pages(vault, query, keys):
    put(vault, *NAMES)
    assert call(vault, "LIST", f"secret/metadata?{query}").data == {"keys": keys}


def test_a_page_beyond_the_end_is_not_there(vault):
    put(vault, *NAMES)
    assert call(vault, "LIST", "secret/metadata?after=zzz").status == 404


def test_scans_go_down(vault):
    put(vault, *NAMES)
    keys = ["1", "B", "a", "b", "dir", "dir2/q", "dir/x", "dir/y/z"]
    assert call(vault, "SCAN", "secret/metadata").data == {"keys": keys}
    assert call(vault, "SCAN", "secret/metadata/dir").data == {"keys": ["x", "y/z"]}
    assert call(vault, "SCAN", "secret/metadata/none").data == {}


def test_lists_and_scans_can_have_details(vault):
    put(vault, "a", "dir/x")
    assert call(vault, "LIST", "secret/detailed-metadata").data == {
        "keys": ["a", "dir/"],
        "key_info": {"a": NEW, "dir/": {}},
    }
    assert call(vault, "LIST", "secret/detailed-metadata?after=a").data == {"keys": ["dir/"], "key_info": {"dir/": {}}}
    assert call(vault, "SCAN", "secret/detailed-metadata").data == {
        "keys": ["a", "dir/x"],
        "key_info": {"a": NEW, "dir/x": NEW},
    }
    assert call(vault, "LIST", "secret/detailed-metadata/dir").data == {"keys": ["x"], "key_info": {"x": NEW}}
    assert call(vault, "LIST", "secret/detailed-metadata/none").status == 404


def test_a_folder_has_the_details_of_the_secret_of_its_name(vault):
    put(vault, "dir", "dir/x")
    info = call(vault, "LIST", "secret/detailed-metadata").data["key_info"]
    assert info == {"dir": NEW, "dir/": NEW}


def test_the_settings_of_a_mount_are_read_as_they_were_written(vault):
    unset = {"cas_required": False, "delete_version_after": "0s", "max_versions": 0, "metadata_cas_required": False}
    assert call(vault, "GET", "secret/config").data == unset
    assert call(vault, "POST", "secret/config", {"max_versions": 7, "delete_version_after": "1h30m5s"}).status == 204
    assert call(vault, "PUT", "secret/config", {"cas_required": True, "unknown": 1}).status == 204
    assert call(vault, "GET", "secret/config").data == {
        "cas_required": True,
        "delete_version_after": "1h30m5s",
        "max_versions": 7,
        "metadata_cas_required": False,
    }


@pytest.mark.parametrize(
    ("sent", "kept"), [("-5h", "-1s"), (-1, "-1s"), ("0.5s", "0s"), ("-0.5s", "0s"), ("1d", "24h0m0s"), (None, "5s")]
)
def test_any_negative_time_switches_self_deletion_off(vault, sent, kept):
    call(vault, "POST", "secret/config", {"delete_version_after": "5s"})
    call(vault, "POST", "secret/config", {"delete_version_after": sent})
    assert call(vault, "GET", "secret/config").data["delete_version_after"] == kept


INVALID = "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. "


@pytest.mark.parametrize(
    ("method", "command"),
    [("GET", "get"), ("POST", "put"), ("PATCH", "patch"), ("DELETE", "delete"), ("LIST", "list"), ("SCAN", "scan")],
)
def test_a_path_of_version_1_is_told_to_be_one(vault, method, command):
    reply = call(vault, method, "secret/app/a", {"x": 1} if method in ("POST", "PATCH") else None)
    assert (reply.status, reply.data) == (404, None)
    assert reply.warnings == [f"{INVALID}If using the OpenBao CLI, use 'bao kv {command}' for this operation."]


@pytest.mark.parametrize("path", ["metadata", "data", "delete", "undelete", "destroy"])
def test_the_roots_of_the_paths_can_only_be_listed(vault, path):
    reply = call(vault, "GET", f"secret/{path}")
    assert reply.status == 404
    assert reply.warnings == ["Non-listing operations on the root of a K/V v2 mount are not supported."]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("LIST", "data/a"),
        ("GET", "delete/a"),
        ("DELETE", "destroy/a"),
        ("POST", "subkeys/a"),
        ("GET", "detailed-metadata/a"),
        ("DELETE", "config"),
        ("PATCH", "config"),
    ],
)
def test_a_path_serves_its_own_operations_only(vault, method, path):
    reply = call(vault, method, f"secret/{path}", {"x": 1} if method in ("POST", "PATCH") else None)
    assert (reply.status, reply.errors) == (405, ["1 error occurred:\n\t* unsupported operation\n\n"])


class TestVault:
    """What is otherwise in Vault, from its documentation."""

    @pytest.fixture
    def vault(self):
        return world("vault")

    def test_metadata_has_no_check_and_set(self, vault):
        put(vault, "a")
        call(vault, "POST", "secret/metadata/a", {"metadata_cas_required": True, "metadata_cas": 7, "max_versions": 1})
        expected = NEW | {"max_versions": 1}
        del expected["current_metadata_version"], expected["metadata_cas_required"]
        assert metadata(vault) == expected

    def test_the_settings_are_three(self, vault):
        assert call(vault, "GET", "secret/config").data == {
            "cas_required": False,
            "delete_version_after": "0s",
            "max_versions": 0,
        }

    def test_there_are_neither_scans_nor_details_nor_pages(self, vault):
        put(vault, "a", "b")
        assert call(vault, "SCAN", "secret/metadata").status == 405
        assert call(vault, "LIST", "secret/detailed-metadata").status == 404
        assert call(vault, "LIST", "secret/metadata?limit=1").data == {"keys": ["a", "b"]}

    def test_a_path_of_version_1_is_told_to_be_one(self, vault):
        warnings = call(vault, "GET", "secret/a").warnings
        assert warnings == [f"{INVALID}If using the Vault CLI, use 'vault kv get' for this operation."]
