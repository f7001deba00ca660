"""A whole installation as people meet it: tokens, telephones, a clock that can be moved, and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx

from karuna.local import Local
from karuna.platform.files import write_private
from karuna.platform.home import Home, Ports
from karuna.seed import seed, seed_id
from karuna.up import installation
from services.notify.rules.postback import data_of
from shared.auth import Role
from shared.events.words import Answer
from shared.streams import HEARS, SERVICES
from tests.platform_fixtures import free_port

AREA = "kalasin"
STEPS = ("en_route", "at_scene", "left_scene", "at_destination", "clear", "at_base")
PATIENCE_S = 90.0
"""So long anything may take before a test calls it hung. Whatever promises a time has a limit of its own."""


def free_home(folder: Path) -> Home:
    """A home whose every port is a free one, so that it stands beside whatever else runs here."""
    home = Home(folder)
    home.create()
    ports: dict[str, int] = {}
    for field in fields(Ports):
        while (port := free_port()) in ports.values():
            continue
        ports[field.name] = port
    write_private(folder / "ports.json", json.dumps(asdict(Ports(**ports))))
    return home


@asynccontextmanager
async def whole_system(folder: Path) -> AsyncIterator[Local]:
    """Broker, database, four services, simulated LINE and SMS, and the seeded municipality."""
    async with installation(free_home(folder)) as local:
        await seed(local, AREA)
        yield local


UNDER_WAY = """
select 1 from trip where ended_at is null and now_at is not null
union all select 1 from run where status = 'open'
union all select 1 from due where kind in ('serve_queue', 'order_timeout', 'order_expires', 'proposal_timeout')
"""


class Town:
    """What a test does with an installation."""

    def __init__(self, local: Local, client: httpx.AsyncClient) -> None:
        self.local = local
        self.client = client

    # --- the services ----------------------------------------------------------------------------------------

    def headers(
        self, role: str, *, purpose: str = "care", areas: tuple[str, ...] = (AREA,), **claims: Any
    ) -> dict[str, str]:
        token = self.local.issuer.token(Role(role), areas=list(areas), **claims)
        return {"authorization": f"Bearer {token}", "karuna-purpose": purpose}

    async def ask(
        self,
        service: str,
        method: str,
        path: str,
        *,
        role: str,
        body: Any = None,
        status: int | None = None,
        **more: Any,
    ) -> Any:
        """The decoded answer, which must be ``status`` (left out: any 2xx)."""
        headers = {**self.headers(role, **more.pop("claims", {})), **more.pop("headers", {})}
        answer = await self.client.request(method, self.local.url(service) + path, json=body, headers=headers, **more)
        wanted = answer.is_success if status is None else answer.status_code == status
        assert wanted, f"{method} {path}: {answer.status_code} {answer.text[:600]}"
        return answer.json() if answer.content else None

    async def take(self, body: dict[str, Any], **options: Any) -> dict[str, Any]:
        """``POST /v1/calls`` by a call taker."""
        headers = {"Idempotency-Key": options.pop("key", uuid4().hex)}
        answer: dict[str, Any] = await self.ask(
            "intake", "POST", "/v1/calls", role="call_taker", body=body, headers=headers, **options
        )
        return answer

    async def trips(self, call_id: str) -> list[dict[str, Any]]:
        answer = await self.ask("dispatch", "GET", f"/v1/trips?call_id={call_id}", role="dispatcher")
        trips: list[dict[str, Any]] = answer["items"]
        return trips

    async def trip(self, call_id: str, ready: Callable[[dict[str, Any]], bool] = bool) -> dict[str, Any]:
        """The first trip of the call, as soon as it is ``ready``."""

        async def found() -> dict[str, Any] | None:
            return next((trip for trip in await self.trips(call_id) if ready(trip)), None)

        return await eventually(found)

    async def messages(self, call_id: str) -> list[dict[str, Any]]:
        answer = await self.ask("notify", "GET", f"/v1/messages?call_id={call_id}", role="dispatcher")
        items: list[dict[str, Any]] = answer["items"]
        return items

    def unit(self, code: str) -> str:
        return str(seed_id(AREA, "unit", code))

    # --- the databases ---------------------------------------------------------------------------------------

    async def sql(self, service: str, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.local.postgres.owner_dsn(service))
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()

    async def time_passes(self, service: str, kind: str, subject_id: Any = None) -> None:
        """Let everything of ``kind`` (about one thing, if named) be due now."""
        moved = "update due set due_at = clock_timestamp() where kind = $1 and ($2::uuid is null or subject_id = $2)"
        await self.sql(service, moved, kind, subject_id)

    async def line_unseen(self, call_id: str) -> None:
        """Nobody looks at LINE: whatever else would be tried for this call later is tried now."""
        sooner = (
            "update attempt set due_at = clock_timestamp() where state = 'ready' and due_at > clock_timestamp() "
            "and message_id in (select id from message where call_id = $1)"
        )
        await self.sql("notify", sooner, UUID(call_id))

    async def nobody_is_under_way(self) -> None:
        """Wait until no trip of today is open and no timer of an order runs: nothing of this strikes a later test."""

        async def none() -> bool:
            return not await self.sql("dispatch", UNDER_WAY)

        await eventually(none)

    async def duty(self, unit_id: str, *, on: bool) -> None:
        body = {"on": on, "confirm": not on}  # rides that others have left behind do not keep it on duty
        await self.ask("dispatch", "POST", f"/v1/units/{unit_id}/duty", role="dispatcher", body=body)

    # --- telephones ------------------------------------------------------------------------------------------

    @property
    def line_url(self) -> str:
        return f"http://127.0.0.1:{self.local.ports.line}"

    @property
    def sms_url(self) -> str:
        return f"http://127.0.0.1:{self.local.ports.sms}"

    async def inbox(self, via: str = "line", after: int = 0) -> list[dict[str, Any]]:
        """What telephones show, oldest first."""
        url = self.line_url if via == "line" else self.sms_url
        items: list[dict[str, Any]] = (await self.client.get(f"{url}/inbox.json?after={after}")).json()["items"]
        return items

    async def received(
        self, wanted: Callable[[dict[str, Any]], bool], via: str = "line", after: int = 0
    ) -> dict[str, Any]:
        """The first message that is ``wanted``, as soon as it came."""

        async def found() -> dict[str, Any] | None:
            return next((entry for entry in await self.inbox(via, after) if wanted(entry)), None)

        return await eventually(found)

    async def press(self, entry: dict[str, Any], step: str) -> None:
        """Press the button of a LINE message."""
        data = next(b["data"] for b in entry["buttons"] if b["data"].endswith(f".{step}"))
        answer = await self.client.post(f"{self.line_url}/_control/users/{entry['to']}/postback", json={"data": data})
        assert set(answer.json()["statuses"]) == {200}, answer.text

    async def press_when_asked(self, assignment_id: str, step: str) -> dict[str, Any]:
        """Wait until somebody is asked to press ``step`` for this assignment, and press."""

        async def asked() -> dict[str, Any] | None:
            rows = await self.sql("notify", "select id from message where assignment_id = $1", UUID(assignment_id))
            buttons = {data_of(row["id"], Answer(step)) for row in rows}
            shown = (entry for entry in await self.inbox() if any(b["data"] in buttons for b in entry["buttons"]))
            return next(shown, None)

        entry: dict[str, Any] = await eventually(asked)
        await self.press(entry, step)
        return entry

    async def drive(self, assignment_id: str, steps: tuple[str, ...] = ("accept", *STEPS)) -> None:
        """The crew does it all by LINE."""
        for step in steps:
            await self.press_when_asked(assignment_id, step)


@asynccontextmanager
async def town_of(local: Local) -> AsyncIterator[Town]:
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        yield Town(local, client)


async def eventually(look: Callable[[], Awaitable[Any]], within_s: float = PATIENCE_S) -> Any:
    """What ``look`` finds, as soon as it finds something.

    Raises:
        TimeoutError: not within ``within_s``.

    """
    async with asyncio.timeout(within_s):
        while not (found := await look()):
            await asyncio.sleep(0.05)
        return found


async def heard_all(town: Town) -> bool:
    """Whether every aggregate a service listens to stands there as far as its owner has said."""
    said = {
        (row["noun"], row["id"]): row["seq"]
        for service in SERVICES
        for row in await town.sql(service, "select noun, id, seq from aggregate")
    }
    for service, heard in HEARS.items():
        nouns = {noun for nouns in heard.values() for noun in nouns}
        cursors = {
            (row["noun"], row["aggregate_id"]): row["seq"] for row in await town.sql(service, "select * from cursor")
        }
        if any(cursors.get(key, 0) < seq for key, seq in said.items() if key[0] in nouns):
            return False
    return True


__all__ = [
    "AREA",
    "PATIENCE_S",
    "SERVICES",
    "STEPS",
    "Town",
    "eventually",
    "free_home",
    "heard_all",
    "town_of",
    "whole_system",
]
