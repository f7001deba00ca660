"""Whom we can tell: copies of contacts, opt-outs, and the codes that bind LINE accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID

import asyncpg

from shared.database import Connection

Record = asyncpg.Record

PUT_CREW = """
insert into recipient (kind, id, area, name, phone, line_user_id, language, quiet_from, quiet_until, active, exercise,
                       changed_at)
values ('crew', $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
on conflict (kind, id) do update set name = excluded.name, phone = excluded.phone,
    line_user_id = excluded.line_user_id, language = excluded.language, quiet_from = excluded.quiet_from,
    quiet_until = excluded.quiet_until, active = excluded.active, changed_at = excluded.changed_at
"""

PUT_OF_CALL = """
insert into recipient (kind, id, area, call_id, person_id, name, phone, line_user_id, language, exercise, changed_at)
select kind, id, $2, $1, person_id, name, phone, line_user_id, language, $3, $4
from unnest($5::text[], $6::uuid[], $7::uuid[], $8::text[], $9::text[], $10::text[], $11::text[])
     as w (kind, id, person_id, name, phone, line_user_id, language)
on conflict (kind, id) do update set
    person_id = case when recipient.person_turn > 0 then recipient.person_id
                     else coalesce(excluded.person_id, recipient.person_id) end,
    name = excluded.name, phone = excluded.phone, line_user_id = excluded.line_user_id,
    language = excluded.language, changed_at = excluded.changed_at
"""

DROP_GONE_PATIENTS = """
delete from recipient where call_id = $1 and kind = 'patient' and not id = any($2::uuid[])
"""

# Held until the work ends: an erasure waits for whoever is just telling them, and finds what was told.
# Whoever called for somebody of the secret class is not written to either: the telephone may be shared with whom they
# fear (mission C4).
READ_RECIPIENTS = """
select r.kind, r.id, r.area, r.call_id, r.name, coalesce(p.language, r.language) as language,
       (select a.id from (values (coalesce(r.linked_user_id, r.line_user_id, p.line_user_id))) as a (id)
        where not exists (select from blocked b where b.area = r.area and b.line_user_id = a.id)) as line_user_id,
       coalesce(r.phone, p.phone) as phone,
       coalesce(p.quiet_from, r.quiet_from) as quiet_from, coalesce(p.quiet_until, r.quiet_until) as quiet_until,
       r.wants_routine and not exists (
           select from opt_out o where o.area = r.area
           and o.address in (r.linked_user_id, r.line_user_id, p.line_user_id, r.phone, p.phone)) as wants_routine,
       r.on_duty_unit is not null as on_duty, r.active,
       coalesce(p.may_be_texted and not p.secret, true) and not (r.kind = 'caller' and exists (
           select from recipient o where o.call_id = r.call_id and o.kind = 'patient'
           and (select s.secret from person s where s.id = o.person_id) offset 0)) as may_be_texted
from recipient r left join person p on p.id = r.person_id
join unnest($1::text[], $2::uuid[]) as w (kind, id) on w.kind = r.kind and w.id = r.id
for key share of r
"""

BY_LINE_USER = """
select r.kind, r.id, r.call_id, r.language, r.on_duty_unit is not null as on_duty
from recipient r left join person p on p.id = r.person_id
where r.area = $1 and (coalesce(r.linked_user_id, r.line_user_id) = $2
                       or (coalesce(r.linked_user_id, r.line_user_id) is null and p.line_user_id = $2))
order by r.changed_at desc limit 50
"""

SET_DUTY = """
update recipient set on_duty_unit = case when id = any($2::uuid[]) then $1 end
where kind = 'crew' and (on_duty_unit = $1 or id = any($2::uuid[]))
"""
SET_LINK = "update recipient set linked_user_id = $3 where kind = $1 and id = $2"
SET_PERSONS = """
update recipient r set person_id = w.person_id, person_turn = w.turn
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::integer[]) as w (call_id, patient_id, person_id, turn)
where r.kind = 'patient' and r.id = w.patient_id and r.call_id = w.call_id and r.person_turn <= w.turn
"""
# Only whoever was taken for this person, and not since for another.
UNSET_PERSON = """
update recipient set person_id = null, person_turn = $4
where kind = 'patient' and id = $2 and call_id = $1 and person_id = $3 and person_turn < $4
"""
SET_PREFERENCES = """
update recipient set wants_routine = $3, language = coalesce($4, language), quiet_from = coalesce($5, quiet_from),
       quiet_until = coalesce($6, quiet_until)
