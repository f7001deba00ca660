"""The watchdog: an emergency that nobody has accepted in time alarms at the desk, by intake's own clock.

It needs neither broker nor dispatch: a row of ``due`` wakes it, the database alone says whether somebody goes.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from services.intake import state
from services.intake.store import calls as store
from services.intake.store import progress as progress_store
from services.intake.verbs.common import CONFLICT, Row
from shared.errors import Refused
from shared.events.intake import CallUnanswered
from shared.work import Work

WATCHDOG = "watchdog"

ALREADY_SEEN = ("alarm_acknowledged", "มีผู้รับทราบสัญญาณเตือนนี้แล้ว", "somebody has acknowledged this alarm already")


def watched(call: Row) -> bool:
    """Whether somebody must be on the way: an open emergency of ours that is not entered from paper."""
    return bool(
        call["lane"] == "emergency"
        and call["status"] == "open"
        and call["served"]
        and not call["back_entry"]
        and call["answered_at"] is None
    )


async def watch(work: Work, call: Row, watchdog_s: int, *, since: datetime | None = None) -> None:
    """Have the watchdog look at this call ``watchdog_s`` after it was received (or after ``since``)."""
    due_at = (since or call["received_at"]) + timedelta(seconds=watchdog_s)
    await work.later(WATCHDOG, call["id"], due_at, state.origin_of(call))


async def unwatch(work: Work, call_id: UUID) -> None:
    await work.cancel(WATCHDOG, call_id)


async def unanswered_again(work: Work, call: Row, watchdog_s: int) -> Row:
    """Whoever went does not go any more: the watchdog's time begins anew."""
    after = await store.change_call(work.db, call["id"], {"answered_at": None}, work.now)
    if watched(after):
        await watch(work, after, watchdog_s, since=work.now)
    return after


async def bark(work: Work, call_id: UUID) -> None:
    """The time is up. Nothing happens where somebody goes, or the call is over."""
    call = await store.lock_call(work.db, call_id)
    if call is None or not watched(call):
        return
    if await progress_store.raise_alarm(work.db, "unanswered", call_id, call["area"], work.now) is None:
        return
    event = CallUnanswered(
        lane=call["lane"],
        severity=call["severity"],
        severity_scheme=call["severity_scheme"],
        received_at=call["received_at"],
        at=work.now,
        waited_s=max(0, int((work.now - call["received_at"]).total_seconds())),
    )
    work.say(call_id, event, state.origin_of(call))


async def acknowledge(work: Work, alarm: Row) -> Row:
    """Somebody at the desk has seen it.

    Raises:
        Refused: 409, somebody was faster.

    """
    row = await progress_store.acknowledge_alarm(work.db, alarm["id"], work.now, work.cause.actor)
    if row is None:
        raise Refused(CONFLICT, *ALREADY_SEEN)
    return row
