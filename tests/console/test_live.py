"""The live feed: no gap and no double after a reconnect, slow pages sent away, areas apart, a quick end."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from karuna.simulate.serving import listening, serving
from services.console import live
from services.console.ears import Progress
from services.console.live import Frame, Hub, hub_of
from services.console.pages import live as live_page
from services.console.painting import Painter
from shared.auth import Role
from shared.work import new_id
from tests.console.conftest import PASSWORD, Console
from tests.console.faces import Faces, issuer_key_file
from tests.console.story import Story, whole
from tests.harness import AREA, issuer_file
from tests.patience import PATIENCE_S
from tests.platform_fixtures import MakeDatabase, free_port


@asynccontextmanager
async def tailing(hub: Hub) -> AsyncIterator[None]:
    task = asyncio.create_task(hub.tail())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def hear(console: Console | Faces, *stories: Story) -> None:
    for raw in [raw for story in stories for raw in story.said]:
        await console.running.runtime.inbox.take([raw])


async def last_of(console: Console) -> int:
    position: int = await console.pool.fetchval("select coalesce(max(position), 0) from fact")
    return position


async def test_a_page_that_comes_and_goes_sees_every_fact_once_while_many_write(console: Console) -> None:
    hub, chance = hub_of(console.running.runtime), random.Random(7)
    stories = [whole(new_id(), steps=n % 9) for n in range(16)]
    total = sum(len(story.said) for story in stories)
    seen: list[int] = []

    async def write(part: list[Story]) -> None:
        for story in part:
            await hear(console, story)

    async def read() -> None:
        last = 0
        while len(seen) < total:  # each visit ends in the middle of a sentence
            patience = chance.randrange(1, 6)
            async for what in hub.listen([AREA], last):
                if not isinstance(what, Frame):
                    continue
                seen.extend(change.position for change in what.changes if change.position > last)
                last = what.position
                patience -= 1
                if patience == 0 or len(seen) >= total:
                    break

    async with tailing(hub), asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*(write(stories[n::4]) for n in range(4)), read())
    positions = [row["position"] for row in await console.pool.fetch("select position from fact order by position")]
    assert seen == positions


async def test_a_slow_page_is_told_to_draw_itself_anew_and_then_knows_all(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "WAITING_MAX", 3)
    hub = hub_of(console.running.runtime)
    async with tailing(hub), asyncio.timeout(PATIENCE_S):
        page = hub.listen([AREA], 0)
        assert isinstance(await anext(page), live.Beat)
        [waiting] = hub._pages
        waiting.waiting = asyncio.Queue(3)
        story = whole(new_id())
        for raw in story.said:
            await console.running.runtime.inbox.take([raw])
            while hub.position < await last_of(console):
                await asyncio.sleep(0.01)
        heard = [what async for what in page]
    assert heard[-1] == "reload"
    assert len(heard) <= 5


async def test_what_is_no_longer_kept_or_never_was_is_answered_by_reload(console: Console) -> None:
    hub = hub_of(console.running.runtime)
    await hear(console, whole(new_id()))
    last = await last_of(console)
    await console.pool.execute("delete from fact where position <= $1", last - 3)
    async with tailing(hub), asyncio.timeout(PATIENCE_S):
        for after in (last - 5, last + 1):
            assert [what async for what in hub.listen([AREA], after)] == ["reload"]
        [first, *_] = [await anext(hub.listen([AREA], last - 3))]
    assert isinstance(first, Frame)
    assert len(first.changes) == 3


async def test_a_page_that_opens_before_the_tail_has_begun_misses_nothing(console: Console) -> None:
    hub = hub_of(console.running.runtime)
    page = hub.listen([AREA], 0)
    first = asyncio.ensure_future(anext(page))
    await asyncio.sleep(0)
    story = whole(new_id())
    await hear(console, story)
    async with tailing(hub), asyncio.timeout(PATIENCE_S):
        frame = await first
    assert isinstance(frame, Frame)
    assert len(frame.changes) == len(story.said)


# --- over HTTP -------------------------------------------------------------------


Event = tuple[str, str | None, Any]


async def events(client: httpx.AsyncClient, path: str, **headers: str) -> AsyncIterator[Event]:
    """``(name, id, data)`` of each event of the stream."""
    async with client.stream("GET", path, headers=headers, timeout=PATIENCE_S) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        known: dict[str, str] = {}
        async for line in answer.aiter_lines():
            if line:
                name, _, value = line.partition(": ")
                known[name] = value
            elif "data" in known:
                yield known.get("event", "message"), known.get("id"), orjson.loads(known["data"])
                known = {}
            else:
                known = {}


@asynccontextmanager
async def served(faces: Faces) -> AsyncIterator[str]:
    """The console on a port of its own: streams are not read through the test's shortcut."""
    app = faces.running.client._transport.app  # type: ignore[attr-defined]
    async with serving(app, listening()) as base, tailing(hub_of(faces.running.runtime)):
        yield base


