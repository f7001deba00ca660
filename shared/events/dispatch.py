"""What dispatch says: trips, runs, assignments, units, crews, facilities, beds, waste, plans and layers.

Only ``crew`` is a root with personal data. All else carries ids and codes; where a trip goes stays with dispatch,
and what its call asks for is in the call. Reasons, outcomes, findings and facilities are private everywhere:
they tell of needs, health or an exact place.

Aggregates: ``trip``, ``run``, ``assignment``, ``unit``, ``crew``, ``plan``, ``layer`` by their own ids; ``patient``
by the patient's id in the call; ``facility`` and ``bed`` by the id of one alert or hold (never the facility's,
which would show in subjects where somebody is taken); ``waste`` by the id of one hand-over.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import Field

from shared.events.base import Event, Part
from shared.events.words import (
    AmphoeCode,
    AssignmentStatus,
    By,
    CallKind,
    Code,
    CrewKind,
    Instant,
    Lane,
    Language,
    Leg,
    Line,
    Phone,
    Role,
    Severity,
    SeverityScheme,
    Slug,
    Step,
    TimeOfDay,
    UnitLevel,
)

# --- trip --------------------------------------------------------------------


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

    class Private(Part):
        reason: Code

    private: Private


# --- run -----------------------------------------------------------------------


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


# --- assignment ------------------------------------------------------------------


class AssignmentFacts(OfCall):
    """What every event of an assignment says: one trip in one run, or one unit asked for it."""

    trip_id: UUID
    run_id: UUID | None = None
    """None until a proposal or an offer is taken."""
    unit_id: UUID
    role: Role
    lane: Lane
    severity: Severity
    severity_scheme: SeverityScheme
    crew_ids: tuple[UUID, ...] = ()
    """Who is on the unit, or asked."""
    previous_status: AssignmentStatus | None = None
    """None for its first event."""
    at: Instant
    """When it truly happened: a stamp reported late keeps its own time."""
    by: By
    crew_id: UUID | None = None
    """The crew member who did it."""
    back_entry: bool = False
    """Recorded afterwards from paper: tell nobody."""


class Asked(AssignmentFacts):
    """A unit is asked, and somebody must answer."""

    leg: Leg
    respond_by_at: Instant | None = None
    """After this moment silence counts as no."""
    start_at: Instant | None = None
    """When the crew must set out; None: now."""
    pickup_at: Instant | None = None
    attempt: int = Field(default=1, ge=1)
    """1 for the first unit asked, 2 for the next alerted in parallel, and so on."""


class AssignmentProposed(Asked, Event, type="dispatch.assignment.proposed.v1"):
    """เสนอให้ผู้สั่งการยืนยัน | A dispatcher must confirm before ``respond_by_at``."""


class AssignmentOrdered(Asked, Event, type="dispatch.assignment.ordered.v1"):
    """สั่งการแล้ว | The second of the seven stamps: an on-duty crew is sent."""

    class Private(Part):
        override_reason: Code | None = None
        """Why a person chose another unit than the first recommended."""

    private: Private = Private()


class AssignmentOffered(Asked, Event, type="dispatch.assignment.offered.v1"):
    """เสนองานให้หน่วยแล้ว | A volunteer or a booked ride's crew is asked whether they can."""


class AssignmentAccepted(AssignmentFacts, Event, type="dispatch.assignment.accepted.v1"):
    """รับงานแล้ว | The unit goes; the trip's other asked units are released."""


class AssignmentDeclined(AssignmentFacts, Event, type="dispatch.assignment.declined.v1"):
    """ไม่รับงาน | The unit cannot go."""

    class Private(Part):
        reason: Code | None = None

    private: Private = Private()


class AssignmentExpired(AssignmentFacts, Event, type="dispatch.assignment.expired.v1"):
    """ไม่ตอบรับในเวลา | Nobody answered in time, or nobody confirmed the proposal."""

    respond_by_at: Instant


class StepPrivate(Part):
    """What a crew may report with a stamp."""

    odometer_km: float | None = Field(default=None, ge=0)
    rc: Severity | None = None
    """The severity found at the scene."""
    outcome: Code | None = None
    facility_id: UUID | None = None


class AssignmentEnRoute(AssignmentFacts, Event, type="dispatch.assignment.en_route.v1"):
    """ออกจากฐาน | The third of the seven stamps."""

    class Private(StepPrivate):
        pass

    private: Private = Private()


class AssignmentAtScene(AssignmentFacts, Event, type="dispatch.assignment.at_scene.v1"):
    """ถึงที่เกิดเหตุ | The fourth of the seven stamps."""

    class Private(StepPrivate):
        pass

    private: Private = Private()


