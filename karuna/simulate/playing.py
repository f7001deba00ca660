"""Making calls at their times through the public door, and waiting until what grew from them has ended."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from karuna.simulate.crews import Crews
from karuna.simulate.doors import DoorClosed, Doors, Json, code_of
from karuna.simulate.pace import AHEAD
from shared.auth import Role

AT_ONCE = 20
"""Calls that may wait for their answer at the same time: a desk has so many lines."""
READS_AT_ONCE = 8
SEARCHED = 200
PATIENCE_S = 150.0
"""So long nothing may change before what is still open is left open: longer than any timer of an order."""
LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class Making:
    """A call to make ``after_s`` seconds (unscaled) after the one before it, the first after the beginning.

    ``key``: its Idempotency-Key.

    ``body`` is made when it is sent: an appointment counts from then.
    """

    after_s: float
    body: Callable[[], Json]
    key: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A call the API acknowledged. ``named``: it carries a patient by name, so the registry must know somebody."""

    key: str
    id: str
    number: str
    severity: str
    lane: str
    served: bool
    named: bool
    back_then: bool
    """It was taken by an earlier replay with the same key."""


@dataclass(slots=True)
class Ledger:
    """The client's own record of what was made and what was acknowledged."""

    began_at: datetime
    making: int = 0
    sent: int = 0
    taken: list[Taken] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    trips: list[Json] = field(default_factory=list)
    patience_s: float = PATIENCE_S
    lasts_until_s: float = 0.0
    """The simulated time goes on until then (``time.monotonic``), also where nobody calls any more."""


async def make(doors: Doors, calls: Sequence[Making], speed: float, ledger: Ledger) -> None:
    """Make every call at its time divided by ``speed``; a few at once, so that a slow system is not buried."""
    gate = asyncio.Semaphore(AT_ONCE)
    began_s, due_s = time.monotonic(), 0.0
    async with asyncio.TaskGroup() as tasks:
        for call in calls:
            due_s += call.after_s / speed
            await asyncio.sleep(max(0.0, began_s + due_s - time.monotonic()))
            await gate.acquire()
            tasks.create_task(_one(doors, call, ledger, gate))


async def _one(doors: Doors, call: Making, ledger: Ledger, gate: asyncio.Semaphore) -> None:
    body = call.body()
    try:
        answer = await doors.ask("POST", "intake", "/v1/calls", Role.CALL_TAKER, json=body, key=call.key)
    except DoorClosed:
        ledger.refused["no answer"] += 1
    else:
        _note(call.key, body, answer, ledger)
    finally:
        ledger.sent += 1
        gate.release()


def _note(key: str, body: Json, answer: httpx.Response, ledger: Ledger) -> None:
    if not answer.is_success:
        ledger.refused[f"{answer.status_code} {code_of(answer)}"] += 1
        return
    said: dict[str, Any] = answer.json()
    people = body.get("patients") or [body.get("patient") or {}]
    ledger.taken.append(
        Taken(
            key=key,
            id=said["id"],
            number=said["number"],
            severity=said["severity"],
            lane=said["lane"],
            served=said["served"],
            named=any(each.get("name") for each in people),
            back_then=datetime.fromisoformat(said["received_at"]) < ledger.began_at,
        )
    )


async def gathered(jobs: Iterable[Any]) -> list[Any]:
    """Results of many reads, a few at once, in order."""
    gate = asyncio.Semaphore(READS_AT_ONCE)

    async def one(job: Any) -> Any:
        async with gate:
            return await job

    return await asyncio.gather(*(one(job) for job in jobs))


async def trips_of(doors: Doors, call_id: str) -> list[Json]:
    found = await doors.read("dispatch", "/v1/trips", Role.DISPATCHER, params={"call_id": call_id})
    items: list[Json] = found["items"]
    return items


def open_now(trips: Iterable[Json]) -> list[Json]:
    """Those that have not ended and are not work of another day."""
    return [trip for trip in trips if trip["ended_at"] is None and not later(trip)]


def later(trip: Json) -> bool:
    due = trip["arrive_by_at"] or trip["pickup_latest_at"]
    return due is not None and datetime.fromisoformat(due) > datetime.now(UTC) + AHEAD


async def settle(doors: Doors, ledger: Ledger, crews: Crews) -> None:
    """Until every trip has ended, or nothing changes any more. Only what is open is read again."""
    known: dict[str, Json] = {}
    heard = set[str]()
    changed_s, before = time.monotonic(), ""
    while True:
        unheard = [one.id for one in ledger.taken if one.served and one.id not in heard]
        for trips in await gathered(trips_of(doors, call_id) for call_id in unheard):
            known |= {trip["id"]: trip for trip in trips}
            heard |= {trip["call_id"] for trip in trips}
        known |= {trip["id"]: trip for trip in await _again(doors, [trip["id"] for trip in open_now(known.values())])}
        ledger.trips = list(known.values())
        waiting = open_now(ledger.trips)
        over = time.monotonic() >= ledger.lasts_until_s
        all_heard = ledger.sent == ledger.making and heard.issuperset(o.id for o in ledger.taken if o.served)
        if over and all_heard and not waiting and not crews.busy:
            return
        state = (
            f"{ledger.sent} {len(heard)} {[(trip['id'], trip['status'], len(trip['assignments'])) for trip in waiting]}"
        )
        if state != before or crews.busy:
            changed_s, before = time.monotonic(), state
        if over and time.monotonic() - changed_s > ledger.patience_s and ledger.sent == ledger.making:
            return
        await asyncio.sleep(LOOK_S)


async def _again(doors: Doors, trip_ids: Sequence[str]) -> list[Json]:
    """These trips as they are now."""
    found: list[Json] = []
    for first in range(0, len(trip_ids), SEARCHED):
        asked = {"ids": list(trip_ids[first : first + SEARCHED])}
        found += (await doors.read("dispatch", "/v1/trips/search", Role.DISPATCHER, json=asked))["items"]
    return found


@asynccontextmanager
async def progress(out: Console, ledger: Ledger, crews: Crews) -> AsyncIterator[None]:
    """Two bars while the block lasts: calls made, trips ended; and who is on the way."""
    bars = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"), console=out, transient=True,
    )  # fmt: skip
    calls = bars.add_task("รับแจ้ง (calls)", total=ledger.making, note="")
    trips = bars.add_task("จบงาน (trips ended)", total=None, note="")

    async def show() -> None:
        while True:
            ended = sum(trip["ended_at"] is not None for trip in ledger.trips)
            bars.update(calls, completed=ledger.sent, note=f"ปฏิเสธ (refused) {ledger.refused.total()}")
            bars.update(trips, completed=ended, total=len(ledger.trips), note=f"กำลังไป (on the way) {crews.busy}")
            await asyncio.sleep(0.5)

    with bars:
        showing = asyncio.create_task(show())
        try:
            yield
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)
