"""What a community can rely on: people, skills, keys, boats. Who it is, and where, stands sealed in ``told``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool, Search, look_up

Row = asyncpg.Record

PUT_ENTRY = """
insert into community_entry as c (id, area, community, kind, count, person_id, checked_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (id) do update set community = excluded.community, kind = excluded.kind, count = excluded.count,
    person_id = excluded.person_id, checked_at = excluded.checked_at, ended_at = null
where c.area = excluded.area
returning c.xmax = 0
"""
READ_ENTRY = "select * from community_entry where id = $1"
END_ENTRY = "update community_entry set ended_at = $2 where id = $1 and ended_at is null"
# A secret or erased person, and the card by which they would be found, is in no list and no count.
READ_ENTRIES = Search("""
select e.* from community_entry e left join person p on p.id = e.person_id
where e.ended_at is null and ($1::text[] is null or e.area = any($1))
  and ($2::text is null or e.kind = $2) and ($3::text[] is null or e.community = any($3))
  and ($4::uuid is null or e.id > $4)
  and (e.person_id is null or (p.disclosure <> 'secret' and p.erased_at is null))
order by e.id limit $5
""")
READ_CARDS = Search("""
select e.area, e.community, e.kind, count(*) as entries, sum(e.count)::bigint as things, min(e.checked_at) as checked_at
from community_entry e left join person p on p.id = e.person_id
where e.ended_at is null and ($1::text[] is null or e.area = any($1))
  and ($2::text[] is null or e.community = any($2))
  and (e.person_id is null or (p.disclosure <> 'secret' and p.erased_at is null))
group by e.area, e.community, e.kind order by e.area, e.community, e.kind
""")


async def put_entry(db: Connection, values: Sequence[Any]) -> bool | None:
    """``id, area, community, kind, count, person_id, checked_at``.

    True where it is new, False where it stood before, None where the id is another area's.
    """
    fresh: bool | None = await db.fetchval(PUT_ENTRY, *values)
    return fresh


async def read_entry(db: Connection, entry_id: UUID) -> Row | None:
    return await db.fetchrow(READ_ENTRY, entry_id)


async def end_entry(db: Connection, entry_id: UUID, at: datetime) -> None:
    await db.execute(END_ENTRY, entry_id, at)


async def read_entries(
    db: Pool,
    areas: Sequence[str] | None,
    kind: str | None,
    communities: Sequence[str] | None,
    after: UUID | None,
    limit: int,
) -> list[Row]:
    return await look_up(db, READ_ENTRIES, areas, kind, communities, after, limit)


async def read_cards(db: Pool, areas: Sequence[str] | None, communities: Sequence[str] | None) -> list[Row]:
    """A row for each kind on each card: how many entries, how many things, and the longest since one was checked."""
    return await look_up(db, READ_CARDS, areas, communities)
