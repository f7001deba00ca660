"""Hydrants checked, equipment lent to trips and given back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.dispatch.rules.life import CLOCK_SKEW
from services.dispatch.store import stock, trips
from services.dispatch.verbs.lives import missing
from shared.errors import Refused
from shared.work import Work, new_id

BROKEN, GONE = "broken", "lost"
"""The conditions in which nobody may take it, and in which nothing comes back."""
REFUSALS = {
    "in_the_future": (422, "เวลานี้ยังมาไม่ถึง", "this time lies in the future", "at"),
    "not_enough": (409, "มีไม่พอให้ยืม", "there are not so many to lend", "count"),
    "not_fit": (409, "ชำรุดหรือสูญหาย ให้ยืมไม่ได้", "broken or lost: nobody may take it", "condition"),
    "returned": (409, "คืนแล้ว", "it was given back", "status"),
    "trip_over": (409, "เที่ยวนี้จบแล้ว", "this trip is over", "trip_id"),
    "out_on_loan": (409, "มีของที่ยังยืมอยู่มากกว่าจำนวนนี้", "more than that is out on loan", "count"),
}  # fmt: skip


def _refuse(code: str) -> Refused:
    status, th, en, field = REFUSALS[code]
    return Refused(status, code, th, en, field=field)


async def put_hydrant(work: Work, hydrant_id: UUID, values: Mapping[str, Any]) -> bool | None:
    """Put a hydrant: True made, False changed, None the same as before.

    Raises:
        Refused: 404, the id is another municipality's.

    """
    made = await stock.put_hydrant(work.db, (hydrant_id, *values.values(), work.now))
    if made is None:
        row = await stock.hydrant(work.db, hydrant_id)
        if row is None or row["area"] != values["area"]:
            raise missing("hydrant")
    return made


async def check(work: Work, hydrant_id: UUID, status: str, at: datetime, note: str | None) -> None:
    """Somebody looked at a hydrant. A check told late stays in its log and does not overrule a newer one.

    Raises:
        Refused: 404; 422 a time to come.

    """
    if await stock.lock_hydrant(work.db, hydrant_id) is None:
        raise missing("hydrant")
    if at > work.now + CLOCK_SKEW:
        raise _refuse("in_the_future")
    await stock.check(work.db, new_id(), hydrant_id, status, min(at, work.now), note, work.cause.actor)


async def put_account(work: Work, account_id: UUID, values: Mapping[str, Any]) -> bool | None:
    """Put an account: True made, False changed, None the same as before.

    Raises:
        Refused: 404 the id is another municipality's; 409 more is out than there would be.

    """
    known = await stock.lock_account(work.db, account_id)
    if known is not None and values["count"] < await stock.lent(work.db, account_id):
        raise _refuse("out_on_loan")
    made = await stock.put_account(work.db, (account_id, *values.values(), work.now))
    if made is None and (known is None or known["area"] != values["area"]):
        raise missing("equipment")
    return made


async def lend(work: Work, account_id: UUID, trip_id: UUID, count: int, due_at: datetime | None) -> UUID:
    """Give so many to a trip.

    Raises:
        Refused: 404 no such account or trip; 409 not so many are there, not fit, or the trip is over.

    """
    row = await stock.lock_account(work.db, account_id)
    if row is None or not row["active"]:
        raise missing("equipment")
    trip = await trips.read(work.db, trip_id)
    if trip is None or trip.area != row["area"]:
        raise missing("trip")
    if trip.ended_at is not None:
        raise _refuse("trip_over")
    if row["condition"] in {BROKEN, GONE}:
        raise _refuse("not_fit")
    if count > row["count"] - await stock.lent(work.db, account_id):
        raise _refuse("not_enough")
    loan_id = new_id()
    await stock.lend(work.db, (loan_id, row["area"], account_id, trip_id, count, work.now, due_at))
    return loan_id


async def give_back(work: Work, loan_id: UUID, condition: str) -> None:
    """It is back, in this condition. What is lost leaves the account; what is broken, too, while others of it are fit:

    whoever has it repaired counts it again.

    Raises:
        Refused: 404; 409 it was given back.

    """
    found = await stock.loan(work.db, loan_id)
    account = await stock.lock_account(work.db, found["account_id"]) if found else None
    if account is None:
        raise missing("loan")
    row = await stock.lock_loan(work.db, loan_id)
    if row is None or row["returned_at"] is not None:
        raise _refuse("returned")
    await stock.give_back(work.db, loan_id, work.now, condition)
    others_fit = condition == BROKEN and account["count"] > row["count"]
    if condition == GONE or others_fit:
        await stock.take_off(work.db, row["account_id"], row["count"], work.now)
    elif condition != "good":
        await stock.set_condition(work.db, row["account_id"], condition, work.now)
