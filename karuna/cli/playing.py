"""Real calls played again, and invented days."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from karuna.cli.common import HomeOption, here, out, wait

app = typer.Typer()

SpeedOption = Annotated[float, typer.Option(min=0.1, max=100_000, help="เร็วกว่าเวลาจริงกี่เท่า (times as fast as real)")]


class UnitPolicy(StrEnum):
    """How a unit is chosen; see services/dispatch/emergencies/choice.py. ``relocate``: full, and moves."""

    CLOSEST = "closest"
    DMEXCLP = "dmexclp"
    REASSIGN = "reassign"
    FULL = "full"
    RELOCATE = "relocate"


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="เหตุจริง (calls, CSV)")],
    mapping: Annotated[Path, typer.Option("--map", help="คอลัมน์ใดคืออะไร (which column is what, TOML)")],
    speed: SpeedOption = 60.0,
    limit: Annotated[int | None, typer.Option(min=1, help="กี่เหตุ (how many of them)")] = None,
    home: HomeOption = None,
) -> None:
    """เล่นซ้ำเหตุจริงจาก CSV (feed real calls through the public API and report)."""
    from karuna.simulate.replay import replay as play

    raise typer.Exit(wait(play(here(home), file, mapping, speed=speed, limit=limit, out=out)))


@app.command()
def simulate(
    days: Annotated[
        float | None, typer.Option(min=0.01, max=366, help="กี่วัน (how many; 1, or 365 with --year, --ten)")
    ] = None,
    speed: SpeedOption = 600.0,
    calls_a_day: Annotated[float, typer.Option(min=0.1, max=5000, help="เฉลี่ยต่อวัน (on average)")] = 5.3,
    seed_number: Annotated[int, typer.Option("--seed", help="เลขเดิมได้วันเดิม (the same number, the same days)")] = 1,
    policy: Annotated[
        list[UnitPolicy] | None,
        typer.Option(help="เทียบวิธีเลือกหน่วยในวันเดียวกัน โดยไม่เปิดระบบ (compare, without the system)"),
    ] = None,
    units: Annotated[int, typer.Option(min=1, max=200, help="จำนวนหน่วย เมื่อเทียบ (when comparing)")] = 12,
    area: Annotated[str, typer.Option(help="พื้นที่ เมื่อเทียบ (when comparing)")] = "kalasin",
    into: Annotated[
        Path | None, typer.Option(help="ที่เก็บตารางและกราฟ (where table and plot go: var/policies, var/year)")
    ] = None,
    year: Annotated[
        bool, typer.Option("--year", help="หนึ่งปีในไม่กี่นาที ไม่เปิดระบบ (a year in minutes, without the system)")
    ] = False,
    ten: Annotated[
        bool, typer.Option("--ten", help="หนึ่งปีของสิบเทศบาล ยืมรถกันและไม่ยืม (ten municipalities, with and without lending)")
    ] = False,
    home: HomeOption = None,
) -> None:
    """จำลองวันของเทศบาล (a municipality's days: calls, appointments, volunteers who decline or sleep)."""
    if year or ten:
        _year(here(home).areas / area, days, seed_number, into or Path("var/year"), ten=ten)
        return
    days = 1.0 if days is None else days
    if policy:
        _compare(here(home).areas / area, policy, days, calls_a_day, units, seed_number, into or Path("var/policies"))
        return
    from karuna.simulate.town import simulate as live

    done = live(here(home), days=days, speed=speed, seed=seed_number, out=out, a_day=calls_a_day)
    raise typer.Exit(wait(done))


def _compare(
    pack_folder: Path, policies: list[UnitPolicy], days: float, a_day: float, units: int, seed_number: int, into: Path
) -> None:  # fmt: skip
    from karuna.simulate.policies import calls_of, city_of, compare
    from karuna.simulate.policies_report import show, write
    from shared.packs import PackError, load

    try:
        pack = load(pack_folder)
    except PackError as problem:
        raise typer.BadParameter(str(problem)) from None
    city = city_of(pack)
    done = compare(city, calls_of(city, days, a_day, seed_number), [each.value for each in policies], units)
    about = f"{pack.area.name.th}: {days:g} วัน (days) × {a_day:g} เหตุ (calls), {units} หน่วย (units)"
    show(done, pack.policies.targets, about, out)
    for file in write(done, pack.policies.targets, about, into):
        out.print(f"เขียนแล้ว (written): {file}")


def _year(pack_folder: Path, days: float | None, seed_number: int, into: Path, *, ten: bool) -> None:
    from karuna.simulate.year.play import play
    from karuna.simulate.year.report import show, write
    from shared.packs import PackError, load

    try:
        pack = load(pack_folder)
    except PackError as problem:
        raise typer.BadParameter(str(problem)) from None
    years, about = play(pack, seed_number, days, ten=ten)
    show(years, about, out)
    for file in write(years, about, into):
        out.print(f"เขียนแล้ว (written): {file}")
