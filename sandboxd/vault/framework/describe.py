"""What is read off the paths: path-help texts, and the OpenAPI document.

The forms are the real server's, so that clients which read them (the CLI's `path-help`, generators) find what they
expect.
"""

import re
from collections.abc import Iterable
from typing import Any

from sandboxd.vault.framework.backend import Backend
from sandboxd.vault.framework.dispatch import Route
from sandboxd.vault.framework.fields import Param

_METHODS = (
    ("read", "get"),
    ("list", "get"),
    ("scan", "get"),
    ("write", "post"),
    ("create", "post"),
    ("delete", "delete"),
    ("patch", "patch"),
)
_VERBS = {"create": "write"}
_CAPTURE = re.compile(r"\{(\w+)\}")
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")


def path_help(route: Route, path: str) -> str:
    """The help text of one path."""
    fields = "".join(
        f"\n    {name} ({field.kind.name})\n\n        {field.help or '<no description>'}\n"
        for name, field in sorted(route.params.items())
    )
    parameters = f"\n## PARAMETERS\n{fields}" if fields else ""
    return (
        f"Request:        {path}\nMatching Route: {route.shown_pattern}\n\n{route.path.help or '<no synopsis>'}\n"
        f"{parameters}\n## DESCRIPTION\n\n{route.path.description or '<no description>'}\n"
    )


def root_help(backend: Backend, routes: Iterable[Route]) -> str:
    """The help text of a mount: what it is, and its paths."""
    paths = "".join(
        f"\n    {route.shown_pattern}\n        {route.path.help}\n"
        for route in sorted(routes, key=lambda route: route.shown_pattern)
    )
    return (
        f"## DESCRIPTION\n\n{backend.help}\n\n## PATHS\n\n"
        "The following paths are supported by this backend. To view help for\n"
        "any of the paths below, use the help command with any route matching\n"
        "the path pattern. Note that depending on the policy of your auth token,\n"
        f"you may or may not be able to access certain paths.\n{paths}"
    )


def openapi_paths(
    prefix: str, routes: Iterable[Route], tag: str, *, kind: str, slashed: bool, mount: str = ""
) -> dict[str, Any]:
    """The OpenAPI paths of one mount.

    Args:
        prefix: where it is mounted ("secret/"), or a template ("{secret_mount_path}/").
        tag: the group that its operations are listed under ("secrets", "auth", "system", "identity").
        kind: the type of the backend, for operation ids.
        slashed: whether a slash that may be left out at the end is written; Vault does, OpenBao does not.
        mount: the name of the prefix's template variable, and its default as `name=default`; empty for none.
    """
    document: dict[str, Any] = {}
    for route in routes:
        if route.path.unpublished:
            continue
        for template in _spellings(route.path.template, slashed):
            item = _item(route, template, tag, kind)
            if mount and item:
                name, _, default = mount.partition("=")
                schema = {"type": "string", "default": default}
                text = "Path that the backend was mounted at"
                parameter = {"name": name, "description": text, "in": "path", "schema": schema, "required": True}
                item.setdefault("parameters", []).append(parameter)
            known = document.setdefault(f"/{prefix}{template}", {}) if item else {}
            for key, value in item.items():
                known.setdefault(key, value)
    return document


def _spellings(template: str, slashed: bool) -> list[str]:
    """A template's forms with and without what may be missing."""
    forms = [template.removesuffix("/?") + ("/" if slashed and template.endswith("/?") else "")]
    while any("[" in form for form in forms):
        forms = [
            expanded
            for form in forms
            for expanded in (_OPTIONAL.sub("", form, count=1), _OPTIONAL.sub(r"\1", form, count=1))
        ]
    return list(dict.fromkeys(forms))


def _item(route: Route, template: str, tag: str, kind: str) -> dict[str, Any]:
    """What one form of a path serves; empty when it serves nothing."""
    captured = _CAPTURE.findall(template)
    served: dict[str, Any] = {}
    for operation, method in _METHODS:
        if getattr(route.path, operation) is not None:
            found = _operation(route, template, tag, kind, operation, captured)
            if method not in served:
                served[method] = found
            elif operation in ("list", "scan"):
                _also_lists(served[method], found)
    if not served:
        return {}
    item: dict[str, Any] = {"description": route.path.help}
    if captured:
        item["parameters"] = [_parameter(route.params[name], "path", required=True) for name in captured]
    if route.path.sudo:
        item["x-vault-sudo"] = True
    if route.path.login:
        item["x-vault-unauthenticated"] = True
    if route.path.exists is not None:
        item["x-vault-createSupported"] = True
    return item | served


def _operation(route: Route, template: str, tag: str, kind: str, operation: str, captured: list[str]) -> dict[str, Any]:
    names = [name for name in route.params if name not in captured]
    query = [name for name in names if name in route.path.query or route.params[name].place == "query"]
    found: dict[str, Any] = {
        "summary": route.path.help,
        "operationId": operation_id(kind, template, operation, route),
        "tags": [tag],
        "responses": {"204": {"description": "empty body"}}
        if operation == "delete"
        else {"200": {"description": "OK"}},
    }
    if operation in ("write", "create", "patch"):
        body = [name for name in names if name not in query]
        if body:
            schema = {"type": "object", "properties": {name: _property(route.params[name]) for name in body}}
            found["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
        return found
    parameters = [_parameter(route.params[name], "query") for name in query]
    if operation in ("list", "scan"):
        # A read-less list is told apart from a read by this parameter being required.
        parameters.insert(0, _flag(operation, required=True))
    if parameters:
        found["parameters"] = parameters
    return found


def _also_lists(known: dict[str, Any], more: dict[str, Any]) -> None:
    """Fold a list or scan into the `get` that is there already."""
    parameters = known.setdefault("parameters", [])
    have = {parameter["name"] for parameter in parameters}
    parameters += [parameter for parameter in more.get("parameters", ()) if parameter["name"] not in have]
    for position, parameter in enumerate(parameters):
        if parameter["name"] in ("list", "scan"):
            parameters[position] = _flag(parameter["name"], required=False)


def _flag(operation: str, *, required: bool) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    text = "Return a list if `true`" if operation == "list" else "Return a recursive list if `true`"
    if required:
        schema["enum"] = ["true"]
        text = "Must be set to `true`"
    flag = {"name": operation, "description": text, "in": "query", "schema": schema}
    return flag | {"required": True} if required else flag


def operation_id(kind: str, template: str, operation: str, route: Route) -> str:
    """The operation's id: the one declared, or made of backend, verb and path."""
    declared = route.path.operation_ids.get(operation)
    if declared:
        return declared
    words = re.split(r"[^a-zA-Z0-9]+", template.lower())
    verb = _VERBS.get(operation, operation)
    return "-".join(word for word in (kind, verb, *words) if word)


def _parameter(field: Param, place: str, *, required: bool = False) -> dict[str, Any]:
    found = {"name": field.name, "description": field.help, "in": place, "schema": _schema(field)}
    return found | {"required": True} if required or field.required else found


def _schema(field: Param) -> dict[str, Any]:
    kind, form = field.kind.schema
    schema: dict[str, Any] = {"type": kind}
    if form:
        schema["format"] = form
    if field.kind.items:
        schema["items"] = {"type": field.kind.items}
    if field.values:
        schema["enum"] = list(field.values)
    if field.has_default and not isinstance(field.default, dict | tuple):
        schema["default"] = field.default
    if field.deprecated:
        schema["deprecated"] = True
    return schema


def _property(field: Param) -> dict[str, Any]:
    schema = _schema(field)
    if field.help:
        schema["description"] = field.help
    return schema
