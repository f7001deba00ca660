"""Units: duty, crew, cleanliness, and which of them are free."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from services.dispatch.store import served
from shared.database import Connection, Pool

PUT_UNIT = """
insert into unit as r (id, area, call_sign, station_id, level, volunteer, exercise, active, usual_vehicle_id,
                       usual_crew_ids, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
on conflict (id) do update set call_sign = excluded.call_sign, station_id = excluded.station_id,
    level = excluded.level, volunteer = excluded.volunteer, exercise = excluded.exercise, active = excluded.active,
    usual_vehicle_id = excluded.usual_vehicle_id, usual_crew_ids = excluded.usual_crew_ids,
    changed_at = excluded.changed_at, version = r.version + 1
where r.area = excluded.area
  and (r.call_sign, r.station_id, r.level, r.volunteer, r.exercise, r.active, r.usual_vehicle_id, r.usual_crew_ids)
      is distinct from
      (excluded.call_sign, excluded.station_id, excluded.level, excluded.volunteer, excluded.exercise,
       excluded.active, excluded.usual_vehicle_id, excluded.usual_crew_ids)
returning (xmax = 0) as made
"""
READ_UNIT = "select * from unit where id = $1"
LOCK_UNIT = "select * from unit where id = $1 for no key update"
UNITS_OF_CREW = "select unit_id from on_duty where crew_id = $1"
UNITS_WITH_CREW = "select id from unit where $1 = any(crew_ids) or $1 = any(usual_crew_ids)"
UNITS_WITH_VEHICLE = "select id from unit where vehicle_id = $1 or usual_vehicle_id = $1"
UNITS_OF_STATION = "select id from unit where station_id = $1"
FORGET_CREW = "update unit set usual_crew_ids = array_remove(usual_crew_ids, $1) where $1 = any(usual_crew_ids)"
KNOWN_CREW = "select id from crew where id = any($1::uuid[]) and area = $2 and active"
KNOWN_VEHICLE = "select exists (select from vehicle where id = $1 and area = $2 and active)"
KNOWN_STATION = "select exists (select from station where id = $1 and area = $2)"

SET_DUTY = """
update unit set duty = $2, duty_at = $3, until_at = $4, vehicle_id = $5, crew_ids = $6, out_of_service_reason = $7,
    version = version + 1, changed_at = $3
where id = $1
"""
SET_UNTIL = """
update unit set until_at = $2, version = version + 1, changed_at = $3 where id = $1 returning duty, crew_ids
"""
SIGN_OFF = "delete from on_duty where unit_id = $1"
SIGN_ON = "insert into on_duty (crew_id, unit_id) select member, $1 from unnest($2::uuid[]) as member"
# What the unit can do, from its vehicle, its crew (off duty: the usual ones) and its station as they are now. What and
# who is not in use any more can do nothing.
REFRESH_FACTS = """
update unit u set version = u.version + 1, facts = jsonb_build_object(
    'vehicle_kind', v.kind, 'equipment', v.equipment,
    'places', case when v.active then
                  jsonb_build_object('seat', v.seats, 'wheelchair', v.wheelchairs, 'stretcher', v.stretchers)
              else jsonb_build_object('seat', 0, 'wheelchair', 0, 'stretcher', 0) end,
    'crew', coalesce((select jsonb_agg(jsonb_build_object('id', c.id, 'skills', c.skills) order by c.id)
                      from crew c where c.active
                      and c.id = any(case u.duty when 'on_duty' then u.crew_ids else u.usual_crew_ids end)), '[]'),
    'leaves_after_s', 60 * coalesce((select max(c.leaves_after_min) from crew c where c.active
                      and c.id = any(case u.duty when 'on_duty' then u.crew_ids else u.usual_crew_ids end)), 0),
    'station', (select jsonb_build_array(s.lon, s.lat) from station s where s.id = u.station_id))
from vehicle v where v.id = coalesce(u.vehicle_id, u.usual_vehicle_id) and u.id = $1
"""
# Who comes on duty takes over what the unit has to do in this shift; what is booked for later waits for its own crew.
UPDATE_OPEN_CREWS = """
update assignment set crew_ids = $2 where unit_id = $1 and ended_at is null and (start_at is null or start_at < $3)
  and not (crew_ids @> $2 and crew_ids <@ $2)
returning id
"""
SHIFT = timedelta(hours=16)
CONTAMINATE = """
update unit set cleanliness = 'contaminated', contaminated_at = $2, version = version + 1
where id = $1 and cleanliness = 'clean' returning id
"""
DISINFECT = """
update unit set cleanliness = 'clean', contaminated_at = null, version = version + 1
where id = $1 and cleanliness = 'contaminated' returning id
"""
# Units that may be asked at once. An offer or a proposal that waits for its answer holds its unit, too. `not in`
# over columns that are never null is one hash of the few busy units, whatever the planner believes of the tables;
# and no table is joined with itself, for which it once went through all units once for each of them.
FREE_UNITS = """
with serves as (
    select u.id, u.version, u.exercise, u.cleanliness, u.active from unit u
    where u.area = $1 and u.duty = 'on_duty'
      and u.id not in (select s.unit_id from unit_share s where s.home_area = $1 and s.ended_at is null)
    union all
    select u.id, u.version, u.exercise, u.cleanliness, u.active
    from unit_share s join lateral (select * from unit where id = s.unit_id offset 0) u on true
    where s.with_area = $1 and s.ended_at is null and s.until_at > $3 and u.duty = 'on_duty')
select u.id, u.version,
       u.id in (select r.unit_id from run r where r.status = 'planned' and r.area = $1
                and r.booked && tstzrange($3, $4)) as booked_soon
from serves u
where u.exercise = $2 and u.cleanliness = 'clean' and u.active
  and u.id not in (select r.unit_id from run r where r.status = 'open')
  and u.id not in (select a.unit_id from assignment a where a.area = $1 and a.start_at is null
                   and a.status in ('proposed', 'ordered', 'offered'))
"""
UNITS_BY_ID = "select * from unit where id = any($1::uuid[])"
UNITS_OF_AREA = """
select u.id, u.version,
       (select min(lower(r.booked)) from run r where r.unit_id = u.id and r.status = 'planned'
        and upper(r.booked) > $3) as next_booking_at,
       u.id in (select r.unit_id from run r where r.status = 'open') as busy
from unit u where u.area = $1 and u.exercise = $2 and u.active order by u.id limit 1000
"""
DAY_UNITS = "select id, version from unit where area = $1 and exercise = $2 and active order by id limit 1000"
ON_DUTY = "select id, crew_ids from unit where area = $1 and duty = 'on_duty' and active and not exercise order by id"
# Who serves an area just now: its own that are not lent, and those lent to it.
UNITS_SERVING = """
select u.id, u.version,
       (select min(lower(r.booked)) from run r where r.unit_id = u.id and r.status = 'planned'
        and upper(r.booked) > $3) as next_booking_at,
       u.id in (select r.unit_id from run r where r.status = 'open') as busy
from unit u where u.exercise = $2 and u.active
  and ((u.area = $1 and u.id not in (select s.unit_id from unit_share s where s.home_area = $1 and s.ended_at is null))
       or u.id in (select s.unit_id from unit_share s
                   where s.with_area = $1 and s.ended_at is null and s.until_at > $3))
order by u.id limit 1000
"""
# Another municipality's unit stands on the board only while it is on an assignment of this one.
BOARD = """
select u.*, r.id as run_id, r.opened_at as run_opened_at, w.status as work_status, w.trip_id, w.id as assignment_id,
       l.closed_at as last_closed_at, l.homeward_id
from unit u
left join run r on r.unit_id = u.id and r.status = 'open'
left join lateral (select a.id, a.status, a.trip_id from assignment a where a.run_id = r.id and a.ended_at is null
                   order by a.asked_at limit 1) w on true
left join lateral (select c.closed_at, case when c.at_base_at is null then (
                       select a.id from assignment a where a.run_id = c.id and a.status = 'cleared'
                       order by a.cleared_at desc limit 1) end as homeward_id
                   from run c where c.unit_id = u.id and c.status = 'closed'
                   order by c.closed_at desc limit 1) l on true
where ($1::text[] is null or u.area = any($1)
       or exists (select from assignment o where o.unit_id = u.id and o.ended_at is null and o.area = any($1)))
  and (u.active or u.id = $6) and u.id > $2
  and ($4::text is null or u.duty = $4)
  and ($5::uuid is null or u.crew_ids @> array[$5] or u.usual_crew_ids @> array[$5])
  and ($6::uuid is null or u.id = $6)
order by u.id limit $3
"""


async def put(db: Connection, values: tuple[Any, ...]) -> bool | None:
    """Put a unit: True when made, False when changed, None when nothing changed."""
    made: bool | None = await db.fetchval(PUT_UNIT, *values)
    return made


async def read(db: Connection | Pool, unit_id: UUID) -> asyncpg.Record | None:
    return await db.fetchrow(READ_UNIT, unit_id)


async def lock(db: Connection, unit_id: UUID) -> asyncpg.Record | None:
    return await db.fetchrow(LOCK_UNIT, unit_id)


async def by_ids(db: Connection | Pool, unit_ids: list[UUID]) -> list[asyncpg.Record]:
    return await db.fetch(UNITS_BY_ID, unit_ids)


async def of_crew(db: Connection | Pool, crew_id: UUID) -> list[UUID]:
    return [row["unit_id"] for row in await db.fetch(UNITS_OF_CREW, crew_id)]


async def with_vehicle(db: Connection, vehicle_id: UUID) -> list[UUID]:
    return [row["id"] for row in await db.fetch(UNITS_WITH_VEHICLE, vehicle_id)]


async def with_crew(db: Connection | Pool, crew_id: UUID) -> list[UUID]:
    return [row["id"] for row in await db.fetch(UNITS_WITH_CREW, crew_id)]


async def of_station(db: Connection, station_id: UUID) -> list[UUID]:
    return [row["id"] for row in await db.fetch(UNITS_OF_STATION, station_id)]


async def forget_crew(db: Connection, crew_id: UUID) -> None:
    """Take a member out of the usual crews."""
    await db.execute(FORGET_CREW, crew_id)


async def known_crew(db: Connection, crew_ids: list[UUID], area: str) -> set[UUID]:
    """Those of ``crew_ids`` who are active members in this area."""
    return {row["id"] for row in await db.fetch(KNOWN_CREW, crew_ids, area)}


async def vehicle_is_known(db: Connection, vehicle_id: UUID, area: str) -> bool:
    return bool(await db.fetchval(KNOWN_VEHICLE, vehicle_id, area))


async def station_is_known(db: Connection, station_id: UUID, area: str) -> bool:
    return bool(await db.fetchval(KNOWN_STATION, station_id, area))


async def set_duty(
    db: Connection,
    unit_id: UUID,
    duty: str,
    at: datetime,
    *,
    until_at: datetime | None = None,
    vehicle_id: UUID | None = None,
    crew_ids: list[UUID] | None = None,
    reason: str | None = None,
) -> list[UUID]:
    """Change duty, and who is on the unit; the assignments that are this crew's from now on.

    The caller holds their trips.

    Raises:
        asyncpg.UniqueViolationError: ``on_duty_pkey`` (a member is on another unit) or ``unit_one_per_vehicle``.

    """
    crew = crew_ids or []
    await db.execute(SIGN_OFF, unit_id)
    await db.execute(SET_DUTY, unit_id, duty, at, until_at, vehicle_id, crew, reason)
    if duty == "on_duty":
        await db.execute(SIGN_ON, unit_id, crew)
    await served.on_unit(db, unit_id, crew if duty == "on_duty" else [], at)
    await db.execute(REFRESH_FACTS, unit_id)
    if duty != "on_duty":
        return []
    return [row["id"] for row in await db.fetch(UPDATE_OPEN_CREWS, unit_id, crew, until_at or at + SHIFT)]


async def set_until(db: Connection, unit_id: UUID, until_at: datetime | None, at: datetime) -> list[UUID]:
    """Another end of the same duty; the assignments that are this crew's from now on. The caller holds their trips."""
    row = await db.fetchrow(SET_UNTIL, unit_id, until_at, at)
    if row is None or row["duty"] != "on_duty":
        return []
    taken_over = await db.fetch(UPDATE_OPEN_CREWS, unit_id, row["crew_ids"], until_at or at + SHIFT)
    return [each["id"] for each in taken_over]


async def refresh_facts(db: Connection, unit_id: UUID) -> None:
    await db.execute(REFRESH_FACTS, unit_id)


async def contaminate(db: Connection, unit_id: UUID, at: datetime) -> bool:
    """True when it was clean until now."""
    return await db.fetchval(CONTAMINATE, unit_id, at) is not None


async def disinfect(db: Connection, unit_id: UUID) -> bool:
    """True when it was contaminated until now."""
    return await db.fetchval(DISINFECT, unit_id) is not None


async def free(db: Connection, area: str, *, exercise: bool, at: datetime, until: datetime) -> list[asyncpg.Record]:
    """``id, version, booked_soon`` (between ``at`` and ``until``) of every unit that may be asked now."""
    return await db.fetch(FREE_UNITS, area, exercise, at, until)


async def all_of(db: Connection | Pool, area: str, *, exercise: bool, at: datetime) -> list[asyncpg.Record]:
    """``id, version, next_booking_at, busy`` of every active unit, on duty or not."""
    return await db.fetch(UNITS_OF_AREA, area, exercise, at)


async def of_area(db: Connection | Pool, area: str, *, exercise: bool) -> list[asyncpg.Record]:
    """``id, version`` of every active unit, whatever it does just now."""
    return await db.fetch(DAY_UNITS, area, exercise)


async def on_duty(pool: Pool, area: str) -> list[asyncpg.Record]:
    """``id, crew_ids`` of every real unit on duty."""
    return await pool.fetch(ON_DUTY, area)


async def serving(db: Connection | Pool, area: str, *, exercise: bool, at: datetime) -> list[asyncpg.Record]:
    """The same of those who serve the area at this moment."""
    return await db.fetch(UNITS_SERVING, area, exercise, at)


async def board(
    pool: Pool, areas: list[str] | None, after: UUID, limit: int, duty: str | None, crew_id: UUID | None
) -> list[asyncpg.Record]:
    return await pool.fetch(BOARD, areas, after, limit, duty, crew_id, None)


async def board_of(pool: Pool, unit_id: UUID) -> list[asyncpg.Record]:
    """The board's line of one unit."""
    return await pool.fetch(BOARD, None, UUID(int=0), 1, None, None, unit_id)
