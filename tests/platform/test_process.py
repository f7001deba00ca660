"""Programs are started, awaited, stopped by id, started again, and gone when their launcher is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
import pytest

from karuna.platform.process import Process, ProcessFailed
from tests.patience import PATIENCE_S

SLEEPS = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]
PARENT = [
    sys.executable,
    "-c",
    "import subprocess, time; subprocess.Popen(['sleep', '60']); print('up', flush=True); time.sleep(60)",
]


def up(process: Process):
    async def probe() -> bool:
        return "up" in process.tail()

    return probe


@asynccontextmanager
async def running(argv: list[str], log: Path, **options: object) -> AsyncIterator[Process]:
    process = Process("program", argv, log=log, **options)
    process.start()
    try:
        await process.ready(up(process), PATIENCE_S)
        yield process
    finally:
        await process.kill()


async def test_it_ends_when_asked(tmp_path: Path) -> None:
    async with running(SLEEPS, tmp_path / "log") as process:
        await process.stop()
        assert await process.wait() == -signal.SIGTERM
        assert not process.running


async def test_it_is_killed_when_it_does_not_listen(tmp_path: Path) -> None:
    async with running(STUBBORN, tmp_path / "log") as process:
        await process.stop(timeout_s=0.05)
        assert await process.wait() == -signal.SIGKILL


async def test_a_kill_takes_its_children_too(tmp_path: Path) -> None:
    async with running(PARENT, tmp_path / "log") as process:
        (child,) = psutil.Process(process.pid).children()
        await process.kill()
        assert not alive(child.pid)


async def test_a_paused_program_does_nothing_and_then_goes_on(tmp_path: Path) -> None:
    async with running(SLEEPS, tmp_path / "log") as process:
        process.pause()
        assert psutil.Process(process.pid).status() == psutil.STATUS_STOPPED
        process.resume()
        assert psutil.Process(process.pid).status() != psutil.STATUS_STOPPED
        process.pause()
        await process.stop()  # a frozen one ends too
        assert not process.running


async def test_a_program_that_ends_at_once_says_why(tmp_path: Path) -> None:
    process = Process("program", [sys.executable, "-c", "raise SystemExit('no such port')"], log=tmp_path / "log")
    process.start()
    with pytest.raises(ProcessFailed, match="no such port"):
        await process.ready(up(process), PATIENCE_S)


async def test_a_program_that_never_gets_ready_is_an_error(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    async with running(SLEEPS, tmp_path / "log") as process:
        with pytest.raises(ProcessFailed, match="not ready after"):
            await process.ready(never, timeout_s=0.05)


async def test_a_supervised_program_is_started_again_until_it_is_stopped(tmp_path: Path) -> None:
    process = Process("program", SLEEPS, log=tmp_path / "log")
    told: list[str] = []
    supervision = asyncio.create_task(process.supervise(up(process), backoff_s=(0, 0), told=told.append))
    pids = []
    for _ in range(3):
        while not process.running or process.pid in pids:
            await asyncio.sleep(0.005)
        pids.append(process.pid)
        if len(pids) < 3:
            os.kill(process.pid, signal.SIGKILL)
    await process.stop()
    await asyncio.wait_for(supervision, PATIENCE_S)
    assert not process.running
    assert len(told) == 2
    assert "again" in told[0]


async def test_the_same_process_serves_several_event_loops(tmp_path: Path) -> None:
    def elsewhere() -> None:
        asyncio.run(process.stop())

    async with running(SLEEPS, tmp_path / "log") as process:
        await asyncio.to_thread(elsewhere)
        assert not process.running


def alive(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


async def test_children_are_gone_when_the_launcher_is_killed(tmp_path: Path) -> None:
    launcher = textwrap.dedent(f"""
        import time
        from pathlib import Path
        from karuna.platform.process import Process
        process = Process("program", {SLEEPS!r}, log=Path({str(tmp_path)!r}) / "log")
        process.start()
        while "up" not in process.tail():  # before, it has not yet asked the kernel to be told of our death
            time.sleep(0.01)
        print(process.pid, flush=True)
        time.sleep(60)
    """)
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", launcher, stdout=asyncio.subprocess.PIPE)
    child = int(await parent.stdout.readline())
    descriptor = os.pidfd_open(child)
    assert alive(child)
    parent.kill()
    await parent.communicate()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(descriptor, ended.set)
    await asyncio.wait_for(ended.wait(), PATIENCE_S)
    asyncio.get_running_loop().remove_reader(descriptor)
    os.close(descriptor)
