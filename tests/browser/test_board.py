"""The board as dispatchers use it: two people see each other's work, sounds, old data, and a console that is killed."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Page, Route, expect

from services.console.maps import put
from tests.browser.conftest import SignIn, show
from tests.browser.tiles import write_tiles
from tests.journeys.rides import assign, book, cid, leg
from tests.journeys.test_first_call import everybody_off_duty
from tests.journeys.town import AREA, Town, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

FALLEN = {
    "lane": "emergency", "kind": "medical", "complaint": "หญิงล้มในห้องน้ำ ลุกไม่ได้",
    "caller": {"name": "สมศรี", "phone": "0812345670"}, "patient": {"name": "บุญมา ใจงาม", "age": 74},
    "location": {"landmark": "ตลาดเก่า", "lat": 16.4349, "lon": 103.5062},
    "triage": {"criteria_group": 17, "answers": {}},
}  # fmt: skip
ROWS = """() => [...document.querySelectorAll("#call-rows > li")].map(row => [row.dataset.call, row.dataset.order,
    [...row.querySelectorAll(".chip")].map(chip => chip.dataset.assignment + chip.dataset.status).join()])"""
BLOCKED = """HTMLMediaElement.prototype.play = function () {
    window.tried = (window.tried ?? 0) + 1;
    return navigator.userActivation?.hasBeenActive && window.allowed ? Promise.resolve()
        : Promise.reject(new DOMException("blocked", "NotAllowedError")); };"""


def row(page: Page, call: dict[str, Any]) -> Any:
    return page.locator(f"#row-{call['id']}")


async def test_two_people_see_each_others_work_from_call_to_scene(open_as: SignIn, town: Town) -> None:
    one, other = await open_as("somsri", "/board"), await open_as("wichai", "/board", lang="en")
    await expect(one.locator("#pulse")).to_contain_text("สด")
    await expect(other.locator("#pulse")).to_contain_text("live")
    call = await town.take(FALLEN)
    for page in (one, other):
        await expect(row(page, call)).to_contain_text(FALLEN["complaint"])
        await expect(row(page, call)).to_contain_text("ตลาดเก่า")
        assert await row(page, call).get_attribute("data-severity") == call["severity"]
    trip = await town.trip(call["id"], lambda trip: bool(trip["assignments"]))
    assignment = trip["assignments"][0]
    await expect(row(one, call).locator(f'[data-assignment="{assignment["id"]}"]')).to_be_visible()
    left = row(one, call).locator(".left")
    await expect(left).to_have_text(re.compile(r"\d:\d\d"))
    await left.evaluate("left => { left.dataset.left = '2026-01-01T00:00:00Z'; }")
    await expect(left).to_have_text("เลยเวลาตอบ โทรถาม")
    await town.drive(assignment["id"], ("accept", "en_route"))
    for page in (one, other):
        chip = row(page, call).locator('[data-status="en_route"]')
        await expect(chip).to_be_visible()
        await expect(chip.locator("b")).to_have_text(sign_of(town, assignment))
        unit = page.locator(f"#unit-{assignment['unit_id']}")
        await expect(unit).to_have_attribute("data-state", "busy")
        await expect(unit).to_contain_text(call["number"])
    await _by_keyboard(one, call)
    await show(one, "board")
    await town.drive(assignment["id"], ("at_scene",))
    await expect(row(other, call).locator('[data-status="at_scene"]')).to_be_visible()
    await town.drive(assignment["id"], ("left_scene", "at_destination", "clear"))
    await expect(row(other, call)).to_have_count(0)
    await expect(other.locator(f"#unit-{assignment['unit_id']}")).to_have_attribute("data-state", "free")


async def test_a_unit_is_free_since_a_call_that_few_are_told_of_was_over(open_as: SignIn, town: Town) -> None:
    async with everybody_off_duty(town):
        await town.duty(town.unit("K1"), on=True)
        page = await open_as("wichai", "/board")
        await expect(page.locator("#pulse")).to_contain_text("สด")
        call = await town.take({**FALLEN, "triage": {"criteria_group": 21, "answers": {}}})
        trip = await town.trip(call["id"], lambda trip: bool(trip["assignments"]))
        unit, assignment = page.locator(f"#unit-{town.unit('K1')}"), trip["assignments"][0]
        await town.drive(assignment["id"], ("accept", "en_route"))
        await expect(unit).to_have_attribute("data-state", "busy")
        read, over = await _slow_answers(page)
        await town.drive(assignment["id"], ("at_scene",))
        await read.wait()
        await town.drive(assignment["id"], ("left_scene", "at_destination", "clear"))
        await expect(unit).to_have_attribute("data-state", "free")
        async with page.expect_response("**/board/private"):
            over.set()  # what was asked before the end is answered after it
        [row] = await town.sql("dispatch", "select cleared_at from assignment where id = $1", assignment["id"])

        async def since() -> bool:
            shown = await unit.locator("time.age").get_attribute("data-since")
            return datetime.fromisoformat(shown or "") == row["cleared_at"]

        await eventually(since)
        # Something openly told of the same unit: a ride that it is offered for later; then of another unit.
        patient = {"name": "นัดวันหลัง", "national_id": cid(775), "mobility": "walking"}
        later = datetime.now(UTC) + timedelta(days=6)
        await assign(
            town, await leg(town, (await book(town, patient, later))["id"]), "K1", override_reason="local_knowledge"
        )
        await town.duty(town.unit("K2"), on=True)
        await expect(page.locator(f"#unit-{town.unit('K2')}")).to_have_attribute("data-state", "free")
        assert await since(), "that ride does not take it back to when it came on duty"


async def _slow_answers(page: Page) -> tuple[asyncio.Event, asyncio.Event]:
    """What the page asks of protected calls is answered late: set once it has been read; to be set for it to come."""
    read, over = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        answer = await route.fetch()
        read.set()
        await over.wait()
        await route.fulfill(response=answer)

    await page.route("**/board/private", late)
    return read, over


def sign_of(town: Town, assignment: dict[str, Any]) -> str:
    return next(f"K{n}" for n in range(1, 20) if town.unit(f"K{n}") == assignment["unit_id"])


async def _by_keyboard(page: Page, call: dict[str, Any]) -> None:
    """To the list, to the call, into its details: no mouse."""
    await page.keyboard.press("Alt+1")
    for _ in range(30):
        if await page.evaluate("document.activeElement?.closest('[data-call]')?.dataset.call") == call["id"]:
            break
        await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.locator("#detail-body")).to_contain_text(call["number"])
    await expect(row(page, call).locator("a.item")).to_have_attribute("aria-current", "true")
    assert call["id"] in page.url


async def test_an_alarm_sounds_on_every_screen_until_one_person_acknowledges_it(open_as: SignIn, town: Town) -> None:
    one, other = await open_as("somsri", "/board"), await open_as("wichai", "/board")
    await one.add_init_script(BLOCKED)
    await one.reload()
    call = await town.take({**FALLEN, "complaint": "หายใจหอบเหนื่อย"})
    await expect(row(one, call)).to_be_visible()
    await expect(one.locator("#banner-sound")).to_contain_text("ปิดกั้นเสียง")
    await expect(other.locator("body")).to_have_attribute("data-played", "red")
    await town.time_passes("intake", "watchdog", UUID(call["id"]))
    for page in (one, other):
        await expect(page.locator(f'[data-of="{call["id"]}"]')).to_contain_text(call["number"])
    await expect(other.locator("body")).to_have_attribute("data-played", "alarm")
    await one.evaluate("window.allowed = true")
    await one.locator("#sound").click()
    await expect(one.locator("#banner-sound")).to_have_count(0)
    await expect(one.locator("body")).to_have_attribute("data-played", "alarm")
    await _a_bad_night(one, town)
    await one.keyboard.press("F7")
    await expect(one.locator("[data-alarm]:visible")).to_have_count(0)
    await expect(other.locator("#over-alarms > summary")).to_contain_text("4")
    await expect(other.locator("body")).to_have_attribute("data-played", "red")  # what is over is listed, and silent
    await one.keyboard.press("F7")  # all that are over by one press
    await expect(one.locator("[data-acknowledge]")).to_have_count(0)
    await expect(other.locator("[data-acknowledge]")).to_have_count(0)
    await town.ask("intake", "POST", f"/v1/calls/{call['id']}/withdraw", role="call_taker", body={})
    await expect(row(other, call)).to_have_count(0)


async def _a_bad_night(page: Page, town: Town) -> None:
    """Four alarms more: three stand open, the others behind one line that a key opens and a refresh leaves open."""
    calls = [await town.take({**FALLEN, "complaint": f"คืนที่วุ่นวาย {n}"}) for n in range(4)]
    for call in calls:
        await town.time_passes("intake", "watchdog", UUID(call["id"]))
    await expect(page.locator("[data-alarm]")).to_have_count(5)
    await expect(page.locator("[data-alarm]:visible")).to_have_count(3)
    assert (await page.locator("#strip").bounding_box() or {})["height"] < 260
    await expect(page.locator("#more-alarms summary")).to_contain_text("อีก 2 สัญญาณเตือน")
    for alarm in await page.locator("[data-alarm]:visible").all():
        assert (await alarm.bounding_box() or {})["height"] < 50, "one line each"
    await row(page, calls[0]).locator("a.item").click()
    await expect(page.locator("#detail-body")).to_contain_text(calls[0]["number"])
    assert (await page.locator("#detail").bounding_box() or {})["height"] >= 450, "half of the screen is the call's"
    await show(page, "board-bad-night")
    await page.keyboard.press("Alt+5")
    await expect(page.locator("[data-alarm]:visible")).to_have_count(5)
    await town.ask("intake", "POST", f"/v1/calls/{calls[3]['id']}/withdraw", role="call_taker", body={})
    await expect(page.locator("#more-alarms summary")).to_be_focused()
    await expect(page.locator("#more-alarms")).to_have_attribute("open", "")
    for call in calls[:3]:
        await town.ask("intake", "POST", f"/v1/calls/{call['id']}/withdraw", role="call_taker", body={})
    await expect(page.locator("#over-alarms > summary")).to_contain_text("4")
    await expect(page.locator("[data-alarm]:visible")).to_have_count(1)


FITS = """() => ["#call-rows", "#unit-rows"].every(name => {
    const list = document.querySelector(name), panel = list.closest(".panel-body").getBoundingClientRect();
    return panel.bottom <= innerHeight && [...list.children].every(row => row.getBoundingClientRect().bottom <= panel.bottom + 1); })"""


async def test_the_wall_shows_alarms_and_lets_nothing_fall_off_a_low_screen(open_as: SignIn, town: Town) -> None:
    wall = await open_as("malee", "/board/wall")
    await expect(wall.locator("#pulse")).to_contain_text("สด")
    calls = [await town.take({**FALLEN, "complaint": f"จอใหญ่ {n}"}) for n in range(4)]
    for call in calls:
        await town.time_passes("intake", "watchdog", UUID(call["id"]))
        await expect(wall.locator("#wall-alarms")).to_contain_text(call["number"])
    units = await wall.locator("#unit-rows > li").count()
    await eventually(lambda: wall.evaluate(FITS))
    await show(wall, "wall-bad-night")
    await expect(wall.locator("#unit-rows > li:visible")).to_have_count(units)
    await wall.set_viewport_size({"width": 1280, "height": 560})
    await eventually(lambda: wall.evaluate(FITS))
    seen = await wall.locator("#unit-rows > li:visible").count()
    assert 0 < seen < units
    await expect(wall.locator("#units-more")).to_have_text(f"และอีก {units - seen} หน่วย ดูที่กระดาน")
    await expect(wall.locator("#units-more")).to_be_in_viewport()
    await show(wall, "wall-low")
    for call in calls:
        await town.ask("intake", "POST", f"/v1/calls/{call['id']}/withdraw", role="call_taker", body={})
    for alarm in (await town.ask("intake", "GET", "/v1/alarms", role="dispatcher"))["items"]:
        await town.ask("intake", "POST", f"/v1/alarms/{alarm['id']}/acknowledge", role="dispatcher")
    await expect(wall.locator("#wall-alarms [data-alarm]")).to_have_count(0)


OWN_MAP = {"type": "FeatureCollection", "features": [
    {"type": "Feature", "properties": {"name": "<b>ชุมชนริมน้ำ</b>"},
     "geometry": {"type": "Polygon", "coordinates": [[[103.49, 16.42], [103.52, 16.42], [103.52, 16.44], [103.49, 16.42]]]}},
    {"type": "Feature", "properties": {"name_en": "Market road", "name": "ถนนตลาด"},
     "geometry": {"type": "LineString", "coordinates": [[103.49, 16.43], [103.52, 16.435]]}},
]}  # fmt: skip
DRAWN = """() => [...document.querySelectorAll("#map canvas.leaflet-tile")].filter(tile => {
    const seen = tile.getContext("2d").getImageData(tile.width / 2, tile.height / 2, 1, 1).data; return seen[3] > 0; }).length"""


async def test_the_towns_own_map_is_drawn_and_a_place_is_pointed_at(
    open_as: SignIn, town: Town, tmp_path: Path
) -> None:
    folder = town.local.home.path / "map"
    write_tiles(tmp_path / "water.pmtiles", 16.43, 103.5)
    put(folder, AREA, (tmp_path / "water.pmtiles").read_bytes(), "© <i>ผู้ทำแผนที่</i>", datetime.now(UTC))
    put(folder, AREA, json.dumps(OWN_MAP).encode(), "© เทศบาล", datetime.now(UTC))
    try:
        board = await open_as("wichai", "/board", lang="en")
        await expect(board.locator("#map")).to_have_attribute("data-ground", "2")
        await expect(board.locator("#map")).to_contain_text("<b>ชุมชนริมน้ำ</b>")
        await expect(board.locator("#map")).to_contain_text("Market road")
        await expect(board.locator("#map")).to_have_attribute("data-boundaries", "14")  # communities and villages
        await expect(board.locator("#map")).not_to_contain_text("Rim Nam Pao Mai")  # named when one looks from nearer
        await expect(board.locator("#map")).to_have_css("font-family", re.compile("^Sarabun"))  # Leaflet's has no Thai
        await expect(board.locator(".leaflet-control-attribution")).to_contain_text("© <i>ผู้ทำแผนที่</i>")
        # Asked anew each time: a page of ours may not evaluate, so a question that waits in the page is refused.
        await eventually(lambda: board.evaluate(DRAWN))
        await show(board, "board-own-map")

        async def nearer() -> bool:
            await board.locator(".leaflet-control-zoom-in").click()
            return "Talat Kao Ruam Chai" in await board.locator("#map").inner_text()

        await eventually(nearer)

        desk = await open_as("somsri", "/desk")
        await expect(desk.locator(".question").first).to_be_visible()  # it is awake
        await desk.keyboard.press("Alt+m")
        box = desk.locator("#map")
        await expect(box).to_contain_text("ถนนตลาด")
        await box.click(position={"x": 60, "y": 60})
        point = await desk.locator("#point").input_value()
        lat, lon = (float(part) for part in point.split(","))
        assert (abs(lat - 16.43) < 0.1, abs(lon - 103.5) < 0.1) == (True, True), point
        await expect(desk.locator("[data-place-said]")).not_to_be_empty()
    finally:
        for file in folder.glob(f"{AREA}.*"):
            file.unlink()


async def test_a_board_that_hears_nothing_says_so_in_red_and_recovers(open_as: SignIn, town: Town) -> None:
    page = await open_as("malee", "/board")
    await expect(page.locator("#pulse")).to_contain_text("สด")
    [console] = town.local.processes["console"]
    console.pause()
    try:
        await expect(page.locator("#banner-old")).to_contain_text("ข้อมูลเก่า")
        await expect(page.locator("body")).to_have_class("screen board-page old")
        call = await town.take({**FALLEN, "complaint": "เกิดขึ้นตอนกระดานหยุด"})
    finally:
        console.resume()
    await expect(page.locator("#banner-old")).to_have_count(0)
    await expect(row(page, call)).to_contain_text("เกิดขึ้นตอนกระดานหยุด")
    await town.ask("intake", "POST", f"/v1/calls/{call['id']}/withdraw", role="call_taker", body={})


async def test_pages_converge_when_the_console_is_killed_in_a_storm(open_as: SignIn, town: Town) -> None:
    pages = [await open_as("somsri", "/board"), await open_as("wichai", "/board")]
    for page in pages:
        await expect(page.locator("#pulse")).to_contain_text("สด")
    before = (await town.sql("console", "select max(position) as last from fact"))[0]["last"]

    async def storm(part: int) -> list[str]:
        made = []
        for n in range(10):
            call = await town.take({**FALLEN, "complaint": f"พายุ {part}-{n}"})
            made.append(call["id"])
            if n % 2:
                path = f"/v1/calls/{call['id']}/withdraw"
                await town.ask("intake", "POST", path, role="call_taker", body={})
        return made

    storms = [asyncio.create_task(storm(part)) for part in range(4)]
    await eventually(_after(town, before, 40))
    [console] = town.local.processes["console"]
    await console.kill()
    await asyncio.gather(*storms)
    console.start()
    await town.local.ready("console")
    await eventually(_after(town, before, 250))
    fresh = await open_as("malee", "/board")

    async def the_same() -> bool:
        shown = [json.dumps(await page.evaluate(ROWS)) for page in [fresh, *pages]]
        return len(set(shown)) == 1 and len(json.loads(shown[0])) >= 20

    await eventually(the_same)
    await show(pages[0], "board-storm")


def _after(town: Town, before: int, count: int) -> Any:
    async def said() -> bool:
        rows = await town.sql("console", "select max(position) as last from fact")
        return bool(rows[0]["last"] - before >= count)

    return said
