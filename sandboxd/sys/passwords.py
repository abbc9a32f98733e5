"""`sys/policies/password`: how generated passwords are made."""

import base64
import binascii
import contextlib
from dataclasses import dataclass
from typing import Any

from sandboxd.vault import passwords
from sandboxd.vault.errors import fail
from sandboxd.vault.framework.backend import Path, Result
from sandboxd.vault.framework.fields import Rest, param
from sandboxd.vault.passwords import LONGEST, SHORTEST, StoredPolicy
from sandboxd.vault.system import SystemCall


@dataclass(frozen=True, kw_only=True)
class ListArgs:
    """A list takes no fields."""


@dataclass(frozen=True, kw_only=True)
class NameArgs:
    """Which policy."""

    name: Rest = param(help="Name of the policy.")


@dataclass(frozen=True, kw_only=True)
class PolicyArgs(NameArgs):
    """A policy and its text."""

    policy: str = param("", "The policy, in HCL or JSON, as it is or in base64.")


def list_policies(call: SystemCall, _args: ListArgs) -> Result:
    keys: list[str] = []
    folders = [""]
    while folders:  # each folder's own keys first, its last folder next: the real server's order
        folder = folders.pop()
        for name in call.world.storage.list(passwords.key(call.namespace, folder)):
            (folders if name.endswith("/") else keys).append(folder + name)
    return {"keys": keys}


def read_policy(call: SystemCall, args: PolicyArgs) -> Result:
    return {"policy": _known(call, args.name).text}


def write_policy(call: SystemCall, args: PolicyArgs) -> None:
    text = args.policy or fail("missing policy", 400)
    with contextlib.suppress(binascii.Error, ValueError):
        text = base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True).decode("utf-8", "replace")
    try:
        policy = passwords.parse(text)
    except ValueError as error:
        fail(f"invalid password policy: {error}", 400)
    if not SHORTEST <= policy.length <= LONGEST:
        fail(f"passwords must be between {SHORTEST} and {LONGEST} characters", 400)
    if not passwords.possible(policy):
        fail("unable to construct test password from provided policy: are the rules impossible?", 400)
    call.world.storage.put(passwords.key(call.namespace, args.name), StoredPolicy(text))


def delete_policy(call: SystemCall, args: PolicyArgs) -> None:
    call.world.storage.delete(passwords.key(call.namespace, args.name))


def generate(call: SystemCall, args: NameArgs) -> Result:
    _known(call, args.name)
    policy = passwords.load(call.world.storage, call.namespace, args.name)
    assert policy is not None
    try:
        return {"password": passwords.generate(policy, call.entropy)}
    except ValueError as error:
        fail(f"failed to generate password from policy: {error}")


def _known(call: SystemCall, name: str) -> StoredPolicy:
    found = call.world.storage.get(passwords.key(call.namespace, name))
    return found if isinstance(found, StoredPolicy) else fail("policy does not exist", 404)


PATHS: tuple[Path[Any, Any], ...] = (
    Path("policies/password/?", ListArgs, "List the password policies.", list=list_policies),
    Path("policies/password/{name}/generate", NameArgs, "Make a password after a policy.", read=generate),
    Path(
        "policies/password/{name}",
        PolicyArgs,
        "Manage one password policy.",
        read=read_policy,
        write=write_policy,
        delete=delete_policy,
    ),
)
