"""A municipality's day read into :mod:`services.dispatch.day`: who waits, who was promised what, who could drive."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from services.dispatch import fleet
from services.dispatch.day.model import (
    EXPECTED_WITHIN,
    Model,
    Promised,
    Rider,
    Told,
    Van,
    promised_of,
    sheet_of,
    together,
)
from services.dispatch.fleet import Member
from services.dispatch.hours import Hours, hours_of, rests_of, rostered_of
from services.dispatch.planning.problem import Plan, Route
from services.dispatch.policy import policy_of
from services.dispatch.rules.eligibility import shortfalls
from services.dispatch.rules.rests import Rest
from services.dispatch.shelf import NOTHING, SHELVES, Kept
from services.dispatch.store import assignments, plans, runs, shares, trips
from services.dispatch.store.trips import Trip
from services.dispatch.verbs.book import OF_THE_MOMENT
from services.dispatch.verbs.needs import wanted
from shared.database import Connection, Pool
from shared.geo import Point
from shared.thai.dates import BANGKOK, local_day

BEFORE_MIDNIGHT = timedelta(hours=6)
"""The day's zero lies in the evening before, so that nothing of the day is below it."""
LENGTH = timedelta(hours=32)
CALLED_IN = timedelta(hours=1)
"""So long it takes until somebody is on a unit that nobody is on now."""
NONE_BEFORE = timedelta(minutes=2)
"""A crew needs a moment: nothing is planned that begins sooner."""
OUT = "out_of_service"


@dataclass(frozen=True, slots=True)
class Move:
    """A wish: this trip with this unit (left out: any), at the door at ``pickup_at`` (left out: whenever it fits)."""

    trip_id: UUID
    unit_id: UUID | None
    pickup_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Book:
    """The day as it stands. ``marks``: what each unit's route was made of; ``lacks``: for whom nobody fits, the least

    that is missing; ``timeless``: trips of which nobody has said when.
    """

    on: date
    area: str
    model: Model
    trips: Mapping[UUID, Trip]
    members: Mapping[UUID, Member]
    marks: Mapping[UUID, str]
    lacks: Mapping[str, tuple[str, ...]]
    timeless: Sequence[UUID] = ()
    promised: Mapping[UUID, Any] = field(default_factory=dict)

    def plan_of(self, routes: Mapping[str, Sequence[Sequence[Any]]]) -> Plan:
        """Routes that were written down (unit → [trip, pickup]), without the trips that are gone since."""
        number = self.model.number

        def route(van: Van, standing: Route) -> Route:
            kept = routes.get(van.id)
            if kept is None:
                return standing
            return [(number[trip], bool(pickup)) for trip, pickup in kept if trip in number]

        return [route(van, standing) for van, standing in zip(self.model.vans, self.model.standing, strict=True)]


async def read(
    db: Connection | Pool, area: str, on: date, now: datetime, *, exercise: bool = False,
    moves: Sequence[Move] = (), only: Sequence[Trip] | None = None, without: Collection[UUID] = (),
) -> Book:  # fmt: skip
    """The day ``on`` (Bangkok). ``only``: these, as they were read, anew, and no others that wait; ``without``: units

    not to be asked.
    """
    if isinstance(db, asyncpg.Pool):
        async with db.acquire(timeout=5) as connection:
            return await read(
                connection, area, on, now, exercise=exercise, moves=moves, only=only, without=without
            )  # fmt: skip
    span = span_of(on)
    fleet_now = await fleet.of_area(db, area, exercise=exercise)
    members = {member.id: member for member in await fleet.fairly(db, fleet_now, now)}
    marks = await runs.marks(db, area, span, exercise=exercise)
    rostered = await rostered_of(db, area, on)
    lent = await shares.lent_by(db, area)
    hours = hours_of(members, on, span, now, marks, rostered, lent)
    due = await rests_of(db, area, on, now, members, rostered)
    vans = [_van(member, hours.get(member.id, span), span, now, due.get(member.id, ())) for member in members.values()]
    # In full everything is read; for a few trips the sheets that are kept say all that is promised beside them.
    held = await runs.promised(db, area, span, exercise=exercise) if only is None else []
    promised = {row["trip_id"]: row for row in held if row["run_status"] == "planned"}
    known = {trip.id: trip for trip in only} if only is not None else await _trips(
        db, area, on, promised.keys(), exercise=exercise
    )  # fmt: skip
    moved = {move.trip_id: move for move in moves}
    asked = [trip for trip in known.values() if trip.id in moved or trip.id not in promised]
    history = await assignments.of_trips(db, [trip.id for trip in asked])
    said_no = {(each.trip_id, each.unit_id) for each in history if each.status == "declined"}
    fitting = _Fitting([m for m in members.values() if m.id not in without], said_no)
    riders, timeless = list[Rider](), list[UUID]()
    for trip in asked:
        rider = _rider(trip, None, moved.get(trip.id), fitting)
        riders += [rider] if rider else []
        timeless += [] if rider else [trip.id]
    model = await _model(db, area, on, vans, marks, riders, {str(trip.id) for trip in asked}, exercise=exercise)
    marked = _marks(members, held, moved.keys(), lent)
    return Book(on, area, model, known, members, marked, fitting.lacks, timeless, promised)


