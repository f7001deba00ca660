"""People, the groups they belong to, where they live, and what they agreed to."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import Field

from shared.events.base import Event, Part
from shared.events.words import By, Code, Disclosure, Instant, Language, Line, Mobility, Need, Phone, TimeOfDay


class OfPerson(Part):
    """What belongs to a person."""

    person_id: UUID
    at: Instant


class PersonPrivate(Part):
    """What the other services may need to serve this person well, complete."""

    phone: Phone | None = None
    line_user_id: Line | None = None
    language: Language = Language.TH
    quiet_from: TimeOfDay | None = None
    quiet_until: TimeOfDay | None = None
    may_be_texted: bool = True
    """False: no SMS and no LINE, e.g. because the telephone is shared with somebody who must not know."""
    mobility: Mobility | None = None
    needs: tuple[Need, ...] = ()
    warnings: tuple[Code, ...] = ()
    """What a crew must know before it enters, e.g. ``oxygen_at_home``."""
    disclosure: Disclosure = Disclosure.RESTRICTED


class PersonRegistered(Event, type="registry.person.registered.v1"):
    """ขึ้นทะเบียนบุคคลแล้ว | The registry knows a new person; full state."""

    at: Instant

    class Private(PersonPrivate):
        pass

    private: Private


class PersonMatched(Event, type="registry.person.matched.v1"):
    """พบว่าเป็นบุคคลในทะเบียน | A patient of a call is this person, or is presumed to be.

    ``turn``: how many times it was said before who this patient is. Of two the later counts, whichever comes first.
    """

    call_id: UUID
    patient_id: UUID
    at: Instant
    by: By
    turn: int = Field(default=0, ge=0)

    class Private(Part):
        method: Code
        presumed: bool = False

    private: Private


class PersonUnmatched(Event, type="registry.person.unmatched.v1"):
    """ไม่ใช่บุคคลนี้ | What was taken for this person was told of somebody else: a call's patient, or a row of a file.

    Of a call's patient ``person.matched`` of the same ``turn`` says who it is.
    """

    call_id: UUID | None = None
    patient_id: UUID | None = None
    at: Instant
    by: By
    turn: int = Field(default=0, ge=0)

    class Private(Part):
        """``went``: kinds of what went along with it, ``stayed``: of what was written since and did not."""

        reason: Code | None = None
        went: tuple[Code, ...] | None = None
        stayed: tuple[Code, ...] | None = None

    private: Private = Private()


class PersonChanged(Event, type="registry.person.changed.v1"):
    """แก้ไขข้อมูลบุคคลแล้ว | Full state; ``written``: which fields were, as the list ``person_field`` names them."""

    at: Instant

    class Private(PersonPrivate):
        written: tuple[Code, ...] = ()

    private: Private


class PersonLinked(Event, type="registry.person.linked.v1"):
    """เป็นบุคคลเดียวกัน | This record and ``survivor_id`` are one person; read the survivor's."""

    survivor_id: UUID
    at: Instant
    by: By

    class Private(Part):
        reason: Code | None = None

    private: Private = Private()


class PersonUnlinked(Event, type="registry.person.unlinked.v1"):
    """ไม่ใช่บุคคลเดียวกัน | They are two people after all."""

    survivor_id: UUID
    at: Instant
    by: By

    class Private(Part):
        reason: Code | None = None

    private: Private = Private()


class PersonUnlocked(Event, type="registry.person.unlocked.v1"):
    """เปิดดูกรณีฉุกเฉิน | An agency without an agreement opened the record in an emergency, until a moment."""

    at: Instant

    class Private(Part):
        break_glass_id: UUID
        agency_id: UUID
        until_at: Instant
        officer_ids: tuple[UUID, ...] = ()
        """The municipality's privacy officers, as the crew register knows them: they are told."""

    private: Private


class PersonErased(Event, type="registry.person.erased.v1"):
    """ลบข้อมูลบุคคลแล้ว | Wipe every copy of this person's data, in whatever state you are."""

    at: Instant


class GroupJoined(OfPerson, Event, type="registry.group.joined.v1"):
    """เข้ากลุ่ม | The person belongs to a group, e.g. the bedridden."""

    class Private(Part):
        group: Code
        from_on: date

    private: Private


class GroupLeft(OfPerson, Event, type="registry.group.left.v1"):
    """ออกจากกลุ่ม | The person does not belong to the group any more."""

    class Private(Part):
        group: Code
        until_on: date

    private: Private


class LocationObserved(OfPerson, Event, type="registry.location.observed.v1"):
    """บันทึกพิกัดแล้ว | Somebody saw where the person lives; the point stays with the registry."""

    class Private(Part):
        source: Code
        accuracy_m: int | None = Field(default=None, ge=0)
        agency_id: UUID | None = None
        """Whose observation it is; none is the municipality."""

    private: Private


class LocationVerified(OfPerson, Event, type="registry.location.verified.v1"):
    """ยืนยันพิกัดแล้ว | Two sources agree, or an officer was there."""

    class Private(Part):
        method: Code

    private: Private


class CoordinatorChanged(Event, type="registry.coordinator.changed.v1"):
    """แก้ไขผู้ประสานงานแล้ว | How somebody is told of what their agency is given; full state. Not said of crew members."""

    agency_id: UUID
    at: Instant

    class Private(Part):
        phone: str

    private: Private


class CoordinatorErased(Event, type="registry.coordinator.erased.v1"):
    """ลบข้อมูลผู้ประสานงานแล้ว | They have left, or are known as crew: wipe every copy of how they were told."""

    at: Instant


class AgreementChanged(Event, type="registry.agreement.changed.v1"):
    """ข้อตกลงเปลี่ยน | Who may see what changed; read it anew over HTTP."""

    status: Code
    agency_ids: tuple[UUID, ...] = ()
    valid_from_on: date | None = None
    valid_until_on: date | None = None
    at: Instant


class ConsentGiven(OfPerson, Event, type="registry.consent.given.v1"):
    """ให้ความยินยอม | For one purpose, until a day or withdrawn."""

    class Private(Part):
        purpose: Code
        agency_id: UUID | None = None
        until_on: date | None = None

    private: Private


class ConsentWithdrawn(OfPerson, Event, type="registry.consent.withdrawn.v1"):
    """ถอนความยินยอม | Stop what stood on it."""

    class Private(Part):
        purpose: Code
        agency_id: UUID | None = None

    private: Private
