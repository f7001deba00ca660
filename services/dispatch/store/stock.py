"""Hydrants with their last check, and what neighbourhoods keep for an emergency, with what is out on loan."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool

PUT_HYDRANT = """
insert into hydrant as h (id, area, name, lon, lat, active, status, changed_at)
values ($1, $2, $3, $4, $5, $6, 'unchecked', $7)
on conflict (id) do update set name = excluded.name, lon = excluded.lon, lat = excluded.lat,
    active = excluded.active, changed_at = excluded.changed_at
where h.area = excluded.area
  and (h.name, h.lon, h.lat, h.active) is distinct from (excluded.name, excluded.lon, excluded.lat, excluded.active)
returning (xmax = 0) as made
"""
READ_HYDRANT = "select * from hydrant where id = $1"
LOCK_HYDRANT = "select * from hydrant where id = $1 for no key update"
CHECK_HYDRANT = "insert into hydrant_check (id, hydrant_id, status, at, note, actor) values ($1, $2, $3, $4, $5, $6)"
# A check that is reported late does not overrule a newer one.
SET_HYDRANT = """
update hydrant set status = $2, checked_at = $3, note = $4
where id = $1 and (checked_at is null or checked_at <= $3)
"""
HYDRANTS = """
select * from hydrant where ($1::text[] is null or area = any($1)) and active and id > $2 order by id limit $3
"""
HYDRANTS_OF_AREA = "select id, name, lon, lat, status from hydrant where area = $1 and active order by id limit 20000"

PUT_ACCOUNT = """
insert into equipment_account as e (id, area, kind, community, keeper, count, condition, maintenance_due_on, active,
                                    changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (id) do update set kind = excluded.kind, community = excluded.community, keeper = excluded.keeper,
    count = excluded.count, condition = excluded.condition, maintenance_due_on = excluded.maintenance_due_on,
    active = excluded.active, changed_at = excluded.changed_at
where e.area = excluded.area
  and (e.kind, e.community, e.keeper, e.count, e.condition, e.maintenance_due_on, e.active) is distinct from
      (excluded.kind, excluded.community, excluded.keeper, excluded.count, excluded.condition,
       excluded.maintenance_due_on, excluded.active)
returning (xmax = 0) as made
"""
READ_ACCOUNT = "select * from equipment_account where id = $1"
LOCK_ACCOUNT = "select * from equipment_account where id = $1 for no key update"
ACCOUNTS = """
select e.*, (select coalesce(sum(l.count), 0) from equipment_loan l
             where l.account_id = e.id and l.returned_at is null) as lent
from equipment_account e
where ($1::text[] is null or e.area = any($1)) and e.active and e.id > $2 order by e.id limit $3
"""
LENT = "select coalesce(sum(count), 0) from equipment_loan where account_id = $1 and returned_at is null"
LEND = """
insert into equipment_loan (id, area, account_id, trip_id, count, lent_at, due_at) values ($1, $2, $3, $4, $5, $6, $7)
"""
READ_LOAN = "select * from equipment_loan where id = $1"
LOCK_LOAN = "select * from equipment_loan where id = $1 for no key update"
RETURN_LOAN = "update equipment_loan set returned_at = $2, condition = $3 where id = $1"
SET_CONDITION = "update equipment_account set condition = $2, changed_at = $3 where id = $1"
TAKE_OFF = "update equipment_account set count = greatest(count - $2, 0), changed_at = $3 where id = $1"
LOANS_OUT = """
select l.*, e.kind, e.community from equipment_loan l join equipment_account e on e.id = l.account_id
where l.returned_at is null and ($1::text[] is null or l.area = any($1)) order by l.lent_at, l.id limit 1000
"""


async def put_hydrant(db: Connection, values: tuple[Any, ...]) -> bool | None:
    """Put a hydrant: True when made, False when changed, None when nothing changed. Its status comes from checks."""
    made: bool | None = await db.fetchval(PUT_HYDRANT, *values)
    return made


async def hydrant(db: Connection | Pool, hydrant_id: UUID) -> asyncpg.Record | None:
    return await db.fetchrow(READ_HYDRANT, hydrant_id)


async def lock_hydrant(db: Connection, hydrant_id: UUID) -> asyncpg.Record | None:
    return await db.fetchrow(LOCK_HYDRANT, hydrant_id)


async def check(
    db: Connection, check_id: UUID, hydrant_id: UUID, status: str, at: datetime, note: str | None, actor: str
) -> None:
    await db.execute(CHECK_HYDRANT, check_id, hydrant_id, status, at, note, actor)
    await db.execute(SET_HYDRANT, hydrant_id, status, at, note)


async def hydrants(db: Pool, areas: list[str] | None, after: UUID, limit: int) -> list[asyncpg.Record]:
    return await db.fetch(HYDRANTS, areas, after, limit)


async def hydrants_of(db: Pool, area: str) -> list[asyncpg.Record]:
    """``id, name, lon, lat, status`` of every hydrant of a municipality."""
    return await db.fetch(HYDRANTS_OF_AREA, area)


async def put_account(db: Connection, values: tuple[Any, ...]) -> bool | None:
    """Put an account: True when made, False when changed, None when nothing changed."""
    made: bool | None = await db.fetchval(PUT_ACCOUNT, *values)
    return made


async def account(db: Connection | Pool, account_id: UUID) -> asyncpg.Record | None:
    return await db.fetchrow(READ_ACCOUNT, account_id)


async def lock_account(db: Connection, account_id: UUID) -> asyncpg.Record | None:
    return await db.fetchrow(LOCK_ACCOUNT, account_id)


async def accounts(db: Pool, areas: list[str] | None, after: UUID, limit: int) -> list[asyncpg.Record]:
    """Accounts with ``lent``: how much of each is out."""
    return await db.fetch(ACCOUNTS, areas, after, limit)


async def lent(db: Connection, account_id: UUID) -> int:
    found: int = await db.fetchval(LENT, account_id)
    return found


async def lend(db: Connection, values: tuple[Any, ...]) -> None:
    await db.execute(LEND, *values)


async def loan(db: Connection | Pool, loan_id: UUID) -> asyncpg.Record | None:
    return await db.fetchrow(READ_LOAN, loan_id)


async def lock_loan(db: Connection, loan_id: UUID) -> asyncpg.Record | None:
    return await db.fetchrow(LOCK_LOAN, loan_id)


async def give_back(db: Connection, loan_id: UUID, at: datetime, condition: str) -> None:
    await db.execute(RETURN_LOAN, loan_id, at, condition)


async def set_condition(db: Connection, account_id: UUID, condition: str, at: datetime) -> None:
    await db.execute(SET_CONDITION, account_id, condition, at)


async def take_off(db: Connection, account_id: UUID, count: int, at: datetime) -> None:
    """So many are gone for good."""
    await db.execute(TAKE_OFF, account_id, count, at)


async def loans_out(db: Pool, areas: list[str] | None) -> list[asyncpg.Record]:
    """What is out, the longest first, with ``kind`` and ``community`` of its account."""
    return await db.fetch(LOANS_OUT, areas)
