"""Case numbers: one series per month, each given once, and no call waits for another one's number."""

from __future__ import annotations

import asyncio

from services.intake.bodies import CallBody
from services.intake.desk import Taker, desk_of
from services.intake.verbs import take
from shared.events.words import Channel
from shared.work import Cause
from tests.harness import Running
from tests.intake.conftest import PHONE, post
from tests.patience import PATIENCE_S

CALL = {"lane": "emergency", "caller": {"phone": PHONE}, "location": {"landmark": "หน้าวัดกลาง"}}
TAKER = Taker("user:taker", ("kalasin",), Channel.PHONE)


async def test_a_call_that_is_not_committed_yet_holds_up_no_other(intake: Running) -> None:
    runtime = intake.runtime
    async with asyncio.timeout(PATIENCE_S), runtime.work(Cause(TAKER.actor)) as work:
        slow = await take.take(work, desk_of(runtime), TAKER, CallBody.model_validate(CALL))
        quick = await post(intake, "/v1/calls", CALL)
    assert quick.status_code == 201
    numbers = [slow.number, quick.json()["number"]]
    assert [int(number.rsplit("-", 1)[1]) for number in numbers] == [1, 2]
    assert sorted(row["number"] for row in await intake.sql("select number from call")) == numbers


async def test_many_at_once_have_the_numbers_from_one_on(intake: Running) -> None:
    answers = await asyncio.gather(*(post(intake, "/v1/calls", CALL) for _ in range(20)))
    assert sorted(int(answer.json()["number"].rsplit("-", 1)[1]) for answer in answers) == list(range(1, 21))
