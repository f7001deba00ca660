"""People are searched for by POST, read for a purpose that the reader gave, and never listed."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from uuid import UUID

import services
import shared
from karuna.contracts.catalogue import events
from services.console.backend import BackendRefused
from services.console.pages.people import folded, happened, told
from services.console.texts import texts
from shared.auth import Role
from shared.chains import fhir
from shared.work import new_id
from tests.console.faces import Faces, words_of

AUDITS = {"audit", "audit_list"}

PERSON, CASE, CALL = new_id(), new_id(), new_id()
AT = "2026-11-22T03:00:00Z"


def label(code: str, th: str, en: str) -> dict[str, str]:
    return {"code": code, "th": th, "en": en}


def known(faces: Faces, name: str = "ทองดี ใจงาม") -> None:
    """The registry knows one person, with a history of two lines and an open case."""
    hit = {"id": str(PERSON), "area": "kalasin", "name": name, "age": {"years": 71, "estimated": False}, "sex": "female",
           "mobility": "wheelchair", "needs": [], "open_case_id": str(CASE), "exercise": False}  # fmt: skip
    line = {"event_id": str(new_id()), "at": AT, "source": "intake", "type": "intake.call.received", "noun": "call",
            "subject_id": str(CALL), "call_id": str(CALL), "th": "รับแจ้ง", "en": "Received",
            "codes": [{"field": "lane", **label("booked", "นัดหมาย", "booked")}]}  # fmt: skip
    case = {"id": str(CASE), "person_id": str(PERSON), "area": "kalasin", "status": label("open", "เปิดอยู่", "open"),
            "protected": False, "exercise": False, "opened_at": AT, "opened_call_id": None, "closed_at": None,
            "outcome": None, "call_ids": []}  # fmt: skip
    shown = {**hit, "birth_on": "1955-02-01", "birth_year": None, "language": "th", "may_be_texted": True,
             "disclosure": "shared", "registered_at": AT, "contacts": [], "groups": [], "barriers": [],
             "identifiers": [], "open_case_ids": [str(CASE)], "alias": "ยายดี", "usual_place": None, "addresses": [],
             "household": None, "birth_estimated": False, "records": [str(PERSON)], "withheld": []}  # fmt: skip
    faces.services.answers |= {
        "POST registry /v1/persons/search": {"items": [hit], "more": False},
        f"GET registry /v1/persons/{PERSON}": shown,
        f"GET registry /v1/persons/{PERSON}/history": {"items": [line], "next": None},
        "GET registry /v1/cases": {"items": [case], "next": None},
        f"POST registry /v1/cases/{CASE}/close": case,
    }


def test_every_event_of_a_persons_history_is_told_in_few_words() -> None:
    told = {"intake", "registry", "notify"}
    elsewhere = {"registry.agreement", "dispatch.run"}
    nouns = {"trip", "assignment", "patient", "facility", "bed"}
    for each in events():
        type_ = f"{each.SERVICE}.{each.NOUN}.{each.NAME}"
        if (each.SERVICE in told or each.NOUN in nouns) and f"{each.SERVICE}.{each.NOUN}" not in elsewhere:
            line = {"type": f"{type_}.v1", "th": "", "en": "", "codes": []}
            assert happened(line, "th"), type_
            assert 0 < len(happened(line, "en")) <= 45, type_
    unheard = {"type": "dispatch.unheard.of.v1", "th": "ไทย", "en": "English", "codes": []}
    assert happened(unheard, "en") == "English"


def test_messages_and_answers_of_one_call_are_one_line() -> None:
    nouns = ("message", "reply", "message", "assignment", "reply")
    lines = [
        {"noun": noun, "call_id": str(CALL), "event_id": str(new_id()), "type": f"x.{noun}.y.v1"} for noun in nouns
    ]
    lines += [{**lines[3], "type": f"dispatch.assignment.{what}.v1"} for what in ("cleared", "at_base", "crew_changed")]
    assert [[line["noun"] for line in group] for group in folded(lines)] == [
        ["message", "reply", "message"], ["assignment"], ["reply"]
    ]  # fmt: skip


def test_a_booked_ride_comes_to_no_scene_and_to_no_hospital() -> None:
    said = {
        (lane, step): happened(
            {"type": f"dispatch.assignment.{step}.v1", "th": "", "en": "", "codes": [{"field": "lane", "code": lane}]}, "th"
        )
        for lane in ("booked", "emergency") for step in ("at_scene", "left_scene", "at_destination")
    }  # fmt: skip
    assert [word for (lane, _), word in said.items() if lane == "booked"] == ["ถึงจุดรับ", "ออกจากจุดรับ", "ถึงที่หมาย"]
    assert said["emergency", "at_scene"] == "ถึงที่เกิดเหตุ"


def test_a_line_tells_no_code() -> None:
    codes = {"barrier": ("vehicle", "รถ"), "action": ("book_vehicle", "book_vehicle"), "owner": ("dispatcher", "dispatcher"),
             "outcome": ("partner_drove", "partner_drove"), "template": ("gone", "gone"), "score": ("3", "3")}  # fmt: skip
    line = {"codes": [{"field": field, "code": code, "th": th, "en": code} for field, (code, th) in codes.items()]}
    assert told(line, "th") == ["รถ", "ผู้สั่งการ", "ภาคีหรือจิตอาสารับส่ง", "3"]


async def test_a_line_says_of_which_call_and_by_which_unit_where_units_are_known(faces: Faces) -> None:
    known(faces)
    unit = {"field": "unit_id", **label(str(CASE), str(CASE), str(CASE))}
    line = {"event_id": str(new_id()), "at": AT, "source": "dispatch", "type": "dispatch.assignment.at_scene.v1",
            "noun": "assignment", "subject_id": str(CALL), "call_id": str(CALL), "number": "KLS-6911-0017", "th": "", "en": "",
            "codes": [unit]}  # fmt: skip
    faces.services.answers |= {
        f"GET registry /v1/persons/{PERSON}/history": {"items": [line], "next": None},
        "GET dispatch /v1/units/names": {"items": [{"id": str(CASE), "call_sign": "K3"}]},
    }
    for role in (Role.CALL_TAKER, Role.CASE_MANAGER, Role.REGISTRY_OFFICER):
        shown = words_of(await (await faces.sign_in(role)).get(f"/people/{PERSON}?purpose=care"))
        assert "ถึงที่เกิดเหตุ KLS-6911-0017 · K3" in shown
    faces.services.answers["GET dispatch /v1/units/names"] = 503, {"code": "away"}
    assert "KLS-6911-0017" in words_of(
        await (await faces.sign_in(Role.DISPATCHER)).get(f"/people/{PERSON}?purpose=care")
    )


SOUGHT = (
    ("อุไร นาดี (สมมติ 78)", "name"), ("๐๘๑-๒๓๔ ๕๖๗๘", "phone"), ("โทร 043-811-234 ต่อ 12", "phone"), ("+66 81 234 5678", "phone"),
    ("1-1037-00012-34-5", "national_id"), ("๑๑๐๓๗๐๐๐๑๒๓๔๕", "national_id"), ("0812345", "phone"), ("บ้านเลขที่ 12", "name"),
)  # fmt: skip
"""What is typed into the one box → by what the register is asked."""


async def test_a_search_says_what_for_and_leaves_nothing_in_the_address(faces: Faces) -> None:
    known(faces)
    somsri = await faces.sign_in(Role.CALL_TAKER)
    for form, sentence in (({"text": "0812345678"}, "ดูเพื่ออะไร"), ({"purpose": "care"}, "พิมพ์สิ่งที่ค้นหา"),
                           ({"text": "x", "purpose": "case_work"}, "ดูเพื่ออะไร")):  # fmt: skip
        refused = await somsri.post("/people", form)
        assert (refused.status_code, sentence in words_of(refused)) == (422, True)
    assert faces.services.asked == [], "nothing is asked before the reader said what for, in a purpose of the role's"

    found = await somsri.post("/people", {"text": " 0812345678 ", "purpose": "care"})
    (asked,) = faces.services.of("POST registry /v1/persons/search")
    assert (asked.body, asked.purpose, asked.claims["role"]) == ({"phone": "0812345678"}, "care", "call_taker")
    assert f"/people/{PERSON}?purpose=care" in found.text
    assert "0812345678" not in str(found.url)
    for text, way in SOUGHT:
        await somsri.post("/people", {"text": text, "purpose": "care"})
        assert list(faces.services.of("POST registry /v1/persons/search")[-1].body) == [way], text

    faces.services.answers["POST registry /v1/persons/search"] = 422, {"code": "x", "th": "เลขผิด", "en": "not a number"}
    wrong = await somsri.post("/people", {"text": "12", "purpose": "care"})
    assert (wrong.status_code, "เลขผิด" in words_of(wrong)) == (422, True)


async def test_a_person_is_read_only_for_a_purpose_and_the_calendar_follows_the_language(faces: Faces) -> None:
    known(faces, name="<script>alert(1)</script>")
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    asks = await orathai.get(f"/people/{PERSON}")
    assert "ดูข้อมูลบุคคลเพื่ออะไร" in words_of(asks)
    assert faces.services.asked == []
    shown = await orathai.get(f"/people/{PERSON}?purpose=case_work")
    assert {each.purpose for each in faces.services.asked} == {"case_work"}
    assert "<script>alert(1)" not in shown.text
    words = words_of(shown)
    assert "1 ก.พ. 2498" in words
    assert "รับแจ้ง" in words
    english = words_of(await orathai.get(f"/people/{PERSON}?purpose=case_work&lang=en"))
    assert "1 Feb 1955" in english


async def test_a_case_is_closed_by_those_who_care_for_it(faces: Faces) -> None:
    known(faces)
    path = f"/people/{PERSON}/cases/{CASE}/close"
    somsri = await faces.sign_in(Role.CALL_TAKER)
    assert "ปิดเรื่อง" not in words_of(await somsri.get(f"/people/{PERSON}?purpose=care"))
    assert (await somsri.post(path, {"outcome": "normal"})).status_code == 403
    assert f'href="/cases/{CASE}"' not in (await somsri.get(f"/people/{PERSON}?purpose=care")).text
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    page = await orathai.get(f"/people/{PERSON}?purpose=care")
    [link] = re.findall(rf'<a href="/cases/{CASE}">.*?</a>', page.text)
    assert ("ดูเคส" in link, "เปิดเคส" in link) == (True, False), "there is one: it would read as opening another"
    first = re.search(r'<select id="outcome-1"[^>]* required[^>]*>\s*<option value="([^"]*)"', page.text)
    assert (first and first[1]) == "", "how it ended is chosen, not there beforehand"
    closed = await orathai.post(path, {"outcome": "normal", "purpose": "case_work"})
    assert (closed.status_code, closed.headers["location"]) == (303, f"/people/{PERSON}?purpose=case_work")
    (asked,) = faces.services.of(f"POST registry /v1/cases/{CASE}/close")
    assert (asked.body, asked.purpose) == ({"outcome": "normal"}, "case_work")


async def test_a_case_is_opened_by_hand_as_a_protected_one_where_that_is_said(faces: Faces) -> None:
    known(faces)
    path, at = f"/people/{PERSON}/cases", f"/people/{PERSON}?purpose=care"
    faces.services.answers |= {"GET registry /v1/cases": {"items": [], "next": None},
                               "POST registry /v1/cases": {"id": str(CASE)}}  # fmt: skip
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    form = (await orathai.get(at)).text
    assert (f'action="{path}"' in form, 'name="protected" value="yes"' in form) == (True, True)
    for said in ({}, {"protected": "yes"}):
        opened = await orathai.post(path, {"purpose": "care", **said})
        assert (opened.status_code, opened.headers["location"]) == (303, f"/cases/{CASE}")
    bodies = [each.body for each in faces.services.of("POST registry /v1/cases")]
    assert bodies == [{"person_id": str(PERSON), "protected": protected} for protected in (False, True)]
    of_others = faces.services.answers[f"GET registry /v1/persons/{PERSON}"]
    of_others["area"] = "songkhla"
    assert f'action="{path}"' not in (await orathai.get(at)).text, "their own municipality opens it"


def test_a_form_that_was_saved_already_says_so_in_place_of_its_key() -> None:
    wrong = {"field": "Idempotency-Key", "code": "key_reused", "th": "Idempotency-Key นี้", "en": "this Idempotency-Key"}
    refused = BackendRefused(422, {"code": "key_reused", "errors": [wrong]})
    assert "บันทึกไปแล้ว" in refused.sentence("th")
    assert "saved already" in refused.sentence("en")


async def test_who_cares_for_somebody_sees_who_looked_of_which_agency_and_why(faces: Faces) -> None:
    known(faces)
    hospital = {"id": str(new_id()), "name_th": "รพ. ตัวอย่าง", "name_en": None}
    row = {
        "at": AT,
        "role": "case_manager",
        "purpose": "care",
        "caller": "person:agent",
        "act": "read",
        "agency": hospital,
    }
    looks = [{**row, "act": "something_new", "caller": "wichai", "agency": None}, row]
    faces.services.answers[f"GET registry /v1/persons/{PERSON}/looks"] = {"items": looks}
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    words = words_of(await orathai.get(f"/people/{PERSON}?purpose=care"))
    assert "ใครเคยดู" in words
    assert words.index("something_new") < words.index("person:agent ผู้จัดการรายกรณี · รพ. ตัวอย่าง"), (
        "as the registry tells them"
    )
    [asked] = faces.services.of(f"GET registry /v1/persons/{PERSON}/looks")
    assert (asked.claims["role"], asked.purpose) == ("case_manager", "care")
    assert "ใครเคยดู" not in words_of(await (await faces.sign_in(Role.CALL_TAKER)).get(f"/people/{PERSON}?purpose=care"))
    assert len(faces.services.of(f"GET registry /v1/persons/{PERSON}/looks")) == 1
    faces.services.answers[f"GET registry /v1/persons/{PERSON}/looks"] = 503, {"code": "away"}
    assert "ยังไม่ทราบ" in words_of(await orathai.get(f"/people/{PERSON}?purpose=care")), "the rest is shown"


async def test_the_registrys_refusal_is_a_page_in_ones_language(faces: Faces) -> None:
    somsri = await faces.sign_in(Role.CALL_TAKER, lang="en")
    stranger = UUID(int=1)
    faces.services.answers[f"GET registry /v1/persons/{stranger}"] = 404, {"th": "ไม่พบ", "en": "not found here"}
    refused = await somsri.get(f"/people/{stranger}?purpose=care")
    assert (refused.status_code, "not found here" in words_of(refused)) == (404, True)


def test_every_act_that_the_audit_knows_is_said_in_words() -> None:
    """Who looked, and what for, is read by people: no code stands among the words."""
    acts, nouns = set(fhir.ACTIONS), set[str]()
    for path in (each for part in (services, shared) for each in Path(part.__path__[0]).rglob("*.py")):
        calls = [call for call in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(call, ast.Call)]
        told = [call.args for call in calls if isinstance(call.func, ast.Name) and call.func.id in AUDITS]
        acts |= {str(args[2].value) for args in told if isinstance(args[2], ast.Constant)}
        nouns |= {str(args[3].value) for args in told if isinstance(args[3], ast.Constant)}
    assert {"read_as_known", "copy", "plan_visit"} <= acts
    assert [act for act in sorted(acts) if f"people.act_{act}" not in texts()] == []
    assert [noun for noun in sorted(nouns) if f"people.noun_{noun}" not in texts()] == []
