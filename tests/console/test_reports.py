"""Figures as their owners computed them: small cells kept back, both calendars, files that no spreadsheet executes."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import date
from typing import Any

import pytest

from services.console.pages.reports import _cell, _value, all_reports
from services.console.paper import Table
from services.console.press import pdf
from services.console.rules.periods import fiscal_year, period
from services.console.rules.tables import Column, Section, as_csv, bars, publishable, rows_of
from services.console.texts import texts
from services.dispatch.api.reports import Kpi as DispatchKpi
from services.intake.api.reports import Kpi as IntakeKpi
from shared.auth import Role
from shared.codes.codes import code_list
from shared.refusal import Refusal
from tests.console.faces import Faces, words_of

TODAY = date(2026, 11, 22)
SECTION = Section(size="trips", columns=(Column(name="severity", kind="code", list="severity_cbd"),
                                         Column(name="trips", kind="count"),
                                         Column(name="late_share", kind="share", of="late")))  # fmt: skip


def test_the_fiscal_year_is_the_thai_one_and_days_are_read_in_both_eras() -> None:
    assert fiscal_year(TODAY) == (date(2026, 10, 1), date(2027, 9, 30))
    assert fiscal_year(date(2026, 9, 30)) == (date(2025, 10, 1), date(2026, 9, 30))
    last = period("last_fiscal", TODAY)
    assert (last.from_on, last.to_on) == (date(2025, 10, 1), date(2026, 9, 30))
    month = period("last_month", date(2026, 3, 31))
    assert (month.from_on, month.to_on) == (date(2026, 2, 1), date(2026, 2, 28))
    typed = period("days", TODAY, "1/10/2568", "2026-01-31")
    assert (typed.from_on, typed.to_on) == (date(2025, 10, 1), date(2026, 1, 31))
    assert typed.bounds[0].isoformat() == "2025-09-30T17:00:00+00:00"
    for wrong in (("x", "y"), ("1/2/2569", "1/1/2569"), ("1/1/1700", "1/1/2569")):
        with pytest.raises(Refusal):
            period("days", TODAY, *wrong)


def rows(*trips: int) -> list[dict[str, Any]]:
    return [{"severity": f"s{n}", "trips": each, "late": each} for n, each in enumerate(trips)]


@pytest.mark.parametrize(
    ("trips", "told"),
    [((3, 9, 20), [None, None, 20]), ((3, 4, 20), [None, None, 20]), ((0, 5, 20), [0, 5, 20]), ((4,), [None]),
     ((1, 0, 7), [None, 0, None]), ((), [])],
)  # fmt: skip
def test_a_small_row_goes_and_one_alone_takes_the_next_smallest_with_it(
    trips: tuple[int, ...], told: list[Any]
) -> None:
    shown = publishable(SECTION, rows(*trips))
    assert [row["trips"] for row in shown] == told
    kept = rows_of(SECTION, {"rows": rows(*trips)})
    assert all((row["late_share"] is None) == (not row["trips"]) for row in kept), "no share tells a hidden count"


def test_a_spreadsheet_executes_nothing_and_finds_thai() -> None:
    content = as_csv([(["ชื่อ"], [["=1+1"], ["@x"], ["-2"], [-2], [None], ["ก"]]), (["b"], [["\tx"]])])
    assert content.startswith(b"\xef\xbb\xbf")
    read = [line[0] if line else "" for line in csv.reader(io.StringIO(content.decode("utf-8-sig")))]
    assert read == ["ชื่อ", "'=1+1", "'@x", "'-2", "-2", "", "ก", "", "b", "'\tx"]


def test_bars_leave_out_what_is_kept_back() -> None:
    assert [(bar.label, bar.width) for bar in bars(["a", "b", "c"], [10, None, 5], ["10", "<5", "5"])] == [
        ("a", 100.0), ("c", 50.0)
    ]  # fmt: skip
    assert bars(["a"], [39], ["39 %"], top=100)[0].width == 39.0


def test_paper_holds_sarabun_and_any_thai() -> None:
    content = pdf("เวลาตอบสนอง", ["ที่เกิดเหตุ ผู้ป่วย กี่ ปั๊ม น้ำ"], [Table("", ["ก", "n"], [["ทั้งหมด", "1"]] * 60)], "foot", "th")
    assert content.startswith(b"%PDF-")
    assert b"Sarabun" in content


def test_every_figure_has_words_and_an_owner_that_knows_it() -> None:
    known = {"intake": set(IntakeKpi), "dispatch": set(DispatchKpi), "registry": {"served"},
             "notify": {"attempts", "messages", "acknowledged", "fallback"}}  # fmt: skip
    for key, report in all_reports().items():
        assert key in known[report.service]
        assert report.sdg
        wanted = {f"title_{key}", f"about_{key}"}
        wanted |= {f"col_{column.head}" for section in report.section for column in section.columns}
        wanted |= {f"part_{section.rows}" for section in report.section}
        assert {f"reports.{each}" for each in wanted} <= texts().keys()


def test_what_two_figures_of_the_page_count_otherwise_has_not_the_same_head() -> None:
    heads = {
        (texts()[f"reports.col_{column.head}"].of(lang), key)
        for key, report in all_reports().items()
        for section in report.section
        for column in section.columns
        for lang in ("th", "en")
        if column.kind == "count"
    }
    assert [head for head, times in Counter(head for head, _ in heads).items() if times > 1] == []


@pytest.mark.parametrize(
    ("by", "of"),
    [
        ("kind", "kind"),
        ("lane", "lane"),
        ("channel", "channel"),
        ("status", "call_status"),
        ("outcome", "reason_close"),
    ],
)
def test_what_calls_are_counted_by_is_said_in_words(by: str, of: str) -> None:
    for lang, item in ((lang, item) for item in code_list(of).items for lang in ("th", "en")):
        assert _value(by, item.code, lang) == getattr(item, lang)
    assert _value("severity", "cbd:red", "th") == "แดง (วิกฤติ) · เกณฑ์คัดแยก 1669 (CBD)"


def test_what_did_not_happen_is_not_what_nobody_knows() -> None:
    none = {"days": None, "trips": None, "km": None}
    said = [_cell(Column(name=name, kind=kind), none, "en") for name, kind in (("days", "days"), ("trips", "count"))]
    assert said == ["none in this time", "withheld"]
    assert _cell(Column(name="km", kind="km"), none, "en") == "–"


def town(faces: Faces) -> None:
    red = {"severity": "red", "severity_scheme": "cbd", "trips": 40, "within_8_min": 20, "within_10_min": 30,
           "to_accept_p50_s": 20.0, "to_accept_p90_s": 61.0, "to_scene_p50_s": 480.0, "to_scene_p90_s": 700.0,
           "to_scene_missing": 2}  # fmt: skip
    green = {**red, "severity": "green", "trips": 2, "to_scene_missing": 1, "within_8_min": 1}
    faces.services.answers |= {
        "GET dispatch /v1/reports/response_times": {"rows": [red, green, {**red, "severity": "yellow", "trips": 7}]},
        "GET dispatch /v1/exports/missions": {"items": [mission()], "next": None},
        "GET registry /v1/reports/served": {
            "total": {"code": "all", "th": "ทั้งหมด", "en": "all", "persons": 1918, "trips": 2400},
            "by_lane": [], "by_group": [], "by_barrier": [],
        },
    }  # fmt: skip


def mission() -> dict[str, Any]:
    stamps = dict.fromkeys(("asked_at", "en_route_at", "left_scene_at", "at_destination_at", "at_base_at"))
    return {"trip_id": "t", "call_id": "c", "area": "kalasin", "kind": "medical", "severity_scheme": "cbd", "idc": "red",
            "rc": None, "status": "completed", "outcome": None, "unit": "=K1", "unit_level": "bls", "facility": None,
            "received_at": "2026-11-22T03:00:00Z", "at_scene_at": "2026-11-22T03:07:30Z", **stamps, "driven_km": 4.5,
            "back_entry": False}  # fmt: skip


async def test_a_figure_that_is_not_shown_for_a_span_says_why_and_is_no_file(faces: Faces) -> None:
    town(faces)
    why = {"code": "one_period", "th": "ครั้งละหนึ่งเดือน", "en": "single months"}
    faces.services.answers["GET registry /v1/reports/served"] = (403, why)
    somchai = await faces.sign_in(Role.AUDITOR)
    assert "ครั้งละหนึ่งเดือน" in words_of(await somchai.get("/reports?period=fiscal"))
    assert (await somchai.get("/reports/served.csv?period=fiscal")).status_code == 403


async def test_the_page_shows_each_figure_and_says_what_does_not_answer(faces: Faces) -> None:
    town(faces)
    malee = await faces.sign_in(Role.SUPERVISOR)
    page = await malee.get("/reports?period=last_fiscal")
    words = words_of(page)
    for part in ("50 %", "39 %", "8:00", "1,918", "ไม่แสดง", "ยังไม่ทราบ", "SDG 3.6"):
        assert part in words.replace("&lt;", "<"), part
    (asked,) = faces.services.of("GET registry /v1/reports/served")
    assert asked.query == {"from": "2025-10-01", "to": "2026-09-30", "area": "kalasin"}
    assert "อ่านวันที่ไม่ออก" in words_of(await malee.get("/reports?period=days&from=x&to=y"))
    somsri = await faces.sign_in(Role.CALL_TAKER)
    before = len(faces.services.asked)
    assert "missions.csv" not in (await somsri.get("/reports")).text
    assert {each.service for each in faces.services.asked[before:]} == {"intake", "dispatch"}, "what the role may see"


async def test_files_are_given_with_the_same_figures(faces: Faces) -> None:
    town(faces)
    malee = await faces.sign_in(Role.SUPERVISOR)
    sheet = await malee.get("/reports/response_times.csv?period=fiscal")
    lines = list(csv.reader(io.StringIO(sheet.content.decode("utf-8-sig"))))
    assert lines[1][1:4] == ["40", "20", "50.0"]
    assert {line[1] for line in lines[2:]} == {"ไม่แสดง"}, "two trips, and the next smallest that would tell of them"
    assert (await malee.get("/reports/response_times.pdf")).content.startswith(b"%PDF-")
    out = await malee.get("/reports/missions.csv")
    head, row = csv.reader(io.StringIO(out.content.decode("utf-8-sig")))
    assert row[head.index("หน่วยปฏิบัติการ")] == "'=K1"
    assert row[head.index("ถึงที่เกิดเหตุ")] == "2026-11-22 10:07:30"
    for path, status in (("/reports/nothing.csv", 404), ("/reports/served.exe", 404), ("/reports/barriers.csv", 404)):
        assert (await malee.get(path)).status_code in {status, 503}, path
    somsri = await faces.sign_in(Role.CALL_TAKER)
    assert (await somsri.get("/reports/missions.csv")).status_code == 403
    assert (await somsri.get("/reports/served.csv")).status_code == 404


async def test_calls_and_people_are_counted_of_a_tambon_or_a_community_by_who_may_read_calls(faces: Faces) -> None:
    town(faces)
    faces.services.answers["GET intake /v1/reports/calls"] = {"rows": []}
    malee = await faces.sign_in(Role.SUPERVISOR)
    page = await malee.get("/reports?place=kalasin:donkaruna")
    words = words_of(page)
    assert "ชุมชนดอนกรุณา" in words
    assert {each.service for each in faces.services.asked} == {"intake", "dispatch", "registry"}, (
        "what knows of no part is not shown"
    )
    assert {each.query.get("area_code") for each in faces.services.asked} == {"kalasin:donkaruna"}
    assert "calls.csv?period=fiscal&amp;area=kalasin&amp;place=kalasin%3Adonkaruna" in page.text
    assert (await malee.get("/reports/calls.csv?place=460101")).status_code == 200
    assert faces.services.of("GET intake /v1/reports/calls")[-1].query["area_code"] == "460101"
    assert (await malee.get("/reports/response_times.csv?place=460101")).status_code == 200
    assert faces.services.of("GET dispatch /v1/reports/response_times")[-1].query["area_code"] == "460101"
    assert "บ้านคุ้งคำ หมู่ 5" in words_of(await malee.get("/reports?place=46010205")), "of which the pack has a boundary"
    assert faces.services.of("GET intake /v1/reports/calls")[-1].query["area_code"] == "46010205"
    assert (await malee.get("/reports/messages.csv?place=460101")).status_code == 404
    niran = await faces.sign_in(Role.CASE_MANAGER)
    before = len(faces.services.asked)
    await niran.get("/reports?place=460101")
    assert "dispatch" not in {each.service for each in faces.services.asked[before:]}, "who sees no trip"
    before = len(faces.services.asked)
    await malee.get("/reports?place=songkhla:elsewhere")
    assert all("area_code" not in each.query for each in faces.services.asked[before:])
    anan = await faces.sign_in(Role.AUDITOR)
    before = len(faces.services.asked)
    shown = await anan.get("/reports?place=460101")
    assert 'name="place"' not in shown.text
    assert all("area_code" not in each.query for each in faces.services.asked[before:])
