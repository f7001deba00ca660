"""People and what recognises them. Rows come and go sealed; what opens them is in ``records.py``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool

Row = asyncpg.Record
Doc = dict[str, Any]
"""A row as JSON: column → value; bytes as ``\\x…`` (:func:`hexed`)."""

LOCK_MARKS = "select pg_advisory_xact_lock(lock) from unnest($1::bigint[]) as l (lock)"


async def lock_marks(db: Connection, locks: Sequence[int]) -> None:
    """Whoever else describes a person with one of these numbers or names waits until this transaction ends."""
    await db.execute(LOCK_MARKS, sorted(set(locks)))


FIND_CANDIDATES = """
with found as (
    select person_id from identifier where blind = any($1::bytea[]) and until_on is null
    union select person_id from person_key where blind = any($2::bytea[]) and kind = 'name'
    union select unnest($3::uuid[])
)
select p.*,
    exists (select from identifier i where i.person_id = p.id and i.blind = any($1) and i.until_on is null)
        as same_identifier,
    exists (select from identifier i where i.person_id = p.id and i.blind = any($1) and i.until_on is null
            and i.verified) as document_seen,
    exists (select from identifier i where i.person_id = any(array(select records_of(p.id)))
            and i.kind = any($4::text[]) and i.until_on is null and not i.blind = any($1)) as other_identifier,
    exists (select from contact c where c.person_id = any(array(select records_of(p.id)))
            and c.blind = any($5::bytea[]) and c.until_on is null)
        as same_phone,
    array(select e.person_id::text || ' ' || encode(e.mark, 'hex') from entered_in_error e
          where e.person_id = any(array(select records_of(p.id)))) as in_error,
    p.id = any($3) as chosen, survivor_of(p.id) as survivor_id
from found join person p on p.id = found.person_id
where p.erased_at is null and p.exercise = $6 limit 50
"""


async def find_candidates(
    db: Connection,
    *,
    numbers: Sequence[bytes],
    names: Sequence[bytes],
    chosen: Sequence[UUID],
    kinds: Sequence[str],
    phones: Sequence[bytes],
    exercise: bool,
) -> list[Row]:
    """Everybody who may be meant, and what they share. ``kinds``: of which a person has only one at a time.

    A number or telephone of any record of a person is theirs; ``survivor_id`` tells records of one person, ``in_error``
    (record and mark) what was entered in error of them.
    """
    return await db.fetch(
        FIND_CANDIDATES, list(numbers), list(names), list(chosen), list(kinds), list(phones), exercise
    )


WRITE_PERSON = """
with born as (
    insert into person select r.* from jsonb_populate_recordset(null::person, $1) as r
), named as (
    insert into person_key select r.* from jsonb_populate_recordset(null::person_key, $2) as r on conflict do nothing
), numbered as (
    insert into identifier select r.* from jsonb_populate_recordset(null::identifier, $3) as r
    where (select count(*) from (select * from identifier where person_id = r.person_id offset 0) i
           where i.blind = r.blind and i.until_on is not null) = 0
), reached as (
    insert into contact select r.* from jsonb_populate_recordset(null::contact, $4) as r
    on conflict do nothing returning relation
), marked as (
    insert into person_mark select r.* from jsonb_populate_recordset(null::person_mark, $6) as r
    on conflict (person_id) do update set marks = excluded.marks, key_id = excluded.key_id, way = excluded.way
), housed as (
    insert into address select r.* from jsonb_populate_recordset(null::address, $7) as r
), joined as (
    insert into membership select r.* from jsonb_populate_recordset(null::membership, $5) as r
    on conflict do nothing returning id
)
select (select coalesce(array_agg(id), '{}') from joined) as joined,
       (select coalesce(array_agg(relation), '{}') from reached) as reached
"""


@dataclass(slots=True)
class Writing:
    """Rows about one person, written in one statement; ``person`` is empty where the person is known already."""

    person: list[Doc] = field(default_factory=list)
    keys: list[Doc] = field(default_factory=list)
    identifiers: list[Doc] = field(default_factory=list)
    contacts: list[Doc] = field(default_factory=list)
    memberships: list[Doc] = field(default_factory=list)
    marks: list[Doc] = field(default_factory=list)
    addresses: list[Doc] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not any(
            (self.person, self.keys, self.identifiers, self.contacts, self.memberships, self.marks, self.addresses)
        )


@dataclass(frozen=True, slots=True)
class Written:
    """What was new: ids of memberships, and relations of contacts."""

    joined: frozenset[UUID]
    reached: frozenset[str]


async def write_person(db: Connection, rows: Writing) -> Written:
    """Write what is new about a person; contacts and groups that stand already are left as they are.

    A number or telephone of theirs that somebody has ended does not come back by this.

    Raises:
        UniqueViolationError: ``identifier_one_owner``, the number is somebody else's.

    """
    parts = (rows.person, rows.keys, rows.identifiers, rows.contacts, rows.memberships, rows.marks, rows.addresses)
    row = await db.fetchrow(WRITE_PERSON, *parts)
    assert row is not None  # noqa: S101 a select without a from
    return Written(frozenset(row["joined"]), frozenset(row["reached"]))


LOCK_PERSON = "select * from person where id = $1 for update"
READ_PERSON = """
select * from person p where id = survivor_of($1) and ($2::text[] is null or area = any($2) or exists (
    select from call_person m where m.person_id = any(array(select records_of(p.id)))
    and (select c.area from call c where c.id = m.call_id) = any($2)))
