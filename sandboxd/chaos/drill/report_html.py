"""The report as one HTML page, which needs neither network nor script, and follows the reader's light or dark."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from sandboxd.chaos.drill.grade import RULES, pauses
from sandboxd.chaos.drill.report import BLIND, Drill, Result
from sandboxd.chaos.drill.timeline_svg import OUTCOMES, mark, picture

STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1c2128;--soft:#57606a;--line:#d8dee4;--card:#f6f8fa;
--good:#1a7f37;--warn:#9a6700;--bad:#cf222e;--info:#0969da;--outage:#cf222e14;--wrong:#ffd8d3;--calm:#e2e8ef}
@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--soft:#9aa4af;--line:#30363d;--card:#161b22;
--good:#3fb950;--warn:#d29922;--bad:#ff7b72;--info:#58a6ff;--outage:#ff7b721c;--wrong:#5c1f1f;--calm:#2a323c}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1040px;padding:24px 20px 60px;background:var(--bg);color:var(--fg);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
h1{font-size:24px;margin:0 0 4px}h2{font-size:19px;margin:0}code{font:13px ui-monospace,Menlo,Consolas,monospace}
.facts{color:var(--soft);margin:0 0 20px}a{color:var(--info)}
.grade{display:inline-block;min-width:1.6em;padding:0 .4em;border-radius:6px;text-align:center;font-weight:700;
color:var(--bg);background:var(--soft)}
.grade.A,.grade.B{background:var(--good)}.grade.C,.grade.D{background:var(--warn)}.grade.F{background:var(--bad)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;margin:8px 0 28px}
th,td{text-align:left;padding:6px 12px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600}td.n{white-space:nowrap}
section{border:1px solid var(--line);border-radius:10px;padding:16px 18px;margin:0 0 18px}
section header{display:flex;gap:12px;align-items:center}section p{margin:4px 0;color:var(--soft)}
ul.why{margin:10px 0;padding-left:20px}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(200px,1fr));gap:8px 20px;margin:14px 0 0}
dt{color:var(--soft);font-size:13px}dd{margin:0}
svg{display:block;width:100%;min-width:720px;height:auto;margin-top:10px;background:var(--card);
border-radius:6px;padding:8px 0}
svg text{font:11px system-ui,sans-serif;fill:var(--fg)}svg .name{text-anchor:end;fill:var(--soft)}
svg .phase,svg .axis{text-anchor:middle}svg .axis{fill:var(--soft)}svg .tick,svg .lane{stroke:var(--line)}
svg .outage{fill:var(--outage)}svg .wrong{fill:var(--wrong)}svg .calm,svg .idle{fill:var(--calm)}svg .idle{opacity:.5}
svg .ended{stroke:var(--fg);stroke-width:2}svg .well{fill:var(--good)}svg .ill{fill:var(--bad)}
svg .bar{fill:var(--info);opacity:.7}
.m{fill:none;stroke-width:1.6}.m.good{fill:var(--good)}.m.moved{fill:var(--info)}
.m.refused{fill:var(--warn)}.m.failed{fill:var(--bad)}.m.lost,.m.left{stroke:var(--bad)}.m.open{stroke:var(--warn)}
.lasts{stroke-width:2;opacity:.45;stroke:var(--bad)}.lasts.good{stroke:var(--good)}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;color:var(--soft);font-size:13px;margin:0 0 20px}
.legend svg{display:inline;min-width:0;width:14px;height:14px;margin:0 5px -2px 0;padding:0;background:none}
details{margin-top:24px;color:var(--soft)}
"""


def render(drill: Drill) -> str:
    """The page."""
    return "\n".join(_page(drill))


def _page(drill: Drill) -> Iterator[str]:
    command = " ".join(drill.command)
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>Drill of {escape(command)}</title>\n<style>{STYLE}</style>\n</head>\n<body>"
    yield f"<h1>{_badge(drill.grade)} Drill of <code>{escape(command)}</code></h1>"
    facts = (
        f"{len(drill.graded)} of {len(drill.results)} scenarios run, {drill.began}, sandboxd {drill.version}, "
        f"profile {drill.profile}, fixture {drill.fixture}. The grade is that of the worst scenario; "
        f"at least {drill.threshold} is wanted."
    )
    yield f'<p class="facts">{escape(facts)}</p>'
    yield from _table(drill)
    if drill.graded:
        yield '<p class="legend">'
        for outcome, words in OUTCOMES.items():
            yield f'<span><svg viewBox="-7 -7 14 14" aria-hidden="true">{mark(outcome)}</svg>{words}</span>'
        yield "</p>"
    for number, result in enumerate(drill.results):
        if result.grade is not None:
            yield from _section(result, number)
    yield from _rules()
    yield "</body>\n</html>\n"


