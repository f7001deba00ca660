"""Ratings: whose call it is, and that a trip is rated once, by LINE or on the public page."""

from __future__ import annotations

from uuid import UUID

import asyncpg

from shared.database import Connection, Pool

CALL_BY_CODE = "select * from call where tracking_code = $1 and erased_at is null"
PHONES_OF_CALL = """
select phone from recipient where call_id = $1 and kind in ('caller', 'patient') and phone is not null
"""
# By the call, for which there is an index. $2, $3: the message and the trip that are asked about; a rating of the
# public page is of the whole call, and so is the question whether it may come.
RATED = """
select exists (select from reply where call_id = $1 and score is not null
    and ($2::uuid is null or message_id = $2 or trip_id = $3::uuid or channel = 'app'))
"""
HOLD_CALL = "select id from call where id = $1 for update"


async def call_by_code(pool: Pool, code: str) -> asyncpg.Record | None:
    return await pool.fetchrow(CALL_BY_CODE, code)


async def phones_of_call(pool: Pool, call_id: object) -> list[str]:
    """The numbers by which those concerned prove themselves."""
    return [row["phone"] for row in await pool.fetch(PHONES_OF_CALL, call_id)]


async def rated(db: Connection, call_id: UUID, message_id: UUID | None = None, trip_id: UUID | None = None) -> bool:
    """Whether this trip, or without a message anything of this call, was rated by whatever way.

    The call is held: of two who rate at the same moment the second sees the first.
    """
    await db.execute(HOLD_CALL, call_id)
    return bool(await db.fetchval(RATED, call_id, message_id, trip_id))
