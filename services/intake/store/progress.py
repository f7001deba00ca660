"""How far calls are, after what dispatch, registry and notify say; alarms, ringing telephones."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool, Search, look_up
from shared.work import new_id

Row = asyncpg.Record

SEE_TRIP = """
insert into trip_seen (id, call_id, state, leg, outcome, seen_at) values ($1, $2, $3, $4, $5, $6)
on conflict (id) do update set state = excluded.state, leg = coalesce(excluded.leg, trip_seen.leg),
    outcome = coalesce(excluded.outcome, trip_seen.outcome), seen_at = excluded.seen_at
"""
SEE_ASSIGNMENT = """
insert into assignment_seen (id, call_id, trip_id, state, rc, seen_at) values ($1, $2, $3, $4, $5, $6)
on conflict (id) do update set state = excluded.state, rc = coalesce(excluded.rc, assignment_seen.rc),
    seen_at = excluded.seen_at
"""
CORRECT_ASSIGNMENT = "update assignment_seen set rc = coalesce($2, rc) where id = $1"
END_ASSIGNMENT = "update assignment_seen set state = $2, seen_at = $3 where id = $1"
TRIPS_OF_CALL = "select * from trip_seen where call_id = $1 order by seen_at, id"
ASSIGNMENTS_OF_CALL = "select * from assignment_seen where call_id = $1 order by seen_at, id"
SEE_RATING = """
insert into rating_seen (id, call_id, score, complaint, given_at) values ($1, $2, $3, $4, $5)
on conflict (id) do nothing
"""
RATINGS_OF_CALL = "select score, complaint, given_at from rating_seen where call_id = $1 order by given_at"
SEE_PERSON = """
insert into person_seen (id, secret) values ($1, $2) on conflict (id) do update set secret = excluded.secret
"""
PERSON_IS_HIDDEN = "select secret from person_seen where id = $1"
FORGET_PERSON = "delete from person_seen where id = $1"


async def see_trip(
    db: Connection, trip_id: UUID, call_id: UUID, state: str, leg: str | None, outcome: str | None, at: datetime
) -> None:
    await db.execute(SEE_TRIP, trip_id, call_id, state, leg, outcome, at)


async def see_assignment(
    db: Connection, assignment_id: UUID, call_id: UUID, trip_id: UUID, state: str, rc: str | None, at: datetime
) -> None:
    await db.execute(SEE_ASSIGNMENT, assignment_id, call_id, trip_id, state, rc, at)


async def correct_assignment(db: Connection, assignment_id: UUID, rc: str | None) -> None:
    await db.execute(CORRECT_ASSIGNMENT, assignment_id, rc)


async def end_assignment(db: Connection, assignment_id: UUID, state: str, at: datetime) -> None:
    """An assignment we follow has ended; of one we do not nothing is kept."""
    await db.execute(END_ASSIGNMENT, assignment_id, state, at)


async def trips_of_call(db: Connection | Pool, call_id: UUID) -> list[Row]:
    return await db.fetch(TRIPS_OF_CALL, call_id)


async def assignments_of_call(db: Connection | Pool, call_id: UUID) -> list[Row]:
    return await db.fetch(ASSIGNMENTS_OF_CALL, call_id)


async def see_rating(
    db: Connection, rating_id: UUID, call_id: UUID, score: int | None, at: datetime, *, complaint: bool
) -> None:
    await db.execute(SEE_RATING, rating_id, call_id, score, complaint, at)


async def ratings_of_call(db: Connection | Pool, call_id: UUID) -> list[Row]:
    return await db.fetch(RATINGS_OF_CALL, call_id)


async def see_person(db: Connection, person_id: UUID, *, secret: bool) -> None:
    """The registry keeps this person secret, or does not."""
    await db.execute(SEE_PERSON, person_id, secret)


async def is_secret(db: Connection, person_id: UUID) -> bool:
    return bool(await db.fetchval(PERSON_IS_HIDDEN, person_id))


async def forget_person(db: Connection, person_id: UUID) -> None:
    await db.execute(FORGET_PERSON, person_id)


# --- alarms ------------------------------------------------------------------

RAISE_ALARM = """
insert into alarm (id, kind, call_id, area, raised_at) values ($1, $2, $3, $4, $5)
on conflict on constraint alarm_once_per_call do nothing returning id
"""
ANSWER_ALARMS = "update alarm set answered_at = $2 where call_id = $1 and answered_at is null"
ANSWER_ALARM = "update alarm set answered_at = $3 where call_id = $1 and kind = $2 and answered_at is null"
# What is over, by itself or with its call, comes last. Who waits for help comes before who was not content
# with it, then the most urgent, then who waits longest.
LIST_ALARMS = Search("""
select a.*, c.number, c.status, c.stage, c.kind as call_kind, c.severity, c.severity_scheme, c.received_at,
       c.caller_name, coalesce(c.caller_phone, c.caller_phone_typed) as caller_phone, c.lat, c.lon, c.address,
       c.landmark, c.tambon_code, c.community, c.area_codes, c.point_typed, c.exercise
