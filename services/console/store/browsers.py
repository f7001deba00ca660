"""On which browsers accounts have signed in: by the hash of a cookie that says nothing else."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from shared.database import Connection, Pool

ACCOUNTS_OF = "select account_id from browser where cookie_hash = $1 limit 500"
REMEMBER = """
insert into browser (cookie_hash, account_id, seen_at) values ($1, $2, $3)
on conflict (cookie_hash, account_id) do update set seen_at = excluded.seen_at
"""
DROP_OLD = "delete from browser where seen_at < $1"


async def accounts_of(db: Connection | Pool, cookie_hash: bytes) -> set[UUID]:
    """Who has signed in on it."""
    return {row["account_id"] for row in await db.fetch(ACCOUNTS_OF, cookie_hash)}


async def remember(db: Connection | Pool, cookie_hash: bytes, account_id: UUID, at: datetime) -> None:
    await db.execute(REMEMBER, cookie_hash, account_id, at)


async def drop_old(db: Connection | Pool, before: datetime) -> None:
    await db.execute(DROP_OLD, before)
