"""Several riders to a tour: planned, published route by route, driven together, and mended when something breaks."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from services.dispatch.store import plans
from services.dispatch.verbs import published, tours
from shared.work import new_id, now_utc
from tests.dispatch.conftest import HERE, NORTH, Town, Unit
from tests.dispatch.engine import planning
from tests.dispatch.test_booking import ride, tomorrow
from tests.harness import AREA

STEPS = ("accept", "en_route", "at_scene", "left_scene", "at_destination", "clear")
STAMPS = {"offer", "accept", "en_route", "at_scene", "left_scene", "at_destination", "clear", "at_base"}


async def van(town: Town, km: float = 1.0, *, wheelchairs: int = 2, **more: Any) -> Unit:
    return await town.unit(km, on=False, vehicle={"wheelchairs": wheelchairs, "seats": 4}, **more)


async def near(town: Town, km: float, at: datetime | None = None, **more: Any) -> UUID:
    """A ride to the hospital from ``km`` north of the centre."""
    return await ride(town, at, location={"lon": HERE[0], "lat": HERE[1] + km * NORTH, "address": "บ้านทดสอบ"}, **more)


async def planned(town: Town, call_id: UUID, **body: Any) -> dict[str, Any]:
    on = (await town.trip(call_id))["on_day"]
    made: dict[str, Any] = await town.post("/v1/plans/day", {"on": on, **body})
    return made


async def held(town: Town, call_id: UUID) -> dict[str, Any]:
    """The one assignment that holds the call's trip."""
    [only] = await town.asked(call_id)
    return only


async def test_two_riders_share_a_van_and_both_get_their_seven_stamps(town: Town) -> None:
    unit = await van(town)
    one, two = await near(town, 0.2), await near(town, 0.6)
    made = await planned(town, one, publish=True)
    assert (made["published"], made["unserved"], made["version"]) == (2, [], 1)
    [tour] = made["tours"]
    assert [halt["kind"] for halt in tour["halts"]] == ["pickup", "pickup", "dropoff", "dropoff"]
    assert [a["at"] < b["at"] for a, b in pairwise(tour["halts"])] == [True] * 3
    assert {made["planned"][0]["shared"], made["planned"][1]["shared"]} == {1}

    first, second = [await held(town, call) for call in (one, two)]
    assert first["run_id"] == second["run_id"]
    await town.duty(unit)
    order = {halt["trip_id"]: n for n, halt in enumerate(tour["halts"][:2])}
    first, second = sorted((first, second), key=lambda each: order[each["trip_id"]])
    for which, step in [(first, "accept"), (second, "accept"), (first, "en_route"), (first, "at_scene"),
                        (first, "left_scene"), (second, "en_route"), (second, "at_scene"), (second, "left_scene"),
                        (first, "at_destination"), (first, "clear"), (second, "at_destination"), (second, "clear"),
                        (second, "at_base")]:  # fmt: skip
        await town.step(which["id"], step, unit)
    for call in (one, two):
        trip = await town.trip(call)
        assert trip["status"] == "completed"
        assert trip["assignments"][0]["stamps"].keys() == STAMPS, "the base is reached by both at once"
    assert len(await town.running.said("dispatch.run.opened")) == 1
    [closed] = await town.running.said("dispatch.run.closed")
    assert len(closed["data"]["trip_ids"]) == 2
    assert len(await town.running.said("dispatch.assignment.at_base")) == 2
    [published] = await town.running.said("dispatch.plan.published")
    assert published["data"]["run_ids"] == [first["run_id"]]
    assert (published["data"]["trip_count"], published["data"]["unplanned_count"]) == (2, 0)


async def test_a_promise_is_kept_when_more_riders_come(town: Town) -> None:
    """Who was told a time is fetched then, or within ten minutes after, by the same unit; the others go around it."""
    unit = await van(town)
    first = await near(town, 0.2)
    trip = await town.trip(first)
    early = datetime.fromisoformat(trip["pickup_latest_at"]) - timedelta(minutes=40)
    await town.post(
        f"/v1/trips/{trip['id']}/assign", {"unit_id": str(unit.id), "start_at": early.isoformat()}, status=201
    )
    told = (await town.trip(first))["pickup_at"]
    second = await near(town, 0.6)
    [offer] = (await town.get(f"/v1/trips/{(await town.trip(second))['id']}/offers"))["items"]
    assert offer["run_id"] == (await held(town, first))["run_id"]
    assert offer["shared"] == 1
    booking = {"unit_id": str(unit.id), "pickup_at": offer["pickup_at"]}
    await town.post(f"/v1/trips/{(await town.trip(second))['id']}/assign", booking, status=201)
    assert (await held(town, second))["run_id"] == (await held(town, first))["run_id"]
    trip = await town.trip(first)
    assert trip["pickup_at"] == told
    late = datetime.fromisoformat((await held(town, first))["pickup_at"]) - datetime.fromisoformat(told)
    assert timedelta(minutes=-1) < late <= timedelta(minutes=10)
    assert await town.running.said("dispatch.trip.replanned") == []


