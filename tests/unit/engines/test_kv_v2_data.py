"""The versioned store's data. Expected answers were recorded from OpenBao 2.7.2."""

import pytest
from unit.helpers import call, world

FIRST = "2026-01-01T00:00:00Z"


@pytest.fixture
def vault():
    return world()


def put(vault, path, data, **options):
    return call(vault, "POST", f"secret/data/{path}", {"data": data, "options": options} if options else {"data": data})


def facts(version, **other):
    usual = {"created_time": FIRST, "custom_metadata": None, "deletion_time": "", "destroyed": False}
    return {**usual, "version": version, **other}


def test_a_write_answers_with_the_version_it_made(vault):
    assert put(vault, "a", {"x": 1}).data == facts(1)
    assert put(vault, "a", {"x": 2}).data == facts(2)


def test_a_read_answers_with_the_current_version(vault):
    put(vault, "a", {"x": 1})
    put(vault, "a", {"x": 2})
    assert call(vault, "GET", "secret/data/a").data == {"data": {"x": 2}, "metadata": facts(2)}


@pytest.mark.parametrize(
    ("query", "version"), [("version=1", 1), ("version=2", 2), ("version=0", 2), ("version=-1", 2)]
)
def test_a_read_can_ask_for_a_version(vault, query, version):
    put(vault, "a", {"x": 1})
    put(vault, "a", {"x": 2})
    assert call(vault, "GET", f"secret/data/a?{query}").data == {"data": {"x": version}, "metadata": facts(version)}


@pytest.mark.parametrize("path", ["secret/data/none", "secret/data/a?version=2", "secret/data/"])
def test_there_is_nothing_where_nothing_was_written(vault, path):
    put(vault, "a", {"x": 1})
    assert (call(vault, "GET", path).status, call(vault, "GET", path).errors) == (404, [])


def test_a_read_answers_in_the_real_server_s_bytes(vault):
    put(vault, "a", {"b": "<&>", "a": {"z": 1, "y": None}})
    assert (
        r'"data":{"data":{"a":{"y":null,"z":1},"b":"\u003c\u0026\u003e"},"metadata":{"created_time":"2026-01-01T00:00:00Z",'
        '"custom_metadata":null,"deletion_time":"","destroyed":false,"version":1}}'
    ) in call(vault, "GET", "secret/data/a").text


def test_numbers_come_back_as_floats_that_were_read_and_written(vault):
    call(vault, "POST", "secret/data/a", b'{"data":{"a":1e5,"b":1.10,"c":9007199254740993,"d":-0,"e":0.0000001}}')
    assert (
        '"data":{"a":100000,"b":1.1,"c":9007199254740992,"d":-0,"e":1e-7}' in call(vault, "GET", "secret/data/a").text
    )


def test_the_time_of_a_version_is_that_of_its_write(vault):
    put(vault, "a", {"x": 1})
    vault.clock.advance(1.5)
    assert put(vault, "a", {"x": 2}).data["created_time"] == "2026-01-01T00:00:01.5Z"
    assert call(vault, "GET", "secret/data/a?version=1").data["metadata"]["created_time"] == FIRST


@pytest.mark.parametrize("body", [{}, {"x": 1}, b"", {"options": {"cas": 9}}])
def test_a_write_needs_data(vault, body):
    reply = call(vault, "POST", "secret/data/a", body)
    assert (reply.status, reply.errors) == (400, ["no data provided"])


@pytest.mark.parametrize(
    ("sent", "kept"), [(None, None), ({}, {}), ([], {}), ([{"a": 1}], {"a": 1}), ([{"a": 1}, {"a": 2}], {"a": 2})]
)
def test_data_may_be_null_or_a_list_of_objects(vault, sent, kept):
    assert put(vault, "a", sent).status == 200
    assert call(vault, "GET", "secret/data/a").data["data"] == kept


@pytest.mark.parametrize(("sent", "kind"), [("text", "string"), (5, "json.Number"), (True, "bool")])
def test_data_that_is_no_object_is_refused(vault, sent, kind):
    text = (
        "error converting input for field \"data\": '' expected type 'map[string]interface {}', got unconvertible type "
    )
    assert put(vault, "a", sent).errors == [f"{text}'{kind}'"]
    assert call(vault, "PATCH", "secret/data/a", {"data": sent}).errors == [f"Field validation failed: {text}'{kind}'"]


