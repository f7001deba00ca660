"""Hydrants and their gaps; equipment of the neighbourhoods, lent to trips."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.dispatch.api.common import (
    NIL,
    After,
    AreaQuery,
    AtDesk,
    Id,
    Limit,
    Manager,
    Page,
    SeesFleet,
    SeesPlaces,
    areas_of,
    next_of,
    one_area,
    runtime_of,
    seen,
)
from services.dispatch.api.resources import PUT_ANSWERS
from services.dispatch.api.resources_models import Area, Equipment, Name, PutOut, coded
from services.dispatch.policy import policy_of
from services.dispatch.rules.coverage_gaps import WORKS, gaps
from services.dispatch.store import stock
from services.dispatch.verbs import stock as verbs
from shared.geo import THAILAND_LAT, THAILAND_LON, Point
from shared.http import Body, IdempotencyKey, once
from shared.openapi import Day, Moment, problems

router = APIRouter(tags=["stock"])

WRITES = problems(400, 401, 403, 404, 409, 413)
HydrantStatus = Annotated[str, Field(max_length=40), coded("hydrant_status")]
Condition = Annotated[str, Field(max_length=40), coded("equipment_condition")]
ThaiLon = Annotated[float, Field(ge=THAILAND_LON[0], le=THAILAND_LON[1])]
ThaiLat = Annotated[float, Field(ge=THAILAND_LAT[0], le=THAILAND_LAT[1])]
"""What nobody typed is 0: a hydrant in the sea off Africa is nobody's."""
Count = Annotated[int, Field(ge=0, le=1000)]


class HydrantBody(Body):
    """Where a hydrant stands. Its status comes from checks."""

    area: Area
    name: Name
    lon: ThaiLon
    lat: ThaiLat
    active: bool = True


class HydrantOut(BaseModel):
    id: UUID
    area: str
    name: str
    lon: float
    lat: float
    status: str
    checked_at: datetime | None
    note: str | None


class HydrantPage(Page):
    items: list[HydrantOut]


class CheckBody(Body):
    status: HydrantStatus
    at: Moment | None = None
    note: Name | None = None


class GapOut(BaseModel):
    """``nearest_m``: metres to the nearest hydrant that gives water; None: there is none."""

    lon: float
    lat: float
    nearest_id: UUID | None
    nearest_m: float | None


class Gaps(BaseModel):
    """``places``: how many were looked at, the middles of the communities."""

    places: int
    items: list[GapOut]


class AccountBody(Body):
    """What a neighbourhood keeps. ``keeper``: the post that keeps it, never a person's name."""

    area: Area
    kind: Equipment
    community: Name
    keeper: Name | None = None
    count: Count
    condition: Condition = "good"
    maintenance_due_on: Day | None = None
    active: bool = True


class AccountOut(BaseModel):
    """``lent`` of ``count`` are out."""

    id: UUID
    area: str
    kind: str
    community: str
    keeper: str | None
    count: int
    lent: int
    condition: str
    maintenance_due_on: date | None


class AccountPage(Page):
    items: list[AccountOut]


class LoanBody(Body):
    trip_id: UUID
    count: Annotated[int, Field(ge=1, le=1000)] = 1
    due_at: Moment | None = None


class LoanOut(BaseModel):
    id: UUID
    account_id: UUID
    trip_id: UUID
    count: int
    lent_at: datetime
    due_at: datetime | None
    returned_at: datetime | None
    condition: str | None


class LoanLine(LoanOut):
    kind: str
    community: str


class Loans(BaseModel):
    items: list[LoanLine]


class ReturnBody(Body):
    condition: Condition = "good"


def _put(response: Response, resource_id: UUID, made: bool | None) -> PutOut:
    response.status_code = 201 if made else 200
    return PutOut(id=resource_id, made=made is True, changed=made is not None)


def _values(body: Body) -> dict[str, Any]:
    return {name: getattr(body, name) for name in type(body).model_fields}


@router.put("/v1/hydrants/{hydrant_id}", response_model=PutOut, responses=PUT_ANSWERS)
async def put_hydrant(
    request: Request, response: Response, caller: Manager, hydrant_id: Id, body: HydrantBody
) -> PutOut:
    """หัวจ่ายน้ำดับเพลิง | Put a hydrant."""
    seen(body.area, caller)
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        return _put(response, hydrant_id, await verbs.put_hydrant(work, hydrant_id, _values(body)))


@router.get("/v1/hydrants", response_model=HydrantPage, responses=problems(401, 403))
async def list_hydrants(
    request: Request, caller: SeesPlaces, area: AreaQuery = None, after: After = None, limit: Limit = 100
) -> HydrantPage:
    """หัวจ่ายน้ำดับเพลิงทั้งหมด | Hydrants with their status and last check; crews see them, too."""
    rows = await stock.hydrants(runtime_of(request).pool, areas_of(caller, area), after or NIL, limit)
    items = [HydrantOut(**{name: row[name] for name in HydrantOut.model_fields}) for row in rows]
    return HydrantPage(items=items, next=next_of(items, limit))


