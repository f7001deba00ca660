"""Histories, and the two other projections: trips and barriers. All three are folds of what others said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool, Search, look_up

Row = asyncpg.Record

# Lines of calls that are erased are not written; the answer names the calls that are not known.
WRITE_LINES = """
with told as (
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::timestamptz[],
                         $8::boolean[], $9::jsonb[])
        as t (event_id, call_id, patient_id, trip_id, type, subject_id, occurred_at, protected, codes)
), written as (
    insert into history (event_id, call_id, patient_id, trip_id, type, subject_id, occurred_at, protected, codes)
    select t.* from told t join call c on c.id = t.call_id where c.erased_at is null
    on conflict do nothing
)
select distinct call_id from told t where not exists (select from call c where c.id = t.call_id)
"""

Line = tuple[UUID, UUID, UUID | None, UUID | None, str, UUID, datetime, bool, dict[str, Any]]
"""``event_id, call_id, patient_id, trip_id, type, subject_id, occurred_at, protected, codes``"""


async def write_lines(db: Connection, lines: Sequence[Line]) -> list[UUID]:
    """Write lines of history, each once; returns the calls that are not known here."""
    rows = await db.fetch(WRITE_LINES, *map(list, zip(*lines, strict=True)))
    return [row["call_id"] for row in rows]


CURSOR_OF = "select seq from cursor where noun = $1 and aggregate_id = $2"


async def heard_so_far(db: Connection, noun: str, aggregate_id: UUID) -> int:
    """How many events of it were applied; more than none for a call whose first event was erased before it came."""
    return await db.fetchval(CURSOR_OF, noun, aggregate_id) or 0


# --- trips and barriers -------------------------------------------------------------------------------------------

# Nothing of an erased call comes back.
PUT_TRIP = """
insert into trip (id, call_id, patient_id, leg, lane, status)
select $1, id, $3, $4, $5, 'requested' from call where id = $2 and erased_at is null
on conflict (id) do update set patient_id = excluded.patient_id, leg = excluded.leg, lane = excluded.lane
"""
END_TRIP = "update trip set status = $2, outcome = $3, ended_at = $4 where id = $1"
PUT_BARRIER = """
insert into barrier (id, call_id, patient_id, barrier, action, owner, state, from_at)
select $1, id, $3, $4, $5, $6, 'asked', $7 from call where id = $2 and erased_at is null
on conflict do nothing
"""
END_BARRIER = "update barrier set state = $2, outcome = $3, until_at = $4 where id = $1"


async def put_trip(db: Connection, trip_id: UUID, call_id: UUID, patient_id: UUID | None, leg: str, lane: str) -> None:
    await db.execute(PUT_TRIP, trip_id, call_id, patient_id, leg, lane)


async def end_trip(db: Connection, trip_id: UUID, status: str, outcome: str | None, at: datetime) -> None:
    await db.execute(END_TRIP, trip_id, status, outcome, at)


async def put_barrier(db: Connection, barrier_id: UUID, values: Sequence[Any]) -> None:
    await db.execute(PUT_BARRIER, barrier_id, *values)


async def end_barrier(db: Connection, barrier_id: UUID, state: str, outcome: str | None, at: datetime) -> None:
    await db.execute(END_BARRIER, barrier_id, state, outcome, at)


# --- reading ------------------------------------------------------------------------------------------------------

# Two sources, one story: what was heard of the person's calls, and what the registry itself said of the person, their
# groups and their cases. What a unit did for a booked ride says on which leg it was, and every line of a call its
# number. $3: areas; $4: whether protected lines are shown; $5, $6: the last line of the page before.
READ_HISTORY = Search("""
with matched as (
    select m.call_id, m.patient_id, m.case_id, c.area, c.protected
    from call_person m join call c on c.id = m.call_id
    where m.person_id = any(array(select records_of($1))) and (not c.protected or $4)
      and ($3::text[] is null or c.area = any($3))
), heard as (
    select distinct h.event_id, h.type, h.subject_id, h.occurred_at, h.call_id,
        case when t.lane = 'booked' and h.type like 'dispatch.assignment.%'
            then h.codes || jsonb_build_object('leg', t.leg) else h.codes end as codes
    from matched m join history h on h.call_id = m.call_id
    left join trip t on t.id = h.trip_id
    where coalesce(h.patient_id, t.patient_id, m.patient_id) = m.patient_id and (not h.protected or $4)
      and ($5::timestamptz is null or (h.occurred_at, h.event_id) < ($5, $6::uuid))
    order by h.occurred_at desc, h.event_id desc limit $7
), own as (
    select l.id, l.type, l.aggregate_id, l.occurred_at, l.correlation_id, l.data
    from event_log l
    where l.aggregate_id = any($2::uuid[]) and ($3 is null or l.area = any($3))
      and ($4 or not (l.protected or coalesce((select c.protected from call c where c.id = l.correlation_id), false)))
      and ($5 is null or (l.occurred_at, l.id) < ($5, $6))
    order by l.occurred_at desc, l.id desc limit $7
), both_sources as (
    select event_id, type, subject_id, occurred_at, call_id, codes, null::jsonb as data from heard
    union all
    select id, type, aggregate_id, occurred_at, (select c.id from call c where c.id = correlation_id), null, data
    from own
)
select b.*,
    (select n.codes->>'number' from history n where n.call_id = b.call_id and n.codes ? 'number' limit 1) as number
