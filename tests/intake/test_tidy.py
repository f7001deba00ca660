"""What nobody needs any more is dropped; what may still be needed is not."""

from __future__ import annotations

from datetime import timedelta

from shared.limits import Limit, spend
from shared.tidy import tidy_once
from shared.work import now_utc
from tests.harness import Running
from tests.intake.conftest import emergency


async def test_old_answers_and_counts_go_and_fresh_ones_stay(intake: Running) -> None:
    await emergency(intake, headers={"Idempotency-Key": "k"})
    await spend(intake.runtime.pool, Limit("test", 1, timedelta(minutes=1)), "somebody")
    await tidy_once(intake.runtime.pool)
    assert len(await intake.sql("select from idempotency")) == len(await intake.sql("select from throttle")) == 1
    await tidy_once(intake.runtime.pool, at=now_utc() + timedelta(days=8))
    assert await intake.sql("select from idempotency") == []
    assert await intake.sql("select from throttle") == []
