"""Bodies and answers of the day's plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.dispatch import daybook
from services.dispatch.api.common import AREA_PATTERN
from services.dispatch.day.plan import RestAt, Unserved
from services.dispatch.day.timetable import Tour
from services.dispatch.day.underway import Detour
from services.dispatch.rules.ranking import Source
from shared.codes.codes import code_list
from shared.http import Body
from shared.openapi import Day, Moment
from shared.thai.dates import BANGKOK

MISSING_LISTS = ("skill", "equipment", "place_kind", "unit_level")
SENTENCES = {
    "no_time": ("ยังไม่รู้เวลานัด", "nobody has said when"),
    "too_late": ("ไม่มีหน่วยใดไปทันเวลานัดแล้ว", "no unit would be there in time any more"),
    "nobody_fits": ("ไม่มีหน่วยใดครบตามที่ต้องการ ขาด: {lacking}", "no unit has all that is needed; missing: {lacking}"),
    "nobody_willing": ("หน่วยที่ไปได้ปฏิเสธแล้วทั้งหมด", "every unit that could go has said no"),
    "off_shift": (
        "ไม่มีหน่วยที่เหมาะสมเข้าเวรช่วง {begins}–{ends} น. ถ้ามีหนึ่งหน่วยเข้าเวรจะไปได้",
        "no suitable unit is on duty between {begins} and {ends}; one on duty then would do",
    ),
    "all_bound": (
        "หน่วยที่ไปได้ติดงานทั้งหมด ถ้ามีเพิ่มอีกหนึ่งหน่วยช่วง {begins}–{ends} น. จะไปได้",
        "all units that could go are bound; one more between {begins} and {ends} would do",
    ),
    "late": ("ถึงช้ากว่านัด: ต้องไปรับก่อน {ends} น.", "too late for the appointment: to be fetched before {ends}"),
    "changed": ("หน่วยหรือเที่ยวนี้เปลี่ยนไปแล้วระหว่างวางแผน", "the unit or the ride has changed since the plan was made"),
    "will_be_late": (
        "บอกไว้ว่ารับ {begins} น. แต่คาดว่ารถจะถึง {ends} น. ให้หน่วยอื่นรับ หรือโทรแจ้ง",
        "told {begins}, but the van is expected at {ends}: give the ride to another unit, or ring",
    ),
    "overdue": (
        "บอกไว้ว่ารับ {begins} น. รถยังไม่ถึง และไม่รู้ว่าจะถึงเมื่อใด โทรถามทีม",
        "told {begins}: the van is not there, and nobody knows when it will be; ring the crew",
    ),
    "rest_due": (
        "หน่วยที่ไปได้ไม่เหลือเวลาพักแล้วในกะนี้ ถ้ามีเพิ่มอีกหนึ่งหน่วยช่วง {begins}–{ends} น. จะไปได้",
        "the crews that could go would have no rest; one more unit between {begins} and {ends} would do",
    ),
    "waiting": ("ยังไม่ได้จัดหน่วย", "no unit has been planned yet"),
}  # fmt: skip
OUT_OF_SERVICE = ("งดให้บริการ", "out of service")

RESTS = {
    "planned": ("พัก {begins}–{ends} น.", "rest {begins} to {ends}"),
    "late": (
        "พัก {begins}–{ends} น. ช้ากว่ากำหนด (ควรเริ่มก่อน {due} น.) เพราะงานที่รับปากไว้ ย้ายงานหนึ่งให้หน่วยอื่นจะพักได้ตามเวลา",
        "rest {begins} to {ends}, later than due ({due}), for what was promised; give one ride to another unit",
    ),
    "going_on": ("กำลังพัก ถึง {ends} น.", "resting until {ends}"),
    "lost": (
        "ไม่มีเวลาพัก {minutes} นาที (ต้องเริ่มก่อน {due} น.) เพราะงานที่รับปากไว้ ไม่รับเพิ่ม ย้ายงานหนึ่งให้หน่วยอื่น",
        "no rest of {minutes} minutes (due by {due}) for what was promised; takes nobody more; give one away",
    ),
}  # fmt: skip
Stands = Literal["new", "promised", "expected", "under_way"]


class OfferOut(BaseModel):
    """``early_s``: how much sooner than necessary the rider is fetched. ``run_id``: a tour that is booked already;

    ``shared``: how many others ride in it. ``on_the_way``: that tour has begun.
    """

    trip_id: UUID
    unit_id: UUID
    call_sign: str
    start_at: datetime
    pickup_at: datetime
    dropoff_at: datetime
    free_at: datetime
    early_s: float
    run_id: UUID | None = None
    shared: int = 0
    on_the_way: bool = False


class UnitOff(BaseModel):
    """Its crew and their numbers: ``GET /v1/crew?unit_id=…``."""

    unit_id: UUID
    call_sign: str


class UnservedOut(BaseModel):
    """Why a ride has no place, and what would help, as people read it. ``ring``: units off duty that could go."""

    trip_id: UUID
    code: str
    th: str
    en: str
    ring: list[UnitOff] = []


class Offers(BaseModel):
    """Up to three, the best first, then up to three on the way; ``unserved`` says why there is none."""

    items: list[OfferOut]
    unserved: UnservedOut | None = None


class HaltOut(BaseModel):
    """One stop. ``stands``: promised to the rider, new with this plan, or expected (the way home, not promised)."""

    trip_id: UUID
    kind: Literal["pickup", "dropoff"]
    at: datetime
    stands: Stands


class TourOut(BaseModel):
    """A unit's tour, from an empty van to an empty van. ``sets_out``: trip → when the van turns to that rider."""

    unit_id: UUID
    call_sign: str
    starts_at: datetime
    ends_at: datetime
    stands: Stands
    halts: list[HaltOut]
    sets_out: dict[UUID, datetime] = Field(default_factory=dict)


