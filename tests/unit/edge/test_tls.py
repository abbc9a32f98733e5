import asyncio
import ipaddress
import ssl
import stat

import pytest
from cryptography import x509
from unit.helpers import START

from sandboxd.edge.http1 import Server
from sandboxd.edge.messages import Answer, Incoming
from sandboxd.edge.tls import TlsError, make_files, server_context
from sandboxd.vault.clock import Clock


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return make_files(tmp_path_factory.mktemp("tls"), ["vault.test", "192.0.2.7"], Clock())


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    return make_files(tmp_path_factory.mktemp("other"), ["client"], Clock())


class Who:
    """Answers with the client's certificates."""

    async def answer(self, incoming: Incoming) -> Answer:
        assert incoming.tls
        return Answer(200, b",".join(incoming.client_certificates) or b"none")


async def ask(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> bytes:
    """What a client reads that trusts what its context says."""
    listening = await asyncio.get_running_loop().create_server(
        made := Server(Who(), lambda: START, lambda incoming: None), "127.0.0.1", 0, ssl=server
    )
    port = listening.sockets[0].getsockname()[1]
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname=name)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
    finally:
        listening.close()
        await made.close()
    return answer.partition(b"\r\n\r\n")[2]


def trusting(files, *, own=None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=files.ca)
    if own is not None:
        context.load_cert_chain(own.certificate, own.key)
    return context


@pytest.mark.parametrize("name", ["vault.test", "192.0.2.7", "localhost", "127.0.0.1", "::1"])
async def test_the_certificate_is_good_for_all_names_that_were_asked_for(files, name):
    assert await ask(server_context(files.certificate, files.key), trusting(files), name) == b"none"


async def test_it_is_good_for_no_other_name(files):
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        await ask(server_context(files.certificate, files.key), trusting(files), "other.test")


async def test_it_is_trusted_by_its_own_authority_alone(files, others):
    with pytest.raises(ssl.SSLCertVerificationError):
        await ask(server_context(files.certificate, files.key), trusting(others), "localhost")


async def test_strict_clients_take_the_certificate(files):
    client = trusting(files)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    assert await ask(server_context(files.certificate, files.key), client, "localhost") == b"none"


async def test_a_certificate_of_a_client_is_asked_for_and_not_judged(files, others):
    given = await ask(server_context(files.certificate, files.key), trusting(files, own=others), "localhost")
    assert x509.load_der_x509_certificate(given).subject.rfc4514_string() == "CN=client"


async def test_clients_need_not_be_asked(files, others):
    context = server_context(files.certificate, files.key, client_certificates=False)
    assert await ask(context, trusting(files, own=others), "localhost") == b"none"


async def test_old_clients_are_not_let_in(files):
    client = trusting(files)
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    assert await ask(server_context(files.certificate, files.key), client, "localhost") == b"none"
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await ask(server_context(files.certificate, files.key, minimum="tls13"), client, "localhost")


def test_the_authority_signs_nothing_but_servers(files):
    ca = x509.load_pem_x509_certificate(files.ca.read_bytes())
    constraints = ca.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert (constraints.value.ca, constraints.value.path_length) == (True, 1)  # of those that expire on purpose
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "vault.test" in names.get_values_for_type(x509.DNSName)
    assert ipaddress.ip_address("192.0.2.7") in names.get_values_for_type(x509.IPAddress)


def test_the_key_is_for_its_owner_alone_also_when_it_is_made_anew(tmp_path):
    for _ in range(2):
        files = make_files(tmp_path / "tls", ["localhost"], Clock())
        assert stat.S_IMODE(files.key.stat().st_mode) == 0o600
        files.key.chmod(0o644)


def test_the_files_have_the_real_servers_names(files):
    names = [files.ca.name, files.certificate.name, files.key.name]
    assert names == ["vault-ca.pem", "vault-cert.pem", "vault-key.pem"]


def test_the_certificate_is_good_from_a_little_before_now(tmp_path):
    files = make_files(tmp_path, [], Clock(lambda: START * 1_000_000_000))
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    assert certificate.not_valid_before_utc.timestamp() == START - 300


@pytest.mark.parametrize(
    ("certificate", "key", "text"),
    [
        ("nowhere.pem", "own", "open {}/nowhere.pem: no such file or directory"),
        ("own", "nowhere.pem", "open {}/nowhere.pem: no such file or directory"),
        ("own", "other", "tls: private key does not match public key"),
        ("text", "text", "decoded PEM is blank"),
        ("own", "text", "decoded PEM is blank"),
    ],
)
def test_files_that_cannot_be_used_are_refused_in_the_real_servers_words(
    files, others, tmp_path, certificate, key, text
):
    (tmp_path / "text").write_text("x\n")
    places = {"own": (files.certificate, files.key), "other": (others.certificate, others.key)}
    chosen = [
        places[name][position] if name in places else tmp_path / name
        for position, name in enumerate((certificate, key))
    ]
    with pytest.raises(TlsError) as caught:
        server_context(*chosen)
    assert str(caught.value) == f"error loading TLS cert: {text.format(tmp_path)}"


def test_an_encrypted_key_is_refused_without_asking(files, tmp_path):
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    secret = tmp_path / "key.pem"
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"passphrase"),
        )
    )
    with pytest.raises(TlsError, match="error loading TLS cert: "):
        server_context(files.certificate, secret)


def test_a_version_that_is_none_is_refused(files):
    with pytest.raises(TlsError) as caught:
        server_context(files.certificate, files.key, minimum="tls9")
    text = "'tls_min_version' value \"tls9\" not supported, please specify one of [tls10,tls11,tls12,tls13]"
    assert str(caught.value) == text


@pytest.mark.parametrize("minimum", ["tls10", "tls11", "tls12", "tls13"])
def test_every_version_of_the_real_server_is_taken(files, minimum):
    assert server_context(files.certificate, files.key, minimum=minimum).minimum_version >= ssl.TLSVersion.TLSv1_2
