"""Stations, facilities, vehicles and crew: put (idempotent) and listed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.dispatch.api.common import (
    NIL,
    After,
    AreaQuery,
    Id,
    Limit,
    Manager,
    MayErase,
    SeesFleet,
    SeesPlaces,
    areas_of,
    next_of,
    runtime_of,
    seen,
)
from services.dispatch.api.resources_models import (
    CrewBody,
    CrewOut,
    CrewPage,
    FacilityBody,
    FacilityOut,
    FacilityPage,
    PutOut,
    StationBody,
    StationOut,
    StationPage,
    VehicleBody,
    VehicleOut,
    VehiclePage,
)
from services.dispatch.store import resources
from services.dispatch.verbs import crews
from shared.audit import audit
from shared.auth import Caller
from shared.events.words import CrewKind, Language
from shared.http import Body
from shared.openapi import problems

router = APIRouter(tags=["resources"])

PUT_ANSWERS: dict[int | str, dict[str, Any]] = {**problems(400, 401, 403, 404, 413), 201: {"description": "made"}}
READ_ANSWERS = problems(401, 403)


async def _put(
    request: Request, response: Response, caller: Caller, noun: str, resource_id: UUID, body: Body
) -> PutOut:
    values = {name: _plain(getattr(body, name)) for name in type(body).model_fields}
    seen(values["area"], caller)
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        made = await crews.put(work, noun, resource_id, values)
        if noun == "crew" and made is not None:
            await audit(work, caller, "register" if made else "change", "crew", resource_id, area=values["area"])
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
async def erase_crew(request: Request, caller: MayErase, crew_id: Id) -> None:
    """ลบข้อมูลส่วนบุคคล | Blank everything personal of a member, here and at everybody who heard of them."""
    runtime = runtime_of(request)
    area = seen(await resources.area_of(runtime.pool, "crew", crew_id), caller)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        await crews.erase_crew(work, crew_id)
        await audit(work, caller, "erase", "crew", crew_id, area=area)


@router.get("/v1/stations", response_model=StationPage, responses=READ_ANSWERS)
async def list_stations(
    request: Request, caller: SeesFleet, area: AreaQuery = None, after: After = None, limit: Limit = 100
) -> StationPage:
    """Stations, by id."""
    rows = await resources.page(runtime_of(request).pool, "station", areas_of(caller, area), after or NIL, limit)
    items = [StationOut(**row) for row in rows]
    return StationPage(items=items, next=next_of(items, limit))


@router.get("/v1/facilities", response_model=FacilityPage, responses=READ_ANSWERS)
async def list_facilities(
    request: Request, caller: SeesPlaces, area: AreaQuery = None, after: After = None, limit: Limit = 100
) -> FacilityPage:
    """Facilities, by id."""
    rows = await resources.page(runtime_of(request).pool, "facility", areas_of(caller, area), after or NIL, limit)
    items = [FacilityOut(**row) for row in rows]
    return FacilityPage(items=items, next=next_of(items, limit))


@router.get("/v1/vehicles", response_model=VehiclePage, responses=READ_ANSWERS)
async def list_vehicles(
    request: Request, caller: SeesFleet, area: AreaQuery = None, after: After = None, limit: Limit = 100
) -> VehiclePage:
    """Vehicles, by id."""
    rows = await resources.page(runtime_of(request).pool, "vehicle", areas_of(caller, area), after or NIL, limit)
    items = [VehicleOut(**row) for row in rows]
    return VehiclePage(items=items, next=next_of(items, limit))


@router.get("/v1/crew", response_model=CrewPage, responses=READ_ANSWERS)
async def list_crew(
    request: Request, caller: SeesFleet, area: AreaQuery = None, after: After = None, limit: Limit = 100,
    unit_id: UUID | None = None,
) -> CrewPage:  # fmt: skip
    """Crew members with how to reach them; who looked is written down.

    ``unit_id``: those of one unit alone, all at once: its crew on duty, off duty its usual one.
    """
    pool = runtime_of(request).pool
    if unit_id is not None:
        members = await resources.crew_of_unit(pool, unit_id, areas_of(caller, area))
        if members:
            ids, areas = [row["id"] for row in members], [row["area"] for row in members]
            await audit(pool, caller, "read", "crew", ids, {"unit_id": str(unit_id)}, area=areas)
        return CrewPage(items=[CrewOut(**row) for row in members])
    rows = await resources.page(pool, "crew", areas_of(caller, area), after or NIL, limit)
    await audit(pool, caller, "list", "crew", None, {"rows": len(rows)}, area=area)
    items = [CrewOut(**row) for row in rows]
    return CrewPage(items=items, next=next_of(items, limit))
