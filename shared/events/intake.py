"""What intake says: calls and their barriers.

A call is a root: its events carry the call's personal data in their private part. ``received``, ``triaged`` and
``updated`` each hold the full state, so a hearer replaces what it knows and never merges.

Aggregates: ``call`` (the call's id), ``barrier`` (one per ticked barrier of a call).
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import Field, model_validator

from shared.events.base import Event, Part
from shared.events.words import (
    AmphoeCode,
    AreaCode,
    Barrier,
    By,
    CallKind,
    CallLink,
    CallStatus,
    Channel,
    Code,
    ExternalRef,
    Instant,
    Lane,
    Language,
    Lat,
    Line,
    Lon,
    Mobility,
    Need,
    Number,
    Phone,
    Severity,
    SeverityScheme,
    Sex,
    TambonCode,
    Text,
)


class Caller(Part):
    """Who asked, and how to reach them."""

    name: Line | None = None
    phone: Phone | None = None
    phone_as_typed: Line | None = None
    """Of an emergency whose number could not be read: nobody is refused for it."""
    relation: Line | None = None
    """``self``, ``family``, ``neighbour`` … or the caller's own word."""
    line_user_id: Line | None = None
    language: Language | None = None


class Patient(Part):
    """One person concerned. There is one entry per expected person, even when nothing is known but its id."""

    patient_id: UUID
    person_id: UUID | None = None
    """The registry's person, once matched or chosen at the desk."""
    name: Line | None = None
    national_id: Line | None = None
    birth_on: date | None = None
    birth_year: int | None = Field(default=None, ge=1850, le=2200)
    """CE."""
    age: int | None = Field(default=None, ge=0, le=130)
    sex: Sex | None = None
    mobility: Mobility | None = None
    needs: tuple[Need, ...] = ()
    groups: tuple[Code, ...] = ()


class Location(Part):
    """Where it is. WGS 84."""

    lat: Lat | None = None
    lon: Lon | None = None
    address: Line | None = None
    landmark: Line | None = None
    tambon_code: TambonCode | None = None
    community: Line | None = None
    point_as_typed: Line | None = None
    """A point of an emergency that lies where it cannot be (the sea, another country): a person must look."""
    area_codes: tuple[AreaCode, ...] | None = None
    """Community, village and quarter in which it lies: as was said, else as the boundaries say of the point."""


class Destination(Part):
    """Where to."""

    facility_id: UUID | None = None
    lat: Lat | None = None
    lon: Lon | None = None
    address: Line | None = None


class Appointment(Part):
    """What a booked ride is for."""

    at: Instant
    clinic: Line | None = None
    duration_min: int | None = Field(default=None, ge=0, le=24 * 60)
    return_trip: bool = False
    recurrence: Line | None = None
    """RFC 5545 RRULE in Asia/Bangkok; on the first call of a series only."""
    occurrence: int | None = Field(default=None, ge=1)
    """Which one of the series, from 1."""
    series_of: UUID | None = None
    """The first call of the series."""


class CallPrivate(Part):
    """The call's personal half, complete."""

    caller: Caller = Caller()
    patients: tuple[Patient, ...] = ()
    """Empty for hazards only."""
    location: Location = Location()
    destination: Destination | None = None
    complaint: Text | None = None
    criteria_group: int | None = Field(default=None, ge=1, le=25)
    """Group of the criteria-based dispatch list."""
    idc: Line | None = None
    """Dispatch code given at triage, ``<group> <colour> <n>``; the crew's own finding is ``rc``."""
    hazard: Code | None = None
    """Of a call of kind ``hazard``: ``snake``, ``fire``, ``fallen_tree`` …"""
    requirements: tuple[Code, ...] = ()
    """Skills and equipment the job asks for beyond the patients' needs."""
    barriers: tuple[Barrier, ...] = ()
    appointment: Appointment | None = None
    companions: int = Field(default=0, ge=0, le=50)
    external_refs: tuple[ExternalRef, ...] = ()
    notes: Text | None = None
    tracking_code: Line | None = None


class CallFacts(Part):
    """The call's open half, complete."""

    number: Number
    status: CallStatus = CallStatus.OPEN
    kind: CallKind
    lane: Lane
    severity: Severity
    severity_scheme: SeverityScheme
    channel: Channel
    received_at: Instant
    """รับแจ้ง, the first of the seven stamps; may lie before the message's time."""
    amphoe: AmphoeCode | None = None
    patient_count: int = Field(ge=0)
    """Number of people concerned; 0 for hazards."""
    back_entry: bool = False
    """Handled on paper: record only, order and tell nobody."""
    served: bool = True
    """False: it was handed over to somebody else from the start, order nobody."""

    @model_validator(mode="after")
    def colour_belongs_to_its_scheme(self) -> CallFacts:
        wrong = Severity.PINK if self.severity_scheme is SeverityScheme.CBD else Severity.BLACK
        if self.severity is wrong:
            raise ValueError("severity: not in this scheme")
        return self


