"""Assignments: one trip in one run, with its stamps, and the person handed over at its end."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from shared.events.base import Event, Part
from shared.events.dispatch.trips import OfCall
from shared.events.words import AssignmentStatus, By, Code, Instant, Lane, Leg, Role, Severity, SeverityScheme, Step


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
    on_the_way: bool = False
    """One more rider for a tour that has begun: the crew's list of stops is another then."""


class RiskAhead(Part):
    """A zone of a risk map in which the trip begins or ends: what threatens there, and how gravely."""

    kind: Code
    level: Code


class AssignmentProposed(Asked, Event, type="dispatch.assignment.proposed.v1"):
    """เสนอให้ผู้สั่งการยืนยัน | A dispatcher must confirm before ``respond_by_at``."""


class AssignmentOrdered(Asked, Event, type="dispatch.assignment.ordered.v1"):
    """สั่งการแล้ว | The second of the seven stamps: an on-duty crew is sent."""

    class Private(Part):
        override_reason: Code | None = None
        """Why a person chose another unit than the first recommended."""
        risks: tuple[RiskAhead, ...] | None = None
        """What the crew is warned of, the gravest first; None: nothing."""

    private: Private = Private()


class AssignmentOffered(Asked, Event, type="dispatch.assignment.offered.v1"):
    """เสนองานให้หน่วยแล้ว | A volunteer or a booked ride's crew is asked whether they can."""

    circle: int | None = Field(default=None, ge=1)
    """Volunteers near the place are asked together: 1 the nearest, 2 those around them, and so on."""

    class Private(Part):
        risks: tuple[RiskAhead, ...] | None = None
        """What the crew is warned of, the gravest first; None: nothing."""

    private: Private = Private()


class AssignmentAccepted(AssignmentFacts, Event, type="dispatch.assignment.accepted.v1"):
    """รับงานแล้ว | The unit goes; the trip's other asked units are released."""


class AssignmentDeclined(AssignmentFacts, Event, type="dispatch.assignment.declined.v1"):
    """ไม่รับงาน | The unit cannot go."""

    class Private(Part):
        reason: Code | None = None

    private: Private = Private()


class AssignmentDelayed(AssignmentFacts, Event, type="dispatch.assignment.delayed.v1"):
    """รับงานแล้วแต่ยังไม่ออกเดินทาง | A crew accepted an emergency and has not set out in time; the status stays."""

    depart_by_at: Instant
    """Until when it should have set out. Beside it the next unit is alerted, where silence would do so too."""


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


class AssignmentCrewChanged(AssignmentFacts, Event, type="dispatch.assignment.crew_changed.v1"):
    """เปลี่ยนเวร | Others are on the unit now, and the assignment is theirs: ``crew_ids``. The status stays."""

    status: AssignmentStatus
    respond_by_at: Instant | None = None
    """Until when they may answer, where they are asked."""
    start_at: Instant | None = None
    """When they must set out, where they are asked; None: now."""
    pickup_at: Instant | None = None


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
    to_assignment_id: UUID | None = None
    """Another unit of ours carries on: the trip is this assignment's from now on."""
    to_unit_id: UUID | None = None

    class Private(Part):
        facility_id: UUID | None = None
        receiver: Code | None = None
        outcome: Code | None = None

    private: Private = Private()
