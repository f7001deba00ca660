"""What happened in the year, as plain facts in their order. The proof and the figures read this and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.geo import Point


@dataclass(frozen=True, slots=True)
class Asked:
    """A trip as it was asked for. ``at``: the telephone was answered, or a return leg was booked."""

    at: datetime
    trip: str
    area: str
    lane: str
    severity: str
    leg: str
    medical: bool
    pickup: Point
    drop: Point | None
    arrive_by_at: datetime | None
    load: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a unit was."""

    at: datetime
    unit: str
    point: Point


@dataclass(frozen=True, slots=True)
class Tour:
    """A unit's run begins (``opens``) or ends."""

    at: datetime
    unit: str
    run: int
    opens: bool


@dataclass(frozen=True, slots=True)
class Step:
    """``what``: a status of the assignment (ordered, accepted … cleared), or ``ready`` to go home."""

    at: datetime
    trip: str
    unit: str
    what: str
    support: bool = False


@dataclass(frozen=True, slots=True)
class Promise:
    """The rider was told: fetched from ``pickup_at`` on, by that unit."""

    at: datetime
    trip: str
    unit: str
    pickup_at: datetime


@dataclass(frozen=True, slots=True)
class Placed:
    """From now on the plan has it so."""

    at: datetime
    trip: str
    unit: str
    pickup_at: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """``how``: done, cancelled, refused; refused has its code."""

    at: datetime
    trip: str
    how: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Lent:
    at: datetime
    unit: str
    area: str


Entry = Asked | Seen | Tour | Step | Promise | Placed | Ended | Lent


@dataclass(slots=True)
class Journal:
    """``places``: what each unit has room for; ``waits``: why trips waited; ``by_hand``: sent over a shortfall;

    ``rung``: for whom a crew came that was at home; ``lying``: who was to be brought on a stretcher for want of a place
    for the chair.
    """

    entries: list[Entry] = field(default_factory=list)
    places: dict[str, Mapping[str, int]] = field(default_factory=dict)
    waits: dict[str, set[str]] = field(default_factory=dict)
    by_hand: set[str] = field(default_factory=set)
    rung: set[str] = field(default_factory=set)
    lying: set[str] = field(default_factory=set)

    def say(self, entry: Entry) -> None:
        self.entries.append(entry)