class RestOut(BaseModel):
    """A rest of a unit's crew. ``due_at``: when it should begin at the latest.

    ``stands``: ``planned``, ``going_on``, ``late`` (promises leave nothing sooner), ``lost`` (they leave nothing at
    all: no times, and the unit takes nobody more).
    """

    unit_id: UUID
    call_sign: str
    stands: Literal["planned", "late", "going_on", "lost"]
    begins_at: datetime | None
    ends_at: datetime | None
    due_at: datetime
    th: str
    en: str


class MovedOut(BaseModel):
    """A promise that this plan would change: from where to where."""

    trip_id: UUID
    unit_id: UUID
    pickup_at: datetime
    was_unit_id: UUID
    was_pickup_at: datetime | None


class DayBody(Body):
    """``area`` may be left out by who has one. ``publish``: book it as well; else nothing is touched.

    ``search_s``: how long to search for something better than the first plan.
    """

    on: Day
    area: Annotated[str, Field(pattern=AREA_PATTERN)] | None = None
    publish: bool = False
    search_s: Annotated[float, Field(ge=0, le=60)] = 2.0


class TryBody(Body):
    """A trip with another unit; ``pickup_at``: at the door then, whatever its appointment (else within its window)."""

    trip_id: UUID
    unit_id: UUID
    pickup_at: Moment | None = None


class DayPlan(BaseModel):
    """A proposal, or (without ``id``) the day as it stands.

    ``planned``: rides that get a unit by it; ``tours``: all of the day, promised ones and those under way among them;
    ``moved``: promises that would change; ``conflicts``: why what was tried cannot be; of the day as it

    stands, promises that a van cannot keep any more; ``by_hand``: units booked
    against the rules, left to people; ``rests``: of the crews, by unit;
    ``searched``: the search has had its time; ``cost_s``: seconds driven and
    ridden; ``published``: how many rides were booked; ``travel_times``: who says how long a drive takes;
    ``proposal_id``: what the system proposes for the day as it stands.
    """

    id: UUID | None = None
    on: date
    area: str
    made_at: datetime
    version: int | None = None
    planned: list[OfferOut]
    tours: list[TourOut]
    unserved: list[UnservedOut]
    moved: list[MovedOut] = []
    conflicts: list[UnservedOut] = []
    by_hand: list[UUID] = []
    rests: list[RestOut] = []
    published: int = 0
    searched: bool = False
    cost_s: float = 0.0
    travel_times: list[Source] = []
    proposal_id: UUID | None = None


def offer_out(tour: Tour, trip_id: str, latest_at: datetime, sign: str) -> OfferOut:
    rider = next(rider for rider in tour.riders if rider.id == trip_id)
    runs = [other.told.run_id for other in tour.riders if other.told is not None]
    pickup_at = tour.pickup_of(rider.id)
    return OfferOut(
        trip_id=UUID(rider.id), unit_id=UUID(tour.unit_id), call_sign=sign, start_at=tour.sets_out[rider.id],
        pickup_at=pickup_at, dropoff_at=tour.dropoff_of(rider.id), free_at=tour.ends_at,
        early_s=max((latest_at - pickup_at).total_seconds(), 0.0), run_id=UUID(runs[0]) if runs else None,
        shared=len(tour.riders) - 1,
    )  # fmt: skip


