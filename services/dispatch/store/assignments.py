"""Assignments and their steps: one trip in one run, or one unit asked for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool

INSERT_ASSIGNMENT = """
insert into assignment (id, trip_id, run_id, unit_id, area, role, way, status, crew_ids, attempt, asked_at,
                        respond_by_at, start_at, back_entry, pickup_at, dropoff_at, slot, circle)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
"""
# An emergency order in one statement: the unit's run is opened and the assignment stands in it. The run is never
# opened before the last one was closed: a process may have slept between its look at the clock and its turn.
OPEN_AND_ORDER = """
with tour as (insert into run (id, unit_id, area, lane, exercise, status, opened_at)
              values ($1, $2, $3, 'emergency', $4, 'open',
                      greatest($5, (select max(l.closed_at) from run l where l.unit_id = $2 and l.status = 'closed')))
              returning id)
insert into assignment (id, trip_id, run_id, unit_id, area, role, way, status, crew_ids, attempt, asked_at,
                        respond_by_at, back_entry, slot)
select $6, $7, tour.id, $2, $3, $8, 'order', 'ordered', $9, $10, $5, $11, $12, $13 from tour
"""
READ_ASSIGNMENT = "select * from assignment where id = $1"
OF_TRIPS = "select * from assignment where trip_id = any($1::uuid[]) order by asked_at, id"
BY_IDS = "select * from assignment where id = any($1::uuid[]) order by asked_at, id"
OF_RUN = "select * from assignment where run_id = $1 order by asked_at, id"
OPEN_IN_RUN = "select count(*) from assignment where run_id = $1 and ended_at is null"
OPEN_OF_UNIT = "select id from assignment where unit_id = $1 and ended_at is null"
UPDATE_ASSIGNMENT = """
update assignment set previous_status = case when status <> $2 then status else previous_status end, status = $2,
    run_id = $3, respond_by_at = $4, start_at = $5, accepted_at = $6, en_route_at = $7, at_scene_at = $8,
    left_scene_at = $9, at_destination_at = $10, cleared_at = $11, at_base_at = $12, ended_at = $13, outcome = $14,
    rc = $15, facility_id = $16, reason = $17, way = $18, asked_at = $19, role = $20
where id = $1
"""
INSERT_STEP = """
insert into step (id, assignment_id, step, said_at, at, recorded_at, by, actor, crew_id, on_behalf, status,
                  previous_status, correction_of, previous_at, odometer_km, rc, outcome, facility_id, reason)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
"""
SAME_STEP = """
select * from step where assignment_id = $1 and step = $2 and said_at = $3 and (correction_of is not null) = $4
"""
LAST_STEP = "select id from step where assignment_id = $1 and step = $2 order by recorded_at desc, id desc limit 1"
STEP_BY_ID = "select * from step where id = $1 and assignment_id = $2"
STEPS_OF = "select * from step where assignment_id = any($1::uuid[]) order by recorded_at, id"
DISTANCES = """
select (max(odometer_km) - min(odometer_km)) * 1000 from step where assignment_id = $1 and odometer_km is not null
"""

UNREACHED = """
update assignment set unreached = array_append(unreached, $2)
where id = $1 and $2 = any(crew_ids) and not $2 = any(unreached) and status in ('ordered', 'offered')
returning unreached @> crew_ids as nobody
"""

TAKEABLE = ("ordered", "accepted", "en_route")
"""Sent or on its way, and nobody on board."""
BUMPED = "more_urgent"
NOT_NEEDED = "not_needed"
# Units sent to a trip of their own alone, that has not lost a unit to something more urgent before. A crew that has
# been silent for too long is no better than none.
ON_THEIR_WAY = """
select a.id, a.unit_id, u.version as unit_version, a.trip_id
from run r join assignment a on a.run_id = r.id join trip t on t.id = a.trip_id join unit u on u.id = r.unit_id
where r.status = 'open' and r.area = $1 and r.exercise = $2
  and a.role = 'primary' and a.status = any($3::text[]) and not a.back_entry
  and (a.status <> 'ordered' or a.respond_by_at > $6)
  and case when t.lane = 'booked' then $8 else t.severity = any($7::text[]) and t.received_at > $4 end
  and not exists (select from assignment o where o.run_id = r.id and o.id <> a.id and o.ended_at is null offset 0)
  and not exists (select from assignment b where b.trip_id = t.id and b.reason = $5 offset 0)
