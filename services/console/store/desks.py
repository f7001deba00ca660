"""Who at which desk has taken a ringing line, and whose sheet is half written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.console.people import Person
from shared.database import Pool

ANSWER = """
insert into desk_line (ringing_id, account_id, session_id, role, answered_at) values ($1, $2, $3, $4, $5)
on conflict (ringing_id) do update
set account_id = excluded.account_id, session_id = excluded.session_id, role = excluded.role,
    answered_at = excluded.answered_at
where $7 or desk_line.session_id = excluded.session_id or desk_line.answered_at < $6
returning ringing_id
"""
LINES = """
select line.ringing_id, line.session_id, line.role, line.answered_at, account.name
from desk_line line join account on account.id = line.account_id where line.ringing_id = any($1::uuid[])
"""
WRITE = """
insert into desk_sheet (key, account_id, session_id, role, areas, begun_at, typed_at, seen_at, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
on conflict (key) do update
set account_id = excluded.account_id, session_id = excluded.session_id, role = excluded.role, areas = excluded.areas,
    typed_at = excluded.typed_at, seen_at = excluded.seen_at, ended_at = null,
    changed_at = case when desk_sheet.ended_at is null and desk_sheet.session_id = excluded.session_id
                      then desk_sheet.changed_at else excluded.changed_at end
returning changed_at = $8
"""
END = "update desk_sheet set ended_at = $2, changed_at = $2 where key = $1 and ended_at is null returning key"
WRITING = """
select sheet.session_id, sheet.role, sheet.areas, sheet.begun_at, sheet.typed_at, sheet.seen_at, account.name
from desk_sheet sheet join account on account.id = sheet.account_id
where sheet.seen_at >= $1 and sheet.ended_at is null order by sheet.begun_at limit 200
"""
CHANGED = """
select greatest((select max(answered_at) from desk_line), (select max(changed_at) from desk_sheet))
"""
DROP_LINES = "delete from desk_line where answered_at < $1"
DROP_SHEETS = "delete from desk_sheet where seen_at < $1"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet that is being written, without a word of what stands on it."""

    key: UUID
    begun_at: datetime
    typed_at: datetime


async def answer(pool: Pool, person: Person, ringing_id: UUID, rang_at: datetime, at: datetime, *, over: bool) -> bool:
    """Take a line; False where somebody else has it. ``over``: take it all the same.

    Whoever answered before ``rang_at`` answered an earlier ring of that number.
    """
    told = (ringing_id, person.account_id, person.session_id, person.role.value, at, rang_at, over)
    return await pool.fetchval(ANSWER, *told) is not None


async def lines(pool: Pool, ringing_ids: Sequence[UUID]) -> list[asyncpg.Record]:
    """Who has taken which of these."""
    return await pool.fetch(LINES, list(ringing_ids))


async def write(pool: Pool, person: Person, sheet: Sheet, at: datetime) -> bool:
    """A sheet is being written; True where others do not know so yet."""
    who = (person.account_id, person.session_id, person.role.value, list(person.areas))
    return bool(await pool.fetchval(WRITE, sheet.key, *who, sheet.begun_at, sheet.typed_at, at))


async def end(pool: Pool, key: UUID, at: datetime) -> bool:
    """It was taken or cleared; False where nobody knew of it."""
    return await pool.fetchval(END, key, at) is not None


async def writing(pool: Pool, since: datetime) -> list[asyncpg.Record]:
    """Every sheet that is neither taken nor cleared, whose page was there since then; the oldest first."""
    return await pool.fetch(WRITING, since)


async def changed(pool: Pool) -> datetime | None:
    """When a line was taken, or a sheet begun or ended, last."""
    at: datetime | None = await pool.fetchval(CHANGED)
    return at


async def drop_before(pool: Pool, before: datetime) -> None:
    await pool.execute(DROP_LINES, before)
    await pool.execute(DROP_SHEETS, before)
