"""Fill an installation with the invented municipality of a settings pack, through the public APIs.

Ids are made from the pack's codes, so that doing it again changes nothing, and every copy of the demonstration
has the same ones.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid5

import httpx

from karuna.areas import read_rows, send
from karuna.local import Local
from karuna.seed_agencies import seed_agencies
from shared.auth import Role
from shared.pack_parts import CrewMember, Pack, Vehicle
from shared.packs import AREAS, load
from shared.thai.dates import BANGKOK

NAMESPACE = UUID("6b617275-6e61-7000-8000-000000000000")
PEOPLE = 300
AT_ONCE = 8
GIVEN = (
    *("สมบูรณ์", "บุญมา", "คำปัน", "แก้ว", "ทองใบ", "สีดา", "บัวลา", "จันทา"),
    *("ประยูร", "สำราญ", "ลำดวน", "หนูแดง", "อุไร", "พิมพ์", "เฉลียว", "สมัย"),
)
FAMILY = (*("ใจงาม", "ศรีสุข", "นาดี", "ภูมิดี", "ทองคำ"), *("วงศ์ใหญ่", "แสนสุข", "พลเยี่ยม", "ดวงดี", "บุญเรือง"))
MOBILITY = ("walking", "walking", "assisted", "wheelchair", "stretcher")
CHANGES = {"day": time(8), "night": time(20)}
"""When each crew comes, by Thai time."""


@dataclass(frozen=True, slots=True)
class Seeded:
    """What there is now."""

    area: str
    stations: int
    facilities: int
    vehicles: int
    crew: int

    def line(self) -> str:
        crew = f"{self.vehicles} คัน (vehicles), {self.crew} คน (crew)"
        return f"{self.area}: {crew}, {self.facilities} สถานพยาบาล (facilities)"


def seed_id(area: str, kind: str, code: str) -> UUID:
    """The id of something in the pack, e.g. ``("kalasin", "vehicle", "K3")``; a unit is its vehicle's."""
    return uuid5(NAMESPACE, f"{area}/{kind}/{code}")


def line_user(area: str, code: str) -> str:
    """The simulated LINE id of a crew template or an invented person."""
    return "U" + hashlib.md5(f"{area}/{code}".encode(), usedforsecurity=False).hexdigest()


async def seed(
    local: Local, area: str, *, on_duty: bool = True, people: bool = True, at: datetime | None = None
) -> Seeded:
    """Put everything the pack describes; crews go on duty with their vehicles. ``people``: the invented ones too.

    ``at``: the moment whose crews these are by the roster; None: those of the day, whatever the hour.

    Raises:
        RuntimeError: a service refused something; the text is its answer.

    """
    pack = load(local.areas / area)
    headers = {"authorization": f"Bearer {local.issuer.token(Role.ADMIN, areas=[area])}", "karuna-purpose": "care"}
    async with httpx.AsyncClient(headers=headers, timeout=60) as client:
        dispatch = local.url("dispatch")

        async def put(kind: str, code: str, body: dict[str, Any]) -> None:
            path = {"facility": "facilities", "crew": "crew"}.get(kind, f"{kind}s")
            await _accepted(
                client.put(f"{dispatch}/v1/{path}/{seed_id(area, kind, code)}", json={"area": area, **body})
            )

        for station in pack.station:
            place = {"name": station.name.th, "name_en": station.name.en, "lon": station.lon, "lat": station.lat}
            await put("station", station.code, place)
        for facility in pack.facility:
            place = {"name": facility.name.th, "name_en": facility.name.en, "lon": facility.lon, "lat": facility.lat}
            await put("facility", facility.code, {**place, "kind": facility.kind})
        await _all(partial(put, "vehicle", v.code, vehicle_body(area, v)) for v in pack.vehicle)
        await _all(partial(put, "crew", m.code, crew_body(area, pack, m)) for m in pack.crew)
        await _all(partial(put, "unit", v.code, unit_body(area, pack, v)) for v in pack.vehicle)
        if on_duty:
            await sign_on(client, dispatch, area, pack, at)
    if people:
        await invent_areas(local, area)
        await invent_people(local, area)
        await invent_agencies(local, area)
    return Seeded(area, len(pack.station), len(pack.facility), len(pack.vehicle), len(pack.crew))


