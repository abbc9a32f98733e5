"""`sys/tools/…`: random bytes and hashes."""

import base64
import binascii
import hashlib
from dataclasses import dataclass

from sandboxd.vault.errors import refuse
from sandboxd.vault.framework.backend import Path, Result
from sandboxd.vault.framework.fields import decode_int, param
from sandboxd.vault.system import SystemCall

MAX_BYTES = 128 * 1024

_HASHES = {
    "sha2-224": "sha224",
    "sha2-256": "sha256",
    "sha2-384": "sha384",
    "sha2-512": "sha512",
    "sha3-224": "sha3_224",
    "sha3-256": "sha3_256",
    "sha3-384": "sha3_384",
    "sha3-512": "sha3_512",
}


@dataclass(frozen=True, kw_only=True)
class RandomArgs:
    """How many bytes, from where, in which form."""

    source: str = param("platform", "Where the bytes come from: platform, seal or all.")
    urlbytes: str = param("", "How many bytes, in the path.")
    bytes: int = param(32, "How many bytes; 32 when not said.")
    format: str = param("base64", "The form of the answer: base64 or hex.")


@dataclass(frozen=True, kw_only=True)
class HashArgs:
    """What to hash, and how."""

    urlalgorithm: str = param("", "The algorithm, in the path.")
    algorithm: str = param("sha2-256", "The algorithm: sha2-224 to sha2-512, sha3-224 to sha3-512.")
    input: str = param("", "The data, in base64.")
    format: str = param("hex", "The form of the answer: hex or base64.")


def random(call: SystemCall, args: RandomArgs) -> Result:
    """So many random bytes."""
    count, source = args.bytes, args.source
    if args.urlbytes:
        text = args.urlbytes
        try:
            count = decode_int(text)
        except ValueError:
            refuse(f'error parsing url-set byte count: strconv.ParseInt: parsing "{text}": invalid syntax')
    if count < 1:
        refuse('"bytes" cannot be less than 1')
    if count > MAX_BYTES:
        refuse(f'"bytes" should be less than {MAX_BYTES}')
    if args.format not in ("hex", "base64"):
        refuse(f'unsupported encoding format "{args.format}"; must be "hex" or "base64"')
    if source not in ("", "platform", "seal", "all"):
        refuse(f'unsupported entropy source "{source}"; must be "platform" or "seal", or "all"')
    raw = call.entropy.bytes(count)
    return {"random_bytes": raw.hex() if args.format == "hex" else base64.b64encode(raw).decode()}


def digest(call: SystemCall, args: HashArgs) -> Result:
    """The hash of some data."""
    del call
    algorithm = args.urlalgorithm or args.algorithm
    try:
        data = base64.b64decode(args.input, validate=True)
    except binascii.Error as error:
        refuse(f"unable to decode input as base64: {error}")
    if args.format not in ("hex", "base64"):
        refuse(f'unsupported encoding format {args.format}; must be "hex" or "base64"')
    name = _HASHES.get(algorithm)
    if name is None:
        refuse(f"unsupported algorithm {algorithm}")
    raw = hashlib.new(name, data).digest()
    return {"sum": raw.hex() if args.format == "hex" else base64.b64encode(raw).decode()}


PATHS = (
    Path("tools/random[/{urlbytes}]", RandomArgs, "Make random bytes.", write=random),
    Path("tools/random/{source}[/{urlbytes}]", RandomArgs, "Make random bytes from a source.", write=random),
    Path("tools/hash[/{urlalgorithm}]", HashArgs, "Hash some data.", write=digest),
)
