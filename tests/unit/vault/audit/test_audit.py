"""Audit entries. What they hold was recorded from the file that OpenBao 2.7.2 writes for the same requests."""

import json

import pytest
from unit.helpers import call, world

from sandboxd.vault.audit import Audit
from sandboxd.vault.errors import InternalError, InvalidCredentials, Refusal
from sandboxd.vault.pipeline import Bearer
from sandboxd.vault.request import Request
from sandboxd.vault.routing import find

ROOT_POLICY = {"allowed": True, "granting_policies": [{"name": "root", "namespace_id": "root", "type": "acl"}]}


@pytest.fixture
def vault(tmp_path):
    made = world("vault", kv="1")
    made.audit.enable("file", "file", options={"file_path": str(tmp_path / "log")})
    return made


def enable(vault, path, name, **options):
    vault.audit.enable(name, "file", options={"file_path": str(path), **options})


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def last(tmp_path, name="log"):
    """The two lines of the last request."""
    request, response = lines(tmp_path / name)[-2:]
    return request, response


def hashed(vault, text, device="file"):
    return vault.audit.hash(device, text)


def test_without_a_device_an_entry_is_the_same_silent_object_for_all():
    quiet = world("vault")
    request = Request(id="1", operation="read", path="secret/a")
    assert quiet.audit.entry(request) is quiet.audit.entry(request)


def test_enabling_a_device_leaves_a_test_line(vault, tmp_path):
    (probe,) = lines(tmp_path / "log")
    assert list(probe) == ["time", "type", "auth", "request"]
    assert probe["auth"] == {"token_type": "default"}
    assert {**probe["request"], "id": ""} == {
        "id": "",
        "operation": "update",
        "namespace": {"id": "root"},
        "path": "sys/audit/test",
    }


def test_the_request_that_enables_a_device_leaves_its_answer_there(tmp_path):
    fresh = world("vault")
    call(fresh, "PUT", "sys/audit/one", {"type": "file", "options": {"file_path": str(tmp_path / "one")}})
    probe, answer = lines(tmp_path / "one")
    assert (probe["request"]["path"], answer["type"]) == ("sys/audit/test", "response")
    assert answer["request"]["path"] == "sys/audit/one"


def test_a_write_leaves_two_lines_with_its_strings_hashed(vault, tmp_path):
    sent = {"k": "v", "n": 5, "b": True, "t": "2020-01-01T00:00:00Z", "l": ["x", {"y": "z"}], "nul": None}
    call(vault, "PUT", "secret/a", sent)
    request, response = last(tmp_path)
    assert (request["type"], response["type"]) == ("request", "response")
    assert list(request["request"]) == [
        "id",
        "client_id",
        "operation",
        "mount_point",
        "mount_type",
        "mount_accessor",
        *(["mount_running_version"] if "mount_running_version" in request["request"] else []),
        "mount_class",
        "client_token",
        "client_token_accessor",
        "namespace",
        "path",
        "data",
        "remote_address",
        "remote_port",
    ]
    assert request["request"]["data"] == {
        "b": True,
        "k": hashed(vault, "v"),
        "l": [hashed(vault, "x"), {"y": hashed(vault, "z")}],
        "n": 5,
        "nul": None,
        "t": "2020-01-01T00:00:00Z",
    }
    assert response["request"] == request["request"]
    assert response["response"]["mount_class"] == "secret"
    assert "data" not in response["response"]


def test_who_asks_is_told_in_the_real_servers_order(vault, tmp_path):
    call(vault, "GET", "secret/none")
    auth = last(tmp_path)[0]["auth"]
    assert list(auth) == [
        "client_token",
        "accessor",
        "display_name",
        "policies",
        "token_policies",
        "policy_results",
        "token_type",
        "token_issue_time",
    ]
    assert auth["client_token"] == hashed(vault, "root")
    assert auth["policy_results"] == ROOT_POLICY
    assert auth["token_issue_time"] == "2026-01-01T00:00:00Z"


def test_clients_are_counted_by_a_hash_of_their_policies(vault, tmp_path):
    call(vault, "GET", "secret/none")
    assert last(tmp_path)[0]["request"]["client_id"] == "0DHqvq2D77kL2/JTPSZkTMJbkFVmUu0TzMi0jiXcFy8="


def test_a_read_names_the_mounts_accessor_only_once_it_ran(vault, tmp_path):
    call(vault, "PUT", "secret/a", {"k": "v"})
    call(vault, "GET", "secret/a")
    request, response = last(tmp_path)
    assert "mount_accessor" not in request["request"]
    assert response["request"]["mount_accessor"] == response["response"]["mount_accessor"]
    assert response["response"]["secret"] == {}
    assert response["response"]["data"] == {"k": hashed(vault, "v")}


