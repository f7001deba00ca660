"""``make pictures``: every screen as a picture, on an invented town in the middle of its day; with their page ``docs/screens.md``."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Collection
from datetime import datetime, timedelta
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from PIL import Image
from playwright.async_api import Browser, Page, async_playwright

from karuna.accounts import demonstration
from karuna.seed import FAMILY, GIVEN, invent_agencies, seed_id
from shared.thai.dates import BANGKOK, local_day
from shared.work import now_utc
from tests.browser.conftest import CHROMIUM, DESK, FLAGS, PHONE
from tests.browser.screens import FOLDER, PAGE, Shot, page, shots
from tests.browser.test_visits import given
from tests.journeys import cared
from tests.journeys.canary import Canary
from tests.journeys.rides import book, cid
from tests.journeys.town import AREA, Town, town_of, whole_system

QUALITY = 72
"""Of WebP: letters stay sharp, and all pictures together stay under what ``tests/house/test_screens.py`` allows."""
LOADED = "() => Promise.all([document.fonts.ready, ...[...document.images].map(each => each.decode().catch(() => 0))])"

CARDS = (
    {"community": f"{AREA}:donkaruna", "kind": "boat", "what": "เรือท้องแบน 6 ที่นั่ง", "name": "ลุงชม เจ้าของเรือ", "phone": "081-555-0201",
     "point": {"lat": 16.4372, "lon": 103.5008}},
    {"community": f"{AREA}:donkaruna", "kind": "key", "what": "กุญแจศาลากลางบ้าน", "name": "ป้าแดง", "phone": "081-555-0202",
     "point": {"lat": 16.4351, "lon": 103.5049}},
)  # fmt: skip
CALLS: tuple[dict[str, Any], ...] = (
    {"caller": {"name": "สมใจ", "phone": "081-555-0101", "relation": "child"}, "complaint": "หายใจลำบาก เหนื่อยมาก",
     "patient": {"name": "ยายมา ใจดี", "age": 72, "sex": "female", "mobility": "stretcher", "needs": ["oxygen"]},
     "location": {"landmark": "ตลาดเก่า", "lat": 16.4349, "lon": 103.5062}, "triage": {"criteria_group": 5},
     "barriers": ["money", "vehicle"]},
    {"caller": {"name": "ประเสริฐ", "phone": "081-555-0102"}, "complaint": "ล้มในห้องน้ำ ปวดสะโพก ลุกไม่ได้",
     "patient": {"name": "ตาบุญ ทองดี", "age": 81, "sex": "male"},
     "location": {"landmark": "หลังวัดกลาง", "lat": 16.4312, "lon": 103.5101}, "triage": {"criteria_group": 25}},
    {"caller": {"name": "วันเพ็ญ", "phone": "081-555-0103"}, "complaint": "งูเข้าบ้าน", "kind": "hazard",
     "location": {"landmark": "ซอยสมพงษ์ 3", "lat": 16.4391, "lon": 103.5008}},
    {"caller": {"name": "ชัยยา", "phone": "081-555-0104"}, "complaint": "รถจักรยานยนต์ล้ม ขาบวม",
     "patient": {"name": "ก้อง แก้วใส", "age": 19, "sex": "male"},
     "location": {"landmark": "สี่แยกหอนาฬิกา", "lat": 16.4337, "lon": 103.5044}, "triage": {"criteria_group": 24}},
    {"caller": {"name": "ลำดวน", "phone": "081-555-0105"}, "complaint": "ไข้สูง ซึม",
     "patient": {"name": "ลำไย สุขสันต์", "age": 66, "sex": "female"},
     "location": {"landmark": "ชุมชนหาดลำดวน", "lat": 16.4278, "lon": 103.5142}, "triage": {"criteria_group": 18}},
)  # fmt: skip


SAID = {
    "เอียง": "ยายเอียง", "ใต้ต้นฉำฉา": "ใต้ต้นฉำฉาหน้าวัดกลาง", "บ้านเดิม": "12 หมู่ 4 บ้านเดิมของสามี", "บ้านเลขที่": "77/9 ซอยสมพงษ์ 3",
    "เรือ": "เรือท้องแบน จอดท้ายซอย", "เปลี่ยนสายยาง": "เปลี่ยนสายให้อาหาร ดูแผลกดทับ", "แผลดี": "แผลตื้นขึ้น ไม่มีไข้",
    "แผลแย่": "แผลลึกขึ้น มีกลิ่น", "ขาดคนดู": "กลางวันอยู่คนเดียว ลูกไปทำงาน", "ถุงยังชีพ": "ที่นอนลมและถุงยังชีพ",
    "เรื่องของ": "รถไปรับช้าสองครั้งในเดือนเดียว", "เหตุผล0": "รถไปถึงช้ากว่านัด 50 นาที", "เหตุผล1": "จัดเที่ยวก่อนหน้าไว้ชิดเกินไป",
    "เหตุผล2": "เวลาขึ้นลงของเปลนอนตั้งไว้เท่ารถเข็น", "เหตุผล3": "ไม่มีใครรู้ว่าต้องตั้งแยก", "เหตุผล4": "คู่มือจัดรถไม่ได้เขียนไว้",
    "มองที่": "ดูที่หน้างานแล้ว ตรงกับที่เล่า", "ต้องทำ": "ตั้งเวลาขึ้นลงของเปลนอนแยกจากรถเข็น", "หมดสติที่": "หมดสติหน้าตลาด ไม่มีญาติมาด้วย",
}  # fmt: skip
"""What somebody would have written, for the beginnings of a canary's words."""


