"""Runs the parts in order on one ground, and writes ``BENCH.md``, or the sections of the parts that ran."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import structlog
from rich.console import Console

from bench import (
    chain,
    core,
    duplicates,
    engine,
    engine_report,
    fold,
    import_people,
    near,
    positions,
    promise,
    register,
    report,
    rides_town,
    screen,
    year,
)
from bench.ground import Ground, standing
from bench.town import write_pack
from shared.service import uvloop_runner

CORE = ("hop", "saturate", "drain")
"""``consumer`` is measured while the backlog drains."""
TOWN = ("chain", "screen", "positions", "burst")
"""``memory`` is read after the burst."""
DAY = ("promise", "near", "fold", "registry", "import")
"""Dispatch alone with a full day of rides, the registry alone with 100,000 homes; last, for they fill databases."""
APART = ("engine", "year", "duplicates")
"""Need neither broker nor database."""
SAME = {"consumer": "drain", "memory": "burst"}
out = Console(highlight=False, soft_wrap=True)


def main() -> None:
    asked = sys.argv[1:] or [*CORE, *TOWN, *DAY, *APART]
    parts = [SAME.get(part, part) for part in asked]
    if unknown := set(parts) - {*CORE, *TOWN, *DAY, *APART}:
        raise SystemExit(
            f"no such part: {', '.join(sorted(unknown))}; there are {', '.join((*CORE, *TOWN, *DAY, *APART, *SAME))}"
        )
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    gc.set_threshold(50_000)  # pauses of the load are not those of the system
    with uvloop_runner() as runner:
        runner.run(bench(parts, whole=not sys.argv[1:]))


async def bench(parts: list[str], *, whole: bool) -> None:
    """Measure, print each table as soon as it is known."""
    started, load_before = time.monotonic(), os.getloadavg()[0]
    out.print(f"โหลดของเครื่อง (load of the machine): {load_before:.1f}")
    areas = Path(tempfile.mkdtemp(prefix="karuna-bench-areas-"))
    tables: list[report.Table] = []

    def show(table: report.Table) -> None:
        tables.append(table)
        out.print(table.text(), markup=False)

    try:
        write_pack(areas)
        rides_town.write_pack(areas)
        if set(parts) - {*APART}:
            async with standing(areas) as ground:
                await _core(ground, [part for part in CORE if part in parts], show)
                await ground.fresh_streams()
                await _town(ground, [part for part in TOWN if part in parts], show)
                await _day(ground, [part for part in DAY if part in parts], show)
        if "engine" in parts:
            await _part("engine", show, lambda: _engine(show))
        if "year" in parts:
            await _part("year", show, lambda: _year(show))
        if "duplicates" in parts:
            await _part("duplicates", show, lambda: _duplicates(show))
    finally:
        shutil.rmtree(areas, ignore_errors=True)
    machine = report.machine(load_before, os.getloadavg()[0], time.monotonic() - started)
    await asyncio.to_thread(report.write if whole else report.put, tables, machine)
    out.print("→ BENCH.md")


async def _core(ground: Ground, parts: list[str], show: report.Show) -> None:
    if not parts:
        return
    async with core.pair(ground) as pair:
        if "hop" in parts:
            await _part("hop", show, lambda: _hop(pair, show))
        if "saturate" in parts:
            await _part("saturate", show, lambda: _saturate(pair, show))
        if "drain" in parts:
            await _part("drain", show, lambda: _drain(pair, ground, show))


async def _town(ground: Ground, parts: list[str], show: report.Show) -> None:
    if not parts:
        return
    async with chain.town(ground) as town:
        if "chain" in parts:
            await _part("chain", show, lambda: _chain(town, show))
        if "screen" in parts:
            await _part("screen", show, lambda: _screen(town, show))
        if "positions" in parts:
            await _part("positions", show, lambda: _positions(town, show))
        if "burst" in parts:
            await _part("burst", show, lambda: _burst(town, show))


async def _day(ground: Ground, parts: list[str], show: report.Show) -> None:
    measures = {"promise": _promise, "near": _near, "fold": _fold, "registry": _registry, "import": _import}
    for part in parts:
        await _part(part, show, partial(measures[part], ground, show))


async def _promise(ground: Ground, show: report.Show) -> None:
    show(promise.table(await promise.promise(ground)))


async def _near(ground: Ground, show: report.Show) -> None:
    show(near.table(await near.near(ground)))


async def _fold(ground: Ground, show: report.Show) -> None:
    show(fold.table(await fold.measure(ground)))


async def _registry(ground: Ground, show: report.Show) -> None:
    show(register.table(await register.measure(ground)))


async def _import(ground: Ground, show: report.Show) -> None:
    show(import_people.table(await import_people.measure(ground)))


async def _engine(show: report.Show) -> None:
    measured = await engine.measure()
    show(engine_report.quality(measured))
    show(engine_report.speed(measured))


async def _year(show: report.Show) -> None:
    show(year.table(await asyncio.to_thread(year.played)))


async def _duplicates(show: report.Show) -> None:
    show(duplicates.table([await asyncio.to_thread(duplicates.town, seed) for seed in duplicates.SEEDS]))


async def _part(name: str, show: report.Show, measure: Callable[[], Awaitable[None]]) -> None:
    """A part that fails is shown as failed; the others are still measured."""
    try:
        await measure()
    except Exception as problem:  # noqa: BLE001 whatever it is, it belongs into the report
        out.print_exception()
        show(report.failed(name, type(problem).__name__))


async def _hop(pair: core.Pair, show: report.Show) -> None:
    show(report.hop(await core.hop(pair)))


async def _saturate(pair: core.Pair, show: report.Show) -> None:
    show(report.saturated(await core.saturate(pair)))


async def _drain(pair: core.Pair, ground: Ground, show: report.Show) -> None:
    drained = await core.drain(pair, ground.local.home.path)
    show(report.drained(drained))
    show(report.consumer(drained))


async def _chain(town: chain.Town, show: report.Show) -> None:
    compared = [
        await chain.compare(town, 1, crews_answer=True, rate=chain.CALM_RATE_PER_S),
        await chain.compare(town, 1, crews_answer=False),
        await chain.compare(town, 1, crews_answer=True),
    ]
    await chain.start_services(town.ground, 3)
    compared.append(await chain.compare(town, 3, crews_answer=False))
    show(report.compared(compared))
    show(report.cpu(compared))


async def _screen(town: chain.Town, show: report.Show) -> None:
    show(report.screen(await screen.screen(town)))


async def _positions(town: chain.Town, show: report.Show) -> None:
    show(report.positions(await positions.positions(town)))


async def _burst(town: chain.Town, show: report.Show) -> None:
    await chain.start_services(town.ground, 1)
    burst = await chain.burst(town)
    show(report.burst(burst))
    show(report.memory(burst))
