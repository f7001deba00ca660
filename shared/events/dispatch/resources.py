"""What and who drives: units and crews; what meets them: facilities, beds, waste; plans and layers."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import Field

from shared.events.base import Event, Part
from shared.events.dispatch.trips import OfCall
from shared.events.words import (
    By,
    Code,
    CrewKind,
    Instant,
    Language,
    Line,
    Phone,
    Severity,
    SeverityScheme,
    Slug,
    SwapStatus,
    TimeOfDay,
    UnitLevel,
)


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


class CrewCertificateEnding(Event, type="dispatch.crew.certificate_ending.v1"):
    """ใบรับรองใกล้หมดอายุ | A certificate of this member ends soon: said 30 and 7 days before its last day."""

    at: Instant

    class Private(Part):
        skill: Code
        last_on: date
        """The last day on which it is valid."""

    private: Private


class CrewErased(Event, type="dispatch.crew.erased.v1"):
    """ลบข้อมูลผู้ปฏิบัติงานแล้ว | Wipe every copy of this crew member's personal data, in whatever state you are."""

    at: Instant


class ShiftPlanned(Event, type="dispatch.shift.planned.v1"):
    """จัดเวรแล้ว | A unit should be on duty then, with this crew; also said when that changes. Full state."""

    unit_id: UUID
    kind: Code
    """A code of the list ``duty_kind``."""
    from_at: Instant
    until_at: Instant
    crew_ids: tuple[UUID, ...] = ()
    at: Instant
    by: By


class ShiftDropped(Event, type="dispatch.shift.dropped.v1"):
    """ยกเลิกเวร | The shift will not take place."""

    unit_id: UUID
    from_at: Instant
    until_at: Instant
    crew_ids: tuple[UUID, ...] = ()
    """Who was to come."""
    at: Instant
    by: By


class SwapFacts(Part):
    """One member gives a shift to another, perhaps for one of theirs."""

    shift_id: UUID
    for_shift_id: UUID | None = None
    """What the other gives in return."""
    from_crew_id: UUID
    to_crew_id: UUID
    from_at: Instant | None = None
    """When the shift begins."""
    at: Instant
    by: By


class SwapAsked(SwapFacts, Event, type="dispatch.swap.asked.v1"):
    """ขอแลกเวร | The other must agree, then a supervisor approves."""


class SwapAnswered(SwapFacts, Event, type="dispatch.swap.answered.v1"):
    """ตอบเรื่องแลกเวร | Agreed, declined, approved, refused or withdrawn; approved, the shifts say their new crews."""

    status: SwapStatus
    previous_status: SwapStatus


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


class BedUsed(Event, type="dispatch.bed.used.v1"):
    """ผู้ป่วยใช้เตียงแล้ว | The person lies in the bed: the hold does not expire any more."""

    call_id: UUID | None = None
    trip_id: UUID | None = None
    at: Instant
    by: By

    class Private(Part):
        facility_id: UUID

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
