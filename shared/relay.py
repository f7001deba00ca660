"""The relay: the one writer of a service's stream.

Every row of the outbox becomes two messages, internal first, open next. Each publish carries the stream's
expected last sequence, which PostgreSQL keeps together with what was sent. So a stale relay, a publish that
arrives after its time-out, or a message of a stranger can never slip in: the stream refuses it. Whatever is
uncertain is settled by reading the stream, never by guessing.
"""

from __future__ import annotations

import asyncio
import json
import time
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from email.parser import BytesParser
from typing import Any
from uuid import UUID

import asyncpg
import nats.errors
import orjson
import structlog
from prometheus_client import Counter, Histogram
from uuid_utils.compat import uuid4

from shared.bus import Bus
from shared.crash import point
from shared.events.base import Origin
from shared.events.envelope import CONTENT_TYPE, encode, subject_of
from shared.leader import LockConnection

log = structlog.get_logger()

BATCH_ROWS = 450
"""Two messages each: JetStream takes at most a thousand in one batch."""
SINGLY_UP_TO_ROWS = 5
"""Up to here message by message, all on the wire at once (one fsync each); above, one atomic batch.

Either way the broker hands them on together. A batch has its own files at the broker: it costs it twice the work, and
only from about a dozen messages on is it the sooner (three events: 3.3 ms one by one, 5.3 to 9 as a batch).
"""
POLL_S = 1.0
BROKEN_FRESH_S = 10.0
PUBLISH_TIMEOUT_S = 5.0
NO_MESSAGE = 10037
WRONG_SEQUENCE = {10071, 10164}

NEXT_ROWS = """
select * from event_log where position = any(array(select position from outbox order by position limit $1))
order by position
"""
HALF_ROWS = """
select l.*, o.internal_sequence from event_log l
join lateral (select internal_sequence from outbox where position = l.position) o on true
where l.position = any(array(select position from outbox where internal_sequence is not null))
"""
SENT = """
with gone as (delete from outbox where position = any($1::bigint[])),
     placed as (update event_log l set stream_sequence = s.sequence
                from unnest($1::bigint[], $2::bigint[]) as s (position, sequence) where l.position = s.position)
update relay set last_sequence = $4 where stream = $3 and last_sequence = $5
"""
HALF_SENT = """
with half as (update outbox set internal_sequence = $2 where position = $1)
update relay set last_sequence = $2 where stream = $3 and last_sequence = $4
"""
SKIP_TO = "update relay set last_sequence = $2 where stream = $1 and last_sequence = $3"
FIRST_TIME = "insert into relay (stream, last_sequence) values ($1, 0) on conflict do nothing"
LAST_SEQUENCE = "select last_sequence from relay where stream = $1"
TO_RESEND = "select exists (select from event_log where stream_sequence < 0)"
"""Whether the stream is being refilled from the archive, or that was interrupted."""
ROWS_BY_EVENT = """
select l.*, o.internal_sequence from outbox o join event_log l using (position) where l.id = $1
"""

SENT_TOTAL = Counter("karuna_relay_events_total", "Events the relay has seen stored", ["stream"])
SETTLED_TOTAL = Counter("karuna_relay_settlements_total", "Times the relay had to read the stream", ["stream"])
BATCH_SIZE = Histogram("karuna_relay_batch_rows", "Rows per publish", ["stream"], buckets=(1, 2, 3, 10, 50, 450))


class StreamBroken(RuntimeError):
    """The stream is not what PostgreSQL says was sent: a person must look (``karuna doctor``)."""


class Unsettled(RuntimeError):
    """The outcome of a publish is not known, or the stream had moved: read it before going on."""


class Refusing(Unsettled):
    """The stream does not take what we say: it is full, or sealed. ``code`` is the server's own."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One of the two messages of a row."""

    position: int
    message_id: str
    subject: str
    headers: dict[str, str]
    body: bytes


def messages_of(row: asyncpg.Record) -> list[Outgoing]:
    """The messages of an ``event_log`` row, internal first. The same row always gives the same bytes."""
    origin = Origin(row["area"], row["correlation_id"], protected=row["protected"], exercise=row["exercise"])
    both: list[Outgoing] = []
    for internal in (True, False):
        body = encode(
            id=row["id"],
            short_type=row["type"],
            aggregate_id=row["aggregate_id"],
            aggregateseq=row["aggregateseq"],
            time=row["occurred_at"],
            origin=origin,
            causation_id=row["causation_id"],
            traceparent=row["traceparent"],
            data=row["data"] if internal else row["open_data"],
            internal=internal,
        )
        message_id = f"{row['id']}" if internal else f"{row['id']}.open"
        headers = {"Nats-Msg-Id": message_id, "content-type": CONTENT_TYPE}
        if row["traceparent"]:
            headers["traceparent"] = row["traceparent"]
        tree: Any = "internal" if internal else "karuna"
        subject = subject_of(tree, row["area"], row["type"], row["aggregate_id"])
        both.append(Outgoing(row["position"], message_id, subject, headers, body))
    return both


