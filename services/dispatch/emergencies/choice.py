"""Whom to send to a call: by travel time, by what the rest of the town keeps, and from whom a unit may be taken.

Four policies, each a set of rules that are switched on:

=============  ==========================================================================================
``closest``    the idle unit that is there soonest
``dmexclp``    less urgent calls: among those in time, the unit that the rest of the town misses least
``reassign``   a unit still driving to something less urgent may be taken where that saves enough
``full``       both
=============  ==========================================================================================

Urgent calls are ranked by time, but for half a minute: choosing by coverage for them lowers the share of late arrivals
but raises the mean response by a third (Jagtenberg, Bhulai, van der Mei, "Dynamic ambulance dispatching: is the
closest-idle policy always optimal?", Health Care Management Science 2017).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from services.dispatch.emergencies.coverage import Numbers, Reach, losses

Policy = Literal["closest", "dmexclp", "reassign", "full"]
Status = Literal["idle", "driving", "busy"]
Rule = Literal["coverage", "reassign"]

RULES: Mapping[Policy, frozenset[Rule]] = {
    "closest": frozenset(),
    "dmexclp": frozenset({"coverage"}),
    "reassign": frozenset({"reassign"}),
    "full": frozenset({"coverage", "reassign"}),
}
URGENCY: Mapping[str, int] = {"red": 5, "pink": 4, "yellow": 3, "green": 2, "white": 1, "black": 0}
BY_TIME = URGENCY["pink"]
"""From this urgency on coverage has next to no say."""
LEVELS: Mapping[str, int] = {"transport": 0, "fr": 1, "bls": 2, "ils": 3, "als": 4}


@dataclass(frozen=True, slots=True)
class Patience:
    """How much coverage counts for a call: the whole town's is worth ``coverage_s`` seconds, but nobody waits more than

    ``detour_s`` longer than for the soonest unit.
    """

    coverage_s: float
    detour_s: float


@dataclass(frozen=True, slots=True)
class Tuning:
    """What the rules weigh, in seconds. Tried out by ``karuna simulate --policy``."""

    least_saving_s: float = 60.0
    """A unit is taken from another call only where it is there this much sooner than any idle one."""
    below_level_s: float = 120.0
    """Each level below the wanted one counts as this much later, and comes after all that have the level."""
    patient: Patience = Patience(coverage_s=20_000.0, detour_s=300.0)
    """A unit that holds a hundredth of the town is spared where another drives up to 200 s longer."""
    urgent: Patience = Patience(coverage_s=500.0, detour_s=30.0)
    """Coverage decides between units that are there at about the same time."""
    in_time_s: float = 420.0
    """Nobody waits for the sake of coverage for a unit that drives longer than this."""
    reach: Reach = field(default_factory=lambda: Reach(240.0, 420.0))


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as it stands. ``eta_s``: its drive to the call from where it is now; infinite where there is no way.

    ``severity`` and ``call`` say what it is driving to; a unit that drives without a call is on its way home and as
    good as idle. ``bumps``: how often the call it would leave has lost a unit already.
    """

    id: str
    level: str
    status: Status
    eta_s: float
    severity: str | None = None
    call: str | None = None
    free_at_s: float | None = None
    bumps: int = 0

    @property
    def idle(self) -> bool:
        return self.status == "idle" or (self.status == "driving" and self.call is None and self.severity is None)


@dataclass(frozen=True, slots=True)
class Choice:
    """``score_s`` orders, the least first: the drive, and what speaks against this unit, as seconds.

    ``reasons`` are pairs of a code (``services.dispatch.emergencies.sentences``) and its figure.
    """

    unit: Unit
    score_s: float
    reasons: tuple[tuple[str, float], ...] = ()
    below_level: bool = False
    further: bool = False
    """Another idle unit of the same level would be there sooner."""

    @property
    def reassigned_from(self) -> str | None:
        return None if self.unit.idle else (self.unit.call or "")


@dataclass(frozen=True, slots=True)
class Demand:
    """Where calls come from: ``drive_s`` units × places in the order of the units, ``weight`` per place."""

    drive_s: Numbers
    weight: Numbers


def choose(
    units: Sequence[Unit], severity: str, level: str | None, policy: Policy,
    demand: Demand | None = None, tuning: Tuning = Tuning(),
) -> list[Choice]:  # fmt: skip
    """Every unit that may go, the best first; ties by id, so that the order is stable."""
    rules, urgency = RULES[policy], URGENCY[severity]
    patience = tuning.patient if urgency < BY_TIME else tuning.urgent
    weighs = "coverage" in rules and demand is not None
    shares = _losses(units, demand, tuning) if weighs and demand is not None else np.zeros(len(units))
    idle = [(number, unit) for number, unit in enumerate(units) if unit.idle and np.isfinite(unit.eta_s)]
    soonest_s = min((unit.eta_s for _, unit in idle), default=np.inf)
    latest_s = min(soonest_s + patience.detour_s, max(soonest_s, tuning.in_time_s))
    found = []
    for number, unit in idle:
        share = float(shares[number])
        spared_s = patience.coverage_s * (share if unit.eta_s <= latest_s else 1.0) if weighs else 0.0
        found.append(_of_idle(unit, share, spared_s, level, tuning, further=unit.eta_s > soonest_s))
    if "reassign" in rules:
        found += [_of_driving(unit, level, tuning) for unit in units if _may_be_taken(unit, urgency)]
    return sorted(found, key=lambda each: (each.below_level, each.score_s, each.unit.id))


def _losses(units: Sequence[Unit], demand: Demand, tuning: Tuning) -> Numbers:
    """Each unit's share of the town's coverage; 0 for those who are not idle."""
    idle = np.fromiter((unit.idle for unit in units), dtype=bool, count=len(units))
    busy = min(0.9, max(0.1, 1.0 - idle.sum() / max(1, len(units))))
    shares = np.zeros(len(units))
    shares[idle] = losses(demand.drive_s[idle], demand.weight, busy, tuning.reach)
    return shares


def _of_idle(
    unit: Unit, share: float, spared_s: float, level: str | None, tuning: Tuning, *, further: bool
) -> Choice:  # fmt: skip
    below = _levels_below(unit, level)
    reasons = [("on_the_way_home" if unit.status == "driving" else "idle", 0.0)]
    if share > 0.0:
        reasons.append(("coverage", 100.0 * share))
    if below:
        reasons.append(("below_level", float(below)))
    return Choice(unit, unit.eta_s + spared_s + below * tuning.below_level_s, tuple(reasons), below > 0, further)


def _of_driving(unit: Unit, level: str | None, tuning: Tuning) -> Choice:
    below = _levels_below(unit, level)
    reasons = [("taken", tuning.least_saving_s), *([("below_level", float(below))] if below else [])]
    score_s = unit.eta_s + tuning.least_saving_s + below * tuning.below_level_s
    return Choice(unit, score_s, tuple(reasons), below > 0)


def _may_be_taken(unit: Unit, urgency: int) -> bool:
    """Still on its way, to something less urgent that has not lost a unit before."""
    if unit.idle or unit.status != "driving" or unit.severity is None or not np.isfinite(unit.eta_s):
        return False
    return unit.bumps == 0 and URGENCY[unit.severity] < urgency


def _levels_below(unit: Unit, level: str | None) -> int:
    return max(0, LEVELS[level] - LEVELS[unit.level]) if level else 0
