"""A process of the bench that does what it is told: one JSON line each way."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from karuna.local import ROOT

LARGEST_LINE = 64 * 1024 * 1024


class Led:
    """Ends with its stdin, so it never outlives the bench."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    async def answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("a process of the bench has ended; what it printed stands above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def ask(self, do: str, **command: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **command}).encode() + b"\n")
        return await self.answer()


@asynccontextmanager
async def led(module: str, *arguments: str, env: Mapping[str, str]) -> AsyncIterator[Led]:
    """Start ``python -m module arguments`` and wait for its first line."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**env},
        cwd=ROOT,
        limit=LARGEST_LINE,
        start_new_session=True,
    )
    try:
        it = Led(process)
        await it.answer()
        yield it
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 15)
        except TimeoutError:
            process.kill()
            await process.wait()
