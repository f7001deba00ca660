"""Calls as heard, whose patients are which person, and the cases they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool, Search, look_up
from shared.work import new_id

Row = asyncpg.Record

# What stood before the message comes back; a protected call stays protected, an erased one stays as it is.
PUT_CALL = """
with before as (select facts_seq, erased_at from call where id = $1), put as (
    insert into call as c (id, area, status, kind, lane, severity, severity_scheme, channel, received_at, protected,
                           exercise, facts_seq)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    on conflict (id) do update set status = excluded.status, kind = excluded.kind, lane = excluded.lane,
        severity = excluded.severity, severity_scheme = excluded.severity_scheme, channel = excluded.channel,
        received_at = excluded.received_at, protected = c.protected or excluded.protected,
        facts_seq = greatest(c.facts_seq, excluded.facts_seq)
    where c.erased_at is null
)
select facts_seq, erased_at from before
"""


async def put_call(db: Connection, call_id: UUID, values: Sequence[Any]) -> Row | None:
    """Write a call's open facts; returns ``facts_seq, erased_at`` as they were, None for a call not heard of before."""
    return await db.fetchrow(PUT_CALL, call_id, *values)


SET_CALL_STATUS = "update call set status = $2 where id = $1 and erased_at is null"


async def set_call_status(db: Connection, call_id: UUID, status: str) -> None:
    await db.execute(SET_CALL_STATUS, call_id, status)


READ_MATCHES = """
select patient_id, person_id, turn from call_person where call_id = $1 order by matched_at, turn, person_id
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """The people whom a patient was found to be, mostly one; ``turn``: of the last time it was said."""

    people: tuple[UUID, ...]
    turn: int


async def read_matches(db: Connection, call_id: UUID) -> dict[UUID, Taken]:
    """By patient."""
    found: dict[UUID, Taken] = {}
    for row in await db.fetch(READ_MATCHES, call_id):
        before = found.get(row["patient_id"], Taken((), 0))
        found[row["patient_id"]] = Taken((*before.people, row["person_id"]), max(before.turn, row["turn"]))
    return found


# One open case a person, whichever of their records it is (of one record the unique index decides between two at once),
# and the match in it.
MATCH = """
with fresh as (
    insert into case_file (id, person_id, area, protected, exercise, opened_at, opened_call_id)
    select $1, $2, $3, $4::boolean, $5, $6, $7 where not exists (
        select from case_file where person_id = any(array(select records_of($2))) and protected = $4
        and closed_at is null)
    on conflict do nothing returning id
), chosen as (
    select id, true as fresh from fresh
    union all (select id, false from case_file where person_id = any(array(select records_of($2))) and protected = $4
               and closed_at is null order by opened_at limit 1)
    limit 1
), matched as (
    insert into call_person (call_id, patient_id, person_id, case_id, method, doubt, matched_at, turn)
    select $7, $8, $2, id, $9, $10, $6, $11 from chosen on conflict do nothing
)
select id, fresh from chosen
"""


@dataclass(frozen=True, slots=True)
class Match:
    """A patient of a call who is a person, and why."""

    call_id: UUID
    patient_id: UUID
    person_id: UUID
    method: str
    doubt: bool
    turn: int = 0


async def write_match(
    db: Connection, match: Match, area: str, at: datetime, *, protected: bool, exercise: bool
) -> tuple[UUID, bool]:
    """Write the match into the person's open case; returns the case, and whether it was opened for this."""
    case = (match.person_id, area, protected, exercise, at, match.call_id)
    values = (*case, match.patient_id, match.method, match.doubt, match.turn)
    row = await db.fetchrow(MATCH, new_id(), *values)
    if row is None:  # another transaction opened it after our snapshot was taken: now it is seen
        row = await db.fetchrow(MATCH, new_id(), *values)
    assert row is not None  # noqa: S101 the index leaves no third possibility
    return row["id"], row["fresh"]


