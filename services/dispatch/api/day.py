"""Booked rides: who could take one, and a whole day planned at once. A plan is a proposal until it is published."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from services.dispatch import daybook
from services.dispatch.api.common import AREA_PATTERN, AtDesk, Decides, Id, one_area, runtime_of, seen
from services.dispatch.rules.offers import Offer, Unserved, offers, plan_day, why_not
from services.dispatch.store import trips
from services.dispatch.store.trips import Trip
from services.dispatch.verbs import book
from shared.auth import Caller
from shared.codes.codes import code_list
from shared.errors import Refused, refuse
from shared.http import Body
from shared.openapi import Day, problems
from shared.service import Runtime
from shared.thai.dates import BANGKOK
from shared.work import now_utc

router = APIRouter(tags=["booked rides"])

MISSING_LISTS = ("skill", "equipment", "place_kind", "unit_level")
SENTENCES = {
    "no_time": ("ยังไม่รู้เวลานัด", "nobody has said when"),
    "too_late": ("ไม่มีหน่วยใดไปทันเวลานัดแล้ว", "no unit would be there in time any more"),
    "nobody_fits": ("ไม่มีหน่วยใดครบตามที่ต้องการ ขาด: {lacking}", "no unit has all that is needed; missing: {lacking}"),
    "all_bound": (
        "หน่วยที่ไปได้ติดงานทั้งหมด ถ้ามีเพิ่มอีกหนึ่งหน่วยช่วง {begins}–{ends} น. จะไปได้",
        "all units that could go are bound; one more between {begins} and {ends} would do",
    ),
    "changed": ("หน่วยหรือเที่ยวนี้เปลี่ยนไปแล้วระหว่างวางแผน", "the unit or the ride has changed since the plan was made"),
}  # fmt: skip
OUT_OF_SERVICE = ("งดให้บริการ", "out of service")


class OfferOut(BaseModel):
    """``early_s``: how much sooner than necessary the rider is fetched."""

    trip_id: UUID
    unit_id: UUID
    call_sign: str
    start_at: datetime
    pickup_at: datetime
    dropoff_at: datetime
    free_at: datetime
    early_s: float


class UnservedOut(BaseModel):
    trip_id: UUID
    code: str
    th: str
    en: str


class Offers(BaseModel):
    """Up to three, the best first; ``unserved`` says why there is none."""

    items: list[OfferOut]
    unserved: UnservedOut | None = None


class DayBody(Body):
    """``area`` may be left out by who has one. ``publish``: book it as well; else nothing is touched."""

    on: Day
    area: Annotated[str, Field(pattern=AREA_PATTERN)] | None = None
    publish: bool = False


class DayPlan(BaseModel):
    """``published``: how many rides were booked."""

    on: date
    area: str
    planned: list[OfferOut]
    unserved: list[UnservedOut]
    published: int = 0


@router.get("/v1/trips/{trip_id}/offers", response_model=Offers, responses=problems(401, 403, 404, 409))
async def offers_of(request: Request, caller: AtDesk, trip_id: Id) -> Offers:
    """ใครรับเที่ยวนี้ได้ เวลาใด | Up to three units and times for a booked ride, beside what they have promised."""
    pool, now = runtime_of(request).pool, now_utc()
    trip = await trips.read(pool, trip_id)
    seen(trip.area if trip else None, caller)
    if trip is None:
        raise refuse("not_found")
    if trip.lane != "booked" or trip.ended_at is not None:
        raise Refused(409, "not_booked", "ไม่ใช่เที่ยวนัดหมายที่ยังเปิดอยู่", "not a booked ride that is still open")
    wish = daybook.wish_of(trip)
    if wish is None:
        return Offers(items=[], unserved=_unserved(Unserved(str(trip.id), "no_time")))
    known = await daybook.read(pool, trip.area, [trip], now, exercise=trip.exercise)
    candidates = known.candidates(trip)
    found = offers(wish, candidates, now)
    signs = {str(member.id): member.call_sign for member in known.members}
    return Offers(
        items=[_offer(str(trip.id), offer, signs) for offer in found],
        unserved=None if found else _unserved(why_not(wish, candidates, now)),
    )


@router.post("/v1/plans/day", response_model=DayPlan, responses=problems(400, 401, 403, 413))
async def plan(request: Request, caller: Decides, body: DayBody) -> DayPlan:
    """วางแผนรถทั้งวัน | Every ride of the day that nobody is asked for: a unit and a time, or why not and what would help.

    Nothing that is booked already is moved. With ``publish`` each ride is booked on its own, under the same checks as
    by hand; what has changed in the meantime is told as ``changed``.
    """
    runtime, now, area = runtime_of(request), now_utc(), one_area(caller, body.area)
    rides = await trips.unplanned(runtime.pool, area, body.on)
    known = await daybook.read(runtime.pool, area, rides, now, exercise=False)
    wishes = {trip.id: wish for trip in rides if (wish := daybook.wish_of(trip)) is not None}
    made = plan_day(
        list(wishes.values()), {str(trip.id): known.candidates(trip) for trip in rides if trip.id in wishes}, now
    )
    signs = {str(member.id): member.call_sign for member in known.members}
    planned = sorted(made.planned.items(), key=lambda each: (each[1].tour.pickup_at, each[0]))
    unserved = [*made.unserved, *(Unserved(str(trip.id), "no_time") for trip in rides if trip.id not in wishes)]
    changed = await _publish(request, runtime, caller, rides, made.planned) if body.publish else []
    return DayPlan(
        on=body.on, area=area,
        planned=[_offer(trip_id, offer, signs) for trip_id, offer in planned if trip_id not in changed],
        unserved=[_unserved(each) for each in (*unserved, *(Unserved(trip_id, "changed") for trip_id in changed))],
        published=len(planned) - len(changed) if body.publish else 0,
    )  # fmt: skip


async def _publish(
    request: Request, runtime: Runtime, caller: Caller, rides: Iterable[Trip], planned: dict[str, Offer]
) -> list[str]:
    """Book each ride; those that cannot be any more."""
    changed = []
    for trip in rides:
        offer = planned.get(str(trip.id))
        if offer is None:
            continue
        booking = book.Booking(UUID(offer.unit_id), offer.tour.start_at)
        try:
            async with runtime.work(runtime.asked_by(caller, request)) as work:
                await book.assign(work, trip.id, trip.area, booking)
        except Refused:
            changed.append(str(trip.id))
    return changed


def _offer(trip_id: str, offer: Offer, signs: dict[str, str]) -> OfferOut:
    tour = offer.tour
    return OfferOut(
        trip_id=UUID(trip_id), unit_id=UUID(offer.unit_id), call_sign=signs[offer.unit_id], start_at=tour.start_at,
        pickup_at=tour.pickup_at, dropoff_at=tour.dropoff_at, free_at=tour.end_at,
        early_s=offer.early.total_seconds(),
    )  # fmt: skip


def _unserved(each: Unserved) -> UnservedOut:
    th, en = SENTENCES[each.code]
    words = [_missing(code) for code in each.lacking]
    clock = [f"{at.astimezone(BANGKOK):%H:%M}" for at in each.between or ()] or ["", ""]
    about = {"begins": clock[0], "ends": clock[1]}
    return UnservedOut(
        trip_id=UUID(each.trip_id), code=each.code,
        th=th.format(lacking=", ".join(word[0] for word in words), **about),
        en=en.format(lacking=", ".join(word[1] for word in words), **about),
    )  # fmt: skip


def _missing(code: str) -> tuple[str, str]:
    if code == daybook.OUT:
        return OUT_OF_SERVICE
    for list_id in MISSING_LISTS:
        known = code_list(list_id)
        if code in known.codes:
            return known.label(code), known.label(code, "en")
    return code, code
