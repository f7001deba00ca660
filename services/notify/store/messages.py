"""Messages: planned once per intent, moved through their life, listed for the desk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.notify.rules.life import before
from services.notify.store.attempts import LEASE_S
from services.notify.store.rows import columns
from shared.database import Connection, Pool, Search, look_up

Record = asyncpg.Record

PLAN = """
with planned as (
    insert into message (id, area, rule, intent_id, recipient_kind, recipient_id, class, urgency, template, language,
                         event_id, event_type, call_id, trip_id, assignment_id, correlation_id, protected, exercise,
                         wants_answer, status, reason, planned_at, expires_at, resent_from, traceparent)
    select * from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::uuid[], $7::text[],
                         $8::smallint[], $9::text[], $10::text[], $11::uuid[], $12::text[], $13::uuid[], $14::uuid[],
                         $15::uuid[], $16::uuid[], $17::boolean[], $18::boolean[], $19::boolean[], $20::text[],
                         $21::text[], $22::timestamptz[], $23::timestamptz[], $24::uuid[], $25::text[])
    on conflict on constraint message_one_per_intent do nothing
    returning id, area, class, urgency, exercise, expires_at
), attempts as (
    insert into attempt (id, message_id, number, channel, area, class, urgency, exercise, address, text, buttons,
                         state, due_at, expires_at, tries, first_try_at, lease_until)
    select w.id, w.message_id, w.number, w.channel, p.area, p.class, p.urgency, p.exercise, w.address, w.text,
           w.buttons, w.state, w.due_at, p.expires_at, (w.state = 'sending')::int,
           case when w.state = 'sending' then clock_timestamp() end,
           case when w.state = 'sending'
                then clock_timestamp()
                     + case w.channel when 'line' then $35::float else $36::float end * interval '1 second' end
    from unnest($26::uuid[], $27::uuid[], $28::smallint[], $29::text[], $30::text[], $31::text[], $32::jsonb[],
                $33::text[], $34::timestamptz[])
         as w (id, message_id, number, channel, address, text, buttons, state, due_at)
    join planned p on p.id = w.message_id
)
select id from planned
"""

LOCK = "select * from message where id = any($1::uuid[]) order by id for update"
READ = "select * from message where id = $1"
MOVE = """
update message m set status = w.status, reason = coalesce(w.reason, m.reason), answer = coalesce(w.answer, m.answer),
       accepted_at = case when w.status = 'accepted' then coalesce(m.accepted_at, $5) else m.accepted_at end,
       delivered_at = case when w.status = 'delivered' then coalesce(m.delivered_at, $5) else m.delivered_at end,
       acknowledged_at = case when w.status = 'acknowledged' then $5 else m.acknowledged_at end,
       ended_at = case when w.status in ('acknowledged', 'unknown', 'failed', 'expired', 'cancelled') then $5 end
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) as w (id, status, reason, answer)
where m.id = w.id
"""
STOP_ATTEMPTS = """
update attempt set state = 'cancelled', due_at = null
where message_id = any($1::uuid[]) and state in ('waiting', 'ready')
"""
BRING_NEXT = """
update attempt a set state = 'ready', due_at = least(a.due_at, $3)
from (select distinct on (o.message_id) o.id
      from attempt o join unnest($1::uuid[], $2::smallint[]) as w (message_id, number) using (message_id)
      where o.number > w.number and o.state in ('waiting', 'ready')
      order by o.message_id, o.number) n
where a.id = n.id
"""
OPEN_OF_ASSIGNMENT = """
select * from message where assignment_id = $1 and recipient_kind = 'crew' and status = any($2::text[])
and ($3::text is null or rule = any($4::text[])) order by id for update
"""
TOLD_OF_ASSIGNMENT = """
select distinct m.recipient_id from message m
where m.assignment_id = $1 and m.recipient_kind = 'crew' and m.rule = any($2::text[])
and (m.accepted_at is not null
     or 0 < (select count(*) from attempt a where a.message_id = m.id and a.state in ('sending', 'unknown')))
