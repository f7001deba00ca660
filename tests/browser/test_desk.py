"""The call desk on the real system: by keyboard alone, with intake away, with refusals, rides, duplicates, and mischief."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from shared.thai.dates import BANGKOK
from tests.browser.conftest import PHONE, SignIn, show
from tests.browser.test_every_screen import cut_off, faults
from tests.journeys.town import AREA, Town, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")
MOST_KEYS = 25
NEAR_THE_TOP_PX = 150
LINE_USER = "U" + "d1" * 16
NUMBER = re.compile(r"KLS-\d{4}-\d{4,}")


class Keys:
    """Whoever only has a keyboard. ``pressed`` counts what is not text."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.pressed: list[str] = []

    async def type(self, text: str) -> None:
        await self.page.keyboard.type(text)

    async def press(self, *keys: str) -> None:
        for key in keys:
            self.pressed.append(key)
            await self.page.keyboard.press(key)


async def no_mouse(page: Page) -> None:
    """Count what a mouse would do."""
    await page.evaluate(
        "window.mice = 0; for (const e of ['mousedown', 'pointerdown'])"
        " addEventListener(e, (event) => { if (event.isTrusted) window.mice += 1; }, true)"
    )


async def focus_is(page: Page, selector: str) -> None:
    await expect(page.locator(selector)).to_be_focused()


async def taken_number(page: Page) -> str:
    number = page.locator("#taken [data-number]")
    await expect(number).to_have_text(NUMBER)
    return await number.inner_text()


async def called(town: Town, number: str) -> dict[str, Any]:
    """The call of that number, whole."""
    headers = {"headers": {"karuna-purpose": "emergency"}}
    found = await town.ask("intake", "POST", "/v1/calls/search", role="dispatcher", body={"number": number}, **headers)
    [line] = found["items"]
    whole: dict[str, Any] = await town.ask("intake", "GET", f"/v1/calls/{line['id']}", role="dispatcher", **headers)
    return whole


async def test_take_and_order_by_keyboard_alone(town: Town, open_as: SignIn) -> None:
    page = await open_as("somsri", "/desk")
    await expect(page.locator(".question").first).to_be_visible()  # the questions have come: Enter leads to them
    await no_mouse(page)
    keys = Keys(page)
    await focus_is(page, "#find")
    await keys.type("081 234 5601")
    await keys.press("Enter")
    await expect(page.get_by_label("โทรศัพท์ผู้แจ้ง")).to_have_value("081 234 5601")
    await focus_is(page, "#place")
    await keys.type("16.4340, 103.5060 ")
    await keys.press("Enter")
    await keys.type("เจ็บหน้าอก เหงื่อแตก")
    await keys.press("Enter")
    await expect(page.get_by_label("พิกัด")).to_have_value("16.434, 103.506")
    await focus_is(page, "#group")
    await keys.type("อก")  # which is in เลือดออก too
    await keys.press("Enter")
    await expect(page.locator("#group")).to_have_value(re.compile("ทรวงอก"))
    await expect(page.locator(".question:focus")).to_have_count(1)
    count = await page.locator(".question").count()
    await keys.press("n", "n", "y")
    await expect(page.locator("#judged")).to_have_attribute("data-severity", "red")
    await expect(page.locator("#judged .advice")).to_be_visible()
    await keys.press(*["n"] * (count - 3))
    await focus_is(page, "#take")
    await show(page, "desk-sheet")
    await keys.press("F2")
    number = await taken_number(page)
    call = await called(town, number)
    assert (call["severity"], call["lane"], call["caller"]["phone"]) == ("red", "emergency", "+66812345601")
    assert set(call["answers"].values()) == {"yes", "no"}

    # The order is the system's own proposal here (auto); a second unit goes by the command line, and by one key.
    trip = await town.trip(call["id"], lambda trip: bool(trip["assignments"]))
    first = trip["assignments"][0]
    await expect(page.locator("#taken .assignment")).not_to_have_count(0)
    await expect(page.locator("#taken [data-order]").first).to_be_visible()
    await focus_is(page, "#taken")  # Enter, pressed out of habit, sends nobody a second time
    assert 0 <= await page.locator("#taken").evaluate("(box) => box.getBoundingClientRect().top") < NEAR_THE_TOP_PX
    await keys.press("F8")
    await focus_is(page, "#taken .recommendations > li:first-child [data-order]")
    await keys.press("1")
    later = await town.trip(call["id"], lambda trip: len(trip["assignments"]) > 1)
    assert any(each["unit_id"] != first["unit_id"] for each in later["assignments"])
    assert len(keys.pressed) <= MOST_KEYS, keys.pressed
    assert await page.evaluate("window.mice") == 0
    await show(page, "desk-taken")
    assert await faults(page) == []
    await _pressed_in_the_first_moment(page)


