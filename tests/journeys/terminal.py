"""Programs run as somebody at a terminal would run them."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from karuna.local import ROOT
from karuna.main import app
from tests.journeys.town import PATIENCE_S, Town, eventually

PYTHON = sys.executable


async def karuna(town: Town, *arguments: str) -> tuple[int, str]:
    """The command ``karuna`` without the seconds a new Python takes; gives exit code and what it printed."""
    done = await asyncio.to_thread(CliRunner().invoke, app, [*arguments, "--home", str(town.local.home.path)])
    return done.exit_code, " ".join(f"{done.output} {done.exception or ''}".split())


async def command(town: Town, *arguments: str) -> tuple[int, str]:
    """Run a program as somebody at a terminal would; gives exit code and what it printed."""
    env = {**os.environ, "KARUNA_HOME": str(town.local.home.path)}
    process = await asyncio.create_subprocess_exec(
        PYTHON, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=env, cwd=ROOT
    )
    try:
        async with asyncio.timeout(2 * PATIENCE_S):  # a restore makes and fills five databases
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, out.decode()


@dataclass(frozen=True, slots=True)
class Listener:
    """``lines``: what it printed so far."""

    process: Process
    lines: list[str]

    async def heard(self, text: str, times: int = 1) -> None:
        async def enough() -> bool:
            return sum(text in line for line in self.lines) >= times

        await eventually(enough)


@asynccontextmanager
async def listening(town: Town, name: str) -> AsyncIterator[Listener]:
    """``examples/subscriber.py`` at work."""
    lines: list[str] = []
    process = await asyncio.create_subprocess_exec(
        PYTHON, "examples/subscriber.py", str(file_of(town, name)), stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL, cwd=ROOT,
    )  # fmt: skip

    async def read() -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            lines.append(line.decode())  # noqa: PERF401 they are looked at while they come

    reading = asyncio.create_task(read())
    try:
        yield Listener(process, lines)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await reading


def file_of(town: Town, name: str) -> Path:
    return town.local.home.subscribers / f"{name}.json"
