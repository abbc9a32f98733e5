"""Texts of refusals were recorded from a running OpenBao 2.7.2."""

import stat

import pytest

from sandboxd.cli import server
from sandboxd.cli.server import ListenerError, UsageError, parse_flags
from sandboxd.edge.config import ServerConfig, load
from sandboxd.edge.tls import make_files
from sandboxd.vault.clock import Clock


@pytest.fixture(autouse=True)
def no_variables(monkeypatch, tmp_path):
    for name in ("VAULT_DEV_ROOT_TOKEN_ID", "VAULT_DEV_LISTEN_ADDRESS", "SANDBOXD_AS", server.BEYOND_LOOPBACK):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.parametrize("words", [["-dev"], ["--dev"], ["-dev=true"], ["-dev=1"], ["-dev=T"], ["-dev=false", "-dev"]])
def test_a_switch_may_be_written_in_all_of_gos_ways(words):
    assert parse_flags(words).on("dev")


@pytest.mark.parametrize(
    "words", [[], ["-dev=false"], ["-dev", "-dev=0"], ["extra", "-dev"], ["--", "-dev"], ["-", "-dev"]]
)
def test_a_switch_that_is_off_or_comes_after_the_flags_is_not_set(words):
    assert not parse_flags(words).on("dev")


@pytest.mark.parametrize("words", [["-config", "a"], ["--config", "a"], ["-config=a"], ["--config=a"]])
def test_a_value_may_be_written_in_all_of_gos_ways(words):
    assert parse_flags(words).values == {"config": ["a"]}


def test_a_flag_may_come_several_times():
    assert parse_flags(["-config=a", "-config", "b"]).values == {"config": ["a", "b"]}


@pytest.mark.parametrize("words", [["-log-level=debug"], ["-dev-plugin-dir", "/x"], ["-exit-on-core-shutdown"]])
def test_flags_that_make_no_difference_are_taken(words):
    parse_flags(words)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["-nope"], "flag provided but not defined: -nope"),
        (["--nope=1"], "flag provided but not defined: -nope"),
        (["-config"], "flag needs an argument: -config"),
        (["-dev-root-token-id"], "flag needs an argument: -dev-root-token-id"),
        (["-dev=maybe"], 'invalid boolean value "maybe" for -dev: strconv.ParseBool: parsing "maybe": invalid syntax'),
        (["-dev="], 'invalid boolean value "" for -dev: strconv.ParseBool: parsing "": invalid syntax'),
    ],
)
def test_a_wrong_flag_is_refused_in_the_real_servers_words(words, text, capsys):
    assert server.main(words) == 1
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"{text}\n")


@pytest.mark.parametrize("words", [[], ["extra"]])
def test_a_server_needs_a_configuration(words, capsys):
    assert server.main(words) == 1
    assert capsys.readouterr().err == "Must specify at least one config path using -config\n"


def test_a_profile_that_is_none_is_refused(capsys):
    assert server.main(["-dev", "-as=consul"]) == 1
    assert "consul" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["-help", "--help", "-h"])
def test_help_is_given(flag, capsys):
    assert server.main([flag]) == 0
    assert "-dev-root-token-id" in capsys.readouterr().out


FAILED = "Error parsing listener configuration.\nError initializing listener of type tcp: "
LISTENER = 'listener "tcp" { address = "127.0.0.1:0" tls_disable = true }\n'


@pytest.mark.parametrize(
    ("words", "text", "said"),
    [
        ([], 'storage "nothing" {}\n' + LISTENER, "Unknown storage type nothing"),
        (["-as=openbao"], 'storage "nothing" {}\n' + LISTENER, "unknown storage type nothing"),
        ([], LISTENER, "a storage backend must be specified"),
        (
            [],
            'storage "inmem" {}\nmax_lease_ttl = "1h"\n' + LISTENER,
            "Error initializing core: cannot have DefaultLeaseTTL larger than MaxLeaseTTL",
        ),
        (
            [],
            'storage "inmem" {}\nlistener "tcp" { tls_cert_file = "/nowhere.pem" tls_key_file = "/k.pem" }\n',
            f"{FAILED}error loading TLS cert: open /nowhere.pem: no such file or directory",
        ),
        (
            [],
            'storage "inmem" {}\nlistener "tcp" { address = "127.0.0.1:99999" tls_disable = true }\n',
            f"{FAILED}listen tcp: address 99999: invalid port",
        ),
    ],
)
def test_a_configuration_that_cannot_be_served_is_refused_in_the_real_servers_words(
    words, text, said, tmp_path, capsys
):
    path = tmp_path / "a.hcl"
    path.write_text(text)
    assert server.main([*words, f"-config={path}"]) == 1
    assert capsys.readouterr().err == f"{said}\n"


def test_a_configuration_without_listeners_is_refused(tmp_path, capsys):
    path = tmp_path / "a.hcl"
    path.write_text('storage "inmem" {}\n')
    assert server.main([f"-config={path}"]) == 1
    assert 'listener "tcp"' in capsys.readouterr().err


