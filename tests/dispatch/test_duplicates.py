"""A call that was once a duplicate and is over: being unlinked from another call brings nobody to it."""

from __future__ import annotations

from typing import Any

import pytest

from shared.events import intake
from shared.events.base import Event
from shared.work import now_utc
from tests.dispatch.conftest import Town

ENDS: list[tuple[type[Event], dict[str, Any]]] = [
    (intake.CallWithdrawn, {"private": {"reason": "went_alone"}}),
    (intake.CallClosed, {"private": {"outcome": "done"}}),
    (intake.CallHandedOver, {"ends_call": True, "private": {"receiver": "centre_1669", "reason": "red_flag"}}),
]


@pytest.mark.parametrize(("kind", "more"), ENDS)
async def test_a_call_that_is_over_gets_no_unit_when_a_link_of_it_ends(
    town: Town, kind: type[Event], more: dict[str, Any]
) -> None:
    """Once a duplicate, then a leading call itself, then over: unlinking what followed it is said of it as well."""
    await town.unit()
    call_id, other = await town.call(), await town.call(served=False)
    facts = {"other_call_id": other, "link": "duplicate", "at": now_utc(), "by": "person"}
    await town.say(call_id, intake.CallLinked(**facts, leading_call_id=other))
    await town.say(call_id, kind(at=now_utc(), by="person", **more))
    await town.say(call_id, intake.CallUnlinked(**facts))
    assert [trip["status"] for trip in await town.trips(call_id)] == ["cancelled"]
    assert await town.asked(call_id) == []
