"""Calls, their patients, links and hand-overs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool, Search, look_up
from shared.work import new_id

Row = asyncpg.Record
Doc = dict[str, Any]
"""A row as JSON: column → value."""

# Every call of the area waits for this row, so it is held for this statement alone. It need not reach the disk before
# the call does: the log is written in order, and what the call's own commit flushes stands behind it.
NEXT_NUMBER = """
insert into number_series as s (area, series, last)
select $1, $2, $3 from (select set_config('synchronous_commit', 'off', true)) as soon
on conflict (area, series) do update set last = s.last + excluded.last
returning s.last - $3 + 1
"""
# Every call, patient, barrier, link, hand-over and alarm of one taking, in one statement.
TAKE_CALLS = """
with taken as (
    insert into call select r.* from jsonb_populate_recordset(null::call, $1) as r
), people as (
    insert into patient select r.* from jsonb_populate_recordset(null::patient, $2) as r
), opened as (
    insert into barrier select r.* from jsonb_populate_recordset(null::barrier, $3) as r
), linked as (
    insert into call_link select r.* from jsonb_populate_recordset(null::call_link, $4) as r
), given as (
    insert into hand_over select r.* from jsonb_populate_recordset(null::hand_over, $5) as r
)
insert into alarm select r.* from jsonb_populate_recordset(null::alarm, $6) as r
"""


@dataclass(slots=True)
class Taking:
    """What is written together when somebody asks: usually one call, with a recurrence one for every visit."""

    calls: list[Doc] = field(default_factory=list)
    patients: list[Doc] = field(default_factory=list)
    barriers: list[Doc] = field(default_factory=list)
    links: list[Doc] = field(default_factory=list)
    hand_overs: list[Doc] = field(default_factory=list)
    alarms: list[Doc] = field(default_factory=list)

    def numbered(self, drawn: Sequence[str]) -> Taking:
        """With a number for each call."""
        for call, number in zip(self.calls, drawn, strict=True):
            call["number"] = number
        return self


async def next_number(aside: Pool, area: str, series: str, count: int) -> int:
    """The first of ``count`` running numbers that are theirs who asked, whether they use them or not."""
    async with aside.acquire(timeout=5) as connection:
        first: int = await connection.fetchval(NEXT_NUMBER, area, series, count)
    return first


async def take_calls(db: Connection, taking: Taking) -> None:
    """Write new calls, which have their numbers, with all that belongs to them."""
    parts = (taking.calls, taking.patients, taking.barriers, taking.links, taking.hand_overs, taking.alarms)
    await db.execute(TAKE_CALLS, *parts)


# Only what can be the same matter: near, from the same telephone, or from the same community. Who decides is people.
SIMILAR_CALLS = """
select id, number, received_at, kind, lat, lon, caller_phone, criteria_group, community, exercise, taken_by
from call
where area = $1 and received_at between $2 and $3 and status in ('open', 'handed_over') and exercise = $4
  and series_of is null and erased_at is null
  and (caller_phone = $5 or community = $6 or (lat between $7 and $8 and lon between $9 and $10))
order by received_at desc limit 50
"""


async def similar_calls(
    db: Connection | Pool,
    area: str,
    between: tuple[datetime, datetime],
    *,
    exercise: bool,
    phone: str | None,
    community: str | None,
    box: tuple[float | None, float | None, float | None, float | None],
) -> list[Row]:
    """Calls of about that time that may tell of the same thing. ``box``: south, north, west, east."""
    return await db.fetch(SIMILAR_CALLS, area, *between, exercise, phone, community, *box)


READ_CALL = "select * from call where id = $1"
LOCK_CALL = "select * from call where id = $1 for update"


async def read_call(db: Connection | Pool, call_id: UUID) -> Row | None:
    return await db.fetchrow(READ_CALL, call_id)


async def lock_call(db: Connection, call_id: UUID) -> Row | None:
    """The call, held until the transaction ends: whoever changes it waits."""
    return await db.fetchrow(LOCK_CALL, call_id)


READ_PATIENTS = "select * from patient where call_id = any($1) order by call_id, position"


async def read_patients(db: Connection | Pool, call_ids: Sequence[UUID]) -> list[Row]:
    return await db.fetch(READ_PATIENTS, list(call_ids))


# Every column that a change may touch, from one JSON document over the row as it stands.
CHANGE_CALL = """
update call c set (
    version, updated_at, status, stage, kind, lane, severity, severity_scheme, rc, criteria_group, idc, hazard,
    requirements, protected, amphoe, patient_count, answered_at, ended_at, outcome, reason, reason_text, caller_name,
    caller_name_key, caller_phone, caller_phone_typed, caller_relation, caller_line_user_id, caller_language, lat, lon,
    point_typed, address, landmark, tambon_code, community, area_codes, destination, complaint, answers, appointment,
    appointment_at, occurrence, companions, external_refs, notes
) = (
    select c.version + 1, $3::timestamptz, r.status, r.stage, r.kind, r.lane, r.severity, r.severity_scheme, r.rc,
    r.criteria_group, r.idc, r.hazard, r.requirements, r.protected, r.amphoe, r.patient_count, r.answered_at,
    r.ended_at, r.outcome, r.reason, r.reason_text, r.caller_name, r.caller_name_key, r.caller_phone,
    r.caller_phone_typed, r.caller_relation, r.caller_line_user_id, r.caller_language, r.lat, r.lon, r.point_typed,
    r.address, r.landmark, r.tambon_code, r.community, r.area_codes, r.destination, r.complaint, r.answers,
    r.appointment, r.appointment_at, r.occurrence, r.companions, r.external_refs, r.notes
    from jsonb_populate_record(c, $2) as r
) where c.id = $1 returning *
"""


async def change_call(db: Connection, call_id: UUID, changes: Doc, at: datetime) -> Row:
    """Change these columns of a call; its version rises by one.

    Raises:
        asyncpg.CheckViolationError: a law of the database is broken (a mistake of ours).

    """
    row = await db.fetchrow(CHANGE_CALL, call_id, changes, at)
    assert row is not None  # noqa: S101 the caller holds its lock
    return row


PUT_PATIENTS = """
with kept as (
    delete from patient where call_id = $1 and not (id = any($3::uuid[]))
)
insert into patient select r.* from jsonb_populate_recordset(null::patient, $2) as r
on conflict (id) do update set
    position = excluded.position, name = excluded.name, name_key = excluded.name_key,
    national_id = excluded.national_id, birth_on = excluded.birth_on, birth_year = excluded.birth_year,
    age = excluded.age, sex = excluded.sex, mobility = excluded.mobility, needs = excluded.needs,
    groups = excluded.groups
