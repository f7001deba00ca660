"""Hearing other services: every event applied once and in order, whatever the broker does.

Per message: lock (noun, aggregate) and look at its cursor. Already applied: acknowledge. Next: effect and cursor in
one transaction. Further: park it until the hole closes. A backlog is applied in groups, one transaction for many
messages; where one of a group makes trouble the group is undone, that one goes alone, and the others in groups again.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import datetime
from functools import partial
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge, Histogram

from shared import cursors as store
from shared.crash import point
from shared.cursors import Key
from shared.database import AWAY, COLLISION, TOO_LONG, Connection, Pool
from shared.events.envelope import Envelope, NotOurs, decode, event_of
from shared.heard import Enough, Handler, Hears, Letter, Message, Raw, Unknown
from shared.logs import about
from shared.work import Cause, Work, new_id, now_utc, transaction

log = structlog.get_logger()

HOLE_ALARM_S = 30
TRIES = 3
TOO_OFTEN = 4
"""So often a group may take too long; after that each of its messages is tried alone."""
GROUP = 100

APPLIED = Counter("karuna_consumer_applied_total", "Messages whose effect was committed", ["noun"])
REPEATED = Counter("karuna_consumer_repeated_total", "Messages that had been applied before", ["noun"])
PARKED = Counter("karuna_consumer_parked_total", "Messages that came too early", ["noun"])
DEAD = Counter("karuna_consumer_dead_letters_total", "Messages set aside for a person", ["noun"])
OLDEST_PARKED = Gauge("karuna_consumer_oldest_parked_seconds", "Age of the oldest parked message")
HOP = Histogram(
    "karuna_hop_seconds",
    "From the event to its effect here",
    ["noun"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 30, 300),
)


class Stuck(Exception):
    """The message at ``place`` of a group made trouble."""

    def __init__(self, place: int, problem: Exception) -> None:
        super().__init__(f"{type(problem).__name__} at {place}")
        self.place = place
        self.problem = problem


def _never() -> bool:
    return False


class Inbox:
    """Applies messages to this service's database. Knows nothing of the broker."""

    def __init__(
        self,
        service: str,
        pool: Pool,
        hears: Sequence[Hears],
        *,
        every: Handler | None = None,
        woke: Callable[[], None] = lambda: None,
    ) -> None:
        """``every`` is given each message, typed or not, in place of what ``hears`` names."""
        self._service = service
        self._pool = pool
        self._every = every
        self._handlers: dict[str, list[Handler]] = {}
        for line in hears:
            self._handlers.setdefault(line.event.short_type(), []).append(line.handler)
        self._woke = woke
        self.anything_parked = True

    async def take(self, messages: Sequence[Raw], enough: Enough = _never) -> Sequence[Raw]:
        """Apply, park or bury the messages; gives those for which there was no time: all others may be acknowledged.

        ``enough``: asked before each but the first of a group; what has been done by then is committed.

        Raises:
            one of ``AWAY`` or ``COLLISION``: the database is away or crowded, nothing may be acknowledged yet.

        """
        letters = await self._read(messages)
        left = await self._take_group(letters, enough)
        if self.anything_parked:
            left_ids = {envelope.id for _, envelope in left}
            await self._ripen({each.aggregate_id for _, each in letters if each.id not in left_ids}, enough)
        return [raw for raw, _ in left]

    async def take_apart(self, messages: Sequence[Raw]) -> None:
        """Each by itself; one that takes too long though the database answers is set aside for a person.

        For a group that took too long again and again: whoever is behind must not wait for ever.

        Raises:
            one of ``AWAY`` or ``COLLISION``: as :meth:`take`; what was taken before is absorbed by the cursors.

        """
        for raw in messages:
            await self._take_alone(raw)
        if self.anything_parked:  # not above: what is parked and takes too long is no fault of the message beside it
            await self.drain(apart=True)

    async def _take_alone(self, raw: Raw) -> None:
        try:
            await self._take_group(await self._read([raw]))
        except TOO_LONG as problem:
            await self._pool.fetchval("select 1")
            await self._bury(raw, _envelope(raw), _where(problem))

    async def _read(self, messages: Sequence[Raw]) -> list[Letter]:
        letters: list[Letter] = []
        for raw in messages:
            try:
                letters.append((raw, decode(raw.body, raw.subject)))
            except NotOurs as problem:
                await self._bury(raw, None, str(problem))
        return letters

    async def _ripen(self, moved: set[UUID], enough: Enough) -> None:
        """Apply what waited for these aggregates; where there is no time, :meth:`watch_holes` does it."""
        while not enough() and (ripe := await store.ripe_of(self._pool, moved)):
            letters = await self._read([Raw(row["subject"], row["body"]) for row in ripe])
            await self._take_group(letters, enough)
            moved |= {envelope.aggregate_id for _, envelope in letters}
        self.anything_parked = await store.any_parked(self._pool)

    async def drain(self, *, apart: bool = False) -> None:
        """Apply what is parked and has become ripe, until nothing more is; ``apart``: as :meth:`take_apart` does."""
        while True:
            ripe = await store.ripe(self._pool)
            self.anything_parked = True
            raws = [Raw(row["subject"], row["body"]) for row in ripe]
            if apart:
                for raw in raws:
                    await self._take_alone(raw)
            else:
                await self._take_group(await self._read(raws))
            if not ripe:
                break
        self.anything_parked = await store.any_parked(self._pool)

    async def watch_holes(self) -> None:
        """Look again every second (a successor's net), and raise the alarm for a hole that does not close."""
        too_long = 0
        while True:
            await asyncio.sleep(1)
            try:
                state = await store.oldest_hole(self._pool)
                if state["messages"] == 0:
                    OLDEST_PARKED.set(0)
                    continue
                OLDEST_PARKED.set(state["age_s"])
                if state["age_s"] > HOLE_ALARM_S:
                    log.error("consumer.hole", age_s=round(state["age_s"]), messages=state["messages"])
                await self.drain(apart=too_long >= TOO_OFTEN)
                too_long = 0
            except (*AWAY, *COLLISION) as problem:
                too_long += isinstance(problem, TOO_LONG)
                log.warning("consumer.watch_failed", reason=type(problem).__name__)

    async def _take_group(self, letters: Sequence[Letter], enough: Enough = _never) -> Sequence[Letter]:
        """All in one transaction; around whichever makes trouble, those of one aggregate in their order.

        Gives those for which there was no time.
        """
        while letters:
            try:
                return await self._apply(letters, enough)
            except AWAY:
                raise
            except Exception as problem:  # noqa: BLE001 whatever one of a group does, the others go on
                letters = await self._around(letters, problem)
        return ()

    async def _around(self, letters: Sequence[Letter], problem: Exception) -> Sequence[Letter]:
        """See to what made a group fail; gives what is still to be taken of it."""
        stuck = problem if isinstance(problem, Stuck) else None
        reason = stuck.problem if stuck else problem
        log.info("consumer.group_undone", size=len(letters), reason=type(reason).__name__)
        if isinstance(reason, Unknown):
            parked = await self._park_waiting(_early(letters, reason, stuck))
            if parked:
                return [each for each in letters if each[1].id not in parked]
        if stuck is not None:
            await self._take_group(letters[: stuck.place])
            await self._take_one(*letters[stuck.place])
            return letters[stuck.place + 1 :]
        for letter in letters:  # nobody knows whose trouble it is
            await self._take_one(*letter)
        return ()

    async def _take_one(self, raw: Raw, envelope: Envelope) -> None:
        """One message in its own transaction, tried again where that can help, else parked or buried."""
        reason = ""
        for attempt in range(TRIES):
            try:
                await self._apply_one((raw, envelope))
            except AWAY:
                raise
            except Unknown as unknown:
                if await self._park_waiting([((raw, envelope), (unknown.noun, unknown.aggregate_id))]):
                    return
                reason = str(unknown)
            except COLLISION:
                if attempt == TRIES - 1:
                    raise  # a crowd, not poison: the ear waits and comes again
                await asyncio.sleep(0.05 * (attempt + 1))
            except NotOurs as problem:
                reason = str(problem)
                break
            except Exception as problem:  # noqa: BLE001 a poison message may fail in any way
                reason = _where(problem)
            else:
                return
        await self._bury(raw, envelope, reason)

    async def _apply_one(self, letter: Letter) -> None:
        try:
            await self._apply([letter])
        except Stuck as stuck:
            raise stuck.problem from None

    async def _apply(self, letters: Sequence[Letter], enough: Enough = _never) -> Sequence[Letter]:
        """As much as there is time for in one transaction; gives the rest.

        Raises:
            Stuck: from whatever one of them raised. A database that is away, or trouble at the end, comes as it is.

        """
        cause = Cause(f"system:{self._service}")
        async with transaction(self._pool, cause, woke=self._woke) as work:
            cursors = await store.take(work.db, {(each.noun, each.aggregate_id) for _, each in letters})
            moved: dict[Key, int] = {}
            done = 0
            for place, (raw, envelope) in enumerate(letters):
                if place and enough():
                    break
                done += 1
                try:
                    await self._step(work, raw, envelope, cursors, moved)
                except AWAY:
                    raise
                except Exception as problem:
                    raise Stuck(place, problem) from problem
            if moved:
                await store.move(work.db, moved)
                if self.anything_parked:
                    await store.unpark(work.db, moved)
        point("inbox.committed")
        return letters[done:]

    async def _step(
        self, work: Work, raw: Raw, envelope: Envelope, cursors: dict[Key, int], moved: dict[Key, int]
    ) -> None:
        """The law of the cursor for one message, inside the group's transaction."""
        key = (envelope.noun, envelope.aggregate_id)
        seq, erases = envelope.aggregateseq, envelope.short_type.split(".")[2] == "erased"
        if seq <= cursors[key]:
            work.then(partial(_count, REPEATED, envelope))
            if self.anything_parked:
                await store.unpark(work.db, {key: cursors[key]})
            return
        if seq > cursors[key] + 1 and not erases:
            await self._park(work.db, raw, envelope, work.now)
            return
        if erases:
            await work.write_early()  # its handler wipes what others of this group brought, too
        await self._effect(work, envelope)
        point("inbox.effect")
        cursors[key] = moved[key] = seq
        if erases:
            await store.unpark(work.db, {key: seq})
        work.then(partial(_applied, envelope, work.now))

    async def _effect(self, work: Work, envelope: Envelope) -> None:
        if self._every is not None:
            await self._every(work, Message(envelope, None))
            return
        handlers = self._handlers.get(envelope.short_type, [])
        if not handlers or not envelope.data:
            return  # not for us, or erased since: only the cursor moves
        message = Message(envelope, event_of(envelope))
        cause = Cause(f"system:{self._service}", envelope.id, envelope.traceparent)
        with about(envelope.correlationid, envelope.traceparent):
            for handler in handlers:
                await handler(work.because_of(cause), message)

    async def _park(self, db: Connection, raw: Raw, envelope: Envelope, at: datetime, waits: Key | None = None) -> None:
        place = (envelope.noun, envelope.aggregate_id, envelope.aggregateseq)
        await store.park(db, place, raw.subject, raw.body, waits, at)
        self.anything_parked = True
        PARKED.labels(envelope.noun).inc()

    async def _park_waiting(self, waiting: Sequence[tuple[Letter, Key]]) -> set[UUID]:
        """Park each message whose aggregate is still not heard of; gives the ids of those parked.

        The lock on the other aggregate's cursor makes sure that either we see it known, or it sees us parked.
        """
        if not waiting:
            return set()
        parked: set[UUID] = set()
        async with transaction(self._pool, Cause(f"system:{self._service}")) as work:
            cursors = await store.take(work.db, {key for _, key in waiting})
            for (raw, envelope), key in waiting:
                if cursors[key] == 0:
                    await self._park(work.db, raw, envelope, work.now, key)
                    parked.add(envelope.id)
        return parked

    async def _bury(self, raw: Raw, envelope: Envelope | None, reason: str) -> None:
        place = (envelope.noun, envelope.aggregate_id, envelope.aggregateseq) if envelope else None
        times = await store.bury(self._pool, new_id(), raw.subject, place, raw.body, reason, now_utc())
        self.anything_parked = True
        if times == 1:
            DEAD.labels(envelope.noun if envelope else "unreadable").inc()
        with about(envelope.correlationid, envelope.traceparent) if envelope else nullcontext():
            log.error("consumer.dead_letter", subject=raw.subject, reason=reason, times=times)