"""
WAS_TOLD = "select exists (select from message where call_id = $1 and rule = $2)"
OPEN_OF_TRIP = """
select * from message where trip_id = $1 and status = 'planned' order by id for update
"""
OPEN_OF_CALL = """
select * from message where call_id = $1 and recipient_kind in ('caller', 'patient') and status = 'planned'
order by id for update
"""
# ``sent``: it may have left already.
OPEN_OF_INTENT = """
select m.*, 0 < (select count(*) from attempt a where a.message_id = m.id and a.state in ('sending', 'unknown')) as sent
from message m where m.rule = $1 and m.intent_id = $2 and m.status = 'planned' order by m.id for update
"""
STOP_EXPIRED = """
update attempt set state = 'cancelled', due_at = null where state = 'ready' and expires_at <= clock_timestamp()
"""
EXPIRED = """
select * from message
where expires_at <= (select clock_timestamp())
  and (status = 'planned' or (wants_answer and status in ('accepted', 'delivered')))
order by id limit 200 for update skip locked
"""
PENDING_ROUTINE_TO = """
select m.* from message m
where m.area = $1 and m.class = 'routine' and m.status = 'planned'
and exists (select from attempt a where a.message_id = m.id and a.state in ('waiting', 'ready')
            and a.address = any($2::text[]))
order by m.id for update
"""
# $3: the telephone that it waits for.
WAITING_FOR = """
select m.* from message m join unnest($1::text[], $2::uuid[]) as w (kind, id)
     on w.kind = m.recipient_kind and w.id = m.recipient_id
where m.status = 'planned' and 0 < (
    select count(*) from attempt a where a.message_id = m.id and a.channel = 'sms' and a.state in ('waiting', 'ready')
    and a.address = $3)
order by m.id for update of m
"""
READDRESS = """
update attempt set address = coalesce($3, address), state = case when $3::text is null then 'cancelled' else state end,
       due_at = case when $3 is null then null else due_at end
where message_id = any($1::uuid[]) and channel = 'sms' and state in ('waiting', 'ready') and address = $2
"""
NO_WAY_LEFT = """
select m.* from message m where m.id = any($1::uuid[]) and 0 = (
    select count(*) from attempt a where a.message_id = m.id and a.state in ('waiting', 'ready', 'sending', 'unknown'))
order by m.id for update
"""
BLANK_OF_CALL = """
update attempt a set address = '', text = '', buttons = '{}' from message m
where m.id = a.message_id and m.call_id = $1
"""
BLANK_OF_RECIPIENTS = """
update attempt a set address = '', text = '', buttons = '{}' from message m
     join unnest($1::text[], $2::uuid[]) as w (kind, id) on w.kind = m.recipient_kind and w.id = m.recipient_id
where m.id = a.message_id
"""
PROTECT_OF_CALL = """
with held as (select id from message where call_id = $1 and not protected order by id for update)
update message m set protected = true from held where m.id = held.id
"""
OPEN_ABOUT_CALL = """
select * from message where call_id = $1 and status in ('planned', 'accepted', 'delivered') order by id for update
"""
OPEN_OF_RECIPIENTS = """
select m.* from message m join unnest($1::text[], $2::uuid[]) as w (kind, id)
     on w.kind = m.recipient_kind and w.id = m.recipient_id
where m.status in ('planned', 'accepted', 'delivered') order by m.id for update of m
"""
LIST = Search("""
select m.* from message m
where ($1::text[] is null or m.area = any($1)) and ($2::uuid is null or m.call_id = $2)
  and ($3::uuid is null or m.assignment_id = $3)
  and ($4::text is null or m.status = $4) and ($5::uuid is null or m.id > $5)
order by m.id limit $6
""")
LIST_NEWEST = Search("""
select m.* from message m
where ($1::text[] is null or m.area = any($1)) and ($2::uuid is null or m.call_id = $2)
  and ($3::uuid is null or m.assignment_id = $3)
  and ($4::text is null or m.status = $4) and ($5::uuid is null or m.id < $5)
order by m.id desc limit $6
""")
# Not those that were sent again: what became of that stands with the new one.
LIST_NEEDING = Search("""
select m.* from message m
where ($1::text[] is null or m.area = any($1)) and m.status in ('failed', 'unknown')
  and not exists (select from message n where n.resent_from = m.id) and ($2::uuid is null or m.id < $2)
order by m.id desc limit $3
""")
WHOM = """
select m.id, (select nullif(c.number, '') from call c where c.id = m.call_id) as call_number,
    case when not m.protected
        then (select r.name from recipient r where r.kind = m.recipient_kind and r.id = m.recipient_id)
    end as recipient_name
