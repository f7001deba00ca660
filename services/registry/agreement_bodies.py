"""What is sent about agencies, agreements, consents and emergencies, with limits on every field."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from services.registry.rules.access import PURPOSES
from services.registry.rules.fields import FieldClass
from services.registry.rules.grounds import BY_CODE
from services.registry.values import Area, Code, Line, NationalId, PaperNumber, PhoneNumber, read_own_phone
from shared.codes.codes import code_list
from shared.errors import TwoTongued
from shared.http import Body
from shared.openapi import Day, Moment

Name = Annotated[str, Field(min_length=1, max_length=200)]
Who = Literal["self", "guardian", "carer"]
PlaceCode = Annotated[str, Field(pattern=r"^([a-z][a-z0-9-]{1,30}|[0-9]{2}([0-9]{2}){0,3})$")]
"""A municipality's slug, or an official code: 2 digits for a changwat, 4 amphoe, 6 tambon, 8 mu ban."""
Paper = PaperNumber | None
REVERSED = TwoTongued("วันสิ้นสุดต้องไม่ก่อนวันเริ่ม", "the last day lies before the first", "days_reversed")


def _one_of(known: frozenset[str], th: str, en: str) -> AfterValidator:
    def check(code: str) -> str:
        if code not in known:
            raise TwoTongued(f"{th} ดูรายการที่ /v1/codes", f"{en}; see /v1/codes", "unknown_code")
        return code

    return AfterValidator(check)


Purpose = Annotated[Code, _one_of(frozenset(PURPOSES), "ไม่รู้จักวัตถุประสงค์นี้", "no such purpose")]
Writes = Annotated[
    Code, _one_of(frozenset(code_list("agency_writes").codes), "ไม่รู้จักสิ่งที่ให้บันทึก", "nothing that an agency writes")
]
LegalBasis = Annotated[Code, _one_of(frozenset(BY_CODE), "ไม่รู้จักฐานกฎหมายนี้", "no such legal basis")]
AgencyKind = Annotated[
    Code, _one_of(frozenset(code_list("agency_kind").codes), "ไม่รู้จักประเภทหน่วยงานนี้", "no such kind of agency")
]


class AgencyBody(Body):
    """An agency. ``areas``: municipalities it works with; ``municipality``: its slug, where it is one itself."""

    kind: AgencyKind
    name_th: Name
    name_en: Line = None
    areas: Annotated[tuple[Area, ...], Field(min_length=1, max_length=100)]
    municipality: Area | None = None
    from_on: Day
    until_on: Day | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.kind == "municipality") != (self.municipality is not None):
            raise TwoTongued(
                "ประเภทเทศบาลต้องระบุรหัสเทศบาล ประเภทอื่นต้องไม่ระบุ",
                "a municipality names its slug, and nobody else does",
                "municipality",
            )
        if self.municipality is not None and self.municipality not in self.areas:
            raise TwoTongued("เทศบาลต้องอยู่ในพื้นที่ของตน", "a municipality works in its own area", "municipality")
        if self.kind == "department" and len(set(self.areas)) > 1:
            raise TwoTongued("สำนักหรือกองเป็นของเทศบาลเดียว", "a department is of one municipality", "department")
        if self.until_on is not None and self.until_on < self.from_on:
            raise REVERSED
        return self


class CoordinatorBody(Body):
    """Whom to ring at an agency. ``crew_id``: the same person in the crew register, whom notify can write to."""

    name: Name
    phone: PhoneNumber
    duty: Literal["coordinator", "privacy_officer"] = "coordinator"
    crew_id: UUID | None = None
    from_on: Day
    until_on: Day | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.phone is None:
            raise TwoTongued("ต้องมีเบอร์โทร", "a number to ring is needed", "phone_needed")
        if self.until_on is not None and self.until_on < self.from_on:
            raise REVERSED
        return self

    @property
    def e164(self) -> str:
        return read_own_phone(self.phone or "")


class AgreementBody(Body):
    """Who may see what. It works between those parties that have signed it; ``field_class``: up to which class.

    ``writes``: what its agencies are entrusted with writing down (``visit``, ``location``), of whom they see so much.
    """

    area: Area
    """The municipality that makes it, a party itself."""
    title_th: Name
    title_en: Line = None
    agency_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=50)]
    municipalities: Annotated[tuple[Area, ...], Field(max_length=50)] = ()
    """Further municipalities that are parties."""
    areas: Annotated[tuple[PlaceCode, ...], Field(min_length=1, max_length=200)]
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1, max_length=10)]
    field_class: FieldClass
    bases: Annotated[tuple[LegalBasis, ...], Field(min_length=1, max_length=10)]
    writes: Annotated[tuple[Writes, ...], Field(max_length=10)] = ()
    from_on: Day
    until_on: Day | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.until_on is not None and self.until_on < self.from_on:
            raise REVERSED
        return self


class SignBody(Body):
    """``agency_id`` or ``municipality``: for whom, where somebody of the municipality records a signature on paper."""

    agency_id: UUID | None = None
    municipality: Area | None = None
    paper: Paper = None

    @model_validator(mode="after")
    def _one_party(self) -> Self:
        if self.agency_id is not None and self.municipality is not None:
            raise TwoTongued("ลงนามได้ทีละฝ่าย", "one party at a time", "one_party")
        return self


class EndBody(Body):
    reason: Code
    """Why, as a code of the caller's own."""


class WhyBody(Body):
    """Whether a record could be seen. ``agency_id``, ``role``: of another asker, where the municipality asks."""

    person_id: UUID
    agency_id: UUID | None = None
    role: Literal["call_taker", "dispatcher", "case_manager", "registry_officer", "supervisor"] | None = None
    purpose: Purpose | None = None


class ConsentBody(Body):
    """``agency_id`` left out: to every agency that the purpose concerns. ``given_at`` left out: now."""

    purpose: Literal["care", "case_work", "registration"]
    agency_id: UUID | None = None
    given_by: Who = "self"
    paper: Paper = None
    given_at: Moment | None = None
    until_on: Day | None = None


class WithdrawBody(Body):
    by: Who = "self"
    paper: Paper = None


class AcknowledgeBody(Body):
    consent_ids: Annotated[list[UUID], Field(min_length=1, max_length=200)]


class BreakGlassBody(Body):
    """Whose record, by its id or a number read from a card; ``reason``: what the danger is, for who reviews it."""

    person_id: UUID | None = None
    national_id: NationalId = None
    reason: Annotated[str, Field(min_length=5, max_length=500)]

    @model_validator(mode="after")
    def _one_person(self) -> Self:
        if (self.person_id is None) == (self.national_id is None):
            raise TwoTongued("ระบุรหัสบุคคลหรือเลขประจำตัว อย่างใดอย่างหนึ่ง", "one of person_id, national_id", "one_thing")
        return self


class ReviewGlassBody(Body):
    """``note``: what was found out, sealed beside the finding."""

    finding: Literal["justified", "unjustified"]
    note: Line = None
