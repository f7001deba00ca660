"""Visits at the desk: listed by codes and days, given to somebody, and what two wrote otherwise is chosen between."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from services.console.pages.people_visits import value_said
from services.console.rules.days import written
from services.console.store import accounts
from shared.auth import Role
from shared.thai.dates import local_day
from shared.work import new_id, now_utc
from tests.console.faces import Faces, key_of, words_of
from tests.harness import AREA

PERSON, VISIT, CREW = new_id(), new_id(), new_id()
AT = "2026-11-22T03:00:00Z"
KIND = {"code": "home_visit", "th": "เยี่ยมบ้าน", "en": "home visit"}
FORM = {"id": "depression_2q", "version": "1", "th": "คัดกรอง 2Q", "en": "2Q", "source": "Department", "source_th": "กรม", "counts": "points",
        "mark": {"th": "ตัวอย่าง", "en": "sample"}, "approved_by": None,
        "item": [{"id": "low", "th": "เศร้าไหม", "en": "Low?", "choices": [{"points": 1, "th": "มี", "en": "yes"}]}],
        "band": [{"code": "x", "from": 0, "th": "ไม่พบ", "en": "none", "group": "bedridden"}]}  # fmt: skip


def known(faces: Faces, **more: Any) -> None:
    plan = {"id": str(VISIT), "person_id": str(PERSON), "area": AREA, "crew_ids": [str(CREW)], "kind": KIND,
            "forms": ["depression_2q"], "due_on": "2026-01-05", "what": "<b>แผล</b>", "planned_at": AT, "planned_by": "x",
            "done_at": None, "cancelled_at": None, "disputed": False, **more}  # fmt: skip
    hit = {"id": str(PERSON), "name": "ทองดี ใจงาม"}
    faces.services.answers |= {
        "GET registry /v1/planned-visits": {"items": [plan], "next": str(VISIT)},
        "POST registry /v1/persons/search": {"items": [hit], "more": False},
        "GET registry /v1/questionnaires": {"items": [FORM]},
        f"GET registry /v1/persons/{PERSON}": hit,
        f"GET registry /v1/areas/{AREA}": {"children": [{"code": f"{AREA}:wat", "th": "ชุมชนวัดกลาง", "en": "Wat"}]},
    }


def later() -> date:
    return local_day(now_utc()) + timedelta(days=7)


async def volunteer(faces: Faces) -> None:
    pool, now = faces.running.runtime.pool, now_utc()
    await accounts.put(pool, new_id(), f"v-{new_id()}", "อสม. มาลี", None, ["volunteer"], (AREA,), CREW, now)
    name = "พยาบาลของหน่วยงานอื่น"
    nurse = await accounts.put(pool, new_id(), f"n-{new_id()}", name, None, ["volunteer"], (AREA,), new_id(), now)
    await faces.running.sql("update account set agency_id = $2 where id = $1", nurse, new_id())


async def test_visits_are_listed_by_area_day_visitor_and_state(faces: Faces) -> None:
    known(faces)
    await volunteer(faces)
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    shown = await orathai.get(f"/people/visits?area={AREA}:wat&state=planned&crew={CREW}&from=1/1/2569&to=2026-02-01")
    [asked] = faces.services.of("GET registry /v1/planned-visits")
    assert asked.purpose == "case_work"
    assert asked.query == {"area_code": f"{AREA}:wat", "state": "planned", "crew_id": str(CREW), "from": "2026-01-01",
                           "to": "2026-02-01", "limit": "20"}  # fmt: skip
    words = words_of(shown)
    for said in ("ทองดี ใจงาม", "อสม. มาลี", "เลยกำหนด", "นัดไว้", "คัดกรอง 2Q", "ชุมชนวัดกลาง", "ต.กาฬสินธุ์"):
        assert said in words, said
    assert "<b>แผล" not in shown.text
    assert f"/people/{PERSON}/care?purpose=case_work" in shown.text
    assert f"cursor={VISIT}" in shown.text
    known(faces, disputed=True, done_at=AT)
    assert "เขียนไม่ตรงกัน" in words_of(await orathai.get("/people/visits"))
    faces.services.answers["GET registry /v1/planned-visits"] = 422, {"code": "x", "th": "วันที่ไม่ถูกต้อง"}
    assert ('value="1/1/2569"' in shown.text, 'value="1/2/2569"' in shown.text) == (True, True), "shown in พ.ศ."
    english = await orathai.get("/people/visits?from=1/1/2569&lang=en")
    assert 'value="1/1/2026"' in english.text
    wrong = await orathai.get("/people/visits?from=2026-12-01&lang=th")
    assert (wrong.status_code, "วันที่ไม่ถูกต้อง" in words_of(wrong)) == (422, True)
    before = len(faces.services.of("GET registry /v1/planned-visits"))
    unread = await orathai.get("/people/visits?from=31/2/2569")
    assert (unread.status_code, "ไม่มีวันที่นี้ในปฏิทิน" in words_of(unread)) == (422, True)
    assert 'value="31/2/2569"' in unread.text, "what was typed stays"
    assert len(faces.services.of("GET registry /v1/planned-visits")) == before


async def test_a_visit_is_given_to_who_has_a_phone_here(faces: Faces) -> None:
    known(faces)
    await volunteer(faces)
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    form = await orathai.get(f"/people/visits/new?person={PERSON}")
    assert "อสม. มาลี" in words_of(form)
    assert f'value="{written(later(), "th")}"' in form.text, "a week from now is proposed, in พ.ศ."
    assert "พยาบาลของหน่วยงานอื่น" not in words_of(form), "the page on a phone is shut to them"
    told = {
        "person_id": str(PERSON),
        "due_on": written(later(), "th"),
        "kind": "follow_up",
        "what": "ดูแผล",
        "forms": "depression_2q",
    }
    nobody = await orathai.post("/people/visits/new", told)
    assert (nobody.status_code, "เลือกผู้เยี่ยมอย่างน้อยหนึ่งคน" in words_of(nobody)) == (422, True)
    assert 'value="ดูแผล"' in nobody.text, "what was typed stays"
    path = f"POST registry /v1/persons/{PERSON}/planned-visits"
    unread = await orathai.post("/people/visits/new", {**told, "crew_ids": str(CREW), "due_on": "31/2/2569"})
    assert (unread.status_code, "ไม่มีวันที่นี้ในปฏิทิน" in words_of(unread)) == (422, True)
    assert faces.services.of(path) == [], "no day is guessed"
    faces.services.answers[path] = 409, {"code": "secret", "th": "บุคคลนี้ปกปิด"}
    assert "บุคคลนี้ปกปิด" in words_of(await orathai.post("/people/visits/new", {**told, "crew_ids": str(CREW)}))
    faces.services.answers[path] = 201, {"id": str(VISIT)}
    key = key_of(form)
    given = await orathai.post("/people/visits/new", {**told, "crew_ids": str(CREW), "key": key})
    assert faces.services.of(path)[-1].key == key != key_of(nobody), "pressed twice it is one visit"
    assert given.headers["location"] == "/people/visits"
    assert faces.services.of(path)[-1].body == {
        "crew_ids": [str(CREW)], "due_on": later().isoformat(), "kind": "follow_up", "forms": ["depression_2q"], "what": "ดูแผล",
    }  # fmt: skip
    faces.services.answers[f"POST registry /v1/planned-visits/{VISIT}/cancel"] = 204, ""
    assert (await orathai.post(f"/people/visits/{VISIT}/cancel")).status_code == 303


async def test_what_two_wrote_otherwise_is_chosen_between_and_forms_say_what_they_are(faces: Faces) -> None:
    known(faces)
    one, other = new_id(), new_id()
    said = {"said_by": "person:v1", "said_at": AT}
    note = {"field": "note", "version": 1, "stands": {"id": str(one), "value": "ดีขึ้น", **said},
            "others": [{"id": str(other), "value": "<i>แย่ลง</i>", **said}]}  # fmt: skip
    quiet = {"field": "result", "version": 1, "stands": {"id": str(new_id()), "value": "as_told", **said}, "others": []}
    visit = {"id": str(VISIT), "person_id": str(PERSON), "kind": KIND, "visited_at": AT, "fields": [note, quiet]}
    faces.services.answers["GET registry /v1/visits"] = {"items": [visit], "next": None}
    orathai = await faces.sign_in(Role.CASE_MANAGER)
    page = await orathai.get("/people/visits/disputed")
    words = words_of(page)
    assert "ดีขึ้น" in words
    assert "&lt;i&gt;แย่ลง" in page.text
    assert "ตรงตามที่แจ้ง" not in words, "only what is disputed is asked about"
    unsaid = await orathai.post(f"/people/visits/{VISIT}/decide", {"field": "note"})
    assert (unsaid.status_code, "เลือกค่าหนึ่งก่อน" in words_of(unsaid)) == (409, True)
    path = f"POST registry /v1/visits/{VISIT}/decide"
    faces.services.answers[path] = {}
    decided = await orathai.post(f"/people/visits/{VISIT}/decide", {"field": "note", "value_id": str(other)})
    assert decided.status_code == 303
    assert faces.services.of(path)[0].body == {"field": "note", "value_id": str(other)}
    assert [value_said("result", "not_home", "th"), value_said("check.bedsores", "no", "th")] == ["ไม่พบที่บ้าน", "ไม่"]
    assert value_said("note", "", "th") == "ลบข้อความแล้ว", "an empty text is a choice that can be read"
    forms = words_of(await orathai.get("/people/visits/forms"))
    for told in ("คัดกรอง 2Q", "รุ่น 1", "ตัวอย่าง", "กรม", "Department", "มี (1)", "ผู้ป่วยติดเตียง"):
        assert told in forms, told
    english = words_of(await orathai.get("/people/visits/forms?lang=en"))
    assert ("Department" in english, "กรม" in english) == (True, False)
