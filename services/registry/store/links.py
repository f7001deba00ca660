"""Records that may be one person's, and those that are: pairs to be reviewed, and links."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.registry.store.areas import NEAR
from shared.database import Connection, Pool, Search, look_up

Row = asyncpg.Record

# Three ways to a candidate: a key in common, a given and a family name of which each is nearly that of the other, or a
# telephone, where not everybody has it (a ward's, a school's). Of a numbered kind ($8) only numbers that stand count.
ALIKE = """
with keyed as (
    select person_id from person_mark where marks && $1::bigint[]
), named as (
    select person_id from person_mark where marks && $2::bigint[] and marks && $3::bigint[]
), reached as (
    select c.person_id from unnest($4::bytea[]) as b (blind) cross join lateral (
        select person_id from contact where blind = b.blind and until_on is null limit 21) as c
), found as (
    select person_id from (select * from keyed union select * from named union select * from reached) as f
    where person_id <> $5 limit 500
)
select p.*,
    (select coalesce(array_agg(c.relation || ' ' || encode(c.blind, 'hex')), '{}') from contact c
     where c.person_id = p.id and c.until_on is null) as phones,
    (select coalesce(array_agg(i.kind || ' ' || encode(i.blind, 'hex')), '{}') from identifier i
     where i.person_id = p.id and i.until_on is null and i.kind = any($8::text[])) as numbers
from found f cross join lateral (select * from person where id = f.person_id offset 0) p
where p.erased_at is null and p.disclosure <> 'secret' and p.area = $6 and p.exercise = $7
  and p.id <> all(array(select records_of($5)))
"""
COMPARED = """
select p.*,
    (select coalesce(array_agg(c.relation || ' ' || encode(c.blind, 'hex')), '{}') from contact c
     where c.person_id = p.id and c.until_on is null) as phones,
    (select coalesce(array_agg(i.kind || ' ' || encode(i.blind, 'hex')), '{}') from identifier i
     where i.person_id = p.id and i.until_on is null and i.kind = any($2::text[])) as numbers
from person p where p.id = $1
"""
BLINDS_OF = "select blind from contact where person_id = $1 and until_on is null"


async def compared(db: Connection, person_id: UUID, kinds: Sequence[str]) -> Row | None:
    """One person with what is compared of them: ``phones`` and ``numbers`` as ``relation|kind`` and mark."""
    return await db.fetchrow(COMPARED, person_id, list(kinds))


async def alike(
    db: Connection,
    person: Row,
    *,
    keys: Sequence[int],
    given: Sequence[int],
    family: Sequence[int],
    kinds: Sequence[str],
) -> list[Row]:
    """Who of the same municipality may be this person, as :func:`compared` shows them. Secret people are left out."""
    blinds = [row["blind"] for row in await db.fetch(BLINDS_OF, person["id"])]
    who = (person["id"], person["area"], person["exercise"])
    return await db.fetch(ALIKE, list(keys), list(given), list(family), blinds, *who, list(kinds))


# What was reviewed stays as it is; what is no candidate any more goes.
PUT_PAIRS = """
with told as (
    select * from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::real[], $6::text[])
        as t (id, one_id, other_id, score, reasons)
), gone as (
    delete from duplicate d where (d.one_id = $1 or d.other_id = $1) and d.decision is null
    and not exists (select from told t where t.one_id = d.one_id and t.other_id = d.other_id)
)
insert into duplicate as d (id, area, one_id, other_id, score, reasons, found_at)
select id, $7, one_id, other_id, score, string_to_array(reasons, ' '), $8 from told
on conflict (one_id, other_id) do update set score = excluded.score, reasons = excluded.reasons
    where d.decision is null
"""
Pair = tuple[UUID, UUID, UUID, float, str]
"""``id, one_id, other_id, score, reasons``; ``one_id`` is the smaller, reasons stand with spaces between."""


async def put_pairs(db: Connection, person_id: UUID, pairs: Sequence[Pair], area: str, at: datetime) -> None:
    """The open pairs of a person are these, and no others."""
    columns = [list(column) for column in zip(*pairs, strict=True)] if pairs else [[], [], [], [], []]
    await db.execute(PUT_PAIRS, person_id, *columns, area, at)


# $5: of either record it is told that the person lives there. Who may is found first, whichever of a person's linked
# records says it, so that a long queue is not asked pair by pair for a place in which a few live.
READ_OPEN = Search(f"""
with {NEAR.format(places="$5")}, there as materialized (
    select person_id as id from near union select r.id from person_link l
    cross join lateral (select records_of(l.person_id) as id) r
    where l.unlinked_at is null
      and (l.person_id in (select person_id from near) or l.survivor_id in (select person_id from near))
)
select d.* from (
    select d.* from duplicate d where d.decision is null and ($1::text[] is null or d.area = any($1))
      and ($2::real is null or (d.score, d.id) < ($2, $3::uuid))
      and ($5::text[] is null or d.one_id in (select id from there) or d.other_id in (select id from there))
    order by d.score desc, d.id desc offset 0
) d
cross join lateral (select * from person where id = d.one_id offset 0) a
cross join lateral (select * from person where id = d.other_id offset 0) b
where a.erased_at is null and b.erased_at is null and a.disclosure <> 'secret' and b.disclosure <> 'secret'
  and ($5::text[] is null or lies_in(lives_in(a.id), $5) or lies_in(lives_in(b.id), $5))
