"""Tasks, teams, care groups, and corrections that wait for the owner of the facts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool, Search, look_up

Row = asyncpg.Record

# --- tasks ----------------------------------------------------------------------------------------------------------

WRITE_TASK = """
insert into task (id, case_id, kind, assignee_id, agency_id, due_on, assigned_at, assigned_by, together_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
LOCK_TASK = """
select t.*, k.person_id, k.area, k.protected, k.exercise, k.opened_call_id,
       (select p.disclosure = 'secret' from person p where p.id = k.person_id) as secret
from task t join case_file k on k.id = t.case_id where t.id = $1 for update of t
"""
END_TASK = "update task set done_at = $2, done_by = $3, outcome = $4 where id = $1"
MARK_OVERDUE = "update task set overdue_at = $2 where id = $1"
READ_TASKS = "select * from task where case_id = any($1::uuid[]) order by done_at is not null, due_on, id"
OPEN_TASKS = "select id from task where case_id = $1 and done_at is null order by id"
# $2: somebody's own; $3: only those whose day is over; $7, $8: those that somebody gave or has; $9: codes in which the
# person lives; $10: those of one agency or department. Secret people's stand in their case alone.
FIND_TASKS = Search("""
select t.* from task t join case_file k on k.id = t.case_id join person p on p.id = k.person_id
where t.done_at is null and ($1::text[] is null or k.area = any($1)) and p.erased_at is null
  and ($2::uuid is null or t.assignee_id = $2) and (not k.protected or $2 is not null) and p.disclosure <> 'secret'
  and (not $3 or t.due_on < $4) and ($5::uuid is null or t.id > $5)
  and ($7::text is null or t.assigned_by = $7 or t.assignee_id = $8::uuid)
  and ($9::text[] is null or lies_in(lives_in(p.id), $9)) and ($10::uuid is null or t.agency_id = $10)
order by t.id limit $6
""")

# Those given to one agency ($1), with whose they are; $3, $4: whose day is over; $7: of who lives there. Of secret
# people an agency hears nothing.
AGENCY_TASKS = Search("""
select t.*, k.person_id, k.area, k.protected from task t
join case_file k on k.id = t.case_id join person p on p.id = k.person_id
where t.agency_id = $1 and t.done_at is null and ($2::text[] is null or k.area = any($2)) and p.erased_at is null
  and p.disclosure <> 'secret' and (not $3 or t.due_on < $4) and ($5::uuid is null or t.id > $5)
  and ($7::text[] is null or lies_in(lives_in(p.id), $7))
order by t.id limit $6
""")

# Somebody's own, with whose they are; what one may know of a protected case is its task alone.
MY_TASKS = Search("""
select t.*, k.person_id, k.area, k.protected from task t
join case_file k on k.id = t.case_id join person p on p.id = k.person_id
where t.assignee_id = $1 and t.done_at is null and ($2::text[] is null or k.area = any($2)) and p.erased_at is null
  and p.disclosure <> 'secret'
order by t.due_on, t.id limit $3
""")


async def write_task(db: Connection, values: Sequence[Any]) -> None:
    """``id, case_id, kind, assignee_id, agency_id, due_on, assigned_at, assigned_by, together_id``."""
    await db.execute(WRITE_TASK, *values)


async def lock_task(db: Connection, task_id: UUID) -> Row | None:
    """The task with ``person_id, area, protected, exercise, opened_call_id, secret`` of its case."""
    return await db.fetchrow(LOCK_TASK, task_id)


async def end_task(db: Connection, task_id: UUID, at: datetime, by: str, outcome: str) -> None:
    await db.execute(END_TASK, task_id, at, by, outcome)


async def mark_overdue(db: Connection, task_id: UUID, at: datetime) -> None:
    await db.execute(MARK_OVERDUE, task_id, at)


async def read_tasks(db: Connection | Pool, case_ids: Sequence[UUID]) -> list[Row]:
    """The open ones first, the nearest deadline first."""
    return await db.fetch(READ_TASKS, list(case_ids))


async def open_tasks(db: Connection, case_id: UUID) -> list[UUID]:
    return [row["id"] for row in await db.fetch(OPEN_TASKS, case_id)]


async def find_tasks(
    db: Pool,
    areas: Sequence[str] | None,
    assignee_id: UUID | None,
    *,
    overdue: bool,
    today: date,
    after: UUID | None,
    limit: int,
    mine: tuple[str, UUID | None] | None = None,
    places: Sequence[str] | None = None,
    agency_id: UUID | None = None,
) -> list[Row]:
    """``mine``: those that this login gave, or that this crew member has; ``places``: of who lives there.

    ``agency_id``: those given to this agency or department.
    """
    login, crew_id = mine or (None, None)
    return await look_up(
        db, FIND_TASKS, areas, assignee_id, overdue, today, after, limit, login, crew_id, places, agency_id
    )


async def agency_tasks(
    db: Pool,
    agency_id: UUID,
    areas: Sequence[str] | None,
    *,
    overdue: bool,
    today: date,
    after: UUID | None,
    limit: int,
    places: Sequence[str] | None,
) -> list[Row]:
    """The open tasks of an agency with ``person_id, area, protected`` of their cases."""
    return await look_up(db, AGENCY_TASKS, agency_id, areas, overdue, today, after, limit, places)


async def my_tasks(db: Pool, crew_id: UUID, areas: Sequence[str] | None, limit: int) -> list[Row]:
    """The open tasks of this crew member with ``person_id, area, protected`` of their cases, the nearest day first."""
    return await look_up(db, MY_TASKS, crew_id, areas, limit)


# --- teams ----------------------------------------------------------------------------------------------------------

# Asked again after a no, somebody is invited anew.
INVITE = """
insert into team_member (id, case_id, crew_id, agency_id, role, invited_at, invited_by)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (case_id, crew_id) do update set role = excluded.role, agency_id = excluded.agency_id,
    answer = case when team_member.answer = 'accepted' then 'accepted' else 'invited' end,
    answered_at = case when team_member.answer = 'accepted' then team_member.answered_at end
returning id, answer
"""
READ_TEAM = "select * from team_member where case_id = $1 order by invited_at, id"
# From one's own places in teams, by their index. Secret people's stand in no list.
MY_TEAMS = Search("""
select m.* from team_member m join case_file k on k.id = m.case_id join person p on p.id = k.person_id
where m.crew_id = $2 and k.closed_at is null and ($1::text[] is null or k.area = any($1)) and p.erased_at is null
  and p.disclosure <> 'secret' and m.answer <> 'declined'
order by m.answer <> 'invited', m.invited_at, m.id limit $3
""")
LOCK_MEMBER = """
select m.*, k.person_id, k.area, k.protected, k.exercise,
       (select p.disclosure = 'secret' from person p where p.id = k.person_id) as secret
from team_member m join case_file k on k.id = m.case_id
where m.id = $1 for update of m
"""
ANSWER = "update team_member set answer = $2, answered_at = $3 where id = $1"


async def invite(db: Connection, values: Sequence[Any]) -> Row:
    """``id, case_id, crew_id, agency_id, role, invited_at, invited_by``; returns ``id, answer`` as they stand."""
    row = await db.fetchrow(INVITE, *values)
    assert row is not None  # noqa: S101 inserted or updated
    return row


async def read_team(db: Connection | Pool, case_id: UUID) -> list[Row]:
    return await db.fetch(READ_TEAM, case_id)


async def my_teams(db: Pool, areas: Sequence[str] | None, crew_id: UUID, limit: int) -> list[Row]:
    """Where this crew member is asked or has said yes, while the case is open; what waits for an answer first."""
    return await look_up(db, MY_TEAMS, areas, crew_id, limit)


async def lock_member(db: Connection, member_id: UUID) -> Row | None:
    return await db.fetchrow(LOCK_MEMBER, member_id)


async def answer(db: Connection, member_id: UUID, said: str, at: datetime) -> None:
    await db.execute(ANSWER, member_id, said, at)


# --- care groups ----------------------------------------------------------------------------------------------------

PUT_GROUP = """
insert into care_group as g (id, area, name, changed_at) values ($1, $2, $3, $4)
on conflict (id) do update set name = excluded.name, changed_at = excluded.changed_at where g.area = excluded.area
returning id
"""
DROP_MEMBERS = "delete from care_group_member where group_id = $1"
# Secret people are in no list: who writes the group anew cannot have named them, and they stay in it.
DROP_PATIENTS = """
delete from care_group_patient c where c.group_id = $1
  and not exists (select from person p where p.id = c.person_id and p.disclosure = 'secret')
"""
ADD_MEMBERS = """
insert into care_group_member (group_id, crew_id, role) select $1, m.* from unnest($2::uuid[], $3::text[]) as m
on conflict do nothing
"""
COUNT_PATIENTS = "select count(*) from care_group_patient where group_id = $1"
ADD_PATIENTS = """
insert into care_group_patient (group_id, person_id) select $1, unnest($2::uuid[]) on conflict do nothing
"""
# $5: groups that care for somebody who lives there, of those whom the list may name.
READ_GROUPS = Search("""
select g.*,
    (select coalesce(array_agg(m.crew_id order by m.crew_id), '{}') from care_group_member m where m.group_id = g.id)
        as crew_ids,
    (select coalesce(array_agg(m.role order by m.crew_id), '{}') from care_group_member m where m.group_id = g.id)
        as roles,
    (select coalesce(array_agg(c.person_id order by c.person_id), '{}') from care_group_patient c
     join person p on p.id = c.person_id where c.group_id = g.id and p.erased_at is null and p.disclosure <> 'secret')
        as person_ids
from care_group g where ($1::text[] is null or g.area = any($1)) and ($2::uuid is null or exists (
    select from care_group_patient c where c.group_id = g.id and c.person_id = $2))
  and ($3::uuid is null or g.id > $3)
  and ($5::text[] is null or exists (
    select from care_group_patient c cross join lateral (select * from person where id = c.person_id offset 0) p
    where c.group_id = g.id and p.erased_at is null and p.disclosure <> 'secret' and lies_in(lives_in(p.id), $5)))
order by g.id limit $4
""")


# Held until the work ends: a group that is put whole meanwhile waits, and sees who was added.
LOCK_GROUP = "select area from care_group where id = $1 for update"


async def lock_group(db: Connection, group_id: UUID) -> str | None:
    """The municipality whose group it is."""
    area: str | None = await db.fetchval(LOCK_GROUP, group_id)
    return area


async def add_patients(db: Connection, group_id: UUID, person_ids: Sequence[UUID]) -> int:
    """For whom the group cares as well from now on; who is in it already stays once. Returns how many those are now."""
    await db.execute(ADD_PATIENTS, group_id, list(person_ids))
    found: int = await db.fetchval(COUNT_PATIENTS, group_id)
    return found


async def put_group(db: Connection, group_id: UUID, area: str, name: str, at: datetime) -> bool:
    """False where the id is another area's."""
    return await db.fetchval(PUT_GROUP, group_id, area, name, at) is not None


async def set_group(
    db: Connection, group_id: UUID, members: Sequence[tuple[UUID, str]], person_ids: Sequence[UUID]
) -> None:
    """Who is in it from now on: crew ids with their part, and patients."""
    await db.execute(DROP_MEMBERS, group_id)
    await db.execute(DROP_PATIENTS, group_id)
    await db.execute(ADD_MEMBERS, group_id, [crew for crew, _ in members], [role for _, role in members])
    await db.execute(ADD_PATIENTS, group_id, list(person_ids))


async def read_groups(
    db: Pool,
    areas: Sequence[str] | None,
    person_id: UUID | None,
    after: UUID | None,
    limit: int,
    places: Sequence[str] | None = None,
) -> list[Row]:
    return await look_up(db, READ_GROUPS, areas, person_id, after, limit, places)


# --- corrections ----------------------------------------------------------------------------------------------------

PROPOSE = """
insert into correction (id, person_id, area, fields, proposed_by, proposed_in, proposed_at, agency_id)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
LOCK_CORRECTION = "select * from correction where id = $1 for update"
DECIDE_CORRECTION = "update correction set decision = $2, decided_by = $3, decided_at = $4 where id = $1"
# $6: those alone that this agency has proposed.
READ_CORRECTIONS = Search("""
select c.* from correction c join person p on p.id = c.person_id
where ($1::text[] is null or c.area = any($1) or c.proposed_in && $1) and p.erased_at is null
  and p.disclosure <> 'secret' and (c.decision is null or not $2) and ($3::uuid is null or c.id > $3)
  and ($5::text[] is null or lies_in(lives_in(p.id), $5)) and ($6::uuid is null or c.agency_id = $6)
order by c.id limit $4
""")


async def propose(db: Connection, values: Sequence[Any]) -> None:
    """``id, person_id, area, fields, proposed_by, proposed_in, proposed_at, agency_id``."""
    await db.execute(PROPOSE, *values)


async def lock_correction(db: Connection, correction_id: UUID) -> Row | None:
    return await db.fetchrow(LOCK_CORRECTION, correction_id)


async def decide_correction(db: Connection, correction_id: UUID, decision: str, by: str, at: datetime) -> None:
    await db.execute(DECIDE_CORRECTION, correction_id, decision, by, at)


async def read_corrections(
    db: Pool,
    areas: Sequence[str] | None,
    after: UUID | None,
    limit: int,
    *,
    waiting: bool,
    places: Sequence[str] | None = None,
    agency_id: UUID | None = None,
) -> list[Row]:
    """Those to be decided in these areas, and those proposed from there; ``places``: of who lives there.

    ``agency_id``: those alone that this agency has proposed.
    """
    return await look_up(db, READ_CORRECTIONS, areas, waiting, after, limit, places, agency_id)


# --- erasure --------------------------------------------------------------------------------------------------------

WIPE_CORRECTIONS = "delete from correction where person_id = any($1::uuid[])"
WIPE_PATIENTS = "delete from care_group_patient where person_id = any($1::uuid[])"


async def wipe(db: Connection, person_ids: Sequence[UUID]) -> None:
    """Forget what was proposed of these people and who cares for them; tasks stay as codes and days."""
    await db.execute(WIPE_CORRECTIONS, list(person_ids))
    await db.execute(WIPE_PATIENTS, list(person_ids))
