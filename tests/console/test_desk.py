"""The desk at its HTTP door: what people type becomes a call, refusals find their fields, roles see what is theirs."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from services.console.pages.desk_call import card_of
from services.console.pages.desk_find import fill_of_home
from services.console.rules.call_sheet import MET, UNMET, patch_of, sheet_of
from services.console.rules.command import Command, NotUnderstood, is_meant, read_command
from services.console.rules.places import is_short_link, named_place, read_place
from services.console.rules.recurrence import in_words
from services.console.rules.sheet import asks_of, call_of, problems_of
from services.console.texts import texts
from services.intake.rules import barriers
from shared.auth import Role
from shared.geo import Point
from shared.thai.dates import BANGKOK
from tests.console.faces import Faces, SignedIn

NEAR = Point(103.506, 16.434)
TODAY = date(2026, 11, 22)


# --- what people type ------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "lat", "lon"),
    [
        ("16.4340, 103.5060", 16.434, 103.506),
        ("๑๖.๔๓๔๐ ๑๐๓.๕๐๖๐", 16.434, 103.506),
        ("(16.434,103.506)", 16.434, 103.506),
        ("geo:16.434,103.506?z=17", 16.434, 103.506),
        ("https://www.google.com/maps/@16.434,103.506,17z", 16.434, 103.506),
        ("https://maps.google.com/?q=16.434,103.506", 16.434, 103.506),
        ("https://www.google.com/maps/search/?api=1&query=16.434%2C103.506", 16.434, 103.506),
        ("https://www.google.com/maps/place/W/@16.5,103.9,15z/data=!4m5!3d16.434!4d103.506", 16.434, 103.506),
        ("https://maps.apple.com/?ll=16.434,103.506&q=Home", 16.434, 103.506),
        ("https://maps.apple.com/place?coordinate=16.434,103.506", 16.434, 103.506),
        ("https://www.openstreetmap.org/#map=17/16.434/103.506", 16.434, 103.506),
        ("https://www.openstreetmap.org/?mlat=16.434&mlon=103.506#map=12/16.9/103.9", 16.434, 103.506),
        ("7P85CGM4+JC", 16.434062, 103.506063),
        ("CGM4+JC กาฬสินธุ์", 16.434062, 103.506063),
    ],
)
def test_a_place_in_any_form(typed: str, lat: float, lon: float) -> None:
    found = read_place(typed, NEAR)
    assert found is not None
    assert (found.point.lat, found.point.lon) == pytest.approx((lat, lon), abs=2e-6)


@pytest.mark.parametrize(
    "typed",
    ["", "หลังวัดกลาง", "ซอย 12 บ้านเลขที่ 34/5", "081 234 5678", "https://maps.app.goo.gl/abc", "99.1, 103.5", "://["],
)
def test_what_is_no_place_is_none(typed: str) -> None:
    assert read_place(typed, NEAR) is None


def test_a_short_link_is_told_apart() -> None:
    assert is_short_link("https://maps.app.goo.gl/abc")
    assert not is_short_link("หลังวัดกลาง")


def test_a_sheet_becomes_a_call() -> None:
    body, refusals = call_of(
        {
            "kind": "transfer", "caller.phone": " 081 234 5678 ", "location.landmark": "หลังวัด",
            "location.point": "16.434, 103.506", "patients.0.name": "ตาสี", "patients.0.born": "๒๔๙๗",
            "patients.0.needs": ["oxygen"], "patients.1.born": "12/3/2497", "patients.2.born": "72",
            "appointment.on": "30/11/2569", "appointment.time": "8.30", "appointment.return_trip": "yes",
            "recurrence.days": ["FR", "MO"], "recurrence.every": "2", "recurrence.until": "2026-12-31",
            "triage.criteria_group": "7", "answers": {"a": "yes"}, "barriers": ["money"], "ref_1669": "7",
            "companions": "1", "notes": "",
        },
        NEAR, TODAY,
    )  # fmt: skip
    assert refusals == []
    assert body["location"] == {"landmark": "หลังวัด", "lat": 16.434, "lon": 103.506}
    assert body["patients"] == [
        {"name": "ตาสี", "needs": ["oxygen"], "birth_year": 2497}, {"birth_date": "12/3/2497"}, {"age": 72},
    ]  # fmt: skip
    assert body["appointment"] == {
        "at": "2026-11-30T08:30:00+07:00", "return_trip": True,
        "recurrence": "FREQ=WEEKLY;BYDAY=MO,FR;INTERVAL=2;UNTIL=20261231",
    }  # fmt: skip
    assert body["triage"] == {"criteria_group": 7, "answers": {"a": "yes"}}
    assert body["external_refs"] == [{"system": "1669", "number": "7"}]
    assert "notes" not in body


@pytest.mark.parametrize(
    ("sheet", "field"),
    [
        ({"appointment.on": "30/11/2569", "appointment.time": "25:00"}, "appointment.time"),
        ({"appointment.on": "30/11/2569"}, "appointment.time"),
        ({"appointment.time": "8:30"}, "appointment.on"),
        ({"appointment.on": "เมื่อวาน", "appointment.time": "8:30"}, "appointment.on"),
        ({"recurrence.days": ["MO"]}, "appointment.on"),
        ({"lane": "booked", "patients.1.born": "12345"}, "patients.1.born"),  # and patient 0, of whom nothing was said, keeps the place
        ({"companions": "สอง"}, "companions"),
        ({"appointment.on": "1/12/2569", "appointment.time": "9", "recurrence.days": ["MO"], "recurrence.until": "x"},
         "recurrence.until"),
        ({"appointment.on": "1/12/2569", "appointment.time": "9", "recurrence.days": ["MO"], "recurrence.count": "12",
          "recurrence.until": "31/12/2569"}, "recurrence.count"),
        ({"appointment.on": "1/12/2569", "appointment.time": "9", "recurrence.days": ["MO"], "recurrence.until": "30/11/2569"},
         "recurrence.until"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_names_its_field(sheet: dict[str, Any], field: str) -> None:
    _, refusals = call_of(sheet, NEAR, TODAY)
    assert [refusal.field for refusal in refusals] == [field]


def test_a_point_that_cannot_be_read_never_stops_an_emergency() -> None:
    body, refusals = call_of({"location.landmark": "หลังวัด", "location.point": "16.4 กว่าๆ"}, NEAR, TODAY)
    assert (body["location"], refusals) == ({"landmark": "หลังวัด 16.4 กว่าๆ"}, [])


@pytest.mark.parametrize(
    ("typed", "read"),
    [("72 ปี", {"age": 72}), ("๑ ขวบ", {"age": 1}), ("๑๕ เม.ย. ๒๔๙๗", {"birth_date": "15 เม.ย. 2497"})],
)
def test_ages_and_births_are_read_as_people_say_them(typed: str, read: dict[str, Any]) -> None:
    assert call_of({"patients.0.born": typed}, NEAR, TODAY) == ({"patients": [read]}, [])


@pytest.mark.parametrize(("typed", "read"), [("8 เดือน", [{"age": 0}]), ("เจ็ดสิบสอง", None), ("12/04/54", None)])
def test_an_age_that_has_no_field_never_stops_an_emergency_and_stays_as_words(typed: str, read: object) -> None:
    body, refusals = call_of({"patients.0.born": typed, "notes": "รีบ"}, NEAR, TODAY)
    assert (body.get("patients"), refusals) == (read, [])
    assert body["notes"] == f"รีบ\nผู้ป่วย 1 อายุหรือวันเกิดตามที่บอก: {typed}"


@pytest.mark.parametrize(
    ("on", "day"), [("พรุ่งนี้", "2026-11-23"), ("24 พ.ย. 69", "2026-11-24"), ("24/11/69", "2026-11-24")]
)
def test_the_day_of_an_appointment_is_read_as_on_its_card(on: str, day: str) -> None:
    body, refusals = call_of({"appointment.on": on, "appointment.time": "8:30"}, NEAR, date(2026, 11, 22))
    assert (body["appointment"]["at"][:10], refusals) == (day, [])


def test_refusals_of_intake_stand_at_the_sheets_fields() -> None:
    paths = ("patients.2.birth_year", "appointment.at", "location.lat", "caller.phone", "triage.answers.x", "")
    told = problems_of({"errors": [{"field": path, "th": "ก", "en": "a"} for path in paths]})
    assert [each["field"] for each in told] == [
        "patients.2.born", "appointment.time", "location.point", "caller.phone", "group", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("d 17 k3", Command("dispatch", number="17", unit="K3")),
        ("  D  #๑๗  K3  Local_Knowledge", Command("dispatch", number="17", unit="K3", reason="local_knowledge")),
        ("+ 17 k3", Command("support", number="17", unit="K3")),
        ("o kls-6911-0017", Command("open", number="KLS-6911-0017")),
        ("s ยายมา ใจดี", Command("search", text="ยายมา ใจดี")),
        ("?", Command("keys")),
        ("n", Command("new")),
    ],
)
def test_commands(typed: str, meant: Command) -> None:
    assert read_command(typed) == meant


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "verb"),
        ("x 1", "verb"),
        ("d 17", "dispatch"),
        ("+ 17", "dispatch"),
        ("d K3 17", "number"),
        ("s", "text"),
        ("o", "number"),
    ],
)
def test_commands_that_are_none(typed: str, why: str) -> None:
    with pytest.raises(NotUnderstood) as refused:
        read_command(typed)
    assert refused.value.code == why


def test_a_command_is_understood_as_the_thai_layout_writes_it() -> None:
    assert read_command("ก ๑๗ K๓") == read_command("d 17 K3")
    assert read_command("ฌ ๑๗ K๓") == read_command("ช 17 K3") == read_command("+ 17 K3")
    assert (read_command("น 17"), read_command("ห ตาสี"), read_command("ื")) == (
        read_command("o 17"), read_command("s ตาสี"), read_command("n"),
    )  # fmt: skip


def test_a_number_means_the_call_it_ends() -> None:
    assert is_meant("KLS-6911-0017", "17")
    assert not is_meant("KLS-6911-0117", "17")
    assert is_meant("KLS-6911-0017", "KLS-6911-0017")


# --- what stays as it was ----------------------------------------------------------


def whole_call() -> dict[str, Any]:
    at = (datetime.now(BANGKOK) + timedelta(days=3)).replace(hour=9)  # never the time that a test moves it to
    return {
        "id": str(uuid4()), "version": 4, "kind": "transfer", "lane": "booked", "complaint": "ไตวาย", "notes": None,
        "criteria_group": 5,
        "caller": {"name": "นา", "relation": "child", "phone": "+66812345678", "phone_as_typed": None,
                   "line_user_id": "U1", "language": "th"},
        "location": {"landmark": "หลังวัด", "community": None, "tambon_code": None, "address": None, "lat": 16.4,
                     "lon": 103.5, "point_as_typed": None},
        "patients": [{"id": str(uuid4()), "name": "ตาสี", "national_id": None, "sex": "male", "mobility": None,
                      "needs": ["oxygen"], "groups": [], "birth_on": None, "birth_year": 1954, "age": None}],
        "companions": 0, "destination": None,
        "appointment": {"at": at.isoformat(), "clinic": None, "duration_min": None, "return_trip": True,
                        "recurrence": "FREQ=WEEKLY"},
    }  # fmt: skip


def test_correcting_sends_only_what_differs_and_loses_nothing() -> None:
    call = whole_call()
    sheet = {**sheet_of(call), "version": "4"}
    assert patch_of(call, sheet, call_of(sheet, NEAR, datetime.now(BANGKOK).date())[0]) == {"version": 4}
    changed = {**sheet, "caller.name": "แม่นา", "appointment.time": "10:00", "complaint": ""}
    patch = patch_of(call, changed, call_of(changed, NEAR, datetime.now(BANGKOK).date())[0])
    assert patch["caller"] == {
        "line_user_id": "U1", "language": "th", "name": "แม่นา", "relation": "child", "phone": "+66812345678",
    }  # fmt: skip
    assert patch["appointment"]["recurrence"] == "FREQ=WEEKLY"
    assert patch["complaint"] is None
    assert set(patch) == {"version", "caller", "appointment", "complaint"}
    for group, wanted in (("7", {"version": 4, "triage": {"criteria_group": 7}}), ("", {"version": 4})):
        worse = {**sheet, "triage.criteria_group": group}
        assert patch_of(call, worse, call_of(worse, NEAR, datetime.now(BANGKOK).date())[0]) == wanted


async def test_a_community_is_shown_by_name_and_kept_by_code_in_either_language(faces: Faces) -> None:
    call = whole_call()
    call |= {"barriers": [], "series_of": None}
    call["location"]["community"] = "talatkao"
    path = f"/v1/calls/{call['id']}"
    faces.services.answers |= {
        f"GET intake {path}": call, f"PATCH intake {path}": {"version": 5, "warnings": []},
        "GET dispatch /v1/facilities": {"items": []},
    }  # fmt: skip
    call["location"]["area_codes"] = ["46010205", "kalasin:talatkao"]
    names = {"th": ("ชุมชนตลาดเก่าร่วมใจ", "ชุมชนดอนกรุณา"), "en": ("Talat Kao Ruam Chai", "Don Karuna")}
    for lang, (own, other) in names.items():
        person = await faces.sign_in(Role.CALL_TAKER, lang=lang)
        form = (await person.get(f"/desk/calls/{call['id']}/edit")).text
        assert f'name="location.community" list="e-communities" value="{own}"' in form
        sheet = {**sheet_of(call), "location.community": own, "version": "4"}
        for told, wanted in ((own, None), (other, "kalasin:donkaruna"), ("หลังตลาด", "หลังตลาด")):
            body = {"sheet": {**sheet, "location.community": told}}
            headers = {"accept": "application/json", "x-csrf-token": person.csrf}
            answer = await person.client.post(f"/desk/calls/{call['id']}/edit", json=body, headers=headers)
            assert answer.status_code == 200, answer.text
            patch = faces.services.of(f"PATCH intake {path}")[-1].body
            assert patch.get("location", {}).get("community") == wanted, told
            assert ("location" in patch) == (wanted is not None), "what was not touched is not written"


async def test_a_call_leads_to_the_card_of_its_community_by_the_code_of_today_or_of_before(faces: Faces) -> None:
    request: Any = SimpleNamespace(app=SimpleNamespace(state=SimpleNamespace(runtime=faces.running.runtime)))
    card = "/people/community/card?town=kalasin&name=kalasin%3Atalatkao"
    for told, leads in (("kalasin:talatkao", card), ("talatkao", card), ("หลังตลาด", ""), (None, "")):
        assert card_of(request, {"area": "kalasin", "location": {"community": told}}) == leads, told
    found = {"community": None, "area_codes": ["46010205", "kalasin:talatkao"]}
    assert card_of(request, {"area": "kalasin", "location": found}) == card, "by the point"


def test_correcting_adds_barriers_and_begins_a_series() -> None:
    call = whole_call()
    call["appointment"] = {**call["appointment"], "recurrence": None}
    sheet = {**sheet_of(call), "version": "4", "barriers": ["vehicle"], "recurrence.days": ["FR", "MO"]}
    patch = patch_of(call, sheet, call_of(sheet, NEAR, datetime.now(BANGKOK).date())[0])
    assert set(patch) == {"version", "barriers", "appointment"}
    assert patch["barriers"] == ["vehicle"]
    assert patch["appointment"]["recurrence"] == "FREQ=WEEKLY;BYDAY=MO,FR"


@pytest.mark.parametrize(
    ("rule", "th", "en"),
    [
        ("FREQ=WEEKLY;BYDAY=MO,WE,FR;COUNT=12", "ทุกสัปดาห์ จ พ ศ · รวม 12 ครั้ง", "every week Mo We Fr · 12 times"),
        ("RRULE:COUNT=4;INTERVAL=2;FREQ=DAILY", "ทุก 2 วัน · รวม 4 ครั้ง", "every 2 days · 4 times"),
        ("FREQ=MONTHLY;UNTIL=20261231", "ทุกเดือน · ถึง 31 ธันวาคม พ.ศ. 2569", "every month · until 31 December 2026"),
        ("FREQ=MONTHLY;BYDAY=1MO", "นัดซ้ำ ดูวันในชุดนัด", "repeats; the days are in the series"),
        ("FREQ=WEEKLY;UNTIL=20269999", "นัดซ้ำ ดูวันในชุดนัด", "repeats; the days are in the series"),
    ],
)
def test_a_recurrence_is_said_in_words(rule: str, th: str, en: str) -> None:
    assert (in_words(rule, "th"), in_words(rule, "en")) == (th, en)


def test_the_desk_offers_every_outcome_of_a_barrier() -> None:
    table = barriers.table()
    assert {each.code: tuple(item.code for item in each.met) for each in table.barrier} == MET
    by_itself = {"carried_over", "call_ended"}
    assert {item.code for item in table.unmet} - by_itself == set(UNMET)
    for item in (*table.unmet, *(item for each in table.barrier for item in each.met)):
        said = texts()[f"desk.outcome_{item.code}"]
        assert (said.th, said.en) == (item.th, item.en)


# --- at the door -----------------------------------------------------------------------


async def take(person: SignedIn, sheet: dict[str, Any], key: str = "key-12345", **told: Any) -> Any:
    headers = {"x-csrf-token": person.csrf, "idempotency-key": key, "accept": "application/json"}
    return await person.client.post("/desk/calls", json={"sheet": sheet, **told}, headers=headers)


async def test_who_may_open_the_desk(faces: Faces) -> None:
    for role in Role:
        person = await faces.sign_in(role)
        wanted = 200 if role in {Role.CALL_TAKER, Role.DISPATCHER, Role.SUPERVISOR} else 403
        assert (await person.get("/desk")).status_code == wanted, role


async def test_a_refusal_of_intake_comes_back_field_by_field(faces: Faces) -> None:
    person = await faces.sign_in(Role.CALL_TAKER)
    error = {"field": "patients.0.birth_date", "code": "x", "th": "ผิด", "en": "wrong"}
    faces.services.answers["POST intake /v1/calls"] = (422, {"code": "invalid", "errors": [error]})
    answer = await take(person, {"patients.0.born": "1/1/2400"})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "patients.0.born", "th": "ผิด", "en": "wrong"}]
    [asked] = faces.services.of("POST intake /v1/calls")
    assert (asked.key, asked.purpose) == ("key-12345", "emergency")
    assert asked.claims["role"] == "call_taker"


RIDE = {"appointment.on": "2569-12-01", "appointment.time": "8:30"}
WHERE, WHO = "destination.facility_id", "patients.0.name"


@pytest.mark.parametrize(
    ("sheet", "asked"),
    [
        (RIDE, [WHERE, WHO]),
        ({"lane": "booked", "patients.0.name": "ตาสี"}, [WHERE]),
        ({**RIDE, "destination.address": "รพ.", "patients.0.born": "72"}, [WHO]),
        ({**RIDE, "destination.facility_id": "x", "patients.1.id": "y"}, []),
        ({**RIDE, "lane": "emergency"}, []),
        ({**RIDE, "answers": {"breathes": "yes"}}, []),
        ({"complaint": "หายใจไม่ออก"}, []),
    ],
)
def test_what_a_ride_lacks_is_asked_and_nothing_of_an_emergency(sheet: dict[str, Any], asked: list[str]) -> None:
    assert [each.field for each in asks_of(sheet)] == asked


async def test_a_ride_is_asked_for_once_and_then_taken_as_it_is(faces: Faces) -> None:
    person = await faces.sign_in(Role.CALL_TAKER)
    first = await take(person, RIDE)
    assert (first.status_code, first.json()["code"]) == (422, "asks")
    assert [each["field"] for each in first.json()["errors"]] == [WHERE, WHO]
    assert faces.services.of("POST intake /v1/calls") == []
    faces.services.answers["POST intake /v1/calls"] = (422, {"code": "invalid", "th": "ผิด", "en": "wrong"})
    assert (await take(person, RIDE, asked=True)).json()["code"] == "invalid", "intake was asked"
    plain = await person.post("/desk/plain", RIDE)
    assert (plain.status_code, 'name="asked" value="yes"' in plain.text) == (422, True)
    assert len(faces.services.of("POST intake /v1/calls")) == 1
    await person.post("/desk/plain", {**RIDE, "asked": "yes"})
    assert len(faces.services.of("POST intake /v1/calls")) == 2


async def test_a_number_nobody_can_ring_is_said_while_the_caller_is_there(faces: Faces) -> None:
    person = await faces.sign_in(Role.CALL_TAKER)
    headers = {"x-csrf-token": person.csrf, "accept": "application/json"}
    for text, doubt in (("0812345", "สั้นเกินไป"), ("ไม่ทราบ", "ตัวเลขเท่านั้น"), ("0812345678, 0812345679", "ทีละเบอร์"),
                        ("081 234 5678", ""), ("๐๔๓-๘๑๑-๒๓๔ ต่อ 12", ""), ("1669", ""), ("+856 20 5555 1234", "")):  # fmt: skip
        said = (await person.client.post("/desk/phone", json={"text": text}, headers=headers)).json()["said"]
        assert (bool(said), doubt in said) == (bool(doubt), True), text


async def test_intake_away_is_told_as_away_and_not_as_refused(faces: Faces) -> None:
    person = await faces.sign_in(Role.CALL_TAKER)
    faces.services.answers["POST intake /v1/calls"] = (503, {"code": "database_away"})
    answer = await take(person, {"caller.phone": "0812345678"})
    assert (answer.status_code, answer.json()["code"]) == (503, "service_away")


async def test_nothing_is_taken_without_the_pages_own_token(faces: Faces) -> None:
    person = await faces.sign_in(Role.CALL_TAKER)
    answer = await person.client.post("/desk/calls", json={"sheet": {}}, headers={"idempotency-key": "key-12345"})
    assert answer.status_code == 403
    assert faces.services.asked == []


async def test_what_is_typed_is_asked_by_the_way_it_looks(faces: Faces) -> None:
    person = await faces.sign_in(Role.CALL_TAKER)
    hit = {"id": str(uuid4()), "name": "<b>มา</b>", "age": {"years": 72, "estimated": False}, "mobility": None,
           "open_case_id": None}  # fmt: skip
    faces.services.answers["POST registry /v1/persons/search"] = {"items": [hit], "more": False}
    faces.services.answers["POST intake /v1/calls/search"] = {"items": []}
    headers = {"x-csrf-token": person.csrf, "accept": "application/json"}
    for text, wanted in (("081 234 5678", "phone"), ("1103700012345", "national_id"), ("มา", "name"), ("0", None)):
        faces.services.asked.clear()
        html = (await person.client.post("/desk/find", json={"text": text}, headers=headers)).json()["html"]
        asked = faces.services.of("POST registry /v1/persons/search")
        assert [next(iter(each.body)) for each in asked] == ([wanted] if wanted else [])
        assert all(each.purpose == "emergency" for each in asked)
        assert "<b>" not in html


HOME = {"lat": 16.43, "lon": 103.5}
LAST = {"location.landmark": "บ้านสีฟ้า", "location.community": "ชุมชนตลาดเก่าร่วมใจ"}
NOW = {"kind": "current", "detail": "12/3", "area_th": "ต.กาฬสินธุ์", "area_en": "Kalasin"}


@pytest.mark.parametrize(
    ("home", "last", "addresses", "told"),
    [
        (None, {}, [], {}),
        (None, {}, [NOW], {"location.address": "12/3 · ต.กาฬสินธุ์"}),
        (None, {**LAST, "location.point": "16.43, 103.5"}, [NOW], {**LAST, "location.point": "16.43, 103.5"}),
        (HOME, {}, [], {"location.point": "16.43, 103.5"}),
        (HOME, {**LAST, "location.point": "16.431, 103.501"}, [], {**LAST, "location.point": "16.43, 103.5"}),
        (HOME, {**LAST, "location.point": "16.48, 103.5"}, [NOW],
         {"location.point": "16.43, 103.5", "location.address": "12/3 · ต.กาฬสินธุ์"}),
        (HOME, LAST, [], {"location.point": "16.43, 103.5"}),
    ],
)  # fmt: skip
def test_the_home_in_the_register_goes_before_where_they_were_fetched_last(
    home: Any, last: Any, addresses: Any, told: Any
) -> None:
    assert fill_of_home({"addresses": addresses}, home, last, "th") == told


async def test_whoever_never_called_is_fetched_from_home(faces: Faces) -> None:
    person, person_id = await faces.sign_in(Role.CALL_TAKER), str(uuid4())
    known = {
        "id": person_id, "name": "มา ใจดี", "age": {"years": 72, "estimated": False}, "mobility": None, "groups": [], "barriers": [],
        "open_case_ids": [], "addresses": [NOW], "contacts": [{"phone": "+66812345678", "relation": "self", "name": None}],
    }  # fmt: skip
    stands = {**HOME, "stands": True, "verified": {"code": "officer", "th": "เจ้าหน้าที่ยืนยัน", "en": "by an officer"},
              "verified_at": "2026-11-01T03:00:00Z", "observed_at": "2026-11-01T03:00:00Z"}  # fmt: skip
    faces.services.answers |= {
        f"GET registry /v1/persons/{person_id}": known,
        f"GET registry /v1/persons/{person_id}/locations": {"items": [{**stands, "lat": 1.0, "stands": False}, stands]},
        "POST intake /v1/calls/search": {"items": []},
    }
    headers = {"x-csrf-token": person.csrf, "accept": "application/json"}
    answer = (await person.client.post("/desk/person", json={"person_id": person_id}, headers=headers)).json()
    assert answer["fill"]["location.point"] == "16.43, 103.5"
    assert answer["fill"]["caller.phone"] == "081 234 5678"
    assert "เจ้าหน้าที่ยืนยัน" in answer["html"]
    faces.services.answers[f"GET registry /v1/persons/{person_id}/locations"] = (403, {"th": "ไม่ได้", "en": "no"})
    answer = (await person.client.post("/desk/person", json={"person_id": person_id}, headers=headers)).json()
    assert "location.point" not in answer["fill"]


KNOWN = {
    "ชุมชนตลาดเก่าร่วมใจ": Point(103.51, 16.43), "ชุมชนหนองบัว": Point(103.52, 16.44),
    "ชุมชนหนองบัวหอม": Point(103.53, 16.45), "โรงพยาบาลทดสอบ": Point(103.5, 16.4),
}  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("ตลาดเก่า", "ชุมชนตลาดเก่าร่วมใจ"),
        ("หน้าโรงพยาบาล ทดสอบ ฝั่งตะวันตก", "โรงพยาบาลทดสอบ"),
        ("ชุมชนหนองบัว", "ชุมชนหนองบัว"),
        ("หนองบัวหอม", "ชุมชนหนองบัวหอม"),
        ("หนอง", None),
        ("ชุมชน", None),
        ("วัดที่ไม่มีใครรู้จัก", None),
        ("", None),
    ],
)
def test_a_known_name_gives_its_place_and_two_give_none(typed: str, name: str | None) -> None:
    found = named_place(typed, KNOWN)
    assert found == (None if name is None else (name, KNOWN[name]))


async def test_the_place_a_caller_sent_by_line_can_be_used(faces: Faces) -> None:
    person = await faces.sign_in(Role.CALL_TAKER)
    call = whole_call()
    path = f"/v1/calls/{call['id']}"
    faces.services.answers[f"GET intake {path}"] = call
    faces.services.answers[f"PATCH intake {path}"] = (409, {"code": "changed_meanwhile", "th": "แก้ไปก่อนแล้ว"})
    form = {"lat": "16.43", "lon": "103.51"}
    answer = await person.post(f"/desk/calls/{call['id']}/place", form, headers={"hx-request": "true"})
    assert answer.status_code == 409
    assert answer.headers["hx-retarget"] == "#place-refused"
    assert "แก้ไปก่อนแล้ว" in answer.text
    [asked] = faces.services.of(f"PATCH intake {path}")
    assert asked.body["version"] == 4
    assert asked.body["location"] == {
        "address": None, "landmark": "หลังวัด", "tambon_code": None, "community": None, "lat": 16.43, "lon": 103.51,
    }  # fmt: skip


def trip_with(assignments: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": str(uuid4()), "leg": "outbound", "lane": "emergency", "status": "requested", "outcome": None,
        "pickup_at": None, "pickup_latest_at": None, "arrive_by_at": None, "now_at": "2026-11-22T03:00:00Z",
        "assignments": assignments,
    }  # fmt: skip


def fleet(faces: Faces, call_id: str, assignments: list[dict[str, Any]]) -> tuple[str, dict[str, str]]:
    """Dispatch knows one trip and two units, of which K2 lacks something; gives the trip's id and the units' by name."""
    units = {"K1": str(uuid4()), "K2": str(uuid4())}
    trip = trip_with([{**each, "unit_id": units["K1"]} for each in assignments])
    lack = {"code": "level", "what": "als", "hard": True, "short_by": 1, "th": "ต้องการระดับ als", "en": "needs als"}
    advice = [
        {"rank": rank, "unit_id": units[sign], "call_sign": sign, "eligible": sign == "K1", "volunteer": False,
         "score_s": 1.0, "duration_s": 130.0, "distance_m": 900.0, "position_stale": False, "next_booking_at": None,
         "said_no": False, "reasons": [{"th": "ใกล้", "en": "near"}], "shortfalls": [lack] if sign == "K2" else []}
        for rank, sign in enumerate(units, start=1)
    ]  # fmt: skip
    items = [{"id": unit_id, "call_sign": sign} for sign, unit_id in units.items()]
    faces.services.answers |= {
        "GET dispatch /v1/trips": {"items": [trip]},
        "GET dispatch /v1/units": {"items": items},
        f"GET dispatch /v1/trips/{trip['id']}/recommendations": {"items": advice},
    }
    return trip["id"], units


@pytest.mark.parametrize(("status", "said"), [("expired", "ไม่ตอบในเวลา"), ("declined", "ไม่รับงาน")])
async def test_a_unit_that_was_silent_is_not_said_to_have_refused(faces: Faces, status: str, said: str) -> None:
    person, call_id = await faces.sign_in(Role.DISPATCHER), str(uuid4())
    asked = {
        "id": str(uuid4()), "role": "primary", "status": status, "asked_at": "2026-11-22T03:00:00Z",
        "respond_by_at": None, "start_at": None, "ended_at": "2026-11-22T03:01:00Z", "stamps": {},
    }  # fmt: skip
    trip_id, _ = fleet(faces, call_id, [asked])
    advice = faces.services.answers[f"GET dispatch /v1/trips/{trip_id}/recommendations"]["items"]
    advice[0]["said_no"] = True
    html = (await person.get(f"/desk/calls/{call_id}/trips", headers={"hx-request": "true"})).text
    of_k1, of_k2 = re.findall(r'<span class="unit-facts">.*?</form>', html, re.DOTALL)
    assert f'<span class="error">{said}</span>' in of_k1
    assert 'class="error"' not in of_k2


async def test_a_proposal_is_confirmed_and_others_stand_beside_it_with_what_they_lack(faces: Faces) -> None:
    person, call_id = await faces.sign_in(Role.CALL_TAKER, lang="en"), str(uuid4())
    proposed = {
        "id": str(uuid4()), "role": "primary", "status": "proposed", "asked_at": "2026-11-22T03:00:00Z",
        "respond_by_at": "2026-11-22T03:01:00Z", "start_at": None, "ended_at": None, "stamps": {},
    }  # fmt: skip
    trip_id, units = fleet(faces, call_id, [proposed])
    html = (await person.get(f"/desk/calls/{call_id}/trips", headers={"hx-request": "true"})).text
    assert "Confirm K1" in html
    assert "needs als" in html
    assert "Release" not in html  # that is for those who dispatch
    faces.services.answers[f"POST dispatch /v1/trips/{trip_id}/assign"] = {}
    form = {"trip_id": trip_id, "unit_id": units["K1"]}
    assert (await person.post(f"/desk/calls/{call_id}/order", form)).status_code == 200
    [asked] = faces.services.of(f"POST dispatch /v1/trips/{trip_id}/assign")
    assert asked.body == {"unit_id": units["K1"]}


async def test_what_holds_for_all_units_is_said_once_and_an_order_that_waits_is_told(faces: Faces) -> None:
    person, call_id = await faces.sign_in(Role.DISPATCHER, lang="en"), str(uuid4())
    trip_id, _ = fleet(faces, call_id, [])
    straight = {"th": "ประมาณ", "en": "by a straight line"}
    advice = faces.services.answers[f"GET dispatch /v1/trips/{trip_id}/recommendations"]["items"]
    for each, own in zip(
        advice, ({"th": "ก", "en": "its station is used"}, {"th": "ข", "en": "gave more"}), strict=True
    ):
        each["reasons"] += [straight, own]
    html = (await person.get(f"/desk/calls/{call_id}/trips", headers={"hx-request": "true"})).text
    assert html.count("by a straight line") == 1
    assert html.count("near") == 2
    assert all(own in html for own in ("its station is used", "gave more"))
    assert "data-sent" not in html
    ordered = {
        "id": str(uuid4()), "role": "primary", "status": "ordered", "asked_at": "2026-11-22T03:00:00Z",
        "respond_by_at": "2026-11-22T03:01:00Z", "start_at": None, "ended_at": None, "stamps": {},
    }  # fmt: skip
    fleet(faces, call_id, [ordered])
    html = (await person.get(f"/desk/calls/{call_id}/trips", headers={"hx-request": "true"})).text
    assert "data-sent" in html
    assert "to send one more" in html


async def test_with_a_patient_on_board_the_desk_says_the_next_step_for_the_crew_and_takes_nobody_away(
    faces: Faces,
) -> None:
    person, call_id, assignment_id = await faces.sign_in(Role.DISPATCHER, lang="en"), str(uuid4()), str(uuid4())
    for status, following, words in (
        ("left_scene", "at_destination", "Say for the crew: "), ("at_destination", "clear", "Outcome"),
    ):  # fmt: skip
        fleet(faces, call_id, [{
            "id": assignment_id, "role": "primary", "status": status, "asked_at": "2026-11-22T03:00:00Z",
            "respond_by_at": None, "start_at": None, "ended_at": None, "stamps": {},
        }])  # fmt: skip
        html = (await person.get(f"/desk/calls/{call_id}/trips", headers={"hx-request": "true"})).text
        assert words in html
        assert f"/desk/calls/{call_id}/release" not in html
        faces.services.answers[f"POST dispatch /v1/assignments/{assignment_id}/steps"] = {}
        form = {"assignment_id": assignment_id, "step": following, "outcome": "" if following != "clear" else "died"}
        answer = await person.post(f"/desk/calls/{call_id}/step", form, headers={"hx-request": "true"})
        assert answer.status_code == 200
        [*_, asked] = faces.services.of(f"POST dispatch /v1/assignments/{assignment_id}/steps")
        assert asked.body["step"] == following
        assert asked.body.get("outcome") == (form["outcome"] or None)


async def test_an_order_that_lacks_something_asks_for_a_reason(faces: Faces) -> None:
    person, call_id = await faces.sign_in(Role.DISPATCHER, lang="en"), str(uuid4())
    trip_id, units = fleet(faces, call_id, [])
    lack = {"code": "level", "what": "als", "hard": True, "short_by": 1, "th": "ต้องการระดับ als", "en": "needs als"}
    path = f"POST dispatch /v1/trips/{trip_id}/assign"
    said = {"code": "unit_not_fit", "th": "ไม่ครบ", "en": "something is missing", "shortfalls": [lack]}
    faces.services.answers[path] = (409, {**said, "overridable": True})
    form = {"trip_id": trip_id, "unit_id": units["K2"]}
    answer = await person.post(f"/desk/calls/{call_id}/order", form, headers={"hx-request": "true"})
    assert answer.status_code == 409
    assert "something is missing · needs als" in answer.text
    assert "Order K2 for this reason" in answer.text
    faces.services.answers[path] = {}
    await person.post(f"/desk/calls/{call_id}/order", {**form, "override_reason": "local_knowledge"})
    assert faces.services.of(path)[-1].body["override_reason"] == "local_knowledge"


async def test_several_units_stand_with_what_is_missing_and_are_stood_down(faces: Faces) -> None:
    person, call_id = await faces.sign_in(Role.DISPATCHER, lang="en"), str(uuid4())
    going = {
        "id": str(uuid4()), "role": "support", "status": "en_route", "asked_at": "2026-11-22T03:00:00Z",
        "respond_by_at": None, "start_at": None, "ended_at": None, "stamps": {},
    }  # fmt: skip
    trip_id, _ = fleet(faces, call_id, [going])
    trip = faces.services.answers["GET dispatch /v1/trips"]["items"][0]
    trip["units"] = {"missing": 1, "th": "ขอ 2 BLS", "en": "asked for 2 BLS; 1 missing: 1 BLS", "units": []}
    html = (await person.get(f"/desk/calls/{call_id}/trips", headers={"hx-request": "true"})).text
    assert "asked for 2 BLS; 1 missing: 1 BLS" in html
    assert "Stand down the units in support" in html
    path = f"POST dispatch /v1/trips/{trip_id}/stand-down"
    faces.services.answers[path] = {}
    await person.post(f"/desk/calls/{call_id}/stand-down", {"trip_id": trip_id})
    assert len(faces.services.of(path)) == 1
    taker = await faces.sign_in(Role.CALL_TAKER, lang="en")
    html = (await taker.get(f"/desk/calls/{call_id}/trips", headers={"hx-request": "true"})).text
    assert "Stand down" not in html


async def test_ready_for_the_way_home_asks_first_where_the_way_there_has_not_ended(faces: Faces) -> None:
    person, call_id = await faces.sign_in(Role.CALL_TAKER), str(uuid4())
    there, back = trip_with([]), {**trip_with([]), "leg": "return", "status": "awaiting_ready"}
    back["outbound_id"] = there["id"]
    faces.services.answers |= {
        "GET dispatch /v1/trips": {"items": [there, back]}, "GET dispatch /v1/units": {"items": []},
        f"GET dispatch /v1/trips/{there['id']}/recommendations": {"items": []},
    }  # fmt: skip
    for status, asks in (("requested", True), ("completed", False)):
        there["status"] = status
        html = (await person.get(f"/desk/calls/{call_id}/trips", headers={"hx-request": "true"})).text
        assert (f'id="ready-{back["id"]}"' in html, 'hx-confirm="ขาไป' in html) == (True, asks)
        assert ('name="override" value="came_otherwise"' in html) is asks, "who says yes to that says why"


async def test_dispatch_away_is_said_and_the_call_is_shown_all_the_same(faces: Faces) -> None:
    person, call_id = await faces.sign_in(Role.DISPATCHER, lang="en"), str(uuid4())
    faces.services.answers["GET dispatch /v1/trips"] = (503, {})
    answer = await person.get(f"/desk/calls/{call_id}/trips")
    assert answer.status_code == 200
    assert "dispatch does not answer" in answer.text


async def test_the_command_line_orders_and_says_why_it_cannot(faces: Faces) -> None:
    person, call_id = await faces.sign_in(Role.DISPATCHER, lang="en"), str(uuid4())
    trip_id, units = fleet(faces, call_id, [])
    listed = [{"id": call_id, "number": "KLS-6911-0017"}, {"id": str(uuid4()), "number": "KLS-6911-0018"}]
    over = {"id": str(uuid4()), "number": "KLS-6911-0016"}
    faces.services.answers["GET intake /v1/calls"] = lambda asked: {
        "items": listed if asked.query.get("status") == "open" else [*listed, over, {**over, "number": "KLS-6910-0016"}]
    }
    path = f"POST dispatch /v1/trips/{trip_id}/assign"
    faces.services.answers[path] = {"status": "ordered"}
    headers = {"x-csrf-token": person.csrf, "accept": "application/json"}

    async def said(text: str) -> tuple[int, str]:
        answer = await person.client.post("/desk/command", json={"text": text}, headers=headers)
        return answer.status_code, answer.json()["text"]

    assert await said("d 17 k2") == (200, "K2 is ordered to KLS-6911-0017")
    assert faces.services.of(path)[-1].body == {"unit_id": units["K2"]}
    assert await said("d 99 k2") == (409, "No open call 99")
    assert await said("d 16 k2") == (409, "No open call 16"), "nobody is sent to what is over"
    assert await said("o 16") == (200, "KLS-6911-0016"), "the newest of that number can still be looked at"
    assert await said("o 99") == (409, "No call 99")
    assert await said("d 17 k9") == (409, "No unit K9")
    assert (await said("fly"))[0] == 422
    faces.services.answers[path] = (409, {"en": "missing", "overridable": True})
    status, text = await said("d 17 K2")
    assert (status, text.startswith("missing")) == (409, True)
    assert "local_knowledge" in text
    faces.services.answers[path] = (409, {"code": "has_unit", "en": "the trip has its unit"})
    assert (await said("d 17 k2"))[1].endswith("+ 17 K2"), "what can be done about it is a command that there is"
    faces.services.answers[path] = {"status": "ordered"}
    assert await said("+ 17 k2") == (200, "K2 is ordered to KLS-6911-0017")
    assert faces.services.of(path)[-1].body == {"unit_id": units["K2"], "role": "support"}


async def test_a_call_is_taken_by_a_plain_form_and_nothing_stands_in_an_address(faces: Faces) -> None:
    call_id = str(uuid4())
    faces.services.answers["POST intake /v1/calls"] = (201, {"id": call_id})
    desk = await faces.sign_in(Role.CALL_TAKER, lang="en")
    page = (await desk.get("/desk")).text
    assert 'method="post" action="/desk/plain"' in page
    form = {
        "kind": "medical", "complaint": "หายใจไม่ออก", "location.landmark": "ตลาดเก่า", "key": "abcdef12",
        "patients.0.name": "มะลิ", "patients.0.needs": ["oxygen", "suction"], "barriers": ["money"],
        "triage.criteria_group": ["", "5"],
    }  # fmt: skip
    taken = await desk.post("/desk/plain", form)
    assert (taken.status_code, taken.headers["location"]) == (303, f"/desk/calls/{call_id}")
    [asked] = faces.services.of("POST intake /v1/calls")
    assert asked.key == "desk-abcdef12"
    assert asked.body["patients"] == [{"name": "มะลิ", "needs": ["oxygen", "suction"]}]
    assert (asked.body["triage"], asked.body["barriers"]) == ({"criteria_group": 5}, ["money"])

    again = await desk.post("/desk/plain", {**form, "appointment.time": "soon", "appointment.on": "2569-12-01"})
    assert again.status_code == 422
    assert "not a time of day" in again.text
    assert "มะลิ" in again.text, "nothing that was typed is lost"
    faces.services.answers["POST intake /v1/calls"] = (422, {"code": "invalid", "th": "ผิด", "en": "something is wrong"})
    refused = await desk.post("/desk/plain", form)
    assert (refused.status_code, "something is wrong" in refused.text) == (422, True)