def passing_out(found: Detour, latest_at: datetime | None) -> OfferOut:
    """A tour that has begun, and comes by."""
    early_s = (latest_at - found.pickup_at).total_seconds() if latest_at else 0.0
    return OfferOut(
        trip_id=UUID(found.rider.id), unit_id=UUID(found.going.van.id), call_sign=found.going.van.call_sign,
        start_at=found.sets_out, pickup_at=found.pickup_at, dropoff_at=found.dropoff_at, free_at=found.ends_at,
        early_s=max(early_s, 0.0), run_id=UUID(found.going.run_id), shared=len(found.going.seats), on_the_way=True,
    )  # fmt: skip


def tour_out(tour: Tour, sign: str) -> TourOut:
    stands: dict[str, Stands] = {
        rider.id: "promised" if rider.told else "expected" if rider.expected else "new" for rider in tour.riders
    }
    whole: Stands = next((each for each in ("new", "promised") if each in stands.values()), "expected")
    return TourOut(
        unit_id=UUID(tour.unit_id), call_sign=sign, starts_at=tour.starts_at, ends_at=tour.ends_at, stands=whole,
        halts=[HaltOut(trip_id=UUID(halt.rider.id), kind="pickup" if halt.pickup else "dropoff", at=halt.at,
                       stands=stands[halt.rider.id]) for halt in tour.halts],
        sets_out={UUID(trip_id): at for trip_id, at in tour.sets_out.items()},
    )  # fmt: skip


def rests_out(rests: Iterable[RestAt], signs: Mapping[str, str]) -> list[RestOut]:
    return sorted(
        (_rest_out(each, signs[each.unit_id]) for each in rests), key=lambda each: (each.call_sign, each.due_at)
    )


def _rest_out(each: RestAt, sign: str) -> RestOut:
    rest, (begins_at, ends_at) = each.resting.rest, each.span or (None, None)
    words = {
        "begins": _clock(begins_at), "ends": _clock(ends_at), "due": _clock(rest.begins[1]),
        "minutes": round(rest.length.total_seconds() / 60),
    }  # fmt: skip
    th, en = (sentence.format_map(words) for sentence in RESTS[each.resting.stands])
    return RestOut(
        unit_id=UUID(each.unit_id), call_sign=sign, stands=each.resting.stands, begins_at=begins_at, ends_at=ends_at,
        due_at=rest.begins[1], th=th, en=en,
    )  # fmt: skip


def _clock(at: datetime | None) -> str:
    return f"{at.astimezone(BANGKOK):%H:%M}" if at else ""


def unserved_out(each: Unserved) -> UnservedOut:
    th, en = SENTENCES[each.code]
    words = [_missing(code) for code in each.lacking]
    clock = [f"{at.astimezone(BANGKOK):%H:%M}" for at in each.between or ()] or ["", ""]
    about = {"begins": clock[0], "ends": clock[1]}
    return UnservedOut(
        trip_id=UUID(each.trip_id), code=each.code,
        th=th.format(lacking=", ".join(word[0] for word in words), **about),
        en=en.format(lacking=", ".join(word[1] for word in words), **about),
    )  # fmt: skip


def left_behind_out(trip_id: UUID, since: datetime, to_ring: Sequence[UnitOff]) -> UnservedOut:
    """Nobody on duty can bring the person home; ``to_ring``: units that could, and are off duty."""
    clock, signs = f"{since.astimezone(BANGKOK):%H:%M}", ", ".join(each.call_sign for each in to_ring)
    th = f"รอกลับบ้าน (เสร็จราว {clock} น.) ไม่มีหน่วยที่เหมาะสมเข้าเวร" + (f" โทรตาม: {signs}" if signs else "")
    en = f"waits for the way home (since about {clock}); no suitable unit is on duty" + (
        f": ring {signs}" if signs else ""
    )
    return UnservedOut(trip_id=trip_id, code="left_behind", th=th, en=en, ring=list(to_ring))


def _missing(code: str) -> tuple[str, str]:
    if code == daybook.OUT:
        return OUT_OF_SERVICE
    for list_id in MISSING_LISTS:
        known = code_list(list_id)
        if code in known.codes:
            return known.label(code), known.label(code, "en")
    return code, code


def all_out(tours: Mapping[str, Sequence[Tour]], signs: Mapping[str, str]) -> Iterable[TourOut]:
    return (tour_out(tour, signs[unit_id]) for unit_id, route in tours.items() for tour in route)