async def _model(
    db: Connection, area: str, on: date, vans: Sequence[Van], marks: Mapping[UUID, Any], riders: Sequence[Rider],
    anew: Collection[str], *, exercise: bool,
) -> Model:  # fmt: skip
    """These riders beside what every van has promised, as it is kept; read again where it is another now.

    ``anew``: trips that stand on no sheet, for they are planned anew.
    """
    zero, key = span_of(on)[0], (on, exercise)
    now = {van.id: row["mark"] if (row := marks.get(UUID(van.id))) else NOTHING for van in vans}
    shelf = SHELVES.of(area, policy_of(area).travel_times)
    kept = shelf.of(key)
    stale = kept.stale(now)
    held: dict[str, list[Rider]] = {unit_id: [] for unit_id in stale}
    rows = await runs.promised_by(db, [UUID(unit_id) for unit_id in stale], span_of(on), exercise=exercise)
    found = {trip.id: trip for trip in await trips.these(db, sorted({row["trip_id"] for row in rows}))}
    for row in rows:
        here = _is_planned(row) and row["area"] == area
        rider = _rider(found[row["trip_id"]], row, None, None) if here else None
        if rider is not None:
            held[str(row["unit_id"])].append(rider)

    def made() -> tuple[Kept, Model]:
        new = kept.renewed(zero, vans, now, held, riders)
        return new, together(zero, _without(zero, new, anew), riders, new.ways)

    renewed, model = await asyncio.to_thread(made)
    shelf.put(key, renewed)
    return model


def _without(zero: datetime, kept: Kept, anew: Collection[str]) -> Promised:
    """What all vans have promised but to those who are planned anew: they stand on no sheet."""
    sheets, changed = list(kept.promised.sheets), False
    for at, sheet in enumerate(sheets):
        stay = [rider for rider in sheet.riders if rider.id not in anew]
        if len(stay) < len(sheet.riders):
            sheets[at], changed = sheet_of(zero, sheet.van, stay, kept.ways), True
    return promised_of(zero, sheets, kept.ways) if changed else kept.promised


def _is_planned(row: Any) -> bool:
    return bool(row["run_status"] == "planned")


async def _trips(
    db: Connection | Pool, area: str, on: date, promised: Collection[UUID], *, exercise: bool
) -> dict[UUID, Trip]:  # fmt: skip
    """All that waits, is expected home or has a promise. Who is ready to go home is looked for at once, by others."""
    waiting = await trips.unplanned(db, area, on, exercise=exercise)
    home = await plans.expected(db, area, on, exercise=exercise)
    found = {trip.id: trip for trip in (*waiting, *home) if trip.ready_at is None}
    more = await trips.these(db, sorted(set(promised) - found.keys()))
    return found | {trip.id: trip for trip in more}


def span_of(on: date) -> tuple[datetime, datetime]:
    zero = (datetime.combine(on, time(), BANGKOK) - BEFORE_MIDNIGHT).astimezone(UTC)
    return zero, zero + LENGTH


def made_of(book: Book) -> str:
    """What a plan for this day is made of, in few letters: others when any unit, promise or rider is another."""
    parts = [*(f"{unit_id}{mark}" for unit_id, mark in book.marks.items()),
             *(f"{trip.id}{trip.version}" for trip in book.trips.values())]  # fmt: skip
    return hashlib.sha256("|".join(sorted(parts)).encode()).hexdigest()[:32]


async def mark_of(db: Connection, member: Member, on: date, moved: Collection[UUID], *, exercise: bool) -> str:
    """What the unit's route is made of now: the mark of a :class:`Book` read at this moment."""
    held = await runs.promised_by(db, [member.id], span_of(on), exercise=exercise)
    here = [row for row in held if row["area"] == member.area]
    share = await shares.of_unit(db, member.id)
    lent = {member.id: share.until_at} if share else {}
    return _marks({member.id: member}, here, moved, lent)[member.id]


def day_of(trip: Trip) -> date:
    """The day in whose plan a trip belongs."""
    at = trip.pickup_at or trip.pickup_latest_at
    return local_day(at) if at else trip.on_day


def _marks(
    members: Mapping[UUID, Member], held: Iterable[Any], moved: Collection[UUID], lent: Mapping[UUID, datetime]
) -> dict[UUID, str]:  # fmt: skip
    """Changes with the unit's crew, vehicle, duty, loan and promises; what the plan itself moves away is left out."""
    made: dict[UUID, list[str]] = {
        unit_id: [str(member.version), *([lent[unit_id].isoformat()] if unit_id in lent else ())]
        for unit_id, member in members.items()
    }
    for row in held:
        if row["unit_id"] in made and row["trip_id"] not in moved:
            made[row["unit_id"]].append(f"{row['assignment_id']}{row['run_status']}")
    return {unit_id: hashlib.sha256("|".join(parts).encode()).hexdigest()[:16] for unit_id, parts in made.items()}