from alarm a join call c on c.id = a.call_id
where ($1::text[] is null or a.area = any($1)) and (a.acknowledged_at is null or $2)
order by a.answered_at is not null or (c.status <> 'open' and a.kind in ('unanswered', 'not_departed', 'van_late')),
         a.kind = 'complaint',
         array_position('{red,pink,yellow,green,white,black}', c.severity), a.raised_at, a.id
limit 500
""")
COUNT_UNANSWERED_NOW = """
select c.severity, count(distinct c.id) as calls from alarm a join call c on c.id = a.call_id
where a.kind = 'unanswered' and a.answered_at is null and c.status = 'open' and not c.exercise group by c.severity
"""
HAS_ALARM = "select exists (select from alarm where call_id = $1 and acknowledged_at is null)"
READ_ALARM = "select * from alarm where id = $1"
ACKNOWLEDGE_ALARM = """
update alarm set acknowledged_at = $2, acknowledged_by = $3 where id = $1 and acknowledged_at is null returning *
"""


async def raise_alarm(db: Connection, kind: str, call_id: UUID, area: str, at: datetime) -> UUID | None:
    """A new alarm at the desk; None where one of this kind stands that is neither answered nor acknowledged."""
    alarm_id: UUID | None = await db.fetchval(RAISE_ALARM, new_id(), kind, call_id, area, at)
    return alarm_id


async def answer_alarms(db: Connection, call_id: UUID, at: datetime) -> None:
    """Somebody goes now: the alarm still stands until a person has seen it."""
    await db.execute(ANSWER_ALARMS, call_id, at)


async def answer_alarm(db: Connection, call_id: UUID, kind: str, at: datetime) -> None:
    """What this kind of alarm was about is over."""
    await db.execute(ANSWER_ALARM, call_id, kind, at)


async def list_alarms(pool: Pool, areas: list[str] | None, *, acknowledged_too: bool) -> list[Row]:
    """Those that still stand first, the most urgent before the others."""
    return await look_up(pool, LIST_ALARMS, areas, acknowledged_too)


async def count_unanswered_now(pool: Pool) -> dict[str, int]:
    """Severity → open calls that the watchdog found and to which nobody goes yet."""
    return {row["severity"]: row["calls"] for row in await pool.fetch(COUNT_UNANSWERED_NOW)}


async def has_alarm(db: Connection | Pool, call_id: UUID) -> bool:
    """Whether an alarm of the call still stands."""
    return bool(await db.fetchval(HAS_ALARM, call_id))


async def read_alarm(db: Connection | Pool, alarm_id: UUID) -> Row | None:
    return await db.fetchrow(READ_ALARM, alarm_id)


async def acknowledge_alarm(db: Connection, alarm_id: UUID, at: datetime, by: str) -> Row | None:
    """None where somebody was faster."""
    return await db.fetchrow(ACKNOWLEDGE_ALARM, alarm_id, at, by)


# --- the series of a recurring appointment ------------------------------------

NEXT_OF_SERIES = """
select * from call where series_of = $1 and occurrence > $2 and status = 'open' order by occurrence limit 1 for update
"""
LAST_OF_SERIES = "select max(occurrence) as occurrence, max(appointment_at) as at from call where series_of = $1"
OPEN_OF_SERIES = """
select * from call where (series_of = $1 or id = $1) and occurrence > $2 and status = 'open'
order by occurrence for update
"""
MOVED_OF_SERIES = "select id, number, appointment_at, status from call where series_of = $1 order by occurrence"


async def next_of_series(db: Connection, first_id: UUID, occurrence: int) -> Row | None:
    """The next visit that is still to come."""
    return await db.fetchrow(NEXT_OF_SERIES, first_id, occurrence)


async def last_of_series(db: Connection, first_id: UUID) -> Row | None:
    """How far the series has been made into calls: ``occurrence``, ``at``; both None where only the first is."""
    return await db.fetchrow(LAST_OF_SERIES, first_id)


async def open_of_series(db: Connection, first_id: UUID, after_occurrence: int) -> list[Row]:
    return await db.fetch(OPEN_OF_SERIES, first_id, after_occurrence)


async def series(db: Connection | Pool, first_id: UUID) -> list[Row]:
    return await db.fetch(MOVED_OF_SERIES, first_id)


# --- ringing -----------------------------------------------------------------

ADD_RINGING = """
with gone as (delete from ringing where rang_at < $4::timestamptz - interval '1 hour')
insert into ringing (id, area, phone, rang_at) values ($1, $2, $3, $4)
"""
RECENT_RINGING = Search("""
select * from ringing where ($1::text[] is null or area = any($1)) and rang_at >= $2 order by rang_at limit 50
""")


async def add_ringing(db: Connection, ringing_id: UUID, area: str, phone: str, at: datetime) -> None:
    """Somebody rings; who rang more than an hour ago is forgotten."""
    await db.execute(ADD_RINGING, ringing_id, area, phone, at)


async def recent_ringing(pool: Pool, areas: list[str] | None, since: datetime) -> list[Row]:
    """Who has waited longest stands first."""
    return await look_up(pool, RECENT_RINGING, areas, since)