"""

STAMPS = {
    "accept": "accepted_at",
    "en_route": "en_route_at",
    "at_scene": "at_scene_at",
    "left_scene": "left_scene_at",
    "at_destination": "at_destination_at",
    "clear": "cleared_at",
    "at_base": "at_base_at",
}
"""Step → column of its stamp, in the order of a journey."""
WORKING = frozenset({"accepted", "en_route", "at_scene", "left_scene", "at_destination"})
ASKED = frozenset({"proposed", "ordered", "offered"})


@dataclass(slots=True)
class Assignment:
    """A row of ``assignment``. ``way``: ``order`` to those on duty, ``offer`` to volunteers and booked crews."""

    id: UUID
    trip_id: UUID
    run_id: UUID | None
    unit_id: UUID
    area: str
    role: str
    way: str
    status: str
    crew_ids: Sequence[UUID]
    attempt: int
    asked_at: datetime
    respond_by_at: datetime | None = None
    start_at: datetime | None = None
    pickup_at: datetime | None = None
    dropoff_at: datetime | None = None
    back_entry: bool = False
    previous_status: str | None = None
    accepted_at: datetime | None = None
    en_route_at: datetime | None = None
    at_scene_at: datetime | None = None
    left_scene_at: datetime | None = None
    at_destination_at: datetime | None = None
    cleared_at: datetime | None = None
    at_base_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str | None = None
    rc: str | None = None
    facility_id: UUID | None = None
    reason: str | None = None
    slot: str | None = None
    """Which of the further units that were asked for it is (``services.dispatch.rules.cards``)."""
    circle: int | None = None
    """Volunteers: in which circle around the place they were asked (``services.dispatch.rules.circles``)."""

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        return cls(**{name: row[name] for name in cls.__slots__})

    @property
    def stamps(self) -> dict[str, datetime]:
        """When each thing happened, in the order of a journey, from the asking on."""
        asked = {"order" if self.way == "order" else "offer": self.asked_at}
        return asked | {step: at for step, column in STAMPS.items() if (at := getattr(self, column)) is not None}


def was_not_its_no(assignment: Assignment) -> bool:
    """It ended, and the unit neither said no nor was silent: beaten by another one, held for another time, sent to

    something more urgent, never asked.

    A proposal that no dispatcher confirmed is the dispatcher's silence; the crew heard nothing of it.
    """
    if assignment.status == "expired":
        return assignment.previous_status == "proposed"
    moved = assignment.reason == "replanned" and assignment.start_at is not None
    return assignment.status == "released" and (moved or assignment.reason in {"another_accepted", BUMPED, NOT_NEEDED})


@dataclass(frozen=True, slots=True)
class Takeable:
    """An assignment whose unit could be sent to something more urgent."""

    id: UUID
    unit_id: UUID
    unit_version: int
    trip_id: UUID


@dataclass(frozen=True, slots=True)
class Step:
    """One report of a crew, or of somebody on its behalf, as it came."""

    id: UUID
    assignment_id: UUID
    step: str
    said_at: datetime
    at: datetime
    recorded_at: datetime
    by: str
    actor: str
    crew_id: UUID | None
    on_behalf: bool
    status: str
    previous_status: str
    correction_of: UUID | None = None
    previous_at: datetime | None = None
    odometer_km: float | None = None
    rc: str | None = None
    outcome: str | None = None
    facility_id: UUID | None = None
    reason: str | None = None

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        return cls(**{name: row[name] for name in cls.__slots__})


async def insert(db: Connection, assignment: Assignment) -> None:
    made = assignment
    await db.execute(
        INSERT_ASSIGNMENT, made.id, made.trip_id, made.run_id, made.unit_id, made.area, made.role, made.way,
        made.status, list(made.crew_ids), made.attempt, made.asked_at, made.respond_by_at, made.start_at,
        made.back_entry, made.pickup_at, made.dropoff_at, made.slot, made.circle,
    )  # fmt: skip


async def open_and_order(db: Connection, assignment: Assignment, *, exercise: bool) -> None:
    """Open the unit's run and order it.

    Raises:
        asyncpg.UniqueViolationError: ``run_one_open_per_unit``, the unit has an open run.

    """
    made = assignment
    await db.execute(
        OPEN_AND_ORDER, made.run_id, made.unit_id, made.area, exercise, made.asked_at, made.id, made.trip_id,
        made.role, list(made.crew_ids), made.attempt, made.respond_by_at, made.back_entry, made.slot,
    )  # fmt: skip


async def read(db: Connection | Pool, assignment_id: UUID) -> Assignment | None:
    row = await db.fetchrow(READ_ASSIGNMENT, assignment_id)
    return Assignment.of(row) if row else None


async def of_trips(db: Connection | Pool, trip_ids: Sequence[UUID]) -> list[Assignment]:
    return [Assignment.of(row) for row in await db.fetch(OF_TRIPS, list(trip_ids))]


async def by_ids(db: Connection, assignment_ids: Sequence[UUID]) -> list[Assignment]:
    return [Assignment.of(row) for row in await db.fetch(BY_IDS, list(assignment_ids))]


async def of_run(db: Connection, run_id: UUID) -> list[Assignment]:
    return [Assignment.of(row) for row in await db.fetch(OF_RUN, run_id)]


async def open_in_run(db: Connection, run_id: UUID) -> int:
    count: int = await db.fetchval(OPEN_IN_RUN, run_id)
    return count


async def open_of_unit(db: Connection, unit_id: UUID) -> list[UUID]:
    return [row["id"] for row in await db.fetch(OPEN_OF_UNIT, unit_id)]


async def update(db: Connection, assignment: Assignment) -> None:
    now = assignment
    await db.execute(
        UPDATE_ASSIGNMENT, now.id, now.status, now.run_id, now.respond_by_at, now.start_at, now.accepted_at,
        now.en_route_at, now.at_scene_at, now.left_scene_at, now.at_destination_at, now.cleared_at, now.at_base_at,
        now.ended_at, now.outcome, now.rc, now.facility_id, now.reason, now.way, now.asked_at, now.role,
    )  # fmt: skip


async def note_unreached(db: Connection, assignment_id: UUID, crew_id: UUID) -> bool:
    """Note that no message reached this member; True when now nobody of the crew was reached."""
    return bool(await db.fetchval(UNREACHED, assignment_id, crew_id))


async def insert_step(db: Connection, step: Step) -> None:
    await db.execute(INSERT_STEP, *(getattr(step, name) for name in Step.__slots__))


async def same_step(
    db: Connection, assignment_id: UUID, step: str, said_at: datetime, *, correction: bool
) -> Step | None:
    """The step as it was recorded when it was reported before."""
    row = await db.fetchrow(SAME_STEP, assignment_id, step, said_at, correction)
    return Step.of(row) if row else None


async def last_step(db: Connection, assignment_id: UUID, step: str) -> UUID | None:
    found: UUID | None = await db.fetchval(LAST_STEP, assignment_id, step)
    return found


async def step_by_id(db: Connection, step_id: UUID, assignment_id: UUID) -> Step | None:
    row = await db.fetchrow(STEP_BY_ID, step_id, assignment_id)
    return Step.of(row) if row else None


async def steps_of(db: Connection | Pool, assignment_ids: Sequence[UUID]) -> list[Step]:
    return [Step.of(row) for row in await db.fetch(STEPS_OF, list(assignment_ids))]


async def driven_m(db: Connection, assignment_id: UUID) -> int | None:
    """Metres between the first and the last odometer reading."""
    metres: Any = await db.fetchval(DISTANCES, assignment_id)
    return None if metres is None else int(metres)


async def takeable(
    db: Connection, area: str, *, exercise: bool, since: datetime, now: datetime, severities: Sequence[str],
    booked: bool,
) -> list[Takeable]:  # fmt: skip
    """Whose units are on their way, or may still answer, and could be sent elsewhere: to emergencies of these

    ``severities`` received after ``since``, and with ``booked`` to rides.
    """
    given = (area, exercise, list(TAKEABLE), since, BUMPED, now, list(severities), booked)
    return [Takeable(**row) for row in await db.fetch(ON_THEIR_WAY, *given)]
