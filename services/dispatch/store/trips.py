"""Trips: one person's (or one job's) journey."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool, Search, look_up
from shared.events.base import Origin

INSERT_TRIPS = """
insert into trip (id, call_id, patient_id, person_id, leg, outbound_id, area, amphoe, protected, exercise, back_entry,
                  kind, lane, severity, severity_scheme, status, received_at, on_day, pickup_earliest_at,
                  pickup_latest_at, arrive_by_at, now_at, need, details, pickup_lon, pickup_lat, drop_lon, drop_lat,
                  facility_id, person_turn)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::text[], $8::text[],
                     $9::boolean[], $10::boolean[], $11::boolean[], $12::text[], $13::text[], $14::text[], $15::text[],
                     $16::text[], $17::timestamptz[], $18::date[], $19::timestamptz[], $20::timestamptz[],
                     $21::timestamptz[], $22::timestamptz[], $23::jsonb[], $24::jsonb[], $25::double precision[],
                     $26::double precision[], $27::double precision[], $28::double precision[], $29::uuid[],
                     $30::integer[])
"""
READ_TRIP = "select * from trip where id = $1"
LOCK_TRIP = "select * from trip where id = $1 for no key update"
TRY_LOCK_TRIP = "select * from trip where id = $1 for no key update skip locked"
LOCK_OF_CALL = "select * from trip where call_id = $1 order by id for no key update"
LOCK_OF_UNIT = """
select * from trip where id in (select trip_id from assignment where unit_id = $1 and ended_at is null)
order by id for no key update
"""
OF_CALL_EXISTS = "select exists (select from trip where call_id = $1)"
UPDATE_TRIP = """
update trip set status = $2, previous_status = case when status <> $2 then status else previous_status end,
    outcome = $3, reason = $4, pickup_at = $5, ready_at = $6, now_at = $7, queued_at = $8, queue_reasons = $9,
    ended_at = $10, facility_id = $11, version = version + 1
where id = $1
"""
REWRITE_TRIP = """
update trip set lane = $2, severity = $3, severity_scheme = $4, kind = $5, amphoe = $6, pickup_earliest_at = $7,
    pickup_latest_at = $8, arrive_by_at = $9, on_day = $10, need = $11, details = $12, pickup_lon = $13,
    pickup_lat = $14, drop_lon = $15, drop_lat = $16, facility_id = $17, now_at = $18, person_id = $19,
    version = version + 1
where id = $1
"""
PROTECT = "update trip set protected = true where call_id = $1 and not protected"
SET_NEED = "update trip set need = $2, version = version + 1 where id = $1"
WIPE_CALL = """
update trip set details = '{}', need = '{}', person_id = null, pickup_lon = null, pickup_lat = null, drop_lon = null,
    drop_lat = null where call_id = $1
"""
WIPE_PERSON = """
update trip set details = '{}', need = '{}', person_id = null, pickup_lon = null, pickup_lat = null, drop_lon = null,
    drop_lat = null where person_id = $1
"""
LINK_PERSONS = """
update trip t set person_id = w.person_id, person_turn = w.turn
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::integer[]) as w (call_id, patient_id, person_id, turn)
where t.call_id = w.call_id and t.patient_id = w.patient_id and t.details <> '{}' and t.person_turn <= w.turn
"""
# Only whoever was taken for this person, and not since for another.
UNLINK_PERSON = """
update trip set person_id = null, person_turn = $4
where call_id = $1 and patient_id = $2 and person_id = $3 and person_turn < $4 returning id
"""
# The queue of an area: the most urgent first, then the longest waiting. What somebody else works on is skipped.
WAITING = """
select t.* from trip t
where t.area = $1 and t.now_at is not null and t.now_at <= $2 and t.status in ('requested', 'queued', 'unassigned')
  and not t.back_entry
  and not exists (select from assignment a where a.trip_id = t.id and a.ended_at is null and a.role = 'primary'
                  offset 0)
order by array_position(array['red', 'pink', 'yellow', 'green', 'white', 'black'], t.severity), t.now_at, t.id
limit 50 for no key update of t skip locked
"""
# Trips that ask for more units than their own, the most urgent first; whether somebody is missing, the rules say.
WANTING_MORE = """
select * from trip where area = $1 and ended_at is null and need ?| array['units', 'more'] and not back_entry
order by array_position(array['red', 'pink', 'yellow', 'green', 'white', 'black'], severity), now_at, id
limit 50 for no key update skip locked
"""
ASKING_MORE = Search("""
select * from trip where ($1::text[] is null or area = any($1)) and ended_at is null
  and need ?| array['units', 'more'] and not back_entry
