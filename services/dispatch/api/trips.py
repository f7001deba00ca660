"""Trips: the day list, one trip, who could go, ordering and booking, ready, cancelling; the queue."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, Field

from services.dispatch import fleet
from services.dispatch.api import queue_view
from services.dispatch.api.answers import AssignmentOut, HandoverOut, Queue, Recommendations, StepOut, TripOut, TripPage
from services.dispatch.api.common import (
    CODE_PATTERN,
    NIL,
    After,
    AreaQuery,
    AtDesk,
    Decides,
    Id,
    InField,
    Limit,
    areas_of,
    crew_of,
    next_of,
    runtime_of,
    seen,
)
from services.dispatch.api.risks import warn
from services.dispatch.store import assignments, handovers, trips
from services.dispatch.store.assignments import Assignment
from services.dispatch.store.trips import Trip
from services.dispatch.verbs import book, on_the_way, support, tours
from services.dispatch.verbs import trips as trip_verbs
from shared.audit import audit, audit_list
from shared.auth import Caller
from shared.codes.codes import code_list
from shared.errors import Refused, TwoTongued, refuse
from shared.http import Body, IdempotencyKey, once
from shared.openapi import Day, Moment, problems
from shared.work import Work, now_utc

router = APIRouter(tags=["trips"])

Status = Literal[
    "awaiting_ready", "requested", "queued", "planned", "unassigned", "under_way", "completed", "cancelled"
]
Code = Annotated[str, Field(pattern=CODE_PATTERN)]
WRITES = problems(400, 401, 403, 404, 409, 413)


def _known_override(code: str) -> str:
    """A made-up reason overrides nothing."""
    if code not in (known := code_list("reason_override").codes):
        codes = ", ".join(known)
        raise TwoTongued(f"ไม่มีรหัสเหตุผลนี้ ใช้ได้: {codes}", f"no such reason; known are: {codes}", "unknown_code")
    return code


class SearchBody(Body):
    ids: Annotated[list[UUID], Field(max_length=200)]


class AssignBody(Body):
    """``start_at``: when the unit sets out; left out, at once where a unit is needed at once, else in time.

    ``pickup_at``: a booked ride as it was offered, in a tour with others where that was said.
    ``override_reason`` from the list ``reason_override``.
    """

    unit_id: UUID
    start_at: Moment | None = None
    pickup_at: Moment | None = None
    override_reason: Annotated[Code, AfterValidator(_known_override)] | None = None
    role: Literal["primary", "support"] = "primary"


class ReadyBody(Body):
    """``override``: the desk knows that they are there although the way there has not ended."""

    at: Moment | None = None
    override: Literal["came_otherwise"] | None = None


class CancelBody(Body):
    """``reason`` from the list ``reason_cancel``."""

    reason: Code


class StandDownBody(Body):
    """``assignment_ids``: these; left out, all in support that carry nobody, and nobody else is looked for."""

    assignment_ids: Annotated[list[UUID], Field(min_length=1, max_length=50)] | None = None


@router.get("/v1/trips", response_model=TripPage, responses=problems(401, 403))
async def list_trips(
    request: Request, caller: InField, call_id: Annotated[UUID | None, Query()] = None,
    on: Annotated[Day | None, Query()] = None, status: Annotated[Status | None, Query()] = None,
    area: AreaQuery = None, after: After = None, limit: Limit = 100,
) -> TripPage:  # fmt: skip
    """เที่ยวรถ | Trips with their assignments; with ``on`` a day's list by pickup time. Crews see their own."""
    pool = runtime_of(request).pool
    crew_id = crew_of(caller)
    if crew_id is not None:
        return await _of_crew(request, caller, crew_id, call_id=call_id, on=on, status=status)
    areas = areas_of(caller, area)
    if on is not None and call_id is None:
        last = await trips.read(pool, after) if after else None
        place = (last.pickup_at or last.pickup_latest_at or last.received_at, last.id) if last else (EPOCH, NIL)
        found = await trips.day(pool, areas, on, status, place, limit)
    else:
        found = await trips.page(pool, areas, call_id, on, status, after or NIL, limit)
    await _listed(request, caller, "list", found, {"call_id": call_id, "on": on, "status": status, "area": area})
    items = await _with_assignments(request, found)
    return TripPage(items=items, next=next_of(items, limit))


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def _listed(request: Request, caller: Caller, act: str, found: list[Trip], by: dict[str, Any]) -> None:
    """Where a trip begins and ends may be somebody's home: which of them the desk saw is written down."""
    pool, shown = runtime_of(request).pool, [trip.id for trip in found]
    await audit_list(pool, caller, act, "trip", shown, by, areas={trip.area for trip in found})


