"""People, messages, reports and administration on the real system: a story each, every screen on its way looked at."""

from __future__ import annotations

import os
import re
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import PHONE, SignIn, show
from tests.browser.test_every_screen import cut_off, faults
from tests.journeys.test_first_call import CALL
from tests.journeys.town import Town, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")
WIDE = {"width": 1440, "height": 900}
TABS = (
    ("บ้านและครัวเรือน", "พิกัดที่อยู่"),
    ("การดูแล", "ความต้องการ"),
    ("แก้ไข", "ข้อมูลของบุคคล"),
    ("ความยินยอม", "บันทึกความยินยอม"),
    ("ใครเห็นอะไร", "ทำไมเห็น หรือทำไมไม่เห็น"),
    ("ที่รู้ในวันนั้น", "วันนั้นเรารู้อะไรบ้าง"),
)
"""The tabs of a person's page beside the first, and what stands in each."""


async def whole(page: Page, name: str) -> None:
    """No accessibility fault in English and Thai, nothing cut off at 360 px; leaves the page opened anew, in Thai."""
    origin = "/".join(page.url.split("/")[:3])
    for lang in ("en", "th"):
        await page.context.add_cookies([{"name": "karuna_lang", "value": lang, "url": origin}])
        await page.goto(page.url)
        await expect(page.locator("html")).to_have_attribute("lang", lang)
        assert await faults(page) == [], f"{name} ({lang})"
        await picture(page, f"{name}-{lang}")
        await page.set_viewport_size(PHONE)
        assert await cut_off(page) == [], f"{name} ({lang}) at 360 px"
        await picture(page, f"{name}-{lang}-small")
        await page.set_viewport_size(WIDE)


async def picture(page: Page, name: str) -> None:
    """Kept where somebody asked for pictures: they take longer than looking."""
    if os.environ.get("KARUNA_PICTURES"):
        await show(page, name)


async def person_of(town: Town, name: str) -> dict[str, Any]:
    """The patient as the registry knows them, as soon as it does."""

    async def found() -> dict[str, Any] | None:
        answer = await town.ask("registry", "POST", "/v1/persons/search", role="case_manager", body={"name": name})
        return next(iter(answer["items"]), None)

    known: dict[str, Any] = await eventually(found)
    return known


async def test_a_person_is_found_read_for_a_purpose_and_an_auditor_sees_who_looked(
    town: Town, open_as: SignIn
) -> None:  # fmt: skip
    name = f"บุญมา ประวัติยาว{uuid4().hex[:4]}"
    await town.take({**CALL, "patient": {**CALL["patient"], "name": name, "national_id": "1101700230708"}})
    person = await person_of(town, name)
    page = await open_as("orathai", "/people")
    await page.get_by_label("สิ่งที่ค้นหา").fill(name)
    await page.get_by_label("ดูเพื่ออะไร").select_option("case_work")
    await page.get_by_role("button", name="ค้นหา", exact=True).click()
    await page.get_by_role("link", name=name).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)
    assert name not in page.url
    await expect(page.get_by_role("region", name="ประวัติ")).to_contain_text("รับแจ้ง")
    await whole(page, "person")
    point = {"lat": 16.4321, "lon": 103.5065, "method": "visit"}
    await town.ask("registry", "POST", f"/v1/persons/{person['id']}/locations", role="case_manager", body=point)
    for tab, heading in TABS:
        await page.get_by_role("navigation", name="ส่วนของบุคคลนี้").get_by_role("link", name=tab).click()
        await expect(page.get_by_role("heading", level=2, name=heading)).to_be_visible()
        if tab == "บ้านและครัวเรือน":
            await expect(page.locator("#map")).to_have_attribute("data-points", "1")
        await whole(page, f"person-{TABS.index((tab, heading))}")
    await page.goto(f"/people/{person['id']}")
    await expect(page.get_by_role("heading", level=1)).to_have_text("ดูข้อมูลบุคคลเพื่ออะไร")
    await whole(page, "person-purpose")

    auditor = await open_as("malee", f"/people/{person['id']}?purpose=care")
    await expect(auditor.get_by_role("region", name="ใครเคยดู")).to_contain_text("orathai")


