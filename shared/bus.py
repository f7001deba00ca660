"""The connection to NATS: opened once a process, never given up, honest about refusals."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import nats
import structlog
from nats.aio.client import Client

log = structlog.get_logger()

CONNECT_TIMEOUT_S = 3.0
KNOCKS = 25
"""So often an attempt to reconnect is told to end."""


@dataclass(frozen=True, slots=True)
class BusSettings:
    """``user`` names the inbox prefix; ``credentials`` is a NATS creds file; None only on an open test server."""

    url: str
    user: str
    credentials: Path | None


@dataclass(slots=True)
class Bus:
    """A NATS client that reconnects for ever, and knows why it must not be trusted."""

    settings: BusSettings
    client: Client = field(default_factory=Client)
    refusals: list[str] = field(default_factory=list)
    """Permission violations the server told us of. One is enough to be unready: something is set up wrongly."""
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def connected(self) -> bool:
        return self.client.is_connected

    async def open(self) -> None:
        """Keep trying until the server answers; a refused credential is tried again, for it may be renewed."""
        pause_s = 0.1
        while True:
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    await self._connect()
            except (OSError, TimeoutError, nats.errors.Error) as problem:
                log.warning("bus.away", reason=type(problem).__name__)
            else:
                return
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 2.0)

    async def _connect(self) -> None:
        self.client = Client()
        self.closed.clear()
        await self.client.connect(
            self.settings.url,
            name=self.settings.user,
            user_credentials=str(self.settings.credentials) if self.settings.credentials else None,
            inbox_prefix=f"_INBOX.{self.settings.user}".encode(),
            allow_reconnect=True,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.2,  # type: ignore[arg-type]  # seconds; the client sleeps them
            ping_interval=5,
            max_outstanding_pings=2,
            pending_size=8 * 1024 * 1024,
            error_cb=self._on_error,
            closed_cb=self._on_closed,
        )

    async def _on_error(self, problem: Exception) -> None:
        text = str(problem).lower()
        if "permissions violation" in text:
            self.refusals = [*self.refusals[-19:], text]
            log.error("bus.refused", violation=text)
        else:
            log.warning("bus.error", reason=type(problem).__name__)

    async def _on_closed(self) -> None:
        self.closed.set()

    async def stay_open(self, opened: Callable[[], Awaitable[None]]) -> None:
        """Open, and again when the client has closed for good (an expired or revoked user: the credentials are read

        anew). ``opened`` runs after each time: a new client knows nothing of what the last one subscribed to.
        """
        while True:
            await self.open()
            try:
                await opened()
            except nats.errors.Error as problem:  # closed again by now
                log.warning("bus.away", reason=type(problem).__name__)
            await self.closed.wait()
            log.error("bus.closed")

    async def wake(self, subject: str) -> None:
        """A hint without content; a lost one costs at most the poll interval."""
        if self.client.is_connected:
            await self.client.publish(subject, b"")

    async def close(self) -> None:
        """Flush and close. ``drain`` is not used: it waits 30 s after fetches that took left-over messages."""
        if self.client.is_closed:
            await self._stop_knocking()
            return
        self.closed = asyncio.Event()
        try:
            async with asyncio.timeout(1):
                await self.client.flush()
        except (TimeoutError, nats.errors.Error):
            log.debug("bus.flush_failed")
        try:
            await self.client.close()
        except (OSError, nats.errors.Error):  # the broker is away: nobody to take leave of
            transport = self.client._transport  # noqa: SLF001 nats-py leaves its socket open then
            if transport is not None:
                transport.close()  # type: ignore[no-untyped-call]
        await self._stop_knocking()

    async def _stop_knocking(self) -> None:
        """End nats-py's attempts to reconnect for sure.

        ``asyncio.wait_for`` before Python 3.12 may lose a cancellation that comes in the moment in which a connection
        is refused (python/cpython issue 86296); the attempts then go on for ever, whatever the client's state is.
        """
        task = self.client._reconnection_task  # noqa: SLF001
        for _ in range(KNOCKS):
            if task is None or task.done() or task is asyncio.current_task():
                return
            task.cancel()
            await asyncio.wait({task}, timeout=0.2)
