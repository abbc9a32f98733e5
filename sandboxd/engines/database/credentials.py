"""The credentials that roles hand out: how each type is configured, and how one is made.

A role's `credential_config` belongs to its `credential_type`: a password policy; the size of an RSA key; or a CA and
the key of client certificates. All of them are fakes, save passwords of a policy, and keys of a size that no fake has.
"""

import asyncio
from collections.abc import Mapping

import msgspec

from sandboxd.engines.database.plugin import CLIENT_CERTIFICATE, PASSWORD, PluginError
from sandboxd.vault.errors import Failure, Refusal
from sandboxd.vault.framework.backend import Call
from sandboxd.vault.framework.lenient import decode_int
from sandboxd.vault.framework.usernames import Record, Template

LENGTH = 20  # of a password without a policy
NANOSECONDS = 1_000_000_000
Config = Mapping[str, str | int]

_CERTIFICATE = (
    "common_name_template",
    "ca_private_key",
    "ca_cert",
    "key_type",
    "key_bits",
    "signature_bits",
)
_SIZES = {"rsa": (2048, 3072, 4096), "ec": (256, 224, 384, 521)}


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """A credential that was just made.

    Attributes:
        data: what the client gets of it.
        secret: the names of those parts that are secret.
        password, public_key, subject: what the database is told, by the type.
    """

    data: Mapping[str, str]
    secret: tuple[str, ...]
    password: str = ""
    public_key: str = ""
    subject: str = ""


def configured(call: Call, kind: str, given: Mapping[str, str]) -> dict[str, str | int]:
    """A credential configuration with its defaults, without what is empty. Raises Refusal."""
    folded = {name.lower(): value for name, value in given.items()}
    try:
        if kind == PASSWORD:
            policy = folded.get("password_policy", "")
            return {"password_policy": policy} if policy else {}
        if kind == CLIENT_CERTIFICATE:
            return _client_certificate(call, folded)
        return _rsa(folded)
    except ValueError as error:
        raise Refusal(f"credential_config validation failed: {error}") from None


async def make(call: Call, kind: str, config: Config, *, policy: str, expiration: int, names: Record) -> Credential:
    """A fresh credential of a type.

    Args:
        policy: the connection's password policy, for when the configuration has none.
        expiration: of a certificate, in nanoseconds since 1970.
        names: what a certificate's common name may be made of.
    """
    if kind == CLIENT_CERTIFICATE:
        return await _issue(call, config, expiration, names)
    return await renewed(call, kind, config, policy)


async def renewed(call: Call, kind: str, config: Config, policy: str) -> Credential:
    """A fresh password or key for a user that is there; of certificates the real server makes none then."""
    if kind == CLIENT_CERTIFICATE:
        return Credential(data={}, secret=())
    if kind == PASSWORD:
        password = new_password(call, str(config.get("password_policy", "")) or policy)
        return Credential(data={"password": password}, secret=("password",), password=password)
    pair = await _fakes(call, "rsa.private_key", "rsa_private_key", bits=int(config.get("key_bits", 2048)))
    return Credential(
        data={"rsa_private_key": pair["value"]}, secret=("rsa_private_key",), public_key=pair["public_key"]
    )


def names_of(display_name: str, role_name: str) -> Record:
    """What a user name or a common name may be made of."""
    return Record("dbplugin.UsernameMetadata", DisplayName=display_name, RoleName=role_name)


def new_password(call: Call, policy: str) -> str:
    """A password by a policy, or (without one) of 20 characters with an upper, a lower, a digit and a hyphen.

    Raises PluginError, in whose words the engine tells of a policy that is not there.
    """
    if not policy:
        return call.fake("password", "password", length=LENGTH)
    try:
        return call.system.generate_password(policy)
    except Refusal as error:
        raise PluginError(f"failed to generate password: {error.errors[0]}") from None


def _rsa(given: Mapping[str, str]) -> dict[str, str | int]:
    bits = _number(given, "key_bits")
    form = given.get("format", "") or "pkcs8"
    if form.lower() != "pkcs8":
        raise ValueError(f"invalid format: {form}")
    if bits not in (0, 2048, 3072, 4096):
        raise ValueError(f"invalid key_bits: {bits}")
    return {"format": form, "key_bits": bits or 2048}