"""


# An id is of one thing only. Not held: the person is, and then the thing itself.
WHOSE = """
select person_id from life_need where id = $1
union all select person_id from visit where id = $1
union all select person_id from consent where id = $1
union all select person_id from break_glass where id = $1
union all select person_id from group_proposal where id = $1
union all select person_id from correction where id = $1
union all select person_id from review where id = $1
union all select person_id from disclosure_request where id = $1
union all select k.person_id from case_file k where k.id = $1
"""


async def lock_person(db: Connection, person_id: UUID) -> Row | None:
    return await db.fetchrow(LOCK_PERSON, person_id)


async def whose(db: Connection, matter_id: UUID) -> UUID | None:
    """Whom the thing with this id is about; None where there is no such thing, or it is about nobody."""
    found: UUID | None = await db.fetchval(WHOSE, matter_id)
    return found


async def read_person(db: Connection | Pool, person_id: UUID, areas: Sequence[str] | None) -> Row | None:
    """The record that stands for this one's person, if born in one of these areas, or called for there.

    None stands for every area.
    """
    return await db.fetchrow(READ_PERSON, person_id, areas)


CHANGE_PERSON = """
update person p set (name, birth, line_user_id, sex, language, mobility, needs, disclosure, changed_at, alias,
                     usual_place, may_be_texted, quiet_from, quiet_until) = (
    select r.name, r.birth, r.line_user_id, r.sex, r.language, r.mobility, r.needs, r.disclosure, r.changed_at, r.alias,
           r.usual_place, r.may_be_texted, r.quiet_from, r.quiet_until
    from jsonb_populate_record(p, $2) as r)
where id = $1
"""


FORGET_KEYS = "delete from person_key where person_id = $1"


async def forget_keys(db: Connection, person_id: UUID) -> None:
    """The marks of a name that is not theirs any more."""
    await db.execute(FORGET_KEYS, person_id)


async def change_person(db: Connection, person_id: UUID, changes: Doc) -> None:
    await db.execute(CHANGE_PERSON, person_id, changes)


# Of all records of the person.
READ_IDENTIFIERS = (
    "select * from identifier where person_id = any(array(select records_of($1))) order by since_on desc, id"
)
# Shared: somebody else of the municipality is reached by it, too. Of secret people only those hear who may see them.
READ_CONTACTS = """
select c.*, exists (
    select from contact o cross join lateral (select * from person where id = o.person_id offset 0) q
    where o.blind = c.blind and o.until_on is null and q.area = (select area from person where id = c.person_id)
      and q.erased_at is null and (q.disclosure <> 'secret' or $2)
      and q.id <> all(array(select records_of($1)))) as shared
from contact c where c.person_id = any(array(select records_of($1))) and c.until_on is null
order by c.since_at desc, c.id
"""
READ_MEMBERSHIPS = (
    "select * from membership where person_id = any(array(select records_of($1))) order by from_on desc, id"
)
HIDE_PERSON = """
update person set disclosure = 'secret', changed_at = $2
where id = any(array(select records_of($1))) and disclosure <> 'secret'
"""


async def make_secret(db: Connection, person_id: UUID, at: datetime) -> None:
    """Every record of the person."""
    await db.execute(HIDE_PERSON, person_id, at)


async def read_identifiers(db: Connection | Pool, person_id: UUID) -> list[Row]:
    return await db.fetch(READ_IDENTIFIERS, person_id)


async def read_contacts(db: Connection | Pool, person_id: UUID, *, protected: bool = False) -> list[Row]:
    """Those that stand, newest first; the person's own have relation ``self``; ``shared``: others are reached by it."""
    return await db.fetch(READ_CONTACTS, person_id, protected)


async def read_memberships(db: Connection | Pool, person_id: UUID) -> list[Row]:
    return await db.fetch(READ_MEMBERSHIPS, person_id)


# --- search -------------------------------------------------------------------------------------------------------

