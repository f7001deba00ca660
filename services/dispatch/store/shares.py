"""Units that serve another municipality for a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool, Search, look_up

INSERT_SHARE = """
insert into unit_share (id, unit_id, home_area, with_area, begun_at, until_at, shared_by)
values ($1, $2, $3, $4, $5, $6, $7)
"""
OPEN_SHARE = "select * from unit_share where unit_id = $1 and ended_at is null"
# Units of this municipality that serve another one now, however long: until when that was agreed.
LENT_BY = "select unit_id, until_at from unit_share where home_area = $1 and ended_at is null"
UNTIL = "update unit_share set until_at = greatest($2, begun_at + interval '1 second') where id = $1"
END_SHARE = "update unit_share set ended_at = $2 where id = $1 and ended_at is null"
# Anything that still binds the unit where it serves: a run under way, an answer that is waited for.
BOUND_THERE = """
select exists (select from run where unit_id = $1 and status = 'open')
    or exists (select from assignment where unit_id = $1 and ended_at is null and start_at is null)
"""
BOOKED_WITHIN = """
select exists (select from run where unit_id = $1 and status = 'planned' and booked && tstzrange($2, $3))
"""
SHARES = Search("""
select s.*, u.call_sign, u.level, u.volunteer, u.duty from unit_share s join unit u on u.id = s.unit_id
where ($1::text[] is null or s.home_area = any($1) or s.with_area = any($1)) and s.ended_at is null
order by s.until_at, s.id limit 200
""")


@dataclass(frozen=True, slots=True)
class Share:
    """A row of ``unit_share``."""

    id: UUID
    unit_id: UUID
    home_area: str
    with_area: str
    begun_at: datetime
    until_at: datetime
    ended_at: datetime | None
    shared_by: str

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        return cls(**{name: row[name] for name in cls.__slots__})


async def insert(db: Connection, made: Share) -> None:
    """Lend a unit.

    Raises:
        asyncpg.UniqueViolationError: ``unit_share_one_borrower``.

    """
    await db.execute(
        INSERT_SHARE, made.id, made.unit_id, made.home_area, made.with_area, made.begun_at, made.until_at,
        made.shared_by,
    )  # fmt: skip


async def of_unit(db: Connection | Pool, unit_id: UUID) -> Share | None:
    """Where the unit serves now; None: at home."""
    row = await db.fetchrow(OPEN_SHARE, unit_id)
    return Share.of(row) if row else None


async def lent_by(db: Connection, area: str) -> dict[UUID, datetime]:
    """Units of the area that serve elsewhere → until when."""
    return {row["unit_id"]: row["until_at"] for row in await db.fetch(LENT_BY, area)}


async def shorten(db: Connection, share_id: UUID, until_at: datetime) -> None:
    await db.execute(UNTIL, share_id, until_at)


async def end(db: Connection, share_id: UUID, at: datetime) -> None:
    await db.execute(END_SHARE, share_id, at)


async def bound_there(db: Connection, unit_id: UUID) -> bool:
    """Whether it has something to finish first."""
    return bool(await db.fetchval(BOUND_THERE, unit_id))


async def booked_within(db: Connection, unit_id: UUID, span: tuple[datetime, datetime]) -> bool:
    return bool(await db.fetchval(BOOKED_WITHIN, unit_id, *span))


async def of_areas(db: Connection | Pool, areas: list[str] | None) -> list[asyncpg.Record]:
    """Units lent by or to these municipalities, with call sign, level and duty; nothing of where they are."""
    return await look_up(db, SHARES, areas)