class StreamWriter:
    """Publishes to one stream under an expected last sequence. Knows nothing of PostgreSQL."""

    def __init__(self, bus: Bus, stream: str) -> None:
        self._bus = bus
        self.stream = stream

    async def last_sequence(self) -> int:
        info = await self._ask(f"$JS.API.STREAM.INFO.{self.stream}", b"")
        return int(info["state"]["last_seq"])

    async def message_id_at(self, sequence: int) -> str | None:
        """The ``Nats-Msg-Id`` of a stored message; None where it was deleted."""
        body = json.dumps({"seq": sequence}).encode()
        answer = await self._ask(f"$JS.API.STREAM.MSG.GET.{self.stream}", body, missing_ok=True)
        if answer is None:
            return None
        raw = b64decode(answer["message"].get("hdrs", ""))
        headers = BytesParser().parsebytes(raw.partition(b"\r\n")[2], headersonly=True)
        return headers.get("Nats-Msg-Id", "")

    async def publish(self, messages: Sequence[Outgoing], expected: int) -> None:
        """Store the messages at ``expected + 1``, ``expected + 2``, …

        Raises:
            Unsettled: at least one is not known to be stored there.

        """
        single = len(messages) <= 2 * SINGLY_UP_TO_ROWS
        await (self._one_by_one(messages, expected) if single else self._batch(messages, expected))

    async def _one_by_one(self, messages: Sequence[Outgoing], expected: int) -> None:
        """All on the wire at once: each expects the one before it, by place and by id, so the first failure stops the
        rest. The place alone would let a stale relay's third message in where another relay has just stored its second.
        """
        before = (None, *(message.message_id for message in messages[:-1]))
        answers = await asyncio.gather(
            *(self._store(*each, expected + offset) for offset, each in enumerate(zip(messages, before, strict=True))),
            return_exceptions=True,
        )
        for offset, answer in enumerate(answers):
            if isinstance(answer, Refusing):
                raise answer
            if isinstance(answer, BaseException):
                raise Unsettled(type(answer).__name__) from answer
            if answer != expected + offset + 1:
                raise Unsettled("stored elsewhere")

    async def _store(self, message: Outgoing, before: str | None, expected: int) -> int:
        headers = {**message.headers, "Nats-Expected-Last-Sequence": str(expected)}
        if before is not None:
            headers["Nats-Expected-Last-Msg-Id"] = before
        reply = await self._bus.client.request(
            message.subject, message.body, timeout=PUBLISH_TIMEOUT_S, headers=headers
        )
        return _stored_at(reply.data)

    async def _batch(self, messages: Sequence[Outgoing], expected: int) -> None:
        """One atomic batch (NATS ADR-50): all of it or nothing, and four fsyncs however long it is."""
        batch_id = uuid4().hex
        last = len(messages) - 1
        try:
            for number, message in enumerate(messages):
                headers = {**message.headers, "Nats-Batch-Id": batch_id, "Nats-Batch-Sequence": str(number + 1)}
                if number == 0:
                    headers["Nats-Expected-Last-Sequence"] = str(expected)
                if number < last:
                    await self._bus.client.publish(message.subject, message.body, headers=headers)
                    continue
                headers["Nats-Batch-Commit"] = "1"
                reply = await self._bus.client.request(
                    message.subject, message.body, timeout=PUBLISH_TIMEOUT_S, headers=headers
                )
                if _stored_at(reply.data) != expected + len(messages):
                    raise Unsettled("batch stored elsewhere")
        except (nats.errors.Error, TimeoutError) as problem:
            raise Unsettled(type(problem).__name__) from problem

    async def _ask(self, subject: str, body: bytes, *, missing_ok: bool = False) -> Any:
        reply = await self._bus.client.request(subject, body, timeout=PUBLISH_TIMEOUT_S)
        answer = orjson.loads(reply.data)
        error = answer.get("error")
        if error is None:
            return answer
        if missing_ok and error.get("err_code") == NO_MESSAGE:
            return None
        raise Unsettled(f"{error.get('err_code')}: {error.get('description')}")


def _stored_at(data: bytes) -> int:
    answer = orjson.loads(data)
    if "error" in answer:
        code, description = int(answer["error"].get("err_code") or 0), str(answer["error"].get("description"))
        raise Unsettled(f"{code}: {description}") if code in WRONG_SEQUENCE else Refusing(code, description)
    return int(answer["seq"])


