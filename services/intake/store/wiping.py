"""Wiping what is personal in our own tables. Number, times and codes stay: the figures need them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.database import Connection

Row = asyncpg.Record

WIPE_CALL = """
with people as (
    update patient set name = null, name_key = null, national_id = null, birth_on = null, birth_year = null,
        age = null, sex = null, mobility = null, needs = '{}', groups = '{}', person_id = null
    where call_id = $1 and ($2::uuid[] is null or id = any($2))
), given as (
    update hand_over set receiver_name = null, reason_text = null where call_id = $1
), rung as (
    delete from ringing where phone in (select caller_phone from call where id = $1)
), announced as (
    update idempotency i set answer = jsonb_build_object('id', i.answer -> 'id')
    from call c where c.id = $1 and i.answer ->> 'phone' = c.caller_phone
)
update call set
    caller_name = null, caller_name_key = null, caller_phone = null, caller_phone_typed = null,
    caller_relation = null, caller_line_user_id = null, caller_language = null, lat = null, lon = null,
    point_typed = null, address = null, landmark = null, tambon_code = null, community = null,
    area_codes = null, destination = null,
    complaint = null, answers = null, appointment = null, appointment_at = null, companions = 0, external_refs = '[]',
    notes = null, reason_text = null, tracking_code = null, series_of = null, occurrence = null,
    requirements = '{}', hazard = null, erased_at = $3, updated_at = $3, version = version + 1,
    status = case when status = 'open' then 'closed' else status end,
    stage = case when status = 'open' then 'closed' else stage end, ended_at = coalesce(ended_at, $3)
where id = $1
"""
FORGET_SERIES = "update call set series_of = null, occurrence = null where series_of = $1"
FORGET_ANSWERS = """
update idempotency set answer = jsonb_build_object('id', answer -> 'id', 'number', answer -> 'number')
where answer ->> 'id' = $1
"""


# Its series goes on as long as one of its calls is younger.
PAST_KEEPING = """
select * from call c where c.erased_at is null and c.status <> 'open'
  and c.ended_at < $1
  and not exists (select from (select ended_at from call where series_of = c.id offset 0) o
                  where o.ended_at is null or o.ended_at >= $1)
order by c.ended_at limit $2 for update of c skip locked
"""


async def past_keeping(db: Connection, before: datetime, limit: int) -> list[Row]:
    """Calls that were over before a moment, held until the transaction ends."""
    return await db.fetch(PAST_KEEPING, before, limit)


async def wipe_call(db: Connection, call_id: UUID, patient_ids: Sequence[UUID] | None, at: datetime) -> None:
    """Nothing personal of the call is left: number, times and codes for the figures stay."""
    await db.execute(WIPE_CALL, call_id, None if patient_ids is None else list(patient_ids), at)
    if patient_ids is None:
        await db.execute(FORGET_SERIES, call_id)
    await db.execute(FORGET_ANSWERS, str(call_id))


# The reverse of wiping for the columns that stay because other patients need them.
KEEP_OF_CALL = """
update call c set (
    status, stage, ended_at, erased_at, caller_name, caller_name_key, caller_phone, caller_phone_typed,
    caller_relation, caller_line_user_id, caller_language, lat, lon, point_typed, address, landmark, tambon_code,
    community, area_codes, destination, appointment, appointment_at, companions, external_refs, tracking_code,
    series_of, occurrence, requirements, hazard, patient_count
) = (
    select r.status, r.stage, r.ended_at, null::timestamptz, r.caller_name, r.caller_name_key, r.caller_phone,
        r.caller_phone_typed, r.caller_relation, r.caller_line_user_id, r.caller_language, r.lat, r.lon,
        r.point_typed, r.address, r.landmark, r.tambon_code, r.community, r.area_codes, r.destination, r.appointment,
        r.appointment_at, r.companions, r.external_refs, r.tracking_code, r.series_of, r.occurrence,
        r.requirements, r.hazard, (select count(*) from patient p where p.call_id = c.id)
    from jsonb_populate_record(c, $2) as r
) where c.id = $1 returning *
"""
DROP_PATIENTS = "delete from patient where id = any($1)"


async def keep_of_call(db: Connection, call_id: UUID, kept: dict[str, Any]) -> Row:
    """Put back what other patients of an erased call still need."""
    row = await db.fetchrow(KEEP_OF_CALL, call_id, kept)
    assert row is not None  # noqa: S101 it is locked
    return row


async def drop_patients(db: Connection, patient_ids: Sequence[UUID]) -> None:
    await db.execute(DROP_PATIENTS, list(patient_ids))