# Where one is open already, of whichever record of the person, it is that one.
OPEN_CASE = """
with fresh as (
    insert into case_file (id, person_id, area, protected, exercise, opened_at)
    select $1, $2, $3, $4::boolean, $5, $6 where not exists (
        select from case_file where person_id = any(array(select records_of($2))) and protected = $4
        and closed_at is null)
    returning id
)
select id, true as fresh from fresh
union all (select id, false from case_file where person_id = any(array(select records_of($2))) and protected = $4
           and closed_at is null order by opened_at limit 1)
limit 1
"""


async def open_case(
    db: Connection, person_id: UUID, area: str, at: datetime, *, protected: bool, exercise: bool
) -> tuple[UUID, bool]:
    """The person's open case, and whether it was opened now. The person is held."""
    row = await db.fetchrow(OPEN_CASE, new_id(), person_id, area, protected, exercise, at)
    assert row is not None  # noqa: S101 inserted, or there
    return row["id"], row["fresh"]


# --- cases --------------------------------------------------------------------------------------------------------

# A call that became protected later is left out of a case that is not.
READ_CASE = """
select k.*, p.disclosure = 'secret' as secret,
            (select coalesce(array_agg(distinct c.id), '{}') from call_person m join call c on c.id = m.call_id
             where m.case_id = k.id and (not c.protected or $3)) as call_ids
from case_file k join person p on p.id = k.person_id
where k.id = $1 and ($2::text[] is null or k.area = any($2)) and (not k.protected or $3) and p.erased_at is null
"""
PROTECTED_CASES = "select id from case_file where id = any($1::uuid[]) and protected"
# The person first: whoever is matched to this case at the same moment holds them.
LOCK_CASE = """
with person as (select p.id, p.disclosure from person p join case_file k on k.person_id = p.id where k.id = $1
                for update of p)
select k.*, person.disclosure = 'secret' as secret from case_file k join person on person.id = k.person_id
where k.id = $1 for update of k
"""
READ_CASES = """
select k.*, (select coalesce(array_agg(distinct c.id), '{}') from call_person m join call c on c.id = m.call_id
             where m.case_id = k.id and (not c.protected or $3)) as call_ids
from case_file k where k.person_id = any(array(select records_of($1))) and (not k.protected or $3)
  and ($2::text[] is null or k.area = any($2)) and ($4::uuid is null or k.id < $4)
order by k.id desc limit $5
"""
# Of who lives in or below these codes, or of a whole municipality; a secret person's cases are in no list. Tasks are
# counted of the page alone, each case's by its own index: `offset 0` keeps them from being looked for by their days.
OPEN_CASES_OF = Search("""
select k.*, w.open_tasks, w.overdue_tasks, w.next_due_on,
    (select coalesce(array_agg(distinct m.call_id), '{}') from call_person m where m.case_id = k.id) as call_ids
from (
    select k.* from case_file k join person p on p.id = k.person_id
    where k.closed_at is null and ($1::text[] is null or k.area = any($1)) and ($3::uuid is null or k.id < $3)
      and not k.exercise and p.disclosure <> 'secret' and ($2::text[] is null or lies_in(lives_in(p.id), $2))
      and ($6::boolean is null
           or $6 = exists (select from task t where t.case_id = k.id and t.done_at is null and t.due_on < $5))
    order by k.id desc limit $4
) k cross join lateral (
    select count(*) as open_tasks, count(*) filter (where t.due_on < $5) as overdue_tasks, min(t.due_on) as next_due_on
    from (select due_on, done_at from task where case_id = k.id offset 0) t where t.done_at is null
) w
order by k.id desc
""")
CLOSE_CASE = "update case_file set closed_at = $2, outcome = $3 where id = $1"


async def read_case(
    db: Connection | Pool, case_id: UUID, areas: Sequence[str] | None, *, protected: bool
) -> Row | None:
    """A case of one of these areas; a protected one only where ``protected``."""
    return await db.fetchrow(READ_CASE, case_id, areas, protected)


