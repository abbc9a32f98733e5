"""Make answers comparable without losing what they say.

Values that differ from run to run are not dropped. Each becomes a *placeholder*, which names its kind, and so still
holds the answer to its format: alphabet, length, prefix, precision of a time, distance of a time from now. A value seen
before becomes a reference to where in the case it was seen first, so identity is compared as well:

    "id": "s.0aTdXk3..."              ->  "<token>"
    "id": "s.0aTdXk3..." (once more)  ->  "<token = 1 body.auth.client_token>"
    "expire_time": "2026-..."         ->  "<time +3600s with a fraction Z>"

What matches no format is left as it is, and will differ.
"""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.client import Answer
    from conformance.servers import Server

LEFT_OUT = {
    "date": "the clock",
    "content-length": "follows from the body, which is compared",
    "transfer-encoding": "OpenBao sends more than 2 KiB in chunks: framing that no client sees",
}
"""Headers that are not compared, each with the reason. All others are, those that only one server sends included."""

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
# What is random has capitals and small letters both; what a case made up has not.
MIXED24 = r"(?=[0-9A-Z]*[a-z])(?=[0-9a-z]*[A-Z])[0-9A-Za-z]{24}"
TIME = r"(\d{4})-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d+))?(Z|[+-]\d\d:\d\d)"

FORMATS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("uuid", re.compile(rf"\b{UUID}\b")),
    ("token", re.compile(rf"\bs\.{MIXED24}\b")),
    ("recovery token", re.compile(rf"\br\.{MIXED24}\b")),
    ("batch token", re.compile(r"\bb\.AAAAAQ[0-9A-Za-z_-]{60,}")),
    ("lease of token", re.compile(r"\bh[0-9a-f]{64}\b")),
    ("sha1", re.compile(r"\b[0-9a-f]{40}\b")),
    ("hmac-sha256", re.compile(r"\bhmac-sha256:[0-9a-f]{64}\b")),
    ("cluster", re.compile(r"\bvault-cluster-[0-9a-f]{8}\b")),
    ("random24", re.compile(rf"\b{MIXED24}\b")),
    ("mount accessor", re.compile(r"(?<=[a-z0-9]_)[0-9a-f]{8}\b")),
)
"""Formats that tell a random value wherever it stands. What goes before a mount's accessor is its type, and is kept."""

JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")

KINDS: dict[str, str] = {
    "hex": r"[0-9a-f]{%d}",
    "base62": r"[0-9A-Za-z]{%d}",
    "text": r".{%d}",
    "digits": r"[0-9]{%d}",
    "prose": r".+",
}
"""Patterns of the kinds that a step can name in `random`. There are more kinds: `base64` is decoded, its number counts
bytes; of an `openapi` document the paths and methods are left; a `number` is any that is not negative; a list in `any
order` is sorted; `prose` is text that each server words for itself."""

OPERATIONS = frozenset({"get", "post", "put", "patch", "delete", "x-vault-sudo", "x-vault-unauthenticated"})
"""What is compared of a path in an OpenAPI document: its methods, and what rights they need."""

NAMESPACED = {"id": r"[0-9A-Za-z]{6}"}


class Normaliser:
    """Remembers, for one server in one case, what was seen where."""

    def __init__(self, server: Server) -> None:
        self.seen = {server.address: "address", server.cluster_address: "cluster address", str(server.home): "home"}
        self.born = server.born

    def answer(self, number: int, answer: Answer, moment: float, random: Mapping[str, str]) -> dict[str, Any]:
        """What is compared of the answer to step `number`, which was sent at `moment` (seconds since 1970)."""
        headers: dict[str, str] = {}
        for name, value in answer.headers:
            if name.lower() not in LEFT_OUT:
                joined = f"{headers[name.lower()]} | {value}" if name.lower() in headers else value
                headers[name.lower()] = joined
        look = Look(self.seen, self.born, number, moment, random)
        result: dict[str, Any] = {"status": answer.status}
        result["headers"] = {name: look.text(value, f"headers.{name}") for name, value in sorted(headers.items())}
        text = answer.body.decode("utf-8", "backslashreplace")
        try:
            document = json.loads(text)
        except ValueError:
            result["body"] = look.text(text, "body")
        else:
            result["encoding"] = encoding(text)
            result["body"] = look.value(untwine(document), "body")
        return result


def untwine(document: Any) -> Any:
    """Sort what comes before `request_id`: the twins of data's fields, in an order by chance."""
    if not isinstance(document, dict) or "request_id" not in document:
        return document
    names = list(document)
    names[: names.index("request_id")] = sorted(names[: names.index("request_id")])
    return {name: document[name] for name in names}


