"""Swaps of shifts: the other member is asked, and whoever did not act hears what became of it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from shared.events.dispatch import SwapAnswered, SwapAsked
from shared.events.words import By
from shared.work import new_id, now_utc
from tests.notify.conftest import Town, call_origin


async def told(town: Town) -> list[tuple[str, UUID]]:
    """Rule and recipient of every message, in the order in which they were planned."""
    return [(row["rule"], row["recipient_id"]) for row in await town.messages()]


@pytest.mark.parametrize(
    ("status", "to_giver", "to_taker"),
    [
        ("agreed", True, False),
        ("declined", True, False),
        ("withdrawn", False, True),
        ("approved", True, True),
        ("refused", True, True),
    ],
)
async def test_who_did_not_act_is_told(town: Town, status: str, to_giver: bool, to_taker: bool) -> None:
    giver, taker = await town.crew(1), await town.crew(2)
    swap_id, begins = new_id(), now_utc() + timedelta(days=9)
    facts = {
        "shift_id": new_id(), "from_crew_id": giver, "to_crew_id": taker, "from_at": begins, "at": now_utc(),
        "by": By.PERSON,
    }  # fmt: skip
    await town.service.emit(swap_id, SwapAsked(**facts), call_origin(swap_id))
    assert await told(town) == [("crew_swap_asked", taker)]
    answered = SwapAnswered(**facts, status=status, previous_status="asked")
    await town.service.emit(swap_id, answered, call_origin(swap_id))
    wanted = {each for each, yes in ((giver, to_giver), (taker, to_taker)) if yes}
    assert {one for rule, one in await told(town) if rule == f"crew_swap_{status}"} == wanted
    attempts = [one for row in await town.messages() for one in await town.attempts(row["id"])]
    assert all("เวรเริ่ม" in one["text"] for one in attempts if one["channel"] == "line")
    assert attempts
