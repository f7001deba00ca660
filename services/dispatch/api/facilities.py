"""Facilities told who comes, what they answer, and the bed board."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.dispatch.api.assignments import area_of
from services.dispatch.api.common import (
    NIL,
    After,
    AreaQuery,
    AtDesk,
    Id,
    InField,
    Limit,
    Manager,
    Page,
    Reports,
    SeesFleet,
    areas_of,
    crew_of,
    next_of,
    runtime_of,
    seen,
)
from services.dispatch.api.resources import PUT_ANSWERS
from services.dispatch.api.resources_models import Area, Name, PutOut, coded
from services.dispatch.store import facilities
from services.dispatch.verbs import facilities as verbs
from shared.audit import audit
from shared.http import Body, IdempotencyKey, once
from shared.openapi import Moment, problems
from shared.work import now_utc

router = APIRouter(tags=["facilities"])

WRITES = problems(400, 401, 403, 404, 409, 413)
LATELY = timedelta(hours=24)
HELD_FOR = timedelta(hours=1)
BedKind = Annotated[str, Field(max_length=40), coded("bed_kind")]
RefusalReason = Annotated[str, Field(max_length=40), coded("reason_facility_refusal")]
FreeReason = Annotated[str, Field(max_length=40), coded("reason_bed_release")]


class AlertBody(Body):
    """``facility_id`` left out: where the trip goes."""

    facility_id: UUID | None = None
    expected_at: Moment | None = None


class AnswerBody(Body):
    """``accepts: false`` with a ``reason`` (list ``reason_facility_refusal``), and where to go instead."""

    accepts: bool
    reason: RefusalReason | None = None
    other_facility_id: UUID | None = None


class AlertOut(BaseModel):
    id: UUID
    area: str
    trip_id: UUID
    assignment_id: UUID
    facility_id: UUID
    expected_at: datetime | None
    alerted_at: datetime
    status: str
    answered_at: datetime | None
    reason: str | None
    other_facility_id: UUID | None


class AlertLine(AlertOut):
    """With what the desk tells the facility by: how urgent, and of which call."""

    severity: str
    call_id: UUID


class Alerts(BaseModel):
    items: list[AlertLine]


class BedBody(Body):
    """A bed of a facility in which somebody may wait."""

    area: Area
    facility_id: UUID
    name: Name
    kind: BedKind = "waiting"
    active: bool = True


class BedOut(BaseModel):
    """``state``: free, held (until ``expires_at``) or used; ``hold_id`` is what ends it."""

    id: UUID
    area: str
    facility_id: UUID
    name: str
    kind: str
    state: str
    hold_id: UUID | None
    trip_id: UUID | None
    held_at: datetime | None
    expires_at: datetime | None
    used_at: datetime | None


class BedPage(Page):
    items: list[BedOut]


class HoldBody(Body):
    """``until_at`` left out: an hour; at most twelve."""

    trip_id: UUID | None = None
    until_at: Moment | None = None


class FreeBody(Body):
    reason: FreeReason = "not_needed"


class HoldOut(BaseModel):
    id: UUID
    bed_id: UUID
    trip_id: UUID | None
    held_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    ended_at: datetime | None
    reason: str | None

    @classmethod
    def of(cls, hold: facilities.Hold) -> HoldOut:
        return cls(**{name: getattr(hold, name) for name in cls.model_fields})


def _alert(row: Any, of: type[AlertOut] = AlertOut) -> AlertOut:
    return of(**{name: row[name] for name in of.model_fields})


@router.post("/v1/assignments/{assignment_id}/alert", status_code=201, response_model=AlertOut, responses=WRITES)
async def tell(
    request: Request, caller: Reports, assignment_id: Id, body: AlertBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """แจ้งสถานพยาบาลล่วงหน้า | Tell the facility who comes and when."""
    runtime = runtime_of(request)
    area = await area_of(request, caller, assignment_id)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            row = await verbs.tell(work, assignment_id, crew_of(caller), body.facility_id, body.expected_at)
            await audit(work, caller, "alert", "assignment", assignment_id, area=area)
            return 201, _alert(row).model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)


@router.post("/v1/alerts/{alert_id}/answer", response_model=AlertOut, responses=WRITES)
async def answer(request: Request, caller: AtDesk, alert_id: Id, body: AnswerBody) -> AlertOut:
    """คำตอบของสถานพยาบาล | The facility takes the person, or says why not and who might; the desk writes it down."""
    runtime = runtime_of(request)
    row = await facilities.read_alert(runtime.pool, alert_id)
    seen(row["area"] if row else None, caller)
    given = verbs.Answer(body.accepts, body.reason, body.other_facility_id)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        answered = _alert(await verbs.answer(work, alert_id, given))
        await audit(work, caller, "answer_alert", "alert", alert_id, {"accepts": body.accepts}, area=answered.area)
        return answered


@router.get("/v1/alerts", response_model=Alerts, responses=problems(401, 403))
async def list_alerts(
    request: Request, caller: InField, trip_id: Annotated[UUID | None, Query()] = None, area: AreaQuery = None
) -> Alerts:
    """สถานพยาบาลที่แจ้งไว้ | Who was told in the last day, the latest first. A crew sees those of its own trips."""
    pool = runtime_of(request).pool
    crew_id = crew_of(caller)
    areas = areas_of(caller, area) if crew_id is None else None  # its own, also where the unit is lent to another
    rows = await facilities.alerts(pool, areas, now_utc() - LATELY, trip_id, crew_id)
    return Alerts(items=[AlertLine(**{name: row[name] for name in AlertLine.model_fields}) for row in rows])


@router.put("/v1/beds/{bed_id}", response_model=PutOut, responses=PUT_ANSWERS)
async def put_bed(request: Request, response: Response, caller: Manager, bed_id: Id, body: BedBody) -> PutOut:
    """เตียงพักรอ | Put a bed."""
    seen(body.area, caller)
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        made = await verbs.put_bed(work, bed_id, {name: getattr(body, name) for name in BedBody.model_fields})
    response.status_code = 201 if made else 200
    return PutOut(id=bed_id, made=made is True, changed=made is not None)


@router.get("/v1/beds", response_model=BedPage, responses=problems(401, 403))
async def bed_board(
    request: Request, caller: SeesFleet, area: AreaQuery = None, after: After = None, limit: Limit = 100
) -> BedPage:
    """กระดานเตียง | Every bed in use: free, held until when, or used."""
    rows = await facilities.beds(runtime_of(request).pool, areas_of(caller, area), after or NIL, limit)
    items = [BedOut(**{name: row[name] for name in BedOut.model_fields}) for row in rows]
    return BedPage(items=items, next=next_of(items, limit))


@router.post("/v1/beds/{bed_id}/hold", status_code=201, response_model=HoldOut, responses=WRITES)
async def hold(
    request: Request, caller: AtDesk, bed_id: Id, body: HoldBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """จองเตียง | Keep a bed for somebody; the hold ends by itself."""
    runtime = runtime_of(request)
    seen(await facilities.bed_area(runtime.pool, bed_id), caller)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            made = await verbs.hold(work, bed_id, body.trip_id, body.until_at or work.now + HELD_FOR)
            return 201, HoldOut.of(made).model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)


@router.post("/v1/bed-holds/{hold_id}/use", response_model=HoldOut, responses=WRITES)
async def use(request: Request, caller: AtDesk, hold_id: Id) -> HoldOut:
    """ผู้ป่วยใช้เตียงแล้ว | The person lies in the bed: the hold does not expire any more."""
    runtime = runtime_of(request)
    found = await facilities.read_hold(runtime.pool, hold_id)
    seen(found.area if found else None, caller)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        return HoldOut.of(await verbs.use(work, hold_id))


@router.post("/v1/bed-holds/{hold_id}/release", response_model=HoldOut, responses=WRITES)
async def free(request: Request, caller: AtDesk, hold_id: Id, body: FreeBody | None = None) -> HoldOut:
    """คืนเตียง | The bed is free again, and why."""
    runtime = runtime_of(request)
    found = await facilities.read_hold(runtime.pool, hold_id)
    seen(found.area if found else None, caller)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        return HoldOut.of(await verbs.free(work, hold_id, body.reason if body else "not_needed"))
