"""An ear: one durable consumer of one stream, led by one process at a time.

Acknowledging comes after the commit, so a crash in between means a redelivery, which the cursor absorbs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

import nats.errors
import orjson
import structlog

from shared.ahead import Ahead, Urgencies
from shared.bus import Bus
from shared.consumer import GROUP, TOO_OFTEN, Inbox
from shared.database import AWAY, COLLISION, TOO_LONG
from shared.heard import Enough, Raw
from shared.leader import LockConnection
from shared.pull import Came, Pull

log = structlog.get_logger()

ANSWERS_WITHIN_S = 5.0
READ_AHEAD = 4_000
"""So many messages may wait here, out of which the most urgent are taken."""
SLICE_S = 0.3
"""About so long one group may take: what has just come and is more urgent waits no longer."""
LEAST_GROUP = 25
"""Much of a group's time is the same for one message as for many: smaller ones would only be slower."""
LEAST_S = 0.05
"""So long a group goes on though something red waits: what is not red must get on, too."""


class Ear:
    """Takes from the durable ``durable`` of ``stream`` and gives to the inbox.

    ``patience_s``: so long what has come waits while more gathers, where nobody waits for the effect. Many in one
    transaction cost a fraction of one by one; and what they stand on, said by another service, has been heard by then.
    """

    def __init__(
        self,
        bus: Bus,
        inbox: Inbox,
        *,
        stream: str,
        durable: str,
        patience_s: float = 0.0,
        urgencies: Urgencies | None = None,
    ) -> None:
        """``urgencies``: shared by all ears of a service, for one hears a call and others what grows from it."""
        self._bus = bus
        self._inbox = inbox
        self.stream = stream
        self._durable = durable
        self._patience_s = patience_s
        self._urgencies = urgencies or Urgencies()
        self._each_s = SLICE_S / GROUP
        """What one message has cost of late."""
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
        held: dict[int, Came] = {}  # by place: what waits too long is sent again, and waits here already
        try:
            async with Pull(self._bus.client, self.stream, self._durable, ahead=READ_AHEAD) as pull:
                await self._take_from(pull, connection, held)
        finally:
            # Whoever leads next has set the durable back meanwhile, and some of it still came here: it would be sent to
            # them only after ack_wait, and all that follows would be parked as long.
            with suppress(nats.errors.Error):
                for message in held.values():
                    await message.give_back()

    async def _take_from(self, pull: Pull, connection: LockConnection, held: dict[int, Came]) -> None:
        ahead: Ahead[Came] = Ahead(self._urgencies)

        def put(came: list[Came]) -> None:
            for message in came:
                if message.place not in held:
                    ahead.put(message, message.data)
                held[message.place] = message

        def pressed() -> bool:
            """Whether something red waits; what comes while a group is applied is looked at, too."""
            put(pull.by_now())
            return self._urgencies.pressing > 0

        try:
            while not connection.is_closed() and not self.stopping:
                put(await (pull.come(len(ahead)) if ahead else pull.next()))
                if ahead and len(ahead) < GROUP and self._patience_s:
                    await asyncio.sleep(self._patience_s)
                    put(await pull.come(len(ahead)))
                if ahead:
                    await self._take_most_urgent(ahead, held, pressed)
        finally:
            ahead.leave()

    async def _take_most_urgent(self, ahead: Ahead[Came], held: dict[int, Came], pressed: Callable[[], bool]) -> None:
        group = ahead.take(max(LEAST_GROUP, min(GROUP, round(SLICE_S / self._each_s))))
        red = ahead.red_alone
        begun_s = asyncio.get_running_loop().time()

        def enough() -> bool:
            return not red and asyncio.get_running_loop().time() - begun_s > LEAST_S and pressed()

        left = await self._take([each.item for each in group], enough)
        ahead.back(each for each in group if each.item.place in left)
        for each in group:
            if each.item.place not in left:
                del held[each.item.place]

    async def _take(self, messages: list[Came], enough: Enough) -> set[int]:
        """Apply and acknowledge; gives the places of those for which there was no time.

        While the database is away nothing is acknowledged and nothing more fetched.
        """
        raws = [Raw(message.subject, message.data) for message in messages]
        left: Sequence[Raw] = ()
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        pause_s = 0.1
        too_long = 0
        while True:
            try:
                if too_long < TOO_OFTEN:
                    left = await self._inbox.take(raws, enough)
                else:
                    await self._inbox.take_apart(raws)
            except (*AWAY, *COLLISION) as problem:
                too_long += isinstance(problem, TOO_LONG)
                log.warning("ear.database_away", stream=self.stream, reason=type(problem).__name__)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, 2.0)
                begun_s = loop.time()
            else:
                break
        unapplied = {id(raw) for raw in left}
        done = [message for raw, message in zip(raws, messages, strict=True) if id(raw) not in unapplied]
        if done:
            self._each_s = (self._each_s + (loop.time() - begun_s) / len(done)) / 2
        for message in done:
            await message.ack()
        return {message.place for message in messages} - {message.place for message in done}
