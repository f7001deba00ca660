"""What is not well at the broker is said by ``/readyz`` and the figures, and takes no service out of work."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from nats.aio.client import Client

from karuna.platform.provision import call, provision
from shared import api, figures, standing
from shared.service import Runtime
from shared.streams import DEFAULT_MAX_BYTES
from shared.work import new_id
from tests.core.conftest import Pair
from tests.core.test_figures import value
from tests.core.test_hop import ME
from tests.core.toy.services import say_some
from tests.patience import PATIENCE_S

MORE_THAN_FITS = 30


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "EVERY_S", 0.05)


@pytest_asyncio.fixture
async def running(pair: Pair) -> AsyncIterator[tuple[Runtime, Client]]:
    async with pair.running("registry") as (runtime,), pair.broker.connected("provisioner") as client:
        await told(runtime, [])
        yield runtime, client


async def ready(runtime: Runtime) -> httpx.Response:
    app = FastAPI()
    app.include_router(api.router)
    app.state.runtime = runtime
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.get("/readyz")


async def told(runtime: Runtime, wanted: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Wait until exactly these are warned of by a service that is ready."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            answer = await ready(runtime)
            body = answer.json()
            found: list[dict[str, Any]] = body["warnings"]
            if body["ready"] and [(each["code"], each["of"]) for each in found] == wanted:
                assert answer.status_code == httpx.codes.OK
                return found
            await asyncio.sleep(0.05)


def in_both(said: dict[str, Any], word: str) -> None:
    assert word in said["th"]
    assert word in said["en"]
    assert re.search("[ก-๙]", said["th"])
    assert not re.search("[ก-๙]", said["en"])


async def test_a_durable_that_is_gone_is_named_until_it_is_back(running: tuple[Runtime, Client]) -> None:
    runtime, client = running
    await call(client, "$JS.API.CONSUMER.DELETE.INTAKE.registry")
    [said] = await told(runtime, [("durable_missing", "INTAKE/registry")])
    in_both(said, "karuna streams provision")
    await figures.read(runtime)
    assert value("karuna_warning", what="durable_missing", of="INTAKE/registry") == 1
    assert value("karuna_ready") == 1
    await provision(client)
    await told(runtime, [])
    await figures.read(runtime)
    assert value("karuna_warning", what="durable_missing", of="INTAKE/registry") is None

    await call(client, "$JS.API.CONSUMER.PAUSE.INTAKE.registry", b'{"pause_until": "9999-01-01T00:00:00Z"}')
    [said] = await told(runtime, [("durable_paused", "INTAKE/registry")])
    in_both(said, "karuna streams provision")


async def test_a_stream_that_is_gone_is_named(running: tuple[Runtime, Client]) -> None:
    runtime, client = running
    await call(client, "$JS.API.STREAM.DELETE.REGISTRY")
    [said] = await told(runtime, [("stream_missing", "REGISTRY")])
    in_both(said, "karuna streams rebuild REGISTRY")


async def test_a_full_stream_is_named_while_calls_are_taken(pair: Pair) -> None:
    async with pair.running("intake") as (runtime,), pair.broker.connected("provisioner") as client:
        await told(runtime, [])
        await provision(client, max_bytes=7_000)
        async with runtime.work(ME) as work:
            for _ in range(MORE_THAN_FITS):
                await say_some(work, new_id(), 1)
        [said] = await told(runtime, [("stream_full", "INTAKE")])
        in_both(said, "KARUNA_STREAM_MAX_BYTES")
        assert runtime.seen == (), "it is the sender who is told"
        await provision(client, max_bytes=DEFAULT_MAX_BYTES)
        await told(runtime, [])


async def test_who_does_not_send_sees_that_nothing_more_fits(
    running: tuple[Runtime, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime, _ = running
    for left, wanted in ((2 << 20, []), (1000, [("stream_full", "REGISTRY")])):
        info = {"config": {"max_bytes": DEFAULT_MAX_BYTES}, "state": {"bytes": DEFAULT_MAX_BYTES - left}}

        async def ask(_: Runtime, __: str, info: dict[str, Any] = info) -> dict[str, Any]:
            return info

        monkeypatch.setattr(standing, "_ask", ask)
        await told(runtime, wanted)