@pytest.mark.parametrize("cas", [0, "0", None, False, ""])
def test_check_and_set_of_0_is_for_a_secret_that_is_not_there(vault, cas):
    assert put(vault, "a", {"x": 1}, cas=cas).data["version"] == 1
    reply = put(vault, "a", {"x": 1}, cas=cas)
    assert (reply.status, reply.errors) == (400, ["check-and-set parameter did not match the current version"])


def test_check_and_set_names_the_current_version_deleted_or_not(vault):
    put(vault, "a", {"x": 1})
    assert put(vault, "a", {"x": 2}, cas=1).data["version"] == 2
    call(vault, "DELETE", "secret/data/a")
    assert put(vault, "a", {"x": 3}, cas=0).status == 400
    assert put(vault, "a", {"x": 3}, cas="2").data["version"] == 3


@pytest.mark.parametrize("cas", ["x", 1.5, [], [1], {}, "1h", "9" * 30])
def test_check_and_set_that_is_no_number_is_refused(vault, cas):
    reply = put(vault, "a", {"x": 1}, cas=cas)
    assert (reply.status, reply.errors) == (400, ["error parsing check-and-set parameter"])


@pytest.mark.parametrize("path", ["secret/config", "secret/metadata/a"])
def test_check_and_set_can_be_required(vault, path):
    call(vault, "POST", path, {"cas_required": True})
    reply = put(vault, "a", {"x": 1})
    assert (reply.status, reply.errors) == (400, ["check-and-set parameter required for this call"])
    assert put(vault, "a", {"x": 1}, cas=0).status == 200


def test_a_deleted_version_is_not_found_but_described(vault):
    put(vault, "a", {"x": 1})
    vault.clock.advance(5)
    assert call(vault, "DELETE", "secret/data/a").status == 204
    reply = call(vault, "GET", "secret/data/a")
    assert reply.status == 404
    assert reply.data == {"data": None, "metadata": facts(1, deletion_time="2026-01-01T00:00:05Z")}


def test_deleting_what_is_deleted_or_not_there_changes_nothing(vault):
    put(vault, "a", {"x": 1})
    call(vault, "DELETE", "secret/data/a")
    vault.clock.advance(5)
    assert call(vault, "DELETE", "secret/data/a").status == 204
    assert call(vault, "GET", "secret/data/a").data["metadata"]["deletion_time"] == FIRST
    assert call(vault, "DELETE", "secret/data/none").status == 204


def test_a_deleted_version_can_be_undeleted(vault):
    put(vault, "a", {"x": 1})
    put(vault, "a", {"x": 2})
    assert call(vault, "POST", "secret/delete/a", {"versions": [1, 2, 9]}).status == 204
    assert call(vault, "POST", "secret/undelete/a", {"versions": ["1"]}).status == 204
    assert call(vault, "GET", "secret/data/a?version=1").data == {"data": {"x": 1}, "metadata": facts(1)}
    assert call(vault, "GET", "secret/data/a").status == 404


def test_a_destroyed_version_is_gone_for_good(vault):
    put(vault, "a", {"x": 1})
    assert call(vault, "POST", "secret/destroy/a", {"versions": "1"}).status == 204
    call(vault, "POST", "secret/undelete/a", {"versions": [1]})
    reply = call(vault, "GET", "secret/data/a")
    assert (reply.status, reply.data) == (404, {"data": None, "metadata": facts(1, destroyed=True)})


def test_a_destroyed_value_is_nowhere_in_the_storage(vault):
    put(vault, "a", {"x": "destroy-me"})
    call(vault, "POST", "secret/destroy/a", {"versions": [1]})
    assert "destroy-me" not in repr(vault.storage.snapshot().values)


@pytest.mark.parametrize(("verb", "text"), [("delete", "No"), ("undelete", "No"), ("destroy", "no")])
@pytest.mark.parametrize("body", [{}, {"versions": []}, {"versions": None}, {"version": [1]}])
def test_versions_must_be_named(vault, verb, text, body):
    reply = call(vault, "POST", f"secret/{verb}/a", body)
    assert (reply.status, reply.errors) == (400, [f"{text} version number provided"])