from both_sources b order by b.occurred_at desc, b.event_id desc limit $7
""")
OWN_AGGREGATES = """
with record as materialized (select records_of($1) as id)
select id from record union all select id from case_file where person_id = any(array(select id from record))
union all select id from membership where person_id = any(array(select id from record))
union all select id from location where person_id = any(array(select id from record))
union all select t.id from task t join case_file k on k.id = t.case_id
    where k.person_id = any(array(select id from record))
union all select m.id from team_member m join case_file k on k.id = m.case_id
    where k.person_id = any(array(select id from record))
union all select id from review where person_id = any(array(select id from record))
union all select id from visit where person_id = any(array(select id from record))
union all select id from planned_visit where person_id = any(array(select id from record))
union all select id from assessment where person_id = any(array(select id from record))
union all select id from life_need where person_id = any(array(select id from record))
"""


async def read_history(
    db: Connection | Pool,
    person_id: UUID,
    areas: Sequence[str] | None,
    *,
    protected: bool,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Row]:
    """A page of a person's history, newest first."""
    own = [row["id"] for row in await db.fetch(OWN_AGGREGATES, person_id)]
    at, event_id = before or (None, None)
    return await look_up(db, READ_HISTORY, person_id, own, areas, protected, at, event_id, limit)


READ_BARRIERS = """
select distinct b.* from call_person m join call c on c.id = m.call_id
join barrier b on b.call_id = m.call_id and coalesce(b.patient_id, m.patient_id) = m.patient_id
where m.person_id = any(array(select records_of($1))) and (not c.protected or $3)
  and ($2::text[] is null or c.area = any($2))
order by b.from_at desc, b.id limit 200
"""


async def read_barriers(
    db: Connection | Pool, person_id: UUID, areas: Sequence[str] | None, *, protected: bool
) -> list[Row]:
    """Which of the six barriers stood in the person's way, from when until when."""
    return await db.fetch(READ_BARRIERS, person_id, areas, protected)


# --- figures ------------------------------------------------------------------------------------------------------

COUNT_SERVED = Search("""
with done as (
    select t.id, t.lane, t.call_id, survivor_of(m.person_id) as person_id, m.patient_id
    from trip t join call c on c.id = t.call_id
    left join call_person m on m.call_id = t.call_id and m.patient_id = t.patient_id
    left join person p on p.id = m.person_id
    where coalesce(p.disclosure, '') <> 'secret' and ($7::text[] is null or lies_in(lives_in(p.id), $7))
      and t.status = 'completed' and t.ended_at >= $2 and t.ended_at < $3 and c.area = $1 and not c.exercise
      and c.erased_at is null and not coalesce(t.outcome = any($4::text[]), false)
)
select 'total' as dimension, 'all' as code, count(distinct person_id) as persons, count(distinct id) as trips from done
union all
select 'lane', lane, count(distinct person_id), count(distinct id) from done group by lane
union all
select 'barrier', b.barrier, count(distinct person_id), count(distinct done.id) from done
join barrier b on b.call_id = done.call_id and coalesce(b.patient_id, done.patient_id) is not distinct from
    done.patient_id group by b.barrier
union all
select 'group', g.group_code, count(distinct done.person_id), count(distinct done.id) from done
join membership g on g.person_id = any(array(select records_of(done.person_id)))
    and g.from_on <= $6 and coalesce(g.until_on, $6) >= $5
group by g.group_code
order by dimension, code
""")


async def count_served(
    db: Connection | Pool,
    area: str,
    start: datetime,
    end: datetime,
    days: tuple[date, date],
    not_served: Sequence[str],
    places: Sequence[str] | None = None,
) -> list[Row]:
    """``dimension, code, persons, trips``: trips completed from ``start`` before ``end`` by which somebody was helped.

    ``days`` are the same span as first and last day, for memberships; ``places``: of who lives in or below these codes.
    """
    return await look_up(db, COUNT_SERVED, area, start, end, list(not_served), *days, places)


# --- replay -------------------------------------------------------------------------------------------------------

FORGET_PROJECTION = """
with t as (delete from trip), b as (delete from barrier), h as (delete from history) delete from cursor
"""


async def forget_projection(db: Connection) -> None:
    """Empty what a replay of everything fills again."""
    await db.execute(FORGET_PROJECTION)


Figures = dict[str, tuple[int, int]]
"""Fold → how many rows, and a sum over all of them that is another as soon as one differs."""
# Nobody hears anything until the transaction ends; reading goes on.
HOLD_CURSORS = "lock table cursor in exclusive mode"
CURSORS = "select noun, aggregate_id, seq from cursor where seq > 0"
FIGURES = """
select 'history' as fold, count(*) as rows, sum(hashtextextended(h::text, 0)) as sum from history h
union all select 'trip', count(*), sum(hashtextextended(t::text, 0)) from trip t
union all select 'barrier', count(*), sum(hashtextextended(b::text, 0)) from barrier b
"""


async def hold_cursors(db: Connection) -> None:
    await db.execute(HOLD_CURSORS)


async def cursors(db: Connection) -> dict[tuple[str, UUID], int]:
    """How far each aggregate has been heard."""
    return {(row["noun"], row["aggregate_id"]): row["seq"] for row in await db.fetch(CURSORS)}


async def figures(db: Connection) -> Figures:
    return {row["fold"]: (row["rows"], int(row["sum"] or 0)) for row in await db.fetch(FIGURES)}