async def invent_areas(local: Local, area: str) -> None:
    """The pack's communities and villages with their boundaries, into the register's area tree. Twice changes nothing.

    Raises:
        RuntimeError: the registry refused one; the text is its answer.

    """
    file = local.areas / area / AREAS
    if not file.exists():
        return
    token = local.issuer.token(Role.REGISTRY_OFFICER, areas=[area])
    headers = {"authorization": f"Bearer {token}", "karuna-purpose": "care"}
    async with httpx.AsyncClient(base_url=local.url("registry"), headers=headers, timeout=60) as client:
        try:
            verdicts = await send(client, read_rows(file), area, dry_run=False)
        except LookupError as problem:
            raise RuntimeError(str(problem)) from None
    if wrong := [one for one in verdicts if one["en"] is not None]:
        raise RuntimeError(f"{AREAS}: {wrong[0]['code']}: {wrong[0]['en']}")


async def invent_people(local: Local, area: str) -> int:
    """Three hundred invented people, once per installation; gives how many there are.

    Raises:
        RuntimeError: the registry refused one; the text is its answer.

    """
    token = local.issuer.token(Role.REGISTRY_OFFICER, areas=[area])
    headers = {"authorization": f"Bearer {token}", "karuna-purpose": "care"}
    async with httpx.AsyncClient(headers=headers, timeout=60) as client:
        return await _people(client, local, area)


async def invent_agencies(local: Local, area: str) -> None:
    """The invented partners and their agreement; the first of the staff is the privacy officer.

    Raises:
        RuntimeError: the registry refused one; the text is its answer.

    """
    staff = (member.code for member in load(local.areas / area).crew if member.kind == "staff")
    officer = next((seed_id(area, "crew", code) for code in staff), None)
    token = local.issuer.token(Role.SUPERVISOR, areas=[area])
    headers = {"authorization": f"Bearer {token}", "karuna-purpose": "care"}
    async with httpx.AsyncClient(base_url=local.url("registry"), headers=headers, timeout=60) as client:
        await seed_agencies(client, area, officer)


def vehicle_body(area: str, vehicle: Vehicle) -> dict[str, Any]:
    return {
        "kind": vehicle.kind,
        "name": vehicle.name.th,
        "station_id": str(seed_id(area, "station", vehicle.station)),
        "seats": vehicle.places.get("seat", 0),
        "wheelchairs": vehicle.places.get("wheelchair", 0),
        "stretchers": vehicle.places.get("stretcher", 0),
        "equipment": sorted(vehicle.equipment),
        "exercise": vehicle.exercise,
    }


def crew_body(area: str, pack: Pack, member: CrewMember) -> dict[str, Any]:
    """Who goes with a vehicle of exercises only practises too."""
    until = {skill: datetime.now(UTC).date() + timedelta(days=days) for skill, days in member.valid_days.items()}
    return {
        "kind": member.kind,
        "name": member.name.th,
        "phone": member.phone,
        "line_user_id": line_user(area, member.code),
        "skills": {skill: until[skill].isoformat() if skill in until else None for skill in sorted(member.skills)},
        "exercise": any(vehicle.exercise for vehicle in pack.vehicle if vehicle.code == member.vehicle),
    }


def crew_of(pack: Pack, vehicle: Vehicle, shift: str = "day") -> list[CrewMember]:
    """Who goes with a vehicle by day, or by night."""
    return [member for member in pack.crew if member.vehicle == vehicle.code and member.shift == shift]


def shift_at(at: datetime | None) -> str:
    """``day`` or ``night`` at a moment; None: by day."""
    clock = at.astimezone(BANGKOK).time() if at else CHANGES["day"]
    return "day" if CHANGES["day"] <= clock < CHANGES["night"] else "night"


def crew_at(pack: Pack, vehicle: Vehicle, at: datetime | None) -> list[CrewMember]:
    """Who is on duty with a vehicle at a moment: one that nobody relieves keeps the crew of its day."""
    by_day, by_night = crew_of(pack, vehicle), crew_of(pack, vehicle, "night")
    return by_night if by_day and by_night and shift_at(at) == "night" else by_day


