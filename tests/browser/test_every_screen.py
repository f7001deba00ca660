"""Every screen, in both languages, wide and at 360 px: no accessibility fault, nothing cut off or untranslated, light.

axe-core (vendored beside) judges accessibility by WCAG 2.1 A and AA.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from services.console.navigation import PLACES
from shared.auth import Role
from shared.thai.dates import BANGKOK
from tests.browser.conftest import AXE, SignIn, show
from tests.journeys.rides import book, cid, leg, withdraw
from tests.journeys.test_first_call import CALL
from tests.journeys.town import AREA, Town

pytestmark = pytest.mark.asyncio(loop_scope="session")

JUDGED = """async () => {
    const runOnly = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"];
    const { violations } = await axe.run(document, { runOnly, resultTypes: ["violations"] });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target[0]}`));
}"""
WHO = {
    "somsri": Role.CALL_TAKER, "wichai": Role.DISPATCHER, "malee": Role.SUPERVISOR, "orathai": Role.CASE_MANAGER,
    "anan": Role.ADMIN, "crew1": Role.CREW,
}  # fmt: skip
EVERYBODYS = ("/public", "/public/here", "/public/promises", "/public/risks", "/sign-in", "/nowhere")
MORE = {
    "malee": (
        "/board/wall",
        "/board/print",
        "/account",
        "/public/promises/edit",
        "/admin/exercise",
        "/people/duplicates",
        "/people/duplicates/linked",
        "/people/duplicates/matches",
        "/people/proposals",
        "/people/glass",
        "/people/withdrawals",
        "/people/imports",
        "/cases/tasks",
        "/cases/groups",
        "/cases/reviews",
        "/sharing",
        "/sharing/agreements/new",
        "/sharing/agencies/new",
        "/cases/lessons",
    ),
    "wichai": (
        "/rides/planner",
        "/board/paper",
        "/fleet/people",
        "/fleet/places",
        "/fleet/waste",
        "/fleet/stock",
        "/fleet/cover",
        "/fleet/shifts/new",
    ),
    "orathai": (
        "/people/new",
        "/people/visits",
        "/people/visits/disputed",
        "/people/visits/forms",
        "/people/gaps",
        "/people/near",
        "/people/community",
    ),
    "anan": ("/admin/letters",),
    "crew1": ("/crew/duty", "/crew/tasks"),
}
SAY_DATA = {"/crew"}
"""Whose heading is what the caller said."""
MOST_KB, MOST_WITH_MAP_KB = 150, 250
"""What a first load may bring, compressed."""
THAI = re.compile(r"[\u0e00-\u0e7f]")


def screens() -> list[tuple[str | None, str]]:
    """Login and path: each place once, by the first who may go there; and what needs no sign-in."""
    found: dict[str, str | None] = dict.fromkeys(EVERYBODYS)
    for login, role in WHO.items():
        for place in PLACES:
            if role in place.roles:
                found.setdefault(place.path, login)
        for path in MORE.get(login, ()):
            found.setdefault(path, login)
    return [(login, path) for path, login in found.items()]


async def faults(page: Page) -> list[str]:
    """What axe finds, as ``rule: selector``. It comes by the debugger's door: a page's own policy lets no script in."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE)
    found: list[str] = await page.evaluate(JUDGED)
    return found


async def cut_off(page: Page) -> list[str]:
    """Elements that reach beyond the screen's right edge, where the page would have to be pushed sideways."""
    script = """() => document.documentElement.scrollWidth <= innerWidth + 1 ? [] :
        [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
        .slice(0, 5).map(e => `${e.tagName}.${e.className} ${Math.round(e.getBoundingClientRect().right)}`)"""
    found: list[str] = await page.evaluate(script)
    return found


async def weight_kb(page: Page) -> float:
    """What the page and all it loaded are, compressed: what the browser had kept already counts as if it came now."""
    script = """() => ["navigation", "resource"].flatMap(kind => performance.getEntriesByType(kind))
        .reduce((sum, each) => sum + each.encodedBodySize, 0) / 1000"""
    found: float = await page.evaluate(script)
    return found


async def _a_full_day(town: Town) -> None:
    """Booked rides in every state: two of one unit at once, one offered, one cancelled, returns that wait, alarms."""
    soon = datetime.now(BANGKOK) + timedelta(minutes=50)
    rides = []
    for number in range(5):
        patient = {"name": f"คนที่ {number} นัดหมาย", "national_id": cid(610 + number), "mobility": "wheelchair"}
        rides.append(await book(town, patient, soon + timedelta(minutes=5 * number)))
    legs = [await leg(town, ride["id"]) for ride in rides]
    for unit, trip in zip(("K6", "K6", "K7"), legs, strict=False):
        body = {"unit_id": town.unit(unit), "override_reason": "local_knowledge"}
        headers = town.headers("dispatcher")
        url = f"{town.local.url('dispatch')}/v1/trips/{trip['id']}/assign"
        await town.client.post(url, json=body, headers=headers)  # refused or not: both are to be looked at
    await withdraw(town, rides[4]["id"])
    await town.time_passes("intake", "watchdog")
    letter = "insert into dead_letter (id, subject, body, reason, died_at) values ($1, $2, '', 'a reason', now())"
    subject = f"internal.{AREA}.intake.call.{uuid4()}.received.v1"
    await town.sql("registry", letter, uuid4(), subject)


async def test_every_screen_is_whole_in_both_languages(town: Town, open_as: SignIn) -> None:
    for number in range(5):
        await town.take({**CALL, "complaint": f"เรื่องที่ {number}"})
    await _a_full_day(town)
    wrong: list[str] = []
    for lang in ("th", "en"):
        pages: dict[str | None, Page] = {}
        for login, path in screens():
            if login not in pages:
                pages[login] = await open_as(login, "/tokens.json", lang=lang)
            wrong += [f"{path} ({lang}): {fault}" for fault in await _looked_at(pages[login], path, lang)]
        for page in pages.values():
            await page.context.close()
    assert not wrong, "\n".join(wrong)


async def _looked_at(page: Page, path: str, lang: str) -> list[str]:
    """What is wrong with a screen: in Thai judged wide, in English at 360 px; cut off in neither."""
    await page.set_viewport_size({"width": 1440, "height": 900})
    await page.goto(path)
    await page.wait_for_load_state("load")
    wrong = [f"sent to {page.url}"] if path not in page.url else []
    if lang == "th":
        wrong += await faults(page)
        most = MOST_WITH_MAP_KB if await page.locator("#map").is_visible() else MOST_KB
        if not 0 < (weight := await weight_kb(page)) <= most:
            wrong.append(f"{weight:.0f} kB, more than {most}")
    if await page.locator("html").get_attribute("lang") != lang:
        wrong.append("lang")
    heading = await page.locator("h1").first.inner_text()
    if path not in SAY_DATA and bool(THAI.search(heading)) != (lang == "th"):
        wrong.append(f"heading {heading!r}")
    await page.set_viewport_size({"width": 360, "height": 740})
    wrong += [f"at 360: {fault}" for fault in await cut_off(page)]
    if lang == "en":
        wrong += [f"at 360: {fault}" for fault in await faults(page)]
    return wrong


async def test_on_a_phone_menu_and_tabs_show_where_one_is(open_as: SignIn) -> None:
    page = await open_as("malee", "/sharing", phone=True)
    for here in ("nav.nav", "nav.tabs"):
        await expect(page.locator(f"{here} [aria-current]")).to_be_in_viewport(ratio=0.99)


async def test_a_day_is_planned_seen_and_booked(town: Town, open_as: SignIn) -> None:
    # A day on which no other test books: late in the evening their "in some hours" is tomorrow.
    at = (datetime.now(BANGKOK) + timedelta(days=3)).replace(hour=10, minute=0, second=0, microsecond=0)
    for number in range(3):
        patient = {"name": f"คนที่ {number} ตามแผน", "national_id": cid(710 + number), "mobility": "wheelchair"}
        ride = await book(town, patient, at)
        await leg(town, ride["id"])
    path = f"/rides?on={at.date().isoformat()}"
    page = await open_as("wichai", path)
    own = page.get_by_role("row").filter(has_text="ตามแผน")
    await own.get_by_role("link", name="ใครไปได้ เวลาใด").first.click()
    offers = page.get_by_role("list", name="ใครไปได้ เวลาใด")
    await expect(offers.get_by_role("button").first).to_be_visible()
    await show(page, "rides-offers")
    assert await faults(page) == []
    await offers.get_by_role("button").first.click()
    await page.wait_for_url(f"**{path}")
    await page.get_by_role("button", name="จัดหน่วยให้ทุกเที่ยวที่ยังไม่มี").click()
    await expect(page.get_by_role("heading", name="แผนของวัน")).to_be_visible()
    await show(page, "rides-plan")
    assert await faults(page) == []
    await page.set_viewport_size({"width": 360, "height": 740})
    assert await cut_off(page) == []
    await page.get_by_role("button", name=re.compile("จองทั้งหมด")).click()
    await expect(page.get_by_text(re.compile(r"จองแล้ว \d+ เที่ยว"))).to_be_visible()
    assert await faults(page) == []
    assert await page.get_by_role("button", name="จัดหน่วยให้ทุกเที่ยวที่ยังไม่มี").count() == 0