async def test_who_carries_an_infection_rides_alone(town: Town) -> None:
    unit = await van(town, skills=("paramedic", "driving", "lifting", "infection_control"))
    plain = await near(town, 0.2)
    patient = {"patient_id": new_id(), "mobility": "wheelchair", "needs": ["infection_precaution"]}
    ill = await town.call(
        lane="booked", severity="green", kind="transfer", appointment={"at": tomorrow(), "clinic": "x", "duration_min": 60},
        destination={"lon": HERE[0], "lat": HERE[1] + 3 * NORTH}, patients=[patient],
    )  # fmt: skip
    made = await planned(town, plain)
    tours = {halt["trip_id"]: tour for tour in made["tours"] for halt in tour["halts"]}
    alone = tours[(await town.trip(ill))["id"]]
    assert len(alone["halts"]) == 2
    others = [tour for tour in made["tours"] if tour is not alone and tour["unit_id"] == str(unit.id)]
    assert all(tour["starts_at"] >= alone["ends_at"] or tour["ends_at"] <= alone["starts_at"] for tour in others)


async def test_the_way_home_is_expected_but_not_promised(town: Town) -> None:
    await van(town)
    call = await ride(town, appointment={"return_trip": True, "duration_min": 60})
    there, back = sorted(await town.trips(call), key=lambda trip: trip["leg"])
    made: dict[str, Any] = await town.post("/v1/plans/day", {"on": there["on_day"], "publish": True})
    stands = {halt["trip_id"]: halt["stands"] for tour in made["tours"] for halt in tour["halts"]}
    assert stands == {there["id"]: "new", back["id"]: "expected"}
    assert made["published"] == 1
    after = {trip["leg"]: trip for trip in await town.trips(call)}
    assert (after["outbound"]["status"], after["return"]["status"]) == ("planned", "awaiting_ready")
    assert after["return"]["assignments"] == []


@pytest.mark.parametrize(("killed_in", "booked"), [("say", 2), ("publish", 1)])
async def test_whoever_is_killed_while_publishing_leaves_a_plan_that_is_published_and_said(
    town: Town, monkeypatch: pytest.MonkeyPatch, killed_in: str, booked: int
) -> None:
    for _ in range(2):
        await van(town, wheelchairs=1)
    calls = [await ride(town), await ride(town)]
    seen = await planned(town, calls[0])
    assert len(seen["planned"]) == 2
    routes, publish = 0, tours.publish

    async def first_alone(work: Any, area: str, route: tours.Route) -> list[UUID]:
        nonlocal routes
        routes += 1
        return await publish(work, area, route) if routes == 1 else await killed()

    async def killed(*_: Any) -> Any:
        raise RuntimeError("killed here")

    if killed_in == "say":
        monkeypatch.setattr(published, "say", killed)
    else:
        monkeypatch.setattr(tours, "publish", first_alone)
    await town.post(f"/v1/plans/{seen['id']}/publish", status=500)
    monkeypatch.undo()
    assert [(await town.trip(call))["status"] for call in calls].count("planned") == booked
    again = await town.post(f"/v1/plans/{seen['id']}/publish", status=409)
    assert again["code"] == "already_published"
    assert (await town.get(f"/v1/plans/{seen['id']}"))["version"] == 1
    assert await town.running.said("dispatch.plan.published") == []
    await town.running.do_due("plan_published")
    await town.running.do_due("plan_published")
    [said] = await town.running.said("dispatch.plan.published")
    facts = [said["data"][name] for name in ("version", "trip_count", "unplanned_count", "by")]
    assert facts == [1, booked, 2 - booked, "person"]


