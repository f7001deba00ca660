"""The examples do what they say, as programs of their own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest_asyncio
from nats.aio.msg import Msg

from karuna.platform.grants import grant
from karuna.platform.home import Home
from karuna.subscribers import Subscribers
from shared.streams import open_subject
from tests.patience import PATIENCE_S
from tests.platform_fixtures import Broker, settle

EXAMPLES = Path(__file__).parents[2] / "examples"
TRIP = UUID(int=7)


@pytest_asyncio.fixture
async def subscribers(streams: Broker) -> AsyncIterator[Subscribers]:
    home = Home(streams.accounts.folder.parent)
    home.create()
    made = Subscribers(home, streams.accounts, streams.url)
    yield made
    await streams.start()
    for subscriber in made.all():
        await made.remove(subscriber.name)


@asynccontextmanager
async def example(name: str, *arguments: str | Path) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLES / name),
        *map(str, arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def say(broker: Broker, event: str) -> None:
    envelope = {
        "time": "2026-01-01T00:00:00Z",
        "type": f"th.karuna.dispatch.trip.{event}.v1",
        "subject": f"trip/{TRIP}",
    }
    async with broker.connected("dispatch") as client:
        body = json.dumps({**envelope, "data": {}}).encode()
        await client.jetstream(timeout=PATIENCE_S).publish(
            open_subject("kalasin", "dispatch", "trip", TRIP, event), body
        )


async def heard(process: asyncio.subprocess.Process) -> str:
    assert process.stdout
    line = await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)
    return line.decode().split()[1].split(".")[-2]


async def test_the_subscriber_replays_goes_on_survives_a_restart_and_ends_when_removed(
    streams: Broker, subscribers: Subscribers
) -> None:
    await say(streams, "requested")
    await subscribers.add(grant("demo", ("karuna.kalasin.dispatch.>",)))
    file = subscribers.creds("demo").with_suffix(".json")
    async with example("subscriber.py", file) as listening:
        assert await heard(listening) == "requested"
        await say(streams, "planned")
        assert await heard(listening) == "planned"
        await streams.kill()
        await streams.start()
        await say(streams, "completed")
        # what was not yet acknowledged for good comes once more
        while (event := await heard(listening)) != "completed":
            assert event in {"requested", "planned"}
    async with example("subscriber.py", file, "--again") as listening:
        assert [await heard(listening) for _ in range(3)] == ["requested", "planned", "completed"]
        await subscribers.remove("demo")
        assert await asyncio.wait_for(listening.wait(), PATIENCE_S) == 1


async def test_the_partner_gets_a_number_or_the_reason(
    streams: Broker, subscribers: Subscribers, tmp_path: Path
) -> None:
    await subscribers.add(grant("hospital", inbox_calls=("kalasin",)))
    file = subscribers.creds("hospital").with_suffix(".json")
    (call := tmp_path / "call.json").write_text('{"complaint": "หกล้ม"}')
    keys = []

    async def answer(message: Msg) -> None:
        keys.append((message.headers or {})["Idempotency-Key"])
        assert json.loads(message.data) == {"complaint": "หกล้ม"}
        refusal = {"th": "ไม่รู้จักสถานที่", "en": "no place", "status": 422}
        await message.respond(json.dumps({"number": "K-1"} if keys[-1] == "good" else refusal).encode())

    async def ask(key: str) -> tuple[int | None, str, str]:
        async with example("partner_call.py", file, call, key) as partner:
            out, error = await partner.communicate()
            return partner.returncode, out.decode().strip(), error.decode()

    async with streams.connected("intake") as intake:
        await intake.subscribe("karuna.*.inbox.calls", cb=answer)
        await settle(intake)
        assert (await ask("good"))[:2] == (0, "K-1")
        code, out, error = await ask("bad")
        assert (code, out) == (1, "")
        assert "ไม่รู้จักสถานที่ / no place" in error
    code, _, error = await ask("later")
    assert code == 2
    assert "same key" in error
    assert keys == ["good", "bad"]
