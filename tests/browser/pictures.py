"""``make pictures``: every screen as a picture, on an invented town in the middle of its day → ``docs/pictures``."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from playwright.async_api import Browser, async_playwright

from karuna.accounts import demonstration
from karuna.local import ROOT
from shared.thai.dates import BANGKOK
from tests.browser.conftest import CHROMIUM, DESK, FLAGS, PHONE
from tests.browser.test_visits import given
from tests.journeys.rides import book, cid
from tests.journeys.town import AREA, Town, town_of, whole_system

FOLDER = ROOT / "docs" / "pictures"


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: who looks at what. ``{call}`` and ``{person}`` stand for ids of the town."""

    name: str
    login: str | None
    path: str
    phone: bool = False
    lang: str = "th"
    whole: bool = False


SHOTS = (
    Shot("desk", "somsri", "/desk"),
    Shot("call", "wichai", "/desk/calls/{call}"),
    Shot("board", "wichai", "/board?call={call}"),
    Shot("board-en", "wichai", "/board", lang="en"),
    Shot("wallboard", "malee", "/board/wall"),
    Shot("rides", "wichai", "/rides"),
    Shot("planner", "wichai", "/rides/planner"),
    Shot("fleet", "malee", "/fleet"),
    Shot("crew", "crew1", "/crew", phone=True),
    Shot("person", "orathai", "/people/{person}?purpose=care"),
    Shot("community", "orathai", f"/people/community/card?town={AREA}&name={AREA}:donkaruna"),
    Shot("visits", "volunteer1", "/visits", phone=True),
    Shot("messages", "malee", "/messages"),
    Shot("reports", "malee", "/reports"),
    Shot("admin", "anan", "/admin"),
    Shot("accounts", "anan", "/admin/accounts"),
    Shot("public", None, "/public", phone=True, whole=True),
    Shot("promises", None, "/public/promises", phone=True, whole=True),
    Shot("sign-in", None, "/sign-in", phone=True, whole=True),
)
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


async def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        async with whole_system(Path(folder)) as local, town_of(local) as town, async_playwright() as playwright:
            await demonstration(local, AREA)
            ids = await _a_busy_morning(town)
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            for shot in SHOTS:
                await _take(browser, town, shot, ids)
            await browser.close()


async def _a_busy_morning(town: Town) -> dict[str, str]:
    """Calls in every stage of their life, and rides booked for today."""
    taken = [await town.take({"lane": "emergency", **body}) for body in CALLS]
    first = (await town.trip(taken[0]["id"], lambda trip: bool(trip["assignments"])))["assignments"][0]["id"]
    await town.drive(first, ("accept", "en_route", "at_scene"))
    second = (await town.trip(taken[1]["id"], lambda trip: bool(trip["assignments"])))["assignments"][0]["id"]
    await town.drive(second, ("accept", "en_route"))
    noon = datetime.now(BANGKOK) + timedelta(hours=3)
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
    await given(town, "ยายคำ เจริญสุข", "081-555-0203")
    await given(town, "ลุงสี ใจกว้าง", "081-555-0204")
    found = await town.ask("registry", "POST", "/v1/persons/search", role="case_manager", body={"name": "ยายมา ใจดี"})
    return {"call": taken[0]["id"], "person": found["items"][0]["id"] if found["items"] else ""}


async def _take(browser: Browser, town: Town, shot: Shot, ids: dict[str, str]) -> None:
    base = town.local.url("console")
    context = await browser.new_context(base_url=base, viewport=PHONE if shot.phone else DESK, locale="th-TH",
                                        timezone_id="Asia/Bangkok")  # fmt: skip
    await context.add_cookies([{"name": "karuna_lang", "value": shot.lang, "url": base}])
    if shot.login is not None:
        await context.request.post(
            "/demo-sign-in", form={"login": shot.login}, headers={"origin": base}, max_redirects=0
        )
    page = await context.new_page()
    await page.goto(shot.path.format(**ids))
    await page.evaluate("document.fonts.ready")
    await page.wait_for_timeout(1500)  # tiles of the map and the first events of the stream
    await page.screenshot(path=FOLDER / f"{shot.name}.png", full_page=shot.whole)
    await context.close()


if __name__ == "__main__":
    asyncio.run(main())