def test_a_listing_can_be_elided(vault, tmp_path):
    enable(vault, tmp_path / "short", "short", elide_list_responses="true")
    for name in ("a", "b"):
        call(vault, "PUT", f"secret/{name}", {"k": "v"})
    call(vault, "LIST", "secret/")
    assert last(tmp_path)[1]["response"]["data"] == {"keys": [hashed(vault, "a"), hashed(vault, "b")]}
    assert last(tmp_path, "short")[1]["response"]["data"] == {"keys": 2}


def test_a_raw_device_shows_everything(vault, tmp_path):
    enable(vault, tmp_path / "raw", "raw", log_raw="true")
    call(vault, "PUT", "secret/a", {"z": "last", "a": "first"})
    request, _ = last(tmp_path, "raw")
    assert request["auth"]["client_token"] == "root"
    assert list(request["request"]["data"].items()) == [("a", "first"), ("z", "last")]


def test_accessors_can_be_shown(vault, tmp_path):
    enable(vault, tmp_path / "open", "open", hmac_accessor="false")
    call(vault, "GET", "secret/none")
    accessor = vault.tokens.lookup("root").accessor
    assert last(tmp_path, "open")[0]["auth"]["accessor"] == accessor
    assert last(tmp_path)[0]["auth"]["accessor"] == hashed(vault, accessor)


def test_each_device_hashes_with_its_own_salt(vault, tmp_path):
    enable(vault, tmp_path / "other", "other")
    assert vault.audit.hash("file", "x") != vault.audit.hash("other", "x")
    assert vault.audit.hash("file/", "x").startswith("hmac-sha256:")


def test_a_prefix_stands_before_every_line(vault, tmp_path):
    enable(vault, tmp_path / "cee", "cee", prefix="@cee: ")
    call(vault, "GET", "secret/none")
    assert all(line.startswith('@cee: {"time":') for line in (tmp_path / "cee").read_text().splitlines())


def test_a_mount_can_have_keys_shown_as_they_are(vault, tmp_path):
    tuned = {"audit_non_hmac_request_keys": ["k"], "audit_non_hmac_response_keys": ["l"]}
    assert call(vault, "POST", "sys/mounts/secret/tune", tuned).status == 204
    call(vault, "PUT", "secret/b", {"k": "v", "l": ["q"]})
    assert last(tmp_path)[0]["request"]["data"] == {"k": "v", "l": [hashed(vault, "q")]}
    call(vault, "GET", "secret/b")
    assert last(tmp_path)[1]["response"]["data"] == {"k": hashed(vault, "v"), "l": ["q"]}


def test_chosen_headers_are_shown_hashed_or_not(vault, tmp_path):
    vault.audit.show_header("X-Open", hmac=False)
    vault.audit.show_header("X-Hidden", hmac=True)
    call(vault, "GET", "secret/none", headers={"x-open": "one", "x-hidden": "two", "x-other": "three"})
    assert last(tmp_path)[0]["request"]["headers"] == {"x-hidden": [hashed(vault, "two")], "x-open": ["one"]}


def test_a_wrapped_answer_is_told_by_where_it_went(vault, tmp_path):
    call(vault, "PUT", "secret/a", {"k": "v"})
    info = call(vault, "GET", "secret/a", headers={"x-vault-wrap-ttl": "60"}).json["wrap_info"]
    request, response = last(tmp_path)
    assert request["request"]["wrap_ttl"] == 60
    shown = response["response"]["wrap_info"]
    assert list(shown) == ["ttl", "token", "accessor", "creation_time", "creation_path"]
    assert shown["token"] == hashed(vault, info["token"])
    assert "data" not in response["response"]


def test_a_new_token_is_told_hashed(vault, tmp_path):
    made = call(vault, "POST", "auth/token/create", {"policies": ["default"], "ttl": "1h", "meta": {"a": "b"}}).json
    auth = last(tmp_path)[1]["response"]["auth"]
    assert auth["client_token"] == hashed(vault, made["auth"]["client_token"])
    assert {name: auth[name] for name in ("display_name", "metadata", "token_type", "token_ttl")} == {
        "display_name": "token",
        "metadata": {"a": "b"},
        "token_type": "service",
        "token_ttl": 3600,
    }


