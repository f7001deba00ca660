"""Pairs are decided and links taken apart by who keeps the register, with what the registry compared beside each other."""

from __future__ import annotations

from typing import Any

from services.console.pages.people_links import PARTS, compared
from shared.auth import Role
from shared.codes.codes import code_list
from shared.work import new_id
from tests.console.faces import Faces, words_of

ONE, OTHER, PAIR, LINK = (str(new_id()) for _ in range(4))
AT = "2026-11-22T03:00:00Z"


def hit(id_: str, name: str) -> dict[str, Any]:
    return {"id": id_, "area": "kalasin", "name": name, "age": {"years": 76, "estimated": True}, "sex": "female",
            "mobility": None, "needs": [], "open_case_id": None, "exercise": False, "withheld": []}  # fmt: skip


def reason(code: str) -> dict[str, str]:
    of = code_list("duplicate_reason")
    return {"code": code, "th": of.label(code, "th"), "en": of.label(code, "en")}


def known(faces: Faces) -> None:
    reasons = [reason(code) for code in ("family_equal", "given_alike", "birth_differs", "phone_equal")]
    pair = {"id": PAIR, "area": "kalasin", "score": 11.5, "reasons": reasons, "found_at": AT,
            "one": hit(ONE, "สมศรี ใจดี"), "other": hit(OTHER, "<script>สมศี")}  # fmt: skip
    link = {"id": LINK, "area": "kalasin", "linked_at": AT, "one": hit(OTHER, "สมศี ใจดี"), "survivor": hit(ONE, "สมศรี")}
    faces.services.answers |= {
        "GET registry /v1/duplicates": {"items": [pair], "next": "next-page"},
        "GET registry /v1/links": {"items": [link], "next": None},
        f"POST registry /v1/duplicates/{PAIR}/review": {"id": PAIR, "decision": "link", "survivor_id": ONE},
        f"POST registry /v1/persons/{OTHER}/unlink": {"id": OTHER, "other_id": ONE},
    }


def test_every_reason_of_the_registry_stands_in_one_part() -> None:
    codes = code_list("duplicate_reason").codes
    rows = compared([reason(code) for code in codes], "en")
    assert [row.part for row in rows] == list(PARTS)
    assert sum(len(row.verdicts) for row in rows) == len(codes)
    told = {words: verdict for row in rows for verdict, words in row.verdicts}
    assert (told["equal given name"], told["births differ"], told["given names much alike"]) == (
        "same",
        "differs",
        "near",
    )
    assert told["equal day and month, a slip in the year or its era"] == "near"


async def test_a_pair_is_compared_side_by_side_and_decided_with_what_stands_or_why_not(faces: Faces) -> None:
    known(faces)
    officer = await faces.sign_in(Role.REGISTRY_OFFICER)
    shown = await officer.get("/people/duplicates")
    words = words_of(shown)
    for part in ("สมศรี ใจดี", "วันหรือปีเกิดต่างกัน", "คะแนน 11.5", "ไม่มีข้อมูลให้เทียบ", "next-page"):
        assert part in words + shown.text, part
    assert "<script>สมศี" not in shown.text
    personal = [each for each in faces.services.asked if not each.path.startswith("/v1/areas/")]
    assert [each.purpose for each in personal] == ["registration"]

    path = f"/people/duplicates/{PAIR}/review"
    linked = await officer.post(path, {"decision": "link", "survivor_id": OTHER})
    assert linked.headers["location"] == "/people/duplicates/linked"
    assert (await officer.post(path, {"decision": "distinct"})).status_code == 409, "two people: how is it known?"
    apart = await officer.post(path, {"decision": "distinct", "reason": "papers"})
    assert apart.headers["location"] == "/people/duplicates"
    assert [each.body for each in faces.services.of(f"POST registry /v1/duplicates/{PAIR}/review")] == [
        {"decision": "link", "survivor_id": OTHER, "reason": None},
        {"decision": "distinct", "survivor_id": None, "reason": "papers"},
    ]
    faces.services.answers[f"POST registry /v1/duplicates/{PAIR}/review"] = 409, {"th": "ตัดสินคู่นี้ไปแล้ว", "en": "x"}
    late = await officer.post(path, {"decision": "link"})
    assert (late.status_code, "ตัดสินคู่นี้ไปแล้ว" in words_of(late)) == (409, True), "its sentence stands above the queue"


async def test_what_was_linked_is_taken_apart_with_a_reason(faces: Faces) -> None:
    known(faces)
    officer = await faces.sign_in(Role.SUPERVISOR)
    assert "สมศี ใจดี" in words_of(await officer.get("/people/duplicates/linked"))
    path = f"/people/duplicates/linked/{OTHER}/unlink"
    assert (await officer.post(path)).status_code == 409
    assert (await officer.post(path, {"reason": "by_mistake"})).headers["location"] == "/people/duplicates/linked"
    (asked,) = faces.services.of(f"POST registry /v1/persons/{OTHER}/unlink")
    assert (asked.body, asked.purpose) == ({"reason": "by_mistake"}, "registration")


async def test_the_person_page_says_from_how_many_records_it_is_read(faces: Faces) -> None:
    person = {**hit(ONE, "สมศรี"), "birth_on": None, "birth_year": None, "may_be_texted": True, "disclosure": "shared",
              "contacts": [], "groups": [], "barriers": [], "identifiers": [], "records": [ONE, OTHER],
              "alias": None, "usual_place": None, "addresses": [], "household": None, "language": "th"}  # fmt: skip
    faces.services.answers |= {
        f"GET registry /v1/persons/{ONE}": person,
        f"GET registry /v1/persons/{ONE}/history": {"items": [], "next": None},
        "GET registry /v1/cases": {"items": [], "next": None},
    }
    officer, taker = await faces.sign_in(Role.REGISTRY_OFFICER), await faces.sign_in(Role.CALL_TAKER)
    shown = await officer.get(f"/people/{ONE}?purpose=care")
    assert "รวมจาก 2 ระเบียน" in words_of(shown)
    assert "/people/duplicates/linked" in shown.text
    assert "/people/duplicates/linked" not in (await taker.get(f"/people/{ONE}?purpose=care")).text
