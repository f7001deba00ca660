"""The fleet: a week of shifts, swaps, certificates, people at the stations, and the page for those without an account."""

from __future__ import annotations

import re
from datetime import date, time
from typing import Any

from services.console.rules.roster import hours, monday, span, week
from shared.auth import Role
from shared.work import new_id
from tests.console.faces import Asked, Faces
from tests.harness import AREA

Doc = dict[str, Any]
UNIT, ANN, BOON = str(new_id()), str(new_id()), str(new_id())


def shift(
    shift_id: str = "", begins: str = "2026-11-24T01:00:00Z", ends: str = "2026-11-24T09:00:00Z", **more: Any
) -> Doc:
    """08:00 to 16:00 on a Tuesday."""
    return {
        "id": shift_id or str(new_id()), "area": AREA, "unit_id": UNIT, "kind": "patrol", "from_at": begins,
        "until_at": ends, "crew_ids": [ANN], "note": "ตลาด", "exercise": False, **more,
    }  # fmt: skip


def answering(faces: Faces, *shifts: Doc, **more: Any) -> None:
    now: Doc = {"at": "2026-11-24T02:00:00Z", "items": [], "unplanned": [UNIT]}
    if shifts:
        now["items"] = [{"shift": shifts[0], "present": [], "missing": [ANN], "extra": []}]
    faces.services.answers.update({
        "GET dispatch /v1/units": {"items": [{"id": UNIT, "call_sign": "K3"}], "next": None},
        "GET dispatch /v1/crew": {"items": [{"id": ANN, "name": "อันนา <b>ดี</b>"}, {"id": BOON, "name": "บุญ"}], "next": None},
        "GET dispatch /v1/shifts": {"items": list(shifts)},
        "GET dispatch /v1/roster/now": now,
        "GET dispatch /v1/swaps": {"items": [], "next": None},
        **more,
    })  # fmt: skip


def test_a_shift_stands_on_its_first_day_and_an_early_end_means_the_next_day() -> None:
    sunday = shift(begins="2026-11-22T13:00:00Z", ends="2026-11-23T01:00:00Z")
    night = shift(begins="2026-11-24T13:00:00Z", ends="2026-11-25T01:00:00Z")
    days = week(monday(date(2026, 11, 26)), [night, sunday], {UNIT: "K3"}, {})
    stands = [(day.day, [duty.continues for duty in duties]) for day, duties in days if duties]
    assert stands == [(23, [True]), (24, [False])], "what began last week is told where this one begins"
    begins, ends = span(date(2026, 11, 24), time(20), time(8))
    assert (ends - begins).total_seconds() == 12 * 3600
    assert hours(5430) == "1:30"


async def test_the_week_is_seen_and_a_shift_is_put(faces: Faces) -> None:
    known = shift(str(new_id()))
    answering(faces, known)
    desk = await faces.sign_in(Role.DISPATCHER)
    screen = (await desk.get("/fleet?on=26/11/2569")).text
    assert "K3" in screen
    assert "ลาดตระเวน" in screen
    assert "อันนา &lt;b&gt;ดี" in screen
    assert "ยังไม่เข้าเวร" in screen
    [asked] = faces.services.of("GET dispatch /v1/shifts")
    assert asked.query == {"area": AREA, "from": "2026-11-23", "to": "2026-11-29"}
    put = f"PUT dispatch /v1/shifts/{known['id']}"
    faces.services.answers[put] = {"id": known["id"], "made": False, "changed": True}
    form = {
        "unit_id": UNIT,
        "kind": "patrol",
        "on": "24/11/2569",
        "begins": "20.00",
        "ends": "๐๘:๐๐",
        "crew_ids": [ANN, BOON],
    }
    done = await desk.post(f"/fleet/shifts/{known['id']}", form)
    assert (done.status_code, done.headers["location"]) == (303, "/fleet?on=2026-11-24")
    [said] = faces.services.of(put)
    assert said.body["from_at"] == "2026-11-24T20:00:00+07:00"
    assert said.body["until_at"] == "2026-11-25T08:00:00+07:00"
    assert said.body["crew_ids"] == [ANN, BOON]
    faces.services.answers[put] = (422, {"code": "certificate_ended", "th": "ใบรับรองหมดอายุ", "en": "ended"})
    refused = await desk.post(f"/fleet/shifts/{known['id']}", form)
    assert refused.status_code == 422
    assert "ใบรับรองหมดอายุ" in refused.text
    assert 'value="20.00"' in refused.text, "what was typed stays"
    wrong = await desk.post(f"/fleet/shifts/{known['id']}", {**form, "begins": "เช้า"})
    assert wrong.status_code == 422


