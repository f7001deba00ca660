"""A van that is not at the door when the rider was told: said once, with a new time where one is known."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.dispatch.positions import KNOWN, Fix
from services.dispatch.verbs.late import WATCH
from shared.geo import Point
from shared.thai.dates import local_day
from shared.work import now_utc
from tests.dispatch.conftest import HERE, NORTH, Town, Unit
from tests.dispatch.test_tours import held, near, planned, van

AT_RISK = "dispatch.trip.at_risk"
LATE_AFTER = timedelta(minutes=15)


async def told(town: Town, call: UUID, ago: timedelta) -> datetime:
    """Let the time the call's rider was told lie ``ago``, with everything that was booked beside it."""
    at = datetime.fromisoformat((await town.trip(call))["pickup_at"])
    back = at - (now_utc() - ago)
    await town.running.sql("update trip set pickup_at = pickup_at - $1::interval", back)
    await town.running.sql(
        "update run set booked = tstzrange(lower(booked) - $1::interval, upper(booked) - $1::interval)", back
    )
    await town.running.sql(
        "update assignment set start_at = start_at - $1::interval, pickup_at = pickup_at - $1::interval,"
        " dropoff_at = dropoff_at - $1::interval", back,
    )  # fmt: skip
    return at - back


async def accepted(town: Town, unit: Unit, *calls: UUID) -> None:
    await town.duty(unit)
    for call in calls:
        await town.step((await held(town, call))["id"], "accept", unit)


async def next_look(town: Town) -> datetime:
    [due] = await town.running.sql("select due_at from due where kind = $1", WATCH)
    at: datetime = due["due_at"]
    return at


def instant(text: str | None) -> datetime:
    assert text is not None
    return datetime.fromisoformat(text)


async def test_a_late_van_is_said_once_with_the_time_at_which_it_can_be_there(town: Town) -> None:
    unit = await van(town, 2)
    call = await near(town, 0.2)
    await planned(town, call, publish=True)
    await accepted(town, unit, call)
    at = await told(town, call, timedelta(minutes=20))
    before = now_utc()
    await town.running.do_due(WATCH)
    [said] = await town.running.said(AT_RISK)
    trip, asked = await town.trip(call), await held(town, call)
    assert said["aggregate_id"] == UUID(trip["id"])
    assert (said["data"]["risk"], said["data"]["unit_id"], said["data"]["assignment_id"]) == (
        "late", str(unit.id), asked["id"],
    )  # fmt: skip
    assert instant(said["data"]["promised_at"]) == at
    assert before < instant(said["data"]["expected_at"]) < now_utc() + timedelta(minutes=15)
    assert trip["status"] == "planned", "nobody is moved"
    assert instant(trip["pickup_at"]) == at, "what was promised stays on record"

    await town.running.do_due(WATCH)
    assert len(await town.running.said(AT_RISK)) == 1
    await town.step(asked["id"], "en_route", unit)
    await town.step(asked["id"], "at_scene", unit)
    assert await town.running.sql("select 1 from due where kind = $1", WATCH) == []


async def test_a_van_that_can_still_be_there_in_time_is_let_be(town: Town) -> None:
    unit = await van(town, 1)
    call = await near(town, 0.2)
    await planned(town, call, publish=True)
    assert await next_look(town) == instant((await town.trip(call))["pickup_at"])
    await accepted(town, unit, call)
    at = await told(town, call, timedelta(0))
    await town.running.do_due(WATCH)
    assert await town.running.said(AT_RISK) == []
    assert await next_look(town) == at + LATE_AFTER


async def test_a_van_too_far_away_is_late_before_the_tolerance_is_over(town: Town) -> None:
    unit = await van(town, 1)
    call = await near(town, 0.2)
    await planned(town, call, publish=True)
    await accepted(town, unit, call)
    await told(town, call, timedelta(0))
    KNOWN.last[unit.id] = Fix(Point(HERE[0], HERE[1] + 60 * NORTH), now_utc())
    await town.running.do_due(WATCH)
    [said] = await town.running.said(AT_RISK)
    assert instant(said["data"]["expected_at"]) > instant(said["data"]["promised_at"]) + LATE_AFTER


async def test_where_nobody_knows_when_no_time_is_made_up(town: Town) -> None:
    unit = await van(town, 1)
    call = await near(town, 0.2)
    await planned(town, call, publish=True)
    await accepted(town, unit, call)
    await told(town, call, timedelta(minutes=16))
    await town.running.sql("update unit set duty = 'off_duty' where id = $1", unit.id)
    await town.running.do_due(WATCH)
    [said] = await town.running.said(AT_RISK)
    assert said["data"]["expected_at"] is None
    [shown] = (await town.get("/v1/plans/day", on=local_day(now_utc()).isoformat()))["conflicts"]
    assert (shown["trip_id"], shown["code"]) == ((await town.trip(call))["id"], "overdue")


async def test_whom_it_will_be_late_for_next_is_shown_and_given_away_by_a_person_only(town: Town) -> None:
    late = await van(town, 1)
    one, two = await near(town, 0.2), await near(town, 0.6)
    await planned(town, one, publish=True)
    await accepted(town, late, one, two)
    first, second = sorted([await town.trip(one), await town.trip(two)], key=lambda trip: trip["pickup_at"])
    await told(town, UUID(first["call_id"]), timedelta(minutes=17))
    KNOWN.last[late.id] = Fix(Point(HERE[0], HERE[1] + 60 * NORTH), now_utc())
    shown = (await town.get("/v1/plans/day", on=local_day(now_utc()).isoformat()))["conflicts"]
    assert [(each["trip_id"], each["code"]) for each in shown] == [
        (first["id"], "will_be_late"), (second["id"], "will_be_late"),
    ]  # fmt: skip
    assert (await held(town, UUID(second["call_id"])))["unit_id"] == str(late.id)

    # The appointment moved with everything else: another van may still make it.
    await town.running.sql(
        "update trip set pickup_earliest_at = now(), pickup_latest_at = now() + interval '90 min',"
        " arrive_by_at = now() + interval '150 min' where id = $1", UUID(second["id"]),
    )  # fmt: skip
    spare = await van(town, 3)
    await town.duty(spare)
    offers: list[dict[str, Any]] = (await town.get(f"/v1/trips/{second['id']}/offers"))["items"]
    offer = next(each for each in offers if each["unit_id"] == str(spare.id))
    booking = {"unit_id": str(spare.id), "pickup_at": offer["pickup_at"]}
    await town.post(f"/v1/trips/{second['id']}/assign", booking, status=201)
    [moved] = await town.running.said("dispatch.trip.replanned")
    assert (moved["data"]["previous_unit_id"], moved["data"]["unit_id"]) == (str(late.id), str(spare.id))
    assert (await held(town, UUID(first["call_id"])))["unit_id"] == str(late.id)


@pytest.mark.parametrize("way", ["decline", "release"])
async def test_who_does_not_come_any_more_is_not_waited_for(town: Town, way: str) -> None:
    unit = await van(town, 1)
    call = await near(town, 0.2)
    await planned(town, call, publish=True)
    asked = (await held(town, call))["id"]
    if way == "decline":
        await town.step(asked, "decline")
    else:
        await town.post(f"/v1/assignments/{asked}/release", {"reason": "vehicle_fault"})
    assert await town.running.sql("select 1 from due where kind = $1 and subject_id = $2", WATCH, UUID(asked)) == []
    assert unit.id
