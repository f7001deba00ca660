"""Bodies and answers of resources: every field with its limits."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

from services.dispatch.api.common import AREA_PATTERN, Page
from shared.codes.codes import code_list
from shared.errors import TwoTongued
from shared.events.words import CrewKind, Language
from shared.http import Body
from shared.refusal import Refusal
from shared.thai.phones import read_phone


def _phone(text: str) -> str:
    try:
        phone = read_phone(text)
    except Refusal as problem:
        raise TwoTongued(problem.th, problem.en, problem.code) from None
    return phone.e164 or phone.short or text


def coded(list_id: str) -> AfterValidator:
    """A code of that list."""

    def known(code: str) -> str:
        if code not in code_list(list_id).codes:
            codes = ", ".join(code_list(list_id).codes)
            raise TwoTongued(f"ไม่มีรหัสนี้ ใช้ได้: {codes}", f"no such code; known are: {codes}", "unknown_code")
        return code

    return AfterValidator(known)


Area = Annotated[str, Field(pattern=AREA_PATTERN)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Phone = Annotated[str, Field(min_length=3, max_length=60), AfterValidator(_phone)]
Lat = Annotated[float, Field(ge=-90, le=90)]
Lon = Annotated[float, Field(ge=-180, le=180)]
Count = Annotated[int, Field(ge=0, le=100)]
TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
FacilityKind = Annotated[str, Field(max_length=40), coded("facility_kind")]
VehicleKind = Annotated[str, Field(max_length=40), coded("vehicle_kind")]
Equipment = Annotated[str, Field(max_length=40), coded("equipment")]
Skill = Annotated[str, Field(max_length=40), coded("skill")]


class StationBody(Body):
    """A base of units. ``area`` never changes."""

    area: Area
    name: Name
    name_en: Name | None = None
    lon: Lon
    lat: Lat
    phone: Phone | None = None
    active: bool = True


class FacilityBody(Body):
    """Where people are brought to."""

    area: Area
    kind: FacilityKind
    name: Name
    name_en: Name | None = None
    lon: Lon
    lat: Lat
    phone: Phone | None = None
    active: bool = True


class VehicleBody(Body):
    """A vehicle with its places and equipment."""

    area: Area
    kind: VehicleKind
    name: Name
    plate: Name | None = None
    station_id: UUID | None = None
    seats: Count = 0
    wheelchairs: Count = 0
    stretchers: Count = 0
    equipment: Annotated[list[Equipment], Field(max_length=100)] = Field(default_factory=list)
    active: bool = True
    exercise: bool = False


class CrewBody(Body):
    """A crew member. ``skills``: skill → last day of its certificate; null where it does not expire."""

    area: Area
    kind: CrewKind
    name: Name
    phone: Phone | None = None
    line_user_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None
    language: Language = Language.TH
    quiet_from: TimeOfDay | None = None
    quiet_until: TimeOfDay | None = None
    organisation: Name | None = None
    skills: Annotated[dict[Skill, date | None], Field(max_length=60)] = Field(default_factory=dict)
    station_id: UUID | None = None
    active: bool = True
    exercise: bool = False


class PutOut(BaseModel):
    """``changed`` is false where the same was put before: then nothing happened and nothing was said."""

    id: UUID
    made: bool
    changed: bool


class StationOut(BaseModel):
    id: UUID
    area: str
    name: str
    name_en: str | None
    lon: float
    lat: float
    phone: str | None
    active: bool


class FacilityOut(StationOut):
    """``beds_free``: waiting beds that nobody has; None where the facility keeps none."""

    kind: str
    beds_free: int | None


class VehicleOut(BaseModel):
    id: UUID
    area: str
    kind: str
    name: str
    plate: str | None
    station_id: UUID | None
    seats: int
    wheelchairs: int
    stretchers: int
    equipment: list[str]
    active: bool
    exercise: bool


class CrewOut(BaseModel):
    """``unit_id``: the unit this member is on duty with; ``leaves_after_min``: see ``…/leaving``."""

    id: UUID
    area: str
    kind: str
    name: str
    phone: str | None
    line_user_id: str | None
    language: str
    quiet_from: str | None
    quiet_until: str | None
    organisation: str | None
    skills: dict[str, date | None]
    station_id: UUID | None
    active: bool
    exercise: bool
    leaves_after_min: int
    unit_id: UUID | None


class StationPage(Page):
    items: list[StationOut]


class FacilityPage(Page):
    items: list[FacilityOut]


class VehiclePage(Page):
    items: list[VehicleOut]


class CrewPage(Page):
    items: list[CrewOut]