async def test_a_swap_is_approved_by_a_supervisor_alone(faces: Faces) -> None:
    known, swap_id = shift(str(new_id())), str(new_id())
    swap = {"id": swap_id, "shift_id": known["id"], "from_crew_id": ANN, "to_crew_id": BOON, "for_shift_id": None,
            "status": "agreed", "area": AREA}  # fmt: skip
    answering(faces, known, **{"GET dispatch /v1/swaps": {"items": [swap], "next": None}})
    act = f"POST dispatch /v1/swaps/{swap_id}/answer"
    faces.services.answers[act] = swap
    desk, head = await faces.sign_in(Role.DISPATCHER), await faces.sign_in(Role.SUPERVISOR)
    assert f"/fleet/swaps/{swap_id}/approve" not in (await desk.get("/fleet?on=2026-11-24")).text
    assert f"/fleet/swaps/{swap_id}/approve" in (await head.get("/fleet?on=2026-11-24")).text
    assert (await head.post(f"/fleet/swaps/{swap_id}/approve", {"on": "2026-11-24"})).status_code == 303
    assert faces.services.of(act)[0].body == {"act": "approve"}
    faces.services.answers[act] = (409, {"code": "out_of_order", "th": "ทำไม่ได้แล้ว", "en": "no"})
    late = await head.post(f"/fleet/swaps/{swap_id}/refuse", {"on": "2026-11-24"})
    assert (late.status_code, "ทำไม่ได้แล้ว" in late.text) == (409, True)


async def test_a_member_asks_a_colleague_and_answers_on_the_phone(faces: Faces) -> None:
    shift_id, mine, asked = str(new_id()), str(new_id()), str(new_id())
    span = {"call_sign": "K3", "kind": "patrol", "from_at": "2026-11-24T01:00:00Z", "until_at": "2026-11-24T09:00:00Z"}
    back = {"back_from_at": None, "back_until_at": None}
    swaps = [
        {"id": mine, "status": "agreed", "shift_id": shift_id, "gives": True, "other_name": "บุญ", **span, **back},
        {"id": asked, "status": "asked", "shift_id": str(new_id()), "gives": False, "other_name": "อันนา <b>ดี</b>",
         **span, "back_from_at": "2026-11-26T01:00:00Z", "back_until_at": "2026-11-26T09:00:00Z"},
    ]  # fmt: skip
    free = {"id": str(new_id()), **span, "note": None, "mates": ["สมใจ"]}
    faces.services.answers.update({
        "GET dispatch /v1/own/duty": {
            "shifts": [{"id": shift_id, **span, "note": "ตลาด", "mates": []}, free], "swaps": swaps,
            "colleagues": [{"id": BOON, "name": "บุญ"}], "certificates": [{"skill": "aemt", "last_on": "2027-01-31"}],
            "crew_id": ANN, "leaves_after_min": 12,
        },
        f"PUT dispatch /v1/crew/{ANN}/leaving": {"leaves_after_min": 25},
        f"POST dispatch /v1/shifts/{free['id']}/swaps": {"id": mine},
        f"POST dispatch /v1/swaps/{asked}/answer": (409, {"code": "out_of_order", "th": "ทำไม่ได้แล้ว", "en": "no"}),
    })  # fmt: skip
    member = await faces.sign_in(Role.CREW)
    screen = (await member.get("/crew/duty")).text
    assert "<b>ดี</b>" not in screen
    for word in ("24 พ.ย. 2569", "ลาดตระเวน", "สมใจ", "31 ม.ค. 2570"):
        assert word in screen, word
    acts = set(re.findall(r'action="(/crew/duty/[^"]+)"', screen))
    assert acts == {
        f"/crew/duty/swaps/{mine}/withdraw", f"/crew/duty/swaps/{asked}/agree", f"/crew/duty/swaps/{asked}/decline",
        f"/crew/duty/shifts/{free['id']}/swap", "/crew/duty/leaving",
    }, "a shift that is asked about already is not asked about again"  # fmt: skip
    sent = await member.post(f"/crew/duty/shifts/{free['id']}/swap", {"to_crew_id": BOON})
    assert sent.headers["location"] == "/crew/duty"
    assert faces.services.of(f"POST dispatch /v1/shifts/{free['id']}/swaps")[0].body == {"to_crew_id": BOON}
    assert 'value="12"' in screen
    assert (await member.post("/crew/duty/leaving", {"minutes": "25"})).status_code == 303
    assert faces.services.of(f"PUT dispatch /v1/crew/{ANN}/leaving")[0].body == {"leaves_after_min": 25}
    late = await member.post(f"/crew/duty/swaps/{asked}/agree", {})
    assert (late.status_code, "ทำไม่ได้แล้ว" in late.text) == (409, True)
    desk = await faces.sign_in(Role.DISPATCHER)
    assert (await desk.get("/crew/duty")).status_code == 403


