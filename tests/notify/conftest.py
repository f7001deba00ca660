"""Notify in the test's own process: a real database, a LINE and an SMS centre that remember, real sockets between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest_asyncio
from pydantic import SecretStr

from karuna.simulate.inbox import Entry
from karuna.simulate.line_server import RunningLine, line_server
from karuna.simulate.line_world import Channel, LineWorld
from karuna.simulate.serving import listening, serving
from karuna.simulate.smsc import Smsc
from services.notify import house
from services.notify.app import SERVICE
from services.notify.beside import run_senders, sweep, sweep_once
from shared.events.dispatch import (
    AssignmentAccepted,
    AssignmentCrewChanged,
    AssignmentOffered,
    AssignmentOrdered,
    AssignmentReleased,
    CrewRegistered,
    TripRequested,
    UnitOnDuty,
)
from shared.events.intake import Appointment, Caller, CallReceived, Location, Patient
from shared.work import new_id, now_utc
from tests.harness import AREA, Running, call_origin, service_running
from tests.patience import PATIENCE_S
from tests.platform_fixtures import MakeDatabase

MIDNIGHT = time(0)
A_LONG_TIME = timedelta(minutes=10)
TOKEN, SECRET = "line-token", "line-secret"
PATIENT_NAME = "นางสาวสมศรี ทองแท้"


def line_id(number: int) -> str:
    return f"U{number:032x}"


def phone(number: int) -> str:
    return f"+6681{number:07d}"


@dataclass
class Call:
    """A call as it was emitted, with everything tests want to name."""

    id: UUID
    patient_id: UUID
    trip_id: UUID
    unit_id: UUID
    origin: Any
    number: str
    lane: str = "emergency"
    severity: str = "red"
    crew_ids: tuple[UUID, ...] = ()
    assignment_id: UUID = field(default_factory=new_id)

    def about(self, **changes: Any) -> dict[str, Any]:
        """The fields every event of the assignment has."""
        return {
            "call_id": self.id,
            "patient_id": self.patient_id,
            "trip_id": self.trip_id,
            "unit_id": self.unit_id,
            "role": "primary",
            "lane": self.lane,
            "severity": self.severity,
            "severity_scheme": "cbd",
            "crew_ids": self.crew_ids,
            "at": now_utc(),
            "by": "system",
            **changes,
        }


@dataclass
class Town:
    """The service, what people's phones hold, and what the other services say."""

    service: Running
    line: RunningLine
    smsc: Smsc
    url: str
    app: Any
    dsn: str
    channels_file: Path
    jobs: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def client(self) -> httpx.AsyncClient:
        return self.service.client

    # --- the senders ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Let the senders and the sweeper run, as beside every process."""
        self.jobs += [asyncio.create_task(job(self.service.runtime)) for job in (run_senders, sweep)]

    async def stop(self) -> None:
        for job in self.jobs:
            job.cancel()
        await asyncio.gather(*self.jobs, return_exceptions=True)
        self.jobs.clear()

    async def sweep(self) -> None:
        await sweep_once(self.service.runtime)

    # --- what others say -----------------------------------------------------------------------------------

    async def crew(self, number: int, *, line: bool = True, sms: bool = True, **more: Any) -> UUID:
        crew_id = new_id()
        private = CrewRegistered.Private(
            name=f"สมชาย {number}",
            line_user_id=line_id(number) if line else None,
            phone=phone(number) if sms else None,
            **more,
        )
        event = CrewRegistered(kind="staff", active=True, at=now_utc(), private=private)
        await self.service.emit(crew_id, event, call_origin(crew_id))
        return crew_id

    async def call(self, *crew_ids: UUID, caller: dict[str, Any] | None = None, **changes: Any) -> Call:
        """A call with one patient, one trip and a unit with these crew members on duty."""
        call_id, lane = new_id(), changes.pop("lane", "emergency")
        origin = call_origin(call_id, **{n: changes.pop(n) for n in ("protected", "exercise", "area") if n in changes})
        call = Call(call_id, new_id(), new_id(), new_id(), origin, f"KLS-{call_id.hex[-6:]}", lane, crew_ids=crew_ids)
        visit, location = changes.pop("appointment", None), Location(**changes.pop("location", {}))
        if isinstance(visit, datetime):
            visit = Appointment(at=visit, return_trip=True)
        event = CallReceived(
            number=call.number, kind="medical", lane=lane, severity=changes.pop("severity", call.severity),
            severity_scheme="cbd", channel="phone", received_at=now_utc(), patient_count=1, **changes,
            private=CallReceived.Private(
                caller=Caller(**(caller or {})), patients=(Patient(patient_id=call.patient_id, name=PATIENT_NAME),),
                tracking_code="ABCD-EFGH", complaint="เจ็บหน้าอก", location=location,
                appointment=visit,
            ),
        )  # fmt: skip
        call.severity = event.severity.value
        await self.service.emit(call_id, event, origin)
        await self.trip(call, arrive_by_at=visit.at if visit else None)
        if crew_ids:
            duty = UnitOnDuty(vehicle_id=new_id(), crew_ids=crew_ids, level="bls", at=now_utc())
            await self.service.emit(call.unit_id, duty, call_origin(call.unit_id))
        return call

    async def trip(self, call: Call, **changes: Any) -> None:
        event = TripRequested(
            call_id=call.id, patient_id=call.patient_id, kind="medical", leg="outbound", lane=call.lane,
            severity=call.severity, severity_scheme="cbd", at=now_utc(), **changes,
        )  # fmt: skip
        await self.service.emit(call.trip_id, event, call.origin)

    async def order(self, call: Call, **changes: Any) -> None:
        event = AssignmentOrdered(
            **call.about(**changes), leg="outbound", respond_by_at=now_utc() + timedelta(seconds=30)
        )
        await self.service.emit(call.assignment_id, event, call.origin)

    async def offer(self, call: Call, pickup_at: datetime, **changes: Any) -> None:
        about = {"leg": "outbound", "pickup_at": pickup_at, "start_at": pickup_at, **changes}
        event = AssignmentOffered(**call.about(**about))
        await self.service.emit(call.assignment_id, event, call.origin)

    async def accepted(self, call: Call, crew_id: UUID | None = None) -> None:
        event = AssignmentAccepted(**call.about(crew_id=crew_id, by="person", previous_status="ordered"))
        await self.service.emit(call.assignment_id, event, call.origin)

    async def taken_over(self, call: Call, status: str, *crew_ids: UUID) -> None:
        """The next shift is on the unit."""
        event = AssignmentCrewChanged(
            **call.about(crew_ids=crew_ids, previous_status=status), status=status,
            respond_by_at=now_utc() + timedelta(seconds=30),
        )  # fmt: skip
        await self.service.emit(call.assignment_id, event, call.origin)

    async def released(self, call: Call, reason: str = "another_accepted") -> None:
        event = AssignmentReleased(
            **call.about(previous_status="ordered"), private=AssignmentReleased.Private(reason=reason)
        )
        await self.service.emit(call.assignment_id, event, call.origin)

    async def step(self, event: type[Any], call: Call, **changes: Any) -> None:
        await self.service.emit(call.assignment_id, event(**call.about(**changes)), call.origin)

    # --- what people see and do ------------------------------------------------------------------------------

    async def chat(self, number: int, count: int = 1, within_s: float = PATIENCE_S) -> list[Entry]:
        """What this LINE user has got, once it is at least ``count`` messages."""
        user, inbox = line_id(number), self.line.world.inbox
        await inbox.wait(lambda box: len(seen(box, user)) >= count, within_s)
        return seen(inbox, user)

    async def texts(self, number: int, count: int = 1, within_s: float = PATIENCE_S) -> list[Entry]:
        """What this telephone has got by SMS."""
        to, inbox = phone(number)[1:], self.smsc.inbox
        await inbox.wait(lambda box: len(_whole(box, to)) >= count, within_s)
        return _whole(inbox, to)

    async def press(self, number: int, button: dict[str, str], **body: Any) -> dict[str, Any]:
        return await self.line.people.act(line_id(number), "postback", {"data": button["data"], **body}, _now_s())

    async def write(self, number: int, text: str, **body: Any) -> dict[str, Any]:
        return await self.line.people.act(line_id(number), "text", {"text": text, **body}, _now_s())

    async def act(self, number: int, kind: str, **body: Any) -> dict[str, Any]:
        return await self.line.people.act(line_id(number), kind, body, _now_s())

    # --- what notify keeps -----------------------------------------------------------------------------------

    async def messages(self, **columns: Any) -> list[Any]:
        where = " and ".join(f"{name} = ${place}" for place, name in enumerate(columns, 1)) or "true"
        return await self.service.sql(f"select * from message where {where} order by id", *columns.values())

    async def attempts(self, message_id: UUID) -> list[Any]:
        return await self.service.sql("select * from attempt where message_id = $1 order by number", message_id)

    async def until(self, enough: Callable[[], Any], within_s: float = PATIENCE_S) -> None:
        """Until ``await enough()`` is true: for what stands in the database only."""
        async with asyncio.timeout(within_s):
            while not await enough():
                await asyncio.sleep(0.02)

    async def status(self, message_id: UUID, wanted: str, within_s: float = PATIENCE_S) -> None:
        async def there() -> bool:
            rows = await self.messages(id=message_id)
            return bool(rows[0]["status"] == wanted)

        await self.until(there, within_s)

    async def said(self, name: str) -> list[Any]:
        return await self.service.said(f"notify.{name}")


