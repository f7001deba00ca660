"""The live side: one tail of the fact table per process, many open pages.

A page knows the position it was drawn at and asks for what came after; the browser repeats the last one it saw
when it reconnects (``Last-Event-ID``). What is older than the kept facts, or too much at once, is answered by
``reload``: nothing is ever skipped in silence. A beat every few seconds lets the page notice silence itself.
Source of the format: HTML Standard, server-sent events.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import nats.errors
import orjson
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.console.rules.board import Thing
from services.console.rules.lent import AtWork
from services.console.store import board, desks, facts
from shared.database import AWAY
from shared.service import Runtime
from shared.streams import POSITION_SUBJECT, POSITIONS

log = structlog.get_logger()

BEAT_S = 5.0
POLL_S = 1.0
AT_ONCE = 500
LATE_S = 15.0
"""Older than this nobody may take for the present."""
WAITING_MAX = 200
"""Batches a page may be behind before it is sent away to draw itself anew."""
REPLAY_MAX = 5_000
POSITIONS_EVERY_S = 1.0
LAST_FIXES = b'{"multi_last":["%s"]}' % POSITION_SUBJECT.encode()


@dataclass(frozen=True, slots=True)
class Change:
    """One fact as pages hear of it."""

    position: int
    noun: str
    id: UUID
    area: str
    call_id: UUID
    type: str
    at: datetime
    exercise: bool


Fixes = dict[str, dict[str, Any]]
"""Unit → its last fix: ``{"lat", "lon", "at", "speed_kmh"?, "heading_deg"?, "area"}``.

For pages with ``areas``, whose pages see it: its own, and those on whose calls it is; and ``left``: those that saw it
until now, and do not any more.
"""


@dataclass(slots=True, eq=False)
class Frame:
    """What happened up to ``position``, one for all pages. ``kept`` holds what was made of it, so that it is made once

    per language and not once per page.
    """

    position: int
    changes: tuple[Change, ...] = ()
    fixes: Fixes = field(default_factory=dict)
    kept: dict[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life. ``wrong`` is empty while what pages show is the present, else what is away, since ``since``."""

    position: int
    at: datetime
    wrong: tuple[str, ...] = ()
    since: datetime | None = None


Heard = Frame | Beat | str
"""``"look"``: something changed that is not among the facts; ``"reload"``: going on is not possible."""


@dataclass(slots=True, eq=False)
class Page:
    """One open page: its areas, and the queue between the tail and its answer."""

    areas: frozenset[str]
    waiting: asyncio.Queue[Frame | str | None] = field(default_factory=lambda: asyncio.Queue(WAITING_MAX))
    lost: bool = False

    def sees(self, area: str) -> bool:
        return "*" in self.areas or area in self.areas

    def give(self, what: Frame | str) -> None:
        """Queue something; a page that has fallen too far behind is told to reload."""
        try:
            self.waiting.put_nowait(what)
        except asyncio.QueueFull:
            self.lost = True