order by array_position(array['red', 'pink', 'yellow', 'green', 'white', 'black'], severity), now_at, id limit 200
""")
OTHERS_WAIT = (
    "select exists (select from trip where call_id = $1 and id <> $2 and ended_at is null and now_at is not null)"
)
QUEUE = Search("""
select t.*, s.asked, s.declined, s.silent, s.waiting from trip t
left join lateral (select count(*) as asked, count(*) filter (where a.status = 'declined') as declined,
                          count(*) filter (where a.status = 'expired'
                                           and a.previous_status is distinct from 'proposed') as silent,
                          count(*) filter (where a.status in ('proposed', 'ordered', 'offered')
                                           and a.respond_by_at > $2) as waiting
                   from assignment a where a.trip_id = t.id) s on true
where ($1::text[] is null or t.area = any($1)) and t.now_at is not null
  and t.status in ('requested', 'queued', 'unassigned') and not t.back_entry
order by array_position(array['red', 'pink', 'yellow', 'green', 'white', 'black'], t.severity), t.now_at, t.id
limit 500
""")
PAGE = Search("""
select * from trip
where ($1::text[] is null or area = any($1)) and ($2::uuid is null or call_id = $2)
  and ($3::date is null or on_day = $3) and ($4::text is null or status = $4) and id > $5
order by id limit $6
""")
DAY = Search("""
select * from trip
where ($1::text[] is null or area = any($1)) and on_day = $2 and ($3::text is null or status = $3)
  and (coalesce(pickup_at, pickup_latest_at, received_at), id) > ($4::timestamptz, $5::uuid)
order by coalesce(pickup_at, pickup_latest_at, received_at), id limit $6
""")
# Booked rides of a day that nobody is asked for.
UNPLANNED = """
select * from trip t
where area = $1 and on_day = $2 and lane = 'booked' and status in ('requested', 'queued', 'unassigned')
  and exercise = $3 and not back_entry and ended_at is null
  and not exists (select from assignment a where a.trip_id = t.id and a.ended_at is null and a.role = 'primary'
                  offset 0)
order by pickup_latest_at, id limit 1000
"""
THESE = "select * from trip where id = any($1::uuid[]) order by id"
LOCK_THESE = "select * from trip where id = any($1::uuid[]) order by id for no key update"
LOCK_OF_RUN = """
select * from trip where id in (select trip_id from assignment where run_id = $1 and status = 'cleared')
order by id for no key update
"""
BY_IDS = "select * from trip where id = any($1::uuid[]) and ($2::text[] is null or area = any($2)) order by id"
OF_CREW = Search("""
select distinct t.* from trip t join assignment a on a.trip_id = t.id
where $1 = any(a.crew_ids) and a.ended_at is null and t.ended_at is null
  and ($2::uuid[] is null or t.id = any($2)) and ($3::uuid is null or t.call_id = $3)
  and ($4::date is null or t.on_day = $4) and ($5::text is null or t.status = $5)
order by t.id limit 200
""")
BROUGHT = """
select exists (select from assignment a where a.trip_id = $1 and $2 = any(a.crew_ids) and a.accepted_at is not null)
"""

Link = tuple[UUID, UUID, UUID, int]
"""A call's patient, and the person they are: call, patient, person, and the turn in which it was said."""

COLUMNS = (
    "id", "call_id", "patient_id", "person_id", "leg", "outbound_id", "area", "amphoe", "protected", "exercise",
    "back_entry", "kind", "lane", "severity", "severity_scheme", "status", "received_at", "on_day",
    "pickup_earliest_at", "pickup_latest_at", "arrive_by_at", "now_at", "need", "details", "pickup_lon", "pickup_lat",
    "drop_lon", "drop_lat", "facility_id", "person_turn",
)  # fmt: skip


