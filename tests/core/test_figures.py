"""What Prometheus is told of the moment: it must be seen there when something waits or is away."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from prometheus_client import REGISTRY

from shared import figures
from shared.service import health
from shared.work import new_id
from tests.core.conftest import Pair
from tests.core.test_hop import ME
from tests.core.toy.services import say_some
from tests.patience import PATIENCE_S


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def test_what_waits_for_the_broker_and_for_people_is_told(pair: Pair) -> None:
    async with pair.running("intake") as (speaker,):
        async with asyncio.timeout(PATIENCE_S):
            while await health(speaker):
                await asyncio.sleep(0.02)
        await speaker.pool.execute(
            "insert into dead_letter (id, subject, body, reason, died_at) values ($1, 's', '', 'poison', now())",
            uuid4(),
        )
        await speaker.pool.execute(
            "insert into parked values ('trip', $1, 2, 's', '', null, null, now() - interval '40 s')", uuid4()
        )
        async with asyncio.timeout(PATIENCE_S):
            await figures.read(speaker)
            while (value("karuna_ready"), value("karuna_dead_letters_waiting")) != (1, 1):
                await figures.read(speaker)  # what does not answer within its two seconds is left out
        assert value("karuna_wrong", what="broker") is None
        assert 40 <= (value("karuna_parked_waiting_seconds") or 0) < 40 + 2 * PATIENCE_S
        assert value("karuna_outbox_waiting_seconds") == 0
        async with asyncio.timeout(PATIENCE_S):
            while value("karuna_stream_limit_bytes", stream="INTAKE") != 1 << 30:
                await figures.read(speaker)

        await pair.broker.kill()
        async with speaker.work(ME) as work:
            await say_some(work, new_id(), 1)
        async with asyncio.timeout(PATIENCE_S):
            while value("karuna_wrong", what="broker") != 1:
                await figures.read(speaker)
        assert value("karuna_ready") == 0
        assert (value("karuna_outbox_waiting_seconds") or 0) > 0
