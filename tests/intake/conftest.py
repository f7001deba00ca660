"""Intake in the test's own process, on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest_asyncio

from services.intake.app import SERVICE
from tests.harness import Running, bearer, service_running
from tests.platform_fixtures import MakeDatabase

INSIDE = {"lat": 16.434, "lon": 103.506}
OUTSIDE = {"lat": 16.60, "lon": 103.80}
PHONE = "081-234-5678"
E164 = "+66812345678"


@pytest_asyncio.fixture
async def intake(database: MakeDatabase, tmp_path: Path) -> AsyncIterator[Running]:
    made = await database("intake")
    async with service_running(SERVICE, made.dsn, tmp_path) as running:
        yield running


async def post(
    intake: Running, path: str, body: Any = None, role: str = "call_taker", headers: Any = None, **claims: Any
) -> httpx.Response:
    """POST as somebody of that role."""
    return await intake.client.post(path, json=body, headers={**bearer(role, **claims), **(headers or {})})


async def get(intake: Running, path: str, role: str = "call_taker", **claims: Any) -> httpx.Response:
    return await intake.client.get(path, headers=bearer(role, **claims))


async def take(intake: Running, role: str = "call_taker", headers: Any = None, **body: Any) -> dict[str, Any]:
    """A call taken; the answer."""
    answer = await post(intake, "/v1/calls", body, role, headers)
    assert answer.status_code == 201, answer.text
    taken: dict[str, Any] = answer.json()
    return taken


async def emergency(intake: Running, **body: Any) -> dict[str, Any]:
    return await take(intake, **{"lane": "emergency", "caller": {"phone": PHONE}, "location": INSIDE, **body})


async def booked(intake: Running, at: str, **body: Any) -> dict[str, Any]:
    appointment = {"at": at, "clinic": "ไตเทียม", **body.pop("appointment", {})}
    given = {"kind": "transfer", "caller": {"phone": PHONE}, "location": INSIDE, "appointment": appointment}
    return await take(intake, **{**given, **body})


async def acted(intake: Running, call_id: str | UUID, act: str, body: Any = None, role: str = "supervisor") -> Any:
    """Something done to a call; the answer."""
    answer = await post(intake, f"/v1/calls/{call_id}/{act}", body or {}, role)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def whole(intake: Running, call_id: str | UUID) -> dict[str, Any]:
    answer = await get(intake, f"/v1/calls/{call_id}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body
