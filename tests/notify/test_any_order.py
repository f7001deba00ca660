"""Whatever happens in whatever order, nothing is tried for a message that has ended, and every message can end."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from services.notify.channels.base import (
    Accepted,
    GiveUp,
    Outcome,
    Part,
    Reason,
    Receipt,
    ReceiptState,
    TryLater,
    Unknown,
)
from services.notify.store import attempts
from services.notify.verbs.receipts import receive
from services.notify.verbs.record import Spoken, record
from shared.events.dispatch import AssignmentDeclined, AssignmentEnRoute, AssignmentExpired
from shared.events.intake import CallErased, CallWithdrawn
from shared.work import Cause, now_utc
from tests.harness import bearer
from tests.notify.conftest import Call, Town, line_id, phone
from tests.notify.test_public import complete

SYSTEM = Cause("system:notify")
ENDED = "('acknowledged', 'cancelled', 'expired', 'suppressed')"
STILL_TRIED = f"""
select m.status, a.state from attempt a join message m on m.id = a.message_id
where m.status in {ENDED} and a.state in ('waiting', 'ready')
"""
STUCK = """
select 1 from message m where m.status = 'planned'
and not exists (select from attempt a where a.message_id = m.id and a.state in ('ready', 'sending'))
"""
STEPS = 25


class Play:
    """One random story of a call with two crew members."""

    def __init__(self, town: Town, call: Call, seed: int) -> None:
        self.town, self.call, self.random = town, call, random.Random(seed)
        self.held: list[Any] = []

    async def claim(self) -> None:
        """Take something and keep it in hand: its outcome may come after anything else."""
        channel = self.random.choice(["line", "sms"])
        pool = self.town.service.runtime.pool
        await pool.execute("update attempt set due_at = clock_timestamp() where state = 'ready'")
        self.held += await attempts.claim(pool, channel=channel, limit=2, urgency_up_to=9)

    async def speak(self) -> None:
        if not self.held:
            return
        rows = [self.held.pop(self.random.randrange(len(self.held))) for _ in range(min(2, len(self.held)))]
        async with self.town.service.runtime.work(SYSTEM) as work:
            await record(work, [Spoken(row["id"], row["message_id"], "smsc", self.outcome(row)) for row in rows])

    def outcome(self, row: Any) -> Outcome:
        parts = (Part(1, 1, f"p{row['id']}"),)
        return self.random.choice(
            [
                Accepted(parts), Accepted(parts), TryLater(Reason.UNREACHABLE), TryLater(Reason.NO_ANSWER),
                GiveUp(Reason.BAD_ADDRESS), Unknown(Reason.LINK_LOST),
            ]
        )  # fmt: skip

    async def die(self) -> None:
        """A process dies with everything it holds."""
        self.held.clear()
        await self.town.service.sql("update attempt set lease_until = now() - interval '1 s' where state = 'sending'")
        await self.town.sweep()

    async def receipt(self) -> None:
        rows = await self.town.service.sql("select provider_id from part order by random() limit 1")
        state = self.random.choice([ReceiptState.DELIVERED, ReceiptState.UNDELIVERED])
        async with self.town.service.runtime.work(SYSTEM) as work:
            await receive(work, [("smsc", Receipt(row["provider_id"], state)) for row in rows])

    async def press(self) -> None:
        rows = await self.town.service.sql(
            "select address, buttons from attempt where channel = 'line' and buttons ? 'buttons' order by random() limit 1"
        )
        for row in rows:
            button = self.random.choice(row["buttons"]["buttons"])
            await self.town.line.people.act(row["address"], "postback", {"data": button["data"]}, now_utc().timestamp())

    async def ring(self) -> None:
        rows = await self.town.service.sql("select id from message order by random() limit 1")
        for row in rows:
            url = f"/v1/messages/{row['id']}/{self.random.choice(['acknowledge', 'resend'])}"
            answer = await self.town.client.post(url, json={}, headers=bearer("dispatcher"))
            assert answer.status_code in {200, 201, 409}

    async def dispatch(self) -> None:
        crew = self.random.choice(self.call.crew_ids)
        act: Callable[[], Awaitable[None]] = self.random.choice(
            [
                lambda: self.town.accepted(self.call, crew),
                lambda: self.town.released(self.call),
                lambda: self.town.step(AssignmentEnRoute, self.call, crew_id=crew),
                lambda: self.town.step(AssignmentDeclined, self.call, crew_id=crew),
                lambda: self.town.step(AssignmentExpired, self.call, respond_by_at=now_utc()),
                lambda: complete(self.town, self.call),
            ]
        )
        await act()

    async def expire(self) -> None:
        past = now_utc() - timedelta(seconds=1)
        await self.town.service.sql("update message set expires_at = $1 where random() < 0.3", past)
        await self.town.sweep()

    async def withdraw(self) -> None:
        event = CallWithdrawn(at=now_utc(), by="person")
        await self.town.service.emit(self.call.id, event, self.call.origin)


@pytest.mark.parametrize("seed", range(16))
async def test_no_order_of_events_tries_what_has_ended_or_leaves_a_message_without_an_end(
    quiet_town: Town, seed: int
) -> None:
    town = quiet_town
    crew = (await town.crew(1), await town.crew(2, line=seed % 2 == 0))
    call = await town.call(*crew, caller={"phone": phone(9), "line_user_id": line_id(9)})
    await town.order(call)
    play = Play(town, call, seed)
    acts = [play.claim] * 5 + [play.speak] * 6 + [play.press, play.ring, play.dispatch, play.expire, play.die]
    acts += [play.receipt, play.withdraw]
    for _ in range(STEPS):
        act = play.random.choice(acts)
        await act()
        assert [dict(row) for row in await town.service.sql(STILL_TRIED)] == [], act.__name__
        assert await town.service.sql(STUCK) == [], act.__name__
    await town.service.emit(call.id, CallErased(at=now_utc()), call.origin)
    assert await town.service.sql(STILL_TRIED) == []
    assert await town.service.sql("select 1 from attempt where text <> '' or address <> ''") == []
    assert await town.service.dead_letters() == []