where kind = $1 and id = $2
"""
UNLINK = "update recipient set linked_user_id = null where area = $1 and linked_user_id = $2"
BLOCK = "insert into blocked (area, line_user_id, blocked_at) values ($1, $2, $3) on conflict do nothing"
UNBLOCK = "delete from blocked where area = $1 and line_user_id = $2"
ADDRESSES_OF_LINE_USER = """
select array_remove(array_agg(distinct a.address), null) as addresses
from recipient r left join person p on p.id = r.person_id,
     lateral (values (r.linked_user_id), (r.line_user_id), (r.phone), (p.phone), (p.line_user_id)) as a (address)
where r.area = $1 and coalesce(r.linked_user_id, r.line_user_id, p.line_user_id) = $2
"""
OPT_OUT = """
insert into opt_out (area, address, stopped_at) select $1, a, $3 from unnest($2::text[]) as w (a)
on conflict do nothing
"""
OPT_IN = "delete from opt_out where area = $1 and address = any($2::text[])"

OF_PERSON = "select kind, id from recipient where person_id = $1"
OF_CALL = "select kind, id from recipient where call_id = $1"
WIPE_CREW = "delete from recipient where kind = 'crew' and id = $1 returning area, line_user_id, linked_user_id, phone"
WIPE_OF_CALL = "delete from recipient where call_id = $1 returning area, line_user_id, linked_user_id, phone"
WIPE_OF_PERSON = "delete from recipient where person_id = $1 returning area, line_user_id, linked_user_id, phone"
WIPE_OPT_OUTS = """
delete from opt_out o where o.area = any($1::text[]) and o.address = any($2::text[])
and not exists (select from recipient r where r.area = o.area
                and o.address in (r.line_user_id, r.linked_user_id, r.phone))
"""
WIPE_BLOCKED = """
delete from blocked b where b.area = any($1::text[]) and b.line_user_id = any($2::text[])
and not exists (select from recipient r where r.area = b.area
                and b.line_user_id in (r.line_user_id, r.linked_user_id))
