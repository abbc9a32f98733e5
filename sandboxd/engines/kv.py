"""TEMPORARY STUB by the lead; its owner overwrites it."""
from dataclasses import dataclass
from typing import Any
from sandboxd.vault.framework.backend import Call, Engine, Path, Result
from sandboxd.vault.framework.fields import Rest, param
from sandboxd.vault.framework.records import Stored
@dataclass(frozen=True, kw_only=True)
class Args:
    path: Rest = param(help="Location of the secret.")
def read(call: Call, args: Args) -> Result:
    found = call.storage.get(args.path, Stored)
    return dict(found.data) if found else None
def write(call: Call, args: Args) -> Result:
    call.storage.put(args.path, Stored({k: v for k, v in call.raw.items() if k != "path"}))
    return None
ENGINE = ENGINE_V2 = Engine(type="kv", help="", paths=(Path("{path}", Args, "x", read=read, write=write, arbitrary=True),), leased=False)
