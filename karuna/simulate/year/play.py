"""The year played: of one municipality, or of ten with and without lending units."""

from __future__ import annotations

from karuna.simulate.year.guesses import DAYS_A_YEAR
from karuna.simulate.year.region import Place, Region
from karuna.simulate.year.report import Year, read
from karuna.simulate.year.ten import ten as ten_of
from shared.pack_parts import Pack

ALONE, SHARED = "ต่างคนต่างอยู่ (alone)", "ยืมหน่วยกัน (lending)"


def play(pack: Pack, seed: int, days: float | None = None, *, ten: bool = False) -> tuple[list[Year], str]:
    """The years, and what they are of. The same seed gives the same ones; minutes of a machine each."""
    days = DAYS_A_YEAR if days is None else days
    if not ten:
        name = f"{pack.area.name.th} {days:g} วัน (days), seed {seed}"
        return [read(pack.area.name.th, Region([Place(pack)], seed, days).run())], name
    places = ten_of(pack)
    ways = {ALONE: False, SHARED: True}
    years = [read(name, Region(places, seed, days, sharing=sharing).run()) for name, sharing in ways.items()]
    return years, f"10 เทศบาล (municipalities), {days:g} วัน (days), seed {seed}"