async def _with_assignments(request: Request, found: list[Trip], *, details: bool = False) -> list[TripOut]:
    asked = await assignments.of_trips(runtime_of(request).pool, [trip.id for trip in found]) if found else []
    items = [TripOut.of(trip, asked, details=details) for trip in found]
    await warn(runtime_of(request).pool, items)
    return items


async def _of_crew(request: Request, caller: Caller, crew_id: UUID, **which: Any) -> TripPage:
    """A crew's own open trips, with what it needs at the door; access ends with the trip."""
    pool = runtime_of(request).pool
    found = await trips.of_crew(pool, crew_id, **which)
    if found:
        await audit(pool, caller, "read", "trip", [trip.id for trip in found], area=[trip.area for trip in found])
    items = await _with_assignments(request, found, details=True)
    for item in items:
        item.assignments = [each for each in item.assignments if crew_id in each.crew_ids]
    return TripPage(items=items)


@router.post("/v1/trips/search", response_model=TripPage, responses=problems(400, 401, 403, 413))
async def search_trips(request: Request, caller: InField, body: SearchBody) -> TripPage:
    """Trips by their ids; those of other municipalities are left out."""
    crew_id = crew_of(caller)
    if crew_id is not None:
        return await _of_crew(request, caller, crew_id, trip_ids=body.ids)
    found = await trips.by_ids(runtime_of(request).pool, body.ids, areas_of(caller))
    await _listed(request, caller, "search", found, {"by": "ids"})
    return TripPage(items=await _with_assignments(request, found))


@router.get("/v1/trips/{trip_id}", response_model=TripOut, responses=problems(401, 403, 404))
async def read_trip(request: Request, caller: InField, trip_id: Id) -> TripOut:
    """One trip with everything: who, from where, to where, every assignment, step and hand-over. Reading is audited."""
    pool = runtime_of(request).pool
    crew_id = crew_of(caller)
    if crew_id is not None:
        own = await _of_crew(request, caller, crew_id, trip_ids=[trip_id])
        if not own.items:
            raise refuse("not_found")
        return own.items[0]
    trip = await _visible(request, caller, trip_id)
    await audit(pool, caller, "read", "trip", trip_id, area=trip.area)
    [answer] = await _with_assignments(request, [trip], details=True)
    steps = await assignments.steps_of(pool, [each.id for each in answer.assignments])
    answer.steps = [StepOut.of(step) for step in steps]
    answer.handovers = [HandoverOut.of(made) for made in await handovers.of_trips(pool, [trip_id])]
    return answer


async def _visible(request: Request, caller: Caller, trip_id: UUID) -> Trip:
    trip = await trips.read(runtime_of(request).pool, trip_id)
    seen(trip.area if trip else None, caller)
    if trip is None:
        raise refuse("not_found")
    return trip


@router.get("/v1/trips/{trip_id}/recommendations", response_model=Recommendations, responses=problems(401, 403, 404))
async def recommendations(
    request: Request, caller: AtDesk, trip_id: Id, limit: Annotated[int, Query(ge=1, le=200)] = 20
) -> Recommendations:
    """ใครไปได้บ้าง | Who could go, soonest first, why, and what is missing."""
    trip = await _visible(request, caller, trip_id)
    pool, now = runtime_of(request).pool, now_utc()
    members = await fleet.everyone(pool, trip.area, exercise=trip.exercise, now=now, serving=True)
    if trip.lane == "booked":
        members = await fleet.fairly(pool, members, now)
    history = await assignments.of_trips(pool, [trip.id])
    return queue_view.recommended(trip, members, history, now, limit)


