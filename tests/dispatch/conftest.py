"""Dispatch in the test's own process, on a real database, and a small town with its crews and calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest_asyncio

from services.dispatch import fleet, policy
from services.dispatch.app import SERVICE
from services.dispatch.positions import KNOWN
from shared.events import intake
from shared.events.base import Origin
from shared.events.notify import ReplyReceived
from shared.pack_parts import DispatchPolicies
from shared.work import new_id, now_utc
from tests.harness import AREA, Running, bearer, service_running
from tests.platform_fixtures import MakeDatabase

HERE = (103.506, 16.432)
"""``lon, lat`` of the town's centre."""
NORTH = 1 / 111.2
"""Degrees of latitude per kilometre."""


@dataclass
class Unit:
    id: UUID
    crew: list[UUID]
    vehicle_id: UUID
    town: Town

    @property
    def headers(self) -> dict[str, str]:
        """The token of its first crew member."""
        return bearer("crew", subject=str(self.crew[0]), crew_id=str(self.crew[0]))


@dataclass
class Town:
    """What the tests say to dispatch, in the words of people."""

    running: Running
    desk: dict[str, str] = field(default_factory=lambda: bearer("dispatcher"))

    async def put(self, noun: str, body: dict[str, Any], resource_id: UUID | None = None) -> UUID:
        resource_id = resource_id or new_id()
        answer = await self.running.client.put(f"/v1/{noun}/{resource_id}", json=body, headers=self.desk)
        assert answer.status_code in {200, 201}, answer.text
        return resource_id

    async def unit(
        self, km: float = 1.0, *, level: str = "als", skills: Sequence[str] = ("paramedic", "driving", "lifting"),
        equipment: Sequence[str] = ("aed", "oxygen_set", "ppe_set"), on: bool = True, crew: int = 2, area: str = AREA,
        **changes: Any,
    ) -> Unit:  # fmt: skip
        """A unit whose station lies ``km`` north of the centre, on duty with its crew."""
        exercise = changes.get("exercise", False)
        where = {"area": area, "lon": HERE[0], "lat": HERE[1] + km * NORTH}
        station_id = await self.put("stations", {**where, "name": "ฐานทดสอบ"})
        vehicle = {"area": area, "kind": "ambulance", "name": "รถทดสอบ", "station_id": str(station_id), "seats": 2,
                   "stretchers": 1, "wheelchairs": 1, "equipment": list(equipment), "exercise": exercise}  # fmt: skip
        vehicle_id = await self.put("vehicles", {**vehicle, **changes.pop("vehicle", {})})
        members = [await self.member(skills, area=area, exercise=exercise) for _ in range(crew)]
        body = {"area": area, "call_sign": f"หน่วย {km}", "station_id": str(station_id), "level": level,
                "vehicle_id": str(vehicle_id), "crew_ids": [str(member) for member in members], **changes}  # fmt: skip
        made = Unit(await self.put("units", body), members, vehicle_id, self)
        if on:
            await self.duty(made)
        return made

    async def member(self, skills: Sequence[str] = ("driving",), *, area: str = AREA, exercise: bool = False) -> UUID:
        body = {"area": area, "kind": "staff", "name": "ผู้ทดสอบ", "phone": "0812345678", "exercise": exercise,
                "skills": dict.fromkeys(skills)}  # fmt: skip
        return await self.put("crew", body)

    async def duty(self, unit: Unit, *, on: bool = True, status: int = 200, **body: Any) -> Any:
        return await self.post(f"/v1/units/{unit.id}/duty", {"on": on, **body}, status=status)

    async def post(
        self, path: str, body: dict[str, Any] | None = None, *, status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> Any:  # fmt: skip
        answer = await self.running.client.post(path, json=body, headers=headers or self.desk)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def press(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> int:
        """The answer's status; as a phone does, ask again while told that there is a crowd."""
        while (answer := await self.running.client.post(path, json=body, headers=headers)).status_code == 503:
            await asyncio.sleep(float(answer.headers["retry-after"]) / 10)
        return answer.status_code

    async def get(self, path: str, *, status: int = 200, headers: dict[str, str] | None = None, **query: Any) -> Any:
        answer = await self.running.client.get(path, params=query, headers=headers or self.desk)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def call(self, call_id: UUID | None = None, **changes: Any) -> UUID:
        """A call received by intake, as dispatch hears of it."""
        call_id = call_id or new_id()
        origin = Origin(
            changes.pop("area", AREA), call_id, protected=changes.pop("protected", False),
            exercise=changes.pop("exercise", False),
        )  # fmt: skip
        event = call_event(intake.CallReceived, **changes)
        await self.running.emit(call_id, event, origin)
        return call_id

    async def say(self, call_id: UUID, event: Any, **origin: Any) -> None:
        await self.running.emit(call_id, event, Origin(origin.pop("area", AREA), call_id, **origin))

    async def trips(self, call_id: UUID) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.get("/v1/trips", call_id=str(call_id)))["items"]
        return items

    async def trip(self, call_id: UUID) -> dict[str, Any]:
        """The call's only trip."""
        [only] = await self.trips(call_id)
        return only

    async def asked(self, call_id: UUID) -> list[dict[str, Any]]:
        """The assignments of the call's trips that wait for an answer or are at work."""
        return [each for trip in await self.trips(call_id) for each in trip["assignments"] if each["ended_at"] is None]

    async def step(
        self, assignment_id: Any, step: str, unit: Unit | None = None, *, at: datetime | None = None, status: int = 200,
        **more: Any,
    ) -> Any:  # fmt: skip
        body = {"step": step, "at": (at or now_utc()).isoformat(), **more}
        headers = unit.headers if unit else self.desk
        return await self.post(f"/v1/assignments/{assignment_id}/steps", body, status=status, headers=headers)

    async def drive(self, assignment_id: Any, unit: Unit | None = None, *, until: str = "at_base") -> Any:
        """All steps from accepting to the last one named."""
        steps = ["accept", "en_route", "at_scene", "left_scene", "at_destination", "clear", "at_base"]
        for step in steps[: steps.index(until) + 1]:
            done = await self.step(assignment_id, step, unit)
        return done

    async def reply(self, answer: str, **about: Any) -> None:
        event = ReplyReceived(channel="line", answer=answer, at=now_utc(), **about)
        await self.running.emit(new_id(), event, Origin(AREA, about.get("call_id") or new_id()))

    async def types(self, prefix: str = "dispatch.") -> list[str]:
        return [row["type"].removeprefix("dispatch.").removesuffix(".v1") for row in await self.running.said(prefix)]


def call_event(of: Any, /, **changes: Any) -> Any:
    """A call's event in full, with one patient of whom little is known unless ``patients`` says otherwise."""
    private: dict[str, Any] = {
        "patients": changes.pop("patients", [{"patient_id": new_id()}]),
        "location": changes.pop("location", {"lon": HERE[0], "lat": HERE[1], "address": "บ้านทดสอบ"}),
    }
    facts = {
        "number": "6911-4601-0001", "kind": "medical", "lane": "emergency", "severity": "red",
        "severity_scheme": "cbd", "channel": "phone", "received_at": now_utc() - timedelta(seconds=5),
        "amphoe": "4601", "patient_count": len(private["patients"]),
    }  # fmt: skip
    for name in list(changes):
        if name in intake.CallPrivate.model_fields:
            private[name] = changes.pop(name)
    return of(**{**facts, **changes}, private=private)


@pytest_asyncio.fixture
async def town(database: MakeDatabase, tmp_path: Path) -> AsyncIterator[Town]:
    made = await database("dispatch")
    KNOWN.last.clear()
    KNOWN.areas.clear()
    fleet.forget()
    async with service_running(SERVICE, made.dsn, tmp_path) as running:
        policy.set_policy(AREA, DispatchPolicies(default_mode="auto", booked_mode="auto"))
        yield Town(running)


def http(answer: httpx.Response) -> Any:
    return answer.json()
