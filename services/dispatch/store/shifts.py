"""Shifts: which unit should be on duty when, with whom; and swaps between members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool
from shared.thai.dates import day_bounds

PUT_SHIFT = """
insert into shift as s (id, area, unit_id, kind, during, note, exercise, changed_at)
values ($1, $2, $3, $4, tstzrange($5, $6), $7, $8, $9)
on conflict (id) do update set unit_id = excluded.unit_id, kind = excluded.kind, during = excluded.during,
    note = excluded.note, exercise = excluded.exercise, dropped = false, changed_at = excluded.changed_at
"""
DROP_SHIFT = "update shift set dropped = true, changed_at = $2 where id = $1"
EMPTY_SHIFT = "delete from shift_crew where shift_id = $1"
FILL_SHIFT = """
insert into shift_crew (shift_id, crew_id, during)
select s.id, member, s.during from shift s, unnest($2::uuid[]) as member where s.id = $1
"""
READ_SHIFT = """
select s.id, s.area, s.unit_id, s.kind, lower(s.during) as from_at, upper(s.during) as until_at, s.note, s.exercise,
       s.dropped, array(select c.crew_id from shift_crew c where c.shift_id = s.id order by c.crew_id) as crew_ids
from shift s where s.id = $1
"""
LOCK_SHIFT = "select id from shift where id = any($1::uuid[]) order by id for no key update"
SHIFTS_BETWEEN = """
select s.id, s.area, s.unit_id, s.kind, lower(s.during) as from_at, upper(s.during) as until_at, s.note, s.exercise,
       s.dropped, array(select c.crew_id from shift_crew c where c.shift_id = s.id order by c.crew_id) as crew_ids
from shift s
where s.area = $1 and not s.dropped and s.during && tstzrange($2, $3)
  and ($4::uuid is null or exists (select from shift_crew m where m.shift_id = s.id and m.crew_id = $4))
order by lower(s.during), s.id limit 2000
"""
FREE_CREW = """
delete from shift_crew c where c.crew_id = $1 and upper(c.during) > $2
"""

ASK_SWAP = """
insert into shift_swap (id, area, shift_id, from_crew_id, to_crew_id, for_shift_id, status, asked_at)
values ($1, $2, $3, $4, $5, $6, 'asked', $7)
"""
READ_SWAP = "select * from shift_swap where id = $1"
LOCK_SWAP = "select * from shift_swap where id = $1 for no key update"
MOVE_SWAP = """
update shift_swap set status = $2, agreed_at = case $2 when 'agreed' then $3 else agreed_at end,
    ended_at = case when $2 in ('asked', 'agreed') then null else $3::timestamptz end
where id = $1
"""
OPEN_SWAPS = """
select w.* from shift_swap w join shift s on s.id = w.shift_id
where w.ended_at is null and ($1::text[] is null or w.area = any($1)) and w.id > $2 and upper(s.during) > $5
  and ($4::uuid is null or $4 in (w.from_crew_id, w.to_crew_id))
order by w.id limit $3
"""
OPEN_SWAPS_OF_SHIFT = """
select * from shift_swap where ended_at is null and area = $1 and $2 in (shift_id, for_shift_id) order by id
"""


@dataclass(frozen=True, slots=True)
class Shift:
    """A unit's duty as it is planned, ``from_at <= at < until_at``. ``kind``: a code of the list ``duty_kind``."""

    id: UUID
    area: str
    unit_id: UUID
    kind: str
    from_at: datetime
    until_at: datetime
    crew_ids: tuple[UUID, ...]
    note: str | None = None
    exercise: bool = False
    dropped: bool = False

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        return cls(**{name: row[name] for name in cls.__slots__ if name != "crew_ids"}, crew_ids=tuple(row["crew_ids"]))


@dataclass(frozen=True, slots=True)
class Swap:
    """``from_crew_id`` gives ``shift_id`` to ``to_crew_id``, who gives ``for_shift_id`` in return (None: nothing)."""

    id: UUID
    area: str
    shift_id: UUID
    from_crew_id: UUID
    to_crew_id: UUID
    for_shift_id: UUID | None
    status: str
    asked_at: datetime
    agreed_at: datetime | None = None
    ended_at: datetime | None = None

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        return cls(**{name: row[name] for name in cls.__slots__})


