"""What people and systems send us. Names and shapes of ``POST /v1/calls`` are the public contract.

Sizes and types are checked here; what only the lane decides (an emergency is taken with an unreadable number, a
booked ride is not) is decided in ``rules/reading.py``.
"""

from __future__ import annotations

from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, field_validator, model_validator

from shared.errors import TwoTongued
from shared.events.words import Barrier, CallKind, Channel, Code, Lane, Language, Mobility, Need
from shared.http import Body
from shared.openapi import Moment, ToldSex

MOST_ANSWERS = 60


def _nothing_is_none(value: Any) -> Any:
    """Forms send empty fields as empty texts."""
    return None if isinstance(value, str) and not value.strip() else value


_OrNothing = BeforeValidator(_nothing_is_none)
Word = Annotated[Annotated[str, Field(min_length=1, max_length=60)] | None, _OrNothing]
Line = Annotated[Annotated[str, Field(min_length=1, max_length=200)] | None, _OrNothing]
LongLine = Annotated[Annotated[str, Field(min_length=1, max_length=500)] | None, _OrNothing]
Text = Annotated[Annotated[str, Field(min_length=1, max_length=4000)] | None, _OrNothing]
Degrees = Annotated[float, Field(ge=-100000, le=100000)]
"""Any number: whether it can be a latitude is judged by lane."""
Key = Annotated[str, Field(max_length=60)]
Answer = bool | Annotated[int, Field(ge=-(2**31), le=2**31)] | Annotated[str, Field(max_length=200)] | None


class CallerBody(Body):
    name: Line = None
    phone: Word = None
    relation: Word = None
    line_user_id: Word = None
    language: Language | None = None


class PatientBody(Body):
    """``id`` is given when a call is changed, to say which patient it was."""

    id: UUID | None = None
    name: Line = None
    national_id: Word = None
    birth_date: Word = None
    birth_year: Annotated[int, Field(ge=0, le=9999)] | None = None
    age: Annotated[int, Field(ge=0, le=130)] | None = None
    sex: ToldSex = None
    mobility: Mobility | None = None
    needs: Annotated[list[Need], Field(default_factory=list, max_length=20)]
    groups: Annotated[list[Code], Field(default_factory=list, max_length=20)]


class LocationBody(Body):
    lat: Degrees | None = None
    lon: Degrees | None = None
    address: LongLine = None
    landmark: LongLine = None
    tambon_code: Word = None
    community: Line = None


class DestinationBody(Body):
    facility_id: UUID | None = None
    lat: Degrees | None = None
    lon: Degrees | None = None
    address: LongLine = None


class TriageBody(Body):
    criteria_group: Annotated[int, Field(ge=1, le=25)] | None = None
    answers: Annotated[dict[Key, Answer], Field(default_factory=dict, max_length=MOST_ANSWERS)]

    @field_validator("answers")
    @classmethod
    def _storable(cls, answers: dict[str, Answer]) -> dict[str, Answer]:
        if any("\x00" in text for pair in answers.items() for text in pair if isinstance(text, str)):
            raise TwoTongued("มีอักขระที่เก็บไม่ได้", "holds characters that cannot be stored", "characters")
        return answers


class AppointmentBody(Body):
    """``recurrence`` is an RRULE of RFC 5545, read in Asia/Bangkok."""

    at: Moment
    clinic: Line = None
    duration_min: Annotated[int, Field(ge=0, le=1440)] | None = None
    return_trip: bool = False
    recurrence: LongLine = None


class ExternalRefBody(Body):
    """The same matter's number elsewhere, e.g. ``{"system": "1669", "number": "…"}``."""

    system: Code
    number: Annotated[str, Field(min_length=1, max_length=200)]


class CallFields(Body):
    """What may be said of a call when it is taken, and changed later."""

    lane: Lane | None = None
    kind: CallKind | None = None
    caller: CallerBody | None = None
    patients: Annotated[list[PatientBody], Field(max_length=100)] | None = None
    patient_count: Annotated[int, Field(ge=0, le=100)] | None = None
    location: LocationBody | None = None
    destination: DestinationBody | None = None
    complaint: Text = None
    triage: TriageBody | None = None
    appointment: AppointmentBody | None = None
    companions: Annotated[int, Field(ge=0, le=50)] | None = None
    external_refs: Annotated[list[ExternalRefBody], Field(max_length=20)] | None = None
    notes: Text = None