@router.post("/v1/trips/{trip_id}/assign", status_code=201, response_model=AssignmentOut, responses=WRITES)
async def assign(
    request: Request, caller: AtDesk, trip_id: Id, body: AssignBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """สั่งการหรือจองหน่วย | Order a unit now, book it for later, or write down what was driven (paper entry).

    409 shows what stands against it: ``shortfalls`` or ``conflicts``, and whether a coded reason overrides it.
    """
    runtime = runtime_of(request)
    trip = await _visible(request, caller, trip_id)
    booking = book.Booking(body.unit_id, body.start_at, body.override_reason, body.role)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            made = await _assigned(work, trip, booking, body)
            await audit(work, caller, "assign_unit", "trip", trip_id, {"unit_id": str(body.unit_id)}, area=trip.area)
            return 201, AssignmentOut.of(made).model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)


async def _assigned(work: Work, trip: Trip, booking: book.Booking, body: AssignBody) -> Assignment:
    made = None
    if body.pickup_at is not None:
        made = await tours.join(work, trip.id, trip.area, body.unit_id, body.pickup_at)
    if made is None and trip.lane == "booked" and body.role == "primary" and body.start_at is None:
        made = await on_the_way.take(work, trip.id, trip.area, body.unit_id, body.pickup_at)
    if made is None and body.pickup_at is None:
        return await book.assign(work, trip.id, trip.area, booking)
    if made is None:
        raise Refused(409, "conflicts", *NO_PLACE, field="pickup_at", conflicts=[{"code": "booked"}], overridable=False)
    return made


NO_PLACE = ("หน่วยนี้ไม่มีที่ว่างในเวลานี้แล้ว", "this unit has no place at that time any more")


@router.post("/v1/trips/{trip_id}/ready", response_model=TripOut, responses=WRITES)
async def ready(request: Request, caller: InField, trip_id: Id, body: ReadyBody | None = None) -> TripOut:
    """พร้อมกลับ | The person may be fetched from the clinic: a unit is looked for at once."""
    runtime, crew_id = runtime_of(request), crew_of(caller)
    # A crew is asked whom it brought, not where: its unit may be lent to another municipality.
    trip = await _visible(request, caller, trip_id) if crew_id is None else await trips.read(runtime.pool, trip_id)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        if trip is None:
            raise refuse("not_found")
        if crew_id is not None:
            await trip_verbs.brought_by(work, trip, crew_id)
        at = body.at if body and body.at else work.now
        override = body.override if body and crew_id is None else None
        done = await trip_verbs.ready(work, trip_id, trip.area, at, override)
        detail = {"override": override} if override else None
        await audit(work, caller, "ready", "trip", trip_id, detail, area=trip.area)
        return TripOut.of(done, await assignments.of_trips(work.db, [trip_id]))


@router.post("/v1/trips/{trip_id}/cancel", response_model=TripOut, responses=WRITES)
async def cancel(request: Request, caller: Decides, trip_id: Id, body: CancelBody) -> TripOut:
    """ยกเลิกเที่ยว | The trip will not take place; with the way there goes the way back."""
    await _visible(request, caller, trip_id)
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        done = await trip_verbs.cancel_one(work, trip_id, body.reason)
        await audit(work, caller, "cancel_trip", "trip", trip_id, {"reason": body.reason}, area=done.area)
        return TripOut.of(done, await assignments.of_trips(work.db, [trip_id]))


@router.post("/v1/trips/{trip_id}/stand-down", response_model=TripOut, responses=WRITES)
async def stand_down(request: Request, caller: Decides, trip_id: Id, body: StandDownBody | None = None) -> TripOut:
    """หน่วยเสริมกลับได้ | Units in support are not needed any more; their crews are told."""
    trip = await _visible(request, caller, trip_id)
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        done = await support.stand_down(work, trip_id, trip.area, body.assignment_ids if body else None)
        await audit(work, caller, "stand_down", "trip", trip_id, area=trip.area)
        return TripOut.of(done, await assignments.of_trips(work.db, [trip_id]))


@router.get("/v1/queue", response_model=Queue, responses=problems(401, 403))
async def queue(request: Request, caller: AtDesk, area: AreaQuery = None) -> Queue:
    """คิวรอหน่วย | Trips that need a unit and have none: how long, why, who was asked, and which are an alarm."""
    now = now_utc()
    pool, areas = runtime_of(request).pool, areas_of(caller, area)
    rows, asking = await trips.queue(pool, areas, now), await trips.asking_more(pool, areas)
    asked = await assignments.of_trips(pool, [trip.id for trip in asking]) if asking else []
    return queue_view.queue(rows, now, asking, asked)
