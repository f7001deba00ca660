"""What a comparison of policies says: a table on the screen, the same as CSV, and a plot as SVG."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from karuna.simulate import curves
from karuna.simulate.policies import CLASSES, Day
from shared.pack_parts import Targets

NATIONAL_IN_TIME = 0.39
"""Critical patients reached within 8 minutes in Thailand (ITEMS 2023, as the Journal of Emergency Medical Services of
Thailand reports it)."""
DASHES = ("", "8 4", "2 4", "10 3 2 3")
LATEST_S = 1200.0


def rows(days: Sequence[Day], targets: Targets) -> list[dict[str, str]]:
    """A row for each policy."""
    limits = {"red": targets.red_response_s, "yellow": targets.response_s, "others": targets.response_s}
    found = []
    for day in days:
        red = day.of(CLASSES["red"])
        row = {"policy": day.policy, "calls": str(len(day.calls)), "red": str(len(red))}
        row |= {
            "red_mean_s": f"{sum(red) / len(red):.0f}" if red else "",
            "red_p90_s": f"{red[int(0.9 * (len(red) - 1))]:.0f}" if red else "",
        }
        for name, limit_s in limits.items():
            late = day.late(CLASSES[name], limit_s)
            row[f"{name}_late_percent"] = "" if late is None else f"{100 * late:.1f}"
        found.append(row | {"taken": str(day.taken), "waited": str(day.waited)})
    return found


HEADS = {
    "calls": "เหตุ (calls)", "red": "แดงที่ถึงแล้ว (red, reached)", "red_mean_s": "แดง เฉลี่ย วินาที (mean, s)",
    "red_p90_s": "แดง p90 วินาที (s)", "red_late_percent": "แดง ช้า % (late)",
    "yellow_late_percent": "เหลือง ช้า % (yellow, late)", "others_late_percent": "อื่น ๆ ช้า % (others, late)",
    "taken": "หน่วยที่ถูกย้าย (units taken)", "waited": "เหตุที่รอหน่วย (calls that waited)",
}  # fmt: skip


def show(days: Sequence[Day], targets: Targets, about: str, out: Console) -> None:
    made = rows(days, targets)
    table = Table(title=about)
    table.add_column("")
    for row in made:
        table.add_column(row["policy"], justify="right")
    for name, head in HEADS.items():
        table.add_row(head, *(row[name] for row in made))
    out.print(table)
    red, others = targets.red_response_s / 60, targets.response_s / 60
    national = 100 * (1 - NATIONAL_IN_TIME)
    out.print(f"ช้า: แดงเกิน {red:g} นาที อื่น ๆ เกิน {others:g} นาที นับจากรับแจ้ง · ทั่วประเทศ แดงช้า {national:.0f}%")
    out.print(
        f"(late: red after {red:g} min, others after {others:g} min, from the call; national, red: {national:.0f}%)"
    )


def write(days: Sequence[Day], targets: Targets, about: str, folder: Path) -> tuple[Path, Path]:
    """The table and the plot in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    table, plot = folder / "policies.csv", folder / "policies.svg"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["policy", *HEADS])
        writer.writeheader()
        writer.writerows(rows(days, targets))
    plot.write_text(drawn(days, targets, about), encoding="utf-8")
    return table, plot


def drawn(days: Sequence[Day], targets: Targets, about: str) -> str:
    """Share of red calls reached, over minutes."""
    lines = []
    for number, day in enumerate(days):
        asked = sum(call.severity in CLASSES["red"] for call in day.calls)
        colour = curves.COLOURS[number % len(curves.COLOURS)]
        lines.append(curves.Curve(day.policy, day.of(CLASSES["red"]), asked, colour, DASHES[number % len(DASHES)]))
    return curves.drawn(
        lines, about=about, heading="ผู้ป่วยแดงที่ถึงแล้ว ตามนาทีจากรับแจ้ง · share of red calls reached, by minute",
        latest_s=LATEST_S, every_min=2, limits_s=[targets.red_response_s], margin=160,
    )  # fmt: skip
