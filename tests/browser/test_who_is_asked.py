"""Who is asked, and who may go home: circles of volunteers that widen, and a crew on which somebody still relies."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import expect

from karuna.seed import seed_id
from services.intake.rules.triage import answers_giving
from shared.thai.dates import BANGKOK
from shared.work import now_utc
from tests.browser.conftest import SignIn, show
from tests.browser.test_every_screen import cut_off, faults
from tests.journeys.rides import book, cid, leg
from tests.journeys.test_first_call import everybody_off_duty
from tests.journeys.town import AREA, Town

pytestmark = pytest.mark.asyncio(loop_scope="session")

SOUTH = {"lat": 16.4221, "lon": 103.5031}
"""Of the station there; that in the north is nearly three kilometres away."""
BROUGHT = ("accept", "en_route", "at_scene", "left_scene", "at_destination", "clear")


async def volunteer(town: Town, sign: str, station: str) -> str:
    """A volunteer with a car and a telephone (whom nobody can reach is no reason to wait), on duty at that station."""
    ids = {kind: str(uuid4()) for kind in ("vehicles", "crew", "units")}
    at = str(seed_id(AREA, "station", station))
    bodies: dict[str, dict[str, Any]] = {
        "vehicles": {"area": AREA, "kind": "car", "name": sign, "station_id": at, "seats": 3, "wheelchairs": 0, "stretchers": 0},
        "crew": {"area": AREA, "kind": "volunteer", "name": f"อาสา {sign}", "skills": {"first_aid": None},
                 "phone": "0900009901"},
        "units": {"area": AREA, "call_sign": sign, "station_id": at, "level": "fr", "volunteer": True,
                  "vehicle_id": ids["vehicles"], "crew_ids": [ids["crew"]]},
    }  # fmt: skip
    for kind, body in bodies.items():
        await town.ask("dispatch", "PUT", f"/v1/{kind}/{ids[kind]}", role="admin", body=body)
    await town.duty(ids["units"], on=True)
    return ids["units"]


async def test_circles_of_volunteers_widen_before_the_dispatchers_eyes(town: Town, open_as: SignIn) -> None:
    async with everybody_off_duty(town):
        near, far = await volunteer(town, "V1", "south"), await volunteer(town, "V2", "north")
        call = await town.take({
            "lane": "emergency", "complaint": "มีดบาดนิ้ว", "caller": {"phone": "0819993301"}, "location": SOUTH,
            "triage": {"criteria_group": 1, "answers": answers_giving("green", 1)},
        })  # fmt: skip
        assert call["severity"] == "green", "of what is more urgent the next is asked at once"
        trip = await town.trip(call["id"], lambda trip: bool(trip["assignments"]))
        assert [each["unit_id"] for each in trip["assignments"]] == [near]
        page = await open_as("wichai", f"/desk/calls/{call['id']}")
        asked = page.locator(".assignment")
        await expect(asked.filter(has_text="V1")).to_contain_text("อาสารอบที่ 1 ถามทุกชุดใน 1.0 กม.")
        await expect(asked.filter(has_text="V2")).to_have_count(0)
        await town.time_passes("dispatch", "widen_circle")
        await expect(asked.filter(has_text="V2")).to_contain_text("อาสารอบที่ 3 ถามทุกชุดใน 3.0 กม.")
        await expect(asked.filter(has_text="V1")).to_be_visible()
        assert await faults(page) == []
        await show(page, "desk-circles")
        await town.ask("intake", "POST", f"/v1/calls/{call['id']}/withdraw", role="call_taker", body={})
        for unit in (near, far):
            await town.duty(unit, on=False)


async def brought(town: Town, unit: str) -> None:
    """This unit brought somebody to the hospital, who waits there for the way home."""
    patient = {"name": "คุณยายรอกลับ", "national_id": cid(771), "mobility": "walking"}
    ride = await leg(town, (await book(town, patient, datetime.now(BANGKOK) + timedelta(minutes=90)))["id"])
    body = {
        "unit_id": town.unit(unit),
        "start_at": datetime.now(BANGKOK).isoformat(),
        "override_reason": "local_knowledge",
    }
    made = await town.ask("dispatch", "POST", f"/v1/trips/{ride['id']}/assign", role="dispatcher", body=body)
    for step in BROUGHT:
        path = f"/v1/assignments/{made['id']}/steps"
        await town.ask("dispatch", "POST", path, role="dispatcher", body={"step": step, "at": now_utc().isoformat()})


async def duty_of(town: Town, unit: str) -> str:
    [row] = await town.sql("dispatch", "select duty from unit where id = $1", town.unit(unit))
    return str(row["duty"])


async def test_a_crew_that_leaves_somebody_at_a_clinic_is_asked_and_the_desk_sees_whom_to_ring(
    town: Town, open_as: SignIn
) -> None:
    async with everybody_off_duty(town):
        await town.duty(town.unit("K1"), on=True)
        await brought(town, "K1")
        page = await open_as("crew1", "/crew", phone=True)
        asked: list[str] = []

        async def answer(dialog: Any) -> None:
            asked.append(dialog.message)
            await (dialog.dismiss() if len(asked) == 1 else dialog.accept())

        page.on("dialog", answer)
        leave = page.locator("#unit").get_by_role("button", name="ออกเวร", exact=True)
        await leave.click()
        await expect(page.locator("#unit-problem")).to_contain_text("ยังมีผู้โดยสารที่หน่วยนี้ต้องรับวันนี้")
        assert await duty_of(town, "K1") == "on_duty", "who thinks again stays"
        await leave.click()
        await expect(page.locator("#unit").get_by_role("button", name="เข้าเวร", exact=True)).to_be_visible()
        assert asked == [asked[0]] * 2
        assert "ยืนยันหากจะออกเวร" in asked[0]
        assert await duty_of(town, "K1") == "off_duty"

        desk = await open_as("wichai", "/rides/planner")
        left = desk.get_by_role("alert").filter(has_text="โทรตาม: ")
        await expect(left).to_have_count(1)
        await expect(left.get_by_role("link", name=re.compile(r" 090 000 00\d\d$")).first).to_be_visible()
        assert await faults(desk) == []
        await desk.set_viewport_size({"width": 360, "height": 740})
        assert await cut_off(desk) == []
        await show(desk, "planner-left-behind")
        looked = "select caller from audit where noun = 'crew' and act = 'read'"
        assert await town.sql("dispatch", looked), "who was shown a number is written down"
