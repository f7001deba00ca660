"""Code lists and figures."""

from __future__ import annotations

from datetime import timedelta

from shared.work import now_utc
from tests.dispatch.conftest import Town


async def test_codes_are_served_with_both_languages(town: Town) -> None:
    lists = {each["id"]: each for each in (await town.get("/v1/codes"))["items"]}
    assert {"step", "trip_status", "reason_decline", "skill"} <= set(lists)
    assert all(item["th"] and item["en"] for each in lists.values() for item in each["items"])


async def test_response_times_count_what_is_missing(town: Town) -> None:
    unit = await town.unit(1)
    received = now_utc() - timedelta(minutes=9)
    done = await town.call(received_at=received)
    [asked] = await town.asked(done)
    await town.drive(asked["id"], unit, until="clear")
    await town.call(received_at=received)
    await town.call(exercise=True)
    [red] = (await town.get("/v1/reports/response_times"))["rows"]
    assert (red["severity"], red["trips"]) == ("red", 2)
    assert (red["to_scene_missing"], red["to_order_missing"]) == (1, 0)
    assert (red["within_8_min"], red["within_10_min"]) == (0, 1)
    assert 530 < red["to_scene_p50_s"] < 600
    trips = (await town.get("/v1/reports/trips"))["rows"]
    assert {(row["status"], row["outcome"], row["trips"]) for row in trips} == {
        ("completed", "transported", 1), ("requested", None, 1)
    }  # fmt: skip
    [busy] = (await town.get("/v1/reports/units"))["rows"]
    assert busy["runs"] == 2
    assert (await town.get("/v1/reports/queue"))["rows"] == []
    await town.get("/v1/reports/nonsense", status=422)
