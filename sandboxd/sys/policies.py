"""`sys/policies/acl` and the older `sys/policy`: writing, reading and listing ACL policies.

Source: a running OpenBao 2.7.2; what Vault does otherwise is from its documentation.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import msgspec

from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.durations import rfc3339
from sandboxd.vault.errors import refuse
from sandboxd.vault.framework.backend import Path, Response, Result
from sandboxd.vault.framework.fields import Duration, Moment, NoArgs, Rest, param
from sandboxd.vault.gotext import quote
from sandboxd.vault.policies import PolicyError
from sandboxd.vault.policy_store import IMMUTABLE, UNASSIGNABLE, StoredPolicy
from sandboxd.vault.system import SystemCall

_OPENBAO = ("openbao",)
_VAULT = ("vault",)
_BASIC = ("name", "policy")
_NOT_SUPPLIED = "'policy' parameter not supplied or empty"


@dataclass(frozen=True, kw_only=True)
class NameArgs:
    """Which policy."""

    name: Rest = param(help="Name of the policy.")


@dataclass(frozen=True, kw_only=True)
class PolicyArgs(NameArgs):
    """A policy as a client writes it."""

    policy: str = param(help="The rules, in HCL or JSON, also in base64.")
    expiration: Moment = param(0, "When the policy ends.")
    ttl: Duration = param(0, "How long the policy lasts from now on.")
    cas: int = param(0, "The version that the policy must have for the write; -1 when there must be none.")
    cas_required: bool = param(False, "Take writes only with `cas`.")
    allow_wildcards_in_identity_templates: bool = param(False, "Let what templates put into paths hold `*` and `+`.")
    allow_slashes_in_identity_templates: bool = param(False, "Let what templates put into paths hold `/`.")


@dataclass(frozen=True, kw_only=True)
class OldPolicyArgs(PolicyArgs):
    """The same at the older path."""

    rules: str = param(help="The rules, in the older spelling.", deprecated=True)


# Reading


def list_policies(call: SystemCall, _args: NoArgs) -> Result:
    """The names of all policies."""
    return _listed(call, "")


def list_below(call: SystemCall, args: NameArgs) -> Result:
    """The names of the policies below a prefix."""
    return _listed(call, args.name)


def list_policies_old(call: SystemCall, _args: NoArgs) -> Result:
    """The names of all policies, twice, at the older path."""
    return _twice(_listed(call, ""))


def list_below_old(call: SystemCall, args: OldPolicyArgs) -> Result:
    """The names of the policies below a prefix, twice, at the older path."""
    return _twice(_listed(call, args.name))


def list_detailed(call: SystemCall, _args: NoArgs) -> Result:
    """All policies with what they say."""
    return _detailed(call, "")


def list_detailed_below(call: SystemCall, args: NameArgs) -> Result:
    """The policies below a prefix with what they say."""
    return _detailed(call, args.name)


def read_policy(call: SystemCall, args: NameArgs) -> Result:
    """One policy."""
    return _shown(call, args.name)


def read_policy_old(call: SystemCall, args: OldPolicyArgs) -> Result:
    """One policy, with its text under the older name."""
    shown = _shown(call, args.name)
    if shown is not None:
        shown["rules"] = shown.pop("policy")
    return shown


def _names(call: SystemCall, prefix: str) -> list[str]:
    hidden = UNASSIGNABLE if call.profile == "vault" else ("response-wrapping",)
    return [name for name in call.world.policies.list(call.namespace, prefix) if name not in hidden]


def _listed(call: SystemCall, prefix: str) -> dict[str, Any]:
    names = _names(call, prefix)
    if not prefix and not call.namespace.path:
        names.append("root")
    return {"keys": names} if names else {}


def _twice(listed: dict[str, Any]) -> dict[str, Any]:
    return {**listed, "policies": listed.get("keys", [])}


def _detailed(call: SystemCall, prefix: str) -> dict[str, Any]:
    names = _names(call, prefix)
    if not call.namespace.path:
        names.append("root")
    if not names:
        return {}
    shown = {name: found for name in names if (found := _shown(call, name)) is not None}
    return {"keys": names, "key_info": shown}


def _shown(call: SystemCall, name: str) -> dict[str, Any] | None:
    name = _canonical(name)
    if name == "root":
        found = StoredPolicy(name="root", text="", version=0)
    else:
        stored = call.world.policies.get(call.namespace, name)
        if stored is None:
            return None
        found = stored
    if call.profile == "vault":
        return {"name": found.name, "policy": found.text}
    data: dict[str, Any] = {
        "name": found.name,
        "version": found.version,
        "cas_required": found.cas_required,
        "policy": found.text,
        "allow_wildcards_in_identity_templates": found.allow_wildcards,
        "allow_slashes_in_identity_templates": found.allow_slashes,
    }
    if found.expiration:
        data["expiration"] = rfc3339(found.expiration)
    if found.modified:
        data["modified"] = rfc3339(found.modified)
    return data


# Writing


def write_policy(call: SystemCall, args: PolicyArgs) -> Result:
    """Write a policy."""
    return _write(call, args, args.policy)


def write_policy_old(call: SystemCall, args: OldPolicyArgs) -> Result:
    """Write a policy at the older path, where its text may have the older name."""
    text = args.policy
    if not text and args.rules:
        text = args.rules
        call.warn("'rules' is deprecated, please use 'policy' instead")
    return _write(call, args, text)


def patch_policy(call: SystemCall, args: PolicyArgs) -> Result:
    """Change some of a policy."""
    name = _canonical(args.name)
    old = StoredPolicy(name="root", text="", version=0) if name == "root" else None
    old = old or call.world.policies.get(call.namespace, name) or refuse("policy not found")
    given = call.given
    changed = StoredPolicy(
        name=name,
        text=_decoded((args.policy if "policy" in given else old.text) or refuse(_NOT_SUPPLIED)),
        expiration=_expiration(call, args, old.expiration),
        cas_required=args.cas_required if "cas_required" in given else old.cas_required,
        allow_wildcards=(
            args.allow_wildcards_in_identity_templates
            if "allow_wildcards_in_identity_templates" in given
            else old.allow_wildcards
        ),
        allow_slashes=(
            args.allow_slashes_in_identity_templates
            if "allow_slashes_in_identity_templates" in given
            else old.allow_slashes
        ),
    )
    _check(call, changed)
    _put(call, changed, args.cas if "cas" in call.given else old.version)
    return Response()


def delete_policy(call: SystemCall, args: NameArgs) -> None:
    """Forget a policy."""
    name = _canonical(args.name)
    if name in IMMUTABLE[call.profile]:
        refuse(f"cannot delete {quote(name)} policy")
    if name == "default":
        refuse("cannot delete default policy")
    if not name.endswith("/"):
        call.world.policies.delete(call.namespace, name)


def _write(call: SystemCall, args: PolicyArgs, text: str) -> Result:
    name = args.name.lower()
    if call.profile == "vault" and name != args.name:
        call.warn(f"policy name was converted to {name}")  # from Vault's documentation
    policy = StoredPolicy(
        name=_canonical(name),
        text=_decoded(text or refuse(_NOT_SUPPLIED)),
        expiration=_expiration(call, args, 0),
        cas_required=args.cas_required,
        allow_wildcards=args.allow_wildcards_in_identity_templates,
        allow_slashes=args.allow_slashes_in_identity_templates,
    )
    _check(call, policy)
    _put(call, policy, args.cas if "cas" in call.given else None)
    return Response() if call.warnings else None


def _canonical(name: str) -> str:
    return name.strip().lower()


def _decoded(text: str) -> str:
    """The text itself, or what it holds in base64."""
    try:
        raw = base64.b64decode(text.replace("\n", "").replace("\r", "").encode(), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return text
    return raw.decode("utf-8", "surrogateescape")


def _expiration(call: SystemCall, args: PolicyArgs, current: int) -> int:
    if "expiration" in call.given and "ttl" in call.given:
        refuse("cannot supply both 'expiration' and 'ttl' for policies")
    now = call.clock.now_ns()
    if "expiration" in call.given:
        end = args.expiration
    elif "ttl" in call.given:
        end = now + args.ttl * NANOSECONDS
    else:
        end = current
    if end and end <= now:
        refuse("refusing to update policy as expiration time has already elapsed")
    return end


def _check(call: SystemCall, policy: StoredPolicy) -> None:
    try:
        call.world.policies.parse(call.namespace, policy.name, policy.text, policy.trusted)
    except PolicyError as error:
        refuse(str(error))


def _put(call: SystemCall, policy: StoredPolicy, cas: int | None) -> None:
    if policy.name in IMMUTABLE[call.profile]:
        refuse(f"cannot update {quote(policy.name)} policy")
    existing = call.world.policies.get(call.namespace, policy.name)
    version = existing.version if existing is not None else 0
    if cas is None and (policy.cas_required or (existing is not None and existing.cas_required)):
        refuse("check-and-set parameter required for this call")
    if cas == -1 and existing is not None:
        refuse("check-and-set parameter set to -1 on existing entry")
    if cas not in (None, -1, version):
        refuse(f"check-and-set parameter {cas} did not match the current version {version}")
    policy = msgspec.structs.replace(policy, version=version + 1, modified=call.clock.now_ns())
    call.world.policies.put(call.namespace, policy)


PATHS: tuple[Path[Any, Any], ...] = (
    Path("policy/?", NoArgs, "List the policies.", read=list_policies_old, list=list_policies_old),
    Path(
        "policy/{name}",
        OldPolicyArgs,
        "Manage a policy.",
        read=read_policy_old,
        write=write_policy_old,
        delete=delete_policy,
        list=list_below_old,
        profiles=_OPENBAO,
    ),
    Path(
        "policy/{name}",
        OldPolicyArgs,
        "Manage a policy.",
        read=read_policy_old,
        write=write_policy_old,
        delete=delete_policy,
        only=(*_BASIC, "rules"),
        profiles=_VAULT,
    ),
    Path("policies/acl/?", NoArgs, "List the ACL policies.", list=list_policies),
    Path(
        "policies/acl/{name}",
        PolicyArgs,
        "Manage an ACL policy.",
        read=read_policy,
        write=write_policy,
        delete=delete_policy,
        patch=patch_policy,
        list=list_below,
        profiles=_OPENBAO,
    ),
    Path(
        "policies/acl/{name}",
        PolicyArgs,
        "Manage an ACL policy.",
        read=read_policy,
        write=write_policy,
        delete=delete_policy,
        only=_BASIC,
        profiles=_VAULT,
    ),
    Path(
        "policies/detailed/acl/?",
        NoArgs,
        "List the ACL policies with what they say.",
        list=list_detailed,
        profiles=_OPENBAO,
    ),
    Path(
        "policies/detailed/acl/{name}",
        NameArgs,
        "List the ACL policies below a prefix with what they say.",
        list=list_detailed_below,
        profiles=_OPENBAO,
    ),
)
