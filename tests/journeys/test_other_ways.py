"""Calls that are not a plain emergency of ours: outside the area, red flags, a snake, refusals, rich and poor."""

from __future__ import annotations

from typing import Any

import pytest

from tests.journeys.town import Town, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

OUTSIDE = {"lat": 16.5201, "lon": 103.6502}
INSIDE = {"lat": 16.4349, "lon": 103.5062}


async def test_a_call_outside_the_area_is_handed_over_with_time_and_receiver(town: Town) -> None:
    taken = await town.take({"caller": {"phone": "0823456701"}, "location": OUTSIDE, "triage": {"criteria_group": 5}})
    assert taken["service_area"]["status"] == "outside"
    assert taken["hand_over"]["done"]
    assert taken["hand_over"]["receiver"]
    assert taken["hand_over"]["phone"]
    assert taken["hand_over"]["at"]
    call = await town.ask("intake", "GET", f"/v1/calls/{taken['id']}", role="call_taker")
    assert call["status"] == "handed_over"
    assert await town.trips(taken["id"]) == []


async def test_red_flags_are_handed_to_1669_with_a_record_and_our_own_unit_goes(town: Town) -> None:
    taken = await town.take({"caller": {"phone": "0823456702"}, "location": INSIDE, "triage": {"criteria_group": 6}})
    assert taken["triage"]["hand_over_1669"], "a missing answer to a red-flag question raises the severity"
    body = {"receiver": "centre_1669", "reason": "red_flag"}
    await town.ask("intake", "POST", f"/v1/calls/{taken['id']}/hand-over", role="call_taker", body=body)
    trip = await town.trip(taken["id"], lambda trip: bool(trip["assignments"]))
    story = await town.ask("intake", "GET", f"/v1/events?call_id={taken['id']}", role="auditor")
    assert "th.karuna.intake.call.handed_over.v1" in {event["type"] for event in story["items"]}
    await town.drive(trip["assignments"][0]["id"])


async def test_a_snake_goes_to_a_team_that_can_handle_it(town: Town) -> None:
    body = {"kind": "hazard", "caller": {"phone": "0823456703"}, "location": INSIDE, "complaint": "งูเห่าเข้าบ้าน"}
    taken = await town.take(body)
    assert taken["kind"] == "hazard"
    assert taken["service"]["legal_basis"]
    trip = await town.trip(taken["id"], lambda trip: bool(trip["assignments"]))
    assert trip["assignments"][0]["unit_id"] in {town.unit("K4"), town.unit("K10")}
    await town.drive(trip["assignments"][0]["id"], ("accept", "en_route", "at_scene", "clear", "at_base"))


async def test_refusals_are_coded_and_an_emergency_is_never_refused(town: Town) -> None:
    taken = await town.take({"caller": {"phone": "0823456704"}, "location": INSIDE, "triage": {"criteria_group": 5}})
    close = f"/v1/calls/{taken['id']}/close"
    refusal = {"outcome": "refused", "reason": "outside_service"}
    answer = await town.ask("intake", "POST", close, role="call_taker", body=refusal, status=422)
    assert "emergency_never_refused" in str(answer)
    await town.ask("intake", "POST", f"/v1/calls/{taken['id']}/withdraw", role="call_taker", body={})

    async def called_back() -> bool:
        trips = await town.trips(taken["id"])
        return bool(trips) and all(trip["status"] == "cancelled" for trip in trips)

    await eventually(called_back)


async def test_rich_and_poor_are_served_alike(town: Town) -> None:
    """Nothing but need decides: the same call with every mark of wealth or of none is judged the same."""
    marks: list[dict[str, Any]] = [
        {"name": "เศรษฐี มีทรัพย์", "national_id": "1101700230705"},
        {"groups": ["stateless"]},
        {"groups": ["homeless"], "name": "ไม่ทราบชื่อ"},
        {},
    ]
    judged = []
    for number, marked in enumerate(marks):
        patient = {"age": 60, "sex": "male", **marked}
        taken = await town.take(
            {
                "caller": {"phone": f"08234567{10 + number}"},
                "patient": patient,
                "location": INSIDE,
                "triage": {"criteria_group": 5},
            }
        )
        judged.append((taken["severity"], taken["lane"], taken["served"], taken["triage"]["idc"]))
        await town.ask("intake", "POST", f"/v1/calls/{taken['id']}/withdraw", role="call_taker", body={})
    assert len(set(judged)) == 1
