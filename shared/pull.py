"""What a durable of a stream offers, as it comes.

nats-py's own ``fetch`` is not used. While an earlier request of it is still open at the broker, it takes what that one
brings for the beginning of a group and waits for the rest until its time is up (nats-io/nats.py, issue 933): a lone
call for help waited up to five seconds. Here one request is open at a time, and what has come is given at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import nats.errors
import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

EXPIRES_S = 5.0
AT_ONCE = 500
"""So many one request may bring."""
LOOK_S = 0.5
"""How often the connection is looked at while nothing comes."""
LOST_AFTER_S = 2.0
"""So long after its end the broker may be silent about a request; then it has forgotten it."""
ENDED = frozenset({"404", "408"})
"""How the broker says that a request has ended and another may follow."""


@dataclass(frozen=True, slots=True)
class Came:
    """What is needed of a message that waits here, by the thousand: nats-py's own with its headers is 2 KB more.

    ``place``: its sequence in the stream. ``reply``: where it is acknowledged.
    """

    client: Client
    subject: str
    data: bytes
    reply: str
    place: int

    async def ack(self) -> None:
        """Say that it is done with.

        Raises:
            nats.errors.Error: the connection is closed; it comes again.

        """
        await self.client.publish(self.reply)

    async def give_back(self) -> None:
        """Say that somebody else is to have it, now: else it is sent again only after ``ack_wait``.

        Raises:
            nats.errors.Error: as :meth:`ack`.

        """
        await self.client.publish(self.reply, b"-NAK")


class Pull:
    """``async with Pull(client, stream, durable, ahead=1000) as pull`` asks for messages until the block ends.

    At most ``ahead`` are asked for beyond what their taker has settled.
    """

    def __init__(self, client: Client, stream: str, durable: str, *, ahead: int, expires_s: float = EXPIRES_S) -> None:
        self._client, self._ahead, self._expires_s = client, ahead, expires_s
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
        self.inbox = client.new_inbox()
        self._reconnects = client.stats["reconnects"]
        self._came = asyncio.Event()
        self._waiting: deque[Came] = deque()
        self._open = 0
        """How many messages the open request may still bring."""
        self._asked_s = 0.0
        self._refused: str | None = None
        self._subscription: Subscription | None = None

    async def __aenter__(self) -> Self:
        self._subscription = await self._client.subscribe(self.inbox, cb=self._take)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._subscription is not None:
            with suppress(nats.errors.Error):
                await self._subscription.unsubscribe()
                for message in self._waiting:
                    await message.give_back()

    async def next(self) -> list[Came]:
        """What has come, in order, as soon as anything has; nothing after ``expires_s`` without a message.

        What comes next is on its way while this is applied.

        Raises:
            nats.errors.Error: the connection is or was away, or the durable is gone. What was given and not
                acknowledged, and what was not given yet, comes again after a reset, to a new ``Pull``.

        """
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._expires_s
        while not self._waiting and loop.time() < until_s:
            self._check()
            await self._ask(loop.time(), self._ahead)
            self._came.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._came.wait()
        return await self.come(0)

    async def come(self, held: int) -> list[Came]:
        """What has come by now, without waiting. ``held``: so many the taker still has in hand.

        Raises:
            nats.errors.Error: as :meth:`next`.

        """
        self._check()
        given = self.by_now()
        await self._ask(asyncio.get_running_loop().time(), self._ahead - held - len(given))
        return given

    def by_now(self) -> list[Came]:
        """What has come by now; nothing more is asked for."""
        given = list(self._waiting)
        self._waiting.clear()
        return given

    def _check(self) -> None:
        if not self._client.is_connected or self._client.stats["reconnects"] != self._reconnects:
            raise nats.errors.ConnectionClosedError
        if self._refused is not None:
            raise nats.errors.Error(self._refused)

    async def _ask(self, now_s: float, room: int) -> None:
        """Have one request open, where there is room."""
        forgotten = now_s - self._asked_s > self._expires_s + LOST_AFTER_S
        if room > 0 and (self._open <= 0 or forgotten):
            self._open, self._asked_s = min(AT_ONCE, room), now_s
            wanted = orjson.dumps({"batch": self._open, "expires": int(self._expires_s * 1e9)})
            await self._client.publish(self._subject, wanted, reply=self.inbox)

    async def _take(self, message: Msg) -> None:
        status = (message.headers or {}).get("Status")
        if status is None:
            self._open -= 1
            place = message.metadata.sequence.stream
            self._waiting.append(Came(self._client, message.subject, message.data, message.reply, place))
        elif status in ENDED:
            self._open = 0
        else:
            self._refused = f"{status} {(message.headers or {}).get('Description', '')}".strip()
        self._came.set()
