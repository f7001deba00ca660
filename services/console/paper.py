"""A report on paper, made by a process of its own: what shapes letters weighs more than the whole console, and seconds

of it would stand between fifty boards and the next event.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import orjson

from services.console.backend import BackendAway

WITHIN_S = 60.0
PRESS = (sys.executable, "-m", "services.console.press")

_one_at_a_time = asyncio.Semaphore(1)


@dataclass(frozen=True, slots=True)
class Table:
    """``numbers``: the columns that stand right-aligned."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: frozenset[int] = frozenset()


async def printed(title: str, lines: Sequence[str], tables: Sequence[Table], foot: str, lang: str) -> bytes:
    """The PDF of a title, lines below it, and tables.

    Raises:
        BackendAway: the press did not come to an end.

    """
    asked = orjson.dumps(
        {"title": title, "lines": list(lines), "tables": list(tables), "foot": foot, "lang": lang}, default=list
    )
    pipe = asyncio.subprocess.PIPE
    async with _one_at_a_time:
        press = await asyncio.create_subprocess_exec(*PRESS, stdin=pipe, stdout=pipe)
        try:
            async with asyncio.timeout(WITHIN_S):
                content, _ = await press.communicate(asked)
        except TimeoutError:
            raise BackendAway("console") from None
        finally:
            if press.returncode is None:
                with suppress(ProcessLookupError):
                    press.kill()
    if press.returncode != 0 or not content.startswith(b"%PDF"):
        raise BackendAway("console")
    return content
