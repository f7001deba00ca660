"""Stations, facilities, vehicles and crew: what is put, as it was put.

A ``PUT_…`` answers one row where something changed (``made`` tells the first time) and none where the same was put
again or the id belongs to another municipality.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool

PUT_STATION = """
insert into station as r (id, area, name, name_en, lon, lat, phone, active, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (id) do update set name = excluded.name, name_en = excluded.name_en, lon = excluded.lon,
    lat = excluded.lat, phone = excluded.phone, active = excluded.active, changed_at = excluded.changed_at
where r.area = excluded.area and (r.name, r.name_en, r.lon, r.lat, r.phone, r.active) is distinct from
    (excluded.name, excluded.name_en, excluded.lon, excluded.lat, excluded.phone, excluded.active)
returning (xmax = 0) as made
"""
PUT_FACILITY = """
insert into facility as r (id, area, kind, name, name_en, lon, lat, phone, active, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (id) do update set kind = excluded.kind, name = excluded.name, name_en = excluded.name_en,
    lon = excluded.lon, lat = excluded.lat, phone = excluded.phone, active = excluded.active,
    changed_at = excluded.changed_at
where r.area = excluded.area and (r.kind, r.name, r.name_en, r.lon, r.lat, r.phone, r.active) is distinct from
    (excluded.kind, excluded.name, excluded.name_en, excluded.lon, excluded.lat, excluded.phone, excluded.active)
returning (xmax = 0) as made
"""
PUT_VEHICLE = """
insert into vehicle as r (id, area, kind, name, plate, station_id, seats, wheelchairs, stretchers, equipment, active,
                          exercise, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (id) do update set kind = excluded.kind, name = excluded.name, plate = excluded.plate,
    station_id = excluded.station_id, seats = excluded.seats, wheelchairs = excluded.wheelchairs,
    stretchers = excluded.stretchers, equipment = excluded.equipment, active = excluded.active,
    exercise = excluded.exercise, changed_at = excluded.changed_at
where r.area = excluded.area
  and (r.kind, r.name, r.plate, r.station_id, r.seats, r.wheelchairs, r.stretchers, r.equipment, r.active, r.exercise)
      is distinct from
      (excluded.kind, excluded.name, excluded.plate, excluded.station_id, excluded.seats, excluded.wheelchairs,
       excluded.stretchers, excluded.equipment, excluded.active, excluded.exercise)
returning (xmax = 0) as made
"""
PUT_CREW = """
insert into crew as r (id, area, kind, name, phone, line_user_id, language, quiet_from, quiet_until, organisation,
                       skills, station_id, active, exercise, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
on conflict (id) do update set kind = excluded.kind, name = excluded.name, phone = excluded.phone,
    line_user_id = excluded.line_user_id, language = excluded.language, quiet_from = excluded.quiet_from,
    quiet_until = excluded.quiet_until, organisation = excluded.organisation, skills = excluded.skills,
    station_id = excluded.station_id, active = excluded.active, exercise = excluded.exercise,
    changed_at = excluded.changed_at
where r.area = excluded.area and r.erased_at is null
  and (r.kind, r.name, r.phone, r.line_user_id, r.language, r.quiet_from, r.quiet_until, r.organisation, r.skills,
       r.station_id, r.active, r.exercise) is distinct from
      (excluded.kind, excluded.name, excluded.phone, excluded.line_user_id, excluded.language, excluded.quiet_from,
       excluded.quiet_until, excluded.organisation, excluded.skills, excluded.station_id, excluded.active,
       excluded.exercise)
returning (xmax = 0) as made
"""
STATION_AREA = "select area from station where id = $1"
FACILITY_AREA = "select area from facility where id = $1"
VEHICLE_AREA = "select area from vehicle where id = $1"
CREW_AREA = "select area from crew where id = $1"
LIST_STATIONS = "select * from station where ($1::text[] is null or area = any($1)) and id > $2 order by id limit $3"
# A facility that keeps no beds has none to count: null, not 0.
LIST_FACILITIES = """
select f.*, (select count(*) filter (where h.id is null)
             from bed b left join bed_hold h on h.bed_id = b.id and h.ended_at is null
             where b.facility_id = f.id and b.active having count(*) > 0) as beds_free
from facility f where ($1::text[] is null or f.area = any($1)) and f.id > $2 order by f.id limit $3
"""
LIST_VEHICLES = "select * from vehicle where ($1::text[] is null or area = any($1)) and id > $2 order by id limit $3"
LIST_CREW = """
select c.*, d.unit_id from crew c left join on_duty d on d.crew_id = c.id
where ($1::text[] is null or c.area = any($1)) and c.erased_at is null and c.id > $2 order by c.id limit $3
"""
# Who is to be rung: of a unit on duty its crew, of another the usual one.
CREW_OF_UNIT = """
select c.*, d.unit_id from unit u
cross join lateral (select * from crew
    where id = any(case u.duty when 'on_duty' then u.crew_ids else u.usual_crew_ids end) offset 0) c
left join lateral (select unit_id from on_duty where crew_id = c.id offset 0) d on true
where u.id = $1 and ($2::text[] is null or c.area = any($2)) and c.erased_at is null and c.active order by c.id
"""
READ_CREW = "select * from crew where id = $1 for no key update"
WIPE_CREW = """
update crew set name = '-', phone = null, line_user_id = null, organisation = null, quiet_from = null,
    quiet_until = null, skills = '{}'::jsonb, leaves_after_min = 0, active = false, erased_at = $2, changed_at = $2
where id = $1
"""
SET_LEAVING = """
update crew set leaves_after_min = $2, changed_at = $3 where id = $1 and active and leaves_after_min <> $2 returning id
"""
LEAVING = "select area, leaves_after_min, active from crew where id = $1"
IS_ERASED = "select erased_at is not null from crew where id = $1"
FIND_FACILITY = "select lon, lat, area from facility where id = $1"

PUTS = {"station": PUT_STATION, "facility": PUT_FACILITY, "vehicle": PUT_VEHICLE, "crew": PUT_CREW}
AREAS = {"station": STATION_AREA, "facility": FACILITY_AREA, "vehicle": VEHICLE_AREA, "crew": CREW_AREA}
LISTS = {"station": LIST_STATIONS, "facility": LIST_FACILITIES, "vehicle": LIST_VEHICLES, "crew": LIST_CREW}


async def put(db: Connection, noun: str, values: tuple[Any, ...]) -> bool | None:
    """Put one row: True when made, False when changed, None when nothing changed."""
    made: bool | None = await db.fetchval(PUTS[noun], *values)
    return made


async def area_of(db: Connection | Pool, noun: str, resource_id: UUID) -> str | None:
    area: str | None = await db.fetchval(AREAS[noun], resource_id)
    return area


async def page(pool: Pool, noun: str, areas: list[str] | None, after: UUID, limit: int) -> list[asyncpg.Record]:
    return await pool.fetch(LISTS[noun], areas, after, limit)


async def crew_of_unit(pool: Pool, unit_id: UUID, areas: list[str] | None) -> list[asyncpg.Record]:
    """Members of these areas; none where there is no such unit."""
    return await pool.fetch(CREW_OF_UNIT, unit_id, areas)


async def crew_for_update(db: Connection, crew_id: UUID) -> asyncpg.Record | None:
    return await db.fetchrow(READ_CREW, crew_id)


async def wipe_crew(db: Connection, crew_id: UUID, at: datetime) -> None:
    await db.execute(WIPE_CREW, crew_id, at)


async def leaving(db: Connection | Pool, crew_id: UUID) -> asyncpg.Record | None:
    """``area, leaves_after_min, active``."""
    return await db.fetchrow(LEAVING, crew_id)


async def set_leaving(db: Connection, crew_id: UUID, minutes: int, at: datetime) -> bool:
    """True where they had said another time before."""
    return await db.fetchval(SET_LEAVING, crew_id, minutes, at) is not None


async def is_erased(db: Connection, crew_id: UUID) -> bool:
    return bool(await db.fetchval(IS_ERASED, crew_id))


async def facility_point(db: Connection, facility_id: UUID) -> tuple[float, float] | None:
    """``(lon, lat)`` of a facility."""
    row = await db.fetchrow(FIND_FACILITY, facility_id)
    return (row["lon"], row["lat"]) if row else None
