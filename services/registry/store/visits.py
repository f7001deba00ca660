"""Visits, field by field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool, Search, look_up

Row = asyncpg.Record

WRITE_VISIT = """
insert into visit (id, person_id, case_id, task_id, kind, visited_at, recorded_at, visitor, agency_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing returning id
"""
LOCK_VISIT = "select * from visit where id = $1 for update"
SET_FIX = "update visit set distance_m = $2, accuracy_m = $3 where id = $1 and distance_m is null"
READ_VISIT = """
select v.*, p.area, p.disclosure, p.erased_at from visit v join person p on p.id = v.person_id where v.id = $1
"""
READ_VISITS = """
select * from visit where person_id = any(array(select records_of($1))) order by visited_at desc, id desc limit 200
"""
READ_VALUES = "select * from visit_value where visit_id = any($1::uuid[]) order by said_at, id"
KNOWN_VALUES = "select once from visit_value where once = any($1::bytea[])"
WRITE_VALUE = """
insert into visit_value (id, visit_id, field, version, state, once, said_by, said_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
REPLACE_VALUE = "update visit_value set state = 'replaced' where visit_id = $1 and field = $2 and state = 'stands'"
REFUSE_VALUES = "update visit_value set state = 'refused' where visit_id = $1 and field = $2 and state = 'disputed'"
CHOOSE_VALUE = "update visit_value set state = 'stands', version = $2 where id = $1"
# Visits about which two phones disagree, for an officer; secret people's are in no list.
DISPUTED = Search("""
select v.*, p.area from visit v join person p on p.id = v.person_id
where v.id in (select visit_id from visit_value where state = 'disputed')
  and ($1::text[] is null or p.area = any($1)) and p.disclosure <> 'secret' and p.erased_at is null
  and ($2::uuid is null or v.id > $2) and ($4::text[] is null or lies_in(lives_in(p.id), $4))
order by v.id limit $3
""")
WIPE_VALUES = "delete from visit_value where visit_id in (select id from visit where person_id = any($1::uuid[]))"
WIPE_VISITS = "delete from visit where person_id = any($1::uuid[]) returning id"


async def write_visit(db: Connection, values: Sequence[Any]) -> bool:
    """``id, person_id, case_id, task_id, kind, visited_at, recorded_at, visitor, agency_id``; False where it stands."""
    return await db.fetchval(WRITE_VISIT, *values) is not None


async def lock_visit(db: Connection, visit_id: UUID) -> Row | None:
    return await db.fetchrow(LOCK_VISIT, visit_id)


async def set_fix(db: Connection, visit_id: UUID, distance_m: int, accuracy_m: int | None) -> None:
    """How far the first fix was from the registered point; later ones change nothing."""
    await db.execute(SET_FIX, visit_id, distance_m, accuracy_m)


async def read_visit(db: Connection | Pool, visit_id: UUID) -> Row | None:
    return await db.fetchrow(READ_VISIT, visit_id)


async def read_visits(db: Connection | Pool, person_id: UUID) -> list[Row]:
    return await db.fetch(READ_VISITS, person_id)


async def read_values(db: Connection | Pool, visit_ids: Sequence[UUID]) -> list[Row]:
    """Every value of these visits, the earliest first."""
    return await db.fetch(READ_VALUES, list(visit_ids))


async def known_values(db: Connection, marks: Sequence[bytes]) -> set[bytes]:
    """Which of these were written before."""
    return {row["once"] for row in await db.fetch(KNOWN_VALUES, list(marks))}


async def write_value(db: Connection, values: Sequence[Any]) -> None:
    """``id, visit_id, field, version, state, once, said_by, said_at``."""
    await db.execute(WRITE_VALUE, *values)


async def replace_value(db: Connection, visit_id: UUID, field: str) -> None:
    await db.execute(REPLACE_VALUE, visit_id, field)


async def choose_value(db: Connection, visit_id: UUID, field: str, value_id: UUID, version: int) -> None:
    """From now on this value stands; what stood and what was disputed beside it is kept as history."""
    await db.execute(REPLACE_VALUE, visit_id, field)
    await db.execute(REFUSE_VALUES, visit_id, field)
    await db.execute(CHOOSE_VALUE, value_id, version)


async def disputed(
    db: Pool, areas: Sequence[str] | None, after: UUID | None, limit: int, places: Sequence[str] | None = None
) -> list[Row]:
    return await look_up(db, DISPUTED, areas, after, limit, places)


async def wipe(db: Connection, person_ids: Sequence[UUID]) -> list[UUID]:
    """Forget these people's visits; returns which. Their assessments go first."""
    await db.execute(WIPE_VALUES, list(person_ids))
    return [row["id"] for row in await db.fetch(WIPE_VISITS, list(person_ids))]
