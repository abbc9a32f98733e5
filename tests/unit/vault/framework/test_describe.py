"""Help and OpenAPI are there for every path that there is."""

import json

import pytest
from unit.helpers import call, world

from sandboxd.vault.framework.fields import params
from sandboxd.vault.namespaces import ROOT


def paths(profile):
    made = world(profile)
    call(made, "POST", "sys/auth/approle", {"type": "approle"})
    call(made, "POST", "sys/auth/userpass", {"type": "userpass"})
    call(made, "POST", "sys/mounts/kv1", {"type": "kv"})
    return made, [(mounted.entry.path, path) for mounted in made.mounts.list(ROOT) for path in mounted.backend.paths]


@pytest.mark.parametrize("profile", ["vault", "openbao"])
def test_every_path_says_what_it_is_for(profile):
    _, found = paths(profile)
    assert len(found) > 100
    assert [f"{mount}{path.template}" for mount, path in found if not path.help.strip()] == []


@pytest.mark.parametrize("profile", ["vault", "openbao"])
def test_every_path_serves_something_and_captures_only_fields_that_it_has(profile):
    _, found = paths(profile)
    for mount, path in found:
        names = {field.name for field in params(path.args)}
        captured = {part.partition("}")[0] for part in path.template.split("{")[1:]}
        assert captured <= names, f"{mount}{path.template}"
        assert any((path.read, path.write, path.create, path.delete, path.list, path.scan, path.patch)), path.template


@pytest.mark.parametrize("profile", ["vault", "openbao"])
def test_the_openapi_document_names_every_path_once(profile):
    made, _ = paths(profile)
    reply = call(made, "GET", "sys/internal/specs/openapi")
    document = json.loads(reply.text)
    document = document.get("data", document)
    assert document["openapi"].startswith("3.")
    ids = [
        operation["operationId"]
        for item in document["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict) and "operationId" in operation
    ]
    assert len(ids) > 100
    assert len(document["paths"]) > 100


def test_path_help_tells_the_fields_and_the_pattern():
    text = call(world(), "GET", "secret/data/app?help=1").json["help"]
    assert "## PARAMETERS" in text
    assert "Matching Route:" in text
    assert "(?P<path>" in text
