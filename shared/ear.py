"""An ear: one durable consumer of one stream, led by one process at a time.

Acknowledging comes after the commit, so a crash in between means a redelivery, which the cursor absorbs.
"""

from __future__ import annotations

import asyncio

import nats.errors
import orjson
import structlog
from nats.aio.msg import Msg

from shared.bus import Bus
from shared.consumer import GROUP, Inbox, Raw
from shared.database import AWAY, COLLISION
from shared.leader import LockConnection
from shared.pull import Pull

log = structlog.get_logger()

ANSWERS_WITHIN_S = 5.0


class Ear:
    """Takes from the durable ``durable`` of ``stream`` and gives to the inbox.

    ``patience_s``: so long what has come waits while more gathers, where nobody waits for the effect. Many in one
    transaction cost a fraction of one by one; and what they stand on, said by another service, has been heard by then.
    """

    def __init__(self, bus: Bus, inbox: Inbox, *, stream: str, durable: str, patience_s: float = 0.0) -> None:
        self._bus = bus
        self._inbox = inbox
        self.stream = stream
        self._durable = durable
        self._patience_s = patience_s
        self.stopping = False

    async def run(self, connection: LockConnection) -> None:
        """Lead: have what the last leader left unacknowledged sent again first, then listen."""
        while not connection.is_closed():
            try:
                await self._reset()
                await self._listen(connection)
                if self.stopping:
                    return
            except (nats.errors.Error, OSError) as problem:
                if self.stopping:
                    return  # a closed client turns our being cancelled into its own error
                log.warning("ear.interrupted", stream=self.stream, reason=type(problem).__name__)
                await asyncio.sleep(0.3)

    async def _reset(self) -> None:
        """Go back to the acknowledged floor: keeps the order, which redelivery by time-out would not."""
        subject = f"$JS.API.CONSUMER.RESET.{self.stream}.{self._durable}"
        reply = await self._bus.client.request(subject, b"", timeout=ANSWERS_WITHIN_S)
        error = orjson.loads(reply.data).get("error")
        if error:
            log.warning("ear.no_consumer", stream=self.stream, error=error.get("description"))
            raise nats.errors.Error(error.get("description"))

    async def _listen(self, connection: LockConnection) -> None:
        async with Pull(self._bus.client, self.stream, self._durable, group=GROUP) as pull:
            while not connection.is_closed() and not self.stopping:
                messages = await pull.next()
                if messages and len(messages) < GROUP and self._patience_s:
                    await asyncio.sleep(self._patience_s)
                if messages:
                    await self._take(messages)

    async def _take(self, messages: list[Msg]) -> None:
        """Apply and acknowledge. While the database is away nothing is acknowledged and nothing more fetched."""
        raws = [Raw(message.subject, message.data) for message in messages]
        pause_s = 0.1
        while True:
            try:
                await self._inbox.take(raws)
            except (*AWAY, *COLLISION) as problem:
                log.warning("ear.database_away", stream=self.stream, reason=type(problem).__name__)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, 2.0)
            else:
                break
        for message in messages:
            await message.ack()
