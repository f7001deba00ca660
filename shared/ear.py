"""An ear: one durable consumer of one stream, led by one process at a time.

Acknowledging comes after the commit, so a crash in between means a redelivery, which the cursor absorbs.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import nats.errors
import nats.js.errors
import orjson
import structlog
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from shared.bus import Bus
from shared.consumer import GROUP, Inbox, Raw
from shared.database import AWAY, COLLISION
from shared.leader import LockConnection

log = structlog.get_logger()

FETCH_S = 5.0


class Ear:
    """Fetches from the durable ``durable`` of ``stream`` and gives to the inbox.

    ``patience_s``: after each group it lets messages gather for so long, where nobody waits for the effect: many in one
    transaction cost a fraction of one by one.
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
            subscription: JetStreamContext.PullSubscription | None = None
            try:
                await self._reset()
                subscription = await self._bus.js.pull_subscribe_bind(self._durable, stream=self.stream)
                await self._listen(subscription, connection)
                if self.stopping:
                    return
            except (nats.errors.Error, OSError) as problem:
                if self.stopping:
                    return  # a closed client turns our being cancelled into its own error
                log.warning("ear.interrupted", stream=self.stream, reason=type(problem).__name__)
                await asyncio.sleep(0.3)
            finally:
                if subscription is not None:
                    with suppress(nats.errors.Error):
                        await subscription.unsubscribe()

    async def _reset(self) -> None:
        """Go back to the acknowledged floor: keeps the order, which redelivery by time-out would not."""
        subject = f"$JS.API.CONSUMER.RESET.{self.stream}.{self._durable}"
        reply = await self._bus.client.request(subject, b"", timeout=FETCH_S)
        error = orjson.loads(reply.data).get("error")
        if error:
            log.warning("ear.no_consumer", stream=self.stream, error=error.get("description"))
            raise nats.errors.Error(error.get("description"))

    async def _listen(self, subscription: JetStreamContext.PullSubscription, connection: LockConnection) -> None:
        """In a backlog the next group is on its way while this one is applied; what is lost of it comes again."""
        ahead: asyncio.Task[list[Msg]] | None = None
        try:
            while not connection.is_closed() and not self.stopping:
                messages = await (ahead or self._fetch(subscription))
                backlog = len(messages) == GROUP
                ahead = asyncio.create_task(self._fetch(subscription)) if backlog else None
                if messages:
                    await self._take(messages)
                if messages and not backlog and self._patience_s:
                    await asyncio.sleep(self._patience_s)
        finally:
            if ahead is not None:
                ahead.cancel()
                await asyncio.gather(ahead, return_exceptions=True)

    async def _fetch(self, subscription: JetStreamContext.PullSubscription) -> list[Msg]:
        try:
            return await subscription.fetch(GROUP, timeout=FETCH_S)
        except (nats.errors.TimeoutError, TimeoutError):
            if not self._bus.client.is_connected:
                raise nats.errors.ConnectionClosedError from None
            return []

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
