"""The cubbyhole: documents that only the token which wrote them can reach, and that go with it.

The view of the storage that handlers get here is the token's own.
"""

from dataclasses import dataclass

from sandboxd.vault.errors import fail
from sandboxd.vault.framework.backend import Call, Engine, Path, Result
from sandboxd.vault.framework.fields import AnyRest, param
from sandboxd.vault.framework.records import Stored, write_document


@dataclass(frozen=True, kw_only=True)
class PathArgs:
    path: AnyRest = param(help="Location of the secret.")


def read(call: Call, args: PathArgs) -> Result:
    found = call.storage.get(args.path or fail("missing path"), Stored)
    return dict(found.data) if found else None


def write(call: Call, args: PathArgs) -> None:
    data = call.request.data  # without the path, which `call.raw` has too
    if not data:
        fail("missing data fields")
    write_document(call, args.path or fail("missing path"), Stored(data))


def delete(call: Call, args: PathArgs) -> None:
    call.storage.delete(args.path)


def list_keys(call: Call, args: PathArgs) -> Result:
    folder = args.path.rstrip("/")
    keys = call.storage.list(f"{folder}/" if folder else "")
    return {"keys": keys} if keys else {}


def exists(call: Call, args: PathArgs) -> bool:
    return call.storage.get(args.path) is not None


BACKEND = Engine(
    type="cubbyhole",
    help="Keep secrets that only the token which wrote them can read.",
    paths=(
        Path(
            "{path}",
            PathArgs,
            "Read, write, list and delete the token's own secrets.",
            read=read,
            write=write,
            delete=delete,
            list=list_keys,
            exists=exists,
        ),
    ),
    leased=False,
    per_token=True,
    singleton=True,
)