async def test_areas_are_kept_apart_and_rows_come_in_the_language_of_the_page(faces: Faces) -> None:
    ours = await faces.sign_in(Role.DISPATCHER)
    english = await faces.sign_in(Role.DISPATCHER, lang="en")
    theirs = await faces.sign_in(Role.DISPATCHER, areas=("khonkaen",))
    story, foreign = Story(), Story(area="khonkaen")
    story.call("received")
    foreign.call("received")
    async with served(faces) as base, asyncio.timeout(PATIENCE_S):
        heard: dict[str, Any] = {}

        async def first_board(name: str, cookies: Any) -> None:
            async with httpx.AsyncClient(base_url=base, cookies=cookies, timeout=PATIENCE_S) as client:
                async for event, _, data in events(client, "/live?after=0"):
                    if event == "board":
                        heard[name] = data
                        return

        people = {"ours": ours, "english": english, "theirs": theirs}
        listening_ = [asyncio.create_task(first_board(name, dict(who.client.cookies))) for name, who in people.items()]
        await hear(faces, foreign, story)
        await asyncio.gather(*listening_)
    ids = {name: [call["id"] for call in said["calls"]] for name, said in heard.items()}
    assert ids == {"ours": [str(story.call_id)], "english": [str(story.call_id)], "theirs": [str(foreign.call_id)]}
    assert "เจ็บป่วย" in heard["ours"]["calls"][0]["html"]
    assert "เจ็บป่วย" not in heard["english"]["calls"][0]["html"]


