"""What people answer: the inbox of LINE, replies with their texts and points, reply tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.notify.store.rows import values
from shared.database import Connection, Pool, Search, look_up

Record = asyncpg.Record

FIRST_TIME = "insert into line_event (area, event_id, came_at) values ($1, $2, $3) on conflict do nothing"
DROP_OLD_EVENTS = "delete from line_event where came_at < $1"
PUT_REPLY = """
insert into reply (id, area, channel, line_user_id, recipient_kind, recipient_id, call_id, trip_id, assignment_id,
                   message_id, answer, score, text, lon, lat, said_at, came_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
"""
FRESHEST = """
insert into reply_token (area, line_user_id, token, good_until) values ($1, $2, $3, $4)
on conflict (area, line_user_id) do update set token = excluded.token, good_until = excluded.good_until
"""
DROP_OLD_TOKENS = "delete from reply_token where good_until < $1"
SENT_TO = """
select m.*, exists (select from attempt a where a.message_id = m.id and a.address = $2) as to_them
from message m where m.id = $1 for update of m
"""
LAST_RATING = """
select m.* from message m join attempt a on a.message_id = m.id
where m.area = $1 and a.address = $2 and m.rule = any($3::text[]) and m.planned_at > $4
order by m.planned_at desc limit 1 for update of m
"""
WHO_IS_READY = """
select distinct r.recipient_kind, r.recipient_id from reply r join trip t on t.id = r.trip_id
where r.call_id = $1 and r.said_at > $3 and r.answer = 'ready' and r.recipient_id is not null
  and t.patient_id is not distinct from $2
"""
LIST = Search("""
select * from reply where ($1::text[] is null or area = any($1)) and ($2::uuid is null or call_id = $2)
  and ($3::uuid is null or id > $3)
order by id limit $4
""")
WIPE_OF_CALL = """
update reply set line_user_id = null, text = null, lon = null, lat = null, recipient_id = null where call_id = $1
"""
WIPE_OF_RECIPIENTS = """
update reply r set line_user_id = null, text = null, lon = null, lat = null
from unnest($1::text[], $2::uuid[]) as w (kind, id) where w.kind = r.recipient_kind and w.id = r.recipient_id
"""


@dataclass(frozen=True, slots=True)
class ReplyRow:
    """The fields are the columns, in their order. Degrees are WGS 84."""

    id: UUID
    area: str
    channel: str
    line_user_id: str | None
    recipient_kind: str | None
    recipient_id: UUID | None
    call_id: UUID | None
    trip_id: UUID | None
    assignment_id: UUID | None
    message_id: UUID | None
    answer: str
    score: int | None
    text: str | None
    lon: float | None
    lat: float | None
    said_at: datetime
    came_at: datetime


async def first_time(db: Connection, area: str, event_id: str, at: datetime) -> bool:
    """True the first time this webhook event is seen."""
    return await db.execute(FIRST_TIME, area, event_id, at) == "INSERT 0 1"


async def put(db: Connection, reply: ReplyRow) -> None:
    await db.execute(PUT_REPLY, *values(reply))


async def put_token(db: Connection, area: str, line_user_id: str, token: str, good_until: datetime) -> None:
    await db.execute(FRESHEST, area, line_user_id, token, good_until)


async def sent_to(db: Connection, message_id: UUID, line_user_id: str) -> Record | None:
    """The (locked) message a button belongs to; ``to_them`` tells whether that person got it."""
    return await db.fetchrow(SENT_TO, message_id, line_user_id)


async def last_rating(
    db: Connection, area: str, line_user_id: str, rules: Sequence[str], after: datetime
) -> Record | None:
    """The last question for a rating this person got since ``after``."""
    return await db.fetchrow(LAST_RATING, area, line_user_id, list(rules), after)


async def who_is_ready(
    db: Connection, call_id: UUID, patient_id: UUID | None, after: datetime
) -> list[tuple[str, UUID]]:
    """Who said since ``after`` that this patient may be fetched."""
    rows = await db.fetch(WHO_IS_READY, call_id, patient_id, after)
    return [(row["recipient_kind"], row["recipient_id"]) for row in rows]


async def listed(
    db: Pool, areas: Sequence[str] | None, *, call_id: UUID | None, after: UUID | None, limit: int
) -> list[Record]:
    return await look_up(db, LIST, areas, call_id, after, limit)


async def wipe_of_call(db: Connection, call_id: UUID) -> None:
    await db.execute(WIPE_OF_CALL, call_id)


async def wipe_of_recipients(db: Connection, recipients: Sequence[tuple[str, UUID]]) -> None:
    await db.execute(WIPE_OF_RECIPIENTS, [kind for kind, _ in recipients], [id_ for _, id_ in recipients])


async def drop_old(db: Connection, *, events_before: datetime, tokens_before: datetime) -> None:
    await db.execute(DROP_OLD_EVENTS, events_before)
    await db.execute(DROP_OLD_TOKENS, tokens_before)
