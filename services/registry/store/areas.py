"""The municipality's own rows of the area tree, and what lies below a code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from services.registry.rules.areas import Node
from shared.database import Connection, Pool

Row = asyncpg.Record

BELOW = "select areas_below($1)"
BELOW_EACH = "select distinct areas_below(t.code) as code from unnest($1::text[]) as t (code)"
NODES = "select code, area, kind, th, en from area_node where code = any($1::text[])"
# What belongs to a municipality is read whole: it has hundreds of communities and villages, not millions.
OF_AREAS = """
select n.code, n.area, n.kind, n.th, n.en,
       (select coalesce(array_agg(p.parent order by p.parent), '{}') from area_parent p where p.code = n.code)
       as parents
from area_node n where n.area = any($1::text[]) order by n.code
"""
READ = """
select n.*, (select coalesce(array_agg(p.parent order by p.parent), '{}') from area_parent p where p.code = n.code)
    as parents
from area_node n where n.code = $1
"""
CHILDREN = """
select n.code, n.kind, n.th, n.en from area_parent p join area_node n on n.code = p.code
where p.parent = $1 order by n.code limit 1000
"""
PUT = """
with put as (
    insert into area_node as n (code, area, kind, th, en, boundary, changed_at) values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (code) do update set th = excluded.th, en = excluded.en, kind = excluded.kind,
        boundary = coalesce(excluded.boundary, n.boundary), changed_at = excluded.changed_at
    where n.area = excluded.area
    returning code
), gone as (
    delete from area_parent p where p.code = $1 and p.parent <> all($8::text[]) and exists (select from put)
)
select code from put
"""
NAMED = "select code from area_node where area = $1 and kind <> 'village' and (th = $2 or en = $2) limit 2"
PUT_PARENTS = "insert into area_parent (code, parent) select $1, unnest($2::text[]) on conflict do nothing"
LIVES_IN = "select lives_in($1)"
BOUNDARIES_STAND = """
select count(*) as count, max(changed_at) as changed_at from area_node where area = $1 and boundary is not null
"""
BOUNDARIES = "select code, kind, boundary from area_node where area = $1 and boundary is not null order by code"
# What lives_in (migration 0029) says of one person, of the array {records}: asked of each of a hundred thousand, a
# function costs seconds.
PLACE_OF = """(
    select case when said.code is null then seen.code when seen.code is null then said.code
        when said.code ~ '^[0-9]+$' and seen.code like said.code || '%' then seen.code
        when exists (select from area_parent p where p.code = seen.code
            and (p.parent = said.code or said.code ~ '^[0-9]+$' and p.parent like said.code || '%')) then seen.code
        else said.code end
    from (select coalesce(
        (select a.area_code from address a where a.person_id = any({records}) and a.kind = 'current'
            and a.until_on is null and a.area_code is not null limit 1),
        (select h.area_code from household_member m
            cross join lateral (select * from household h where h.id = m.household_id offset 0) h
            where m.person_id = any({records}) and m.until_on is null and h.area_code is not null limit 1),
        (select a.area_code from address a where a.person_id = any({records}) and a.kind = 'registered'
            and a.until_on is null and a.area_code is not null limit 1)) as code offset 0) as said,
        (select (select w.area_code from whereabouts w where w.person_id = any({records}) and w.area_code is not null
            order by w.use, w.verified_at desc nulls last limit 1) as code offset 0) as seen)"""
# For an account that is held to places: where somebody lives, by the record that stands for them.
LIVE = """
select w.id, survivor_of(w.id) as survivor_id, lives_in(w.id) as place from unnest($1::uuid[]) as w (id)
"""
# Whom an account was given or wrote down itself: $1 its name, $2 its crew member, $3 since when a visit that was made
# counts.
GIVEN = """
select case when exists (select from person_link k where k.person_id = w.id) then survivor_of(w.id) else w.id end as id
from (
    select p.id from person p where p.registered_by = $1 and p.erased_at is null
    union select v.person_id from planned_visit v
    where v.crew_ids @> array[$2::uuid] and v.cancelled_at is null and (v.done_at is null or v.done_at > $3)
    union select k.person_id from task t cross join lateral (select * from case_file where id = t.case_id offset 0) k
    where t.assignee_id = $2 and t.done_at is null
) w
"""

# The records with an address, a household or a point in one of the codes {places}, or below an official one: found by
# the codes.
# Whoever lives there is among them; of a rare code it reads a few, where a list would be read to its end.
NEAR = """reach as (
    select t as low, case when t ~ '^[0-9]{{2,6}}$' then t || ':' else t end as high from unnest({places}::text[]) as t
), near as materialized (
    select a.person_id from reach r cross join lateral (
        select person_id from address where area_code ~>=~ r.low and area_code ~<=~ r.high and until_on is null
        offset 0) a
    union
    select m.person_id from reach r cross join lateral (
        select id from household where area_code ~>=~ r.low and area_code ~<=~ r.high offset 0) h
    cross join lateral (select person_id from household_member where household_id = h.id and until_on is null
                        offset 0) m
    union
    select w.person_id from reach r cross join lateral (
        select person_id from whereabouts where area_code ~>=~ r.low and area_code ~<=~ r.high offset 0) w
)"""


async def below(db: Connection | Pool, code: str) -> list[str]:
    """The code and every own row below it; official codes below it begin with it."""
    return [row[0] for row in await db.fetch(BELOW, code)]


async def below_each(db: Connection | Pool, codes: Iterable[str]) -> frozenset[str]:
    """The same of several codes."""
    return frozenset(row["code"] for row in await db.fetch(BELOW_EACH, sorted(codes)))


async def live(db: Connection | Pool, person_ids: Iterable[UUID]) -> list[Row]:
    """``id, survivor_id, place`` of these records."""
    return await db.fetch(LIVE, sorted(set(person_ids)))


async def given(db: Connection | Pool, actor: str, crew_id: UUID | None, done_after: datetime) -> frozenset[UUID]:
    """The people whom this actor wrote down, or whom this crew member is sent to, or was until a moment ago."""
    return frozenset(row["id"] for row in await db.fetch(GIVEN, actor, crew_id, done_after))


async def nodes(db: Connection | Pool, codes: Sequence[str]) -> list[Row]:
    return await db.fetch(NODES, list(codes))


async def named(db: Connection | Pool, area: str, name: str) -> list[str]:
    """The codes of a municipality's communities and quarters of this name, at most two."""
    return [row["code"] for row in await db.fetch(NAMED, area, name)]


