"""How a directory is described. Texts are from Vault's helper for it."""

import pytest
from unit.helpers import call, world

from sandboxd.fakes import Source, parts, verify
from sandboxd.vault.framework.ldap import LdapFields

ENOUGH = {"userdn": "ou=People"}
PAIR = "failed to parse client X509 key pair: tls: "
SERVER = "failed to parse server tls cert: "


def made(field):
    return parts("tls.certificate", Source("tests", "ldap", field))


def described(**fields):
    fields = {**ENOUGH, **fields}
    return LdapFields().changed(LdapFields(**fields), fields)


def refusal(**fields):
    with pytest.raises(ValueError, match=r".") as refused:
        described(**fields)
    return str(refused.value)


def test_what_is_not_given_stays():
    first = described(url="LDAP://Host", userattr="UID", starttls=True)
    second = first.changed(LdapFields(userdn="ou=Others"), {"userdn"})
    assert (second.url, second.userattr, second.starttls, second.userdn) == ("ldap://host", "uid", True, "ou=Others")


def test_secrets_are_neither_shown_nor_printed():
    tls = made("secrets")
    found = described(bindpass="hush", client_tls_cert=tls["value"], client_tls_key=tls["private_key"])
    assert not {"bindpass", "client_tls_cert", "client_tls_key"} & found.shown().keys()
    assert "hush" not in repr(found)


def test_what_was_never_said_of_group_names_is_not_shown():
    assert "use_pre111_group_cn_behavior" not in described().shown()
    assert described(use_pre111_group_cn_behavior=False).shown()["use_pre111_group_cn_behavior"] is False


@pytest.mark.parametrize(
    "fields", [{"userdn": "x"}, {"upndomain": "x"}, {"discoverdn": True}, {"binddn": "x", "bindpass": "y"}]
)
def test_there_must_be_a_way_to_find_users(fields):
    assert described(**{"userdn": "", **fields})
    assert refusal(userdn="") == "cannot derive UserBindDN"
    assert refusal(userdn="", binddn="x") == "cannot derive UserBindDN"


def test_filters_are_templates():
    assert described(userfilter="", groupfilter="(cn={{.Username}})")
    assert refusal(userfilter="{{") == "invalid userfilter: template: queryTemplate:1: unclosed action"
    assert refusal(groupfilter="{{x}}") == 'invalid groupfilter: template: queryTemplate:1: function "x" not defined'


def test_certificates_must_be_some():
    garbled = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n"
    assert described(certificate=made("ca")["value"])
    assert refusal(certificate="x") == SERVER + "failed to decode PEM block in the certificate"
    assert refusal(certificate=garbled) == SERVER + "failed to parse certificate x509: malformed certificate"


def test_a_client_certificate_comes_with_its_key():
    tls, other = made("one"), made("two")
    assert described(client_tls_cert=tls["value"], client_tls_key=tls["private_key"])
    assert refusal(client_tls_cert=tls["value"]) == "both client_tls_cert and client_tls_key must be set"
    assert refusal(client_tls_cert="x", client_tls_key="y") == (
        PAIR + "failed to find any PEM data in certificate input"
    )
    assert refusal(client_tls_cert=tls["value"], client_tls_key="y") == (
        PAIR + "failed to find any PEM data in key input"
    )
    assert refusal(client_tls_cert=tls["value"], client_tls_key=tls["value"]) == PAIR + "failed to parse private key"
    assert refusal(client_tls_cert=tls["value"], client_tls_key=other["private_key"]) == (
        PAIR + "private key does not match public key"
    )


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"url": ""}, "at least one url must be provided"),
        ({"tls_min_version": "tls14"}, "invalid 'tls_min_version'"),
        ({"tls_max_version": ""}, "invalid 'tls_max_version'"),
        ({"tls_min_version": "tls13"}, "'tls_max_version' must be greater than or equal to 'tls_min_version'"),
    ],
)
def test_what_makes_no_sense_is_refused(fields, text):
    assert refusal(**fields) == text


@pytest.mark.parametrize(("length", "marked"), [(8, False), (16, True), (64, True), (256, True), (300, False)])
def test_a_password_is_as_long_as_wanted_and_marked_where_it_has_room(length, marked):
    vault = world("vault")
    call(vault, "POST", "sys/mounts/ldap", {"type": "ldap"})
    call(vault, "POST", "ldap/config", {"binddn": "x", "bindpass": "y", "length": length})
    call(vault, "POST", "ldap/static-role/a", {"username": "a", "rotation_period": 60})
    found = call(vault, "GET", "ldap/static-cred/a").data["password"]
    assert (len(found), verify(found).made_here) == (length, marked)


def test_no_password_is_so_long_that_making_it_takes_a_while():
    vault = world("vault")
    call(vault, "POST", "sys/mounts/ldap", {"type": "ldap"})
    call(vault, "POST", "ldap/config", {"binddn": "x", "bindpass": "y", "length": 1 << 40})
    answer = call(vault, "POST", "ldap/rotate-root", {})
    assert answer.status == 500
    assert "at most 4096 characters" in answer.errors[0]
