"""A unit serves the neighbour for a time: the neighbour orders it, sees it on its own assignments only, it comes home."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest_asyncio

from services.dispatch import policy
from services.dispatch.positions import KNOWN, Fix
from shared.geo import Point
from shared.pack_parts import DispatchPolicies
from shared.work import now_utc
from tests.dispatch.conftest import HERE, NORTH, Town, Unit
from tests.dispatch.test_booking import ride, tomorrow
from tests.harness import AREA, bearer

NEXT = "sample"


def theirs() -> dict[str, str]:
    """Made when it is needed, as ``ours``: a token made as this file is read may have ended when its turn comes."""
    return bearer("dispatcher", areas=[NEXT])


def ours() -> dict[str, str]:
    return bearer("dispatcher", areas=[AREA])


@pytest_asyncio.fixture
async def two(town: Town) -> Town:
    policy.set_policy(NEXT, DispatchPolicies(default_mode="auto", booked_mode="auto"))
    town.desk = bearer("dispatcher", areas=[AREA, NEXT])
    return town


async def lend(town: Town, unit: Unit, hours: float = 2, **changes: Any) -> Any:
    body = {"with_area": NEXT, "until_at": (now_utc() + timedelta(hours=hours)).isoformat()}
    status, headers = changes.pop("status", 201), changes.pop("headers", None) or ours()
    return await town.post(f"/v1/units/{unit.id}/share", {**body, **changes}, status=status, headers=headers)


async def on_board(town: Town, headers: dict[str, str]) -> dict[str, Any]:
    return {item["id"]: item for item in (await town.get("/v1/units", headers=headers))["items"]}


async def test_the_borrower_orders_it_and_its_home_does_not(two: Town) -> None:
    lent, stays = await two.unit(1), await two.unit(9)
    shown = await lend(two, lent)
    assert (shown["with_area"], shown["returning"]) == (NEXT, False)
    [said] = await two.running.said("dispatch.unit.shared")
    assert (said["area"], said["data"]["with_areas"]) == (AREA, [NEXT])
    here = await two.call()
    assert {each["unit_id"] for each in await two.asked(here)} == {str(stays.id)}
    there = await two.call(area=NEXT)
    assert {each["unit_id"] for each in await two.asked(there)} == {str(lent.id)}


async def test_the_crew_of_a_lent_unit_tells_the_hospital_and_says_who_is_ready(two: Town) -> None:
    """All that a crew may do for whom it brings, it may where its unit serves; its token is of home."""
    lent, other = await two.unit(1), await two.unit(5)
    place = {"area": NEXT, "kind": "hospital", "name": "โรงพยาบาลทดสอบ", "lon": HERE[0], "lat": HERE[1] + NORTH}
    facility_id = str(await two.put("facilities", place))
    await lend(two, lent)
    [asked] = await two.asked(await two.call(area=NEXT))
    path, body = f"/v1/assignments/{asked['id']}/alert", {"facility_id": facility_id}
    await two.post(path, body, headers=lent.headers, status=201)
    await two.post(path, body, headers=other.headers, status=404)
    told = (await two.get("/v1/alerts", headers=lent.headers))["items"]
    assert [each["facility_id"] for each in told] == [facility_id]
    assert (await two.get("/v1/alerts", headers=other.headers))["items"] == []
    await two.drive(asked["id"], lent)

    visit = {"return_trip": True, "duration_min": 20}
    call_id = await ride(two, now_utc() + timedelta(minutes=60), appointment=visit, area=NEXT)
    there, back = sorted(await two.trips(call_id), key=lambda trip: trip["leg"])
    now = {"unit_id": str(lent.id), "start_at": now_utc().isoformat()}
    made = await two.post(f"/v1/trips/{there['id']}/assign", now, headers=theirs(), status=201)
    await two.drive(made["id"], lent)
    await two.post(f"/v1/trips/{back['id']}/ready", headers=other.headers, status=404)
    await two.post(f"/v1/trips/{back['id']}/ready", headers=lent.headers)


async def test_lent_twice_with_one_key_is_lent_once_and_answered_alike(two: Town) -> None:
    unit, headers = await two.unit(1), {**ours(), "Idempotency-Key": "once"}
    body = {"with_area": NEXT, "until_at": (now_utc() + timedelta(hours=2)).isoformat()}
    sent = [await two.post(f"/v1/units/{unit.id}/share", body, status=201, headers=headers) for _ in range(2)]
    assert sent[0] == sent[1]
    assert len(await two.running.said("dispatch.unit.shared")) == 1


async def test_the_borrower_sees_it_only_while_it_is_on_its_own_assignment(two: Town) -> None:
    lent = await two.unit(1)
    KNOWN.last[lent.id] = Fix(Point(*HERE), now_utc())
    await lend(two, lent)
    assert await on_board(two, theirs()) == {}
    [listed] = (await two.get("/v1/shares", headers=theirs()))["items"]
    assert listed["unit_id"] == str(lent.id)
    assert not {"position", "lat", "lon", "station_id", "crew_ids"} & set(listed)
    call_id = await two.call(area=NEXT)
    [asked] = await two.asked(call_id)
    assert (await on_board(two, theirs()))[str(lent.id)]["position"]["lat"] == HERE[1]
    # Its crew has a token of home, and goes through the whole trip of the neighbour's.
    await two.drive(asked["id"], lent, until="clear")
    assert await on_board(two, theirs()) == {}
    assert str(lent.id) in await on_board(two, ours())
    for path in (f"/v1/units/{lent.id}/duty", f"/v1/units/{lent.id}/disinfected"):
        await two.post(path, {"on": True} if path.endswith("duty") else {}, status=404, headers=theirs())
    await two.get(f"/v1/trips/{asked['trip_id']}", headers=ours(), status=404)


async def test_it_goes_home_by_itself_after_what_it_has_begun(two: Town) -> None:
    lent = await two.unit(1)
    await lend(two, lent)
    [asked] = await two.asked(await two.call(area=NEXT))
    await two.drive(asked["id"], lent, until="at_scene")
    await two.running.sql("update unit_share set begun_at = begun_at - interval '3 h', until_at = now()")
    await two.running.do_due("share_ends")
    assert (await two.get("/v1/shares", headers=theirs()))["items"][0]["returning"]
    for step in ("left_scene", "at_destination", "clear"):
        await two.step(asked["id"], step, lent)
    assert await two.asked(await two.call(area=NEXT)) == [], "nothing new in the meantime"
    await two.running.do_due("share_ends")
    assert (await two.get("/v1/shares", headers=theirs()))["items"] == []
    assert [said["data"]["with_areas"] for said in await two.running.said("dispatch.unit.shared")] == [[NEXT], []]
    assert {each["unit_id"] for each in await two.asked(await two.call())} == {str(lent.id)}


async def test_both_may_end_it_and_nobody_else(two: Town) -> None:
    first, second = await two.unit(1), await two.unit(2)
    for unit, headers in ((first, theirs()), (second, ours())):
        await lend(two, unit)
        await two.post(f"/v1/units/{unit.id}/return", status=404, headers=bearer("dispatcher", areas=["elsewhere"]))
        await two.post(f"/v1/units/{unit.id}/return", status=403, headers=bearer("call_taker", areas=[AREA, NEXT]))
        assert (await two.post(f"/v1/units/{unit.id}/return", headers=headers))["items"] == []
    await two.post(f"/v1/units/{first.id}/return", status=409, headers=ours())
    await two.post(f"/v1/units/{first.id}/return", status=404, headers=theirs())


async def test_what_cannot_be_lent_is_refused_with_the_reason(two: Town) -> None:
    unit, busy = await two.unit(1), await two.unit(2)
    await lend(two, unit, status=404, headers=theirs())
    await lend(two, unit, status=403, headers=bearer("call_taker", areas=[AREA]))
    assert (await lend(two, unit, with_area="atlantis", status=422))["code"] == "unknown_area"
    assert (await lend(two, unit, with_area=AREA, status=422))["code"] == "same_area"
    assert (await lend(two, unit, hours=-1, status=422))["code"] == "until_past"
    assert (await lend(two, unit, hours=24 * 40, status=422))["code"] == "too_long"
    await lend(two, unit)
    assert (await lend(two, unit, status=409))["code"] == "already_shared"
    [asked] = await two.asked(await two.call())
    assert asked["unit_id"] == str(busy.id)
    assert (await lend(two, busy, status=409))["code"] == "on_a_run"
    trip = await two.trip(await two.call())
    refused = await two.post(f"/v1/trips/{trip['id']}/assign", {"unit_id": str(unit.id)}, status=409, headers=ours())
    assert refused["code"] == "lent"


async def test_its_home_counts_on_it_again_only_when_it_is_back(two: Town) -> None:
    lent, at = await two.unit(1), tomorrow()
    before, after = await ride(two, at), await ride(two, at + timedelta(days=3))
    proposed = await two.post("/v1/plans/day", {"on": (await two.trip(before))["on_day"]}, headers=ours())
    assert [each["unit_id"] for each in proposed["planned"]] == [str(lent.id)]
    await lend(two, lent, hours=72)
    changed = await two.post(f"/v1/plans/{proposed['id']}/publish", headers=ours())
    assert (changed["published"], [each["code"] for each in changed["unserved"]]) == (0, ["changed"])
    for call_id, units in ((before, []), (after, [str(lent.id)])):
        trip = await two.trip(call_id)
        offers = (await two.get(f"/v1/trips/{trip['id']}/offers", headers=ours()))["items"]
        assert [each["unit_id"] for each in offers] == units
        made = await two.post("/v1/plans/day", {"on": trip["on_day"], "publish": True}, headers=ours())
        assert [each["unit_id"] for each in made["planned"]] == units
        assert made["published"] == len(units)
    path = f"/v1/trips/{(await two.trip(before))['id']}/assign"
    refused = await two.post(path, {"unit_id": str(lent.id)}, status=409, headers=ours())
    assert refused["code"] == "lent"


async def test_the_borrower_books_it_until_it_goes_home(two: Town) -> None:
    lent, at = await two.unit(1), tomorrow()
    call_id = await ride(two, at, area=NEXT)
    path = f"/v1/trips/{(await two.trip(call_id))['id']}/assign"
    await lend(two, lent, hours=1)
    refused = await two.post(path, {"unit_id": str(lent.id)}, status=409, headers=theirs())
    assert refused["code"] == "loan_over"
    await two.post(f"/v1/units/{lent.id}/return", headers=theirs())
    await lend(two, lent, hours=72)
    await two.post(path, {"unit_id": str(lent.id)}, status=201, headers=theirs())
    # Called home before that: the neighbour sees at once that nobody comes, and the unit is its home's.
    await two.post(f"/v1/units/{lent.id}/return", headers=ours())
    await two.running.do_due("spare_riders")
    trip = await two.trip(call_id)
    assert (trip["status"], [each["status"] for each in trip["assignments"]]) == ("unassigned", ["released"])
    [said] = await two.running.said("dispatch.trip.unassigned")
    assert (said["area"], said["data"]["private"]["reason"]) == (NEXT, "loan_over")
    own = await two.trip(await ride(two, at))
    offers = (await two.get(f"/v1/trips/{own['id']}/offers", headers=ours()))["items"]
    booking = {"unit_id": str(lent.id), "pickup_at": offers[0]["pickup_at"]}
    await two.post(f"/v1/trips/{own['id']}/assign", booking, status=201, headers=ours())
    own = await two.trip(UUID(own["call_id"]))
    assert own["status"] == "planned"


async def test_one_that_breaks_down_gives_away_the_borrowers_riders_too(two: Town) -> None:
    lent = await two.unit(1)
    await lend(two, lent, hours=72)
    call_id = await ride(two, now_utc() + timedelta(hours=8), area=NEXT)
    path = f"/v1/trips/{(await two.trip(call_id))['id']}/assign"
    await two.post(path, {"unit_id": str(lent.id)}, status=201, headers=theirs())
    await two.duty(lent, on=False, reason="repair")
    await two.running.do_due("spare_riders")
    trip = await two.trip(call_id)
    assert (trip["status"], [each["status"] for each in trip["assignments"]]) == ("unassigned", ["released"])
    [said] = await two.running.said("dispatch.trip.unassigned")
    assert (said["area"], said["data"]["private"]["reason"]) == (NEXT, "vehicle_fault")