async def test_a_newcomer_sees_the_order_arrive_presses_its_button_and_the_story_tells_why(
    town: Town, open_as: SignIn
) -> None:  # fmt: skip
    call = await town.take(CALL)
    await town.trip(call["id"], lambda trip: bool(trip["assignments"]))
    page = await open_as("somsri", "/messages/simulated")
    order = page.get_by_role("listitem").filter(has_text=call["number"]).filter(has=page.get_by_role("button"))
    await expect(order.first).to_be_visible()
    await whole(page, "simulated")
    await order.first.get_by_role("button").first.click()
    await page.wait_for_load_state()

    await page.goto("/messages")
    await page.get_by_label("ดูตามเลขเหตุ").fill(call["number"])
    await page.get_by_role("button", name="เปิดดู").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("แจ้งใครบ้าง และเพราะอะไร")
    await expect(page.get_by_role("main")).to_contain_text("ลูกสาว")

    async def answered() -> bool:
        await page.reload()
        return "ตอบว่า" in await page.get_by_role("main").inner_text()

    await eventually(answered)
    await whole(page, "why")
    await page.goto("/messages")
    await whole(page, "messages")


async def test_figures_are_shown_and_taken_along_as_files(open_as: SignIn) -> None:
    page = await open_as("malee", "/reports?period=year")
    await expect(page.get_by_role("region", name="เวลาตอบสนอง")).to_contain_text("39 %")
    await expect(page.get_by_role("main")).not_to_contain_text("ยังไม่ทราบ")
    await whole(page, "reports")
    for link, start in (("ดาวน์โหลด CSV: เวลาตอบสนอง", b"\xef\xbb\xbf"), ("ดาวน์โหลด PDF: เวลาตอบสนอง", b"%PDF-")):
        async with page.expect_download() as waiting:
            await page.get_by_role("link", name=link).click()
        path = await (await waiting.value).path()
        assert path.read_bytes().startswith(start)
    sheet = await page.request.get("/reports/missions.csv?period=year")
    assert "ถึงที่เกิดเหตุ" in (await sheet.body()).decode("utf-8-sig")


async def test_an_administrator_makes_an_account_changes_a_unit_and_closes_the_account(open_as: SignIn) -> None:
    login = f"nok-{uuid4().hex[:6]}"
    page = await open_as("anan", "/admin/accounts/new")
    await page.get_by_label("ชื่อผู้ใช้").fill(login)
    await page.get_by_role("textbox", name="ชื่อ", exact=True).fill("นก ใจดี")
    await page.get_by_role("main").get_by_label("ผู้รับแจ้ง").check()
    await whole_form(page)
    await page.get_by_role("button", name="บันทึก").click()
    password = await page.locator(".big-code").inner_text()
    address = (await page.locator("form[action$='/close']").get_attribute("action") or "").removesuffix("/close")

    await page.goto(f"{address}/change")
    await page.get_by_role("main").get_by_label("ผู้รับแจ้ง").uncheck()
    await page.get_by_role("main").get_by_label("ผู้จัดการรายกรณี").check()
    await page.get_by_text("เห็นเฉพาะพื้นที่", exact=True).click()
    place = page.get_by_role("group", name="ตำบล หมู่บ้าน").get_by_role("checkbox").first
    await place.check()
    await whole_form(page)
    await page.get_by_role("button", name="บันทึก").click()
    await expect(page.locator("dl.facts")).not_to_contain_text("ทั้งเทศบาล")

    nok = await open_as(None, "/sign-in")
    await nok.get_by_label("ชื่อผู้ใช้").fill(login)
    await nok.get_by_label("รหัสผ่าน", exact=True).fill(password)
    await nok.get_by_role("main").get_by_role("button", name="เข้าสู่ระบบ").click()
    await nok.wait_for_url("**/account")

    page.on("dialog", lambda dialog: dialog.accept())
    await page.goto(address)
    await whole(page, "account")
    await page.get_by_role("button", name="ปิดบัญชี").click()
    await expect(page.get_by_role("button", name="เปิดบัญชีอีกครั้ง")).to_be_visible()
    await nok.goto("/account")
    await nok.wait_for_url(re.compile("/sign-in"))

    await page.goto("/admin/fleet/unit")
    await whole(page, "fleet")
    await page.locator(".items").get_by_role("link").filter(has_text="K7").first.click()
    await whole(page, "unit")
    await page.get_by_role("button", name="บันทึก").click()
    await page.wait_for_url("**/admin/fleet/unit")
    for path in ("/admin", "/admin/accounts", "/admin/pack", "/admin/codes", "/admin/map", "/admin/letters"):
        await page.goto(path)
        await whole(page, path.strip("/").replace("/", "-"))
    malee = await open_as("malee", "/admin/exercise")
    await malee.get_by_role("button", name="เริ่มซ้อม").click()
    await expect(malee.get_by_role("status").last).to_contain_text("KLS-")


async def whole_form(page: Page) -> None:
    """A form that is being filled in is judged as it stands."""
    assert await faults(page) == []
    await picture(page, "account-new")