class AssignmentLeftScene(AssignmentFacts, Event, type="dispatch.assignment.left_scene.v1"):
    """ออกจากที่เกิดเหตุ | The fifth of the seven stamps."""

    class Private(StepPrivate):
        pass

    private: Private = Private()


class AssignmentAtDestination(AssignmentFacts, Event, type="dispatch.assignment.at_destination.v1"):
    """ถึงโรงพยาบาล | The sixth of the seven stamps."""

    class Private(StepPrivate):
        pass

    private: Private = Private()


class AssignmentCleared(AssignmentFacts, Event, type="dispatch.assignment.cleared.v1"):
    """ว่าง | The unit is done with this trip and may be called again."""

    class Private(StepPrivate):
        pass

    private: Private = Private()


class AssignmentAtBase(AssignmentFacts, Event, type="dispatch.assignment.at_base.v1"):
    """ถึงฐาน | The last of the seven stamps; may come long after ``cleared``."""

    class Private(StepPrivate):
        pass

    private: Private = Private()


class AssignmentCorrected(AssignmentFacts, Event, type="dispatch.assignment.corrected.v1"):
    """แก้ไขเวลา | A stamp was wrong; the old one stays on record. ``at`` is the right time of ``step``."""

    step: Step
    previous_at: Instant | None = None
    """What had been stamped; None where the stamp was missing."""
    correction_of: UUID | None = None

    class Private(StepPrivate):
        reason: Code

    private: Private


class AssignmentReleased(AssignmentFacts, Event, type="dispatch.assignment.released.v1"):
    """ปลดจากงาน | The unit is not needed for this trip any more."""

    class Private(Part):
        reason: Code | None = None

    private: Private = Private()


class AssignmentBackupRequested(AssignmentFacts, Event, type="dispatch.assignment.backup_requested.v1"):
    """ขอกำลังเสริม | The crew asks for more help; the status does not change."""

    class Private(Part):
        reason: Code | None = None
        requirements: tuple[Code, ...] = ()

    private: Private = Private()


class PatientHandedOver(Event, type="dispatch.patient.handed_over.v1"):
    """ส่งมอบผู้ป่วยแล้ว | Somebody else takes care of the person now."""

    call_id: UUID
    trip_id: UUID
    assignment_id: UUID
    unit_id: UUID
    at: Instant
    by: By

    class Private(Part):
        facility_id: UUID | None = None
        receiver: Code | None = None
        outcome: Code | None = None

    private: Private = Private()


# --- unit ------------------------------------------------------------------------


class UnitOnDuty(Event, type="dispatch.unit.on_duty.v1"):
    """เข้าเวร | The unit may be called; also said when its crew or vehicle changes. Full state."""

    vehicle_id: UUID
    crew_ids: tuple[UUID, ...] = Field(min_length=1)
    level: UnitLevel
    station_id: UUID | None = None
    at: Instant
    until_at: Instant | None = None

    class Private(Part):
        call_sign: Line | None = None
        """What people call it, e.g. ``กู้ชีพ 1``."""

    private: Private = Private()


class UnitOffDuty(Event, type="dispatch.unit.off_duty.v1"):
    """ออกเวร | The unit may not be called."""

    vehicle_id: UUID | None = None
    crew_ids: tuple[UUID, ...] = ()
    at: Instant
    by: By


class UnitOutOfService(Event, type="dispatch.unit.out_of_service.v1"):
    """งดใช้งาน | Broken, in repair, or missing what it needs."""

    vehicle_id: UUID | None = None
    at: Instant
    until_at: Instant | None = None

    class Private(Part):
        reason: Code

    private: Private


class UnitContaminated(Event, type="dispatch.unit.contaminated.v1"):
    """รอทำความสะอาด | Not offered again until disinfected."""

    vehicle_id: UUID | None = None
    at: Instant

    class Private(Part):
        run_id: UUID | None = None
        """Private: it would tell which person carries an infection."""
        reason: Code

    private: Private


class UnitDisinfected(Event, type="dispatch.unit.disinfected.v1"):
    """ทำความสะอาดแล้ว | Clean: may be offered again."""

    vehicle_id: UUID | None = None
    at: Instant
    crew_id: UUID | None = None

    class Private(Part):
        method: Code | None = None

    private: Private = Private()


class UnitShared(Event, type="dispatch.unit.shared.v1"):
    """ให้พื้นที่อื่นใช้ร่วม | Another municipality may use the unit, or may not any more (``with_areas`` is complete)."""

    with_areas: tuple[Slug, ...] = ()
    at: Instant
    until_at: Instant | None = None


