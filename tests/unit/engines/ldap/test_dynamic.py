"""Dynamic roles of the LDAP engine. Expected answers are from Vault's openldap plugin."""

import base64

import pytest
from unit.helpers import START, call

from sandboxd.fakes import verify

CREATION = "dn: cn={{.Username}},ou=users\nobjectClass: person\nuserPassword: {{.Password}}\n"
DELETION = "dn: cn={{.Username}},ou=users\nchangetype: delete\n"


UNPARSABLE = "invalid template: failed to parse template: unable to parse template"


def write(vault, name="app", **fields):
    return call(vault, "POST", f"ldap/role/{name}", {"creation_ldif": CREATION, "deletion_ldif": DELETION, **fields})


def read(vault, name="app"):
    return call(vault, "GET", f"ldap/creds/{name}")


def test_a_role_is_read_as_it_was_written(vault):
    assert write(vault, default_ttl="1h", max_ttl=7200).status == 204
    assert call(vault, "GET", "ldap/role/app").data == {
        "creation_ldif": CREATION,
        "deletion_ldif": DELETION,
        "rollback_ldif": "",
        "username_template": "",
        "default_ttl": 3600,
        "max_ttl": 7200,
    }


def test_ldif_may_be_in_base64(vault):
    write(vault, creation_ldif=base64.b64encode(CREATION.encode()).decode())
    assert call(vault, "GET", "ldap/role/app").data["creation_ldif"] == CREATION


def test_bytes_that_are_no_text_are_kept_as_the_real_server_keeps_them(vault):
    packed = base64.b64encode(CREATION.encode() + b"cn: \xff").decode()
    write(vault, creation_ldif=packed)
    assert call(vault, "GET", "ldap/role/app").data["creation_ldif"] == CREATION + "cn: \ufffd"


def test_what_is_not_sent_or_null_stays(vault):
    write(vault, default_ttl="1h", rollback_ldif=DELETION)
    answer = call(vault, "POST", "ldap/role/app", {"max_ttl": "2h", "rollback_ldif": None, "creation_ldif": None})
    assert answer.status == 204
    data = call(vault, "GET", "ldap/role/app").data
    assert (data["default_ttl"], data["max_ttl"], data["rollback_ldif"]) == (3600, 7200, DELETION)


def test_times_that_are_null_go_back_to_none(vault):
    write(vault, default_ttl="1h", max_ttl="2h")
    assert call(vault, "POST", "ldap/role/app", {"default_ttl": None}).status == 204
    data = call(vault, "GET", "ldap/role/app").data
    assert (data["default_ttl"], data["max_ttl"]) == (0, 7200)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"creation_ldif": ""}, "missing creation_ldif"),
        ({"deletion_ldif": ""}, "missing deletion_ldif"),
        (
            {"creation_ldif": "{{"},
            f"invalid creation_ldif: {UNPARSABLE}: template: template:1: unclosed action",
        ),
        ({"deletion_ldif": "x"}, "invalid deletion_ldif: LDIF is invalid: Error in line 2: missing 'dn:'"),
        ({"rollback_ldif": "# none"}, "invalid rollback_ldif: must specify at least one LDIF entry"),
    ],
)
def test_ldif_that_is_none_is_an_error(vault, fields, text):
    answer = write(vault, **fields)
    assert (answer.status, answer.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])


def test_an_entry_is_made_for_a_lease(vault):
    write(vault, default_ttl="1h", max_ttl="2h")
    answer = read(vault).json
    name = answer["data"]["username"]
    assert name.startswith("v_token_app_")
    assert name.endswith(f"_{START}")
    assert answer["data"]["distinguished_names"] == [f"cn={name},ou=users"]
    assert verify(answer["data"]["password"]).made_here
    assert (answer["lease_duration"], answer["renewable"]) == (3600, True)
    assert answer["lease_id"].startswith("ldap/creds/app/")


def test_a_template_names_the_user(vault):
    write(vault, username_template="u-{{.RoleName}}")
    assert read(vault).data["username"] == "u-app"


