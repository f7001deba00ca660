"""The public pages in a browser without JavaScript: asked once, followed, rated; a complaint reaches the desk."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import PATIENCE_MS, PHONE, SignIn, show
from tests.browser.test_every_screen import cut_off, faults
from tests.journeys.town import Town, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

COMPLAINT = "ล้มในห้องน้ำ <img src=x onerror=alert(1)>"
PHONE_NUMBER = "0819995521"
OTHERS = ("/ask", "/ride", "/track", "/story")
"""Beside those that every screen's test looks at; the story holds what figures and outcomes hold."""


async def plain(chromium: Browser, town: Town) -> Page:
    """An old phone: no JavaScript, 360 px."""
    context = await chromium.new_context(
        base_url=town.local.url("console"), viewport=PHONE, java_script_enabled=False, locale="th-TH"
    )
    context.set_default_timeout(PATIENCE_MS)
    return await context.new_page()


async def test_help_is_asked_for_followed_and_rated_without_javascript(
    town: Town, chromium: Browser, open_as: SignIn
) -> None:
    page = await plain(chromium, town)
    await page.goto("/public")
    await expect(page.get_by_role("note").filter(has_text="โทร 1669 หรือ 1132")).to_be_visible()
    await page.get_by_role("link", name="ขอความช่วยเหลือ").click()
    await page.get_by_label("เกิดอะไรขึ้น").fill(COMPLAINT)
    await page.get_by_label("จุดสังเกตหรือที่อยู่").fill("บ้านสีเขียวหน้าวัดกลาง")
    await page.get_by_label("ชุมชน", exact=True).select_option(index=1)
    await page.get_by_label("เบอร์โทรศัพท์").fill("12")
    await page.get_by_role("button", name="ส่งเรื่อง").click()
    await expect(page.get_by_role("alert")).to_contain_text("เบอร์โทรศัพท์ที่ติดต่อกลับได้")
    assert await page.get_by_label("เกิดอะไรขึ้น").input_value() == COMPLAINT, "nothing is typed twice"
    await page.get_by_label("เบอร์โทรศัพท์").fill(PHONE_NUMBER)
    form = await sent_form(page)
    await page.get_by_role("button", name="ส่งเรื่อง").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("รับเรื่องแล้ว")
    number, code = await page.locator("dd .code").all_inner_texts()
    await show(page, "public-taken")

    again = await page.request.post("/public/ask", form=form)
    assert number in await again.text(), "sent twice, done once"
    found = await town.ask("intake", "POST", "/v1/calls/search", role="call_taker", body={"phone": PHONE_NUMBER})
    assert [call["number"] for call in found["items"]] == [number]
    call_id = found["items"][0]["id"]

    # Follow it: wrong digits say nothing, too many tries say so.
    await page.goto("/public/track")
    await track(page, code, "0000")
    await expect(page.get_by_role("alert")).to_contain_text("ไม่พบเรื่องที่ตรงกับรหัส")
    await track(page, code.lower().replace("-", " "), PHONE_NUMBER[-4:])
    await expect(page.get_by_role("main").get_by_role("status")).to_contain_text("รับเรื่องแล้ว")
    assert code not in page.url
    assert COMPLAINT not in await page.content()

    # It is over: one question; a bad answer stands at the desk until somebody rings.
    path = f"/v1/calls/{call_id}/close"
    await town.ask("intake", "POST", path, role="supervisor", body={"outcome": "unmet", "text": "ไม่มีรถ"})
    await eventually(lambda: known_to_notify(town, code))
    await track(page, code, PHONE_NUMBER[-4:])
    await page.get_by_label("1 แย่มาก").check()
    await page.get_by_label("อยากบอกอะไรเรา").fill("รอนานมาก <b>ไม่มีใครมา</b>")
    await page.get_by_role("button", name="ส่งคะแนน").click()
    await expect(page.get_by_role("main").get_by_role("status")).to_contain_text("จะโทรหาท่าน")
    await track_again(page, code)
    await page.get_by_label("5 ดีมาก").check()
    await page.get_by_role("button", name="ส่งคะแนน").click()
    await expect(page.get_by_role("alert")).to_contain_text("ให้คะแนนเรื่องนี้แล้ว")

    async def alarmed() -> list[dict[str, Any]]:
        answer = await town.ask("intake", "GET", "/v1/alarms", role="call_taker")
        return [alarm for alarm in answer["items"] if alarm["call_id"] == call_id and alarm["kind"] == "complaint"]

    [alarm] = await eventually(alarmed)
    assert alarm["caller_phone"].endswith(PHONE_NUMBER[1:])
    desk = await open_as("wichai", f"/messages/calls/{call_id}")
    await expect(desk.get_by_text("<b>ไม่มีใครมา</b>")).to_be_visible()
    await town.ask("intake", "POST", f"/v1/alarms/{alarm['id']}/acknowledge", role="call_taker", body={})

    for _ in range(6):
        await track_again(page, code, "0000")
    await expect(page.get_by_role("alert")).to_contain_text("ลองหลายครั้งเกินไป")
    await page.context.close()