def unit_body(area: str, pack: Pack, vehicle: Vehicle) -> dict[str, Any]:
    crew = crew_of(pack, vehicle)
    return {
        "call_sign": vehicle.code,
        "station_id": str(seed_id(area, "station", vehicle.station)),
        "level": (vehicle.level or "transport").lower(),
        "volunteer": bool(crew) and all(member.kind == "volunteer" for member in crew) and vehicle.kind == "car",
        "exercise": vehicle.exercise,
        "vehicle_id": str(seed_id(area, "vehicle", vehicle.code)),
        "crew_ids": ids_of(area, crew),
    }


PAGE = 200
"""Units asked for at once."""


async def sign_on(client: httpx.AsyncClient, dispatch: str, area: str, pack: Pack, at: datetime | None) -> None:
    """Put on duty whom the roster has at that moment, and leave a crew that people have put together themselves.

    Raises:
        RuntimeError: dispatch refused something; the text is its answer.

    """
    known = await _units(client, dispatch, area)

    async def go(vehicle: Vehicle) -> None:
        unit, crew = str(seed_id(area, "unit", vehicle.code)), ids_of(area, crew_at(pack, vehicle, at))
        ours = [set(ids_of(area, crew_of(pack, vehicle, shift))) for shift in CHANGES]
        now = known[unit]
        if not crew or (now["duty"] == "on_duty" and set(now["crew_ids"]) not in ours):
            return
        said = await client.post(f"{dispatch}/v1/units/{unit}/duty", json={"on": True, "crew_ids": crew})
        if said.status_code not in {200, 201, 409}:  # 409: on a run, or somebody of them is with another unit
            raise RuntimeError(f"duty of {vehicle.code}: {said.status_code} {said.text[:300]}")

    await _all(partial(go, vehicle) for vehicle in pack.vehicle)


async def _units(client: httpx.AsyncClient, dispatch: str, area: str) -> dict[str, dict[str, Any]]:
    """Every unit of the area by its id: a large one has several pages of them."""
    known: dict[str, dict[str, Any]] = {}
    params: dict[str, Any] = {"area": area, "limit": PAGE}
    while True:
        page = (await client.get(f"{dispatch}/v1/units", params=params)).json()
        known |= {each["id"]: each for each in page["items"]}
        if page["next"] is None:
            return known
        params["after"] = page["next"]


def ids_of(area: str, crew: Iterable[CrewMember]) -> list[str]:
    return [str(seed_id(area, "crew", member.code)) for member in crew]


async def _people(client: httpx.AsyncClient, local: Local, area: str) -> int:
    done = local.home.path / f"seeded-{area}"
    if not done.exists():
        registry = local.url("registry")

        async def register(number: int) -> None:
            key = {"Idempotency-Key": f"seed-{area}-{number}"}
            await _accepted(client.post(f"{registry}/v1/persons", json=person_body(area, number), headers=key))

        await _all(partial(register, n) for n in range(PEOPLE))
        await asyncio.to_thread(done.touch)
    return PEOPLE


def person_body(area: str, number: int) -> dict[str, Any]:
    """The ``number``-th invented person: always the same one. Phones 090-100-xxxx are given to nobody we know."""
    dice = random.Random(f"{area}/{number}")
    mobility = dice.choice(MOBILITY)
    groups = {"stretcher": ["bedridden"], "wheelchair": ["disabled"]}.get(mobility, [])
    year = dice.randint(1938, 1985)
    return {
        "area": area,
        "name": f"{dice.choice(GIVEN)} {dice.choice(FAMILY)} (สมมติ {number})",
        "birth_year": year,
        "sex": dice.choice(["female", "male"]),
        "phone": f"090100{number:04}",
        "line_user_id": line_user(area, f"person-{number}") if number % 3 == 0 else None,
        "mobility": mobility,
        "groups": groups,
        "needs": ["oxygen"] if mobility == "stretcher" and dice.random() < 0.4 else [],
    }


async def _all(jobs: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Do them, a few at once."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(job: Callable[[], Awaitable[None]]) -> None:
        async with gate:
            await job()

    await asyncio.gather(*(one(job) for job in jobs))


async def _accepted(answering: Awaitable[httpx.Response]) -> None:
    answer = await answering
    if not answer.is_success:
        raise RuntimeError(
            f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:400]}"
        )
