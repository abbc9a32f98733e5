"""The order in which a request is judged, as it shows on the wire of a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from unit.helpers import call, finished, world

from sandboxd.vault import pipeline
from sandboxd.vault.errors import Refusal, VaultError
from sandboxd.vault.faults import Trouble
from sandboxd.vault.framework.backend import Response
from sandboxd.vault.request import Request

if TYPE_CHECKING:
    from sandboxd.vault.routing import Route
    from sandboxd.vault.world import World

DENIED = "1 error occurred:\n\t* permission denied\n\n"


@pytest.fixture
def made():
    found = world()
    policy = 'path "secret/data/mine" { capabilities = ["read"] }\npath "sys/seal-status" { capabilities = ["read"] }'
    call(found, "PUT", "sys/policies/acl/reader", {"policy": policy})
    call(found, "POST", "secret/data/mine", {"data": {"x": 1}})
    return found


def token(made: Any, **wishes: object) -> str:
    found: str = call(made, "POST", "auth/token/create", {"policies": ["reader"], **wishes}).json["auth"][
        "client_token"
    ]
    return found


def test_a_sealed_server_answers_nothing_else(made):
    call(made, "POST", "sys/seal")
    for path in ("secret/data/mine", "nowhere", "sys/mounts"):
        reply = call(made, "GET", path)
        assert (reply.status, reply.errors) == (503, ["Vault is sealed"])


@pytest.mark.parametrize("path", ["secret/data/mine", "secret/data/none", "nowhere/a", "sys/mounts", "sys/nothing"])
def test_without_a_token_existence_is_not_told(made, path):
    for wrong in ("", "bad"):
        reply = call(made, "GET", path, token=wrong)
        assert (reply.status, reply.errors) == (403, ["permission denied"])


@pytest.mark.parametrize("path", ["secret/data/other", "secret/data/none", "nowhere/a", "sys/nothing"])
def test_what_policies_do_not_allow_is_not_told_of(made, path):
    reply = call(made, "GET", path, token=token(made))
    assert (reply.status, reply.errors) == (403, [DENIED])


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "nowhere/a", 404, 'no handler for route "nowhere/a". route entry not found.'),
        ("GET", "sys/nothing", 404, "1 error occurred:\n\t* unsupported path\n\n"),
        ("DELETE", "sys/mounts", 405, "1 error occurred:\n\t* unsupported operation\n\n"),
        ("POST", "secret/data/", 400, "cannot write to a path ending in '/'"),
        ("GET", "secret/%2e%2e/x", 400, "relative paths not supported"),
    ],
)
def test_root_is_told_what_is_wrong_with_a_path(made, method, path, status, text):
    reply = call(made, method, path, {} if method == "POST" else None)
    assert (reply.status, reply.errors) == (status, [text])


def test_a_denied_request_uses_a_token_up_all_the_same(made):
    twice = token(made, num_uses=2)
    assert call(made, "GET", "secret/data/other", token=twice).status == 403
    assert call(made, "GET", "secret/data/mine", token=twice).status == 200
    assert call(made, "GET", "secret/data/mine", token=twice).errors == ["permission denied"]


def test_a_token_dies_of_time_before_it_is_asked_for(made):
    short = token(made, ttl="60s")
    made.clock.advance(59)
    assert call(made, "GET", "secret/data/mine", token=short).status == 200
    made.clock.advance(2)
    assert call(made, "GET", "secret/data/mine", token=short).errors == ["permission denied"]


def test_a_path_needs_sudo_as_well_as_the_capability(made):
    call(made, "PUT", "sys/policies/acl/almost", {"policy": 'path "sys/raw/*" { capabilities = ["read"] }'})
    call(made, "PUT", "sys/policies/acl/plain", {"policy": 'path "sys/auth/x" { capabilities = ["create", "update"] }'})
    plain = call(made, "POST", "auth/token/create", {"policies": ["plain"]}).json["auth"]["client_token"]
    assert call(made, "POST", "sys/auth/x", {"type": "userpass"}, token=plain).errors == [DENIED]


def test_an_answer_is_wrapped_and_opened_once(made):
    wrapped = call(made, "GET", "secret/data/mine", headers={"x-vault-wrap-ttl": "60"}).json
    assert wrapped["data"] is None
    opener = wrapped["wrap_info"]["token"]
    assert call(made, "POST", "sys/wrapping/unwrap", {}, token=opener).data["data"] == {"x": 1}
    assert call(made, "POST", "sys/wrapping/unwrap", {}, token=opener).status == 400


def test_what_is_not_there_is_not_wrapped(made):
    assert call(made, "GET", "secret/data/none", headers={"x-vault-wrap-ttl": "60"}).status == 404


def test_a_namespace_that_is_not_there_is_told(made):
    reply = call(made, "GET", "secret/data/mine", headers={"x-vault-namespace": "none"})
    assert (reply.status, reply.errors) == (404, ["namespace not found"])


def test_paths_of_the_root_namespace_are_there_alone(made):
    call(made, "POST", "sys/namespaces/team", {})
    reply = call(made, "GET", "team/sys/audit")
    assert reply.status == 400


class Out(Trouble):
    """Fails at one place of a request's way, and remembers where it was."""

    def __init__(self, when: str) -> None:
        self.when = when
        self.seen: list[str] = []

    def _reach(self, place: str) -> None:
        self.seen.append(place)
        if place == self.when:
            raise Refusal("out of order", status=500)

    def before(self, world: World, request: Request) -> None:
        self._reach("before")

    def authenticating(self, world: World, request: Request) -> None:
        self._reach("authenticating")

    def permitting(self, request: Request, route: Route) -> None:
        self._reach("permitting")

    def handling(self, world: World, route: Route, call: object) -> None:
        self._reach("handling")

    def committing(self, world: World) -> None:
        self._reach("committing")

    def after(self, world: World, request: Request, response: Response | None) -> Response | None:
        self._reach("after")
        return Response(data={"changed": True}) if self.when == "change" else response