# Few are linked to others, so links are followed only where there are some. Only one of the first four is given. A name
# is found where every one of its $5 words is a word of the person's.
SEARCH = """
with found as (
    select person_id from identifier where blind = any($1::bytea[]) and until_on is null
    union select person_id from contact where blind = any($2::bytea[]) and until_on is null
    union select unnest($3::uuid[])
    union (select person_id from person_key where blind = any($4::bytea[]) and kind = 'word'
           group by person_id having count(*) >= $5::int)
)
select p.*, (select k.id from case_file k where k.person_id = any(array(select records_of(p.id)))
             and k.closed_at is null and not k.protected order by k.opened_at limit 1) as open_case_id
from (select distinct case when exists (select from person_link l where l.person_id = found.person_id)
                      then survivor_of(person_id) else person_id end as id from found) f join person p on p.id = f.id
where p.erased_at is null and p.disclosure <> 'secret'
  and ($8::text[] is null or p.id = any($9::uuid[]) or lies_in(lives_in(p.id), $8))
  and ($6::text[] is null or p.area = any($6) or exists (
    select from call_person m where m.person_id = any(array(select records_of(p.id)))
    and (select c.area from call c where c.id = m.call_id) = any($6)))
order by p.id desc limit $7
"""


READ_HITS = """
select p.*, (select k.id from case_file k where k.person_id = any(array(select records_of(p.id)))
             and k.closed_at is null and not k.protected order by k.opened_at limit 1) as open_case_id
from person p where p.id = any($1::uuid[])
"""


async def read_hits(db: Connection | Pool, person_ids: Sequence[UUID]) -> list[Row]:
    """Records as a search answers them, with the case that is open for their person."""
    return await db.fetch(READ_HITS, list(person_ids))


@dataclass(frozen=True, slots=True)
class Within:
    """Where people are looked for: codes in or below which they live, None is anywhere; ``beside``: people who are

    found wherever they live.
    """

    places: Sequence[str] | None = None
    beside: Collection[UUID] = ()


# Somebody whose name has a key of each word that was typed ($1, $2; one word is given twice), or of the whole ($3).
SEARCH_NEAR = """
with found as (
    select person_id from person_mark where marks && $1::bigint[] and marks && $2::bigint[]
    union select person_id from person_mark where marks && $3::bigint[]
)
select p.id, p.name, p.alias, p.birth,
       case when exists (select from person_link l where l.person_id = p.id) then survivor_of(p.id) else p.id end
       as survivor_id
from found f join person p on p.id = f.person_id
where p.erased_at is null and p.disclosure <> 'secret'
  and ($6::text[] is null or p.id = any($7::uuid[]) or lies_in(lives_in(p.id), $6))
  and ($4::text[] is null or p.area = any($4) or exists (
    select from call_person m where m.person_id = any(array(select records_of(p.id)))
    and (select c.area from call c where c.id = m.call_id) = any($4)))
limit $5
"""


async def search_near(
    db: Connection,
    words: Sequence[Sequence[int]],
    joined: Sequence[int],
    areas: Sequence[str] | None,
    within: Within,
    limit: int,
) -> list[Row]:
    """Records whose name may be meant: ``id``, sealed ``name`` and ``birth``, and who stands for their person."""
    marks = [list(word) for word in words]
    return await db.fetch(
        SEARCH_NEAR, marks[0], marks[-1], list(joined), areas, limit, within.places, list(within.beside)
    )


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for: marks of numbers, phones or of a name's words, or ids."""

    numbers: Sequence[bytes] = ()
    phones: Sequence[bytes] = ()
    ids: Sequence[UUID] = ()
    words: Sequence[bytes] = ()
    word_count: int = 0


async def search(db: Connection, sought: Sought, areas: Sequence[str] | None, within: Within, limit: int) -> list[Row]:
    """Whom it may mean, newest first. Secret and erased people are never found."""
    marks = (list(sought.numbers), list(sought.phones), list(sought.ids), list(sought.words), sought.word_count)
    return await db.fetch(SEARCH, *marks, areas, limit, within.places, list(within.beside))


HOLDERS = """
select survivor_of(p.id) as id, p.area, p.disclosure <> 'secret' and ($2::text[] is null or p.area = any($2) or exists (
    select from call_person m where m.person_id = p.id
    and (select c.area from call c where c.id = m.call_id) = any($2))) as shown
from person p where p.erased_at is null
    and p.id in (select person_id from identifier where blind = any($1::bytea[]) and until_on is null)
order by p.id desc
"""


async def holders(db: Connection, numbers: Sequence[bytes], areas: Sequence[str] | None) -> list[Row]:
    """Whose these numbers are now: ``id``, ``area``, and whether a caller of these areas may find them."""
    return await db.fetch(HOLDERS, list(numbers), areas)


# --- erasure ------------------------------------------------------------------------------------------------------

