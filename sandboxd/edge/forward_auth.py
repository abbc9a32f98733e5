"""Forward authentication: a proxy asks whether a request that came to it carries a credential that is valid now.

`/_sandboxd/v1/forward-auth`, by any method. The answer is 200, with what is known of the credential in `X-Sandboxd-*`
headers, or 401, with why not in a JSON body; a question that makes no sense is answered with 400. None has the value.

The question is the query:

    header=X-Shop-Key      where the credential is: in a header, a cookie, or a parameter of the original request;
    cookie=session         without any of them, where clients usually put it
    query=api_key
    path=secret/shop       what it must be from: a secret, with `data/` or without, or what was read from an engine
    field=api_key          and which field of it
    namespace=team         where the path begins
    kind=stripe.secret_key what kind of fake it must be
    grace=refuse           do not take what was replaced, though its grace window is open
    uri=…                  the target of the original request; it is the last one, and may have a query of its own

nginx and Traefik are given this as a URL. Envoy puts its `path_prefix` before the original target, so the prefix ends
in `uri=`; a prefix without a query works too (`/_sandboxd/v1/forward-auth/…`), and then what follows is all the
original request's: nothing that a client sends is taken for a part of the question.

No token is needed, since whoever asks has the credential already; `guard.admits` keeps web pages out. A proxy that is
elsewhere, or passes on a Host that is not this machine's, sends the sandbox's root token in `X-Sandboxd-Token`.
"""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote

import msgspec

from sandboxd.edge.decode import first, origin_form
from sandboxd.edge.encode import encode_errors
from sandboxd.edge.messages import FORWARD_AUTH, Answer, Incoming
from sandboxd.edge.presented import Presented, Unclear, in_cookie, in_header, in_query, usual
from sandboxd.edge.standing import Standing, scoped, standing
from sandboxd.edge.standing.model import UNKNOWN
from sandboxd.edge.verdict import judge, reason, settle
from sandboxd.vault.framework.loopback import is_loopback
from sandboxd.vault.framework.wire import encode

if TYPE_CHECKING:
    from sandboxd.edge.sandbox import Sandbox

TOKEN = "x-sandboxd-token"
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_URI = re.compile(r"(?:^|&)uri=")
_PLACES = ("header", "cookie", "query")
_SAFE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


class Nonsense(ValueError):
    """The question makes no sense; the text says why."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a proxy asks. The module tells what each field means."""

    header: str = ""
    cookie: str = ""
    query: str = ""
    path: str = ""
    field: str = ""
    namespace: str = ""
    kind: str = ""
    grace: str = ""
    uri: str = ""

    def find(self, incoming: Incoming) -> Presented | None:
        """The credential in a request. Raises Unclear."""
        if self.header:
            return in_header(incoming.headers, self.header.lower())
        if self.cookie:
            return in_cookie(incoming.headers, self.cookie)
        if self.query:
            return in_query(incoming.headers, self.query, self.uri)
        return usual(incoming.headers)


class Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of an answer. `state` and what follows is as in a `Verdict`; what is empty is left out."""

    allowed: bool
    reason: str
    state: str
    errors: tuple[str, ...] = ()
    path: str = ""
    namespace: str = ""
    field: str = ""
    version: int = 0
    owner: str = ""
    holder: str = ""
    accessor: str = ""
    lease_id: str = ""
    expires_at: str = ""
    ended_at: str = ""
    grace_until: str = ""


async def answer(sandbox: Sandbox, incoming: Incoming) -> Answer:
    """Answer a proxy."""
    given = first(incoming.headers, TOKEN)
    if given:
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), sandbox.root_token.encode()):
            return Answer(403, encode_errors((f"{TOKEN} is not the sandbox's root token",)))
    elif not is_loopback(incoming.remote_address):
        return Answer(403, encode_errors((f"from another machine this needs the sandbox's root token in {TOKEN}",)))
    try:
        question = read(incoming.target)
    except Nonsense as error:
        return Answer(400, encode_errors((str(error),)))
    try:
        presented = question.find(incoming)
    except Unclear as error:
        return _refused(f"The credential cannot be told: {error}.", UNKNOWN, None)
    if presented is None:
        return _refused("There is no credential in the request.", UNKNOWN, None)
    await settle(sandbox.world)
    found, fault = weigh(sandbox, question, presented)
    if fault:
        return _refused(fault, found, presented)
    told = _told(found, reason(found))
    headers = tuple(
        (
            f"X-Sandboxd-{'-'.join(part.capitalize() for part in name.split('_'))}",
            quote(str(value), safe=_SAFE, errors="replace"),
        )
        for name, value in msgspec.to_builtins(told).items()
        if name not in ("allowed", "reason")
    )
    return Answer(200, encode(msgspec.to_builtins(told)) + b"\n", headers)


def read(target: str) -> Question:
    """The question in a request's target. Raises Nonsense."""
    target = origin_form(target)
    path, _, query = target.partition("?")
    if path != FORWARD_AUTH:
        return Question(uri=target.removeprefix(FORWARD_AUTH))
    end = _URI.search(query)
    uri = "" if end is None else query[end.end() :]
    query = query if end is None else query[: end.start()]
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError:
        raise Nonsense("the query cannot be read") from None
    asked = dict(pairs)
    for name, value in asked.items():
        if name not in Question.__struct_fields__:
            known = ", ".join(Question.__struct_fields__)
            raise Nonsense(f"there is no parameter {quote(name, errors='replace')}; there are {known}")
        if not value:
            raise Nonsense(f"{name} is empty")
    if len(asked) < len(pairs):
        raise Nonsense("a parameter is there more than once")
    _check(asked)
    return Question(**asked, uri=uri)


