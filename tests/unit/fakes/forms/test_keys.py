"""Private keys as PEM, read back by the cryptography library."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from sandboxd.fakes import Status, generate, guard, parts, verify
from sandboxd.fakes.forms import primes

PRIVATE = ["rsa.private_key", "ec.private_key", "ed25519.private_key", "ssh.private_key"]


def loaded(text):
    load = serialization.load_ssh_private_key if "OPENSSH" in text else serialization.load_pem_private_key
    return load(text.encode(), None)


def foreign(key):
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


@pytest.mark.parametrize("name", PRIVATE)
def test_the_public_halves_are_those_of_the_private_key(name, source):
    made = parts(name, source)
    public = loaded(made["value"]).public_key()
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    assert made["public_key"] == public.public_bytes(serialization.Encoding.PEM, spki).decode()
    line = public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    assert made["public_key_openssh"] == f"{line} sandboxd-fake"


@pytest.mark.parametrize(("bits", "form"), [(2048, "pkcs8"), (2048, "pkcs1"), (3072, "pkcs8")])
def test_rsa_keys_come_in_two_forms_and_are_tagged(bits, form, source):
    text = generate("rsa.private_key", source, {"bits": bits, "format": form})
    key = loaded(text)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == bits
    assert primes.is_tagged(key.public_key().public_numbers().n)
    assert verify(text).kind.id == "pem_rsa"


@pytest.mark.parametrize(("name", "curve"), [("P-256", ec.SECP256R1), ("P-384", ec.SECP384R1)])
def test_elliptic_curve_keys_are_on_the_curve_asked_for(name, curve, source):
    text = generate("ec.private_key", source, {"curve": name})
    assert isinstance(loaded(text).curve, curve)
    assert verify(text).kind.id == "pem_ec"


def test_a_key_is_recognised_in_another_container(source):
    key = loaded(generate("ec.private_key", source))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    assert verify(key.private_bytes(*form).decode()).kind.id == "pem_ec"
    key = loaded(generate("ssh.private_key", source))
    assert verify(foreign(key)).kind.id == "pem_openssh"
    assert guard(foreign(key)) is None


@pytest.mark.parametrize(
    "key",
    [
        ec.derive_private_key(12345, ec.SECP256R1()),
        ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32))),
    ],
    ids=["ec", "ed25519"],
)
def test_a_key_without_the_mark_is_possibly_real(key):
    assert verify(foreign(key)).status is Status.POSSIBLY_REAL


def test_a_tag_on_numbers_that_do_not_belong_together_is_not_accepted(source):
    from sandboxd.fakes.forms import der

    made = primes.tagged_key(source.stream("x"), 2048)
    rsa_oid = der.sequence(der.oid(1, 2, 840, 113549, 1, 1, 1), der.NULL)
    for changed in ((made.p + 2, made.q), (made.p, made.q - 2)):
        p, q = changed
        numbers = (0, made.n, 65537, made.d, p, q, made.d % (p - 1), made.d % (q - 1), pow(made.q, -1, made.p))
        inner = der.octets(der.sequence(*map(der.integer, numbers)))
        text = der.pem("PRIVATE KEY", der.sequence(der.integer(0), rsa_oid, inner))
        assert not verify(text).made_here


def test_a_key_behind_a_passphrase_is_not_read(source):
    key = loaded(generate("rsa.private_key", source))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x"))
    assert not verify(key.private_bytes(*form).decode()).made_here


def test_the_openssh_container_is_that_of_ssh_keygen(source):
    import base64

    text = generate("ssh.private_key", source)
    lines = text.splitlines()
    assert lines[0] == "-----BEGIN OPENSSH PRIVATE KEY-----"
    assert {len(line) for line in lines[1:-2]} == {70}
    data = base64.b64decode("".join(lines[1:-1]))
    assert data.startswith(b"openssh-key-v1\0")
    private = data[data.rindex(b"sandboxd-fake") + 13 :]
    assert private == bytes(range(1, len(private) + 1))
