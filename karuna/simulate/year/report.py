"""The year as people read it: a table on the screen, the same as CSV, and a plot as SVG."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from rich.console import Console
from rich.table import Table

from karuna.simulate.policies_report import COLOURS, HIGH, LEFT, TOP, WIDE
from karuna.simulate.year.journal import Journal
from karuna.simulate.year.measures import ACCEPTED_S, RED_S, URGENT, Journey, Measure, journeys, measures

MARKS = {True: "✓", False: "✗", None: ""}
LATEST_S = 900.0
DASHES = ("", "8 4", "2 4")


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
    bottom, right = TOP + HIGH, LEFT + WIDE
    box = f'viewBox="0 0 {right + 260} {bottom + 50}" font-family="Sarabun, sans-serif" font-size="14"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {box}>', f"<title>{escape(about)}</title>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{LEFT}" y="20">แดง: ทีมรับงานแล้ว และถึงแล้ว ตามนาที · red: accepted, reached, by minute</text>',
    ]  # fmt: skip
    for minute in range(int(LATEST_S // 60) + 1):
        x = LEFT + WIDE * minute * 60 / LATEST_S
        parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}" stroke="#ddd"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{minute}</text>')
    for percent in range(0, 101, 20):
        y = bottom - HIGH * percent / 100
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 5:.1f}" text-anchor="end">{percent}%</text>')
    for limit_s in (ACCEPTED_S, RED_S):
        x = LEFT + WIDE * limit_s / LATEST_S
        parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}" stroke="#c00" stroke-dasharray="6 4"/>')
    for number, year in enumerate(years):
        red = [each for each in year.journeys if each.asked.lane == "emergency" and each.asked.severity in URGENT]
        lines = {"รับงาน accepted": [each.accepted_s for each in red], "ถึง reached": [each.scene_s for each in red]}
        for turn, (what, seconds) in enumerate(lines.items()):
            parts += _line(f"{year.name}: {what}", seconds, 2 * number + turn, DASHES[turn])
    return "\n".join([*parts, "</svg>", ""])


def _line(name: str, seconds: Sequence[float | None], number: int, dash: str) -> list[str]:
    known = sorted(each for each in seconds if each is not None and each <= LATEST_S)
    dots = " ".join(
        f"{LEFT + WIDE * each / LATEST_S:.1f},{TOP + HIGH - HIGH * (rank + 1) / max(1, len(seconds)):.1f}"
        for rank, each in enumerate(known)
    )
    y, right = TOP + 20 + 24 * number, LEFT + WIDE
    stroke = f'fill="none" stroke="{COLOURS[number // 2 % len(COLOURS)]}" stroke-width="2.5" stroke-dasharray="{dash}"'
    return [
        f'<polyline points="{dots}" {stroke}/>',
        f'<line x1="{right + 10}" y1="{y - 5}" x2="{right + 45}" y2="{y - 5}" {stroke}/>',
        f'<text x="{right + 52}" y="{y}">{escape(name)}</text>',
    ]
