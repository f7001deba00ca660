"""Two volunteers of one neighbourhood: the ride goes to the one who gave less of late, booked at once or planned."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from services.dispatch.store import served
from shared.work import new_id, now_utc
from tests.dispatch.conftest import Town, Unit
from tests.dispatch.test_booking import ride
from tests.harness import AREA

DRIVEN = """
insert into run (id, unit_id, area, lane, exercise, status, opened_at, closed_at)
values ($1, $2, $3, 'booked', false, 'closed', $4::timestamptz - $5::interval, $4)
"""


async def volunteers(town: Town, *, on: bool) -> tuple[Unit, Unit]:
    """The first lives nearer to the hospital: without more, it is always asked for the way home."""
    near, far = [await town.unit(km, volunteer=True, on=on, vehicle={"wheelchairs": 1}) for km in (1.6, 1.0)]
    return near, far


async def gave(town: Town, unit: Unit, hours: float, *, days_ago: float = 1) -> None:
    ended_at = now_utc() - timedelta(days=days_ago)
    await town.running.sql(DRIVEN, new_id(), unit.id, AREA, ended_at, timedelta(hours=hours))


async def way_home(town: Town) -> dict[str, Any]:
    call_id = await ride(town, appointment={"return_trip": True})
    return next(trip for trip in await town.trips(call_id) if trip["leg"] == "return")


async def asked_for(town: Town, trip: dict[str, Any]) -> UUID:
    """Whoever is asked when the patient is ready."""
    ready = await town.post(f"/v1/trips/{trip['id']}/ready", {"override": "came_otherwise"})
    [open_] = [each for each in ready["assignments"] if each["ended_at"] is None]
    return UUID(open_["unit_id"])


async def test_who_gave_less_of_late_is_asked_first(town: Town) -> None:
    near, far = await volunteers(town, on=True)
    await gave(town, near, hours=4)
    trip = await way_home(town)
    ranked = (await town.get(f"/v1/trips/{trip['id']}/recommendations"))["items"]
    assert [UUID(item["unit_id"]) for item in ranked] == [far.id, near.id]
    assert [reason["th"] for reason in ranked[1]["reasons"] if "ให้ชุดอื่นก่อน" in reason["th"]]
    assert await asked_for(town, trip) == far.id


async def test_who_gave_as_much_is_asked_by_the_way(town: Town) -> None:
    near, far = await volunteers(town, on=True)
    for unit in (near, far):
        await gave(town, unit, hours=4)
    assert await asked_for(town, await way_home(town)) == near.id


async def test_what_was_long_ago_is_forgotten(town: Town) -> None:
    near, far = await volunteers(town, on=True)
    await gave(town, near, hours=8, days_ago=15)
    await gave(town, far, hours=0.5)
    given = await served.given(town.running.runtime.pool, [near.id, far.id], now_utc() - timedelta(days=14))
    assert given == {near.id: 0.0, far.id: 1800.0}


async def test_an_emergency_gets_the_nearest_all_the_same(town: Town) -> None:
    _, near_the_scene = await volunteers(town, on=True)
    await gave(town, near_the_scene, hours=8)
    [assignment] = await town.asked(await town.call())
    assert UUID(assignment["unit_id"]) == near_the_scene.id


async def test_the_day_is_planned_with_who_gave_less(town: Town) -> None:
    both = await volunteers(town, on=False)
    call_id = await ride(town)
    on = (await town.trip(call_id))["on_day"]

    async def planned() -> UUID:
        [tour] = (await town.post("/v1/plans/day", {"on": on}))["tours"]
        return UUID(tour["unit_id"])

    first = await planned()
    chosen, other = both if both[0].id == first else both[::-1]
    await gave(town, chosen, hours=4)
    assert await planned() == other.id
