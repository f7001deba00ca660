"""Small pieces of work done together: one transaction for many, and one bad piece spoils only itself."""

from __future__ import annotations

import asyncio

import pytest

from services.notify.sending.together import Together
from tests.patience import PATIENCE_S


async def test_what_comes_at_the_same_time_is_done_together_and_a_bad_piece_alone_fails() -> None:
    batches: list[list[int]] = []

    async def act(items: list[int]) -> None:
        batches.append(items)
        if 13 in items:
            raise ValueError("unlucky")

    together = Together(act, linger_s=0.01)
    running = asyncio.create_task(together.run())
    async with asyncio.timeout(PATIENCE_S):
        results = await asyncio.gather(*(together.do(number) for number in (1, 13, 2)), return_exceptions=True)
    assert batches == [[1, 13, 2], [1], [13], [2]]
    assert [type(result) for result in results] == [type(None), ValueError, type(None)]
    await together.do(3)  # it goes on
    assert batches[-1] == [3]
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_no_batch_is_larger_than_allowed() -> None:
    sizes: list[int] = []

    async def act(items: list[int]) -> None:
        sizes.append(len(items))

    together = Together(act, at_most=4, linger_s=0.01)
    running = asyncio.create_task(together.run())
    await asyncio.gather(*(together.do(number) for number in range(10)))
    running.cancel()
    assert sizes == [4, 4, 2]


async def test_who_cannot_wait_ends_the_waiting_of_all() -> None:
    batches: list[list[int]] = []

    async def act(items: list[int]) -> None:
        batches.append(items)

    together = Together(act, linger_s=60)
    running = asyncio.create_task(together.run())
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(together.do(1), together.do(2), together.do(3, at_once=True))
        await together.do(4, at_once=True)
    running.cancel()
    assert batches == [[1, 2, 3], [4]]
