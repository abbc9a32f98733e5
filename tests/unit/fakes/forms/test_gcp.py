"""Service-account keys."""

import json

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sandboxd.fakes import OptionError, generate, parts, verify

USUAL = {
    "type", "project_id", "private_key_id", "private_key", "client_email", "client_id", "auth_uri", "token_uri",
    "auth_provider_x509_cert_url", "client_x509_cert_url", "universe_domain",
}  # fmt: skip


def test_the_file_has_the_usual_members_and_a_key_that_loads(source):
    members = json.loads(generate("gcp.service_account", source))
    assert set(members) == USUAL
    assert load_pem_private_key(members["private_key"].encode(), None).key_size == 2048
    assert len(members["private_key_id"]) == 40
    assert len(members["client_id"]) == 21


def test_the_project_cannot_be_and_nothing_leads_to_google(source):
    members = json.loads(generate("gcp.service_account", source))
    assert "null" in members["project_id"]
    assert "google.com" not in json.dumps(members)
    assert "googleapis" not in json.dumps(members)


def test_parts_are_the_members(source):
    made = parts("gcp.service_account", source, {"account": "robot"})
    members = json.loads(made["value"])
    assert made["client_email"] == members["client_email"] == f"robot@{made['project_id']}.iam.gserviceaccount.com"


def test_it_is_recognised_however_the_json_is_written(source):
    members = json.loads(generate("gcp.service_account", source))
    compact = json.dumps(dict(sorted(members.items())), separators=(",", ":"))
    assert verify(compact).kind.id == "gcp_service_account"


@pytest.mark.parametrize("member", sorted(USUAL - {"type"}))
def test_a_changed_member_is_not_accepted(member, source):
    members = json.loads(generate("gcp.service_account", source))
    members[member] += " "
    assert verify(json.dumps(members)).kind.id != "gcp_service_account" or not verify(json.dumps(members)).made_here


def test_tokens_are_fetched_from_nowhere_real(source):
    assert verify(generate("gcp.service_account", source, {"token_uri": "http://localhost:1/token"})).made_here
    with pytest.raises(OptionError, match="token_uri"):
        generate("gcp.service_account", source, {"token_uri": "https://oauth2.googleapis.com/token"})