"""
# Answers with whose telephone was another until now: what waits for it must not go there.
PUT_PERSONS = """
with put as (
    insert into person (id, phone, line_user_id, language, quiet_from, quiet_until, may_be_texted, secret)
    select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::time[], $6::time[], $7::boolean[],
                         $8::boolean[])
    on conflict (id) do update set phone = excluded.phone, line_user_id = excluded.line_user_id,
        language = excluded.language, quiet_from = excluded.quiet_from, quiet_until = excluded.quiet_until,
        may_be_texted = excluded.may_be_texted, secret = excluded.secret
)
select p.id, p.phone as left_phone, w.phone from unnest($1::uuid[], $2::text[]) as w (id, phone)
join person p on p.id = w.id where p.phone is distinct from w.phone and p.phone is not null
"""
# What an account wrote before we knew whose it was belongs to no call: it goes with the last person who has it.
WIPE_UNKNOWN_REPLIES = """
update reply p set line_user_id = null, text = null, lon = null, lat = null
where p.recipient_id is null and p.area = any($1::text[]) and p.line_user_id = any($2::text[])
and not exists (select from recipient r where r.area = p.area and p.line_user_id in (r.line_user_id, r.linked_user_id))
"""
WIPE_TOKENS = "delete from reply_token where area = any($1::text[]) and line_user_id = any($2::text[])"
WIPE_PERSON = "delete from person where id = $1"

PUT_LINK_CODE = """
insert into link_code (code_hash, area, recipient_kind, recipient_id, made_at, expires_at)
values ($1, $2, $3, $4, $5, $6)
"""
USE_LINK_CODE = """
update link_code set used_at = $3 where code_hash = $1 and area = $2 and used_at is null and expires_at > $3
returning recipient_kind, recipient_id
"""
WIPE_LINK_CODES = "delete from link_code where recipient_id = any($1::uuid[])"


@dataclass(frozen=True, slots=True)
class Contact:
    """A recipient as its owner says it. ``phone`` only where it can receive SMS."""

    kind: str
    id: UUID
    name: str | None = None
    phone: str | None = None
    line_user_id: str | None = None
    language: str = "th"
    person_id: UUID | None = None
    quiet_from: time | None = None
    quiet_until: time | None = None


async def put_crew(db: Connection, contact: Contact, area: str, *, active: bool, exercise: bool, at: datetime) -> None:
    await db.execute(
        PUT_CREW, contact.id, area, contact.name, contact.phone, contact.line_user_id, contact.language,
        contact.quiet_from, contact.quiet_until, active, exercise, at,
    )  # fmt: skip


async def put_of_call(
    db: Connection, call_id: UUID, area: str, contacts: Sequence[Contact], *, exercise: bool, at: datetime
) -> None:
    """The caller and the patients of a call, as they are now; patients no longer named are dropped."""
    await db.execute(
        PUT_OF_CALL, call_id, area, exercise, at,
        [c.kind for c in contacts], [c.id for c in contacts], [c.person_id for c in contacts],
        [c.name for c in contacts], [c.phone for c in contacts], [c.line_user_id for c in contacts],
        [c.language for c in contacts],
    )  # fmt: skip


async def drop_gone_patients(db: Connection, call_id: UUID, patient_ids: Iterable[UUID]) -> None:
    await db.execute(DROP_GONE_PATIENTS, call_id, list(patient_ids))


async def read(db: Connection, wanted: Sequence[tuple[str, UUID]]) -> dict[tuple[str, UUID], Record]:
    """By kind and id; who is not known is missing."""
    rows = await db.fetch(READ_RECIPIENTS, [kind for kind, _ in wanted], [id_ for _, id_ in wanted])
    return {(row["kind"], row["id"]): row for row in rows}


async def by_line_user(db: Connection, area: str, line_user_id: str) -> list[Record]:
    """Everybody this LINE account stands for in an area, the latest first."""
    return await db.fetch(BY_LINE_USER, area, line_user_id)


async def set_duty(db: Connection, unit_id: UUID, crew_ids: Sequence[UUID]) -> None:
    """These, and nobody else, are on duty with the unit."""
    await db.execute(SET_DUTY, unit_id, list(crew_ids))


async def link(db: Connection, kind: str, recipient_id: UUID, line_user_id: str) -> None:
    await db.execute(SET_LINK, kind, recipient_id, line_user_id)


async def block(db: Connection, area: str, line_user_id: str, at: datetime) -> None:
    """The account was removed or blocks us: nothing sent there would be seen, whoever says that it is somebody's."""
    await db.execute(UNLINK, area, line_user_id)
    await db.execute(BLOCK, area, line_user_id, at)


async def unblock(db: Connection, area: str, line_user_id: str) -> None:
    """They have added us (again)."""
    await db.execute(UNBLOCK, area, line_user_id)


async def set_persons(db: Connection, persons: Iterable[tuple[tuple[UUID, UUID], UUID, int]]) -> None:
    """Call and patient, who they are, and the turn in which it was said: of two the later counts."""
    last: dict[tuple[UUID, UUID], tuple[UUID, int]] = {}
    for key, person_id, turn in persons:
        if turn >= last.get(key, (None, 0))[1]:
            last[key] = (person_id, turn)
    calls, patients = [key[0] for key in last], [key[1] for key in last]
    people, turns = [one for one, _ in last.values()], [turn for _, turn in last.values()]
    await db.execute(SET_PERSONS, calls, patients, people, turns)


