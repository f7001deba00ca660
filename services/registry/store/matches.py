"""Who was taken for somebody whom the register knew, by which rule, what was written by it, and taking it apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool, Search, look_up

Row = asyncpg.Record

WRITE = """
insert into person_match (id, person_id, area, call_id, patient_id, run_id, row, method, to_check, owner_id, matched_at,
                    fields, needs, facts)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What was written of a person: fields of their own, needs that were added, rows of other tables."""

    fields: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    facts: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Noted:
    """``call``: with its patient; ``row``: with its run; one of the two. ``owner_id``: whose a disputed number is."""

    id: UUID
    person_id: UUID
    area: str
    method: str
    to_check: bool
    at: datetime
    call: tuple[UUID, UUID] | None = None
    row: tuple[UUID, int] | None = None
    owner_id: UUID | None = None
    learnt: Learnt = Learnt()


async def write(db: Connection, noted: Noted) -> None:
    await write_all(db, [noted])


async def write_all(db: Connection, all_noted: Sequence[Noted]) -> None:
    await db.executemany(WRITE, [_values(noted) for noted in all_noted])


def _values(noted: Noted) -> tuple[Any, ...]:
    learnt, call, row = noted.learnt, noted.call or (None, None), noted.row or (None, None)
    return (
        noted.id, noted.person_id, noted.area, *call, *row, noted.method, noted.to_check, noted.owner_id, noted.at,
        list(learnt.fields), list(learnt.needs), list(learnt.facts),
    )  # fmt: skip


# What a later message of the call has added.
ADD = """
update person_match set last_at = now(), facts = facts || $6::uuid[],
    fields = (select coalesce(array_agg(distinct f), '{}') from unnest(fields || $4::text[]) as f),
    needs = (select coalesce(array_agg(distinct n), '{}') from unnest(needs || $5::text[]) as n)
where call_id = $1 and patient_id = $2 and person_id = $3 and decision is distinct from 'unmatched' returning id
"""


async def add(db: Connection, call_id: UUID, patient_id: UUID, person_id: UUID, learnt: Learnt) -> UUID | None:
    """Returns the match to which it was added; None where this patient was a new person without a doubt."""
    more = (list(learnt.fields), list(learnt.needs), list(learnt.facts))
    found: UUID | None = await db.fetchval(ADD, call_id, patient_id, person_id, *more)
    return found


# --- reading ------------------------------------------------------------------------------------------------------

READ = "select * from person_match where id = $1"
LOCK = "select * from person_match where id = $1 for update"
IDS_OF = "select id from person_match where person_id = $1"
READ_OF = """
select j.*, c.protected from person_match j
left join lateral (select protected from call where id = j.call_id offset 0) c on true
where j.person_id = any(array(select records_of($1))) and (not coalesce(c.protected, false) or $2)
  and ($3::uuid is null or j.call_id = $3)
order by j.id desc limit $4
"""
COUNT_TO_CHECK = """
select count(*) from person_match j
left join lateral (select protected from call where id = j.call_id offset 0) c on true
where j.person_id = any(array(select records_of($1))) and j.to_check and j.decision is null
  and (not coalesce(c.protected, false) or $2)
"""
# Secret people are in no list, and protected calls in that of whoever sees such matters.
READ_OPEN = Search("""
select j.*, c.protected from (
    select j.* from person_match j where j.to_check and j.decision is null
      and ($1::text[] is null or j.area = any($1)) and ($2::uuid is null or j.id < $2)
    order by j.id desc offset 0
) j
cross join lateral (select * from person where id = j.person_id offset 0) p
left join lateral (select protected from call where id = j.call_id offset 0) c on true
where p.erased_at is null and p.disclosure <> 'secret' and not coalesce(c.protected, false)
  and ($4::text[] is null or lies_in(lives_in(p.id), $4))
order by j.id desc limit $3
""")
# Their people's, too: whoever holds a number by a linked record is the same person.
UNMATCHED = """
select r.id from person_match j cross join lateral (select records_of(j.person_id) as id offset 0) r
where j.call_id = $1 and j.patient_id = $2 and j.decision = 'unmatched'
"""


async def read(db: Connection | Pool, match_id: UUID) -> Row | None:
    return await db.fetchrow(READ, match_id)


async def lock(db: Connection, match_id: UUID) -> Row | None:
    return await db.fetchrow(LOCK, match_id)


async def ids_of(db: Connection, person_id: UUID) -> list[UUID]:
    return [row["id"] for row in await db.fetch(IDS_OF, person_id)]


async def of_person(
    db: Connection | Pool, person_id: UUID, *, protected: bool, call_id: UUID | None, limit: int
) -> list[Row]:
    """What was taken for this person, newest first, and what was taken out again."""
    return await db.fetch(READ_OF, person_id, protected, call_id, limit)


async def count_to_check(db: Pool, person_id: UUID, *, protected: bool) -> int:
    """How much is presumed to be this person's, and nobody has said so."""
    found: int = await db.fetchval(COUNT_TO_CHECK, person_id, protected)
    return found


