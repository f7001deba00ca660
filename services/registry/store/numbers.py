"""Identifiers and telephones of a person that begin, end, or were entered in error. Rows go sealed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

import asyncpg

from services.registry.store.people import Doc
from shared.database import Connection, Pool

Row = asyncpg.Record

LOCK_IDENTIFIER = """
select * from identifier where id = $2 and person_id = any(array(select records_of($1))) for update
"""
LOCK_CONTACT = "select * from contact where id = $2 and person_id = any(array(select records_of($1))) for update"
ADD_IDENTIFIER = "insert into identifier select r.* from jsonb_populate_recordset(null::identifier, $1) as r"
END_IDENTIFIER = "update identifier set until_on = $2, end_reason = $3 where id = $1"
# The day on which it ended stays, if it did; a first day that lies ahead is the last as well.
WITHDRAW_IDENTIFIER = """
update identifier set value = null, blind = null, key_id = null, end_reason = null, withdrawn_at = $2,
    until_on = coalesce(until_on, greatest(since_on, $3))
where id = $1
"""
# A telephone may stand in several records of one person: it ends in all of them.
END_CONTACT = """
update contact set until_on = greatest($3, (since_at at time zone 'Asia/Bangkok')::date), end_reason = $4
where person_id = any(array(select records_of($1))) and blind = $2 and until_on is null
"""
WITHDRAW_CONTACT = """
update contact set value = null, name = null, blind = null, key_id = null, end_reason = null, withdrawn_at = $3,
    until_on = coalesce(until_on, greatest($4, (since_at at time zone 'Asia/Bangkok')::date))
where id = $5 or person_id = any(array(select records_of($1))) and blind = $2
"""
UNMARK_ENDED = """
update contact set blind = null
where person_id = any(array(select records_of($1))) and blind = any($2::bytea[]) and until_on is not null
"""
ENDED_CONTACTS = """
select * from contact where person_id = any(array(select records_of($1))) and until_on is not null
order by until_on desc, id
"""

NOTE_ERROR = """
insert into entered_in_error (person_id, mark) select * from unnest($1::uuid[], $2::bytea[]) on conflict do nothing
"""
TAKE_BACK_ERROR = """
delete from entered_in_error where person_id = any(array(select records_of($1))) and mark = any($2::bytea[])
"""
ERRORS = "select person_id, mark from entered_in_error where person_id = any(array(select records_of($1)))"

TABLES: Final = {"identifier": LOCK_IDENTIFIER, "contact": LOCK_CONTACT}


async def lock(db: Connection, table: str, person_id: UUID, row_id: UUID) -> Row | None:
    """A row of ``identifier`` or ``contact`` of any record of the person, held."""
    return await db.fetchrow(TABLES[table], person_id, row_id)


async def add_identifier(db: Connection, row: Doc) -> None:
    await db.execute(ADD_IDENTIFIER, [row])


async def end_identifier(db: Connection, row_id: UUID, until_on: date, reason: str) -> None:
    await db.execute(END_IDENTIFIER, row_id, until_on, reason)


async def withdraw_identifier(db: Connection, row_id: UUID, at: datetime, on: date) -> None:
    """It was entered in error: that there was one stays, what it was does not."""
    await db.execute(WITHDRAW_IDENTIFIER, row_id, at, on)


async def end_contact(db: Connection, person_id: UUID, row: Row, until_on: date, reason: str) -> None:
    """The telephone of this row, in every record of the person."""
    await db.execute(END_CONTACT, person_id, row["blind"], until_on, reason)


async def withdraw_contact(db: Connection, person_id: UUID, row: Row, at: datetime, on: date) -> None:
    """The telephone of this row was entered in error, in every record of the person."""
    await db.execute(WITHDRAW_CONTACT, person_id, row["blind"], at, on, row["id"])


async def unmark_ended(db: Connection, person_id: UUID, marks: Sequence[bytes]) -> None:
    """These telephones may be theirs again: what had ended of them stands in nobody's way."""
    await db.execute(UNMARK_ENDED, person_id, list(marks))


async def ended_contacts(db: Connection | Pool, person_id: UUID) -> list[Row]:
    """What a person was reached by once, the last first; of what was entered in error no value is left."""
    return await db.fetch(ENDED_CONTACTS, person_id)


async def note_error(db: Connection, marks: Sequence[tuple[UUID, bytes]]) -> None:
    """Record and mark of what was entered in error of somebody."""
    await db.execute(NOTE_ERROR, *map(list, zip(*marks, strict=True)))


async def take_back_error(db: Connection, person_id: UUID, marks: Sequence[bytes]) -> None:
    await db.execute(TAKE_BACK_ERROR, person_id, list(marks))


async def errors(db: Connection, person_id: UUID) -> list[tuple[UUID, bytes]]:
    """Record and mark of everything that was entered in error of this person."""
    return [(row["person_id"], row["mark"]) for row in await db.fetch(ERRORS, person_id)]