# --- crew ------------------------------------------------------------------------


class CrewPrivate(Part):
    """A crew member's personal half, complete."""

    name: Line
    phone: Phone | None = None
    line_user_id: Line | None = None
    language: Language = Language.TH
    quiet_from: TimeOfDay | None = None
    """Routine messages wait from here; duty overrides."""
    quiet_until: TimeOfDay | None = None
    organisation: Line | None = None
    skills: tuple[Code, ...] = ()


class CrewFacts(Part):
    kind: CrewKind
    active: bool
    station_id: UUID | None = None
    at: Instant


class CrewRegistered(CrewFacts, Event, type="dispatch.crew.registered.v1"):
    """ขึ้นทะเบียนผู้ปฏิบัติงานแล้ว | Somebody may serve; full state."""

    class Private(CrewPrivate):
        pass

    private: Private


class CrewChanged(CrewFacts, Event, type="dispatch.crew.changed.v1"):
    """แก้ไขข้อมูลผู้ปฏิบัติงานแล้ว | Full state."""

    class Private(CrewPrivate):
        pass

    private: Private


class CrewErased(Event, type="dispatch.crew.erased.v1"):
    """ลบข้อมูลผู้ปฏิบัติงานแล้ว | Wipe every copy of this crew member's personal data, in whatever state you are."""

    at: Instant


# --- facility, bed, waste --------------------------------------------------------


class FacilityFacts(OfCall):
    trip_id: UUID
    assignment_id: UUID | None = None
    at: Instant


class FacilityAlerted(FacilityFacts, Event, type="dispatch.facility.alerted.v1"):
    """แจ้งโรงพยาบาลล่วงหน้าแล้ว | A facility was told who comes and when."""

    severity: Severity
    severity_scheme: SeverityScheme
    expected_at: Instant | None = None

    class Private(Part):
        facility_id: UUID

    private: Private


class FacilityAccepted(FacilityFacts, Event, type="dispatch.facility.accepted.v1"):
    """โรงพยาบาลรับ | The facility is ready for the person."""

    class Private(Part):
        facility_id: UUID

    private: Private


class FacilityRefused(FacilityFacts, Event, type="dispatch.facility.refused.v1"):
    """โรงพยาบาลไม่รับ | Another facility must be found."""

    class Private(Part):
        facility_id: UUID
        reason: Code
        other_facility_id: UUID | None = None
        """Where they advise to go instead."""

    private: Private


class BedHeld(Event, type="dispatch.bed.held.v1"):
    """จองเตียงแล้ว | A bed is kept until ``expires_at``."""

    call_id: UUID | None = None
    trip_id: UUID | None = None
    at: Instant
    expires_at: Instant

    class Private(Part):
        facility_id: UUID
        kind: Code | None = None

    private: Private


class BedReleased(Event, type="dispatch.bed.released.v1"):
    """คืนเตียงแล้ว | Used, not needed, or the hold expired."""

    call_id: UUID | None = None
    trip_id: UUID | None = None
    at: Instant
    by: By

    class Private(Part):
        facility_id: UUID
        reason: Code

    private: Private


class WasteHandedOver(Event, type="dispatch.waste.handed_over.v1"):
    """ส่งมอบขยะติดเชื้อแล้ว | The chain of custody of infectious waste."""

    unit_id: UUID
    at: Instant

    class Private(Part):
        trip_id: UUID | None = None
        """Private: it would tell which person carries an infection."""
        bags: int = Field(ge=1)
        weight_g: int | None = Field(default=None, ge=0)
        sealed: bool
        receiver: Code

    private: Private


# --- plan, layer -----------------------------------------------------------------


class PlanPublished(Event, type="dispatch.plan.published.v1"):
    """ประกาศแผนการเดินรถแล้ว | A proposal for a day became runs, route by route; its trips say their own events."""

    plan_on: date
    version: int = Field(ge=1)
    run_ids: tuple[UUID, ...] = ()
    trip_count: int = Field(ge=0)
    unplanned_count: int = Field(ge=0)
    at: Instant
    by: By


class LayerPublished(Event, type="dispatch.layer.published.v1"):
    """เผยแพร่ชั้นข้อมูลแผนที่แล้ว | A risk map, the hydrants or another layer has a new version; fetched over HTTP."""

    kind: Code
    version: int = Field(ge=1)
    feature_count: int = Field(ge=0)
    valid_from_on: date | None = None
    at: Instant
