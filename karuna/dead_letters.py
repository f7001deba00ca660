"""Look at what was set aside, and send it again or close it, with the database's own key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg

from shared import letters as aside


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def letters(dsn: str, *, everything: bool = False) -> list[asyncpg.Record]:
    """Those that wait for a person, oldest first; with ``everything`` also those sent again."""
    async with _connected(dsn) as connection:
        return await aside.letters(connection, None, everything=everything)


async def show(dsn: str, letter_id: UUID) -> dict[str, Any] | None:
    """One letter with its envelope. Its private data are left out: look at the owner's record for those."""
    async with _connected(dsn) as connection:
        return await aside.show(connection, None, letter_id)


async def requeue(dsn: str, letter_id: UUID) -> bool:
    """Give a letter back to the service, which applies it within a second. False: nothing to send again."""
    async with _connected(dsn) as connection:
        return await aside.requeue(connection, [letter_id]) > 0


async def close(dsn: str, letter_id: UUID) -> bool:
    """Close a letter that nobody can read. False: there is none, or it can be read and is to be sent again."""
    async with _connected(dsn) as connection:
        return await aside.close(connection, [letter_id]) > 0
