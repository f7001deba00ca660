"""The registry's folds (histories, trips, barriers) built anew from what the others' archives say.

Archives, not streams: a stream may be shorter than what was said (``karuna streams rebuild`` mends that), and
PostgreSQL is the truth.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from karuna.local import Local
from services.registry import keys
from services.registry.app import HEARS as HANDLERS
from services.registry.projection import rebuild as build
from services.registry.store.history import Figures
from shared.crypto import Keyring
from shared.database import connect
from shared.heard import Raw
from shared.relay import messages_of
from shared.streams import HEARS

AT_ONCE = 500
SAID = "select * from event_log where noun = any($1::text[]) order by position"


async def rebuild(local: Local, *, keep: bool) -> tuple[Figures, Figures]:
    """Figures before and after. Services may go on meanwhile: what they hear waits until this ends.

    Raises:
        NotWhole: an archive lacks what the registry had heard; nothing was changed.

    """
    keys.use(Keyring.of(local.field_key()))
    archives = {local.postgres.dsn(owner): nouns for owner, nouns in HEARS["registry"].items()}
    connection = await connect(local.postgres.dsn("registry"), command_s=None)
    try:
        return await build(connection, HANDLERS, archived(archives), keep=keep)
    finally:
        await connection.close()


async def archived(archives: Mapping[str, Sequence[str]]) -> AsyncIterator[list[Raw]]:
    """What each archive (address → nouns) says, one archive after another, each in its order."""
    for dsn, nouns in archives.items():
        connection = await connect(dsn, command_s=None)
        try:
            async with connection.transaction(readonly=True):
                cursor = await connection.cursor(SAID, list(nouns))
                while rows := await cursor.fetch(AT_ONCE):
                    yield [Raw(message.subject, message.body) for message in (messages_of(row)[0] for row in rows)]
        finally:
            connection.terminate()