"""


async def put_patients(db: Connection, call_id: UUID, patients: Sequence[Doc]) -> None:
    """The call's patients are these from now on."""
    await db.execute(PUT_PATIENTS, call_id, list(patients), [doc["id"] for doc in patients])


MATCH_PATIENT = """
update patient set person_id = $3, person_turn = $4, person_presumed = $5
where id = $2 and call_id = $1 and coalesce(person_turn, 0) <= $4 returning id
"""
# Only whoever was taken for this person, and not since for another.
UNMATCH_PATIENT = """
update patient set person_id = null, person_turn = $4, person_presumed = null
where id = $2 and call_id = $1 and person_id = $3 and coalesce(person_turn, 0) < $4
"""


async def match_patient(
    db: Connection, call_id: UUID, patient_id: UUID, person_id: UUID, turn: int, *, presumed: bool
) -> bool:
    """The registry knows, or presumes, who it is; False where it has said otherwise since, or the patient is gone."""
    return await db.fetchval(MATCH_PATIENT, call_id, patient_id, person_id, turn, presumed) is not None


async def unmatch_patient(db: Connection, call_id: UUID, patient_id: UUID, person_id: UUID, turn: int) -> None:
    """The registry has found that it is not this person."""
    await db.execute(UNMATCH_PATIENT, call_id, patient_id, person_id, turn)


CALLS_OF_PERSON = """
select distinct call_id from patient where person_id = $1 order by call_id
"""


async def calls_of_person(db: Connection, person_id: UUID) -> list[UUID]:
    return [row["call_id"] for row in await db.fetch(CALLS_OF_PERSON, person_id)]


UNPROTECTED_OF_PERSON = """
select p.call_id from patient p
cross join lateral (select from call c where c.id = p.call_id and not c.protected and c.erased_at is null offset 0) c
where p.person_id = $1 order by p.call_id
"""


async def unprotected_of_person(db: Connection, person_id: UUID) -> list[UUID]:
    """Calls of theirs that are not protected yet, erased ones left out."""
    return [row["call_id"] for row in await db.fetch(UNPROTECTED_OF_PERSON, person_id)]


# --- lists -------------------------------------------------------------------

LIST_CALLS = Search("""
select c.*, exists (select from alarm a where a.call_id = c.id and a.acknowledged_at is null) as alarmed
from call c
where ($1::text[] is null or area = any($1)) and ($2::text is null or status = $2)
  and ($3::text is null or lane = $3) and ($4::text is null or severity = $4)
  and ($5::timestamptz is null or received_at >= $5) and ($6::timestamptz is null or received_at < $6)
  and ($7::timestamptz is null or (received_at, id) < ($7, $8::uuid))
  and ($9::text is null or taken_by = $9) and ($11::boolean is null or exercise = $11)
order by received_at desc, id desc limit $10
""")


async def list_calls(
    pool: Pool,
    *,
    areas: list[str] | None,
    status: str | None,
    lane: str | None,
    severity: str | None,
    start: datetime | None,
    end: datetime | None,
    before: tuple[datetime, UUID] | None,
    taken_by: str | None,
    exercise: bool | None,
    limit: int,
) -> list[Row]:
    """Newest first. ``areas`` None stands for all, ``before`` is where the last page ended."""
    at, call_id = before or (None, None)
    given = (areas, status, lane, severity, start, end, at, call_id, taken_by, limit, exercise)
    return await look_up(pool, LIST_CALLS, *given)


