"""What must never happen is forbidden by the database, whatever the program believes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.dispatch.store import runs
from shared.events import intake
from shared.events.base import Origin
from shared.events.notify import ReplyReceived
from shared.work import new_id, now_utc
from tests.dispatch.conftest import Town, call_event
from tests.harness import AREA

OPEN = "insert into run (id, unit_id, area, lane, exercise, status, opened_at) values ($1, $2, 'kalasin', 'emergency', false, 'open', now())"
WAITS = "select exists (select from pg_locks where locktype = 'advisory' and not granted)"
BOOK = """
insert into run (id, unit_id, area, lane, exercise, status, booked, override_reason)
values ($1, $2, 'kalasin', 'booked', false, 'planned', tstzrange($3, $4), $5)
"""


async def refused(town: Town, error: type[Exception], statement: str, *arguments: Any) -> None:
    with pytest.raises(error):
        await town.running.sql(statement, *arguments)


async def test_no_unit_is_in_two_open_runs(town: Town) -> None:
    unit = await town.unit(1)
    await town.call()
    assert len(await town.running.sql("select from run where status = 'open'")) == 1
    await refused(town, asyncpg.UniqueViolationError, OPEN, new_id(), unit.id)


async def test_a_run_never_opens_before_the_last_one_of_its_unit_was_closed(town: Town) -> None:
    """Whoever decides may have slept between the look at the clock and the turn: as if the last run ended later."""
    unit = await town.unit(1)
    [asked] = await town.asked(await town.call())
    await town.drive(asked["id"], unit)
    await town.running.sql("update run set closed_at = closed_at + interval '20 minutes'")
    assert await town.asked(await town.call()), "ordered again"
    first, second = await town.running.sql("select * from run order by closed_at nulls last")
    assert (first["status"], second["status"]) == ("closed", "open")
    assert second["opened_at"] == first["closed_at"]


async def test_a_unit_that_sets_out_on_its_booking_while_it_is_ordered_is_in_one_run_only(town: Town) -> None:
    """An emergency order and the first departure of a booked run, at the same moment, many times over."""
    for _ in range(6):
        unit = await town.unit(1)
        at = now_utc() + timedelta(hours=2)
        ride = await town.call(lane="booked", severity="green", appointment={"at": at})
        trip = await town.trip(ride)
        booked = await town.post(f"/v1/trips/{trip['id']}/assign", {"unit_id": str(unit.id)}, status=201)
        await town.step(booked["id"], "accept", unit)
        body = {"step": "en_route", "at": now_utc().isoformat()}
        path = f"/v1/assignments/{booked['id']}/steps"
        answer, _ = await asyncio.gather(town.running.client.post(path, json=body, headers=unit.headers), town.call())
        assert answer.status_code in {200, 409}, answer.text
        runs = await town.running.sql("select lane from run where unit_id = $1 and status = 'open'", unit.id)
        assert len(runs) == 1
        await town.running.sql("update run set status = 'closed', closed_at = now() where status = 'open'")
        await town.running.sql("update unit set active = false")
    assert await town.running.dead_letters() == []


async def test_bookings_of_a_unit_do_not_overlap_unless_somebody_wrote_down_why(town: Town) -> None:
    unit = await town.unit(1)
    now = now_utc()
    hour, reason = timedelta(hours=1), "local_knowledge"
    await town.running.sql(BOOK, new_id(), unit.id, now, now + 2 * hour, None)
    await refused(town, asyncpg.ExclusionViolationError, BOOK, new_id(), unit.id, now + hour, now + 3 * hour, None)
    await town.running.sql(BOOK, new_id(), unit.id, now + 2 * hour, now + 3 * hour, None)
    await town.running.sql(BOOK, new_id(), unit.id, now + hour, now + 3 * hour, reason)


async def test_two_bookings_at_once_of_one_unit_and_one_wins(town: Town) -> None:
    unit = await town.unit(1)
    at = now_utc() + timedelta(days=1)
    rides = [
        await town.trip(await town.call(lane="booked", severity="green", appointment={"at": at})) for _ in range(5)
    ]
    client, body = town.running.client, {"unit_id": str(unit.id)}
    answers = await asyncio.gather(
        *(client.post(f"/v1/trips/{ride['id']}/assign", json=body, headers=town.desk) for ride in rides)
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]


async def test_one_accepted_unfinished_primary_per_trip(town: Town) -> None:
    first, second = await town.unit(1), await town.unit(2)
    await town.call()
    await town.running.do_due("order_timeout")
    statement = "update assignment set status = 'accepted' where unit_id = $1"
    await town.running.sql(statement, first.id)
    await refused(town, asyncpg.UniqueViolationError, statement, second.id)


async def test_an_order_belongs_to_a_run(town: Town) -> None:
    await town.unit(1)
    await town.call()
    await refused(town, asyncpg.CheckViolationError, "update assignment set run_id = null")


async def test_statuses_and_their_moments_agree(town: Town) -> None:
    await town.unit(1)
    await town.call()
    for statement in (
        "update trip set status = 'completed'",
        "update trip set status = 'flying'",
        "update run set status = 'closed'",
        "update assignment set status = 'cleared'",
        "update unit set duty = 'out_of_service'",
        "update unit set cleanliness = 'contaminated'",
        "update unit set vehicle_id = null",
    ):
        await refused(town, asyncpg.CheckViolationError, statement)


async def test_steps_are_append_only(town: Town) -> None:
    unit = await town.unit(1)
    [asked] = await town.asked(await town.call())
    await town.step(asked["id"], "accept", unit)
    await refused(town, asyncpg.RaiseError, "update step set at = now()")
    await refused(town, asyncpg.RaiseError, "delete from step")


async def test_nobody_is_on_duty_twice(town: Town) -> None:
    first, second = await town.unit(1), await town.unit(2)
    statement = "insert into on_duty (crew_id, unit_id) values ($1, $2)"
    await refused(town, asyncpg.UniqueViolationError, statement, first.crew[0], second.id)


async def test_hearing_and_deciding_never_wait_for_each_other(town: Town) -> None:
    """A group of messages about a known trip and a new emergency, while somebody at the desk decides in that area."""
    unit, call_id = await town.unit(1), await town.call()
    [asked] = await town.asked(call_id)
    reply = ReplyReceived(
        channel="line", answer="accept", at=now_utc(), assignment_id=asked["id"], crew_id=unit.crew[0]
    )
    private = {"barrier": "people", "outcome": "done"}
    news = (intake.BarrierMet(call_id=call_id, at=now_utc(), by="person", private=private), reply)
    pool = town.running.runtime.pool
    for event in news:
        other = new_id()
        about = await town.running.emit(new_id(), event, Origin(AREA, call_id), take=False)
        received = await town.running.emit(other, call_event(intake.CallReceived), Origin(AREA, other), take=False)
        async with pool.acquire() as db, db.transaction():
            await runs.serialise(db, AREA)
            hearing = asyncio.create_task(town.running.runtime.inbox.take([about, received]))
            while not await pool.fetchval(WAITS):
                assert not hearing.done()
            await db.execute("select from trip where id = $1 for no key update nowait", UUID(asked["trip_id"]))
        await hearing
        assert len(await town.trips(other)) == 1
    assert await town.running.dead_letters() == []
