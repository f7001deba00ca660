"""Intake in the test's own process, on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from services.intake.app import SERVICE
from tests.harness import Running, bearer, service_running
from tests.platform_fixtures import MakeDatabase


@pytest_asyncio.fixture
async def intake(database: MakeDatabase, tmp_path: Path) -> AsyncIterator[Running]:
    made = await database("intake")
    async with service_running(SERVICE, made.dsn, tmp_path) as running:
        yield running


DESK = bearer("call_taker")


async def take(intake: Running, headers: dict[str, str] | None = None, **body: Any) -> dict[str, Any]:
    """A call taken at the desk; the answer."""
    answer = await intake.client.post("/v1/calls", json=body, headers=headers or bearer("call_taker"))
    assert answer.status_code == 201, answer.text
    taken: dict[str, Any] = answer.json()
    return taken
