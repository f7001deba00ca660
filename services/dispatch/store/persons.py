"""What the registry told of people: their groups, and which records are one person's."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from shared.database import Connection

# Of every record of the person.
GROUPS_OF = """
with recursive one (id) as (
    select $1::uuid
    union
    select l.id from one cross join lateral (
        select survivor_id as id from person_link where person_id = one.id
        union all select person_id from person_link where survivor_id = one.id offset 0) l
)
select distinct group_code from person_group where person_id = any(array(select id from one))
"""
# By whichever record they are called for.
OPEN_TRIPS_OF = """
with recursive one (id) as (
    select unnest($1::uuid[])
    union
    select l.id from one cross join lateral (
        select survivor_id as id from person_link where person_id = one.id
        union all select person_id from person_link where survivor_id = one.id offset 0) l
)
select id from trip where person_id = any(array(select id from one)) and ended_at is null
"""
LINK_RECORD = """
insert into person_link (person_id, survivor_id) values ($1, $2)
on conflict (person_id) do update set survivor_id = excluded.survivor_id
"""
UNLINK_RECORD = "delete from person_link where person_id = $1"
FORGET_RECORD = "delete from person_link where person_id = $1 or survivor_id = $1"
JOIN_GROUP = """
insert into person_group (membership_id, person_id, group_code) values ($1, $2, $3)
on conflict (membership_id) do nothing
"""
LEAVE_GROUP = "delete from person_group where membership_id = $1"
WIPE_GROUPS = "delete from person_group where person_id = $1"


async def groups_of(db: Connection, person_id: UUID) -> list[str]:
    return [row["group_code"] for row in await db.fetch(GROUPS_OF, person_id)]


async def open_trips_of(db: Connection, person_ids: Sequence[UUID]) -> list[UUID]:
    """The trips that these people still have before them, or are on."""
    return [row["id"] for row in await db.fetch(OPEN_TRIPS_OF, person_ids)]


async def link_record(db: Connection, person_id: UUID, survivor_id: UUID) -> None:
    """These two records are one person's."""
    await db.execute(LINK_RECORD, person_id, survivor_id)


async def unlink_record(db: Connection, person_id: UUID) -> None:
    await db.execute(UNLINK_RECORD, person_id)


async def join_group(db: Connection, membership_id: UUID, person_id: UUID, group: str) -> None:
    await db.execute(JOIN_GROUP, membership_id, person_id, group)


async def leave_group(db: Connection, membership_id: UUID) -> None:
    await db.execute(LEAVE_GROUP, membership_id)


async def wipe(db: Connection, person_id: UUID) -> None:
    await db.execute(WIPE_GROUPS, person_id)
    await db.execute(FORGET_RECORD, person_id)
