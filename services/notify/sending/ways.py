"""The channels of every area, each with its breaker and its limit. Exercises have ways of their own, or none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import structlog
from prometheus_client import Gauge
from pydantic import SecretStr

from services.notify.channels.base import (
    Accepted,
    Channel,
    GiveUp,
    Outcome,
    Outgoing,
    Part,
    Reason,
    Receipt,
    TryLater,
    Unknown,
)
from services.notify.channels.line import LineChannel, QuotaUnknownError
from services.notify.channels.sms_gateway import Gateway
from services.notify.channels.sms_http import SmsHttpChannel
from services.notify.channels.sms_smpp import SmppChannel
from services.notify.sending.breaker import Breaker
from services.notify.sending.bucket import Bucket
from services.notify.settings import ChannelsConfig, LineOfArea, SmppOfArea, SmsHttpOfArea, Ways

log = structlog.get_logger()

CALL_WITHIN_S = {"line": 11.0, "sms": 30.0}
ROUTINE_WAITS_S = 2.0
QUOTA_EVERY_S = 60.0

OnReceipt = Callable[[str, Receipt], Awaitable[None]]
BREAKER = Gauge("karuna_notify_breaker_open", "1 while a provider is left alone", ["area", "channel"])
QUOTA_LEFT = Gauge("karuna_notify_line_quota_left", "LINE messages left this month", ["area"])


class Rehearsal:
    """The channel of exercises where no simulated one is set: takes everything, sends nothing."""

    async def send(self, message: Outgoing) -> Outcome:
        return Accepted((Part(1, 1, f"exercise-{message.key}"),))


@dataclass(slots=True)
class Way:
    """One channel of one area."""

    area: str
    name: str
    provider: str
    channel: Channel
    bucket: Bucket
    breaker: Breaker = field(default_factory=Breaker)
    reserve: int = 0
    quota_left: int | None = None

    async def send(self, message: Outgoing, *, emergency: bool) -> tuple[Outcome, bool]:
        """The outcome, and whether the breaker is open now (then another way should be tried at once)."""
        if not emergency and self.quota_left is not None and self.quota_left <= self.reserve:
            return GiveUp(Reason.QUOTA_SPENT, code="reserve"), False
        wait_s = self.breaker.wait_s(time.monotonic())
        if wait_s is not None:
            return TryLater(Reason.UNREACHABLE, wait_s, code="breaker"), True
        wait_s = self.bucket.take(time.monotonic(), emergency=emergency)
        if wait_s > ROUTINE_WAITS_S:
            return TryLater(Reason.THROTTLED, wait_s, code="own limit"), False
        with self.breaker.trying():
            await asyncio.sleep(wait_s)
            outcome = await self._call(message)
            self.breaker.learn(outcome, time.monotonic())
        BREAKER.labels(self.area, self.name).set(self.breaker.is_open)
        return outcome, self.breaker.is_open

    async def _call(self, message: Outgoing) -> Outcome:
        """Channels limit themselves; this is the net beneath them."""
        try:
            async with asyncio.timeout(CALL_WITHIN_S[self.name]):
                return await self.channel.send(message)
        except TimeoutError:
            keyed = self.name == "line" and message.reply_token is None
            return TryLater(Reason.NO_ANSWER) if keyed else Unknown(Reason.NO_ANSWER)


class AllWays:
    """Every way of every area; :meth:`open` keeps those alive that need a link."""

    def __init__(self, config: ChannelsConfig) -> None:
        self._config = config
        self._ways: dict[tuple[str, str, bool], Way] = {}

    @asynccontextmanager
    async def open(self, on_receipt: OnReceipt) -> AsyncIterator[None]:
        """Make the clients, hold the SMPP sessions, watch LINE's quota."""
        async with AsyncExitStack() as stack:
            for area, ways in self._config.areas.items():
                await self._open_area(stack, area, ways, on_receipt, exercise=False)
                await self._open_area(stack, area, ways.exercise, on_receipt, exercise=True)
            watch = asyncio.create_task(self._watch_quota())
            try:
                yield
            finally:
                watch.cancel()
                self._ways.clear()

    async def _open_area(
        self, stack: AsyncExitStack, area: str, ways: Ways, on_receipt: OnReceipt, *, exercise: bool
    ) -> None:
        if ways.line is not None:
            line = await stack.enter_async_context(LineChannel(ways.line))
            self._ways[area, "line", exercise] = Way(
                area, "line", f"line-{area}", line, Bucket(None), reserve=ways.line.quota_reserve
            )
        if ways.sms is not None:
            sms = ways.sms
            channel: Channel = (
                await stack.enter_async_context(SmppChannel(sms, partial(on_receipt, sms.provider)))
                if isinstance(sms, SmppOfArea)
                else await stack.enter_async_context(SmsHttpChannel(sms))
            )
            self._ways[area, "sms", exercise] = Way(area, "sms", sms.provider, channel, Bucket(sms.per_s))

    def way(self, area: str, channel: str, *, exercise: bool) -> Way | None:
        """The way to use; None where the area has none. An exercise never gets a real one."""
        found = self._ways.get((area, channel, exercise))
        if found is None and exercise:
            found = Way(area, channel, "exercise", Rehearsal(), Bucket(None))
            self._ways[area, channel, True] = found
        return found

    def line_secrets(self, area: str) -> Sequence[SecretStr]:
        """Of the area's real and simulated accounts; empty where it has none."""
        ways = self._config.areas.get(area)
        accounts: list[LineOfArea | None] = [ways.line, ways.exercise.line] if ways else []
        return [secret for account in accounts if account is not None for secret in account.channel_secrets]

    def receipts_of(self, provider: str) -> tuple[Gateway, SecretStr] | None:
        """How an HTTP gateway's receipts read, and the token they carry; None where we know no such provider."""
        secret = self._config.receipt_secrets.get(provider)
        for ways in self._config.areas.values():
            for sms in (ways.sms, ways.exercise.sms):
                if isinstance(sms, SmsHttpOfArea) and sms.provider == provider and secret is not None:
                    return sms.gateway, secret
        return None

    async def _watch_quota(self) -> None:
        while True:
            for (area, name, exercise), way in list(self._ways.items()):
                if name == "line" and not exercise and isinstance(way.channel, LineChannel):
                    try:
                        way.quota_left = (await way.channel.quota()).left
                    except QuotaUnknownError as problem:
                        log.info("line.quota_unknown", area=area, reason=type(problem).__name__)
                        continue
                    if way.quota_left is not None:
                        QUOTA_LEFT.labels(area).set(way.quota_left)
            await asyncio.sleep(QUOTA_EVERY_S)
