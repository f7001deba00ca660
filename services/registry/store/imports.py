"""Files of people: who stands there already, for a whole part of a file at once, and how far each file came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.registry.store.links import Pair
from shared.database import Connection, Pool, Search, look_up

Row = asyncpg.Record

# FIND_CANDIDATES of people.py for many at once: $1, $2 number of the row and mark of a number; $3, $4 of a name. What
# the rules ask (same number, same telephone) is told by marks, for one candidate may be meant by several rows.
# What is a person's is fenced, and asked without "that stands": in a young database the index of all that stand would
# be walked for each person, and a file of those who are there would take the longer the more they are.
FIND_MANY = """
with found as (
    select a.n, i.person_id from unnest($1::int[], $2::bytea[]) as a (n, blind)
    cross join lateral (select person_id from identifier where blind = a.blind and until_on is null offset 0) i
    union
    select a.n, k.person_id from unnest($3::int[], $4::bytea[]) as a (n, blind)
    cross join lateral (select person_id from person_key where blind = a.blind and kind = 'name' limit 50) k
)
select f.n, p.*, survivor_of(p.id) as survivor_id,
    (select coalesce(array_agg(i.blind), '{}') from (select * from identifier where person_id = p.id offset 0) i
     where i.until_on is null and i.blind is not null) as own_numbers,
    (select coalesce(array_agg(i.blind), '{}') from (select * from identifier where person_id = p.id offset 0) i
     where i.until_on is null and i.verified) as seen_numbers,
    (select coalesce(array_agg(i.kind || ' ' || encode(i.blind, 'hex')), '{}')
     from (select * from identifier where person_id = any(r.records) offset 0) i
     where i.until_on is null and i.blind is not null) as numbers,
    (select coalesce(array_agg(c.blind), '{}')
     from (select * from contact where person_id = any(r.records) offset 0) c where c.until_on is null) as phones,
    (select coalesce(array_agg(e.person_id::text || ' ' || encode(e.mark, 'hex')), '{}')
     from (select * from entered_in_error where person_id = any(r.records) offset 0) e) as in_error,
    (select coalesce(array_agg(g.group_code), '{}')
     from (select * from membership where person_id = any(r.records) offset 0) g where g.until_on is null) as groups,
    (select coalesce(array_agg(a.kind), '{}')
     from (select * from address where person_id = any(r.records) offset 0) a where a.until_on is null) as addresses
from found f cross join lateral (select * from person where id = f.person_id offset 0) p
cross join lateral (select array(select records_of(p.id)) as records offset 0) r
where p.erased_at is null and p.exercise = $5
"""


async def find_many(
    db: Connection, numbers: Sequence[tuple[int, bytes]], names: Sequence[tuple[int, bytes]], *, exercise: bool
) -> list[Row]:
    """Everybody who may be meant by the row ``n``, with what they hold."""
    return await db.fetch(FIND_MANY, *_columns(numbers), *_columns(names), exercise)


OF_PERSON = """
select t.run_id, t.row, t.verdict, f.format, f.begun_at, f.begun_by, f.agency_id,
    a.name_th as agency_th, a.name_en as agency_en
from (select * from import_row where person_id = any(array(select records_of($1))) and verdict <> 'refused' offset 0) t
cross join lateral (select * from import_run where id = t.run_id offset 0) f
left join lateral (select * from agency where id = f.agency_id offset 0) a on true
where f.undo_begun_at is null or coalesce(t.undone in ('stays', 'partly'), false)
order by f.begun_at desc, t.row limit $2
"""


async def of_person(db: Connection | Pool, person_id: UUID, limit: int) -> list[Row]:
    """The rows of files by which this person came or was met, with their file and whose it is; newest first."""
    return await db.fetch(OF_PERSON, person_id, limit)


KNOWN_MARKS = """
select a.n from unnest($1::int[], $2::bytea[]) as a (n, blind)
cross join lateral (select from identifier where blind = a.blind and until_on is null limit 1) i
union
select a.n from unnest($3::int[], $4::bytea[]) as a (n, blind)
cross join lateral (select from person_key where blind = a.blind and kind = 'name' limit 1) k
"""


async def known_marks(pool: Pool, numbers: Sequence[tuple[int, bytes]], names: Sequence[tuple[int, bytes]]) -> set[int]:
    """The rows of which a number or a name stands already: a first look, before anything is held."""
    return {row["n"] for row in await pool.fetch(KNOWN_MARKS, *_columns(numbers), *_columns(names))}


# ALIKE of links.py for many at once: the marks of each row as an array's text, for rows have different numbers of them.
ALIKE_MANY = """
with asked as (
    select * from unnest($1::int[], $2::text[], $3::text[], $4::text[]) as a (n, keys, given, family)
), found as (
    select a.n, m.person_id from asked a cross join lateral (
        select person_id from person_mark where marks && a.keys::bigint[] limit 500) m
    union
    select a.n, m.person_id from asked a cross join lateral (
        select person_id from person_mark where marks && a.given::bigint[] and marks && a.family::bigint[] limit 500) m
    where a.given <> '{}' and a.family <> '{}'
    union
    select b.n, c.person_id from unnest($5::int[], $6::bytea[]) as b (n, blind) cross join lateral (
        select person_id from contact where blind = b.blind and until_on is null limit 21) c
)
select f.n, p.id, p.name, p.birth, p.sex,
    (select coalesce(array_agg(c.relation || ' ' || encode(c.blind, 'hex')), '{}') from contact c
     where c.person_id = p.id and c.until_on is null) as phones,
    (select coalesce(array_agg(i.kind || ' ' || encode(i.blind, 'hex')), '{}') from identifier i
     where i.person_id = p.id and i.until_on is null and i.kind = any($9::text[])) as numbers