class CallReceived(CallFacts, Event, type="intake.call.received.v1"):
    """รับแจ้งแล้ว | Somebody asked, and the call was taken."""

    class Private(CallPrivate):
        pass

    private: Private


class CallTriaged(CallFacts, Event, type="intake.call.triaged.v1"):
    """คัดแยกความเร่งด่วนแล้ว | Lane or severity was judged anew; full state."""

    at: Instant
    by: By
    previous_severity: Severity | None = None
    previous_lane: Lane | None = None

    class Private(CallPrivate):
        pass

    private: Private


class CallUpdated(CallFacts, Event, type="intake.call.updated.v1"):
    """แก้ไขข้อมูลแล้ว | The call's content changed; full state."""

    at: Instant

    class Private(CallPrivate):
        changed: tuple[Line, ...] = ()
        """Paths of the fields that differ from before, e.g. ``location.lat``; a help, not the truth."""

    private: Private


class CallLinked(Event, type="intake.call.linked.v1"):
    """เชื่อมกับสายอื่นแล้ว | This call belongs with another one."""

    other_call_id: UUID
    link: CallLink
    leading_call_id: UUID | None = None
    """Of duplicates: the call whose trips serve both. When it is the other one, this call needs no trips."""
    at: Instant
    by: By


class CallUnlinked(Event, type="intake.call.unlinked.v1"):
    """ยกเลิกการเชื่อมสายแล้ว | It does not belong with the other one after all; it needs its own trips again."""

    other_call_id: UUID
    link: CallLink
    at: Instant
    by: By


class CallHandedOver(Event, type="intake.call.handed_over.v1"):
    """ส่งต่อให้หน่วยงานอื่นแล้ว | Another organisation was told, with its time and receiver."""

    at: Instant
    by: By
    ends_call: bool
    """True: it is theirs now, our trips are pointless. False: they come as well (1669 beside our own unit)."""

    class Private(Part):
        receiver: Code
        reason: Code

    private: Private


class CallWithdrawn(Event, type="intake.call.withdrawn.v1"):
    """ผู้แจ้งขอยกเลิกแล้ว | Help is not wanted any more."""

    at: Instant
    by: By
    along_with_id: UUID | None = None
    """The visit at which its whole series was withdrawn (its own id there). People are told once, with that one."""

    class Private(Part):
        reason: Code | None = None

    private: Private = Private()


class CallClosed(Event, type="intake.call.closed.v1"):
    """ปิดเรื่องแล้ว | Nothing more is to be done for this call."""

    at: Instant
    by: By

    class Private(Part):
        outcome: Code
        reason: Code | None = None
        """Coded ground of a refusal."""

    private: Private


class CallErased(Event, type="intake.call.erased.v1"):
    """ลบข้อมูลส่วนบุคคลแล้ว | Wipe every copy of this call's personal data, in whatever state you are.

    ``by`` system: its time of keeping is over, which says nothing of the people whom it was about.
    """

    at: Instant
    by: By = By.PERSON


class CallUnanswered(Event, type="intake.call.unanswered.v1"):
    """ยังไม่มีหน่วยรับ | The watchdog: an emergency without an accepted assignment too long after its receipt."""

    lane: Lane
    severity: Severity
    severity_scheme: SeverityScheme
    received_at: Instant
    at: Instant
    waited_s: int = Field(ge=0)


class BarrierFacts(Part):
    call_id: UUID
    patient_id: UUID | None = None
    at: Instant


class BarrierOpened(BarrierFacts, Event, type="intake.barrier.opened.v1"):
    """พบอุปสรรค | One of the six barriers was ticked: its action begins."""

    class Private(Part):
        barrier: Barrier
        action: Code
        owner: Code
        """The role or team that sees to it."""
        carried_from: UUID | None = None
        """The barrier of the visit before, which was still open when that visit ended."""

    private: Private


class BarrierMet(BarrierFacts, Event, type="intake.barrier.met.v1"):
    """แก้อุปสรรคได้แล้ว | The action helped."""

    by: By

    class Private(Part):
        barrier: Barrier
        outcome: Code | None = None

    private: Private


class BarrierUnmet(BarrierFacts, Event, type="intake.barrier.unmet.v1"):
    """แก้อุปสรรคไม่ได้ | It could not be overcome; counted, and carried over."""

    by: By

    class Private(Part):
        barrier: Barrier
        reason: Code | None = None

    private: Private
