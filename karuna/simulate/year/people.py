"""Trips and assignments as the simulation carries them along; their lives are the life tables of dispatch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from karuna.simulate.year.asks import Visit
from services.dispatch.rules.cards import ANY, demand, lacking
from services.dispatch.rules.life import Actor, Happening, Life, advance
from services.dispatch.rules.requirements import Asked, Requirements, requirements
from shared.geo import Point
from shared.refusal import Refusal

if TYPE_CHECKING:
    from karuna.simulate.year.fleet import Unit

ACTOR = Actor("system", "year")
ASKED = frozenset({"proposed", "ordered", "offered"})
WORKING = frozenset({"accepted", "en_route", "at_scene", "left_scene", "at_destination"})


class OutOfOrder(Exception):
    """The simulation did what the life tables refuse."""


def moved(life: Life, what: str, at: datetime, reason: str | None = None, outcome: str | None = None) -> Life:
    """The next state.

    Raises:
        OutOfOrder: the tables say no.

    """
    found = advance(life, Happening(what, at, at, ACTOR, reason=reason, outcome=outcome))
    if isinstance(found, Refusal):
        raise OutOfOrder(f"{life.of} {life.status} → {what}: {found.code}")
    return found


@dataclass(eq=False, slots=True)
class Job:
    """An assignment: one unit asked for one trip. ``start_at``: for later; ``slot``: in support, as that."""

    trip: Trip
    unit: Unit
    life: Life
    asked_at: datetime
    attempt: int
    slot: str | None = None
    start_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def status(self) -> str:
        return self.life.status

    @property
    def primary(self) -> bool:
        return self.slot is None


@dataclass(eq=False, slots=True)
class Trip:
    """One person's journey, or one job. ``pickup``: as the desk has it; ``place``: where they really are."""

    id: str
    lane: str
    severity: str
    leg: str
    received_at: datetime
    pickup: Point | None
    place: Point
    drop: Point | None
    asked: Asked
    window: tuple[datetime, datetime] | None = None
    arrive_by_at: datetime | None = None
    visit: Visit | None = None
    slots: tuple[str, ...] = ()
    life: Life = field(default_factory=lambda: Life("trip", "requested"))
    now_at: datetime | None = None
    jobs: list[Job] = field(default_factory=list)
    home: Trip | None = None
    """The way back."""
    told_at: datetime | None = None
    """From when on the rider is to be fetched."""
    bumped: bool = False
    without: set[str] = field(default_factory=set)
    """Units that said no."""

    @property
    def mobility(self) -> str | None:
        return self.asked.mobility

    @property
    def waits(self) -> bool:
        return self.life.status in {"requested", "queued", "unassigned"}

    @property
    def ended(self) -> bool:
        return self.life.ended

    def holder(self) -> Job | None:
        """Whose the trip is: a crew that goes, or is booked for it."""
        return next((job for job in self.jobs if job.primary and job.ended_at is None
                     and (job.status in WORKING or job.start_at is not None)), None)  # fmt: skip

    def open_jobs(self) -> list[Job]:
        return [job for job in self.jobs if job.ended_at is None]

    @property
    def wanted(self) -> Requirements:
        """What its own unit must and should have: the table of dispatch and the first slot of its run card."""
        return _wanted(self.asked, self.slots[0] if self.slots else ANY)

    @property
    def wanted_lying(self) -> Requirements:
        """The same for who uses a wheelchair and is brought on the stretcher."""
        return _wanted(replace(self.asked, lies=True), self.slots[0] if self.slots else ANY)

    def missing(self) -> list[str]:
        """Slots in support for which nobody comes."""
        filled = [job.slot for job in self.jobs if job.slot and (job.ended_at is None or job.status == "cleared")]
        return lacking(self.slots[1:], filled)


@lru_cache(maxsize=4096)
def _wanted(asked: Asked, first: str) -> Requirements:
    base = requirements(asked)
    if first == ANY:
        return base
    return Requirements(base.must, base.should.plus(demand(first)), base.contaminates, base.urgent, base.exercise)