async def test_a_borrowed_unit_is_on_the_map_while_it_is_on_a_call_of_the_borrowers(console: Console) -> None:
    hub, unit, idle = hub_of(console.running.runtime), new_id(), new_id()
    ours, theirs, strangers = (frozenset({area}) for area in (AREA, "khonkaen", "buriram"))
    home, there = Story(), Story(area="khonkaen")
    asked, booked = new_id(), new_id()
    for each in (unit, idle):
        home.unit("on_duty", each)
    there.call("received")
    heard: dict[frozenset[str], asyncio.Queue[Any]] = {areas: asyncio.Queue() for areas in (ours, theirs, strangers)}

    painter = Painter(console.pool)
    drawn: dict[frozenset[str], list[Any]] = {areas: [] for areas in heard}

    async def page(areas: frozenset[str]) -> None:
        async for what in hub.listen(areas, await last_of(console)):
            if isinstance(what, Frame) and what.fixes:
                said = live_page.fixes_of(what, live.Page(areas))
                await heard[areas].put(orjson.loads(said.partition(b"data: ")[2]))
            elif isinstance(what, Frame):
                drawn[areas] += [
                    orjson.loads(piece.json) for piece in await painter.paint(what, "th")
                    if piece.kind == "units" and live.Page(areas).sees(piece.area)
                ]  # fmt: skip

    async def next_of(areas: frozenset[str]) -> Any:
        return await heard[areas].get()

    def moves(lat: float) -> None:
        for each in (unit, idle):
            fix = {"lat": lat, "lon": 103.5, "at": "2026-11-22T03:00:00Z"}
            hub.keep(f"internal.{AREA}.telemetry.unit.{each}.position.v1", orjson.dumps(fix))
        hub.pass_on()

    async with tailing(hub), asyncio.timeout(PATIENCE_S):
        await hear(console, home, there)
        pages = [asyncio.create_task(page(areas)) for areas in heard]
        while hub.pages < len(pages):
            await asyncio.sleep(0.01)

        async def say(*raws: Any) -> None:
            for raw in raws:
                await console.running.runtime.inbox.take([raw])
            hub.wake()
            while hub.position < await last_of(console):
                await asyncio.sleep(0.01)

        moves(16.1)
        assert set(await next_of(ours)) == {str(unit), str(idle)}
        await say(there.assignment("accepted", booked, idle, start_at="2027-01-01T00:00:00Z"))
        await say(there.assignment("ordered", asked, unit))
        hub.pass_on()
        assert (await next_of(theirs))[str(unit)][0] == 16.1, "at once, and where it stands"
        moves(16.2)
        assert set(await next_of(theirs)) == {str(unit)}, "what is booked for later is not under way"
        await say(there.assignment("cleared", asked, unit))
        hub.pass_on()
        assert await next_of(theirs) == {str(unit): None}, "and off the map when it is done"
        moves(16.3)
        while (await next_of(ours))[str(unit)][0] != 16.3:
            pass
        assert heard[theirs].empty()
        assert heard[strangers].empty()
        assert drawn[ours] == [], "its home hears nothing of the neighbour's call"
        asks_anew = {"id": str(unit), "lent": True}
        assert [row for row in drawn[theirs] if row["id"] == str(unit)] == [asks_anew, asks_anew], (
            "when it comes and goes"
        )
        assert drawn[strangers] == []
        for each in pages:
            each.cancel()