async def test_who_only_sees_the_roster_changes_nothing(faces: Faces) -> None:
    known = shift(str(new_id()))
    answering(faces, known)
    taker = await faces.sign_in(Role.CALL_TAKER)
    assert "/fleet/shifts/" not in (await taker.get("/fleet?on=2026-11-24")).text
    assert (await taker.get(f"/fleet/shifts/{known['id']}")).status_code == 403
    assert (await taker.post(f"/fleet/shifts/{known['id']}/drop", {"on": "2026-11-24"})).status_code == 403


async def test_people_are_seen_and_a_code_is_made_for_the_wall(faces: Faces) -> None:
    station, served = str(new_id()), str(new_id())
    answering(faces, **{
        "GET dispatch /v1/stations": {"items": [{"id": station, "name": "ฐานหน้าตลาด"}], "next": None},
        "GET dispatch /v1/hours": {"month": "2026-11-01", "items": [
            {"crew_id": ANN, "name": "อันนา", "kind": "volunteer", "times": 3, "served_s": 7200}]},
        "GET dispatch /v1/certificates": {"items": [
            {"crew_id": ANN, "name": "อันนา", "skill": "paramedic", "last_on": "2026-11-20", "days_left": -2},
            {"crew_id": BOON, "name": "บุญ", "skill": "aemt", "last_on": "2026-12-30", "days_left": 36,
             "tells_on": "2026-11-30"}]},
        "GET dispatch /v1/attendance": {"items": [
            {"id": served, "crew_id": BOON, "name": "บุญ", "station_id": station, "began_at": "2026-11-24T01:00:00Z",
             "forgotten": True}]},
        f"POST dispatch /v1/stations/{station}/code": {"station_id": station, "code": "wall-code-1"},
        f"POST dispatch /v1/attendance/{served}/end": {},
    })  # fmt: skip
    desk = await faces.sign_in(Role.SUPERVISOR)
    screen = (await desk.get("/fleet/people?month=2026-11")).text
    for word in ("หมดอายุแล้ว", "2:00", "ฐานหน้าตลาด", "ลืมลงชื่อออก", "พฤศจิกายน 2569", "30 พ.ย. 2569"):
        assert word in screen, word
    wall = (await desk.post(f"/fleet/people/stations/{station}/code", {"name": "ฐานหน้าตลาด"})).text
    assert "public/here?code=wall-code-1" in wall
    form = {"on": "2026-11-24", "left": "11:30"}
    assert (await desk.post(f"/fleet/people/attendance/{served}/end", form)).status_code == 303
    [said] = faces.services.of(f"POST dispatch /v1/attendance/{served}/end")
    assert said.body == {"at": "2026-11-24T04:30:00+00:00"}


