"""From a path below a mount to the answer of a handler: find the route, decode the fields, run, warn of the unread.

A **route** is a path of an engine made ready: its template as an expression, its fields by name.
"""

import re
from collections.abc import Awaitable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from sandboxd.vault.errors import Refusal, UnsupportedOperation, UnsupportedPath
from sandboxd.vault.framework.backend import Backend, Call, Path, Response, Result
from sandboxd.vault.framework.fields import Param, decode, params

_TOKEN = re.compile(r"\{(\w+)\}|(\[)|(\])|(/\?\Z)")
_LITERAL, _MIXED, _CAPTURED, _GREEDY, _END = range(5)
_NO_CAPTURES: Mapping[str, str] = {}


class Match(NamedTuple):
    """A route and what its template captured, by wire name."""

    route: "Route"
    captures: Mapping[str, str]


class Route:
    """A path of an engine, made ready to be called."""

    def __init__(self, path: Path[Any, Any]) -> None:
        self.path = path
        self.segments = [part for part in path.template.removesuffix("/?").split("/") if part]
        self.literal = "{" not in path.template and "[" not in path.template

    @cached_property
    def params(self) -> dict[str, Param]:
        """The fields that the path takes, by wire name."""
        found = {field.name: field for field in params(self.path.args) if not field.hidden}
        if self.path.only:
            found = {name: found[name] for name in self.path.only}
        return found

    @cached_property
    def captured(self) -> tuple[str, ...]:
        """The wire names of the fields that the template captures."""
        return tuple(re.findall(r"\{(\w+)\}", self.path.template))

    @cached_property
    def pattern(self) -> "re.Pattern[str]":
        """The template as an expression."""
        return re.compile(self._render(lambda name: f"(?P<{name}>{self.params[name].kind.pattern})"), re.ASCII)

    @cached_property
    def shown_pattern(self) -> str:
        """The template as the real server writes such patterns in path-help."""
        shown = {r"(?:\w(?:[\w\-.]*\w)?)": r"\w(([\w-.]+)?\w)?", r"(?:\w(?:[\w\-.@]*\w)?)": r"\w(([\w-.@]+)?\w)?"}

        def capture(name: str) -> str:
            kind = self.params[name].kind
            return f"(?P<{name}>{shown.get(kind.pattern, kind.pattern)})"

        return f"^{self._render(capture, plain=True)}$"

    def _render(self, capture: Any, *, plain: bool = False) -> str:
        out, at, template = [], 0, self.path.template
        for token in _TOKEN.finditer(template):
            literal = template[at : token.start()]
            out.append(literal if plain else re.escape(literal))
            at = token.end()
            name, opening, closing, _ = token.groups()
            out.append(capture(name) if name else ("(" if plain else "(?:") if opening else ")?" if closing else "/?")
        rest = template[at:]
        return "".join([*out, rest if plain else re.escape(rest)])

    @cached_property
    def rank(self) -> tuple[tuple[int, ...], int]:
        """What is more specific sorts first."""
        kinds = []
        for segment in self.segments:
            names = re.findall(r"\{(\w+)\}", segment)
            if not names:
                kinds.append(_LITERAL)
            elif any("." in self.params[name].kind.pattern[:2] for name in names):
                kinds.append(_GREEDY)
            else:
                kinds.append(_CAPTURED if segment == f"{{{names[0]}}}" else _MIXED)
        # The longer of two templates is the more specific: what follows a greedy capture is not swallowed by it.
        return (*kinds, _END), -len(self.path.template)

    def arguments(self, call: Call, captures: Mapping[str, str], *, checking: bool = False) -> Any:
        """The typed arguments of a call. Raises Refusal with the real server's text for what does not decode."""
        raw = call.raw
        if captures:
            raw = call.raw = {**raw, **captures} if raw else captures
        try:
            values = decode(self.params, raw)
        except ValueError as error:
            raise Refusal(str(error) if checking else f"Field validation failed: {error}") from None
        # A null counts as given and empty, save for times and durations, as in the real server.
        call.given = frozenset(name for name, field in self.params.items() if field.attribute in values)
        return self.path.args(**values)


