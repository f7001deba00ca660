"""Reviews, their actions, and the lessons drawn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool, Search, look_up

Row = asyncpg.Record

READ_CALL = "select * from call where id = $1 and erased_at is null"
OPEN_REVIEW = """
insert into review (id, area, case_id, call_id, person_id, reason, told_by, protected, exercise, opened_at, opened_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (told_by) where told_by is not null do nothing
returning id
"""
COMPLAINED = """
select exists (select from review where call_id = $1 and reason = 'complaint')
"""
READ_REVIEW = "select * from review where id = $1 and ($2::text[] is null or area = any($2))"
LOCK_REVIEW = """
select r.*, coalesce((select p.disclosure = 'secret' from person p where p.id = r.person_id), false) as secret
from review r where r.id = $1 and ($2::text[] is null or r.area = any($2)) for update of r
"""
# Secret people, also those of a call under review, are in no list. $5: where the person lives, or one of the call's.
READ_REVIEWS = Search("""
select r.* from review r where ($1::text[] is null or r.area = any($1)) and ($2::uuid is null or r.id < $2)
  and ($3::text is null or $3 = case when r.closed_at is not null then 'closed'
                                     when r.approved_at is not null then 'approved' else 'open' end)
  and not exists (select from person p where p.id = r.person_id and p.disclosure = 'secret')
  and not exists (select from call_person m join person p on p.id = m.person_id
                  where m.call_id = r.call_id and p.disclosure = 'secret')
  and ($5::text[] is null or lies_in(lives_in(r.person_id), $5) or exists (
    select from call_person m where m.call_id = r.call_id and lies_in(lives_in(m.person_id), $5)))
order by r.id desc limit $4
""")
PEOPLE_OF_CALL = "select person_id from call_person where call_id = $1"
CHANGE_REVIEW = "update review set root_cause = $2, version = version + 1 where id = $1"
APPROVE_REVIEW = """
update review set lesson = $2, call_kinds = $3, approved_at = $4, approved_by = $5, version = version + 1 where id = $1
"""
CLOSE_REVIEW = "update review set closed_at = $2, version = version + 1 where id = $1"
TIMELINE = """
select h.event_id, h.type, h.subject_id, h.occurred_at, h.call_id, h.codes from history h
where h.call_id = any(array(
    select c.id from call c where ($3::text[] is null or c.area = any($3)) and c.id = any(array(
        select $1::uuid where $1 is not null union select call_id from call_person where case_id = $2))))
order by h.occurred_at, h.event_id limit 500
"""


async def read_call(db: Connection, call_id: UUID) -> Row | None:
    return await db.fetchrow(READ_CALL, call_id)


async def open_review(db: Connection, values: Sequence[Any]) -> bool:
    """``id, area, case_id, call_id, person_id, reason, told_by, protected, exercise, opened_at, opened_by``.

    False where the complaint opened one before.
    """
    return await db.fetchval(OPEN_REVIEW, *values) is not None


async def complained(db: Connection, call_id: UUID) -> bool:
    """Whether a complaint about this call is or was under review: a replay must open none again."""
    return bool(await db.fetchval(COMPLAINED, call_id))


async def read_review(db: Connection | Pool, review_id: UUID, areas: Sequence[str] | None) -> Row | None:
    return await db.fetchrow(READ_REVIEW, review_id, areas)


async def people_of_call(db: Connection | Pool, call_id: UUID | None) -> list[UUID]:
    return [row["person_id"] for row in await db.fetch(PEOPLE_OF_CALL, call_id)]


async def lock_review(db: Connection, review_id: UUID, areas: Sequence[str] | None) -> Row | None:
    return await db.fetchrow(LOCK_REVIEW, review_id, areas)


async def read_reviews(
    db: Pool,
    areas: Sequence[str] | None,
    before: UUID | None,
    status: str | None,
    limit: int,
    places: Sequence[str] | None = None,
) -> list[Row]:
    """Newest first."""
    return await look_up(db, READ_REVIEWS, areas, before, status, limit, places)


async def change_review(db: Connection, review_id: UUID, root_cause: str | None) -> None:
    await db.execute(CHANGE_REVIEW, review_id, root_cause)


async def approve(db: Connection, review_id: UUID, lesson: str, kinds: Sequence[str], at: datetime, by: str) -> None:
    await db.execute(APPROVE_REVIEW, review_id, lesson, list(kinds), at, by)


async def close(db: Connection, review_id: UUID, at: datetime) -> None:
    await db.execute(CLOSE_REVIEW, review_id, at)


async def timeline(
    db: Connection | Pool, call_id: UUID | None, case_id: UUID | None, areas: Sequence[str] | None
) -> list[Row]:
    """What happened around the call, or all calls of the case in these areas, the earliest first."""
    return await db.fetch(TIMELINE, call_id, case_id, areas)


WRITE_ACTION = "insert into review_action (id, review_id, owner, due_on, made_at) values ($1, $2, $3, $4, $5)"
READ_ACTIONS = "select * from review_action where review_id = any($1::uuid[]) order by due_on, id"
READ_ACTION = "select * from review_action where id = $1"
LOCK_ACTION = "select * from review_action where id = $1 for update"
END_ACTION = "update review_action set done_at = $2, done_by = $3 where id = $1"


async def write_action(db: Connection, values: Sequence[Any]) -> None:
    """``id, review_id, owner, due_on, made_at``."""
    await db.execute(WRITE_ACTION, *values)


async def read_actions(db: Connection | Pool, review_ids: Sequence[UUID]) -> list[Row]:
    return await db.fetch(READ_ACTIONS, list(review_ids))


async def read_action(db: Connection, action_id: UUID) -> Row | None:
    return await db.fetchrow(READ_ACTION, action_id)


async def lock_action(db: Connection, action_id: UUID) -> Row | None:
    return await db.fetchrow(LOCK_ACTION, action_id)


async def end_action(db: Connection, action_id: UUID, at: datetime, by: str) -> None:
    await db.execute(END_ACTION, action_id, at, by)


# --- lessons --------------------------------------------------------------------------------------------------------

# What is learnt of a protected matter stays with those who looked after it; a call may have become one later.
LESSONS = Search("""
select r.id, r.area, r.lesson, r.root_cause, r.call_kinds, r.approved_at from review r
where r.approved_at is not null and not r.exercise and ($1::text[] is null or r.area = any($1))
  and ($2::text is null or position(lower($2) in lower(r.lesson)) > 0)
  and ($3::text is null or r.call_kinds @> array[$3])
  and ($4::text is null or r.root_cause = $4) and ($5::uuid is null or r.id < $5)
  and not r.protected and not exists (select from call c where c.id = r.call_id and c.protected)
  and not exists (select from person p where p.id = r.person_id and p.disclosure = 'secret')
  and not exists (select from call_person m join person p on p.id = m.person_id
                  where m.call_id = r.call_id and p.disclosure = 'secret')
order by r.id desc limit $6
""")
CAUSES = Search("""
select root_cause, count(*) as reviews, count(*) filter (where reason = 'complaint') as complaints,
       max(approved_at) as last_at
from review r where approved_at >= $2 and approved_at < $3 and area = $1 and not exercise
  and not r.protected and not exists (select from call c where c.id = r.call_id and c.protected)
  and not exists (select from person p where p.id = r.person_id and p.disclosure = 'secret')
  and not exists (select from call_person m join person p on p.id = m.person_id
                  where m.call_id = r.call_id and p.disclosure = 'secret')
group by root_cause order by reviews desc, root_cause
""")


async def lessons(db: Pool, *values: Any) -> list[Row]:
    """``areas, words, call_kind, root_cause, before, limit``; newest first."""
    return await look_up(db, LESSONS, *values)


async def causes(db: Pool, area: str, start: datetime, end: datetime) -> list[Row]:
    """How often each cause was found in reviews approved in that time, the most frequent first."""
    return await look_up(db, CAUSES, area, start, end)


# --- erasure --------------------------------------------------------------------------------------------------------

FORGET_PERSON = "update review set person_id = null where person_id = any($1::uuid[]) returning id"
FORGET_CALL = "select id from review where call_id = $1"
ACTIONS_OF = "select id from review_action where review_id = any($1::uuid[])"


async def of_person(db: Connection, person_ids: Sequence[UUID]) -> list[UUID]:
    """Reviews about these people, whose texts go; that there was one, its cause and its lesson stay."""
    ids = [row["id"] for row in await db.fetch(FORGET_PERSON, list(person_ids))]
    return ids + [row["id"] for row in await db.fetch(ACTIONS_OF, ids)]


async def of_call(db: Connection, call_id: UUID) -> list[UUID]:
    """Reviews about this call, and their actions."""
    ids = [row["id"] for row in await db.fetch(FORGET_CALL, call_id)]
    return ids + [row["id"] for row in await db.fetch(ACTIONS_OF, ids)]
