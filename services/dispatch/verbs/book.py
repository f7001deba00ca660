"""Assigning by hand: an order now, a booking for later, a paper entry of what was driven already.

What speaks against it is shown (409 with ``conflicts`` and ``shortfalls``); a coded reason overrides what may be
overridden. That a unit is on duty, clean and on no other run cannot be overridden.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from services.dispatch import fleet
from services.dispatch.fleet import Member
from services.dispatch.policy import policy_of
from services.dispatch.rules import windows
from services.dispatch.rules.eligibility import Shortfall, shortfalls
from services.dispatch.rules.windows import Tour
from services.dispatch.store import assignments, runs, shares, trips
from services.dispatch.store.assignments import WORKING, Assignment
from services.dispatch.store.shares import Share
from services.dispatch.store.trips import Trip
from services.dispatch.verbs import decide, late, release, risks, support
from services.dispatch.verbs.grow import ride
from services.dispatch.verbs.lives import missing, move_trip
from services.dispatch.verbs.needs import wanted
from services.dispatch.verbs.saying import asked_facts, by_of, of_call
from shared.errors import Refused
from shared.events.dispatch import AssignmentOffered, AssignmentOrdered, RunOpened, TripPlanned, TripReplanned
from shared.geo import Point
from shared.work import Work, is_unique, new_id

FIXED = frozenset({"duty", "contaminated", "busy", "exercise"})
"""Shortfalls no reason overrides."""
OF_THE_MOMENT = frozenset({"duty", "contaminated", "busy"})
"""What tomorrow's booking does not ask about."""

REFUSALS = {
    "trip_ended": (409, "งานนี้จบแล้ว", "the trip has ended", "status"),
    "has_unit": (409, "งานนี้มีหน่วยรับแล้ว ปลดหน่วยเดิมก่อน หรือส่งเป็นชุดสนับสนุน",
                 "the trip has its unit: release it first, or send this one in support", "unit_id"),
    "already_asked": (409, "หน่วยนี้ได้รับงานนี้แล้ว กำลังรอคำตอบ", "this unit has been asked already", "unit_id"),
    "lent": (409, "หน่วยนี้ให้พื้นที่อื่นยืมอยู่", "the unit is lent to another municipality", "unit_id"),
    "loan_over": (409, "หน่วยที่ยืมมาต้องกลับก่อนงานนี้เสร็จ",
                  "the borrowed unit goes home before this ride would be done", "unit_id"),
    "not_ready": (409, "ผู้ป่วยยังไม่พร้อมกลับ กดพร้อมก่อน", "the person is not ready yet: say ready first", "status"),
    "unit_not_fit": (409, "หน่วยนี้ไปไม่ได้หรือไม่ครบตามเกณฑ์ ดูสิ่งที่ขาด",
                     "this unit cannot go, or something is missing; see shortfalls", "unit_id"),
    "conflicts": (409, "ช่วงเวลานี้หน่วยมีงานอื่น หรือไม่ทันเวลานัด",
                  "the unit has other work then, or would be late", "start_at"),
    "start_missing": (422, "ต้องระบุเวลาออกรถ", "say when the unit sets out", "start_at"),
    "start_past": (422, "เวลาออกรถผ่านไปแล้ว", "the time to set out has passed", "start_at"),
    "start_future": (422, "บันทึกย้อนหลังต้องเป็นเวลาที่ผ่านมาแล้ว", "a paper entry lies in the past", "start_at"),
    "before_call": (422, "เวลานี้อยู่ก่อนรับแจ้ง", "this time lies before the call was received", "start_at"),
}  # fmt: skip
PAST_START = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Booking:
    """What somebody at the desk wants. ``role``: ``support`` sends one more unit beside the first."""

    unit_id: UUID
    start_at: datetime | None = None
    override_reason: str | None = None
    role: str = "primary"


def _refuse(code: str, **facts: Any) -> Refused:
    status, th, en, field = REFUSALS[code]
    return Refused(status, code, th, en, field=field, **facts)


