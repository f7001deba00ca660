"""The engine as the HTTP process sees it: kept alive, asked for plans, told when nobody waits any more."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import Gauge

from services.dispatch.engine import cache, frames
from services.dispatch.planning.problem import Plan, Problem, drives_of

log = structlog.get_logger()

READY = Gauge("karuna_planner_ready", "1 while the engine is warm and takes plans")
RUNNING = Gauge("karuna_planner_running", "Plans being searched just now")
PREVIEWS = 4
"""Searches share the cores; more of them would find nothing good."""
OWN = 2
"""So many more for the municipalities' own days, which no preview may keep waiting."""
MOST_EACH = 2
"""Of an outsider's previews at once."""
MOST_DRIVES = 12_000_000
"""Between places, of all previews together: as many as the greatest has with distances of its own. Each is held several

times over, and the container has no memory for more. A preview that is alone is never too large.
"""
AGAIN_S = 1.0
PATIENCE_S = 10.0
"""Beyond the time it was given: an engine that is later than that hangs, and is started again."""


class NotReady(Exception):
    """The engine is not warm: it has just started, or was lost and is started again."""


class Busy(Exception):
    """As many plans as may be are being searched, or as this caller may have."""


class Lost(Exception):
    """The engine died with this plan."""


@dataclass(slots=True)
class Engine:
    """``run`` beside the service; ``plan`` from any request. ``threads``: one for each core by default."""

    cache_dir: Path | None = None
    threads: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    ready: bool = False
    _process: asyncio.subprocess.Process | None = None
    _waiting: dict[int, asyncio.Future[Any]] = field(default_factory=dict)
    _whose: dict[int, str | None] = field(default_factory=dict)
    _drives: dict[int, int] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=count)

    async def run(self) -> None:
        """Keep one engine process alive; ends it when cancelled."""
        while True:
            try:
                await self._live()
            except (OSError, asyncio.IncompleteReadError) as problem:
                log.warning("planner.lost", reason=type(problem).__name__)
            finally:
                await self._gone()
            await asyncio.sleep(AGAIN_S)

    async def _live(self) -> None:
        folder = await asyncio.to_thread(cache.folder, self.cache_dir)
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.dispatch.engine.worker",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip
        said = self._process.stdout
        assert said is not None  # noqa: S101 it is a pipe
        while True:
            size = int.from_bytes(await said.readexactly(frames.LENGTH), "big")
            what, *rest = frames.unpacked(await said.readexactly(size))
            if what == frames.READY:
                self.ready = True
                READY.set(1)
                log.info("planner.ready", threads=self.threads)
            elif (waiting := self._waiting.get(rest[0])) is not None and not waiting.done():
                if what == frames.FOUND:
                    waiting.set_result(rest[1])
                else:
                    waiting.set_exception(RuntimeError(f"the engine failed: {rest[1]}"))

    async def _gone(self) -> None:
        self.ready = False
        READY.set(0)
        self._end()
        ended, self._process = self._process, None
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(Lost())
        if ended is not None:
            await ended.wait()  # else its pipes outlive the loop that reads them

    def _end(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def searching(self) -> int:
        """Plans in work just now."""
        return len(self._waiting)

    @property
    def planning(self) -> int:
        """Of these, a municipality's own days."""
        return sum(whose is None for whose in self._whose.values())

    def _has_room(self, whose: str | None, most: int, drives: int) -> bool:
        if whose is None:
            return self.planning < OWN
        mine = sum(each == whose for each in self._whose.values())
        others = sum(self._drives[number] for number, each in self._whose.items() if each is not None)
        fits = not others or others + drives <= MOST_DRIVES
        return fits and mine < most and self.searching - self.planning < PREVIEWS

    async def plan(
        self, problem: Problem, within_s: float, seed: int, *, whose: str | None = None, most: int = PREVIEWS
    ) -> Plan:  # fmt: skip
        """The best plan found in ``within_s`` seconds. When the caller is cancelled, so is the search.

        ``whose``: the preview of this caller, who may have ``most`` at once; None: a municipality's own day.

        Raises:
            NotReady: not warm.
            Busy: too many, or too much, at once.
            Lost: the engine died meanwhile.

        """
        if not self.ready or self._process is None or self._process.stdin is None:
            raise NotReady
        drives = drives_of(problem)
        if not self._has_room(whose, most, drives):
            raise Busy
        ends = time.monotonic() + within_s
        number, pipe = next(self._numbers), self._process.stdin
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._whose[number], self._drives[number] = whose, drives
        RUNNING.set(len(self._waiting))
        try:
            body = await asyncio.to_thread(frames.packed, (frames.PLAN, number, problem, ends, seed, self.threads))
            pipe.write(body)
            await pipe.drain()
            del body  # a large one is not kept while it is searched
            async with asyncio.timeout(within_s + PATIENCE_S):
                found = await waiting
        except TimeoutError:
            log.error("planner.hangs")
            self._end()
            raise Lost from None
        except (BrokenPipeError, ConnectionResetError):
            raise Lost from None
        except asyncio.CancelledError:
            pipe.write(frames.packed((frames.CANCEL, number)))
            raise
        finally:
            del self._waiting[number], self._whose[number], self._drives[number]
            RUNNING.set(len(self._waiting))
        plan: Plan = found.plan
        return plan
