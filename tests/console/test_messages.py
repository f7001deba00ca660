"""Why somebody was told, or not; send again; an answer heard by phone; the simulated inboxes of the local default."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from services.console.texts import texts
from shared.auth import Role
from shared.work import new_id
from tests.console.faces import Asked, Faces, words_of

CALL, CREW, PATIENT, SENT, SUPPRESSED = (new_id() for _ in range(5))
AT = "2026-11-22T03:00:00Z"


def message(of: object = SENT, **changes: Any) -> dict[str, Any]:
    way = {"number": 1, "channel": "sms", "state": "failed", "address": "••••0001", "text": "สั่งออกเหตุ KLS-6911-0017",
           "due_at": None, "tries": 3, "reason": {"code": "no_route", "th": "ส่งไม่ได้", "en": "no route"}, "code": "69",
           "accepted_at": None, "parts": []}  # fmt: skip
    made = {
        "id": str(of), "call_id": str(CALL), "call_number": "KLS-6911-0017", "recipient_name": "วีระ เมตตาจิต", "trip_id": None, "assignment_id": None, "rule": "crew_ordered",
        "template": "crew_ordered", "recipient_kind": "crew", "recipient_id": str(CREW), "message_class": "emergency",
        "language": "th", "status": "failed", "status_label": {"th": "ส่งไม่สำเร็จ", "en": "failed"}, "reason": None,
        "answer": None, "asks": ["accept", "decline"], "exercise": False, "planned_at": AT, "expires_at": AT,
        "accepted_at": None, "delivered_at": None, "acknowledged_at": None, "resent_from": None, "attempts": [way],
    }  # fmt: skip
    return {**made, **changes}


def town(faces: Faces) -> None:
    quiet = {"code": "opted_out", "th": "ไม่ประสงค์รับข้อความ", "en": "wants no messages"}
    not_told = message(SUPPRESSED, recipient_kind="patient", recipient_id=str(PATIENT), rule="ride_planned",
                       status="suppressed", reason=quiet, attempts=[], asks=[])  # fmt: skip
    reply = {"id": str(new_id()), "call_id": str(CALL), "recipient_kind": "crew", "channel": "phone", "answer": "accept",
             "score": None, "text": None, "said_at": AT}  # fmt: skip
    faces.services.answers |= {
        "GET notify /v1/messages": {"items": [message()], "next": str(SENT)},
        "GET notify /v1/messages/why": {"items": [message(), not_told]},
        "GET notify /v1/replies": {"items": [reply], "next": None},
        "POST intake /v1/calls/search": {"items": [{"id": str(CALL)}], "next": None},
        f"GET intake /v1/calls/{CALL}": {"number": "KLS-6911-0017", "caller": {"name": "ผู้แจ้งสมมติ"},
                                         "patients": [{"id": str(PATIENT), "name": "ทองดี ใจงาม"}]},
        "GET dispatch /v1/crew": {"items": [{"id": str(CREW), "name": "วีระ เมตตาจิต"}], "next": None},
        f"POST notify /v1/messages/{SENT}/resend": (201, {"id": str(new_id()), "status": "planned"}),
        f"POST notify /v1/messages/{SENT}/acknowledge": {"id": str(SENT), "status": "acknowledged"},
    }  # fmt: skip


async def test_the_newest_stand_first_and_a_number_leads_to_its_story(faces: Faces) -> None:
    town(faces)
    somsri = await faces.sign_in(Role.DISPATCHER)
    recent = await somsri.get("/messages?status=failed")
    (asked,) = faces.services.of("GET notify /v1/messages")
    assert asked.query == {"newest": "true", "limit": "50", "status": "failed"}
    assert f"/messages?after={SENT}&amp;status=failed" in recent.text
    words = words_of(recent)
    assert "ส่งไม่ได้" in words
    assert "→ ชุดปฏิบัติการ วีระ เมตตาจิต" in words
    assert "KLS-6911-0017 ดูทั้งเหตุ" in words
    needs = await somsri.get("/messages?status=needs_somebody")
    assert faces.services.of("GET notify /v1/messages")[-1].query == {
        "newest": "true",
        "limit": "50",
        "needs_somebody": "true",
    }
    assert f"/messages?after={SENT}&amp;status=needs_somebody" in needs.text
    assert "ต้องโทรหรือไปพบ" in words_of(needs)
    found = await somsri.post("/messages/find", {"number": "KLS-6911-0017"})
    assert found.headers["location"] == f"/messages/calls/{CALL}"
    faces.services.answers["POST intake /v1/calls/search"] = {"items": [], "next": None}
    assert (await somsri.post("/messages/find", {"number": "KLS-0000-0000"})).status_code == 404


LAPSED = {"code": "assignment_expired", "th": "หมดเวลาตอบรับ", "en": "the time to answer ran out"}


@pytest.mark.parametrize(
    ("what", "said", "not_said"),
    [({"status": "cancelled", "delivered_at": AT, "accepted_at": AT}, "ถึงเครื่องผู้รับ 10:00", "ยกเลิก"),
     ({"status": "cancelled", "accepted_at": AT}, "ผู้ให้บริการรับแล้ว 10:00", "ยกเลิก"),
     ({"status": "cancelled"}, "ยกเลิก", "จบแล้ว"),
     ({"status": "expired", "delivered_at": AT}, "ถึงเครื่องผู้รับ 10:00", "ยกเลิก")],
)  # fmt: skip
async def test_what_reached_a_telephone_is_not_called_cancelled(
    faces: Faces, what: dict[str, Any], said: str, not_said: str
) -> None:
    town(faces)
    faces.services.answers["GET notify /v1/messages"] = {"items": [message(**what, reason=LAPSED)], "next": None}
    words = words_of(await (await faces.sign_in(Role.DISPATCHER)).get("/messages"))
    item = words[words.index("→") :].split("ส่งกี่ทาง")[0]
    assert said in item
    assert not_said not in item
    assert "หมดเวลาตอบรับ" in item


async def test_the_story_names_people_where_the_role_knows_them_and_says_why_one_was_not_told(faces: Faces) -> None:
    town(faces)
    somsri = await faces.sign_in(Role.CALL_TAKER)
    words = words_of(await somsri.get(f"/messages/calls/{CALL}"))
    for part in ("วีระ เมตตาจิต", "ทองดี ใจงาม", "ไม่ได้แจ้ง: ไม่ประสงค์รับข้อความ", "KLS-6911-0017", "รับงาน"):
        assert part in words, part
    auditor = await faces.sign_in(Role.AUDITOR, lang="en")
    page = await auditor.get(f"/messages/calls/{CALL}")
    assert "Not told: wants no messages" in words_of(page)
    assert "วีระ เมตตาจิต" not in page.text
    assert "/resend" not in page.text
    faces.services.answers["GET dispatch /v1/crew"] = 503, {"code": "away"}
    assert (await somsri.get(f"/messages/calls/{CALL}")).status_code == 200, "without names it is still the story"


async def test_the_desk_sends_again_and_records_what_it_heard(faces: Faces) -> None:
    town(faces)
    back = f"/messages/calls/{CALL}"
    auditor = await faces.sign_in(Role.AUDITOR)
    for path in ("resend", "heard"):
        assert (await auditor.post(f"/messages/{SENT}/{path}")).status_code == 403
    somsri = await faces.sign_in(Role.CALL_TAKER)
    again = await somsri.post(f"/messages/{SENT}/resend", {"back": back})
    assert again.headers["location"] == back
    said = await somsri.post(f"/messages/{SENT}/heard", {"answer": "accept", "key": "once", "back": "//evil.example"})
    assert said.headers["location"] == "/messages"
    (asked,) = faces.services.of(f"POST notify /v1/messages/{SENT}/acknowledge")
    assert (asked.body, asked.key) == ({"answer": "accept"}, "once")


async def test_simulated_inboxes_show_what_arrived_and_press_for_invented_people(faces: Faces) -> None:
    entry = {"number": 1, "at": AT, "via": "line", "from": "K", "to": "U/../1", "text": "<b>สั่งออกเหตุ</b>",
             "state": "shown", "buttons": [{"label": "รับงาน", "data": "a=1&b=2"}]}  # fmt: skip
    faces.services.answers["GET simulators /inbox.json"] = {"items": [entry], "total": 1}
    pressed: list[Asked] = []

    def press(asked: Asked) -> Any:
        pressed.append(asked)
        return {}

    faces.services.answers["POST simulators /_control/users/U/../1/postback"] = press
    somsri = await faces.sign_in(Role.DISPATCHER)
    page = await somsri.get("/messages/simulated")
    assert "&lt;b&gt;สั่งออกเหตุ" in page.text
    part = await somsri.get("/messages/simulated", headers={"hx-request": "true"})
    assert part.text.count("<html") == 0
    done = await somsri.post("/messages/simulated/press", {"to": "U/../1", "data": "a=1&b=2"})
    assert (done.status_code, [each.body for each in pressed]) == (303, [{"data": "a=1&b=2"}])
    faces.services.answers["GET simulators /inbox.json"] = 500, "down"
    assert "ไม่ตอบในขณะนี้" in words_of(await somsri.get("/messages/simulated"))
    faces.running.runtime.settings = faces.running.runtime.settings.model_copy(update={"simulators_url": None})
    assert "/messages/simulated" not in (await somsri.get(f"/messages/calls/{CALL}")).text
    assert (await somsri.post("/messages/simulated/press", {"to": "U1", "data": "x"})).status_code == 404


async def test_the_simulated_inbox_says_whose_it_is_where_dispatch_knows_them(faces: Faces) -> None:
    def came(to: str, via: str) -> dict[str, Any]:
        return {"number": 1, "at": AT, "via": via, "from": "K", "to": to, "text": "x", "state": "shown", "buttons": []}

    crew = [{"name": "วีระ เมตตาจิต", "line_user_id": "Ud0e12871", "phone": None},
            {"name": "สมชาย ใจกล้า", "line_user_id": None, "phone": "+66812345678"},
            {"name": "มานี ร่วมเครื่อง", "line_user_id": None, "phone": "0812345678"}]  # fmt: skip
    entries = [came("Ud0e12871", "line"), came("66812345678", "smpp"), came("Uffff0009", "line")]
    faces.services.answers |= {
        "GET simulators /inbox.json": {"items": entries, "total": 3},
        "GET dispatch /v1/crew": {"items": crew, "next": None},
    }
    somsri = await faces.sign_in(Role.DISPATCHER)
    words = words_of(await somsri.get("/messages/simulated"))
    assert "ถึง วีระ เมตตาจิต ชุดปฏิบัติการ" in words
    assert "ถึง สมชาย ใจกล้า, มานี ร่วมเครื่อง" in words, "a shared telephone is both of theirs"
    assert "ถึง ffff0009" in words, "nobody is guessed"
    faces.services.answers["GET dispatch /v1/crew"] = 503, {"code": "away"}
    assert "ถึง d0e12871" in words_of(await somsri.get("/messages/simulated"))


RULES = tomllib.loads((Path(__file__).parents[2] / "services/notify/data/rules.toml").read_text("utf-8"))["rule"]


@pytest.mark.parametrize("rule", [each["id"] for each in RULES])
def test_every_rule_has_a_name_that_people_read(rule: str) -> None:
    assert f"messages.rule_{rule}" in texts()
