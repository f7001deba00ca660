"""Bodies and answers of visits that are to be made."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field

from services.registry.answers import AddressShown, Age, Answer, ContactShown, Label
from services.registry.rules.questionnaires import questionnaires
from services.registry.values import Code, Line, coded
from shared.errors import TwoTongued
from shared.http import Body


def _form(code: Any) -> Any:
    if code not in questionnaires():
        raise TwoTongued(
            "ไม่มีแบบประเมินนี้ ดูรายการที่ /v1/questionnaires", "no such questionnaire; see /v1/questionnaires", "unknown_code"
        )
    return code


class PlanBody(Body):
    """``crew_ids``: who goes (crew or volunteers of dispatch). ``id``: the client's own, told twice is once."""

    id: UUID | None = None
    crew_ids: Annotated[list[UUID], Field(min_length=1, max_length=4)]
    kind: Annotated[Code, coded("visit_kind")] = "home_visit"
    due_on: date
    forms: Annotated[list[Annotated[Code, AfterValidator(_form)]], Field(max_length=8, default_factory=list)]
    what: Line = None


class PlanMade(Answer):
    """``id`` is the visit's own: it is written at ``PUT /v1/visits/{id}``."""

    id: UUID


class PlanShown(Answer):
    """A visit that is to be made, or was. ``disputed``: two phones wrote the same field otherwise."""

    id: UUID
    person_id: UUID
    area: str
    crew_ids: list[UUID]
    kind: Label
    forms: list[str]
    due_on: date
    what: str | None
    planned_at: datetime
    planned_by: str
    done_at: datetime | None
    cancelled_at: datetime | None
    disputed: bool


class Plans(Answer):
    items: list[PlanShown]
    next: UUID | None


class HomeShown(Answer):
    """Where the person is held to live; the distance of the phone's fix is measured from here."""

    lon: float
    lat: float
    verified: bool


class WhomToVisit(Answer):
    """Enough to find the door and the right person, no more: no groups, no numbers, no history."""

    id: UUID
    name: str | None
    alias: str | None
    age: Age | None
    sex: str | None
    mobility: str | None
    needs: list[str]
    usual_place: str | None
    addresses: list[AddressShown]
    contacts: list[ContactShown]
    home: HomeShown | None


class OwnField(Answer):
    """What this caller wrote and stands; ``version`` is the base of a change."""

    version: int
    value: str


class MyPlan(Answer):
    """One of the caller's own visits. ``own``: their words in it; ``disputed``: fields that wait for an officer;

    ``pictures``: how many of theirs have arrived.
    """

    id: UUID
    kind: Label
    forms: list[str]
    due_on: date
    what: str | None
    done_at: datetime | None
    person: WhomToVisit
    own: dict[str, OwnField]
    disputed: list[str]
    pictures: int


class MyPlans(Answer):
    items: list[MyPlan]