class Router:
    """The routes of one engine."""

    def __init__(self, backend: Backend, profile: str) -> None:
        self.backend = backend
        routes = [Route(path) for path in backend.paths if profile in path.profiles]
        self.routes = routes
        self._literal: dict[str, Route] = {}
        self._by_head: dict[str, list[Route]] = {}
        self._anywhere: list[Route] = []
        for route in routes:
            if route.literal:
                template = route.path.template
                self._literal[template.removesuffix("/?")] = route
                if template.endswith("/?"):
                    self._literal[template[:-1]] = route
            elif route.segments and "{" not in route.segments[0] and "[" not in route.segments[0]:
                self._by_head.setdefault(route.segments[0], []).append(route)
            else:
                self._anywhere.append(route)
        for group in (*self._by_head.values(), self._anywhere):
            if len(group) > 1:
                group.sort(key=lambda route: route.rank)
        self._login = _patterns(backend.unauthenticated) if backend.unauthenticated else None
        self._root = _patterns(backend.root) if backend.root else None

    def find(self, path: str) -> Match | None:
        """The most specific route for a path below the mount, or None."""
        literal = self._literal.get(path)
        if literal is not None:
            return Match(literal, _NO_CAPTURES)
        head = path.partition("/")[0]
        for group in (self._by_head.get(head, ()), self._anywhere):
            for route in group:
                found = route.pattern.fullmatch(path)
                if found is not None:
                    return Match(route, found.groupdict(default=""))
        return None

    def needs_token(self, path: str, match: Match | None) -> bool:
        """Whether the path asks for a token."""
        if match is not None and match.route.path.login:
            return False
        return self._login is None or not _matches(self._login, path)

    def needs_sudo(self, path: str, match: Match | None) -> bool:
        """Whether the path asks for the `sudo` capability."""
        if match is not None and match.route.path.sudo:
            return True
        return self._root is not None and _matches(self._root, path)


def _patterns(globs: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...], tuple["re.Pattern[str]", ...]]:
    wild = tuple(
        re.compile(re.escape(glob.removesuffix("*")).replace(r"\+", "[^/]+") + (".*" if glob.endswith("*") else ""))
        for glob in globs
        if "+" in glob
    )
    plain = [glob for glob in globs if "+" not in glob]
    exact = frozenset(glob for glob in plain if not glob.endswith("*"))
    return exact, tuple(glob[:-1] for glob in plain if glob.endswith("*")), wild


def _matches(patterns: tuple[frozenset[str], tuple[str, ...], tuple["re.Pattern[str]", ...]], path: str) -> bool:
    exact, prefixes, wild = patterns
    return (
        path in exact
        or (bool(prefixes) and path.startswith(prefixes))
        or any(pattern.fullmatch(path) for pattern in wild)
    )


def exists(match: Match | None, call: Call) -> bool | None:
    """Whether a write would update something there; None when the path does not tell.

    Raises Refusal when the arguments do not decode, in the words that the real server has for this step.
    """
    if match is None or match.route.path.exists is None:
        return None
    raw = call.raw
    arguments = match.route.arguments(call, match.captures, checking=True)
    found = match.route.path.exists(call, arguments)
    call.raw = raw
    return found


def run(match: Match | None, call: Call) -> Result | Awaitable[Result]:
    """Call the handler. Raises UnsupportedPath, UnsupportedOperation, or what the handler raises."""
    if match is None:
        raise UnsupportedPath
    handler = match.route.path.handler(call.operation)
    if handler is None:
        raise UnsupportedOperation
    found: Result | Awaitable[Result] = handler(call, match.route.arguments(call, match.captures))
    return found


def respond(result: Result, match: Match, call: Call, sent: Mapping[str, Any]) -> Response | None:
    """The handler's result as a response, with the warnings that all paths share.

    Args:
        sent: what the client sent, before captures were laid over it.
    """
    if result is None and not call.warnings:
        return None
    if isinstance(result, Response) and result.status:
        return result  # encoded by the engine, where the real server is concerned: no warning gets in
    response = result if isinstance(result, Response) else Response(data=result)
    warnings = call.warnings
    if sent:
        route = match.route
        if not route.path.arbitrary:
            unread = sorted(sent.keys() - route.params.keys())
            if unread:
                warnings.append(f"Endpoint ignored these unrecognized parameters: [{' '.join(unread)}]")
        replaced = [name for name in match.captures if sent.get(name) is not None]
        if replaced:
            warnings.append(
                "Endpoint replaced the value of these parameters with the values captured from the endpoint's path: "
                f"[{' '.join(replaced)}]"
            )
    if warnings:
        response = msgspec.structs.replace(response, warnings=[*response.warnings, *warnings])
    return response