async def _pressed_in_the_first_moment(page: Page) -> None:
    """A part has just come, and htmx does not know it yet: what is pressed there is sent all the same, as a POST."""
    at_once = """() => {
        const form = document.querySelector("#taken [data-order]").closest("form[hx-post]");
        const fresh = form.cloneNode(true);
        form.replaceWith(fresh);
        fresh.querySelector("[data-order]").click();
    }"""
    async with page.expect_request("**/order") as sent:
        await page.evaluate(at_once)
    assert (await sent.value).method == "POST"
    assert page.url.endswith("/desk"), "the call's page is still there"


async def test_intake_away_calls_are_kept_and_sent_once_with_their_times(town: Town, open_as: SignIn) -> None:
    page = await open_as("somsri", "/desk")
    await expect(page.locator(".question").first).to_be_visible()
    await town.local.stop_service("intake")
    keys = Keys(page)
    kept: list[str] = []
    try:
        for phone, complaint in (("0812345701", "ล้มในห้องน้ำ"), ("0812345702", "หายใจไม่ออก")):
            await focus_is(page, "#find")
            await keys.type(phone)
            await keys.press("Enter")
            await page.locator("#complaint").fill(complaint)
            await keys.press("F2")
            lines = page.locator("#kept-list li")
            await expect(lines).to_have_count(len(kept) + 1)
            kept.append(await lines.last.locator("strong").inner_text())
            await expect(page.locator("#taken .notice.bad")).to_contain_text(kept[-1])
            await expect(page.locator("#complaint")).to_have_value("")
        assert len(set(kept)) == 2
        await expect(page.locator(".banner-bad")).to_contain_text("2")
        await book_wrongly(page)
        await expect(page.locator("#kept-list li")).to_have_count(3)
        await page.locator("#complaint").fill("ร่างที่ยังไม่ได้ส่ง")
        await expect(page.locator("#saved")).not_to_be_empty()
        second = await _another_tab(page)
        await page.reload()
        for number in kept:
            await expect(page.get_by_role("region", name="สายที่เก็บไว้")).to_contain_text(number)
        await expect(page.locator("#complaint")).to_have_value("ร่างที่ยังไม่ได้ส่ง")
        assert await faults(page) == []
        await show(page, "desk-kept")
        await expect(page.locator("html[data-kept]")).to_have_count(1)
        await page.context.set_offline(offline=True)  # now the console as well
        await page.reload()
        await expect(page.get_by_role("region", name="สายที่เก็บไว้")).to_contain_text(kept[1])
        await expect(page.locator("#complaint")).to_have_value("ร่างที่ยังไม่ได้ส่ง")
        await page.locator("#phone").fill("0812345703")
        await page.keyboard.press("F2")
        await expect(page.locator("#kept-list li")).to_have_count(4)
        kept.append(await page.locator("#kept-list li").last.locator("strong").inner_text())
        times = await waiting_since(page)
        await page.context.set_offline(offline=False)
    finally:
        town.local.start_service("intake")
        await town.local.ready("intake")
    correct = page.get_by_role("button", name="แก้ไข", exact=True)
    await expect(correct).to_be_visible()
    await expect(page.locator("#kept-list li")).to_have_count(1)
    for number, at, phone in zip(kept, times, ("0812345701", "0812345702", "0812345703"), strict=True):
        own = re.compile(rf"{re.escape(number)}(?!-)")
        line = page.get_by_role("status").filter(has_text=own)
        await expect(line).to_contain_text(NUMBER)
        await expect(second.get_by_role("status").filter(has_text=own)).to_have_count(1)  # whichever sheet sent it
        call = await called(town, NUMBER.findall(await line.inner_text())[0])
        assert instant(call["received_at"]) == instant(at)
        by_phone = await town.ask("intake", "POST", "/v1/calls/search", role="dispatcher", body={"phone": phone})
        assert len(by_phone["items"]) == 1
    await correct.click()
    await focus_is(page, "#phone")
    await page.locator("#phone").fill("0812345704")
    await page.keyboard.press("F2")
    number = await taken_number(page)
    assert (await called(town, number))["caller"]["phone"] == "+66812345704"
    await page.reload()
    await expect(page.locator(".question").first).to_be_visible()
    await expect(page.locator("#kept")).to_be_hidden()
    await expect(second.locator("#complaint")).to_have_value("ร่างของแท็บที่สอง")
    await expect(second.locator("#kept")).to_be_hidden()
    await second.close()
    await _sent_as_me(page)


