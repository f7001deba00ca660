"""What is kept from one offer to the next says what the day read anew would say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from services.dispatch.shelf import SHELVES
from shared.events.base import Origin
from shared.events.intake import CallErased, CallWithdrawn
from shared.work import now_utc
from tests.dispatch.conftest import HERE, NORTH, Town
from tests.dispatch.test_booking import tomorrow
from tests.dispatch.test_tours import held, near, van
from tests.harness import AREA


def day_after() -> datetime:
    """Far enough for the clock to make no difference between two questions."""
    return tomorrow() + timedelta(days=1)


async def test_after_every_change_the_kept_day_offers_what_a_fresh_one_does(town: Town) -> None:
    one, other = await van(town, 1), await van(town, 2)
    asked, first, second = (
        await near(town, 0.2, day_after()),
        await near(town, 0.4, day_after()),
        await near(town, 0.6, day_after()),
    )

    async def offered() -> Any:
        path = f"/v1/trips/{(await town.trip(asked))['id']}/offers"
        kept, again = await town.get(path), await town.get(path)
        SHELVES.forget()
        fresh = await town.get(path)
        assert kept == again == fresh
        return fresh

    async def book(call: Any, unit: Any) -> None:
        trip = await town.trip(call)
        await town.post(f"/v1/trips/{trip['id']}/assign", {"unit_id": str(unit.id)}, status=201)

    async def decline() -> None:
        await town.step((await held(town, first))["id"], "decline", one, reason="vehicle_fault")

    async def withdraw() -> None:
        await town.say(second, CallWithdrawn(at=now_utc(), by="person"))

    async def weaker() -> None:
        body = {"area": AREA, "kind": "ambulance", "name": "รถทดสอบ", "seats": 4, "stretchers": 1, "wheelchairs": 0,
                "equipment": []}  # fmt: skip
        await town.put("vehicles", body, other.vehicle_id)

    async def away() -> None:
        begins, ends = (day_after() + timedelta(hours=hours) for hours in (4, 7))
        body = {"unit_id": str(one.id), "kind": "transport", "from_at": begins.isoformat(),
                "until_at": ends.isoformat(), "crew_ids": [str(member) for member in one.crew]}  # fmt: skip
        await town.put("shifts", body)

    changes: list[Callable[[], Awaitable[None]]] = [
        lambda: book(first, one), lambda: book(second, other), decline, withdraw, weaker, away,
    ]  # fmt: skip
    seen = [await offered()]
    for change in changes:
        await change()
        seen.append(await offered())
    assert len({str(each) for each in seen}) > len(changes) // 2, "the changes are seen in the offers"


async def test_the_hour_goes_on_and_a_van_that_can_set_out_only_later_is_offered_so(town: Town) -> None:
    """Two offers of the same day, a while apart, differ by the clock alone; the kept one keeps up."""
    unit = await van(town)
    call = await near(town, 0.2, day_after())
    trip = await town.trip(call)
    await town.post(f"/v1/trips/{trip['id']}/assign", {"unit_id": str(unit.id)}, status=201)
    asked = await near(town, 0.6, day_after())
    path = f"/v1/trips/{(await town.trip(asked))['id']}/offers"
    kept = await town.get(path)
    await town.duty(unit)  # on duty it can set out sooner, and what it was is out of date
    after = await town.get(path)
    SHELVES.forget()
    assert after == await town.get(path)
    assert kept["items"]


async def test_while_nothing_changes_nothing_is_put_together_anew(town: Town) -> None:
    """Offers for two riders, one after the other, look at one and the same day; a promise makes it another."""
    unit, other = await van(town, 1), await van(town, 2)
    asking = [await town.trip(await near(town, north, day_after())) for north in (0.2, 0.6, 0.9)]

    async def looked_at(trip: Any) -> Any:
        assert (await town.get(f"/v1/trips/{trip['id']}/offers"))["items"]
        [day] = SHELVES._kept[AREA].days.values()
        return day

    first, second = [await looked_at(trip) for trip in asking[:2]]
    assert second.promised is first.promised
    await town.post(f"/v1/trips/{asking[0]['id']}/assign", {"unit_id": str(unit.id)}, status=201)
    third = await looked_at(asking[2])
    assert [rider.id for rider in third.promised.riders] == [asking[0]["id"]]
    assert third.sheets[str(other.id)][1] is second.sheets[str(other.id)][1], "who promised nothing is as before"


async def test_what_was_erased_is_not_kept(town: Town) -> None:
    await van(town)
    call = await near(town, 0.2, day_after())
    await town.get(f"/v1/trips/{(await town.trip(call))['id']}/offers")
    place = HERE[1] + 0.2 * NORTH
    known = SHELVES.of(AREA, SHELVES._kept[AREA].ways.times).ways
    assert any(point.lat == place for point in known._rows)
    await town.running.emit(call, CallErased(at=now_utc()), Origin(AREA, call))
    assert AREA not in SHELVES._kept
