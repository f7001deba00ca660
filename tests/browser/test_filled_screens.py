"""Screens that are mostly seen empty, with what a working day leaves on them: whole in both languages, wide and at 360 px."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from karuna.seed import invent_agencies
from karuna.seed_agencies import agency_id
from shared.auth import Role
from tests.browser.conftest import PHONE, SignIn, show
from tests.browser.test_every_screen import cut_off, faults
from tests.browser.test_records import WIDE, whole
from tests.journeys import cared
from tests.journeys.canary import Canary
from tests.journeys.eyes import account_of
from tests.journeys.rides import cid
from tests.journeys.town import AREA, Town

pytestmark = pytest.mark.asyncio(loop_scope="session")

SCREENS = {
    "malee": (
        "/people/imports/{run_id}", "/sharing/agencies/{agency_id}", "/people/glass", "/people/withdrawals", "/people/proposals",
        "/cases/groups", "/people/duplicates", "/people/duplicates/matches", "/people/{person_id}/matches?purpose=care",
    ),
    "orathai": (
        "/people/visits/new?person={person_id}", "/people/visits/disputed", "/cases/{case_id}", "/cases/reviews/{review_id}",
        "/people/gaps?group=bedridden", "/people/gaps?group=bedridden&gap=no_verified_home",
    ),
}  # fmt: skip
FEW = 6
"""Fewer are told as "fewer than five"."""


async def a_day_of_care(town: Town) -> dict[str, str]:
    """Somebody with everything, six more of their group, files that came, a correction and a wish for secrecy that wait."""
    await invent_agencies(town.local, AREA)
    [account] = await town.sql("console", "select crew_id from account where login = 'volunteer1'")
    bird = Canary()
    ids = await cared.cared_for(town, bird, account["crew_id"])
    for number in range(FEW):
        made = Canary()
        body = {"area": AREA, "name": made.name, "groups": ["bedridden"], "birth_year": 1940 + number}
        await cared.done(town, "POST", "/v1/persons", body, "registry_officer")
    rows = [[cid(55_000 + number), f"คนที่ {number} จากไฟล์", "2"] for number in range(3)] + [["1", "เลขผิด", "9"]]
    part = {"format": "karuna", "area": AREA, "file": uuid4().hex * 2, "file_rows": len(rows), "first_row": 2,
            "columns": ["national_id", "name", "sex"], "rows": rows}  # fmt: skip
    run = await cared.done(town, "POST", "/v1/imports", part, "registry_officer", purpose="registration")
    told = {**part, "file": uuid4().hex * 2, "file_rows": 1, "columns": ["name", "phone", "groups"],
            "rows": [[bird.name, bird.phone, "hardship"]]}  # fmt: skip
    taken = await cared.done(town, "POST", "/v1/imports", told, "registry_officer", purpose="registration")
    assert taken["items"][0]["verdict"] == "matched", "presumed to be theirs"
    wish = {"wanted": "secret", "reason": "threat"}
    await cared.done(town, "POST", f"/v1/persons/{ids['mate_id']}/disclosure", wish, "registry_officer")
    same = {"area": AREA, "name": bird.name, "phone": bird.phone, "sex": "female", "birth_year": int(bird.born[:4])}
    await cared.done(town, "POST", "/v1/persons", same, "registry_officer")
    return {**ids, "run_id": run["run"]["id"], "point": f"{bird.lat}, {bird.lon}"}


async def test_screens_that_are_mostly_empty_are_whole_when_they_are_full(town: Town, open_as: SignIn) -> None:
    ids = await a_day_of_care(town)
    for login, paths in SCREENS.items():
        page = await open_as(login, "/account")
        for path in paths:
            await _shown(page, path.format(**ids))
    await _near(page, ids["point"])
    nurse = await open_as(await account_of(town, Role.CASE_MANAGER, agency_id=cared.HOSPITAL), "/people")
    for tab in ("", "/home", "/care"):
        await _shown(nurse, f"/people/{ids['person_id']}{tab}?purpose=care")
    await _through_broken_glass(town, open_as, ids["person_id"])


async def _shown(page: Page, path: str) -> None:
    answer = await page.goto(path)
    assert answer is not None
    assert answer.status == 200, f"{path}: {answer.status}"
    await whole(page, f"filled-{re.sub('[^a-z]+', '-', path)[:40]}")


async def _near(page: Page, point: str) -> None:
    """Who was found stands in no address: the form is filled in each language, and the answer judged as it stands."""
    origin = "/".join(page.url.split("/")[:3])
    for lang in ("en", "th"):
        await page.context.add_cookies([{"name": "karuna_lang", "value": lang, "url": origin}])
        await page.goto("/people/near")
        await page.locator("[name=point]").fill(point)
        await page.locator("[name=purpose]").select_option("care")
        await page.locator("form[action='/people/near'] button.primary").click()
        await expect(page.locator("table.cards tbody tr").first).to_be_visible()
        assert await faults(page) == [], lang
        await page.set_viewport_size(PHONE)
        assert await cut_off(page) == [], lang
        await show(page, f"filled-near-{lang}")
        await page.set_viewport_size(WIDE)


async def _through_broken_glass(town: Town, open_as: SignIn, person: str) -> None:
    """Somebody of an agency without an agreement: what is missing, the reason, and the record for three hours."""
    rescuer = await open_as(
        await account_of(town, Role.CASE_MANAGER, agency_id=agency_id(AREA, "foundation")), "/people"
    )
    refused = await rescuer.goto(f"/people/{person}?purpose=care")
    assert refused is not None
    assert refused.status == 403
    await whole(rescuer, "filled-no-ground")
    await rescuer.locator("[name=reason]").fill("หมดสติหน้าตลาด ไม่มีญาติ")
    await rescuer.locator("form[action='/people/break-glass'] button").click()
    await rescuer.wait_for_url("**/people/break-glass")
    assert await faults(rescuer) == []
    await _shown(rescuer, f"/people/{person}?purpose=emergency")