def _table(drill: Drill) -> Iterator[str]:
    yield '<div class="scroll"><table>\n<thead><tr><th>Scenario</th><th>Grade</th><th>Serving</th><th>Noticed</th>'
    yield "<th>Well after</th><th>Retries</th><th>Why</th></tr></thead>\n<tbody>"
    for number, result in enumerate(drill.results):
        measures = result.measures
        name = escape(result.scenario)
        if result.grade is None or measures is None:
            word = "failed" if result.failed else "skipped"
            yield f"<tr><td>{name}</td><td>{word}</td><td></td><td></td><td></td><td></td>"
            yield f"<td>{escape(result.reason)}</td></tr>"
            continue
        shares = measures.available
        cells = (
            "-" if shares is None else f"{shares.during:.0%}",
            "-" if measures.noticed is None else _seconds(measures.noticed),
            _recovered(result),
            "-" if result.blind and not measures.retries.count else str(measures.retries.count),
        )
        yield f'<tr><td><a href="#s{number}">{name}</a></td><td>{_badge(result.grade)}</td>'
        yield "".join(f'<td class="n">{cell}</td>' for cell in cells)
        yield f"<td>{escape(result.reasons[0] if result.reasons else '')}</td></tr>"
    yield "</tbody>\n</table></div>"


def _section(result: Result, number: int) -> Iterator[str]:
    measures, course = result.measures, result.course
    assert measures is not None
    assert course is not None
    yield f'<section id="s{number}">\n<header>{_badge(result.grade)}<h2>{escape(result.scenario)}</h2></header>'
    if result.title:
        yield f"<p>{escape(result.title)}</p>"
    yield '<ul class="why">' + "".join(f"<li>{escape(reason)}</li>" for reason in result.reasons) + "</ul>"
    label = f"{result.scenario}: requests and health over time, in seconds since the outage began"
    yield f'<div class="scroll">{picture(result.seen, course, label)}</div>'
    yield "<dl>"
    for name, value in _facts(result):
        yield f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
    yield "</dl>"
    if result.blind:
        yield f"<p>{escape(BLIND)}</p>"
    yield "</section>"


def _facts(result: Result) -> Iterator[tuple[str, str]]:
    measures, course = result.measures, result.course
    assert measures is not None
    assert course is not None
    shares = measures.available
    if shares is not None:
        yield "Well before, during, after", f"{shares.before:.0%}, {shares.during:.0%}, {shares.after:.0%}"
    yield "Outage", f"{course.end - course.begin:.1f} s"
    yield "Noticed after", "-" if measures.noticed is None else _seconds(measures.noticed)
    yield "Well after its end", _recovered(result)
    yield "Requests", f"{measures.requests}, {measures.during} in the outage, {measures.struck} struck"
    yield "Without a whole answer", str(measures.lost)
    yield "Most in a second", f"{measures.peak.count} ({measures.calm.count} in calm times)"
    retries = measures.retries
    how = " and ".join(word for word, yes in (("growing", retries.grows), ("jittered", retries.jitter)) if yes)
    spacing = f": {pauses(retries.pauses)}{f' ({how})' if how else ''}" if retries.pauses else ""
    yield "Retries", f"{retries.count}{spacing}"
    yield "Logins", str(measures.logins)
    yield "Secrets read since", str(measures.reread)
    for each in measures.stale:
        read = "" if each.noticed else ", never read anew"
        yield f"Stale: {each.path}", f"{each.seconds:.1f} s{read}"
    if course.exited is not None:
        yield "Exit status", str(course.status)
    yield "Seed", result.seed


def _rules() -> Iterator[str]:
    yield "<details><summary>How grades are given</summary><p>A drill begins at A; each rule that holds makes it no "
    yield "better than the rule's grade.</p><ul>"
    yield "".join(f"<li>{rule.worst}: {escape(rule.says)}</li>" for rule in RULES)
    yield "</ul></details>"


def _badge(grade: str | None) -> str:
    return f'<span class="grade {grade or ""}">{grade or "-"}</span>'


def _recovered(result: Result) -> str:
    assert result.measures is not None
    assert result.course is not None
    return _seconds(result.measures.recovered) if result.course.exited is None else "-"


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"
