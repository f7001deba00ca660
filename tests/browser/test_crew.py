"""The crew's phone: a trip by one button, without signal in the middle, each step once and with its own time."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import SignIn, show
from tests.browser.test_every_screen import cut_off, faults
from tests.journeys.test_first_call import everybody_off_duty
from tests.journeys.town import Town, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAME = "คำแพง ทดลองออฟไลน์"
CALL: dict[str, Any] = {
    "lane": "emergency",
    "caller": {"phone": "0812345670", "name": "ลูกชาย"},
    "patient": {"name": NAME, "age": 68, "sex": "female", "mobility": "stretcher", "needs": ["oxygen"]},
    "location": {"landmark": "<b>ตลาดเก่า</b>", "address": "12 ซอยริมน้ำ", "lat": 16.4349, "lon": 103.5062},
    "complaint": "<img src=x onerror=alert(1)> เจ็บหน้าอก",
    "triage": {"criteria_group": 7},
}
KEPT = """() => new Promise((resolve, reject) => {
    const asked = indexedDB.open("karuna-crew");
    asked.onerror = () => reject(asked.error);
    asked.onsuccess = () => {
        const all = asked.result.transaction("kept").objectStore("kept").getAll();
        all.onsuccess = () => { asked.result.close(); resolve(JSON.stringify(all.result)); };
    };
})"""
PRESSED_AND_UNDONE = """then => new Promise((done) => {
    const [big, undo] = [document.querySelector("#big"), document.querySelector("#undo")];
    big.click();
    const look = () => {
        if (undo.disabled || !undo.textContent.includes("เลิกทำ") || big.dataset.step !== then) return setTimeout(look, 10);
        undo.click();
        done();
    };
    look();
})"""
"""In the page itself: a press can be taken back for four seconds, which a busy machine may take to find a button."""
CACHED = """async () => {
    const found = [];
    for (const name of await caches.keys()) {
        const kept = await caches.open(name);
        for (const request of await kept.keys()) found.push(await (await kept.match(request)).text());
    }
    return found.join(" ");
}"""


async def ordered(town: Town) -> tuple[str, str]:
    """K1 is ordered to a call: its id, and the assignment's."""
    async with everybody_off_duty(town):
        await eventually(lambda: free(town))
        await town.duty(town.unit("K1"), on=True)
        taken = await town.take(CALL)
        trip = await town.trip(taken["id"], lambda trip: any(a["status"] == "ordered" for a in trip["assignments"]))
    return taken["id"], next(a["id"] for a in trip["assignments"] if a["status"] == "ordered")


async def free(town: Town) -> bool:
    """Nothing is left of what another test gave K1 to do."""
    sql = "select id from assignment where unit_id = $1 and ended_at is null"
    left = await town.sql("dispatch", sql, town.unit("K1"))
    for row in left:
        path = f"/v1/assignments/{row['id']}/release"
        await town.ask("dispatch", "POST", path, role="dispatcher", body={"reason": "replanned"})
    return not left


async def status(town: Town, assignment_id: str) -> str:
    [row] = await town.sql("dispatch", "select status from assignment where id = $1", assignment_id)
    return str(row["status"])


async def steps(town: Town, call_id: str, assignment_id: str) -> list[dict[str, Any]]:
    trip = (await town.trips(call_id))[0]["id"]
    whole = await town.ask("dispatch", "GET", f"/v1/trips/{trip}", role="dispatcher")
    return [step for step in whole["steps"] if step["assignment_id"] == assignment_id]


async def press(page: Page, step: str, then: str) -> None:
    """The big button does ``step``, and then offers the next one."""
    await expect(page.locator("#big")).to_have_attribute("data-step", step)
    await page.locator("#big").click()
    await expect(page.locator("#big")).to_have_attribute("data-step", then)


