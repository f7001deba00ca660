"""The promise: who could take one more rider, and when, asked over HTTP while fifty vans have a full day."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import aiohttp

from bench import engine_cases, rides_town
from bench.figures import Cost, Spread, cost, spread
from bench.ground import Ground
from bench.report import GOALS, Table, met
from bench.rides_town import AREA, EACH, VANS
from shared.auth import Role
from shared.thai.dates import local_day

WARM, ASKED, TAKEN = 20, 400, 100
"""Offers before, offers alone, and offers of which each is taken before the next is asked for."""


TRIPS, VEHICLES = 500, 50
NOT_WARM = 503
LIMITS_S = (0.5, 55.0)
"""The first plan of a great day, and the night's."""
PROMISE_MS, FIRST_S, NIGHT_S = 30.0, 1.0, 60.0


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan over HTTP, and how many trips it leaves out."""

    seconds: float
    left: int
    cost: float


@dataclass(slots=True)
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
    asking: int
    plan_ms: float
    memory: Cost
    plans: list[Planned] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        return self.offers.p50 / self.floor.p50


async def promise(ground: Ground) -> Promise:
    """Ask for offers, one after the other; then for whole plans."""
    for name in list(ground.local.processes):
        await ground.local.stop_service(name)
    on = local_day(datetime.now(UTC)) + timedelta(days=1)
    town = await rides_town.fill(ground.local.postgres.dsn("dispatch"), on, WARM + ASKED + TAKEN)
    ground.local.start_service("dispatch", port=0)
    base = ground.local.listening_at("dispatch")
    pid = ground.local.processes["dispatch"][0].pid
    token = ground.local.issuer.token(Role.DISPATCHER, areas=[AREA])
    try:
        async with aiohttp.ClientSession(base, headers={"authorization": f"Bearer {token}"}) as client:
            await ready(client)
            measured = await _measure(client, town.asking, pid, str(on))
            measured.plans = [await _preview(client, limit_s) for limit_s in LIMITS_S]
            return measured
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
    return Promise(
        first_ms,
        spread(floor),
        spread(offers),
        spread(busy),
        spread(taking),
        offered,
        len(asking) - len(taking),
        plan_ms,
        cost([pid]),
    )


async def _timed(client: aiohttp.ClientSession, path: str, body: dict[str, Any] | None = None) -> tuple[float, Any]:
    begun = time.perf_counter()
    async with client.request("GET" if body is None else "POST", path, json=body) as answer:
        said = await answer.json()
        took_ms = 1000 * (time.perf_counter() - begun)
        if not answer.ok:
            raise RuntimeError(f"{answer.status} {said.get('code')}")
    return took_ms, said


async def _preview(client: aiohttp.ClientSession, limit_s: float) -> Planned:
    """500 trips for 50 vehicles, once the engine is warm."""
    body = {**engine_cases.town(1, TRIPS, VEHICLES), "time_limit_s": limit_s, "seed": 1}
    while True:
        begun = time.perf_counter()
        async with client.post("/v1/plans/preview", json=body) as answer:
            said = await answer.json()
            if answer.status != NOT_WARM:
                break
        await asyncio.sleep(1)
    assert said["feasible"], said
    return Planned(time.perf_counter() - begun, len(said["unserved"]), said["cost"])


def table(it: Promise) -> Table:
    first, night = it.plans
    rows = [
        ("an offer, ms p50 / p95 / p99", it.offers.text(), "", ""),
        ("**an offer, ms p99**", f"{it.offers.p99:.1f}", f"< {PROMISE_MS:g}", met(it.offers.p99, PROMISE_MS)),
        ("floor: an empty answer to somebody authorised, ms", it.floor.text(), "", ""),
        ("offer ÷ floor, p50", f"{it.ratio:.1f}", "", ""),
        ("an offer while every one is taken, ms", it.busy.text(), "", ""),
        ("taking it, ms", it.taking.text(), "", ""),
        ("the first offer of a day, drives of 1,400 places asked for, ms", f"{it.first_ms:.0f}", "", ""),
        (f"the whole day planned by insertion ({EACH * VANS + it.asking} trips), ms", f"{it.plan_ms:.0f}", "", ""),
        (f"**{TRIPS} trips, {VEHICLES} vehicles: first full plan, s** ({first.left} left out)", f"{first.seconds:.2f}",
         f"< {FIRST_S:g}", met(first.seconds, FIRST_S)),
        (f"**the same by night, s** ({night.left} left out, {100 - 100 * night.cost / first.cost:.1f} % cheaper)",
         f"{night.seconds:.1f}", f"< {NIGHT_S:g}", met(night.seconds, NIGHT_S)),
        ("dispatch and its engine, resident, MB", f"{it.memory.rss_mb:.0f}", "", ""),
    ]  # fmt: skip
    note = (
        f"{VANS} routes of {2 * EACH} stops, {rides_town.GRID}² crossings of streets, {it.offers.count} riders one "
        f"after the other over HTTP on this machine, half of them at doors nobody has stopped at; {it.offered} got an "
        "offer. Each beside one measurement of the floor."
    )
    return Table("คำมั่น · The promise", GOALS, rows, note)
