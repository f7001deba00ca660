"""The six barriers of calls, with their actions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool

Row = asyncpg.Record
Doc = dict[str, Any]

READ_BARRIERS = "select * from barrier where call_id = any($1) order by opened_at, barrier"
CALL_OF_BARRIER = "select call_id from barrier where id = $1"
LOCK_BARRIER = "select * from barrier where id = $1 for update"
ADD_BARRIERS = """
insert into barrier select r.* from jsonb_populate_recordset(null::barrier, $1) as r
on conflict on constraint barrier_once_per_call do nothing returning *
"""
END_BARRIER = """
update barrier set state = $2, outcome = $3, reason = $4, owner = coalesce($5, owner), ended_at = $6
where id = $1 and state = 'asked' returning *
"""


async def read_barriers(db: Connection | Pool, call_ids: Sequence[UUID]) -> list[Row]:
    return await db.fetch(READ_BARRIERS, list(call_ids))


async def call_of_barrier(db: Connection, barrier_id: UUID) -> UUID | None:
    call_id: UUID | None = await db.fetchval(CALL_OF_BARRIER, barrier_id)
    return call_id


async def lock_barrier(db: Connection, barrier_id: UUID) -> Row | None:
    return await db.fetchrow(LOCK_BARRIER, barrier_id)


async def add_barriers(db: Connection, barriers: Sequence[Doc]) -> list[Row]:
    """Open them; a barrier that the call has already is left as it is. Returns the new ones."""
    return await db.fetch(ADD_BARRIERS, list(barriers))


async def end_barrier(
    db: Connection,
    barrier_id: UUID,
    state: str,
    outcome: str | None,
    reason: str | None,
    owner: str | None,
    at: datetime,
) -> Row | None:
    """Met or unmet; None where it had ended before."""
    return await db.fetchrow(END_BARRIER, barrier_id, state, outcome, reason, owner, at)
