"""Two thousand positions a second, in lists over HTTP and one by one on the inbox topic, and what they cost.

Heard by a subscriber of the telemetry, as every service hears them. PostgreSQL is asked how much it wrote meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import orjson
from nats.aio.msg import Msg

from bench.chain import Town
from bench.figures import Spread, cost, spread
from bench.town import AREA, CENTRE_LAT, CENTRE_LON
from shared.auth import Role
from shared.streams import POSITION_SUBJECT, inbox_positions_subject

RATE_PER_S, SECONDS, LIST = 2000, 10, 500
TICKS_PER_S = 20
UNIT_IDS = "select id from unit where area = $1 order by id"
WRITTEN = "select pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
SETTLE_S = 2.0


@dataclass(frozen=True, slots=True)
class Way:
    """One way of telling: how many were sent and heard, how long each took, and what dispatch and PostgreSQL did."""

    name: str
    sent: int
    heard: int
    seconds: float
    lag: Spread
    dispatch_cpu_share: float
    wal_bytes: int


Send = Callable[[list[dict[str, Any]]], Coroutine[Any, Any, None]]


async def positions(town: Town) -> list[Way]:
    units = [str(row["id"]) for row in await town.dispatch.fetch(UNIT_IDS, AREA)]
    url = f"{town.ground.local.url('dispatch')}/v1/positions"
    headers = {"authorization": f"Bearer {town.token(Role.DISPATCHER)}"}
    client = await town.ground.connect()

    async def in_lists(fixes: list[dict[str, Any]]) -> None:
        async with http.post(url, json={"positions": fixes}) as answer:
            assert answer.status == 202, await answer.text()

    async def by_topic(fixes: list[dict[str, Any]]) -> None:
        for fix in fixes:
            subject = inbox_positions_subject(AREA, fix["unit_id"])
            await client.publish(subject, orjson.dumps({key: fix[key] for key in ("lat", "lon", "at")}))

    try:
        async with aiohttp.ClientSession(headers=headers) as http:
            return [
                await _measure(town, units, "lists of 500 over HTTP", in_lists, RATE_PER_S // LIST),
                await _measure(town, units, "one by one on the topic", by_topic, TICKS_PER_S),
            ]
    finally:
        await client.close()


async def _measure(town: Town, units: list[str], name: str, send: Send, ticks_per_s: int) -> Way:
    """``ticks_per_s``: in how many portions a second's fixes are sent."""
    lags_ms: list[float] = []

    async def hear(message: Msg) -> None:
        said = datetime.fromisoformat(orjson.loads(message.data)["at"])
        lags_ms.append((datetime.now(UTC) - said).total_seconds() * 1000)

    listener = await town.ground.connect()
    await listener.subscribe(POSITION_SUBJECT, cb=hear)
    await listener.flush()
    pids = town.pids()["dispatch"]
    await asyncio.sleep(SETTLE_S)
    before, wal = cost(pids), await town.dispatch.fetchval(WRITTEN)
    began, sent, waiting = time.monotonic(), 0, set[asyncio.Task[None]]()
    for tick in range(SECONDS * ticks_per_s):
        await asyncio.sleep(max(0.0, began + tick / ticks_per_s - time.monotonic()))
        portion = [_fix(units[(sent + n) % len(units)], tick, n) for n in range(RATE_PER_S // ticks_per_s)]
        sent += len(portion)
        waiting.add(asyncio.create_task(send(portion)))
    await asyncio.gather(*waiting)
    took = time.monotonic() - began
    await asyncio.sleep(SETTLE_S)
    written = await town.dispatch.fetchval(WRITTEN) - wal
    used = cost(pids).since(before)
    await listener.close()
    return Way(name, sent, len(lags_ms), took, spread(lags_ms), used.cpu_s / took, int(written))


def _fix(unit_id: str, tick: int, number: int) -> dict[str, Any]:
    at = datetime.now(UTC).isoformat(timespec="microseconds")
    return {"unit_id": unit_id, "lat": CENTRE_LAT + tick * 1e-5, "lon": CENTRE_LON + number * 1e-5, "at": at}