async def _another_tab(page: Page) -> Page:
    """A second sheet is another call: the draft of the first is not in it, what is kept is."""
    second = await page.context.new_page()
    await second.goto("/desk")
    await expect(second.locator("#kept-list li")).to_have_count(3)
    await expect(second.locator("#complaint")).to_have_value("")
    await second.locator("#complaint").fill("ร่างของแท็บที่สอง")
    await expect(second.locator("#saved")).not_to_be_empty()
    await second.reload()
    await expect(second.locator("#complaint")).to_have_value("ร่างของแท็บที่สอง")
    return second


async def test_a_draft_of_another_tab_comes_onto_no_sheet_by_itself(town: Town, open_as: SignIn) -> None:
    page = await open_as("malee", "/desk")
    first = await page.context.new_page()
    await first.goto("/desk")
    await first.get_by_label("โทรศัพท์ผู้แจ้ง").fill("0812348001")
    await first.locator("#complaint").fill("เด็กเป็นไข้")
    await expect(first.locator("#saved")).not_to_be_empty()
    tab = await first.evaluate("sessionStorage.getItem('karuna.tab')")

    await page.evaluate("tab => sessionStorage.setItem('karuna.tab', tab)", tab)
    await page.reload()  # it was that tab, which does not leave: the keys work while the page waits for it
    await page.locator("#complaint").fill("สายใหม่")
    page.once("dialog", lambda asked: asked.accept())
    await page.keyboard.press("Alt+c")
    await expect(page.locator("#complaint")).to_have_value("")
    left = page.get_by_role("region", name="ร่างที่ค้างไว้")
    await expect(left).to_be_hidden()

    await first.close()
    await page.close()
    page = await page.context.new_page()
    left = page.get_by_role("region", name="ร่างที่ค้างไว้")
    await page.goto("/desk")
    await expect(left).to_contain_text("0812348001 · เด็กเป็นไข้")
    await expect(left.locator("strong")).to_contain_text(re.compile(r"\d\d:\d\d"))
    await expect(page.locator("#complaint")).to_have_value("")
    await page.locator("#complaint").fill("เรื่องของสายนี้")
    assert await faults(page) == []
    await left.get_by_role("button", name="เปิดต่อ").click()
    await expect(page.locator("#complaint")).to_have_value("เด็กเป็นไข้")
    await expect(left.get_by_role("listitem")).to_have_count(1)  # and the call at hand waits in its turn
    await expect(left).to_contain_text("เรื่องของสายนี้")
    page.once("dialog", lambda asked: asked.accept())
    await left.get_by_role("button", name="ทิ้ง").click()
    await expect(left).to_be_hidden()

    await page.add_init_script("""for (const [place, draft] of Object.entries(localStorage)) {
        if (!place.startsWith("karuna.draft.")) continue;
        const saved_at = new Date(Date.now() - 3e6).toISOString();
        localStorage.setItem(place, JSON.stringify({ ...JSON.parse(draft), saved_at }));
    }""")
    await page.reload()  # one's own, typed long before: perhaps another caller's
    await expect(left).to_contain_text("เด็กเป็นไข้")
    await expect(page.locator("#complaint")).to_have_value("")


