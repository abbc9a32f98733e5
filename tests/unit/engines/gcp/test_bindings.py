"""Bindings. Expected answers are from the plugin's public source and its tests."""

import base64
import json

import pytest

from sandboxd.engines.gcp.bindings import read_bindings

TWO = """
resource "projects/X" {
  roles = [
    "roles/role1",
    "projects/X/roles/customRole",
  ],
}
resource "//cloudresourcemanagers.com/projects/Y" {
  roles = ["roles/compute.admin", "organizations/1/roles/other"],
}"""
READ = {
    "//cloudresourcemanagers.com/projects/Y": ("organizations/1/roles/other", "roles/compute.admin"),
    "projects/X": ("projects/X/roles/customRole", "roles/role1"),
}
FORMATS = 'must be one of following formats: "projects/X/roles/Y", "organizations/X/roles/Y", "roles/X"'


@pytest.mark.parametrize(
    "text",
    [
        TWO,
        base64.b64encode(TWO.encode()).decode(),
        json.dumps({"resource": {name: {"roles": list(roles)} for name, roles in READ.items()}}),
    ],
)
def test_bindings_are_read_from_hcl_and_json_also_in_base64(text):
    assert read_bindings(text) == READ


def test_the_roles_of_a_resource_that_is_named_twice_add_up():
    text = 'resource "x" { roles = ["roles/b", "roles/a"] } resource "x" { roles = ["roles/a", "roles/c"] }'
    assert read_bindings(text) == {"x": ("roles/a", "roles/b", "roles/c")}


def test_an_empty_text_has_no_bindings():
    assert read_bindings("") == {}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("@@", "unable to parse raw string bindings as valid HCL: At 1:1: illegal char"),
        (
            base64.b64encode(b"@@").decode(),
            "unable to parse base64-encoded bindings as valid HCL: At 1:1: illegal char",
        ),
        (
            'resource "x" { roles = []\n  roles = [] }',
            (
                'unable to parse raw string bindings as valid HCL: The argument "roles" at 2:3 was already set. '
                "Each argument can only be defined once"
            ),
        ),
        (
            "a = 1\nb = 2",
            (
                "unable to parse bindings: 2 errors occurred:\n"
                '\t* (line 1) top-level items must have format "resource" "$resource_name"\n'
                '\t* (line 2) top-level items must have format "resource" "$resource_name"\n\n'
            ),
        ),
        (
            'thing "x" {}',
            'unable to parse bindings: 1 error occurred:\n\t* (line 0) invalid item "thing", expected "resource"\n\n',
        ),
        (
            'resource "x" {\n  roles = ["viewer", true]\n}',
            (
                "unable to parse bindings: 1 error occurred:\n\t* (line 0) 1 error occurred:\n"
                "\t* role list (line 2): 2 errors occurred:\n"
                f'\t* invalid role "viewer" (line 2) {FORMATS}\n'
                "\t* unexpected item true in roles list is not a string (line 2)\n\n\n\n\n\n"
            ),
        ),
        (
            'resource "x" {\n  role = ["roles/viewer"]\n  roles = "roles/viewer"\n}',
            (
                "unable to parse bindings: 1 error occurred:\n\t* (line 0) 2 errors occurred:\n"
                '\t* role list (line 2): invalid key "role" in resource, expected "roles"\n'
                "\t* role list (line 3): parsing error, expected list of roles for key 'roles'\n\n\n\n"
            ),
        ),
        (
            'resource "x" {\n  roles = [{}]\n  roles "y" {}\n}',
            (
                "unable to parse bindings: 1 error occurred:\n\t* (line 0) 2 errors occurred:\n"
                "\t* role list (line 2): 1 error occurred:\n\t* unexpected nil item in roles list (line 2)\n\n\n"
                '\t* role list (line 0): expected "roles" list, got nil object item\n\n\n\n'
            ),
        ),
    ],
)
def test_what_is_wrong_with_bindings_is_told(text, error):
    with pytest.raises(ValueError, match="unable to parse") as caught:
        read_bindings(text)
    assert str(caught.value) == error


@pytest.mark.parametrize("role", ["viewer", "roles/", "roles/a/b", "folders/x/roles/y", "projects/x/role/y", ""])
def test_only_three_forms_of_role_are_known(role):
    text = f'resource "x" {{ roles = ["{role}"] }}'
    if role == "roles/":
        assert read_bindings(text) == {"x": ("roles/",)}
    else:
        with pytest.raises(ValueError, match="must be one of following formats"):
            read_bindings(text)
