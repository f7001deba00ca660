"""Cases are seen late ones first, worked on together and ended; what the registry refuses stands in its own words."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from services.console.pages.cases import last_day
from shared.auth import Role
from shared.codes.codes import code_list
from shared.thai.dates import local_day
from shared.work import new_id, now_utc
from tests.console.faces import Asked, Faces, key_of, words_of

CASE, PERSON, TASK, MEMBER, GROUP, CREW, AGENCY = (str(new_id()) for _ in range(7))
AT = "2026-11-22T03:00:00Z"


def label(list_id: str, code: str) -> dict[str, str]:
    codes = code_list(list_id)
    return {"code": code, "th": codes.label(code), "en": codes.label(code, "en")}


def hit(name: str) -> dict[str, Any]:
    return {"id": PERSON, "area": "kalasin", "name": name, "age": {"years": 76, "estimated": True}, "sex": "female",
            "mobility": "stretcher", "needs": [], "open_case_id": CASE, "exercise": False, "withheld": []}  # fmt: skip


def case(id_: str = CASE) -> dict[str, Any]:
    return {"id": id_, "person_id": PERSON, "area": "kalasin", "status": label("case_status", "open"),
            "protected": False, "exercise": False, "opened_at": AT, "opened_call_id": None, "closed_at": None,
            "outcome": None, "call_ids": []}  # fmt: skip


def known(faces: Faces) -> None:
    def listed(asked: Asked) -> dict[str, Any]:
        late = asked.query["overdue"] == "true"
        tasks = {"open": 2, "overdue": int(late), "next_due_on": "2026-11-20"}
        who = hit("ยายช้า งานค้าง" if late else "ตาปกติ ตามนัด")
        return {"items": [{**case(), "who": who, "tasks": tasks}], "next": None if late else str(new_id())}

    task = {"id": TASK, "case_id": CASE, "kind": label("task_kind", "visit"), "what": "<b>ดูแผล</b>",
            "assignee_id": CREW, "agency_id": None, "due_on": "2026-11-20", "overdue": True, "assigned_at": AT,
            "assigned_by": "person:orathai", "together_id": None, "done_at": None, "done_by": None, "outcome": None}  # fmt: skip
    member = {"id": MEMBER, "case_id": CASE, "crew_id": CREW, "agency_id": AGENCY, "role": label("team_role", "lead"),
              "answer": label("invitation", "invited"), "invited_at": AT, "answered_at": None}  # fmt: skip
    group = {"id": GROUP, "area": "kalasin", "name": "กลุ่มดอนกลาง", "person_ids": [], "people": [], "changed_at": AT,
             "members": [{"crew_id": CREW, "role": label("team_role", "lead")}]}  # fmt: skip
    agency = {
        "id": AGENCY,
        "name_th": "รพ.สต. ดอน",
        "name_en": None,
        "coordinators": [
            {
                "id": str(new_id()),
                "name": "พยาบาลดวงใจ",
                "phone": "+66811111111",
                "duty": "coordinator",
                "crew_id": CREW,
            }
        ],
    }
    faces.services.answers |= {
        "GET registry /v1/cases": listed,
        "GET registry /v1/areas/kalasin": {"children": [
            {"code": "kalasin:donkaruna", "th": "ชุมชนดอนกรุณา", "en": "Don Karuna"}]},
        f"GET registry /v1/cases/{CASE}": case(),
        f"GET registry /v1/cases/{CASE}/tasks": {"items": [task]},
        f"GET registry /v1/cases/{CASE}/team": {"items": [member]},
        f"GET registry /v1/persons/{PERSON}": hit("ยายมา"),
        "GET registry /v1/care-groups": lambda asked: {"items": [] if "person_id" in asked.query else [group], "next": None},
        "GET registry /v1/agencies": lambda asked: (
            {"items": [agency], "next": None} if "cursor" in asked.query else {"items": [], "next": AGENCY}),
        "GET registry /v1/tasks": {"items": [task], "next": None},
        **{f"POST registry {path}": (204, "") for path in (
            f"/v1/cases/{CASE}/tasks", f"/v1/tasks/{TASK}/done", f"/v1/cases/{CASE}/team", f"/v1/team/{MEMBER}/answer",
            f"/v1/cases/{CASE}/close")},
        f"PUT registry /v1/care-groups/{GROUP}": (204, ""),
        f"POST registry /v1/care-groups/{GROUP}/people": (204, ""),
    }  # fmt: skip


async def test_cases_with_a_late_task_come_first_and_a_community_is_asked_for_by_its_code(faces: Faces) -> None:
    known(faces)
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    shown = await orathai.get("/cases")
    words = words_of(shown)
    assert words.index("ยายช้า") < words.index("ตาปกติ")
    assert "เลยกำหนด" in words
    asked = faces.services.of("GET registry /v1/cases")
    assert [(each.query["area"], each.query["overdue"], each.purpose) for each in asked] == [
        ("kalasin", "true", "case_work"), ("kalasin", "false", "case_work")]  # fmt: skip
    await orathai.get("/cases?place=kalasin:donkaruna")
    assert faces.services.of("GET registry /v1/cases")[-1].query["area_code"] == "kalasin:donkaruna"
    faces.services.answers["GET registry /v1/cases"] = 422, {"th": "ไม่รู้จักพื้นที่นี้", "en": "no such area"}
    assert "ไม่รู้จักพื้นที่นี้" in words_of(await orathai.get("/cases?place=kalasin:donkaruna"))


async def test_a_case_shows_who_does_what_until_when_and_takes_tasks_invitations_and_answers(faces: Faces) -> None:
    known(faces)
    orathai = await faces.sign_in(Role.CASE_MANAGER, login="orathai", name="อรทัย คนดูแล")
    shown = await orathai.get(f"/cases/{CASE}")
    words = words_of(shown)
    for part in (
        "เคสของ ยายมา",
        "พยาบาลดวงใจ (รพ.สต. ดอน)",
        "20 พ.ย. 2569",
        "ผู้รับผิดชอบหลัก",
        "กลุ่มดอนกลาง",
        "มอบโดย อรทัย",
    ):
        assert part in words, part
    assert "<b>ดูแผล" not in shown.text
    assert f"/people/{PERSON}?purpose=case_work" in shown.text
    personal = [each for each in faces.services.asked if each.path != "/v1/agencies"]
    assert {each.purpose for each in personal} == {"case_work"}

    today = local_day(now_utc())
    year, before = today.year + 1, today - timedelta(days=1)
    at = f"/cases/{CASE}"
    given = {"kind": "bring", "due_on": f"๓๐/๑๒/{year + 543}", "what": " ไม้เท้า ", "agency_ids": AGENCY}
    key = key_of(shown, f'{at}/tasks"')
    assert (await orathai.post(f"{at}/tasks", {**given, "key": key})).headers["location"] == at
    for wrong, sentence in (
        ({"due_on": "30/12/1999"}, "ปี"),
        ({"due_on": f"{before:%d/%m/%Y}"}, "ผ่านไปแล้ว" if before.year == today.year else "ปี"),
        ({"agency_ids": []}, "กรุณาระบุผู้รับผิดชอบ"),
    ):
        refused = await orathai.post(f"{at}/tasks", {**given, **wrong})
        assert (refused.status_code, sentence in words_of(refused), "ไม้เท้า" in refused.text) == (409, True, True)
    (asked,) = faces.services.of(f"POST registry /v1/cases/{CASE}/tasks")
    assert asked.key == key, "pressed twice it is one task"
    assert asked.body == {"kind": "bring", "due_on": f"{year}-12-30", "what": "ไม้เท้า", "assignee_id": None,
                          "agency_id": AGENCY}  # fmt: skip
    several = {**given, "agency_ids": [AGENCY, GROUP], "assignee_id": CREW}
    assert (await orathai.post(f"{at}/tasks", several)).headers["location"] == at
    assert faces.services.of(f"POST registry /v1/cases/{CASE}/tasks")[-1].body["to"] == [
        {"agency_id": AGENCY}, {"agency_id": GROUP}, {"assignee_id": CREW}]  # fmt: skip
    [task] = faces.services.answers[f"GET registry /v1/cases/{CASE}/tasks"]["items"]
    both = [
        {**task, "together_id": GROUP},
        task,
        {**task, "together_id": GROUP, "done_at": AT, "outcome": label("task_outcome", "done")},
    ]
    faces.services.answers[f"GET registry /v1/cases/{CASE}/tasks"] = {"items": both}
    assert "มอบพร้อมกัน 2 แห่ง เสร็จหรือตอบแล้ว 1 จาก 2" in words_of(await orathai.get(at))
    await orathai.post(f"{at}/tasks/{TASK}/done", {"outcome": "could_not"})
    await orathai.post(f"{at}/team", {"crew_id": CREW, "role": "carer"})
    await orathai.post(f"{at}/team/{MEMBER}/answer", {"said": "declined"})
    bodies = {f"{each.path}": each.body for each in faces.services.asked if each.method == "POST"}
    assert bodies[f"/v1/tasks/{TASK}/done"] == {"outcome": "could_not"}
    assert bodies[f"/v1/cases/{CASE}/team"] == {"crew_id": CREW, "role": "carer", "agency_id": None}
    assert bodies[f"/v1/team/{MEMBER}/answer"] == {"answer": "declined"}
    faces.services.answers[f"POST registry /v1/cases/{CASE}/close"] = 409, {"th": "ยังมีงานที่ไม่เสร็จ", "en": "open"}
    early = await orathai.post(f"{at}/close", {"outcome": "normal"})
    assert (early.status_code, "ยังมีงานที่ไม่เสร็จ" in words_of(early)) == (409, True)


async def test_cases_with_nothing_to_do_stand_apart_and_are_closed_together(faces: Faces) -> None:
    known(faces)
    idle, gone = str(new_id()), str(new_id())

    def listed(asked: Asked) -> dict[str, Any]:
        tasks = {"open": 1, "overdue": 0, "next_due_on": "2026-11-20"}
        none = {"open": 0, "overdue": 0, "next_due_on": None}
        items = [{**case(), "who": hit("ตาปกติ ตามนัด"), "tasks": tasks}]
        items += [{**case(one), "who": {**hit(""), "name": None}, "tasks": none} for one in (idle, gone)]
        return {"items": [] if asked.query["overdue"] == "true" else items, "next": None}

    faces.services.answers |= {
        "GET registry /v1/cases": listed,
        f"POST registry /v1/cases/{idle}/close": (204, ""),
        f"POST registry /v1/cases/{gone}/close": (409, {"code": "case_closed", "th": "ปิดไปแล้ว", "en": "closed"}),
    }
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    busy, apart = (await orathai.get("/cases")).text.split('id="idle"')
    assert ("ตาปกติ" in busy, "ตาปกติ" in apart) == (True, False)
    assert [f'name="case_ids" value="{one}"' in apart for one in (idle, gone, CASE)] == [True, True, False]
    assert "22 พ.ย. 2569 10:00" in apart, "who has no name is told apart by the time"
    for form in ({"outcome": "normal"}, {"case_ids": [idle]}, {"case_ids": [idle], "outcome": "erased"}):
        assert (await orathai.post("/cases/close", form)).status_code == 422
    assert not faces.services.of(f"POST registry /v1/cases/{idle}/close")
    both = {"case_ids": [idle, gone], "outcome": "normal", "place": "kalasin"}
    closed = await orathai.post("/cases/close", both)
    assert closed.headers["location"] == "/cases?place=kalasin", "whom somebody else has closed is closed"
    assert faces.services.of(f"POST registry /v1/cases/{idle}/close")[-1].body == {"outcome": "normal"}
    faces.services.answers[f"POST registry /v1/cases/{gone}/close"] = (
        404,
        {"code": "not_found", "th": "ไม่พบ", "en": "gone"},
    )
    some = await orathai.post("/cases/close", both)
    assert (some.status_code, "ยังไม่ได้ปิด 1 เคส: ไม่พบ" in words_of(some)) == (409, True)


async def test_tasks_are_mine_late_or_all_and_a_group_is_put_whole_with_whom_it_cares_for(faces: Faces) -> None:
    known(faces)
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    for which, said in (("mine", {"mine": "true"}), ("late", {"overdue": "true"}), ("all", {})):
        await orathai.get(f"/cases/tasks?which={which}")
        assert faces.services.of("GET registry /v1/tasks")[-1].query == {"limit": "100", **said}
    narrowed = await orathai.get(f"/cases/tasks?which=all&agency={AGENCY}")
    assert faces.services.of("GET registry /v1/tasks")[-1].query == {"limit": "100", "agency_id": AGENCY}
    assert f"which=late&amp;agency={AGENCY}" in narrowed.text, "another tab is of the same agency"
    await orathai.get(f"/cases/tasks?which=all&agency={GROUP}")
    assert faces.services.of("GET registry /v1/tasks")[-1].query == {"limit": "100"}, "no agency of theirs"
    ended = await orathai.post(f"/cases/tasks/{TASK}/done", {"which": "late"})
    assert ended.headers["location"] == "/cases/tasks?which=late"
    joined = await orathai.post(f"/cases/{CASE}/group", {"group_id": GROUP, "person_id": PERSON})
    assert joined.headers["location"] == f"/cases/{CASE}"
    [added] = faces.services.of(f"POST registry /v1/care-groups/{GROUP}/people")
    assert added.body == {"person_id": PERSON}, "one more: nobody is put out who joined meanwhile"

    elsewhere, left, later = str(new_id()), str(new_id()), str(new_id())
    [group] = faces.services.answers["GET registry /v1/care-groups"](added)["items"]
    group["members"].append({"crew_id": elsewhere, "role": label("team_role", "carer")})
    group["person_ids"], group["people"] = [left, PERSON], [hit("ยายมา")]
    shown = await orathai.get("/cases/groups")
    assert f'name="shown" value="{PERSON}"' in shown.text
    assert elsewhere not in shown.text, "no account here: no choice"
    group["person_ids"] = sorted([left, PERSON, later])
    form = {"name": "ใหม่", "area": "kalasin", "crew_ids": [CREW], "person_ids": [PERSON], "shown": [PERSON, left]}
    await orathai.post(f"/cases/groups/{GROUP}", form)
    [whole] = (each.body for each in faces.services.of(f"PUT registry /v1/care-groups/{GROUP}"))
    roles = {each["crew_id"]: each["role"] for each in whole["members"]}
    assert (roles, whole["name"]) == ({CREW: "lead", elsewhere: "carer"}, "ใหม่"), "a part in it stays"
    assert whole["person_ids"] == sorted([PERSON, later]), "who joined after the form was shown stays"
    colleague = re.findall(r'name="crew_ids" value="([^"]+)"', shown.text)[0]
    group["members"] = [{"crew_id": colleague, "role": label("team_role", "carer")}]
    shown = await orathai.get("/cases/groups")
    assert f'name="shown_crew" value="{colleague}"' in shown.text
    for crew, stay in (([], [colleague]), ([colleague], [])):
        await orathai.post(f"/cases/groups/{GROUP}", {**form, "crew_ids": [], "shown_crew": crew})
        body = faces.services.of(f"PUT registry /v1/care-groups/{GROUP}")[-1].body
        assert [each["crew_id"] for each in body["members"]] == stay, "so does a member; who was taken out does not"


async def test_who_was_given_a_task_or_asked_into_a_team_answers_on_the_phone(faces: Faces) -> None:
    known(faces)
    member = faces.services.answers[f"GET registry /v1/cases/{CASE}/team"]
    faces.services.answers["GET registry /v1/team/mine"] = member
    [task] = faces.services.answers["GET registry /v1/tasks"]["items"]
    whom = {"id": PERSON, "name": "ยายมา", "alias": None, "age": None, "sex": "female", "mobility": None, "needs": [],
            "usual_place": "ตลาดเก่า", "addresses": [], "home": None, "contacts": [
                {"phone": "+66812345699", "relation": "self", "name": None, "since_at": AT, "shared": False}]}  # fmt: skip
    mine = [{**task, "whom": whom}, {**task, "id": str(new_id()), "whom": None}]
    faces.services.answers["GET registry /v1/tasks/mine"] = {"items": mine}
    volunteer, desk = await faces.sign_in(Role.VOLUNTEER), await faces.sign_in(Role.CALL_TAKER)
    words = words_of(await volunteer.get("/crew/tasks"))
    for part in ("เยี่ยมบ้าน", "เลยกำหนด", "ผู้รับผิดชอบหลัก", "20 พ.ย. 2569", "ยายมา", "ตลาดเก่า", "081 234 5699"):
        assert part in words, part
    assert words.count("โทรถามศูนย์ว่าดูแลใคร") == 2, "of a team, and of the task whose person they may not know"
    [asked] = faces.services.of("GET registry /v1/tasks/mine")
    assert asked.purpose == "care", "for whom it is, is read for a purpose"
    assert (await desk.get("/crew/tasks")).status_code == 403
    await volunteer.post(f"/crew/tasks/{TASK}/done", {"outcome": "could_not"})
    await volunteer.post(f"/crew/tasks/team/{MEMBER}", {"said": "accepted"})
    bodies = [each.body for each in faces.services.asked if each.method == "POST"]
    assert bodies == [{"outcome": "could_not"}, {"answer": "accepted"}]
    faces.services.answers[f"POST registry /v1/team/{MEMBER}/answer"] = 409, {"th": "ตอบไปแล้ว", "en": "x"}
    late = await volunteer.post(f"/crew/tasks/team/{MEMBER}", {"said": "declined"})
    assert (late.status_code, "ตอบไปแล้ว" in words_of(late)) == (409, True)


def test_a_day_is_read_in_either_era_or_told_wrong_in_ones_language() -> None:
    year = local_day(now_utc()).year
    assert last_day(f"1/2/{year + 1}", "th") == last_day(f"01/02/{year + 544}", "en") == (f"{year + 1}-02-01", "")
    assert last_day("31/2", "en")[0] == ""
    assert last_day("x", "th")[1] != last_day("x", "en")[1]