def test_active_directory_takes_passwords_in_utf16(vault):
    password = '{{ printf "%q" .Password | utf16le | base64 }}'
    text = f"dn: cn={{{{.Username}}}}\nunicodePwd:: {password}\ndescription:: {password}"
    assert write(vault, creation_ldif=text, username_template="u").status == 204
    assert read(vault).data["distinguished_names"] == ["cn=u"]


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{.Nope}}", "can't evaluate field Nope in type openldap.usernameTemplateData"),
        ("{{", "failed to generate username: unable to parse template: template: template:1: unclosed action"),
    ],
)
def test_a_name_that_cannot_be_made_is_an_error(vault, template, text):
    write(vault, username_template=template)
    answer = read(vault)
    assert answer.status == 500
    assert text in answer.errors[0]


def test_ldif_that_only_fails_for_a_real_user_is_an_error(vault):
    text = '{{ if eq .Username "testuser" }}dn: cn=a\ncn: a{{ else }}x{{ end }}'
    write(vault, creation_ldif=text)
    assert "failed to create user: failed to parse generated LDIF: Error in line 2" in read(vault).errors[0]
    write(vault, deletion_ldif=text)
    lease = read(vault).json["lease_id"]
    answer = call(vault, "PUT", "sys/leases/revoke", {"lease_id": lease})
    assert "failed to parse generated LDIF" in answer.errors[0]
    write(vault, creation_ldif='{{ if eq .Username "testuser" }}dn: cn=a\ncn: a{{ else }}{{.No}}{{ end }}')
    assert call(vault, "GET", "ldap/role/app").status == 200
    assert "failed to create user: failed to apply template: failed to execute template" in read(vault).errors[0]


def test_a_lease_is_renewed_for_the_times_that_the_role_has_now(vault):
    write(vault, default_ttl="1h")
    lease = read(vault).json["lease_id"]
    write(vault, default_ttl="2h", max_ttl="3h")
    assert call(vault, "PUT", "sys/leases/renew", {"lease_id": lease}).json["lease_duration"] == 7200
    call(vault, "DELETE", "ldap/role/app")
    answer = call(vault, "PUT", "sys/leases/renew", {"lease_id": lease})
    assert "unable to renew: role does not exist" in answer.errors[0]


def test_a_lease_ends_without_its_role(vault):
    write(vault)
    answer = read(vault).json
    call(vault, "DELETE", "ldap/role/app")
    assert call(vault, "PUT", "sys/leases/revoke", {"lease_id": answer["lease_id"]}).status == 204
    assert vault.ledger.find(answer["data"]["password"]).end == "revoked"


def test_a_lease_does_not_end_without_a_configuration(vault):
    write(vault)
    lease = read(vault).json["lease_id"]
    call(vault, "DELETE", "ldap/config")
    answer = call(vault, "PUT", "sys/leases/revoke", {"lease_id": lease})
    assert "missing LDAP configuration" in answer.errors[0]


def test_nothing_is_made_without_a_configuration_or_a_role(bare):
    assert read(bare).status == 404
    write(bare)
    assert read(bare).errors == ["1 error occurred:\n\t* missing LDAP configuration\n\n"]


def test_names_may_have_folders(vault):
    write(vault, "team/a")
    write(vault, "b")
    assert call(vault, "LIST", "ldap/role").data == {"keys": ["b", "team/"]}
    assert call(vault, "LIST", "ldap/role/team").data == {"keys": ["a"]}
    assert read(vault, "team/a").json["lease_id"].startswith("ldap/creds/team/a/")
    assert call(vault, "DELETE", "ldap/role/team/a").status == 204
    assert call(vault, "GET", "ldap/role/team/a").status == 404


def test_a_role_that_is_written_in_capitals_is_not_found(vault):
    write(vault, "App")
    assert call(vault, "LIST", "ldap/role").data == {"keys": ["App"]}
    assert call(vault, "GET", "ldap/role/App").status == 404


ODD = '{{if eq .Username "testuser"}}dn: x{{end}}\ncn: y\n'
"""LDIF that is checked with a name of its own, and does not do for any other."""

FAULT = "failed to parse generated LDIF: Error in line 3: missing 'dn:'"


def test_a_role_that_cannot_make_an_entry_cleans_up(vault):
    write(vault, creation_ldif=ODD, rollback_ldif=DELETION)
    assert read(vault).errors == [f"1 error occurred:\n\t* failed to create user: {FAULT}\n\n"]


def test_it_tells_of_a_cleaning_up_that_fails_too(vault):
    write(vault, creation_ldif=ODD, rollback_ldif=ODD)
    assert read(vault).errors == [
        f"2 errors occurred:\n\t* failed to create user: {FAULT}\n\t* failed to roll back user creation: {FAULT}\n\n"
    ]