async def test_each_row_is_drawn_once_for_all_pages_of_a_language(
    faces: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.console import painting

    drawn: list[str] = []
    real = painting.call_html
    monkeypatch.setattr(painting, "call_html", lambda row, lang: (drawn.append(lang), real(row, lang))[1])
    people = [await faces.sign_in(Role.DISPATCHER, lang=lang) for lang in ("th", "en")]
    story = Story()
    story.call("received")
    async with served(faces) as base, asyncio.timeout(PATIENCE_S):

        async def one(cookies: Any) -> str:
            async with httpx.AsyncClient(base_url=base, cookies=cookies, timeout=PATIENCE_S) as client:
                async for event, _, data in events(client, "/live?after=0"):
                    if event == "beat":
                        ready.release()
                    if event == "board":
                        return str(data["calls"][0]["id"])
            raise AssertionError("the stream ended")

        ready = asyncio.Semaphore(0)
        pages = [asyncio.create_task(one(dict(people[n % 2].client.cookies))) for n in range(20)]
        for _ in pages:
            await ready.acquire()
        await hear(faces, story)
        assert set(await asyncio.gather(*pages)) == {str(story.call_id)}
    assert sorted(drawn) == ["en", "th"]


async def test_the_browsers_last_event_id_counts_and_strangers_hear_nothing(faces: Faces) -> None:
    someone = await faces.sign_in(Role.DISPATCHER)
    crew = await faces.sign_in(Role.CREW)
    await hear(faces, whole(new_id(), steps=2))
    last = await faces.running.runtime.pool.fetchval("select max(position) from fact")
    async with served(faces) as base, asyncio.timeout(PATIENCE_S):
        async with httpx.AsyncClient(base_url=base, cookies=dict(someone.client.cookies), timeout=PATIENCE_S) as client:
            async for event, id_, data in events(client, "/live?after=0", **{"last-event-id": str(last)}):
                assert (event, id_) == ("beat", str(last)), data
                assert data["wrong"] == ["broker"], "there is no broker here, and the page is told so"
                break
        async with httpx.AsyncClient(base_url=base, timeout=PATIENCE_S) as nobody:
            for accept in ("application/json", "text/event-stream"):
                for path in ("/live", "/live/allowed"):
                    assert (await nobody.get(path, headers={"accept": accept})).status_code == 401
        async with httpx.AsyncClient(base_url=base, cookies=dict(crew.client.cookies), timeout=PATIENCE_S) as client:
            assert (await client.get("/live")).status_code == 403
            assert (await client.get("/live/allowed")).status_code == 403


async def test_pages_end_whole_when_the_console_is_told_to_stop(database: MakeDatabase, tmp_path: Path) -> None:
    made, port = await database("console"), free_port()
    env = {
        **os.environ, "KARUNA_DATABASE_URL": made.dsn, "KARUNA_HTTP_PORT": str(port), "KARUNA_DEMO": "1",
        "KARUNA_ISSUER_KEY_FILE": str(issuer_key_file(tmp_path)), "KARUNA_ISSUER_FILE": str(issuer_file(tmp_path)),
        "KARUNA_NATS_URL": "nats://127.0.0.1:9", "KARUNA_SECURE_COOKIES": "0",
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.console", env=env, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with (
            asyncio.timeout(PATIENCE_S),
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client,
        ):
            await _signed_in(client, made.dsn)
            ended = asyncio.Event()

            async def listen() -> None:
                async for event, _, _ in events(client, "/live?after=0"):
                    assert event == "beat", "a server that leaves does not ask for a redraw: another one goes on"
                    begun.set()
                ended.set()

            begun = asyncio.Event()
            task = asyncio.create_task(listen())
            await begun.wait()
            process.send_signal(signal.SIGTERM)
            await task  # a stream that is cut, once the server's patience is over, raises here
            assert ended.is_set()
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _signed_in(client: httpx.AsyncClient, dsn: str) -> None:
    import asyncpg

    from services.console.accounts import hashed
    from shared.work import now_utc

    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "insert into account (id, login, name, password, roles, areas, made_at, changed_at) "
            "values ($1, 'somsri', 'somsri', $2, '{dispatcher}', $3, $4, $4)",
            new_id(), await hashed(PASSWORD), [AREA], now_utc(),
        )  # fmt: skip
    finally:
        await connection.close()
    while True:
        try:
            answer = await client.post("/sign-in", data={"login": "somsri", "password": PASSWORD})
        except httpx.ConnectError:
            await asyncio.sleep(0.1)
            continue
        assert answer.status_code == 303, answer.text[:500]
        return


async def test_an_ear_that_stands_while_something_waits_makes_the_picture_old(console: Console) -> None:
    def told(floor: int, waiting: int) -> dict[str, Any]:
        return {"ack_floor": {"stream_seq": floor}, "num_pending": waiting, "num_ack_pending": 0}

    progress, began = Progress(), datetime.now(UTC)

    def after(seconds: float, floor: int, waiting: int) -> datetime | None:
        now = began + timedelta(seconds=seconds)
        progress.note("DISPATCH", told(7, 0), now)
        progress.note("INTAKE", told(floor, waiting), now)
        return progress.stands_since(now)

    assert after(0, 5, 0) is None
    assert after(100, 5, 0) is None, "quiet is not deaf"
    assert after(105, 5, 3) is None
    assert after(110, 6, 3) is None, "it goes on"
    assert after(120, 6, 4) is None
    stands = after(126, 6, 9)
    assert stands == began + timedelta(seconds=110)
    hub = hub_of(console.running.runtime)
    hub.stands_since = stands
    assert "behind" in hub.beat(1).wrong
    assert after(127, 9, 0) is None
