"""Time served: who is or was on duty with a unit or checked in at a station, hours by month, certificates, QR codes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool
from shared.work import new_id

# Whoever is on the unit no longer has served; an open row that an interrupted change left behind is closed as well.
END_WITH_UNIT = """
update served set ended_at = greatest($2, began_at)
where ended_at is null and unit_id = $1 and not (crew_id = any($3::uuid[]))
"""
END_ELSEWHERE = """
update served set ended_at = greatest($3, began_at)
where ended_at is null and unit_id is not null and unit_id <> $1 and crew_id = any($2::uuid[])
"""
BEGIN_WITH_UNIT = """
insert into served (id, area, crew_id, unit_id, began_at)
select m.id, u.area, m.crew_id, u.id, $4 from unit u, unnest($2::uuid[], $3::uuid[]) as m (id, crew_id)
where u.id = $1 and not u.exercise
  and not exists (select from served s where s.crew_id = m.crew_id and s.ended_at is null and s.unit_id is not null)
"""
CHECK_IN = """
insert into served (id, area, crew_id, station_id, began_at) values ($1, $2, $3, $4, $5)
"""
IS_HERE = "select * from served where crew_id = $1 and ended_at is null and station_id is not null for no key update"
READ_SERVED = "select * from served where id = $1"
END_SERVED = "update served set ended_at = $2, forgotten = $3 where id = $1"
LEAVE_STATION = "update served set ended_at = $2 where crew_id = $1 and ended_at is null and station_id is not null"
DROP_SERVED = "delete from served where id = $1"
# Who is at a station now, and who has forgotten to check out.
AT_STATIONS = """
select s.id, s.area, s.crew_id, c.name, s.station_id, s.began_at, s.ended_at, s.forgotten
from served s join crew c on c.id = s.crew_id
where s.station_id is not null and (s.forgotten or s.ended_at is null)
  and ($1::text[] is null or s.area = any($1))
order by s.forgotten, s.began_at limit 1000
"""
# Times that overlap count once: whoever checks in at the station and goes out with a unit serves once.
HOURS = """
select c.id as crew_id, c.name, c.kind, t.times, t.served_s from crew c join (
    select s.crew_id, count(*) as times,
           (select coalesce(sum(extract(epoch from upper(one) - lower(one))), 0)::float
            from unnest(range_agg(tstzrange(greatest(s.began_at, $2), least(coalesce(s.ended_at, $4), $3)))) as one
           ) as served_s
    from served s
    where s.area = $1 and tstzrange(s.began_at, s.ended_at) && tstzrange($2, $3)
      and greatest(s.began_at, $2) < least(coalesce(s.ended_at, $4), $3)
    group by s.crew_id
) t on t.crew_id = c.id
order by t.served_s desc, c.id
"""
CERTIFICATES = """
select c.id as crew_id, c.name, c.area, e.key as skill, e.value::date as last_on
from crew c, jsonb_each_text(c.skills) e
where ($1::text[] is null or c.area = any($1)) and c.active and e.value::date <= $2
order by last_on, c.id, skill limit 2000
"""

PUT_CODE = """
insert into station_code (station_id, code, made_at) values ($1, $2, $3)
on conflict (station_id) do update set code = excluded.code, made_at = excluded.made_at
"""
STATION_OF_CODE = """
select s.id, s.area, s.name, s.name_en from station_code c join station s on s.id = c.station_id
where c.code = $1 and s.active
"""
ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended('dispatch.check_in.' || $1, 0))"
CREW_OF_PHONE = """
select id, name from crew where area = $1 and phone = $2 and active and not exercise and erased_at is null order by id
"""
SKILLS_OF = "select id, name, area, skills, active from crew where id = any($1::uuid[]) order by id"

GIVEN = """
select unit_id, sum(extract(epoch from closed_at - opened_at))::float as given_s from run
where unit_id = any($1::uuid[]) and status = 'closed' and closed_at > $2 group by unit_id
"""


async def on_unit(db: Connection, unit_id: UUID, crew_ids: list[UUID], at: datetime) -> None:
    """From ``at`` on exactly these members serve with the unit."""
    await db.execute(END_WITH_UNIT, unit_id, at, crew_ids)
    if crew_ids:
        await db.execute(END_ELSEWHERE, unit_id, crew_ids, at)
        await db.execute(BEGIN_WITH_UNIT, unit_id, [new_id() for _ in crew_ids], crew_ids, at)


async def check_in(db: Connection, served_id: UUID, area: str, crew_id: UUID, station_id: UUID, at: datetime) -> None:
    await db.execute(CHECK_IN, served_id, area, crew_id, station_id, at)


async def here(db: Connection, crew_id: UUID) -> asyncpg.Record | None:
    """The open check-in of a member, held."""
    return await db.fetchrow(IS_HERE, crew_id)


async def read(db: Connection | Pool, served_id: UUID) -> asyncpg.Record | None:
    return await db.fetchrow(READ_SERVED, served_id)


async def end(db: Connection, served_id: UUID, at: datetime, *, forgotten: bool = False) -> None:
    await db.execute(END_SERVED, served_id, at, forgotten)


async def leave_station(db: Connection, crew_id: UUID, at: datetime) -> None:
    """A member is at no station any more."""
    await db.execute(LEAVE_STATION, crew_id, at)


async def drop(db: Connection, served_id: UUID) -> None:
    await db.execute(DROP_SERVED, served_id)


async def given(db: Connection | Pool, unit_ids: Sequence[UUID], since_at: datetime) -> dict[UUID, float]:
    """Each of these units → seconds of its runs that ended since then."""
    return dict.fromkeys(unit_ids, 0.0) | {
        row["unit_id"]: row["given_s"] for row in await db.fetch(GIVEN, list(unit_ids), since_at)
    }


async def at_stations(db: Pool, areas: list[str] | None) -> list[asyncpg.Record]:
    """Who is checked in now, and who forgot to check out, with names."""
    return await db.fetch(AT_STATIONS, areas)


async def hours(db: Pool, area: str, from_at: datetime, until_at: datetime, now: datetime) -> list[asyncpg.Record]:
    """``crew_id, name, kind, times, served_s`` of everybody who served in the span; who still serves, until now."""
    return await db.fetch(HOURS, area, from_at, until_at, now)


async def certificates(db: Pool, areas: list[str] | None, until_on: date) -> list[asyncpg.Record]:
    """Certificates of active members that end by that day, or have ended."""
    return await db.fetch(CERTIFICATES, areas, until_on)


async def put_code(db: Connection, station_id: UUID, code: str, at: datetime) -> None:
    await db.execute(PUT_CODE, station_id, code, at)


async def station_of_code(db: Connection | Pool, code: str) -> asyncpg.Record | None:
    return await db.fetchrow(STATION_OF_CODE, code)


async def members_by_phone(db: Connection, area: str, phone: str) -> list[asyncpg.Record]:
    """``id, name`` of the members with that number. Whoever asks next waits, so that one person is not made twice."""
    await db.execute(ONE_AT_A_TIME, area + phone)
    return await db.fetch(CREW_OF_PHONE, area, phone)


async def skills_of(db: Connection | Pool, crew_ids: list[UUID]) -> list[dict[str, Any]]:
    """``id, name, area, skills, active``; ``skills``: skill → last day of its certificate or None, as days."""
    return [
        {**row, "skills": {skill: date.fromisoformat(day) if day else None for skill, day in row["skills"].items()}}
        for row in await db.fetch(SKILLS_OF, crew_ids)
    ]