from message m where m.id = any($1::uuid[])
"""
ABOUT = Search("""
select m.* from message m
where ($1::text[] is null or m.area = any($1)) and m.call_id = $2 and ($3::uuid is null or m.recipient_id = $3)
order by m.planned_at, m.id limit 500
""")
ATTEMPTS_OF = """
select a.*, coalesce((select jsonb_agg(jsonb_build_object('number', p.number, 'of', p.of_parts, 'state', p.state,
                                                          'code', p.code) order by p.number)
                      from part p where p.attempt_id = a.id), '[]') as parts
from attempt a where a.message_id = any($1::uuid[]) order by a.message_id, a.number
"""


LEASES = (LEASE_S["line"], LEASE_S["sms"])
"""Of attempts born in the hands of a sender."""


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message about to be planned; the fields are the columns, in their order."""

    id: UUID
    area: str
    rule: str
    intent_id: UUID
    recipient_kind: str
    recipient_id: UUID
    message_class: str
    urgency: int
    template: str
    language: str
    event_id: UUID | None
    event_type: str | None
    call_id: UUID | None
    trip_id: UUID | None
    assignment_id: UUID | None
    correlation_id: UUID
    protected: bool
    exercise: bool
    wants_answer: bool
    status: str
    reason: str | None
    planned_at: datetime
    expires_at: datetime
    resent_from: UUID | None = None
    traceparent: str | None = None

    def __getitem__(self, column: str) -> Any:
        """Read it as the row it will be."""
        return getattr(self, "message_class" if column == "class" else column)


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """An attempt about to be planned."""

    id: UUID
    message_id: UUID
    number: int
    channel: str
    address: str
    text: str
    buttons: dict[str, Any]
    state: str
    due_at: datetime | None


async def plan(db: Connection, messages: Sequence[MessageRow], attempts: Sequence[AttemptRow]) -> set[UUID]:
    """Write what is new; returns the ids that were. Whoever was to be told of this intent before is left out."""
    rows = await db.fetch(PLAN, *columns(MessageRow, messages), *columns(AttemptRow, attempts), *LEASES)
    return {row["id"] for row in rows}


async def lock(db: Connection, ids: Sequence[UUID]) -> list[Record]:
    """In the order of their ids, as everywhere: messages first, then attempts."""
    return await db.fetch(LOCK, list(ids))


async def read(db: Connection | Pool, message_id: UUID) -> Record | None:
    return await db.fetchrow(READ, message_id)


@dataclass(frozen=True, slots=True)
class Move:
    """A message's next status."""

    message: Any
    status: str
    reason: str | None = None
    answer: str | None = None

    @property
    def allowed(self) -> bool:
        return self.message["status"] in before(self.status)


async def move(db: Connection, moves: Sequence[Move], at: datetime) -> list[Move]:
    """Move the (locked) messages that may; returns those."""
    done = [step for step in moves if step.allowed]
    if done:
        await db.execute(
            MOVE, [m.message["id"] for m in done], [m.status for m in done], [m.reason for m in done],
            [m.answer for m in done], at,
        )  # fmt: skip
    return done


async def stop_attempts(db: Connection, message_ids: Sequence[UUID]) -> None:
    """Nothing more is tried."""
    await db.execute(STOP_ATTEMPTS, list(message_ids))


async def bring_next(db: Connection, after: Sequence[tuple[UUID, int]], at: datetime) -> None:
    """Per message: try the way after attempt ``number`` now."""
    await db.execute(BRING_NEXT, [message_id for message_id, _ in after], [number for _, number in after], at)


async def open_of_assignment(
    db: Connection, assignment_id: UUID, statuses: Sequence[str], rules: Sequence[str] | None = None
) -> list[Record]:
    chosen = list(rules or [])
    return await db.fetch(OPEN_OF_ASSIGNMENT, assignment_id, list(statuses), "yes" if rules else None, chosen)


async def told_of_assignment(db: Connection, assignment_id: UUID, rules: Sequence[str]) -> set[UUID]:
    """The crew members whom one of these rules' messages has reached, or may have."""
    return {row["recipient_id"] for row in await db.fetch(TOLD_OF_ASSIGNMENT, assignment_id, list(rules))}