# Whoever is just being matched is waited for, so that their new case is seen and closed too.
HOLD_PEOPLE_OF_CALL = """
select id from person where id in (select person_id from call_person where call_id = $1
                                   union all select person_id from contact where source_call_id = $1)
order by id for update
"""
WIPE_PERSONS = """
with gone as (
    update person set name = null, birth = null, line_user_id = null, sex = null, mobility = null, needs = '{}',
        quiet_from = null, quiet_until = null, alias = null, usual_place = null, registered_by = null,
        changed_at = $2, erased_at = $2
    where id = any($1::uuid[]) returning id
), keys as (delete from person_key where person_id = any($1)
), marks as (delete from person_mark where person_id = any($1)
), homes as (delete from address where person_id = any($1)
), asked as (delete from disclosure_request where person_id = any($1)
), houses as (delete from household_member where person_id = any($1)
), numbers as (delete from identifier where person_id = any($1)
), contacts as (delete from contact where person_id = any($1)
), errors as (delete from entered_in_error where person_id = any($1)
), groups as (delete from membership where person_id = any($1) returning id
)
select coalesce(array_agg(id), '{}') from groups
"""


# What was answered to a request with an Idempotency-Key may hold what somebody wrote of them.
FORGET_ANSWERS = """
update idempotency set answer = jsonb_build_object('id', answer -> 'id')
where answer ->> 'person_id' = any($1::text[])
"""


async def forget_answers(db: Connection, person_ids: Sequence[UUID]) -> None:
    await db.execute(FORGET_ANSWERS, [str(one) for one in person_ids])


async def hold_people_of_call(db: Connection, call_id: UUID) -> None:
    """Hold everybody of whom this call told, before anything of theirs is touched: so does whoever erases one."""
    await db.execute(HOLD_PEOPLE_OF_CALL, call_id)


async def wipe_persons(db: Connection, person_ids: Sequence[UUID], at: Any) -> list[UUID]:
    """Leave of a person only that there was one; returns the memberships that went, for they have events."""
    gone: list[UUID] = await db.fetchval(WIPE_PERSONS, list(person_ids), at)
    return gone


UNTOUCHED = """
with old as (
    select id, changed_at from person
    where erased_at is null and changed_at < $1 and changed_at >= $2 and (changed_at > $2 or id > $3)
    order by changed_at, id limit $4
)
select id, changed_at, is_quiet(id, $1) as quiet from old order by changed_at, id
"""
STILL_UNTOUCHED = "select id from person where id = any($2::uuid[]) and erased_at is null and is_quiet(id, $1)"


async def untouched(db: Connection, before: datetime, after: tuple[datetime, UUID], limit: int) -> list[Row]:
    """Records not written since ``before``, oldest first, from ``after`` on: ``id``, ``changed_at``, and ``quiet``.

    Quiet: of no record of the person anything is younger, and nothing is open.
    """
    return await db.fetch(UNTOUCHED, before, *after, limit)


async def still_untouched(db: Connection, before: datetime, ids: Sequence[UUID]) -> set[UUID]:
    """Those of them of whom that is true now, while they are held."""
    return {row["id"] for row in await db.fetch(STILL_UNTOUCHED, before, list(ids))}


ONLY_FROM_CALL = """
select p.id, p.area, p.exercise from person p
where p.source_call_id = $1 and p.erased_at is null
  and not exists (select from call_person m where m.person_id = p.id and m.call_id <> $1)
  and not exists (select from identifier i where i.person_id = p.id and i.source <> 'call')
  and not exists (select from membership g where g.person_id = p.id and g.source <> 'call')
  and not exists (select from location l where l.person_id = p.id)
  and not exists (select from visit v where v.person_id = p.id)
  and not exists (select from planned_visit v where v.person_id = p.id)
  and not exists (select from assessment a where a.person_id = p.id)
  and not exists (select from life_need n where n.person_id = p.id)
  and not exists (select from consent c where c.person_id = p.id)
  and not exists (select from address a where a.person_id = p.id)
  and not exists (select from contact c where c.person_id = p.id and c.source_call_id is null)
  and not exists (select from household_member h where h.person_id = p.id)
  and not exists (select from care_group_patient g where g.person_id = p.id)
  and not exists (select from (select opened_call_id from case_file where person_id = p.id and closed_at is null
                               offset 0) k where k.opened_call_id is distinct from $1)
"""


async def only_from_call(db: Connection, call_id: UUID) -> list[Row]:
    """People of whom nothing is known but what this one call told."""
    return await db.fetch(ONLY_FROM_CALL, call_id)


def hexed(value: bytes | None) -> str | None:
    """Bytes as PostgreSQL reads them inside JSON."""
    return None if value is None else f"\\x{value.hex()}"


def day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()
