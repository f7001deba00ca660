"""The senders: in every process, per channel. They claim what is due, call outside any transaction, and record.

Several processes share the queue (``for update skip locked``). What a killed one leaves behind comes back when its
lease ends. LINE and SMS have senders of their own, so that a slow provider of one never holds up the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from prometheus_client import Gauge, Histogram
from pydantic import SecretStr

from services.notify.channels.base import Accepted, Button, GiveUp, Outcome, Outgoing, Reason
from services.notify.rules.plan import ROUTINE_URGENCY
from services.notify.sending import hands
from services.notify.sending.together import Together
from services.notify.sending.ways import AllWays
from services.notify.store import attempts
from services.notify.verbs.record import Spoken, record
from shared.crash import point
from shared.database import AWAY, COLLISION
from shared.service import Runtime
from shared.work import Cause

log = structlog.get_logger()

POLL_S = 0.5
FINISH_WITHIN_S = 5.0
OUTCOMES_GATHER_S = 0.2
"""That providers took messages is written for many at once. What they did not take has other ways, at once."""
SENDING = Gauge("karuna_notify_sending", "Calls to providers under way", ["channel"])
WAITED = Histogram(
    "karuna_notify_waited_seconds",
    "From due to the call, by class",
    ["channel", "urgent"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 2, 5, 30),
)


class Sender:
    """Sends the attempts of one channel."""

    def __init__(self, runtime: Runtime, ways: AllWays, channel: str, parallel: int) -> None:
        self._runtime, self._ways, self.channel = runtime, ways, channel
        self._parallel, self._reserve = parallel, parallel // 4
        self._woken = asyncio.Event()
        self._calls: set[asyncio.Task[None]] = set()
        self._more = False
        self._recorder = Together(partial(_record, runtime), linger_s=OUTCOMES_GATHER_S)

    async def run(self) -> None:
        """Until cancelled; then what is in hand is finished and recorded."""
        hands.join(self)
        recording = asyncio.create_task(self._recorder.run())
        try:
            while True:
                await self._once()
        finally:
            hands.leave(self)
            if self._calls:
                await asyncio.wait(self._calls, timeout=FINISH_WITHIN_S)
            recording.cancel()
            with suppress(asyncio.CancelledError):
                await recording

    @property
    def room(self) -> int:
        return self._parallel - len(self._calls)

    def wake(self) -> None:
        self._woken.set()

    def start(self, rows: Sequence[Any]) -> None:
        """Call for leased attempts; those beyond the room go back to the queue, for whoever is free."""
        fit, beyond = rows[: max(0, self.room)], rows[max(0, self.room) :]
        for row in fit:
            self._begin(self._deliver(row))
        if beyond:
            self._begin(self._give_back([row["id"] for row in beyond]))
        SENDING.labels(self.channel).set(len(self._calls))

    def _begin(self, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(doing)
        self._calls.add(task)
        task.add_done_callback(self._done)

    async def _give_back(self, ids: list[UUID]) -> None:
        """Nothing was called yet. Should the database be away just now, the lease gives them back."""
        with suppress(*AWAY, *COLLISION):
            await attempts.give_back(self._runtime.pool, ids)
            self._more = True

    async def _once(self) -> None:
        self._woken.clear()
        room = self.room
        self._more = True
        try:
            self._more = await self._claim(room) if room > 0 else True
        except (*AWAY, *COLLISION) as problem:
            log.warning("sender.interrupted", channel=self.channel, reason=type(problem).__name__)
            await asyncio.sleep(POLL_S)
            return
        if not self._more or room == 0 or len(self._calls) >= self._parallel - self._reserve:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._woken.wait()

    async def _claim(self, room: int) -> bool:
        """Take what is due, the most urgent first; True when there may be more. The last slots are for emergencies."""
        urgency_up_to = ROUTINE_URGENCY if room > self._reserve else ROUTINE_URGENCY - 1
        limit = room if urgency_up_to < ROUTINE_URGENCY else room - self._reserve
        rows = await attempts.claim(self._runtime.pool, channel=self.channel, limit=limit, urgency_up_to=urgency_up_to)
        point("sender.claimed")
        self.start(rows)
        return len(rows) == limit or urgency_up_to < ROUTINE_URGENCY

    def _done(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        SENDING.labels(self.channel).set(len(self._calls))
        if self._more:
            self._woken.set()
        if not task.cancelled() and task.exception() is not None:
            log.error("sender.broken", channel=self.channel, reason=type(task.exception()).__name__)

    async def _deliver(self, row: Any) -> None:
        WAITED.labels(self.channel, row["class"] == "emergency").observe(max(0.0, row["waited_s"]))
        way = self._ways.way(row["area"], self.channel, exercise=row["exercise"])
        outcome: Outcome = GiveUp(Reason.MISCONFIGURED, code="no channel")
        breaker_open = False
        if way is not None:
            outcome, breaker_open = await way.send(outgoing(row), emergency=row["class"] == "emergency")
        point("sender.called")
        spoken = Spoken(row["id"], row["message_id"], way.provider if way else "", outcome, breaker_open)
        try:
            await self._recorder.do(spoken, at_once=not isinstance(outcome, Accepted))
        except Exception as problem:  # noqa: BLE001 the lease brings the attempt back
            log.error("recorder.failed", reason=type(problem).__name__)


def outgoing(row: Any) -> Outgoing:
    """A claimed attempt as the channel takes it. Its id is the key, stored long before."""
    buttons = row["buttons"]
    return Outgoing(
        key=row["id"],
        to=row["address"],
        text=row["text"],
        buttons=tuple(Button(**one) for one in buttons.get("buttons", ())),
        quick_replies=tuple(Button(**one) for one in buttons.get("quick_replies", ())),
        reply_token=SecretStr(row["reply_token"]) if row["reply_token"] else None,
        urgent=row["class"] == "emergency",
        valid_for_s=max(60, int(row["left_s"])),
        parts_done=frozenset(row["parts_done"] or ()),
    )


async def _record(runtime: Runtime, batch: list[Spoken]) -> None:
    """While the database is away the outcomes wait: what was sent is not sent again for want of a line about it."""
    pause_s = 0.1
    while True:
        try:
            async with runtime.work(Cause("system:notify")) as work:
                await record(work, batch)
        except (*AWAY, *COLLISION) as problem:
            log.warning("recorder.interrupted", reason=type(problem).__name__, outcomes=len(batch))
            await asyncio.sleep(pause_s)
            pause_s = min(2.0, pause_s * 2)
        else:
            point("sender.recorded")
            return
