"""What was taken for somebody is confirmed, or given to whom it was told of, by who keeps the register."""

from __future__ import annotations

from typing import Any

from shared.auth import Role
from shared.codes.codes import code_list
from shared.work import new_id
from tests.console.faces import Faces, words_of
from tests.console.test_people_links import AT, ONE, OTHER, hit

MATCH, CALL, RUN = (str(new_id()) for _ in range(3))
METHODS = code_list("match_method")
TOLD = {"name": "<script>สมศี", "age": {"years": 75, "estimated": True}, "birth_on": None, "sex": "female",
        "phones": ["+66812345678"], "number": False}  # fmt: skip


def noted(method: str = "name_phone", **changes: Any) -> dict[str, Any]:
    return {"id": MATCH, "person": hit(ONE, "สมศรี ใจดี"), "call_id": CALL, "run_id": None, "row": None,
            "method": {"code": method, "th": METHODS.label(method), "en": METHODS.label(method, "en")},
            "to_check": True, "matched_at": AT, "decision": None, "decided_at": None, "instead_id": None, "owner": None,
            "told": TOLD, "protected": False, **changes}  # fmt: skip


def thing(kind: str, fate: str, why: str) -> dict[str, Any]:
    lists = {"kind": ("belonging", kind), "fate": ("belonging_fate", fate), "why": ("belonging_why", why)}
    named = {name: {"code": code, "th": code_list(of).label(code), "en": code_list(of).label(code, "en")}
             for name, (of, code) in lists.items()}  # fmt: skip
    return {"id": str(new_id()), "what": None, "at": AT, **named}


def known(faces: Faces, *matches: dict[str, Any]) -> None:
    person = {**hit(ONE, "สมศรี ใจดี"), "birth_on": None, "birth_year": None, "may_be_texted": True,
              "disclosure": "shared", "contacts": [], "groups": [], "barriers": [], "identifiers": [], "records": [ONE],
              "alias": None, "usual_place": None, "addresses": [], "household": None, "language": "th",
              "to_check": 2}  # fmt: skip
    faces.services.answers |= {
        "GET registry /v1/matches": {"items": list(matches), "next": MATCH},
        f"GET registry /v1/persons/{ONE}": person,
        f"GET registry /v1/persons/{ONE}/matches": {"items": list(matches), "next": None},
        f"GET registry /v1/persons/{ONE}/history": {"items": [], "next": None},
        "GET registry /v1/cases": {"items": [], "next": None},
        "POST registry /v1/persons/search": {"items": [hit(OTHER, "สมศี มั่นคง"), hit(ONE, "สมศรี ใจดี")], "more": False},
        f"POST registry /v1/matches/{MATCH}/confirm": {"id": MATCH},
        f"GET registry /v1/matches/{MATCH}": {
            "id": MATCH,
            "items": [
                thing("visit", "goes", "in_case"),
                thing("location", "choose", "since"),
                thing("consent", "stays", "own_word"),
            ],
        },
        f"POST registry /v1/matches/{MATCH}/unmatch": {"id": MATCH, "person_id": OTHER},
        f"POST registry /v1/persons/{ONE}/link": {"survivor_id": OTHER, "records": [ONE, OTHER]},
    }


async def test_what_is_presumed_is_shown_beside_the_record_and_confirmed_with_or_without_the_card(faces: Faces) -> None:
    known(faces, noted())
    officer = await faces.sign_in(Role.REGISTRY_OFFICER)
    shown = await officer.get("/people/duplicates/matches")
    for part in ("สมศรี ใจดี", "คาดว่าเป็นบุคคลนี้", "ชื่อและโทรศัพท์ตรงกัน", "0812345678"):
        assert part in words_of(shown), part
    assert "<script>สมศี" not in shown.text
    path = f"/people/duplicates/matches/{MATCH}/confirm"
    for typed, seen in (({}, False), ({"document_seen": "yes"}, True)):
        assert (await officer.post(path, typed)).headers["location"] == "/people/duplicates/matches"
        assert faces.services.of(f"POST registry /v1/matches/{MATCH}/confirm")[-1].body == {"document_seen": seen}
    faces.services.answers[f"POST registry /v1/matches/{MATCH}/confirm"] = 409, {"th": "นำออกไปแล้ว", "en": "x"}
    late = await officer.post(path)
    assert (late.status_code, "นำออกไปแล้ว" in words_of(late)) == (409, True)


