"""Units that come from a file of calls: put into the area for the time of a replay, with crews, and sent home after."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from karuna.seed import line_user, seed_id
from karuna.simulate.doors import DoorClosed, Doors, code_of
from karuna.simulate.wrong import Wrong
from shared.auth import Role
from shared.codes.codes import code_list
from shared.geo import Point

AT_ONCE = 6


class UnitType(BaseModel):
    """What a type of unit in the file is here: codes of our own lists."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    vehicle: str
    level: str = "transport"
    crew: int = Field(default=2, ge=1, le=10)
    skills: tuple[str, ...] = ()
    equipment: tuple[str, ...] = ()
    seats: int = Field(default=2, ge=0)
    wheelchairs: int = Field(default=0, ge=0)
    stretchers: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _known_codes(self) -> Self:
        for list_id, codes in (
            ("vehicle_kind", (self.vehicle,)),
            ("unit_level", (self.level,)),
            ("skill", self.skills),
            ("equipment", self.equipment),
        ):
            for code in codes:
                if code not in code_list(list_id).codes:
                    known = ", ".join(code_list(list_id).codes)
                    raise Wrong(f"ไม่มีรหัส {code} ใช้ได้: {known}", f"no code {code}; known are: {known}")
        return self


BroughtUnits = Mapping[str, tuple[UnitType, Point]]
"""Call sign → type and base."""


async def bring(doors: Doors, name: str, units: BroughtUnits) -> None:
    """Put every unit with vehicle, base and crew, and let them go on duty.

    Raises:
        DoorClosed: dispatch refused something.

    """
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(sign: str, kind: UnitType, base: Point) -> None:
        async with gate:
            await _put(doors, name, sign, kind, base)
            await _duty(doors, name, sign, on=True)

    await asyncio.gather(*(one(sign, kind, base) for sign, (kind, base) in units.items()))


async def send_home(doors: Doors, name: str, units: BroughtUnits) -> None:
    """Off duty and no longer in use; what they did stays written down."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(sign: str, kind: UnitType) -> None:
        async with gate:
            try:
                await _duty(doors, name, sign, on=False)
                await _unit(doors, name, sign, kind, active=False)
            except DoorClosed:  # still on a run: it stays until somebody at the desk sends it home
                return

    await asyncio.gather(*(one(sign, kind) for sign, (kind, _) in units.items()))


async def _put(doors: Doors, name: str, sign: str, kind: UnitType, base: Point) -> None:
    area, code = doors.area, f"{name}-{sign}"
    station, vehicle = (str(seed_id(area, noun, code)) for noun in ("station", "vehicle"))
    place = {"lon": base.lon, "lat": base.lat}
    await _send(doors, f"/v1/stations/{station}", {"name": f"ฐาน {sign}", "name_en": f"base of {sign}", **place})
    carries = {"seats": kind.seats, "wheelchairs": kind.wheelchairs, "stretchers": kind.stretchers}
    equipped = {"kind": kind.vehicle, "name": sign, "station_id": station, "equipment": sorted(kind.equipment)}
    await _send(doors, f"/v1/vehicles/{vehicle}", {**equipped, **carries})
    for number, member in enumerate(_crew(code, kind), start=1):
        body = {
            "kind": "staff",
            "name": f"ลูกทีม {sign} คนที่ {number} (สมมติ)",
            "line_user_id": line_user(area, member),
            "skills": dict.fromkeys(sorted(kind.skills)),
        }
        await _send(doors, f"/v1/crew/{seed_id(area, 'crew', member)}", body)
    await _unit(doors, name, sign, kind)


def _crew(code: str, kind: UnitType) -> list[str]:
    return [f"{code}-{number}" for number in range(kind.crew)]


async def _unit(doors: Doors, name: str, sign: str, kind: UnitType, *, active: bool = True) -> None:
    area, code = doors.area, f"{name}-{sign}"
    body = {
        "call_sign": sign,
        "station_id": str(seed_id(area, "station", code)),
        "level": kind.level,
        "vehicle_id": str(seed_id(area, "vehicle", code)),
        "crew_ids": [str(seed_id(area, "crew", member)) for member in _crew(code, kind)],
        "active": active,
    }
    await _send(doors, f"/v1/units/{seed_id(area, 'unit', code)}", body)


async def _send(doors: Doors, path: str, body: dict[str, Any]) -> None:
    answer = await doors.ask("PUT", "dispatch", path, Role.ADMIN, json={"area": doors.area, **body})
    if not answer.is_success:
        raise DoorClosed(f"PUT {path.split('/')[2]}: {answer.status_code} {code_of(answer)}")


async def _duty(doors: Doors, name: str, sign: str, *, on: bool) -> None:
    unit = seed_id(doors.area, "unit", f"{name}-{sign}")
    body = {"on": on, "confirm": not on}
    answer = await doors.ask("POST", "dispatch", f"/v1/units/{unit}/duty", Role.ADMIN, json=body)
    if not answer.is_success and not (on and answer.status_code == 409):
        raise DoorClosed(f"duty of {sign}: {answer.status_code} {code_of(answer)}")