async def test_a_session_that_ended_keeps_the_call_and_leads_to_signing_in(town: Town, open_as: SignIn) -> None:
    page = await open_as("malee", "/desk")
    await page.get_by_label("โทรศัพท์ผู้แจ้ง").fill("0812348101")
    await page.get_by_label("สถานที่ จุดสังเกต").fill("บ้านยายมี")
    await page.locator("#complaint").fill("หอบเหนื่อย")
    cookies = await page.context.cookies()
    await page.context.clear_cookies()
    await page.keyboard.press("F2")
    line = page.locator("#kept-list li")
    await expect(line).to_contain_text("หอบเหนื่อย · บ้านยายมี")  # whoever radios it out needs where, and whom to ring
    await expect(line).to_contain_text("0812348101")
    bar = page.locator(".banner-bad")
    await expect(bar).to_have_count(1)
    await expect(bar).to_contain_text("ออกจากระบบไปแล้ว")
    await expect(page.locator("#taken .notice.bad")).to_contain_text("เข้าสู่ระบบ")
    assert "ระบบรับแจ้งไม่ตอบ" not in await page.locator("body").inner_text(), "intake answers: it is the session"
    await expect(bar.get_by_role("link")).to_have_attribute("href", "/sign-in?next=/desk")
    assert await faults(page) == []

    call = await page.evaluate("Object.entries(localStorage).find(([k]) => k.startsWith('karuna.kept.'))[1]")
    other = call.replace('"login":"malee"', '"login":"somebody"')
    assert other != call
    keep = "call => localStorage.setItem('karuna.kept.' + JSON.parse(call).key, call)"
    await page.evaluate(keep, other)
    await page.context.add_cookies(cookies)  # type: ignore[arg-type]  # what was given back
    await page.reload()  # another person on this computer: nothing is away, a call waits for a yes
    await expect(bar).to_contain_text("1 สาย")
    assert "ระบบรับแจ้งไม่ตอบ" not in await page.locator("body").inner_text()
    await page.evaluate(keep, call)
    await page.reload()
    await expect(page.get_by_role("status").filter(has_text=NUMBER)).to_have_count(1)
    await expect(page.locator("#kept")).to_be_hidden()


async def _sent_as_me(page: Page) -> None:
    """What another call taker left on this computer is sent under one's own name, after a question."""
    left = {"key": str(uuid4()), "login": "somebody", "name": "เวรก่อน", "provisional": "L-000001", "state": "waiting",
            "errors": [], "received_at": datetime.now(UTC).isoformat(),
            "sheet": {"kind": "medical", "caller.phone": "0812345799", "complaint": "เวรก่อนรับไว้"}}  # fmt: skip
    await page.evaluate("call => localStorage.setItem('karuna.kept.' + call.key, JSON.stringify(call))", left)
    await page.reload()
    line = page.locator("#kept-list li")
    await expect(line).to_contain_text("เวรก่อน")
    page.once("dialog", lambda asked: asked.accept())
    await line.get_by_role("button").click()
    await expect(page.locator("#kept")).to_be_hidden()


async def book_wrongly(page: Page) -> None:
    """A ride that intake will refuse."""
    day = (datetime.now(BANGKOK) + timedelta(days=4)).date()
    await page.locator("#phone").fill("12")
    await page.get_by_label("รับส่งผู้ป่วย").check()
    await page.keyboard.press("Alt+a")
    await page.locator("#on").fill(day.isoformat())
    await page.locator("#at").fill("9:30")
    await page.keyboard.press("F2")
    await expect(page.locator("#sheet-problems")).to_contain_text("ถามผู้แจ้งก่อน")
    await page.keyboard.press("F2")  # asked once, also by a desk without intake


async def waiting_since(page: Page) -> list[str]:
    """When the calls were taken that wait, but for the wrong one."""
    found: list[str] = await page.evaluate(
        "Object.keys(localStorage).filter(k => k.startsWith('karuna.kept.')).map(k => JSON.parse(localStorage[k]))"
        ".filter(call => call.sheet['caller.phone'] !== '12').map(call => call.received_at).sort()"
    )
    return found