def _client_certificate(call: Call, given: Mapping[str, str]) -> dict[str, str | int]:
    numbers = _numbers(given, "key_bits", "signature_bits")
    kind = given.get("key_type", "")
    if kind not in (*_SIZES, "ed25519"):
        raise ValueError("invalid key_type")
    sizes = _SIZES.get(kind, ())
    if sizes and numbers["key_bits"] not in (0, *sizes):
        raise ValueError("invalid key_bits")
    if sizes and not numbers["key_bits"]:
        numbers["key_bits"] = sizes[0]
    if numbers["signature_bits"] not in (0, 256, 384, 512):
        raise ValueError("invalid signature_bits")
    numbers["signature_bits"] = numbers["signature_bits"] or 256
    if not given.get("common_name_template"):
        raise ValueError("missing required common_name_template")
    try:
        template = Template.parse(given["common_name_template"], profile=call.profile)
    except ValueError as error:
        raise ValueError(f"failed to create template: {error}") from None
    try:
        template.render(names_of("", ""), call.clock, call.entropy)
    except ValueError as error:
        raise ValueError(f"invalid common_name_template: {error}") from None
    for name in ("ca_cert", "ca_private_key"):
        if not given.get(name):
            raise ValueError(f"missing required {name}")
    from sandboxd.engines.database.certificate import parse_authority

    parse_authority(given["ca_cert"], given["ca_private_key"])
    found = {name: numbers.get(name) or given.get(name, "") for name in _CERTIFICATE}
    return {name: value for name, value in found.items() if value}


def _number(given: Mapping[str, str], name: str) -> int:
    return _numbers(given, name)[name]


def _numbers(given: Mapping[str, str], *names: str) -> dict[str, int]:
    found: dict[str, int] = {}
    errors = []
    for name in names:
        try:
            found[name] = decode_int(given.get(name, ""), name)
        except ValueError as error:
            errors.append(str(error))
    if errors:
        raise ValueError("decoding failed due to the following error(s):\n\n" + "\n".join(errors))
    return found


async def _issue(call: Call, config: Config, expiration: int, names: Record) -> Credential:
    """A client certificate of the configured CA, and its key."""
    from sandboxd.engines.database.certificate import issue, parse_authority

    try:
        template = Template.parse(str(config["common_name_template"]), profile=call.profile)
        common_name = template.render(names, call.clock, call.entropy)
        authority, authority_key = parse_authority(str(config["ca_cert"]), str(config["ca_private_key"]))
    except ValueError as error:
        raise Failure(f"failed to generate client certificate: {error}") from None
    kind, bits = str(config["key_type"]), int(config.get("key_bits", 0))
    private = await _private_key(call, kind, bits)
    certificate, key = issue(
        call,
        private=private,
        common_name=common_name,
        authority=authority,
        authority_key=authority_key,
        signature_bits=int(config["signature_bits"]),
        expiration=expiration,
    )
    return Credential(
        data={"client_certificate": certificate, "private_key": key, "private_key_type": kind},
        secret=("private_key",),
        subject=f"CN={escaped_name(common_name)}",
    )


async def _private_key(call: Call, kind: str, bits: int) -> str:
    """A private key as PKCS#8 PEM: a fake where there are fakes of its size."""
    if kind == "rsa":
        return (await _fakes(call, "rsa.private_key", "private_key", bits=bits))["value"]
    if kind == "ed25519":
        return call.fake("ed25519.private_key", "private_key")
    if bits in (256, 384):
        return call.fake("ec.private_key", "private_key", curve=f"P-{bits}")
    from sandboxd.engines.database.certificate import odd_curve_key

    return odd_curve_key(call, bits)


async def _fakes(call: Call, kind: str, field: str, **options: object) -> Mapping[str, str]:
    """The parts of a fake that takes long to make, made in a thread."""
    from sandboxd.fakes import Source, parts

    source = Source(seed=call.entropy.bytes(32), path=f"{call.mount.path}{call.path}", field=field)
    return await asyncio.to_thread(parts, kind, source, options)


def escaped_name(text: str) -> str:
    """A value of a distinguished name, with what means something there escaped (RFC 2253)."""
    found = "".join(f"\\{char}" if char in ',+"\\<>;' else char for char in text)
    if found.startswith((" ", "#")):
        found = "\\" + found
    if found.endswith(" ") and len(text) > 1:
        found = found[:-1] + "\\ "
    return found
