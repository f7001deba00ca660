"""Policies of choosing units, compared on the same invented days, without any service: minutes of a machine for weeks
of a town. The choice itself is dispatch's own (``services.dispatch.emergencies.choice``); what is invented is the town.

A day: calls by the mix of ``karuna.simulate.mix``; a unit sets out 30 s (idle) or at once (under way) after it was
chosen, is at the scene, takes two patients of three to the nearest hospital, and drives home, where it may be called on
the way. With nobody free a call waits, the most urgent first.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

import numpy as np

from karuna.simulate.mix import SEVERITIES, moments
from services.dispatch.emergencies.choice import RULES, URGENCY, Choice, Demand, Unit, choose
from services.dispatch.emergencies.choice import Policy as ChoicePolicy
from services.dispatch.emergencies.coverage import Numbers
from services.dispatch.emergencies.relocation import best_station, busy_share
from shared.geo import Point, box_around, distance_m, inside
from shared.pack_parts import Pack
from shared.thai.dates import BANGKOK

BEGINS = datetime(2026, 1, 5, tzinfo=BANGKOK)
HANDLING_S = 90.0
"""From the call to the choice."""
LEAVING_S = 30.0
TO_HOSPITAL = 0.67
SCENE_S, HANDOVER_S = (300.0, 720.0), (300.0, 900.0)
"""The least, and what comes on top on average (exponential)."""
SPACING_M = 400.0
"""Between the places that calls come from."""
REACHES_M = 1500.0
"""How far around the middle of a community its people live, roughly."""
CLASSES = {"red": ("red", "pink"), "yellow": ("yellow",), "others": ("green", "white", "black")}


RELOCATE = "relocate"
"""``full``, and whoever becomes free goes to the station where the town gains most, as if every proposal were taken."""
CHOOSES: Mapping[str, ChoicePolicy] = {**{name: name for name in RULES}, RELOCATE: "full"}


@dataclass(frozen=True, slots=True)
class City:
    """``points``: where calls come from, with ``weight``; ``drive_s``: with lights between all of them.

    ``bases`` and ``hospitals`` are numbers of points.
    """

    points: tuple[Point, ...]
    weight: Numbers
    drive_s: Numbers
    bases: tuple[int, ...]
    hospitals: tuple[int, ...]


def city_of(pack: Pack) -> City:
    """The municipality as a grid of places: more calls near the middle of a community than far from any."""
    grid = list(_grid(pack))
    middles = [Point(each.lon, each.lat) for each in pack.area.community]
    weight = [0.2 + sum(math.exp(-((distance_m(at, middle) / REACHES_M) ** 2)) for middle in middles) for at in grid]
    bases = [Point(each.lon, each.lat) for each in pack.station]
    hospitals = [Point(each.lon, each.lat) for each in pack.facility if each.kind == "hospital"] or bases[:1]
    points = [*grid, *bases, *hospitals]
    speed = pack.policies.dispatch.urgent_km_h / 3.6
    metres = np.array([[distance_m(one, other) for other in points] for one in points])
    return City(
        tuple(points),
        np.array([*weight, *[0.0] * (len(bases) + len(hospitals))]),
        metres * pack.policies.dispatch.factor / speed,
        tuple(range(len(grid), len(grid) + len(bases))),
        tuple(range(len(grid) + len(bases), len(points))),
    )


def _grid(pack: Pack) -> Sequence[Point]:
    corners = [point for rings in pack.boundary for point in rings[0]]
    south, west = min(p.lat for p in corners), min(p.lon for p in corners)
    north, east = max(p.lat for p in corners), max(p.lon for p in corners)
    _, up, _, right = box_around(Point(west, south), SPACING_M)
    rows, columns = math.ceil((north - south) / (up - south)), math.ceil((east - west) / (right - west))
    every = (Point(west + c * (right - west), south + r * (up - south)) for r in range(rows) for c in range(columns))
    return [point for point in every if inside(point, pack.boundary)] or [
        Point(pack.area.centre.lon, pack.area.centre.lat)
    ]


@dataclass(frozen=True, slots=True)
class Call:
    at_s: float
    place: int
    severity: str
    scene_s: float
    to_hospital: bool
    handover_s: float


def calls_of(city: City, days: float, a_day: float, seed: int) -> list[Call]:
    """The same for every policy."""
    dice = random.Random(seed)
    found = []
    for moment in moments(days, a_day, BEGINS, dice):
        [place] = dice.choices(range(len(city.points)), weights=city.weight.tolist())
        [severity] = dice.choices(list(SEVERITIES), weights=list(SEVERITIES.values()))
        scene_s, handover_s = (least + dice.expovariate(1 / more) for least, more in (SCENE_S, HANDOVER_S))
        at_s = (moment - BEGINS).total_seconds()
        found.append(Call(at_s, place, severity, scene_s, dice.random() < TO_HOSPITAL, handover_s))
    return found


@dataclass(slots=True)
class Crew:
    """A unit at work. Between ``left_s`` and ``there_s`` it drives from ``place`` to ``to``."""

    id: str
    base: int
    place: int
    to: int
    doing: str = "idle"
    call: int | None = None
    left_s: float = 0.0
    there_s: float = 0.0
    turn: int = 0
    """What was to happen to it earlier and is no longer true has an older number."""


@dataclass(slots=True)
class Day:
    """What came of it: response in seconds per call (nan: nobody came), and how often a unit was taken."""

    policy: str
    calls: Sequence[Call]
    response_s: list[float] = field(default_factory=list)
    taken: int = 0
    waited: int = 0

    def of(self, severities: Sequence[str]) -> list[float]:
        """Responses of these severities, the soonest first."""
        pairs = zip(self.calls, self.response_s, strict=True)
        return sorted(response for call, response in pairs if call.severity in severities and not math.isnan(response))

    def late(self, severities: Sequence[str], target_s: float) -> float | None:
        """Share that came later than the target, nobody at all included; None without a call."""
        mine = [
            response for call, response in zip(self.calls, self.response_s, strict=True) if call.severity in severities
        ]
        return sum(not response <= target_s for response in mine) / len(mine) if mine else None


class Shift:
    """One policy through all the calls: what happens next, one thing after another."""

    def __init__(self, city: City, calls: Sequence[Call], policy: str, units: int) -> None:
        self._city, self._calls, self._policy = city, calls, CHOOSES[policy]
        self._relocates = policy == RELOCATE
        self._crews = [Crew(f"{n + 1:03}", base, base, base) for n, base in enumerate(_bases(city, units))]
        self._next: list[tuple[float, int, Callable[[float], None], int | None, int]] = []
        self._order = 0
        self._waiting: list[int] = []
        self._bumped: set[int] = set()
        self._xy = np.array([(point.lon, point.lat) for point in city.points])
        self.day = Day(policy, calls, [math.nan] * len(calls))

    def run(self) -> Day:
        for number, call in enumerate(self._calls):
            self._later(call.at_s + HANDLING_S, partial(self._rings, number))
        while self._next:
            now, _, act, crew, turn = heapq.heappop(self._next)
            if crew is None or self._crews[crew].turn == turn:
                act(now)
        return self.day

    def _later(self, at_s: float, act: Callable[[float], None], crew: int | None = None) -> None:
        turn = self._crews[crew].turn if crew is not None else 0
        self._order += 1
        heapq.heappush(self._next, (at_s, self._order, act, crew, turn))

    def _rings(self, number: int, now: float) -> None:
        if not self._send(number, now):
            self._waiting.append(number)
            self.day.waited += 1

    def _send(self, number: int, now: float) -> bool:
        call, places = self._calls[number], [self._where(crew, now) for crew in self._crews]
        eta_s = self._city.drive_s[places, call.place]
        units = [self._unit(crew, float(s)) for crew, s in zip(self._crews, eta_s, strict=True)]
        demand = Demand(self._city.drive_s[places], self._city.weight)
        choices = choose(units, call.severity, None, self._policy, demand)
        if choices:
            self._goes(choices[0], number, places, now)
        return bool(choices)

    def _unit(self, crew: Crew, eta_s: float) -> Unit:
        status = {"idle": "idle", "home": "driving", "driving": "driving"}.get(crew.doing, "busy")
        unit = Unit(crew.id, "bls", "busy", eta_s) if status == "busy" else Unit(crew.id, "bls", "idle", eta_s)
        if crew.doing != "driving" or crew.call is None:
            return replace(unit, status="driving") if crew.doing == "home" else unit
        bumps = int(crew.call in self._bumped)
        severity = self._calls[crew.call].severity
        return replace(unit, status="driving", severity=severity, call=str(crew.call), bumps=bumps)

    def _goes(self, choice: Choice, number: int, places: Sequence[int], now: float) -> None:
        index = int(choice.unit.id) - 1
        crew = self._crews[index]
        loser = crew.call if choice.reassigned_from is not None else None
        leaving_s = LEAVING_S if crew.doing == "idle" else 0.0
        self._drive(index, places[index], self._calls[number].place, now + leaving_s, "driving", number)
        self._later(crew.there_s, partial(self._arrives, index), index)
        if loser is not None:
            self.day.taken += 1
            self._bumped.add(loser)
            if not self._send(loser, now):
                self._waiting.append(loser)

    def _drive(self, index: int, start: int, to: int, leaves_s: float, doing: str, call: int | None) -> None:
        crew = self._crews[index]
        crew.place, crew.to, crew.doing, crew.call = start, to, doing, call
        crew.left_s, crew.there_s = leaves_s, leaves_s + float(self._city.drive_s[start, to])
        crew.turn += 1

    def _where(self, crew: Crew, now: float) -> int:
        """The point nearest to where it is; on its way, on the straight line."""
        if now >= crew.there_s or crew.place == crew.to:
            return crew.to
        share = max(0.0, (now - crew.left_s) / (crew.there_s - crew.left_s))
        at = self._xy[crew.place] + share * (self._xy[crew.to] - self._xy[crew.place])
        return int(((self._xy - at) ** 2).sum(axis=1).argmin())

    def _arrives(self, index: int, now: float) -> None:
        crew = self._crews[index]
        assert crew.call is not None  # noqa: S101 it drove to one
        call = self._calls[crew.call]
        self.day.response_s[crew.call] = now - call.at_s
        crew.place, crew.doing, crew.turn = crew.to, "scene", crew.turn + 1
        self._later(now + call.scene_s, partial(self._leaves, index, call), index)

    def _leaves(self, index: int, call: Call, now: float) -> None:
        if not call.to_hospital:
            self._free(index, now)
            return
        crew = self._crews[index]
        nearest = min(self._city.hospitals, key=lambda place: float(self._city.drive_s[crew.place, place]))
        self._drive(index, crew.place, nearest, now, "carrying", None)
        self._later(crew.there_s + call.handover_s, partial(self._free, index), index)

    def _free(self, index: int, now: float) -> None:
        crew = self._crews[index]
        crew.place, crew.doing, crew.call = crew.to, "idle", None
        self._waiting.sort(key=lambda number: (-URGENCY[self._calls[number].severity], number))
        if self._waiting and self._send(self._waiting[0], now):
            self._waiting.pop(0)
        if crew.doing == "idle":
            base = self._better_base(index) if self._relocates else crew.base
            self._drive(index, crew.place, base, now, "home", None)
            self._later(crew.there_s, partial(self._at_base, index), index)

    def _better_base(self, index: int) -> int:
        """Of all stations the one where the town gains most, less the drive."""
        drive_s, here = self._city.drive_s, self._crews[index]
        idle = [crew.to for crew in self._crews if crew is not here and crew.doing in {"idle", "home"}]
        bases = sorted(set(self._city.bases))
        busy = busy_share(1 + len(idle), len(self._crews))
        found = best_station(drive_s[idle], drive_s[bases], drive_s[here.place, bases], self._city.weight, busy)
        return bases[found]

    def _at_base(self, index: int, _now: float) -> None:
        self._crews[index].doing = "idle"


def _bases(city: City, units: int) -> list[int]:
    return [city.bases[number % len(city.bases)] for number in range(units)]


def compare(city: City, calls: Sequence[Call], policies: Sequence[str], units: int) -> list[Day]:
    """Each policy on the same calls."""
    return [Shift(city, calls, policy, units).run() for policy in policies]
