"""Runs: a unit's tour of stops, carrying one or more trips."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool

DECIDE = "select pg_advisory_xact_lock(hashtextextended('dispatch.decide.' || $1, 0))"
TRY_DECIDE = "select pg_try_advisory_xact_lock(hashtextextended('dispatch.decide.' || $1, 0))"
# Never before the unit's last run was closed: a process may have slept between its look at the clock and its turn.
INSERT_OPEN = """
insert into run (id, unit_id, area, lane, exercise, status, opened_at)
values ($1, $2, $3, $4, $5, 'open',
        greatest($6, (select max(l.closed_at) from run l where l.unit_id = $2 and l.status = 'closed')))
"""
INSERT_PLANNED = """
insert into run (id, unit_id, area, lane, exercise, status, booked, override_reason)
values ($1, $2, $3, 'booked', $4, 'planned', tstzrange($5, $6), $7)
"""
READ_RUN = "select * from run where id = $1"
LOCK_RUN = "select * from run where id = $1 for no key update"
OPEN_OF_UNIT = "select * from run where unit_id = $1 and status = 'open'"
OPEN_RUN = "update run set status = 'open', opened_at = $2 where id = $1 and status = 'planned'"
CLOSE_RUN = "update run set status = 'closed', closed_at = $2 where id = $1 and status = any($3::text[])"
# A run written down afterwards from paper is never open: the unit may be on another one now.
INSERT_PAPER = """
insert into run (id, unit_id, area, lane, exercise, status, opened_at, closed_at)
values ($1, $2, $3, $4, $5, 'closed', $6, $6)
"""
# When units are bound: by what is booked, and by what they are on now, which nobody knows the end of.
BOUND = """
select r.unit_id, coalesce(lower(r.booked), r.opened_at) as starts_at,
       case r.status when 'open' then greatest(upper(r.booked), $4) else upper(r.booked) end as ends_at
from run r
where r.area = $1 and ((r.status = 'planned' and r.booked && tstzrange($2, $3)) or (r.status = 'open' and $4 > $2))
"""
# What booked runs promise, each with its stops' times and what its riders are told; those under way stand as they are.
PROMISED = """
select r.id as run_id, r.unit_id, r.status as run_status, r.lane, coalesce(lower(r.booked), r.opened_at) as starts_at,
       upper(r.booked) as ends_at, a.id as assignment_id, a.trip_id, a.status, a.pickup_at, a.dropoff_at,
       a.en_route_at, t.pickup_at as told_at
from run r join assignment a on a.run_id = r.id join trip t on t.id = a.trip_id
where r.area = $1 and r.exercise = $4 and a.ended_at is null and a.role = 'primary'
  and ((r.status = 'planned' and r.booked && tstzrange($2, $3)) or r.status = 'open')
order by r.unit_id, a.pickup_at, a.id
"""
# The same of some units, wherever they serve.
PROMISED_BY = """
select r.id as run_id, r.unit_id, r.area, r.status as run_status, r.lane,
       coalesce(lower(r.booked), r.opened_at) as starts_at, upper(r.booked) as ends_at,
       a.id as assignment_id, a.trip_id, a.status, a.pickup_at, a.dropoff_at, a.en_route_at, t.pickup_at as told_at
from run r
join lateral (select * from assignment o where o.run_id = r.id and o.ended_at is null and o.role = 'primary'
              offset 0) a on true
join trip t on t.id = a.trip_id
where r.unit_id = any($1::uuid[]) and r.exercise = $4
  and ((r.status = 'planned' and r.booked && tstzrange($2, $3)) or r.status = 'open')
order by r.unit_id, a.pickup_at, a.id
"""
# What each unit's promises are made of, in few letters: others when any of them is another. As they lie in memory, for
# to write each of them out as text took as long as to find it.
MARKS = """
select r.unit_id, bool_or(r.status = 'open') as out, max(upper(r.booked)) filter (where r.status = 'open') as back_at,
       sum(hash_record_extended(row(a.id, r.id, r.status, a.pickup_at, a.dropoff_at, t.version, t.pickup_lon is null),
                                0))::text as mark
from run r join assignment a on a.run_id = r.id join trip t on t.id = a.trip_id
where r.area = $1 and r.exercise = $4 and a.ended_at is null and a.role = 'primary'
  and ((r.status = 'planned' and r.booked && tstzrange($2, $3)) or r.status = 'open')
group by r.unit_id
"""
# When units were on runs since then; a run that is still open goes on until now.
BUSY_SINCE = """
select r.unit_id, r.opened_at, r.closed_at from run r
where r.unit_id = any($1::uuid[]) and r.status = 'closed' and r.closed_at > $2 and r.opened_at is not null
union all
select r.unit_id, r.opened_at, null from run r where r.unit_id = any($1::uuid[]) and r.status = 'open'
"""
AREAS_OF = "select distinct r.area from run r where r.unit_id = $1 and r.status = 'planned'"
SET_BOOKED = "update run set booked = tstzrange($2, $3) where id = $1 and status = 'planned'"
MOVE_TOUR = """
update assignment a set run_id = s.run_id, start_at = s.start_at, pickup_at = s.pickup_at, dropoff_at = s.dropoff_at
from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[])
     as s (id, run_id, start_at, pickup_at, dropoff_at)
