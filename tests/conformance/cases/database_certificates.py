"""Certificates and keys in the details of the database engine's connections: which are refused, and why."""

import json

from conformance.cases.database import CA, MOUNT, MY, WHO, authority, configured
from conformance.steps import case
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

CA_CERT, CA_KEY = CA["ca_cert"], CA["ca_private_key"]
LEAF = authority(ca=False)
CERT, KEY = LEAF["ca_cert"], LEAF["ca_private_key"]
PAIR = CERT + KEY
RSA = (
    rsa.generate_private_key(65537, 2048)
    .private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    .decode()
)
BROKEN = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
OTHER = "-----BEGIN X-----\nAAAA\n-----END X-----\n"
HEADED = CA_CERT.replace("E-----\n", "E-----\nKey: value\n\n", 1)
JSON = (
    '{"a":1}x',
    '{"a" 1}',
    '{"a":',
    '{"a":1,}',
    "{'a'}",
    "{} x",
    " {}",
    "[1",
    "nul",
    "3",
    "true",
    '"x"',
    "ü",
    '{"certificate":5}',
    '{"ca_chain":"x"}',
    '{"ca_chain":[1]}',
    '{"serial_number":[]}',
    '{"expiration":"x"}',
)


def texts(*bundles: object) -> tuple[str, ...]:
    return tuple(map(json.dumps, bundles))


CASES = [
    case(
        "bundles for Cassandra",
        MOUNT,
        configured(
            "cassandra",
            *(
                {"hosts": "127.0.0.1", **WHO, "pem_json": text}
                for text in (
                    *JSON,
                    "null",
                    *texts(
                        {"certificate": "x", "private_key": "y"},
                        {"private_key": "x"},
                        {"private_key": None},
                        {"certificate": {}},
                        {"Certificate": CERT},
                        {"certificate": CERT, "private_key": KEY},
                        {"certificate": CERT, "private_key": CA_KEY},
                        {"certificate": CERT, "private_key": RSA},
                        {"certificate": CERT, "private_key": CA_CERT},
                        {"certificate": CERT, "private_key": CA_CERT + CA_CERT},
                        {"certificate": CA_KEY, "private_key": CA_CERT},
                        {"certificate": CA_KEY + CA_KEY, "private_key": CA_CERT},
                        {"certificate": BROKEN, "private_key": KEY},
                        {"ca_chain": ["x"]},
                        {"ca_chain": [CA_CERT]},
                        {"issuing_ca": CA_CERT, "ca_chain": [CA_CERT]},
                        {"issuing_ca": BROKEN},
                    ),
                )
            ),
            *(
                {"hosts": "127.0.0.1", **WHO, "pem_bundle": text}
                for text in (
                    "-----BEGIN",
                    BROKEN,
                    CA_CERT,
                    CA_CERT + CA_KEY,
                    PAIR,
                    PAIR + CA_CERT,
                    PAIR + "\n",
                    PAIR.rstrip(),
                    "junk\n" + PAIR,
                    "junk" + PAIR,
                    PAIR.replace("-----BEGIN", "  -----BEGIN"),
                    CERT + CERT,
                    KEY + KEY,
                    CERT + CA_KEY,
                    CERT + RSA,
                    BROKEN + KEY,
                    OTHER,
                    CA_CERT.replace("\n", "\r\n"),
                    CA_CERT.replace("MII", "M!I"),
                    CA_CERT.replace("-----END C", "-----END  C"),
                )
            ),
        ),
    ),
    case(
        "bundles for InfluxDB",
        MOUNT,
        configured(
            "influxdb",
            *(
                {"host": "127.0.0.1", **WHO, "pem_json": text}
                for text in (
                    *JSON,
                    *texts(
                        {"certificate": "x"},
                        {"certificate": BROKEN},
                        {"certificate": "x", "private_key": "y"},
                        {"certificate": CERT, "private_key": CA_KEY},
                        {"private_key": RSA},
                        {"private_key": CA_CERT},
                        {"ca_chain": [""]},
                        {"ca_chain": ["x"]},
                        {"ca_chain": [BROKEN]},
                        {"ca_chain": [CA_CERT]},
                        {"issuing_ca": "x"},
                        {"issuing_ca": BROKEN},
                        {"data": {"certificate": "x"}},
                        {"data": {"certificate": "x"}, "certificate": 5},
                        {"data": 5, "certificate": 5},
                    ),
                )
            ),
            *(
                {"host": "127.0.0.1", **WHO, "pem_bundle": text}
                for text in (
                    "-----BEGIN",
                    PAIR,
                    PAIR + "\n",
                    CA_CERT + CA_CERT,
                    CERT + CERT,
                    KEY + KEY,
                    CERT + CA_KEY,
                    CERT + RSA,
                    RSA,
                    BROKEN,
                )
            ),
        ),
    ),
    case(
        "certificates for MySQL",
        MOUNT,
        configured(
            "mysql",
            *(
                {"connection_url": MY, "tls_certificate_key": text}
                for text in (
                    PAIR,
                    KEY + CERT,
                    CERT,
                    KEY,
                    KEY + KEY,
                    OTHER,
                    CERT + OTHER,
                    CERT + CA_KEY,
                    CERT + RSA,
                    BROKEN + KEY,
                    CERT + CA_CERT + KEY,
                    PAIR + "junk",
                    "junk" + PAIR,
                    HEADED + CA_KEY,
                )
            ),
            *(
                {"connection_url": MY, "tls_ca": text}
                for text in (CA_CERT, BROKEN, BROKEN + CA_CERT, "x" + CA_CERT, KEY, KEY + CA_CERT, HEADED)
            ),
        ),
    ),
]
