"""The whole system under fault: callers who insist, crews who answer by LINE, a seeded nemesis, and the checker."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter, defaultdict
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson

from karuna.platform.process import Process
from tests.journeys import looking
from tests.journeys.town import AREA, PATIENCE_S, SERVICES, Town, eventually, heard_all

STEPS = ("accept", "en_route", "at_scene", "left_scene", "at_destination", "clear", "at_base")
GROUPS = (5, 7, 9, 12)
WAITING = """
select (select count(*) from outbox) + (select count(*) from parked)
     + (select count(*) from dead_letter where requeued_at is null) as n
"""
UNIT_TWICE = """
select a.unit_id from run a join run b on a.unit_id = b.unit_id and a.id < b.id
where a.opened_at is not null and b.opened_at is not null
  and tstzrange(a.opened_at, a.closed_at) && tstzrange(b.opened_at, b.closed_at)
"""
PRIMARIES = """
select trip_id from assignment where role = 'primary'
  and status in ('accepted', 'en_route', 'at_scene', 'left_scene', 'at_destination', 'cleared')
group by trip_id having count(*) > 1
"""
HOLES = "select aggregate_id from event_log group by 1 having count(*) <> max(aggregateseq) or min(aggregateseq) <> 1"
FORGOTTEN = """
select t.id from trip t where t.ended_at is null and t.status <> 'queued'
  and not exists (select from assignment a where a.trip_id = t.id and a.ended_at is null)