@pytest.mark.parametrize("verb", ["delete", "undelete", "destroy"])
def test_versions_of_nothing_can_be_deleted(vault, verb):
    assert call(vault, "POST", f"secret/{verb}/none", {"versions": [1]}).status == 204


def test_a_version_deletes_itself_in_time(vault):
    call(vault, "POST", "secret/metadata/a", {"delete_version_after": "10s"})
    assert put(vault, "a", {"x": 1}).data["deletion_time"] == "2026-01-01T00:00:10Z"
    vault.clock.advance(9)
    assert call(vault, "GET", "secret/data/a").status == 200
    vault.clock.advance(1)
    assert call(vault, "GET", "secret/data/a").status == 404
    call(vault, "POST", "secret/undelete/a", {"versions": [1]})
    assert call(vault, "GET", "secret/data/a").data["metadata"]["deletion_time"] == "2026-01-01T00:00:20Z"


@pytest.mark.parametrize(
    ("mount", "secret", "deletion"),
    [
        ("1h", "30m", "2026-01-01T00:30:00Z"),
        ("1h", "2h", "2026-01-01T01:00:00Z"),
        ("1h", "0", "2026-01-01T01:00:00Z"),
        ("0", "2h", "2026-01-01T02:00:00Z"),
        ("-1s", "2h", ""),
        ("0", "0", ""),
    ],
)
def test_the_shorter_time_decides_when_a_version_deletes_itself(vault, mount, secret, deletion):
    call(vault, "POST", "secret/config", {"delete_version_after": mount})
    call(vault, "POST", "secret/metadata/a", {"delete_version_after": secret})
    assert put(vault, "a", {"x": 1}).data["deletion_time"] == deletion


def test_a_slash_at_the_end_finds_the_secret_but_not_its_data(vault):
    put(vault, "a", {"x": 1})
    for path in ("data/a/", "subkeys/a/"):
        reply = call(vault, "GET", f"secret/{path}")
        assert (reply.status, reply.errors) == (500, ["1 error occurred:\n\t* could not find version data\n\n"])
    assert call(vault, "DELETE", "secret/data/a/").status == 204
    assert call(vault, "GET", "secret/data/a/").data["metadata"] == facts(1, deletion_time=FIRST)


@pytest.mark.parametrize(
    ("before", "patch", "after"),
    [
        ({"a": 1, "b": 1}, {"a": 2, "b": None}, {"a": 2}),
        ({"a": {"n": None, "k": 1}}, {"a": {"z": 1}}, {"a": {"n": None, "k": 1, "z": 1}}),
        ({"a": "s"}, {"a": {"l": {"z": None, "b": 2}}}, {"a": {"l": {"b": 2}}}),
        ({"a": [1]}, {"a": [None, {"z": None, "o": {"u": None}}]}, {"a": [None, {"o": {}}]}),
        ({"a": {"l": [None, {"z": None}]}}, {"a": {"q": {"z": None}}}, {"a": {"l": [None, {"z": None}], "q": {}}}),
        ({"a": 1}, {}, {"a": 1}),
        ({"a": 1}, [], {"a": 1}),
        ({"a": 1}, None, None),
    ],
)
def test_a_patch_is_merged_with_the_current_version(vault, before, patch, after):
    put(vault, "a", before)
    assert call(vault, "PATCH", "secret/data/a", {"data": patch}).data == facts(2)
    assert call(vault, "GET", "secret/data/a").data["data"] == after
    assert call(vault, "GET", "secret/data/a?version=1").data["data"] == before


def test_a_patch_needs_something_to_patch(vault):
    reply = call(vault, "PATCH", "secret/data/a", {"data": {"x": 1}})
    assert (reply.status, reply.text) == (404, "")
    call(vault, "POST", "secret/metadata/a", {"max_versions": 1})
    reply = call(vault, "PATCH", "secret/data/a", {"data": {"x": 1}})
    assert (reply.status, reply.text) == (404, "")