async def of_areas(db: Connection | Pool, areas: Sequence[str]) -> list[Node]:
    """Every row of these municipalities, without boundaries."""
    rows = await db.fetch(OF_AREAS, list(areas))
    return [Node(row["code"], row["area"], row["kind"], row["th"], row["en"], tuple(row["parents"])) for row in rows]


async def read(db: Connection | Pool, code: str) -> Row | None:
    """An own row with its parents and boundary."""
    return await db.fetchrow(READ, code)


async def children(db: Connection | Pool, code: str) -> list[Row]:
    """The own rows that lie right in this one."""
    return await db.fetch(CHILDREN, code)


async def put(db: Connection, node: Node, at: datetime) -> bool:
    """Write a row; a boundary that is not told stays. False: the code is another municipality's."""
    values = (node.code, node.area, node.kind, node.th, node.en, node.boundary, at, list(node.parents))
    if await db.fetchval(PUT, *values) is None:
        return False
    await db.execute(PUT_PARENTS, node.code, list(node.parents))
    return True


async def boundaries_stand(db: Connection | Pool, area: str) -> tuple[int, datetime | None]:
    """How many boundaries a municipality has and when one was last written: where neither changed, none did."""
    row = await db.fetchrow(BOUNDARIES_STAND, area)
    assert row is not None  # noqa: S101 an aggregate
    return row["count"], row["changed_at"]


async def boundaries(db: Connection | Pool, area: str) -> list[Row]:
    """``code, kind, boundary`` (GeoJSON) of a municipality's rows that have one."""
    return await db.fetch(BOUNDARIES, area)


async def lives_in(db: Connection | Pool, person_id: UUID) -> str | None:
    """The smallest area in which somebody is known to live."""
    found: str | None = await db.fetchval(LIVES_IN, person_id)
    return found
