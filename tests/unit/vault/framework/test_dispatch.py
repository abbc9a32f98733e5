"""Routing by template, and what is said of fields that nobody reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from unit.helpers import call, world

from sandboxd.vault.errors import UnsupportedOperation, UnsupportedPath
from sandboxd.vault.framework import dispatch
from sandboxd.vault.framework.backend import Engine, Path
from sandboxd.vault.framework.fields import Name, Rest, param


@dataclass(frozen=True, kw_only=True)
class Args:
    """Fields of all paths here."""

    name: Name = param(help="A name.")
    rest: Rest = param(help="A path.")
    size: int = param(0, "A number.")


def engine(*templates: str, profiles: dict[str, tuple[str, ...]] | None = None, **more: Any) -> dispatch.Router:
    """A router of paths, in this order, that answer reads."""
    found = profiles or {}
    paths = tuple(
        Path(
            template, Args, "A path.", read=lambda call, args: None, profiles=found.get(template, ("vault", "openbao"))
        )
        for template in templates
    )
    return dispatch.Router(Engine(type="test", help="A test.", paths=paths, **more), "openbao")


def template(router: dispatch.Router, path: str) -> str | None:
    match = router.find(path)
    return None if match is None else match.route.path.template


@pytest.mark.parametrize("turn", [1, -1])
def test_what_is_more_specific_wins_whatever_the_order(turn):
    router = engine(*["a/{rest}", "a/{name}", "a/b", "{rest}", "a/{name}/c"][::turn])
    assert template(router, "a/b") == "a/b"
    assert template(router, "a/x") == "a/{name}"
    assert template(router, "a/x/c") == "a/{name}/c"
    assert template(router, "a/x/d") == "a/{rest}"
    assert template(router, "b/x") == "{rest}"


def test_captures_are_told_by_name():
    match = engine("a/{name}/{rest}").find("a/x/y/z")
    assert match is not None
    assert match.captures == {"name": "x", "rest": "y/z"}


def test_what_may_be_missing_is_empty():
    match = engine("a[/{name}]").find("a")
    assert match is not None
    assert match.captures == {"name": ""}
    assert template(engine("a[/{name}]"), "a/x") == "a[/{name}]"


def test_a_slash_at_the_end_may_be_allowed():
    assert template(engine("a/?"), "a/") == template(engine("a/?"), "a") == "a/?"
    assert template(engine("a"), "a/") is None


@pytest.mark.parametrize("path", ["", "b", "a/", "a/x/y", "a/x ", "a/-x", "a/x-", "a/é"])
def test_what_no_template_fits_is_nowhere(path):
    assert template(engine("a/{name}"), path) is None


def test_literal_text_is_no_expression():
    assert template(engine("a.b"), "axb") is None


def test_a_profile_has_its_own_paths():
    assert template(engine("a", profiles={"a": ("vault",)}), "a") is None


@pytest.mark.parametrize(
    ("path", "open_to_all"), [("a", True), ("ab", False), ("b/x", True), ("b/", True), ("c/x/d", True), ("c/d", False)]
)
def test_paths_that_need_no_token_are_told_by_globs(path, open_to_all):
    router = engine("{rest}", unauthenticated=("a", "b/*", "c/+/d"))
    assert router.needs_token(path, None) is not open_to_all


def test_paths_that_need_sudo_are_told_by_globs():
    router = engine("{rest}", root=("a/*",))
    assert router.needs_sudo("a/b", None)
    assert not router.needs_sudo("b", None)


def test_where_no_route_leads_is_unsupported():
    with pytest.raises(UnsupportedPath):
        dispatch.run(None, None)  # type: ignore[arg-type]


def test_an_operation_without_a_handler_is_unsupported():
    class Delete:
        operation = "delete"

    with pytest.raises(UnsupportedOperation):
        dispatch.run(engine("a").find("a"), Delete())  # type: ignore[arg-type]


def test_fields_that_nobody_reads_are_named_in_order():
    reply = call(world(), "POST", "auth/token/create", {"zebra": 1, "ant": 2})
    assert reply.warnings is not None
    assert "Endpoint ignored these unrecognized parameters: [ant zebra]" in reply.warnings


def test_a_field_that_the_path_has_is_replaced_and_told_of():
    made = world()
    reply = call(made, "POST", "secret/data/app", {"path": "other", "data": {"x": 1}})
    assert reply.warnings == [
        "Endpoint replaced the value of these parameters with the values captured from the endpoint's path: [path]"
    ]
    assert call(made, "LIST", "secret/metadata").data == {"keys": ["app"]}


def test_where_there_is_no_answer_there_are_no_warnings():
    assert call(world(), "POST", "auth/token/roles/app", {"role_name": "other", "zebra": 1}).status == 204
