"""The call desk on the real system: by keyboard alone, with intake away, with refusals, rides, duplicates, and mischief."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import SignIn, show
from tests.journeys.town import Town, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")
MOST_KEYS = 25
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
    await keys.type("เจ็บแน่นทรวงอก")
    await keys.press("Enter")
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
    await keys.press("F8")
    await focus_is(page, "#taken .recommendations > li:first-child [data-order]")
    await keys.press("1")
    later = await town.trip(call["id"], lambda trip: len(trip["assignments"]) > 1)
    assert any(each["unit_id"] != first["unit_id"] for each in later["assignments"])
    assert len(keys.pressed) <= MOST_KEYS, keys.pressed
    assert await page.evaluate("window.mice") == 0
    await show(page, "desk-taken")
