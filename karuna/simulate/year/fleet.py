"""Units of a municipality: who is on them by the hour, where they are, and what they can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from karuna.simulate.pace import between
from karuna.simulate.year.guesses import DAY_CREW, VAN_CREW
from services.dispatch.rules.eligibility import CrewFacts, UnitFacts
from shared.geo import Point
from shared.pack_parts import CrewMember, Pack, Vehicle
from shared.thai.dates import local

if TYPE_CHECKING:
    from karuna.simulate.year.people import Job
    from karuna.simulate.year.road import Run

Crew = Sequence[CrewMember]


@dataclass(slots=True)
class Leg:
    """A drive."""

    start: Point
    to: Point
    left_at: datetime
    there_at: datetime

    def where(self, now: datetime) -> Point:
        whole = (self.there_at - self.left_at).total_seconds()
        return self.to if whole <= 0 else between(self.start, self.to, (now - self.left_at).total_seconds() / whole)


@dataclass(eq=False, slots=True)
class Unit:
    """``facts_of`` each crew, day and night. ``serves``: home, or where it is lent to."""

    id: str
    home: str
    vehicle: Vehicle
    station: Point
    volunteer: bool
    crews: Mapping[str, Crew]
    facts_of: Mapping[str, UnitFacts]
    serves: str = ""
    place: Point = field(default_factory=lambda: Point(0.0, 0.0))
    leg: Leg | None = None
    run: Run | None = None
    asked: set[Job] = field(default_factory=set)
    """Whoever waits for its answer at once: it is not asked for anything else."""
    clean: bool = True
    out_until: datetime | None = None
    rung_until: datetime | None = None
    """Its day crew was rung at home, and is there until then."""
    turn: int = 0
    """What was to happen on the road and is no longer true has an older number."""

    def shift(self, now: datetime) -> str | None:
        """The crew of this hour; None: nobody. Who is on a run finishes it."""
        return self.run.shift if self.run is not None else self.roster(now)

    def roster(self, at: datetime) -> str | None:
        """Whose hour it is."""
        night = bool(self.crews["night"])
        first, last = DAY_CREW if night else VAN_CREW
        if first <= local(at).hour < last:
            return "day"
        if self.rung_until is not None and at < self.rung_until:
            return "day"
        return "night" if night else None

    def facts(self, now: datetime) -> UnitFacts:
        """As dispatch has a free one, with a fresh position."""
        return replace(self.facts_of[self.shift(now) or "day"], position=self.where(now), position_at=now)

    def on_duty(self, now: datetime) -> bool:
        return self.shift(now) is not None and (self.out_until is None or self.out_until <= now)

    def changes(self, midnight: datetime) -> tuple[datetime, datetime]:
        """When another crew comes."""
        first, last = DAY_CREW if self.crews["night"] else VAN_CREW
        return midnight + timedelta(hours=first), midnight + timedelta(hours=last)

    def free(self, now: datetime) -> bool:
        """Whether it may be asked at this moment."""
        return self.run is None and not self.asked and self.clean and self.on_duty(now)

    def where(self, now: datetime) -> Point:
        return self.leg.where(now) if self.leg else self.place

    def hours(self, midnight: datetime) -> tuple[datetime, datetime]:
        """When rides are planned on it: all day where a night crew relieves the day crew."""
        first, last = (0, 24) if self.crews["night"] else VAN_CREW
        return midnight + timedelta(hours=first), midnight + timedelta(hours=last)


def units_of(pack: Pack, codes: Sequence[str] | None = None) -> list[Unit]:
    """The pack's vehicles with their crews; ``codes``: of these alone. Certificates are renewed in time."""
    stations = {station.code: Point(station.lon, station.lat) for station in pack.station}
    made = []
    for vehicle in pack.vehicle:
        crews = {shift: _crew(pack, vehicle, shift) for shift in ("day", "night")}
        if vehicle.exercise or not crews["day"] or (codes is not None and vehicle.code not in codes):
            continue
        unit_id = f"{pack.area.slug}/{vehicle.code}"
        volunteer = vehicle.kind == "car" and all(member.kind == "volunteer" for member in crews["day"])
        facts = {shift: _facts(unit_id, vehicle, crew, stations[vehicle.station]) for shift, crew in crews.items()}
        station = stations[vehicle.station]
        made.append(Unit(unit_id, pack.area.slug, vehicle, station, volunteer, crews, facts, pack.area.slug, station))
    return made


def _crew(pack: Pack, vehicle: Vehicle, shift: str) -> Crew:
    return [member for member in pack.crew if member.vehicle == vehicle.code and member.shift == shift]


def _facts(unit_id: str, vehicle: Vehicle, crew: Crew, station: Point) -> UnitFacts:
    return UnitFacts(
        id=unit_id, vehicle_kind=vehicle.kind, level=(vehicle.level or "transport").lower(), duty="on_duty",
        crew=tuple(CrewFacts(member.code, dict.fromkeys(member.skills)) for member in crew),
        places=dict(vehicle.places), equipment=vehicle.equipment, station=station,
    )  # fmt: skip
