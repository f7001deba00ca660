"""Trips and assignments as they are answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel

from services.dispatch.api.common import Page
from services.dispatch.policy import policy_of
from services.dispatch.rules import cards
from services.dispatch.rules.life import Life, possible
from services.dispatch.store.assignments import Assignment, Step
from services.dispatch.store.handovers import Handover
from services.dispatch.store.trips import Trip
from services.dispatch.verbs.needs import asked_in_support
from services.dispatch.verbs.support import lacking


class StepOut(BaseModel):
    """One report as it came: ``said_at`` by the reporter's clock, ``at`` as it counts."""

    id: UUID
    assignment_id: UUID
    step: str
    said_at: datetime
    at: datetime
    recorded_at: datetime
    by: str
    crew_id: UUID | None
    on_behalf: bool
    status: str
    previous_status: str
    correction_of: UUID | None
    previous_at: datetime | None
    odometer_km: float | None
    rc: str | None
    outcome: str | None
    facility_id: UUID | None
    reason: str | None

    @classmethod
    def of(cls, step: Step) -> Self:
        return cls(**{name: getattr(step, name) for name in cls.model_fields})


class HandoverOut(BaseModel):
    id: UUID
    assignment_id: UUID
    trip_id: UUID
    patient_id: UUID
    at: datetime
    recorded_at: datetime
    receiver: str
    facility_id: UUID | None
    outcome: str | None

    @classmethod
    def of(cls, made: Handover) -> Self:
        return cls(**{name: getattr(made, name) for name in cls.model_fields})


class AssignmentOut(BaseModel):
    """One unit and one trip. ``stamps`` by step, the asking first; ``next`` is what may follow.

    ``circle``: volunteers who were asked together with all others within ``circle_m`` of the place.
    """

    id: UUID
    trip_id: UUID
    run_id: UUID | None
    unit_id: UUID
    role: str
    way: str
    status: str
    previous_status: str | None
    crew_ids: list[UUID]
    attempt: int
    asked_at: datetime
    respond_by_at: datetime | None
    start_at: datetime | None
    pickup_at: datetime | None
    dropoff_at: datetime | None
    stamps: dict[str, datetime]
    ended_at: datetime | None
    outcome: str | None
    rc: str | None
    facility_id: UUID | None
    reason: str | None
    back_entry: bool
    slot: str | None
    circle: int | None
    circle_m: float | None
    next: list[str]

    @classmethod
    def of(cls, assignment: Assignment) -> Self:
        facts = {
            name: getattr(assignment, name) for name in cls.model_fields if name not in {"stamps", "next", "circle_m"}
        }
        stamps = assignment.stamps
        life = Life("assignment", assignment.status, stamps, outcome=assignment.outcome)
        circle_m = assignment.circle * policy_of(assignment.area).pack.circle_m if assignment.circle else None
        return cls(**facts, stamps=stamps, circle_m=circle_m, next=list(possible(life)))


class AskedUnit(BaseModel):
    """One of the units that go together; ``missing``: nobody comes as it yet."""

    slot: str
    missing: bool
    th: str
    en: str


class AskedUnits(BaseModel):
    """What the run card and crews asked for, the trip's own unit first, and a sentence about what is missing."""

    missing: int
    th: str
    en: str
    units: list[AskedUnit]

    @classmethod
    def of(cls, trip: Trip, assignments: Sequence[Assignment]) -> Self | None:
        """None where one unit was asked for, as usual."""
        first = list(trip.need.get("units", ())[:1])
        if not (beside := asked_in_support(trip)):
            return None
        mine = [each for each in assignments if each.trip_id == trip.id]
        has_own = any(a.role == "primary" and a.ended_at is None for a in mine)
        lacks = [*([] if has_own else first), *lacking(trip, mine)]
        said, left = cards.sentence([*first, *beside], lacks), Counter(lacks)
        units = []
        for slot in (*first, *beside):
            name = cards.named(slot)
            units.append(AskedUnit(slot=slot, missing=left[slot] > 0, th=name.th, en=name.en))
            left[slot] -= 1
        return cls(missing=len(lacks), th=said.th, en=said.en, units=units)


