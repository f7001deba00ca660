"""The actions that meet the six barriers: asked, met, unmet, and carried over to the next visit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from services.intake import state
from services.intake.rules import barriers as rules
from services.intake.rules import life
from services.intake.store import barriers as store
from services.intake.store import progress as progress_store
from services.intake.verbs import shown
from services.intake.verbs.common import CONFLICT, Row, by_of, refusing
from shared.errors import refuse
from shared.events.intake import BarrierMet, BarrierUnmet
from shared.work import Work, new_id

CARRIED_OVER = "carried_over"


def opening(work: Work, call: Row, patients: Sequence[Mapping[str, Any]], barrier: str) -> dict[str, Any]:
    """Ticking a barrier opens its action, with an owner."""
    action = rules.action_for(barrier)
    return {
        "id": new_id(), "call_id": call["id"], "area": call["area"],
        "patient_id": patients[0]["id"] if len(patients) == 1 else None, "barrier": action.code,
        "action": shown.ACTION_CODES[action.code], "owner": action.owner, "state": "asked", "outcome": None,
        "reason": None, "exercise": call["exercise"], "opened_at": work.now, "ended_at": None, "carried_from": None,
    }  # fmt: skip


async def open_more(
    work: Work, call: Row, patients: Sequence[Mapping[str, Any]], barriers: Iterable[str]
) -> Sequence[asyncpg.Record]:
    """Open those that the call does not have yet; the new ones."""
    wanted = [opening(work, call, patients, each) for each in dict.fromkeys(barriers)]
    opened = await store.add_barriers(work.db, wanted) if wanted else []
    for barrier in opened:
        work.say(barrier["id"], state.opened_of(barrier), state.origin_of(call))
    return opened


async def held_barrier(work: Work, barrier_id: UUID) -> Row:
    """The barrier, locked.

    Raises:
        Refused: 404.

    """
    barrier = await store.lock_barrier(work.db, barrier_id)
    if barrier is None:
        raise refuse("not_found")
    return barrier


async def meet(work: Work, call: Row, barrier: Row, outcome: str, owner: str | None) -> Row:
    """The action helped.

    Raises:
        Refused: 409, it has ended.

    """
    after = await _end(work, barrier, "meet", outcome, None, owner)
    private = BarrierMet.Private(barrier=barrier["barrier"], outcome=outcome)
    work.say(barrier["id"], BarrierMet(**_about(work, call, barrier), private=private), state.origin_of(call))
    return after


async def miss(work: Work, call: Row, barrier: Row, reason: str, owner: str | None) -> Row:
    """It could not be overcome.

    Raises:
        Refused: 409, it has ended.

    """
    after = await _end(work, barrier, "miss", None, reason, owner)
    private = BarrierUnmet.Private(barrier=barrier["barrier"], reason=reason)
    work.say(barrier["id"], BarrierUnmet(**_about(work, call, barrier), private=private), state.origin_of(call))
    return after


async def _end(work: Work, barrier: Row, act: str, outcome: str | None, reason: str | None, owner: str | None) -> Row:
    with refusing(CONFLICT):
        state_after = life.advance("barrier", barrier["state"], act)
    after = await store.end_barrier(work.db, barrier["id"], state_after, outcome, reason, owner, work.now)
    assert after is not None  # noqa: S101 it is locked
    return after


def _about(work: Work, call: Row, barrier: Row) -> dict[str, Any]:
    return {"call_id": call["id"], "patient_id": barrier["patient_id"], "at": work.now, "by": by_of(work.cause)}


async def carry_over(work: Work, call: Row) -> None:
    """A visit of a series has ended: what is still open for it goes on in the next visit."""
    first_id: UUID = call["series_of"] or call["id"]
    upcoming = await progress_store.next_of_series(work.db, first_id, call["occurrence"] or 1)
    if upcoming is None:
        return
    still_open = [row for row in await store.read_barriers(work.db, [call["id"]]) if row["state"] == "asked"]
    if not still_open:
        return
    opened = await store.add_barriers(work.db, [_carried(work, upcoming, barrier) for barrier in still_open])
    for barrier in opened:
        work.say(barrier["id"], state.opened_of(barrier), state.origin_of(upcoming))
    for barrier in still_open:
        await miss(work, call, barrier, CARRIED_OVER, None)


def _carried(work: Work, upcoming: Row, barrier: asyncpg.Record) -> dict[str, Any]:
    return {
        **dict(barrier.items()),
        "id": new_id(),
        "call_id": upcoming["id"],
        "patient_id": None,
        "opened_at": work.now,
        "carried_from": barrier["id"],
    }