from found f cross join lateral (select * from person where id = f.person_id offset 0) p
where p.erased_at is null and p.disclosure <> 'secret' and p.area = $7 and p.exercise = $8
"""


async def alike_many(
    db: Connection,
    keys: Sequence[tuple[int, str, str, str]],
    phones: Sequence[tuple[int, bytes]],
    area: str,
    kinds: Sequence[str],
    *,
    exercise: bool,
) -> list[Row]:
    """Who of the municipality may be the person of row ``n``. ``keys``: marks of pairs, of given and of family name."""
    columns = [list(column) for column in zip(*keys, strict=True)] if keys else [[], [], [], []]
    return await db.fetch(ALIKE_MANY, *columns, *_columns(phones), area, exercise, list(kinds))


ADD_PAIRS = """
insert into duplicate (id, area, one_id, other_id, score, reasons, found_at)
select id, $6, one_id, other_id, score, string_to_array(reasons, ' '), $7
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::real[], $5::text[]) as t (id, one_id, other_id, score, reasons)
on conflict do nothing
"""


async def add_pairs(db: Connection, pairs: Sequence[Pair], area: str, at: datetime) -> None:
    """Pairs of people who were just written down."""
    if pairs:
        await db.execute(ADD_PAIRS, *(list(column) for column in zip(*pairs, strict=True)), area, at)


def _columns(rows: Sequence[tuple[int, bytes]]) -> tuple[list[int], list[bytes]]:
    return [n for n, _ in rows], [blind for _, blind in rows]


# --- how far files came -------------------------------------------------------------------------------------------

BEGIN_RUN = """
insert into import_run (id, area, format, file, alike, exercise, agency_id, rows, begun_at, begun_by, last_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9) on conflict do nothing
"""
FIND_RUN = """
select * from import_run where area = $1 and format = $2 and file = $3 and alike = $4 and exercise = $5
and undone_at is null
"""
LOCK_RUN = f"{FIND_RUN} for update"
STEP_RUN = "update import_run set next_row = $2, counts = $3, last_at = $4 where id = $1"
WRITE_ROWS = """
insert into import_row (run_id, taken_at, row, verdict, person_id, field, code, th, en)
select $1, $2, * from unnest($3::int[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[])
"""
READ_RUN = "select * from import_run where id = $1 and ($2::text[] is null or area = any($2))"
READ_RUNS = Search("""
select * from import_run where ($1::text[] is null or area = any($1)) and ($2::uuid is null or id < $2)
order by id desc limit $3
""")
READ_ROWS = """
select * from import_row where run_id = $1 and row >= $2 and ($3::text is null or verdict = $3) order by row limit $4
"""
FORGET_PEOPLE = "update import_row set person_id = null where person_id = any($1::uuid[])"
FileKey = tuple[str, str, bytes, str, bool]
"""``area, format, file, alike, exercise``: by these a file is known again."""
RowWritten = tuple[int, str, UUID | None, str | None, str | None, str | None, str | None]
"""``row, verdict, person_id, field, code, th, en``."""


async def begin_run(db: Connection, values: Sequence[Any]) -> None:
    """``id, area, format, file, alike, exercise, agency_id, rows, begun_at, begun_by``; one that stands stays."""
    await db.execute(BEGIN_RUN, *values)


async def find_run(db: Connection, key: FileKey) -> Row | None:
    """The run of this file; None where it never came."""
    return await db.fetchrow(FIND_RUN, *key)


async def lock_run(db: Connection, key: FileKey) -> Row:
    """The run of this file, held until the part is done."""
    row = await db.fetchrow(LOCK_RUN, *key)
    assert row is not None  # noqa: S101 begun before
    return row


async def step_run(db: Connection, run_id: UUID, next_row: int, counts: dict[str, int], at: datetime) -> None:
    await db.execute(STEP_RUN, run_id, next_row, counts, at)


async def write_rows(db: Connection, run_id: UUID, rows: Sequence[RowWritten], at: datetime) -> None:
    await db.execute(WRITE_ROWS, run_id, at, *(list(column) for column in zip(*rows, strict=True)))


async def read_run(db: Connection | Pool, run_id: UUID, areas: Sequence[str] | None) -> Row | None:
    return await db.fetchrow(READ_RUN, run_id, areas)


async def read_runs(db: Pool, areas: Sequence[str] | None, after: UUID | None, limit: int) -> list[Row]:
    """The newest first."""
    return await look_up(db, READ_RUNS, areas, after, limit)


async def read_rows(db: Connection | Pool, run_id: UUID, from_row: int, verdict: str | None, limit: int) -> list[Row]:
    """What became of the rows from one on."""
    return await db.fetch(READ_ROWS, run_id, from_row, verdict, limit)


async def forget(db: Connection, person_ids: Sequence[UUID]) -> None:
    """Nothing says any more from which row of which file these people came."""
    await db.execute(FORGET_PEOPLE, list(person_ids))
