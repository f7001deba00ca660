"""Calls that may tell of the same thing. They are shown, never decided: people link them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from services.intake.answers import DuplicateOut
from services.intake.rules import duplicates
from services.intake.state import Row
from services.intake.store import calls as store
from shared.database import Connection, Pool
from shared.geo import Point, box_around
from shared.pack_parts import Pack


async def similar_to(
    db: Connection | Pool, pack: Pack, call: Row, *, brought_by: str | None = None
) -> list[DuplicateOut]:
    """The likeliest first. ``brought_by``: only what they brought themselves, for those outside the desk: who else

    rang, and when, is not theirs to know.
    """
    rule = pack.policies.intake.duplicates
    around = timedelta(minutes=rule.within_min)
    received_at = call["received_at"]
    point = Point(call["lon"], call["lat"]) if call["lat"] is not None else None
    rows = await store.similar_calls(
        db,
        call["area"],
        (received_at - around, received_at + around),
        exercise=call["exercise"],
        phone=call["caller_phone"],
        community=call["community"],
        box=box_around(point, rule.within_m) if point else (None, None, None, None),
    )
    known = {
        str(row["id"]): row
        for row in rows
        if row["id"] != call["id"] and (brought_by is None or row["taken_by"] == brought_by)
    }
    found = duplicates.candidates(_compared(call), [_compared(row) for row in known.values()], rule)
    return [
        DuplicateOut(
            id=UUID(each.call_id),
            number=known[each.call_id]["number"],
            received_at=known[each.call_id]["received_at"],
            points=each.points,
            strength=each.strength,
            reasons=list(each.reasons),
        )
        for each in found
    ]


def _compared(call: Row) -> duplicates.CallFacts:
    return duplicates.CallFacts(
        id=str(call["id"]),
        received_at=call["received_at"],
        point=Point(call["lon"], call["lat"]) if call["lat"] is not None else None,
        community=call["community"],
        phone=call["caller_phone"],
        kind=call["kind"],
        group=call["criteria_group"],
        exercise=call["exercise"],
    )
