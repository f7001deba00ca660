"""Risk maps: layers and their zones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.dispatch.rules.risks import Zone, polygons_of, rings_of
from shared.database import Connection, Pool

LOCK_LAYER = "select * from layer where id = $1 for no key update"
READ_LAYER = "select * from layer where id = $1"
PUT_LAYER = """
insert into layer (id, area, kind, name, name_en, source, public, valid_from_on, valid_until_on, version, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
on conflict (id) do update set kind = excluded.kind, name = excluded.name, name_en = excluded.name_en,
    source = excluded.source, public = excluded.public, valid_from_on = excluded.valid_from_on,
    valid_until_on = excluded.valid_until_on, version = excluded.version, changed_at = excluded.changed_at
"""
DROP_ZONES = "delete from layer_zone where layer_id = $1"
INSERT_ZONES = """
insert into layer_zone (layer_id, number, area, name, level, advice, advice_en, rings, west, south, east, north)
select $1, z.number, $2, z.name, z.level, z.advice, z.advice_en, z.rings, z.west, z.south, z.east, z.north
from unnest($3::integer[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[], $9::float8[], $10::float8[],
            $11::float8[], $12::float8[]) as z (number, name, level, advice, advice_en, rings, west, south, east, north)
"""
READ_ZONES = "select * from layer_zone where layer_id = $1 order by number"
DELETE_LAYER = "delete from layer where id = $1"
LAYERS_OF = """
select l.*, (select count(*) from layer_zone z where z.layer_id = l.id) as zones
from layer l where ($1::text[] is null or l.area = any($1)) and ($2::boolean is null or l.public = $2) and l.id > $3
order by l.id limit $4
"""
# The index finds a municipality's zones; the box leaves those that may hold the point.
ZONES_AT = """
select p.number as asked, l.kind, l.name as layer, l.name_en as layer_en, z.*
from unnest($1::integer[], $2::text[], $3::float8[], $4::float8[]) as p (number, area, lon, lat)
join layer_zone z on z.area = p.area and z.west <= p.lon and z.east >= p.lon and z.south <= p.lat and z.north >= p.lat
join layer l on l.id = z.layer_id
where coalesce(l.valid_from_on <= $5, true) and coalesce(l.valid_until_on >= $5, true)
order by p.number, l.id, z.number
"""


async def lock(db: Connection, layer_id: UUID) -> asyncpg.Record | None:
    return await db.fetchrow(LOCK_LAYER, layer_id)


async def read(db: Connection | Pool, layer_id: UUID) -> asyncpg.Record | None:
    return await db.fetchrow(READ_LAYER, layer_id)


async def put(db: Connection, values: tuple[Any, ...], zones: Sequence[Zone]) -> None:
    """The layer with these zones instead of those it had."""
    layer_id, area = values[:2]
    await db.execute(PUT_LAYER, *values)
    await db.execute(DROP_ZONES, layer_id)
    rows = [
        (number, z.name, z.level, z.advice, z.advice_en, {"polygons": rings_of(z)}, *z.box)
        for number, z in enumerate(zones, start=1)
    ]
    await db.execute(INSERT_ZONES, layer_id, area, *map(list, zip(*rows, strict=True)))


async def zones(db: Connection | Pool, layer_id: UUID) -> list[Zone]:
    return [_zone(row) for row in await db.fetch(READ_ZONES, layer_id)]


async def delete(db: Connection, layer_id: UUID) -> None:
    await db.execute(DELETE_LAYER, layer_id)


async def page(db: Pool, areas: list[str] | None, public: bool | None, after: UUID, limit: int) -> list[asyncpg.Record]:
    """Layers with how many ``zones`` each has, without their rings; ``public`` None: all."""
    return await db.fetch(LAYERS_OF, areas, public, after, limit)


async def at(
    db: Connection | Pool, points: Sequence[tuple[str, float, float]], on: date
) -> list[tuple[int, asyncpg.Record, Zone]]:
    """For each of ``points`` (area, lon, lat), by its number: zones whose box holds it, of layers valid on that day."""
    if not points:
        return []
    rows = await db.fetch(ZONES_AT, list(range(len(points))), *map(list, zip(*points, strict=True)), on)
    return [(row["asked"], row, _zone(row)) for row in rows]


def _zone(row: asyncpg.Record) -> Zone:
    return Zone(row["level"], polygons_of(row["rings"]["polygons"]), row["name"], row["advice"], row["advice_en"])


def values_of(layer_id: UUID, body: dict[str, Any], version: int, now: datetime) -> tuple[Any, ...]:
    """In the order of :data:`PUT_LAYER`."""
    named = ("area", "kind", "name", "name_en", "source", "public", "valid_from_on", "valid_until_on")
    return (layer_id, *(body[name] for name in named), version, now)
