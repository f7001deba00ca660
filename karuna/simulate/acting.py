"""A run of simulated life: calls are made, people answer, all is waited for, and what is lost is looked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape

from karuna.local import Local
from karuna.simulate.bringing import BroughtUnits, bring, send_home
from karuna.simulate.crews import Crews
from karuna.simulate.desk import Desk
from karuna.simulate.doors import Doors
from karuna.simulate.lookup import look_up
from karuna.simulate.pace import Pace
from karuna.simulate.playing import PATIENCE_S, Ledger, Making, make, progress, settle
from karuna.simulate.report import Report, gather
from karuna.simulate.stage import stage


async def run(
    local: Local,
    area: str,
    making: Sequence[Making],
    speed: float,
    out: Console,
    *,
    pace: Pace | None = None,
    units: BroughtUnits | None = None,
    name: str = "replay",
    patience_s: float = PATIENCE_S,
    lasts_s: float = 0.0,
) -> Report:
    """Make the calls while people answer, wait for the end, look for what is lost.

    ``lasts_s``: how long (unscaled) the simulated time is, whenever the last call comes.

    Raises:
        StageTaken: another run plays here.
        DoorClosed: the installation does not answer.

    """
    pace, units = pace or Pace(people=speed, work=speed), units or {}
    ledger = Ledger(datetime.now(UTC), making=len(making), patience_s=patience_s)
    began_s = time.monotonic()
    ledger.lasts_until_s = began_s + lasts_s / speed

    def tell(text: str) -> None:
        out.print(f"[yellow]{escape(text)}[/]")

    async with AsyncExitStack() as stack:
        stack.enter_context(stage(local.home))
        doors = await stack.enter_async_context(Doors(local, area))
        await doors.knock()
        if units:
            await bring(doors, name, units)
            stack.push_async_callback(send_home, doors, name, units)
        crews = await stack.enter_async_context(Crews(doors, pace, told=tell))
        desk = asyncio.create_task(Desk(doors, pace, crews.counts, told=tell).run())
        try:
            async with progress(out, ledger, crews):
                making_them = asyncio.create_task(make(doors, making, speed, ledger))
                try:
                    await settle(doors, ledger, crews)
                finally:
                    making_them.cancel()
                    await asyncio.gather(making_them, return_exceptions=True)
        finally:
            desk.cancel()
            await asyncio.gather(desk, return_exceptions=True)
        lost = await look_up(local, doors, ledger)
        report = await gather(doors, ledger, lost, crews.counts, crews.driving.sent)
    report.took_s, report.speed = time.monotonic() - began_s, speed
    return report
