"""Who loses the lead gives back what it holds; what is not red makes room for what is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import orjson
from nats.aio.client import Client

from shared.bus import Bus, BusSettings
from shared.consumer import Inbox
from shared.ear import Ear
from shared.heard import Enough, Raw
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


async def say(speaker: Client, number: int, severity: str | None = None) -> str:
    data = {} if severity is None else {"severity": severity}
    said = {"subject": f"call/{number}", "correlationid": f"{number}", "data": data}
    subject = f"internal.kalasin.intake.call.{number}.received.v1"
    await speaker.request(subject, orjson.dumps(said), timeout=PATIENCE_S)
    return subject


async def test_what_was_read_ahead_goes_to_the_next_leader_at_once(streams: Broker) -> None:
    lock = Lock()
    applied: list[str] = []

    class Noting:
        """Writes down the first group, in which the lead is lost."""

        async def take(self, messages: Sequence[Raw], _: Enough) -> Sequence[Raw]:
            applied.extend(message.subject for message in messages)
            lock.lost = True
            return ()

    async with streams.connected("intake") as speaker:
        for number in range(SAID):
            await say(speaker, number)
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


async def test_a_group_that_is_not_red_ends_for_a_red_call_and_goes_on_after_it(streams: Broker) -> None:
    lock = Lock()
    groups: list[list[str]] = []
    async with streams.connected("intake") as speaker, streams.connected("registry") as client:

        class Slow:
            """In the first group a red call comes; one message takes as long as nobody is in a hurry."""

            async def take(self, messages: Sequence[Raw], enough: Enough) -> Sequence[Raw]:
                groups.append([message.subject for message in messages])
                if len(groups) == 1:
                    red.append(await say(speaker, SAID, "red"))
                    while not enough():
                        await asyncio.sleep(0.01)
                    groups[0] = [messages[0].subject]
                    return messages[1:]
                lock.lost = sum(len(group) for group in groups) > SAID
                return ()

        red: list[str] = []
        said = [await say(speaker, number, "yellow") for number in range(SAID)]
        bus = Bus(BusSettings(streams.url, "registry", None), client)
        ear = Ear(bus, cast("Inbox", Slow()), stream="INTAKE", durable="registry")
        async with asyncio.timeout(PATIENCE_S):
            leading = asyncio.create_task(ear.run(cast("LockConnection", cast("Any", lock))))
            await leading
    first, second, *others = groups
    assert (first, second) == ([said[0]], red)
    assert [subject for group in others for subject in group] == said[1:]