@dataclass(slots=True)
class Trip:
    """A row of ``trip``. Changed in memory by the verbs and written by :func:`update` or :func:`rewrite`."""

    id: UUID
    call_id: UUID
    patient_id: UUID | None
    person_id: UUID | None
    leg: str
    outbound_id: UUID | None
    area: str
    amphoe: str | None
    protected: bool
    exercise: bool
    back_entry: bool
    kind: str
    lane: str
    severity: str
    severity_scheme: str
    status: str
    received_at: datetime
    on_day: date
    pickup_earliest_at: datetime | None
    pickup_latest_at: datetime | None
    arrive_by_at: datetime | None
    now_at: datetime | None
    need: dict[str, Any]
    details: dict[str, Any]
    pickup_lon: float | None
    pickup_lat: float | None
    drop_lon: float | None
    drop_lat: float | None
    facility_id: UUID | None
    previous_status: str | None = None
    outcome: str | None = None
    reason: str | None = None
    pickup_at: datetime | None = None
    ready_at: datetime | None = None
    queued_at: datetime | None = None
    queue_reasons: Sequence[str] = ()
    ended_at: datetime | None = None
    version: int = 1
    person_turn: int = 0
    """How many times the registry had said before who the patient is; 0 also where only the call says so."""

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        return cls(**{name: row[name] for name in cls.__slots__})

    @property
    def origin(self) -> Origin:
        """What everything that grows from this trip inherits."""
        return Origin(self.area, self.call_id, protected=self.protected, exercise=self.exercise)

    @property
    def erased(self) -> bool:
        """Nothing personal is left of it, nor may it come back."""
        return not self.details

    @property
    def pickup(self) -> tuple[float, float] | None:
        """``(lon, lat)``."""
        return (
            (self.pickup_lon, self.pickup_lat) if self.pickup_lon is not None and self.pickup_lat is not None else None
        )

    @property
    def drop(self) -> tuple[float, float] | None:
        return (self.drop_lon, self.drop_lat) if self.drop_lon is not None and self.drop_lat is not None else None


async def insert(db: Connection, trips: Sequence[Trip]) -> None:
    """Write new trips in one statement."""
    await db.execute(INSERT_TRIPS, *([getattr(trip, name) for trip in trips] for name in COLUMNS))


async def read(db: Connection | Pool, trip_id: UUID) -> Trip | None:
    row = await db.fetchrow(READ_TRIP, trip_id)
    return Trip.of(row) if row else None


async def lock(db: Connection, trip_id: UUID) -> Trip | None:
    """The trip, locked: all that happens to a trip and its assignments happens under this lock."""
    row = await db.fetchrow(LOCK_TRIP, trip_id)
    return Trip.of(row) if row else None


async def try_lock(db: Connection, trip_id: UUID) -> Trip | None:
    """The trip, locked, unless somebody else is at it."""
    row = await db.fetchrow(TRY_LOCK_TRIP, trip_id)
    return Trip.of(row) if row else None


async def lock_of_call(db: Connection, call_id: UUID) -> list[Trip]:
    return [Trip.of(row) for row in await db.fetch(LOCK_OF_CALL, call_id)]


async def lock_of_unit(db: Connection, unit_id: UUID) -> list[Trip]:
    """The trips this unit is on, or asked for."""
    return [Trip.of(row) for row in await db.fetch(LOCK_OF_UNIT, unit_id)]


async def call_is_known(db: Connection, call_id: UUID) -> bool:
    return bool(await db.fetchval(OF_CALL_EXISTS, call_id))


async def update(db: Connection, trip: Trip) -> None:
    """Write where the trip is in its life."""
    await db.execute(
        UPDATE_TRIP, trip.id, trip.status, trip.outcome, trip.reason, trip.pickup_at, trip.ready_at, trip.now_at,
        trip.queued_at, list(trip.queue_reasons), trip.ended_at, trip.facility_id,
    )  # fmt: skip


async def protect(db: Connection, call_id: UUID) -> None:
    """Of all that is said of the call's trips from now on outsiders see id and time; those that have ended as well."""
    await db.execute(PROTECT, call_id)


async def rewrite(db: Connection, trip: Trip) -> None:
    """Write what the call now asks for."""
    await db.execute(
        REWRITE_TRIP, trip.id, trip.lane, trip.severity, trip.severity_scheme, trip.kind, trip.amphoe,
        trip.pickup_earliest_at, trip.pickup_latest_at, trip.arrive_by_at, trip.on_day, trip.need, trip.details,
        trip.pickup_lon, trip.pickup_lat, trip.drop_lon, trip.drop_lat, trip.facility_id, trip.now_at, trip.person_id,
    )  # fmt: skip


async def set_need(db: Connection, trip: Trip) -> None:
    await db.execute(SET_NEED, trip.id, trip.need)


async def wipe_call(db: Connection, call_id: UUID) -> None:
    await db.execute(WIPE_CALL, call_id)


async def wipe_person(db: Connection, person_id: UUID) -> None:
    await db.execute(WIPE_PERSON, person_id)


