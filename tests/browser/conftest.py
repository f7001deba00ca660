"""The whole system with its console, and Debian's Chromium to look at it.

One town serves all files of a worker, and is put in order after each. Everything lives on the session's event loop.
Locators are roles and labels: what a person or a screen reader finds.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from karuna.accounts import demonstration
from karuna.local import ROOT, Local
from karuna.seed import seed
from karuna.up import installation as started
from tests.browser.order import on_duty, put_in_order
from tests.journeys.town import AREA, Town, free_home, town_of
from tests.patience import PATIENCE_S

CHROMIUM = os.environ.get("KARUNA_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1440, "height": 900}
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")

PATIENCE_MS = PATIENCE_S * 1000
expect.set_options(timeout=PATIENCE_MS)

SignIn = Callable[..., Awaitable[Page]]
LONGEST = "test_every_screen.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest file first: of two workers neither is left alone with it at the end."""
    items.sort(key=lambda item: item.path.name != LONGEST)


POLICIES = "circle_m = 1000\ncircle_s = 60\nrest_min = 60\n"
"""What the invented municipality leaves out, and the screens show: circles of volunteers, rests of crews."""


def areas_with(policies: str, folder: Path) -> Path:
    """The settings packs, with these policies of dispatch beside their own."""
    made = folder / "areas"
    shutil.copytree(ROOT / "deploy" / "areas", made)
    file = made / AREA / "policies.toml"
    file.write_text(file.read_text("utf-8").replace("[dispatch]\n", f"[dispatch]\n{policies}", 1), "utf-8")
    return made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def one_town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Local]:
    """The town of this run's stories; of each worker's where there are several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KARUNA_AREAS_DIR", str(areas_with(POLICIES, tmp_path_factory.mktemp("packs"))))
        async with started(free_home(tmp_path_factory.mktemp("screens"))) as local:
            await seed(local, AREA, people=False)  # stories bring their own: three hundred more are seconds
            await demonstration(local, AREA)
            yield local


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def installation(one_town: Local) -> AsyncIterator[Local]:
    """In order after each file: a call that one story leaves open must not ask the crew of another."""
    async with town_of(one_town) as town:
        duty = await on_duty(town)
        yield one_town
        await put_in_order(town, duty)


@pytest_asyncio.fixture(loop_scope="session")
async def town(installation: Local) -> AsyncIterator[Town]:
    async with town_of(installation) as made:
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.fail("no Chromium: apt-get install chromium, or name one in KARUNA_CHROMIUM")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_as(chromium: Browser, installation: Local, request: pytest.FixtureRequest) -> AsyncIterator[SignIn]:
    """``await open_as("somsri", "/board")``: a browser of its own, signed in to a demonstration account.

    ``login`` None: nobody. ``phone``: 360 px wide. ``lang``: the language of the person. A script error, a refused
    resource (CSP) or a 500 on any page fails the test.
    """
    base = installation.url("console")
    wrong: list[str] = []
    async with AsyncExitStack() as stack:

        async def opened(login: str | None, path: str = "/", *, phone: bool = False, lang: str = "th") -> Page:
            made = chromium.new_context(
                base_url=base,
                viewport=PHONE if phone else DESK,
                locale="th-TH" if lang == "th" else "en-US",
                timezone_id="Asia/Bangkok",
                has_touch=phone,
                reduced_motion="reduce",
            )
            context: BrowserContext = await stack.enter_async_context(await made)
            context.set_default_timeout(PATIENCE_MS)
            await context.add_cookies([{"name": "karuna_lang", "value": lang, "url": base}])
            page = await context.new_page()
            page.on("pageerror", lambda problem: wrong.append(f"{page.url}: {problem}"))
            page.on("console", lambda said: _note(wrong, page, said.type, said.text))
            page.on("response", lambda answer: _note_status(wrong, answer.status, answer.url))
            if login is not None:
                answer = await context.request.post(
                    "/demo-sign-in", form={"login": login}, headers={"origin": base}, max_redirects=0,
                    timeout=PATIENCE_MS,
                )  # fmt: skip
                assert answer.status == 303, await answer.text()
            await page.goto(path)
            return page

        yield opened
    assert wrong == [], request.node.name


def _note(wrong: list[str], page: Page, kind: str, text: str) -> None:
    """Scripts must not complain; a refused or failed request is complained of by the browser itself."""
    if kind == "error" and "Failed to load resource" not in text:
        wrong.append(f"{page.url}: {text}")


def _note_status(wrong: list[str], status: int, url: str) -> None:
    if status == 500:
        wrong.append(f"500 {url}")


async def show(page: Page, name: str) -> None:
    """Keep a picture of the screen where somebody asked for pictures (``KARUNA_PICTURES=folder``)."""
    if not (asked := os.environ.get("KARUNA_PICTURES")):
        return
    folder = Path(asked) / "karuna-pictures"
    await page.evaluate("document.fonts.ready")
    folder.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=folder / f"{name}.png", full_page=True)