async def protected_cases(db: Connection | Pool, case_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of these cases that are protected."""
    return frozenset(row["id"] for row in await db.fetch(PROTECTED_CASES, list(case_ids)))


async def lock_case(db: Connection, case_id: UUID) -> Row | None:
    return await db.fetchrow(LOCK_CASE, case_id)


async def read_cases(
    db: Connection | Pool,
    person_id: UUID,
    areas: Sequence[str] | None,
    *,
    protected: bool,
    before: UUID | None,
    limit: int,
) -> list[Row]:
    """A person's cases, newest first."""
    return await db.fetch(READ_CASES, person_id, areas, protected, before, limit)


async def read_open_cases(
    db: Connection | Pool,
    areas: Sequence[str] | None,
    places: Sequence[str] | None,
    *,
    overdue: bool | None,
    today: date,
    before: UUID | None,
    limit: int,
) -> list[Row]:
    """What is open for the people who live there (``places`` None: wherever), newest first, with the count of tasks."""
    return await look_up(db, OPEN_CASES_OF, areas, places, before, limit, today, overdue)


async def close_case(db: Connection, case_id: UUID, at: datetime, outcome: str) -> None:
    await db.execute(CLOSE_CASE, case_id, at, outcome)


# --- erasure ------------------------------------------------------------------------------------------------------

FORGET_CALL = """
with c as (update call set erased_at = coalesce(erased_at, $2), status = 'closed' where id = $1),
     t as (delete from trip where call_id = $1),
     b as (delete from barrier where call_id = $1),
     -- Whoever called for somebody else is known from the call alone.
     o as (delete from contact where source_call_id = $1 and relation <> 'self'),
     h as (delete from history where call_id = $1)
delete from call_person where call_id = $1 returning case_id
"""
# One that was opened by hand, or whose call went by its time, stands by itself.
CASES_WITHOUT_CALLS = """
select k.* from case_file k where k.id = any($1::uuid[]) and k.closed_at is null and k.opened_call_id is not null
  and not exists (select from call_person m where m.case_id = k.id)
"""
OPEN_CASES = "select * from case_file where person_id = any($1::uuid[]) and closed_at is null for update"
STAND_ALONE = """
update case_file set opened_call_id = null
where id = any(array(select case_id from call_person where call_id = $1)) and opened_call_id = $1
"""
FORGETTING = "select set_config('karuna.forgetting', $1, true)"
# A message that waits here names its call by id in the envelope, whatever its aggregate.
FORGET_WAITING = "delete from parked where position($1::bytea in body) > 0"
FORGET_LETTERS = """
update dead_letter set body = '', reason = 'erased', requeued_at = coalesce(requeued_at, $2)
where position($1::bytea in body) > 0
"""


async def forgetting(db: Connection, switch: str = "on") -> None:
    """Lines of history may be removed until the transaction ends, or until this is switched ``off``."""
    await db.execute(FORGETTING, switch)


async def forget_call(db: Connection, call_id: UUID, at: datetime) -> list[Row]:
    """Wipe what is kept of a call, and what waits that names it; returns the open cases it was the last call of."""
    await forgetting(db)
    cases = [row["case_id"] for row in await db.fetch(FORGET_CALL, call_id, at)]
    await forgetting(db, "off")
    await db.execute(FORGET_WAITING, str(call_id).encode())
    await db.execute(FORGET_LETTERS, str(call_id).encode(), at)
    return await db.fetch(CASES_WITHOUT_CALLS, cases)


async def stand_alone(db: Connection, call_id: UUID) -> None:
    """The cases that this call opened stand by themselves from now on."""
    await db.execute(STAND_ALONE, call_id)


async def open_cases(db: Connection, person_ids: Sequence[UUID]) -> list[Row]:
    """What is still open for these people, held until the transaction ends."""
    return await db.fetch(OPEN_CASES, list(person_ids))
