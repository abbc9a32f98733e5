"""OpenPGP private keys."""

import base64
import hashlib
import os
import shutil
import subprocess

import pytest

from sandboxd.fakes import Source, generate, guard, parts, verify
from sandboxd.fakes.forms.pgp import _crc24


def body(text):
    return base64.b64decode("".join(line for line in text.splitlines()[2:-2]))


def test_the_armour_has_its_checksum():
    assert _crc24(b"123456789") == 0x21CF02  # the check value of CRC-24/OPENPGP


def test_the_fingerprint_is_that_of_the_public_key(source):
    made = parts("pgp.private_key", source)
    packet = body(made["public_key"])
    assert packet[0] == 0xC0 | 6
    content = packet[2 : 2 + packet[1]]
    expected = hashlib.sha1(b"\x99" + len(content).to_bytes(2, "big") + content).hexdigest().upper()
    assert made["fingerprint"] == expected


def test_user_and_date_are_those_asked_for(source):
    text = generate("pgp.private_key", source, {"user_id": "CI <ci@x.test>", "created_at": 1})
    assert b"CI <ci@x.test>" in body(text)
    assert body(text)[3:7] == (1).to_bytes(4, "big")
    assert verify(text).made_here


def test_a_key_with_escaped_line_breaks_or_headers_is_recognised(source):
    text = generate("pgp.private_key", source)
    assert verify(text.replace("\n", "\\n")).made_here
    assert verify(text.replace("BLOCK-----\n\n", "BLOCK-----\nVersion: GnuPG v2\nComment: x\n\n", 1)).made_here


def test_a_changed_secret_is_not_ours(source):
    text = generate("pgp.private_key", source)
    data = bytearray(body(text))
    data[2 + data[1] - 5] ^= 1  # a byte of the mark of the primary key, whose packet is the first
    changed = base64.b64encode(bytes(data)).decode()
    block = "\n".join(changed[at : at + 64] for at in range(0, len(changed), 64))
    text = f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{block}\n=AAAA\n-----END PGP PRIVATE KEY BLOCK-----\n"
    assert not verify(text).made_here
    assert guard(text) is not None


def test_seeds_that_start_with_a_zero_are_not_used():
    for version in range(300):
        text = generate("pgp.private_key", Source("s", "p", "f", version))
        assert verify(text).made_here, version


@pytest.mark.skipif(shutil.which("gpg") is None, reason="GnuPG is not installed")
def test_gnupg_imports_it_signs_and_decrypts(source, tmp_path):
    made = parts("pgp.private_key", source)
    home = tmp_path / "g"
    home.mkdir(mode=0o700)

    def gpg(*arguments, given):
        command = ["gpg", "--batch", "--quiet", "--trust-model", "always", *arguments]
        environment = {**os.environ, "GNUPGHOME": str(home)}
        return subprocess.run(command, input=given, capture_output=True, check=True, env=environment).stdout

    try:
        gpg("--import", given=made["value"].encode())
        listed = gpg("--list-secret-keys", "--with-colons", given=b"").decode()
        assert made["fingerprint"] in listed
        sealed = gpg("--encrypt", "--recipient", made["fingerprint"], given=b"hello")
        assert gpg("--decrypt", given=sealed) == b"hello"
        gpg("--verify", given=gpg("--clearsign", given=b"hello"))
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env={**os.environ, "GNUPGHOME": str(home)}, check=True)