async def test_a_number_of_somebody_else_is_shown_with_whose_it_is(faces: Faces) -> None:
    known(faces, noted("new", owner=hit(OTHER, "มานี มีนา")))
    officer = await faces.sign_in(Role.SUPERVISOR)
    assert "แจ้งเลขประจำตัวของ มานี มีนา" in words_of(await officer.get("/people/duplicates/matches"))
    path = f"/people/duplicates/matches/{MATCH}/link"
    await officer.post(path, {"person_id": ONE, "survivor_id": OTHER})
    (linked,) = faces.services.of(f"POST registry /v1/persons/{ONE}/link")
    assert (linked.body, linked.purpose) == ({"survivor_id": OTHER}, "registration")
    assert faces.services.of(f"POST registry /v1/matches/{MATCH}/confirm")


async def test_whose_it_is_is_looked_for_and_it_goes_to_them_with_a_reason(faces: Faces) -> None:
    row = noted(call_id=None, run_id=RUN, row=7)
    known(faces, row, noted(id=str(new_id()), decision="unmatched", instead_id=OTHER, told=None))
    officer = await faces.sign_in(Role.REGISTRY_OFFICER)
    at = f"/people/{ONE}/matches"
    shown = await officer.get(f"{at}?purpose=registration")
    for part in ("แถว 7 ของไฟล์", "เป็นของคนอื่น", "ดูว่าเป็นของใคร"):
        assert part in words_of(shown), part
    looked = await officer.get(f"{at}?purpose=registration&look={MATCH}")
    for part in ("ไปด้วย การเยี่ยม พร้อมภาพ", "เลือกรายการที่เป็นของคนนั้น", "อยู่ที่เดิม ความยินยอม", "เป็นคำของเจ้าตัว"):
        assert part in words_of(looked), part
    assert looked.text.count('name="also"') == 1
    found = await officer.post(f"{at}/{MATCH}/find", {"text": "สมศี", "purpose": "registration"})
    assert "สมศี มั่นคง" in words_of(found)
    assert f'value="{ONE}"' not in found.text, "the person themselves is nobody else"
    act = {"purpose": "registration", "other_id": OTHER}
    assert (await officer.post(f"{at}/{MATCH}/unmatch", act)).status_code == 409, "how is it known?"
    went = await officer.post(f"{at}/{MATCH}/unmatch", {**act, "reason": "asked", "also": OTHER})
    assert went.headers["location"] == f"/people/{OTHER}/matches?purpose=registration"
    await officer.post(f"{at}/{MATCH}/unmatch", {"purpose": "registration", "other_id": "", "reason": "papers"})
    asked = [each.body for each in faces.services.of(f"POST registry /v1/matches/{MATCH}/unmatch")]
    assert asked == [{"reason": "asked", "person_id": OTHER, "also": [OTHER]}, {"reason": "papers"}]


async def test_the_person_page_says_that_something_is_presumed_and_only_keepers_act(faces: Faces) -> None:
    known(faces, noted())
    taker = await faces.sign_in(Role.CALL_TAKER)
    assert "มี 2 รายการที่คาดว่าเป็นของบุคคลนี้" in words_of(await taker.get(f"/people/{ONE}?purpose=care"))
    shown = await taker.get(f"/people/{ONE}/matches?purpose=care")
    assert "คาดว่าเป็นบุคคลนี้" in words_of(shown)
    assert "/unmatch" not in shown.text
    assert "/confirm" not in shown.text
    assert (await taker.post(f"/people/{ONE}/matches/{MATCH}/unmatch", {"reason": "asked"})).status_code == 403


async def test_who_came_by_a_file_is_shown_which_and_by_whom(faces: Faces) -> None:
    known(faces)
    label = {"code": "created", "th": "ขึ้นทะเบียนใหม่", "en": "registered"}
    format_ = {"code": "imed", "th": "ไฟล์จาก iMed@home", "en": "iMed@home"}
    file = {"run_id": RUN, "row": 7, "verdict": label, "format": format_, "begun_at": AT, "begun_by": "person:orathai",
            "agency_id": OTHER, "agency_th": "โรงพยาบาลตัวอย่าง", "agency_en": None}  # fmt: skip
    faces.services.answers[f"GET registry /v1/persons/{ONE}/matches"] = {"items": [], "next": None, "files": [file]}
    officer = await faces.sign_in(Role.REGISTRY_OFFICER)
    shown = await officer.get(f"/people/{ONE}/matches?purpose=registration")
    for part in ("แถว 7 ของไฟล์", "ไฟล์จาก iMed@home", "ขึ้นทะเบียนใหม่", "โดย orathai", "รายชื่อของ โรงพยาบาลตัวอย่าง"):
        assert part in words_of(shown), part
    assert "ไม่มีการแจ้งหรือแถว" not in words_of(shown)
    assert f"/people/imports/{RUN}?from_row=7" in shown.text
