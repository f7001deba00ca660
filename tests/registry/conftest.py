"""The registry in the test's own process, on a real database, and a town whose other services it hears."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest_asyncio

from services.registry.app import SERVICE
from shared.events import dispatch, intake, notify
from shared.events.base import Origin
from shared.heard import Raw
from shared.thai.identifiers import check_digit
from shared.work import new_id, now_utc
from tests.harness import AREA, Running, bearer, service_running
from tests.platform_fixtures import MakeDatabase


def cid(number: int) -> str:
    """A made-up 13-digit number with a right check digit."""
    twelve = f"1{number:011d}"
    return f"{twelve}{check_digit(twelve)}"


def seen(number: int) -> dict[str, Any]:
    """The same number as an identifier whose document was seen."""
    return {"kind": "cid", "value": cid(number), "verified": True}


@pytest_asyncio.fixture
async def registry(database: MakeDatabase, tmp_path: Path) -> AsyncIterator[Running]:
    made = await database("registry")
    async with service_running(SERVICE, made.dsn, tmp_path) as running:
        yield running


@dataclass
class Call:
    """A call as intake tells of it, and what grows from it."""

    running: Running
    id: UUID = field(default_factory=new_id)
    area: str = AREA
    protected: bool = False
    exercise: bool = False
    caller: dict[str, Any] = field(default_factory=lambda: {"phone": "+66812345678"})
    patients: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    raws: list[Raw] = field(default_factory=list)

    def __post_init__(self) -> None:
        for patient in self.patients:
            patient.setdefault("patient_id", new_id())
        self.received_at = self.facts.pop("received_at", now_utc() - timedelta(minutes=30))

    @property
    def origin(self) -> Origin:
        return Origin(self.area, self.id, protected=self.protected, exercise=self.exercise)

    @property
    def patient_id(self) -> UUID:
        found: UUID = self.patients[0]["patient_id"]
        return found

    def state(self, **changes: Any) -> dict[str, Any]:
        return {
            "number": "KLS-6908-0001", "kind": "medical", "lane": "emergency", "severity": "red",
            "severity_scheme": "cbd", "channel": "phone", "received_at": self.received_at,
            "patient_count": len(self.patients), **self.facts, **changes,
        }  # fmt: skip

    def private(self, kind: type[intake.CallPrivate], **changes: Any) -> Any:
        return kind.model_validate(
            {"caller": self.caller, "patients": self.patients, "complaint": "หายใจไม่ออก", **changes}
        )

    async def tell(self, event: Any, subject: UUID | None = None, **options: Any) -> Raw:
        raw = await self.running.emit(subject or self.id, event, self.origin, **options)
        self.raws.append(raw)
        return raw

    async def received(self, **options: Any) -> Call:
        private = self.private(intake.CallReceived.Private)
        await self.tell(intake.CallReceived(**self.state(), private=private), **options)
        return self

    async def updated(self, **options: Any) -> None:
        private = self.private(intake.CallUpdated.Private)
        await self.tell(intake.CallUpdated(**self.state(), at=now_utc(), private=private), **options)

    async def erased(self, **options: Any) -> None:
        await self.tell(intake.CallErased(at=now_utc()), **options)

    async def barrier(self, barrier: str, **options: Any) -> UUID:
        barrier_id: UUID = new_id()
        private = {"barrier": barrier, "action": "free_ride", "owner": "desk"}
        event = intake.BarrierOpened(
            call_id=self.id, at=now_utc(), private=intake.BarrierOpened.Private.model_validate(private)
        )
        await self.tell(event, barrier_id, **options)
        return barrier_id

    async def barrier_met(self, barrier_id: UUID, barrier: str, **options: Any) -> None:
        private = {"barrier": barrier, "outcome": "given"}
        event = intake.BarrierMet(
            call_id=self.id, at=now_utc(), by="person", private=intake.BarrierMet.Private.model_validate(private)
        )
        await self.tell(event, barrier_id, **options)

    async def trip(self, patient_id: UUID | None = None, **options: Any) -> UUID:
        trip_id: UUID = new_id()
        event = dispatch.TripRequested(
            call_id=self.id, patient_id=patient_id or self.patient_id, kind="medical",
            leg=options.pop("leg", "outbound"),
            lane=self.facts.get("lane", "emergency"), severity="red", severity_scheme="cbd", at=now_utc(),
        )  # fmt: skip
        await self.tell(event, trip_id, **options)
        return trip_id

    async def trip_completed(self, trip_id: UUID, patient_id: UUID | None = None, **options: Any) -> None:
        event = dispatch.TripCompleted(
            call_id=self.id, patient_id=patient_id or self.patient_id, leg="outbound",
            at=options.pop("at", now_utc()),
            private=dispatch.TripCompleted.Private(outcome=options.pop("outcome", "transported")),
        )  # fmt: skip
        await self.tell(event, trip_id, **options)

    async def stamps(self, trip_id: UUID, *kinds: type[dispatch.AssignmentFacts], **options: Any) -> UUID:
        """One assignment going through these events."""
        assignment_id: UUID = new_id()
        unit = new_id()
        for number, kind in enumerate(kinds):
            more: dict[str, Any] = {"leg": "outbound"} if issubclass(kind, dispatch.Asked) else {}
            event = kind(
                call_id=self.id, patient_id=self.patient_id, trip_id=trip_id, unit_id=unit, role="primary",
                lane=self.facts.get("lane", "emergency"), severity="red", severity_scheme="cbd", by="person",
                at=self.received_at + timedelta(minutes=number + 1), **more,
            )  # fmt: skip
            await self.tell(event, assignment_id, **options)
        return assignment_id

    async def message(self, recipient: str = "caller", **options: Any) -> UUID:
        message_id: UUID = new_id()
        event = notify.MessagePlanned(
            call_id=self.id, recipient_kind=recipient, message_class="emergency", at=now_utc(), channel="sms",
            send_at=now_utc(), private=notify.MessagePlanned.Private(template="received"),
        )  # fmt: skip
        await self.tell(event, message_id, **options)
        return message_id


def somsri(**changes: Any) -> dict[str, Any]:
    return {"name": "นางสมศรี ใจดี", "national_id": cid(1), "age": 76, "sex": "female", **changes}


OFFICER = "registry_officer"


GOES = str(new_id())
"""Somebody who goes to people's homes."""


