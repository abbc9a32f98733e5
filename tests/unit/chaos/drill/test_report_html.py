from __future__ import annotations

import re
from html.parser import HTMLParser

from unit.chaos.drill.drills import BAD, drill, result
from unit.chaos.drill.seen import ask, course, watched

from sandboxd.chaos.drill.report_html import render

PAGE = render(drill())
VOID = {"meta", "path", "line", "rect"}


class Checker(HTMLParser):
    """Sees that what is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_what_is_opened_is_closed() -> None:
    checker = Checker()
    checker.feed(PAGE)
    assert checker.open == []


def test_links_lead_to_their_sections() -> None:
    checker = Checker()
    checker.feed(PAGE)
    assert re.findall(r'href="#(\w+)"', PAGE) == checker.ids == ["s0", "s1"]


def test_it_needs_neither_network_nor_script() -> None:
    assert "<script" not in PAGE
    assert not re.search(r"(?:src|href|url)\s*[=(]\s*[\"']?(?:https?:)?//", PAGE)
    assert "@import" not in PAGE


def test_it_follows_light_and_dark() -> None:
    assert "color-scheme:light dark" in PAGE
    assert "prefers-color-scheme:dark" in PAGE


def test_texts_are_escaped() -> None:
    assert "Away &amp; &lt;back&gt;" in PAGE
    assert "./shop --flag &lt;x&gt;" in PAGE
    assert "<x>" not in PAGE


def test_reasons_and_what_was_not_run_are_there() -> None:
    assert all(f"<li>{reason}</li>" in PAGE for reason in BAD.reasons)
    assert "the fixture has no mount of type pki" in PAGE
    assert "the app was not ready after 30 s" in PAGE


def test_it_says_what_a_server_cannot_see_where_that_matters() -> None:
    assert PAGE.count("cannot be seen by a server") == 1


def test_an_app_that_has_ended_is_not_said_to_be_well() -> None:
    ended = result("gone", watched(ask(11, 503)), over=course(exited=12.0, status=1))
    assert "<dt>Well after its end</dt><dd>-</dd>" in render(drill(ended))


def test_each_scenario_that_was_run_has_a_picture() -> None:
    assert PAGE.count('<svg viewBox="0 0 940') == 2
