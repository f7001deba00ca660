"""Bodies and answers of visits, assessments and needs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from services.registry.answers import Answer, Label
from services.registry.api.locations_models import Metres, PointBody
from services.registry.api.pictures_models import PictureShown
from services.registry.values import Code, Told, coded
from shared.http import Body
from shared.openapi import Moment

FieldName = Annotated[str, Field(pattern=r"^[a-z][a-z_.]{1,59}$")]
Note = Annotated[str, Field(min_length=1, max_length=2000)]


class FieldBody(Body):
    """``base``: the version of the field that the phone had seen; 0 for one that was empty. A text may be emptied."""

    value: Annotated[str, Field(max_length=2000)]
    base: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class VisitBody(Body):
    """A visit, whole or in part: sent again it changes nothing. ``fields``: ``result``, ``note``, ``photo`` (a

    reference), ``check.<code>`` (``yes``, ``no``, ``unknown``). ``point``: where the phone was; its distance is kept.
    """

    person_id: UUID
    kind: Annotated[Code, coded("visit_kind")] = "home_visit"
    visited_at: Moment | None = None
    case_id: UUID | None = None
    task_id: UUID | None = None
    fields: Annotated[dict[FieldName, FieldBody], Field(max_length=40, default_factory=dict)]
    point: PointBody | None = None
    accuracy_m: Metres | None = None


class DecideBody(Body):
    """Which value stands from now on."""

    field: FieldName
    value_id: UUID


class AssessmentBody(Body):
    """``answers``: points by question of the form. ``id``: the phone's own, so that it may send twice."""

    id: UUID | None = None
    instrument: Code
    answers: Annotated[dict[FieldName, Annotated[int, Field(ge=0, le=100)]], Field(max_length=60)]
    assessed_at: Moment | None = None
    visit_id: UUID | None = None


class ProposalBody(Body):
    decision: Annotated[Code, coded("proposal_decision")]


class NeedBody(Body):
    """``urgency``: 1 can wait, 5 is urgent, 9 very urgent. ``note``: left out it stays, null takes it out.

    ``visit_id``: the visit on which it was found; where that has gone to somebody else since, so does this.
    """

    id: UUID | None = None
    need: Annotated[Code, coded("life_need")]
    urgency: Literal[1, 5, 9] = 5
    case_id: UUID | None = None
    visit_id: UUID | None = None
    note: Told = None


class MetBody(Body):
    outcome: Annotated[Code, coded("need_outcome")] = "given"


class ValueShown(Answer):
    id: UUID
    value: str
    said_by: str
    said_at: datetime


class FieldShown(Answer):
    """What stands in a field, and (``others``) what was written at the same time and waits for a decision."""

    field: str
    version: int
    stands: ValueShown | None
    others: list[ValueShown]


class VisitShown(Answer):
    """``distance_m``: how far the phone was from where the person is held to live. ``agency_id``: whose visit it is;

    none is the municipality.
    """

    id: UUID
    person_id: UUID
    case_id: UUID | None
    task_id: UUID | None
    kind: Label
    visited_at: datetime
    recorded_at: datetime
    visitor: str
    agency_id: UUID | None = None
    distance_m: int | None
    accuracy_m: int | None
    disputed: bool
    fields: list[FieldShown]
    pictures: list[PictureShown]


class Visits(Answer):
    items: list[VisitShown]


class VisitPage(Answer):
    items: list[VisitShown]
    next: UUID | None


class Proposed(Answer):
    group: Label
    joins: bool


class Kept(Answer):
    """The result of one assessment. ``mark`` stands where the wording has not been approved."""

    id: UUID
    instrument: str
    version: str
    score: int
    band: Label
    dimensions: list[str]
    proposed: list[Proposed]
    mark: dict[str, str] | None


class AssessmentShown(Answer):
    """``before``: score and band of the one before it by the same form."""

    id: UUID
    instrument: Label
    version: str
    score: int
    band: Label
    score_before: int | None
    band_before: Label | None
    dimensions: list[str]
    answers: dict[str, int]
    visit_id: UUID | None
    assessed_at: datetime
    assessor: str


class Assessments(Answer):
    items: list[AssessmentShown]


class Forms(Answer):
    """Every questionnaire as data: questions, choices with their points, bands."""

    items: list[dict[str, Any]]


class ProposalShown(Answer):
    id: UUID
    person_id: UUID
    area: str
    group: Label
    joins: bool
    assessment_id: UUID
    proposed_at: datetime
    decision: Label | None


class Proposals(Answer):
    items: list[ProposalShown]
    next: UUID | None


class NeedMade(Answer):
    id: UUID


class NeedShown(Answer):
    """``agency_id``: the agency whose need it is; none is the municipality."""

    id: UUID
    agency_id: UUID | None
    need: Label
    urgency: Label
    note: str | None
    case_id: UUID | None
    opened_at: datetime
    opened_by: str
    met_at: datetime | None
    outcome: Label | None


class Needs(Answer):
    """The open ones first, the most urgent first."""

    items: list[NeedShown]
