"""Who looked at a person, or changed something of theirs: the audit's rows of one person, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from shared.database import Pool, Search, look_up

# Of rows that name many (lists) those in which the person stands; each way by its own index.
LOOKS_AT = Search("""
with one as (
    select id, at, caller, role, purpose, act, detail from audit
    where subject_id = any($1::uuid[]) and ($2::text[] is null or areas && $2) order by id desc limit $3
), listed as (
    select id, at, caller, role, purpose, act, detail from audit
    where detail ? 'ids' and detail -> 'ids' ?| $1::text[] and ($2 is null or areas && $2) order by id desc limit $3
)
select * from (select * from one union all select * from listed) looks order by id desc limit $3
""")


async def looks_at(
    pool: Pool, person_ids: Sequence[UUID], areas: Sequence[str] | None, limit: int
) -> list[asyncpg.Record]:
    """``id, at, caller, role, purpose, act, detail`` of rows about any of a person's records."""
    return await look_up(pool, LOOKS_AT, list(person_ids), areas, limit)
