"""What one crew member reads of the roster: own shifts and with whom, swaps that concern them, who could be asked."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool

OWN_SHIFTS = """
select s.id, u.call_sign, s.kind, lower(s.during) as from_at, upper(s.during) as until_at, s.note,
       array(select m.name from shift_crew c join crew m on m.id = c.crew_id
             where c.shift_id = s.id and c.crew_id <> $1 order by m.name) as mates
from shift_crew o join shift s on s.id = o.shift_id join unit u on u.id = s.unit_id
where o.crew_id = $1 and not s.dropped and o.during && tstzrange($2, $3)
order by lower(s.during), s.id limit 200
"""
OWN_SWAPS = """
select w.id, w.status, w.shift_id, w.from_crew_id = $1 as gives, o.name as other_name, u.call_sign, s.kind,
       lower(s.during) as from_at, upper(s.during) as until_at,
       lower(b.during) as back_from_at, upper(b.during) as back_until_at
from shift_swap w join shift s on s.id = w.shift_id join unit u on u.id = s.unit_id
    join crew o on o.id = case when w.from_crew_id = $1 then w.to_crew_id else w.from_crew_id end
    left join shift b on b.id = w.for_shift_id
where w.ended_at is null and $1 in (w.from_crew_id, w.to_crew_id) and upper(s.during) > $2
order by lower(s.during), w.id limit 200
"""
COLLEAGUES = """
select o.id, o.name from crew me join crew o on o.area = me.area and o.active and o.exercise = me.exercise
where me.id = $1 and o.id <> me.id order by o.name, o.id limit 500
"""


async def shifts(db: Connection | Pool, crew_id: UUID, from_at: datetime, until_at: datetime) -> list[asyncpg.Record]:
    """The member's shifts that touch ``from_at <= at < until_at``, with the names of those who come too."""
    return await db.fetch(OWN_SHIFTS, crew_id, from_at, until_at)


async def swaps(db: Connection | Pool, crew_id: UUID, now: datetime) -> list[asyncpg.Record]:
    """Swaps that wait, of shifts that are not over; ``gives``: the member asked for it, else they are asked."""
    return await db.fetch(OWN_SWAPS, crew_id, now)


async def colleagues(db: Connection | Pool, crew_id: UUID) -> list[asyncpg.Record]:
    """Names of the active members of the same municipality."""
    return await db.fetch(COLLEAGUES, crew_id)