async def test_beds_are_held_and_facilities_answer(faces: Faces) -> None:
    facility, other, bed, hold, alert, assignment = (str(new_id()) for _ in range(6))
    call, trip = str(new_id()), str(new_id())
    taken = {"id": bed, "facility_id": facility, "name": "เตียง 1", "kind": "waiting", "state": "held", "hold_id": hold,
             "expires_at": "2026-11-24T02:00:00Z", "used_at": None}  # fmt: skip
    vacant = {**taken, "id": str(new_id()), "name": "เตียง 2", "state": "free", "hold_id": None, "expires_at": None}
    told = {"id": alert, "facility_id": facility, "severity": "red", "alerted_at": "2026-11-24T01:00:00Z", "reason": None,
            "expected_at": "2026-11-24T01:15:00Z", "other_facility_id": None, "status": "alerted", "call_id": call}  # fmt: skip
    on_the_way = {"id": trip, "call_id": call, "patient_id": str(new_id()), "severity": "red", "facility_id": facility,
                  "assignments": [{"id": assignment, "role": "primary", "status": "left_scene", "unit_id": UNIT}]}  # fmt: skip
    hospitals = [{"id": facility, "name": "ศูนย์ <b>1</b>"}, {"id": other, "name": "โรงพยาบาล", "beds_free": 2}]
    answering(faces, **{
        "GET dispatch /v1/facilities": {"items": hospitals, "next": None},
        "GET dispatch /v1/beds": {"items": [taken, vacant], "next": None},
        "GET dispatch /v1/alerts": {"items": [told]},
        "GET dispatch /v1/trips": {"items": [on_the_way], "next": None},
        f"POST dispatch /v1/bed-holds/{hold}/use": {}, f"POST dispatch /v1/assignments/{assignment}/alert": {},
        f"POST dispatch /v1/alerts/{alert}/answer": {},
        f"POST dispatch /v1/beds/{vacant['id']}/hold": (409, {"code": "bed_taken", "th": "เตียงนี้ไม่ว่าง", "en": "taken"}),
    })  # fmt: skip
    desk, admin = await faces.sign_in(Role.CALL_TAKER), await faces.sign_in(Role.ADMIN)
    screen = (await desk.get("/fleet/places")).text
    for word in ("ศูนย์ &lt;b&gt;1", "จองถึง", "โรงพยาบาล · เตียงว่าง 2", "08:15", f"/fleet/places/tell/{assignment}"):
        assert word in screen, word
    assert f"/board?call={call}" not in (await admin.get("/fleet/places")).text, "an admin sees nobody's journey"
    assert (await desk.post(f"/fleet/places/holds/{hold}/use")).status_code == 303
    late = await desk.post(f"/fleet/places/beds/{vacant['id']}/hold", {"minutes": "60", "trip_id": trip})
    assert (late.status_code, "เตียงนี้ไม่ว่าง" in late.text) == (409, True)
    assert faces.services.of(f"POST dispatch /v1/beds/{vacant['id']}/hold")[0].body["trip_id"] == trip
    refusal = {"accepts": "no", "reason": "no_bed", "other": other}
    assert (await desk.post(f"/fleet/places/alerts/{alert}/answer", refusal)).status_code == 303
    said = faces.services.of(f"POST dispatch /v1/alerts/{alert}/answer")[0].body
    assert said == {"accepts": False, "reason": "no_bed", "other_facility_id": other}
    assert (await desk.post(f"/fleet/places/tell/{assignment}", {"facility_id": facility})).status_code == 303
    assert "expected_at" not in faces.services.of(f"POST dispatch /v1/assignments/{assignment}/alert")[0].body


DIRTY: Doc = {"id": UNIT, "call_sign": "K3", "cleanliness": "contaminated", "contaminated_at": "2026-11-24T01:00:00Z"}


async def test_waste_is_packed_handed_on_and_a_lost_bag_is_seen(faces: Faces) -> None:
    log_id, trip = str(new_id()), str(new_id())
    chain = [{"number": 1, "receiver": "hospital", "bags": 2, "weight_g": None, "at": "2026-11-24T02:00:00Z"}]
    log = {"id": log_id, "unit_id": UNIT, "bags": 3, "weight_g": 1250, "sealed": True, "packed_at": "2026-11-24T01:00:00Z",
           "disposed_at": None, "chain": chain, "missing_bags": 1}  # fmt: skip
    went = {"id": trip, "received_at": "2026-11-24T00:30:00Z",
            "assignments": [{"unit_id": UNIT, "stamps": {"en_route": "2026-11-24T00:35:00Z"}}]}  # fmt: skip
    answering(faces, **{
        "GET dispatch /v1/units": {"items": [DIRTY], "next": None},
        "GET dispatch /v1/waste": {"items": [log]},
        "GET dispatch /v1/trips": {"items": [went], "next": None},
        "POST dispatch /v1/waste": (201, log),
        f"POST dispatch /v1/waste/{log_id}/hand-overs": (409, {"code": "disposed", "th": "กำจัดแล้วจ้า", "en": "no"}),
        f"POST dispatch /v1/units/{UNIT}/disinfected": DIRTY,
    })  # fmt: skip
    desk = await faces.sign_in(Role.DISPATCHER)
    screen = (await desk.get("/fleet/waste")).text
    for word in ("ยังสั่งการไม่ได้", "ขาดไป 1 ถุง", "1.2 กก.", "K3 07:30"):
        assert word in screen, word
    form = {"of": f"{trip}:{UNIT}", "bags": "2", "kilos": "1,5", "sealed": "1"}
    assert (await desk.post("/fleet/waste", form)).status_code == 303
    said = faces.services.of("POST dispatch /v1/waste")[0].body
    assert said == {"unit_id": UNIT, "trip_id": trip, "bags": 2, "weight_g": 1500, "sealed": True}
    late = await desk.post(f"/fleet/waste/{log_id}/hand-over", {"receiver": "carrier", "bags": "2"})
    assert (late.status_code, "กำจัดแล้วจ้า" in late.text) == (409, True)
    assert (await desk.post(f"/fleet/waste/units/{UNIT}/clean")).status_code == 303
    admin = await faces.sign_in(Role.ADMIN)
    asked = len(faces.services.of("GET dispatch /v1/trips"))
    await admin.get("/fleet/waste")
    assert len(faces.services.of("GET dispatch /v1/trips")) == asked, "an admin sees nobody's trips"


