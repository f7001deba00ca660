"""Assessments, what they propose, and needs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool, Search, look_up

Row = asyncpg.Record

# --- assessments --------------------------------------------------------------------------------------------------

WRITE_ASSESSMENT = """
insert into assessment (id, person_id, visit_id, instrument, version, score, band, dimensions, assessed_at, recorded_at,
                        assessor)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing returning id
"""
READ_ASSESSMENT = "select * from assessment where id = $1"
CASE_OF_VISIT = "select case_id from visit where id = $1"
READ_ASSESSMENTS = """
select a.*, lag(a.score) over of_form as score_before, lag(a.band) over of_form as band_before,
       (select v.case_id from visit v where v.id = a.visit_id) as case_id
from assessment a where a.person_id = any(array(select records_of($1)))
window of_form as (partition by a.instrument order by a.assessed_at, a.id)
order by a.assessed_at desc, a.id desc limit 200
"""
NEAREST = """
select a.id, a.band, a.assessed_at from assessment a
where a.person_id = any(array(select records_of($1))) and a.instrument = $2 and a.id <> $3
order by a.assessed_at desc, a.id desc limit 1
"""
GROUPS_NOW = """
select group_code from membership where person_id = any(array(select records_of($1))) and until_on is null
"""
OF_PERSON = "select exists (select from case_file where id = $1 and person_id = any(array(select records_of($2))))"
VISIT_OF_PERSON = "select exists (select from visit where id = $1 and person_id = any(array(select records_of($2))))"


async def write_assessment(db: Connection, values: Sequence[Any]) -> bool:
    """False where one with this id stands already."""
    return await db.fetchval(WRITE_ASSESSMENT, *values) is not None


async def read_assessment(db: Connection, assessment_id: UUID) -> Row | None:
    return await db.fetchrow(READ_ASSESSMENT, assessment_id)


async def read_assessments(db: Connection | Pool, person_id: UUID) -> list[Row]:
    """The last 200, newest first, each with score and band of the one before it by the same form."""
    return await db.fetch(READ_ASSESSMENTS, person_id)


async def last_other(db: Connection, person_id: UUID, instrument: str, assessment_id: UUID) -> Row | None:
    """The latest assessment by the same form beside this one."""
    return await db.fetchrow(NEAREST, person_id, instrument, assessment_id)


async def groups_now(db: Connection, person_id: UUID) -> set[str]:
    return {row["group_code"] for row in await db.fetch(GROUPS_NOW, person_id)}


async def case_is_of(db: Connection, case_id: UUID, person_id: UUID) -> bool:
    found: bool = await db.fetchval(OF_PERSON, case_id, person_id)
    return found


async def case_of_visit(db: Connection, visit_id: UUID) -> UUID | None:
    found: UUID | None = await db.fetchval(CASE_OF_VISIT, visit_id)
    return found


async def visit_is_of(db: Connection, visit_id: UUID, person_id: UUID) -> bool:
    found: bool = await db.fetchval(VISIT_OF_PERSON, visit_id, person_id)
    return found


# --- what they propose ----------------------------------------------------------------------------------------------

# A later assessment says it anew: the open proposal of the same group is its own from then on.
PROPOSE = """
insert into group_proposal (id, person_id, area, group_code, joins, assessment_id, proposed_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (person_id, group_code) where decision is null
do update set joins = excluded.joins, assessment_id = excluded.assessment_id, proposed_at = excluded.proposed_at
"""
LOCK_PROPOSAL = "select * from group_proposal where id = $1 for update"
DECIDE = "update group_proposal set decision = $2, decided_by = $3, decided_at = $4 where id = $1"
OPEN_PROPOSALS = Search("""
select g.* from group_proposal g join person p on p.id = g.person_id
where g.decision is null and ($1::text[] is null or g.area = any($1)) and p.disclosure <> 'secret'
  and p.erased_at is null and ($2::uuid is null or g.id > $2)
  and ($4::text[] is null or lies_in(lives_in(p.id), $4))
order by g.id limit $3
""")
LEAVE_GROUP = """
update membership set until_on = greatest($3, from_on)
where person_id = any(array(select records_of($1))) and group_code = $2 and until_on is null returning id, protected
"""


async def propose(db: Connection, values: Sequence[Any]) -> None:
    """``id, person_id, area, group_code, joins, assessment_id, proposed_at``."""
    await db.execute(PROPOSE, *values)


async def lock_proposal(db: Connection, proposal_id: UUID) -> Row | None:
    return await db.fetchrow(LOCK_PROPOSAL, proposal_id)


async def decide(db: Connection, proposal_id: UUID, decision: str, by: str, at: datetime) -> None:
    await db.execute(DECIDE, proposal_id, decision, by, at)


async def open_proposals(
    db: Pool, areas: Sequence[str] | None, after: UUID | None, limit: int, places: Sequence[str] | None = None
) -> list[Row]:
    return await look_up(db, OPEN_PROPOSALS, areas, after, limit, places)


async def leave_group(db: Connection, person_id: UUID, group: str, on: date) -> list[Row]:
    """End what stands of this membership; returns ``id, protected`` of each."""
    return await db.fetch(LEAVE_GROUP, person_id, group, on)


# --- needs ----------------------------------------------------------------------------------------------------------

WRITE_NEEDS = """
insert into life_need (id, person_id, case_id, need, urgency, opened_at, opened_by, agency_id)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::smallint[], $6::timestamptz[], $7::text[],
                     $8::uuid[])
