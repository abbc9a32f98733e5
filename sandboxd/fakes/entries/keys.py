"""Key material and tokens of no provider."""

from __future__ import annotations

from sandboxd.fakes.alphabets import BASE32
from sandboxd.fakes.forms.bech32 import age, wireguard
from sandboxd.fakes.forms.certificate import tls
from sandboxd.fakes.forms.jwt import hs256
from sandboxd.fakes.forms.keys import ec, ed25519, openssh, rsa
from sandboxd.fakes.forms.pgp import private_key
from sandboxd.fakes.forms.symbols import Mark, Rand, symbols
from sandboxd.fakes.model import Kind, Nature, Proof

KINDS = (
    Kind(
        id="pem_rsa",
        name="rsa.private_key",
        aliases=(
            "private_key",
            "pem.rsa",
        ),
        title="RSA private key (PKCS#8 PEM)",
        provider="generic",
        proof=Proof.LOCAL,
        why="The tag is in the public modulus, so certificates and public keys are recognised too.",
        shape=r"-----BEGIN (?:RSA )?PRIVATE KEY-----[0-9A-Za-z+/=\s\\]+-----END (?:RSA )?PRIVATE KEY-----\s*",
        real=(
            r"-----BEGIN (?!OPENSSH|PGP)(?P<label>[A-Z0-9 ]*)PRIVATE KEY-----(?:[^-]|-(?!----))+"
            r"-----END (?P=label)PRIVATE KEY-----"
        ),
        anchors=("PRIVATE KEY-----",),
        form=rsa(),
        nature=Nature.KEY,
        key="private_key",
    ),
    Kind(
        id="pem_ec",
        name="ec.private_key",
        aliases=(
            "ecdsa.private_key",
            "pem.ec",
        ),
        title="EC P-256 private key (PEM)",
        provider="generic",
        proof=Proof.LOCAL,
        why="The mark is inside the private scalar; the public half is not recognised by itself.",
        shape=r"-----BEGIN (?:EC )?PRIVATE KEY-----[0-9A-Za-z+/=\s\\]+-----END (?:EC )?PRIVATE KEY-----\s*",
        anchors=("PRIVATE KEY-----",),
        form=ec(),
        nature=Nature.KEY,
        key="private_key",
    ),
    Kind(
        id="pem_ed25519",
        name="ed25519.private_key",
        aliases=("pem.ed25519",),
        title="Ed25519 private key (PKCS#8 PEM)",
        provider="generic",
        proof=Proof.LOCAL,
        why="The mark is inside the private scalar; the public half is not recognised by itself.",
        shape=r"-----BEGIN PRIVATE KEY-----[0-9A-Za-z+/=\s\\]+-----END PRIVATE KEY-----\s*",
        anchors=("PRIVATE KEY-----",),
        form=ed25519(),
        nature=Nature.KEY,
        key="private_key",
    ),
    Kind(
        id="pem_openssh",
        name="ssh.private_key",
        aliases=(
            "openssh.private_key",
            "pem.openssh",
        ),
        title="OpenSSH private key (Ed25519)",
        provider="generic",
        proof=Proof.LOCAL,
        why="The mark is inside the private scalar; the public half is not recognised by itself.",
        shape=r"-----BEGIN OPENSSH PRIVATE KEY-----[0-9A-Za-z+/=\s\\]+-----END OPENSSH PRIVATE KEY-----\s*",
        real=(
            r"-----BEGIN (?P<label>(?:OPENSSH )?)PRIVATE KEY-----(?:[^-]|-(?!----))+-----END (?P=label)PRIVATE KEY-----"
        ),
        anchors=("PRIVATE KEY-----",),
        form=openssh(),
        nature=Nature.KEY,
        key="private_key",
    ),
    Kind(
        id="pgp_private",
        name="pgp.private_key",
        aliases=("gpg.private_key",),
        title="OpenPGP private key block",
        provider="generic",
        proof=Proof.LOCAL,
        why="The mark is inside the seeds of the key and its subkey; the user id is under .invalid.",
        shape=r"-----BEGIN PGP PRIVATE KEY BLOCK-----(?:[^-]|-(?!----))+-----END PGP PRIVATE KEY BLOCK-----\s*",
        anchors=("PGP PRIVATE KEY BLOCK-----",),
        form=private_key(),
        nature=Nature.KEY,
        key="pgp_key",
    ),
    Kind(
        id="tls_certificate",
        name="tls.certificate",
        aliases=(
            "certificate",
            "x509.certificate",
        ),
        title="TLS certificate + key",
        provider="generic",
        proof=Proof.LOCAL,
        why="Its serial number carries the mark, its modulus the tag; the CA that signed it is fake.",
        shape=r"-----BEGIN CERTIFICATE-----[0-9A-Za-z+/=\s\\]+-----END CERTIFICATE-----\s*",
        anchors=("-----BEGIN CERTIFICATE-----",),
        form=tls(),
        nature=Nature.PUBLIC,
        key="tls_cert",
    ),
    Kind(
        id="age_key",
        name="age.identity",
        aliases=(
            "age.private_key",
            "age.key",
        ),
        title="age identity",
        provider="generic",
        proof=Proof.LOCAL,
        why="Its bech32 checksum is right, as age insists; the mark is in its last 8 bytes.",
        shape="AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}",
        form=age(),
        nature=Nature.KEY,
        key="age_key",
    ),
    Kind(
        id="wireguard_key",
        name="wireguard.private_key",
        aliases=("wireguard.key",),
        title="WireGuard private key",
        provider="generic",
        proof=Proof.LOCAL,
        why="The mark is in bytes 16 to 23, away from those that clamping sets.",
        shape="[0-9A-Za-z+/]{42}[AEIMQUYcgkosw048]=",
        form=wireguard(),
        shapeless=True,
        nature=Nature.KEY,
        key="wireguard_private_key",
    ),
    Kind(
        id="totp_seed",
        name="totp.seed",
        aliases=("totp.secret",),
        title="TOTP seed",
        provider="generic",
        proof=Proof.LOCAL,
        shape="[A-Z2-7]{16,64}",
        form=symbols(Rand(19, BASE32), Mark(13, BASE32)),
        shapeless=True,
        key="totp_secret",
    ),
    Kind(
        id="jwt_hs256",
        name="jwt",
        aliases=(
            "jwt.hs256",
            "jwt.token",
        ),
        title="JSON Web Token",
        provider="generic",
        proof=Proof.IMPOSSIBLE,
        why="Its issuer is reserved, and the key that signed it is published, so no verifier can rightly trust it.",
        shape=r"eyJ[0-9A-Za-z_-]+\.eyJ[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+",
        real=r"eyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{16,}",
        anchors=("eyJ",),
        documented=r"eyJ.*\.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
        form=hs256(),
        key="jwt",
    ),
)
