"""Texts of refusals were recorded from a running OpenBao 2.7.2."""

import pytest

from sandboxd.edge.config import ConfigError, load

LISTENER = 'listener "tcp" {\n  tls_disable = true\n}\n'
STORAGE = 'storage "inmem" {}\n'
NO_BOOL = "cannot parse '' as bool: strconv.ParseBool: parsing \"no way\": invalid syntax"


@pytest.fixture
def loaded(tmp_path):
    """Loads one file with this text."""

    def loading(text: str, name: str = "a.hcl"):
        path = tmp_path / name
        path.write_text(text)
        return load([str(path)])

    return loading


def test_a_plain_configuration_is_read(loaded):
    found = loaded(
        STORAGE
        + """
        listener "tcp" {
          address = "127.0.0.1:8300"
          tls_cert_file = "/c.pem"
          tls_key_file = "/k.pem"
          tls_min_version = "tls13"
          tls_disable_client_certs = true
        }
        default_lease_ttl = "1h"
        max_lease_ttl = "2h"
        api_addr = "https://vault.test:8200"
        cluster_name = "mine"
        raw_storage_endpoint = true
        pid_file = "/run/pid"
        """
    )
    (listener,) = found.listeners
    assert (listener.address, listener.tls, listener.tls_certificate, listener.tls_key) == (
        "127.0.0.1:8300",
        True,
        "/c.pem",
        "/k.pem",
    )
    assert (listener.tls_minimum, listener.ask_client_certificates) == ("tls13", False)
    assert (found.default_lease_ttl, found.max_lease_ttl) == (3600, 7200)
    assert (found.api_address, found.cluster_name, found.pid_file) == ("https://vault.test:8200", "mine", "/run/pid")
    assert found.raw_storage
    assert found.notices == []


@pytest.mark.parametrize(
    "text",
    [
        '{"storage": {"inmem": {}}, "listener": {"tcp": {"address": "127.0.0.1:1", "tls_disable": true}}}',
        '{"storage": [{"inmem": {}}], "listener": [{"tcp": {"address": "127.0.0.1:1", "tls_disable": "true"}}]}',
        '{"backend": {"inmem": {}}, "listener": [{"tcp": [{"address": "127.0.0.1:1", "tls_disable": 1}]}]}',
    ],
)
def test_json_in_any_of_its_forms_is_read(loaded, text):
    found = loaded(text, "a.json")
    (listener,) = found.listeners
    assert (found.storage, listener.address, listener.tls) == ("inmem", "127.0.0.1:1", False)


@pytest.mark.parametrize("value", ["true", '"true"', '"1"', "1", '"T"'])
def test_truth_has_many_spellings(loaded, value):
    assert not loaded(f'{STORAGE}listener "tcp" {{ tls_disable = {value} }}').listeners[0].tls


@pytest.mark.parametrize("value", ["false", '"false"', '"0"', "0", '"F"'])
def test_so_has_its_opposite(loaded, value):
    assert loaded(f'{STORAGE}listener "tcp" {{ tls_disable = {value} }}').listeners[0].tls


def test_several_listeners_are_read(loaded):
    found = loaded(STORAGE + LISTENER + 'listener "tcp" { address = "[::1]:8300" }\n')
    assert [listener.address for listener in found.listeners] == ["127.0.0.1:8200", "[::1]:8300"]


def test_endpoints_that_openbao_hides_can_be_opened(loaded):
    endpoints = "disable_unauthed_rekey_endpoints = false\n disable_unauthed_generate_root_endpoints = true"
    (listener,) = loaded(f'{STORAGE}listener "tcp" {{\n {endpoints}\n}}').listeners
    assert listener.unauthenticated_rekey is True
    assert listener.unauthenticated_generate_root is False


def test_old_names_count_too(loaded):
    found = loaded('backend "inmem" {}\nenable_raw_endpoint = true\nha_backend "consul" {}\n')
    assert found.storage == "inmem"
    assert found.raw_storage