SEARCH_CALLS = Search("""
select c.*, exists (select from alarm a where a.call_id = c.id and a.acknowledged_at is null) as alarmed
from call c
where erased_at is null and ($1::text[] is null or area = any($1)) and ($2::uuid[] is null or id = any($2))
  and ($3::text is null or caller_phone = $3 or caller_phone_typed = $3)
  and ($4::text is null or caller_name_key like $4 escape '!'
       or exists (select from patient p where p.call_id = c.id and p.name_key like $4 escape '!'))
  and ($5::text is null or number = $5
       or exists (select from jsonb_array_elements(c.external_refs) as ref where ref ->> 'number' = $5))
  and ($6::text is null or exists (select from patient p where p.call_id = c.id and p.national_id = $6))
  and ($7::text is null or tracking_code = $7)
  and ($8::uuid is null or exists (select from patient p where p.call_id = c.id and p.person_id = $8))
  and ($9::text is null or caller_line_user_id = $9)
  and ($10::timestamptz is null or received_at >= $10) and ($11::timestamptz is null or received_at < $11)
  and ($12::timestamptz is null or (received_at, id) < ($12, $13::uuid))
  and ($14::text is null or taken_by = $14)
order by received_at desc, id desc limit $15
""")


async def search_calls(pool: Pool, *arguments: Any) -> list[Row]:
    """Arguments in the order of the statement; what is None does not count."""
    return await look_up(pool, SEARCH_CALLS, *arguments)


CALL_BY_TRACKING_CODE = """
select c.*, l.stage as leading_stage, l.updated_at as leading_updated_at
from call c
left join lateral (select * from call_link where call_id = c.id and link = 'duplicate' and unlinked_at is null
                   offset 0) k on true
left join call l on l.id = k.other_call_id
where c.tracking_code = $1 and c.erased_at is null
"""


async def call_by_tracking_code(pool: Pool, code: str) -> Row | None:
    """The call of a code, and how far the leading call is where it is a duplicate."""
    return await pool.fetchrow(CALL_BY_TRACKING_CODE, code)


CALLS_OF_PHONE = """
select id, number, status, stage, severity, severity_scheme, received_at, kind, lane, taken_by from call
where area = $1 and caller_phone = $2 and erased_at is null order by received_at desc limit 10
"""


async def calls_of_phone(db: Connection | Pool, area: str, phone: str) -> list[Row]:
    return await db.fetch(CALLS_OF_PHONE, area, phone)


# --- links -------------------------------------------------------------------

ADD_LINK = """
insert into call_link (id, call_id, other_call_id, link, linked_at, linked_by) values ($1, $2, $3, $4, $5, $6)
"""
END_LINK = """
update call_link set unlinked_at = $4, unlinked_by = $5
where call_id = $1 and other_call_id = $2 and link = $3 and unlinked_at is null returning id
"""
READ_LINKS = """
select k.*, c.number as call_number, o.number as other_number, c.taken_by, o.taken_by as other_taken_by from call_link k
join call c on c.id = k.call_id join call o on o.id = k.other_call_id
where (k.call_id = $1 or k.other_call_id = $1) and k.unlinked_at is null order by k.linked_at, k.id
"""
FOLLOWERS = """
select c.* from call c join call_link k on k.call_id = c.id
where k.other_call_id = $1 and k.link = 'duplicate' and k.unlinked_at is null
order by c.id for update of c
"""


async def add_link(db: Connection, call_id: UUID, other_id: UUID, link: str, at: datetime, by: str) -> None:
    """``call_id`` belongs with ``other_id``, which leads where it is a duplicate.

    Raises:
        asyncpg.UniqueViolationError: ``link_one_leader`` or ``link_once``.

    """
    await db.execute(ADD_LINK, new_id(), call_id, other_id, link, at, by)


async def end_link(db: Connection, call_id: UUID, other_id: UUID, link: str, at: datetime, by: str) -> bool:
    return await db.fetchval(END_LINK, call_id, other_id, link, at, by) is not None


async def read_links(db: Connection | Pool, call_id: UUID, brought_by: str | None = None) -> list[Row]:
    """The links of a call, in both directions. ``brought_by``: only between calls that they brought."""
    rows = await db.fetch(READ_LINKS, call_id)
    return [row for row in rows if brought_by is None or row["taken_by"] == row["other_taken_by"] == brought_by]


async def followers(db: Connection, call_id: UUID) -> list[Row]:
    """Open calls of which this one is the leader."""
    return [row for row in await db.fetch(FOLLOWERS, call_id) if row["status"] == "open"]


# --- hand-overs --------------------------------------------------------------

ADD_HAND_OVER = """
insert into hand_over (id, call_id, receiver, receiver_name, reason, reason_text, ends_call, at, by_actor)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
READ_HAND_OVERS = "select * from hand_over where call_id = $1 order by at, id"


async def add_hand_over(db: Connection, call_id: UUID, *values: Any) -> None:
    """Values: receiver, receiver_name, reason, reason_text, ends_call, at, by_actor."""
    await db.execute(ADD_HAND_OVER, new_id(), call_id, *values)


async def read_hand_overs(db: Connection | Pool, call_id: UUID) -> list[Row]:
    return await db.fetch(READ_HAND_OVERS, call_id)