async def test_a_unit_that_changed_keeps_its_route_and_the_others_are_published(town: Town) -> None:
    one, other = await van(town, 1, wheelchairs=1), await van(town, 2, wheelchairs=1)
    calls = [await ride(town), await ride(town)]
    seen = await planned(town, calls[0])
    assert {offer["unit_id"] for offer in seen["planned"]} == {str(one.id), str(other.id)}
    await town.duty(other)
    made: dict[str, Any] = await town.post(f"/v1/plans/{seen['id']}/publish")
    assert made["published"] == 1
    assert [offer["unit_id"] for offer in made["planned"]] == [str(one.id)]
    assert [each["code"] for each in made["unserved"]] == ["changed"]
    again = await town.post(f"/v1/plans/{seen['id']}/publish", status=409)
    assert again["code"] == "already_published"
    assert (await town.get(f"/v1/plans/{seen['id']}"))["version"] == 1


async def test_a_move_is_tried_seen_and_only_then_told(town: Town) -> None:
    one, other = await van(town, 1), await van(town, 4)
    call = await near(town, 0.2)
    first = await planned(town, call, publish=True)
    trip = await town.trip(call)
    assert first["planned"][0]["unit_id"] == str(one.id)
    stands = await planned(town, call)
    tried = await town.post(
        f"/v1/plans/{stands['id']}/try", {"trip_id": trip["id"], "unit_id": str(other.id)}
    )  # fmt: skip
    [moved] = tried["moved"]
    assert (moved["was_unit_id"], moved["unit_id"]) == (str(one.id), str(other.id))
    assert moved["was_pickup_at"] == trip["pickup_at"]
    assert tried["cost_s"] > stands["cost_s"]
    assert (await held(town, call))["unit_id"] == str(one.id), "nothing was touched"
    late_at = (datetime.fromisoformat(trip["pickup_latest_at"]) + timedelta(minutes=30)).replace(
        second=0, microsecond=0
    )
    late = await town.post(
        f"/v1/plans/{stands['id']}/try",
        {"trip_id": trip["id"], "unit_id": str(other.id), "pickup_at": late_at.isoformat()},
    )
    assert [each["code"] for each in late["conflicts"]] == ["late"]
    made = await town.post(f"/v1/plans/{tried['id']}/publish")
    assert made["published"] == 1
    assert (await held(town, call))["unit_id"] == str(other.id)
    [told] = await town.running.said("dispatch.trip.replanned")
    assert told["data"]["previous_unit_id"] == str(one.id)
    assert told["data"]["plan_id"] == tried["id"]


async def test_a_cancelled_rider_leaves_the_others_their_times(town: Town) -> None:
    await van(town)
    one, two = await near(town, 0.2), await near(town, 0.6)
    await planned(town, one, publish=True)
    first, second = sorted([await town.trip(one), await town.trip(two)], key=lambda trip: trip["pickup_at"])
    await town.post(f"/v1/trips/{first['id']}/cancel", {"reason": "went_alone"})
    left = await town.get(f"/v1/trips/{second['id']}")
    assert (left["status"], left["pickup_at"]) == ("planned", second["pickup_at"])
    [only] = left["assignments"]
    before = second["assignments"][0]
    assert (only["run_id"], only["pickup_at"]) == (before["run_id"], before["pickup_at"])
    assert only["start_at"] <= only["pickup_at"]


async def test_a_van_that_breaks_down_has_its_riders_taken_by_another(town: Town) -> None:
    broken, spare = await van(town, 1), await van(town, 5)
    one, two = await near(town, 0.2), await near(town, 0.6)
    await planned(town, one, publish=True)
    assert {(await held(town, call))["unit_id"] for call in (one, two)} == {str(broken.id)}
    told = [(await town.trip(call))["pickup_at"] for call in (one, two)]
    # Of a van whose return nobody has named the next 24 hours are given away: the ride may lie just beyond them.
    await town.duty(broken, on=False, reason="repair", until_at=(now_utc() + timedelta(days=2)).isoformat())
    await town.running.do_due("spare_riders")
    assert {(await held(town, call))["unit_id"] for call in (one, two)} == {str(spare.id)}
    assert [(await town.trip(call))["pickup_at"] for call in (one, two)] == told, "at the times they were told"
    assert len({(await held(town, call))["run_id"] for call in (one, two)}) == 1, "they share the other van, too"
    said = await town.types("dispatch.trip.")
    assert said.count("trip.replanned") == 2


