"""Hand-overs of patients: who took over, where and when. Append-only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool

INSERT_HANDOVER = """
insert into handover (id, assignment_id, trip_id, patient_id, said_at, at, recorded_at, receiver, facility_id, outcome,
                      actor, crew_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict (assignment_id, said_at) do nothing
"""
SAME_HANDOVER = "select * from handover where assignment_id = $1 and said_at = $2"
OF_TRIP = "select * from handover where trip_id = any($1::uuid[]) order by at, id"


@dataclass(frozen=True, slots=True)
class Handover:
    """``said_at`` is the reporter's own time, ``at`` the one kept."""

    id: UUID
    assignment_id: UUID
    trip_id: UUID
    patient_id: UUID
    said_at: datetime
    at: datetime
    recorded_at: datetime
    receiver: str
    facility_id: UUID | None
    outcome: str | None
    actor: str
    crew_id: UUID | None

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        return cls(**{name: row[name] for name in cls.__slots__})


async def insert(db: Connection, made: Handover) -> Handover:
    """Write a hand-over; the same one reported before is answered instead."""
    if await db.execute(INSERT_HANDOVER, *(getattr(made, name) for name in Handover.__slots__)) == "INSERT 0 1":
        return made
    row = await db.fetchrow(SAME_HANDOVER, made.assignment_id, made.said_at)
    return Handover.of(row) if row else made


async def of_trips(db: Connection | Pool, trip_ids: list[UUID]) -> list[Handover]:
    return [Handover.of(row) for row in await db.fetch(OF_TRIP, trip_ids)]