def test_a_certificate_directory_has_to_be_there(capsys):
    assert server.main(["-dev-tls", "-dev-tls-cert-dir=/nowhere/x"]) == 1
    assert capsys.readouterr().err == "stat /nowhere/x: no such file or directory\n"


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("127.0.0.1:8200", "127.0.0.1", 8200),
        ("[::1]:8200", "::1", 8200),
        (":8200", "", 8200),
        ("127.0.0.1:", "127.0.0.1", 0),
        ("localhost:0", "localhost", 0),
    ],
)
def test_an_address_is_a_host_and_a_port(address, host, port):
    assert server._split(address) == (host, port)


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("nonsense", "address nonsense: missing port in address"),
        ("7", "address 7: missing port in address"),
        ("[::1", "address [::1: missing ']' in address"),
        ("::1:80", "address ::1:80: too many colons in address"),
        ("a:b:80", "address a:b:80: too many colons in address"),
        ("127.0.0.1:abc", "lookup tcp/abc: unknown port"),
        ("127.0.0.1:99999", "address 99999: invalid port"),
    ],
)
def test_an_address_that_is_none_is_refused_in_gos_words(address, text):
    with pytest.raises(ListenerError) as caught:
        server._split(address)
    assert str(caught.value) == f"listen tcp: {text}"


def planned(*words: str, config: ServerConfig | None = None):
    flags = parse_flags(words)
    return server._plan(flags, config or ServerConfig(storage="inmem"), development="dev" in flags.switches)


def test_a_development_server_listens_on_loopback():
    plan = planned("-dev")
    assert [(listener.host, listener.port, listener.tls) for listener in plan.listeners] == [("127.0.0.1", 8200, None)]
    assert plan.url == "http://127.0.0.1:8200"
    assert plan.notices == []


def test_variables_stand_in_for_flags_and_flags_win(monkeypatch):
    monkeypatch.setenv("VAULT_DEV_LISTEN_ADDRESS", "127.0.0.1:8300")
    assert planned("-dev").url == "http://127.0.0.1:8300"
    assert planned("-dev", "-dev-listen-address=127.0.0.1:8400").url == "http://127.0.0.1:8400"


@pytest.mark.parametrize("address", ["0.0.0.0:8200", ":8200", "[::]:8200", "192.168.1.1:8200", "vault.test:8200"])
def test_other_machines_are_not_let_in_unless_told_twice(address, monkeypatch):
    plan = planned("-dev", f"-dev-listen-address={address}")
    assert plan.listeners[0].host == "127.0.0.1"
    (notice,) = plan.notices
    assert notice.startswith("listening on 127.0.0.1 instead of ")
    assert server.BEYOND_LOOPBACK in notice
    opened = planned("-dev", f"-dev-listen-address={address}", "-listen-beyond-loopback")
    assert opened.listeners[0].host == server._split(address)[0]
    monkeypatch.setenv(server.BEYOND_LOOPBACK, "1")
    assert planned("-dev", f"-dev-listen-address={address}").notices == []


def test_tls_comes_with_an_authority_of_its_own(tmp_path):
    plan = planned("-dev", "-dev-tls", f"-dev-tls-cert-dir={tmp_path}", "-dev-tls-san=vault.test")
    assert plan.listeners[0].tls is not None
    assert plan.url == "https://127.0.0.1:8200"
    assert plan.ca == tmp_path / "vault-ca.pem"


def test_a_listener_of_a_configuration_uses_its_certificate(tmp_path):
    files = make_files(tmp_path, ["localhost"], Clock())
    (tmp_path / "a.hcl").write_text(
        'storage "inmem" {}\nlistener "tcp" { address = "127.0.0.1:8300" '
        f'tls_cert_file = "{files.certificate}" tls_key_file = "{files.key}" }}\n'
    )
    plan = planned(config=load([str(tmp_path / "a.hcl")]))
    assert plan.listeners[0].tls is not None
    assert plan.notices == []


def test_a_listener_without_a_certificate_gets_one_and_is_told_so(tmp_path):
    (tmp_path / "a.hcl").write_text('storage "inmem" {}\nlistener "tcp" { address = "127.0.0.1:8300" }\n')
    plan = planned(config=load([str(tmp_path / "a.hcl")]))
    assert plan.listeners[0].tls is not None
    assert plan.notices[0].startswith("no tls_cert_file for 127.0.0.1:8300: made one, trusted by ")


def test_the_token_is_stored_where_the_command_line_of_vault_looks_for_it(tmp_path):
    (tmp_path / ".vault-token").write_text("old")
    (tmp_path / ".vault-token").chmod(0o644)
    server._store_token("hvs.new")
    path = tmp_path / ".vault-token"
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("hvs.new", 0o600)


def test_a_token_that_cannot_be_stored_is_no_reason_to_stop(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    server._store_token("hvs.new")
    captured = capsys.readouterr().err
    assert captured.startswith("could not store the token in ")
    assert "hvs.new" not in captured


def test_usage_errors_are_what_flags_raise():
    with pytest.raises(UsageError):
        parse_flags(["-nope"])
