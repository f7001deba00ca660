"""What intake answers, as OpenAPI describes it. Instants are UTC."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.thai.text import Text


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WarningOut(Answer):
    """Something was taken as it was, and a person should look."""

    field: str
    code: str
    th: str
    en: str


class QuestionOut(Answer):
    id: str
    severity: str
    red_flag: bool
    th: str
    en: str


class TriageOut(Answer):
    """How urgent, and why. ``mark`` says whether a physician has approved the trees."""

    severity: str
    severity_scheme: str
    lane: str
    idc: str | None
    advice: list[Text]
    red_flags: list[QuestionOut]
    missing: list[QuestionOut]
    hand_over_1669: bool
    reasons: list[Text]
    suggested_group: int | None
    unknown_answers: list[str]
    mark: Text
    version: str
    approved_by: str | None


class TreeOut(Answer):
    """The questions of a group in the order in which they are asked, and the advice that goes with it."""

    criteria_group: int | None
    kind: str
    questions: list[QuestionOut]
    advice: list[Text]
    mark: Text
    version: str
    approved_by: str | None


class DuplicateOut(Answer):
    """A call that may tell of the same thing; people decide."""

    id: UUID
    number: str
    received_at: datetime
    points: float
    strength: str
    reasons: list[Text]


class BarrierOut(Answer):
    id: UUID
    call_id: UUID
    patient_id: UUID | None
    barrier: str
    action: str
    action_text: Text
    owner: str
    due_at: datetime
    state: str
    outcome: str | None
    reason: str | None
    opened_at: datetime
    ended_at: datetime | None
    carried_from: UUID | None


class Receiver(Answer):
    """Who takes over, with a number to ring."""

    receiver: str
    reason: str
    name: Text
    phone: str


class HandOverAdvice(Receiver):
    """``done``: it has been handed over already, since it lies outside the area. Else it is offered."""

    done: bool
    at: datetime | None = None
    others: list[Receiver] = []
    """Who must be told as well, e.g. the electricity authority of a fallen line."""


class VisitOut(Answer):
    """One visit of a recurring appointment: a call of its own."""

    id: UUID
    number: str
    appointment_at: datetime


class ServiceOut(Answer):
    """The municipality's service that answers, with its legal basis. ``beyond``: limits a person must confirm."""

    code: str
    name: Text
    legal_basis: list[Text]
    beyond: list[Text]


class AreaOut(Answer):
    """Whether the place is ours: ``inside``, ``outside`` or ``undecided``, by what; ``ask`` would decide."""

    status: str
    by: str
    ask: list[str]


class TakenOut(Answer):
    """The answer to ``POST /v1/calls``."""

    id: UUID
    number: str
    area: str
    version: int
    status: str
    kind: str
    lane: str
    severity: str
    severity_scheme: str
    served: bool
    service_area: AreaOut
    service: ServiceOut
    received_at: datetime
    tracking_code: str
    possible_duplicates: list[DuplicateOut]
    triage: TriageOut
    barriers: list[BarrierOut]
    warnings: list[WarningOut]
    hand_over: HandOverAdvice | None
    series: list[VisitOut]


class CallLine(Answer):
    """A call in a list: nothing personal in it."""

    id: UUID
    number: str
    area: str
    version: int
    status: str
    stage: str
    kind: str
    lane: str
    channel: str
    severity: str
    severity_scheme: str
    amphoe: str | None
    patient_count: int
    served: bool
    back_entry: bool
    exercise: bool
    received_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    appointment_at: datetime | None
    alarmed: bool


class CallPage(Answer):
    """``next`` is the cursor to ask with; None at the end."""

    items: list[CallLine]
    next: str | None


class PatientOut(Answer):
    """``person_presumed``: the register holds them for this person, and nobody has said so yet."""

    id: UUID
    person_id: UUID | None
    person_presumed: bool = False
    name: str | None
    national_id: str | None
    birth_on: date | None
    birth_year: int | None
    age: int | None
    sex: str | None
    mobility: str | None
    needs: list[str]
    groups: list[str]


class CallerOut(Answer):
    name: str | None
    phone: str | None
    phone_as_typed: str | None
    relation: str | None
    line_user_id: str | None
    language: str | None


class LocationOut(Answer):
    """``area_codes``: communities, villages and quarters in which it lies, as was said or found by the point."""

    lat: float | None
    lon: float | None
    address: str | None
    landmark: str | None
    tambon_code: str | None
    community: str | None
    point_as_typed: str | None
    area_codes: list[str]