def test_a_patch_of_a_deleted_version_is_not_found(vault):
    put(vault, "a", {"x": 1})
    call(vault, "DELETE", "secret/data/a")
    reply = call(vault, "PATCH", "secret/data/a", {"data": {"x": 1}})
    assert (reply.status, reply.data) == (404, facts(1, deletion_time=FIRST))


def test_a_patch_of_null_fails(vault):
    put(vault, "a", None)
    reply = call(vault, "PATCH", "secret/data/a", {"data": {"x": 1}})
    assert (reply.status, reply.errors) == (500, ["1 error occurred:\n\t* resource does not exist\n\n"])


def test_a_patch_heeds_check_and_set(vault):
    put(vault, "a", {"x": 1})
    reply = call(vault, "PATCH", "secret/data/a", {"data": {"x": 2}, "options": {"cas": 0}})
    assert (reply.status, reply.errors) == (400, ["check-and-set parameter did not match the current version"])
    assert call(vault, "PATCH", "secret/data/a", {"data": {"x": 2}, "options": {"cas": 1}}).status == 200


NESTED = {"s": "x", "o": {"p": {"q": {"r": 1}}, "e": {}}, "l": [{"x": 1}], "z": None}


@pytest.mark.parametrize(
    ("depth", "shown"),
    [
        (0, {"s": None, "o": {"p": {"q": {"r": None}}, "e": None}, "l": None, "z": None}),
        (1, {"s": None, "o": None, "l": None, "z": None}),
        (-1, {"s": None, "o": None, "l": None, "z": None}),
        (2, {"s": None, "o": {"p": None, "e": None}, "l": None, "z": None}),
        (9, {"s": None, "o": {"p": {"q": {"r": None}}, "e": None}, "l": None, "z": None}),
    ],
)
def test_subkeys_show_names_without_values(vault, depth, shown):
    put(vault, "a", NESTED)
    put(vault, "a", {"second": 2})
    reply = call(vault, "GET", f"secret/subkeys/a?version=1&depth={depth}")
    assert reply.data == {"metadata": facts(1), "subkeys": shown}


def test_subkeys_of_what_is_null_or_deleted_are_null(vault):
    put(vault, "a", None)
    assert call(vault, "GET", "secret/subkeys/a").data["subkeys"] is None
    call(vault, "DELETE", "secret/data/a")
    reply = call(vault, "GET", "secret/subkeys/a")
    assert (reply.status, reply.data) == (404, {"metadata": facts(1, deletion_time=FIRST), "subkeys": None})


def test_what_is_nested_deeply_can_be_written_read_and_patched(vault):
    inner = "[" * 5000 + "1" + "]" * 5000
    call(vault, "POST", "secret/data/a", f'{{"data":{{"a":{inner}}}}}'.encode())
    call(vault, "PATCH", "secret/data/a", f'{{"data":{{"b":{inner}}}}}'.encode())
    assert f'"data":{{"a":{inner},"b":{inner}}}' in call(vault, "GET", "secret/data/a").text
    assert call(vault, "GET", "secret/subkeys/a").data["subkeys"] == {"a": None, "b": None}


def test_old_versions_go_when_there_are_too_many(vault):
    for number in range(1, 13):
        put(vault, "a", {"n": number})
    assert call(vault, "GET", "secret/data/a?version=2").status == 404
    assert call(vault, "GET", "secret/data/a?version=3").data["data"] == {"n": 3}


@pytest.mark.parametrize(
    ("mount", "secret", "oldest"), [(2, 0, 4), (0, 3, 3), (2, 3, 3), (4, 3, 2), (0, 0, 0), (1, 0, 5)]
)
def test_the_larger_limit_decides_how_many_versions_are_kept(vault, mount, secret, oldest):
    call(vault, "POST", "secret/config", {"max_versions": mount})
    call(vault, "POST", "secret/metadata/a", {"max_versions": secret})
    for number in range(1, 6):
        put(vault, "a", {"n": number})
    metadata = call(vault, "GET", "secret/metadata/a").data
    assert metadata["oldest_version"] == oldest
    assert list(metadata["versions"]) == [str(number) for number in range(max(oldest, 1), 6)]
