"""Who calls in the year: the live days' invented people (``karuna.simulate.mix``), judged by intake's own triage.

The same seed gives the same year, whatever is decided in it. A second caller of the same matter is left out: whether
two calls are one is for a person to say.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from karuna.simulate.mix import DIALYSIS, KINDS, NEAR_M, Body, Town, moments
from karuna.simulate.pace import VISIT
from karuna.simulate.year import guesses
from karuna.simulate.year.clock import Fate
from services.intake.rules.appointments import following, occurrences
from services.intake.rules.kinds import recognise
from services.intake.rules.triage import triage
from shared.geo import METRES_PER_DEGREE, Point
from shared.pack_parts import Pack
from shared.thai.dates import BANGKOK


@dataclass(frozen=True, slots=True)
class Visit:
    """An appointment: ``lasts`` in truth, ``expected`` by the clinic. ``cancelled_at``: it will not take place."""

    at: datetime
    expected: timedelta
    lasts: timedelta
    back: bool
    cancelled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Ask:
    """One call. ``known``: the place as the desk has it, None where the caller could only name a landmark."""

    id: str
    at: datetime
    lane: str
    severity: str
    known: Point | None
    place: Point
    people: int = 1
    patient: Body | None = None
    companions: int = 0
    hazard: str | None = None
    group: int | None = None
    drop: Point | None = None
    visit: Visit | None = None

    @property
    def medical(self) -> bool:
        return self.hazard is None


class Year:
    """The calls of one municipality. ``share``: of the people of Kalasin."""

    def __init__(self, pack: Pack, fate: Fate, begins: datetime, days: float, share: float = 1.0) -> None:
        self._pack, self._fate, self._begins, self._days, self._share = pack, fate, begins, days, share
        self._dice = fate.dice("asks", pack.area.slug)
        clinics = [each for each in pack.facility if each.kind == "hospital"] or list(pack.facility)
        self._clinics = {each.code: each.point for each in clinics}
        self._town = Town(pack, sorted(self._clinics), self._dice)

    def asks(self) -> list[Ask]:
        """All of the year, in their order."""
        ends = self._begins + timedelta(days=self._days)
        a_day = guesses.PEOPLE_A_YEAR / guesses.DAYS_A_YEAR * self._share
        found = list(self._standing(ends))
        for number, at in enumerate(moments(self._days, a_day, self._begins, self._dice)):
            made = self._one(f"{self._pack.area.slug}/{number}", at)
            found += [each for each in made if each.visit is None or each.visit.at < ends]
        return sorted(found, key=lambda ask: (ask.at, ask.id))

    def _one(self, name: str, at: datetime) -> Iterator[Ask]:
        kind = self._dice.choices(list(KINDS), list(KINDS.values()))[0]
        if kind == "ride":
            yield from self._rides(name, at, self._town.ride())
            return
        body = self._town.hazard() if kind == "hazard" else self._town.emergency()
        known, place = self._places(body["location"])
        patient = body.get("patient")
        asked: dict[str, Any] = {"known": known, "place": place, "patient": patient}
        if kind == "hazard":
            hazard = recognise(body["complaint"])
            yield Ask(name, at, "emergency", hazard.severity, hazard=hazard.code, **asked)
            return
        group = body["triage"]["criteria_group"]
        count = body.get("patient_count", 1)
        judged = triage(group, body["triage"]["answers"] or None, patient_count=count)
        if judged.lane == "emergency":  # the few others are a visit that somebody makes in their own time
            yield Ask(name, at, "emergency", judged.severity, people=count, group=group, **asked)

    def _places(self, location: Body) -> tuple[Point | None, Point]:
        if "lat" in location:
            point = Point(location["lon"], location["lat"])
            return point, point
        code = location.get("community")
        community = self._pack.community(code) if code else self._dice.choice(self._pack.area.community)
        assert community is not None  # noqa: S101 the town names its own
        return (community.point if code else None), self._near(community.point)

    def _near(self, point: Point) -> Point:
        spread = NEAR_M / METRES_PER_DEGREE
        return Point(point.lon + self._dice.uniform(-spread, spread), point.lat + self._dice.uniform(-spread, spread))

    # --- rides ------------------------------------------------------------------------------------------------

    def _rides(self, name: str, at: datetime, body: Body) -> Iterator[Ask]:
        appointment = body["appointment"]
        series = appointment["recurrence"] is not None
        first = self._first_visit(at, series=series)
        expected = timedelta(hours=4) if series else timedelta(minutes=appointment["duration_min"])
        for number, visit_at in enumerate(occurrences(first, DIALYSIS if series else None, now=at)):
            yield self._ride(f"{name}.{number}", at, body, visit_at, expected)

    def _first_visit(self, at: datetime, *, series: bool) -> datetime:
        dice = self._dice
        if not series and dice.random() < guesses.SHORT_NOTICE:
            soon = at + timedelta(hours=dice.uniform(*guesses.SHORT_H))
            if soon.weekday() < 5 and min(guesses.CLINIC_HOURS) <= soon.hour <= max(guesses.CLINIC_HOURS):
                return soon.replace(minute=soon.minute // 15 * 15, second=0, microsecond=0)
        day = at + timedelta(days=dice.randint(*guesses.LEAD_DAYS))
        while day.weekday() >= 5:
            day += timedelta(days=1)
        if series:
            slot = dice.choice(guesses.DIALYSIS_SLOTS)
            return datetime.combine(day.date(), slot, BANGKOK)
        hour = dice.choices(list(guesses.CLINIC_HOURS), list(guesses.CLINIC_HOURS.values()))[0]
        return datetime.combine(day.date(), datetime.min.time(), BANGKOK) + timedelta(
            hours=hour, minutes=15 * dice.randrange(4)
        )

    def _standing(self, ends: datetime) -> Iterator[Ask]:
        """Dialysis all year, booked ahead as intake makes occurrences: a bounded number, the next when one is over."""
        for number in range(round(guesses.DIALYSIS_PATIENTS * self._share)):
            dice = random.Random(f"{self._fate.seed}/standing/{self._pack.area.slug}/{number}")
            rule = f"FREQ=WEEKLY;BYDAY={dice.choice(guesses.DIALYSIS_DAYS)}"
            body = self._town.ride()
            first = datetime.combine(self._begins.date(), dice.choice(guesses.DIALYSIS_SLOTS), BANGKOK)
            first = following(first, rule, first, 1) or first
            visits = occurrences(first, rule, now=self._begins)
            opens = self._begins + timedelta(hours=9)
            booked, ahead = [opens] * len(visits), len(visits)
            while (following_at := following(first, rule, visits[-1], len(visits))) and following_at < ends:
                booked.append(visits[-ahead])
                visits.append(following_at)
            for turn, (visit_at, at) in enumerate(zip(visits, booked, strict=True)):
                if visit_at < ends:
                    name = f"{self._pack.area.slug}/d{number}.{turn}"
                    yield self._ride(name, at, body, visit_at, timedelta(hours=4))

    def _ride(self, name: str, at: datetime, body: Body, visit_at: datetime, expected: timedelta) -> Ask:
        fate, place = self._fate, Point(body["location"]["lon"], body["location"]["lat"])
        lasts = guesses.DIALYSIS_VISIT if expected >= timedelta(hours=4) else VISIT
        gone = visit_at - timedelta(hours=fate.dice("gone", name).uniform(*guesses.CANCELLED_H))
        cancelled_at = gone if fate.falls(guesses.CANCELLED, "cancelled", name) and gone > at else None
        visit = Visit(
            visit_at, expected, fate.lasts(lasts, "visit", name), body["appointment"]["return_trip"], cancelled_at
        )
        clinic = self._clinics[body["destination"]["facility_id"]]
        return Ask(
            name, at, "booked", "white", known=place, place=place, patient=body["patient"],
            companions=body["companions"], drop=clinic, visit=visit,
        )  # fmt: skip