class LinkOut(Answer):
    """``leading``: the other call's trips serve both."""

    other_call_id: UUID
    other_number: str
    link: str
    leading: bool
    linked_at: datetime


class HandOverOut(Answer):
    receiver: str
    receiver_name: str | None
    reason: str
    reason_text: str | None
    ends_call: bool
    at: datetime


class TripOut(Answer):
    """What is known of a trip here; dispatch knows it all."""

    id: UUID
    state: str
    leg: str | None
    outcome: str | None


class RatingOut(Answer):
    score: int | None
    complaint: bool
    given_at: datetime


class SearchLine(CallLine):
    """A call in the answer to a search: with what a person needs to recognise it."""

    caller: CallerOut
    patients: list[PatientOut]
    location: LocationOut
    complaint: str | None


class SearchPage(Answer):
    items: list[SearchLine]
    next: str | None


class RefusalOut(Answer):
    """Why a call was refused, and on what legal basis: the reason's, and that of the service it asked for."""

    code: str
    reason: Text
    text: str | None
    service: str
    legal_basis: list[Text]


class CallOut(SearchLine):
    """A call, whole."""

    criteria_group: int | None
    idc: str | None
    rc: str | None
    answers: dict[str, Any] | None
    hazard: str | None
    requirements: list[str]
    destination: dict[str, Any] | None
    appointment: dict[str, Any] | None
    series_of: UUID | None
    occurrence: int | None
    series: list[VisitOut]
    companions: int
    external_refs: list[dict[str, Any]]
    notes: str | None
    tracking_code: str | None
    outcome: str | None
    reason: str | None
    reason_text: str | None
    refusal: RefusalOut | None
    updated_at: datetime
    erased_at: datetime | None
    barriers: list[BarrierOut]
    links: list[LinkOut]
    hand_overs: list[HandOverOut]
    trips: list[TripOut]
    ratings: list[RatingOut]
    possible_duplicates: list[DuplicateOut]


class StandOut(Answer):
    """How a call stands after something was done to it."""

    id: UUID
    number: str
    version: int
    status: str
    stage: str
    severity: str
    severity_scheme: str
    lane: str
    warnings: list[WarningOut] = []


class AlarmOut(Answer):
    """What the desk must not overlook. Stands until acknowledged; ``answered_at``: when it was over by itself.

    ``kind``: ``unanswered`` (nobody has accepted the emergency: ring the caller, ring who could go), ``not_departed``
    (a crew accepted and has not set out: ring the crew), ``hand_over`` (outside the area: ring who takes it),
    ``complaint`` (somebody rated the help badly: ring and ask), ``van_late`` (not at the door when the rider was told),
    ``left_behind`` (nobody on duty can bring the person home), ``no_show`` (the crew found nobody at the door).
    """

    id: UUID
    kind: str
    call_id: UUID
    number: str
    area: str
    raised_at: datetime
    answered_at: datetime | None
    acknowledged_at: datetime | None
    status: str
    stage: str
    call_kind: str
    severity: str
    severity_scheme: str
    received_at: datetime
    waited_s: int
    exercise: bool
    caller_name: str | None
    caller_phone: str | None
    location: LocationOut
    ring: list[dict[str, str]]


class AlarmList(Answer):
    items: list[AlarmOut]


class AcknowledgedOut(Answer):
    id: UUID
    acknowledged_at: datetime


class TrackOut(Answer):
    """How far, and no more."""

    stage: str
    th: str
    en: str
    since: datetime


class RingingOut(Answer):
    """Who rings, and what is known under that number."""

    id: UUID
    area: str
    phone: str
    rang_at: datetime
    rang_again_at: datetime | None = None
    """When the same number rang last, where it did so more than once: whoever took it before must answer anew."""
    calls: list[dict[str, Any]]


class RingingList(Answer):
    items: list[RingingOut]


class BarrierList(Answer):
    items: list[BarrierOut]


class CodesOut(Answer):
    """Code lists with their version, source and labels."""

    lists: list[dict[str, Any]]


class ReportOut(Answer):
    """Counts of one kind. Cells below 5 are ``null``: so few people could be recognised."""

    kpi: str
    area: str | None
    from_: datetime | None
    to: datetime | None
    rows: list[dict[str, Any]]
    suppressed: int