async def test_a_trip_with_a_hole_in_the_signal(town: Town, open_as: SignIn) -> None:
    page = await open_as("crew1", "/crew", phone=True)
    await page.evaluate("navigator.serviceWorker.ready")
    call_id, assignment_id = await ordered(town)

    # What is to be done, within seconds and as it was typed.
    await expect(page.get_by_role("button", name="รับงาน", exact=True)).to_be_visible()
    await expect(page.get_by_role("heading", level=1)).to_have_text(CALL["complaint"])
    await expect(page.get_by_text("<b>ตลาดเก่า</b>")).to_be_visible()
    await expect(page.get_by_text(NAME)).to_be_visible()
    assert (await page.get_by_role("link", name="เปิดแผนที่").first.get_attribute("href") or "").startswith("geo:16.4349")
    await expect(page.get_by_role("link", name="โทร 081 234 5670")).to_have_attribute("href", "tel:+66812345670")
    await show(page, "crew-ordered")
    await page.locator("#big").click()
    await eventually(lambda: is_(town, assignment_id, "accepted"))

    # Where the vehicle is, after a yes, and only then.
    await expect(page.get_by_text("ศูนย์ไม่เห็นตำแหน่งของท่าน")).to_be_visible()
    await page.context.grant_permissions(["geolocation"])
    await page.context.set_geolocation({"latitude": 16.4401, "longitude": 103.5009})
    await page.get_by_role("button", name="ให้ศูนย์เห็นตำแหน่งระหว่างงาน").click()

    async def seen() -> bool:
        units = await town.ask("dispatch", "GET", "/v1/units?limit=500", role="dispatcher")
        at = next(unit["position"] for unit in units["items"] if unit["id"] == town.unit("K1"))
        return bool(at and abs(at["lat"] - 16.4401) < 1e-6)

    await eventually(seen)

    # A wrong press is taken back before anybody hears of it.
    await expect(page.locator("#big")).to_have_attribute("data-step", "en_route")
    await page.evaluate(PRESSED_AND_UNDONE, "at_scene")
    await expect(page.locator("#big")).to_have_attribute("data-step", "en_route")
    assert await status(town, assignment_id) == "accepted"
    await press(page, "en_route", "at_scene")
    await eventually(lambda: is_(town, assignment_id, "en_route"))

    # Three steps without signal, the page read anew from the phone in between.
    await page.context.set_offline(True)
    await press(page, "at_scene", "left_scene")
    await page.reload()
    await expect(page.get_by_text(NAME)).to_be_visible()
    await press(page, "left_scene", "at_destination")
    await press(page, "at_destination", "clear")
    await expect(page.get_by_text("รอส่ง 3 รายการ")).to_be_visible()
    await expect(page.get_by_text("ไม่มีสัญญาณ กดได้ตามปกติ")).to_be_visible()
    assert await faults(page) == []
    assert await cut_off(page) == []
    await show(page, "crew-offline")
    back_at = datetime.now(UTC)
    await page.context.set_offline(False)
    await eventually(lambda: is_(town, assignment_id, "at_destination"))
    await expect(page.get_by_text("ส่งครบแล้ว")).to_be_visible()
    said = await steps(town, call_id, assignment_id)
    assert [step["step"] for step in said] == ["accept", "en_route", "at_scene", "left_scene", "at_destination"]
    for step in said[2:]:
        at, heard = (datetime.fromisoformat(step[name]) for name in ("at", "recorded_at"))
        assert at < back_at < heard, "its own time, though it was heard later"
    times = [datetime.fromisoformat(step["at"]) for step in said]
    assert times == sorted(times)

    # A time put right: with its reason, the old one stays on record.
    await page.get_by_role("button", name="แก้เวลา").click()
    await page.get_by_label("ขั้นตอน").select_option("at_scene")
    minute = said[1]["at"]
    await page.get_by_label("เวลาจริง").fill(local(minute))
    await page.get_by_label("เหตุผล").last.select_option("pressed_late")
    await page.get_by_role("button", name="บันทึกเวลาใหม่").click()

    async def corrected() -> list[dict[str, Any]]:
        return [step for step in await steps(town, call_id, assignment_id) if step["correction_of"]]

    [made] = await eventually(corrected)
    assert (made["correction_of"], made["reason"]) == (said[2]["id"], "pressed_late")
    assert abs(datetime.fromisoformat(made["at"]) - datetime.fromisoformat(minute)).total_seconds() < 1.1

    # Handed over, done: nobody's name is left on the phone, in memory or cache.
    await page.get_by_role("button", name="อื่น ๆ").click()
    await page.get_by_role("button", name="ส่งมอบผู้ป่วย").click()
    await page.get_by_role("button", name="ส่งมอบแล้ว").click()
    await press(page, "clear", "at_base")
    await eventually(lambda: is_(town, assignment_id, "cleared"))
    await expect(page.get_by_text("จบงานแล้ว")).to_be_visible()

    async def forgotten() -> bool:
        return NAME not in await page.evaluate(KEPT)

    await eventually(forgotten)
    assert NAME not in await page.evaluate(CACHED)
    await page.locator("#big").click()

    async def home() -> bool:
        return [step["step"] for step in await steps(town, call_id, assignment_id)][-1] == "at_base"

    await eventually(home)
    trip = (await town.trips(call_id))[0]["id"]
    whole = await town.ask("dispatch", "GET", f"/v1/trips/{trip}", role="dispatcher")
    assert [made["receiver"] for made in whole["handovers"]] == ["hospital"]

    # Whoever leaves the phone leaves nothing.
    await page.locator(".crew-menu summary").click()
    await page.get_by_role("button", name="ออกจากระบบ").click()
    await page.wait_for_url("**/sign-in")
    assert "สมชาย" not in await page.evaluate(CACHED), "not even who it was"
    assert await page.evaluate(KEPT) == "[]"


