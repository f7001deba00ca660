"""What the projection of open facts knows of one crew's units."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.database import Pool

# Changes with anything that concerns these units: orders, releases, changed trips. Ended ones count for a while.
MARK = """
with own as (
    select call_id from thing
    where ended_at is null and area = any($1::text[]) and noun = 'assignment' and state->>'unit_id' = any($2::text[])
    union
    select call_id from thing
    where ended_at > $3 and area = any($1::text[]) and noun = 'assignment' and state->>'unit_id' = any($2::text[])
), about as (
    select position from thing where call_id in (select call_id from own)
    union all
    select position from thing where noun = 'unit' and id = any($4::uuid[])
)
select count(*) || '-' || coalesce(max(position), 0) from about
"""
# The trip home of somebody these units brought, that waits until they may be fetched.
RETURNS = """
select distinct on (back.id) back.id, call.state->>'number' as number, own.state->'stamps'->>'cleared' as brought_at
from thing own
join thing there on there.noun = 'trip' and there.id = (own.state->>'trip_id')::uuid
  and there.state->>'leg' = 'outbound'
join thing back on back.noun = 'trip' and back.call_id = own.call_id and back.ended_at is null
  and back.state->>'leg' = 'return' and (back.state->>'waits_for_ready')::boolean and back.state->>'ready_at' is null
  and back.state->>'patient_id' is not distinct from there.state->>'patient_id'
left join thing call on call.noun = 'call' and call.id = own.call_id
where own.noun = 'assignment' and own.area = any($1::text[]) and own.state->>'unit_id' = any($2::text[])
  and own.state->'stamps' ? 'cleared' and own.changed_at > $3
order by back.id
"""


async def mark(pool: Pool, areas: Sequence[str], units: Sequence[UUID], ended_after: datetime) -> str:
    """A text that is another one as soon as something of these units has changed."""
    names = [str(unit) for unit in units]
    found: str = await pool.fetchval(MARK, list(areas), names, ended_after, list(units))
    return found


async def returns(pool: Pool, areas: Sequence[str], units: Sequence[UUID], after: datetime) -> list[asyncpg.Record]:
    """Trips home that wait for the word "ready", of people these units brought since."""
    return await pool.fetch(RETURNS, list(areas), [str(unit) for unit in units], after)
