"""What is lacking among the people of a group: counted by place, and one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.registry.store.areas import PLACE_OF
from shared.database import Connection, Pool, Search, look_up

Row = asyncpg.Record

# Everybody of the group ($2) in the municipality ($1), each once, with what is known of all their records. Secret
# people are in no list; ``$4``: codes in which they live. Counted, not asked whether there is one: that would walk the
# table.
_of_the_group = f"""
with member as materialized (
    select distinct case when k.id is null then m.person_id else survivor_of(m.person_id) end as id
    from membership m left join person_link k on k.person_id = m.person_id and k.unlinked_at is null
    where m.group_code = $2 and m.until_on is null and ($3 or not m.protected)
), one as materialized (
    select p.id, p.area, case when exists (
            select from person_link k where k.survivor_id = p.id and k.unlinked_at is null)
        then array(select records_of(p.id)) else array[p.id] end as records
    from member m cross join lateral (select * from person p where p.id = m.id offset 0) p
    where p.area = $1 and p.erased_at is null and p.disclosure <> 'secret' and not p.exercise
), living as materialized (
    select one.*, {PLACE_OF.format(records="one.records")} as place
    from one
), fact as materialized (
    select l.id, l.area, l.place,
           (select max(visited_at) from visit where person_id = any(l.records)) as visited_at,
           (select max(assessed_at) from assessment where person_id = any(l.records)) as assessed_at,
           (select count(*) from whereabouts where person_id = any(l.records) and method is not null) > 0 as verified,
           (select count(*) from contact where person_id = any(l.records) and until_on is null) > 0 as phone,
           (select max(urgency) from life_need where person_id = any(l.records) and met_at is null) as urgency
    from living l where $4::text[] is null or lies_in(l.place, $4)
), found as materialized (
    select *, coalesce(visited_at < $5, true) as not_visited, not verified as no_verified_point,
           not phone as no_phone, assessed_at is null as not_assessed, urgency is not null as open_need
    from fact
)
"""  # noqa: S608
COUNT_GAPS = Search(
    _of_the_group
    + """
select place, count(*) as people, count(*) filter (where not_visited) as not_visited,
       count(*) filter (where no_verified_point) as no_verified_point, count(*) filter (where no_phone) as no_phone,
       count(*) filter (where not_assessed) as not_assessed, count(*) filter (where open_need) as open_need,
       count(*) filter (where urgency = 9) as "9", count(*) filter (where urgency = 5) as "5",
       count(*) filter (where urgency = 1) as "1"
from found group by place
"""
)
# The most urgent need first, then whoever has not been visited for the longest time.
FIND_GAPS = Search(
    _of_the_group
    + """
select * from found
where case $6::text when 'not_visited' then not_visited when 'no_verified_point' then no_verified_point
                    when 'no_phone' then no_phone when 'not_assessed' then not_assessed else open_need end
order by urgency desc nulls last, visited_at nulls first, id limit $7 offset $8
"""
)


@dataclass(frozen=True, slots=True)
class Sought:
    """``visited_since``: whoever was visited then or later has been visited."""

    area: str
    group: str
    protected: bool
    places: Sequence[str] | None
    visited_since: datetime

    @property
    def values(self) -> tuple[object, ...]:
        return (self.area, self.group, self.protected, self.places, self.visited_since)


async def count(db: Pool | Connection, sought: Sought) -> list[Row]:
    """``place, people``, one count per gap and per urgency."""
    return await look_up(db, COUNT_GAPS, *sought.values)


async def find(db: Pool | Connection, sought: Sought, gap: str, limit: int, skip: int) -> list[Row]:
    """``id, area, place, visited_at, assessed_at, urgency`` of whom this is lacking."""
    return await look_up(db, FIND_GAPS, *sought.values, gap, limit, skip)
