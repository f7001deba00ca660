"""Figures of intake. Exercises never count; the period is that of receipt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from shared.area_parts import Part
from shared.database import Pool, Search, look_up

Row = asyncpg.Record


@dataclass(frozen=True, slots=True)
class Span:
    """Which calls are counted: of these municipalities (None: all), of a part of them, received in this time."""

    areas: list[str] | None
    part: Part | None
    start: datetime | None
    end: datetime | None

    def values(self) -> tuple[Any, ...]:
        part = self.part
        return self.areas, self.start, self.end, part and part.tambon, None if part is None else list(part.communities)


# Of a part ($5 is told): the tambon begins with $4; of whom no tambon is known, the community says it, or what was
# found by the point.
_there = """($5::text[] is null or c.tambon_code like $4 || '%'
       or (c.tambon_code is null or $4::text is null) and (c.community = any($5) or c.area_codes && $5))"""

COUNT_CALLS = Search(f"""
with wanted as (
    select * from call c where not exercise and ($1::text[] is null or area = any($1))
      and ($2::timestamptz is null or received_at >= $2) and ($3::timestamptz is null or received_at < $3)
      and {_there}
)
select 'all' as by, 'all' as value, count(*) as calls from wanted
union all select 'kind', kind, count(*) from wanted group by kind
union all select 'lane', lane, count(*) from wanted group by lane
union all select 'severity', severity_scheme || ':' || severity, count(*) from wanted group by severity_scheme, severity
union all select 'channel', channel, count(*) from wanted group by channel
union all select 'status', status, count(*) from wanted group by status
union all select 'outcome', outcome, count(*) from wanted where outcome is not null group by outcome
order by by, value
""")  # noqa: S608
COUNT_BARRIERS = Search(f"""
select b.barrier, b.state, count(*) as count from barrier b
where not b.exercise and ($1::text[] is null or b.area = any($1))
  and ($2::timestamptz is null or b.opened_at >= $2) and ($3::timestamptz is null or b.opened_at < $3)
  and ($5::text[] is null or exists (select from call c where c.id = b.call_id and {_there}))
group by b.barrier, b.state
""")  # noqa: S608
TRIAGE_PAIRS = Search(f"""
select severity_scheme, severity, rc, count(*) as count from call c
where not exercise and lane = 'emergency' and kind <> 'hazard' and status = 'closed'
  and ($1::text[] is null or area = any($1))
  and ($2::timestamptz is null or received_at >= $2) and ($3::timestamptz is null or received_at < $3)
  and {_there}
group by severity_scheme, severity, rc
""")  # noqa: S608
COUNT_HAND_OVERS = Search(f"""
select h.reason, h.ends_call, count(distinct h.call_id) as calls from hand_over h join call c on c.id = h.call_id
where not c.exercise and ($1::text[] is null or c.area = any($1))
  and ($2::timestamptz is null or c.received_at >= $2) and ($3::timestamptz is null or c.received_at < $3)
  and {_there}
group by h.reason, h.ends_call order by h.reason, h.ends_call
""")  # noqa: S608
COUNT_UNANSWERED = Search(f"""
select c.severity_scheme || ':' || c.severity as severity, count(distinct c.id) as emergencies,
    count(distinct a.call_id) as unanswered,
    count(distinct a.call_id) - count(distinct a.call_id) filter (where a.answered_at is null) as answered_later
from call c left join alarm a on a.call_id = c.id and a.kind = 'unanswered'
where not c.exercise and c.lane = 'emergency' and c.served and not c.back_entry
  and ($1::text[] is null or c.area = any($1))
  and ($2::timestamptz is null or c.received_at >= $2) and ($3::timestamptz is null or c.received_at < $3)
  and {_there}
group by 1 order by 1
""")  # noqa: S608
COUNT_RATINGS = Search(f"""
select r.score, count(*) as ratings from rating_seen r join call c on c.id = r.call_id
where not c.exercise and ($1::text[] is null or c.area = any($1))
  and ($2::timestamptz is null or c.received_at >= $2) and ($3::timestamptz is null or c.received_at < $3)
  and {_there}
group by r.score order by r.score
""")  # noqa: S608


async def count_calls(pool: Pool, span: Span) -> list[Row]:
    """``by``, ``value``, ``calls``: by kind, lane, severity, channel, status and outcome."""
    return await look_up(pool, COUNT_CALLS, *span.values())


async def count_barriers(pool: Pool, span: Span) -> list[Row]:
    """``barrier``, ``state``, ``count``."""
    return await look_up(pool, COUNT_BARRIERS, *span.values())


async def triage_pairs(pool: Pool, span: Span) -> list[Row]:
    """What was given at triage, and what the crew found."""
    return await look_up(pool, TRIAGE_PAIRS, *span.values())


async def count_hand_overs(pool: Pool, span: Span) -> list[Row]:
    return await look_up(pool, COUNT_HAND_OVERS, *span.values())


async def count_unanswered(pool: Pool, span: Span) -> list[Row]:
    """Per severity: emergencies, how many the watchdog barked at, how many of those were answered later."""
    return await look_up(pool, COUNT_UNANSWERED, *span.values())


async def count_ratings(pool: Pool, span: Span) -> list[Row]:
    return await look_up(pool, COUNT_RATINGS, *span.values())