async def shifts_of(db: Connection | Pool, area: str, on: date) -> list[Shift]:
    """Every shift of a municipality that touches a Thai calendar day, by its beginning."""
    return await between(db, area, *day_bounds(on))


async def between(
    db: Connection | Pool, area: str, from_at: datetime, until_at: datetime, crew_id: UUID | None = None
) -> list[Shift]:
    """Shifts that touch ``from_at <= at < until_at``; with ``crew_id`` those of one member."""
    return [Shift.of(row) for row in await db.fetch(SHIFTS_BETWEEN, area, from_at, until_at, crew_id)]


async def read(db: Connection | Pool, shift_id: UUID) -> Shift | None:
    """A shift, also one that was dropped."""
    row = await db.fetchrow(READ_SHIFT, shift_id)
    return Shift.of(row) if row else None


async def lock(db: Connection, shift_ids: Sequence[UUID]) -> None:
    """Hold these shifts, in the order of their ids."""
    await db.fetch(LOCK_SHIFT, list(shift_ids))


async def put(db: Connection, shift: Shift, at: datetime) -> None:
    """Write a shift whole.

    Raises:
        asyncpg.ExclusionViolationError: ``shift_one_per_unit`` or ``shift_crew_in_one_place``.

    """
    await db.execute(EMPTY_SHIFT, shift.id)
    await db.execute(
        PUT_SHIFT, shift.id, shift.area, shift.unit_id, shift.kind, shift.from_at, shift.until_at, shift.note,
        shift.exercise, at,
    )  # fmt: skip
    await db.execute(FILL_SHIFT, shift.id, list(shift.crew_ids))


async def recrew(db: Connection, crews: Sequence[tuple[UUID, Sequence[UUID]]]) -> None:
    """Give shifts other crews, all at once: two members may change places.

    Raises:
        asyncpg.ExclusionViolationError: ``shift_crew_in_one_place``.

    """
    for shift_id, _ in crews:
        await db.execute(EMPTY_SHIFT, shift_id)
    for shift_id, crew_ids in crews:
        await db.execute(FILL_SHIFT, shift_id, list(crew_ids))


async def drop(db: Connection, shift_id: UUID, at: datetime) -> None:
    await db.execute(EMPTY_SHIFT, shift_id)
    await db.execute(DROP_SHIFT, shift_id, at)


async def free_crew(db: Connection, crew_id: UUID, at: datetime) -> None:
    """Take a member out of every shift that is not over."""
    await db.execute(FREE_CREW, crew_id, at)


async def ask_swap(db: Connection, swap: Swap) -> None:
    """Write a swap that is asked for.

    Raises:
        asyncpg.UniqueViolationError: ``shift_swap_one_open``.

    """
    await db.execute(
        ASK_SWAP,
        swap.id,
        swap.area,
        swap.shift_id,
        swap.from_crew_id,
        swap.to_crew_id,
        swap.for_shift_id,
        swap.asked_at,
    )


async def read_swap(db: Connection | Pool, swap_id: UUID) -> Swap | None:
    row = await db.fetchrow(READ_SWAP, swap_id)
    return Swap.of(row) if row else None


async def lock_swap(db: Connection, swap_id: UUID) -> Swap | None:
    row = await db.fetchrow(LOCK_SWAP, swap_id)
    return Swap.of(row) if row else None


async def move_swap(db: Connection, swap_id: UUID, status: str, at: datetime) -> None:
    await db.execute(MOVE_SWAP, swap_id, status, at)


async def open_swaps(
    db: Connection | Pool, areas: list[str] | None, after: UUID, limit: int, crew_id: UUID | None, now: datetime
) -> list[Swap]:
    """Swaps that wait for somebody, of shifts that are not over; with ``crew_id`` those that concern one member."""
    return [Swap.of(row) for row in await db.fetch(OPEN_SWAPS, areas, after, limit, crew_id, now)]


async def open_swaps_of(db: Connection, area: str, shift_id: UUID) -> list[Swap]:
    return [Swap.of(row) for row in await db.fetch(OPEN_SWAPS_OF_SHIFT, area, shift_id)]
