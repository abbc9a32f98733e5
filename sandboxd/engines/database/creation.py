"""Creation statements: what each family insists on before it makes a user. All raise PluginError in its words."""

from typing import Any

import msgspec

from sandboxd.engines.database.details import json_object
from sandboxd.engines.database.plugin import PluginError

Statements = tuple[str, ...]


def some(statements: Statements) -> None:
    """There must be some."""
    if not statements:
        raise PluginError("empty creation statements")


def anything(statements: Statements) -> None:
    """There need be none: the plugin has a default."""
    del statements


def unsupported(statements: Statements) -> None:
    """Users are made elsewhere."""
    del statements
    raise PluginError("user creation not supported")


def acl_rules(statements: Statements) -> None:
    """A JSON array of ACL rules, or nothing."""
    given = [statement for statement in statements if statement.strip()]
    if given:
        before = "error unmarshalling REDIS rules in the creation statement JSON: "
        try:
            msgspec.json.decode(given[0], type=list[str])
        except msgspec.DecodeError:
            try:
                json_object(given[0], "[]string")
            except ValueError as error:
                raise PluginError(f"{before}{error}") from None
            raise PluginError(f"{before}json: cannot unmarshal object into Go value of type []string") from None


def mongodb(statements: Statements) -> None:
    """A JSON object with roles."""
    some(statements)
    _check_roles(_decoded(statements[0], "mongodb.mongoDBStatement"))


def mongodbatlas(statements: Statements) -> None:
    """One JSON object with roles."""
    some(statements)
    _check_one(statements)
    _check_roles(_decoded(statements[0], "mongodbatlas.mongoDBAtlasStatement", "error unmarshalling statement "))


def couchbase(statements: Statements) -> None:
    """A JSON object of roles and groups."""
    some(tuple(statement for statement in statements if statement.strip()))
    _decoded(
        statements[0],
        "couchbase.RolesAndGroups",
        "error unmarshalling roles and groups creation statement JSON: ",
    )


def elasticsearch(statements: Statements) -> None:
    """One JSON object: roles that exist, or a role to make."""
    before = "unable to read creation_statements: "
    try:
        some(statements)
        _check_one(statements)
        found = _decoded(statements[0], "elasticsearch.creationStatement", f"unable to unmarshal {statements[0]}: ")
    except PluginError as error:
        raise PluginError(before + error.text) from None
    if found.get("elasticsearch_roles") and found.get("elasticsearch_role_definition"):
        raise PluginError(f'{before}"elasticsearch_roles" and "elasticsearch_role_definition" are mutually exclusive')


def _check_one(statements: Statements) -> None:
    if len(statements) > 1:
        raise PluginError("only 1 creation statement supported for creation")


def _check_roles(found: dict[str, Any]) -> None:
    if not found.get("roles"):
        raise PluginError("roles array is required in creation statement")


def _decoded(statement: str, kind: str, before: str = "") -> dict[str, Any]:
    try:
        return json_object(statement, kind)
    except ValueError as error:
        raise PluginError(before + str(error)) from None
