"""An outsider with nothing but a credentials file: asks for a call, hears what is allowed, and nothing after removal."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any
from uuid import UUID

import nats
import nats.errors
import pytest
from nats.aio.client import Client

from tests.journeys.terminal import Listener, command, file_of, karuna, listening
from tests.journeys.town import PATIENCE_S, Town, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_outsider_in_and_out(town: Town, tmp_path: Path) -> None:
    allowed = ("--allow", "karuna.kalasin.dispatch.>", "--inbox-calls", "kalasin")
    code, said = await command(town, "-m", "karuna", "subscriber", "add", "demo", *allowed)
    assert code == 0, said

    code, number = await command(town, "examples/partner_call.py", str(file_of(town, "demo")), "examples/call.json")
    assert code == 0, number
    found = await town.ask(
        "intake", "POST", "/v1/calls/search", role="call_taker", body={"number": number.strip().splitlines()[-1]}
    )
    call_id = found["items"][0]["id"]
    assert found["items"][0]["channel"] == "topic"
    [brought] = await town.sql("intake", "select taken_by from call where id = $1", UUID(call_id))
    assert f"demo {brought['taken_by']}: " in (await karuna(town, "subscriber", "list"))[1]
    trip = await town.trip(call_id, lambda trip: bool(trip["assignments"]))

    async with listening(town, "demo") as demo:
        await demo.heard(trip["id"])
        await town.local.nats.kill()
        await town.local.nats.start()
        await town.drive(trip["assignments"][0]["id"])
        await demo.heard("assignment.cleared.v1")
        assert all(" th.karuna.dispatch." in line for line in demo.lines)
        assert not any("examples" in line or "สมมติ ตัวอย่าง" in line for line in demo.lines)
        await _refused_everything_else(town)
        await _removed_for_good(town, demo, tmp_path)


async def _removed_for_good(town: Town, demo: Listener, safe: Path) -> None:
    """Its connection is closed at once, and what it has kept opens nothing, now and after the server's next start."""
    mine = json.loads(file_of(town, "demo").read_text("utf-8"))
    kept = shutil.copy(file_of(town, "demo").with_suffix(".creds"), safe)
    await _knock(mine, kept)

    code, said = await karuna(town, "subscriber", "remove", "demo")
    assert code == 0, said
    assert not file_of(town, "demo").exists()
    async with asyncio.timeout(PATIENCE_S):
        assert await demo.process.wait() != 0
    for restarted in (False, True):
        if restarted:
            await town.local.nats.kill()
            await town.local.nats.start()
        with pytest.raises(nats.errors.Error, match=r"(?i)authorization"):
            await _knock(mine, kept)


async def _knock(mine: dict[str, Any], creds: Path) -> None:
    """Connect and go away again."""
    client = Client()
    try:
        await client.connect(
            mine["server"], user_credentials=str(creds), inbox_prefix=mine["inbox_prefix"].encode(),
            allow_reconnect=False, connect_timeout=30,
        )  # fmt: skip
    finally:
        await client.close()  # a refused client leaves its socket open


async def _refused_everything_else(town: Town) -> None:
    mine = json.loads(file_of(town, "demo").read_text("utf-8"))
    told: list[str] = []

    async def refused(error: Exception) -> None:
        told.append(str(error).lower())

    client = await nats.connect(
        mine["server"], user_credentials=str(file_of(town, "demo").with_suffix(".creds")),
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
