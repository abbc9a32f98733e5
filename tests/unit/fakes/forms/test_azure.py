"""Azure Storage."""

import base64
from urllib.parse import parse_qs, urlsplit

import pytest

from sandboxd.fakes import OptionError, Rule, generate, guard, parts, verify
from sandboxd.fakes.checksums import marvin32


def test_a_storage_key_has_the_signature_and_a_wrong_checksum(source):
    value = generate("azure.storage_key", source)
    decoded = base64.b64decode(value)
    assert len(decoded) == 64
    assert value[76:80] == "+ASt"
    assert int.from_bytes(decoded[60:], "little") != marvin32(decoded[:60], 0x44656661756C7430)


def test_a_storage_key_with_the_right_checksum_is_refused():
    head = base64.b64decode("aB3d" * 19 + "+ASt")
    value = base64.b64encode(head + marvin32(head, 0x44656661756C7430).to_bytes(4, "little")).decode()
    assert guard(value).rule is Rule.CHECKSUM
    text = f"DefaultEndpointsProtocol=https;AccountName=x;AccountKey={value};EndpointSuffix=core.windows.net"
    assert guard(text).rule is Rule.CHECKSUM


def test_the_emulator_s_published_account_comes_in():
    key = "Eby8vdM02xNOcqFlqUwJ" + "PLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
    assert guard(key, key_name="note") is None
    assert guard(f"AccountName=devstoreaccount1;AccountKey={key};") is None


def test_a_connection_string_leads_to_a_local_emulator(source):
    made = parts("azure.storage_connection_string", source, {"host": "azurite", "port": 9})
    assert made["value"] == (
        "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
        f"AccountKey={made['account_key']};BlobEndpoint=http://azurite:9/devstoreaccount1;"
    )
    assert verify(made["account_key"]).kind.id == "azure_storage_key"
    assert verify(made["value"]).made_here


def test_a_connection_string_with_a_pair_of_another_name_is_not_ours(source):
    value = generate("azure.storage_connection_string", source)
    assert not verify(value + "SharedAccessSignature=x").made_here


def test_a_connection_string_to_azure_is_not_made(source):
    with pytest.raises(OptionError):
        generate("azure.storage_connection_string", source, {"host": "x.blob.core.windows.net"})


def test_a_sas_url_is_signed_expired_and_local(source):
    found = urlsplit(generate("azure.sas_url", source, {"container": "c1", "permissions": "rw"}))
    query = parse_qs(found.query)
    assert (found.hostname, found.path) == ("127.0.0.1", "/devstoreaccount1/c1")
    assert (query["se"], query["sp"]) == (["2000-01-01T00:00:00Z"], ["rw"])
    assert len(base64.b64decode(query["sig"][0])) == 32


def test_a_sas_url_with_another_host_is_not_ours(source):
    value = generate("azure.sas_url", source)
    assert not verify(value.replace("127.0.0.1", "127.0.0.2")).made_here
