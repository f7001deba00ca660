"""A year of one municipality, and of ten with and without lending units: what the rules come to for people."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench.report import Table
from karuna.local import ROOT
from karuna.simulate.year.play import play
from karuna.simulate.year.report import Year, rows
from shared.packs import load

SEED = 1


@dataclass(frozen=True, slots=True)
class Played:
    """``took_s``: computing time of all three."""

    one: list[Year]
    ten: list[Year]
    about: str
    took_s: float


def played() -> Played:
    """Minutes of one core; the same every time."""
    pack = load(ROOT / "deploy" / "areas" / "kalasin")
    started = time.process_time()
    one, about = play(pack, SEED)
    ten, _ = play(pack, SEED, ten=True)
    return Played(one, ten, about, time.process_time() - started)


def table(it: Played) -> Table:
    years = [*it.one, *it.ten]
    heads = (it.one[0].name, *(f"10 เทศบาล: {year.name}" for year in it.ten))
    note = (
        f"{it.about}; ten municipalities of three sizes in copies of the same pack. Played by `karuna simulate --year` "
        f"and `--ten` in {it.took_s / 60:.0f} minutes of computing: dispatch's own rules, time passed in, no service. "
        "Sources and guesses stand in karuna/simulate/year/guesses.py; every impossibility is counted by an audit that "
        "reads the journal alone. Most of the seconds until a crew accepts are typing, a guess; drives are straight "
        "lines × 1.4 in a small invented town, so the share reached within 8 minutes says nothing of a larger one. "
        "What nobody could go to at night or in a small municipality lacks a crew with that skill or vehicle."
    )
    return Table("ปีหนึ่งของเทศบาล · A simulated year", ("วัดอะไร (what)", "เป้า (goal)", *heads), rows(years), note)
