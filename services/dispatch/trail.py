"""The way a unit drove for an assignment: thinned in memory, written in batches, kept for reviews, then dropped.

Of a fix a second one in half a minute stays at most, and only of units that have set out: no fix costs a row by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from shared.database import AWAY, COLLISION, Connection, Pool
from shared.geo import Point, distance_m
from shared.service import Runtime
from shared.work import now_utc

log = structlog.get_logger()

APART, NEAR_M = timedelta(seconds=30), 25.0
EVERY_S = 20.0
MOST_WAITING = 20_000
"""With the database away for long the oldest points are dropped: a trail is a help, not a fact."""
KEPT = timedelta(days=90)
# Not for a trip that was erased while its unit drove (its details are gone), nor by a fix that waited meanwhile.
WRITE_TRAIL = """
insert into trail (assignment_id, at, lon, lat)
select a.id, p.at, p.lon, p.lat
from unnest($1::uuid[], $2::timestamptz[], $3::double precision[], $4::double precision[]) as p (unit_id, at, lon, lat)
join assignment a on a.unit_id = p.unit_id and a.ended_at is null and a.en_route_at <= p.at
where (select t.details from trip t where t.id = a.trip_id) <> '{}'
on conflict do nothing
"""
READ_TRAIL = "select at, lon, lat from trail where assignment_id = $1 order by at limit 5000"
DROP_OLD = "delete from trail where at < $1"
WIPE_TRAIL_OF_CALL = """
delete from trail where assignment_id in (
    select a.id from assignment a join trip t on t.id = a.trip_id where t.call_id = $1)
"""
WIPE_TRAIL_OF_PERSON = """
delete from trail where assignment_id in (
    select a.id from assignment a join trip t on t.id = a.trip_id where t.person_id = $1)
"""

Spot = tuple[UUID, datetime, float, float]


@dataclass(slots=True)
class Trails:
    """What this process took from vehicles and has not written yet. Each fix is taken by one process only."""

    last: dict[UUID, tuple[datetime, Point]] = field(default_factory=dict)
    waiting: list[Spot] = field(default_factory=list)

    def note(self, unit_id: UUID, at: datetime, point: Point) -> None:
        known = self.last.get(unit_id)
        if known is not None and (at - known[0] < APART or distance_m(known[1], point) < NEAR_M):
            return
        self.last[unit_id] = (at, point)
        self.waiting.append((unit_id, at, point.lon, point.lat))
        if len(self.waiting) > MOST_WAITING:
            del self.waiting[: MOST_WAITING // 10]

    async def write(self, pool: Pool) -> int:
        """Write what waits, in one statement; what cannot be written waits again."""
        spots, self.waiting = self.waiting, []
        if not spots:
            return 0
        try:
            done = await pool.execute(WRITE_TRAIL, *([spot[column] for spot in spots] for column in range(4)))
        except (*AWAY, *COLLISION):
            self.waiting = [*spots, *self.waiting][-MOST_WAITING:]
            raise
        return int(done.rsplit(" ", 1)[-1])


TRAILS = Trails()


async def keep(runtime: Runtime) -> None:
    """Beside the service: write every few seconds, and drop what is old."""
    dropped_at = now_utc() - timedelta(days=1)
    while not runtime.stopping:
        await asyncio.sleep(EVERY_S)
        try:
            await TRAILS.write(runtime.pool)
            if now_utc() - dropped_at > timedelta(hours=1):
                await drop_old(runtime.pool, now_utc())
                dropped_at = now_utc()
        except (*AWAY, *COLLISION) as problem:
            log.warning("trail.waits", reason=type(problem).__name__)


async def drop_old(pool: Pool, now: datetime) -> None:
    await pool.execute(DROP_OLD, now - KEPT)


async def read(pool: Pool, assignment_id: UUID) -> Sequence[asyncpg.Record]:
    """``at, lon, lat`` in the order of the way."""
    return await pool.fetch(READ_TRAIL, assignment_id)


async def wipe_call(db: Connection, call_id: UUID) -> None:
    await db.execute(WIPE_TRAIL_OF_CALL, call_id)


async def wipe_person(db: Connection, person_id: UUID) -> None:
    await db.execute(WIPE_TRAIL_OF_PERSON, person_id)