on conflict do nothing returning id
"""
OPEN_NEED = """
select * from life_need where person_id = any(array(select records_of($1))) and need = $2 and met_at is null
  and agency_id is not distinct from $3 limit 1
"""
RAISE_NEED = "update life_need set urgency = $2 where id = $1"
LOCK_NEED = "select * from life_need where id = $1 for update"
MEET_NEED = "update life_need set met_at = $2, outcome = $3 where id = $1"
READ_NEEDS = """
select * from life_need where person_id = any(array(select records_of($1)))
order by (met_at is null) desc, urgency desc, opened_at desc, id limit 200
"""


Need = tuple[UUID, UUID, UUID | None, str, int, datetime, str, UUID | None]
"""``id, person_id, case_id, need, urgency, opened_at, opened_by, agency_id``."""


async def write_needs(db: Connection, needs: Sequence[Need]) -> set[UUID]:
    """The ids of those that were not open, or known, already."""
    return {row["id"] for row in await db.fetch(WRITE_NEEDS, *map(list, zip(*needs, strict=True)))}


async def open_need(db: Connection, person_id: UUID, need: str, agency_id: UUID | None = None) -> Row | None:
    """The open one of this owner: the municipality, or an agency."""
    return await db.fetchrow(OPEN_NEED, person_id, need, agency_id)


async def set_urgency(db: Connection, need_id: UUID, urgency: int) -> None:
    await db.execute(RAISE_NEED, need_id, urgency)


async def lock_need(db: Connection, need_id: UUID) -> Row | None:
    return await db.fetchrow(LOCK_NEED, need_id)


async def meet_need(db: Connection, need_id: UUID, at: datetime, outcome: str) -> None:
    await db.execute(MEET_NEED, need_id, at, outcome)


async def read_needs(db: Connection | Pool, person_id: UUID) -> list[Row]:
    """The open ones first, the most urgent first."""
    return await db.fetch(READ_NEEDS, person_id)


# --- erasure --------------------------------------------------------------------------------------------------------

WIPE_PROPOSALS = "delete from group_proposal where person_id = any($1::uuid[])"
WIPE_ASSESSMENTS = "delete from assessment where person_id = any($1::uuid[]) returning id"
WIPE_NEEDS = "delete from life_need where person_id = any($1::uuid[]) returning id"
WIPE_ENTRIES = "delete from community_entry where person_id = any($1::uuid[])"


async def wipe(db: Connection, person_ids: Sequence[UUID]) -> tuple[list[UUID], list[UUID]]:
    """Forget what was found of these people; returns their assessments and needs."""
    ids = list(person_ids)
    await db.execute(WIPE_PROPOSALS, ids)
    await db.execute(WIPE_ENTRIES, ids)
    gone = await db.fetch(WIPE_ASSESSMENTS, ids)
    return [row["id"] for row in gone], [row["id"] for row in await db.fetch(WIPE_NEEDS, ids)]