async def test_a_van_sent_to_an_emergency_gives_its_next_riders_away(town: Town) -> None:
    """A ride that begins soon goes to another van; where there is none it stays, and is late rather than forgotten."""
    taken = await van(town, 1)
    await town.duty(taken)
    call = await near(town, 0.2, now_utc() + timedelta(minutes=80))
    await planned(town, call, publish=True)
    assert (await held(town, call))["unit_id"] == str(taken.id)
    spare = await van(town, 3, level="transport", skills=("driving", "lifting"))
    await town.duty(spare)
    await town.call()
    await town.running.do_due("spare_riders")
    assert (await held(town, call))["unit_id"] == str(spare.id)
    assert (await town.trip(call))["status"] == "planned"


async def test_who_declined_is_not_asked_again_by_the_next_plan(town: Town) -> None:
    one, other = await van(town, 1), await van(town, 4)
    call = await near(town, 0.2)
    await planned(town, call, publish=True)
    await town.step((await held(town, call))["id"], "decline", one)
    assert (await town.trip(call))["status"] == "unassigned", "a crew's no is the dispatcher's to answer"
    await planned(town, call, publish=True)
    assert (await held(town, call))["unit_id"] == str(other.id)
    await town.step((await held(town, call))["id"], "decline", other)
    [left] = (await planned(town, call))["unserved"]
    assert left["code"] == "nobody_willing"


async def test_a_ride_whose_van_is_taken_on_its_way_is_planned_anew(town: Town) -> None:
    taken = await van(town, 1)
    await town.duty(taken)
    call = await near(town, 0.2, now_utc() + timedelta(minutes=80))
    await planned(town, call, publish=True)
    asked = await held(town, call)
    await town.step(asked["id"], "accept", taken)
    await town.step(asked["id"], "en_route", taken)
    spare = await van(town, 4, level="transport", skills=("driving", "lifting"))
    await town.duty(spare)
    await town.call()
    await town.running.do_due("find_tour")
    assert (await held(town, call))["unit_id"] == str(spare.id)
    assert (await town.trip(call))["pickup_at"] == asked["pickup_at"], "at the time that was told"


async def test_the_search_finds_nothing_worse_and_keeps_every_promise(town: Town) -> None:
    await van(town, 1)
    await van(town, 3)
    first = await near(town, 0.2)
    await planned(town, first, publish=True, search_s=0)
    told = (await town.trip(first))["pickup_at"]
    for number in range(5):
        await near(town, 0.3 * number, tomorrow(4) + timedelta(minutes=15 * number))
    quick = await planned(town, first, search_s=0)
    async with planning(town.running):
        made = await planned(town, first, search_s=1, publish=True)
    assert (made["searched"], made["unserved"], made["published"]) == (True, [], 5)
    assert made["cost_s"] <= quick["cost_s"] * 1.5, "cheaper in all, early waiting counted"
    assert made["travel_times"] == ["great_circle"]
    assert (await town.trip(first))["pickup_at"] == told


async def test_a_unit_drives_within_its_roster(town: Town) -> None:
    """Its shift is over before the ride: the reason says when a unit on duty would help."""
    unit = await van(town)
    call = await near(town, 0.2)
    day = tomorrow(0).replace(hour=0)
    shift = {"unit_id": str(unit.id), "kind": "transport", "crew_ids": [str(each) for each in unit.crew]}
    times = {"from_at": (day - timedelta(hours=1)).isoformat(), "until_at": (day + timedelta(hours=1)).isoformat()}
    await town.put("shifts", {**shift, **times})
    [left] = (await planned(town, call))["unserved"]
    assert left["code"] == "off_shift"
    assert "between" in left["en"]


async def test_one_plan_of_a_municipality_is_published_at_a_time(town: Town) -> None:
    await van(town)
    call = await near(town, 0.2)
    seen = await planned(town, call)
    async with town.running.runtime.pool.acquire() as other, other.transaction():
        assert await plans.lease(other, AREA)
        refused = await town.post(f"/v1/plans/{seen['id']}/publish", status=409)
        assert refused["code"] == "planner_busy"
    assert (await town.post(f"/v1/plans/{seen['id']}/publish"))["published"] == 1


async def test_what_is_not_of_the_day_cannot_be_tried(town: Town) -> None:
    unit = await van(town)
    call = await near(town, 0.2)
    seen, trip = await planned(town, call), await town.trip(call)
    for body in (
        {"trip_id": str(new_id()), "unit_id": str(unit.id)},
        {"trip_id": trip["id"], "unit_id": str(new_id())},
    ):
        await town.post(f"/v1/plans/{seen['id']}/try", body, status=404)
    await town.post(f"/v1/plans/{new_id()}/publish", status=404)
