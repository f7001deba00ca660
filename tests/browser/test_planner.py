"""The planner's screen on the real system: a day planned, a ride tried elsewhere by form and by dragging, published."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from shared.thai.dates import BANGKOK
from tests.browser.conftest import SignIn, show
from tests.browser.test_every_screen import cut_off, faults
from tests.journeys.rides import book, cid, leg
from tests.journeys.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAMES = ["คุณยายผังหนึ่ง", "คุณตาผังสอง"]


async def _whole(page: Page) -> list[str]:
    """Accessibility faults, wide and narrow, and what is cut off at 360 px."""
    found = await faults(page)
    await page.set_viewport_size({"width": 360, "height": 740})
    found += [f"at 360: {fault}" for fault in (*await cut_off(page), *await faults(page))]
    await page.set_viewport_size({"width": 1440, "height": 900})
    return found


async def test_a_day_is_planned_tried_and_published_on_the_planner(town: Town, open_as: SignIn) -> None:
    at = (datetime.now(BANGKOK) + timedelta(days=5)).replace(hour=10, minute=0, second=0, microsecond=0)
    for number, name in enumerate(NAMES):
        patient = {"name": name, "national_id": cid(730 + number), "mobility": "wheelchair"}
        await leg(town, (await book(town, patient, at))["id"])
    await on_a_long_shift(town, "K7", at)
    path = f"/rides/planner?on={at.date().isoformat()}"
    page = await open_as("wichai", path)
    await expect(page.get_by_role("heading", name="แผนตามที่เป็นอยู่")).to_be_visible()
    left = page.get_by_role("region", name="ยังไม่มีหน่วย เพราะอะไร")
    await expect(left).to_contain_text(NAMES[0])

    await page.get_by_role("button", name="วางแผนให้ทุกเที่ยว").click()
    await expect(page.get_by_role("heading", name="แผนที่เสนอ ยังไม่ได้แจ้งใคร")).to_be_visible()
    await expect(page.locator("#map[data-ways]")).to_be_visible()
    assert await _whole(page) == []
    await show(page, "planner-proposal")
    rest = page.get_by_role("region", name="K7", exact=True).locator(".rest-said")
    await expect(rest).to_contain_text(re.compile(r"พัก \d\d:\d\d–\d\d:\d\d น\."))
    planned = page.locator(".halts li[data-trip]", has_text=NAMES[0]).first
    was = await _unit_of(page, NAMES[0])

    # By keyboard: the form beneath the ride.
    await planned.locator("summary").focus()
    await page.keyboard.press("Enter")
    units = planned.get_by_label("ไปกับหน่วย")
    fits = [each for each in await units.locator("option").all_text_contents() if each not in {was, "เลือกหน่วย"}]
    for sign in fits:
        await units.select_option(label=sign)
        await planned.get_by_role("button", name="ดูผลก่อน").focus()
        async with page.expect_navigation():
            await page.keyboard.press("Enter")
        if not await page.get_by_role("alert").count():
            break
        await expect(page.get_by_role("alert").first).to_contain_text(NAMES[0])
        planned = page.locator("[data-trip]", has_text=NAMES[0]).first
        await planned.locator("summary").click()
        units = planned.get_by_label("ไปกับหน่วย")
    now = await _unit_of(page, NAMES[0])
    assert now != was

    # By dragging it back.
    ride = page.locator(".halts li[data-trip]", has_text=NAMES[0]).first
    async with page.expect_navigation():
        await ride.locator("span").first.drag_to(page.get_by_role("region", name=was, exact=True).locator("h3"))
    assert await _unit_of(page, NAMES[0]) == was

    await page.get_by_role("button", name=re.compile("จองและแจ้ง 2")).click()
    await expect(page.get_by_text("จองแล้ว 2 เที่ยว")).to_be_visible()
    assert await _whole(page) == []
    await page.get_by_role("link", name="พิมพ์ใบงานคนขับ").click()
    await expect(page.get_by_role("heading", name=re.compile("ใบงานคนขับ"))).to_be_visible()
    for name in NAMES:
        await expect(page.get_by_role("cell", name=re.compile(name)).first).to_be_visible()
    assert await _whole(page) == []


async def on_a_long_shift(town: Town, unit: str, at: datetime) -> None:
    """From eight to five of that day: the crew is due an hour of rest."""
    hours = {name: at.replace(hour=hour).isoformat() for name, hour in (("from_at", 8), ("until_at", 17))}
    body = {"unit_id": town.unit(unit), **hours, "kind": "emergency"}
    await town.ask("dispatch", "PUT", f"/v1/shifts/{uuid4()}", role="supervisor", body=body)


async def _unit_of(page: Page, name: str) -> str:
    """The call sign of the vehicle on whose line this rider stands."""
    line = page.locator("section.line", has=page.locator("li[data-trip]", has_text=name)).first
    return (await line.locator("h3").inner_text()).strip()