"""


class Ledger:
    """What the client was promised: the id behind every key that was answered with 201."""

    def __init__(self, town: Town, seed: int) -> None:
        self.town = town
        self.dice = random.Random(seed)
        self.promised: dict[str, str] = {}
        self.answers: Counter[int] = Counter()
        self.retries = 0

    # --- callers -----------------------------------------------------------------------------------------------

    def body(self) -> dict[str, Any]:
        number, dice = len(self.promised) + self.retries, self.dice
        return {
            "caller": {"phone": f"08{dice.randint(10**7, 10**8 - 1)}", "line_user_id": "U" + uuid4().hex},
            "patient": {"name": f"ทดสอบ{uuid4().hex[:8]} ล้มแล้วลุก{number}", "age": dice.randint(40, 90)},
            "location": {"lat": dice.uniform(16.425, 16.445), "lon": dice.uniform(103.495, 103.515)},
            "triage": {"criteria_group": dice.choice(GROUPS)},
        }

    async def call(self) -> str:
        """One call, asked for with the same key until it is answered; gives its id."""
        body, key = self.body(), uuid4().hex
        async with httpx.AsyncClient(timeout=15) as client:
            while True:
                headers = {**self.town.headers("call_taker"), "Idempotency-Key": key}
                try:
                    answer = await client.post(self.town.local.url("intake") + "/v1/calls", json=body, headers=headers)
                    self.answers[answer.status_code] += 1
                    if answer.status_code == httpx.codes.CREATED:
                        self.promised[key] = answer.json()["id"]
                        return self.promised[key]
                    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
                    assert answer.headers["retry-after"]
                except httpx.HTTPError:
                    pass
                self.retries += 1
                await asyncio.sleep(0.2)

    async def callers(self, stop: asyncio.Event, every_s: float) -> None:
        while not stop.is_set():
            await self.call()
            await asyncio.sleep(every_s)

    # --- crews -------------------------------------------------------------------------------------------------

    async def crews(self, stop: asyncio.Event) -> None:
        """Everybody presses the next button of every message, and again when nobody answered at the other end."""
        seen, waiting = 0, list[dict[str, Any]]()
        while not stop.is_set():
            new = await self.town.inbox("line", seen)
            seen = max((entry["number"] for entry in new), default=seen)
            waiting = [entry for entry in [*waiting, *new] if entry["buttons"] and not await self._press(entry)]
            await asyncio.sleep(0.1)

    async def _press(self, entry: dict[str, Any]) -> bool:
        data = {button["data"].rsplit(".", 1)[-1]: button["data"] for button in entry["buttons"]}
        step = next((step for step in STEPS if step in data), None)
        if step is None:
            return True
        url = f"{self.town.line_url}/_control/users/{entry['to']}/postback"
        return set((await self.town.client.post(url, json={"data": data[step]})).json()["statuses"]) == {200}

    # --- the checker -------------------------------------------------------------------------------------------

    async def drained(self, within_s: float = PATIENCE_S) -> None:
        """Nothing waits to be sent, parked or buried, and every service has heard what was said."""

        async def quiet() -> bool:
            counts = [(await self.town.sql(service, WAITING))[0]["n"] for service in SERVICES]
            return not any(counts) and await heard_all(self.town)

        try:
            await eventually(quiet, within_s)
        except TimeoutError:
            letters = {s: await self.town.sql(s, "select subject, reason from dead_letter") for s in SERVICES}
            holes = {s: await self.town.sql(s, "select noun, aggregateseq, waits_noun from parked") for s in SERVICES}
            unsent = {s: (await self.town.sql(s, "select count(*) from outbox"))[0][0] for s in SERVICES}
            raise AssertionError(f"not drained: {unsent=} {letters=} {holes=}") from None

    async def check(self) -> None:
        """0 lost, 0 doubled, 0 phantom, 0 out of order, nobody in two places, nobody told twice, nobody forgotten.

        Of what LINE shows only pushes are counted: they have a retry key. A reply that was lost twice, or whose sender
        was killed before it could write that down, is pushed as well: an emergency's message is sent at least once.
        """
        await self.drained()
        promised = sorted(UUID(call_id) for call_id in self.promised.values())
        assert len(set(promised)) == len(promised)
        for service, statement in {
            "intake": "select id from call order by 1",
            "dispatch": "select call_id from trip order by 1",
            "registry": "select call_id from history where type = 'intake.call.received.v1' order by 1",
        }.items():
            rows = [row[0] for row in await self.town.sql(service, statement)]
            assert rows == promised, f"{service}: {len(rows)} of {len(promised)}"
        for statement in (UNIT_TWICE, PRIMARIES):
            assert await self.town.sql("dispatch", statement) == []
        await eventually(self._nobody_forgotten)  # between two units a trip is nobody's for a moment
        for service in SERVICES:
            assert await self.town.sql(service, HOLES) == [], service
        await self._streams_in_order()
        await self._nobody_told_twice()

    async def _nobody_forgotten(self) -> bool:
        return await self.town.sql("dispatch", FORGOTTEN) == []

    async def _streams_in_order(self) -> None:
        """In both trees every aggregate counts from 1 without holes, and no event stands there twice."""
        numbers: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        async for subject, text in looking.messages(self.town.local):
            event = orjson.loads(text[text.index('{"specversion') :])
            noun, aggregate = event["subject"].split("/")
            numbers[subject.split(".")[0], noun, aggregate].append(event["aggregateseq"])
        wrong = {key: found for key, found in numbers.items() if found != list(range(1, len(found) + 1))}
        assert wrong == {}
        assert len(numbers) > len(self.promised)

    async def _nobody_told_twice(self) -> None:
        """At the provider: one message of ours, told to one person by LINE, once."""
        told: Counter[tuple[str, str]] = Counter()
        for entry in await self.town.inbox("line"):
            ids = {button["data"].split(".")[1] for button in entry["buttons"] if button["data"].startswith("k1.")}
            about = min(ids) if ids else entry["text"]
            if entry["how"] == "push" and (ids or "รับแจ้งแล้ว" in entry["text"]):
                told[entry["to"], about] += 1
        assert [key for key, count in told.items() if count > 1] == []
        assert told


class Nemesis:
    """Kills and freezes, as the dice say; whatever it takes away it brings back."""

    def __init__(self, town: Town, dice: random.Random) -> None:
        self.town, self.dice = town, dice
        self.done: Counter[str] = Counter()

    async def strike(self) -> None:
        what = self.dice.choice(["broker", "database", "freeze broker", "freeze", *SERVICES, *SERVICES])
        self.done[what] += 1
        local, pause_s = self.town.local, self.dice.uniform(0, 0.7)
        if what == "broker":
            await local.nats.kill()
            await asyncio.sleep(pause_s)
            await local.nats.start()
        elif what == "database":
            await local.postgres.kill()
            await asyncio.sleep(pause_s)
            await local.postgres.start_server()
        elif what == "freeze broker":
            local.nats.pause()
            await asyncio.sleep(1 + pause_s)
            local.nats.resume()
        elif what == "freeze":
            victim = await self._one_of(self.dice.choice(SERVICES))
            victim.pause()
            await asyncio.sleep(1 + 2 * pause_s)
            victim.resume()
        else:
            os.kill((await self._one_of(what)).pid, signal.SIGKILL)  # its supervisor starts it again

    async def _one_of(self, service: str) -> Process:
        async def running() -> list[Process]:
            return [process for process in self.town.local.processes[service] if process.running]

        return self.dice.choice(await eventually(running))


__all__ = ["AREA", "Ledger", "Nemesis"]
