"""What was written of somebody since they were taken for whom a call was told of, and giving it to that person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool

Row = asyncpg.Record

# $2: since when; $3: the case the call stands in; $4: what was noted of it, whenever it was written.
WRITTEN = """
with record as materialized (select records_of($1) as id)
select 'visit' as kind, id, visited_at as at, kind as code, case_id, visitor as by, null::uuid as with_id from visit
where person_id = any(array(select id from record)) and (recorded_at >= $2 or case_id = $3 or id = any($4::uuid[]))
union all
select 'plan', id, planned_at, kind, null, planned_by, null from planned_visit
where person_id = any(array(select id from record)) and (planned_at >= $2 or id = any($4))
  and done_at is null and cancelled_at is null
union all
select 'location', id, observed_at, use, null, seen_by, null from location
where person_id = any(array(select id from record)) and (recorded_at >= $2 or id = any($4))
union all
select 'assessment', a.id, a.assessed_at, a.instrument, null, a.assessor, a.visit_id from assessment a
where a.person_id = any(array(select id from record)) and (a.recorded_at >= $2 or a.id = any($4)
  or exists (select from visit v where v.id = a.visit_id and (v.case_id = $3 or v.id = any($4))))
union all
select 'need', id, opened_at, need, case_id, opened_by, null from life_need
where person_id = any(array(select id from record)) and (opened_at >= $2 or case_id = $3 or id = any($4))
union all
select 'consent', id, given_at, purpose, null, recorded_by, null from consent
where person_id = any(array(select id from record)) and recorded_at >= $2 and withdrawn_at is null
union all
select 'correction', id, proposed_at, null, null, proposed_by, null from correction
where person_id = any(array(select id from record)) and proposed_at >= $2 and decision is null
union all
select 'task', id, assigned_at, kind, case_id, assigned_by, null from task where case_id = $3
union all
select 'team', id, invited_at, role, case_id, invited_by, null from team_member where case_id = $3
"""
# By hand: what another call told goes with that one. An assessment that was the reason is named as evidence.
FACTS_SINCE = """
select k.kind, k.row_id as id, min(k.known_from) as at, (array_agg(k.doc order by k.known_from desc))[1] as doc
from known k where k.person_id = any(array(select records_of($1)))
  and k.kind = any('{identifier,contact,address,membership,household_member}'::text[])
group by k.kind, k.row_id having min(k.known_from) > $2
"""
CASE_OF = "select case_id from call_person where call_id = $1 and patient_id = $2 and person_id = $3"
# Opened by this call, and no other is in it.
ALONE = """
select exists (select from case_file k where k.id = $1 and k.opened_call_id = $2
    and not exists (select from call_person m where m.case_id = k.id and (m.call_id, m.patient_id) <> ($2, $3)))
"""


async def written(db: Connection | Pool, person_id: UUID, since: datetime, case_id: UUID | None,
                  noted: Sequence[UUID]) -> list[Row]:  # fmt: skip
    """``kind, id, at, code, case_id, by, with_id``."""
    return await db.fetch(WRITTEN, person_id, since, case_id, list(noted))


async def facts_since(db: Connection | Pool, person_id: UUID, since: datetime) -> list[Row]:
    """``kind, id, at, doc``: numbers, telephones, addresses, groups and households, first known since."""
    return await db.fetch(FACTS_SINCE, person_id, since)


async def case_of(db: Connection | Pool, call: tuple[UUID, UUID], person_id: UUID) -> UUID | None:
    found: UUID | None = await db.fetchval(CASE_OF, *call, person_id)
    return found


async def is_alone(db: Connection | Pool, case_id: UUID, call: tuple[UUID, UUID]) -> bool:
    """Whether this patient of this call is all the case is of."""
    found: bool = await db.fetchval(ALONE, case_id, *call)
    return found


# --- giving it ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Move:
    """Whose it is from now on, and the case in which it stands there, where it stood in ``from_case``."""

    person_id: UUID
    from_case: UUID | None
    into_case: UUID | None


# What stood in the call's case ($3) stands in the one where the call is now.
MOVE_VISITS = """
update visit set person_id = $2, case_id = case when case_id = $3::uuid then $4::uuid end where id = any($1::uuid[])
"""
MOVE_NEEDS = """
update life_need set person_id = $2, case_id = case when case_id = $3::uuid then $4::uuid end
where id = any($1::uuid[])
"""
MOVE_PLANS = "update planned_visit set person_id = $2 where id = any($1::uuid[])"
MOVE_ASSESSMENTS = "update assessment set person_id = $2 where id = any($1::uuid[])"
MOVE_LOCATIONS = "update location set person_id = $2 where id = any($1::uuid[])"
MOVE_PICTURES = """
update picture set person_id = $2 where visit_id = any($1::uuid[]) or location_id = any($1)
"""
MOVE_TOLD = """
update told set person_id = $2 where owner_id = any($1::uuid[])
   or owner_id = any(array(select id from visit_value where visit_id = any($1)))
