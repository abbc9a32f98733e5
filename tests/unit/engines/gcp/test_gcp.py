"""The engine as a whole. Operation ids are those of the plugin's public source."""

import pytest
from unit.helpers import call


@pytest.mark.parametrize(
    ("path", "method", "name"),
    [
        ("config", "get", "google-cloud-read-configuration"),
        ("config", "post", "google-cloud-configure"),
        ("config/rotate-root", "post", "google-cloud-rotate-root-credentials"),
        ("roleset/", "get", "google-cloud-list-rolesets"),
        ("rolesets/", "get", "google-cloud-list-rolesets2"),
        ("roleset/{name}", "delete", "google-cloud-delete-roleset"),
        ("roleset/{name}/rotate", "post", "google-cloud-rotate-roleset"),
        ("key/{roleset}", "post", "google-cloud-generate-roleset-key3"),
        ("static-account/{name}/key", "get", "google-cloud-generate-static-account-key2"),
        ("impersonated-account/{name}/token", "get", "google-cloud-generate-impersonated-account-access-token"),
    ],
)
def test_operations_are_called_as_in_vault(made, path, method, name):
    document = call(made, "GET", "sys/internal/specs/openapi").json
    assert document["paths"][f"/gcp/{path}"][method]["operationId"] == name


def test_the_form_of_a_key_is_asked_for_in_the_query(made):
    document = call(made, "GET", "sys/internal/specs/openapi").json
    names = {each["name"] for each in document["paths"]["/gcp/roleset/{roleset}/key"]["get"]["parameters"]}
    assert names == {"key_algorithm", "key_type", "ttl"}
