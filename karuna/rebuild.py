"""Refill an empty or shorter stream from the archive: same ids, same order.

PostgreSQL is the truth. Rows still to be sent again carry their old place as a negative number, so that a rebuild
that is interrupted goes on where it was; while there are any, no relay sends (:data:`shared.relay.TO_RESEND`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import asyncpg

from shared.bus import Bus
from shared.database import connect
from shared.leader import TRY_LOCK
from shared.relay import BATCH_ROWS, LAST_SEQUENCE, TO_RESEND, StreamWriter, messages_of

# A relay with nothing to send does not notice that its stream is gone, and would hold its lock for ever. It takes the
# loss of its connection for the loss of the lock, and asks for it again.
LET_GO = """
select pg_terminate_backend(pid) from pg_locks
where locktype = 'advisory' and granted and objsubid = 1
  and database = (select oid from pg_database where datname = current_database())
  and (classid::bigint << 32) | objid::bigint = hashtextextended('relay', 0)
"""
LOOKS, PAUSE_S = 20, 0.1
LOST = """
update event_log set stream_sequence = -stream_sequence where stream_sequence + 1 > $1
"""
# Sent by half, and that half is gone: both are to be sent.
FORGET_HALF = "update outbox set internal_sequence = null where internal_sequence > $1"
NEXT_LOST = "select * from event_log where stream_sequence < 0 order by stream_sequence desc limit $1"
PLACE = """
with placed as (
    update event_log l set stream_sequence = s.sequence
    from unnest($1::bigint[], $2::bigint[]) as s (position, sequence) where l.position = s.position)
insert into relay (stream, last_sequence) values ($3, $4)
on conflict (stream) do update set last_sequence = excluded.last_sequence
"""
STAND = """
insert into relay (stream, last_sequence) values ($1, $2)
on conflict (stream) do update set last_sequence = excluded.last_sequence
"""
ROW_AT = "select id, stream_sequence from event_log where stream_sequence in ($1::bigint, $1::bigint - 1)"


class Foreign(RuntimeError):
    """The stream holds a message that the archive does not know: a person must decide."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild found and did: counts of messages."""

    stream: str
    kept: int
    resent: int


async def rebuild(dsn: str, bus: Bus, stream: str) -> Rebuilt:
    """Make the stream whole again; nothing is done to one that is. Services may go on meanwhile.

    ``dsn`` is the service's own: nobody else may ask its relay to let go.

    Raises:
        Foreign: the stream's last message is none of ours.
        TimeoutError: the relay did not let go.

    """
    connection = await connect(dsn, command_s=None)
    try:
        writer = StreamWriter(bus, stream)
        if (whole := await _whole(connection, writer, stream)) is not None:
            return Rebuilt(stream, whole, 0)
        await _take_lock(connection)
        kept = await writer.last_sequence()
        await _note_resent(connection, writer, kept)
        await _check_head(connection, writer, kept)
        last = await _finish_half(connection, writer, kept)
        async with connection.transaction():
            await connection.execute(LOST, last)
            await connection.execute(FORGET_HALF, last)
            await connection.execute(STAND, stream, last)
        while rows := await connection.fetch(NEXT_LOST, BATCH_ROWS):
            messages = [message for row in rows for message in messages_of(row)]
            await writer.publish(messages, last)
            await _place(connection, rows, stream, last)
            last += len(messages)
        return Rebuilt(stream, kept, last - kept)
    finally:
        await connection.close()


async def _whole(connection: asyncpg.Connection[asyncpg.Record], writer: StreamWriter, stream: str) -> int | None:
    """Where the stream ends, if that is where we stand; while a relay sends it may be ahead for a moment."""
    for _ in range(LOOKS):
        if await connection.fetchval(TO_RESEND):
            return None
        ours = await connection.fetchval(LAST_SEQUENCE, stream) or 0
        theirs = await writer.last_sequence()
        if theirs == ours:
            return theirs
        if theirs < ours:
            return None
        await asyncio.sleep(PAUSE_S)
    return None


async def _take_lock(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    for _ in range(LOOKS):
        if await connection.fetchval(TRY_LOCK, "relay"):
            return
        await connection.execute(LET_GO)
        await asyncio.sleep(PAUSE_S)
    raise TimeoutError("the relay did not let go of its lock")


async def _place(
    connection: asyncpg.Connection[asyncpg.Record], rows: list[asyncpg.Record], stream: str, before: int,
    last: int | None = None,
) -> None:  # fmt: skip
    """These rows stand in the stream after ``before``, two messages each, or up to ``last``."""
    places = [before + 1 + 2 * number for number in range(len(rows))]
    positions = [row["position"] for row in rows]
    await connection.execute(PLACE, positions, places, stream, before + 2 * len(rows) if last is None else last)


async def _note_resent(connection: asyncpg.Connection[asyncpg.Record], writer: StreamWriter, last: int) -> None:
    """What a rebuild sent before it was interrupted, and did not come to note.

    Raises:
        Foreign: somebody else wrote to the stream since.

    """
    before = await connection.fetchval(LAST_SEQUENCE, writer.stream) or 0
    if last <= before or not await connection.fetchval(TO_RESEND):
        return
    rows = await connection.fetch(NEXT_LOST, (last - before + 1) // 2)
    sent = [message.message_id for row in rows for message in messages_of(row)][: last - before]
    for sequence, message_id in enumerate(sent, start=before + 1):
        if await writer.message_id_at(sequence) not in (message_id, None):  # None: erased since
            raise Foreign(f"message {sequence} of {writer.stream} is not the one that was to be sent again")
    await _place(connection, rows, writer.stream, before, last)


async def _check_head(connection: asyncpg.Connection[asyncpg.Record], writer: StreamWriter, last: int) -> None:
    """What is left of the stream must be the beginning of what we sent."""
    if last == 0:
        return
    message_id = await writer.message_id_at(last)
    if message_id is None:
        return  # deleted by an erasure: the archive's neighbours were checked when they were sent
    rows = await connection.fetch(ROW_AT, last)
    known = {str(row["id"]) if row["stream_sequence"] == last else f"{row['id']}.open" for row in rows}
    if message_id not in known:
        raise Foreign(f"message {last} of {writer.stream} is not where the archive says it was sent")


async def _finish_half(connection: asyncpg.Connection[asyncpg.Record], writer: StreamWriter, last: int) -> int:
    """When only the internal copy of the last row is left, send its open copy first."""
    row = await connection.fetchrow("select * from event_log where stream_sequence = $1", last)
    if last == 0 or row is None:
        return last
    await writer.publish(messages_of(row)[1:], last)
    return last + 1
