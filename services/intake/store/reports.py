"""Figures of intake. Exercises never count; the period is that of receipt."""

from __future__ import annotations

from datetime import datetime

import asyncpg

from shared.database import Pool, Search, look_up

Row = asyncpg.Record
Areas = list[str] | None

COUNT_CALLS = Search("""
with wanted as (
    select * from call where not exercise and ($1::text[] is null or area = any($1))
      and ($2::timestamptz is null or received_at >= $2) and ($3::timestamptz is null or received_at < $3)
)
select 'all' as by, 'all' as value, count(*) as calls from wanted
union all select 'kind', kind, count(*) from wanted group by kind
union all select 'lane', lane, count(*) from wanted group by lane
union all select 'severity', severity_scheme || ':' || severity, count(*) from wanted group by severity_scheme, severity
union all select 'channel', channel, count(*) from wanted group by channel
union all select 'status', status, count(*) from wanted group by status
union all select 'outcome', outcome, count(*) from wanted where outcome is not null group by outcome
order by by, value
""")
COUNT_BARRIERS = Search("""
select b.barrier, b.state, count(*) as count from barrier b
where not b.exercise and ($1::text[] is null or b.area = any($1))
  and ($2::timestamptz is null or b.opened_at >= $2) and ($3::timestamptz is null or b.opened_at < $3)
group by b.barrier, b.state
""")
TRIAGE_PAIRS = Search("""
select severity_scheme, severity, rc, count(*) as count from call
where not exercise and lane = 'emergency' and kind <> 'hazard' and status = 'closed'
  and ($1::text[] is null or area = any($1))
  and ($2::timestamptz is null or received_at >= $2) and ($3::timestamptz is null or received_at < $3)
group by severity_scheme, severity, rc
""")
COUNT_HAND_OVERS = Search("""
select h.reason, h.ends_call, count(distinct h.call_id) as calls from hand_over h join call c on c.id = h.call_id
where not c.exercise and ($1::text[] is null or c.area = any($1))
  and ($2::timestamptz is null or c.received_at >= $2) and ($3::timestamptz is null or c.received_at < $3)
group by h.reason, h.ends_call order by h.reason, h.ends_call
""")
COUNT_UNANSWERED = Search("""
select c.severity_scheme || ':' || c.severity as severity, count(distinct c.id) as emergencies,
    count(distinct a.call_id) as unanswered,
    count(distinct a.call_id) - count(distinct a.call_id) filter (where a.answered_at is null) as answered_later
from call c left join alarm a on a.call_id = c.id and a.kind = 'unanswered'
where not c.exercise and c.lane = 'emergency' and c.served and not c.back_entry
  and ($1::text[] is null or c.area = any($1))
  and ($2::timestamptz is null or c.received_at >= $2) and ($3::timestamptz is null or c.received_at < $3)
group by 1 order by 1
""")
COUNT_RATINGS = Search("""
select r.score, count(*) as ratings from rating_seen r join call c on c.id = r.call_id
where not c.exercise and ($1::text[] is null or c.area = any($1))
  and ($2::timestamptz is null or c.received_at >= $2) and ($3::timestamptz is null or c.received_at < $3)
group by r.score order by r.score
""")


async def count_calls(pool: Pool, areas: Areas, start: datetime | None, end: datetime | None) -> list[Row]:
    """``by``, ``value``, ``calls``: by kind, lane, severity, channel, status and outcome."""
    return await look_up(pool, COUNT_CALLS, areas, start, end)


async def count_barriers(pool: Pool, areas: Areas, start: datetime | None, end: datetime | None) -> list[Row]:
    """``barrier``, ``state``, ``count``."""
    return await look_up(pool, COUNT_BARRIERS, areas, start, end)


async def triage_pairs(pool: Pool, areas: Areas, start: datetime | None, end: datetime | None) -> list[Row]:
    """What was given at triage, and what the crew found."""
    return await look_up(pool, TRIAGE_PAIRS, areas, start, end)


async def count_hand_overs(pool: Pool, areas: Areas, start: datetime | None, end: datetime | None) -> list[Row]:
    return await look_up(pool, COUNT_HAND_OVERS, areas, start, end)


async def count_unanswered(pool: Pool, areas: Areas, start: datetime | None, end: datetime | None) -> list[Row]:
    """Per severity: emergencies, how many the watchdog barked at, how many of those were answered later."""
    return await look_up(pool, COUNT_UNANSWERED, areas, start, end)


async def count_ratings(pool: Pool, areas: Areas, start: datetime | None, end: datetime | None) -> list[Row]:
    return await look_up(pool, COUNT_RATINGS, areas, start, end)