async def test_a_ride_with_return_and_recurrence_is_refused_corrected_and_taken(town: Town, open_as: SignIn) -> None:
    page = await open_as("somsri", "/desk", lang="en")
    day = (datetime.now(BANGKOK) + timedelta(days=4)).date()
    await page.get_by_label("Caller's phone").fill("12")
    await page.get_by_label("Place: landmark").fill("หลังวัดกลาง")
    await expect(page.locator("#phone-said")).to_contain_text("Ask again")
    await page.get_by_label("patient transport").check()
    await page.get_by_label("Patient's name").fill("ตาสี มีสุข")
    await page.get_by_label("Age, year").fill("2490")
    await page.keyboard.press("Alt+a")
    await focus_is(page, "#on")
    await page.get_by_label("Day (either era)").fill(f"{day:%d/%m}/{day.year + 543}")
    await page.get_by_label("Time", exact=True).fill("99")
    await page.get_by_label("And back again").check()
    for weekday in ("Mo", "We", "Fr"):
        await page.get_by_label(weekday, exact=True).check()
    await page.get_by_label("How many times").fill("5")
    await page.get_by_label("no vehicle").check()
    await expect(page.locator("[data-barrier=vehicle]")).to_be_visible()

    await page.keyboard.press("F2")  # the console cannot read the time
    await focus_is(page, "#at")
    assert await page.locator("#at").get_attribute("aria-describedby") == "at-refused"
    await page.locator("#at").fill("9.30")
    await page.keyboard.press("F2")  # where to?
    await focus_is(page, "#facility")
    await expect(page.locator("#sheet-problems")).to_contain_text("Ask the caller")
    await page.keyboard.press("F2")  # asked once; intake cannot read the number
    await focus_is(page, "#phone")
    await expect(page.locator("#phone-refused")).to_be_visible()
    await expect(page.get_by_label("Patient's name")).to_have_value("ตาสี มีสุข")
    await page.set_viewport_size(PHONE)
    assert [*await faults(page), *await cut_off(page)] == []
    await show(page, "desk-refused-phone")
    await page.get_by_label("Going to").select_option(index=1)
    await page.locator("#phone").fill("081 234 5801")
    await page.keyboard.press("F2")

    call = await called(town, await taken_number(page))
    assert call["lane"] == "booked"
    assert instant(call["appointment_at"]).astimezone(BANGKOK).strftime("%d %H:%M") == f"{day:%d} 09:30"
    assert len(call["series"]) == 4  # and the first
    assert call["patients"][0]["birth_year"] == 1947
    assert [each["barrier"] for each in call["barriers"]] == ["vehicle"]
    trips = await eventually(lambda: both_ways(town, call["id"]))
    assert {trip["leg"] for trip in trips} == {"outbound", "return"}
    await show(page, "desk-ride-phone")


async def both_ways(town: Town, call_id: str) -> list[dict[str, Any]]:
    trips = await town.trips(call_id)
    return trips if len(trips) == 2 else []


async def test_two_who_tell_of_the_same_are_linked_and_mischief_stays_text(town: Town, open_as: SignIn) -> None:
    evil = "<img src=x onerror=window.hacked=1>"
    place = {"lat": 16.4301, "lon": 103.5021}
    first = await town.take({"caller": {"phone": "0812345901"}, "location": place, "complaint": "รถชน"})
    page = await open_as("malee", "/desk")
    await page.get_by_label("โทรศัพท์ผู้แจ้ง").fill("0812345902")
    await page.get_by_label("ชื่อผู้แจ้ง").fill(f"{evil}</script><script>window.hacked=1</script>")
    await page.get_by_label("พิกัด").fill(
        "https://www.google.com/maps/place/x/@16.43,103.5,17z/data=!3d16.43012!4d103.50212"
    )
    await page.locator("#complaint").fill(f"รถชน {evil}")
    for name in ("คนที่สอง", "คนที่สาม"):
        await page.keyboard.press("Alt+p")
        await page.keyboard.type(name)
    await page.get_by_role("button", name="เอาคนนี้ออก").first.click()
    await page.locator("#map-part summary").click()
    await page.locator("#map .leaflet-marker-icon").first.wait_for()
    await show(page, "desk-map")
    await page.keyboard.press("F2")
    number = await taken_number(page)
    sheet = page.locator("#taken .call-sheet")
    await expect(sheet.locator(".complaint")).to_have_text(f"รถชน {evil}")
    beside = sheet.get_by_role("region", name="อาจเป็นเรื่องเดียวกัน")
    await expect(beside).to_contain_text(first["number"])
    await beside.get_by_role("button", name="เป็นเรื่องเดียวกัน").first.click()
    await expect(beside).to_contain_text("เรื่องนี้เป็นหลัก")
    call = await called(town, number)
    assert [link["other_number"] for link in call["links"]] == [first["number"]]
    assert call["location"]["lat"] == 16.43012
    assert [patient["name"] for patient in call["patients"]] == [None, "คนที่สาม"]
    await sheet.get_by_role("button", name="แยกออก").click()
    await expect(sheet.get_by_text("ปรับการเชื่อมสายแล้ว")).to_be_visible()
    assert (await called(town, number))["links"] == []

    # Found again while typing: still text.
    await page.locator("#find").fill("0812345902")
    await expect(page.locator("#found")).to_contain_text("<img")
    assert await page.evaluate("window.hacked") is None


