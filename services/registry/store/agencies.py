"""Agencies, and whom to ring there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool, Search, look_up

Row = asyncpg.Record

PUT_AGENCY = """
insert into agency (id, kind, name_th, name_en, areas, municipality, from_on, until_on, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (id) do update set kind = excluded.kind, name_th = excluded.name_th, name_en = excluded.name_en,
    areas = excluded.areas, municipality = excluded.municipality, from_on = excluded.from_on,
    until_on = excluded.until_on, changed_at = excluded.changed_at
"""
READ_AGENCY = "select * from agency where id = $1"
READ_AGENCIES = "select * from agency where id = any($1::uuid[]) order by id"
LIST_AGENCIES = Search("""
select * from agency where ($1::text[] is null or areas && $1) and ($2::uuid is null or id > $2) order by id limit $3
""")
PUT_COORDINATOR = """
insert into coordinator (id, agency_id, name, phone, duty, crew_id, from_on, until_on, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (id) do update set name = excluded.name, phone = excluded.phone, duty = excluded.duty,
    crew_id = excluded.crew_id, from_on = excluded.from_on, until_on = excluded.until_on,
    changed_at = excluded.changed_at
where coordinator.agency_id = excluded.agency_id
returning id
"""
READ_COORDINATORS = """
select * from coordinator where agency_id = any($1::uuid[]) and (until_on is null or until_on >= $2) order by name, id
"""
READ_COORDINATOR = "select * from coordinator where id = $1"
COORDINATORS = """
select coalesce(crew_id, id) as id from coordinator
where agency_id = $1 and duty = 'coordinator' and from_on <= $2 and (until_on is null or until_on >= $2) order by id
"""
PRIVACY_OFFICERS = """
select c.crew_id from agency a join coordinator c on c.agency_id = a.id
where a.municipality = $1 and c.duty = 'privacy_officer' and c.crew_id is not null and c.from_on <= $2
  and (c.until_on is null or c.until_on >= $2)
order by c.crew_id
"""


async def put_agency(db: Connection, agency_id: UUID, values: Sequence[Any]) -> None:
    await db.execute(PUT_AGENCY, agency_id, *values)


async def read_agency(db: Connection | Pool, agency_id: UUID) -> Row | None:
    return await db.fetchrow(READ_AGENCY, agency_id)


async def read_agencies(db: Connection | Pool, ids: Sequence[UUID]) -> list[Row]:
    return await db.fetch(READ_AGENCIES, list(ids))


async def list_agencies(pool: Pool, areas: Sequence[str] | None, after: UUID | None, limit: int) -> list[Row]:
    return await look_up(pool, LIST_AGENCIES, areas, after, limit)


async def put_coordinator(db: Connection, coordinator_id: UUID, agency_id: UUID, values: Sequence[Any]) -> bool:
    """False: this is a coordinator of another agency."""
    return await db.fetchval(PUT_COORDINATOR, coordinator_id, agency_id, *values) is not None


async def read_coordinators(pool: Pool, agency_ids: Sequence[UUID], today: date) -> list[Row]:
    """Those who have not left."""
    return await pool.fetch(READ_COORDINATORS, list(agency_ids), today)


async def read_coordinator(db: Connection, coordinator_id: UUID) -> Row | None:
    return await db.fetchrow(READ_COORDINATOR, coordinator_id)


async def coordinators(db: Connection, agency_id: UUID, today: date) -> list[UUID]:
    """Whom to tell of what their agency is given: as crew members where the crew register knows them."""
    return [row["id"] for row in await db.fetch(COORDINATORS, agency_id, today)]


async def privacy_officers(db: Connection, area: str, today: date) -> list[UUID]:
    """The municipality's privacy officers, as the crew register knows them."""
    return [row["crew_id"] for row in await db.fetch(PRIVACY_OFFICERS, area, today)]