@router.post("/v1/hydrants/{hydrant_id}/checks", response_model=HydrantOut, responses=WRITES)
async def check(
    request: Request, caller: Manager, hydrant_id: Id, body: CheckBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """ตรวจหัวจ่าย | Somebody looked at it; every check stays in its log."""
    runtime = runtime_of(request)
    row = await stock.hydrant(runtime.pool, hydrant_id)
    seen(row["area"] if row else None, caller)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            await verbs.check(work, hydrant_id, body.status, body.at or work.now, body.note)
            row = await stock.hydrant(work.db, hydrant_id)
            assert row is not None  # noqa: S101 it was just checked
            out = HydrantOut(**{name: row[name] for name in HydrantOut.model_fields})
            return 200, out.model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)


@router.get("/v1/hydrant-gaps", response_model=Gaps, responses=problems(401, 403, 404))
async def hydrant_gaps(
    request: Request, caller: SeesFleet, within_m: Annotated[float, Query(ge=10, le=20_000)] = 500,
    area: AreaQuery = None,
) -> Gaps:  # fmt: skip
    """พื้นที่ไม่มีหัวจ่ายใกล้ | Communities farther than that from a hydrant that gives water, the farthest first."""
    home = one_area(caller, area)
    rows = await stock.hydrants_of(runtime_of(request).pool, home)
    places = policy_of(home).demand
    found = gaps(
        places, [(str(row["id"]), Point(row["lon"], row["lat"])) for row in rows if row["status"] in WORKS], within_m
    )
    items = [
        GapOut(lon=gap.place.lon, lat=gap.place.lat, nearest_id=UUID(gap.nearest_id) if gap.nearest_id else None,
               nearest_m=round(gap.nearest_m) if gap.nearest_m is not None else None) for gap in found
    ]  # fmt: skip
    return Gaps(places=len(places), items=items)


@router.put("/v1/equipment/{account_id}", response_model=PutOut, responses=PUT_ANSWERS | problems(409))
async def put_account(
    request: Request, response: Response, caller: Manager, account_id: Id, body: AccountBody
) -> PutOut:
    """บัญชีอุปกรณ์ประจำย่าน | Put what a neighbourhood keeps."""
    seen(body.area, caller)
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        return _put(response, account_id, await verbs.put_account(work, account_id, _values(body)))


@router.get("/v1/equipment", response_model=AccountPage, responses=problems(401, 403))
async def list_accounts(
    request: Request, caller: SeesFleet, area: AreaQuery = None, after: After = None, limit: Limit = 100
) -> AccountPage:
    """อุปกรณ์ทุกย่าน | What every neighbourhood keeps, how much of it is out, and when it is to be looked after."""
    rows = await stock.accounts(runtime_of(request).pool, areas_of(caller, area), after or NIL, limit)
    items = [AccountOut(**{name: row[name] for name in AccountOut.model_fields}) for row in rows]
    return AccountPage(items=items, next=next_of(items, limit))


@router.post("/v1/equipment/{account_id}/loans", status_code=201, response_model=LoanOut, responses=WRITES)
async def lend(
    request: Request, caller: AtDesk, account_id: Id, body: LoanBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """ให้ยืมอุปกรณ์ | Give some of it to a trip."""
    runtime = runtime_of(request)
    row = await stock.account(runtime.pool, account_id)
    seen(row["area"] if row else None, caller)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            loan = await stock.loan(work.db, await verbs.lend(work, account_id, body.trip_id, body.count, body.due_at))
            assert loan is not None  # noqa: S101 it was just lent
            return 201, _loan(loan).model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)


def _loan(row: Any) -> LoanOut:
    return LoanOut(**{name: row[name] for name in LoanOut.model_fields})


@router.get("/v1/equipment-loans", response_model=Loans, responses=problems(401, 403))
async def list_loans(request: Request, caller: SeesFleet, area: AreaQuery = None) -> Loans:
    """อุปกรณ์ที่ยืมอยู่ | What is out, the longest first."""
    rows = await stock.loans_out(runtime_of(request).pool, areas_of(caller, area))
    return Loans(items=[LoanLine(**{name: row[name] for name in LoanLine.model_fields}) for row in rows])


@router.post("/v1/equipment-loans/{loan_id}/return", response_model=LoanOut, responses=WRITES)
async def give_back(request: Request, caller: AtDesk, loan_id: Id, body: ReturnBody | None = None) -> LoanOut:
    """คืนอุปกรณ์ | It is back, in which condition; what is lost leaves the account, and what is broken."""
    runtime = runtime_of(request)
    row = await stock.loan(runtime.pool, loan_id)
    seen(row["area"] if row else None, caller)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        await verbs.give_back(work, loan_id, body.condition if body else "good")
        row = await stock.loan(work.db, loan_id)
    return _loan(row)
