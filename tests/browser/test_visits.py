"""The volunteer's phone: a visit written without signal, kept over a reload, sent once, and nothing left at sign-out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Page, expect

from shared.thai.dates import local_day
from shared.work import now_utc
from tests.browser.conftest import SignIn, show
from tests.browser.test_crew import CACHED
from tests.browser.test_every_screen import cut_off, faults
from tests.journeys.town import AREA, Town, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAME, NOTE = "บุญมี ทดลองเยี่ยม", "แผลกดทับดีขึ้น"
KEPT = """() => new Promise((resolve, reject) => {
    const asked = indexedDB.open("karuna-visits");
    asked.onerror = () => reject(asked.error);
    asked.onsuccess = () => {
        const reading = asked.result.transaction(["kept", "drafts", "acts"]);
        const found = ["kept", "drafts", "acts"].map((name) => reading.objectStore(name).getAll());
        reading.oncomplete = () => { asked.result.close(); resolve(JSON.stringify(found.flatMap((each) => each.result))); };
    };
})"""
AGED = """() => new Promise((resolve, reject) => {
    const asked = indexedDB.open("karuna-visits");
    asked.onerror = () => reject(asked.error);
    asked.onsuccess = () => {
        const writing = asked.result.transaction("kept", "readwrite");
        let then = null;
        writing.objectStore("kept").openCursor().onsuccess = ({ target: { result: at } }) => {
            if (!at) return;
            then = at.value.fetchedAt - 2 * 86400000;
            at.update({ ...at.value, fetchedAt: then });
            at.continue();
        };
        writing.oncomplete = () => { asked.result.close(); resolve(then); };
    };
})"""
HERE = {"latitude": 16.4309, "longitude": 103.5}


async def given(town: Town) -> tuple[UUID, UUID]:
    """Somebody whom volunteer1 is to visit today: the visit, the person."""
    [account] = await town.sql("console", "select crew_id from account where login = 'volunteer1'")
    body = {"name": NAME, "area": AREA, "phone": "0812345601", "age": 76, "mobility": "stretcher",
            "addresses": {"current": {"area_code": "460101", "detail": "9 หมู่ 2"}}}  # fmt: skip
    person = (await town.ask("registry", "POST", "/v1/persons", role="registry_officer", body=body))["id"]
    home = {"lon": 103.5, "lat": 16.43, "method": "visit"}
    await town.ask("registry", "POST", f"/v1/persons/{person}/locations", role="registry_officer", body=home)
    plan = {"crew_ids": [str(account["crew_id"])], "due_on": str(local_day(now_utc())), "forms": ["depression_2q"],
            "what": "ดูแผลกดทับและถามเรื่องยา"}  # fmt: skip
    path = f"/v1/persons/{person}/planned-visits"
    visit = (await town.ask("registry", "POST", path, role="case_manager", body=plan))["id"]
    return UUID(visit), UUID(person)


async def stored(town: Town, person: UUID) -> dict[str, int]:
    """How many of each there are of this person."""
    counts = {}
    for table in ("visit", "assessment", "life_need", "location"):
        [row] = await town.sql("registry", f"select count(*) as n from {table} where person_id = $1", person)
        counts[table] = row["n"]
    return counts


async def fill(page: Page) -> None:
    await page.get_by_role("group", name="ผลการเยี่ยม").get_by_label("ตรงตามที่แจ้ง", exact=True).check()
    await page.get_by_role("group", name="มีแผลกดทับ").get_by_label("ใช่", exact=True).check()
    sheet = page.locator("details").filter(has_text="2Q")
    await sheet.get_by_label("มี", exact=True).first.check()
    await expect(sheet.get_by_role("status")).to_have_text("ยังไม่ตอบ 1 ข้อ")
    await sheet.get_by_label("ไม่มี", exact=True).last.check()
    await expect(sheet.get_by_role("status")).to_contain_text("รวม 1 คะแนน: มีความเสี่ยง")
    await page.get_by_label("ขาดอะไร").select_option("supplies")
    await page.get_by_label("เร่งด่วนมาก").check()
    await page.get_by_role("button", name="เพิ่มสิ่งที่ขาด").click()
    await page.get_by_role("button", name="จับพิกัดตอนนี้").click()
    await expect(page.get_by_text("ห่างจากพิกัดที่ขึ้นทะเบียน 100 เมตร")).to_be_visible()
    await page.get_by_label("ฉันอยู่ที่บ้านของคนนี้").check()
    await page.get_by_label("ท่านเป็น").select_option("health_volunteer")
    await page.get_by_label("บันทึก", exact=True).fill(NOTE)
    await page.get_by_label("บันทึก", exact=True).blur()


async def test_a_visit_without_signal_is_kept_sent_once_and_a_difference_is_told(town: Town, open_as: SignIn) -> None:
    visit, person = await given(town)
    page = await open_as("volunteer1", "/visits", phone=True)
    await page.context.grant_permissions(["geolocation"])
    await page.context.set_geolocation(HERE)
    await page.evaluate("navigator.serviceWorker.ready")
    await page.add_init_script("{ const real = Date.now.bind(Date); Date.now = () => real() + 3600000; }")
    await page.reload()  # from now on the phone's clock is an hour ahead: nothing is said to be in the future
    card = page.get_by_role("button", name=NAME)
    await expect(card).to_contain_text("ยังไม่เยี่ยม")
    await show(page, "visits-list")
    assert await faults(page) == []

    # Without signal: opened, written, the page read anew from the phone in the middle of it.
    await page.context.set_offline(True)
    await card.click()
    await expect(page.get_by_text("ดูแผลกดทับและถามเรื่องยา")).to_be_visible()
    await expect(page.get_by_role("link", name="โทร 081 234 5601")).to_have_attribute("href", "tel:+66812345601")
    assert NAME not in page.url
    assert str(person) not in page.url
    await page.get_by_role("button", name="ส่งผลการเยี่ยม").click()
    await expect(page.get_by_text("เลือกผลการเยี่ยมก่อนส่ง")).to_be_visible()
    await fill(page)
    await show(page, "visits-one")
    assert await faults(page) == []
    assert await cut_off(page) == []

    async def kept(what: str) -> bool:
        return what in await page.evaluate(KEPT)

    await eventually(lambda: kept(NOTE))
    await page.reload()
    await expect(page.get_by_label("บันทึก", exact=True)).to_have_value(NOTE)
    await page.get_by_role("button", name="ส่งผลการเยี่ยม").dblclick()
    await expect(page.get_by_text("รอส่ง 1 บ้าน")).to_be_visible()
    await page.reload()
    await expect(card).to_contain_text("รอส่ง")
    await expect(page.get_by_text("ไม่มีสัญญาณ เขียนได้ตามปกติ")).to_be_visible()
    await show(page, "visits-waiting")
    then = datetime.fromtimestamp(await page.evaluate(AGED) / 1000, UTC) + timedelta(hours=7)
    await page.reload()
    await expect(page.get_by_text(f"ข้อมูลเมื่อ {then.day}/{then.month} {then:%H:%M} น.")).to_be_visible()
    assert (await stored(town, person))["visit"] == 0

    # Meanwhile another wrote the same field, and another field, of the same visit.
    fields = {"note": {"value": "แผลแย่ลง"}, "check.home_safe": {"value": "yes"}}
    body = {"person_id": str(person), "fields": fields}
    await town.ask("registry", "PUT", f"/v1/visits/{visit}", role="volunteer", body=body, claims={"subject": "other"})
    await page.context.set_offline(False)
    await expect(page.get_by_text("ส่งครบแล้ว")).to_be_visible()
    await expect(card).to_contain_text("ส่งแล้ว")
    assert await stored(town, person) == {"visit": 1, "assessment": 1, "life_need": 1, "location": 2}
    shown = await town.ask("registry", "GET", f"/v1/visits/{visit}", role="case_manager")
    assert shown["distance_m"] == 100
    assert abs(datetime.fromisoformat(shown["visited_at"]) - now_utc()) < timedelta(minutes=10)
    by_name: dict[str, Any] = {field["field"]: field for field in shown["fields"]}
    assert set(by_name) == {"result", "note", "check.bedsores", "check.home_safe"}
    values = [by_name["note"]["stands"]["value"], *(other["value"] for other in by_name["note"]["others"])]
    assert sorted(values) == sorted([NOTE, "แผลแย่ลง"])
    await card.click()
    await expect(page.get_by_text("อีกคนเขียนไม่ตรงกับท่านในช่อง บันทึก")).to_be_visible()
    assert "แผลแย่ลง" not in await page.content(), "what the other wrote is the officer's to read"
    await page.get_by_role("button", name="กลับไปรายชื่อ").click()
    assert not await kept(NOTE), "what was sent is no draft any more"
    await page.reload()
    await expect(page.get_by_text("ส่งครบแล้ว")).to_be_visible()
    assert await stored(town, person) == {"visit": 1, "assessment": 1, "life_need": 1, "location": 2}, "once"

    # Whoever leaves the phone leaves nothing.
    await page.locator(".crew-menu summary").click()
    await page.get_by_role("button", name="ออกจากระบบ").click()
    await page.wait_for_url("**/sign-in")
    assert await page.evaluate(KEPT) == "[]"
    assert NAME not in await page.evaluate(CACHED)


async def test_leaving_with_something_unsent_is_asked_about_and_then_leaves_nothing(
    town: Town, open_as: SignIn
) -> None:
    await given(town)
    page = await open_as("volunteer1", "/visits", phone=True, lang="en")
    await page.evaluate("navigator.serviceWorker.ready")
    await page.get_by_role("button", name=NAME).first.click()
    await page.get_by_label("Notes").fill("x-canary-x")
    await page.get_by_label("Notes").blur()

    async def kept() -> bool:
        return "x-canary-x" in await page.evaluate(KEPT)

    await eventually(kept)
    assert await faults(page) == []
    asked: list[str] = []

    async def answer(dialog: Any) -> None:
        asked.append(dialog.message)
        await (dialog.dismiss() if len(asked) == 1 else dialog.accept())

    page.on("dialog", answer)
    for _ in range(2):
        if await page.locator(".crew-menu").get_attribute("open") is None:
            await page.locator(".crew-menu summary").click()
        await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/sign-in")
    assert len(asked) == 2
    assert await page.evaluate(KEPT) == "[]"
