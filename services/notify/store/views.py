"""What notify keeps of calls, trips and assignments to speak of them: references, times, who is concerned."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.database import Connection
from shared.events.base import Origin

Record = asyncpg.Record

# What is said after an erasure is what remains: of several patients one was erased.
PUT_CALL = """
insert into call (id, area, number, lane, severity, status, tracking_code, appointment_at, protected, exercise,
                  back_entry, follows, tambon_code)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (id) do update set number = excluded.number, lane = excluded.lane, severity = excluded.severity,
    status = excluded.status, tracking_code = excluded.tracking_code, appointment_at = excluded.appointment_at,
    protected = excluded.protected or (call.protected and call.erased_at is null), back_entry = excluded.back_entry,
    tambon_code = excluded.tambon_code, erased_at = null
"""
SET_CALL_STATUS = "update call set status = $2 where id = $1"
READ_CALL = "select * from call where id = $1"
WIPE_CALL = """
insert into call (id, area, number, lane, severity, status, protected, exercise, back_entry, erased_at)
values ($1, $3, '', '', '', 'erased', true, $4, false, $2)
on conflict (id) do update set tracking_code = null, appointment_at = null, tambon_code = null,
    erased_at = excluded.erased_at
"""
"""One that was erased before it was heard of is kept as such: what others still say of it waits for nothing."""
WIPE_CALL_TRIPS = "update trip set patient_id = null where call_id = $1"
"""The times stay: of several passengers those that remain are told when the van is late."""

PUT_TRIP = """
with before as (
    select waits_for_ready as waited from trip where id = $1
), put as (
    insert into trip (id, call_id, patient_id, leg, lane, waits_for_ready, status)
    values ($1, $2, $3, $4, $5, $6, 'open')
    on conflict (id) do update set lane = excluded.lane, waits_for_ready = excluded.waits_for_ready,
        patient_id = excluded.patient_id
    returning *
)
select put.*, (select waited from before) as waited from put
"""
PLAN_TRIP = "update trip set pickup_at = $2, assignment_id = coalesce($3, assignment_id) where id = $1 returning *"
END_TRIP = "update trip set status = $2 where id = $1 returning *"
CARRY_TRIP = "update trip set assignment_id = $2 where id = $1"
READ_TRIP = "select * from trip where id = $1"
TAKEN_TRIP = """
select t.* from trip t join assignment a on a.id = t.assignment_id
where t.id = $1 and t.status = 'open' and t.pickup_at is not null and a.status = any($2::text[])
"""
TELL_PICKUP = "update trip set told_pickup_at = pickup_at where id = $1"
RETURN_WAITS = """
select exists (select from trip where call_id = $1 and patient_id is not distinct from $2 and leg = 'return'
               and status = 'open' and waits_for_ready)
"""
WAYS_BACK = """
select status, waits_for_ready from trip where call_id = $1 and patient_id is not distinct from $2 and leg = 'return'
"""
STILL_GOING = """
select exists (select from trip where call_id = $1 and patient_id is not distinct from $2 and leg = 'outbound'
               and status = 'open')
