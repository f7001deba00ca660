"""What the invented municipality's fleet keeps: rosters of the coming days, waiting beds, hydrants, equipment.

Through the public API, under ids made from the pack's codes: doing it again adds the days to come and changes nothing.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from karuna.local import Local
from karuna.seed import CHANGES, crew_of, ids_of, seed_id
from shared.auth import Role
from shared.pack_parts import Pack
from shared.packs import load
from shared.thai.dates import BANGKOK

DAYS = 7
BEDS = 3
STATES = ("working", "working", "weak", "broken")
CONFLICT = 409
KEPT = (("aed", 1), ("oxygen_set", 2), ("fire_hose", 2), ("water_pump", 1))


async def furnish(local: Local, area: str) -> int:
    """Put what is not there yet, and leave what people have changed; how many things are new.

    Raises:
        RuntimeError: dispatch refused something; the text is its answer.

    """
    pack, now = load(local.areas / area), datetime.now(UTC)
    headers = {"authorization": f"Bearer {local.issuer.token(Role.ADMIN, areas=[area])}", "karuna-purpose": "care"}
    async with httpx.AsyncClient(headers=headers, timeout=60, base_url=local.url("dispatch")) as client:
        days = {"area": area, "to": (now + timedelta(days=DAYS)).date().isoformat()}
        known = {each["id"] for each in (await client.get("/v1/shifts", params=days)).json()["items"]}
        things = [each for each in _rosters(area, pack, now) if str(each[1]) not in known]
        done = local.home.path / f"furnished-{area}"
        once = not await asyncio.to_thread(done.exists)
        if once:
            things += [*_beds(area, pack), *_hydrants(area, pack), *_equipment(area, pack, now)]
        for noun, thing_id, body in things:
            answer = await client.put(f"/v1/{noun}/{thing_id}", json=body)
            if not answer.is_success and answer.status_code != CONFLICT:  # somebody put other shifts there
                raise RuntimeError(f"{noun}: {answer.status_code} {answer.text[:300]}")
        if once:
            for number, each in enumerate(pack.area.community):
                check = {"status": STATES[number % len(STATES)], "at": (now - timedelta(days=number)).isoformat()}
                await client.post(f"/v1/hydrants/{seed_id(area, 'hydrant', each.code)}/checks", json=check)
            await asyncio.to_thread(done.touch)
    return len(things)


Thing = tuple[str, UUID, dict[str, Any]]
"""Noun of the route, id, body."""


def _rosters(area: str, pack: Pack, now: datetime) -> list[Thing]:
    """Day and night, for units that have a crew for both; what is over is left as it was."""
    made: list[Thing] = []
    today = now.astimezone(BANGKOK).date()
    for vehicle in pack.vehicle:
        crews = {shift: crew_of(pack, vehicle, shift) for shift in CHANGES}
        if not all(crews.values()):
            continue
        for ahead in range(-1, DAYS):  # the night that began yesterday is not over
            for shift, crew in crews.items():
                start = datetime.combine(today + timedelta(days=ahead), CHANGES[shift], BANGKOK)
                until = start + timedelta(hours=12)
                if until <= now:
                    continue
                body = {
                    "unit_id": str(seed_id(area, "unit", vehicle.code)), "from_at": start.isoformat(),
                    "until_at": until.isoformat(), "kind": "night" if shift == "night" else "emergency",
                    "crew_ids": ids_of(area, crew),
                }  # fmt: skip
                made.append(("shifts", seed_id(area, "shift", f"{vehicle.code}/{start.isoformat()}"), body))
    return made


def _beds(area: str, pack: Pack) -> list[Thing]:
    centres = [each for each in pack.facility if each.kind == "health_centre"]
    return [
        ("beds", seed_id(area, "bed", f"{each.code}/{number}"),
         {"area": area, "facility_id": str(seed_id(area, "facility", each.code)), "name": f"เตียง {number}"})
        for each in centres for number in range(1, BEDS + 1)
    ]  # fmt: skip


def _hydrants(area: str, pack: Pack) -> list[Thing]:
    return [
        ("hydrants", seed_id(area, "hydrant", each.code),
         {"area": area, "name": f"หัวแดง {each.name.th}", "lon": each.lon + 0.001, "lat": each.lat + 0.001})
        for each in pack.area.community
    ]  # fmt: skip


def _equipment(area: str, pack: Pack, now: datetime) -> list[Thing]:
    """One kind for each community, the first of them due for maintenance."""
    made: list[Thing] = []
    for number, each in enumerate(pack.area.community):
        kind, count = KEPT[number % len(KEPT)]
        due = (now + timedelta(days=30 * number)).astimezone(BANGKOK).date()
        body = {"area": area, "kind": kind, "community": each.name.th, "keeper": "ที่ทำการชุมชน", "count": count,
                "maintenance_due_on": due.isoformat()}  # fmt: skip
        made.append(("equipment", seed_id(area, "equipment", each.code), body))
    return made
