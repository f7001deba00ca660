"""What trips and assignments say of themselves: the parts that all their events share."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from services.dispatch.store.assignments import Assignment
from services.dispatch.store.trips import Trip
from shared.events.words import By
from shared.work import Work


def by_of(work: Work) -> By:
    """Whether a person or the system acts in this work."""
    return By.PERSON if work.cause.actor.startswith("person:") else By.SYSTEM


def of_call(trip: Trip) -> dict[str, Any]:
    return {"call_id": trip.call_id, "patient_id": trip.patient_id}


def urgency(trip: Trip) -> dict[str, Any]:
    return {"lane": trip.lane, "severity": trip.severity, "severity_scheme": trip.severity_scheme}


def trip_facts(trip: Trip) -> dict[str, Any]:
    """A trip's open half, complete."""
    return {
        **of_call(trip),
        **urgency(trip),
        "kind": trip.kind,
        "leg": trip.leg,
        "amphoe": trip.amphoe,
        "pickup_earliest_at": trip.pickup_earliest_at,
        "pickup_latest_at": trip.pickup_latest_at,
        "arrive_by_at": trip.arrive_by_at,
        "waits_for_ready": trip.status == "awaiting_ready",
        "back_entry": trip.back_entry,
    }


def assignment_facts(
    trip: Trip, assignment: Assignment, at: datetime, by: By, *, previous: str | None, crew_id: UUID | None = None
) -> dict[str, Any]:
    """What every event of an assignment says. ``previous`` is the status before; None for its first event."""
    return {
        **of_call(trip),
        **urgency(trip),
        "trip_id": trip.id,
        "run_id": assignment.run_id,
        "unit_id": assignment.unit_id,
        "role": assignment.role,
        "crew_ids": tuple(assignment.crew_ids),
        "previous_status": previous,
        "at": at,
        "by": by,
        "crew_id": crew_id,
        "back_entry": assignment.back_entry,
    }


def asked_facts(
    trip: Trip, assignment: Assignment, by: By, *, previous: str | None = None, on_the_way: bool = False
) -> dict[str, Any]:
    """What proposals, orders and offers say."""
    return {
        **assignment_facts(trip, assignment, assignment.asked_at, by, previous=previous),
        "leg": trip.leg,
        "respond_by_at": assignment.respond_by_at,
        "start_at": assignment.start_at,
        "pickup_at": trip.pickup_at,
        "attempt": assignment.attempt,
        "on_the_way": on_the_way,
    }
