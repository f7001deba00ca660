"""The day's planner at work: a proposal made and kept, tried, and read back as the routes that are to be written."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import structlog

from services.dispatch import daybook
from services.dispatch.api.day_models import (
    DayPlan,
    HaltOut,
    MovedOut,
    OfferOut,
    TourOut,
    UnitOff,
    UnservedOut,
    all_out,
    left_behind_out,
    offer_out,
    rests_out,
    unserved_out,
)
from services.dispatch.day import plan as planning
from services.dispatch.day.plan import Day, Unserved
from services.dispatch.daybook import Book, Move
from services.dispatch.engine.pool import Busy, Engine, Lost, NotReady
from services.dispatch.planning.problem import Plan, compact
from services.dispatch.store import plans, runs
from services.dispatch.store.plans import Kept
from services.dispatch.verbs import home, late, published
from services.dispatch.verbs import tours as writing
from services.dispatch.verbs.saying import by_of
from services.dispatch.verbs.tours import Drive, Route, Seat
from shared.database import Pool
from shared.errors import Refused, refuse
from shared.events.words import By
from shared.service import Runtime
from shared.thai.dates import local_day
from shared.work import Cause, new_id

log = structlog.get_logger()

UNPROVED = (503, "plan_not_proved", "แผนที่ได้ไม่ผ่านการตรวจ กรุณาลองใหม่", "the plan found did not pass its check, try again")
BUSY = (409, "planner_busy", "มีผู้อื่นกำลังประกาศแผนของพื้นที่นี้", "another plan is being published here")
PUBLISHED = (409, "already_published", "แผนนี้ประกาศไปแล้ว", "this plan has been published already")
SEED = 1


async def standing(pool: Pool, area: str, on: date, now: datetime) -> DayPlan:
    """The day as it stands: what is promised and under way, who waits, who is expected home, what is proposed."""
    book = await daybook.read(pool, area, on, now)
    day = planning.day_of(book.model, book.model.standing, book.lacks)
    waits = [Unserved(each.trip_id, "waiting") for each in day.unserved]
    answer = await _shown(pool, book, replace(day, unserved=waits), now)
    if on == local_day(now):
        broken = await late.broken(pool, area, book.members.values(), now)
        answer.conflicts = [unserved_out(_late(each)) for each in broken] + await _left_behind(pool, area, now)
    found = await plans.proposed(pool, area, on)
    answer.proposal_id = found.id if found and found.body["of"] == daybook.made_of(book) else None
    return answer


async def _left_behind(pool: Pool, area: str, now: datetime) -> list[UnservedOut]:
    """Who was brought to a clinic, and no unit on duty could bring them home: since when, and whom to ring."""
    found = []
    for trip in await home.waiting(pool, area, now):
        on_duty, to_ring = await home.who_could(pool, trip, now)
        if not on_duty:
            since = trip.ready_at or trip.pickup_earliest_at or now
            ring = [UnitOff(unit_id=member.id, call_sign=member.call_sign) for member in to_ring]
            found.append(left_behind_out(trip.id, since, ring))
    return found


def _late(each: late.Broken) -> Unserved:
    if each.expected_at is None:
        return Unserved(str(each.trip_id), "overdue", between=(each.told_at, each.told_at))
    return Unserved(str(each.trip_id), "will_be_late", between=(each.told_at, each.expected_at))


async def propose(
    pool: Pool, engine: Engine | None, area: str, on: date, now: datetime, *, search_s: float = 0.0,
    moves: Sequence[Move] = (), start: Kept | None = None,
) -> Kept:  # fmt: skip
    """Plan everybody who waits, and keep the proposal: see :func:`draft`."""
    kept = await draft(pool, engine, area, on, now, search_s=search_s, moves=moves, start=start)
    await plans.keep(pool, kept)
    return kept


async def draft(
    pool: Pool, engine: Engine | None, area: str, on: date, now: datetime, *, search_s: float = 0.0,
    moves: Sequence[Move] = (), start: Kept | None = None, by: By = By.PERSON,
) -> Kept:  # fmt: skip
    """Plan everybody who waits. ``start``: go on from that proposal, with one more of ``moves``.

    Raises:
        Refused: 404 the day knows no such trip or unit; 503 the plan did not pass its check.

    """
    book = await daybook.read(pool, area, on, now, moves=moves)
    model, conflicts = book.model, list[Unserved]()
    plan = planning.rested(model, book.plan_of(start.body["routes"])) if start else model.standing
    if start is not None:
        plan, conflicts = _with_last(book, plan, moves[-1])
    plan = await asyncio.to_thread(planning.filled, model, plan)  # seconds on a great day: calls must not wait for it
    searched = False
    if search_s and engine is not None and any(rider.is_new or rider.expected for rider in model.riders):
        with suppress(NotReady, Busy, Lost):
            found = await engine.plan(compact(model.problem), search_s, SEED)
            plan = await asyncio.to_thread(planning.better, model, plan, found)
            searched = True
    plan = _tied(book, plan)
    if not (await asyncio.to_thread(planning.proved, model, plan)).feasible:
        log.error("plan.not_proved")
        raise Refused(*UNPROVED, headers={"Retry-After": "1"})
    day = await asyncio.to_thread(planning.day_of, model, plan, book.lacks)
    answer = await _shown(pool, book, day, now, conflicts=conflicts)
    answer.id, answer.searched = new_id(), searched
    body = {
        "routes": {van.id: [(model.riders[number].id, pickup) for number, pickup in route]
                   for van, route in zip(model.vans, plan, strict=True)},
        "moves": [(str(m.trip_id), str(m.unit_id), m.pickup_at.isoformat() if m.pickup_at else None) for m in moves],
        "marks": {str(unit_id): mark for unit_id, mark in book.marks.items()},
        "versions": {str(trip.id): trip.version for trip in book.trips.values()},
        "shifted": {unit_id: planning.shifted(tours) for unit_id, tours in day.tours.items()},
        "by": by.value, "of": daybook.made_of(book),
        "answer": answer.model_dump(mode="json"),
    }  # fmt: skip
    return Kept(answer.id, area, on, now, None, body)


def moves_of(kept: Kept) -> list[Move]:
    rows = kept.body["moves"]
    return [Move(UUID(trip), UUID(unit), datetime.fromisoformat(at) if at else None) for trip, unit, at in rows]


def _with_last(book: Book, plan: Plan, move: Move) -> tuple[Plan, list[Unserved]]:
    """The plan with this trip where a person wants it; where that cannot be, as it was, and why not."""
    model, trip_id = book.model, str(move.trip_id)
    if move.trip_id not in book.trips or move.unit_id not in book.members:
        raise refuse("not_found")
    number = model.number.get(trip_id)
    if number is None:
        return plan, [Unserved(trip_id, "no_time")]
    rest = [[visit for visit in route if visit[0] != number] for route in plan]
    if not planning.offers(model, rest, trip_id):
        return rest, [planning.why_not(model, number, book.lacks)]
    latest = book.trips[move.trip_id].pickup_latest_at
    late = move.pickup_at is not None and latest is not None and move.pickup_at > latest
    return planning.placed(model, rest, trip_id), [
        Unserved(trip_id, "late", between=(latest, latest))
    ] if late and latest else []


def _tied(book: Book, plan: Plan) -> Plan:
    """Nobody is expected home who was not brought."""
    model = book.model
    inside = {number for route in plan for number, _ in route}
    left = {rider.id for number, rider in enumerate(model.riders) if number not in inside}
    gone = {
        number for number, rider in enumerate(model.riders)
        if rider.expected and str(book.trips[UUID(rider.id)].outbound_id) in left
    }  # fmt: skip
    return [[visit for visit in route if visit[0] not in gone] for route in plan] if gone else plan


# --- as it is shown ----------------------------------------------------------------------------------------------


async def _shown(
    pool: Pool, book: Book, day: Day, now: datetime, conflicts: Sequence[Unserved] = ()
) -> DayPlan:  # fmt: skip
    signs = {str(member.id): member.call_sign for member in book.members.values()}
    tours = [*all_out(day.tours, signs), *await _under_way(pool, book, signs)]
    order = {unit_id: place for place, unit_id in enumerate(sorted(signs, key=lambda each: (signs[each], each)))}
    timeless = [Unserved(str(trip_id), "no_time") for trip_id in book.timeless]
    planned = _planned(day, signs)
    return DayPlan(
        on=book.on, area=book.area, made_at=now, planned=planned,
        tours=sorted(tours, key=lambda tour: (order[str(tour.unit_id)], tour.starts_at)),
        unserved=[unserved_out(each) for each in (*day.unserved, *timeless)],
        moved=[moved for offer in planned if (moved := _moved(book, offer)) is not None],
        conflicts=[unserved_out(each) for each in conflicts], by_hand=sorted(UUID(each) for each in book.model.by_hand),
        cost_s=round(day.cost_s), travel_times=[*book.model.sources], rests=rests_out(day.rests, signs),
    )  # fmt: skip


def _planned(day: Day, signs: Mapping[str, str]) -> list[OfferOut]:
    found = [
        offer_out(tour, rider.id, rider.window[1], signs[tour.unit_id])
        for route in day.tours.values()
        for tour in route
        for rider in tour.riders
        if rider.told is None and not rider.expected
    ]
    return sorted(found, key=lambda offer: (offer.pickup_at, str(offer.trip_id)))


def _moved(book: Book, offer: OfferOut) -> MovedOut | None:
    row = book.promised.get(offer.trip_id)
    if row is None:
        return None
    return MovedOut(
        trip_id=offer.trip_id, unit_id=offer.unit_id, pickup_at=offer.pickup_at, was_unit_id=row["unit_id"],
        was_pickup_at=row["told_at"] or row["pickup_at"],
    )  # fmt: skip


async def _under_way(pool: Pool, book: Book, signs: Mapping[str, str]) -> list[TourOut]:
    """Tours that have begun: they are no longer planned, and stand as they are."""
    rows = await runs.promised(pool, book.area, daybook.span_of(book.on), exercise=False)
    made: dict[UUID, TourOut] = {}
    for row in rows:
        begun = row["run_status"] == "open" and row["lane"] == "booked" and row["pickup_at"] and row["dropoff_at"]
        if not begun or str(row["unit_id"]) not in signs:
            continue
        tour = made.setdefault(row["run_id"], TourOut(
            unit_id=row["unit_id"], call_sign=signs[str(row["unit_id"])], starts_at=row["starts_at"],
            ends_at=row["ends_at"] or row["dropoff_at"], stands="under_way", halts=[],
        ))  # fmt: skip
        for kind, at in (("pickup", row["pickup_at"]), ("dropoff", row["dropoff_at"])):
            tour.halts.append(HaltOut(trip_id=row["trip_id"], kind=kind, at=at, stands="under_way"))
    for tour in made.values():
        tour.halts.sort(key=lambda halt: halt.at)
    return list(made.values())


# --- as it is published ------------------------------------------------------------------------------------------


def answer_of(kept: Kept) -> DayPlan:
    made = DayPlan.model_validate(kept.body["answer"])
    made.version = kept.version
    return made


async def publish(runtime: Runtime, kept: Kept, cause: Cause, *, most_shifted: int | None = None) -> DayPlan:
    """Each unit's route in a transaction of its own; a unit that has changed keeps what it had.

    ``most_shifted``: a route in which more riders than that would be fetched at another minute is left out.

    Raises:
        Refused: 409, it is published already, or somebody else publishes here just now.

    """
    if kept.version is not None:
        raise Refused(*PUBLISHED)
    answer = answer_of(kept)
    booked, left = set[UUID](), dict[UUID, str]()
    async with runtime.pool.acquire() as mine, mine.transaction():
        if not await plans.lease(mine, kept.area):
            raise Refused(*BUSY)
        as_it_is = await plans.read(mine, kept.id)
        if as_it_is is not None and as_it_is.version is not None:
            raise Refused(*PUBLISHED)
        for route in routes_of(kept):
            riders = {offer.trip_id for offer in answer.planned if offer.unit_id == route.unit_id}
            if most_shifted is not None and kept.body["shifted"].get(str(route.unit_id), 0) > most_shifted:
                left |= dict.fromkeys(riders, "waiting")
                continue
            try:
                async with runtime.work(cause) as work:
                    new = await writing.publish(work, kept.area, route)
                    version = await published.begin(work, kept) if new and not booked else answer.version
                booked, answer.version = booked.union(new), version
            except Refused:
                left |= dict.fromkeys(riders, "changed")
        if answer.version is not None:
            async with runtime.work(cause) as work:
                unplanned = len(answer.unserved) + len(left)
                await published.say(work, kept, answer.version, booked, unplanned, by_of(work))
    answer.planned = [offer for offer in answer.planned if offer.trip_id not in left]
    answer.unserved += [unserved_out(Unserved(str(trip_id), left[trip_id])) for trip_id in sorted(left)]
    answer.published = len(booked)
    return answer


def routes_of(kept: Kept) -> list[Route]:
    """What there is to write: the routes of all units that get a new rider, without those expected home."""
    answer: dict[str, Any] = kept.body["answer"]
    new = {offer["trip_id"]: offer["unit_id"] for offer in answer["planned"]}
    moved = frozenset(UUID(trip_id) for trip_id, _, _ in kept.body["moves"])
    versions = {UUID(trip_id): version for trip_id, version in kept.body["versions"].items()}
    made = []
    for unit_id in dict.fromkeys(new.values()):
        own = [tour for tour in answer["tours"] if tour["unit_id"] == unit_id]
        tours = [tour for tour in own if tour["stands"] in {"new", "promised"}]
        drives = [drive for tour in tours if (drive := _drive(tour)).seats]
        mark = kept.body["marks"][unit_id]
        made.append(Route(UUID(unit_id), kept.on_day, drives, mark, versions, moved, kept.id))
    return made


def _drive(tour: Mapping[str, Any]) -> Drive:
    halts = [halt for halt in tour["halts"] if halt["stands"] != "expected"]
    at = {(halt["trip_id"], halt["kind"]): datetime.fromisoformat(halt["at"]) for halt in halts}
    seats = [
        Seat(UUID(trip_id), datetime.fromisoformat(tour["sets_out"][trip_id]), fetched, at[trip_id, "dropoff"])
        for (trip_id, kind), fetched in at.items() if kind == "pickup"
    ]  # fmt: skip
    return Drive(datetime.fromisoformat(tour["starts_at"]), datetime.fromisoformat(tour["ends_at"]), seats)
