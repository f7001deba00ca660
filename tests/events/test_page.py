"""The page: every event on it, Thai first, and nothing fetched from anywhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from karuna.contracts.catalogue import DOCS
from karuna.contracts.page import page
from tests.events.model_walk import EVENTS, name_of


class Looked(HTMLParser):
    """What a page links to, and whether its tags are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.open_tags: list[str] = []
        self.language = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.links += [value for name in ("src", "href", "action") if (value := given.get(name))]
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "html":
            self.language = str(given.get("lang"))
        if tag not in {"meta", "input", "br", "link"}:
            self.open_tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag


def looked() -> tuple[str, Looked]:
    text = (DOCS / "index.html").read_text("utf-8")
    parser = Looked()
    parser.feed(text)
    return text, parser


def test_nothing_is_fetched_from_anywhere() -> None:
    text, parser = looked()
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|<link|<img|<script src", text)
    assert all((DOCS / link).is_file() for link in parser.links), "links lead to files beside the page"
    assert parser.open_tags == []


def test_every_event_is_on_it_once_with_its_schema() -> None:
    _, parser = looked()
    assert len(parser.ids) == len(set(parser.ids))
    assert {name_of(event) for event in EVENTS} <= set(parser.ids)
    for event in EVENTS:
        assert f"schemas/open/{event.short_type()}.json" in parser.links


def test_thai_comes_first() -> None:
    text, parser = looked()
    assert parser.language == "th"
    for heading in re.findall(r"<h[12]>([^<]+)", text):
        assert "ก" <= heading.strip()[0] <= "๙", heading


def test_making_it_twice_gives_the_same_page() -> None:
    assert page() == page()