async def test_equipment_and_hydrants_are_kept(faces: Faces) -> None:
    account, hydrant, loan, trip = (str(new_id()) for _ in range(4))
    kept = {"id": account, "area": AREA, "kind": "aed", "community": "ชุมชนวัดกลาง", "keeper": None, "count": 3, "lent": 1,
            "condition": "good", "maintenance_due_on": "2020-01-31"}  # fmt: skip
    out = {
        "id": loan,
        "kind": "aed",
        "community": "ชุมชนวัดกลาง",
        "count": 1,
        "lent_at": "2026-11-24T01:00:00Z",
        "due_at": None,
    }
    red = {"id": hydrant, "name": "หัวแดงหน้าตลาด", "status": "broken", "checked_at": None, "note": "ฝาหาย"}
    gap = {"lon": 103.5, "lat": 16.4, "nearest_id": None, "nearest_m": 812.0}
    went = {"id": trip, "received_at": "2026-11-24T00:30:00Z",
            "assignments": [{"unit_id": UNIT, "stamps": {"en_route": "2026-11-24T00:35:00Z"}}]}  # fmt: skip
    answering(faces, **{
        "GET dispatch /v1/equipment": {"items": [kept], "next": None},
        "GET dispatch /v1/equipment-loans": {"items": [out]},
        "GET dispatch /v1/hydrants": {"items": [red], "next": None},
        "GET dispatch /v1/hydrant-gaps": {"places": 12, "items": [gap]},
        "GET dispatch /v1/trips": {"items": [went], "next": None},
        f"POST dispatch /v1/equipment/{account}/loans": (201, out),
        f"PUT dispatch /v1/equipment/{account}": {},
        f"POST dispatch /v1/hydrants/{hydrant}/checks": red,
        f"POST dispatch /v1/equipment-loans/{loan}/return": out,
    })  # fmt: skip
    desk = await faces.sign_in(Role.DISPATCHER)
    screen = (await desk.get("/fleet/stock")).text
    for word in ("อยู่ 2 จาก 3", "ถึงกำหนดบำรุงรักษา", "ฝาหาย", "812 เมตร"):
        assert word in screen, word
    assert f'value="31/1/2563" id="due-{account}"' in screen, "whoever only counts leaves the maintenance as it is"
    assert (await desk.post(f"/fleet/stock/equipment/{account}/lend", {"trip_id": trip})).status_code == 303
    assert faces.services.of(f"POST dispatch /v1/equipment/{account}/loans")[0].body == {"trip_id": trip, "count": 1}
    form = {"count": "3", "condition": "worn", "due": "31/01/2570"}
    for wrong in ({"due": "32/13/2569"}, {"due": "ปีหน้า"}, {"count": "สาม"}, {"count": "1001"}):
        refused = await desk.post(f"/fleet/stock/equipment/{account}/keep", {**form, **wrong})
        typed = next(iter(wrong.values()))
        assert (refused.status_code, f'value="{typed}"' in refused.text) == (422, True), "and it is not typed twice"
    assert not faces.services.of(f"PUT dispatch /v1/equipment/{account}")
    assert (await desk.post(f"/fleet/stock/equipment/{account}/keep", {**form, "count": "๓"})).status_code == 303
    said = faces.services.of(f"PUT dispatch /v1/equipment/{account}")[0].body
    assert said["count"] == 3
    assert (said["maintenance_due_on"], said["condition"], said["community"]) == ("2027-01-31", "worn", "ชุมชนวัดกลาง")
    assert (await desk.post(f"/fleet/stock/hydrants/{hydrant}/check", {"status": "working"})).status_code == 303
    assert (await desk.post(f"/fleet/stock/loans/{loan}/return", {"condition": "good"})).status_code == 303
    [fresh] = re.findall(r'name="hydrant_id" value="([^"]+)"', screen)
    answering(faces, **{f"PUT dispatch /v1/hydrants/{fresh}": red})
    new = {"name": "หัวแดงหน้าวัด", "lat": "16,43", "lon": "103.5", "area": AREA, "hydrant_id": fresh}
    assert (await desk.post("/fleet/stock/hydrants", {**new, "lat": "เหนือ"})).status_code == 422
    for _ in range(2):  # pressed twice it is the same one
        assert (await desk.post("/fleet/stock/hydrants", new)).status_code == 303
    assert [each.body["lat"] for each in faces.services.of(f"PUT dispatch /v1/hydrants/{fresh}")] == [16.43, 16.43]


