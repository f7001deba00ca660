"""Proposals for a day of booked rides, and who may publish one: ids and times only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Self
from uuid import UUID

import asyncpg

from services.dispatch.store.trips import Trip
from shared.database import Connection, Pool

LEASE = "select pg_try_advisory_xact_lock(hashtextextended('dispatch.plan.' || $1, 0))"
INSERT_PLAN = "insert into plan (id, area, on_day, made_at, body) values ($1, $2, $3, $4, $5)"
DROP_OLD_PLANS = "delete from plan where area = $1 and made_at < $2 and version is null"
READ_PLAN = "select * from plan where id = $1"
# The last one that the system has made for the day and nobody published.
PROPOSED = """
select * from plan where area = $1 and on_day = $2 and body ->> 'by' = 'system'
order by made_at desc limit 1
"""
NUMBER_PLAN = """
update plan set version = (select coalesce(max(o.version), 0) + 1 from plan o
                           where o.area = $2 and o.on_day = $3 and o.version is not null)
where id = $1 and version is null returning version
"""
# Who waits to be told when to be ready: the way home of a visit on that day, while the way there is not cancelled.
EXPECTED = """
select t.* from trip t join trip o on o.id = t.outbound_id
where t.area = $1 and t.on_day = $2 and t.status = 'awaiting_ready' and t.exercise = $3 and not t.back_entry
  and o.status <> 'cancelled'
order by t.pickup_earliest_at, t.id limit 1000
"""
# Ways home of a day or the next that are not begun, of people who were brought: by this unit, or (null) by any.
WAITING_HOME = """
select t.* from trip t
where t.area = $1 and t.on_day between $2 and $2 + 1 and t.exercise = $3 and t.leg = 'return' and not t.back_entry
  and t.status in ('awaiting_ready', 'requested', 'queued', 'unassigned')
  and exists (select from assignment a where a.trip_id = t.outbound_id and a.left_scene_at is not null
              and ($4::uuid is null or a.unit_id = $4))
order by t.pickup_earliest_at, t.id limit 200
"""
RUNS_OF = """
select distinct run_id from assignment where trip_id = any($1::uuid[]) and ended_at is null and run_id is not null
"""
BOOKED = """
select trip_id, unit_id from assignment
where trip_id = any($1::uuid[]) and ended_at is null and role = 'primary' and run_id is not null
"""
KEPT = timedelta(days=7)
"""How long a proposal that nobody published can be looked at."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of ``plan``."""

    id: UUID
    area: str
    on_day: date
    made_at: datetime
    version: int | None
    body: dict[str, Any]

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        return cls(**{name: row[name] for name in cls.__slots__})


async def lease(db: Connection, area: str) -> bool:
    """Whether this transaction is the area's only planner until it ends."""
    return bool(await db.fetchval(LEASE, area))


async def keep(db: Connection | Pool, plan: Kept) -> None:
    """Write a proposal down, and forget those that have had their time."""
    await db.execute(INSERT_PLAN, plan.id, plan.area, plan.on_day, plan.made_at, plan.body)
    await db.execute(DROP_OLD_PLANS, plan.area, plan.made_at - KEPT)


async def read(db: Connection | Pool, plan_id: UUID) -> Kept | None:
    row = await db.fetchrow(READ_PLAN, plan_id)
    return Kept.of(row) if row else None


async def proposed(db: Connection | Pool, area: str, on: date) -> Kept | None:
    """What the system has proposed last for this day, and waits for a person."""
    row = await db.fetchrow(PROPOSED, area, on)
    return Kept.of(row) if row and row["version"] is None else None


async def number(db: Connection, plan: Kept) -> int | None:
    """The next version of the day, given to this plan; None where it has one already. The caller holds the lease."""
    version: int | None = await db.fetchval(NUMBER_PLAN, plan.id, plan.area, plan.on_day)
    return version


async def runs_of(db: Connection, trip_ids: list[UUID]) -> list[UUID]:
    return sorted(row["run_id"] for row in await db.fetch(RUNS_OF, trip_ids))


async def booked(db: Connection, trip_ids: list[UUID]) -> set[tuple[UUID, UUID]]:
    """Each trip that has a place in a unit's run, with that unit."""
    return {(row["trip_id"], row["unit_id"]) for row in await db.fetch(BOOKED, trip_ids)}


async def expected(db: Connection | Pool, area: str, on: date, *, exercise: bool) -> list[Trip]:
    """Ways home that wait for somebody to say "ready"."""
    return [Trip.of(row) for row in await db.fetch(EXPECTED, area, on, exercise)]


async def waiting_home(
    db: Connection | Pool, area: str, on: date, unit_id: UUID | None, *, exercise: bool
) -> list[Trip]:  # fmt: skip
    """Who was brought to a clinic (``unit_id``: by this unit) and has nobody yet who brings them home."""
    return [Trip.of(row) for row in await db.fetch(WAITING_HOME, area, on, exercise, unit_id)]