async def read_open(
    db: Pool, areas: Sequence[str] | None, before: UUID | None, limit: int, places: Sequence[str] | None
) -> list[Row]:
    """What nobody has checked yet, newest first."""
    return await look_up(db, READ_OPEN, areas, before, limit, places)


async def unmatched_from(db: Connection, call_id: UUID, patient_id: UUID) -> set[UUID]:
    """The records of whom somebody has said that this patient is none of them."""
    return {row["id"] for row in await db.fetch(UNMATCHED, call_id, patient_id)}


# --- deciding -----------------------------------------------------------------------------------------------------

DECIDE = "update person_match set decision = $2, decided_at = $3, instead_id = $4 where id = $1"
SEEN = """
update identifier set verified = true
where person_id = any(array(select records_of($1))) and until_on is null and value is not null and not verified
"""
# The version before the first writing, and the one after the last.
VERSIONS = """
select (select doc from known where person_id = $1 and kind = 'person' and row_id = $1 and known_from < $2
        order by known_from desc limit 1) as before,
       (select doc from known where person_id = $1 and kind = 'person' and row_id = $1 and known_from <= $3
        order by known_from desc limit 1) as after
"""
AS_PERSON = "select * from jsonb_populate_record(null::person, $1)"

FACTS_OF = """
select id from identifier where person_id = $1 and (id = any($3::uuid[]) or source_call_id = $2)
union all select id from contact where person_id = $1 and (id = any($3) or source_call_id = $2)
union all select id from membership where person_id = $1 and (id = any($3) or source_call_id = $2)
union all select id from address where person_id = $1 and id = any($3)
"""
# What the other person has already stays as it is; what says otherwise of them is ended.
MOVE_CONTACTS = """
with twice as (
    delete from contact c where c.id = any($1::uuid[])
    and exists (select from contact o where o.person_id = $2 and o.blind = c.blind) returning id
)
update contact set person_id = $2 where id = any($1) and id <> all(array(select id from twice))
"""
MOVE_IDENTIFIERS = """
update identifier i set person_id = $2, until_on = case
    when i.until_on is null and i.kind = any($3::text[]) and exists (
        select from identifier o where o.person_id = $2 and o.kind = i.kind and o.until_on is null)
    then greatest(i.since_on, $4::date) else i.until_on end
where i.id = any($1::uuid[])
"""
MOVE_ADDRESSES = """
update address a set person_id = $2, until_on = case
    when a.until_on is null and exists (
        select from address o where o.person_id = $2 and o.kind = a.kind and o.until_on is null)
    then greatest(a.since_on, $3::date) else a.until_on end
where a.id = any($1::uuid[])
"""
MOVE_MEMBERSHIPS = """
update membership m set person_id = $2, until_on = case
    when m.until_on is null and exists (
        select from membership o where o.person_id = $2 and o.group_code = m.group_code and o.until_on is null)
    then greatest(m.from_on, $3::date) else m.until_on end
where m.id = any($1::uuid[]) returning m.*
"""


async def decide(db: Connection, match_id: UUID, decision: str, at: datetime, instead_id: UUID | None = None) -> None:
    await db.execute(DECIDE, match_id, decision, at, instead_id)


async def document_seen(db: Connection, person_id: UUID) -> None:
    """The numbers that this person has now were compared with their documents."""
    await db.execute(SEEN, person_id)


async def versions(db: Connection | Pool, noted: Row) -> tuple[Row, Row] | None:
    """The person's row as it stood before and after what was written by this; None where it was not there before."""
    row = await db.fetchrow(VERSIONS, noted["person_id"], noted["first_at"], noted["last_at"])
    if row is None or row["before"] is None or row["after"] is None:
        return None
    before, after = [await db.fetchrow(AS_PERSON, row[name]) for name in ("before", "after")]
    assert before is not None and after is not None  # noqa: S101, PT018 a function's row
    return before, after


async def facts_of(db: Connection, noted: Row, person_id: UUID) -> list[UUID]:
    """Rows of this person that came by it: of a file those that were noted, of a call all that name it."""
    rows = await db.fetch(FACTS_OF, person_id, noted["call_id"], noted["facts"])
    return [row["id"] for row in rows]


