"""Audit devices and their sinks. Texts were recorded from OpenBao 2.7.2, but for what is refused here alone."""

import re
import socket
import stat

import pytest

from sandboxd.vault.audit.devices import DeviceEntry, start
from sandboxd.vault.audit.sinks import File, Socket


def device(kind, **options):
    return start(DeviceEntry(path="x/", type=kind, uuid="u", salt="s", accessor="a", options=options))


def permissions(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("kind", "options", "text"),
    [
        ("", {}, 'unknown backend type: ""'),
        ("zz", {}, 'unknown backend type: "zz"'),
        ("file", {}, "file_path is required"),
        ("file", {"file_path": "stdout", "format": "xml"}, 'unknown format type "xml"'),
        (
            "file",
            {"file_path": "stdout", "format": "jsonx"},
            (
                "jsonx formatting has been removed, consider switching to json by omitting "
                '"format" or setting it to "json"'
            ),
        ),
        ("file", {"file_path": "stdout", "log_raw": "maybe"}, 'strconv.ParseBool: parsing "maybe": invalid syntax'),
        ("file", {"file_path": "stdout", "hmac_accessor": "q"}, 'strconv.ParseBool: parsing "q": invalid syntax'),
        (
            "file",
            {"file_path": "stdout", "elide_list_responses": "q"},
            'strconv.ParseBool: parsing "q": invalid syntax',
        ),
        ("file", {"file_path": "stdout", "mode": "99"}, 'strconv.ParseUint: parsing "99": invalid syntax'),
        (
            "file",
            {"file_path": "/proc/nope/x"},
            (
                'sanity check failed; unable to open "/proc/nope/x" for writing: '
                "mkdir /proc/nope: no such file or directory"
            ),
        ),
        (
            "file",
            {"file_path": "/nope\0/x"},
            'sanity check failed; unable to open "/nope\\x00/x" for writing: mkdir /nope\0: invalid argument',
        ),
        ("socket", {}, "address is required"),
        ("socket", {"address": "127.0.0.1:1", "write_timeout": "x"}, 'time: invalid duration "x"'),
        ("syslog", {"facility": "NOPE"}, "invalid syslog facility: NOPE"),
    ],
)
def test_options_that_will_not_do_are_refused_in_the_real_servers_words(kind, options, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        device(kind, **options)


@pytest.mark.parametrize("address", ["192.0.2.1:9", "example.com:9", "[2001:db8::1]:9", "127.0.0.1", "10.0.0.1:80"])
def test_a_socket_elsewhere_is_refused_before_anything_is_sent(address):
    with pytest.raises(ValueError, match=r"^audit lines are sent to this machine only"):
        device("socket", address=address)


@pytest.mark.parametrize("address", ["127.0.0.1:9", "localhost:9", "[::1]:9", ":9"])
def test_a_socket_on_this_machine_is_made_ready_without_connecting(address):
    assert isinstance(device("socket", address=address).sink, Socket)


def test_a_file_is_made_with_its_folders_for_its_owner_alone(tmp_path):
    path = tmp_path / "a" / "b" / "log"
    File(str(path), 0o600).write(b"line\n")
    assert path.read_bytes() == b"line\n"
    assert permissions(path) == 0o600
    assert permissions(path.parent) == 0o700


@pytest.mark.parametrize(("mode", "given"), [("0644", 0o644), ("0777", 0o666), ("600", 0o600)])
def test_a_file_gets_the_permissions_asked_for_but_never_to_be_run(tmp_path, mode, given):
    path = tmp_path / "log"
    device("file", file_path=str(path), mode=mode)
    assert permissions(path) == given


def test_mode_0000_leaves_the_permissions_as_they_are(tmp_path):
    path = tmp_path / "log"
    path.touch(0o640)
    path.chmod(0o640)
    device("file", file_path=str(path), mode="0000")
    assert permissions(path) == 0o640


def test_mode_0000_wants_the_file_to_be_there(tmp_path):
    path = tmp_path / "log"
    with pytest.raises(ValueError, match=f"^stat {path}: no such file or directory$"):
        device("file", file_path=str(path), mode="0000")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(ValueError, match=f"for writing: open {tmp_path}: is a directory$"):
        device("file", file_path=str(tmp_path))


def test_the_path_has_an_older_name(tmp_path):
    device("file", path=str(tmp_path / "log"))
    assert (tmp_path / "log").exists()


@pytest.mark.parametrize("path", ["stdout", "STDOUT"])
def test_stdout_takes_lines(capfdbinary, path):
    device("file", file_path=path).sink.write(b"line\n")
    assert capfdbinary.readouterr().out == b"line\n"


def test_discard_takes_lines_and_keeps_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    device("file", file_path="Discard").sink.write(b"line\n")
    assert not list(tmp_path.iterdir())


def test_lines_are_appended_to_what_is_there(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"old\n")
    File(str(path), 0o600).write(b"new\n")
    assert path.read_bytes() == b"old\nnew\n"


def test_a_closed_file_opens_again_with_the_next_line(tmp_path):
    sink = File(str(tmp_path / "log"), 0o600)
    sink.close()
    sink.write(b"line\n")
    assert (tmp_path / "log").read_bytes() == b"line\n"


def test_a_socket_sends_lines_and_connects_again_when_it_was_cut_off():
    with socket.create_server(("127.0.0.1", 0)) as server:
        sink = Socket("tcp", f"127.0.0.1:{server.getsockname()[1]}", 2)
        sink.write(b"one\n")
        first, _ = server.accept()
        with first:
            assert first.recv(100) == b"one\n"
        sink.close()
        sink.write(b"two\n")
        second, _ = server.accept()
        with second:
            assert second.recv(100) == b"two\n"
        sink.close()


def test_a_socket_that_nobody_answers_tells_of_both_attempts():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    refused = f"dial tcp 127.0.0.1:{port}: connect: connection refused"
    text = f"2 errors occurred:\n\t* {refused}\n\t* {refused}\n\n"
    with pytest.raises(OSError, match=f"^{re.escape(text)}$"):
        Socket("tcp", f"127.0.0.1:{port}", 2).write(b"line\n")


def test_a_unix_socket_takes_lines(tmp_path):
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        sink = Socket("unix", path, 2)
        sink.write(b"line\n")
        connection, _ = server.accept()
        with connection:
            assert connection.recv(100) == b"line\n"
        sink.close()


def test_an_unknown_network_is_found_out_when_it_is_used():
    with pytest.raises(OSError, match="unknown network zzz"):
        Socket("zzz", "127.0.0.1:9", 2).write(b"line\n")
