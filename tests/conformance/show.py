"""Print how a server answers to cases: `PYTHONPATH=tests python -m conformance.show [--sandboxd] AREA[/NAME PART] ...`.

Without `--sandboxd` the real server is asked, which is how a new case, or a new piece of sandboxd, is written.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

from conformance.play import Stage, describe

USUAL = {"request_id": "<uuid>", "lease_id": "", "renewable": False, "lease_duration": 0}
USUAL |= dict.fromkeys(("data", "wrap_info", "warnings", "auth"))
USUAL_HEADERS = {
    "cache-control": "no-store",
    "content-type": "application/json",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
}


def main(arguments: list[str]) -> None:
    kind = "sandboxd" if "--sandboxd" in arguments else "oracle"
    stage = Stage(kind)
    for wanted in arguments:
        area, _, part = wanted.partition("/")
        if area.startswith("-"):
            continue
        for case in import_module(f"conformance.cases.{area}").CASES:
            if part in case.name:
                sys.stdout.write(f"\n=== {area}/{case.name}\n")
                for number, (step, answer) in enumerate(zip(case.steps, stage.play(case), strict=True), 1):
                    sys.stdout.write(f"{number:3} {describe(step)}\n    -> {short(answer)}\n")
    stage.close()


def short(answer: dict[str, Any]) -> str:
    """An answer less what nearly all answers have: the usual headers, and the empty parts of the envelope."""
    headers = {name: value for name, value in answer["headers"].items() if USUAL_HEADERS.get(name) != value}
    headers |= {name: "<absent>" for name in USUAL_HEADERS if name not in answer["headers"]}
    body = answer["body"]
    if isinstance(body, dict) and "request_id" in body:
        body = {name: value for name, value in body.items() if name not in USUAL or USUAL[name] != value}
    encoding = answer.get("encoding", "as Go")
    notes = [str(headers)] * bool(headers) + [encoding] * (encoding != "as Go")
    return " ".join([str(answer["status"]), json.dumps(body, ensure_ascii=False), *notes])


if __name__ == "__main__":
    main(sys.argv[1:])
