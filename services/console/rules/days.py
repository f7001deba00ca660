"""Days in forms: typed as people write them, in either era, and written back in the reader's own. One way for every
screen (docs/decisions/0027-days-are-typed.md). Pure.
"""

from __future__ import annotations

import re
from datetime import date

from shared.refusal import Refusal
from shared.thai.dates import Years, be_year, read_day

ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
BE_BEGINS = 2400
"""A year from here on was typed in the Buddhist era."""
EVER = Years(1900, 2150)
"""Where nothing narrower is known; the two eras never meet."""


def written(on: date, lang: str) -> str:
    """``5/12/2569`` in Thai, ``5/12/2026`` in English: as it is typed again."""
    return f"{on.day}/{on.month}/{be_year(on) if lang == 'th' else on.year}"


def in_field(value: str | date | None, lang: str) -> str:
    """What stands in a field: a day that is kept (``2026-12-05``) as people write it; what was typed stays."""
    if isinstance(value, date):
        return written(value, lang)
    text = value or ""
    if not ISO.fullmatch(text):
        return text
    try:
        on = date.fromisoformat(text)
    except ValueError:
        return text
    return written(on, lang) if on.year < BE_BEGINS else text


def read(typed: str, field: str, lang: str, years: Years = EVER) -> tuple[str, str]:
    """``(ISO day, "")`` of what was typed, ``("", what is wrong with it)``, or twice nothing where nothing was."""
    if not typed.strip():
        return "", ""
    try:
        return read_day(typed, years, field).isoformat(), ""
    except Refusal as refusal:
        return "", refusal.en if lang == "en" else refusal.th