class CallBody(CallFields):
    """The body of ``POST /v1/calls`` and of ``karuna.<area>.inbox.calls``. Everything may be missing but one way to

    find the place or the caller.
    """

    channel: Channel | None = None
    patient: PatientBody | None = None
    """The same as ``patients`` with one entry."""
    barriers: Annotated[list[Barrier], Field(default_factory=list, max_length=6)]
    exercise: bool = False
    received_at: Moment | None = None
    back_entry: bool = False

    @model_validator(mode="after")
    def _one_or_many(self) -> Self:
        if self.patient is not None and self.patients is not None:
            raise TwoTongued("ใช้ patient หรือ patients อย่างใดอย่างหนึ่ง", "give patient or patients, not both", "both")
        return self

    @property
    def people(self) -> list[PatientBody]:
        return [self.patient] if self.patient is not None else self.patients or []


class PatchBody(CallFields):
    """What to change. A field that is not given stays; objects and lists are replaced whole.

    ``version`` is the one that was read, for those who do not send ``If-Match``. ``barriers`` are only added to:
    one that was opened is settled, met or unmet, by its own route. A recurrence is given once, where there was none.
    """

    barriers: Annotated[list[Barrier], Field(max_length=6)] | None = None
    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


class SearchBody(Body):
    """By ids, or by whatever is known: all that is given must fit."""

    ids: Annotated[list[UUID], Field(min_length=1, max_length=200)] | None = None
    phone: Word = None
    name: Line = None
    number: Word = None
    national_id: Word = None
    tracking_code: Word = None
    person_id: UUID | None = None
    line_user_id: Word = None
    area: Word = None
    from_: Annotated[Moment | None, Field(alias="from")] = None
    to: Moment | None = None
    after: Annotated[str, Field(max_length=200)] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50

    @model_validator(mode="after")
    def _something(self) -> Self:
        known = (
            self.ids, self.phone, self.name, self.number, self.national_id, self.tracking_code, self.person_id,
            self.line_user_id,
        )  # fmt: skip
        if all(value is None for value in known):
            raise TwoTongued("ต้องระบุสิ่งที่จะค้นหาอย่างน้อยหนึ่งอย่าง", "say what to search for", "nothing_asked")
        return self


class EraseBody(Body):
    """``past_keeping``: nobody asked for it, its time of keeping is over. Who is known from it alone then stays."""

    past_keeping: bool = False


class ReasonBody(Body):
    """A reason of the code list, with a sentence where the code asks for one."""

    reason: Code | None = None
    text: Line = None


class WithdrawBody(ReasonBody):
    """``whole_series``: the visits still to come are withdrawn as well; with the reason ``died`` they always are."""

    whole_series: bool = False


class HandOverBody(Body):
    """``ends_call``: false where they come as well, e.g. 1669 beside our own unit."""

    receiver: Code
    reason: Code
    at: Moment | None = None
    ends_call: bool = False
    receiver_name: Line = None
    text: Line = None


class CloseBody(Body):
    """``outcome`` of the list ``reason_close``; a refusal names its ``reason``, of the list ``reason_refusal``."""

    outcome: Code = "done"
    reason: Code | None = None
    text: Line = None


class LinkBody(Body):
    """``duplicate``: the other call leads, its trips serve both. ``related``: they only belong together."""

    other_call_id: UUID
    link: Annotated[str, Field(pattern="^(duplicate|related)$")] = "duplicate"


class MetBody(Body):
    outcome: Code
    owner: Code | None = None


class UnmetBody(Body):
    reason: Code
    owner: Code | None = None


class TrackBody(Body):
    code: Annotated[str, Field(min_length=1, max_length=40)]
    phone_last4: Annotated[str, Field(min_length=1, max_length=20)]


class RingingBody(Body):
    """``area``: the desk, for an exchange that serves several."""

    from_: Annotated[str, Field(alias="from", min_length=1, max_length=60)]
    area: Word = None


class DryRunBody(Body):
    """A triage without a call."""

    kind: CallKind | None = None
    lane: Lane | None = None
    triage: TriageBody
    age: Annotated[int, Field(ge=0, le=130)] | None = None
    complaint: Text = None