PLACES = ["before", "authenticating", "permitting", "handling", "committing", "after"]


def send(made: World, trouble: Trouble, operation: str, path: str, data: object = None, token: str = "root"):
    request = Request(id="1", operation=operation, path=path, data=data or {}, token=token, trouble=trouble)
    return finished(pipeline.handle(made, request))


@pytest.mark.parametrize("place", PLACES)
def test_trouble_strikes_at_its_place_and_nothing_comes_after_it(made, place):
    trouble = Out(place)
    with pytest.raises(VaultError, match="out of order"):
        send(made, trouble, "update", "secret/data/new", {"data": {}})
    reached = PLACES[: PLACES.index(place) + 1]
    committed = [] if place in ("before", "committing", "after") else ["committing"]  # a refusal is kept as well
    assert trouble.seen == reached + committed


@pytest.mark.parametrize("place", PLACES[:4])
def test_trouble_before_the_handler_keeps_the_request_from_being_carried_out(made, place):
    with pytest.raises(VaultError):
        send(made, Out(place), "update", "secret/data/new", {"data": {}})
    assert call(made, "GET", "secret/data/new").status == 404


def test_trouble_afterwards_loses_the_answer_alone(made):
    with pytest.raises(VaultError):
        send(made, Out("after"), "update", "secret/data/new", {"data": {}})
    assert call(made, "GET", "secret/data/new").status == 200


def test_trouble_may_change_an_answer(made):
    assert send(made, Out("change"), "read", "secret/data/mine").data == {"changed": True}


def test_who_has_no_permission_is_told_so_before_the_engine_is_in_trouble(made):
    with pytest.raises(VaultError, match="permission denied"):
        send(made, Out("handling"), "read", "secret/data/mine", token="none")


def test_a_use_that_counts_is_kept_also_when_the_request_is_refused(made):
    class Disk:
        def __init__(self) -> None:
            self.kept: dict[str, object] = {}

        def commit(self, batch: dict[str, object]) -> None:
            self.kept |= batch

    once = token(made, num_uses=2)
    made.storage._journal = disk = Disk()
    assert call(made, "GET", "secret/data/other", token=once).status == 403
    assert any(getattr(value, "num_uses", 0) == 1 for value in disk.kept.values())