def test_a_path_without_a_mount_leaves_the_reason_and_the_error(vault, tmp_path):
    call(vault, "GET", "nope/x")
    request, response = last(tmp_path)
    assert "mount_point" not in request["request"]
    reason = 'no handler for route "nope/x". route entry not found.'
    assert response["response"] == {"data": {"error": hashed(vault, reason)}}
    assert response["error"] == "1 error occurred:\n\t* unsupported path\n\n"


def test_an_unsupported_operation_leaves_the_error_alone(vault, tmp_path):
    call(vault, "DELETE", "sys/key-status")
    response = last(tmp_path)[1]
    assert response["error"] == "1 error occurred:\n\t* unsupported operation\n\n"
    assert "data" not in response["response"]


def test_a_field_that_does_not_decode_leaves_the_reason_alone(vault, tmp_path):
    reply = call(vault, "POST", "auth/token/create", {"num_uses": "x"})
    response = last(tmp_path)[1]
    assert response["response"]["data"] == {"error": hashed(vault, reply.errors[0])}
    assert "error" not in response


def test_a_write_refused_for_its_form_leaves_nothing(vault, tmp_path):
    before = len(lines(tmp_path / "log"))
    call(vault, "PUT", "secret/b/", {"a": 1})
    assert len(lines(tmp_path / "log")) == before


def entry_of(vault, method, path, token="root"):
    """An entry at work, by hand: the route that a request takes, and who asks."""
    request = Request(id="1", operation=method, path=path, token=token)
    namespace = vault.namespaces.at("")
    found = vault.tokens.lookup(token)
    bearer = None if found is None else Bearer(found, None, vault.policies.acl(found, None))
    return vault.audit.entry(request), find(vault, namespace, path), bearer


def fail(entry, tell, error):
    """Have an entry see a request fail after it was told something."""
    with entry:
        tell()
        raise error


def test_an_unknown_token_leaves_two_lines_that_name_nobody(vault, tmp_path):
    entry, route, _ = entry_of(vault, "read", "secret/a", "s.nope")
    with pytest.raises(Refusal):
        fail(entry, lambda: entry.about(route), Refusal("permission denied", status=403))
    request, response = last(tmp_path)
    assert request["auth"] == response["auth"] == {"token_type": "default"}
    assert request["request"]["client_token"] == hashed(vault, "s.nope")
    assert request["error"] == "permission denied"
    assert response["error"] == "1 error occurred:\n\t* permission denied\n\n"
    assert response["response"]["data"] == {"error": hashed(vault, "permission denied")}
    assert "mount_accessor" not in response["response"]


def test_a_denied_token_leaves_what_policy_said(vault, tmp_path):
    made = call(vault, "POST", "auth/token/create", {"policies": ["default"], "num_uses": 5}).json["auth"]
    entry, route, bearer = entry_of(vault, "read", "secret/a", made["client_token"])
    denied = "1 error occurred:\n\t* permission denied\n\n"
    with pytest.raises(Refusal):
        fail(entry, lambda: entry.about(route, bearer), Refusal(denied, status=403))
    request, response = last(tmp_path)
    assert request["auth"]["policy_results"] == {"allowed": False}
    assert request["error"] == response["error"] == denied
    assert response["response"]["data"] == {"error": hashed(vault, denied)}


def test_the_uses_that_were_left_before_the_request_are_told(vault, tmp_path):
    made = call(vault, "POST", "auth/token/create", {"policies": ["default"], "num_uses": 2}).json["auth"]
    for left in (2, 1):
        call(vault, "GET", "auth/token/lookup-self", token=made["client_token"])
        assert last(tmp_path)[0]["auth"]["remaining_uses"] == left


def test_a_failed_login_is_told_as_invalid_credentials(vault, tmp_path):
    entry, route, _ = entry_of(vault, "update", "sys/wrapping/lookup", "")
    with pytest.raises(InvalidCredentials):
        fail(entry, lambda: entry.request(route, None), InvalidCredentials("invalid username or password"))
    request, response = last(tmp_path)
    assert request["auth"] == {"policy_results": {"allowed": True}, "token_type": "default"}
    assert response["auth"] == {"token_type": "default"}
    assert response["error"] == "invalid credentials"
    assert response["response"]["data"] == {"error": hashed(vault, "invalid username or password")}


def test_a_used_wrapping_token_leaves_one_line(vault, tmp_path):
    before = len(lines(tmp_path / "log"))
    call(vault, "PUT", "sys/wrapping/unwrap", {"token": "hvs.nope"})
    (request,) = lines(tmp_path / "log")[before:]
    assert request["request"]["mount_point"] == "sys/"
    assert request["error"] == "wrapping token is not valid or does not exist"


