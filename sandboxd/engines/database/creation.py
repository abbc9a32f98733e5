"""Creation statements: what each family insists on before it makes a user. All raise PluginError in its words."""

from typing import Any, TypeVar

from sandboxd.engines.database.plugin import PluginError
from sandboxd.vault.framework.jsontext import whole

T = TypeVar("T", dict[str, Any], list[Any])
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
        for rule in _decoded(given[0], list, "[]string", before):
            if not isinstance(rule, str | None):
                raise PluginError(f"{before}json: cannot unmarshal {_type(rule)} into Go value of type string")


def mongodb(statements: Statements) -> None:
    """A JSON object with roles."""
    some(statements)
    _check_roles(_decoded(statements[0], dict, "mongodb.mongoDBStatement"))


def mongodbatlas(statements: Statements) -> None:
    """One JSON object with roles."""
    some(statements)
    _check_one(statements)
    _check_roles(_decoded(statements[0], dict, "mongodbatlas.mongoDBAtlasStatement", "error unmarshalling statement "))


def couchbase(statements: Statements) -> None:
    """A JSON object of roles and groups."""
    some(tuple(statement for statement in statements if statement.strip()))
    _decoded(
        statements[0],
        dict,
        "couchbase.RolesAndGroups",
        "error unmarshalling roles and groups creation statement JSON: ",
    )


def elasticsearch(statements: Statements) -> None:
    """One JSON object: roles that exist, or a role to make."""
    before = "unable to read creation_statements: "
    try:
        some(statements)
        _check_one(statements)
        reason = f"unable to unmarshal {statements[0]}: "
        found = _decoded(statements[0], dict, "elasticsearch.creationStatement", reason)
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


def _decoded(statement: str, kind: type[T], name: str, before: str = "") -> T:
    """The JSON value of a statement; `null` is an empty one.

    Args:
        kind: dict or list.
        name: what Go calls the type that it is read into.
        before: stands before the reason when it is refused.
    """
    try:
        found = whole(statement)
    except ValueError as error:
        raise PluginError(f"{before}{error}") from None
    if found is None:
        return kind()
    if not isinstance(found, kind):
        raise PluginError(f"{before}json: cannot unmarshal {_type(found)} into Go value of type {name}")
    return found


def _type(value: Any) -> str:
    """What Go calls the type of a JSON value."""
    return {str: "string", list: "array", dict: "object", bool: "bool"}.get(type(value), "number")
