"""The people around the measured processes: the provider who receives messages, callers, and crews who answer.

All of them live in the process of the bench itself. The provider is the simulated LINE of ``make run``.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
import orjson

from karuna.simulate.channels import Running, Secrets, channels
from karuna.simulate.inbox import Entry

BUTTON_ID = slice(3, 25)
NEXT = {"ordered": "accept", "accepted": "en_route", "en_route": "at_scene", "at_scene": "clear"}
"""Status of an assignment → what its crew reports next. Everybody here is treated on the scene."""
HURRY = 4
"""So many reports of crews at once."""
OPEN = "select id::text, status from assignment where ended_at is null and status = any($1::text[]) order by asked_at"


@dataclass(slots=True)
class Provider:
    """Notes when each message came: by the id behind its button (``k1.<id>.accept``), in the bare chain by its text."""

    running: Running
    came_ns: dict[str, int] = field(default_factory=dict)
    answer_at_once: bool = False
    """Whether whoever is ordered presses accept in LINE as soon as the message is there."""
    _pressing: set[asyncio.Task[Any]] = field(default_factory=set)

    def note(self, entry: Entry) -> None:
        now_ns = time.monotonic_ns()
        accept = next((b["data"] for b in entry.buttons if b["data"].endswith(".accept")), None)
        if accept is None:
            self.came_ns.setdefault(entry.text, now_ns)
            return
        message_id = str(UUID(bytes=base64.urlsafe_b64decode(accept[BUTTON_ID] + "==")))
        self.came_ns.setdefault(message_id, now_ns)
        if self.answer_at_once:
            press = self.running.line.people.act(entry.to, "postback", {"data": accept}, time.time())
            task = asyncio.create_task(press)
            self._pressing.add(task)
            task.add_done_callback(self._pressing.discard)


@asynccontextmanager
async def provider(webhook_url: str, secrets: Secrets) -> AsyncIterator[Provider]:
    async with channels(webhook_url, secrets) as running:
        made = Provider(running)
        world = running.line.world
        show = world._show  # noqa: SLF001 the moment it is received, before anything is answered

        def noted(*args: Any, **kwargs: Any) -> Any:
            sent = show(*args, **kwargs)
            made.note(world.inbox._entries[-1])  # noqa: SLF001
            return sent

        world._show = noted  # type: ignore[method-assign]  # noqa: SLF001
        yield made


@dataclass(frozen=True, slots=True)
class Posted:
    """One call as its caller saw it."""

    id: str
    severity: str
    sent_ns: int
    answered_ns: int
    status: int


async def call_in(
    client: aiohttp.ClientSession, url: str, bodies: Iterable[tuple[str, dict[str, Any]]], rate: float
) -> list[Posted]:
    """POST each call at its time, whatever the one before it does."""
    started, tasks = time.monotonic(), []
    for number, (severity, body) in enumerate(bodies):
        await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
        tasks.append(asyncio.create_task(_call(client, url, severity, body)))
    return await asyncio.gather(*tasks)


async def _call(client: aiohttp.ClientSession, url: str, severity: str, body: dict[str, Any]) -> Posted:
    raw = orjson.dumps(body)
    sent_ns = time.monotonic_ns()
    try:
        async with client.post(url, data=raw, headers={"content-type": "application/json"}) as answer:
            content, status = await answer.read(), answer.status
    except (aiohttp.ClientError, TimeoutError):
        content, status = b"{}", 0
    call_id = orjson.loads(content).get("id", "") if status == 201 else ""
    return Posted(call_id, severity, sent_ns, time.monotonic_ns(), status)


class Crews:
    """Crews that drive, arrive and are free again as fast as the API takes their reports."""

    def __init__(self, client: aiohttp.ClientSession, dispatch: str, database: asyncpg.Connection[Any]) -> None:
        self._client, self._url, self._database = client, dispatch, database
        self.refused = 0

    async def step(self, assignment_id: str, step: str) -> bool:
        body: dict[str, Any] = {"step": step, "at": datetime.now(UTC).isoformat()}
        if step == "clear":
            body["outcome"] = "treated_on_scene"
        async with self._client.post(f"{self._url}/v1/assignments/{assignment_id}/steps", json=body) as answer:
            await answer.read()
            self.refused += answer.status >= 300
            return answer.status < 300

    async def _to_the_end(self, assignment_id: str, status: str, gate: asyncio.Semaphore) -> None:
        order = list(NEXT)
        async with gate:
            for each in order[order.index(status) :]:
                if not await self.step(assignment_id, NEXT[each]):
                    return

    async def finish(self, statuses: Iterable[str] = NEXT) -> int:
        """Bring every open assignment to its end; how many there were."""
        gate = asyncio.Semaphore(HURRY)
        rows = await self._database.fetch(OPEN, list(statuses))
        await asyncio.gather(*(self._to_the_end(row["id"], row["status"], gate) for row in rows))
        return len(rows)

    async def keep_finishing(self, every_s: float = 0.5) -> None:
        """Until cancelled: whoever has accepted drives and is free again."""
        while True:
            await self.finish(("accepted", "en_route", "at_scene"))
            await asyncio.sleep(every_s)
