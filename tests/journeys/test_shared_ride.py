"""Two wheelchair patients in one van: planned together, fetched and brought in turn, each with a story of their own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.journeys.rides import book, history, known_person, leg, next_monday, told
from tests.journeys.town import AREA, Town, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

STAMPS = {"offer", "accept", "en_route", "at_scene", "left_scene", "at_destination", "clear", "at_base"}
WHEELCHAIR = {"mobility": "wheelchair"}
PHONES = ("0845550177", "0845550178")


async def test_two_patients_share_a_van_and_both_have_their_seven_stamps(town: Town) -> None:
    at = next_monday(13)
    people = [
        await known_person(town, 77400 + number, f"ผู้โดยสารร่วม {number}", phone=phone, **WHEELCHAIR)
        for number, phone in enumerate(PHONES)
    ]
    calls = [await book(town, {**person["patient"], **WHEELCHAIR}, at) for person in people]
    legs = [await leg(town, call["id"]) for call in calls]
    tour, first, second = await _shared(town, at, [trip["id"] for trip in legs])

    for assignment in (first, second):
        await town.press_when_asked(assignment["id"], "accept")
    for call, phone in zip(calls, PHONES, strict=True):
        await told(town, call["id"], phone[1:], "จัดรถแล้ว", call["number"])
    on_board = ("en_route", "at_scene", "left_scene")
    for assignment, steps in ((first, on_board), (second, on_board), (first, ("at_destination", "clear")),
                              (second, ("at_destination", "clear", "at_base"))):  # fmt: skip
        await town.drive(assignment["id"], steps)
    for call, person, assignment in zip(calls, people, _in_order(legs, first, second), strict=True):

        async def home(call_id: str = call["id"], own: str = assignment["id"]) -> Any:
            trip = await leg(town, call_id, status="completed")
            mine = next(each for each in trip["assignments"] if each["id"] == own)
            return mine if "at_base" in mine["stamps"] else None

        mine = await eventually(home)
        assert mine["stamps"].keys() == STAMPS
        assert mine["run_id"] == first["run_id"]
        wanted = {f"dispatch.assignment.{name}.v1": 1 for name in ("at_scene", "at_destination", "at_base")}
        await history(town, person["id"], call["id"], wanted)
    assert tour["halts"][0]["kind"] == tour["halts"][1]["kind"] == "pickup"


def _in_order(legs: list[dict[str, Any]], *assignments: dict[str, Any]) -> list[dict[str, Any]]:
    """The assignment of each leg."""
    by_trip = {assignment["trip_id"]: assignment for assignment in assignments}
    return [by_trip[trip["id"]] for trip in legs]


async def _shared(town: Town, at: datetime, trip_ids: list[str]) -> tuple[Any, Any, Any]:
    """Both with one van, as the planner's "try" puts them; published. The tour, and its assignments in their order."""
    ask, on = town.ask, at.date().isoformat()
    plan = await ask(
        "dispatch", "POST", "/v1/plans/day", role="dispatcher", body={"on": on, "area": AREA, "search_s": 0}
    )
    van = await _with_two_places(town)
    for trip_id in trip_ids:
        path = f"/v1/plans/{plan['id']}/try"
        plan = await ask("dispatch", "POST", path, role="dispatcher", body={"trip_id": trip_id, "unit_id": van})
        assert plan["conflicts"] == []
    done = await ask("dispatch", "POST", f"/v1/plans/{plan['id']}/publish", role="dispatcher", body={})
    tours = [tour for tour in done["tours"] if {halt["trip_id"] for halt in tour["halts"]} >= set(trip_ids)]
    assert len(tours) == 1, "one tour for both"

    async def both() -> list[dict[str, Any]] | None:
        page = await ask("dispatch", "POST", "/v1/trips/search", role="dispatcher", body={"ids": trip_ids})
        held = [each for trip in page["items"] for each in trip["assignments"] if each["ended_at"] is None]
        return held if len(held) == len(trip_ids) else None

    held = sorted(await eventually(both), key=lambda each: str(each["pickup_at"]))
    return tours[0], held[0], held[1]


async def _with_two_places(town: Town) -> str:
    """A unit of the town whose vehicle takes two wheelchairs."""
    vehicles = (await town.ask("dispatch", "GET", "/v1/vehicles?limit=200", role="dispatcher"))["items"]
    units = (await town.ask("dispatch", "GET", "/v1/units?limit=200", role="dispatcher"))["items"]
    wide = {vehicle["id"] for vehicle in vehicles if vehicle["wheelchairs"] >= 2}
    found: str = next(u["id"] for u in units if (u["vehicle_id"] or u["usual_vehicle_id"]) in wide)
    return found