def test_what_has_no_effect_is_told_of(loaded):
    found = loaded(
        'storage "raft" { path = "/data" }\nseal "awskms" {}\ntelemetry {}\nui = true\ndisable_mlock = true\n'
    )
    assert found.storage == "raft"
    assert [notice.partition(" in ")[0] for notice in found.notices] == [
        'storage "raft" is taken as memory: a sandbox keeps no state there',
        "seal",
        "telemetry",
    ]


def test_what_nobody_knows_is_told_of_with_its_place(loaded, tmp_path):
    found = loaded('foo = 1\nstorage "inmem" {}\nlistener "tcp" { tls_disable = true bar = 1 }\n')
    where = f"found in configuration at {tmp_path}/a.hcl"
    assert found.notices == [
        f"unknown or unsupported field foo {where}:1:1",
        f"unknown or unsupported field bar {where}:3:37",
    ]


def test_audit_devices_are_read(loaded):
    found = loaded(STORAGE + 'audit "file" "log" {\n options {\n file_path = "/tmp/log"\n log_raw = true\n }\n}\n')
    (device,) = found.audit_devices
    assert (device.type, device.path, device.options) == ("file", "log/", {"file_path": "/tmp/log", "log_raw": "true"})


def test_files_add_up_and_the_last_word_counts(tmp_path):
    (tmp_path / "1.hcl").write_text(STORAGE + LISTENER + 'cluster_name = "first"\n')
    (tmp_path / "2.json").write_text('{"cluster_name": "second"}')
    (tmp_path / "3.txt").write_text("not read {{")
    found = load([str(tmp_path)])
    assert found.cluster_name == "second"
    assert len(found.listeners) == 1


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("storage ", "At 1:9: key 'storage' expected start of object ('{') or assignment ('=')"),
        (STORAGE + 'listener "tcp" {', "At 2:18: object expected closing RBRACE got: EOF"),
        ("{{", "expected: STRING got: LBRACE"),
        (
            STORAGE + 'listener "carrier" {}',
            "error parsing 'listener': listeners.0: unsupported listener type \"carrier\"",
        ),
        (
            STORAGE + LISTENER + 'listener "tcp" { tls_disable = "no way" }',
            f"error parsing 'listener': listeners.1 invalid value for tls_disable: {NO_BOOL}",
        ),
        (STORAGE + STORAGE, "error parsing 'storage': only one \"storage\" block is permitted"),
        (STORAGE + 'backend "inmem" {}', "error parsing 'storage': only one \"storage\" block is permitted"),
        (STORAGE + 'default_lease_ttl = "x"', 'time: invalid duration "x"'),
        (STORAGE + 'raw_storage_endpoint = "no way"', NO_BOOL),
    ],
)
def test_what_is_wrong_is_said_in_the_real_servers_words(loaded, tmp_path, text, refusal):
    with pytest.raises(ConfigError) as caught:
        loaded(text)
    assert str(caught.value) == f"error loading configuration from {tmp_path}/a.hcl: {refusal}"


@pytest.mark.parametrize("text", ["", LISTENER, "ui = true\n"])
def test_a_storage_is_needed(loaded, text):
    with pytest.raises(ConfigError, match=r"^a storage backend must be specified$"):
        loaded(text)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(ConfigError) as caught:
        load(["/nowhere.hcl"])
    text = "error loading configuration from /nowhere.hcl: stat /nowhere.hcl: no such file or directory"
    assert str(caught.value) == text


def test_an_empty_directory_says_nothing(tmp_path):
    with pytest.raises(ConfigError, match=r"^a storage backend must be specified$"):
        load([str(tmp_path)])


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "a.hcl").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="error loading configuration from "):
        load([str(tmp_path / "a.hcl")])


def test_a_unix_socket_is_refused_and_said_why(loaded):
    with pytest.raises(ConfigError, match="a sandbox listens on tcp alone"):
        loaded(STORAGE + 'listener "unix" { address = "/run/vault.sock" }')
