"""A municipality that lives: invented calls, rides and hazards, and people who answer. Under ``make run`` it shows the

system at work; as ``karuna simulate`` it lets days pass and ends with a report.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
from rich.console import Console
from rich.markup import escape

from karuna.local import Local
from karuna.simulate.acting import run
from karuna.simulate.cast import read_cast
from karuna.simulate.crews import Crews
from karuna.simulate.desk import Desk
from karuna.simulate.doors import DoorClosed, Doors, code_of
from karuna.simulate.mix import A_DAY, Body, Town, dated, moments
from karuna.simulate.pace import Pace
from karuna.simulate.playing import Making
from karuna.simulate.report import Report, show
from karuna.simulate.stage import StageTaken, stage_is_free
from shared.auth import Role
from shared.pack_parts import Pack
from shared.packs import PackError, load
from shared.thai.dates import BANGKOK

AREA = "kalasin"
EVERY_S = 30.0
RIDE_EVERY = 7
"""In the demonstration every so many calls one is a ride."""
DEMO_PEOPLE, DEMO_WORK = 1.5, 15.0
"""People answer a little quicker than in life; driving and caring go faster, so that something can be seen."""
Told = Callable[[str], None]

STAGE_S, AGAIN_S = 1.0, 10.0

console = Console(highlight=False, soft_wrap=True)


async def demonstrate(local: Local, area: str, *, every_s: float = EVERY_S) -> None:
    """Let calls flow until cancelled. Whatever goes wrong is a line on the screen, never an end of the launcher."""
    told: set[str] = set()

    def tell(text: str) -> None:
        if text not in told and len(told) < 200:
            told.add(text)
            console.print(f"[yellow]สาธิต (demonstration): {escape(text)}[/]")

    while True:
        try:
            await _while_alone(local, _demonstrate(local, area, every_s, tell))
        except Exception as problem:  # noqa: BLE001 - a demonstration may fail, the system must go on
            tell(f"{type(problem).__name__}: {problem}")
            await asyncio.sleep(AGAIN_S)
        while not stage_is_free(local.home):
            await asyncio.sleep(STAGE_S)


async def _while_alone(local: Local, playing: Coroutine[Any, Any, None]) -> None:
    """Until a replay or simulation wants the stage."""
    task = asyncio.create_task(playing)
    try:
        while not task.done() and stage_is_free(local.home):
            await asyncio.wait([task], timeout=STAGE_S)
    finally:
        task.cancel()
        await asyncio.wait([task])
    if not task.cancelled():
        task.result()


async def _demonstrate(local: Local, area: str, every_s: float, tell: Told) -> None:
    pace = Pace(people=DEMO_PEOPLE, work=DEMO_WORK, seed=random.randrange(2**31))
    async with Doors(local, area) as doors, Crews(doors, pace, told=tell) as crews:
        town = await town_of(local, area, doors, pace.dice)
        desk = asyncio.create_task(Desk(doors, pace, crews.counts, told=tell).run())
        try:
            number = 0
            while True:
                number += 1
                bodies = [partial(dated, town.ride())] if number % RIDE_EVERY == 0 else town.matter()
                for body in bodies:
                    answer = await send(doors, body())
                    if not answer.is_success:
                        tell(f"intake {answer.status_code}: {code_of(answer)}")
                await asyncio.sleep(pace.dice.uniform(0.5, 1.5) * every_s)
        finally:
            desk.cancel()
            await asyncio.gather(desk, return_exceptions=True)


async def town_of(local: Local, area: str, doors: Doors, dice: random.Random) -> Town:
    """The town of a settings pack, with the facilities dispatch knows."""
    pack: Pack = await asyncio.to_thread(load, local.areas / area)
    cast = await read_cast(doors)
    return Town(pack, sorted(str(each) for each in cast.hospitals), dice)


async def send(doors: Doors, body: Body) -> httpx.Response:
    """Take a call as the desk does."""
    return await doors.ask("POST", "intake", "/v1/calls", Role.CALL_TAKER, json=body)


async def simulate(
    local: Local, *, days: float, speed: float, seed: int, out: Console, a_day: float = A_DAY, area: str = AREA
) -> int:
    """Let days pass and report. Exit code 0: all is well, 1: something is lost, 2: it could not be played."""
    try:
        report = await simulated(local, area, days=days, speed=speed, seed=seed, a_day=a_day, out=out)
    except (StageTaken, DoorClosed, PackError) as problem:
        out.print(f"[bold red]จำลองไม่ได้ (cannot simulate)[/]: {escape(str(problem))}")
        return 2
    show(out, report)
    return 0 if report.ok else 1


async def simulated(
    local: Local, area: str, *, days: float, speed: float, seed: int, a_day: float, out: Console
) -> Report:
    """Days of a municipality, compressed by ``speed``. The same seed gives the same calls.

    Raises:
        StageTaken: a replay or another simulation runs here.
        DoorClosed: the installation does not answer.
        PackError: there is no such municipality.

    """
    dice = random.Random(seed)
    async with Doors(local, area) as doors:
        await doors.knock()
        town = await town_of(local, area, doors, dice)
    midnight = datetime.now(BANGKOK).replace(hour=0, minute=0, second=0, microsecond=0)
    making = list(spaced(moments(days, a_day, midnight, dice), town, dice, f"simulate-{uuid4()}", midnight))
    out.print(
        f"{area}: {days:g} วัน (days), {len(making):,} เรื่อง (calls), speed {speed:g} ≈ "
        f"{days * 24 * 60 / speed:,.1f} นาที (min)"
    )
    pace = Pace(people=speed, work=speed, seed=seed)
    return await run(local, area, making, speed, out, pace=pace, lasts_s=days * 86_400)


def spaced(times: Sequence[datetime], town: Town, dice: random.Random, key: str, start: datetime) -> Iterator[Making]:
    """The calls of these moments, from ``start`` on; a second caller of the same matter follows within minutes."""
    calls: list[tuple[datetime, Callable[[], Body]]] = []
    for at in times:
        first, *again = town.matter()
        calls.append((at, first))
        calls += [(at + timedelta(minutes=dice.uniform(1, 8)), each) for each in again]
    calls.sort(key=lambda call: call[0])
    before = start
    for number, (at, body) in enumerate(calls):
        yield Making((at - before).total_seconds(), body, f"{key}/{number}")
        before = at
