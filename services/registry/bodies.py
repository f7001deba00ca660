"""What people and systems send us, with limits on every field. Nothing in a new person is required."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from services.registry.rules.identity import Address, Birth, Described, Held, Phone, birth_of
from services.registry.values import (
    Area,
    AreaCode,
    BirthDate,
    BirthYear,
    Code,
    Empty,
    IdentifierKind,
    Line,
    Long,
    NationalId,
    PaperNumber,
    PhoneNumber,
    Short,
    Word,
    coded,
    known_group,
    read_area_code,
    read_birth_date,
    read_birth_year,
    read_national_id,
    read_own_phone,
    readable,
    thai_today,
    two_tongued,
)
from shared.errors import TwoTongued
from shared.events.words import Disclosure, Language, Mobility, Need, TimeOfDay
from shared.http import Body
from shared.openapi import Moment, ToldSex
from shared.refusal import Refusal
from shared.thai.identifiers import Identifier, read_hospital_no, read_identifier, read_passport


class IdentifierBody(Body):
    """A number of a person. ``issuer``: the country of a passport, the hospital of a hospital number."""

    kind: IdentifierKind
    value: Word = None
    issuer: Word = None
    verified: bool = False
    """The document was seen."""
    since_on: date | None = None
    until_on: date | None = None

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        self.held()
        if self.since_on and self.until_on and self.until_on < self.since_on:
            raise TwoTongued("วันสิ้นสุดต้องไม่ก่อนวันเริ่ม", "the last day lies before the first", "days_reversed")
        return self

    def held(self) -> Held:
        """The number in its canonical form.

        Raises:
            TwoTongued: it cannot be one of its kind.

        """
        issuer = (self.issuer or "").upper()
        try:
            identifier = _read(self.kind, self.value or "", issuer)
        except Refusal as refusal:
            raise two_tongued(refusal) from None
        if identifier.kind != self.kind:
            raise TwoTongued("เลขนี้ไม่ใช่เลขชนิดที่ระบุ", "this is not a number of that kind", "other_kind")
        return Held(identifier, "" if self.kind == "hospital-no" else issuer)


def _read(kind: IdentifierKind, value: str, issuer: str) -> Identifier:
    if kind == "passport":
        return read_passport(value)
    if kind == "hospital-no":
        return read_hospital_no(value, issuer)
    return read_identifier(value)


class AddressBody(Body):
    """``area_code``: of the tambon (6 digits), amphoe or changwat; ``detail``: house, lane, road."""

    area_code: Annotated[str | None, Empty, readable(read_area_code)] = None
    detail: Line = None

    def told(self, kind: str) -> Address:
        return Address(kind, read_area_code(self.area_code) if self.area_code else None, self.detail)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.area_code is None and self.detail is None:
            raise TwoTongued("ต้องมีรหัสพื้นที่หรือที่อยู่", "an address needs an area or a text", "address_empty")
        return self


class Addresses(Body):
    """Where somebody is registered, and where they live now."""

    registered: AddressBody | None = None
    current: AddressBody | None = None

    def told(self) -> tuple[Address, ...]:
        found = (("registered", self.registered), ("current", self.current))
        return tuple(one.told(kind) for kind, one in found if one is not None)


class PersonBody(Body):
    """A new person. ``age`` or ``birth_year`` (either era) do where nobody knows the day.

    ``birth_estimated``: the year is a guess. ``usual_place``: where whoever has no home is mostly found.
    """

    area: Area | None = None
    name: Line = None
    alias: Line = None
    usual_place: Line = None
    addresses: Addresses = Addresses()
    birth_estimated: bool = False
    national_id: NationalId = None
    identifiers: Annotated[tuple[IdentifierBody, ...], Field(max_length=10)] = ()
    birth_date: BirthDate = None
    birth_year: BirthYear = None
    age: Annotated[int, Field(ge=0, le=130)] | None = None
    sex: ToldSex = None
    phone: PhoneNumber = None
    line_user_id: Word = None
    language: Language | None = None
    mobility: Mobility | None = None
    needs: Annotated[tuple[Need, ...], Field(max_length=20)] = ()
    groups: Annotated[tuple[Annotated[Code, AfterValidator(known_group)], ...], Field(max_length=20)] = ()
    may_be_texted: bool = True
    quiet_from: TimeOfDay | None = None
    quiet_until: TimeOfDay | None = None
    disclosure: Disclosure | None = None
    exercise: bool = False

    def described(self) -> Described:
        """The person as the rules see them, without the numbers in ``identifiers``."""
        number = read_national_id(self.national_id) if self.national_id else None
        on = read_birth_date(self.birth_date) if self.birth_date else None
        year = read_birth_year(self.birth_year) if self.birth_year is not None else None
        return Described(
            name=self.name,
            alias=self.alias,
            usual_place=self.usual_place,
            addresses=self.addresses.told(),
            held=(number,) if number and number.identifier.value else (),
            birth=birth_of(on, year, self.age, thai_today(), estimated=self.birth_estimated),
            sex=self.sex,
            phones=(Phone(read_own_phone(self.phone)),) if self.phone else (),
            line_user_id=self.line_user_id,
            language=self.language,
            mobility=self.mobility,
            needs=self.needs,
            groups=self.groups,
        )


class ChangeBody(Body):
    """What is to be otherwise of a person; what is left out stays, what is null is not known any more.

    ``addresses``: the one named is replaced, the one before it keeps its days. ``birth_date``, ``birth_year`` or
    ``age``: the birth, in either era.
    """

    name: Line = None
    alias: Line = None
    usual_place: Line = None
    addresses: Addresses = Addresses()
    birth_date: BirthDate = None
    birth_year: BirthYear = None
    birth_estimated: bool = False
    age: Annotated[int, Field(ge=0, le=130)] | None = None
    sex: ToldSex = None
    language: Language | None = None
    mobility: Mobility | None = None
    needs: Annotated[tuple[Need, ...], Field(max_length=20)] = ()
    may_be_texted: bool = True
    quiet_from: TimeOfDay | None = None
    quiet_until: TimeOfDay | None = None

    @property
    def birth(self) -> Birth | None:
        on = read_birth_date(self.birth_date) if self.birth_date else None
        year = read_birth_year(self.birth_year) if self.birth_year is not None else None
        return birth_of(on, year, self.age, thai_today(), estimated=self.birth_estimated)


class ContactBody(Body):
    """A telephone by which somebody is reached: ``relation`` says whose it is, ``self`` their own."""

    phone: Annotated[Short, readable(read_own_phone)]
    relation: Annotated[Code, coded("relation")] = "self"
    name: Line = None


class EndBody(Body):
    """A number or telephone that is theirs no more. ``until_on``: the last day, today where it is left out."""

    until_on: date | None = None
    reason: Annotated[Code, coded("number_end")]


class InsteadIdentifierBody(Body):
    """What should stand in the place of a number that was entered in error; nothing where nobody knows."""

    instead: IdentifierBody | None = None


class InsteadContactBody(Body):
    """What should stand in the place of a telephone that was entered in error."""

    instead: ContactBody | None = None


class GroupBody(Body):
    """Why somebody, or a household, is looked after: from when until when, and by which paper (its number)."""

    group: Annotated[Code, AfterValidator(known_group)]
    from_on: date | None = None
    until_on: date | None = None
    evidence: PaperNumber | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.from_on and self.until_on and self.until_on < self.from_on:
            raise TwoTongued("วันสิ้นสุดต้องไม่ก่อนวันเริ่ม", "the last day lies before the first", "days_reversed")
        return self


class LeaveBody(Body):
    """``until_on``: the last day, today where it is left out."""

    until_on: date | None = None


class MemberBody(Body):
    """Who lives in a household and as what: ``role`` is a code of the list ``household_role``."""

    person_id: UUID
    role: Annotated[Code, coded("household_role")] = "member"
    head: bool = False
    from_on: date | None = None


class HouseholdBody(Body):
    """A new household with those who live in it; nothing is required."""

    area: Area | None = None
    address: AddressBody | None = None
    members: Annotated[tuple[MemberBody, ...], Field(max_length=40)] = ()
    exercise: bool = False


class DisclosureBody(Body):
    """``secret``: no trace of the person anywhere; ``restricted``: not secret any more. ``reason`` is a code."""

    wanted: Literal["secret", "restricted"]
    reason: Annotated[Code, coded("disclosure_reason")]


class AgreeBody(Body):
    """Whether the other person agrees."""

    approve: bool


class AreaRow(Body):
    """A village, community, quarter or the municipality itself. ``boundary``: a GeoJSON geometry or feature."""

    code: AreaCode
    kind: Code
    th: Long
    en: Line = None
    parents: Annotated[tuple[AreaCode, ...], Field(max_length=20)] = ()
    boundary: dict[str, Any] | None = None


class AreasBody(Body):
    """Rows of one municipality's tree; ``dry_run``: only say what would become of each."""

    area: Area | None = None
    rows: Annotated[tuple[AreaRow, ...], Field(min_length=1, max_length=500)]
    dry_run: bool = False