class Look:
    """One look at one answer."""

    def __init__(
        self, seen: dict[str, str], born: tuple[float, float], number: int, moment: float, random: Mapping[str, str]
    ) -> None:
        self.seen = seen
        self.born = born
        self.number = number
        self.moment = moment
        self.random = {f"body.{path}".rstrip("."): kind for path, kind in random.items()}

    def value(self, value: Any, path: str) -> Any:
        if self.random.get(path) == "any order":
            return sorted(self.value(item, f"{path}[]") for item in value)
        if path in self.random and isinstance(value, list):
            return [self.declared(item, self.random[path], f"{path}[{index}]") for index, item in enumerate(value)]
        if path in self.random:
            return self.declared(value, self.random[path], path)
        if isinstance(value, dict):
            if "uuid" in value and "path" in value and "custom_metadata" in value:
                self.namespace(value.get("id"), f"{path}.id")
            return self.object(value, path)
        if isinstance(value, list):
            return self.array(value, path)
        if isinstance(value, str):
            return self.jwt(value, path) if JWT.fullmatch(value) else self.text(value, path)
        if (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and abs(value - self.moment) < 10 * 365 * 86400
        ):
            return f"<unix {self.when(value)}{'' if isinstance(value, int) else ' with a fraction'}>"
        return value

    def object(self, value: dict[str, Any], path: str) -> dict[str, Any]:
        """An object keeps the order of its names, but is looked at in sorted order: where a value was seen first must
        not hang on the order it was sent in."""
        names: dict[str, str] = {}
        for name in sorted(value):
            plain = self.text(name, f"{path}{{}}")
            names[name] = f"{plain} #{len(names)}" if plain in names.values() else plain
        values = {
            name: self.value(value[name], f"{path}.{names[name]}") for name in sorted(value, key=names.__getitem__)
        }
        if any("<" in name for name in names.values()):
            return {names[name]: values[name] for name in sorted(value, key=names.__getitem__)}
        return {names[name]: values[name] for name in value}

    def array(self, value: list[Any], path: str) -> list[Any]:
        """An array keeps its order, save that random texts were sorted by chance."""
        if value and all(isinstance(item, str) for item in value):
            texts = [self.text(item, f"{path}[]") for item in value]
            return sorted(texts) if any(re.search("<[a-z0-9 -]+[=>]", text) for text in texts) else texts
        return [self.value(item, f"{path}[{index}]") for index, item in enumerate(value)]

    def text(self, text: str, path: str) -> str:
        """Text with all that is random in it replaced."""
        if text in self.seen:
            return self.place(text, "", path)
        # What is known goes first, longest first: some of it has no format of its own.
        for known in sorted((known for known in self.seen if len(known) >= 6), key=len, reverse=True):
            if known in text:
                text = text.replace(known, self.place(known, "", path))
        text = re.sub(TIME, lambda found: self.time(found, path), text)
        for kind, pattern in FORMATS:
            text = pattern.sub(lambda found, kind=kind: self.place(found[0], kind, path), text)  # type: ignore[misc]
        return text

    def place(self, value: str, kind: str, path: str) -> str:
        """The placeholder of a random value; its first place is remembered."""
        here = f"{self.number} {path}"
        if value in self.seen:
            return f"<{self.seen[value]}>"
        self.seen[value] = f"{kind.partition(' ')[0]} = {here}"
        return f"<{kind}>"

    def time(self, found: re.Match[str], path: str) -> str:
        year, fraction, zone = found.groups()
        if int(year) < 2000 or "T00:00:00Z" in found[0]:
            return found[0]  # no time at all, or one that the case made up
        moment = datetime.fromisoformat(found[0][:26].rstrip("Z") + "+00:00" if fraction else found[0]).timestamp()
        if not fraction:
            return f"<time {self.when(moment)} {zone}>"  # whole seconds are the same by chance, so they tell nothing
        return self.place(found[0], f"time {self.when(moment)} with a fraction {zone}", path)

    def when(self, moment: float) -> str:
        """A moment as seconds from the request, or as the start of the server, which two servers do not share."""
        if self.born[0] - 1 <= moment <= self.born[1] and moment < self.moment - 1:
            return "at start"
        return f"{round(moment - self.moment):+d}s"

    def jwt(self, text: str, path: str) -> Any:
        """A JSON Web Token becomes its header and claims, normalised."""
        if text in self.seen:
            return self.place(text, "", path)
        head, claims = (
            json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in text.split(".")[:2]
        )
        self.seen[text] = f"jwt = {self.number} {path}"
        return {"head": self.value(head, f"{path}.head"), "claims": self.value(claims, f"{path}.claims")}

    def declared(self, value: Any, declaration: str, path: str) -> Any:
        """A value that the step declares as random: the placeholder if it has the format, else the value itself."""
        kind, _, size = declaration.partition(" ")
        if kind == "openapi" and isinstance(value, dict) and "paths" in value:
            kept = {path: sorted(OPERATIONS.intersection(item)) for path, item in sorted(value["paths"].items())}
            return {**{name: value[name] for name in value if name not in {"paths", "info", "components"}}, **kept}
        if kind == "number" and isinstance(value, int) and value >= 0:
            return "<number>"
        if not isinstance(value, str):
            return value
        if kind == "base64":
            try:
                good = len(base64.b64decode(value, validate=True)) == int(size)
            except ValueError:
                good = False
        else:
            good = re.fullmatch(KINDS[kind].replace("%d", size), value, re.DOTALL) is not None
        return self.place(value, declaration, path) if good else value

    def namespace(self, value: Any, path: str) -> None:
        """A namespace's short id has no format that would tell it elsewhere, so it is noted where it is shown."""
        if isinstance(value, str) and value not in self.seen and re.fullmatch(NAMESPACED["id"], value):
            self.seen[value] = f"namespace = {self.number} {path}"


def encoding(text: str) -> str:
    """How JSON text departs from what Go's encoder writes: compact, `<`, `>` and `&` escaped, a newline at the end."""
    departures = []
    outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
    if re.search(r"\s", outside.removesuffix("\n")):
        departures.append("spaces between tokens")
    if not text.endswith("\n"):
        departures.append("no newline at the end")
    if any(literal != go_string(json.loads(literal)) for literal in re.findall(r'"(?:[^"\\]|\\.)*"', text)):
        departures.append("strings are escaped otherwise")
    return ", ".join(departures) or "as Go"


def go_string(text: str) -> str:
    escaped = json.dumps(text, ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        escaped = escaped.replace(character, f"\\u{ord(character):04x}")
    return escaped
