"""The year as people read it: a table on the screen, the same as CSV, and a plot as SVG."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from karuna.simulate import curves
from karuna.simulate.year.journal import Journal
from karuna.simulate.year.measures import ACCEPTED_S, RED_S, URGENT, Journey, Measure, journeys, measures

MARKS = {True: "✓", False: "✗", None: ""}
LATEST_S = 900.0
DASHES = ("", "8 4")


@dataclass(frozen=True, slots=True)
class Year:
    """One way to spend it: ``name`` in Thai and English."""

    name: str
    journeys: Sequence[Journey]
    measures: Sequence[Measure]


def read(name: str, journal: Journal) -> Year:
    them = journeys(journal)
    return Year(name, them, measures(journal, them))


def rows(years: Sequence[Year]) -> list[tuple[str, ...]]:
    """What (Thai, English), the goal, and each year's figure with its mark."""
    found = []
    for each in zip(*(year.measures for year in years), strict=True):
        first = each[0]
        cells = (f"{measure.found} {MARKS[measure.met]}".strip() for measure in each)
        found.append((f"{first.th} ({first.en})", first.goal, *cells))
    return found


def show(years: Sequence[Year], about: str, out: Console) -> None:
    table = Table(title=about)
    for head in ("วัดอะไร (what)", "เป้า (goal)", *(year.name for year in years)):
        table.add_column(head, overflow="fold")
    for row in rows(years):
        table.add_row(*row)
    out.print(table)
    out.print("คนและเวลาในปีนี้สมมติขึ้น ที่มาและสิ่งที่เดาอยู่ใน karuna/simulate/year/guesses.py")
    out.print("(people and times are invented; sources and guesses stand in karuna/simulate/year/guesses.py)")


def write(years: Sequence[Year], about: str, folder: Path) -> tuple[Path, Path]:
    """Table and plot in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    table, plot = folder / "year.csv", folder / "year.svg"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["what", "goal", *(year.name for year in years)])
        writer.writerows(rows(years))
    plot.write_text(drawn(years, about), encoding="utf-8")
    return table, plot


def drawn(years: Sequence[Year], about: str) -> str:
    """Share of red calls accepted, and reached, over the minutes since the telephone was answered."""
    lines = []
    for number, year in enumerate(years):
        red = [each for each in year.journeys if each.asked.lane == "emergency" and each.asked.severity in URGENT]
        moments = {"รับงาน accepted": [each.accepted_s for each in red], "ถึง reached": [each.scene_s for each in red]}
        for dash, (what, seconds) in zip(DASHES, moments.items(), strict=True):
            known = [each for each in seconds if each is not None]
            colour = curves.COLOURS[number % len(curves.COLOURS)]
            lines.append(curves.Curve(f"{year.name}: {what}", known, len(seconds), colour, dash))
    return curves.drawn(
        lines, about=about, heading="แดง: ทีมรับงานแล้ว และถึงแล้ว ตามนาที · red: accepted, reached, by minute",
        latest_s=LATEST_S, every_min=1, limits_s=[ACCEPTED_S, RED_S], margin=260,
    )  # fmt: skip