class Relay:
    """Moves the outbox into the stream, under the lock whose connection it is given."""

    def __init__(self, bus: Bus, stream: str, *, linger_s: float = 0.0) -> None:
        self._stream = stream
        self._linger_s = linger_s
        self._writer = StreamWriter(bus, stream)
        self._woken = asyncio.Event()
        self._last = 0
        """Where PostgreSQL says the stream stands, as of our last confirmed publish."""
        self._broken: tuple[str, float] | None = None
        self._refused: tuple[int, float] | None = None

    @property
    def broken(self) -> str | None:
        """What was found wrong with the stream; whoever leads finds it anew every second or so, or it is mended."""
        if self._broken is None or time.monotonic() - self._broken[1] > BROKEN_FRESH_S:
            return None
        return self._broken[0]

    @property
    def stream(self) -> str:
        return self._stream

    @property
    def refused(self) -> int | None:
        """The server's code, while the stream takes nothing; whoever leads is told anew with every try."""
        if self._refused is None or time.monotonic() - self._refused[1] > BROKEN_FRESH_S:
            return None
        return self._refused[0]

    def wake(self) -> None:
        self._woken.set()

    async def run(self, connection: LockConnection) -> None:
        """Lead: settle what the last leader left open, then send for ever.

        Its commits need not wait for the disk: what a crash of the database forgets of them the stream still
        knows, and settling reads it there.
        """
        await connection.execute("set synchronous_commit = off")
        await connection.execute(FIRST_TIME, self._stream)
        settled = False
        while True:
            try:
                if not settled:
                    await self._settle(connection)
                    self._last = await connection.fetchval(LAST_SEQUENCE, self._stream)
                    settled = True
                await self._send_all(connection)
                await self._wait()
            except (Unsettled, nats.errors.Error, TimeoutError) as problem:
                settled = False
                if isinstance(problem, Refusing):
                    self._refused = (problem.code, time.monotonic())
                log.warning("relay.unsettled", stream=self._stream, reason=str(problem) or type(problem).__name__)
                await asyncio.sleep(0.2)
            except StreamBroken as problem:
                settled, self._broken = False, (str(problem), time.monotonic())
                log.error("relay.stream_broken", stream=self._stream, reason=str(problem))
                await asyncio.sleep(1)
                return

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(POLL_S):
                await self._woken.wait()
            await asyncio.sleep(self._linger_s)
        except TimeoutError:
            return

    async def _send_all(self, connection: LockConnection) -> None:
        while True:
            self._woken.clear()
            rows = await connection.fetch(NEXT_ROWS, BATCH_ROWS)
            if rows:
                await self._send(connection, rows)
            if not rows or (len(rows) < BATCH_ROWS and not self._woken.is_set()):
                return  # whoever commits after that look wakes us

    async def _send(self, connection: LockConnection, rows: list[asyncpg.Record]) -> None:
        last = self._last
        messages = [message for row in rows for message in messages_of(row)]
        await self._writer.publish(messages, last)
        point("relay.published")
        places = [last + 1 + 2 * number for number in range(len(rows))]
        await self._record(connection, rows, places, last, last + len(messages))
        self._last = last + len(messages)
        self._refused = None
        BATCH_SIZE.labels(self._stream).observe(len(rows))

    async def _record(
        self, connection: LockConnection, rows: list[asyncpg.Record], places: list[int], before: int, after: int
    ) -> None:
        positions = [row["position"] for row in rows]
        done = await connection.execute(SENT, positions, places, self._stream, after, before)
        if done != "UPDATE 1":
            raise Unsettled("another relay has moved on")
        SENT_TOTAL.labels(self._stream).inc(len(rows))
        point("relay.recorded")

    async def _settle(self, connection: LockConnection) -> None:
        """Make PostgreSQL agree with what the stream really holds beyond our last confirmed publish."""
        ours = await connection.fetchval(LAST_SEQUENCE, self._stream)
        theirs = await self._writer.last_sequence()
        self._broken = None
        if await connection.fetchval(TO_RESEND):
            raise StreamBroken(f"its refilling was interrupted: karuna streams rebuild {self._stream}")
        if theirs < ours:
            raise StreamBroken(f"stream ends at {theirs}, {ours} were sent: karuna streams rebuild {self._stream}")
        if theirs > ours:
            SETTLED_TOTAL.labels(self._stream).inc()
            log.info("relay.settling", stream=self._stream, ours=ours, theirs=theirs)
        for sequence in range(ours + 1, theirs + 1):
            await self._settle_one(connection, sequence)
        for row in await connection.fetch(HALF_ROWS):
            last = await connection.fetchval(LAST_SEQUENCE, self._stream)
            await self._writer.publish(messages_of(row)[1:], last)
            await self._record(connection, [row], [row["internal_sequence"]], last, last + 1)

    async def _settle_one(self, connection: LockConnection, sequence: int) -> None:
        message_id = await self._writer.message_id_at(sequence)
        if message_id is None:
            await connection.execute(SKIP_TO, self._stream, sequence, sequence - 1)
            return
        event_id, _, suffix = message_id.partition(".")
        row = await connection.fetchrow(ROWS_BY_EVENT, UUID(event_id)) if _is_uuid(event_id) else None
        if row is None:
            raise StreamBroken(f"message {sequence} of {self._stream} is not in the outbox: somebody else wrote it")
        if suffix == "open":
            place = row["internal_sequence"] if row["internal_sequence"] is not None else sequence - 1
            await self._record(connection, [row], [place], sequence - 1, sequence)
        else:
            await connection.execute(HALF_SENT, row["position"], sequence, self._stream, sequence - 1)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
