"""From the event to the screen: fifty open boards, two of them in a real browser, and two hundred units that move."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp
import orjson
from playwright.async_api import Page, async_playwright

from bench.chain import Town, post_calls, start_services
from bench.figures import Cost, Spread, cost, ms, spread
from bench.town import AREA, CENTRE_LAT, CENTRE_LON, call_body
from karuna.accounts import add
from shared.auth import Role

LISTENERS = 48
BROWSERS = 2
MOVING = 200
CALLS, RATE_PER_S = 60, 2.0
UNIT_IDS = "select id from unit where area = $1 order by id limit $2"
LOGIN = "bench"
OWN_PASSWORD = "update account set must_change = false where login = $1"  # noqa: S105 a statement
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
WATCH = """() => {
  window.seen = {};
  new MutationObserver(() => {
    for (const row of document.querySelectorAll("li[data-call]"))
      window.seen[row.dataset.call] ??= performance.timeOrigin + performance.now();
  }).observe(document.body, { childList: true, subtree: true });
}"""
SIZES = """() => performance.getEntriesByType("navigation").concat(performance.getEntriesByType("resource"))
  .reduce((sum, each) => sum + each.transferSize, 0)"""


@dataclass(frozen=True, slots=True)
class Screen:
    """Milliseconds from POST to the page; bytes of the first load; what the console cost meanwhile."""

    listeners: Spread
    browsers: Spread
    missing: int
    first_load_bytes: dict[str, int]
    cpu_share: float
    memory: Cost


@dataclass(slots=True)
class Seen:
    """When each call came to one page, in Unix nanoseconds."""

    at: dict[str, int] = field(default_factory=dict)


async def screen(made: Town) -> Screen:
    """Post calls while units move, and note when every open board shows each of them."""
    made.at_work.answer_at_once = False
    local = made.ground.local
    await start_services(made.ground, 1)
    local.start_service("console", port=0)
    base = local.listening_at("console")
    await _ready(base)
    password = await add(local, LOGIN, "bench", [Role.DISPATCHER.value], [AREA], None)
    database = await made.ground.admin("console")
    try:
        await database.execute(OWN_PASSWORD, LOGIN)
    finally:
        await database.close()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            aiohttp.ClientSession(
                base, cookie_jar=aiohttp.CookieJar(unsafe=True), connector=aiohttp.TCPConnector(limit=0)
            )
        )
        fields = {"login": LOGIN, "password": password}
        async with client.post("/sign-in", data=fields, headers={"origin": base}) as answer:
            answer.raise_for_status()
        pages = [Seen() for _ in range(LISTENERS)]
        position = await _caught_up(made)
        heard = [asyncio.create_task(_listen(client, each, position)) for each in pages]
        browsers = await stack.enter_async_context(_browsers(base, client))
        sizes = {path: await browsers[0].evaluate(SIZES) for path in ("/board",)}
        moving = asyncio.create_task(_move(made))
        await asyncio.sleep(3)
        pid = local.processes["console"][0].pid
        before, begun = cost([pid]), time.monotonic()
        posted = await post_calls(made, [("red", call_body("red")) for _ in range(CALLS)], RATE_PER_S)
        await asyncio.sleep(3)
        used = cost([pid]).since(before)
        took_s = time.monotonic() - begun
        for task in (*heard, moving):
            task.cancel()
        await asyncio.gather(*heard, moving, return_exceptions=True)
        in_browser = [await page.evaluate("() => window.seen") for page in browsers]
    await local.stop_service("console")
    offset_ns = time.time_ns() - time.monotonic_ns()
    sent = {one.id: one.sent_ns + offset_ns for one in posted if one.id}
    by_stream = [ms(seen.at[call], at) for seen in pages for call, at in sent.items() if call in seen.at]
    by_browser = [seen[call] - at / 1e6 for seen in in_browser for call, at in sent.items() if call in seen]
    missing = (LISTENERS + BROWSERS) * len(posted) - len(by_stream) - len(by_browser)
    return Screen(spread(by_stream), spread(by_browser), missing, sizes, used.cpu_s / took_s, used)


async def _ready(base: str) -> None:
    async with asyncio.timeout(30), aiohttp.ClientSession() as client:
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with client.get(f"{base}/readyz") as answer:
                    if answer.ok:
                        return
            await asyncio.sleep(0.1)


async def _caught_up(made: Town) -> int:
    """Wait until the console has heard everything that was said before; its position then."""
    database = await made.ground.admin("console")
    try:
        before = -1
        while (position := await database.fetchval("select coalesce(max(position), 0) from fact")) != before:
            before = position
            await asyncio.sleep(2)
        return before
    finally:
        await database.close()


async def _listen(client: aiohttp.ClientSession, seen: Seen, after: int) -> None:
    """One open page without a browser: the first time each call is named in the stream."""
    async with client.get(f"/live?after={after}", timeout=aiohttp.ClientTimeout(total=None)) as answer:
        async for line in answer.content:
            if not line.startswith(b"data:") or b'"calls"' not in line:
                continue
            now = time.time_ns()
            for call in orjson.loads(line[5:])["calls"]:
                seen.at.setdefault(call["id"], now)


@asynccontextmanager
async def _browsers(base: str, client: aiohttp.ClientSession) -> AsyncIterator[list[Page]]:
    """Boards in a real browser, signed in by the same cookie, that note when a row first stands there."""
    chromium = os.environ.get("KARUNA_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise RuntimeError("no Chromium: apt-get install chromium")
    cookies = [{"name": each.key, "value": each.value, "url": base} for each in client.cookie_jar]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        pages = []
        for _ in range(BROWSERS):
            context = await browser.new_context()
            await context.add_cookies(cookies)  # type: ignore[arg-type]
            page = await context.new_page()
            await page.goto(f"{base}/board", wait_until="load")
            pages.append(page)
        for page in pages:
            await page.evaluate(WATCH)
        yield pages
        await browser.close()


async def _move(made: Town) -> None:
    """Two hundred units report a new place every second."""
    units = [row["id"] for row in await made.dispatch.fetch(UNIT_IDS, AREA, MOVING)]
    headers = {"authorization": f"Bearer {made.token(Role.DISPATCHER)}"}
    url = f"{made.ground.local.url('dispatch')}/v1/positions"
    step = 0
    async with aiohttp.ClientSession(headers=headers) as client:
        while True:
            step += 1
            at = datetime.now(UTC).isoformat()
            fixes = [
                {"unit_id": str(unit), "lat": CENTRE_LAT + step * 1e-5, "lon": CENTRE_LON + n * 1e-5, "at": at}
                for n, unit in enumerate(units)
            ]
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with client.post(url, json={"positions": fixes}) as answer:
                    await answer.read()
            await asyncio.sleep(1)
