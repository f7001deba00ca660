"""The queue of attempts: claimed by class and severity, recorded when the channel has spoken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool

Record = asyncpg.Record

LEASE_S = {"line": 5.0, "sms": 34.0}
"""After this a process counts as dead. LINE may be asked again while the first call still hangs: its key forgives."""

CLAIM = """
with picked as (
    select id, area, channel, address, due_at, class = 'emergency' and tries = 0 as may_reply from attempt
    where state = 'ready' and channel = $4 and due_at <= (select clock_timestamp()) and expires_at > clock_timestamp()
      and urgency <= $2
      and not exists (select from message m where m.id = message_id
                      and m.status in ('acknowledged', 'cancelled', 'expired', 'suppressed'))
    order by urgency, due_at limit $1 for update skip locked
), token as (
    delete from reply_token t using picked p
    where p.channel = 'line' and p.may_reply and t.area = p.area and t.line_user_id = p.address
    returning t.area, t.line_user_id, t.token, t.good_until
), taken as (
    update attempt a set state = 'sending', due_at = null, tries = tries + 1,
           first_try_at = coalesce(first_try_at, clock_timestamp()),
           lease_until = clock_timestamp() + $3 * interval '1 second'
    from picked p where a.id = p.id
    returning a.*, extract(epoch from clock_timestamp() - p.due_at)::float as waited_s
)
select taken.*, token.token as reply_token, m.wants_answer, m.protected,
       extract(epoch from taken.expires_at - clock_timestamp())::float as left_s,
       (select array_agg(part.number) from part where part.attempt_id = taken.id) as parts_done
from taken join message m on m.id = taken.message_id
left join token on taken.channel = 'line' and token.area = taken.area and token.line_user_id = taken.address
     and token.good_until > clock_timestamp()
order by taken.urgency, taken.id
"""

ATTEMPTS_TO_RECORD = """
select a.id, a.message_id, a.number, a.channel, a.class, a.state, a.tries, a.first_try_at, a.expires_at, a.doubt,
       a.lease_until
from attempt a where a.message_id = any($1::uuid[]) order by a.id for update
"""

RECORD = """
update attempt a set state = w.state, due_at = w.due_at, lease_until = null, reason = w.reason, code = w.code,
       doubt = w.doubt, part_count = coalesce(w.part_count, a.part_count),
       accepted_at = case when w.state = 'accepted' then $8 else a.accepted_at end
from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::boolean[], $7::smallint[])
     as w (id, state, due_at, reason, code, doubt, part_count)
where a.id = w.id
"""

PUT_PARTS = """
insert into part (attempt_id, number, of_parts, provider, provider_id, state)
select w.*, 'accepted' from unnest($1::uuid[], $2::smallint[], $3::smallint[], $4::text[], $5::text[]) as w
on conflict (attempt_id, number) do nothing
"""

LOST = """
select id, message_id, class, channel from attempt
where state = 'sending' and lease_until < (select clock_timestamp()) order by id limit 100
"""
"""Their process died between claim and record. Nobody knows whether the call was made."""
# Messages are locked first, as everywhere; what has ended meanwhile is not tried again.
AGAIN = """
with open as (select id, status in ('acknowledged', 'cancelled', 'expired') as over from message
              where id in (select message_id from attempt where id = any($1::uuid[])) order by id for update)
update attempt a set state = case when over then 'cancelled' else 'ready' end,
       due_at = case when not over then clock_timestamp() end, lease_until = null, doubt = true
from open where open.id = a.message_id and a.id = any($1::uuid[]) and a.state = 'sending'
and a.lease_until < clock_timestamp()
"""

GIVE_BACK = """
with open as (select id, status in ('acknowledged', 'cancelled', 'expired') as over from message
              where id in (select message_id from attempt where id = any($1::uuid[])) order by id for update)
update attempt a set state = case when over then 'cancelled' else 'ready' end,
       due_at = case when not over then clock_timestamp() end, lease_until = null, tries = tries - 1
from open where open.id = a.message_id and a.id = any($1::uuid[]) and a.state = 'sending'
"""


@dataclass(frozen=True, slots=True)
class Result:
    """What becomes of an attempt in the table."""

    id: UUID
    state: str
    due_at: datetime | None
    reason: str | None
    code: str | None
    doubt: bool
    part_count: int | None


@dataclass(frozen=True, slots=True)
class PartRow:
    attempt_id: UUID
    number: int
    of_parts: int
    provider: str
    provider_id: str


async def claim(db: Connection | Pool, *, channel: str, limit: int, urgency_up_to: int) -> list[Record]:
    """Take due attempts, the most urgent first. Fresh reply tokens of their chats are taken along.

    One statement, so a transaction of its own.
    """
    return await db.fetch(CLAIM, limit, urgency_up_to, LEASE_S[channel], channel)


async def to_record(db: Connection, message_ids: Sequence[UUID]) -> list[Record]:
    """All attempts of these (locked) messages."""
    return await db.fetch(ATTEMPTS_TO_RECORD, list(message_ids))


async def record(db: Connection, results: Sequence[Result], at: datetime) -> None:
    await db.execute(
        RECORD, [r.id for r in results], [r.state for r in results], [r.due_at for r in results],
        [r.reason for r in results], [r.code for r in results], [r.doubt for r in results],
        [r.part_count for r in results], at,
    )  # fmt: skip


async def put_parts(db: Connection, parts: Sequence[PartRow]) -> None:
    await db.execute(
        PUT_PARTS, [p.attempt_id for p in parts], [p.number for p in parts], [p.of_parts for p in parts],
        [p.provider for p in parts], [p.provider_id for p in parts],
    )  # fmt: skip


async def lost(db: Connection) -> list[Record]:
    """Attempts whose process has not come back in time."""
    return await db.fetch(LOST)


async def give_back(db: Pool, ids: Sequence[UUID]) -> None:
    """Leased, but never called."""
    await db.execute(GIVE_BACK, list(ids))


async def again(db: Connection, ids: Sequence[UUID]) -> None:
    await db.execute(AGAIN, list(ids))
