"""Booked rides: who could take one, and a whole day planned at once. A plan is a proposal until it is published."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from services.dispatch import daybook, planner
from services.dispatch.api.common import AREA_PATTERN, AtDesk, Decides, Id, areas_of, runtime_of, seen
from services.dispatch.api.day_models import DayBody, DayPlan, Offers, TryBody, offer_out, passing_out, unserved_out
from services.dispatch.day import plan as planning
from services.dispatch.day.plan import Unserved
from services.dispatch.daybook import Move
from services.dispatch.engine.pool import Engine
from services.dispatch.planning.offers import MOST
from services.dispatch.store import plans, trips
from services.dispatch.store.plans import Kept
from services.dispatch.verbs import on_the_way
from shared.audit import audit
from shared.auth import Caller
from shared.errors import FieldProblem, Refused, refuse
from shared.openapi import Day, problems
from shared.work import now_utc

router = APIRouter(tags=["booked rides"])


@router.get("/v1/trips/{trip_id}/offers", response_model=Offers, responses=problems(401, 403, 404, 409))
async def offers_of(request: Request, caller: AtDesk, trip_id: Id) -> Offers:
    """ใครรับเที่ยวนี้ได้ เวลาใด | Up to three units and times for a booked ride, beside what they have promised; then up

    to three that are out and come by (``on_the_way``).
    """
    pool, now = runtime_of(request).pool, now_utc()
    trip = await trips.read(pool, trip_id)
    seen(trip.area if trip else None, caller)
    if trip is None:
        raise refuse("not_found")
    if trip.lane != "booked" or trip.ended_at is not None:
        raise Refused(409, "not_booked", "ไม่ใช่เที่ยวนัดหมายที่ยังเปิดอยู่", "not a booked ride that is still open")
    on = daybook.day_of(trip)
    book = await daybook.read(pool, trip.area, on, now, exercise=trip.exercise, only=[trip])
    name = str(trip.id)
    async with pool.acquire(timeout=5) as db:
        passing = await on_the_way.detours(db, trip, now)
    along = [passing_out(each, trip.pickup_latest_at) for each in passing[:MOST]]
    if name not in book.model.number:
        return Offers(items=along, unserved=None if along else unserved_out(Unserved(name, "no_time")))
    found = planning.offers(book.model, book.model.standing, name)
    signs = {str(member.id): member.call_sign for member in book.members.values()}
    why = None if found or along else planning.why_not(book.model, book.model.number[name], book.lacks)
    own = [offer_out(each.tour, name, each.rider.window[1], signs[each.tour.unit_id]) for each in found]
    return Offers(items=[*own, *along], unserved=unserved_out(why) if why else None)


@router.get("/v1/plans/day", response_model=DayPlan, responses=problems(401, 403, 404, 422))
async def day(
    request: Request, caller: Decides, on: Annotated[Day, Query()],
    area: Annotated[str | None, Query(pattern=AREA_PATTERN)] = None,
) -> DayPlan:  # fmt: skip
    """แผนของวันตามที่เป็นอยู่ | The day as it stands: every unit's tours, who waits, who is expected home."""
    return await planner.standing(runtime_of(request).pool, _area(caller, area), on, now_utc())


@router.post("/v1/plans/day", response_model=DayPlan, responses=problems(400, 401, 403, 404, 409, 413))
async def plan(request: Request, caller: Decides, body: DayBody) -> DayPlan:
    """วางแผนรถทั้งวัน | Every ride of the day that nobody is asked for: a place in a tour, or why not and what would help.

    What is promised stays as it is. The proposal is kept under its ``id``; with ``publish`` it is published at once.
    """
    runtime, area = runtime_of(request), _area(caller, body.area)
    engine: Engine | None = runtime.parts.get("engine")
    made = await planner.propose(runtime.pool, engine, area, body.on, now_utc(), search_s=body.search_s)
    if not body.publish:
        return planner.answer_of(made)
    return await _published(request, caller, made)


@router.get("/v1/plans/{plan_id}", response_model=DayPlan, responses=problems(401, 403, 404))
async def proposal(request: Request, caller: Decides, plan_id: Id) -> DayPlan:
    """A proposal as it was made."""
    return planner.answer_of(await _kept(request, caller, plan_id))


@router.post("/v1/plans/{plan_id}/try", response_model=DayPlan, responses=problems(400, 401, 403, 404, 413))
async def attempt(request: Request, caller: Decides, plan_id: Id, body: TryBody) -> DayPlan:
    """ลองย้ายเที่ยว | The proposal with one trip elsewhere, as a new proposal: what it costs, or why it cannot be."""
    pool, start = runtime_of(request).pool, await _kept(request, caller, plan_id)
    moves = [move for move in planner.moves_of(start) if move.trip_id != body.trip_id]
    moves.append(Move(body.trip_id, body.unit_id, body.pickup_at))
    return planner.answer_of(
        await planner.propose(pool, None, start.area, start.on_day, now_utc(), moves=moves, start=start)
    )


@router.post("/v1/plans/{plan_id}/publish", response_model=DayPlan, responses=problems(400, 401, 403, 404, 409))
async def publish(request: Request, caller: Decides, plan_id: Id) -> DayPlan:
    """ประกาศแผน | Book what the proposal shows, route by route; what has changed since then is told as ``changed``."""
    return await _published(request, caller, await _kept(request, caller, plan_id))


async def _published(request: Request, caller: Caller, kept: Kept) -> DayPlan:
    """Each route is a transaction of its own: who publishes is written down before the first of them."""
    runtime = runtime_of(request)
    await audit(runtime.pool, caller, "publish_plan", "plan", kept.id, area=kept.area)
    return await planner.publish(runtime, kept, runtime.asked_by(caller, request))


async def _kept(request: Request, caller: Caller, plan_id: UUID) -> Kept:
    found = await plans.read(runtime_of(request).pool, plan_id)
    seen(found.area if found else None, caller)
    if found is None:
        raise refuse("not_found")
    return found


def _area(caller: Caller, area: str | None) -> str:
    homes = areas_of(caller, area)
    if homes is not None and len(homes) == 1:
        return homes[0]
    if homes == []:
        raise refuse("not_found")
    th, en = "ต้องระบุพื้นที่", "say which municipality"
    raise refuse("invalid", errors=(FieldProblem("area", "missing", th, en),))
