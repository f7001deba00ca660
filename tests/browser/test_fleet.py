"""The fleet on the real system: a shift put and swapped, a volunteer at the wall, a bed, a bag of waste, a hydrant."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from playwright.async_api import Page, expect

from karuna.local import Local
from karuna.seed import crew_of, seed, seed_id
from karuna.seed_fleet import furnish
from shared.packs import load
from shared.thai.dates import BANGKOK
from shared.work import now_utc
from tests.browser.conftest import SignIn
from tests.browser.test_records import whole
from tests.journeys.town import AREA, Town

pytestmark = pytest.mark.asyncio(loop_scope="session")

DAY = (datetime.now(BANGKOK) + timedelta(days=9)).date()
"""Beyond what is planned already, and far from tonight."""
GIVES, TAKES = "สมชาย กรุณาธรรม", "มาลี สายธารบุญ"


async def test_a_furnished_fleet_is_shown_whole(installation: Local, open_as: SignIn) -> None:
    assert await furnish(installation, AREA) > 100
    assert await furnish(installation, AREA) == 0, "done again nothing is new"
    page = await open_as("malee", "/fleet")
    await expect(page.locator(".duty").filter(has_text="K1").first).to_be_visible()
    for path in ("/fleet", "/fleet/places", "/fleet/stock"):
        await page.goto(path)
        await whole(page, f"furnished-{path.rpartition('/')[2]}")


async def test_whom_the_roster_has_at_the_hour_is_on_duty_and_a_crew_that_people_made_stays(town: Town) -> None:
    await furnish(town.local, AREA)
    pack = load(town.local.areas / AREA)
    k1, k2 = (next(each for each in pack.vehicle if each.code == code) for code in ("K1", "K2"))
    mixed = [str(seed_id(AREA, "crew", member.code)) for member in (*crew_of(pack, k2), *crew_of(pack, k2, "night"))]
    await town.ask("dispatch", "POST", f"/v1/units/{seed_id(AREA, 'unit', 'K2')}/duty",
                   role="dispatcher", body={"on": True, "crew_ids": mixed})  # fmt: skip
    try:
        await seed(town.local, AREA, people=False, at=now_utc())
        now = await town.ask("dispatch", "GET", "/v1/roster/now", role="supervisor")
        assert {each["shift"]["unit_id"]: each["missing"] for each in now["items"]}
        assert [each["shift"]["unit_id"] for each in now["items"] if each["missing"] or each["extra"]] == [
            str(seed_id(AREA, "unit", "K2"))
        ]
        for hour, shift in ((3, "night"), (12, "day"), (20, "night"), (8, "day")):
            await seed(town.local, AREA, people=False, at=now_utc().astimezone(BANGKOK).replace(hour=hour, minute=0))
            units = (await town.ask("dispatch", "GET", "/v1/units?limit=200", role="supervisor"))["items"]
            here = {each["call_sign"]: set(each["crew_ids"]) for each in units}
            assert here["K1"] == {str(seed_id(AREA, "crew", member.code)) for member in crew_of(pack, k1, shift)}, hour
            assert here["K2"] == set(mixed)
    finally:
        by_day = [str(seed_id(AREA, "crew", member.code)) for member in crew_of(pack, k2)]
        await town.ask("dispatch", "POST", f"/v1/units/{seed_id(AREA, 'unit', 'K2')}/duty",
                       role="dispatcher", body={"on": True, "crew_ids": by_day})  # fmt: skip
        await seed(town.local, AREA, people=False)


async def test_a_shift_is_put_by_the_keyboard_and_swapped(open_as: SignIn) -> None:
    page = await open_as("malee", f"/fleet/shifts/new?on={DAY.isoformat()}")
    await page.get_by_label("หน่วย").select_option(label="K1")
    await page.get_by_label("ประเภทเวร").select_option(label="ลาดตระเวน")
    await page.get_by_label("เริ่ม").fill("20:00")
    await page.get_by_label("สิ้นสุด").fill("08:00")
    await page.get_by_role("checkbox", name=GIVES).focus()
    await page.keyboard.press("Space")
    await whole(page, "fleet-shift")
    # The page was opened anew to be looked at: what was typed is typed again.
    await page.get_by_label("หน่วย").select_option(label="K1")
    await page.get_by_label("ประเภทเวร").select_option(label="ลาดตระเวน")
    await page.get_by_label("เริ่ม").fill("20:00")
    await page.get_by_label("สิ้นสุด").fill("08:00")
    await page.get_by_role("checkbox", name=GIVES).check()
    await page.get_by_role("button", name="บันทึก").press("Enter")
    await page.wait_for_url("**/fleet?on=*")
    patrol = page.locator(".duty").filter(has_text="ลาดตระเวน").first
    await expect(patrol).to_contain_text(GIVES)
    await patrol.get_by_role("link", name=re.compile("แก้ไข")).click()
    await page.get_by_label("ผู้รับเวร").select_option(label=TAKES)
    await page.get_by_role("button", name="ขอแลกเวร").click()
    await page.get_by_role("button", name="อีกฝ่ายตกลง").click()
    await whole(page, "fleet-week")
    await page.get_by_role("button", name="อนุมัติ", exact=True).click()
    await expect(page.get_by_role("button", name="อนุมัติ", exact=True)).to_have_count(0)
    await expect(patrol).to_contain_text(TAKES)
    await expect(patrol).not_to_contain_text(GIVES)


async def test_a_volunteer_checks_in_by_the_code_on_the_wall(open_as: SignIn) -> None:
    desk = await open_as("malee", "/fleet/people")
    await desk.get_by_role("button", name=re.compile("ออกรหัสใหม่")).first.click()
    address = await desk.locator("code").inner_text()
    await expect(desk.get_by_role("img", name="รหัส QR ของหน้าลงชื่อ")).to_be_visible()
    path = "/" + address.split("/", 3)[3]
    phone = await open_as(None, path, phone=True)
    await phone.get_by_label("ชื่อของท่าน").fill("ปราณี มาช่วย")
    await phone.get_by_label("เบอร์โทรศัพท์").fill("0865551234")
    await phone.get_by_role("button", name="มาแล้ว").click()
    await expect(phone.locator("main").get_by_role("status")).to_contain_text("ลงชื่อเข้าแล้ว")
    await desk.goto("/fleet/people")
    await expect(desk.locator("#here").get_by_text("ปราณี มาช่วย")).to_be_visible()
    await whole(desk, "fleet-people")
    await phone.get_by_label("เบอร์โทรศัพท์").fill("086-555-1234")
    await phone.get_by_role("button", name="กลับแล้ว").click()
    await expect(phone.locator("main").get_by_role("status")).to_contain_text("ลงชื่อออกแล้ว")


async def _open(page: Page, name: str) -> None:
    await page.locator("summary", has_text=name).click()


async def test_a_bed_is_added_held_and_used(open_as: SignIn) -> None:
    page = await open_as("malee", "/fleet/places")
    await _open(page, "เพิ่มเตียง")
    await page.get_by_label("ชื่อเตียง").fill("เตียงทดสอบ 7")
    await page.get_by_role("button", name="บันทึก").click()
    row = page.get_by_role("listitem").filter(has_text="เตียงทดสอบ 7")
    await row.get_by_role("button", name=re.compile("^จอง")).click()
    await expect(row).to_contain_text("จองถึง")
    await whole(page, "fleet-places")
    await row.get_by_role("button", name=re.compile("ผู้ป่วยมาถึงแล้ว")).click()
    await expect(row).to_contain_text("มีผู้ใช้")
    await row.get_by_role("button", name=re.compile("คืนเตียง")).click()
    await expect(row).to_contain_text("ว่าง")


async def test_a_bag_of_waste_goes_from_hand_to_hand(open_as: SignIn) -> None:
    page = await open_as("wichai", "/fleet/waste")
    await page.get_by_label("ของเที่ยวหรือหน่วย").select_option(label="K2")
    await page.get_by_label("น้ำหนัก (กก.)").fill("1.5")
    await page.get_by_role("button", name="บันทึก").click()
    row = page.get_by_role("listitem").filter(has_text="1.5 กก.").first
    await row.get_by_role("button", name="ส่งมอบ").click()
    await expect(row.get_by_role("list")).to_contain_text("ที่พักรวมมูลฝอยติดเชื้อของฐาน")
    await whole(page, "fleet-waste")
    await row.get_by_label("ส่งมอบให้").select_option(label="เตาเผาหรือสถานที่กำจัด")
    await row.get_by_role("button", name="ส่งมอบ").click()
    await expect(row).to_contain_text("กำจัดแล้ว")


async def test_equipment_and_hydrants_are_kept(open_as: SignIn) -> None:
    page = await open_as("wichai", "/fleet/stock")
    await _open(page, "เพิ่มบัญชีอุปกรณ์")
    await page.get_by_label("ย่านหรือชุมชน").fill("ชุมชนทดสอบ")
    await page.locator("details", has=page.get_by_label("ย่านหรือชุมชน")).get_by_role("button", name="บันทึก").click()
    await expect(page.get_by_role("listitem").filter(has_text="ชุมชนทดสอบ")).to_be_visible()
    await _open(page, "เพิ่มหัวจ่ายน้ำ")
    await page.get_by_label("ชื่อหรือจุดที่ตั้ง").fill("หัวแดงทดสอบ")
    await page.get_by_label("ละติจูด").fill("16.4321")
    await page.get_by_label("ลองจิจูด").fill("103.5061")
    await page.locator("details", has=page.get_by_label("ละติจูด")).get_by_role("button", name="บันทึก").click()
    row = page.get_by_role("listitem").filter(has_text="หัวแดงทดสอบ")
    await row.get_by_label("ผลตรวจ").select_option(label="ใช้งานได้")
    await row.get_by_role("button", name=re.compile("บันทึกการตรวจ")).click()
    await expect(row).to_contain_text("ตรวจ ")
    await whole(page, "fleet-stock")