def seen(inbox: Any, to: str) -> list[Entry]:
    return [entry for entry in inbox.after(0) if entry.to == to]


def _whole(inbox: Any, to: str) -> list[Entry]:
    """SMS of which every part has come."""
    return [entry for entry in seen(inbox, to) if "…" not in entry.text]


def _now_s() -> float:
    return datetime.now(UTC).timestamp()


def channels(line_url: str, smsc_port: int, **line: Any) -> dict[str, Any]:
    """What ``KARUNA_CHANNELS_FILE`` holds."""
    return {
        "areas": {
            AREA: {
                "line": {
                    "base_url": line_url, "access_token": TOKEN, "channel_secrets": [SECRET], "timeout_s": 5.0,
                    **line,
                },
                "sms": {
                    "kind": "smpp", "provider": "smsc", "host": "127.0.0.1", "port": smsc_port, "system_id": "karuna",
                    "password": "secret", "sender": "KARUNA",
                },
            }
        },
        "receipt_secrets": {},
    }  # fmt: skip


@asynccontextmanager
async def a_town(
    database: MakeDatabase, folder: Path, line: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[Town]:
    """``line`` are settings of the LINE account, ``settings`` those of the service."""
    made = await database("notify")
    channel = Channel(TOKEN, SECRET)
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(line_server(LineWorld(channel)))
        smsc = await stack.enter_async_context(Smsc({"karuna": SecretStr("secret")}))
        file = folder / "channels.json"
        file.write_text(json.dumps(channels(world.url, smsc.port, **(line or {}))))
        service = await stack.enter_async_context(
            service_running(SERVICE, made.dsn, folder, channels_file=file, pool_size=10, **settings)
        )
        # Tests run at any hour of the day; who tests the night makes one (``test_public.night``).
        # And as slowly as the machine wills: nobody is told by SMS as well because a test took its time.
        patient = replace(house.policy(AREA), quiet_from=MIDNIGHT, quiet_until=MIDNIGHT, emergency_wait=A_LONG_TIME)
        house.settle({AREA: patient})
        app = service.client._transport.app  # type: ignore[attr-defined]
        url = await stack.enter_async_context(serving(app, listening()))
        channel.webhook_url = f"{url}/v1/line/{AREA}/webhook"
        town = Town(service, world, smsc, url, app, made.dsn, file)
        try:
            yield town
        finally:
            await town.stop()


@pytest_asyncio.fixture
async def town(database: MakeDatabase, tmp_path: Path) -> AsyncIterator[Town]:
    """Everything runs."""
    async with a_town(database, tmp_path) as made:
        made.start()
        yield made


@pytest_asyncio.fixture
async def quiet_town(database: MakeDatabase, tmp_path: Path) -> AsyncIterator[Town]:
    """The senders are not started yet: what is planned stays where it is until ``start()``."""
    async with a_town(database, tmp_path) as made:
        yield made