"""
READY_TRIPS = """
select t.id, t.call_id, t.patient_id from trip t
where t.leg = 'return' and t.status = 'open' and t.waits_for_ready and t.call_id = any($1::uuid[])
order by t.id desc
"""

PUT_ASSIGNMENT = """
with put as (
    insert into assignment (id, trip_id, call_id, unit_id, crew_ids, lane, status) values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (id) do update set status = excluded.status,
        crew_ids = case when excluded.crew_ids = '{}' then assignment.crew_ids else excluded.crew_ids end
    returning *
)
select put.*, c.number as call_number, c.tambon_code, t.leg, t.pickup_at from put
left join call c on c.id = put.call_id left join trip t on t.id = put.trip_id
"""
READ_ASSIGNMENT = "select * from assignment where id = $1"
SET_RESPONDER = "update assignment set responder_id = $2, all_press = false where id = $1"
LET_ALL_PRESS = "update assignment set responder_id = null, all_press = true where id = $1"


async def put_call(db: Connection, call_id: UUID, values: dict[str, Any]) -> None:
    await db.execute(
        PUT_CALL, call_id, values["area"], values["number"], values["lane"], values["severity"], values["status"],
        values["tracking_code"], values["appointment_at"], values["protected"], values["exercise"],
        values["back_entry"], values["follows"], values["tambon_code"],
    )  # fmt: skip


async def set_call_status(db: Connection, call_id: UUID, status: str) -> None:
    await db.execute(SET_CALL_STATUS, call_id, status)


async def read_call(db: Connection, call_id: UUID) -> Record | None:
    return await db.fetchrow(READ_CALL, call_id)


async def wipe_call(db: Connection, call_id: UUID, origin: Origin, at: datetime) -> None:
    await db.execute(WIPE_CALL, call_id, at, origin.area, origin.exercise)
    await db.execute(WIPE_CALL_TRIPS, call_id)


async def still_going(db: Connection, call_id: UUID, patient_id: UUID | None) -> bool:
    """Whether the way there has not ended, as far as we know."""
    going: bool = await db.fetchval(STILL_GOING, call_id, patient_id)
    return going


async def put_trip(db: Connection, trip_id: UUID, values: dict[str, Any]) -> Record:
    """The trip as it is now; ``waited``: whether it waited for the word before, None where it was not known."""
    row = await db.fetchrow(
        PUT_TRIP, trip_id, values["call_id"], values["patient_id"], values["leg"], values["lane"],
        values["waits_for_ready"],
    )  # fmt: skip
    if row is None:
        raise LookupError("an upsert always returns its row")
    return row


async def plan_trip(db: Connection, trip_id: UUID, pickup_at: datetime, assignment_id: UUID | None) -> Record | None:
    return await db.fetchrow(PLAN_TRIP, trip_id, pickup_at, assignment_id)


async def end_trip(db: Connection, trip_id: UUID, status: str) -> Record | None:
    return await db.fetchrow(END_TRIP, trip_id, status)


async def carry_trip(db: Connection, trip_id: UUID, assignment_id: UUID) -> None:
    """The trip goes with that assignment now."""
    await db.execute(CARRY_TRIP, trip_id, assignment_id)


async def read_trip(db: Connection, trip_id: UUID) -> Record | None:
    return await db.fetchrow(READ_TRIP, trip_id)


async def taken_trip(db: Connection, trip_id: UUID, statuses: Collection[str]) -> Record | None:
    """The open trip, if it has a time and its assignment one of these statuses."""
    return await db.fetchrow(TAKEN_TRIP, trip_id, list(statuses))


async def tell_pickup(db: Connection, trip_id: UUID) -> None:
    """The passenger knows the time as it stands now."""
    await db.execute(TELL_PICKUP, trip_id)


async def return_waits(db: Connection, call_id: UUID, patient_id: UUID | None) -> bool:
    """Whether this patient still has to be brought back, when they say so."""
    return bool(await db.fetchval(RETURN_WAITS, call_id, patient_id))


async def ways_back(db: Connection, call_id: UUID, patient_id: UUID | None) -> list[Record]:
    """How this patient's ways back stand."""
    return await db.fetch(WAYS_BACK, call_id, patient_id)


async def ready_trips(db: Connection, call_ids: Sequence[UUID]) -> list[Record]:
    """Return legs of these calls that wait for the word, the latest first."""
    return await db.fetch(READY_TRIPS, list(call_ids))


async def put_assignment(db: Connection, assignment_id: UUID, values: dict[str, Any]) -> Record:
    """The assignment as it is now, with its call's number and its trip's pickup as far as they are known here."""
    row = await db.fetchrow(
        PUT_ASSIGNMENT, assignment_id, values["trip_id"], values["call_id"], values["unit_id"],
        list(values["crew_ids"]), values["lane"], values["status"],
    )  # fmt: skip
    if row is None:
        raise LookupError("an upsert always returns its row")
    return row


async def read_assignment(db: Connection, assignment_id: UUID) -> Record | None:
    return await db.fetchrow(READ_ASSIGNMENT, assignment_id)


async def set_responder(db: Connection, assignment_id: UUID, crew_id: UUID) -> None:
    """Who answers by LINE: the next button goes to them."""
    await db.execute(SET_RESPONDER, assignment_id, crew_id)


async def let_all_press(db: Connection, assignment_id: UUID) -> None:
    """Nobody of the crew answers by LINE yet: the next button goes to each of them."""
    await db.execute(LET_ALL_PRESS, assignment_id)
