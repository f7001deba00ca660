"""Building histories, trips and barriers anew: empty them and their cursors, then let what was said be heard again.

What the registry itself decided (people, matches, cases, groups) stays: those are its own facts, not a fold of
others'. Each call remembers how far its patients were taken over, so a replay matches and says nothing twice.

All of it is one transaction. Whoever reads sees the old folds until it ends, an interruption leaves them as they were,
and what is heard meanwhile waits for the cursors.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID

from services.registry import store
from services.registry.store.history import Figures
from shared.consumer import Inbox
from shared.cursors import Key
from shared.database import Connection, Pool
from shared.events.envelope import decode
from shared.heard import Hears, Raw
from shared.work import Work


class NotWhole(RuntimeError):
    """What was said is not all there: folds made of it would have less than they have now."""


async def forget(work: Work) -> None:
    """Forget what a replay fills again."""
    await _forget(work.db)


async def _forget(db: Connection) -> None:
    await store.calls.forgetting(db)
    await store.history.forget_projection(db)
    await store.calls.forgetting(db, "off")


async def rebuild(
    db: Connection, hears: Sequence[Hears], said: AsyncIterator[Sequence[Raw]], *, keep: bool
) -> tuple[Figures, Figures]:
    """Make the folds anew of everything that was ``said`` and had been heard here; gives figures before and after.

    ``db`` has no transaction open, and no limit of time. Not ``keep``: it is all taken back.

    Raises:
        NotWhole: something that was heard here is not said any more; nothing was changed.

    """
    work = db.transaction()
    await work.start()
    try:
        figures = await _replay(db, hears, said)
    except BaseException:  # also being cancelled: the folds stay as they were
        await work.rollback()
        raise
    await (work.commit() if keep else work.rollback())
    return figures


async def _replay(
    db: Connection, hears: Sequence[Hears], said: AsyncIterator[Sequence[Raw]]
) -> tuple[Figures, Figures]:
    await store.history.hold_cursors(db)
    before, heard = await store.history.figures(db), await store.history.cursors(db)
    await _forget(db)
    inbox = Inbox("registry", cast("Pool", _Alone(db)), hears)
    inbox.anything_parked = False
    async for group in said:
        await inbox.take([raw for raw in group if _was_heard(raw, heard)])
    _nothing_lost(heard, await store.history.cursors(db))
    return before, await store.history.figures(db)


def _was_heard(raw: Raw, heard: dict[Key, int]) -> bool:
    """What has not been heard yet comes by itself, with all that grows from it."""
    envelope = decode(raw.body, raw.subject)
    return envelope.aggregateseq <= heard.get((envelope.noun, envelope.aggregate_id), 0)


def _nothing_lost(heard: dict[Key, int], again: dict[Key, int]) -> None:
    missing: dict[str, set[UUID]] = {}
    for (noun, aggregate_id), seq in heard.items():
        if again.get((noun, aggregate_id), 0) != seq:
            missing.setdefault(noun, set()).add(aggregate_id)
    if missing:
        said = ", ".join(f"{noun} {len(ids):,}" for noun, ids in sorted(missing.items()))
        raise NotWhole(
            f"คลังเหตุการณ์ขาดสิ่งที่เคยได้ยิน ไม่ได้เปลี่ยนอะไร (the archives lack what was heard, nothing changed): {said}"
        )


class _Alone:
    """One connection in the place of a pool: each transaction becomes a savepoint of the one that is open."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    @asynccontextmanager
    async def acquire(self, *, timeout: float) -> AsyncIterator[Connection]:  # noqa: ASYNC109 as the pool's own
        del timeout
        yield self._db

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)