async def sent_form(page: Page) -> dict[str, str]:
    """What the form holds now: to send it a second time."""
    found: dict[str, str] = {}
    for field in await page.locator("form.ask [name]").all():
        kind = await field.get_attribute("type")
        if kind in {"radio", "checkbox"} and not await field.is_checked():
            continue
        found[await field.get_attribute("name") or ""] = await field.input_value()
    return found


async def track(page: Page, code: str, digits: str) -> None:
    await page.get_by_label("รหัสติดตาม").fill(code)
    await page.get_by_label("เลขท้าย 4 ตัว").fill(digits)
    await page.get_by_role("button", name="ดูสถานะ").click()


async def track_again(page: Page, code: str, digits: str = PHONE_NUMBER[-4:]) -> None:
    await page.goto("/public/track")
    await track(page, code, digits)


async def known_to_notify(town: Town, code: str) -> bool:
    return bool(await town.sql("notify", "select 1 from call where tracking_code = $1 and status = 'closed'", code))


async def test_a_ride_is_booked_and_every_public_page_is_whole(town: Town, chromium: Browser, open_as: SignIn) -> None:
    page = await plain(chromium, town)
    await page.goto("/public/ride")
    await page.get_by_label("จุดสังเกตหรือที่อยู่").fill("หลังตลาดเก่า")
    await page.get_by_label("ไปที่").fill("โรงพยาบาลกาฬสินธุ์")
    await page.get_by_label("วันที่นัด").fill("5/12/2570")
    await page.get_by_label("เวลานัด").fill("09:30")
    await page.get_by_label("ขอรถกลับบ้านด้วย").check()
    await page.get_by_label("เบอร์โทรศัพท์").fill("0819995522")
    await page.get_by_label("ใช้รถเข็นนั่ง").check()
    await page.get_by_role("button", name="ส่งเรื่อง").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("รับเรื่องแล้ว")
    found = await town.ask("intake", "POST", "/v1/calls/search", role="call_taker", body={"phone": "0819995522"})
    call = await town.ask("intake", "GET", f"/v1/calls/{UUID(found['items'][0]['id'])}", role="call_taker")
    assert (call["lane"], call["channel"], call["appointment"]["at"]) == ("booked", "web", "2027-12-05T02:30:00Z")
    await page.context.close()

    wrong: list[str] = []
    for lang in ("th", "en"):
        looked = await open_as(None, "/public", phone=True, lang=lang)
        for path in OTHERS:
            await looked.goto(f"/public{path}")
            where = f"{path} ({lang})"
            wrong += [f"{where}: {fault}" for fault in await faults(looked)]
            wrong += [f"{where}: {fault}" for fault in await cut_off(looked)]
    assert wrong == []
