"""Figures over messages. Exercises never count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from shared.database import Pool

Record = asyncpg.Record

BY_CHANNEL_AND_STATE = """
select a.channel, m.class, a.state, count(*) as attempts
from attempt a join message m on m.id = a.message_id
where not m.exercise and ($1::text[] is null or m.area = any($1)) and m.planned_at >= $2 and m.planned_at < $3
group by 1, 2, 3 order by 1, 2, 3
"""
BY_STATUS = """
select m.class, m.status, count(*) as messages from message m
where not m.exercise and ($1::text[] is null or m.area = any($1)) and m.planned_at >= $2 and m.planned_at < $3
group by 1, 2 order by 1, 2
"""
ANSWERED = """
select m.class, count(*) as asked, count(m.acknowledged_at) as answered,
       (percentile_cont(0.5) within group (order by extract(epoch from m.acknowledged_at - m.planned_at)))::float
           as p50_s,
       (percentile_cont(0.9) within group (order by extract(epoch from m.acknowledged_at - m.planned_at)))::float
           as p90_s,
       count(*) filter (where m.acknowledged_at - m.planned_at <= interval '30 seconds') as within_30_s
from message m
where not m.exercise and m.wants_answer and m.status <> 'suppressed'
  and ($1::text[] is null or m.area = any($1)) and m.planned_at >= $2 and m.planned_at < $3
group by 1 order by 1
"""
FALLBACK = """
select m.class, count(*) as messages,
       count(*) filter (where exists (select from attempt a where a.message_id = m.id and a.number > 1 and a.tries > 0))
           as fell_back
from message m
where not m.exercise and ($1::text[] is null or m.area = any($1)) and m.planned_at >= $2 and m.planned_at < $3
  and exists (select from attempt a where a.message_id = m.id and a.number > 1)
group by 1 order by 1
"""
REPORTS = {"attempts": BY_CHANNEL_AND_STATE, "messages": BY_STATUS, "acknowledged": ANSWERED, "fallback": FALLBACK}


async def report(pool: Pool, kpi: str, areas: Sequence[str] | None, from_at: datetime, to_at: datetime) -> list[Record]:
    """The rows of one figure; each row names its group."""
    return await pool.fetch(REPORTS[kpi], areas, from_at, to_at)
