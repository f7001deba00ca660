"""Rows sealed under an older key, and how they are written again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from services.registry.store.people import Doc
from shared.database import Connection, Pool

Row = asyncpg.Record

# $1: how a blob of the current key begins; $2: that key's id; $3: how many at once.
OLD_PERSONS = """
select id, name, birth, line_user_id, alias, usual_place, exercise from person p
where substring(name from 1 for 3) <> $1::bytea or substring(birth from 1 for 3) <> $1
   or substring(line_user_id from 1 for 3) <> $1
   or erased_at is null and not exists (
        select from person_mark m where m.person_id = p.id and m.key_id = $3 and m.way = $4)
limit $2 for update skip locked
"""
OLD_IDENTIFIERS = """
select i.*, p.exercise from identifier i join person p on p.id = i.person_id
where i.key_id <> $1 limit $2 for update of i skip locked
"""
OLD_CONTACTS = """
select c.*, p.exercise from contact c join person p on p.id = c.person_id
where c.key_id <> $1 limit $2 for update of c skip locked
"""
# Whoever was changed under the new key before the walk came to them has some of the new marks already.
SEAL_PERSONS = """
with fresh as (
    select * from jsonb_populate_recordset(null::person_key, $2)
), dropped as (
    delete from person_key k where k.person_id = any($3::uuid[])
    and not exists (select from fresh f where (f.person_id, f.kind, f.blind) = (k.person_id, k.kind, k.blind))
), named as (
    insert into person_key select * from fresh on conflict do nothing
), marked as (
    insert into person_mark select r.* from jsonb_populate_recordset(null::person_mark, $4) as r
    on conflict (person_id) do update set marks = excluded.marks, key_id = excluded.key_id, way = excluded.way
)
update person p set name = r.name, birth = r.birth, line_user_id = r.line_user_id, alias = r.alias,
    usual_place = r.usual_place
from jsonb_populate_recordset(null::person, $1) as r where p.id = r.id
"""
SEAL_IDENTIFIERS = """
update identifier i set value = r.value, blind = r.blind, key_id = r.key_id
from jsonb_populate_recordset(null::identifier, $1) as r where i.id = r.id
"""
SEAL_CONTACTS = """
update contact c set value = r.value, name = r.name, blind = r.blind, key_id = r.key_id
from jsonb_populate_recordset(null::contact, $1) as r where c.id = r.id
"""
SEALING = "select set_config('karuna.sealing', 'on', true)"
OLD_ADDRESSES = "select id, detail from address where key_id <> $1 limit $2 for update skip locked"
OLD_HOUSEHOLDS = "select id, detail from household where key_id <> $1 limit $2 for update skip locked"
SEAL_ADDRESSES = """
update address a set detail = r.detail, key_id = r.key_id
from jsonb_populate_recordset(null::address, $1) as r where a.id = r.id
"""
SEAL_HOUSEHOLDS = """
update household h set detail = r.detail, key_id = r.key_id
from jsonb_populate_recordset(null::household, $1) as r where h.id = r.id
"""
OLD_PLACES = {"address": (OLD_ADDRESSES, SEAL_ADDRESSES), "household": (OLD_HOUSEHOLDS, SEAL_HOUSEHOLDS)}
"""Table → how its old rows are found, and written again."""
COUNT_OLD = """
select (select count(*) from address where key_id <> $2) + (select count(*) from household where key_id <> $2)
     + (select count(*) from identifier where key_id <> $2) + (select count(*) from contact where key_id <> $2)
     + (select count(*) from person p where substring(name from 1 for 3) <> $1::bytea
        or substring(birth from 1 for 3) <> $1 or substring(line_user_id from 1 for 3) <> $1
        or erased_at is null and not exists (
            select from person_mark m where m.person_id = p.id and m.key_id = $2 and m.way = $3))
"""

KNOWS, SEALS = 7301, 7302
"""Classes of advisory locks, held with a key's id: a process reads by it; it seals by it."""
HOLD_KEYS = """
select pg_advisory_lock_shared($1::integer, key) from unnest($3::integer[]) as key
union all select pg_advisory_lock_shared($2::integer, $3[1])
"""

WORDS = "select number, word from key_word where number = any($1::integer[])"
WRITE_WORD = "insert into key_word (number, word, made_at) values ($1, $2, $3) on conflict do nothing"
# Only of a key that has no word yet: of a database that is older than words.
SOMEBODY = "select id, name from person where substring(name from 1 for 3) = $1::bytea limit 1"


async def words(db: Connection | Pool, ids: Sequence[int]) -> dict[int, bytes]:
    """Key → the word that was sealed under it; of a key that was never used there is none."""
    return {row["number"]: row["word"] for row in await db.fetch(WORDS, list(ids))}


async def write_word(db: Connection | Pool, key_id: int, word: bytes, at: datetime) -> None:
    """Keep the word of a key; the first one stays."""
    await db.execute(WRITE_WORD, key_id, word, at)


async def somebody(db: Connection | Pool, head: bytes) -> Row | None:
    """``id, name`` of anybody whose name is sealed under a key, by how its blobs begin."""
    return await db.fetchrow(SOMEBODY, head)


async def hold_keys(db: Connection, ids: Sequence[int]) -> None:
    """Hold the locks that say which keys this process knows, the one it seals with first, until the session ends."""
    await db.fetch(HOLD_KEYS, KNOWS, SEALS, list(ids))


async def begin(db: Connection) -> None:
    """Until the transaction ends rows are only sealed anew: nothing more is known of anybody by it."""
    await db.execute(SEALING)


async def old_persons(db: Connection, head: bytes, key_id: int, way: int, limit: int) -> list[Row]:
    """People sealed or marked under another key or another way of marking, and those who have no marks yet."""
    return await db.fetch(OLD_PERSONS, head, limit, key_id, way)


async def old_identifiers(db: Connection, key_id: int, limit: int) -> list[Row]:
    return await db.fetch(OLD_IDENTIFIERS, key_id, limit)


async def old_contacts(db: Connection, key_id: int, limit: int) -> list[Row]:
    return await db.fetch(OLD_CONTACTS, key_id, limit)


async def seal_persons(db: Connection, rows: Sequence[Doc], keys: Sequence[Doc], marks: Sequence[Doc]) -> None:
    await db.execute(SEAL_PERSONS, list(rows), list(keys), [row["id"] for row in rows], list(marks))


async def seal_identifiers(db: Connection, rows: Sequence[Doc]) -> None:
    await db.execute(SEAL_IDENTIFIERS, list(rows))


async def seal_contacts(db: Connection, rows: Sequence[Doc]) -> None:
    await db.execute(SEAL_CONTACTS, list(rows))


async def old_places(db: Connection, table: str, key_id: int, limit: int) -> list[Row]:
    """Rows of ``address`` or ``household`` under another key."""
    return await db.fetch(OLD_PLACES[table][0], key_id, limit)


async def seal_places(db: Connection, table: str, rows: Sequence[Doc]) -> None:
    await db.execute(OLD_PLACES[table][1], list(rows))


async def count_old(db: Connection, head: bytes, key_id: int, way: int) -> int:
    """How many rows are still under another key, or people marked by another way."""
    found: int = await db.fetchval(COUNT_OLD, head, key_id, way)
    return found
