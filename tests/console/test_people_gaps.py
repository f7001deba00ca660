"""Gaps on the screen: figures by place; carers see who, whoever sees counts alone gets no list and no small figure."""

from __future__ import annotations

from typing import Any

from shared.auth import Role
from shared.codes.codes import code_list
from shared.work import new_id
from tests.console.faces import Faces, words_of
from tests.harness import AREA

PERSON = new_id()
AT = "2026-11-22T03:00:00Z"


def label(list_id: str, code: str) -> dict[str, str]:
    codes = code_list(list_id)
    return {"code": code, "th": codes.label(code), "en": codes.label(code, "en")}


def place(code: str | None, th: str | None, people: int | None, lacking: int | None) -> dict[str, Any]:
    gaps = [{"gap": label("gap", gap), "people": lacking} for gap in code_list("gap").codes]
    needs = [{"urgency": label("need_urgency", level), "people": lacking} for level in ("9", "5", "1")]
    return {"code": code, "th": th, "en": th, "people": people, "gaps": gaps, "needs": needs}


def known(faces: Faces, *, whole: bool = True) -> None:
    few = 2 if whole else None
    faces.services.answers |= {
        "GET registry /v1/gaps": {
            "area": AREA, "group": label("group", "bedridden"), "days": 90, "whole": whole,
            "total": place(None, None, 30, 12), "places": [place("460101", "ต.กาฬสินธุ์", 28, 10), place(None, None, few, few)],
        },
        "GET registry /v1/gaps/people": {"more": True, "items": [
            {"person_id": str(PERSON), "area": AREA, "place": "460101", "place_th": "ต.กาฬสินธุ์", "place_en": "x",
             "visited_at": None, "assessed_at": AT, "urgency": label("need_urgency", "9")}]},
        "POST registry /v1/persons/search": {"items": [{"id": str(PERSON), "name": "ทองดี <b>"}], "more": False},
    }  # fmt: skip


async def test_carers_see_the_figures_and_who_is_behind_one(faces: Faces) -> None:
    known(faces)
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    shown = await orathai.get("/people/gaps?group=elderly&place=460101&days=30")
    [asked] = faces.services.of("GET registry /v1/gaps")
    assert asked.query == {"area": AREA, "group": "elderly", "area_code": "460101", "days": "30"}
    words = words_of(shown)
    for said in ("ผู้ป่วยติดเตียง", "ต.กาฬสินธุ์", "ไม่มีเบอร์โทรศัพท์", "ไม่ทราบที่อยู่", "28"):
        assert said in words, said
    assert faces.services.of("GET registry /v1/gaps/people") == [], "nobody is listed before a figure is pressed"
    assert "gap=no_phone" in shown.text

    who = await orathai.get("/people/gaps?group=elderly&gap=no_phone&skip=20")
    [asked] = faces.services.of("GET registry /v1/gaps/people")
    assert (asked.purpose, asked.query["gap"], asked.query["skip"]) == ("case_work", "no_phone", "20")
    assert f"/people/{PERSON}?purpose=case_work" in who.text
    assert f"/people/visits/new?person={PERSON}" in who.text
    assert "ทองดี &lt;b&gt;" in who.text
    assert "skip=40" in who.text
    faces.services.answers["GET registry /v1/gaps"] = 422, {"code": "x", "th": "ไม่มีพื้นที่นี้"}
    wrong = await orathai.get("/people/gaps?place=99")
    assert (wrong.status_code, "ไม่มีพื้นที่นี้" in words_of(wrong)) == (422, True)


async def test_who_sees_counts_alone_gets_no_list(faces: Faces) -> None:
    known(faces, whole=False)
    auditor = await faces.sign_in(Role.AUDITOR)
    shown = await auditor.get("/people/gaps?gap=no_phone&place=460101&days=30")
    [asked] = faces.services.of("GET registry /v1/gaps")
    assert ("area_code" in asked.query, asked.query["days"]) == (False, "90"), "no part of the municipality, one period"
    assert 'value="30"' not in shown.text
    assert 'name="place"' not in shown.text
    assert "place=460101" not in shown.text
    assert faces.services.of("GET registry /v1/gaps/people") == []
    assert "gap=no_phone" not in shown.text
    assert "ไม่แสดง" in words_of(shown)
    assert (await (await faces.sign_in(Role.DISPATCHER)).get("/people/gaps")).status_code == 403
    assert "/people/gaps" in (await auditor.get("/reports")).text