async def assign(work: Work, trip_id: UUID, area: str, booking: Booking) -> Assignment:
    """Order or book a unit for a trip.

    Raises:
        Refused: 404; 409 with what stands against it; 422 an impossible time.

    """
    await runs.serialise(work.db, area)
    trip = await trips.lock(work.db, trip_id)
    member = await fleet.one(work.db, booking.unit_id)
    if trip is None:
        raise missing("trip")
    share = await shares.of_unit(work.db, booking.unit_id)
    serves = share.with_area if share and share.until_at > work.now else None
    if member is None or trip.area not in {member.area, serves}:
        raise missing("unit")
    history = await assignments.of_trips(work.db, [trip.id])
    _may_be_assigned(trip, history, booking)
    if trip.back_entry:
        return await _on_paper(work, trip, member, booking)
    same = next((a for a in history if a.unit_id == member.id and a.ended_at is None), None)
    if same is not None and same.status != "proposed":
        raise _refuse("already_asked")
    if booking.start_at is None and trip.now_at is not None:
        if share is not None and serves != trip.area:
            raise _refuse("lent")
        made = await _now(work, trip, member, booking, same, history)
        await support.send(work, trip)
        return made
    return await _later(work, trip, member, booking, history, share)


def _may_be_assigned(trip: Trip, history: list[Assignment], booking: Booking) -> None:
    if trip.ended_at is not None:
        raise _refuse("trip_ended")
    if trip.status == "awaiting_ready" and not trip.back_entry:
        raise _refuse("not_ready")
    holds = any(a.role == "primary" and a.status in WORKING for a in history)
    if holds and booking.role == "primary" and (trip.lane == "emergency" or trip.status == "under_way"):
        raise _refuse("has_unit")


async def _now(
    work: Work, trip: Trip, member: Member, booking: Booking, proposed: Assignment | None, history: list[Assignment]
) -> Assignment:
    """An order at once. A proposal for this unit becomes the order."""
    busy = await runs.open_of_unit(work.db, member.id)
    _check_fit(member, trip, work.now, booking, busy=busy is not None)
    for other in history:
        if other.status == "proposed" and other.unit_id != member.id:
            await release.release(work, trip, other, "replanned")
    attempt = 1 + max((a.attempt for a in history), default=0) if proposed is None else proposed.attempt
    policy = policy_of(trip.area)
    slot = await support.fits(work, trip, member) if booking.role == "support" else None
    if trip.lane == "booked" or member.volunteer:
        return await decide.offer_now(work, trip, member, attempt, policy, role=booking.role, of=proposed, slot=slot)
    try:
        return await decide.order(
            work, trip, member, attempt, policy, role=booking.role, override_reason=booking.override_reason,
            of=proposed, slot=slot,
        )  # fmt: skip
    except asyncpg.UniqueViolationError as problem:  # it set out on a booked run in this very moment
        if not is_unique(problem, "run_one_open_per_unit"):
            raise
        raise _refuse("unit_not_fit", shortfalls=[shown(BUSY)], overridable=False) from problem


def _check_fit(
    member: Member, trip: Trip, at: datetime, booking: Booking, *, busy: bool = False, booked: bool = False
) -> None:
    lacks = [s for s in shortfalls(member.facts, wanted(trip), at) if s.hard]
    if booked:
        lacks = [s for s in lacks if s.code not in OF_THE_MOMENT]
    elif busy:
        lacks.append(BUSY)
    fixed = any(s.code in FIXED for s in lacks)
    if fixed or (lacks and booking.override_reason is None):
        raise _refuse("unit_not_fit", shortfalls=[shown(s) for s in lacks], overridable=not fixed)