class Told(Canary):
    """An invented person of whom everything is kept, in words that can be read."""

    def hatch(self) -> None:
        super().hatch()
        self.name, self.caller, self.address = "นางบัวลอย ใจงาม", "สมหมาย ใจงาม", "77/9 ซอยสมพงษ์ 3"
        self.lat, self.lon, self.born = 16.43551, 103.50312, "1943-04-13"

    def told(self, beginning: str) -> str:
        return SAID[beginning]


async def main(names: Collection[str]) -> None:
    """Take the pictures, or only those of the named files; with all, what no screen has any more goes."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    refused: list[str] = []
    asked = [shot for shot in shots() if not names or shot.file in names]
    with tempfile.TemporaryDirectory() as folder:
        async with whole_system(Path(folder)) as local, town_of(local) as town, async_playwright() as playwright:
            await demonstration(local, AREA)
            await invent_agencies(local, AREA)
            ids = await _a_busy_morning(town)
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            for seen, group in groupby(sorted(asked, key=_eyes), key=_eyes):
                refused += await _look(browser, town, list(group), *seen, ids)
            await browser.close()
    for file in FOLDER.iterdir():
        if file.name not in {shot.file for shot in shots()}:
            file.unlink()
    PAGE.write_text(page(), "utf-8")
    if refused:
        sys.exit("\n".join(refused))


def _eyes(shot: Shot) -> tuple[str, str, bool, str]:
    """Who looks, as what, on what, in which language: one browser for all that are the same."""
    return shot.login or "", shot.role, shot.phone, shot.lang


async def _a_busy_morning(town: Town) -> dict[str, str]:
    """Calls in every stage of their life, and rides booked for tomorrow: whole at any hour."""
    taken = [await town.take({"lane": "emergency", **body}) for body in CALLS]
    first = (await town.trip(taken[0]["id"], lambda trip: bool(trip["assignments"])))["assignments"][0]["id"]
    await town.drive(first, ("accept", "en_route", "at_scene"))
    second = (await town.trip(taken[1]["id"], lambda trip: bool(trip["assignments"])))["assignments"][0]["id"]
    await town.drive(second, ("accept", "en_route"))
    noon = (datetime.now(BANGKOK) + timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)
    for number, name in enumerate(("แม่สาย อ่อนหวาน", "ลุงคำ มั่นคง", "ป้าจันทร์ ใจเย็น")):
        patient = {
            "name": name,
            "national_id": cid(700 + number),
            "birth_year": 1950 + number,
            "mobility": "wheelchair",
        }
        await book(town, patient, noon + timedelta(minutes=40 * number))
    for card in CARDS:
        await town.ask("registry", "PUT", f"/v1/community/{uuid4()}", role="case_manager", body=card)
    again = {**CALLS[0], "lane": "emergency", "complaint": "เหนื่อยอีก ขอออกซิเจน", "barriers": []}
    await town.take({**again, "patient": {"name": "ยายมา ใจดี", "age": 72}})  # presumed to be who called before
    _, whom = await given(town, "ยายคำ เจริญสุข", "081-555-0203")
    await given(town, "ลุงสี ใจกว้าง", "081-555-0204")
    found = await town.ask("registry", "POST", "/v1/persons/search", role="case_manager", body={"name": "ยายมา ใจดี"})
    volunteer = seed_id(AREA, "crew", "C10")
    care = await cared.cared_for(town, Told(), volunteer)
    agreed = await town.ask("registry", "GET", f"/v1/agreements?area={AREA}", role="supervisor")
    return {
        "area": AREA, "call": taken[0]["id"], "person": found["items"][0]["id"] if found["items"] else str(whom),
        "case": await _a_case(town, whom), "agreement": agreed["items"][0]["id"], "agency": care["agency_id"],
        "review": care["review_id"], "run": await _a_file(town, care["mate_id"]),
        "day": noon.date().isoformat(), "today": local_day(now_utc()).isoformat(),
    }  # fmt: skip


async def _a_case(town: Town, person: UUID) -> str:
    """Somebody who is cared for, with a task that the first crew sees on its phone; two records may be one person's."""
    opened = await town.ask("registry", "POST", "/v1/cases", role="case_manager", body={"person_id": str(person)})
    [crew] = await town.sql("console", "select crew_id from account where login = 'crew1'")
    task = {"kind": "bring", "what": "ถุงยังชีพและเตียงปรับระดับ", "assignee_id": str(crew["crew_id"]),
            "due_on": str(local_day(now_utc()))}  # fmt: skip
    await town.ask("registry", "POST", f"/v1/cases/{opened['id']}/tasks", role="case_manager", body=task)
    for name in ("นางจันทร์เพ็ญ แก้วกาหลง", "จันเพ็ญ แก้วกาหลง"):
        same = {"area": AREA, "sex": "female", "phone": "081-555-0205", "birth_year": 2493, "name": name}
        await town.ask("registry", "POST", "/v1/persons", role="registry_officer", body=same)
    made: str = opened["id"]
    return made


