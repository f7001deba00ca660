"""Where people live: observations that are never changed, and which of them counts. Points come and go sealed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from services.registry.store.people import Doc
from shared.database import Connection, Pool

Row = asyncpg.Record

WRITE_LOCATIONS = """
insert into location select r.* from jsonb_populate_recordset(null::location, $1) as r
on conflict do nothing returning id
"""
READ_LOCATION = "select * from location where id = $1"
READ_SAME = "select * from location where once = any($1::bytea[])"
READ_LOCATIONS = """
select * from location where person_id = any(array(select records_of($1))) order by observed_at desc, id desc limit 200
"""
READ_WHEREABOUTS = """
select w.*, n.th, n.en from whereabouts w
left join lateral (select th, en from area_node where code = w.area_code offset 0) n on true
where w.person_id = any(array(select records_of($1))) order by w.verified_at desc nulls last
"""
SURVIVORS = """
select person_id, survivor_of(person_id) as survivor_id from person_link
where person_id = any($1::uuid[]) and unlinked_at is null
"""


async def write_locations(db: Connection, rows: Sequence[Doc]) -> set[UUID]:
    """Write observations; the ids of those that did not stand already (by id, or by source, point and day)."""
    return {row["id"] for row in await db.fetch(WRITE_LOCATIONS, list(rows))}


async def read_location(db: Connection | Pool, location_id: UUID) -> Row | None:
    return await db.fetchrow(READ_LOCATION, location_id)


async def read_same(db: Connection, marks: Sequence[bytes]) -> Row | None:
    """The observation with this mark of source, point and day."""
    return await db.fetchrow(READ_SAME, list(marks))


async def read_locations(db: Connection | Pool, person_id: UUID) -> list[Row]:
    """The person's last 200 observations, newest first."""
    return await db.fetch(READ_LOCATIONS, person_id)


async def read_whereabouts(db: Connection | Pool, person_id: UUID) -> list[Row]:
    """What counts now: at most one row a use and record, the last verified first; with the names of its area."""
    return await db.fetch(READ_WHEREABOUTS, person_id)


