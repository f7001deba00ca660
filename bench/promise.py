"""The promise: who could take one more rider, and when, asked over HTTP while fifty vans have a full day."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import aiohttp

from bench import rides_town
from bench.figures import Cost, Spread, cost, spread
from bench.ground import Ground
from bench.rides_town import AREA, EACH, VANS
from shared.auth import Role
from shared.thai.dates import local_day

WARM, ASKED, TAKEN = 20, 400, 100
"""Offers before, offers alone, and offers of which each is taken before the next is asked for."""


@dataclass(frozen=True, slots=True)
class Promise:
    """Milliseconds over HTTP. ``floor``: an empty answer to somebody authorised, one before each offer.

    ``first``: the day is not known yet. ``busy``: offers of a day in which every one is taken at once.
    """

    first_ms: float
    floor: Spread
    offers: Spread
    busy: Spread
    taking: Spread
    offered: int
    plan_ms: float
    memory: Cost

    @property
    def ratio(self) -> float:
        return self.offers.p50 / self.floor.p50


async def promise(ground: Ground) -> Promise:
    """Ask for offers, one after the other."""
    on = local_day(datetime.now(UTC)) + timedelta(days=1)
    town = await rides_town.fill(ground.local.postgres.dsn("dispatch"), on, WARM + ASKED + TAKEN)
    ground.local.start_service("dispatch", port=0)
    base = ground.local.listening_at("dispatch")
    pid = ground.local.processes["dispatch"][0].pid
    token = ground.local.issuer.token(Role.DISPATCHER, areas=[AREA])
    try:
        async with aiohttp.ClientSession(base, headers={"authorization": f"Bearer {token}"}) as client:
            await ready(client)
            return await _measure(client, town.asking, pid, str(on))
    finally:
        await ground.local.stop_service("dispatch")


async def ready(client: aiohttp.ClientSession) -> None:
    while True:
        async with client.get("/readyz") as answer:
            if answer.ok:
                return


async def _measure(client: aiohttp.ClientSession, asking: list[UUID], pid: int, on: str) -> Promise:
    first_ms, _ = await _timed(client, f"/v1/trips/{asking[0]}/offers")
    for trip in asking[1:WARM]:
        await _timed(client, f"/v1/trips/{trip}/offers")
    floor, offers, offered = [], [], 0
    for trip in asking[WARM : WARM + ASKED]:
        floor.append((await _timed(client, f"/v1/trips?call_id={uuid4()}"))[0])
        took, answer = await _timed(client, f"/v1/trips/{trip}/offers")
        offers.append(took)
        offered += bool(answer["items"])
    busy, taking = [], []
    for trip in asking[WARM + ASKED :]:
        took, answer = await _timed(client, f"/v1/trips/{trip}/offers")
        busy.append(took)
        for offer in answer["items"][:1]:
            body = {"unit_id": offer["unit_id"], "pickup_at": offer["pickup_at"]}
            taking.append((await _timed(client, f"/v1/trips/{trip}/assign", body))[0])
    plan_ms, _ = await _timed(client, "/v1/plans/day", {"on": on, "search_s": 0})
    return Promise(first_ms, spread(floor), spread(offers), spread(busy), spread(taking), offered, plan_ms, cost([pid]))


async def _timed(client: aiohttp.ClientSession, path: str, body: dict[str, Any] | None = None) -> tuple[float, Any]:
    begun = time.perf_counter()
    async with client.request("GET" if body is None else "POST", path, json=body) as answer:
        said = await answer.json()
        took_ms = 1000 * (time.perf_counter() - begun)
        if not answer.ok:
            raise RuntimeError(f"{answer.status} {said.get('code')}")
    return took_ms, said


ROUTES = f"{VANS} routes of {2 * EACH} stops"
