"""What is due: said again it is as new."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from shared.due import TRIES, Due, DueRunner
from shared.events.base import Origin
from shared.letters import letters, requeue
from shared.work import Work, new_id, now_utc
from tests.core.conftest import PACKAGE
from tests.core.test_hop import ME
from tests.core.toy.services import HEARER
from tests.harness import Running, service_running
from tests.platform_fixtures import MakeDatabase

KIND = "remind"


async def say(running: Running, subject: Origin) -> None:
    async with running.runtime.work(ME) as work:
        await work.later(KIND, subject.correlation_id, now_utc() - timedelta(seconds=1), subject)


async def test_what_is_said_again_has_all_its_tries_before_it(database: MakeDatabase, tmp_path: Path) -> None:
    async def broken(_: Work, __: Due) -> None:
        raise ZeroDivisionError

    made = await database("registry", package=PACKAGE)
    async with service_running(HEARER, made.dsn, tmp_path) as running:
        runner = DueRunner("registry", running.runtime.pool, {KIND: broken})
        origin = Origin("kalasin", new_id())

        async def tries(count: int) -> None:
            for _ in range(count):
                await running.sql("update due set due_at = clock_timestamp()")
                assert await runner.do_one()

        await say(running, origin)
        await tries(TRIES - 1)
        await say(running, origin)
        assert [row["attempts"] for row in await running.sql("select attempts from due")] == [0]
        await tries(TRIES - 1)
        assert await running.dead_letters() == []
        await tries(1)
        assert await running.dead_letters() == ["ZeroDivisionError"]

        await say(running, origin)
        await tries(TRIES - 1)
        [letter] = await letters(running.runtime.pool, None)
        assert await requeue(running.runtime.pool, [letter["id"]]) == 1
        assert [row["attempts"] for row in await running.sql("select attempts from due")] == [0]
