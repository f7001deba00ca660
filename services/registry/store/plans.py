"""Visits that are to be made: who goes to whom, until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool, Search, look_up

Row = asyncpg.Record

WRITE_PLAN = """
insert into planned_visit (id, person_id, crew_ids, kind, forms, due_on, planned_at, planned_by)
values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning id
"""
READ_PLAN = """
select v.*, p.area from planned_visit v join person p on p.id = v.person_id where v.id = $1
"""
LOCK_PLAN = "select * from planned_visit where id = $1 for update"
DONE = "update planned_visit set done_at = $2 where id = $1 and done_at is null and cancelled_at is null"
# By whichever of their records.
OPEN_OF = """
select v.id from planned_visit v where v.person_id = any(array(select records_of($1)))
  and v.done_at is null and v.cancelled_at is null order by v.id
"""
CANCELLED = "update planned_visit set cancelled_at = $2 where id = $1"
# One's own: what is open, and what was done a moment ago; secret people are in no list.
MINE = Search("""
select v.*, p.area from planned_visit v join person p on p.id = v.person_id
where v.crew_ids @> array[$1::uuid] and ($2::text[] is null or p.area = any($2)) and v.cancelled_at is null
  and (v.done_at is null or v.done_at > $3) and v.due_on <= $4
  and p.disclosure <> 'secret' and p.erased_at is null
order by v.due_on, v.id limit $5
""")
# ``$5``: planned, done, cancelled or disputed; ``$7``: codes of the area tree in which the person lives.
FIND = Search("""
select v.*, p.area, p.disclosure, exists (
    select from visit_value d where d.visit_id = v.id and d.state = 'disputed') as disputed
from planned_visit v join person p on p.id = v.person_id
where ($1::text[] is null or p.area = any($1)) and v.due_on between $2 and $3
  and ($4::uuid is null or v.crew_ids @> array[$4::uuid])
  and ($6::uuid is null or v.person_id = any(array(select records_of($6))))
  and ($7::text[] is null or lies_in(lives_in(p.id), $7))
  and case $5::text when 'planned' then v.done_at is null and v.cancelled_at is null
                    when 'done' then v.done_at is not null
                    when 'cancelled' then v.cancelled_at is not null
                    when 'disputed' then exists (
                        select from visit_value d where d.visit_id = v.id and d.state = 'disputed')
                    else true end
  and p.disclosure <> 'secret' and p.erased_at is null
  and ($8::date is null or (v.due_on, v.id) > ($8, $9::uuid))
order by v.due_on, v.id limit $10
""")
# Of each of these people, by whichever record: what READ_CONTACTS and its like tell of one, asked once for all.
RECORDS_OF_EACH = """
select w.id as whose, p.* from unnest($1::uuid[]) as w (id)
cross join lateral (select * from person p where p.id = any(array(select records_of(w.id))) offset 0) p
order by w.id, p.id <> survivor_of(w.id), p.changed_at desc, p.id
"""
CONTACTS_OF_EACH = """
select w.id as whose, c.*, exists (
    select from contact o join person q on q.id = o.person_id join person p on p.id = c.person_id
    where o.blind = c.blind and o.until_on is null and q.area = p.area and q.erased_at is null
      and q.disclosure <> 'secret' and q.id <> all(array(select records_of(w.id)))) as shared
from unnest($1::uuid[]) as w (id)
cross join lateral (
    select * from contact c where c.person_id = any(array(select records_of(w.id))) and c.until_on is null offset 0) c
order by w.id, c.since_at desc, c.id
"""
ADDRESSES_OF_EACH = """
select distinct on (w.id, a.kind) w.id as whose, a.*, n.th, n.en from unnest($1::uuid[]) as w (id)
cross join lateral (
    select * from address a where a.person_id = any(array(select records_of(w.id))) and a.until_on is null offset 0) a
left join area_node n on n.code = a.area_code
order by w.id, a.kind, a.person_id <> survivor_of(w.id), a.since_on desc, a.id
"""
HOMES_OF_EACH = """
select w.id as whose, h.method is not null as verified, l.* from unnest($1::uuid[]) as w (id)
cross join lateral (
    select * from whereabouts h where h.person_id = any(array(select records_of(w.id))) offset 0) h
