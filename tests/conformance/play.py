"""Play a case on two servers and say how their answers differ."""

from __future__ import annotations

import difflib
import json
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from conformance.client import Answer, Client, dig
from conformance.compare import Difference, compare
from conformance.known_differences import KNOWN
from conformance.normalise import Normaliser
from conformance.reset import fingerprint, reset
from conformance.servers import Server, start
from conformance.steps import Step, Wire

if TYPE_CHECKING:
    from conformance.steps import Case

PATIENCE = 10.0
"""Seconds to ask again for what the real server does in the background."""

UPGRADING = b"Upgrading from non-versioned to versioned data"
"""OpenBao answers this for the first milliseconds of a versioned store."""


class Stage:
    """A server that cases are played on, one after another, each finding it as new."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.server: Server | None = None
        self.baseline: Any = None
        self.clean = False

    def play(self, case: Case) -> list[dict[str, Any]]:
        """The normalised answers to the steps of a case."""
        if case.fresh:
            server = start(self.kind, config=case.config)
            with ExitStack() as stack:
                stack.callback(server.stop)
                return perform(case, server)
        server = self.ready()
        self.clean = False
        answers = perform(case, server)
        client = Client(server.port)
        self.clean = reset(client, self.baseline)
        client.close()
        return answers

    def ready(self) -> Server:
        """The server, started anew if the last case left something behind or brought it down."""
        if self.server is not None and not self.clean:
            self.close()
        if self.server is None:
            self.server = start(self.kind)
            client = Client(self.server.port)
            self.baseline = fingerprint(client)
            client.close()
        return self.server

    def close(self) -> None:
        if self.server is not None:
            self.server.stop()
            self.server = None


def perform(case: Case, server: Server) -> list[dict[str, Any]]:
    client, normaliser = Client(server.port), Normaliser(server)
    with ExitStack() as stack:
        stack.callback(client.close)
        answers = []
        for number, step in enumerate(case.steps, 1):
            asked = time.time()
            answer = client.send(step)
            deadline = asked + PATIENCE
            while asked < deadline and not final(step, answer):
                time.sleep(0.01)
                asked = time.time()
                answer = client.send(step)
            answers.append(normaliser.answer(number, answer, asked, step.random))
        return answers


def final(step: Step | Wire, answer: Answer) -> bool:
    """Whether the server has come to where the step wants it."""
    wanted = step.until if isinstance(step, Step) else None
    if isinstance(wanted, str):
        path, _, value = wanted.partition("=")
        return bool(dig(answer.json(), path) == value)
    return UPGRADING not in answer.body and wanted in {None, answer.status}


def differences(expected: list[dict[str, Any]], got: list[dict[str, Any]]) -> list[tuple[int, Difference]]:
    """Each place where the answers of two servers to a case differ, with the number of the step."""
    pairs = enumerate(zip(expected, got, strict=True), 1)
    return [(number, difference) for number, (left, right) in pairs for difference in compare(left, right)]


def judge(name: str, found: list[tuple[int, Difference]]) -> tuple[list[tuple[int, Difference]], list[str]]:
    """What is left of the differences when the known ones are taken away, and the known ones that no longer are."""
    known = {(entry.step, entry.path) for entry in KNOWN if entry.case == name}
    differ = {(number, path) for number, difference in found for path in (difference.path, "*")}
    left = [at for at in found if not known & {(at[0], at[1].path), (at[0], "*")}]
    return left, [f"step {step}, {path}" for step, path in sorted(known - differ)]


def report(case: Case, found: list[tuple[int, Difference]], expected: list[Any], got: list[Any]) -> str:
    """A failure as people want to read it: how the case went, what differs, and both answers side by side."""
    numbers = sorted({number for number, _ in found})
    lines = [f"{len(found)} differences in {len(numbers)} of {len(case.steps)} steps", ""]
    for number, step in enumerate(case.steps[: numbers[-1]], 1):
        status = f"{expected[number - 1]['status']}"
        if got[number - 1]["status"] != expected[number - 1]["status"]:
            status += f" (got {got[number - 1]['status']})"
        lines.append(f"{'✗' if number in numbers else ' '} {number:2} {describe(step)}  -> {status}")
    for number in numbers[:6]:
        lines += ["", f"step {number}: {describe(case.steps[number - 1])}"]
        paths = [difference.path for at, difference in found if at == number]
        lines += [f"  {path}" for path in paths[: 1 if paths[0] == "status" else 12]]
        left, right = (
            json.dumps(side[number - 1], indent=1, ensure_ascii=False).split("\n") for side in (expected, got)
        )
        lines += [f"    {line}" for line in difflib.unified_diff(left, right, "openbao", "sandboxd", lineterm="", n=2)]
    return "\n".join(lines)


def describe(step: Step | Wire) -> str:
    body = getattr(step, "body", None)
    text = "" if body is None else f" {body if isinstance(body, bytes) else json.dumps(body)!s}"
    notes = [
        f"{name}={value}"
        for name in ("token", "namespace", "wrap")
        if (value := getattr(step, name, None)) != "root" and value
    ]
    return f"{step}{text[:200]}{' [' + ', '.join(notes) + ']' if notes else ''}"
