"""Several desks at night: whose line it is and who is writing, seen as it happens; what was typed outlives the page."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from playwright.async_api import Error, Page, expect

from tests.browser.conftest import SignIn, show
from tests.browser.test_every_screen import cut_off, faults
from tests.journeys.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="session")
AT_ONCE_MS = 2000
"""Less than the pages ask by themselves."""
SELDOM = "const every = setInterval; window.setInterval = (f, ms) => every(f, ms === 3000 ? 3_600_000 : ms);"


async def test_two_desks_see_whose_line_it_is_and_what_is_half_written(town: Town, open_as: SignIn) -> None:
    await town.sql("intake", "delete from ringing")  # what rang in other stories, and what was left half-written there
    await town.sql("console", "delete from desk_sheet")
    one, other = await open_as("somsri", "/desk"), await open_as("malee", "/desk", phone=True)
    await town.ask("intake", "POST", "/v1/ringing", role="call_taker", body={"from": "0812347001"})
    for page in (one, other):
        await expect(page.get_by_role("button", name="รับสาย")).to_be_visible()
    await _heard_not_asked(other)
    await one.keyboard.press("F4")
    taken = other.locator("#ringing .ring", has_text="081 234 7001")
    await expect(taken).to_contain_text("สมศรี", timeout=AT_ONCE_MS)
    await expect(taken).to_contain_text("รับสายนี้แล้ว")
    await expect(one.locator("#ringing")).to_contain_text("คุณรับสายนี้อยู่")
    await expect(one.locator("#find")).to_have_value("081 234 7001")
    await other.keyboard.press("F4")  # nobody else's line rings
    await expect(other.locator("#find")).to_have_value("")

    await one.locator("#phone").fill("0812347001")
    await one.locator("#complaint").fill("ยายล้มในห้องน้ำ")
    sheets = other.get_by_role("region", name="โต๊ะอื่นกำลังรับเรื่อง")
    await expect(sheets).to_contain_text(re.compile("สมศรี.*กำลังเขียนเรื่องอยู่"), timeout=AT_ONCE_MS)
    assert "ยายล้ม" not in await other.locator("body").inner_text(), "not a word of it"
    assert [await faults(other), await cut_off(other), await faults(one)] == [[], [], []]
    await show(other, "desk-other-phone")
    await show(one, "desk-line-taken")

    await other.get_by_role("button", name="รับแทน").click()
    await expect(other.locator("#find")).to_have_value("081 234 7001")
    await expect(one.locator("#ringing")).to_contain_text("รับสายนี้แล้ว")

    one = await _outlives_the_page(one)
    await expect(sheets).to_contain_text("สมศรี")
    await one.keyboard.press("F2")
    await expect(one.locator("#taken [data-number]")).to_be_visible()
    await expect(sheets).to_be_hidden(timeout=AT_ONCE_MS)


async def _heard_not_asked(page: Page) -> None:
    """From here on this desk learns by being told alone."""
    await page.add_init_script(SELDOM)
    async with page.expect_response("**/desk/writing"):
        await page.reload()
    await expect(page.locator("#ringing .ring")).to_have_count(1)


async def _outlives_the_page(page: Page) -> Page:
    """Loaded anew the sheet is as it was; where the tab died, the next one offers it."""
    await expect(page.locator("#saved")).not_to_be_empty()
    await page.reload()
    await expect(page.locator("#complaint")).to_have_value("ยายล้มในห้องน้ำ")
    await expect(page.locator("#phone")).to_have_value("0812347001")
    async with page.expect_event("crash"):
        with suppress(Error):
            await page.goto("chrome://crash")
    again = await page.context.new_page()
    await page.close()
    with suppress(Error):  # the page's worker may have died with the tab, and one navigation hang with it
        await again.goto("/desk", timeout=5_000)
    await again.goto("/desk")
    left = again.get_by_role("region", name="ร่างที่ค้างไว้")
    await left.get_by_role("button", name="เปิดต่อ").click()
    await expect(again.locator("#complaint")).to_have_value("ยายล้มในห้องน้ำ")
    return again