async def _later(
    work: Work, trip: Trip, member: Member, booking: Booking, history: list[Assignment], share: Share | None
) -> Assignment:
    """A booking: planned run, offer to its crew, and what was planned before stands down."""
    planned = _tour(work, trip, member, booking)
    if planned.start_at < work.now - PAST_START:
        raise _refuse("start_past")
    _check_loan(trip, planned, share)
    _check_fit(member, trip, planned.start_at, booking, booked=True)
    was = await stand_down(work, trip, history) if booking.role == "primary" else None
    await _check_conflicts(work, trip, member, booking, planned)
    made = await _plan_run(work, trip, member, booking, planned, history)
    trip.pickup_at = planned.pickup_at
    if booking.role == "primary":
        await say_planned(work, trip, made, planned, was)
    private = AssignmentOffered.Private(risks=await risks.ahead(work, trip))
    work.say(made.id, AssignmentOffered(**asked_facts(trip, made, by_of(work)), private=private), trip.origin)
    return made


def _check_loan(trip: Trip, planned: Tour, share: Share | None) -> None:
    """A lent unit is its borrower's to book until it goes home, and its home's from then on."""
    if share is None:
        return
    until_at = share.until_at.isoformat()
    if trip.area == share.with_area and planned.end_at > share.until_at:
        raise _refuse("loan_over", until_at=until_at)
    if trip.area != share.with_area and planned.start_at < share.until_at:
        raise _refuse("lent", until_at=until_at)


async def stand_down(work: Work, trip: Trip, history: list[Assignment]) -> Was | None:
    """Whoever held the trip, or was asked for it, is released; what it had before, where it was planned."""
    before = next((a for a in history if a.ended_at is None and a.role == "primary"), None)
    was = (before, trip.pickup_at) if before is not None and trip.status == "planned" else None
    for other in history:
        if other.ended_at is None and other.role == "primary":
            await release.release(work, trip, other, "replanned")
    return was


async def _check_conflicts(work: Work, trip: Trip, member: Member, booking: Booking, planned: Tour) -> None:
    soon = planned.start_at <= work.now + timedelta(minutes=1)
    found = await runs.conflicts(work.db, member.id, (planned.start_at, planned.end_at), now=soon)
    conflicts: list[dict[str, Any]] = [
        {"code": "booked" if each.status == "planned" else "on_a_run", "run_id": str(each.run_id),
         "starts_at": each.starts_at.isoformat(), "ends_at": each.ends_at.isoformat() if each.ends_at else None,
         "trip_ids": [str(each_id) for each_id in each.trip_ids]}
        for each in found
    ]  # fmt: skip
    if trip.pickup_latest_at is not None and planned.pickup_at > trip.pickup_latest_at:
        late_s = (planned.pickup_at - trip.pickup_latest_at).total_seconds()
        conflicts.append({"code": "late", "late_s": round(late_s)})
    if conflicts and booking.override_reason is None:
        raise _refuse("conflicts", conflicts=conflicts, overridable=True)


def _tour(work: Work, trip: Trip, member: Member, booking: Booking) -> Tour:
    """When the unit sets out, is at the door, and is free again."""
    approach, mobility = _approach(trip, member), trip.need.get("mobility")
    start_at = booking.start_at
    if start_at is None:
        wished = trip.pickup_latest_at or trip.pickup_earliest_at
        if wished is None:
            raise _refuse("start_missing")
        start_at = max(windows.start_for(wished, approach), work.now)
    return windows.tour(start_at, approach, ride(trip), mobility)


def _approach(trip: Trip, member: Member) -> timedelta | None:
    """From the unit's station to the door."""
    origin = member.facts.station
    if origin is None or trip.pickup is None:
        return None
    [travel] = policy_of(trip.area).travel_times.to([origin], Point(*trip.pickup), urgent=False)
    return timedelta(seconds=travel.duration_s)


async def _plan_run(
    work: Work, trip: Trip, member: Member, booking: Booking, planned: Tour, history: list[Assignment]
) -> Assignment:
    run_id = new_id()
    window = (planned.start_at, planned.end_at)
    try:
        async with work.db.transaction():
            await runs.insert_planned(
                work.db, run_id, member.id, trip.area, window, exercise=trip.exercise,
                override_reason=booking.override_reason,
            )  # fmt: skip
    except asyncpg.ExclusionViolationError as problem:
        raise _refuse("conflicts", conflicts=[{"code": "booked"}], overridable=True) from problem
    return await seat(work, trip, member, run_id, planned, history, role=booking.role)


