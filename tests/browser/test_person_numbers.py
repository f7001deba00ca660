"""Somebody is registered after a search that did not find them, and their numbers are added, ended and corrected."""

from __future__ import annotations

from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import PHONE, SignIn
from tests.browser.test_every_screen import cut_off, faults
from tests.browser.test_records import WIDE, whole
from tests.journeys.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="session")
OPEN_ALL = "() => document.querySelectorAll('details').forEach(each => { each.open = true })"


async def unfolded(page: Page, name: str) -> None:
    """Every form that is folded away is as good as the page around it."""
    await page.evaluate(OPEN_ALL)
    assert await faults(page) == [], name
    await page.set_viewport_size(PHONE)
    assert await cut_off(page) == [], f"{name} at 360 px"
    await page.set_viewport_size(WIDE)


async def test_whoever_is_not_found_is_registered_and_numbers_come_and_go(town: Town, open_as: SignIn) -> None:
    name = f"ละม่อม มาใหม่{uuid4().hex[:4]}"
    page = await open_as("orathai", "/people")
    await page.get_by_label("สิ่งที่ค้นหา").fill(name)
    await page.get_by_label("ดูเพื่ออะไร").select_option("case_work")
    await page.get_by_role("button", name="ค้นหา", exact=True).click()
    await page.get_by_role("button", name="ขึ้นทะเบียนคนใหม่").click()
    await expect(page.get_by_label("ชื่อ", exact=True)).to_have_value(name)
    assert name not in page.url
    await page.get_by_label("วันเกิด", exact=True).fill("71")
    await page.get_by_label("เบอร์โทร", exact=True).fill("081-555-0777")
    await unfolded(page, "new, begun")
    await page.get_by_role("button", name="ขึ้นทะเบียนคนใหม่").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)

    # The same once more is shown before it is written.
    there = page.url
    await page.goto("/people/new")
    await whole(page, "new")
    await page.get_by_label("ชื่อ", exact=True).fill(name)
    await page.get_by_label("เบอร์โทร", exact=True).fill("081-555-0777")
    await page.get_by_label("ดูเพื่ออะไร").select_option("case_work")
    await page.get_by_role("button", name="ขึ้นทะเบียนคนใหม่").click()
    await expect(page.get_by_role("region", name="อาจเป็นคนเหล่านี้").get_by_role("link")).to_contain_text(name)
    await unfolded(page, "alike")

    await page.goto(there)
    await page.get_by_role("navigation", name="ส่วนของบุคคลนี้").get_by_role("link", name="แก้ไข").click()
    numbers = page.get_by_role("region", name="เลขประจำตัว", exact=True)
    await numbers.get_by_text("เพิ่มเลขประจำตัว").first.click()
    await numbers.get_by_label("ประเภท").select_option("passport")
    await numbers.get_by_label("เลขที่").fill("AB123456")
    await numbers.get_by_role("button", name="เพิ่มเลขประจำตัว").click()
    await expect(numbers).to_contain_text("หนังสือเดินทาง")
    await whole(page, "change")
    await unfolded(page, "change, unfolded")
    await page.reload()
    await numbers.locator("summary", has_text="สิ้นสุด").click()
    await numbers.get_by_label("เพราะ").first.select_option("lost")
    await numbers.get_by_role("button", name="สิ้นสุด").click()
    await expect(numbers).to_contain_text("ยังไม่มีเลขประจำตัว")
    phones = page.get_by_role("region", name="โทรศัพท์", exact=True)
    await phones.locator("summary", has_text="บันทึกผิด").click()
    await phones.get_by_label("เบอร์โทร").first.fill("081 555 0778")
    await phones.get_by_role("button", name="บันทึกผิด").click()
    await expect(phones).to_contain_text("081 555 0778")
    await page.goto(there)
    await expect(page.get_by_role("region", name="ประวัติ")).to_contain_text("ยกเลิกเบอร์โทรที่บันทึกผิด")