cross join lateral (select * from location l where l.id = h.location_id offset 0) l
order by w.id, l.use <> 'home', h.verified_at desc nulls last
"""
IS_RECORD_OF = "select $2::uuid = any(array(select records_of($1)))"
# Whether $2 is somebody to whom $1 is sent, or was until $3: by a visit, a task, a team or a care group.
SENT = """
select exists (
    select from planned_visit v where v.person_id = any(w.ids) and v.crew_ids @> array[$1::uuid]
        and (v.done_at is null or v.done_at > $3) and (v.cancelled_at is null or v.cancelled_at > $3)
) or exists (
    select from case_file k
    cross join lateral (select * from task t where t.case_id = k.id and t.assignee_id = $1 offset 0) t
    where k.person_id = any(w.ids) and (t.done_at is null or t.done_at > $3)
) or exists (
    select from case_file k
    cross join lateral (select * from team_member m where m.case_id = k.id and m.crew_id = $1 offset 0) m
    where k.person_id = any(w.ids) and m.answer <> 'declined' and (k.closed_at is null or k.closed_at > $3)
) or exists (
    select from care_group_patient c
    cross join lateral (
        select * from care_group_member m where m.group_id = c.group_id and m.crew_id = $1 offset 0) m
    where c.person_id = any(w.ids)
) from (select array(select records_of($2)) as ids offset 0) w
"""
WIPE_PLANS = "delete from planned_visit where person_id = any($1::uuid[]) returning id"


async def write(db: Connection, values: Sequence[Any]) -> bool:
    """``id, person_id, crew_ids, kind, forms, due_on, planned_at, planned_by``; False where it stands already."""
    return await db.fetchval(WRITE_PLAN, *values) is not None


async def read(db: Connection | Pool, plan_id: UUID) -> Row | None:
    return await db.fetchrow(READ_PLAN, plan_id)


async def lock(db: Connection, plan_id: UUID) -> Row | None:
    return await db.fetchrow(LOCK_PLAN, plan_id)


async def is_of(db: Connection, plan: Row, person_id: UUID) -> bool:
    """Whether it was planned for this person, by whichever of their records."""
    found: bool = await db.fetchval(IS_RECORD_OF, plan["person_id"], person_id)
    return found


async def is_sent(db: Connection | Pool, crew_id: UUID, person_id: UUID, since: datetime) -> bool:
    """Whether this crew member goes to this person, or did until ``since``: a visit, task, team or care group."""
    found: bool = await db.fetchval(SENT, crew_id, person_id, since)
    return found


async def done(db: Connection, plan_id: UUID, at: datetime) -> None:
    """Somebody has been there; said again it changes nothing."""
    await db.execute(DONE, plan_id, at)


async def open_of(db: Connection, person_id: UUID) -> list[UUID]:
    """Visits that somebody is still to make to them."""
    return [row["id"] for row in await db.fetch(OPEN_OF, person_id)]


async def cancelled(db: Connection, plan_id: UUID, at: datetime) -> None:
    await db.execute(CANCELLED, plan_id, at)


async def mine(
    db: Pool, crew_id: UUID, areas: Sequence[str] | None, *, done_after: datetime, until: date, limit: int
) -> list[Row]:
    return await look_up(db, MINE, crew_id, areas, done_after, until, limit)


async def find(
    db: Pool, areas: Sequence[str] | None, days: tuple[date, date], *, crew_id: UUID | None, state: str | None,
    person_id: UUID | None, places: Sequence[str] | None, after: tuple[date, UUID] | None, limit: int,
) -> list[Row]:  # fmt: skip
    """Visits due between two days, both included; ``places``: codes in which the people live."""
    day, plan_id = after or (None, None)
    return await look_up(db, FIND, areas, *days, crew_id, state, person_id, places, day, plan_id, limit)


async def wipe(db: Connection, person_ids: Sequence[UUID]) -> list[UUID]:
    """Forget what was planned for these people; returns which. What it was for goes with their texts."""
    return [row["id"] for row in await db.fetch(WIPE_PLANS, list(person_ids))]


@dataclass(frozen=True, slots=True)
class AtTheDoor:
    """Of one person: their records, the survivor's first; contacts, addresses, and where they are held to be."""

    records: list[Row] = field(default_factory=list)
    contacts: list[Row] = field(default_factory=list)
    addresses: list[Row] = field(default_factory=list)
    homes: list[Row] = field(default_factory=list)


async def at_the_door(db: Connection | Pool, person_ids: Sequence[UUID]) -> dict[UUID, AtTheDoor]:
    """What whoever visits these people needs, in four statements however many they are. ``homes``: a home first."""
    found = {person_id: AtTheDoor() for person_id in person_ids}
    for row in await db.fetch(RECORDS_OF_EACH, list(found)):
        found[row["whose"]].records.append(row)
    for row in await db.fetch(CONTACTS_OF_EACH, list(found)):
        found[row["whose"]].contacts.append(row)
    for row in await db.fetch(ADDRESSES_OF_EACH, list(found)):
        found[row["whose"]].addresses.append(row)
    for row in await db.fetch(HOMES_OF_EACH, list(found)):
        found[row["whose"]].homes.append(row)
    return found