async def test_the_home_in_the_register_is_brought_and_yields_to_where_they_are(town: Town, open_as: SignIn) -> None:
    body = {"name": "ยายทองม้วน ไม่เคยโทรมา", "area": AREA, "phone": "0812347001", "age": 80,
            "addresses": {"current": {"area_code": "460101", "detail": "9 หมู่ 2"}}}  # fmt: skip
    person = (await town.ask("registry", "POST", "/v1/persons", role="registry_officer", body=body))["id"]
    home = {"lon": 103.511, "lat": 16.42, "method": "visit"}
    await town.ask("registry", "POST", f"/v1/persons/{person}/locations", role="registry_officer", body=home)
    page = await open_as("somsri", "/desk")
    point, address, place = (page.locator(f"#{name}") for name in ("point", "address", "place"))
    await page.keyboard.type("0812347001")
    await expect(page.locator("#found [role=option]").first).to_contain_text("ทองม้วน")
    await page.keyboard.press("Enter")
    await expect(point).to_have_value("16.42, 103.511")
    await expect(address).to_have_value(re.compile("^9 หมู่ 2"))
    await expect(page.locator("#person-card")).to_contain_text("ใช้พิกัดบ้านจากทะเบียน")

    await page.keyboard.type("หลังโรงสี")  # a word that no map knows: the home stays, and that is said
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-place-said]")).to_contain_text("พิกัดยังเป็นที่อยู่ที่ขึ้นมากับบุคคล")
    await expect(point).to_have_value("16.42, 103.511")
    await place.fill("ตลาดเก่า")
    await page.keyboard.press("Enter")
    await expect(point).not_to_have_value("16.42, 103.511")
    await expect(address).to_have_value("")
    await expect(page.locator("[data-place-said]")).to_contain_text("ไม่ใช้ที่อยู่ที่ขึ้นมากับบุคคลแล้ว")


SLOW_PLACE = """() => {
  const real = window.fetch, waits = new Promise((done) => { window.answer = done; });
  window.fetch = async (url, ...rest) => {
    if (String(url).endsWith("/desk/place")) { window.asked = true; await waits; }
    return real(url, ...rest);
  };
}"""
"""Looking a place up waits for ``answer()``. In the page: what its worker passes on, no route of the browser's sees."""


async def test_f2_waits_for_the_place_and_says_where_none_is_known(town: Town, open_as: SignIn) -> None:
    page = await open_as("somsri", "/desk")
    await page.evaluate(SLOW_PLACE)
    await page.get_by_label("โทรศัพท์ผู้แจ้ง").fill("0812348201")
    await page.locator("#place").fill("ตลาดเก่า")
    await page.keyboard.press("F2")
    await page.wait_for_function("window.asked")
    await expect(page.locator("#take")).to_have_attribute("aria-busy", "true")
    await page.evaluate("answer()")
    number = await taken_number(page)
    assert (await called(town, number))["location"]["lat"] is not None
    await expect(page.locator("#taken > .notice.warn")).to_have_count(0)

    await page.get_by_label("โทรศัพท์ผู้แจ้ง").fill("0812348202")
    await page.locator("#place").fill("บ้านยายมี")
    await page.locator("#complaint").focus()
    await expect(page.locator("[data-place-said]")).to_contain_text("ไม่พบพิกัด")
    await page.keyboard.press("F2")
    await expect(page.locator("#taken [data-number]")).not_to_have_text(number)
    await expect(page.locator("#taken > .notice.warn")).to_contain_text("ไม่มีพิกัด")