"""
# An assessment's proposal goes with it, where none of the same group waits there; else it is refused, and stays.
MOVE_PROPOSALS = """
update group_proposal g set person_id = $2 where g.assessment_id = any($1::uuid[]) and (g.decision is not null
    or not exists (select from group_proposal o where o.person_id = $2 and o.group_code = g.group_code
                   and o.decision is null))
"""
REFUSE_PROPOSALS = """
update group_proposal set decision = 'refused', decided_by = $3, decided_at = $4
where assessment_id = any($1::uuid[]) and person_id <> $2 and decision is null
"""
MOVING = "select set_config('karuna.moving', $1, true)"
SAME_OPEN = """
select n.id, n.need, n.urgency, n.case_id, o.id as other_id, o.urgency as other_urgency
from life_need n cross join lateral (
    select * from life_need o where o.person_id = any(array(select records_of($2))) and o.need = n.need
    and o.met_at is null and o.agency_id is not distinct from n.agency_id offset 0) o
where n.id = any($1::uuid[]) and n.met_at is null and o.id <> n.id
"""
PLANS = "select * from planned_visit where id = any($1::uuid[]) order by id"
USES = "select distinct person_id, use from location where id = any($1::uuid[])"
TASKS_INTO = "update task set case_id = $2 where case_id = $1"
TEAM_INTO = """
update team_member t set case_id = $2 where t.case_id = $1
  and t.crew_id <> all(array(select o.crew_id from team_member o where o.case_id = $2))
"""
REVIEWS_INTO = "update review set case_id = $2, person_id = $3 where case_id = $1 returning id"
TEXTS_OF_CASE = """
update told set person_id = $2 where owner_id = any(array(select id from task where case_id = $1))
   or owner_id = any(array(select id from review where case_id = $1))
   or owner_id = any(array(select a.id from review r join review_action a on a.review_id = r.id where r.case_id = $1))
"""


async def move(db: Connection, ids: Sequence[UUID], to: Move) -> None:
    """Visits (with their plans), needs and assessments of these ids are that person's from now on."""
    for statement in (MOVE_VISITS, MOVE_NEEDS):
        await db.execute(statement, list(ids), to.person_id, to.from_case, to.into_case)
    for statement in (MOVE_PLANS, MOVE_ASSESSMENTS):
        await db.execute(statement, list(ids), to.person_id)


async def move_locations(db: Connection, ids: Sequence[UUID], person_id: UUID) -> None:
    """These points were seen of that person; nothing else of them changes."""
    await db.execute(MOVING, "on")
    await db.execute(MOVE_LOCATIONS, list(ids), person_id)
    await db.execute(MOVING, "off")


async def move_what_hangs_on(db: Connection, ids: Sequence[UUID], person_id: UUID, by: str, at: datetime) -> None:
    """Pictures, texts and proposals of what has moved."""
    await db.execute(MOVE_PICTURES, list(ids), person_id)
    await db.execute(MOVE_TOLD, list(ids), person_id)
    await db.execute(MOVE_PROPOSALS, list(ids), person_id)
    await db.execute(REFUSE_PROPOSALS, list(ids), person_id, by, at)


async def same_open(db: Connection, need_ids: Sequence[UUID], person_id: UUID) -> list[Row]:
    """Of these needs those that the person has open already: ``other_id`` is theirs."""
    return await db.fetch(SAME_OPEN, list(need_ids), person_id)


async def plans(db: Connection, ids: Sequence[UUID]) -> list[Row]:
    return await db.fetch(PLANS, list(ids))


async def uses(db: Connection, ids: Sequence[UUID]) -> list[Row]:
    """``person_id, use``: whose standing points these observations may have been."""
    return await db.fetch(USES, list(ids))


async def case_into(db: Connection, case_id: UUID, other_id: UUID, person_id: UUID) -> None:
    """Tasks, team and reviews of the case stand in the other one, which is this person's; may be the same case."""
    await db.execute(TASKS_INTO, case_id, other_id)
    await db.execute(TEAM_INTO, case_id, other_id)
    await db.execute(REVIEWS_INTO, case_id, other_id, person_id)
    await db.execute(TEXTS_OF_CASE, other_id, person_id)


# --- whose it is now ----------------------------------------------------------------------------------------------

# Of what a phone names, written without signal before it was said that the call was another's.
WHOSE_NOW = """
select person_id from visit where id = any($1::uuid[])
union all select person_id from planned_visit where id = any($1)
union all select person_id from case_file where id = any($1)
"""
GIVEN_TO = """
select distinct j.instead_id from person_match j
where j.person_id = any(array(select records_of($1))) and j.decision = 'unmatched' and j.instead_id is not null
order by j.instead_id
"""


async def whose_now(db: Connection | Pool, matters: Sequence[UUID]) -> set[UUID]:
    """Whose these visits, plans and cases are."""
    return {row["person_id"] for row in await db.fetch(WHOSE_NOW, list(matters))}


async def given_to(db: Connection | Pool, person_id: UUID) -> list[UUID]:
    """Those to whom something that was taken for this person has gone."""
    return [row["instead_id"] for row in await db.fetch(GIVEN_TO, person_id)]
