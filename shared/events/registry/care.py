"""What is done for people: visits, needs, cases and tasks, rights, things, referrals and reviews."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import Field

from shared.events.base import Event, Part
from shared.events.registry.people import OfPerson
from shared.events.words import By, Code, Instant


class VisitPlanned(OfPerson, Event, type="registry.visit.planned.v1"):
    """นัดเยี่ยมแล้ว | Crew members or volunteers are to go there by a day; they are told, not to whom."""

    crew_ids: tuple[UUID, ...] = Field(min_length=1)
    due_on: date

    class Private(Part):
        kind: Code

    private: Private


class VisitCancelled(OfPerson, Event, type="registry.visit.cancelled.v1"):
    """ยกเลิกการเยี่ยมแล้ว | Nobody is to go any more; ``by_crew_id`` is whoever of ``crew_ids`` said so themselves."""

    crew_ids: tuple[UUID, ...] = Field(min_length=1)
    due_on: date
    by_crew_id: UUID | None = None

    class Private(Part):
        kind: Code

    private: Private


class VisitRecorded(OfPerson, Event, type="registry.visit.recorded.v1"):
    """เยี่ยมบ้านแล้ว | Somebody was there."""

    case_id: UUID | None = None
    task_id: UUID | None = None

    class Private(Part):
        kind: Code
        result: Code | None = None
        agency_id: UUID | None = None
        """Whose visit it is; none is the municipality."""

    private: Private


class AssessmentRecorded(OfPerson, Event, type="registry.assessment.recorded.v1"):
    """ประเมินแล้ว | A questionnaire was answered; answers and score stay with the registry."""

    visit_id: UUID | None = None

    class Private(Part):
        instrument: Code
        band: Code | None = None

    private: Private


class NeedOpened(OfPerson, Event, type="registry.need.opened.v1"):
    """พบความต้องการ | Something is missing in the person's life."""

    case_id: UUID | None = None
    call_id: UUID | None = None
    barrier_id: UUID | None = None

    class Private(Part):
        need: Code
        agency_id: UUID | None = None
        """Whose need it is; none is the municipality."""

    private: Private


class NeedMet(OfPerson, Event, type="registry.need.met.v1"):
    """ได้รับการตอบสนองแล้ว | It is there now."""

    case_id: UUID | None = None

    class Private(Part):
        need: Code
        outcome: Code | None = None

    private: Private


class CaseOpened(OfPerson, Event, type="registry.case.opened.v1"):
    """เปิดเคส | Stays open until back to normal."""

    call_id: UUID | None = None


class CaseClosed(OfPerson, Event, type="registry.case.closed.v1"):
    """กลับสู่ภาวะปกติ ปิดเคส | Nothing more is to be done."""

    by: By

    class Private(Part):
        outcome: Code

    private: Private


class TaskAssigned(Event, type="registry.task.assigned.v1"):
    """มอบหมายงานแล้ว | Somebody is to do something for a case, by a day."""

    case_id: UUID
    assignee_id: UUID | None = None
    """A crew member, or a person of an agency."""
    agency_id: UUID | None = None
    due_on: date | None = None
    at: Instant

    class Private(Part):
        task: Code
        coordinator_ids: tuple[UUID, ...] = ()
        """Of the agency: they are told, too. Crew members' where the crew register knows them."""

    private: Private


class TaskDone(Event, type="registry.task.done.v1"):
    """งานเสร็จแล้ว | The task is finished, or could not be done."""

    case_id: UUID
    at: Instant
    by: By

    class Private(Part):
        task: Code
        outcome: Code

    private: Private


class TaskOverdue(Event, type="registry.task.overdue.v1"):
    """งานเลยกำหนด | Its last day is over and the task is not done."""

    case_id: UUID
    assignee_id: UUID | None = None
    agency_id: UUID | None = None
    due_on: date
    at: Instant

    class Private(Part):
        task: Code
        coordinator_ids: tuple[UUID, ...] = ()
        """Of the agency: they are told, too. Crew members' where the crew register knows them."""

    private: Private


class TeamInvited(Event, type="registry.team.invited.v1"):
    """เชิญเข้าทีม | Somebody, of whatever organisation, is asked into the team of a case."""

    case_id: UUID
    assignee_id: UUID
    agency_id: UUID | None = None
    at: Instant

    class Private(Part):
        role: Code
        coordinator_ids: tuple[UUID, ...] = ()
        """Of the agency: they are told, too. Crew members' where the crew register knows them."""

    private: Private


class ApplicationReceived(OfPerson, Event, type="registry.application.received.v1"):
    """รับคำขอแล้ว | A form was handed in."""

    class Private(Part):
        form: Code

    private: Private


class CardIssued(OfPerson, Event, type="registry.card.issued.v1"):
    """ออกบัตรแล้ว | The person holds a card."""

    class Private(Part):
        kind: Code
        expires_on: date | None = None

    private: Private


class EntitlementGranted(OfPerson, Event, type="registry.entitlement.granted.v1"):
    """ได้รับสิทธิ | Something is due to the person from now on."""

    class Private(Part):
        kind: Code
        from_on: date
        until_on: date | None = None

    private: Private


class EntitlementPaid(OfPerson, Event, type="registry.entitlement.paid.v1"):
    """จ่ายแล้ว | One month of it."""

    class Private(Part):
        kind: Code
        month_on: date
        """The first day of the month paid for."""
        amount_satang: int = Field(ge=0)

    private: Private


class ItemIssued(OfPerson, Event, type="registry.item.issued.v1"):
    """จ่ายหรือให้ยืมสิ่งของแล้ว | Given or lent."""

    class Private(Part):
        item: Code
        quantity: int = Field(ge=1)
        due_on: date | None = None

    private: Private


class ItemReturned(OfPerson, Event, type="registry.item.returned.v1"):
    """คืนสิ่งของแล้ว | A loan came back."""

    class Private(Part):
        item: Code
        quantity: int = Field(ge=1)
        condition: Code | None = None

    private: Private


class DeviceRequested(OfPerson, Event, type="registry.device.requested.v1"):
    """ขอกายอุปกรณ์ | A device must be made or found."""

    class Private(Part):
        kind: Code

    private: Private


class DeviceRouted(OfPerson, Event, type="registry.device.routed.v1"):
    """ส่งให้สถานีพิมพ์ | A station is asked to make it."""

    due_on: date | None = None

    class Private(Part):
        kind: Code
        station_id: UUID

    private: Private


class DeviceDelivered(OfPerson, Event, type="registry.device.delivered.v1"):
    """ส่งมอบกายอุปกรณ์แล้ว | The person has it."""

    class Private(Part):
        kind: Code

    private: Private


class ReferralMade(OfPerson, Event, type="registry.referral.made.v1"):
    """ส่งต่อ | Another level of care is asked to take over."""

    case_id: UUID | None = None

    class Private(Part):
        level: Code
        from_facility_id: UUID | None = None
        to_facility_id: UUID

    private: Private


class ReferralAnswered(OfPerson, Event, type="registry.referral.answered.v1"):
    """ตอบการส่งต่อ | Accepted, refused, redirected, done, or back home."""

    class Private(Part):
        answer: Code
        to_facility_id: UUID | None = None

    private: Private


class ReviewClosed(Event, type="registry.review.closed.v1"):
    """ทบทวนเสร็จแล้ว | A five-why review ended with its evidence."""

    case_id: UUID | None = None
    call_id: UUID | None = None
    at: Instant
    by: By

    class Private(Part):
        root_cause: Code

    private: Private