class SearchBody(Body):
    """Look for somebody by exactly one thing. ``birth_year`` narrows a name; ``area_code``: who lives there."""

    area_code: AreaCode | None = None

    phone: PhoneNumber = None
    national_id: NationalId = None
    identifier: IdentifierBody | None = None
    name: Line = None
    birth_year: BirthYear = None
    ids: Annotated[list[UUID], Field(min_length=1, max_length=100)] | None = None
    exercise: bool = False
    limit: Annotated[int, Field(ge=1, le=20)] = 20

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if len(self.given) != 1:
            raise TwoTongued(
                "ค้นด้วยโทรศัพท์ เลขประจำตัว ชื่อ หรือรหัส อย่างใดอย่างหนึ่ง",
                "search by one of phone, national_id, identifier, name, ids",
                "one_thing",
            )
        if self.identifier is not None and self.identifier.kind == "none":
            raise TwoTongued("ค้นด้วยเลขที่ไม่มีไม่ได้", "a number that is not there cannot be found", "no_number")
        return self

    @property
    def given(self) -> list[str]:
        """Which of the five was given."""
        names = ("phone", "national_id", "identifier", "name", "ids")
        return [name for name in names if getattr(self, name) is not None]


class EraseBody(Body):
    """``reason``: why, a code of the list ``erasure_reason``.

    ``record_only``: leave other records of the same person; the ledger of erasures names each by itself.
    """

    reason: Annotated[Code, coded("erasure_reason")] = "asked_by_person"
    record_only: bool = False


