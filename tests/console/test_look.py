"""The building blocks: nothing a strict content policy forbids, every icon drawn, every field told with its hint."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.console.navigation import SECTIONS
from services.console.pages.look import facts
from services.console.web import render
from shared.thai.text import Lang
from tests.console.conftest import Console

CONSOLE = Path(__file__).parents[2] / "services/console"
DRAWN = set(re.findall(r'<symbol id="([a-z-]+)"', (CONSOLE / "static/icons.svg").read_text(encoding="utf-8")))
PAGES = [(template, lang) for template in ("gallery.html", "gallery_crew.html") for lang in ("th", "en")]
TEMPLATES = sorted((CONSOLE / "templates").rglob("*.html"))
OWN_CSS = sorted((CONSOLE / "static/css").glob("*.css"))


class Seen(HTMLParser):
    """Elements with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.all: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, dict(attrs)))


def shown(template: str, lang: Lang) -> str:
    return render(
        template, lang, person=None, csrf="", path="/gallery", settings=SimpleNamespace(), theme="dark",
        **facts(lang, datetime(2026, 11, 22, 3, 0, tzinfo=UTC)),
    )  # fmt: skip


@pytest.mark.parametrize(("template", "lang"), PAGES)
def test_blocks_obey_the_strict_policy_and_point_at_what_is_there(template: str, lang: Lang) -> None:
    seen = Seen(shown(template, lang)).all
    ids = [said["id"] for _, said in seen if "id" in said]
    assert len(ids) == len(set(ids))
    for tag, said in seen:
        assert tag != "style"
        assert not {name for name in said if name == "style" or name.startswith("on")}, (tag, said)
        if tag == "use":
            assert (said["href"] or "").rpartition("#")[2] in DRAWN, said
        for name in ("aria-describedby", "aria-labelledby", "for"):
            assert set((said.get(name) or "").split()) <= set(ids), (tag, said)
        if tag == "input" and said.get("type") not in {"hidden", "radio", "checkbox"}:
            assert any(label.get("for") == said["id"] for other, label in seen if other == "label"), said


def test_a_wrong_field_says_so_to_a_reader() -> None:
    [phone] = [said for tag, said in Seen(shown("gallery.html", "th")).all if said.get("id") == "phone"]
    assert phone["aria-invalid"] == "true"
    assert phone["aria-describedby"] == "phone-error phone-hint"
    assert phone["inputmode"] == "tel"
    assert "required" in phone


def test_what_a_person_typed_stays_text() -> None:
    script = "<script>alert(1)</script>"
    html = shown("gallery.html", "th") + render_field(script)
    assert script not in html
    assert "&lt;script&gt;" in html


def render_field(value: str) -> str:
    from services.console.web import _templates

    source = '{% import "macros.html" as ui with context %}{{ ui.field("x", value, value=value, error=value) }}{{ ui.badge("lane", value) }}'
    return _templates().from_string(source).render(value=value, lang="th", t=str)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(CONSOLE / "templates").as_posix())
def test_icons_named_in_templates_are_drawn(path: Path) -> None:
    named = set(re.findall(r'icon\("([a-z-]+)"', path.read_text(encoding="utf-8")))
    assert named <= DRAWN


def test_of_tabs_beside_each_other_one_is_always_the_reader_s_own() -> None:
    named = re.findall(r'ui\.beside\("(\w+)", "([^"]*)"\)', "".join(path.read_text("utf-8") for path in TEMPLATES))
    assert named
    assert [one for one in named if one[1] not in {tab.path for tab in SECTIONS[one[0]]}] == []


@pytest.mark.parametrize("path", OWN_CSS, ids=lambda path: path.name)
def test_stylesheets_fetch_only_what_lies_here(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "@import" not in text
    for address in re.findall(r"url\(\"?([^)\"]+)", text):
        assert (path.parent / address).is_file(), address


async def test_scripts_read_the_table_and_only_a_demonstration_shows_the_gallery(console: Console) -> None:
    told = await console.client.get("/tokens.json")
    assert told.json()["kinds"]["call_stage"]["queued"]["label"]["th"] == "รับเรื่องแล้ว รอหน่วยว่าง"
    assert (await console.client.get("/gallery")).status_code == 404
    runtime = console.running.runtime
    runtime.settings = runtime.settings.model_copy(update={"demo": True})
    shown_there = await console.client.get("/gallery/crew?lang=en&theme=dark")
    assert (shown_there.status_code, 'lang="en" data-theme="dark"' in shown_there.text) == (200, True)
    assert (await console.client.get("/gallery")).status_code == 200