async def survivors(db: Connection, ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Of those records that are linked: the one that stands for the person."""
    return {row["person_id"]: row["survivor_id"] for row in await db.fetch(SURVIVORS, list(ids))}


SET_WHEREABOUTS = """
insert into whereabouts (person_id, use, location_id, point, cell, key_id, method, with_location_id, verified_at,
                         area_code)
select s.person_id, s.use, l.id, l.point, s.cell, s.key_id, s.method, s.other_id, s.verified_at, s.area_code
from unnest($1::uuid[], $2::text[], $3::uuid[], $4::bytea[], $5::integer[], $6::text[], $7::uuid[], $8::timestamptz[],
            $9::text[]) as s (person_id, use, location_id, cell, key_id, method, other_id, verified_at, area_code)
cross join lateral (select id, point from location where id = s.location_id offset 0) l
on conflict (person_id, use) do update set location_id = excluded.location_id, point = excluded.point,
    cell = excluded.cell, key_id = excluded.key_id, method = excluded.method, verified_at = excluded.verified_at,
    with_location_id = excluded.with_location_id, area_code = excluded.area_code
"""


Stands = tuple[UUID, str, UUID, bytes, int, str | None, UUID | None, datetime | None, str | None]
"""Person, use, observation, mark of its cell, the mark's key; how it was verified, with which other one, and when; the

code of the area in whose boundary it lies.
"""


FORGET_STANDING = "delete from whereabouts where person_id = $1 and use = $2"


async def forget_standing(db: Connection, person_id: UUID, use: str) -> None:
    """None of this record's observations counts until it is said which."""
    await db.execute(FORGET_STANDING, person_id, use)


async def set_whereabouts(db: Connection, rows: Sequence[Stands]) -> None:
    """From now on these observations count."""
    await db.execute(SET_WHEREABOUTS, *map(list, zip(*rows, strict=True)))


# The points that count, person by person after ($1, $2), to be looked up in new boundaries.
TO_PLACE = """
select w.person_id, w.use, w.location_id as id, w.point, l.accuracy_m, l.method, p.area from (
    select * from whereabouts where (person_id, use) > ($1::uuid, $2) order by person_id, use limit $3) w
cross join lateral (select area from person where id = w.person_id offset 0) p
cross join lateral (select accuracy_m, method from location where id = w.location_id offset 0) l
order by w.person_id, w.use
"""
PLACE = """
select w.person_id, w.use, w.location_id as id, w.point, l.accuracy_m, l.method
from (select * from whereabouts where (person_id, use) > ($2::uuid, $3) order by person_id, use limit $4) w
cross join lateral (select from person p where p.id = w.person_id and p.area = $1 offset 0) p
cross join lateral (select accuracy_m, method from location where id = w.location_id offset 0) l
order by w.person_id, w.use
"""
LAST_TO_PLACE = """
select person_id, use from whereabouts where (person_id, use) > ($1::uuid, $2) order by person_id, use
offset $3 limit 1
"""
PLACE = """
update whereabouts w set area_code = s.area_code
from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[]) as s (person_id, use, location_id, area_code)
where w.person_id = s.person_id and w.use = s.use and w.location_id = s.location_id
"""


async def to_place(db: Connection, after: tuple[UUID, str], limit: int) -> list[Row]:
    """The next points that count, of every municipality, sealed, with what is known of how exact they are."""
    return await db.fetch(TO_PLACE, *after, limit)


async def place(db: Connection, rows: Sequence[tuple[UUID, str, UUID, str | None]]) -> None:
    """Person, use, observation, area: where these lie, as long as they still count."""
    if rows:
        await db.execute(PLACE, *map(list, zip(*rows, strict=True)))


# Everybody in these cells, or (from the other side) everybody of these groups: whichever is fewer to begin with.
NEAR = """
select w.person_id, w.use, w.location_id as id, w.point, w.method from whereabouts w
cross join lateral (
    select from person p where p.id = w.person_id and p.erased_at is null and p.disclosure <> 'secret'
    and ($2::text[] is null or p.area = any($2)) and p.exercise = $3 offset 0) p
where w.cell = any($1::bytea[]) limit $4
"""
NEAR_OF_GROUPS = """
with grouped as materialized (
    select distinct person_id from membership
    where group_code = any($5::text[]) and until_on is null and ($6 or not protected)
), record as (
    select person_id from grouped
    union select records_of(l.person_id) from grouped g
          cross join lateral (select * from person_link k where k.person_id = g.person_id and k.unlinked_at is null
                              offset 0) l
    union select records_of(l.survivor_id) from grouped g
          cross join lateral (select * from person_link k where k.survivor_id = g.person_id and k.unlinked_at is null
                              offset 0) l
), near as materialized (
    select w.* from record g
    cross join lateral (select * from whereabouts w where w.person_id = g.person_id offset 0) w
    where w.cell = any($1::bytea[])
)
select w.person_id, w.use, w.location_id as id, w.point, w.method
from near w cross join lateral (select * from person p where p.id = w.person_id offset 0) p
where p.erased_at is null and p.disclosure <> 'secret'
  and ($2::text[] is null or p.area = any($2)) and p.exercise = $3
limit $4
"""


async def near(
    db: Connection,
    cells: Sequence[bytes],
    areas: Sequence[str] | None,
    groups: Sequence[str] | None,
    *,
    exercise: bool,
    protected: bool,
    limit: int,
) -> list[Row]:
    """Who lives in these cells, with the sealed point that counts. Secret and erased people are never found."""
    if groups is None:
        return await db.fetch(NEAR, list(cells), areas, exercise, limit)
    return await db.fetch(NEAR_OF_GROUPS, list(cells), areas, exercise, limit, groups, protected)


NEAR_PEOPLE = "select * from person where id = any($1::uuid[])"
NEAR_GROUPS = """
select person_id, array_agg(group_code order by group_code) as groups from membership
where person_id = any($1::uuid[]) and until_on is null and ($2 or not protected) group by person_id
"""


async def people(
    db: Connection, ids: Sequence[UUID], *, protected: bool
) -> tuple[dict[UUID, Row], dict[UUID, list[str]]]:
    """These people, and their groups of today."""
    rows = await db.fetch(NEAR_PEOPLE, list(ids))
    groups = await db.fetch(NEAR_GROUPS, list(ids), protected)
    return {row["id"]: row for row in rows}, {row["person_id"]: row["groups"] for row in groups}


# Where people live in a tambon ($1 to before $2): at their current address, else at the registered one.
HOMES = """
select a.id, a.person_id, a.area_code, a.detail, p.name, p.area, survivor_of(p.id) as survivor_id
from address a cross join lateral (select * from person where id = a.person_id offset 0) p
where a.area_code ~>=~ $1 and a.area_code ~<~ $2 and a.until_on is null and a.detail is not null
  and (a.kind = 'current' or not exists (
    select from address c where c.person_id = a.person_id and c.kind = 'current' and c.until_on is null))
  and p.erased_at is null and p.disclosure <> 'secret' and not p.exercise and ($3::text[] is null or p.area = any($3))
limit $4
"""


async def homes(db: Connection, tambon: str, areas: Sequence[str] | None, limit: int) -> list[Row]:
    """Addresses of people in or below a tambon, sealed, with the sealed name."""
    return await db.fetch(HOMES, tambon, f"{tambon}:", areas, limit)


# --- erasure, rotation --------------------------------------------------------------------------------------------

WIPE_WHEREABOUTS = "delete from whereabouts where person_id = any($1::uuid[])"
WIPE_LOCATIONS = "delete from location where person_id = any($1::uuid[]) returning id"


async def wipe(db: Connection, person_ids: Sequence[UUID]) -> list[UUID]:
    """Forget where these people live; returns the observations that went. Only inside ``calls.forgetting``."""
    await db.execute(WIPE_WHEREABOUTS, list(person_ids))
    return [row["id"] for row in await db.fetch(WIPE_LOCATIONS, list(person_ids))]


OLD_LOCATIONS = """
select l.*, p.exercise from location l join person p on p.id = l.person_id
where l.key_id <> $1 limit $2 for update of l skip locked
"""
SEAL_LOCATIONS = """
update location l set point = r.point, photo = r.photo, once = r.once, key_id = r.key_id
from jsonb_populate_recordset(null::location, $1) as r where l.id = r.id
"""
SEAL_CELLS = """
update whereabouts w set point = r.point, cell = r.cell, key_id = r.key_id
from jsonb_populate_recordset(null::whereabouts, $1) as r where w.location_id = r.location_id
"""
COUNT_OLD_LOCATIONS = """
select (select count(*) from location where key_id <> $1) + (select count(*) from whereabouts where key_id <> $1)
"""


async def old_locations(db: Connection, key_id: int, limit: int) -> list[Row]:
    return await db.fetch(OLD_LOCATIONS, key_id, limit)


async def seal_locations(db: Connection, rows: Sequence[Doc], cells: Sequence[Doc]) -> None:
    """``cells``: rows of ``whereabouts`` by ``location_id``."""
    await db.execute(SEAL_LOCATIONS, list(rows))
    await db.execute(SEAL_CELLS, list(cells))


async def count_old(db: Connection, key_id: int) -> int:
    found: int = await db.fetchval(COUNT_OLD_LOCATIONS, key_id)
    return found
