"""Where idle units would better stand is proposed where the municipality wants it; nobody is ordered by it."""

from __future__ import annotations

from typing import Any

from services.dispatch import policy
from shared.geo import Point
from shared.pack_parts import DispatchPolicies
from tests.dispatch.conftest import HERE, NORTH, Town
from tests.harness import AREA, bearer

QUARTERS = tuple(Point(HERE[0], HERE[1] + km * NORTH) for km in (0, 6))


def wants(relocation: Any) -> None:
    policy.set_policy(AREA, DispatchPolicies(default_mode="auto", relocation=relocation), demand=QUARTERS)


async def proposed(town: Town, **asked: Any) -> Any:
    return await town.get("/v1/relocations", area=AREA, **asked)


async def test_of_two_at_one_place_one_is_proposed_for_the_other_station_and_stays_until_told(town: Town) -> None:
    here = {str((await town.unit(0)).id), str((await town.unit(0)).id)}
    there = await town.unit(6, on=False)
    wants("propose")
    [move] = (await proposed(town))["items"]
    assert move["unit_id"] in here
    assert move["gain_percent"] > 10
    assert str(round(move["drive_s"] / 60)) in move["en"]
    assert await town.running.sql("select from assignment") == []
    await town.duty(there)
    assert (await proposed(town))["items"] == [], "all stand well"


async def test_it_is_off_unless_the_pack_wants_it_and_for_those_who_dispatch_here(town: Town) -> None:
    for km in (0, 0, 6):
        await town.unit(km, on=km == 0)
    wants("off")
    assert await proposed(town) | {"at": ""} == {"at": "", "proposes": False, "items": []}
    wants("propose")
    assert (await proposed(town, headers=bearer("dispatcher", areas=["elsewhere"])))["items"] == []
    await proposed(town, headers=bearer("call_taker"), status=403)
