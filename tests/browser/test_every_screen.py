"""Every screen, in both languages, wide and at 360 px: no accessibility fault, nothing cut off, nothing untranslated.

axe-core (vendored beside) judges accessibility by WCAG 2.1 A and AA.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from services.console.navigation import PLACES
from shared.auth import Role
from tests.browser.conftest import SignIn
from tests.journeys.test_first_call import CALL
from tests.journeys.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="session")

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
WHO = {
    "somsri": Role.CALL_TAKER, "wichai": Role.DISPATCHER, "malee": Role.SUPERVISOR, "orathai": Role.CASE_MANAGER,
    "anan": Role.ADMIN, "crew1": Role.CREW,
}  # fmt: skip
EVERYBODYS = ("/public", "/public/promises", "/sign-in")
MORE = {"malee": ("/board/wall", "/board/print", "/account", "/public/promises/edit")}
SAY_DATA = {"/crew"}
"""Whose heading is what the caller said."""
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
    """What axe finds, as ``rule: selector``."""
    await page.evaluate(AXE)  # by the debugger's door: the page's own policy lets no foreign script in
    result: dict[str, Any] = await page.evaluate("rules => axe.run(document, rules)", RULES)
    return [f"{each['id']}: {node['target'][0]}" for each in result["violations"] for node in each["nodes"]]


async def cut_off(page: Page) -> list[str]:
    """Elements that reach beyond the screen's right edge, where the page would have to be pushed sideways."""
    script = """() => document.documentElement.scrollWidth <= innerWidth + 1 ? [] :
        [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
        .slice(0, 5).map(e => `${e.tagName}.${e.className} ${Math.round(e.getBoundingClientRect().right)}`)"""
    found: list[str] = await page.evaluate(script)
    return found


@pytest.mark.timeout(280)
async def test_every_screen_is_whole_in_both_languages(town: Town, open_as: SignIn) -> None:
    for number in range(3):
        await town.take({**CALL, "complaint": f"เรื่องที่ {number}"})
    wrong: list[str] = []
    for login, path in screens():
        for lang in ("th", "en"):
            page = await open_as(login, path, lang=lang)
            where = f"{path} ({lang})"
            if path not in page.url:
                wrong.append(f"{where}: sent to {page.url}")
            await page.wait_for_load_state("load")
            wrong += [f"{where}: {fault}" for fault in await faults(page)]
            if await page.locator("html").get_attribute("lang") != lang:
                wrong.append(f"{where}: lang")
            heading = await page.locator("h1").first.inner_text()
            if path not in SAY_DATA and bool(THAI.search(heading)) != (lang == "th"):
                wrong.append(f"{where}: heading {heading!r}")
            await page.set_viewport_size({"width": 360, "height": 740})
            wrong += [f"{where} at 360: {fault}" for fault in await cut_off(page)]
            await page.context.close()
    assert not wrong, "\n".join(wrong)
