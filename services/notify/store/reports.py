"""Figures over messages. Exercises never count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from shared.database import Pool, Search, look_up

Record = asyncpg.Record

BY_CHANNEL_AND_STATE = Search("""
select a.channel, m.class, a.state, count(*) as attempts
from attempt a join message m on m.id = a.message_id
where not m.exercise and ($1::text[] is null or m.area = any($1)) and m.planned_at >= $2 and m.planned_at < $3
group by 1, 2, 3 order by 1, 2, 3
""")
BY_STATUS = Search("""
select m.class, m.status, count(*) as messages from message m
where not m.exercise and ($1::text[] is null or m.area = any($1)) and m.planned_at >= $2 and m.planned_at < $3
group by 1, 2 order by 1, 2
""")
ANSWERED = Search("""
select m.class, count(*) filter (where m.wants_answer) as asked,
       count(m.acknowledged_at) filter (where m.wants_answer) as answered,
       count(m.acknowledged_at) filter (where not m.wants_answer) as answered_besides,
       (percentile_cont(0.5) within group (order by extract(epoch from m.acknowledged_at - m.planned_at))
           filter (where m.wants_answer))::float as p50_s,
       (percentile_cont(0.9) within group (order by extract(epoch from m.acknowledged_at - m.planned_at))
           filter (where m.wants_answer))::float as p90_s,
       count(*) filter (where m.wants_answer and m.acknowledged_at - m.planned_at <= interval '30 seconds')
           as within_30_s
from message m
where not m.exercise and (m.wants_answer or m.acknowledged_at is not null) and m.status <> 'suppressed'
  and ($1::text[] is null or m.area = any($1)) and m.planned_at >= $2 and m.planned_at < $3
group by 1 order by 1
""")
FALLBACK = Search("""
select m.class, count(*) as messages,
       count(*) filter (where exists (select from attempt a where a.message_id = m.id and a.number > 1 and a.tries > 0))
           as fell_back
from message m
where not m.exercise and ($1::text[] is null or m.area = any($1)) and m.planned_at >= $2 and m.planned_at < $3
  and exists (select from attempt a where a.message_id = m.id and a.number > 1)
group by 1 order by 1
""")
LEFT_LYING = """
select exists (select from attempt where state = 'sending' and lease_until < (select clock_timestamp())) as lost,
       exists (select from receipt) as receipts,
       exists (select from message where expires_at <= (select clock_timestamp())
               and (status = 'planned' or (wants_answer and status in ('accepted', 'delivered'))))
       or exists (select from attempt where state = 'ready' and expires_at <= (select clock_timestamp())) as expired,
       coalesce((select extract(epoch from clock_timestamp() - min(due_at)) from attempt
                 where state = 'ready' and due_at <= (select clock_timestamp()) and class = 'emergency'), 0)::float
           as oldest_urgent_s,
       coalesce((select extract(epoch from clock_timestamp() - min(due_at)) from attempt
                 where state = 'ready' and due_at <= (select clock_timestamp()) and class = 'routine'), 0)::float
           as oldest_routine_s
"""
REPORTS = {"attempts": BY_CHANNEL_AND_STATE, "messages": BY_STATUS, "acknowledged": ANSWERED, "fallback": FALLBACK}


async def look(pool: Pool) -> Record:
    """What was left lying, and how long the oldest due attempt has waited."""
    found = await pool.fetchrow(LEFT_LYING)
    if found is None:
        raise LookupError("a select without from always gives a row")
    return found


async def report(pool: Pool, kpi: str, areas: Sequence[str] | None, from_at: datetime, to_at: datetime) -> list[Record]:
    """The rows of one figure; each row names its group."""
    return await look_up(pool, REPORTS[kpi], areas, from_at, to_at)