order by d.score desc, d.id desc limit $4
""")  # noqa: S608
READ_PAIR = """
select d.* from duplicate d join person a on a.id = d.one_id join person b on b.id = d.other_id
where d.id = $1 and ($2::text[] is null or d.area = any($2))
  and a.erased_at is null and b.erased_at is null and a.disclosure <> 'secret' and b.disclosure <> 'secret'
"""


async def read_open(
    db: Connection | Pool,
    areas: Sequence[str] | None,
    after: tuple[float, UUID] | None,
    limit: int,
    places: Sequence[str] | None = None,
) -> list[Row]:
    """Pairs that nobody has reviewed, the likeliest first."""
    score, pair_id = after or (None, None)
    return await look_up(db, READ_OPEN, areas, score, pair_id, limit, places)


async def read_pair(db: Connection | Pool, pair_id: UUID, areas: Sequence[str] | None) -> Row | None:
    return await db.fetchrow(READ_PAIR, pair_id, areas)


# One decision speaks for all pairs between the two people, whichever of their records is meant.
DECIDE = """
update duplicate d set decision = $3, decided_at = $4
where (d.one_id = any(array(select records_of($1))) and d.other_id = any(array(select records_of($2)))
       or d.other_id = any(array(select records_of($1))) and d.one_id = any(array(select records_of($2))))
  and (d.decision is null or $5)
"""
REMEMBER = """
insert into duplicate (id, area, one_id, other_id, score, reasons, found_at, decision, decided_at)
values ($1, $2, least($3::uuid, $4::uuid), greatest($3, $4), 0, '{}', $6, $5, $6)
on conflict (one_id, other_id) do update set decision = excluded.decision, decided_at = excluded.decided_at
"""


async def decide(db: Connection, one: UUID, other: UUID, decision: str, at: datetime, *, again: bool = False) -> None:
    """Write the decision to every pair of the two people. ``again``: a decision that stands is changed, too."""
    await db.execute(DECIDE, one, other, decision, at, again)


async def remember(db: Connection, pair_id: UUID, area: str, pair: tuple[UUID, UUID], decision: str, at: Any) -> None:
    """The decision about two records, whether or not they were ever found to be alike."""
    await db.execute(REMEMBER, pair_id, area, *pair, decision, at)


# --- links --------------------------------------------------------------------------------------------------------

RECORDS_OF = """
select p.* from person p where p.id = any(array(select records_of($1)))
order by p.id <> survivor_of($1), p.changed_at desc, p.id
"""
HOLD_RECORDS = """
select p.* from person p where p.id in (select records_of(r.id) from unnest($1::uuid[]) as r (id))
order by p.id for update
"""
SURVIVOR = "select survivor_of($1)"
LINK = "insert into person_link (id, person_id, survivor_id, linked_at) values ($1, $2, $3, $4)"
UNLINK = """
update person_link set unlinked_at = $2 where person_id = $1 and unlinked_at is null returning survivor_id
"""
LINKED_TO = "select person_id from person_link where survivor_id = $1 and unlinked_at is null order by linked_at, id"
READ_LINKS = Search("""
select l.*, a.area from person_link l join person a on a.id = l.person_id join person b on b.id = l.survivor_id
where l.unlinked_at is null and ($1::text[] is null or a.area = any($1)) and ($2::uuid is null or l.id < $2)
  and a.erased_at is null and b.erased_at is null and a.disclosure <> 'secret' and b.disclosure <> 'secret'
  and ($4::text[] is null or lies_in(lives_in(a.id), $4))
order by l.id desc limit $3
""")
FORGET_LINKS = """
with pairs as (delete from duplicate where one_id = any($1::uuid[]) or other_id = any($1))
delete from person_link where person_id = any($1) or survivor_id = any($1)
returning person_id, survivor_id, unlinked_at is null as stood
"""


async def records(db: Connection | Pool, person_id: UUID) -> list[Row]:
    """All records of the person whose record this is: the survivor first, then the ones changed last."""
    return await db.fetch(RECORDS_OF, person_id)


async def hold(db: Connection, person_ids: Sequence[UUID]) -> list[Row]:
    """Hold every record of these people until the transaction ends, in one order."""
    return await db.fetch(HOLD_RECORDS, list(person_ids))


async def survivor(db: Connection | Pool, person_id: UUID) -> UUID:
    found: UUID = await db.fetchval(SURVIVOR, person_id)
    return found


async def link(db: Connection, link_id: UUID, person_id: UUID, survivor_id: UUID, at: datetime) -> None:
    await db.execute(LINK, link_id, person_id, survivor_id, at)


async def unlink(db: Connection, person_id: UUID, at: datetime) -> UUID | None:
    """End the record's link; returns whose record it was linked to, None where it was to none."""
    left: UUID | None = await db.fetchval(UNLINK, person_id, at)
    return left


async def linked_to(db: Connection, person_id: UUID) -> list[UUID]:
    """The records that are linked to this one itself."""
    return [row["person_id"] for row in await db.fetch(LINKED_TO, person_id)]


async def read_links(
    db: Connection | Pool,
    areas: Sequence[str] | None,
    before: UUID | None,
    limit: int,
    places: Sequence[str] | None = None,
) -> list[Row]:
    """Links that stand, the newest first, with the ``area`` of the linked record. Secret people's are left out."""
    return await look_up(db, READ_LINKS, areas, before, limit, places)


async def forget(db: Connection, person_ids: Sequence[UUID]) -> list[Row]:
    """Leave nothing of these people's pairs and links; returns the links: ``person_id, survivor_id, stood``."""
    return await db.fetch(FORGET_LINKS, list(person_ids))
