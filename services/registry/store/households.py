"""Households: who lives together, from when until when, and why they are looked after."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool

Row = asyncpg.Record

WRITE = """
insert into household (id, area, area_code, detail, key_id, exercise, registered_at) values ($1, $2, $3, $4, $5, $6, $7)
"""
READ = """
select h.*, n.th, n.en from household h left join area_node n on n.code = h.area_code
where h.id = $1 and ($2::text[] is null or h.area = any($2))
"""
LOCK = "select * from household where id = $1 and ($2::text[] is null or area = any($2)) for update"
# Each person once, by the record that stands for them.
READ_MEMBERS = """
select m.id, survivor_of(m.person_id) as person_id, m.role, m.head, m.from_on, m.until_on, p.disclosure
from household_member m join person p on p.id = m.person_id
where m.household_id = $1 and (p.disclosure <> 'secret' or $2)
order by m.until_on is not null, not m.head, m.from_on, m.id
"""
OF_PERSON = """
select m.household_id, m.role, m.head from household_member m
where m.person_id = any(array(select records_of($1))) and m.until_on is null
order by m.person_id <> survivor_of($1), m.from_on desc limit 1
"""
ADD_MEMBER = """
insert into household_member (id, household_id, person_id, role, head, from_on) values ($1, $2, $3, $4, $5, $6)
"""
LEAVE = """
update household_member set until_on = $3 where household_id = $1 and person_id = any(array(select records_of($2)))
and until_on is null and from_on <= $3 returning id
"""
LIVES_IN = """
select household_id from household_member where person_id = any(array(select records_of($1))) and until_on is null
"""
HEAD_OF = "select id from household_member where household_id = $1 and head and until_on is null"
ADD_GROUP = """
insert into household_group (id, household_id, group_code, source, evidence, from_on, until_on)
values ($1, $2, $3, 'desk', $4, $5, $6) on conflict do nothing returning id
"""
READ_GROUPS = "select * from household_group where household_id = $1 order by from_on desc, id"
END_GROUP = """
update household_group set until_on = $3 where household_id = $1 and id = $2 and until_on is null and from_on <= $3
returning id
"""
# An address where nobody of the register lives or lived points at nobody we know any more.
FORGET_EMPTY = """
with empty as (
    select h.id from household h where h.id = any($1::uuid[])
    and not exists (select from household_member m where m.household_id = h.id)
), groups as (delete from household_group where household_id in (select id from empty))
delete from household where id in (select id from empty)
"""
HOUSES_OF = "select distinct household_id from household_member where person_id = any($1::uuid[])"


async def write(db: Connection, household_id: UUID, values: Sequence[Any], at: datetime) -> None:
    """``area, area_code, sealed detail, key_id, exercise``."""
    await db.execute(WRITE, household_id, *values, at)


async def read(db: Connection | Pool, household_id: UUID, areas: Sequence[str] | None) -> Row | None:
    return await db.fetchrow(READ, household_id, areas)


async def lock(db: Connection, household_id: UUID, areas: Sequence[str] | None) -> Row | None:
    return await db.fetchrow(LOCK, household_id, areas)


async def read_members(db: Connection | Pool, household_id: UUID, *, protected: bool) -> list[Row]:
    """Who lives there, the head first, then who did. Secret people only where ``protected``."""
    return await db.fetch(READ_MEMBERS, household_id, protected)


async def of_person(db: Connection | Pool, person_id: UUID) -> Row | None:
    """``household_id, role, head`` of where the person lives now."""
    return await db.fetchrow(OF_PERSON, person_id)


async def lives_in(db: Connection, person_id: UUID) -> list[UUID]:
    """Where any record of the person lives now."""
    return [row["household_id"] for row in await db.fetch(LIVES_IN, person_id)]


async def has_head(db: Connection, household_id: UUID) -> bool:
    return await db.fetchval(HEAD_OF, household_id) is not None


async def add_member(db: Connection, values: Sequence[Any]) -> None:
    """``id, household_id, person_id, role, head, from_on``."""
    await db.execute(ADD_MEMBER, *values)


async def leave(db: Connection, household_id: UUID, person_id: UUID, until_on: date) -> bool:
    """False where they do not live there, or came later than that day."""
    return bool(await db.fetch(LEAVE, household_id, person_id, until_on))


async def add_group(db: Connection, values: Sequence[Any]) -> bool:
    """``id, household_id, group, evidence, from_on, until_on``; False where it is in that group already."""
    return await db.fetchval(ADD_GROUP, *values) is not None


async def read_groups(db: Connection | Pool, household_id: UUID) -> list[Row]:
    return await db.fetch(READ_GROUPS, household_id)


async def end_group(db: Connection, household_id: UUID, group_id: UUID, until_on: date) -> bool:
    return await db.fetchval(END_GROUP, household_id, group_id, until_on) is not None


async def houses_of(db: Connection, person_ids: Sequence[UUID]) -> list[UUID]:
    """Every household these records ever lived in."""
    return [row["household_id"] for row in await db.fetch(HOUSES_OF, list(person_ids))]


async def forget_empty(db: Connection, household_ids: Sequence[UUID]) -> None:
    """Of these households leave nothing where nobody lives or lived any more."""
    await db.execute(FORGET_EMPTY, list(household_ids))