def test_sealing_leaves_one_line_without_what_policy_said(vault, tmp_path):
    before = len(lines(tmp_path / "log"))
    assert call(vault, "PUT", "sys/seal").status == 204
    (request,) = lines(tmp_path / "log")[before:]
    assert list(request["auth"]) == [
        "client_token",
        "accessor",
        "display_name",
        "policies",
        "token_policies",
        "token_type",
    ]
    assert "client_id" not in request["request"]


def test_a_route_outside_the_usual_way_leaves_its_body_and_headers(vault, tmp_path):
    call(vault, "PUT", "sys/rekey/init", {"secret_shares": 0}, token="")
    request, response = last(tmp_path)
    assert request["auth"] == {"token_type": "default"}
    reason = "invalid rekey seal configuration: shares must be at least one"
    assert response["response"] == {
        "data": {"errors": [hashed(vault, reason)]},
        "headers": {"Cache-Control": ["no-store"], "Content-Type": ["application/json"]},
    }


class Broken:
    """A sink that is full."""

    def write(self, line: bytes) -> None:
        raise OSError("no space left on device")

    def reopen(self) -> None:
        raise OSError("no space left on device")

    def close(self) -> None:
        pass


def break_devices(vault):
    devices = vault.audit._devices
    for path, device in devices.items():
        devices[path] = device._replace(sink=Broken())


@pytest.mark.parametrize(
    ("method", "path", "token", "errors"),
    [
        ("GET", "secret/a", "root", ["internal error"]),
        ("PUT", "secret/b", "root", ["internal error"]),
        ("GET", "nope/x", "root", ["internal error"]),
        ("GET", "sys/internal/ui/mounts", "", ["internal error"]),
        (
            "GET",
            "sys/generate-root/attempt",
            "",
            ["1 error occurred:\n\t* no audit backend succeeded in logging the request\n\n"],
        ),
        ("PUT", "sys/seal", "root", ["failed to audit request, cannot continue"]),
    ],
)
def test_when_no_device_takes_a_line_the_request_fails(vault, method, path, token, errors):
    break_devices(vault)
    reply = call(vault, method, path, {"x": 1} if method == "PUT" else None, token=token)
    assert (reply.status, reply.errors) == (500, errors)
    assert not vault.seal.sealed


def test_what_could_not_be_audited_was_not_done(vault):
    break_devices(vault)
    call(vault, "PUT", "secret/b", {"x": 1})
    vault.audit._devices.clear()
    assert call(vault, "GET", "secret/b").status == 404


def test_one_device_that_takes_the_line_is_enough(vault, tmp_path):
    break_devices(vault)
    enable(vault, tmp_path / "good", "good")
    assert call(vault, "PUT", "secret/b", {"x": 1}).status == 204
    assert len(lines(tmp_path / "good")) == 3


def test_a_failing_entry_replaces_the_refusal(vault):
    entry, route, _ = entry_of(vault, "read", "secret/a", "s.nope")
    break_devices(vault)
    with pytest.raises(InternalError):
        fail(entry, lambda: entry.about(route), Refusal("permission denied", status=403))


def test_devices_and_headers_survive_a_restart(vault, tmp_path):
    vault.audit.show_header("X-Foo", hmac=True)
    again = Audit(vault.storage, vault.clock, vault.entropy, "vault")
    again.reload()
    assert [device.path for device in again] == ["file/"]
    assert again.hash("file", "x") == hashed(vault, "x")
    assert again.headers["x-foo"].hmac


def test_after_a_restore_only_the_devices_of_that_moment_write(vault, tmp_path):
    moment = vault.snapshot()
    enable(vault, tmp_path / "later", "later")
    vault.restore(moment)
    call(vault, "GET", "secret/none")
    assert [device.path for device in vault.audit] == ["file/"]
    assert len(lines(tmp_path / "later")) == 1


def test_a_rotated_file_is_opened_anew(vault, tmp_path):
    call(vault, "GET", "secret/none")
    (tmp_path / "log").rename(tmp_path / "log.1")
    call(vault, "GET", "secret/none")
    assert not (tmp_path / "log").exists()
    vault.audit.reopen()
    call(vault, "GET", "secret/none")
    assert len(lines(tmp_path / "log")) == 2


def test_a_disabled_device_gets_nothing_more(vault, tmp_path):
    call(vault, "DELETE", "sys/audit/file")
    before = len(lines(tmp_path / "log"))
    call(vault, "GET", "secret/none")
    assert len(lines(tmp_path / "log")) == before
