"""Sealed texts of and about people: one table, so that a change of keys and an erasure reach all of them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from services.registry.store.people import Doc
from shared.database import Connection, Pool

Row = asyncpg.Record

PUT_TOLD = """
insert into told select r.* from jsonb_populate_recordset(null::told, $1) as r
on conflict (owner_id, field) do update set value = excluded.value, key_id = excluded.key_id
"""
READ_TOLD = "select * from told where owner_id = any($1::uuid[])"
DROP_TOLD = "delete from told where owner_id = any($1::uuid[])"
WIPE_TOLD = "delete from told where person_id = any($1::uuid[])"
OLD_TOLD = "select * from told where key_id <> $1 limit $2 for update skip locked"
COUNT_OLD_TOLD = "select count(*) from told where key_id <> $1"


async def put(db: Connection, rows: Sequence[Doc]) -> None:
    """Write these texts; one that stands in the same place is replaced."""
    if rows:
        await db.execute(PUT_TOLD, list(rows))


async def read(db: Connection | Pool, owner_ids: Sequence[UUID]) -> list[Row]:
    return await db.fetch(READ_TOLD, list(owner_ids))


async def drop(db: Connection, owner_ids: Sequence[UUID]) -> None:
    """Forget what these said."""
    await db.execute(DROP_TOLD, list(owner_ids))


async def wipe(db: Connection, person_ids: Sequence[UUID]) -> None:
    await db.execute(WIPE_TOLD, list(person_ids))


async def old(db: Connection, key_id: int, limit: int) -> list[Row]:
    return await db.fetch(OLD_TOLD, key_id, limit)


async def count_old(db: Connection, key_id: int) -> int:
    found: int = await db.fetchval(COUNT_OLD_TOLD, key_id)
    return found