async def goes_to(running: Running, person_id: UUID | str) -> dict[str, str]:
    """Claims of somebody who goes to this person, of whose care group they are."""
    await running.sql(
        """with g as (insert into care_group values ($1, 'kalasin', 'กลุ่มดูแล', now()) on conflict do nothing),
        m as (insert into care_group_member values ($1, $1, 'x') on conflict do nothing)
        insert into care_group_patient values ($1, $2) on conflict do nothing""",
        UUID(GOES), UUID(str(person_id)),
    )  # fmt: skip
    return {"crew_id": GOES}


async def person_of(registry: Running, call: Call, patient_id: UUID | None = None) -> UUID:
    """Whom the call's (first) patient was found to be."""
    rows = await registry.sql(
        "select person_id from call_person where call_id = $1 and patient_id = $2",
        call.id,
        patient_id or call.patient_id,
    )
    assert len(rows) == 1
    found: UUID = rows[0]["person_id"]
    return found


async def read(registry: Running, path: str, role: str = OFFICER, **claims: Any) -> dict[str, Any]:
    answer = await registry.client.get(path, headers=bearer(role, **claims))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def history(registry: Running, person_id: UUID, role: str = OFFICER, **claims: Any) -> list[dict[str, Any]]:
    """The whole history, newest first, page by page."""
    lines: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = await read(registry, f"/v1/persons/{person_id}/history?limit=50{cursor}", role, **claims)
        lines += page["items"]
        if page["next"] is None:
            return lines
        cursor = f"&cursor={page['next']}"


async def search(registry: Running, role: str = OFFICER, **body: Any) -> list[dict[str, Any]]:
    answer = await registry.client.post("/v1/persons/search", json=body, headers=bearer(role))
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def add(registry: Running, role: str = OFFICER, **body: Any) -> UUID:
    """A person registered at the desk."""
    answer = await registry.client.post("/v1/persons", json=body, headers=bearer(role))
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["id"])
