"""Many small pieces of work that come at the same time, done in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Together(Generic[T]):
    """Does ``act`` for all items that came within ``linger_s``; each alone when one of them makes trouble.

    Whoever comes ``at_once`` ends the waiting for all.
    """

    def __init__(self, act: Callable[[list[T]], Awaitable[None]], *, at_most: int = 50, linger_s: float = 0.0) -> None:
        self._act, self._at_most, self._linger_s = act, at_most, linger_s
        self._queue: asyncio.Queue[tuple[T, asyncio.Future[None]]] = asyncio.Queue()
        self._hurried = asyncio.Event()

    async def do(self, item: T, *, at_once: bool = False) -> None:
        """Returns when it is done.

        Raises:
            whatever ``act`` raised for this item alone.

        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((item, done))
        if at_once:
            self._hurried.set()
        await done

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            batch = [await self._queue.get()]
            if self._linger_s and len(batch) + self._queue.qsize() < self._at_most:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._linger_s):
                        await self._hurried.wait()
            self._hurried.clear()
            while len(batch) < self._at_most and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await self._settle(batch)

    async def _settle(self, batch: list[tuple[T, asyncio.Future[None]]]) -> None:
        try:
            await self._act([item for item, _ in batch])
        except Exception as problem:  # noqa: BLE001 whoever waits for it hears of it
            if len(batch) > 1:
                for one in batch:
                    await self._settle([one])
            elif not batch[0][1].done():
                batch[0][1].set_exception(problem)
        else:
            for _, done in batch:
                if not done.done():
                    done.set_result(None)
