"""One call, from the telephone to the crew's LINE, to the hospital, back to base and into the person's history."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from karuna.show import headers
from karuna.trace import Line, story
from tests.journeys.town import AREA, SERVICES, Town, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

CALLER = "0812345678"
CALL: dict[str, Any] = {
    "caller": {"phone": CALLER, "name": "ลูกสาว"},
    "patient": {"name": "มะลิ ทดลองเดินทาง", "age": 72, "sex": "female", "mobility": "assisted"},
    "location": {"landmark": "ตลาดเก่า", "lat": 16.4349, "lon": 103.5062},
    "complaint": "หายใจลำบาก",
    "triage": {"criteria_group": 5},
}
STORY = [
    "intake.call.received.v1",
    "dispatch.trip.requested.v1",
    "dispatch.assignment.ordered.v1",
    "dispatch.assignment.accepted.v1",
    "dispatch.assignment.en_route.v1",
    "dispatch.assignment.at_scene.v1",
    "dispatch.assignment.left_scene.v1",
    "dispatch.assignment.at_destination.v1",
    "dispatch.assignment.cleared.v1",
    "dispatch.trip.completed.v1",
]


async def test_a_call_reaches_the_crew_the_hospital_and_the_history(town: Town) -> None:
    taken = await town.take(CALL)
    assert taken["severity"] in {"red", "yellow"}
    assert taken["number"].startswith("KLS-")
    assert taken["tracking_code"]
    trip = await town.trip(taken["id"], lambda trip: bool(trip["assignments"]))
    assignment = trip["assignments"][0]
    assert assignment["status"] == "ordered"

    await town.drive(assignment["id"])

    done = await town.trip(
        taken["id"],
        lambda trip: "at_base" in next(a for a in trip["assignments"] if a["id"] == assignment["id"])["stamps"],
    )
    stamps = next(a for a in done["assignments"] if a["id"] == assignment["id"])["stamps"]
    pressed = ("accept", "en_route", "at_scene", "left_scene", "at_destination", "clear", "at_base")
    times = [datetime.fromisoformat(stamps[step]) for step in pressed]
    assert done["status"] == "completed"
    assert times == sorted(times)
    await _caller_was_told(town, taken["number"])
    await _history_shows_it(town, taken["id"])
    await _desk_shows_it(town, taken["id"])
    await _trace_is_in_order(town, taken["id"])


async def _caller_was_told(town: Town, number: str) -> None:
    """By SMS, since no LINE of the caller is known: taken, on the way, arrived; each once."""

    async def told() -> list[dict[str, Any]]:
        mine = [
            entry for entry in await town.inbox("sms") if entry["to"].endswith(CALLER[1:]) and number in entry["text"]
        ]
        return mine if len(mine) >= 3 else []

    texts = [entry["text"] for entry in await eventually(told)]
    assert len(texts) == len(set(texts)), texts


async def _history_shows_it(town: Town, call_id: str) -> None:
    async def known() -> dict[str, Any] | None:
        body = {"name": CALL["patient"]["name"]}
        found = await town.ask("registry", "POST", "/v1/persons/search", role="case_manager", body=body)
        return next(iter(found["items"]), None)

    person = await eventually(known)
    assert person["open_case_id"], "a case stays open until somebody closes it"

    async def complete() -> list[dict[str, Any]]:
        page = await town.ask("registry", "GET", f"/v1/persons/{person['id']}/history?limit=200", role="case_manager")
        mine = [line for line in page["items"] if line["call_id"] == call_id]
        ended = "dispatch.trip.completed.v1" in {line["type"] for line in mine}
        return mine if ended and {"intake", "dispatch", "notify"} <= {line["source"] for line in mine} else []

    lines = await eventually(complete)
    assert [line["type"] for line in lines].count("intake.call.received.v1") == 1


async def _desk_shows_it(town: Town, call_id: str) -> None:
    """Intake has heard the end of it, and no watchdog barked."""

    async def ended() -> Any:
        call = await town.ask("intake", "GET", f"/v1/calls/{call_id}", role="call_taker")
        return call if call["stage"] in {"done", "closed"} else None

    call = await eventually(ended)
    assert not call["alarmed"]
    await town.time_passes("intake", "watchdog")
    if call["status"] == "open":
        await town.ask("intake", "POST", f"/v1/calls/{call_id}/close", role="call_taker", body={"outcome": "done"})
    alarms = await town.ask("intake", "GET", "/v1/alarms", role="call_taker")
    assert call_id not in str(alarms)


async def _trace_is_in_order(town: Town, call_id: str) -> None:
    async def told_by_all() -> list[Line]:
        urls = {service: town.local.url(service) for service in SERVICES}
        told = await story(urls, headers(town.local), call_id)
        return told if {line.type.split(".")[0] for line in told} == set(SERVICES) else []

    lines: list[Line] = await eventually(told_by_all)
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    types = [f"{line.type.removesuffix('.v1')}.v1" for line in lines]
    firsts = [types.index(wanted) for wanted in STORY]
    assert firsts == sorted(firsts), types
    assert types.index("notify.message.planned.v1") > 0


# --- when it does not go as it should ------------------------------------------------------------------------------


async def test_an_order_not_seen_in_line_comes_by_sms(town: Town) -> None:
    taken = await town.take(CALL)
    trip = await town.trip(taken["id"], lambda trip: bool(trip["assignments"]))
    ordered = trip["assignments"][0]["id"]
    await town.received(lambda entry: taken["number"] in entry["text"])

    async def comes() -> dict[str, Any] | None:
        await town.line_unseen(taken["id"])  # each time: the order may be written after a message to somebody else
        mine = (entry for entry in await town.inbox("sms") if taken["number"] in entry["text"])
        return next((entry for entry in mine if "สั่งการ" in entry["text"]), None)

    sms = await eventually(comes)
    assert sms["to"].lstrip("+").startswith("6690")
    await town.drive(ordered)


async def test_a_crew_that_declines_is_followed_by_the_next(town: Town) -> None:
    taken = await town.take(CALL)
    trip = await town.trip(taken["id"], lambda trip: bool(trip["assignments"]))
    first = trip["assignments"][0]
    await town.press_when_asked(first["id"], "decline")

    again = await town.trip(taken["id"], lambda trip: len(trip["assignments"]) == 2)
    states = {a["unit_id"]: a["status"] for a in again["assignments"]}
    assert states[first["unit_id"]] == "declined"
    assert len(states) == 2
    await town.drive(next(a["id"] for a in again["assignments"] if a["status"] == "ordered"))


async def test_nobody_free_is_a_visible_queue_with_an_alarm_until_somebody_is(town: Town) -> None:
    stranger = await _unit_of_another_area(town)
    async with everybody_off_duty(town):
        taken = await town.take(CALL)
        await town.trip(taken["id"], lambda trip: trip["status"] == "queued")
        queue = await town.ask("dispatch", "GET", f"/v1/queue?area={AREA}", role="dispatcher")
        waiting = next(item for item in queue["items"] if item["call_id"] == taken["id"])
        assert waiting["reason_codes"] == ["nobody_free"]
        await town.time_passes("intake", "watchdog")

        async def alarmed() -> bool:
            return taken["id"] in str(await town.ask("intake", "GET", "/v1/alarms", role="call_taker"))

        await eventually(alarmed)

        await town.duty(town.unit("K3"), on=True)
        trip = await town.trip(taken["id"], lambda trip: any(a["status"] == "ordered" for a in trip["assignments"]))
        assert [a["unit_id"] for a in trip["assignments"]] == [town.unit("K3")]
        assert stranger not in str(trip)
        await town.drive(trip["assignments"][0]["id"])


@asynccontextmanager
async def everybody_off_duty(town: Town) -> AsyncIterator[None]:
    units = [town.unit(f"K{number}") for number in range(1, 13)]
    on_duty = {row["id"] for row in await town.sql("dispatch", "select id from unit where duty = 'on_duty'")}
    mine = [unit for unit in units if UUID(unit) in on_duty]
    for unit in mine:
        await town.duty(unit, on=False)
    try:
        yield
    finally:
        for unit in mine:
            await town.duty(unit, on=True)


async def _unit_of_another_area(town: Town) -> str:
    """An ambulance of the neighbours, on duty and nearer than anybody."""
    neighbours = {"claims": {"areas": ("sample",)}, "role": "admin"}
    at = {"area": "sample", "name": "จุดจอดข้างเคียง", "lon": CALL["location"]["lon"], "lat": CALL["location"]["lat"]}
    ids = {kind: str(uuid4()) for kind in ("stations", "vehicles", "crew", "units")}
    bodies: dict[str, dict[str, Any]] = {
        "stations": at,
        "vehicles": {
            "area": "sample", "kind": "ambulance", "name": "รถข้างเคียง", "station_id": ids["stations"], "seats": 2,
            "wheelchairs": 0, "stretchers": 1, "equipment": ["oxygen_set", "aed", "stretcher"],
        },
        "crew": {"area": "sample", "kind": "staff", "name": "เพื่อนบ้าน", "skills": {"emt_b": None, "oxygen": None}},
        "units": {
            "area": "sample", "call_sign": "N1", "station_id": ids["stations"], "level": "bls",
            "vehicle_id": ids["vehicles"], "crew_ids": [ids["crew"]],
        },
    }  # fmt: skip
    for kind, body in bodies.items():
        await town.ask("dispatch", "PUT", f"/v1/{kind}/{ids[kind]}", body=body, **neighbours)
    await town.ask("dispatch", "POST", f"/v1/units/{ids['units']}/duty", body={"on": True}, **neighbours)
    return ids["units"]
