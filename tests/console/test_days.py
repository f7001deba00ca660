"""Days in forms: typed in either era on every screen, shown back in the reader's own."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from services.console.rules import days
from shared.thai.dates import Years

TEMPLATES = Path(days.__file__).parents[1] / "templates"
DAY = date(2026, 12, 5)


@pytest.mark.parametrize("typed", ["5/12/2569", "5/12/2026", "๐๕-๑๒-๒๕๖๙", "5.12.2569", "2026-12-05", " 2569-12-5 "])
def test_either_era_in_any_form_is_one_day(typed: str) -> None:
    assert days.read(typed, "on", "th") == ("2026-12-05", "")


def test_what_is_no_day_is_said_in_the_readers_language_and_nothing_is_no_day() -> None:
    assert days.read("  ", "on", "th") == ("", "")
    for typed in ("31/2/2569", "พรุ่งนี้", "5/12/69", "5/12/3112"):
        (day, th), (_, en) = days.read(typed, "on", "th"), days.read(typed, "on", "en")
        assert (day, bool(th), th != en) == ("", True, True), typed
    assert days.read("5/12/2600", "on", "th", Years.of_appointment(DAY))[0] == "", "narrower where more is known"


def test_a_day_that_is_kept_is_shown_as_it_is_typed_and_what_was_typed_stays() -> None:
    assert [days.in_field(value, lang) for value in (DAY, "2026-12-05") for lang in ("th", "en")] == [
        "5/12/2569", "5/12/2026",
    ] * 2  # fmt: skip
    for typed in ("31/2/2569", "2569-12-05", "2026-02-31", "พรุ่งนี้"):
        assert days.in_field(typed, "th") == typed
    assert days.in_field(None, "th") == ""
    for lang in ("th", "en"):
        assert days.read(days.written(DAY, lang), "on", lang) == ("2026-12-05", ""), "what is shown can be sent again"


def test_no_screen_asks_for_a_day_in_another_way() -> None:
    own = re.compile(r"""type=\\?["'](date|month|week|datetime-local)""")
    assert not [each.name for each in TEMPLATES.rglob("*.html") if own.search(each.read_text(encoding="utf-8"))]
