"""The picture of a drill: phases, requests by how they went, requests in each second, and the app's health, over time.

It is an SVG for the inside of a page, coloured by that page's classes. Whatever is told by a colour is told by a shape
or by words as well, and the marks have titles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from math import ceil, floor

from sandboxd.chaos.drill.measures import by_key
from sandboxd.chaos.drill.watch import Call, Course, Look, Outcome, Watched

LEFT, RIGHT, WIDTH = 200.0, 22.0, 940.0
LANE, BAND, BARS = 22.0, 20.0, 44.0
MOST_LANES = 8
MOST_MARKS = 400
"""Marks in a lane; of more, some are left out."""

OUTCOMES: dict[Outcome, str] = {
    "good": "answered well",
    "moved": "sent elsewhere",
    "refused": "refused (4xx)",
    "failed": "failed (5xx, 412, 429)",
    "lost": "no whole answer",
    "left": "given up by the app",
    "open": "open at the end",
}
_SHAPES: dict[Outcome, str] = {
    "good": "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z",
    "moved": "M-4-4L4 0L-4 4z",
    "refused": "M-3.5-3.5h7v7h-7z",
    "failed": "M0-5L5 4H-5z",
    "lost": "M-4-4L4 4M4-4L-4 4",
    "left": "M-4 0H4M0-4V4",
    "open": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
}


def picture(seen: Watched, course: Course, label: str) -> str:
    """The picture; `label` says what it shows, for those who cannot see it."""
    return "\n".join(_Picture(seen, course).lines(label))


def mark(outcome: Outcome, x: float = 0.0, y: float = 0.0, title: str = "") -> str:
    """The mark of an outcome at a place."""
    inner = f"<title>{escape(title)}</title>" if title else ""
    return f'<path class="m {outcome}" transform="translate({x:.1f} {y:.1f})" d="{_SHAPES[outcome]}">{inner}</path>'


class _Picture:
    def __init__(self, seen: Watched, course: Course) -> None:
        self._seen = seen
        self._course = course
        self._end = max(course.stopped, course.end, 1.0)
        self._y = 0.0

    def lines(self, label: str) -> Iterator[str]:
        body = list(self._body())
        height = self._y + 26
        yield f'<svg viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" aria-label="{escape(label)}">'
        yield from self._axis(height - 26)
        yield from body
        yield from self._ended(height - 26)
        yield "</svg>"

    def _body(self) -> Iterator[str]:
        yield from self._phases()
        if self._seen.looks:
            yield from self._health(self._seen.looks)
        yield from self._lanes()
        yield from self._bars()

    def _x(self, moment: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * min(max(moment / self._end, 0.0), 1.0)

    def _named(self, text: str, height: float, title: str = "") -> str:
        shown = text if len(text) <= 28 else f"{text[:9]}…{text[-18:]}"
        inner = f"<title>{escape(title or text)}</title>{escape(shown)}"
        return f'<text class="name" x="{LEFT - 10:.0f}" y="{self._y + height / 2 + 4:.1f}">{inner}</text>'

    def _phases(self) -> Iterator[str]:
        course = self._course
        yield self._named("phases", BAND)
        parts = [("starting", 0.0, course.ready, "idle"), ("calm", course.ready, course.begin, "calm")]
        parts += [(each.name, each.begin, each.end, "wrong" if each.wrong else "calm") for each in course.stages]
        parts.append(("recovery", course.end, course.stopped, "calm"))
        for name, begin, end, kind in parts:
            x, width = self._x(begin), self._x(end) - self._x(begin)
            if width <= 0:
                continue
            yield _box(kind, x, self._y, width, BAND, f"{name}: {begin:.1f} s to {end:.1f} s")
            if width > 7 * len(name):
                middle = x + width / 2
                yield f'<text class="phase" x="{middle:.1f}" y="{self._y + 14:.1f}">{escape(name)}</text>'
        self._y += BAND + 6

    def _health(self, looks: Sequence[Look]) -> Iterator[str]:
        yield self._named("health", BAND)
        ends = [*(look.at for look in looks[1:]), self._end]
        merged: list[tuple[float, float, bool, str]] = []
        for look, end in zip(looks, ends, strict=True):
            if merged and merged[-1][2] == look.well and merged[-1][3] == look.note:
                merged[-1] = (merged[-1][0], end, look.well, look.note)
            else:
                merged.append((look.at, end, look.well, look.note))
        for begin, end, well, note in merged:
            if begin >= self._end:
                continue
            x, width = self._x(begin), self._x(end) - self._x(begin)
            kind, word = ("well", "well") if well else ("ill", "not well")
            top, height = (self._y + 4, BAND - 8) if well else (self._y, BAND)
            yield _box(kind, x, top, max(width, 1), height, f"{word}: {note}, {begin:.1f} s to {end:.1f} s")
        self._y += BAND + 6

    def _lanes(self) -> Iterator[str]:
        kinds = sorted(by_key(self._seen.calls).items(), key=lambda each: -len(each[1]))
        shown, rest = kinds[:MOST_LANES], kinds[MOST_LANES:]
        if rest:
            shown.append((f"{len(rest)} other kinds", [call for _, calls in rest for call in calls]))
        for key, calls in shown:
            yield self._named(key, LANE, f"{key}: {len(calls)} requests")
            middle = self._y + LANE / 2
            yield _rule("lane", LEFT, middle, WIDTH - RIGHT, middle)
            for call in _some(calls):
                if call.at <= self._end:
                    yield from self._call(call, middle)
            self._y += LANE
        idle = [line for line in self._seen.lines if not line.calls and line.opened <= self._end]
        if idle:
            yield self._named("connections without a request", LANE)
            for line in idle[:MOST_MARKS]:
                yield mark("lost", self._x(line.opened), self._y + LANE / 2, f"{line.opened:.2f} s: nothing was asked")
            self._y += LANE
        self._y += 6

    def _call(self, call: Call, middle: float) -> Iterator[str]:
        begin, end = self._x(call.at), self._x(self._end if call.until is None else call.until)
        if end - begin > 3:
            yield _rule(f"lasts {call.outcome}", begin, middle, end, middle)
        status = f"status {call.status}, " if call.status else ""
        struck = f", struck by {call.struck}" if call.struck else ""
        took = "" if call.until is None else f" after {call.until - call.at:.2f} s"
        yield mark(call.outcome, end, middle, f"{call.at:.2f} s: {status}{OUTCOMES[call.outcome]}{took}{struck}")

    def _bars(self) -> Iterator[str]:
        begin = self._course.begin
        counts = Counter(floor(call.at - begin) for call in self._seen.calls if call.at <= self._end)
        if not counts:
            return
        most = max(counts.values())
        yield self._named(f"requests a second (most: {most})", BARS)
        for second, count in sorted(counts.items()):
            x = self._x(begin + second)
            width, height = max(self._x(begin + second + 1) - x - 1, 1), BARS * count / most
            yield _box("bar", x, self._y + BARS - height, width, height, f"{count} from {second} s on")
        self._y += BARS

    def _ended(self, bottom: float) -> Iterator[str]:
        course = self._course
        if course.exited is None:
            return
        x = self._x(course.exited)
        yield _rule("ended", x, 0, x, bottom, f"the process ended with status {course.status}, {course.exited:.1f} s")

    def _axis(self, bottom: float) -> Iterator[str]:
        course = self._course
        x, width = self._x(course.begin), self._x(course.end) - self._x(course.begin)
        yield _box("outage", x, 0, max(width, 1), bottom)
        step = next((each for each in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600) if self._end / each <= 12), 1800)
        first = ceil(-course.begin / step) * step
        moment = float(first)
        while course.begin + moment <= self._end:
            x = self._x(course.begin + moment)
            yield _rule("tick", x, 0, x, bottom)
            told = f"{moment:+.0f} s" if moment else "0 s"
            yield f'<text class="axis" x="{x:.1f}" y="{bottom + 15:.1f}">{told}</text>'
            moment += step


def _box(kind: str, x: float, y: float, width: float, height: float, title: str = "") -> str:
    inner = f"<title>{escape(title)}</title>" if title else ""
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect class="{kind}" {place}>{inner}</rect>'


def _rule(kind: str, x1: float, y1: float, x2: float, y2: float, title: str = "") -> str:
    inner = f"<title>{escape(title)}</title>" if title else ""
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}">{inner}</line>'


def _some(calls: Sequence[Call]) -> Sequence[Call]:
    """All of the calls, or as many of them as can be told apart."""
    return calls if len(calls) <= MOST_MARKS else calls[:: ceil(len(calls) / MOST_MARKS)]
