"""`sys/tools/…`: random bytes and hashes."""

import base64
import hashlib
from dataclasses import dataclass

from sandboxd.vault.durations import parse_integer
from sandboxd.vault.errors import refuse
from sandboxd.vault.framework.backend import Path, Result
from sandboxd.vault.framework.fields import Rest, param
from sandboxd.vault.gotext import decode_base64, quote
from sandboxd.vault.system import SystemCall

MAX_BYTES = 128 * 1024

_SOURCES = ("platform", "seal", "all")
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

    source: str = param("platform", "Where the bytes come from: platform, seal or all; or how many, in the path.")
    urlbytes: Rest = param("", "How many bytes, in the path.")
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
    count, text = args.bytes, args.urlbytes if args.source else ""
    if args.source not in ("", *_SOURCES):
        if text:
            refuse(f'unsupported entropy source "{args.source}"; must be "platform" or "seal", or "all"')
        text = args.source  # the only thing in the path is a number
    if text:
        try:
            count = parse_integer(text)
        except ValueError:
            refuse(f"error parsing url-set byte count: strconv.Atoi: parsing {quote(text)}: invalid syntax")
    if count < 1:
        refuse("'bytes' cannot be less than 1")
    if count > MAX_BYTES:
        refuse(f"'bytes' should be less than {MAX_BYTES}")
    if args.format not in ("hex", "base64"):
        refuse(f'unsupported encoding format "{args.format}"; must be "hex" or "base64"')
    if args.source == "seal":
        call.warn("no seal/entropy augmentation available, using platform entropy source")
    raw = call.entropy.bytes(count)
    return {"random_bytes": raw.hex() if args.format == "hex" else base64.b64encode(raw).decode()}


def digest(call: SystemCall, args: HashArgs) -> Result:
    """The hash of some data."""
    del call
    algorithm = args.urlalgorithm or args.algorithm
    try:
        data = decode_base64(args.input)
    except ValueError as error:
        refuse(f"unable to decode input as base64: {error}")
    if args.format not in ("hex", "base64"):
        refuse(f'unsupported encoding format {args.format}; must be "hex" or "base64"')
    name = _HASHES.get(algorithm)
    if name is None:
        refuse(f"unsupported algorithm {algorithm}")
    raw = hashlib.new(name, data).digest()
    return {"sum": raw.hex() if args.format == "hex" else base64.b64encode(raw).decode()}


PATHS = (
    Path("tools/random[/{source}][/{urlbytes}]", RandomArgs, "Make random bytes.", write=random),
    Path("tools/hash[/{urlalgorithm}]", HashArgs, "Hash some data.", write=digest),
)
