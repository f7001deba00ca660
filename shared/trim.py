"""Memory that a flood has left behind goes back to the machine.

What a flood held lies all over glibc's heap. When it is freed, glibc gives back the heap's end alone, and a service
would stay as large as in its worst minute.
"""

from __future__ import annotations

import asyncio
import ctypes

EVERY_S = 30
"""Looking takes a millisecond, after a flood up to six."""
_malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
"""None where the C library is another than glibc."""


async def give_back() -> None:
    """Trim now and then for the life of the process."""
    while True:
        await asyncio.sleep(EVERY_S)
        trim()


def trim() -> None:
    """Give back the pages of the heap that nobody uses."""
    if _malloc_trim is not None:
        _malloc_trim(0)
