"""Reviews are written beside what happened, acted on, approved and closed; lessons are searched without a trace."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shared.auth import Role
from shared.codes.codes import code_list
from shared.thai.dates import local_day
from shared.work import new_id, now_utc
from tests.console.faces import Faces, key_of, words_of

REVIEW, CASE, CALL, ACTION = (str(new_id()) for _ in range(4))
AT = "2026-11-22T03:00:00Z"
GENS = code_list("review_gen").codes


def label(list_id: str, code: str) -> dict[str, str]:
    codes = code_list(list_id)
    return {"code": code, "th": codes.label(code), "en": codes.label(code, "en")}


def review(**changes: Any) -> dict[str, Any]:
    action = {"id": ACTION, "what": "สำรวจทาง", "owner": "กองช่าง", "due_on": "2026-11-20", "overdue": True,
              "done_at": None, "done_by": None, "evidence": None}  # fmt: skip
    line = {"event_id": str(new_id()), "at": AT, "source": "intake", "type": "intake.call.received.v1", "noun": "call",
            "subject_id": CALL, "call_id": CALL, "th": "x", "en": "x", "codes": []}  # fmt: skip
    return {"id": REVIEW, "area": "kalasin", "status": label("review_status", "open"), "case_id": CASE, "call_id": None,
            "reason": label("review_reason", "complaint"), "title": "<i>ถึงช้า</i>", "root_cause": None, "opened_at": AT,
            "open_actions": 1, "overdue_actions": 1, "version": 3, "whys": ["รถไปช้า"], "gens": {"place": "ไปดูแล้ว"},
            "missing": ["whys.2"], "lesson": None, "call_kinds": [], "opened_by": "x", "approved_at": None,
            "approved_by": None, "closed_at": None, "actions": [action], "timeline": [line], **changes}  # fmt: skip


def known(faces: Faces, **changes: Any) -> None:
    at = f"/v1/reviews/{REVIEW}"
    lesson = {"review_id": REVIEW, "area": "kalasin", "lesson": "สำรวจทางก่อน", "root_cause": label("root_cause", "access"),
              "call_kinds": [label("kind", "medical")], "approved_on": "2026-11-20"}  # fmt: skip
    cause = {
        "root_cause": label("root_cause", "access"),
        "reviews": 2,
        "complaints": 1,
        "repeated": True,
        "last_at": AT,
    }
    faces.services.answers |= {
        "GET registry /v1/reviews": {"items": [review()], "next": None},
        "POST registry /v1/reviews": (201, {"id": REVIEW}),
        f"GET registry {at}": review(**changes),
        f"PUT registry {at}": (204, ""),
        f"POST registry {at}/approve": (204, ""),
        f"POST registry {at}/actions": (201, {"id": ACTION}),
        f"POST registry {at}/close": (204, ""),
        f"POST registry /v1/review-actions/{ACTION}/done": (204, ""),
        "GET registry /v1/lessons": {"items": [lesson], "next": None},
        "GET registry /v1/lessons/causes": {"area": "kalasin", "from_on": AT, "to_on": AT, "items": [cause]},
    }


async def test_a_review_is_written_on_the_version_read_and_what_is_refused_stays_in_its_fields(faces: Faces) -> None:
    known(faces)
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    at = f"/cases/reviews/{REVIEW}"
    opened = await orathai.post("/cases/reviews", {"case_id": CASE, "reason": "complaint", "title": " ถึงช้า "})
    assert opened.headers["location"] == at
    (asked,) = faces.services.of("POST registry /v1/reviews")
    assert asked.body == {"case_id": CASE, "call_id": None, "reason": "complaint", "title": "ถึงช้า"}

    shown = await orathai.get(at)
    words = words_of(shown)
    for part in ("รับแจ้งแล้ว", "สำรวจทาง", "เลยกำหนด", "20 พ.ย. 2569", "ยังขาด 1 ข้อ", "สถานที่จริง"):
        assert part in words, part
    assert "<i>ถึงช้า" not in shown.text
    assert "อนุมัติและเผยแพร่" not in words, "a supervisor's"

    form = {"version": "3", "why_1": "ก", "why_2": " ข ", "gen_place": "ที่นี่", "root_cause": "access"}
    assert (await orathai.post(at, form)).headers["location"] == at
    (put,) = faces.services.of(f"PUT registry /v1/reviews/{REVIEW}")
    assert put.body == {"version": 3, "whys": ["ก", "ข"], "gens": {"place": "ที่นี่"}, "root_cause": "access"}
    gap = await orathai.post(at, {**form, "why_2": "", "why_3": "ค"})
    assert (gap.status_code, "ตามลำดับ" in words_of(gap)) == (409, True)
    assert len(faces.services.of(f"PUT registry /v1/reviews/{REVIEW}")) == 1
    faces.services.answers[f"PUT registry /v1/reviews/{REVIEW}"] = 409, {"code": "version", "th": "มีผู้แก้ไข", "en": "x"}
    stale = await orathai.post(at, form)
    words = words_of(stale)
    assert (stale.status_code, "มีผู้แก้ไข" in words, "ที่บันทึกไว้: รถไปช้า" in words) == (409, True, True), "both are seen"


async def test_actions_have_owner_day_and_evidence_and_a_supervisor_approves_with_a_lesson(faces: Faces) -> None:
    known(faces)
    malee = await faces.sign_in(Role.SUPERVISOR)
    at, day = f"/cases/reviews/{REVIEW}", local_day(now_utc()) + timedelta(days=30)
    due = f"{day.day}/{day.month}/{day.year + 543}"
    assert "อนุมัติและเผยแพร่" in words_of(await malee.get(at))
    assert (await malee.post(f"{at}/actions", {"what": "x", "owner": "y", "due_on": "เมื่อวาน"})).status_code == 409
    assert (await malee.post(f"{at}/actions", {"what": "x", "owner": " ", "due_on": due})).status_code == 409
    assert (await malee.post(f"{at}/actions/{ACTION}/done", {"evidence": " "})).status_code == 409
    assert (await malee.post(f"{at}/approve", {"lesson": ""})).status_code == 409
    assert [each for each in faces.services.asked if each.method == "POST"] == [], "nothing of this was sent"
    await malee.post(f"{at}/actions/{ACTION}/done", {"evidence": "ภาพถ่าย 12"})
    await malee.post(f"{at}/approve", {"lesson": "ดูทางก่อน", "version": "3", "call_kinds": ["medical"]})
    await malee.post(f"{at}/close")
    bodies = [each.body for each in faces.services.asked if each.method == "POST"]
    key = key_of(await malee.get(at), f'{at}/actions"')
    await malee.post(f"{at}/actions", {"what": "x", "owner": "y", "due_on": due, "key": key})
    assert faces.services.asked[-1].key == key, "pressed twice it is one"
    assert bodies == [{"evidence": "ภาพถ่าย 12"}, {"lesson": "ดูทางก่อน", "call_kinds": ["medical"], "version": 3}, {}]
    done = {"status": label("review_status", "approved"), "approved_at": AT, "lesson": "ดูทางก่อน",
            "root_cause": label("root_cause", "access"), "gens": dict.fromkeys(GENS, "ดูแล้ว"), "missing": []}  # fmt: skip
    known(faces, **done)
    page = await malee.get(at)
    assert ("ดูทางก่อน" in words_of(page), 'name="why_1"' in page.text) == (True, False), "what is approved stands"


async def test_lessons_are_for_everybody_by_words_that_stand_in_no_address_causes_for_who_counts(faces: Faces) -> None:
    known(faces)
    volunteer, malee = await faces.sign_in(Role.VOLUNTEER), await faces.sign_in(Role.SUPERVISOR)
    found = await volunteer.post("/cases/lessons", {"q": " ทาง ", "root_cause": "access"})
    words = words_of(found)
    assert ("สำรวจทางก่อน" in words, "เกิดซ้ำ" in words, "?" in str(found.url)) == (True, False, False)
    assert faces.services.of("GET registry /v1/lessons")[-1].query == {
        "limit": "50",
        "q": "ทาง",
        "root_cause": "access",
    }
    words = words_of(await malee.get("/cases/lessons"))
    assert "2 ครั้ง" in words
    assert "เกิดซ้ำ" in words
    assert "ถึงช้า" in words_of(await malee.get("/cases/reviews?status=open"))
    assert faces.services.of("GET registry /v1/reviews")[-1].query == {"limit": "50", "status": "open"}


async def test_a_complaint_leads_to_a_review_from_the_messages_of_its_call(faces: Faces) -> None:
    known(faces)
    faces.services.answers |= {
        "GET notify /v1/messages/why": {"items": [], "next": None}, "GET notify /v1/replies": {"items": [], "next": None},
    }  # fmt: skip
    malee, wichai = await faces.sign_in(Role.SUPERVISOR), await faces.sign_in(Role.DISPATCHER)
    assert "ทบทวนเพราะมีผู้ร้องเรียน" in words_of(await malee.get(f"/messages/calls/{CALL}"))
    assert "ทบทวนเพราะมีผู้ร้องเรียน" not in words_of(await wichai.get(f"/messages/calls/{CALL}"))
    await malee.post("/cases/reviews", {"call_id": CALL, "reason": "complaint"})
    (asked,) = faces.services.of("POST registry /v1/reviews")
    assert asked.body == {"case_id": None, "call_id": CALL, "reason": "complaint", "title": None}
