"""Code lists and figures."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from services.dispatch.policy import set_policy
from services.dispatch.rules.stamps import intervals, summarise
from shared.pack_parts import DispatchPolicies, ReportPolicies
from shared.work import now_utc
from tests.dispatch.conftest import Town
from tests.harness import AREA, bearer


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


async def test_the_stamps_report_says_what_the_rule_says(town: Town) -> None:
    now = now_utc()
    missions = []
    for number, until in enumerate(("at_base", "clear", "at_scene")):
        unit = await town.unit(1)
        call_id = await town.call(received_at=now - timedelta(minutes=30))
        [asked] = await town.asked(call_id)
        await town.running.sql(
            "update assignment set asked_at = $1 where ended_at is null", now - timedelta(minutes=29)
        )
        steps = ["accept", "en_route", "at_scene", "left_scene", "at_destination", "clear", "at_base"]
        for place, step in enumerate(steps[: steps.index(until) + 1]):
            await town.step(asked["id"], step, unit, at=now - timedelta(minutes=28 - 3 * place - number))
        await town.running.sql("update unit set active = false")
        trip = await town.trip(call_id)
        stamps = {name: datetime.fromisoformat(at) for name, at in trip["assignments"][0]["stamps"].items()}
        received = datetime.fromisoformat(trip["received_at"])
        missions.append(intervals({**stamps, "received": received, "ordered": stamps["order"]}))
    rows = {row["interval"]: row for row in (await town.get("/v1/reports/stamps"))["rows"]}
    assert list(rows) == [
        "call_handling_s", "turnout_s", "travel_s", "response_s", "on_scene_s", "transport_s", "return_s", "mission_s",
    ]  # fmt: skip
    for name, row in rows.items():
        rule = summarise(missions, name)
        assert (row["known"], row["missing"], row["wrong"]) == (rule.known, rule.missing, rule.wrong)
        assert [row["p50_s"], row["p90_s"], row["mean_s"]] == pytest.approx([rule.p50_s, rule.p90_s, rule.mean_s])


async def test_kilometres_saving_and_co2_are_reckoned_by_the_municipalitys_own_table(town: Town) -> None:
    set_policy(AREA, DispatchPolicies(default_mode="auto", factor=2), reports=ReportPolicies(
        tariff_start_baht=35, tariff_free_km=1, tariff_km_baht=10, co2_g_per_km=200))  # fmt: skip
    unit = await town.unit(1)
    ride = await town.call(received_at=now_utc() - timedelta(minutes=9))
    [asked] = await town.asked(ride)
    await town.drive(asked["id"], unit, until="clear")
    await town.running.sql(
        "update trip set lane = 'booked', pickup_lon = 103.5, pickup_lat = 16.4, drop_lon = 103.5, drop_lat = 16.5"
    )
    [row] = (await town.get("/v1/reports/distance"))["rows"]
    assert (row["lane"], row["trips"], row["persons"]) == ("booked", 1, 1)
    assert row["ride_km"] == pytest.approx(2 * 11.12, rel=0.01), "a tenth of a degree of latitude, times the factor"
    assert row["saved_baht"] == pytest.approx(35 + 10 * (row["ride_km"] - 1))
    assert (row["driven_missing"], row["co2_kg"]) == (1, pytest.approx(row["ride_km"] * 0.2))
    set_policy(AREA, DispatchPolicies())
    [unknown] = (await town.get("/v1/reports/distance"))["rows"]
    assert (unknown["saved_baht"], unknown["co2_kg"]) == (None, None), "without a table nothing is made up"


async def test_days_since_the_last_red_call_over_target(town: Town) -> None:
    await town.call(received_at=now_utc() - timedelta(days=3))
    await town.call(received_at=now_utc() - timedelta(minutes=2))
    await town.call(received_at=now_utc() - timedelta(days=1), exercise=True)
    rows = {row["what"]: row for row in (await town.get("/v1/reports/days_since"))["rows"]}
    assert (rows["red_over_target"]["days"], rows["red_over_target"]["times"]) == (3, 1)
    assert (rows["ride_missed"]["days"], rows["ride_missed"]["times"]) == (None, 0)


async def test_missions_are_exported_with_their_stamps_for_supervisors_alone(town: Town) -> None:
    unit = await town.unit(1)
    call_id = await town.call(received_at=now_utc() - timedelta(minutes=9))
    [asked] = await town.asked(call_id)
    await town.drive(asked["id"], unit, until="clear")
    await town.get("/v1/exports/missions", status=403)
    url = "/v1/exports/missions"
    answer = await town.running.client.get(url, headers=bearer("supervisor"))
    [mission] = answer.json()["items"]
    assert (mission["call_id"], mission["idc"]) == (str(call_id), "red")
    assert mission["received_at"] < mission["at_scene_at"]
    await town.running.sql("update trip set protected = true")
    assert (await town.running.client.get(url, headers=bearer("auditor"))).json()["items"] == []


async def test_figures_of_a_tambon_or_a_community_are_told_to_who_sees_trips(town: Town) -> None:
    """By the place of the call; the community says the tambon where nobody else does, and what was erased lies nowhere."""
    places = (
        {"tambon_code": "460101", "community": "kalasin:donkaruna"}, {"community": "ชุมชนดอนกรุณา"},
        {"tambon_code": "460102"}, {"tambon_code": "460102", "community": "donkaruna"}, {},
        {"area_codes": ["46010604", "kalasin:lamphanrungrueang"]},
    )  # fmt: skip
    unit = await town.unit(1)
    for number, place in enumerate(places):
        call_id = await town.call(
            location={"lon": 103.506, "lat": 16.432, **place}, received_at=now_utc() - timedelta(minutes=9)
        )
        if number == 0:
            [asked] = await town.asked(call_id)
            await town.drive(asked["id"], unit, until="clear")  # and it is sent to the second; the others wait

    async def counted(kpi: str, column: str, code: str) -> int:
        rows = (await town.get(f"/v1/reports/{kpi}", area_code=code))["rows"]
        return sum(row[column] for row in rows)

    codes = ("460101", "460102", "4601", "46", "kalasin:donkaruna", "460103", "460106", "46010604")
    assert [await counted("trips", "trips", code) for code in codes] == [2, 2, 5, 5, 3, 0, 1, 1]
    assert [await counted("response_times", "trips", code) for code in codes] == [2, 2, 5, 5, 3, 0, 1, 1]
    assert [await counted("distance", "trips", code) for code in codes] == [1, 0, 1, 1, 1, 0, 0, 0]
    assert [await counted("queue", "queued", code) for code in codes] == [0, 2, 3, 3, 1, 0, 1, 1]
    assert [await counted("units", "runs", code) for code in codes] == [2, 0, 2, 2, 2, 0, 0, 0]
    assert await counted("stamps", "missions", "460102") == 0 < await counted("stamps", "missions", "460101")
    late = {row["what"]: row["times"] for row in (await town.get("/v1/reports/days_since", area_code="460101"))["rows"]}
    assert late == {"red_over_target": 2, "ride_missed": 0}
    assert sum(row["trips"] for row in (await town.get("/v1/reports/trips"))["rows"]) == 6
    for code in ("460199", "kalasin:nowhere", "songkhla:donkaruna", "46010103"):
        await town.get("/v1/reports/trips", area_code=code, status=422)
    for role in ("auditor", "admin", "case_manager"):
        refused = await town.get("/v1/reports/trips", area_code="460101", status=403, headers=bearer(role))
        assert refused["code"] == "all_of_it"
    await town.running.sql("update trip set details = '{}'")
    assert await counted("trips", "trips", "46") == 0