class Hub:
    """The tail of this process and its pages."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._woken = asyncio.Event()
        self._pages: set[Page] = set()
        self._desks: set[asyncio.Event] = set()
        self._desks_at: datetime | None = None
        self._position = -1
        self._started = asyncio.Event()
        self._read_at = datetime.now(UTC)
        self._behind_at: datetime | None = None
        self._wrong_since: datetime | None = None
        self.fixes: Fixes = {}
        self._moved: set[str] = set()
        self._at_work = AtWork()
        self._left: dict[str, frozenset[str]] = {}
        self._announcing = False
        self._nudges = 0
        self.stands_since: datetime | None = None
        """Since when an ear of the console has not moved though something waits, see ears.py."""

    @property
    def pages(self) -> int:
        """How many are open."""
        return len(self._pages)

    @property
    def position(self) -> int:
        return self._position

    @property
    def mark(self) -> tuple[int, int]:
        """Another one after anything that pages are to look at again."""
        return self._position, self._nudges

    def wake(self) -> None:
        self._woken.set()

    def announce(self) -> None:
        """Something was committed here: read it, and let the other processes know, once for all of a group."""
        self._woken.set()
        if not self._announcing:
            self._announcing = True
            asyncio.get_running_loop().call_soon(self._call_others)

    def nudge(self) -> None:
        """Something changed that is no fact, e.g. an alarm was acknowledged here: pages look again."""
        self._nudges += 1
        for page in self._pages:
            page.give("look")

    def nudge_desks(self) -> None:
        """A line was taken, or a sheet begun or ended: here at once, and the other processes look when they wake."""
        for desk in self._desks:
            desk.set()
        self.announce()

    async def listen_to_desks(self) -> AsyncIterator[bool]:
        """True where lines or sheets of the desks changed, False as a sign of life."""
        mine = asyncio.Event()
        self._desks.add(mine)
        try:
            while not self._leaving:
                try:
                    async with asyncio.timeout(BEAT_S):
                        await mine.wait()
                except TimeoutError:
                    yield False
                    continue
                mine.clear()
                yield True
        finally:
            self._desks.discard(mine)

    async def _look_at_desks(self) -> None:
        """What another process was told of; asked only where somebody listens."""
        if not self._desks:
            return
        changed = await desks.changed(self._runtime.pool)
        if changed != self._desks_at:
            self._desks_at = changed
            for desk in self._desks:
                desk.set()

    def _call_others(self) -> None:
        self._announcing = False
        self._runtime.wake()

    # --- facts --------------------------------------------------------------

    async def tail(self) -> None:
        """Read on after every wake, and every second in any case; end all pages when the server stops."""
        while not self._leaving:
            try:
                if self._position < 0:
                    _, self._position = await facts.span(self._runtime.pool)
                    self._at_work.note(await board.work(self._runtime.pool, None))
                    self._started.set()
                await self._read_on()
                await self._look_at_desks()
                self._read_at = datetime.now(UTC)
            except AWAY as problem:
                log.warning("hub.database_away", reason=type(problem).__name__)
                await asyncio.sleep(0.5)
            await self._wait()
        for page in self._pages:
            page.lost = True
            page.waiting.put_nowait(None) if not page.waiting.full() else None
        for desk in self._desks:
            desk.set()

    @property
    def _leaving(self) -> bool:
        server = self._runtime.server
        return self._runtime.stopping or (server is not None and server.should_exit)

    async def _wait(self) -> None:
        ends = asyncio.get_running_loop().time() + POLL_S
        while not self._leaving and (left := ends - asyncio.get_running_loop().time()) > 0:
            try:
                async with asyncio.timeout(min(left, 0.25)):  # a stop must be noticed soon
                    await self._woken.wait()
                break
            except TimeoutError:
                continue
        self._woken.clear()

    async def _read_on(self) -> None:
        while rows := await facts.after(self._runtime.pool, self._position, AT_ONCE):
            changes = tuple(change_of(row) for row in rows)
            self._position = changes[-1].position
            if moved := {change.id for change in changes if change.noun == "assignment"}:
                self._note_work(await board.assignments(self._runtime.pool, list(moved)))
            now = datetime.now(UTC)
            if (now - changes[-1].at).total_seconds() > LATE_S:
                self._behind_at = now
            frame = Frame(self._position, changes)
            for page in self._pages:
                if any(page.sees(change.area) for change in changes):
                    page.give(frame)

    def _note_work(self, assignments: Iterable[Thing]) -> None:
        """Who comes to another municipality's call is on its map at once, standing or not; who is done leaves it."""
        for unit, left in self._at_work.note(assignments).items():
            self._moved.add(unit)
            self._left[unit] = (self._left.get(unit, frozenset()) | left) - self._at_work.areas_of(unit)

    def _shown(self, unit: str) -> dict[str, Any]:
        fix = self.fixes[unit]
        return {**fix, "areas": {fix["area"], *self._at_work.areas_of(unit)}, "left": self._left.get(unit, frozenset())}

    def beat(self, position: int) -> Beat:
        """Whether what pages show is the present: this process reads its database, hears the broker, is not behind."""
        now = datetime.now(UTC)
        wrong = []
        if not self._runtime.bus.connected:
            wrong.append("broker")
        if (now - self._read_at).total_seconds() > POLL_S + BEAT_S:
            wrong.append("database")
        late = self._behind_at is not None and (now - self._behind_at).total_seconds() < BEAT_S
        if late or self.stands_since is not None:
            wrong.append("behind")
        self._wrong_since = (self._wrong_since or self.stands_since or now) if wrong else None
        return Beat(position, now, tuple(wrong), self._wrong_since)

    # --- positions ----------------------------------------------------------

    async def follow_units(self) -> None:
        """Keep every unit's last fix, and give what moved to the pages once a second."""
        while not self._leaving:
            client = self._runtime.bus.client if self._runtime.bus.connected else None
            if client is None:
                await asyncio.sleep(0.2)
                continue
            try:
                await self._follow(client)
            except (nats.errors.Error, OSError) as problem:
                log.warning("hub.positions_interrupted", reason=type(problem).__name__)
                await asyncio.sleep(1)

    async def _follow(self, client: Client) -> None:
        async def moved(message: Msg) -> None:
            self.keep(message.subject, message.data)

        live = await client.subscribe(POSITION_SUBJECT, cb=moved)
        try:
            await self._snapshot(client)
            while not self._leaving and self._runtime.bus.client is client and not client.is_closed:
                await asyncio.sleep(POSITIONS_EVERY_S)
                self.pass_on()
        finally:
            if client.is_connected:
                await live.unsubscribe()

    async def _snapshot(self, client: Client) -> None:
        inbox = client.new_inbox()
        replies = await client.subscribe(inbox)
        try:
            await client.publish(f"$JS.API.DIRECT.GET.{POSITIONS}", LAST_FIXES, reply=inbox)
            while (message := await replies.next_msg(timeout=2)).data:
                self.keep((message.headers or {}).get("Nats-Subject", ""), message.data)
        except nats.errors.TimeoutError:
            log.info("hub.no_snapshot")
        finally:
            await replies.unsubscribe()

    def keep(self, subject: str, data: bytes) -> None:
        parts = subject.split(".")
        if len(parts) != 7:  # noqa: PLR2004 internal.<area>.telemetry.unit.<id>.position.v1
            return
        said = orjson.loads(data)
        fix = said.get("data", said)
        self.fixes[parts[4]] = {**fix, "area": parts[1]}
        self._moved.add(parts[4])

    def pass_on(self) -> None:
        moved, self._moved = self._moved, set()
        if not moved:
            return
        frame = Frame(self._position, fixes={unit: self._shown(unit) for unit in moved if unit in self.fixes})
        self._left.clear()
        areas = {area for fix in frame.fixes.values() for area in (*fix["areas"], *fix["left"])}
        for page in self._pages:
            if any(page.sees(area) for area in areas):
                page.give(frame)

    # --- pages --------------------------------------------------------------

    async def listen(self, areas: Iterable[str], after: int) -> AsyncIterator[Heard]:
        """What happens after a position, for as long as the page listens.

        Gives frames that concern these areas (among others: who draws them leaves out what is not the page's),
        beats in silence, and at last ``"reload"`` where the page cannot be brought up to date by going on.
        """
        await self._started.wait()
        page = Page(frozenset(areas))
        self._pages.add(page)  # first: what comes while the past is read waits in the queue
        try:
            first, last = await facts.span(self._runtime.pool)
            if after < first - 1 or after > last or last - after > REPLAY_MAX:
                yield "reload"
                return
            missed: list[Change] = []
            sent = after
            while sent < last and (rows := await facts.after(self._runtime.pool, sent, AT_ONCE)):
                sent = rows[-1]["position"]
                missed += [change for row in rows if page.sees((change := change_of(row)).area)]
            if missed:
                yield Frame(sent, tuple(missed))
            shown = {unit: self._shown(unit) for unit in self.fixes}
            if fixes := {unit: fix for unit, fix in shown.items() if any(map(page.sees, fix["areas"]))}:
                yield Frame(sent, fixes=fixes)
            async for what in self._go_on(page, sent):
                yield what
        finally:
            self._pages.discard(page)

    async def _go_on(self, page: Page, sent: int) -> AsyncIterator[Heard]:
        yield self.beat(sent)
        beaten = asyncio.get_running_loop().time()
        while not page.lost:
            left = beaten + BEAT_S - asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(max(left, 0)):
                    what = await page.waiting.get()
            except TimeoutError:
                beaten += BEAT_S
                yield self.beat(sent)
                continue
            if what is None:
                break
            if isinstance(what, Frame) and what.changes:
                if what.position <= sent:
                    continue
                sent = what.position
            yield what
        if not self._leaving:
            yield "reload"


def change_of(row: Any) -> Change:
    return Change(
        row["position"], row["noun"], row["id"], row["area"], row["call_id"], row["type"], row["occurred_at"],
        row["exercise"],
    )  # fmt: skip


def hub_of(runtime: Runtime) -> Hub:
    hub: Hub = runtime.parts["hub"]
    return hub