async def was_told(db: Connection, call_id: UUID, rule: str) -> bool:
    """Whether a message by this rule was ever planned for the call."""
    return bool(await db.fetchval(WAS_TOLD, call_id, rule))


async def open_of_trip(db: Connection, trip_id: UUID) -> list[Record]:
    return await db.fetch(OPEN_OF_TRIP, trip_id)


async def open_of_call(db: Connection, call_id: UUID) -> list[Record]:
    return await db.fetch(OPEN_OF_CALL, call_id)


async def protect_of_call(db: Connection, call_id: UUID) -> None:
    """Of all that is said of messages about this call from now on outsiders see id and time."""
    await db.execute(PROTECT_OF_CALL, call_id)


async def open_of_intent(db: Connection, rule: str, intent_id: UUID) -> list[Record]:
    """What a rule still has to tell of one thing, with ``sent``: whether it may have left."""
    return await db.fetch(OPEN_OF_INTENT, rule, intent_id)


async def stop_expired(db: Connection) -> None:
    """Ways still tried for messages long reported as failed."""
    await db.execute(STOP_EXPIRED)


async def expired(db: Connection) -> list[Record]:
    """Whose time is over, by the database's clock; locked, so that another process takes others."""
    return await db.fetch(EXPIRED)


async def pending_routine_to(db: Connection, area: str, addresses: Sequence[str]) -> list[Record]:
    return await db.fetch(PENDING_ROUTINE_TO, area, list(addresses))


async def waiting_for(db: Connection, recipients: Sequence[tuple[str, UUID]], phone: str) -> list[Record]:
    """What these recipients are still to be told by that telephone."""
    return await db.fetch(WAITING_FOR, [kind for kind, _ in recipients], [id_ for _, id_ in recipients], phone)


async def readdress(db: Connection, message_ids: Sequence[UUID], left: str, phone: str | None) -> None:
    """What waits for one telephone waits for the other; None: that way is none any more."""
    await db.execute(READDRESS, list(message_ids), left, phone)


async def no_way_left(db: Connection, message_ids: Sequence[UUID]) -> list[Record]:
    return await db.fetch(NO_WAY_LEFT, list(message_ids))


async def open_of_recipients(db: Connection, recipients: Sequence[tuple[str, UUID]]) -> list[Record]:
    return await db.fetch(OPEN_OF_RECIPIENTS, [kind for kind, _ in recipients], [id_ for _, id_ in recipients])


async def blank_of_call(db: Connection, call_id: UUID) -> None:
    """Texts and addresses of everything about a call, crews' messages too: they may hold a first name."""
    await db.execute(BLANK_OF_CALL, call_id)


async def blank_of_recipients(db: Connection, recipients: Sequence[tuple[str, UUID]]) -> None:
    await db.execute(BLANK_OF_RECIPIENTS, [kind for kind, _ in recipients], [id_ for _, id_ in recipients])


async def open_about_call(db: Connection, call_id: UUID) -> list[Record]:
    """Whatever is still to happen about a call, to whomever."""
    return await db.fetch(OPEN_ABOUT_CALL, call_id)


async def listed(
    db: Pool,
    areas: Sequence[str] | None,
    *,
    call_id: UUID | None,
    assignment_id: UUID | None,
    status: str | None,
    after: UUID | None,
    limit: int,
    newest: bool = False,
) -> list[Record]:
    """In the order they were planned; ``newest`` first where asked for."""
    return await look_up(db, LIST_NEWEST if newest else LIST, areas, call_id, assignment_id, status, after, limit)


async def needing(db: Pool, areas: Sequence[str] | None, *, after: UUID | None, limit: int) -> list[Record]:
    """What did not arrive, or may not have: somebody must ring or go there. Newest first."""
    return await look_up(db, LIST_NEEDING, areas, after, limit)


async def whom(db: Connection | Pool, message_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Of each message its call's number and the recipient's name; no name of what is protected."""
    return {row["id"]: dict(row) for row in await db.fetch(WHOM, list(message_ids))}


async def about(db: Pool, areas: Sequence[str] | None, call_id: UUID, recipient_id: UUID | None) -> list[Record]:
    return await look_up(db, ABOUT, areas, call_id, recipient_id)


async def attempts_of(db: Connection | Pool, message_ids: Sequence[UUID]) -> list[Record]:
    return await db.fetch(ATTEMPTS_OF, list(message_ids))