where a.id = s.id and a.status in ('offered', 'ordered', 'accepted')
"""
# A tour under way: when whoever is on board is brought, and whoever is not is fetched and brought.
MOVE_ON = """
update assignment a set dropoff_at = s.dropoff_at,
       pickup_at = case when a.status in ('offered', 'ordered', 'accepted', 'en_route') then s.pickup_at
                        else a.pickup_at end
from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) as s (id, pickup_at, dropoff_at)
where a.id = s.id and a.ended_at is null
"""
EXTEND = """
update run set booked = tstzrange(coalesce(lower(booked), opened_at), $2)
where id = $1 and status = 'open' and $2 > coalesce(lower(booked), opened_at)
"""
SHRINK = """
update run set booked = tstzrange(greatest(lower(booked), $2), least(upper(booked), $3))
where id = $1 and status = 'planned' and greatest(lower(booked), $2) < least(upper(booked), $3)
returning lower(booked) as starts_at
"""
SET_START = "update assignment set start_at = $2 where id = $1 and start_at is not null"
TOGETHER = "set constraints run_bookings_do_not_overlap deferred"
APART = "set constraints run_bookings_do_not_overlap immediate"
DROP_RUN = "update run set status = 'dropped' where id = $1 and status = 'planned'"
AT_BASE = "update run set at_base_at = $2 where id = $1"
# What speaks against a booking: another booking of the unit at that time, or the run it is on now.
CONFLICTS = """
select r.id as run_id, r.status, r.lane, coalesce(lower(r.booked), r.opened_at) as starts_at,
       upper(r.booked) as ends_at, array(select a.trip_id from assignment a where a.run_id = r.id) as trip_ids
from run r where r.unit_id = $1
  and ((r.status = 'planned' and r.booked && tstzrange($2, $3)) or (r.status = 'open' and $4))
order by starts_at
"""


@dataclass(frozen=True, slots=True)
class Run:
    """A row of ``run``. ``lane``: opened by an emergency order, or planned as a booked tour."""

    id: UUID
    unit_id: UUID
    area: str
    lane: str
    exercise: bool
    status: str
    opened_at: datetime | None
    closed_at: datetime | None
    at_base_at: datetime | None

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        return cls(**{name: row[name] for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class Conflict:
    """A run that stands against a booking."""

    run_id: UUID
    status: str
    lane: str
    starts_at: datetime
    ends_at: datetime | None
    trip_ids: tuple[UUID, ...]


async def serialise(db: Connection, area: str) -> None:
    """From here to the commit nobody else decides about emergencies of this area.

    Taken before any lock on trips, so that two decisions cannot wait for each other.
    """
    await db.execute(DECIDE, area)


async def try_serialise(db: Connection, area: str) -> bool:
    """The same, unless somebody else decides just now."""
    return bool(await db.fetchval(TRY_DECIDE, area))


async def insert_open(
    db: Connection, run_id: UUID, unit_id: UUID, area: str, lane: str, at: datetime, *, exercise: bool
) -> None:
    """Open a run at once.

    Raises:
        asyncpg.UniqueViolationError: ``run_one_open_per_unit``.

    """
    await db.execute(INSERT_OPEN, run_id, unit_id, area, lane, exercise, at)


async def insert_planned(
    db: Connection, run_id: UUID, unit_id: UUID, area: str, window: tuple[datetime, datetime], *, exercise: bool,
    override_reason: str | None,
) -> None:  # fmt: skip
    """Plan a booked run.

    Raises:
        asyncpg.ExclusionViolationError: ``run_bookings_do_not_overlap``.

    """
    await db.execute(INSERT_PLANNED, run_id, unit_id, area, exercise, *window, override_reason)


async def read(db: Connection | Pool, run_id: UUID) -> Run | None:
    row = await db.fetchrow(READ_RUN, run_id)
    return Run.of(row) if row else None


async def lock(db: Connection, run_id: UUID) -> Run | None:
    row = await db.fetchrow(LOCK_RUN, run_id)
    return Run.of(row) if row else None


async def open_of_unit(db: Connection, unit_id: UUID) -> Run | None:
    row = await db.fetchrow(OPEN_OF_UNIT, unit_id)
    return Run.of(row) if row else None


async def open_planned(db: Connection, run_id: UUID, at: datetime) -> None:
    """A booked run begins.

    Raises:
        asyncpg.UniqueViolationError: ``run_one_open_per_unit``.

    """
    await db.execute(OPEN_RUN, run_id, at)


async def insert_paper(
    db: Connection, run_id: UUID, unit_id: UUID, area: str, lane: str, at: datetime, *, exercise: bool
) -> None:
    """A run that was driven before it was written down."""
    await db.execute(INSERT_PAPER, run_id, unit_id, area, lane, exercise, at)


async def close(db: Connection, run_id: UUID, at: datetime, *, back_entry: bool = False) -> None:
    await db.execute(CLOSE_RUN, run_id, at, ["open", "closed"] if back_entry else ["open"])


async def drop(db: Connection, run_id: UUID) -> None:
    await db.execute(DROP_RUN, run_id)


async def stamp_at_base(db: Connection, run_id: UUID, at: datetime) -> None:
    await db.execute(AT_BASE, run_id, at)


async def conflicts(
    db: Connection | Pool, unit_id: UUID, window: tuple[datetime, datetime], *, now: bool
) -> list[Conflict]:
    """Runs that overlap ``window``; ``now``: also the one the unit is on."""
    rows = await db.fetch(CONFLICTS, unit_id, *window, now)
    return [
        Conflict(row["run_id"], row["status"], row["lane"], row["starts_at"], row["ends_at"], tuple(row["trip_ids"]))
        for row in rows
    ]


async def bound(
    db: Connection | Pool, area: str, span: tuple[datetime, datetime], open_until: datetime
) -> dict[UUID, list[tuple[datetime, datetime]]]:
    """Unit → when it is bound within ``span``; who is on a run now is held until ``open_until``."""
    found: dict[UUID, list[tuple[datetime, datetime]]] = {}
    for row in await db.fetch(BOUND, area, *span, open_until):
        found.setdefault(row["unit_id"], []).append((row["starts_at"], row["ends_at"]))
    return found


async def promised(
    db: Connection | Pool, area: str, span: tuple[datetime, datetime], *, exercise: bool
) -> list[asyncpg.Record]:
    """The open assignments of the area's booked runs within ``span``, and of all that are under way."""
    return await db.fetch(PROMISED, area, *span, exercise)


