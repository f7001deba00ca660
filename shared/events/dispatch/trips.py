"""Trips and runs: what is to be driven, and the tours that drive it."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from shared.events.base import Event, Part
from shared.events.words import AmphoeCode, By, CallKind, Code, Instant, Lane, Leg, Severity, SeverityScheme, TripRisk


class OfCall(Part):
    """What grows from a call names it, and the person in it (none for a job such as a fallen tree)."""

    call_id: UUID
    patient_id: UUID | None = None


class TripFacts(OfCall):
    """A trip's open half, complete."""

    kind: CallKind
    leg: Leg
    lane: Lane
    severity: Severity
    severity_scheme: SeverityScheme
    amphoe: AmphoeCode | None = None
    pickup_earliest_at: Instant | None = None
    pickup_latest_at: Instant | None = None
    arrive_by_at: Instant | None = None
    """The appointment, less what it takes to get to the door; None where nothing is agreed."""
    waits_for_ready: bool = False
    """A return leg whose time comes with "call when ready"."""
    back_entry: bool = False


class TripRequested(TripFacts, Event, type="dispatch.trip.requested.v1"):
    """ต้องการเที่ยวรถ | A journey, or a team for a job, is needed."""

    at: Instant


class TripChanged(TripFacts, Event, type="dispatch.trip.changed.v1"):
    """ข้อมูลเที่ยวเปลี่ยน | Windows, urgency or the call's content changed; full state."""

    at: Instant
    ready_at: Instant | None = None
    """When the person said that the return leg may come."""

    class Private(Part):
        reason: Code | None = None

    private: Private = Private()


class TripQueued(OfCall, Event, type="dispatch.trip.queued.v1"):
    """รอหน่วยว่าง | It never had a unit, and none can go now; assigned as soon as one can."""

    lane: Lane
    severity: Severity
    severity_scheme: SeverityScheme
    at: Instant

    class Private(Part):
        reasons: tuple[Code, ...] = ()
        """What is missing, e.g. ``nobody_free``, ``no_stretcher``."""

    private: Private = Private()


class TripPlanned(OfCall, Event, type="dispatch.trip.planned.v1"):
    """จัดรถแล้ว | The trip has a place in a run. By hand, or by the plan ``plan_id``."""

    run_id: UUID
    unit_id: UUID
    assignment_id: UUID | None = None
    plan_id: UUID | None = None
    pickup_at: Instant
    dropoff_at: Instant | None = None
    at: Instant
    by: By


class TripReplanned(OfCall, Event, type="dispatch.trip.replanned.v1"):
    """จัดรถใหม่แล้ว | Another run, unit or time."""

    run_id: UUID
    unit_id: UUID
    assignment_id: UUID | None = None
    plan_id: UUID | None = None
    pickup_at: Instant
    dropoff_at: Instant | None = None
    previous_run_id: UUID
    previous_unit_id: UUID
    previous_pickup_at: Instant
    at: Instant
    by: By

    class Private(Part):
        reason: Code | None = None

    private: Private = Private()


class TripUnassigned(OfCall, Event, type="dispatch.trip.unassigned.v1"):
    """หลุดจากหน่วย ต้องหาหน่วยใหม่ | It lost its unit and waits for another one."""

    run_id: UUID | None = None
    unit_id: UUID
    assignment_id: UUID | None = None
    lane: Lane
    severity: Severity
    severity_scheme: SeverityScheme
    at: Instant
    by: By

    class Private(Part):
        reason: Code | None = None

    private: Private = Private()


class TripAtRisk(OfCall, Event, type="dispatch.trip.at_risk.v1"):
    """คำสัญญาอาจไม่เป็นตามที่บอก | A ride will not be as the person was told, or may not be at all; the status stays.

    Said again only where what is expected has moved.
    """

    risk: TripRisk
    leg: Leg
    run_id: UUID | None = None
    unit_id: UUID | None = None
    """Whose van is late; or which unit went off duty though people rely on it."""
    assignment_id: UUID | None = None
    promised_at: Instant | None = None
    """When the person was told to be fetched."""
    expected_at: Instant | None = None
    """When the van can be at the door, as well as it is known; None where nobody knows."""
    at: Instant


class TripCompleted(OfCall, Event, type="dispatch.trip.completed.v1"):
    """เสร็จสิ้นเที่ยว | The primary assignment was cleared."""

    leg: Leg
    assignment_id: UUID | None = None
    unit_id: UUID | None = None
    at: Instant

    class Private(Part):
        outcome: Code
        """ผลการปฏิบัติ, e.g. ``delivered``, ``not_found``, ``refused_care``."""
        rc: Severity | None = None
        """The crew's finding at the scene."""
        facility_id: UUID | None = None
        distance_m: int | None = Field(default=None, ge=0)

    private: Private


class TripCancelled(OfCall, Event, type="dispatch.trip.cancelled.v1"):
    """ยกเลิกเที่ยว | It will not take place."""

    leg: Leg
    at: Instant
    by: By
    whole_series: bool = False
    """With all visits of its series: people are told of that by the call, once."""

    class Private(Part):
        reason: Code

    private: Private


class RunOpened(Event, type="dispatch.run.opened.v1"):
    """เริ่มออกปฏิบัติการ | A unit's tour begins; it has at most one open."""

    unit_id: UUID
    vehicle_id: UUID | None = None
    crew_ids: tuple[UUID, ...] = ()
    trip_ids: tuple[UUID, ...] = ()
    lane: Lane
    at: Instant


class RunClosed(Event, type="dispatch.run.closed.v1"):
    """จบปฏิบัติการ | Its last assignment was cleared or released."""

    unit_id: UUID
    trip_ids: tuple[UUID, ...] = ()
    opened_at: Instant
    at: Instant

    class Private(Part):
        distance_m: int | None = Field(default=None, ge=0)

    private: Private = Private()
