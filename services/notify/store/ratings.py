"""Ratings: whose call it is, and that on the public page it is rated once, and by each message that asks once."""

from __future__ import annotations

import asyncpg

from shared.database import Connection, Pool

CALL_BY_CODE = "select * from call where tracking_code = $1 and erased_at is null"
PHONES_OF_CALL = """
select phone from recipient where call_id = $1 and kind in ('caller', 'patient') and phone is not null
"""
RATED = "select exists (select from reply where call_id = $1 and channel = 'app' and score is not null)"
# By the call, for which there is an index; whoever asks holds the message.
RATED_BY_MESSAGE = "select exists (select from reply where call_id = $1 and message_id = $2 and score is not null)"


async def call_by_code(pool: Pool, code: str) -> asyncpg.Record | None:
    return await pool.fetchrow(CALL_BY_CODE, code)


async def phones_of_call(pool: Pool, call_id: object) -> list[str]:
    """The numbers by which those concerned prove themselves."""
    return [row["phone"] for row in await pool.fetch(PHONES_OF_CALL, call_id)]


async def rated(db: Connection, call_id: object) -> bool:
    return bool(await db.fetchval(RATED, call_id))


async def rated_by_message(db: Connection, call_id: object, message_id: object) -> bool:
    """Whether the question of this message was answered."""
    return bool(await db.fetchval(RATED_BY_MESSAGE, call_id, message_id))