async def test_a_ringing_caller_commands_and_all_that_is_done_to_a_call(town: Town, open_as: SignIn) -> None:
    old = await town.take({
        "caller": {"phone": "0812346001", "name": "แม่นา", "line_user_id": LINE_USER}, "location": {"landmark": "หน้าตลาดเก่า"},
        "complaint": "ขอรถรับส่ง", "kind": "welfare", "barriers": ["money"], "channel": "line",
    })  # fmt: skip
    page = await open_as("malee", "/desk")
    body = {"from": "0812346001"}
    await town.ask("intake", "POST", "/v1/ringing", role="call_taker", body=body)
    await expect(page.get_by_role("button", name="รับสาย")).to_be_visible()
    await page.keyboard.press("F4")
    await expect(page.locator("#found [role=option]").first).to_contain_text(old["number"])
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("สถานที่ จุดสังเกต")).to_have_value("หน้าตลาดเก่า")
    await page.keyboard.press("F9")
    await page.keyboard.type(f"o {int(old['number'].rsplit('-', 1)[1])}")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/desk/calls/{old['id']}")

    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_contain_text("d 17 K3")
    await show(page, "desk-keys")
    await page.keyboard.press("Escape")
    await page.keyboard.press("/")
    await page.keyboard.type("d 99999999 K3")
    await page.keyboard.press("Enter")
    await expect(page.locator("#command-said")).to_contain_text("99999999")

    await page.get_by_role("button", name="แก้ไขข้อมูล").click()
    await page.locator("#e-complaint").fill("ขอรถไปหาหมอ")
    await page.locator("#e-phone").fill("12")
    await page.locator("#e-community").fill("ชุมชนตลาดเก่าร่วมใจ")
    await page.get_by_role("button", name="บันทึก", exact=True).click()
    await expect(page.locator("#e-phone")).to_be_focused()
    await page.locator("#e-phone").fill("0812346009")
    await page.get_by_role("button", name="บันทึก", exact=True).click()
    await expect(page.locator(".complaint")).to_have_text("ขอรถไปหาหมอ")
    call = await called(town, old["number"])
    assert (call["caller"]["phone"], call["caller"]["name"]) == ("+66812346009", "แม่นา")
    assert call["location"]["community"] == "kalasin:talatkao", "kept by its code"
    await expect(page.locator(".call-sheet")).to_contain_text("ชุมชนตลาดเก่าร่วมใจ")
    await page.get_by_role("button", name="แก้ไขข้อมูล").click()
    await expect(page.locator("#e-community")).to_have_value("ชุมชนตลาดเก่าร่วมใจ")
    await page.get_by_role("button", name="ยกเลิก", exact=True).click()
    point = {"lat": 16.4361, "lon": 103.5072}
    await town.client.post(f"{town.line_url}/_control/users/{LINE_USER}/location", json=point)
    await eventually(lambda: replies(town, old["id"]))
    await page.reload()
    await page.get_by_role("button", name="ใช้ตำแหน่งนี้").click()
    await expect(page.get_by_text("ใช้ตำแหน่งจาก LINE แล้ว")).to_be_visible()
    assert (await called(town, old["number"]))["location"]["lat"] == 16.4361
    await page.get_by_role("button", name="บันทึกผล").click()
    await expect(page.get_by_text("บันทึกผลอุปสรรคแล้ว")).to_be_visible()
    await town.trip(old["id"])
    await page.keyboard.press("F9")
    await page.keyboard.type(f"d {old['number']} K4 local_knowledge")
    await page.keyboard.press("Enter")
    await expect(page.locator("#command-said.good")).to_contain_text("K4")
    await expect(page.locator(".assignment", has_text="K4")).to_be_visible()
    assert await faults(page) == []
    await show(page, "desk-call")

    acts = page.get_by_role("region", name="จัดการเรื่องนี้")
    await acts.locator("summary", has_text="ส่งต่อหน่วยงานอื่น").click()
    await acts.get_by_label("ส่งต่อให้").select_option("other")
    await acts.get_by_role("button", name="ส่งต่อหน่วยงานอื่น").click()
    await expect(acts.get_by_role("alert")).to_be_visible()
    await acts.get_by_label("ชื่อผู้รับช่วง").fill("มูลนิธิ")
    await acts.get_by_role("button", name="ส่งต่อหน่วยงานอื่น").click()
    await expect(page.get_by_text("บันทึกการส่งต่อแล้ว")).to_be_visible()
    await acts.locator("summary", has_text="ผู้แจ้งยกเลิก").click()
    await acts.get_by_role("button", name="ผู้แจ้งยกเลิก").click()
    await expect(page.get_by_text("บันทึกการยกเลิกแล้ว")).to_be_visible()
    assert (await called(town, old["number"]))["status"] == "withdrawn"


async def replies(town: Town, call_id: str) -> list[dict[str, Any]]:
    answer = await town.ask("notify", "GET", f"/v1/replies?call_id={call_id}", role="dispatcher")
    items: list[dict[str, Any]] = answer["items"]
    return items


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
