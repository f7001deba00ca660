"""A session that comes back: binds, and binds again whenever it is lost, with growing pauses."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from enum import StrEnum
from typing import Self

from services.notify.channels.smpp_session import BindRefusedError, Deliver, Role, Session, SmppSettings

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
REFUSED_PAUSE_S = 30.0
"""After a refused bind only an operator can help: asking often gets accounts locked."""


class LinkState(StrEnum):
    CONNECTING = "connecting"
    BOUND = "bound"
    REFUSED = "refused"


class Link:
    """``async with link:`` keeps it bound in the background; :meth:`session` gives the one that is bound now."""

    def __init__(self, settings: SmppSettings, role: Role, deliver: Deliver) -> None:
        self._settings, self._role, self._deliver = settings, role, deliver
        self._session: Session | None = None
        self._changed = asyncio.Condition()
        self._keeper: asyncio.Task[None] | None = None
        self.state = LinkState.CONNECTING
        self.refused_with: int | None = None
        """The SMPP status of the last refused bind."""

    async def __aenter__(self) -> Self:
        self._keeper = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper

    async def session(self, within_s: float) -> Session | None:
        """The bound session; waits for one so long. ``None``: none in time, or binds are refused at present."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s), self._changed:
                await self._changed.wait_for(lambda: self.state is not LinkState.CONNECTING)
        return self._session if self.state is LinkState.BOUND else None

    async def _keep(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                session = await Session.open(self._settings, self._role, self._deliver)
            except BindRefusedError as problem:
                self.refused_with = problem.status
                await self._become(LinkState.REFUSED, None)
                await asyncio.sleep(REFUSED_PAUSE_S)
            except OSError:  # a TimeoutError too
                await self._become(LinkState.CONNECTING, None)
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - spread, not secrecy
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            else:
                pause_s = FIRST_PAUSE_S
                await self._hold(session)

    async def _hold(self, session: Session) -> None:
        try:
            await self._become(LinkState.BOUND, session)
            await session.wait_closed()
            await self._become(LinkState.CONNECTING, None)
        finally:
            await session.close()

    async def _become(self, state: LinkState, session: Session | None) -> None:
        async with self._changed:
            self.state, self._session = state, session
            self._changed.notify_all()