class RiskOut(BaseModel):
    """A zone of a risk map in which an ``end`` of the trip lies."""

    end: Literal["pickup", "drop"]
    kind: str
    level: str
    layer: str
    layer_en: str | None
    zone: str | None
    advice: str | None
    advice_en: str | None


class TripOut(BaseModel):
    """A trip. ``need`` holds codes only; ``details`` (names, addresses) only where one trip is read, or by its crew."""

    id: UUID
    call_id: UUID
    patient_id: UUID | None
    leg: str
    outbound_id: UUID | None
    area: str
    amphoe: str | None
    kind: str
    lane: str
    severity: str
    severity_scheme: str
    status: str
    previous_status: str | None
    outcome: str | None
    reason: str | None
    exercise: bool
    back_entry: bool
    received_at: datetime
    on_day: date
    pickup_earliest_at: datetime | None
    pickup_latest_at: datetime | None
    arrive_by_at: datetime | None
    pickup_at: datetime | None
    ready_at: datetime | None
    now_at: datetime | None
    queued_at: datetime | None
    queue_reasons: list[str]
    ended_at: datetime | None
    pickup_lon: float | None
    pickup_lat: float | None
    drop_lon: float | None
    drop_lat: float | None
    facility_id: UUID | None
    need: dict[str, Any]
    details: dict[str, Any] | None = None
    units: AskedUnits | None = None
    risks: list[RiskOut] = []
    assignments: list[AssignmentOut]
    steps: list[StepOut] | None = None
    handovers: list[HandoverOut] | None = None

    @classmethod
    def of(cls, trip: Trip, assignments: Sequence[Assignment], *, details: bool = False) -> Self:
        own = {"details", "units", "risks", "assignments", "steps", "handovers"}
        facts = {name: getattr(trip, name) for name in cls.model_fields if name not in own}
        answered = [AssignmentOut.of(each) for each in assignments if each.trip_id == trip.id]
        units = AskedUnits.of(trip, assignments)
        return cls(**facts, details=trip.details if details else None, units=units, assignments=answered)


class TripPage(Page):
    items: list[TripOut]


class ShortfallOut(BaseModel):
    code: str
    what: str
    hard: bool
    short_by: int
    th: str
    en: str


class ReasonOut(BaseModel):
    th: str
    en: str


class RecommendationOut(BaseModel):
    """One unit for a trip. ``rank`` from 1; those that may not go stand last, with what is missing."""

    rank: int
    unit_id: UUID
    call_sign: str
    eligible: bool
    volunteer: bool
    score_s: float
    duration_s: float | None
    distance_m: float | None
    position_stale: bool
    next_booking_at: datetime | None
    said_no: bool
    reasons: list[ReasonOut]
    shortfalls: list[ShortfallOut]


class Recommendations(BaseModel):
    trip_id: UUID
    at: datetime
    items: list[RecommendationOut]


class QueueItem(BaseModel):
    """A trip that needs a unit. ``alarm``: it waits longer than its severity may, or nobody at all was asked.

    An exercise alarms nobody.
    """

    trip_id: UUID
    call_id: UUID
    area: str
    lane: str
    severity: str
    status: str
    waiting_since_at: datetime
    age_s: float
    reasons: list[ReasonOut]
    reason_codes: list[str]
    asked: int
    declined: int
    silent: int
    waits_for_answer: bool
    alarm: bool
    exercise: bool


class MoreItem(BaseModel):
    """A trip whose further units are not all found yet."""

    trip_id: UUID
    call_id: UUID
    area: str
    severity: str
    now_at: datetime | None
    units: AskedUnits
    exercise: bool


class Queue(BaseModel):
    """``more``: trips that wait for further units beside their own."""

    at: datetime
    alarms: int
    items: list[QueueItem]
    more: list[MoreItem] = []