def _check(asked: dict[str, str]) -> None:
    if sum(name in asked for name in _PLACES) > 1:
        raise Nonsense(f"say one of {', '.join(_PLACES)}")
    for name in ("header", "cookie"):
        if name in asked and not _NAME.fullmatch(asked[name]):
            raise Nonsense(f"that is no name of a {name}")
    if asked.get("grace", "refuse") not in ("accept", "refuse"):
        raise Nonsense("grace is accept or refuse")
    if "namespace" in asked and "path" not in asked:
        raise Nonsense("namespace says where the path begins, and there is none")
    if "kind" in asked:
        from sandboxd.fakes import UnknownKind, kind

        try:
            kind(asked["kind"])
        except UnknownKind as error:
            raise Nonsense(str(error)) from None


def weigh(sandbox: Sandbox, question: Question, presented: Presented) -> tuple[Standing, str]:
    """Where a credential stands, and why it is not to be accepted, or an empty text."""
    world, plan, value = sandbox.world, sandbox.plan, presented.value
    scope = scoped(world, question.path, question.field, question.namespace)
    found = UNKNOWN if scope is None else standing(world, plan, value, scope)
    if not found.known:
        elsewhere = standing(world, plan, value)
        if not elsewhere.known:
            return found, judge(value, None, found).reason
        wanted = " ".join(part for part in (question.path, question.field and f"field {question.field}") if part)
        place = f"{elsewhere.namespace}{elsewhere.path}, field {elsewhere.field}"
        return elsewhere, f"It is from {place}, and what is asked for is {wanted}."
    if not found.valid or (question.grace == "refuse" and found.state == "grace"):
        return found, reason(found) if not found.valid else f"{reason(found)} But that is not accepted here."
    if question.kind and not _is(sandbox, value, question.kind):
        return found, f"It is no {question.kind}."
    if presented.user and found.users and presented.user not in found.users:
        return found, "The user name is not the one that goes with it."
    return found, ""


def _is(sandbox: Sandbox, value: str, kind: str) -> bool:
    from sandboxd.fakes import identify

    declared = None if sandbox.plan is None else sandbox.plan.whose(value)
    return (declared is not None and declared.kind == kind) or any(each.kind.name == kind for each in identify(value))


def _told(found: Standing, why: str, *, allowed: bool = True) -> Told:
    holder = found.holders[-1] if found.holders else None
    return Told(
        allowed=allowed,
        reason=why,
        state=found.state,
        errors=() if allowed else (why,),
        path=found.path,
        namespace=found.namespace,
        field=found.field,
        version=found.version,
        owner=found.owner,
        holder="" if holder is None else holder.display_name,
        accessor="" if holder is None else holder.accessor,
        lease_id=found.lease_id,
        expires_at=found.expires_at,
        ended_at=found.ended_at,
        grace_until=found.grace_until,
    )


def _refused(why: str, found: Standing, presented: Presented | None) -> Answer:
    challenge = 'Bearer realm="sandboxd"'
    if presented is not None and presented.basic:
        challenge = 'Basic realm="sandboxd", charset="UTF-8"'
    elif presented is not None:
        text = quote(why, safe=_SAFE.replace('"', "").replace("\\", ""), errors="replace")
        challenge += f', error="invalid_token", error_description="{text}"'
    headers = (("WWW-Authenticate", challenge), ("X-Sandboxd-State", found.state))
    return Answer(401, encode(msgspec.to_builtins(_told(found, why, allowed=False))) + b"\n", headers)