async def link_persons(db: Connection, links: Iterable[Link]) -> None:
    """From now on these patients are these persons; of two for one patient that of the later turn counts, of an erased

    call none.
    """
    last: dict[tuple[UUID, UUID], tuple[UUID, int]] = {}
    for call_id, patient_id, person_id, turn in links:
        if turn >= last.get((call_id, patient_id), (None, 0))[1]:
            last[call_id, patient_id] = (person_id, turn)
    calls, patients = [key[0] for key in last], [key[1] for key in last]
    people, turns = [one for one, _ in last.values()], [turn for _, turn in last.values()]
    await db.execute(LINK_PERSONS, calls, patients, people, turns)


async def unlink_person(db: Connection, call_id: UUID, patient_id: UUID, person_id: UUID, turn: int) -> list[UUID]:
    """The patient is not this person; returns the trips of which nobody knows now whose they are."""
    return [row["id"] for row in await db.fetch(UNLINK_PERSON, call_id, patient_id, person_id, turn)]


async def waiting(db: Connection, area: str, now: datetime) -> list[Trip]:
    """Trips that need a unit now and have asked nobody, in the order in which they are served; locked."""
    return [Trip.of(row) for row in await db.fetch(WAITING, area, now)]


async def wanting_more(db: Connection, area: str) -> list[Trip]:
    """Open trips that ask for units beside their own; locked."""
    return [Trip.of(row) for row in await db.fetch(WANTING_MORE, area)]


async def asking_more(pool: Pool, areas: list[str] | None) -> list[Trip]:
    """The same, for those who look."""
    return [Trip.of(row) for row in await look_up(pool, ASKING_MORE, areas)]


async def others_wait(db: Connection, call_id: UUID, trip_id: UUID) -> bool:
    """Whether somebody else of the call is still served."""
    return bool(await db.fetchval(OTHERS_WAIT, call_id, trip_id))


async def queue(pool: Pool, areas: list[str] | None, now: datetime) -> list[asyncpg.Record]:
    return await look_up(pool, QUEUE, areas, now)


async def page(
    pool: Pool, areas: list[str] | None, call_id: UUID | None, on: date | None, status: str | None, after: UUID,
    limit: int,
) -> list[Trip]:  # fmt: skip
    return [Trip.of(row) for row in await look_up(pool, PAGE, areas, call_id, on, status, after, limit)]


async def day(
    pool: Pool, areas: list[str] | None, on: date, status: str | None, after: tuple[datetime, UUID], limit: int
) -> list[Trip]:
    """The day list, in the order of pickup times."""
    return [Trip.of(row) for row in await look_up(pool, DAY, areas, on, status, *after, limit)]


async def unplanned(db: Connection | Pool, area: str, on: date, *, exercise: bool = False) -> list[Trip]:
    """Booked rides of a day for which nobody is asked, the earliest first."""
    return [Trip.of(row) for row in await db.fetch(UNPLANNED, area, on, exercise)]


async def by_ids(pool: Pool, trip_ids: list[UUID], areas: list[str] | None) -> list[Trip]:
    return [Trip.of(row) for row in await pool.fetch(BY_IDS, trip_ids, areas)]


async def of_crew(
    pool: Pool, crew_id: UUID, *, trip_ids: list[UUID] | None = None, call_id: UUID | None = None,
    on: date | None = None, status: str | None = None,
) -> list[Trip]:  # fmt: skip
    """The open trips on which this crew member works or is asked; access ends with the trip."""
    return [Trip.of(row) for row in await look_up(pool, OF_CREW, crew_id, trip_ids, call_id, on, status)]


async def brought_by(db: Connection, outbound_id: UUID, crew_id: UUID) -> bool:
    """Whether this crew member was on the way there."""
    return bool(await db.fetchval(BROUGHT, outbound_id, crew_id))


async def these(db: Connection | Pool, trip_ids: list[UUID]) -> list[Trip]:
    return [Trip.of(row) for row in await db.fetch(THESE, trip_ids)] if trip_ids else []


async def lock_these(db: Connection, trip_ids: list[UUID]) -> list[Trip]:
    return [Trip.of(row) for row in await db.fetch(LOCK_THESE, trip_ids)]


async def lock_of_run(db: Connection, run_id: UUID) -> list[Trip]:
    """All trips of a tour."""
    return [Trip.of(row) for row in await db.fetch(LOCK_OF_RUN, run_id)]
