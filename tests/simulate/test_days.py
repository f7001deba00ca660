"""A simulated day lasts as long as it is announced, whenever its first and its last call come."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from karuna.simulate.mix import Town, moments
from karuna.simulate.playing import Ledger, settle
from karuna.simulate.town import spaced
from tests.simulate.test_mix import FACILITIES, PACK


@pytest.mark.parametrize("seed", range(5))
def test_calls_come_at_their_time_of_the_day_from_midnight_on(seed: int) -> None:
    dice, midnight = random.Random(seed), datetime(2026, 11, 23, tzinfo=UTC)
    times = moments(1, 5.3, midnight, dice)
    made = list(spaced(times, Town(PACK, FACILITIES, dice), dice, "key", midnight))
    assert made[0].after_s == (times[0] - midnight).total_seconds()
    assert sum(each.after_s for each in made) >= (times[-1] - midnight).total_seconds()


async def test_a_quiet_evening_passes_as_well() -> None:
    began_s = time.monotonic()
    ledger = Ledger(datetime.now(UTC), lasts_until_s=began_s + 0.3, patience_s=0.0)
    await settle(cast("Any", None), ledger, cast("Any", SimpleNamespace(busy=0)))
    assert time.monotonic() >= ledger.lasts_until_s
