"""Runs: a unit's tour of stops, carrying one or more trips."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool

DECIDE = "select pg_advisory_xact_lock(hashtextextended('dispatch.decide.' || $1, 0))"
TRY_DECIDE = "select pg_try_advisory_xact_lock(hashtextextended('dispatch.decide.' || $1, 0))"
INSERT_OPEN = """
insert into run (id, unit_id, area, lane, exercise, status, opened_at) values ($1, $2, $3, $4, $5, 'open', $6)
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
