"""Infectious waste: what was packed, and every hand that took it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool

INSERT_WASTE = """
insert into waste (id, area, unit_id, trip_id, bags, weight_g, sealed, packed_at, recorded_at, actor, crew_id, exercise)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict (id) do nothing returning id
"""
READ_WASTE = "select * from waste where id = $1"
LOCK_WASTE = "select * from waste where id = $1 for no key update"
SEAL_WASTE = "update waste set sealed = true where id = $1 and not sealed"
DISPOSE_WASTE = "update waste set disposed_at = $2 where id = $1"
WASTE_BETWEEN = """
select * from waste where area = $1 and packed_at >= $2 and packed_at < $3 and not exercise
order by packed_at desc, id limit 1000
"""
WASTE_OF_UNITS = """
select * from waste where area = any($1::text[]) and packed_at >= $3 and unit_id = any($2::uuid[])
  and disposed_at is null
order by packed_at desc, id limit 100
"""
INSERT_WASTE_HANDOVER = """
insert into waste_handover (id, waste_id, number, receiver, bags, weight_g, at, recorded_at, actor, crew_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
CHAINS = "select * from waste_handover where waste_id = any($1::uuid[]) order by waste_id, number"


async def insert(db: Connection, values: tuple[Any, ...]) -> bool:
    """Whether it is new: one of that id may be there already."""
    return await db.fetchval(INSERT_WASTE, *values) is not None


async def read(db: Connection | Pool, waste_id: UUID) -> asyncpg.Record | None:
    return await db.fetchrow(READ_WASTE, waste_id)


async def lock(db: Connection, waste_id: UUID) -> asyncpg.Record | None:
    return await db.fetchrow(LOCK_WASTE, waste_id)


async def seal(db: Connection, waste_id: UUID) -> None:
    await db.execute(SEAL_WASTE, waste_id)


async def dispose(db: Connection, waste_id: UUID, at: datetime) -> None:
    await db.execute(DISPOSE_WASTE, waste_id, at)


async def hand_over(db: Connection, values: tuple[Any, ...]) -> None:
    await db.execute(INSERT_WASTE_HANDOVER, *values)


async def between(db: Pool, area: str, from_at: datetime, until_at: datetime) -> list[asyncpg.Record]:
    """Waste packed in ``from_at <= at < until_at``, the latest first; exercises never."""
    return await db.fetch(WASTE_BETWEEN, area, from_at, until_at)


async def of_units(db: Pool, areas: Sequence[str], unit_ids: Sequence[UUID], from_at: datetime) -> list[asyncpg.Record]:
    """What these units packed since then and nobody has disposed of, the latest first; in exercises too."""
    return await db.fetch(WASTE_OF_UNITS, list(areas), list(unit_ids), from_at)


async def chains(db: Connection | Pool, waste_ids: Sequence[UUID]) -> dict[UUID, list[asyncpg.Record]]:
    """The hands that took each, in their order."""
    found: dict[UUID, list[asyncpg.Record]] = {}
    for row in await db.fetch(CHAINS, list(waste_ids)):
        found.setdefault(row["waste_id"], []).append(row)
    return found
