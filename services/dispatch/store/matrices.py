"""Travel-time matrices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg
import numpy as np

from services.dispatch.travel.matrix import Matrix, Numbers
from shared.database import Connection, Pool

PUT_MATRIX = """
insert into travel_matrix (area, id, places, duration_s, distance_m, put_at) values ($1, $2, $3, $4, $5, $6)
on conflict (area, id) do update set places = excluded.places, duration_s = excluded.duration_s,
    distance_m = excluded.distance_m, put_at = excluded.put_at
returning (xmax = 0) as made
"""
# An outsider's matrix has its keeper in front of its name (``<keeper>/<name>``), the municipality's own has none.
COUNT_OTHERS = """
select count(*) from travel_matrix
where area = $1 and id <> $2
  and left(id, greatest(strpos(id, '/') - 1, 0)) = left($2, greatest(strpos($2, '/') - 1, 0))
"""
ONE_PUTS = "select pg_advisory_xact_lock(hashtextextended('dispatch.matrices.' || $1, 0))"
DELETE_MATRIX = "delete from travel_matrix where area = $1 and id = $2 returning id"
LIST_MATRICES = """
select area, id, places, distance_m is not null as with_distance, put_at from travel_matrix
where area = any($1::text[]) and left(id, greatest(strpos(id, '/') - 1, 0)) in ('', $2) order by area, id
"""
# The newest of that name in the caller's areas; two of the municipality's who use one name in one area mean one matrix.
NEWEST = "select area, put_at from travel_matrix where area = any($1::text[]) and id = $2 order by put_at desc limit 1"
READ_MATRIX = "select places, duration_s, distance_m, put_at from travel_matrix where area = $1 and id = $2"


async def put(db: Connection, area: str, matrix_id: str, matrix: Matrix, at: datetime) -> bool:
    """True when it was not there before."""
    distance = None if matrix.distance_m is None else _raw(matrix.distance_m)
    duration = _raw(matrix.duration_s)
    return bool(await db.fetchval(PUT_MATRIX, area, matrix_id, matrix.places, duration, distance, at))


async def count_others(db: Connection, area: str, matrix_id: str) -> int:
    """How many more its keeper has in this area; from here to the commit nobody else puts one there."""
    await db.execute(ONE_PUTS, area)
    found: int = await db.fetchval(COUNT_OTHERS, area, matrix_id)
    return found


async def delete(db: Connection | Pool, area: str, matrix_id: str) -> bool:
    """True when it was there."""
    return await db.fetchval(DELETE_MATRIX, area, matrix_id) is not None


async def of_areas(db: Connection | Pool, areas: Sequence[str], keeper: str | None) -> list[asyncpg.Record]:
    """The municipalities' own, and those of this keeper."""
    return await db.fetch(LIST_MATRICES, areas, keeper)


async def newest(db: Connection | Pool, areas: Sequence[str], matrix_id: str) -> asyncpg.Record | None:
    """``area, put_at``: enough to see whether what a process keeps is still right."""
    return await db.fetchrow(NEWEST, areas, matrix_id)


async def read(db: Connection | Pool, area: str, matrix_id: str) -> tuple[datetime, Matrix] | None:
    """When it was put, and the matrix."""
    row = await db.fetchrow(READ_MATRIX, area, matrix_id)
    if row is None:
        return None
    distance = None if row["distance_m"] is None else _square(row["distance_m"], row["places"])
    return row["put_at"], Matrix(_square(row["duration_s"], row["places"]), distance)


def _raw(numbers: Numbers) -> memoryview:
    """As it lies in memory: a large one is not copied on its way to the database."""
    return np.ascontiguousarray(numbers, dtype="<f8").data.cast("B")


def _square(raw: bytes, places: int) -> Numbers:
    return np.frombuffer(raw, dtype="<f8").reshape(places, places)
