"""What the municipality has promised its people."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool

LIST = "select * from promise where area = $1 order by position, title_th"
PUT = """
insert into promise (id, area, title_th, title_en, target_th, target_en, target, progress, position, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (id) do update set title_th = excluded.title_th, title_en = excluded.title_en,
    target_th = excluded.target_th, target_en = excluded.target_en, target = excluded.target,
    progress = excluded.progress, position = excluded.position, updated_at = excluded.updated_at
where promise.area = excluded.area
"""
DROP = "delete from promise where id = $1 and area = $2"


async def listed(pool: Pool | Connection, area: str) -> list[asyncpg.Record]:
    return await pool.fetch(LIST, area)


async def put(
    db: Pool | Connection, id_: UUID, area: str, title_th: str, title_en: str, target_th: str, target_en: str,
    target: float | None, progress: float, position: int, at: datetime,
) -> None:  # fmt: skip
    """Make a promise or change it; another municipality's stays as it is."""
    await db.execute(PUT, id_, area, title_th, title_en, target_th, target_en, target, progress, position, at)


async def drop(pool: Pool, id_: UUID, area: str) -> None:
    await pool.execute(DROP, id_, area)