async def is_(town: Town, assignment_id: str, wanted: str) -> bool:
    return await status(town, assignment_id) == wanted


def local(at: str) -> str:
    """``HH:MM:SS`` in Bangkok."""
    from shared.thai.dates import local as bangkok

    return f"{bangkok(datetime.fromisoformat(at)):%H:%M:%S}"


async def test_what_a_colleague_finished_is_not_called_taken_away_and_what_was_has_its_number(
    town: Town, open_as: SignIn
) -> None:
    page = await open_as("crew1", "/crew", phone=True)
    call_id, assignment_id = await ordered(town)
    number = (await town.ask("intake", "GET", f"/v1/calls/{call_id}", role="dispatcher"))["number"]
    await expect(page.locator("#job")).to_contain_text(number)
    await town.drive(assignment_id)
    await expect(page.locator("#job")).to_be_empty()

    async def settled() -> bool:
        return '"lost":[]' in await page.evaluate(KEPT)

    await eventually(settled)
    await expect(page.locator(".trouble")).to_have_count(0)

    call_id, assignment_id = await ordered(town)
    number = (await town.ask("intake", "GET", f"/v1/calls/{call_id}", role="dispatcher"))["number"]
    await expect(page.locator("#job")).to_contain_text(number)
    path = f"/v1/trips/{(await town.trips(call_id))[0]['id']}/cancel"
    await town.ask("dispatch", "POST", path, role="dispatcher", body={"reason": "caller_withdrew"})
    trouble = page.locator(".trouble")
    await expect(trouble).to_contain_text("งานนี้ถูกถอนจากท่านแล้ว")
    await expect(trouble).to_contain_text(f"{number} · แจ้งท่านเมื่อ")
    assert [*await faults(page), *await cut_off(page)] == []
    await trouble.get_by_role("button", name="รับทราบ").click()
    await expect(trouble).to_have_count(0)


async def test_a_trip_taken_away_meanwhile_is_told_not_dropped(town: Town, open_as: SignIn) -> None:
    page = await open_as("crew1", "/crew", phone=True, lang="en")
    call_id, assignment_id = await ordered(town)
    await press(page, "accept", "en_route")
    await eventually(lambda: is_(town, assignment_id, "accepted"))
    await page.context.set_offline(True)
    await press(page, "en_route", "at_scene")
    await press(page, "at_scene", "left_scene")
    path = f"/v1/assignments/{assignment_id}/release"
    await town.ask("dispatch", "POST", path, role="dispatcher", body={"reason": "closer_unit"})
    await page.context.set_offline(False)

    trouble = page.get_by_role("alert").filter(has_text="was not recorded")
    await expect(trouble).to_be_visible()
    await expect(trouble).to_contain_text("en route")
    await expect(trouble).to_contain_text("1 more, pressed after it, wait")
    await expect(trouble).to_contain_text("no longer yours")
    assert await faults(page) == []
    await show(page, "crew-conflict-en")
    assert [step["step"] for step in await steps(town, call_id, assignment_id)] == ["accept"]
    await page.reload()
    await expect(trouble).to_be_visible()
    await trouble.get_by_role("button", name="Understood, do not send").click()
    await expect(trouble).to_have_count(0)
    await page.get_by_text("What was pressed on this phone").click()
    await expect(page.get_by_text("put aside, not sent")).to_have_count(2)

    stranger = await open_as("volunteer1", "/crew", phone=True)
    state = await (await stranger.request.get("/crew/state")).json()
    assert state["jobs"] == []
    token = await stranger.locator('meta[name="csrf"]').get_attribute("content") or ""
    step = {"kind": "step", "id": assignment_id, "step": "accept", "at": datetime.now(UTC).isoformat()}
    headers = {"x-csrf-token": token, "idempotency-key": str(uuid4()), "accept": "application/json"}
    refused = await stranger.request.post("/crew/act", data=step, headers=headers)
    assert refused.status == 404


