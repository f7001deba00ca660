"""An outsider with nothing but a credentials file: asks for a call, hears what is allowed, and nothing after removal."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import pytest

from karuna.local import ROOT
from tests.journeys.town import Town, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")
PYTHON = sys.executable


async def command(town: Town, *arguments: str) -> tuple[int, str]:
    """Run a program as somebody at a terminal would; gives exit code and what it printed."""
    env = {**os.environ, "KARUNA_HOME": str(town.local.home.path)}
    process = await asyncio.create_subprocess_exec(
        PYTHON, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=env, cwd=ROOT
    )
    try:
        async with asyncio.timeout(40):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, out.decode()


@asynccontextmanager
async def listening(town: Town, name: str) -> AsyncIterator[list[str]]:
    """``examples/subscriber.py`` with the lines it printed so far."""
    lines: list[str] = []
    process = await asyncio.create_subprocess_exec(
        PYTHON, "examples/subscriber.py", str(_file(town, name)), stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL, cwd=ROOT,
    )  # fmt: skip

    async def read() -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            lines.append(line.decode())  # noqa: PERF401 they are looked at while they come

    reading = asyncio.create_task(read())
    try:
        yield lines
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await reading


def _file(town: Town, name: str) -> Path:
    return town.local.home.subscribers / f"{name}.json"


async def test_an_outsider_in_and_out(town: Town) -> None:
    allowed = ("--allow", "karuna.kalasin.dispatch.>", "--inbox-calls", "kalasin")
    code, said = await command(town, "-m", "karuna", "subscriber", "add", "demo", *allowed)
    assert code == 0, said

    code, number = await command(town, "examples/partner_call.py", str(_file(town, "demo")), "examples/call.json")
    assert code == 0, number
    found = await town.ask(
        "intake", "POST", "/v1/calls/search", role="call_taker", body={"number": number.strip().splitlines()[-1]}
    )
    call_id = found["items"][0]["id"]
    assert found["items"][0]["channel"] == "topic"
    trip = await town.trip(call_id, lambda trip: bool(trip["assignments"]))

    async with listening(town, "demo") as lines:
        await eventually(lambda: _heard(lines, trip["id"]), 40)
        await town.local.nats.kill()
        await town.local.nats.start()
        await town.drive(trip["assignments"][0]["id"])
        await eventually(lambda: _heard(lines, "assignment.cleared.v1"), 40)
        assert all(" th.karuna.dispatch." in line for line in lines)
        assert not any("examples" in line or "สมมติ ตัวอย่าง" in line for line in lines)
    await _refused_everything_else(town)

    code, said = await command(town, "-m", "karuna", "subscriber", "remove", "demo")
    assert code == 0, said
    assert not _file(town, "demo").exists()


async def _heard(lines: list[str], text: str) -> bool:
    return any(text in line for line in lines)


async def _refused_everything_else(town: Town) -> None:
    mine = json.loads(_file(town, "demo").read_text("utf-8"))
    told: list[str] = []

    async def refused(error: Exception) -> None:
        told.append(str(error).lower())

    client = await nats.connect(
        mine["server"], user_credentials=str(_file(town, "demo").with_suffix(".creds")),
        inbox_prefix=mine["inbox_prefix"].encode(), error_cb=refused,
    )  # fmt: skip
    try:
        for subject in ("internal.>", "karuna.kalasin.intake.>", "karuna.>", "_INBOX.>", "$JS.API.>"):
            await client.subscribe(subject)
        for subject in (
            "internal.kalasin.intake.call.x.received.v1",
            "karuna.kalasin.dispatch.trip.x.queued.v1",
            "wake.intake",
        ):
            await client.publish(subject, b"{}")
        await client.flush()
        await client.flush()

        async def all_refused() -> bool:
            return sum("permissions violation" in text for text in told) >= 8

        await eventually(all_refused)
    finally:
        await client.close()