async def seat(
    work: Work, trip: Trip, member: Member, run_id: UUID, planned: Tour, history: list[Assignment], *,
    role: str = "primary",
) -> Assignment:  # fmt: skip
    """Give the trip its place in a planned run, and the crew its time to answer."""
    policy = policy_of(trip.area)
    made = Assignment(
        id=new_id(), trip_id=trip.id, run_id=run_id, unit_id=member.id, area=trip.area, role=role, way="offer",
        status="offered", crew_ids=member.crew_ids or member.usual_crew_ids,
        attempt=1 + max((a.attempt for a in history), default=0), asked_at=work.now,
        respond_by_at=windows.answer_by(
            work.now, policy.asks_from(work.now), planned.pickup_at, policy.booked_respond, policy.booked_due
        ),
        start_at=planned.start_at, pickup_at=planned.pickup_at, dropoff_at=planned.dropoff_at,
    )  # fmt: skip
    await assignments.insert(work.db, made)
    await work.later("order_timeout", made.id, made.respond_by_at or work.now, trip.origin)
    return made


Was = tuple[Assignment, datetime | None]
"""What a trip had before: its assignment, and when it was to be fetched."""


async def say_planned(
    work: Work, trip: Trip, made: Assignment, planned: Tour, was: Was | None, plan_id: UUID | None = None
) -> None:
    """The trip has its place, or (``was``) another one; ``plan_id``: by that plan."""
    move_trip(trip, "replan" if trip.status == "planned" else "plan")
    trip.queue_reasons, trip.now_at = (), None
    await trips.update(work.db, trip)
    for kind in ("find_unit", "booked_due"):
        await work.cancel(kind, trip.id)
    await late.watch(work, trip, made)
    facts = {
        **of_call(trip), "run_id": made.run_id, "unit_id": made.unit_id, "assignment_id": made.id,
        "plan_id": plan_id, "pickup_at": planned.pickup_at, "dropoff_at": planned.dropoff_at, "at": work.now,
        "by": by_of(work),
    }  # fmt: skip
    if was is None:
        work.say(trip.id, TripPlanned(**facts), trip.origin)
        return
    before, pickup_at = was
    event = TripReplanned(
        **facts, previous_run_id=before.run_id, previous_unit_id=before.unit_id,
        previous_pickup_at=pickup_at or planned.pickup_at,
    )  # fmt: skip
    work.say(trip.id, event, trip.origin)


async def _on_paper(work: Work, trip: Trip, member: Member, booking: Booking) -> Assignment:
    """What was driven already: recorded with its own times, nobody is ordered or told."""
    at = booking.start_at
    if at is None:
        raise _refuse("start_missing")
    if at > work.now:
        raise _refuse("start_future")
    if at < trip.received_at:
        raise _refuse("before_call")
    run_id = new_id()
    await runs.insert_paper(work.db, run_id, member.id, trip.area, trip.lane, at, exercise=trip.exercise)
    made = Assignment(
        id=new_id(), trip_id=trip.id, run_id=run_id, unit_id=member.id, area=trip.area, role=booking.role, way="order",
        status="ordered", crew_ids=member.crew_ids or member.usual_crew_ids, attempt=1, asked_at=at, back_entry=True,
    )  # fmt: skip
    await assignments.insert(work.db, made)
    event = RunOpened(
        unit_id=member.id, vehicle_id=member.vehicle_id, crew_ids=tuple(made.crew_ids), trip_ids=(trip.id,),
        lane=trip.lane, at=at,
    )  # fmt: skip
    work.say(run_id, event, trip.origin)
    work.say(made.id, AssignmentOrdered(**asked_facts(trip, made, by_of(work))), trip.origin)
    return made


def shown(short: Shortfall) -> dict[str, Any]:
    """A shortfall as people and programs read it."""
    return {
        "code": short.code, "what": short.what, "hard": short.hard, "short_by": short.short_by,
        "th": short.text.th, "en": short.text.en,
    }  # fmt: skip


BUSY = Shortfall("busy", "open_run", True, decide.BUSY_TEXT)
