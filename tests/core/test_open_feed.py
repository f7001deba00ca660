"""The open feed by cursor: it goes on where it was, and says so when a cursor is of another life of the stream."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from shared.work import new_id
from tests.core.test_hop import ME
from tests.core.toy.services import SPEAKER, say_some
from tests.harness import Running, bearer, problem_of, service_running
from tests.platform_fixtures import MakeDatabase


async def feed(running: Running, after: Any = 0) -> httpx.Response:
    return await running.client.get(f"/v1/events?after={after}", headers=bearer("auditor", areas=["*"]))


async def test_a_cursor_beyond_the_end_is_refused_and_not_silently_skipped_to(
    database: MakeDatabase, tmp_path: Path
) -> None:
    """After a restore the stream is shorter: a reader from before would miss all that is said until it is as long."""
    made = await database("intake", package="tests.core.toy")
    async with service_running(SPEAKER, made.dsn, tmp_path) as running:
        assert (await feed(running)).json() == {"items": [], "next": 0}
        async with running.runtime.work(ME) as work:
            await say_some(work, new_id(), 3)
        await running.sql("update event_log set stream_sequence = 10 + position")
        page = (await feed(running)).json()
        assert len(page["items"]) == 3
        assert (await feed(running, page["next"])).json() == {"items": [], "next": page["next"]}
        answer = await feed(running, page["next"] + 1)
        problem = problem_of(answer)
        assert (answer.status_code, problem["code"], problem["errors"][0]["field"]) == (409, "cursor_ahead", "after")
        assert (await feed(running, 0)).json() == page, "what it says to do"
