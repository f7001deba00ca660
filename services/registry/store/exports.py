"""Lists of people to be taken along: page by page in the order of their ids, sealed as they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from services.registry.store.areas import NEAR, PLACE_OF
from shared.database import Pool, Search, look_up

Row = asyncpg.Record

# One record a person; nobody secret, no exercise.
_listed = """
p.erased_at is null and p.disclosure <> 'secret' and not p.exercise
and not exists (select from person_link l where l.person_id = p.id and l.unlinked_at is null)
"""
_shown = """
select p.*, c.id as phone_id, c.value as phone, a.id as address_id, a.area_code, a.detail, w.location_id, w.point,
    w.method is not null as verified,
    (select coalesce(array_agg(distinct g.group_code order by g.group_code), '{}') from membership g
     where g.person_id = p.id and g.until_on is null and not g.protected) as groups
from person p
left join lateral (select * from contact where person_id = p.id and relation = 'self' and until_on is null
                   order by since_at desc, id limit 1) c on true
left join lateral (select * from address where person_id = p.id and until_on is null
                   order by kind, id limit 1) a on true
left join whereabouts w on w.person_id = p.id and w.use = 'home'
"""
# $1 municipality, $2 group (no protected one), $3 only who has a point that counts.
_wanted = f"""
p.area = $1 and {_listed}
and ($2::text is null or exists (select from membership g where g.person_id = p.id and g.group_code = $2
                                 and g.until_on is null and not g.protected))
and (not $3::boolean or exists (select from whereabouts w where w.person_id = p.id and w.use = 'home'))
"""  # noqa: S608
READ_PEOPLE = Search(f"{_shown} where {_wanted} and ($4::uuid is null or p.id > $4) order by p.id limit $5")
READ_THESE = Search(f"{_shown} where p.id = any($1::uuid[]) and {_listed} order by p.id")
# Who has an address or a household in one of these codes ($4), or below an official one: found by the codes, then
# looked at. Of a rare code it reads a few, where the list of everybody would be read to its end.
FIND_LIVING = Search(f"""
with {NEAR.format(places="$4")}, one as materialized (
    select distinct case when exists (
            select from person_link l where l.person_id = n.person_id and l.unlinked_at is null)
        then survivor_of(n.person_id) else n.person_id end as id
    from near n
)
select p.id from one cross join lateral (select * from person where id = one.id offset 0) p
cross join lateral (select case when exists (
        select from person_link l where l.survivor_id = p.id and l.unlinked_at is null)
    then array(select records_of(p.id)) else array[p.id] end as records) r
where {_wanted} and lies_in({PLACE_OF.format(records="r.records")}, $4)
order by p.id limit $5
""")  # noqa: S608


async def read_people(
    db: Pool, area: str, group: str | None, after: UUID | None, limit: int, *, pointed: bool
) -> list[Row]:
    """The people after this one. ``pointed``: only those with a point that counts."""
    return await look_up(db, READ_PEOPLE, area, group, pointed, after, limit)


async def find_living(
    db: Pool, area: str, group: str | None, places: Sequence[str], limit: int, *, pointed: bool
) -> list[UUID]:
    """The ids of those who live in these places, in the order of :func:`read_people`."""
    return [row["id"] for row in await look_up(db, FIND_LIVING, area, group, pointed, places, limit)]


async def read_these(db: Pool, ids: Sequence[UUID]) -> list[Row]:
    """Those of them who may still be in a list."""
    return await look_up(db, READ_THESE, list(ids))
