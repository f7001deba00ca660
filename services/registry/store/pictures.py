"""Pictures of visits and of places, sealed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool

Row = asyncpg.Record

PUT_PICTURE = """
insert into picture (id, person_id, visit_id, location_id, image, width, height, key_id, taken_by, kept_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing
returning id, person_id, visit_id, location_id, width, height, taken_by, kept_at
"""
READ_PICTURE = "select * from picture where id = $1"
READ_FACTS = """
select id, person_id, visit_id, location_id, width, height, taken_by, kept_at from picture where id = $1
"""
OF_VISITS = """
select id, visit_id, width, height, taken_by, kept_at from picture where visit_id = any($1::uuid[]) order by kept_at, id
"""
OF_LOCATIONS = """
select id, location_id, width, height, taken_by, kept_at from picture where location_id = any($1::uuid[])
order by kept_at, id
"""
OF_PEOPLE = "select id from picture where person_id = any($1::uuid[]) order by kept_at, id"
DROP_PICTURE = """
with gone as (delete from picture where id = $1 returning id)
insert into picture_gone (id, gone_at) select id, $2 from gone on conflict do nothing
"""
IS_GONE = "select exists (select from picture_gone where id = $1)"
WIPE_PICTURES = "delete from picture where person_id = any($1::uuid[])"
OLD_PICTURES = "select id, image from picture where key_id <> $1 limit $2 for update skip locked"
COUNT_OLD_PICTURES = "select count(*) from picture where key_id <> $1"
SEAL_PICTURE = "update picture set image = $2, key_id = $3 where id = $1"


async def put(db: Connection, values: Sequence[Any]) -> Row | None:
    """``id, person_id, visit_id, location_id, image, width, height, key_id, taken_by, kept_at``. Returns what is known

    of it without the picture; None where the id is another's.
    """
    return await db.fetchrow(PUT_PICTURE, *values)


async def read(db: Connection | Pool, picture_id: UUID) -> Row | None:
    return await db.fetchrow(READ_PICTURE, picture_id)


async def read_facts(db: Connection | Pool, picture_id: UUID) -> Row | None:
    """What is known of it, without the picture."""
    return await db.fetchrow(READ_FACTS, picture_id)


async def of_visits(db: Connection | Pool, visit_ids: Sequence[UUID]) -> list[Row]:
    """Of all these visits, the earliest first."""
    return await db.fetch(OF_VISITS, list(visit_ids))


async def of_locations(db: Connection | Pool, location_ids: Sequence[UUID]) -> list[Row]:
    return await db.fetch(OF_LOCATIONS, list(location_ids))


async def of_people(db: Connection | Pool, person_ids: Sequence[UUID]) -> list[UUID]:
    return [row["id"] for row in await db.fetch(OF_PEOPLE, list(person_ids))]


async def drop(db: Connection, picture_id: UUID, at: datetime) -> None:
    """Its id stays, and nothing else of it."""
    await db.execute(DROP_PICTURE, picture_id, at)


async def is_gone(db: Connection, picture_id: UUID) -> bool:
    """Somebody removed it."""
    gone: bool = await db.fetchval(IS_GONE, picture_id)
    return gone


async def wipe(db: Connection, person_ids: Sequence[UUID]) -> None:
    """Before the visits and places to which they belong."""
    await db.execute(WIPE_PICTURES, list(person_ids))


async def old(db: Connection, key_id: int, limit: int) -> list[Row]:
    return await db.fetch(OLD_PICTURES, key_id, limit)


async def count_old(db: Connection, key_id: int) -> int:
    found: int = await db.fetchval(COUNT_OLD_PICTURES, key_id)
    return found


async def seal(db: Connection, picture_id: UUID, image: bytes, key_id: int) -> None:
    await db.execute(SEAL_PICTURE, picture_id, image, key_id)
