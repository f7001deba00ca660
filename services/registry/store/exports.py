"""Lists of people to be taken along: page by page in the order of their ids, sealed as they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from shared.database import Pool, Search, look_up

Row = asyncpg.Record

# One record a person; nobody secret, no protected group. $6: only who has a point that counts. Where they live is what
# lives_in (migration 0009) says of one person: asked for each of a hundred thousand, a function costs seconds.
READ_PEOPLE = Search("""
select p.*, c.id as phone_id, c.value as phone, a.id as address_id, a.area_code, a.detail, w.location_id, w.point,
    w.method is not null as verified,
    (select coalesce(array_agg(distinct g.group_code order by g.group_code), '{}') from membership g
     where g.person_id = p.id and g.until_on is null and not g.protected) as groups
from person p
left join lateral (select * from contact where person_id = p.id and relation = 'self'
                   order by since_at desc, id limit 1) c on true
left join lateral (select * from address where person_id = p.id and until_on is null
                   order by kind, id limit 1) a on true
left join whereabouts w on w.person_id = p.id and w.use = 'home'
cross join lateral (select case when exists (
        select from person_link l where l.survivor_id = p.id and l.unlinked_at is null)
    then array(select records_of(p.id)) else array[p.id] end as records) r
where p.area = $1 and ($2::uuid is null or p.id > $2) and p.erased_at is null and p.disclosure <> 'secret'
  and not p.exercise
  and not exists (select from person_link l where l.person_id = p.id and l.unlinked_at is null)
  and ($4::text is null or exists (select from membership g where g.person_id = p.id and g.group_code = $4
                                   and g.until_on is null and not g.protected))
  and ($5::text[] is null or lies_in(coalesce(
    (select a.area_code from address a where a.person_id = any(r.records) and a.kind = 'current'
        and a.until_on is null and a.area_code is not null limit 1),
    (select h.area_code from household_member m
        cross join lateral (select * from household h where h.id = m.household_id offset 0) h
        where m.person_id = any(r.records) and m.until_on is null and h.area_code is not null limit 1),
    (select a.area_code from address a where a.person_id = any(r.records) and a.kind = 'registered'
        and a.until_on is null and a.area_code is not null limit 1)), $5))
  and (not $6::boolean or w.location_id is not null)
order by p.id limit $3
""")


async def read_people(
    db: Pool, area: str, after: UUID | None, limit: int, group: str | None, places: Sequence[str] | None, *,
    pointed: bool,
) -> list[Row]:  # fmt: skip
    """The people after this one."""
    return await look_up(db, READ_PEOPLE, area, after, limit, group, places, pointed)
