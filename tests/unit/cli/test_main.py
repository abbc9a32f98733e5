"""The command line where no sandbox is needed; tests/e2e has the rest."""

import subprocess

import pytest
from typer.testing import CliRunner

import sandboxd
from sandboxd.cli import app, main, running, up

FIXTURE = """sandbox: shop
secrets:
  secret/app:
    fields:
      url: http://127.0.0.1:9090
      key: {kind: hex, bytes: 16}
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SANDBOXD_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv(up.BEYOND_LOOPBACK, raising=False)


def run(*words: str, stdin: str | None = None):
    """Exit status, output, and what went to standard error."""
    result = CliRunner().invoke(app.app, words, input=stdin)
    return result.exit_code, result.stdout, result.stderr


def test_help_names_every_command_and_every_exit_status():
    status, out, _ = run("--help")
    assert status == 0
    for command in (
        "up",
        "down",
        "status",
        "logs",
        "reset",
        "env",
        "verify",
        "snapshot",
        "world",
        "server",
        "version",
        "fixtures",
    ):
        assert f"\n  {command} " in out
    assert "4 bad fixture" in " ".join(out.split())


@pytest.mark.parametrize(
    "command", ["up", "down", "status", "logs", "reset", "env", "verify", "snapshot", "world", "fixtures"]
)
def test_every_command_has_help(command):
    for flag in ("-h", "--help"):
        status, out, _ = run(command, flag)
        assert status == 0
        assert "Usage:" in out


def test_the_version_is_told():
    assert run("version") == (0, f"sandboxd v{sandboxd.__version__}\n", "")


@pytest.mark.parametrize("words", [["nope"], ["up", "--nope"], ["up", "-p", "x"], ["up", "-p", "70000"], ["verify"]])
def test_a_command_line_that_makes_no_sense_is_refused(words):
    status, _, err = run(*words)
    assert status == 2
    assert "Usage:" in err


@pytest.mark.parametrize("words", [["down"], ["status"], ["reset"], ["env"]])
def test_where_nothing_runs_it_is_said_how_to_start(words):
    assert run(*words) == (3, "", 'sandboxd: no sandbox "default" is running. `sandboxd up` starts one.\n')


def test_a_sandbox_without_a_log_is_told_so():
    status, _, err = run("logs")
    assert status == 3
    assert "only detached ones (sandboxd up -d) write one" in err


@pytest.mark.parametrize("words", [["down", "--all"], ["status", "--all"]])
def test_all_of_none_is_nothing(words):
    assert run(*words) == (0, "No sandbox is running.\n", "")


def test_all_of_none_is_an_empty_list_for_scripts():
    assert run("status", "--all", "--json") == (0, "[]\n", "")


@pytest.mark.parametrize("name", [".hidden", "a/b", "a b", "..", ""])
def test_a_name_that_is_no_folder_is_refused(name):
    status, _, err = run("up", "--name", name)
    assert status == 2
    assert err.startswith(f'sandboxd: a sandbox cannot be called "{name}"')


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.1", "vault.test"])
def test_other_machines_are_let_in_only_when_told_twice(host):
    status, _, err = run("up", "--host", host)
    assert status == 2
    assert "Set SANDBOXD_LISTEN_BEYOND_LOOPBACK=1 as well if that is meant." in err


def test_a_fixture_that_is_not_there_is_named():
    assert run("up", "-p", "0", "nowhere.yaml") == (4, "", "sandboxd: there is no fixture file nowhere.yaml\n")


def test_a_detached_sandbox_gets_all_that_was_asked_for_but_its_token_not_on_the_command_line(tmp_path):
    wish = up.Wish(
        fixture=tmp_path / "a.yaml",
        name="shop",
        port=7,
        seed="s",
        profile="openbao",
        data_dir=tmp_path / "data",
        tls=True,
        watch=False,
        root_token="hunter2",
        max_worlds=3,
        world_ttl="10m",
    )
    arguments = up._arguments(wish)
    assert "hunter2" not in arguments
    assert arguments == [
        *(str(tmp_path / "a.yaml"), "--name", "shop", "--port", "7", "--host", "127.0.0.1"),
        *("--max-worlds", "3", "--world-ttl", "10m"),
        *("--seed", "s", "--as", "openbao", "--data-dir", str(tmp_path / "data"), "--tls", "--no-watch"),
    ]


@pytest.mark.parametrize(
    ("ttl", "text"),
    [("soon", "--world-ttl is not a duration: "), ("-1s", "--world-ttl is less than nothing")],
)
def test_a_time_for_worlds_that_is_none_is_refused(ttl, text):
    status, _, err = run("up", "-p", "0", "--world-ttl", ttl)
    assert status == 2
    assert text in err


def test_ending_worlds_needs_their_names_or_all():
    for words in ([], ["a", "--all"]):
        assert run("world", "end", *words) == (2, "", "sandboxd: say which worlds to end, or --all\n")


@pytest.mark.parametrize("name", ["", "a/b"])
def test_what_no_snapshot_or_world_can_be_called_is_not_there(name, capsys):
    for kind in ("snapshot", "world"):
        with pytest.raises(SystemExit):
            running.segment(kind, name)
        assert capsys.readouterr().err == f'sandboxd: there is no {kind} "{name}"\n'


NASTY = 'it\'s a \\ "quoted" $HOME `id` #value; with\ttabs'


@pytest.mark.parametrize("value", ["http://127.0.0.1:8200", "", NASTY, "\\\\", "a\nb"])
def test_what_is_printed_for_a_shell_is_evaluated_to_the_same_by_it(value):
    script = running.WRITERS["sh"]("VARIABLE", value) + '\nprintf %s "$VARIABLE"'
    assert subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout == value


def test_fish_and_powershell_have_quotes_of_their_own():
    assert running.WRITERS["fish"]("A", "it's \\") == "set -gx A 'it\\'s \\\\';"
    assert running.WRITERS["powershell"]("A", "it's") == "$Env:A = 'it''s'"


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("http://127.0.0.1:8200", "A=http://127.0.0.1:8200"),
        ("hvs.abc_-=", "A=hvs.abc_-="),
        ("with space # hash", "A='with space # hash'"),
        ("it's $x", 'A="it\'s \\$x"'),
    ],
)
def test_a_dotenv_file_quotes_what_it_must(value, line):
    assert running.WRITERS["dotenv"]("A", value) == line


def test_a_value_made_elsewhere_is_told_from_ours():
    status, out, _ = run("verify", "hunter2")
    assert status == 6
    assert "hunter2" not in out


def test_a_value_made_here_is_ours_also_where_nothing_runs():
    from sandboxd.fakes import Source, generate

    value = generate("stripe.secret_key", Source("shop", "secret/app", "key"))
    for words, stdin in ((["verify", value], None), (["verify", "-"], f"{value}\n")):
        status, out, _ = run(*words, stdin=stdin)
        assert status == 0
        assert out.startswith("sandboxd-made: ")
        assert value not in out


def test_a_verdict_can_be_had_as_json():
    status, out, _ = run("verify", "hunter2", "--json")
    assert status == 6
    assert '"ours": false' in out


def test_good_fixtures_are_checked(tmp_path):
    (tmp_path / "a.yaml").write_text(FIXTURE)
    status, out, err = run("fixtures", "check", str(tmp_path / "a.yaml"))
    assert (status, err) == (0, "")
    assert out == f"{tmp_path}/a.yaml: 1 secrets, no problems\n"


def test_a_bad_fixture_is_named_with_the_place_that_is_wrong(tmp_path):
    (tmp_path / "a.yaml").write_text(FIXTURE)
    (tmp_path / "b.yaml").write_text(FIXTURE.replace("kind: hex", "kind: hexx"))
    status, out, err = run("fixtures", "check", str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml"))
    assert status == 4
    assert out == f"{tmp_path}/a.yaml: 1 secrets, no problems\n"
    assert err.startswith(f"{tmp_path}/b.yaml:6:")
    status, out, _ = run("fixtures", "check", "--json", str(tmp_path / "b.yaml"))
    assert status == 4
    assert '"line": 6' in out


def test_a_fixture_is_shown_without_its_values_unless_asked_for(tmp_path):
    (tmp_path / "a.yaml").write_text(FIXTURE)
    status, masked, _ = run("fixtures", "show", str(tmp_path / "a.yaml"))
    assert status == 0
    assert "secret/app" in masked
    status, shown, _ = run("fixtures", "show", "--reveal", str(tmp_path / "a.yaml"))
    assert status == 0
    assert shown != masked


def test_the_schema_for_editors_is_printed():
    status, out, _ = run("fixtures", "schema")
    assert status == 0
    assert '"$schema"' in out


def test_the_flags_of_vault_are_not_for_typer(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["sandboxd", "server", "-nope"])
    with pytest.raises(SystemExit) as caught:
        main.main()
    assert caught.value.code == 1
    assert capsys.readouterr().err == "flag provided but not defined: -nope\n"


def test_the_flags_of_vault_are_handed_on_by_typer_too(capsys):
    status, _, err = run("server", "-nope")
    assert (status, err) == (1, "flag provided but not defined: -nope\n")


@pytest.mark.parametrize("flag", ["version", "-version", "--version", "-v"])
def test_the_version_is_told_as_vault_is_asked_for_it(flag, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["sandboxd", flag])
    main.main()
    assert capsys.readouterr().out == f"sandboxd v{sandboxd.__version__}\n"


@pytest.mark.parametrize("option", [["--world", "w1"], ["--name", "other"], ["--json"]])
def test_options_before_a_command_about_time_are_refused_rather_than_ignored(option):
    status, _, error = run("time", *option, "freeze")
    assert status == 2
    assert f"sandboxd time freeze {option[0]}" in error