def _early(letters: Sequence[Letter], unknown: Unknown, stuck: Stuck | None) -> list[tuple[Letter, Key]]:
    """Which of a group wait, and for what: all that grows from the unknown root.

    What is of the same kind needs its own root just as much: in a backlog many come before what they stand on, and
    the group is undone once for all of them.
    """
    roots = {unknown.aggregate_id}
    if stuck is not None and (first := letters[stuck.place][1]).correlationid == unknown.aggregate_id:
        alike = {envelope.correlationid for _, envelope in letters if envelope.short_type == first.short_type}
        roots |= alike - {envelope.aggregate_id for _, envelope in letters}
    return [
        (each, (unknown.noun, each[1].correlationid))
        for each in letters
        if each[1].correlationid in roots and each[1].aggregate_id != each[1].correlationid  # nothing waits for itself
    ]


def _envelope(raw: Raw) -> Envelope | None:
    try:
        return decode(raw.body, raw.subject)
    except NotOurs:
        return None


def _count(counter: Counter, envelope: Envelope) -> None:
    counter.labels(envelope.noun).inc()


def _applied(envelope: Envelope, at: datetime) -> None:
    _count(APPLIED, envelope)
    HOP.labels(envelope.noun).observe(max(0.0, (at - envelope.time).total_seconds()))


def _where(problem: BaseException) -> str:
    """Kind and place of an error. Its text is left out: it may quote what was in the message."""
    frames = traceback.extract_tb(problem.__traceback__)
    place = f"{frames[-1].name}:{frames[-1].lineno}" if frames else "?"
    return f"{type(problem).__name__} at {place}"
