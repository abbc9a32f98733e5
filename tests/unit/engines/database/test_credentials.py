"""RSA keys and client certificates."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509.oid import ExtendedKeyUsageOID
from unit.databases import authority, call, connect, database, role, users
from unit.helpers import START

from sandboxd.engines.database.credentials import escaped_name
from sandboxd.fakes import Status, verify


@pytest.fixture(scope="module")
def own_ca():
    return authority()


@pytest.fixture
def made():
    found = database("vault")
    connect(found, "pg", "mongodbatlas", public_key="k", private_key="s", project_id="p")
    return found


def lend(made, **config):
    refused = role(
        made,
        credential_type="client_certificate",
        credential_config={"common_name_template": "app,{{.RoleName}}", **config},
        creation_statements=['{"roles": [{"roleName": "read"}]}'],
        default_ttl="1h",
    )
    assert refused.status == 204, refused.text
    return call(made, "GET", "database/creds/app")


@pytest.mark.parametrize(
    ("kind", "bits", "expected"),
    [
        ("rsa", 2048, rsa.RSAPrivateKey),
        ("ec", 224, ec.EllipticCurvePrivateKey),
        ("ec", 256, ec.EllipticCurvePrivateKey),
        ("ec", 521, ec.EllipticCurvePrivateKey),
        ("ed25519", 0, ed25519.Ed25519PrivateKey),
    ],
)
def test_a_certificate_belongs_to_its_key_and_its_ca(made, own_ca, kind, bits, expected) -> None:
    data = lend(made, key_type=kind, key_bits=bits, **own_ca).data

    certificate = x509.load_pem_x509_certificate(data["client_certificate"].encode())
    key = load_pem_private_key(data["private_key"].encode(), None)
    assert isinstance(key, expected)
    assert certificate.public_key() == key.public_key()
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(own_ca["ca_cert"].encode()))
    assert data["private_key_type"] == kind
    assert bits in (0, getattr(key, "key_size", 0))


def test_a_certificate_lasts_as_long_as_its_lease_and_is_for_clients(made, own_ca) -> None:
    data = lend(made, key_type="ed25519", **own_ca).data

    certificate = x509.load_pem_x509_certificate(data["client_certificate"].encode())
    assert certificate.not_valid_before_utc.timestamp() == START - 30
    assert certificate.not_valid_after_utc.timestamp() == START + 3605
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_the_database_knows_the_bearer_by_the_subject(made, own_ca) -> None:
    reply = lend(made, key_type="ed25519", **own_ca)

    assert reply.data["username"] == "CN=app\\,app"
    assert users(made)["CN=app\\,app"].subject == "CN=app\\,app"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"ca_cert": "x", "ca_private_key": "y"}, "no data found in PEM block"),
        ({"ca_private_key": "y"}, "no data found in PEM block"),
        ({"ca_private_key": authority()["ca_cert"]}, "private key not found in the PEM bundle"),
        (
            {"ca_cert": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"},
            "certificate not found in the PEM bundle",
        ),
        (
            {"ca_cert": authority()["ca_private_key"]},
            "more than one private key given; provide only one private key in the bundle",
        ),
        (
            {"ca_cert": authority()["ca_cert"]},
            "verification of parsed bundle failed: public key of certificate does not match private key",
        ),
        ({"ca_cert": ""}, "missing required ca_cert"),
        ({"key_type": "dsa"}, "invalid key_type"),
        ({"key_type": "rsa", "key_bits": 1024}, "invalid key_bits"),
        ({"signature_bits": 100}, "invalid signature_bits"),
        ({"common_name_template": ""}, "missing required common_name_template"),
        (authority(ca=False), "the given certificate is not marked for CA use"),
    ],
)
def test_configurations_that_cannot_work_are_refused(made, own_ca, change, text) -> None:
    config = {"common_name_template": "x", "key_type": "ec", **own_ca, **change}

    refused = role(made, credential_type="client_certificate", credential_config=config)

    assert refused.errors == [f"credential_config validation failed: {text}"]


def test_an_rsa_key_comes_with_the_public_key_that_the_database_gets() -> None:
    made = database("vault")
    connect(made, "pg", "snowflake")
    role(made, credential_type="rsa_private_key", credential_config={"key_bits": 3072})

    data = call(made, "GET", "database/creds/app").data

    private = load_pem_private_key(data["rsa_private_key"].encode(), None)
    assert private.key_size == 3072
    assert load_pem_public_key(users(made)[data["username"]].public_key.encode()) == private.public_key()
    assert verify(data["rsa_private_key"]).status is Status.MADE_HERE
    assert "password" not in data


@pytest.mark.parametrize(
    ("name", "escaped"), [("app", "app"), ("a,b", "a\\,b"), ("#x", "\\#x"), (" x ", "\\ x\\ "), ('a"\\b', 'a\\"\\\\b')]
)
def test_names_are_escaped_for_a_subject(name, escaped) -> None:
    assert escaped_name(name) == escaped
