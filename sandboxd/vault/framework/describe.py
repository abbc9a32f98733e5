"""What is read off the paths: path-help texts, and the OpenAPI document.

The forms are the real server's, so that clients which read them (the CLI's `path-help`, generators) find what they expect.
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
_VERBS = {
    "read": "read",
    "list": "list",
    "scan": "scan",
    "write": "write",
    "create": "write",
    "delete": "delete",
    "patch": "patch",
}
_CAPTURE = re.compile(r"\{(\w+)\}")


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
        f"## DESCRIPTION\n\n{backend.help}\n\n## PATHS\n\nThe following paths are supported by this backend. To view help "
        f"for\nany of the paths below, use the help command with any route matching\nthe path pattern. Note that depending "
        f"on the policy of your auth token,\nyou may or may not be able to access certain paths.\n{paths}"
    )


def openapi_paths(prefix: str, routes: Iterable[Route], tag: str, *, mount: str = "") -> dict[str, Any]:
    """The OpenAPI paths of one mount.

    Args:
        prefix: where it is mounted ("secret/"), or a template ("{secret_mount_path}/").
        tag: the group that its operations are listed under ("secrets", "auth", "system", "identity").
        mount: the name of the prefix's template variable, and its default as `name=default`; empty for none.
    """
    document: dict[str, Any] = {}
    for route in routes:
        for template, optional in _spellings(route.path.template):
            path = f"/{prefix}{template}"
            item = _item(route, template, tag, prefix)
            if not item or optional is None:
                continue
            if mount:
                name, _, default = mount.partition("=")
                item.setdefault("parameters", []).append(
                    {
                        "name": name,
                        "description": "Path that the backend was mounted at",
                        "in": "path",
                        "schema": {"type": "string", "default": default},
                        "required": True,
                    }
                )
            known = document.setdefault(path, {})
            for key, value in item.items():
                known.setdefault(key, value)
    return document


def _spellings(template: str) -> list[tuple[str, bool]]:
    """A template's forms with and without what may be missing."""
    forms = [template.removesuffix("/?") + ("/" if template.endswith("/?") else "")]
    while any("[" in form for form in forms):
        forms = [
            expanded
            for form in forms
            for expanded in (
                (re.sub(r"\[([^\[\]]*)\]", "", form, count=1), re.sub(r"\[([^\[\]]*)\]", r"\1", form, count=1))
                if "[" in form
                else (form,)
            )
        ]
    return [(form, True) for form in dict.fromkeys(forms)]


def _item(route: Route, template: str, tag: str, prefix: str) -> dict[str, Any]:
    captured = _CAPTURE.findall(template)
    item: dict[str, Any] = {}
    if route.path.help:
        item["description"] = route.path.help
    parameters = [
        {
            "name": name,
            "description": route.params[name].help,
            "in": "path",
            "schema": _schema(route.params[name]),
            "required": True,
        }
        for name in captured
    ]
    if route.path.sudo:
        item["x-vault-sudo"] = True
    if route.path.login:
        item["x-vault-unauthenticated"] = True
    if route.path.exists is not None:
        item["x-vault-createSupported"] = True
    served = False
    listing = route.path.list is not None or route.path.scan is not None
    for operation, method in _METHODS:
        if getattr(route.path, operation) is None:
            continue
        served = True
        if method in item and operation not in ("list", "scan"):
            continue
        body = [name for name in route.params if name not in captured]
        query = [name for name in body if name in route.path.query or route.params[name].place == "query"]
        found: dict[str, Any] = {
            "summary": route.path.help,
            "operationId": operation_id(prefix, template, operation, route),
            "tags": [tag],
            "responses": _responses(operation),
        }
        if operation in ("list", "scan"):
            both = route.path.read is not None
            extra = [
                {
                    "name": operation,
                    "description": "Must be set to `true`" if not both else "Return a list if `true`",
                    "in": "query",
                    "schema": {"type": "string"},
                }
            ]
            if not both and not (operation == "scan" and route.path.list is not None):
                extra[0]["required"] = True
                extra[0]["schema"] = {"type": "string", "enum": ["true"]}
            if "get" in item:
                item["get"].setdefault("parameters", []).extend(extra)
                if operation == "scan" and route.path.read is None:
                    for parameter in item["get"]["parameters"]:
                        parameter.pop("required", None)
                continue
            found["parameters"] = extra + [_query(route.params[name]) for name in query]
        elif method in ("post", "patch"):
            names = [name for name in body if name not in query]
            if names:
                found["requestBody"] = {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "properties": {name: _property(route.params[name]) for name in names},
                            }
                        }
                    },
                }
        elif query:
            found["parameters"] = [_query(route.params[name]) for name in query]
        item[method] = found
    if not served:
        return {}
    if parameters:
        item["parameters"] = parameters
    del listing
    return item


def operation_id(prefix: str, template: str, operation: str, route: Route) -> str:
    """The operation's id: the one declared, or made of verb, mount and path."""
    declared = route.path.operation_ids.get(operation)
    if declared:
        return declared
    words = re.split(r"[^a-zA-Z0-9]+", f"{prefix}{template}")
    return "-".join(word for word in (*[w.lower() for w in words], _VERBS[operation]) if word)


def _responses(operation: str) -> dict[str, Any]:
    if operation == "delete":
        return {"204": {"description": "empty body"}}
    return {"200": {"description": "OK"}}


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


def _query(field: Param) -> dict[str, Any]:
    return {"name": field.name, "description": field.help, "in": "query", "schema": _schema(field)}
