"""How often something may be tried: a count per key and window in PostgreSQL, for routes that need no token.

Why not a library: those that exist count in the memory of one process or in a store we do not have (the package
``limits`` knows Redis, Memcached, MongoDB), so N processes would allow N times as many guesses and a restart
would forget them. One upsert does it for all processes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import Request

from shared.database import Pool
from shared.errors import refuse
from shared.work import now_utc

COUNT_TRY = """
insert into throttle as t (bucket, key, opened_at, tries) values ($1, $2, $3, 1)
on conflict (bucket, key) do update set
    tries = case when t.opened_at <= $4 then 1 else least(t.tries + 1, 1000000) end,
    opened_at = case when t.opened_at <= $4 then excluded.opened_at else t.opened_at end
returning tries, opened_at
"""
READ_TRIES = "select tries from throttle where bucket = $1 and key = $2 and opened_at > $3"
FORGET_TRIES = "delete from throttle where bucket = $1 and key = $2"
SWEEP_TRIES = "delete from throttle where opened_at < $1"
KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``tries`` in ``window`` for one key; ``bucket`` names what is tried."""

    bucket: str
    tries: int
    window: timedelta


async def spend(pool: Pool, limit: Limit, key: str, *, at: datetime | None = None) -> None:
    """Count one try; it stays counted whatever becomes of the request.

    Raises:
        Refused: 429 with ``Retry-After``, when the key has used up its tries.

    """
    now = at or now_utc()
    row = await pool.fetchrow(COUNT_TRY, limit.bucket, _hash(key), now, now - limit.window)
    if row is not None and row["tries"] > limit.tries:
        wait_s = (row["opened_at"] + limit.window - now).total_seconds()
        raise refuse("too_many", headers={"Retry-After": str(max(1, round(wait_s)))})


async def spent(pool: Pool, limit: Limit, key: str, *, at: datetime | None = None) -> bool:
    """Whether the next try would be refused; nothing is counted."""
    tries = await pool.fetchval(READ_TRIES, limit.bucket, _hash(key), (at or now_utc()) - limit.window)
    return bool(tries and tries >= limit.tries)


async def forget(pool: Pool, limit: Limit, key: str) -> None:
    """The key has shown to be good: start its count afresh."""
    await pool.execute(FORGET_TRIES, limit.bucket, _hash(key))


async def sweep(pool: Pool, *, at: datetime | None = None) -> None:
    """Drop counts nobody needs any more."""
    await pool.execute(SWEEP_TRIES, (at or now_utc()) - KEPT)


def address_of(request: Request) -> str:
    """Where a request comes from, as the server sees it; a proxy in front is the server's setting to trust."""
    return request.client.host if request.client else "unknown"


def _hash(key: str) -> bytes:
    """Keys are addresses and codes: only their hash is kept."""
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()