@dataclass(slots=True)
class _Fitting:
    """Which units may take a trip: units of equal abilities are asked about once."""

    members: Sequence[Member]
    said_no: Collection[tuple[UUID, UUID]]
    lacks: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, trip: Trip, at: datetime) -> frozenset[str]:
        asked, seen, least = wanted(trip), dict[Any, tuple[str, ...]](), None
        fits = set()
        for member in self.members:
            abilities = member.facts.abilities(local_day(at))
            if abilities not in seen:
                short = [s for s in shortfalls(member.facts, asked, at) if s.hard and s.code not in OF_THE_MOMENT]
                seen[abilities] = (*(s.what for s in short), *([OUT] if member.facts.duty == OUT else []))
            lacking = seen[abilities]
            if not lacking and (trip.id, member.id) not in self.said_no:
                fits.add(str(member.id))
            if least is None or len(lacking) < len(least):
                least = lacking
        if not fits:
            self.lacks[str(trip.id)] = least or ()  # empty: whoever fits has said no
        return frozenset(fits)


def _rider(trip: Trip, row: Any, move: Move | None, fitting: _Fitting | None) -> Rider | None:
    """None where nobody has said when. ``fitting`` None: who has no promise is not looked at."""
    expected = trip.status == "awaiting_ready"
    window = window_of(trip, expected=expected)
    told = _told(trip, row) if row is not None and move is None else None
    if told is not None:
        window = (told.at, told.at)
    if window is None or (told is None and fitting is None):
        return None
    fits = fitting.of(trip, window[1]) if told is None and fitting else frozenset({told.unit_id} if told else ())
    rider = rider_of(trip, window, fits, told, expected=expected)
    if move is not None:
        at = (move.pickup_at, move.pickup_at) if move.pickup_at else rider.window
        rider = replace(rider, window=at, expected=False)
        if move.unit_id is not None:
            by_at = None if move.pickup_at else rider.by_at  # a time that a person chose is theirs to answer for
            rider = replace(rider, fits=rider.fits & {str(move.unit_id)}, by_at=by_at)
    return rider


def rider_of(
    trip: Trip, window: Hours, fits: frozenset[str], told: Told | None = None, *, expected: bool = False
) -> Rider:  # fmt: skip
    """A trip as a plan takes it."""
    asked = wanted(trip)
    rider = Rider(
        id=str(trip.id), pickup=Point(*trip.pickup) if trip.pickup else None,
        drop=Point(*trip.drop) if trip.drop else None, window=window, by_at=None, mobility=trip.need.get("mobility"),
        load={kind: float(count) for kind, count in asked.must.places.items()} or {"seat": 1.0}, fits=fits,
        equipment=asked.must.equipment, alone=asked.contaminates, told=told, expected=expected,
        recurring=trip.need.get("recurring", False),
    )  # fmt: skip
    if trip.arrive_by_at is not None and not expected:
        rider = replace(rider, by_at=trip.arrive_by_at - rider.boarding)
    return rider


def window_of(trip: Trip, *, expected: bool = False) -> Hours | None:
    """When the rider may be fetched; None where nobody has said when."""
    if expected:
        over_at = trip.pickup_earliest_at
        return (over_at, over_at + EXPECTED_WITHIN) if over_at else None
    latest = trip.pickup_latest_at or trip.pickup_at
    if latest is None:
        return None
    return min(trip.pickup_earliest_at or latest, latest), latest


def _told(trip: Trip, row: Any) -> Told | None:
    at = row["told_at"] or row["pickup_at"] or trip.pickup_latest_at
    if at is None:
        return None
    unit_id, run_id, assignment_id = (str(row[name]) for name in ("unit_id", "run_id", "assignment_id"))
    return Told(unit_id, run_id, assignment_id, at, row["pickup_at"] or at, row["dropoff_at"])


def _van(member: Member, hours: Hours, span: Hours, now: datetime, due: Sequence[Rest]) -> Van:
    """On duty, or to come by the roster: from now on; else from when somebody could be called in."""
    expected = member.facts.duty == "on_duty" or hours[0] > span[0]
    begins = _minute(max(hours[0], now + (NONE_BEFORE if expected else CALLED_IN)))
    return Van(
        str(member.id), member.call_sign, member.facts.station, dict(member.facts.places), member.facts.equipment,
        (begins, max(begins, hours[1])), member.facts.burden_s, tuple(due),
    )  # fmt: skip


def _minute(at: datetime) -> datetime:
    """The whole minute after: so long a van is what it was."""
    whole = at.replace(second=0, microsecond=0)
    return whole if whole == at else whole + timedelta(minutes=1)