async def unset_person(db: Connection, call_id: UUID, patient_id: UUID, person_id: UUID, turn: int) -> None:
    """The patient is not this person: what that one wants counts for them no more."""
    await db.execute(UNSET_PERSON, call_id, patient_id, person_id, turn)


async def set_preferences(db: Connection, kind: str, recipient_id: UUID, values: dict[str, Any]) -> bool:
    """``wants_routine, language, quiet_from, quiet_until``; False where nobody is known by that id."""
    done = await db.execute(
        SET_PREFERENCES, kind, recipient_id, values["wants_routine"], values.get("language"),
        values.get("quiet_from"), values.get("quiet_until"),
    )  # fmt: skip
    return done == "UPDATE 1"


async def addresses_of(db: Connection, area: str, line_user_id: str) -> list[str]:
    """Every address of whoever uses this LINE account, itself included."""
    found: list[str] | None = await db.fetchval(ADDRESSES_OF_LINE_USER, area, line_user_id)
    return sorted({line_user_id, *(found or [])})


async def opt_out(db: Connection, area: str, addresses: Sequence[str], at: datetime) -> None:
    await db.execute(OPT_OUT, area, list(addresses), at)


async def opt_in(db: Connection, area: str, addresses: Sequence[str]) -> None:
    await db.execute(OPT_IN, area, list(addresses))


async def of_person(db: Connection, person_id: UUID) -> list[tuple[str, UUID]]:
    """The patients, over all calls, who are this person."""
    return [(row["kind"], row["id"]) for row in await db.fetch(OF_PERSON, person_id)]


async def of_call(db: Connection, call_id: UUID) -> list[tuple[str, UUID]]:
    """The caller and the patients of a call."""
    return [(row["kind"], row["id"]) for row in await db.fetch(OF_CALL, call_id)]


async def wipe_crew(db: Connection, crew_id: UUID) -> None:
    await _wipe_addresses(db, await db.fetch(WIPE_CREW, crew_id))
    await db.execute(WIPE_LINK_CODES, [crew_id])


async def wipe_of_call(db: Connection, call_id: UUID) -> None:
    await _wipe_addresses(db, await db.fetch(WIPE_OF_CALL, call_id))
    await db.execute(WIPE_LINK_CODES, [call_id])


async def wipe_person(db: Connection, person_id: UUID) -> None:
    await _wipe_addresses(db, await db.fetch(WIPE_OF_PERSON, person_id))
    await db.execute(WIPE_PERSON, person_id)


async def _wipe_addresses(db: Connection, rows: Sequence[Record]) -> None:
    """An opt-out, a block and what was written before go with the last who has the address; reply tokens at once."""
    addresses = {row[name] for row in rows for name in ("line_user_id", "linked_user_id", "phone")} - {None}
    if addresses:
        areas = sorted({row["area"] for row in rows})
        await db.execute(WIPE_OPT_OUTS, areas, sorted(addresses))
        await db.execute(WIPE_BLOCKED, areas, sorted(addresses))
        await db.execute(WIPE_UNKNOWN_REPLIES, areas, sorted(addresses))
        await db.execute(WIPE_TOKENS, areas, sorted(addresses))


async def put_persons(db: Connection, persons: Mapping[UUID, Sequence[Any]]) -> list[Record]:
    """Person → phone, LINE user, language, quiet from and until, whether they may be texted, whether secret.

    Returns those whose telephone is another now: ``id, left_phone, phone`` (None: none).
    """
    return await db.fetch(PUT_PERSONS, list(persons), *map(list, zip(*persons.values(), strict=True)))


async def put_link_code(
    db: Connection, code_hash: bytes, area: str, kind: str, recipient_id: UUID, made_at: datetime, expires_at: datetime
) -> None:
    await db.execute(PUT_LINK_CODE, code_hash, area, kind, recipient_id, made_at, expires_at)


async def use_link_code(db: Connection, code_hash: bytes, area: str, at: datetime) -> Record | None:
    """Whom the code binds; None where it is unknown, used or too old. A code works once."""
    return await db.fetchrow(USE_LINK_CODE, code_hash, area, at)
