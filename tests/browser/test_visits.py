"""The volunteer's phone: a visit written without signal, kept over a reload, sent once, and nothing left at sign-out."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Page, Route, expect

from shared.thai.dates import local_day
from shared.work import now_utc
from tests.browser.conftest import SignIn, show
from tests.browser.test_crew import CACHED
from tests.browser.test_every_screen import cut_off, faults
from tests.journeys.town import AREA, Town, eventually
from tests.registry.photos import HIDDEN, photo

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAME, NOTE = "บุญมี ทดลองเยี่ยม", "แผลกดทับดีขึ้น"
KEPT = """async (opened) => {
    const db = await new Promise((resolve, reject) => {
        const asked = indexedDB.open("karuna-visits");
        asked.onerror = () => reject(asked.error);
        asked.onsuccess = () => resolve(asked.result);
    });
    const ids = { kept: "id", drafts: "id", acts: "key", pictures: "id" };
    const reading = db.transaction([...Object.keys(ids), "keys"]);
    const all = (name) => new Promise((resolve) => { reading.objectStore(name).getAll().onsuccess = ({ target }) => resolve(target.result); });
    const [[key], ...stores] = await Promise.all(["keys", ...Object.keys(ids)].map(all));
    db.close();
    const text = (bytes) => new TextDecoder().decode(bytes);
    const found = Object.entries(ids).flatMap(([name, id], n) => stores[n].map(async (row) => {
        if (!opened) return JSON.stringify({ ...row, iv: 0, sealed: text(row.sealed) });
        const additionalData = new TextEncoder().encode(`${name}/${row[id]}`);
        return text(await crypto.subtle.decrypt({ name: "AES-GCM", iv: row.iv, additionalData }, key, row.sealed));
    }));
    return [...await Promise.all(found), ...(key && key.extractable ? ["the key can be read"] : []), ...(key ? ["a key"] : [])].join(" ");
}"""
"""What the phone keeps, opened with its key; or (false) as it stands in the store."""
AHEAD = "{{ const real = Date.now.bind(Date); Date.now = () => real() + {ms}; }}"
HERE = {"latitude": 16.4309, "longitude": 103.5}


async def given(town: Town, name: str = NAME, phone: str = "0812345601") -> tuple[UUID, UUID]:
    """Somebody whom volunteer1 is to visit today: the visit, the person."""
    [account] = await town.sql("console", "select crew_id from account where login = 'volunteer1'")
    body = {"name": name, "area": AREA, "phone": phone, "age": 76, "mobility": "stretcher",
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
    await page.add_init_script(AHEAD.format(ms=3600_000))
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
        return what in await page.evaluate(KEPT, True)

    await eventually(lambda: kept(NOTE))
    assert await kept(NAME)
    raw = await page.evaluate(KEPT, False)
    assert not [told for told in (NAME, NOTE, "345601", str(person)) if told in raw], "nothing of anybody lies open"
    assert "the key can be read" not in raw
    await page.reload()
    await expect(page.get_by_label("บันทึก", exact=True)).to_have_value(NOTE)
    await page.get_by_role("button", name="ส่งผลการเยี่ยม").dblclick()
    await expect(page.get_by_text("รอส่ง 1 รายการ")).to_be_visible()
    await page.reload()
    await expect(card).to_contain_text("รอส่ง")
    await expect(page.get_by_text("ไม่มีสัญญาณ เขียนได้ตามปกติ")).to_be_visible()
    await show(page, "visits-waiting")
    line = page.get_by_text("ไม่มีสัญญาณ เขียนได้ตามปกติ")
    clock = re.search(r"ข้อมูลเมื่อ (\d\d:\d\d) น.", await line.inner_text())
    assert clock is not None
    await page.add_init_script(AHEAD.format(ms=2 * 86400_000))  # two days later, still without signal
    await page.reload()
    await expect(line).to_contain_text(re.compile(rf"ข้อมูลเมื่อ \d+/\d+ {clock[1]} น\."))
    assert (await stored(town, person))["visit"] == 0

    # Meanwhile another wrote the same field, and another field, of the same visit.
    fields = {"note": {"value": "แผลแย่ลง"}, "check.home_safe": {"value": "yes"}}
    body = {"person_id": str(person), "fields": fields}
    await town.ask("registry", "PUT", f"/v1/visits/{visit}", role="case_manager", body=body)
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
    assert await page.evaluate(KEPT, False) == "", "not even the key"
    assert NAME not in await page.evaluate(CACHED)


async def come(page: Page, login: str) -> None:
    """Sign in on this phone as whoever takes it up would."""
    await page.goto("/sign-in?next=/visits")
    await page.locator(f'button[value="{login}"]').click()
    await page.wait_for_url("**/visits")


async def leave(page: Page) -> None:
    if (menu := page.locator(".crew-menu")) and await menu.count() and await menu.get_attribute("open") is None:
        await menu.locator("summary").click()
    await page.get_by_role("button", name="Sign out").click()


async def test_what_was_not_sent_waits_for_its_writer_whoever_signs_out_on_whatever_page(
    town: Town, open_as: SignIn
) -> None:
    _, person = await given(town, "ละเอียด รอเจ้าของ", "0812345604")
    page = await open_as("volunteer1", "/visits", phone=True, lang="en")
    await page.evaluate("navigator.serviceWorker.ready")
    await page.get_by_role("button", name="ละเอียด รอเจ้าของ").click()
    await page.get_by_role("group", name="Result").get_by_role("radio").first.check()
    await page.get_by_label("Notes").fill("x-canary-x")
    await page.get_by_label("Notes").blur()
    await expect(page.get_by_text("1 begun and not sent")).to_be_visible()
    await expect(page.get_by_text("All sent")).to_be_hidden()

    async def kept() -> bool:
        return "x-canary-x" in await page.evaluate(KEPT, True)

    await eventually(kept)
    assert await faults(page) == []
    asked: list[str] = []

    async def answer(dialog: Any) -> None:
        asked.append(dialog.message)
        await (dialog.dismiss() if len(asked) == 1 else dialog.accept())

    page.on("dialog", answer)
    for path in ("/visits", "/account", "/crew", "/crew/tasks"):  # stays; then leaves by each page
        await page.goto(path)
        await page.wait_for_function("navigator.serviceWorker.controller")
        if path == "/visits":
            await leave(page)
            assert (len(asked), page.url.endswith("/visits")) == (1, True)
        await leave(page)
        await page.wait_for_url("**/sign-in")
        raw = await page.evaluate(KEPT, False)
        assert "a key" in raw, path
        assert not [told for told in ("x-canary-x", "ละเอียด", str(person)) if told in raw]
        assert await kept(), path
        await come(page, "volunteer1")
        await expect(page.get_by_text("1 begun and not sent")).to_be_visible()
    assert len(asked) == 5

    # Somebody else takes the phone, reads nothing of it, and leaves it.
    await leave(page)
    await page.wait_for_url("**/sign-in")
    await come(page, "crew2")
    await expect(page.get_by_text("Somebody else's visits on this phone")).to_be_visible()
    assert "ละเอียด" not in await page.content()
    await leave(page)
    await page.wait_for_url("**/sign-in")
    assert len(asked) == 6, "there is nothing of crew2's to ask about"
    await come(page, "volunteer1")
    await page.get_by_role("button", name="ละเอียด รอเจ้าของ").click()
    await expect(page.get_by_label("Notes")).to_have_value("x-canary-x")
    await page.get_by_role("button", name="Send the visit").click()
    await expect(page.get_by_text("All sent")).to_be_visible()
    assert (await stored(town, person))["visit"] == 1
    await leave(page)
    await page.wait_for_url("**/sign-in")
    assert await page.evaluate(KEPT, False) == "", "not even the key"


async def test_what_was_written_of_a_cancelled_visit_is_read_and_sent_with_a_need_not_added(
    town: Town, open_as: SignIn
) -> None:
    name = "ประไพ ถูกยกเลิก"
    visit, person = await given(town, name, "0812345605")
    page = await open_as("volunteer1", "/visits", phone=True)
    await page.evaluate("navigator.serviceWorker.ready")
    await page.reload()
    await page.get_by_role("button", name=name).click()
    await page.context.set_offline(True)
    await page.get_by_role("group", name="ผลการเยี่ยม").get_by_label("ตรงตามที่แจ้ง", exact=True).check()
    await page.get_by_label("เร่งด่วนมาก").check()
    await page.get_by_label("รายละเอียด (ถ้ามี)").fill("ขอเตียงด่วน")
    await page.get_by_label("บันทึก", exact=True).fill(NOTE)
    await page.get_by_label("บันทึก", exact=True).blur()
    await page.get_by_role("button", name="ส่งผลการเยี่ยม").click()
    await expect(page.locator("#next-hint")).to_have_text(re.compile("เลือกว่าขาดอะไร"))

    async def kept() -> bool:
        return "ขอเตียงด่วน" in await page.evaluate(KEPT, True)

    await eventually(kept)
    await page.get_by_role("button", name="กลับไปรายชื่อ").click()
    await town.ask("registry", "POST", f"/v1/planned-visits/{visit}/cancel", role="case_manager", body={})
    await page.context.set_offline(False)
    trouble = page.locator("#troubles section")
    await expect(trouble).to_contain_text(name)
    await expect(page.get_by_text("เขียนค้างไว้ 1 รายการ")).to_be_visible()
    await expect(page.get_by_text("ส่งครบแล้ว")).to_be_hidden()
    await show(page, "visits-gone")
    assert [*await faults(page), *await cut_off(page)] == []
    await trouble.get_by_role("button", name="เปิดอ่านหรือส่ง").click()
    await expect(page.get_by_text("สิ่งที่ท่านเขียนไว้ยังส่งให้เจ้าหน้าที่ได้")).to_be_visible()
    await expect(page.get_by_label("บันทึก", exact=True)).to_have_value(NOTE)
    assert await page.locator("#one").get_by_text("9 หมู่ 2").count() == 0, (
        "where somebody lives is not theirs to know any more"
    )
    assert [*await faults(page), *await cut_off(page)] == []
    await expect(page.get_by_label("รายละเอียด (ถ้ามี)")).to_have_value("ขอเตียงด่วน")
    await page.get_by_label("ขาดอะไร").select_option("supplies")
    page.on("dialog", lambda asked: asked.accept())  # without the questionnaire
    await page.get_by_role("button", name="ส่งผลการเยี่ยม").click()
    await expect(page.get_by_text("ส่งครบแล้ว")).to_be_visible()
    shown = await town.ask("registry", "GET", f"/v1/visits/{visit}", role="case_manager")
    assert NOTE in [each["stands"]["value"] for each in shown["fields"] if each["field"] == "note"]
    found = await town.ask("registry", "GET", f"/v1/persons/{person}/needs", role="case_manager")
    assert [(one["need"]["code"], one["note"]) for one in found["items"]] == [("supplies", "ขอเตียงด่วน")]
    await expect(trouble).to_have_count(0)


async def test_a_picture_taken_without_signal_is_seen_by_the_officer_once(town: Town, open_as: SignIn) -> None:
    visit, person = await given(town)
    page = await open_as("volunteer1", "/visits", phone=True)
    await page.evaluate("navigator.serviceWorker.ready")
    await page.reload()
    card = page.get_by_role("button", name=NAME).last
    await expect(card).to_be_visible()
    await page.context.set_offline(True)
    await page.locator("#visits li").last.get_by_role("button").click()
    await page.get_by_role("group", name="ผลการเยี่ยม").get_by_label("ตรงตามที่แจ้ง", exact=True).check()
    camera = page.get_by_label("ถ่ายภาพ").and_(page.locator("input"))
    await camera.set_input_files({"name": "x.txt", "mimeType": "image/jpeg", "buffer": b"no picture"})
    await expect(page.get_by_text("ไม่ใช่ภาพที่อ่านได้")).to_be_visible()
    for seed in range(3):
        sent = photo(2400, 1800, orientation=6, noise=seed if seed == 2 else None)
        await camera.set_input_files({"name": "x.jpg", "mimeType": "image/jpeg", "buffer": sent})
        await expect(page.get_by_role("img", name=f"ภาพที่ {seed + 1}", exact=True)).to_be_visible()
    await page.get_by_role("button", name="เอาออก ภาพที่ 1", exact=True).click()
    await expect(page.get_by_role("img", name="ภาพที่ 3", exact=True)).to_have_count(0)
    await show(page, "visits-pictures")
    assert await faults(page) == []
    assert await cut_off(page) == []

    # Read anew from the phone, where no picture lies open; sent after its visit when there is signal, once.
    await page.reload()
    await expect(page.get_by_role("img", name="ภาพที่ 2", exact=True)).to_be_visible()
    raw, opened = await page.evaluate(KEPT, False), await page.evaluate(KEPT, True)
    assert ("JFIF" in raw, "JFIF" in opened, HIDDEN in opened) == (False, True, False)
    page.on("dialog", lambda asked: asked.accept())  # without the questionnaire
    await page.get_by_role("button", name="ส่งผลการเยี่ยม").click()
    await expect(page.get_by_text("รอส่ง 1 รายการ")).to_be_visible()
    await page.context.set_offline(False)
    await expect(page.get_by_text("ส่งครบแล้ว")).to_be_visible()
    assert "JFIF" not in await page.evaluate(KEPT, True), "what arrived is not kept"
    await page.reload()
    await expect(page.get_by_text("ส่งครบแล้ว")).to_be_visible()
    rows = await town.sql("registry", "select visit_id, width, height from picture where person_id = $1", person)
    assert [tuple(row) for row in rows] == [(visit, 960, 1280)] * 2, "upright, small, once"
    await page.locator("#visits li").last.get_by_role("button").click()
    await expect(page.get_by_text("ส่งแล้ว 2 ภาพ")).to_be_visible()

    officer = await open_as("orathai", f"/people/{person}/care?purpose=case_work")
    seen = officer.get_by_role("img", name="ภาพที่ 1 โดย volunteer1")
    await expect(seen).to_be_visible()

    async def drawn() -> bool:
        return bool(await seen.evaluate("(image) => image.complete && image.naturalWidth === 960"))

    await eventually(drawn)
    assert await faults(officer) == []
    await show(officer, "person-pictures")
    officer.on("dialog", lambda asked: asked.accept())
    await officer.get_by_role("button", name="ลบภาพ").first.click()
    await expect(officer.get_by_role("img", name="โดย volunteer1")).to_have_count(1)


SLOW = """{
    const real = createImageBitmap;
    window.createImageBitmap = async (...given) => {
        await new Promise((resolve) => { window.goOn = resolve; });
        return real(...given);
    };
}"""
"""A cheap phone: a picture is made small when the story says so."""


async def test_what_is_sent_waits_for_a_picture_that_is_being_made_small(town: Town, open_as: SignIn) -> None:
    visit, person = await given(town, "ทองดี รอภาพ", "0812345603")
    page = await open_as("volunteer1", "/visits", phone=True)
    await page.add_init_script(SLOW)
    await page.reload()
    card = page.get_by_role("button", name="ทองดี รอภาพ")
    await card.click()
    await page.get_by_role("group", name="ผลการเยี่ยม").get_by_label("ตรงตามที่แจ้ง", exact=True).check()
    form = page.locator("details").filter(has_text="2Q")
    await form.get_by_label("มี", exact=True).first.check()
    await form.get_by_label("ไม่มี", exact=True).last.check()
    camera = page.get_by_label("ถ่ายภาพ").and_(page.locator("input"))
    await camera.set_input_files({"name": "x.jpg", "mimeType": "image/jpeg", "buffer": photo(800, 600)})

    async def begun() -> bool:
        return bool(await page.evaluate("Boolean(window.goOn)"))

    await eventually(begun)
    await page.get_by_role("button", name="ส่งผลการเยี่ยม").click()
    await expect(page.get_by_text("กำลังเตรียมภาพ เสร็จแล้วจะส่งให้เอง")).to_be_visible()
    assert (await stored(town, person))["visit"] == 0
    await page.evaluate("goOn()")
    await expect(card).to_contain_text("ส่งแล้ว")
    await expect(page.get_by_text("ส่งครบแล้ว")).to_be_visible()
    assert (await stored(town, person))["assessment"] == 1
    assert await town.sql("registry", "select visit_id from picture where person_id = $1", person) == [(visit,)]
    kept = await page.evaluate(KEPT, True)
    assert ("begun_at" in kept, "JFIF" in kept) == (False, False), "nothing stands as begun that was sent"


OLD_TAB = """() => new Promise((resolve, reject) => {
    const asked = indexedDB.open("karuna-visits", 1);
    asked.onupgradeneeded = () => {
        for (const [name, keyPath] of [["kept", "id"], ["drafts", "id"], ["acts", "key"]]) asked.result.createObjectStore(name, { keyPath });
    };
    asked.onerror = () => reject(asked.error);
    asked.onsuccess = () => { window.old = asked.result; resolve(); };
})"""
"""The page of before the last update holds its store and lets nobody else have it."""
NEW_TAB = """() => new Promise((resolve, reject) => {
    const asked = indexedDB.open("karuna-visits", 99);
    asked.onblocked = () => reject(new Error("the tab of before keeps its store"));
    asked.onsuccess = () => { asked.result.close(); resolve(asked.result.version); };
})"""


async def test_after_an_update_an_old_tab_lets_go_and_the_new_page_says_what_it_waits_for(
    town: Town, open_as: SignIn
) -> None:
    old = await open_as("volunteer1", "/account", phone=True, lang="en")
    await old.evaluate(OLD_TAB)
    page = await old.context.new_page()
    await page.goto("/visits")
    await expect(page.get_by_text("close that tab")).to_be_visible()
    await expect(page.locator("#sync")).to_have_text("")
    assert [*await faults(page), *await cut_off(page)] == []
    await old.evaluate("old.close()")
    await expect(page.get_by_text("close that tab")).to_be_hidden()
    await expect(page.get_by_text("All sent")).to_be_visible()
    assert await old.evaluate(NEW_TAB) == 99
    await expect(page.get_by_text("has a newer version")).to_be_visible()


async def test_a_note_that_was_sent_is_taken_out_again(town: Town, open_as: SignIn) -> None:
    visit, _ = await given(town, "สายใจ ใจเย็น", "0812345602")
    page = await open_as("volunteer1", "/visits", phone=True)
    page.on("dialog", lambda asked: asked.accept())  # without the questionnaire
    await page.evaluate("navigator.serviceWorker.ready")
    note = page.get_by_label("บันทึก", exact=True)

    async def stands(text: str) -> bool:
        rows = await town.sql("registry", "select 1 from visit where id = $1", visit)
        if not rows:
            return False
        shown = await town.ask("registry", "GET", f"/v1/visits/{visit}", role="case_manager")
        return text in [each["stands"]["value"] for each in shown["fields"] if each["field"] == "note"]

    for text in ("จดผิดบ้าน", ""):
        await page.get_by_role("button", name="สายใจ ใจเย็น").click()
        await page.get_by_role("group", name="ผลการเยี่ยม").get_by_label("ตรงตามที่แจ้ง", exact=True).check()
        await note.fill(text)
        await note.blur()
        await page.get_by_role("button", name="ส่งผลการเยี่ยม").click()
        await eventually(partial(stands, text))
        await expect(page.get_by_text("ส่งครบแล้ว")).to_be_visible()


async def test_a_task_is_ended_without_signal_and_sent_once(town: Town, open_as: SignIn) -> None:
    _, person = await given(town)
    [account] = await town.sql("console", "select crew_id from account where login = 'volunteer1'")
    case = (await town.ask("registry", "POST", "/v1/cases", role="case_manager", body={"person_id": str(person)}))["id"]
    body = {
        "kind": "bring",
        "what": "ถุงยังชีพ",
        "assignee_id": str(account["crew_id"]),
        "due_on": str(local_day(now_utc())),
    }
    task = (await town.ask("registry", "POST", f"/v1/cases/{case}/tasks", role="case_manager", body=body))["id"]
    page = await open_as("volunteer1", "/visits", phone=True)
    await page.evaluate("navigator.serviceWorker.ready")
    await page.reload()
    card = page.locator("#tasks").get_by_role("button", name=NAME)
    await expect(card).to_have_count(1)
    await show(page, "visits-tasks")
    assert await faults(page) == []
    await page.context.set_offline(True)
    await card.click()
    await expect(page.get_by_text("ถุงยังชีพ")).to_be_visible()
    await expect(page.locator("#one").get_by_text("9 หมู่ 2")).to_be_visible()
    await page.get_by_role("button", name="ส่งผลของงาน").click()
    await expect(page.get_by_text("เลือกผลของงานก่อนส่ง")).to_be_visible()
    await page.get_by_role("group", name="ผลของงาน").get_by_role("radio").first.check()
    await page.get_by_label("บันทึก", exact=True).fill("วางไว้หน้าบ้าน")
    await page.get_by_label("บันทึก", exact=True).blur()
    await show(page, "visits-task")
    assert await faults(page) == []
    assert await cut_off(page) == []
    await page.get_by_role("button", name="ส่งผลของงาน").dblclick()
    await expect(page.get_by_text("รอส่ง 1 รายการ")).to_be_visible()
    asked: list[Route] = []

    async def hold_the_first(route: Route) -> None:
        asked.append(route)
        if len(asked) == 1:
            await signal.wait()
        else:
            await route.continue_()

    signal = asyncio.Event()
    await page.route("**/visits/state", hold_the_first)
    await page.reload()
    await expect(card).to_contain_text("รอส่ง")
    assert len(asked) == 1
    await page.context.set_offline(False)  # the signal is back while the page's first question has not failed yet
    await expect(page.get_by_text("ส่งครบแล้ว")).to_be_visible()
    await expect(card).to_have_count(0)
    signal.set()
    await asked[0].abort()
    shown = (await town.ask("registry", "GET", f"/v1/cases/{case}/tasks", role="case_manager"))["items"]
    assert [(one["id"], one["outcome"]["code"], one["note"]) for one in shown] == [(task, "done", "วางไว้หน้าบ้าน")]
    assert "วางไว้หน้าบ้าน" not in await page.evaluate(KEPT, True)
    assert NAME in await page.evaluate(KEPT, True)

    # The phone is lost, and signed out from the console: whom it was to visit goes with the first page it asks for.
    await town.sql("console", "update session set revoked_at = now()")
    await page.goto("/visits")
    await page.wait_for_url("**/sign-in**")
    assert await page.evaluate(KEPT, False) == "", "not even the key"
    assert NAME not in await page.evaluate(CACHED)
