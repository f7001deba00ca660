"""Stations, facilities, vehicles and crew: put (idempotent) and listed."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, Field

from services.dispatch.api.common import (
    AREA_PATTERN,
    NIL,
    After,
    AreaQuery,
    AtDesk,
    Id,
    Limit,
    Manager,
    Page,
    areas_of,
    next_of,
    runtime_of,
    seen,
)
from services.dispatch.store import resources
from services.dispatch.verbs import crews
from shared.audit import audit
from shared.auth import Caller
from shared.codes.codes import code_list
from shared.errors import TwoTongued
from shared.events.words import CrewKind, Language
from shared.http import Body
from shared.openapi import problems
from shared.refusal import Refusal
from shared.thai.phones import read_phone

router = APIRouter(tags=["resources"])

PUT_ANSWERS: dict[int | str, dict[str, Any]] = {**problems(400, 401, 403, 404, 413), 201: {"description": "made"}}
READ_ANSWERS = problems(401, 403)


def _phone(text: str) -> str:
    try:
        phone = read_phone(text)
    except Refusal as problem:
        raise TwoTongued(problem.th, problem.en, problem.code) from None
    return phone.e164 or phone.short or text


def _coded(list_id: str) -> AfterValidator:
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
FacilityKind = Annotated[str, Field(max_length=40), _coded("facility_kind")]
VehicleKind = Annotated[str, Field(max_length=40), _coded("vehicle_kind")]
Equipment = Annotated[str, Field(max_length=40), _coded("equipment")]
Skill = Annotated[str, Field(max_length=40), _coded("skill")]


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
    kind: str


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
    """``unit_id``: the unit this member is on duty with."""

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
    unit_id: UUID | None


class StationPage(Page):
    items: list[StationOut]


class FacilityPage(Page):
    items: list[FacilityOut]


class VehiclePage(Page):
    items: list[VehicleOut]


class CrewPage(Page):
    items: list[CrewOut]


async def _put(
    request: Request, response: Response, caller: Caller, noun: str, resource_id: UUID, body: Body
) -> PutOut:
    values = {name: _plain(getattr(body, name)) for name in type(body).model_fields}
    seen(values["area"], caller)
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        made = await crews.put(work, noun, resource_id, values)
        if noun == "crew" and made is not None:
            await audit(work, caller, "register" if made else "change", "crew", resource_id)
    response.status_code = 201 if made else 200
    return PutOut(id=resource_id, made=made is True, changed=made is not None)


def _plain(value: Any) -> Any:
    """As a column holds it: codes as text, sets in one order, days as text inside JSON."""
    if isinstance(value, (CrewKind, Language)):
        return value.value
    if isinstance(value, list):
        return sorted(set(value))
    if isinstance(value, dict):
        return {skill: day.isoformat() if day else None for skill, day in sorted(value.items())}
    return value


@router.put("/v1/stations/{station_id}", response_model=PutOut, responses=PUT_ANSWERS)
async def put_station(
    request: Request, response: Response, caller: Manager, station_id: Id, body: StationBody
) -> PutOut:
    """ฐาน | Put a station."""
    return await _put(request, response, caller, "station", station_id, body)


@router.put("/v1/facilities/{facility_id}", response_model=PutOut, responses=PUT_ANSWERS)
async def put_facility(
    request: Request, response: Response, caller: Manager, facility_id: Id, body: FacilityBody
) -> PutOut:
    """สถานพยาบาล | Put a facility."""
    return await _put(request, response, caller, "facility", facility_id, body)


@router.put("/v1/vehicles/{vehicle_id}", response_model=PutOut, responses=PUT_ANSWERS)
async def put_vehicle(
    request: Request, response: Response, caller: Manager, vehicle_id: Id, body: VehicleBody
) -> PutOut:
    """รถ | Put a vehicle."""
    return await _put(request, response, caller, "vehicle", vehicle_id, body)


@router.put("/v1/crew/{crew_id}", response_model=PutOut, responses=PUT_ANSWERS)
async def put_crew(request: Request, response: Response, caller: Manager, crew_id: Id, body: CrewBody) -> PutOut:
    """เจ้าหน้าที่ | Put a crew member; the others hear how to reach them."""
    return await _put(request, response, caller, "crew", crew_id, body)


@router.post("/v1/crew/{crew_id}/erase", status_code=204, responses=problems(401, 403, 404, 409))
async def erase_crew(request: Request, caller: Manager, crew_id: Id) -> None:
    """ลบข้อมูลส่วนบุคคล | Blank everything personal of a member, here and at everybody who heard of them."""
    runtime = runtime_of(request)
    seen(await resources.area_of(runtime.pool, "crew", crew_id), caller)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        await crews.erase_crew(work, crew_id)
        await audit(work, caller, "erase", "crew", crew_id)


@router.get("/v1/stations", response_model=StationPage, responses=READ_ANSWERS)
async def list_stations(
    request: Request, caller: AtDesk, area: AreaQuery = None, after: After = None, limit: Limit = 100
) -> StationPage:
    """Stations, by id."""
    rows = await resources.page(runtime_of(request).pool, "station", areas_of(caller, area), after or NIL, limit)
    items = [StationOut(**row) for row in rows]
    return StationPage(items=items, next=next_of(items, limit))


@router.get("/v1/facilities", response_model=FacilityPage, responses=READ_ANSWERS)
async def list_facilities(
    request: Request, caller: AtDesk, area: AreaQuery = None, after: After = None, limit: Limit = 100
) -> FacilityPage:
    """Facilities, by id."""
    rows = await resources.page(runtime_of(request).pool, "facility", areas_of(caller, area), after or NIL, limit)
    items = [FacilityOut(**row) for row in rows]
    return FacilityPage(items=items, next=next_of(items, limit))


@router.get("/v1/vehicles", response_model=VehiclePage, responses=READ_ANSWERS)
async def list_vehicles(
    request: Request, caller: AtDesk, area: AreaQuery = None, after: After = None, limit: Limit = 100
) -> VehiclePage:
    """Vehicles, by id."""
    rows = await resources.page(runtime_of(request).pool, "vehicle", areas_of(caller, area), after or NIL, limit)
    items = [VehicleOut(**row) for row in rows]
    return VehiclePage(items=items, next=next_of(items, limit))


@router.get("/v1/crew", response_model=CrewPage, responses=READ_ANSWERS)
async def list_crew(
    request: Request, caller: AtDesk, area: AreaQuery = None, after: After = None, limit: Limit = 100
) -> CrewPage:
    """Crew members with how to reach them; who looked is written down."""
    pool = runtime_of(request).pool
    rows = await resources.page(pool, "crew", areas_of(caller, area), after or NIL, limit)
    await audit(pool, caller, "list", "crew", None, {"rows": len(rows)})
    items = [CrewOut(**row) for row in rows]
    return CrewPage(items=items, next=next_of(items, limit))