async def promised_by(
    db: Connection | Pool, unit_ids: Sequence[UUID], span: tuple[datetime, datetime], *, exercise: bool
) -> list[asyncpg.Record]:
    """The same of these units, with the ``area`` they serve by it."""
    return await db.fetch(PROMISED_BY, list(unit_ids), *span, exercise) if unit_ids else []


async def marks(
    db: Connection, area: str, span: tuple[datetime, datetime], *, exercise: bool
) -> dict[UUID, asyncpg.Record]:
    """Unit → ``mark`` of all that :func:`promised` would say of it; ``out``: it is on a run, until ``back_at``."""
    return {row["unit_id"]: row for row in await db.fetch(MARKS, area, *span, exercise)}


async def areas_of(db: Connection, unit_id: UUID) -> list[str]:
    """Where the unit has booked runs: its home, and whoever borrowed it."""
    return [row["area"] for row in await db.fetch(AREAS_OF, unit_id)]


async def busy_since(
    db: Connection, unit_ids: Sequence[UUID], since: datetime, now: datetime
) -> dict[UUID, list[tuple[datetime, datetime]]]:
    """Unit → when it was on runs since then; the one it is on ends ``now``."""
    found: dict[UUID, list[tuple[datetime, datetime]]] = {}
    for row in await db.fetch(BUSY_SINCE, list(unit_ids), since) if unit_ids else ():
        found.setdefault(row["unit_id"], []).append((row["opened_at"], row["closed_at"] or now))
    return found


@asynccontextmanager
async def moving(db: Connection) -> AsyncIterator[None]:
    """Several tours of a unit change their times: that they do not overlap holds when all have.

    Raises:
        asyncpg.ExclusionViolationError: ``run_bookings_do_not_overlap``, they do.

    """
    await db.execute(TOGETHER)
    yield
    await db.execute(APART)


async def set_booked(db: Connection, run_id: UUID, window: tuple[datetime, datetime]) -> None:
    await db.execute(SET_BOOKED, run_id, *window)


async def move_on(db: Connection, moved: Sequence[tuple[UUID, datetime, datetime]]) -> None:
    """Write when riders of a tour under way are fetched and brought; who is on board was fetched."""
    await db.execute(MOVE_ON, *([each[column] for each in moved] for column in range(3)))


async def extend(db: Connection, run_id: UUID, until_at: datetime) -> None:
    """A run under way lasts until then."""
    await db.execute(EXTEND, run_id, until_at)


async def shrink(db: Connection, run_id: UUID, window: tuple[datetime, datetime]) -> datetime | None:
    """Let go of what a planned run needs no more; when it begins now."""
    starts_at: datetime | None = await db.fetchval(SHRINK, run_id, *window)
    return starts_at


async def set_start(db: Connection, assignment_id: UUID, at: datetime) -> None:
    await db.execute(SET_START, assignment_id, at)


Moved = tuple[UUID, UUID, datetime, datetime, datetime]
"""An assignment: its run, when its crew sets out for it, is at the door, and at the destination."""


async def move_tour(db: Connection, moved: Sequence[Moved]) -> None:
    """Write the stops of assignments that have not set out."""
    await db.execute(MOVE_TOUR, *([each[column] for each in moved] for column in range(5)))
