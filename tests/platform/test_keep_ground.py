"""Broker and database that die under ``make run`` come back, with what lived in the broker's memory."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import nats
import nats.errors

from karuna.local import Local
from tests.journeys.town import free_home
from tests.patience import PATIENCE_S

POSITIONS = "$JS.API.STREAM.INFO.POSITIONS"


async def soon(probe: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await probe():
            await asyncio.sleep(0.05)


async def positions_are_there(local: Local) -> bool:
    try:
        client = await nats.connect(
            local.nats.url,
            user_credentials=str(local.accounts.creds("provisioner")),
            inbox_prefix=b"_INBOX.provisioner",
            max_reconnect_attempts=0,
            error_cb=_quiet,
        )
    except (OSError, nats.errors.Error):
        return False
    try:
        return b'"error"' not in (await client.request(POSITIONS, b"", timeout=2)).data
    except nats.errors.Error:
        return False
    finally:
        await client.close()


async def _quiet(_: Exception) -> None:
    """What fails is asked again."""


async def test_broker_and_database_that_die_are_started_again_and_furnished(tmp_path: Path) -> None:
    local, heard = Local(free_home(tmp_path / "home")), list[str]()
    await local.start_ground()
    keeping = asyncio.create_task(local.keep_ground(heard.append))
    await asyncio.sleep(0)
    try:
        broker, database = local.nats.process.pid, local.postgres.process.pid
        os.kill(broker, signal.SIGKILL)
        await soon(lambda: positions_are_there(local))
        assert local.nats.process.pid != broker
        os.kill(database, signal.SIGKILL)
        await soon(local.postgres.answers)
        assert local.postgres.process.pid != database
        # Each is told when it ends; a start that fails is told, too ("postgres: …"), and tried again.
        assert list(dict.fromkeys(re.split(r"[ :]", line)[0] for line in heard)) == ["nats-server", "postgres"]
    finally:
        await local.stop()
    async with asyncio.timeout(PATIENCE_S):
        await keeping  # stopped on purpose: nothing is started again
    assert not local.nats.process.running
    assert not local.postgres.process.running
