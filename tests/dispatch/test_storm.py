"""A busy hour in seconds: everybody acts at once, in several processes' ways; afterwards the laws still hold."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from shared.events import intake
from shared.work import new_id, now_utc
from tests.dispatch.conftest import Town, Unit
from tests.harness import patiently

FORGOTTEN = """
select t.id, t.status from trip t
where t.now_at is not null and t.status in ('requested', 'queued', 'unassigned') and not t.back_entry
  and not exists (select from due d where d.kind = 'find_unit' and d.subject_id = t.id)
  and not exists (select from assignment a join due d on d.subject_id = a.id
                  where a.trip_id = t.id and a.ended_at is null
                    and d.kind in ('order_timeout', 'order_expires', 'proposal_timeout'))
"""
TWO_RUNS = "select unit_id from run where status = 'open' group by unit_id having count(*) > 1"
EMPTY_RUNS = """
select r.id from run r where r.status = 'open'
  and not exists (select from assignment a where a.run_id = r.id and a.ended_at is null)
"""
LOOSE = """
select a.id from assignment a join trip t on t.id = a.trip_id
where a.ended_at is null and a.role = 'primary' and t.ended_at is not null
"""
HOLES = """
select aggregate_id from event_log group by aggregate_id having count(*) <> max(aggregateseq) or min(aggregateseq) <> 1
"""


async def test_after_a_storm_nothing_is_lost_doubled_or_forgotten(town: Town) -> None:
    dice = random.Random(1132)
    units = [await town.unit(number / 2, volunteer=number % 4 == 0) for number in range(10)]
    by_id = {str(unit.id): unit for unit in units}
    calls: list[Any] = []
    answers: list[int] = []

    async def callers() -> None:
        for _ in range(25):
            patients = [{"patient_id": new_id()} for _ in range(dice.choice((1, 1, 2)))]
            calls.append(await town.call(severity=dice.choice(("red", "yellow", "green")), patients=patients))

    async def crews() -> None:
        for _ in range(60):
            rows = await town.running.sql("select id, unit_id, status from assignment where ended_at is null")
            for row in dice.sample(rows, min(3, len(rows))):
                unit: Unit = by_id[str(row["unit_id"])]
                following = {"ordered": dice.choice(("accept", "accept", "decline")), "offered": "accept",
                             "accepted": "en_route", "en_route": "at_scene", "at_scene": "left_scene",
                             "left_scene": "at_destination", "at_destination": "clear"}  # fmt: skip
                body = {"step": following.get(row["status"], "accept"), "at": now_utc().isoformat()}
                path = f"/v1/assignments/{row['id']}/steps"
                answers.append(await town.press(path, body, unit.headers))

    async def desk() -> None:
        for _ in range(12):
            rows = await town.running.sql("select id from assignment where ended_at is null")
            for row in dice.sample(rows, min(1, len(rows))):
                path = f"/v1/assignments/{row['id']}/release"
                answers.append(await town.press(path, {"reason": "closer_unit"}, town.desk))
            unit = dice.choice(units)
            path, body = f"/v1/units/{unit.id}/duty", {"on": dice.random() < 0.7}
            answers.append(await town.press(path, body, town.desk))
            if calls and dice.random() < 0.3:
                await town.say(calls.pop(), intake.CallWithdrawn(at=now_utc(), by="person"))

    async def clock() -> None:
        for number in range(40):
            kind = dice.choice(("order_timeout", "find_unit", "order_expires", "serve_queue"))
            await town.running.sql("update due set due_at = clock_timestamp() where kind = $1", kind)
            while await patiently(town.running.runtime.due.do_one):
                pass
            assert number >= 0

    await asyncio.gather(callers(), crews(), crews(), desk(), clock())
    assert set(answers) <= {200, 409}, set(answers)
    assert await town.running.dead_letters() == []
    for law in (FORGOTTEN, TWO_RUNS, EMPTY_RUNS, LOOSE, HOLES):
        assert await town.running.sql(law) == [], law
    accepted = await town.running.sql(
        "select trip_id from assignment where role = 'primary' and status in "
        "('accepted', 'en_route', 'at_scene', 'left_scene', 'at_destination') group by trip_id having count(*) > 1"
    )
    assert accepted == []