async def test_somebody_without_an_account_checks_in_and_out(faces: Faces) -> None:
    def come(asked: Asked) -> Any:
        assert asked.claims == {}, "nobody is signed in"
        return 201, {"station": "ฐานหน้าตลาด", "station_en": None, "began_at": "2026-11-24T01:00:00Z", "ended_at": None}

    faces.services.answers["POST dispatch /v1/check-ins"] = come
    refusal = {"code": "not_here", "th": "ยังไม่ได้ลงชื่อเข้า", "en": "not here"}
    faces.services.answers["POST dispatch /v1/check-outs"] = (409, refusal)
    browser = faces.browser()
    page = await browser.get("/public/here?code=wall-code-1")
    assert re.search(r'name="code" value="wall-code-1"', page.text)
    form = {"code": "wall-code-1", "name": "ปราณี", "phone": "0865551234"}
    came = await browser.post("/public/here", data={**form, "way": "in"})
    assert "08:00" in came.text
    assert "ปราณี" not in came.text, "the answer names nobody"
    gone = await browser.post("/public/here", data={**form, "way": "out"})
    assert (gone.status_code, "ยังไม่ได้ลงชื่อเข้า" in gone.text) == (409, True)
    assert "name" not in faces.services.of("POST dispatch /v1/check-outs")[0].body


async def test_cover_shows_proposals_and_lent_units_and_lends_and_sends_home(faces: Faces) -> None:
    lent = str(new_id())
    share = {"unit_id": lent, "call_sign": "K9", "level": "bls", "volunteer": False, "on_duty": True, "home_area": AREA,
             "with_area": "sample", "begun_at": "2026-11-24T01:00:00Z", "until_at": "2026-11-24T09:00:00Z",
             "returning": False}  # fmt: skip
    move = {"th": "K3 ไปรอที่ฐานเหนือ: คุ้มครองเพิ่มร้อยละ 4.0", "en": "K3 to North: 4.0 % more"}
    unit = {"id": UNIT, "call_sign": "K3", "area": AREA, "exercise": False, "active": True}
    faces.services.answers.update({
        "GET dispatch /v1/shares": {"items": [share]},
        "GET dispatch /v1/relocations": {"proposes": True, "items": [move]},
        "GET dispatch /v1/units": {"items": [unit, {**unit, "id": lent, "call_sign": "K9"}], "next": None},
    })  # fmt: skip
    desk = await faces.sign_in(Role.DISPATCHER)
    screen = (await desk.get("/fleet/cover")).text
    assert move["th"] in screen
    assert "K9" in screen
    assert f'value="{UNIT}"' in screen
    lend, back = f"POST dispatch /v1/units/{UNIT}/share", f"POST dispatch /v1/units/{lent}/return"
    faces.services.answers |= {lend: {}, back: {}}
    form = {"unit_id": UNIT, "with_area": "sample", "hours": "3"}
    assert (await desk.post("/fleet/cover/lend", form)).status_code == 303
    assert faces.services.of(lend)[0].body["with_area"] == "sample"
    assert (await desk.post("/fleet/cover/return", {"unit_id": lent})).status_code == 303
    assert len(faces.services.of(back)) == 1
    faces.services.answers[lend] = (409, {"code": "on_a_run", "th": "หน่วยมีงานค้างอยู่", "en": "on a run"})
    assert "หน่วยมีงานค้างอยู่" in (await desk.post("/fleet/cover/lend", form)).text
    taker = await faces.sign_in(Role.CALL_TAKER)
    screen = (await taker.get("/fleet/cover")).text
    assert "K9" in screen
    assert move["th"] not in screen
