"""Every request leaves one line in the log: what was asked by its route, how it ended, how long it took, its trace."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from shared.work import new_id
from tests.core.conftest import PACKAGE
from tests.core.toy.services import HEARER
from tests.harness import Running, bearer, service_running
from tests.platform_fixtures import MakeDatabase

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest_asyncio.fixture
async def running(database: MakeDatabase, tmp_path: Path) -> AsyncIterator[Running]:
    made = await database("registry", package=PACKAGE)
    async with service_running(HEARER, made.dsn, tmp_path) as started:
        yield started


async def lines_of(running: Running, method: str, path: str) -> list[dict[str, Any]]:
    headers = {**bearer("admin"), "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    with capture_logs(processors=[merge_contextvars]) as told:
        await running.client.request(method, path, headers=headers)
    return [dict(line) for line in told if line["event"] == "http.request"]


async def test_a_request_is_told_by_its_route_and_by_nothing_of_anybody(running: Running) -> None:
    for method, path, route, status in (
        ("GET", "/v1/dead-letters?name=0898765432", "/v1/dead-letters", 200),
        ("GET", f"/v1/dead-letters/{new_id()}?q=0898765432", "/v1/dead-letters/{letter_id}", 404),
        ("GET", "/v1/people/0898765432", "unknown", 404),
        ("SOMPONG", "/v1/dead-letters", "/v1/dead-letters", 405),
    ):
        [line] = await lines_of(running, method, path)
        assert (line["route"], line["status"], line["trace_id"]) == (route, status, TRACE)
        assert line["method"] == ("GET" if method == "GET" else "other")
        assert 0 <= line["ms"] < 60_000
        assert set(line) == {"event", "log_level", "method", "route", "status", "ms", "trace_id"}
        assert "0898765432" not in str(line)


async def test_what_machines_ask_every_few_seconds_is_not_told(running: Running) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert await lines_of(running, "GET", path) == []
