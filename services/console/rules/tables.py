"""Reports as tables: what the owner of the facts computed, set out in columns; small cells kept back.

Pure. A figure from 1 to 4 points at people (the practice of statistical offices), and so does what can be reckoned
from it: the whole row goes, and where that is one row alone, the next smallest with it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

SMALLEST = 5
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
BOM = "\ufeff"
Kind = Literal[
    "code", "word", "value", "label", "plain", "count", "share", "each", "seconds", "km", "baht", "kg", "days", "moment"
]
NUMBERS = frozenset({"count", "share", "each", "seconds", "km", "baht", "kg", "days"})


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Part):
    """``of``: the column this one is reckoned from; ``says``: its head, where the name's would be another figure's."""

    name: str
    kind: Kind
    list: str | None = None
    of: str | None = None
    says: str | None = None

    @property
    def head(self) -> str:
        return self.says or self.name


class Section(_Part):
    """One table of a report."""

    rows: str = "rows"
    size: str | None = None
    kept_back: bool = False
    chart: str | None = None
    columns: tuple[Column, ...]


class Report(_Part):
    """One figure and the service that owns it."""

    key: str
    service: Literal["intake", "dispatch", "registry", "notify"]
    sdg: tuple[str, ...]
    section: tuple[Section, ...]


Row = dict[str, Any]


def rows_of(section: Section, answer: Mapping[str, Any]) -> list[Row]:
    """The rows of a section, small ones kept back (None), shares and means per row of its size reckoned."""
    found = answer[section.rows]
    rows = [dict(row) for row in (found if isinstance(found, list) else [found])]
    if section.size is not None and not section.kept_back:
        rows = publishable(section, rows)
    for row in rows:
        for column in section.columns:
            if column.kind == "share":
                row[column.name] = _ratio(row[str(column.of)], row[str(section.size)], 100)
            elif column.kind == "each":
                row[column.name] = _ratio(row[str(column.of)], row[str(section.size)], 1)
    return rows


def _ratio(part: float | None, whole: float | None, times: float) -> float | None:
    return None if part is None or not whole else times * part / whole


def publishable(section: Section, rows: Sequence[Row]) -> list[Row]:
    """The rows with those of fewer than five kept back, and the next smallest where one alone would be."""
    size = str(section.size)
    small = [row for row in rows if 0 < row[size] < SMALLEST]
    others = sorted((row for row in rows if row[size] >= SMALLEST), key=lambda row: row[size])
    hidden = small + (others[:1] if len(small) == 1 else [])
    numbers = {column.name for column in section.columns if column.kind in NUMBERS} | {size}
    shown = []
    for row in rows:
        if any(row is one for one in hidden):
            shown.append({name: None if name in numbers else value for name, value in row.items()})
        else:
            shown.append(row)
    return shown


def safe_cell(value: object) -> object:
    """A text that a spreadsheet would take for a formula becomes plain text; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def as_csv(tables: Sequence[tuple[Sequence[str], Sequence[Sequence[object]]]]) -> bytes:
    """Tables under each other, UTF-8 with the mark by which Excel knows it."""
    out = io.StringIO()
    writer = csv.writer(out)
    for place, (head, rows) in enumerate(tables):
        if place:
            writer.writerow([])
        writer.writerow([safe_cell(cell) for cell in head])
        writer.writerows([["" if cell is None else safe_cell(cell) for cell in row] for row in rows])
    return (BOM + out.getvalue()).encode()


@dataclass(frozen=True, slots=True)
class Bar:
    """``width``: of 100 that the longest has; ``shown``: its figure as people read it."""

    label: str
    width: float
    shown: str


def bars(labels: Sequence[str], values: Sequence[float | None], shown: Sequence[str], top: float = 0) -> list[Bar]:
    """Bars of the rows whose figure is told. ``top``: what the full width stands for, else the largest."""
    full = max([top, *(value for value in values if value is not None)], default=0) or 1
    return [
        Bar(label, round(100 * value / full, 1), text)
        for label, value, text in zip(labels, values, shown, strict=True)
        if value is not None
    ]
