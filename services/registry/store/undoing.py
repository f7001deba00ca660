"""Undoing a file of people: which rows are left, who was touched since, and what a row had written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.database import Connection

Row = asyncpg.Record

LOCK_RUN = "select * from import_run where id = $1 and ($2::text[] is null or area = any($2)) for update"
BEGIN = """
update import_run set undo_begun_at = coalesce(undo_begun_at, $2), undo_by = coalesce(undo_by, $3),
    undo_reason = coalesce(undo_reason, $4) where id = $1
"""
# Of rows that stay it is asked again: what kept them may have gone.
LEFT = """
select t.row, t.verdict, t.code, t.person_id, t.undone, exists (
    select from import_row m where m.person_id = t.person_id and m.run_id = $1
    and m.verdict in ('created', 'possible_duplicate')) as made
from (
    select * from import_row where run_id = $1 and row >= $2 and person_id is not null
      and verdict in ('created', 'possible_duplicate', 'matched') order by row limit $3
) t order by t.row
"""
DONE = """
update import_run r set undone_at = $2 where r.id = $1 and r.undone_at is null and not exists (
    select from import_row t where t.run_id = r.id and t.undone is null and t.person_id is not null
    and t.verdict in ('created', 'possible_duplicate', 'matched'))
"""
TOUCHED = "select id, touched_since_file(id, $2) as why from unnest($1::uuid[]) as a (id)"
NOTED = "select * from person_match where run_id = $1 and row = $2 order by id desc"
OTHER_FILE = """
select exists (
    select from (select * from import_row where person_id = $1 and run_id <> $2 and verdict <> 'refused' offset 0) t
    cross join lateral (select * from import_run where id = t.run_id offset 0) f
    where f.undo_begun_at is null and f.last_at > $3)
"""
# Every fact that was noted with whether it stands as it was written.
FACTS = """
select k.kind, k.row_id as id, count(*) > 1 as changed from known k
where k.person_id = $1 and k.row_id = any($2::uuid[])
  and k.kind = any('{identifier,contact,address,membership}'::text[])
group by k.kind, k.row_id
union all
select 'need', n.id, n.met_at is not null or n.case_id is not null from life_need n
where n.person_id = $1 and n.id = any($2)
union all
select 'location', l.id, exists (select from picture i where i.location_id = l.id) or exists (
    select from location o where o.person_id = $1 and o.use = l.use and o.recorded_at > l.recorded_at)
from location l where l.person_id = $1 and l.id = any($2)
"""
TAKE_IDENTIFIERS = "delete from identifier where id = any($1::uuid[])"
TAKE_CONTACTS = "delete from contact where id = any($1::uuid[])"
TAKE_ADDRESSES = "delete from address where id = any($1::uuid[])"
TAKE_NEEDS = "delete from life_need where id = any($1::uuid[])"
TAKE_MEMBERSHIPS = "delete from membership where id = any($1::uuid[]) returning *"
USES = "select distinct use from location where id = any($1::uuid[])"
TAKE_LOCATIONS = "delete from location where id = any($1::uuid[])"
DROP_NOTED = "delete from person_match where id = $1"
MARK = "update import_row set undone = $3, stays = $4::text[] where run_id = $1 and row = $2"
MARK_ERASED = """
update import_row set undone = 'erased', stays = '{}' where run_id = $1 and person_id = any($2::uuid[])
"""
ERASED_BEFORE = """
select t.row from (
    select * from import_run where area = $1 and format = $2 and file = $3 and exercise = $4 offset 0
) f cross join lateral (
    select * from import_row where run_id = f.id and row between $5 and $6 offset 0) t
where t.person_id is null and t.verdict <> 'refused' and t.code is distinct from $7 and t.undone is null
"""


async def lock_run(db: Connection, run_id: UUID, areas: Sequence[str] | None) -> Row | None:
    """The run, held: no part of the file is taken meanwhile."""
    return await db.fetchrow(LOCK_RUN, run_id, areas)


async def begin(db: Connection, run_id: UUID, at: datetime, by: str, reason: str) -> None:
    """Who began it, when and why stays as it was first said."""
    await db.execute(BEGIN, run_id, at, by, reason)


async def left(db: Connection, run_id: UUID, from_row: int, limit: int) -> list[Row]:
    """Rows that wrote something, with ``made``: whether the file made their person."""
    return await db.fetch(LEFT, run_id, from_row, limit)


async def done(db: Connection, run_id: UUID, at: datetime) -> None:
    """It is undone if every row was looked at."""
    await db.execute(DONE, run_id, at)


async def touched(db: Connection, run_id: UUID, person_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """Of those whom the file has made: what somebody has done with them since."""
    return {row["id"]: row["why"] for row in await db.fetch(TOUCHED, list(person_ids), run_id)}


async def noted(db: Connection, run_id: UUID, row: int) -> list[Row]:
    """By what the row was taken for somebody, the last first."""
    return await db.fetch(NOTED, run_id, row)


async def other_file(db: Connection, person_id: UUID, run_id: UUID, since: datetime) -> bool:
    """Whether another file has told of them since."""
    found: bool = await db.fetchval(OTHER_FILE, person_id, run_id, since)
    return found


async def facts(db: Connection, person_id: UUID, ids: Sequence[UUID]) -> list[Row]:
    """``kind, id, changed``."""
    return await db.fetch(FACTS, person_id, list(ids))


async def take_facts(db: Connection, ids: Sequence[UUID]) -> list[Row]:
    """Forget these numbers, telephones, addresses, groups and needs; returns the memberships."""
    for statement in (TAKE_IDENTIFIERS, TAKE_CONTACTS, TAKE_ADDRESSES, TAKE_NEEDS):
        await db.execute(statement, list(ids))
    return await db.fetch(TAKE_MEMBERSHIPS, list(ids))


async def uses(db: Connection, ids: Sequence[UUID]) -> list[str]:
    return [row["use"] for row in await db.fetch(USES, list(ids))]


async def take_locations(db: Connection, ids: Sequence[UUID]) -> None:
    """Only inside ``calls.forgetting``, and where none of them counts."""
    await db.execute(TAKE_LOCATIONS, list(ids))


async def drop_noted(db: Connection, match_id: UUID) -> None:
    """Nothing of it is left."""
    await db.execute(DROP_NOTED, match_id)


async def mark(db: Connection, run_id: UUID, row: int, fate: str, stays: Sequence[str]) -> None:
    await db.execute(MARK, run_id, row, fate, list(stays))


async def mark_erased(db: Connection, run_id: UUID, person_ids: Sequence[UUID]) -> None:
    """All rows of the file that are theirs, before they are forgotten."""
    await db.execute(MARK_ERASED, run_id, list(person_ids))


async def erased_before(
    db: Connection, file: tuple[str, str, bytes, str, bool], rows: tuple[int, int], left_out: str
) -> set[int]:
    """Rows of this file, however it was sent, whose person was erased since and not by undoing it."""
    area, format_, digest, _, exercise = file
    found = await db.fetch(ERASED_BEFORE, area, format_, digest, exercise, *rows, left_out)
    return {row["row"] for row in found}
