"""Figures: right, without exercises, and without cells so small that people could be recognised."""

from __future__ import annotations

from typing import Any

from services.intake.rules.suppression import suppress, without_telling_total
from shared.events import dispatch
from tests.harness import Running
from tests.intake.conftest import acted, booked, emergency, get, post
from tests.intake.events import Crew
from tests.intake.test_take import in_days


async def report(intake: Running, kpi: str, query: str = "") -> list[dict[str, Any]]:
    answer = await get(intake, f"/v1/reports/{kpi}{query}", "supervisor")
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["rows"]
    return rows


async def test_calls_are_counted_by_what_they_are_without_exercises(intake: Running) -> None:
    for _ in range(6):
        await emergency(intake)
        await booked(intake, in_days(1))
    await emergency(intake, exercise=True)
    counts = {(row["by"], row["value"]): row["calls"] for row in await report(intake, "calls", "?area=kalasin")}
    assert counts["all", "all"] == 12
    assert (counts["lane", "emergency"], counts["lane", "booked"]) == (6, 6)
    assert counts["severity", "cbd:red"] == 6
    later = await report(intake, "calls", "?from=2100-01-01T00:00:00Z")
    assert [row["calls"] for row in later] == [0]


async def test_small_cells_are_not_told(intake: Running) -> None:
    for _ in range(6):
        await emergency(intake)
    await booked(intake, in_days(1))
    rows = await report(intake, "calls")
    lanes = {row["value"]: row["calls"] for row in rows if row["by"] == "lane"}
    assert lanes == {"emergency": None, "booked": None}, "one hidden cell could be had by subtraction"


def test_a_total_never_gives_a_hidden_cell_away() -> None:
    told, hidden = suppress(
        [{"asked": 9, "met": 7, "unmet": 2, "open": 0}], ("asked", "met", "unmet", "open"), ("asked",)
    )
    assert told == [{"asked": None, "met": 7, "unmet": None, "open": 0}]
    assert hidden == 2
    rows = [{"by": "lane", "calls": None}, {"by": "lane", "calls": 30}, {"by": "lane", "calls": 8}]
    assert [row["calls"] for row in without_telling_total(rows, "by", "calls", "all")] == [None, 30, None]


async def test_barriers_are_counted_asked_met_and_unmet(intake: Running) -> None:
    for number in range(12):
        taken = await emergency(intake, barriers=["money"])
        barrier = taken["barriers"][0]["id"]
        body = {"outcome": "free_ride"} if number < 6 else {"reason": "no_funds"}
        await post(intake, f"/v1/barriers/{barrier}/{'met' if number < 6 else 'unmet'}", body)
    rows = {row["barrier"]: row for row in await report(intake, "barriers")}
    assert rows["money"] == {"barrier": "money", "asked": 12, "met": 6, "unmet": 6, "open": 0}
    assert rows["time"]["asked"] == 0


async def test_over_and_under_triage_are_counted_against_what_crews_found(intake: Running) -> None:
    for _ in range(5):
        taken = await emergency(intake)
        crew = Crew(intake, taken["id"])
        await crew.requested()
        await crew.tells(dispatch.AssignmentAtScene, rc="green")
        await crew.completed()
    (row,) = await report(intake, "triage")
    assert row == {"over": 5, "under": 0, "right": 0, "uncompared": 0, "calls": 5}


async def test_what_was_handed_over_and_what_nobody_answered_is_counted(intake: Running) -> None:
    for _ in range(5):
        taken = await emergency(intake)
        await acted(intake, taken["id"], "hand-over", {"receiver": "centre_1669", "reason": "red_flag"})
    await intake.do_due("watchdog")
    assert await report(intake, "handed_over") == [{"reason": "red_flag", "ends_call": False, "calls": 5}]
    assert await report(intake, "unanswered") == [
        {"severity": "cbd:red", "emergencies": 5, "unanswered": 5, "answered_later": 0}
    ]
    assert 'karuna_intake_unanswered_calls{severity="red"} 5.0' in (await intake.client.get("/metrics")).text
    assert (await get(intake, "/v1/reports/nonsense", "supervisor")).status_code == 422


async def test_figures_of_a_tambon_or_a_community_are_told_to_who_may_read_calls(intake: Running) -> None:
    for place in (
        {"tambon_code": "460101", "community": "kalasin:donkaruna"},
        {"community": "ชุมชนดอนกรุณา"},
        {"tambon_code": "460102"},
        {"tambon_code": "460102", "community": "donkaruna"},
        {},
    ):
        for number in range(5):
            taken = await emergency(intake, location=place or None, barriers=["money"])
            if number == 0:
                await acted(intake, taken["id"], "hand-over", {"receiver": "centre_1669", "reason": "red_flag"})

    async def all_of(code: str) -> int | None:
        rows = await report(intake, "calls", f"?area_code={code}")
        return next(row["calls"] for row in rows if row["by"] == "all")

    assert await all_of("460101") == 10, "the community says the tambon where nobody else does"
    assert await all_of("460102") == 10, "what was said of the tambon stands"
    assert (await all_of("46"), await all_of("kalasin:donkaruna"), await all_of("460103")) == (20, 15, 0)
    asked = {row["barrier"]: row["asked"] for row in await report(intake, "barriers", "?area_code=kalasin:donkaruna")}
    assert (asked["money"], asked["time"]) == (15, 0)
    (row,) = await report(intake, "unanswered", "?area_code=460102")
    assert row["emergencies"] == 10
    (row,) = await report(intake, "handed_over", "?area_code=460102")
    assert row["calls"] is None, "two of a tambon are people"
    for kpi in ("triage", "ratings"):
        assert await report(intake, kpi, "?area_code=460103") is not None
    for code in ("460199", "kalasin:nowhere", "songkhla:donkaruna", "46010103"):
        assert (await get(intake, f"/v1/reports/calls?area_code={code}", "supervisor")).status_code == 422, code
    for number in range(5):  # of these nobody says a community
        by_river = await emergency(intake, location={"lon": 103.4996, "lat": 16.4486})
        told = {"lon": 103.506, "lat": 16.434, "tambon_code": "460102", "address": f"{number} หมู่ 5"}
        await emergency(intake, location=told)
    shown = (await get(intake, f"/v1/calls/{by_river['id']}")).json()["location"]
    assert (shown["community"], shown["area_codes"]) == (None, ["46010205", "kalasin:nuamai"])
    assert (await all_of("kalasin:nuamai"), await all_of("kalasin:talatkao")) == (5, 5), "by the point"
    assert await all_of("46010205") == 10, "by the point, and by what the address says of the village"
    assert await all_of("460102") == 20, "a point without a tambon lies in that of its community"
    assert await all_of("460101") == 10, "what was said of the tambon stands"
    for role in ("auditor", "admin"):
        refused = await get(intake, "/v1/reports/calls?area_code=460101", role)
        assert (refused.status_code, refused.json()["code"]) == (403, "all_of_it")
