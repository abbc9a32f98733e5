"""The engine as a whole. Operation ids are those of the plugin's public source."""

import pytest
from unit.helpers import call


@pytest.mark.parametrize(
    ("path", "method", "name"),
    [
        ("config", "get", "azure-read-configuration"),
        ("config", "post", "azure-configure"),
        ("rotate-root", "post", "azure-rotate-root"),
        ("roles/", "get", "azure-list-roles"),
        ("roles/{name}", "post", "azure-write-role"),
        ("creds/{role}", "get", "azure-request-service-principal-credentials"),
    ],
)
def test_operations_are_called_as_in_vault(made, path, method, name):
    document = call(made, "GET", "sys/internal/specs/openapi").json
    assert document["paths"][f"/azure/{path}"][method]["operationId"] == name