async def test_infectious_waste_goes_from_hand_to_hand_without_signal(town: Town, open_as: SignIn) -> None:
    page = await open_as("crew1", "/crew", phone=True)
    await page.evaluate("navigator.serviceWorker.ready")
    card = page.locator("#waste")
    await expect(card).to_be_visible()
    await page.context.set_offline(True)
    await card.get_by_role("button", name="บันทึกขยะติดเชื้อ").click()
    sheet = page.get_by_role("dialog", name="บันทึกขยะติดเชื้อ")
    await sheet.get_by_label("จำนวนถุง").fill("3")
    await sheet.get_by_label("น้ำหนัก (กก.)").fill("1.5")
    assert await faults(page) == []
    await sheet.get_by_role("button", name="บันทึก", exact=True).click()
    bags = card.get_by_role("listitem")
    await expect(bags).to_contain_text("3 ถุง · 1.5 กก. · ยังไม่ปิดผนึก")
    await bags.get_by_role("button", name="ปิดผนึกแล้ว").click()
    await _hand_over(page, "ที่พักรวมมูลฝอยติดเชื้อของโรงพยาบาล", "2")
    await expect(page.get_by_text("รอส่ง 3 รายการ")).to_be_visible()
    await page.reload()
    await expect(bags).to_contain_text("2 ถุง · 1.5 กก. · ปิดผนึกแล้ว · → ที่พักรวมมูลฝอยติดเชื้อของโรงพยาบาล")
    assert [*await faults(page), *await cut_off(page)] == []
    await show(page, "crew-waste")
    assert await logs(town) == [], "nobody has heard of it yet"
    back_at = datetime.now(UTC)
    await page.context.set_offline(False)
    await expect(page.get_by_text("ส่งครบแล้ว")).to_be_visible()
    [log] = await logs(town)
    [hand] = log["chain"]
    assert (log["unit_id"], log["bags"], log["weight_g"], log["sealed"]) == (town.unit("K1"), 3, 1500, True)
    assert (hand["receiver"], hand["bags"], log["missing_bags"]) == ("hospital", 2, 1)
    assert datetime.fromisoformat(log["packed_at"]) < datetime.fromisoformat(hand["at"]) < back_at, "their own times"
    await expect(bags).to_contain_text("2 ถุง")
    await _hand_over(page, "เตาเผาหรือสถานที่กำจัด", "2")
    await expect(bags).to_have_count(0)
    assert (await logs(town))[0]["disposed_at"] is not None


CHANGED = """{
    const real = fetch;
    window.heard = 0;
    window.fetch = async (path, ...more) => {
        const answer = await real(path, ...more);
        if (!String(path).startsWith("/crew/state") || answer.status !== 200) return answer;
        const said = await answer.json();
        window.heard += 1;
        if (window.unchanged) return new Response(null, { status: 204 });
        if (window.unknown) said.waste = null;
        return Response.json({ ...said, units: [{ ...said.units[0], id: crypto.randomUUID(), call_sign: "K0", here: false }, ...said.units] });
    };
}"""
"""The crew is usual on K0 as well, which comes first; ``unknown``: nobody can say what was packed."""


async def test_waste_is_of_the_unit_on_duty_and_what_is_not_known_of_it_takes_nothing_away(
    town: Town, open_as: SignIn
) -> None:
    page = await open_as("crew1", "/crew", phone=True)
    await page.add_init_script(CHANGED)
    await page.reload()
    card, before = page.locator("#waste"), len(await logs(town))
    await expect(page.locator("#unit-name")).to_have_text("K1")
    await card.get_by_role("button", name="บันทึกขยะติดเชื้อ").click()
    sheet = page.get_by_role("dialog", name="บันทึกขยะติดเชื้อ")
    await sheet.get_by_label("จำนวนถุง").fill("5")
    await page.evaluate("window.unknown = true")
    await sheet.get_by_role("button", name="บันทึก", exact=True).click()

    async def packed() -> bool:
        return len(await logs(town)) == before + 1

    await eventually(packed)

    async def heard(times: int) -> bool:
        return bool(await page.evaluate("window.heard") >= times)

    bags = card.get_by_role("listitem")
    for unchanged in ("false", "true"):
        asked = await page.evaluate(f"window.unchanged = {unchanged}, window.heard")
        for times in (1, 2):  # what was heard first is drawn when the second is
            await page.evaluate("dispatchEvent(new Event('online'))")
            await eventually(partial(heard, asked + times))
        await expect(bags).to_have_count(1)
        await expect(bags).to_contain_text("5 ถุง")
    await page.evaluate("window.unknown = window.unchanged = false")
    await page.evaluate("dispatchEvent(new Event('online'))")
    await bags.get_by_role("button", name="ปิดผนึกแล้ว").click()
    await _hand_over(page, "เตาเผาหรือสถานที่กำจัด", "5")
    await expect(bags).to_have_count(0)


async def _hand_over(page: Page, to: str, bags: str) -> None:
    await page.locator("#waste").get_by_role("button", name="ส่งมอบ").click()
    sheet = page.get_by_role("dialog", name="ส่งมอบขยะติดเชื้อให้ใคร")
    await sheet.get_by_label(to).check()
    await sheet.get_by_label("จำนวนถุง").fill(bags)
    await sheet.get_by_role("button", name="ส่งมอบแล้ว").click()


async def logs(town: Town) -> list[dict[str, Any]]:
    """What the units of the town packed."""
    found = await town.ask("dispatch", "GET", "/v1/waste", role="supervisor")
    items: list[dict[str, Any]] = found["items"]
    return [each for each in items if each["unit_id"] == town.unit("K1")]
