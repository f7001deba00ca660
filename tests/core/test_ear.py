"""Who loses the lead gives back what it holds: the next one does not wait until the broker sends it again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import orjson

from shared.bus import Bus, BusSettings
from shared.consumer import Inbox, Raw
from shared.ear import Ear
from shared.leader import LockConnection
from shared.pull import Pull
from tests.patience import PATIENCE_S
from tests.platform_fixtures import Broker

SAID = 130
"""More than a group, fewer than are read ahead."""


class Lock:
    """The connection that holds the lead."""

    lost = False

    def is_closed(self) -> bool:
        return self.lost


async def test_what_was_read_ahead_goes_to_the_next_leader_at_once(streams: Broker) -> None:
    lock = Lock()
    applied: list[str] = []

    class Noting:
        """Writes down the first group, in which the lead is lost."""

        async def take(self, messages: Sequence[Raw]) -> None:
            applied.extend(message.subject for message in messages)
            lock.lost = True

    async with streams.connected("intake") as speaker:
        for number in range(SAID):
            said = {"subject": f"call/{number}", "correlationid": f"{number}", "data": {}}
            subject = f"internal.kalasin.intake.call.{number}.received.v1"
            await speaker.request(subject, orjson.dumps(said), timeout=PATIENCE_S)
    async with streams.connected("registry") as client, asyncio.timeout(PATIENCE_S):
        bus = Bus(BusSettings(streams.url, "registry", None), client)
        ear = Ear(bus, cast("Inbox", Noting()), stream="INTAKE", durable="registry", patience_s=0.5)
        leading = asyncio.create_task(ear.run(cast("LockConnection", cast("Any", lock))))
        await leading
        assert 0 < len(applied) < SAID
        async with Pull(client, "INTAKE", "registry", ahead=SAID) as pull:
            while len(applied) < SAID:
                for message in await pull.next():
                    applied.append(message.subject)
                    await message.ack()
    assert len(set(applied)) == SAID
