"""Facilities that are told and answer, and their beds: free, held until a moment, used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool, Search, look_up

INSERT_ALERT = """
insert into facility_alert (id, area, trip_id, assignment_id, facility_id, expected_at, alerted_at, status)
values ($1, $2, $3, $4, $5, $6, $7, 'alerted') on conflict do nothing
"""
SAME_ALERT = "select * from facility_alert where assignment_id = $1 and facility_id = $2 and status <> 'refused'"
READ_ALERT = "select * from facility_alert where id = $1"
LOCK_ALERT = "select * from facility_alert where id = $1 for no key update"
ANSWER_ALERT = """
update facility_alert set status = $2, answered_at = $3, reason = $4, other_facility_id = $5 where id = $1
"""
# What waits for an answer or was answered lately; a crew sees those of its own assignments.
ALERTS = Search("""
select f.*, t.severity, t.call_id from facility_alert f
join trip t on t.id = f.trip_id join assignment a on a.id = f.assignment_id
where ($1::text[] is null or f.area = any($1)) and f.alerted_at > $2
  and ($3::uuid is null or f.trip_id = $3) and ($4::uuid is null or a.crew_ids @> array[$4])
order by f.alerted_at desc, f.id limit 500
""")
FACILITY_IS_KNOWN = "select exists (select from facility where id = $1 and active)"

PUT_BED = """
insert into bed as b (id, area, facility_id, name, kind, active, changed_at) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (id) do update set facility_id = excluded.facility_id, name = excluded.name, kind = excluded.kind,
    active = excluded.active, changed_at = excluded.changed_at
where b.area = excluded.area and (b.facility_id, b.name, b.kind, b.active) is distinct from
    (excluded.facility_id, excluded.name, excluded.kind, excluded.active)
returning (xmax = 0) as made
"""
BED_AREA = "select area from bed where id = $1"
LOCK_BED = "select * from bed where id = $1 for no key update"
HOLD_BED = """
insert into bed_hold (id, area, bed_id, trip_id, held_at, expires_at) values ($1, $2, $3, $4, $5, $6)
"""
READ_HOLD = "select * from bed_hold where id = $1"
LOCK_HOLD = "select * from bed_hold where id = $1 for no key update"
USE_BED = "update bed_hold set used_at = $2, expires_at = null where id = $1"
END_HOLD = "update bed_hold set ended_at = $2, reason = $3 where id = $1"
BEDS = """
select b.*, h.id as hold_id, h.trip_id, h.held_at, h.expires_at, h.used_at,
       case when h.id is null then 'free' when h.used_at is null then 'held' else 'used' end as state
from bed b left join bed_hold h on h.bed_id = b.id and h.ended_at is null
where ($1::text[] is null or b.area = any($1)) and b.active and b.id > $2 order by b.id limit $3
"""


@dataclass(frozen=True, slots=True)
class Hold:
    """Somebody has a bed: kept until ``expires_at``, or, once they lie in it, for as long as it takes."""

    id: UUID
    area: str
    bed_id: UUID
    trip_id: UUID | None
    held_at: datetime
    expires_at: datetime | None = None
    used_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str | None = None

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        return cls(**{name: row[name] for name in cls.__slots__})


async def alert(db: Connection, values: tuple[Any, ...]) -> bool:
    """``id, area, trip_id, assignment_id, facility_id, expected_at, at``; False: told before, and not refused."""
    return await db.execute(INSERT_ALERT, *values) == "INSERT 0 1"


async def same_alert(db: Connection, assignment_id: UUID, facility_id: UUID) -> asyncpg.Record | None:
    return await db.fetchrow(SAME_ALERT, assignment_id, facility_id)


async def read_alert(db: Connection | Pool, alert_id: UUID) -> asyncpg.Record | None:
    return await db.fetchrow(READ_ALERT, alert_id)


async def lock_alert(db: Connection, alert_id: UUID) -> asyncpg.Record | None:
    return await db.fetchrow(LOCK_ALERT, alert_id)


async def answer(
    db: Connection, alert_id: UUID, status: str, at: datetime, reason: str | None, other: UUID | None
) -> None:
    await db.execute(ANSWER_ALERT, alert_id, status, at, reason, other)


async def alerts(
    db: Pool, areas: list[str] | None, since: datetime, trip_id: UUID | None, crew_id: UUID | None
) -> list[asyncpg.Record]:
    """Alerts since then, the latest first, with the trip's ``severity`` and ``call_id``."""
    return await look_up(db, ALERTS, areas, since, trip_id, crew_id)


async def is_known(db: Connection, facility_id: UUID) -> bool:
    return bool(await db.fetchval(FACILITY_IS_KNOWN, facility_id))


async def put_bed(db: Connection, values: tuple[Any, ...]) -> bool | None:
    """Put a bed: True when made, False when changed, None when nothing changed."""
    made: bool | None = await db.fetchval(PUT_BED, *values)
    return made


async def bed_area(db: Connection | Pool, bed_id: UUID) -> str | None:
    area: str | None = await db.fetchval(BED_AREA, bed_id)
    return area


async def lock_bed(db: Connection, bed_id: UUID) -> asyncpg.Record | None:
    return await db.fetchrow(LOCK_BED, bed_id)


async def hold(db: Connection, made: Hold) -> None:
    """Write a hold.

    Raises:
        asyncpg.UniqueViolationError: ``bed_hold_one``, the bed is somebody's.

    """
    await db.execute(HOLD_BED, made.id, made.area, made.bed_id, made.trip_id, made.held_at, made.expires_at)


async def read_hold(db: Connection | Pool, hold_id: UUID) -> Hold | None:
    row = await db.fetchrow(READ_HOLD, hold_id)
    return Hold.of(row) if row else None


async def lock_hold(db: Connection, hold_id: UUID) -> Hold | None:
    row = await db.fetchrow(LOCK_HOLD, hold_id)
    return Hold.of(row) if row else None


async def use(db: Connection, hold_id: UUID, at: datetime) -> None:
    await db.execute(USE_BED, hold_id, at)


async def end(db: Connection, hold_id: UUID, at: datetime, reason: str) -> None:
    await db.execute(END_HOLD, hold_id, at, reason)


async def beds(db: Pool, areas: list[str] | None, after: UUID, limit: int) -> list[asyncpg.Record]:
    """The bed board: every bed with its ``state`` (free, held, used) and who has it."""
    return await db.fetch(BEDS, areas, after, limit)