async def move_facts(
    db: Connection, facts: Sequence[UUID], person_id: UUID, one_at_a_time: Sequence[str], on: date
) -> list[Row]:
    """These rows are this person's from now on; returns the memberships among them."""
    await db.execute(MOVE_CONTACTS, list(facts), person_id)
    await db.execute(MOVE_IDENTIFIERS, list(facts), person_id, list(one_at_a_time), on)
    await db.execute(MOVE_ADDRESSES, list(facts), person_id, on)
    return await db.fetch(MOVE_MEMBERSHIPS, list(facts), person_id, on)


# The match goes, and with it the case that this call alone has opened, where the other person has none open.
TAKE_OUT = "delete from call_person where call_id = $1 and patient_id = $2 and person_id = $3 returning case_id, turn"
CASE_GOES = """
update case_file k set person_id = $3 where k.id = $1 and k.opened_call_id = $2
  and not exists (select from call_person m where m.case_id = k.id)
  and (k.closed_at is not null or not exists (
    select from case_file o where o.person_id = any(array(select records_of($3))) and o.protected = k.protected
    and o.closed_at is null))
returning id
"""
REVIEWS_GO = "update review set person_id = $3 where call_id = $1 and person_id = $2"
ROW_GOES = "update import_row set person_id = $3 where run_id = $1 and row = $2"
TURN_OF = "select turn from call_person where call_id = $1 and patient_id = $2 and person_id = $3"
LAST_TURN = "select coalesce(max(turn), 0) from call_person where call_id = $1 and patient_id = $2"
INTO_CASE = """
insert into call_person (call_id, patient_id, person_id, case_id, method, doubt, matched_at, turn)
values ($1, $2, $3, $4, $5, false, $6, $7) on conflict do nothing
"""
EMPTY_CASE = """
select k.* from case_file k where k.id = $1 and k.opened_call_id = $2 and k.closed_at is null
  and not exists (select from call_person m where m.case_id = k.id)
"""


async def turn_of(db: Connection, call_id: UUID, patient_id: UUID, person_id: UUID) -> int:
    """The turn in which it was said that the patient is this person."""
    return await db.fetchval(TURN_OF, call_id, patient_id, person_id) or 0


async def take_out(db: Connection, call_id: UUID, patient_id: UUID, person_id: UUID) -> tuple[UUID | None, int] | None:
    """The patient is this person no more; returns the case and the last turn, None where they were not."""
    turn = await db.fetchval(LAST_TURN, call_id, patient_id)
    row = await db.fetchrow(TAKE_OUT, call_id, patient_id, person_id)
    return None if row is None else (row["case_id"], turn)


async def case_goes(db: Connection, case_id: UUID, call_id: UUID, person_id: UUID) -> bool:
    """A case that this call alone has opened is this person's, if they have none open."""
    return await db.fetchval(CASE_GOES, case_id, call_id, person_id) is not None


async def into_case(
    db: Connection, call: tuple[UUID, UUID], person_id: UUID, case_id: UUID, turn: int, at: datetime
) -> None:
    """The patient is this person, in a case that is theirs already; somebody has said so."""
    await db.execute(INTO_CASE, *call, person_id, case_id, "desk", at, turn)


async def reviews_go(db: Connection, call_id: UUID, person_id: UUID, other_id: UUID) -> None:
    await db.execute(REVIEWS_GO, call_id, person_id, other_id)


async def empty_case(db: Connection, case_id: UUID, call_id: UUID) -> Row | None:
    """The case, if this call opened it and no other is in it."""
    return await db.fetchrow(EMPTY_CASE, case_id, call_id)


async def row_goes(db: Connection, run_id: UUID, row: int, person_id: UUID) -> None:
    """The row of the file is this person."""
    await db.execute(ROW_GOES, run_id, row, person_id)


# --- erasure ------------------------------------------------------------------------------------------------------

FORGET_CALL = "delete from person_match where call_id = $1 returning id"
FORGET_INSTEAD = "update person_match set instead_id = null where instead_id = any($1::uuid[])"
FORGET_OWNERS = "update person_match set owner_id = null where owner_id = any($1::uuid[])"
FORGET_PEOPLE = "delete from person_match where person_id = any($1::uuid[])"


async def forget_call(db: Connection, call_id: UUID) -> list[UUID]:
    """Nothing says any more for whom its patients were taken; returns the ids, for what was told stands under them."""
    return [row["id"] for row in await db.fetch(FORGET_CALL, call_id)]


async def forget_people(db: Connection, person_ids: Sequence[UUID]) -> None:
    for statement in (FORGET_PEOPLE, FORGET_INSTEAD, FORGET_OWNERS):
        await db.execute(statement, list(person_ids))