class ReviewBody(Body):
    """``link``: the two records are one person's; ``distinct``: they are not. ``survivor_id``: which stands.

    ``reason``: how it was found out, as a code of the caller's own.
    """

    decision: Literal["link", "distinct"]
    survivor_id: UUID | None = None
    reason: Code | None = None


class LinkBody(Body):
    """``survivor_id``: the record that is to stand for this one's person."""

    survivor_id: UUID
    reason: Code | None = None


class UnlinkBody(Body):
    """``reason``: why they are two people, as a code of the caller's own."""

    reason: Code | None = None


class ConfirmBody(Body):
    """``document_seen``: the person's numbers were compared with the card; from then on an equal number settles it."""

    document_seen: bool = False


class UnmatchBody(Body):
    """``person_id``: of whom it was told; left out, they get a record of their own. ``reason``: how that is known.

    ``also``: what was written since by hand and was meant for them, of what ``GET /v1/matches/{match_id}`` says may go.
    """

    person_id: UUID | None = None
    reason: Code | None = None
    also: Annotated[list[UUID], Field(max_length=200)] = Field(default_factory=list)


class OpenCaseBody(Body):
    """``protected``: violence or a psychiatric matter, shown to those who see such matters alone."""

    person_id: UUID
    protected: bool = False


class CloseBody(Body):
    """``outcome``: a code of the list ``case_outcome``; ``at``: when, if not now."""

    outcome: Annotated[Code, coded("case_outcome")]
    at: Moment | None = None