async def _a_file(town: Town, mate: str) -> str:
    """A file of people that came, one row of it refused; somebody in it is to be secret, and waits for a second person."""
    rows = [[cid(56_000 + number), f"{given} {family}", "2"]
            for number, (given, family) in enumerate(zip(GIVEN, FAMILY * 2, strict=False))]  # fmt: skip
    rows = [*rows[:8], ["1460100000000", "เลขผิด หนึ่งหลัก", "2"]]
    part = {
        "format": "karuna", "area": AREA, "file": uuid4().hex * 2, "file_rows": len(rows), "first_row": 2,
        "columns": ["national_id", "name", "sex"], "rows": rows,
    }  # fmt: skip
    desk: dict[str, Any] = {"role": "registry_officer", "claims": {"purpose": "registration"}}
    run = await town.ask("registry", "POST", "/v1/imports", body=part, **desk)
    wish = {"wanted": "secret", "reason": "threat"}
    await town.ask("registry", "POST", f"/v1/persons/{mate}/disclosure", body=wish, role="registry_officer")
    made: str = run["run"]["id"]
    return made


async def _look(
    browser: Browser, town: Town, group: list[Shot], login: str, role: str, phone: bool, lang: str, ids: dict[str, str]
) -> list[str]:
    """Take all pictures of one person; gives the screens that this person did not get."""
    base = town.local.url("console")
    context = await browser.new_context(base_url=base, viewport=PHONE if phone else DESK, locale="th-TH",
                                        timezone_id="Asia/Bangkok", reduced_motion="reduce")  # fmt: skip
    await context.add_cookies([{"name": "karuna_lang", "value": lang, "url": base}])
    if login:
        await context.request.post("/demo-sign-in", form={"login": login}, headers={"origin": base}, max_redirects=0)
        if role:
            await _work_as(await context.new_page(), role)
    refused = []
    for shot in group:
        tab = await context.new_page()
        answer = await tab.goto(shot.path.format(**ids))
        if answer is None or answer.status != (404 if shot.screen == "/nowhere" else 200):
            refused.append(f"{shot.path} as {login or 'nobody'}: {answer and answer.status}")
            continue
        await tab.evaluate(LOADED)
        await tab.wait_for_timeout(1200)  # tiles of the map and the first events of the stream
        taken = Image.open(BytesIO(await tab.screenshot(full_page=phone and not login)))
        taken.save(FOLDER / shot.file, "WEBP", quality=QUALITY, method=6)
        await tab.close()
    await context.close()
    return refused


async def _work_as(tab: Page, role: str) -> None:
    """Change the role as a person does, at the top of the page."""
    await tab.goto("/account")
    async with tab.expect_response("**/role"):  # choosing sends it
        await tab.locator("#role-choice").select_option(role)
    await tab.wait_for_load_state("load")
    await tab.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
