"""Taking a call: what is said of it, and that nobody in an emergency is refused for want of a field."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.codes.codes import code_list
from shared.work import now_utc
from tests.harness import Running, problem_of
from tests.intake.conftest import E164, INSIDE, OUTSIDE, PHONE, acted, booked, emergency, get, post, take, whole


def in_days(days: float) -> str:
    return (now_utc() + timedelta(days=days)).isoformat()


async def test_an_emergency_with_only_a_phone_number_and_a_landmark_is_taken(intake: Running) -> None:
    taken = await take(intake, lane="emergency", caller={"phone": PHONE}, location={"landmark": "หน้าวัดกลาง"})
    assert (taken["lane"], taken["status"], taken["served"]) == ("emergency", "open", True)
    assert taken["severity"] == "red", "what was not answered counts like a yes"
    said = await intake.said("intake.call.")
    assert [row["type"] for row in said] == ["intake.call.received.v1"]
    private = said[0]["data"]["private"]
    assert private["caller"]["phone"] == E164
    assert private["location"]["landmark"] == "หน้าวัดกลาง"
    assert len(private["patients"]) == 1
    assert UUID(private["patients"][0]["patient_id"])


async def test_the_open_half_holds_nothing_personal(intake: Running) -> None:
    await emergency(intake, patient={"name": "ยายมา ใจดี", "age": 81, "groups": ["bedridden"]}, complaint="ล้มในห้องน้ำ")
    (row,) = await intake.said("intake.call.received")
    assert set(row["open_data"]) == {
        "number", "status", "kind", "lane", "severity", "severity_scheme", "channel", "received_at", "amphoe",
        "patient_count", "back_entry", "served",
    }  # fmt: skip
    assert row["open_data"]["amphoe"] == "4601"


@pytest.mark.parametrize("criteria_group", [13, 21])
async def test_violence_and_psychiatric_calls_show_only_id_and_time(intake: Running, criteria_group: int) -> None:
    taken = await emergency(intake, triage={"criteria_group": criteria_group}, barriers=["people"])
    rows = await intake.said()
    assert {row["type"] for row in rows} == {"intake.call.received.v1", "intake.barrier.opened.v1"}
    assert all(row["protected"] and row["open_data"] == {} for row in rows)
    assert all(str(row["correlation_id"]) == taken["id"] for row in rows)


async def test_a_call_nobody_could_find_is_refused_naming_what_is_needed(intake: Running) -> None:
    answer = await post(intake, "/v1/calls", {"lane": "emergency", "complaint": "หายใจไม่ออก"})
    assert answer.status_code == 422
    assert problem_of(answer)["errors"][0]["field"] == "location"
    assert await intake.said() == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"unheard_of": 1}, "unheard_of"),
        ({"caller": {"phone": PHONE, "nick": "x"}}, "caller.nick"),
        ({"kind": "picnic"}, "kind"),
        ({"patients": [{"age": 200}]}, "patients.0.age"),
        ({"patients": [{"age": -1}]}, "patients.0.age"),
        ({"patients": [{"birth_year": 3000}]}, "patients.0.birth_year"),
        ({"patients": [{"birth_date": "2569-02-30"}]}, "patients.0.birth_date"),
        ({"patients": [{"birth_date": "เมื่อวาน"}]}, "patients.0.birth_date"),
        ({"patient": {"birth_year": 1600}}, "patient.birth_year"),
        ({"patient": {"age": 3}, "patients": []}, "body"),
        ({"barriers": ["laziness"]}, "barriers.0"),
        ({"companions": 9**30}, "companions"),
        ({"complaint": "\x00"}, "complaint"),
        ({"caller": {"name": "\x00"}}, "caller.name"),
        ({"triage": {"answers": {"q": "\x00"}}}, "triage.answers"),
        ({"received_at": "2026-01-01T10:00:00"}, "received_at"),
        ({"location": {"lat": float(10**9)}}, "location.lat"),
        ({"lane": "emergency", "received_at": in_days(1)}, "received_at"),
    ],
)
async def test_what_is_wrong_is_refused_naming_the_field_and_leaves_nothing(
    intake: Running, body: dict[str, Any], field: str
) -> None:
    answer = await post(intake, "/v1/calls", {"caller": {"phone": PHONE}, **body})
    assert answer.status_code == 422
    assert field in [error["field"] for error in problem_of(answer)["errors"]]
    assert await intake.sql("select from call") == []
    assert await intake.sql("select from number_series") == []


async def test_a_clock_a_little_ahead_is_forgiven_and_never_stored_as_future(intake: Running) -> None:
    taken = await emergency(intake, received_at=(now_utc() + timedelta(seconds=10)).isoformat())
    assert datetime.fromisoformat(taken["received_at"]) <= now_utc()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"birth_date": "2512-05-01"}, {"birth_on": "1969-05-01"}),
        ({"birth_date": "1/5/2512"}, {"birth_on": "1969-05-01"}),
        ({"birth_date": "1969-05-01"}, {"birth_on": "1969-05-01"}),
        ({"birth_date": "29/02/2567"}, {"birth_on": "2024-02-29"}),
        ({"birth_year": 2512}, {"birth_year": 1969}),
    ],
)
async def test_a_year_typed_in_the_buddhist_era_is_recognised(
    intake: Running, given: dict[str, Any], kept: dict[str, Any]
) -> None:
    taken = await emergency(intake, patient=given)
    told = [warning["field"] for warning in taken["warnings"] if warning["code"] == "read_in_buddhist_era"]
    assert told == ([] if given.get("birth_date") == "1969-05-01" else [f"patient.{name}" for name in given])
    patient = (await whole(intake, taken["id"]))["patients"][0]
    assert {name: patient[name] for name in kept} == kept


@pytest.mark.parametrize("field", ["appointment.at", "received_at"])
async def test_a_moment_typed_in_the_buddhist_era_is_refused_with_the_year_that_is_meant(
    intake: Running, field: str
) -> None:
    at = (now_utc() + timedelta(days=40)).replace(day=15, microsecond=0)  # a day that the year 543 years on has, too
    typed = f"{at.year + 543}{at.isoformat()[4:]}"
    given = {"appointment": {"at": typed}} if field == "appointment.at" else {"received_at": typed}
    answer = await post(intake, "/v1/calls", {"caller": {"phone": PHONE}, "location": INSIDE, **given})
    (error,) = problem_of(answer)["errors"]
    assert (answer.status_code, error["field"], error["code"]) == (422, field, "year_in_buddhist_era")
    for text in (error["th"], error["en"]):
        assert str(at.year) in text
        assert str(at.year + 543) in text
    assert await intake.sql("select from call") == []


async def test_a_moment_may_be_written_in_thai_digits(intake: Running) -> None:
    at = (now_utc() + timedelta(days=3)).replace(microsecond=0)
    taken = await booked(intake, at.isoformat().translate(str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")))
    assert datetime.fromisoformat((await whole(intake, taken["id"]))["appointment_at"]) == at


async def test_an_unreadable_phone_of_an_emergency_is_kept_as_typed_and_of_a_booking_refused(intake: Running) -> None:
    taken = await emergency(intake, caller={"phone": "ศูนย์แปดหนึ่ง สองสาม"})
    assert [warning["field"] for warning in taken["warnings"]] == ["caller.phone"]
    assert (await whole(intake, taken["id"]))["caller"]["phone_as_typed"] == "ศูนย์แปดหนึ่ง สองสาม"
    refused = await post(
        intake, "/v1/calls",
        {"kind": "transfer", "lane": "booked", "caller": {"phone": "08123"}, "location": {"landmark": "วัด"}},
    )  # fmt: skip
    assert refused.status_code == 422
    assert problem_of(refused)["errors"][0]["field"] == "caller.phone"


@pytest.mark.parametrize(
    "phone", ["+66 81 234 5678", "๐๘๑-๒๓๔-๕๖๗๘", "โทร 0812345678", "0066812345678", "081.234.5678"]
)
async def test_phones_of_every_shape_are_one_number(intake: Running, phone: str) -> None:
    taken = await emergency(intake, caller={"phone": phone})
    assert (await whole(intake, taken["id"]))["caller"]["phone"] == E164


@pytest.mark.parametrize("point", [{"lat": 9.0, "lon": 101.5}, {"lat": 48.1, "lon": 11.6}, {"lat": 16.4}])
async def test_an_impossible_point_of_an_emergency_is_set_aside_with_a_warning(
    intake: Running, point: dict[str, float]
) -> None:
    taken = await emergency(intake, location=point)
    assert [warning["field"] for warning in taken["warnings"]] == ["location"]
    location = (await whole(intake, taken["id"]))["location"]
    assert location["lat"] is None
    assert str(point["lat"]) in location["point_as_typed"]
    body = {"lane": "booked", "kind": "transfer", "caller": {"phone": PHONE}, "location": point}
    refused = await post(intake, "/v1/calls", body)
    assert refused.status_code == 422
    assert problem_of(refused)["errors"][0]["field"] == "location"


async def test_exchanged_coordinates_of_an_emergency_are_turned_with_a_warning(intake: Running) -> None:
    taken = await emergency(intake, location={"lat": INSIDE["lon"], "lon": INSIDE["lat"]})
    assert [warning["code"] for warning in taken["warnings"]] == ["point_turned"]
    location = (await whole(intake, taken["id"]))["location"]
    assert (location["lat"], location["lon"]) == (INSIDE["lat"], INSIDE["lon"])
    body = {"lane": "booked", "kind": "transfer", "location": {"lat": INSIDE["lon"], "lon": INSIDE["lat"]}}
    assert problem_of(await post(intake, "/v1/calls", body))["code"] == "point_swapped"


@pytest.mark.parametrize("text", ["ช่วยด้วย 🆘🚑", "ساعدوني", "ก็็็็็็็", "a" * 4000])
async def test_what_people_write_is_kept_as_they_wrote_it(intake: Running, text: str) -> None:
    taken = await emergency(intake, complaint=text)
    assert (await whole(intake, taken["id"]))["complaint"] == text


async def test_half_a_character_and_a_huge_body_are_refused(intake: Running) -> None:
    from tests.harness import bearer

    headers = {**bearer("call_taker"), "content-type": "application/json"}
    for broken in (b'{"complaint": "' + "ก".encode()[:2] + b'"}', b"[" * 10_000, b"[[["):
        refused = await intake.client.post("/v1/calls", content=broken, headers=headers)
        assert (refused.status_code, [each["field"] for each in refused.json()["errors"]]) == (400, ["body"])
    for huge in (b'{"complaint": "' + b"a" * 10_000_000 + b'"}', b"[" * 100_000):
        assert (await intake.client.post("/v1/calls", content=huge, headers=headers)).status_code == 413


# --- rich or poor, citizen or not (A15) ------------------------------------------


@pytest.mark.parametrize(
    "person",
    [
        {},
        {"name": "ไม่ทราบชื่อ"},
        {"national_id": "ไม่มี"},
        {"national_id": "0-1234-56789-01-2"},
        {"groups": ["destitute"]},
        {"groups": ["homeless"]},
        {"name": "Maung Maung", "groups": []},
    ],
)
async def test_neither_poverty_nor_a_missing_card_keeps_anybody_from_help(
    intake: Running, person: dict[str, Any]
) -> None:
    body = {"kind": "transfer", "lane": "booked", "caller": {"phone": PHONE}, "location": INSIDE}
    if person.get("national_id", "").startswith("0-"):
        answer = await post(intake, "/v1/calls", {**body, "lane": "emergency", "patient": person})
    else:
        answer = await post(intake, "/v1/calls", {**body, "patient": person})
    assert answer.status_code == 201
    assert answer.json()["served"]
    assert answer.json()["service"]["legal_basis"]


def test_the_contract_has_no_field_for_income_or_insurance() -> None:
    from services.intake.bodies import CallBody

    schema = str(CallBody.model_json_schema()).lower()
    assert not [word for word in ("income", "insurance", "salary", "wealth", "nationality") if word in schema]


# --- kinds beyond patients (A20), the area (A8), red flags (A18) -----------------------


@pytest.mark.parametrize(
    ("complaint", "hazard", "skill"),
    [
        ("งูเห่าเข้าบ้าน", "snake", "snake_handling"),
        ("ไฟไหม้บ้าน", "fire", "firefighting"),
        ("ต้นไม้ล้มขวางถนน", "fallen_tree", "chainsaw"),
    ],
)
async def test_a_hazard_goes_to_a_team_without_a_patient(
    intake: Running, complaint: str, hazard: str, skill: str
) -> None:
    taken = await take(intake, kind="hazard", location=INSIDE, complaint=complaint)
    assert taken["triage"]["advice"]
    (row,) = await intake.said("intake.call.received")
    assert row["data"]["patient_count"] == 0
    assert row["data"]["private"]["hazard"] == hazard
    assert row["data"]["private"]["requirements"] == [skill]


async def test_a_fire_is_also_told_to_the_fire_brigade(intake: Running) -> None:
    taken = await take(intake, kind="hazard", lane="emergency", location=INSIDE, complaint="ไฟไหม้")
    told = [taken["hand_over"]["receiver"], *(other["receiver"] for other in taken["hand_over"]["others"])]
    assert "fire_199" in told


async def test_outside_the_area_the_call_is_handed_over_with_time_and_receiver_never_dropped(intake: Running) -> None:
    taken = await emergency(intake, location=OUTSIDE)
    assert taken["number"]
    assert (taken["status"], taken["served"], taken["service_area"]["status"]) == ("handed_over", False, "outside")
    given = taken["hand_over"]
    assert given["done"]
    assert given["at"]
    assert given["phone"]
    events = await intake.said()
    assert [row["type"] for row in events] == ["intake.call.received.v1", "intake.call.handed_over.v1"]
    assert events[0]["data"]["served"] is False
    assert events[1]["data"]["ends_call"] is True
    assert events[1]["data"]["private"] == {"receiver": given["receiver"], "reason": "outside_area"}
    assert await intake.sql("select from due where kind = 'watchdog'") == []


async def test_outside_the_area_every_visit_of_a_series_is_handed_over(intake: Running) -> None:
    ride = await booked(intake, in_days(1), location=OUTSIDE, appointment={"recurrence": "FREQ=DAILY;COUNT=3"})
    given = await intake.said("intake.call.handed_over")
    assert {str(row["aggregate_id"]) for row in given} == {ride["id"], *(visit["id"] for visit in ride["series"])}


async def test_a_hand_over_that_nobody_at_the_desk_saw_raises_an_alarm(intake: Running) -> None:
    await emergency(intake, location=OUTSIDE, channel="web")
    alarms = await intake.client.get("/v1/alarms", headers=(await _desk()))
    (alarm,) = alarms.json()["items"]
    assert alarm["kind"] == "hand_over"
    assert alarm["caller_phone"] == E164
    assert alarm["ring"][0]["phone"]


async def _desk() -> dict[str, str]:
    from tests.harness import bearer

    return bearer("call_taker")


async def test_a_tambon_partly_inside_is_served_and_the_community_asked_for(intake: Running) -> None:
    taken = await emergency(intake, location={"tambon_code": "460102"})
    assert taken["served"]
    assert taken["service_area"] == {"status": "undecided", "by": "tambon", "ask": ["community", "point"]}
    assert [warning["code"] for warning in taken["warnings"]] == ["area_undecided"]


@pytest.mark.parametrize("told", ["donkaruna", "kalasin:donkaruna", "ชุมชนดอนกรุณา", "Don Karuna"])
async def test_a_community_is_kept_by_its_code_in_the_area_tree_whichever_way_it_is_told(
    intake: Running, told: str
) -> None:
    taken = await emergency(intake, location={"community": told})
    path, desk = f"/v1/calls/{taken['id']}", await _desk()
    call = (await intake.client.get(path, headers=desk)).json()
    assert (call["location"]["community"], taken["service_area"]["by"]) == ("kalasin:donkaruna", "community")
    for other in ("บ้านนอกผัง", told):
        version = (await intake.client.get(path, headers=desk)).json()["version"]
        body = {"version": version, "location": {"community": other}}
        assert (await intake.client.patch(path, json=body, headers=desk)).status_code == 200
        kept = (await intake.client.get(path, headers=desk)).json()["location"]
        assert kept["community"] == ("kalasin:donkaruna" if other == told else other)
        assert kept["area_codes"] == (["kalasin:donkaruna"] if other == told else [])


async def test_a_red_flag_offers_the_call_to_1669_and_the_hand_over_is_recorded(intake: Running) -> None:
    taken = await emergency(intake, triage={"criteria_group": 6})
    assert taken["triage"]["hand_over_1669"]
    assert taken["hand_over"]["receiver"] == "centre_1669"
    assert taken["hand_over"]["phone"] == "1669"
    assert taken["hand_over"]["done"] is False
    answer = await post(intake, f"/v1/calls/{taken['id']}/hand-over", {"receiver": "centre_1669", "reason": "red_flag"})
    assert answer.json()["status"] == "open", "our own unit goes on"
    (record,) = (await whole(intake, taken["id"]))["hand_overs"]
    assert (record["receiver"], record["reason"], record["ends_call"]) == ("centre_1669", "red_flag", False)
    assert record["at"]


# --- triage, lanes ---------------------------------------------------------------------


async def test_triage_decides_the_lane_and_gives_code_and_advice(intake: Running) -> None:
    from services.intake.rules.triage import answers_giving

    body = {"caller": {"phone": PHONE}, "location": INSIDE, "triage": {"criteria_group": 6}}
    urgent = await take(intake, **body)
    assert (urgent["lane"], urgent["severity"], urgent["severity_scheme"]) == ("emergency", "red", "cbd")
    assert urgent["triage"]["idc"].startswith("6 แดง")
    assert urgent["triage"]["missing"]
    assert urgent["triage"]["advice"]
    assert urgent["triage"]["mark"]["th"]
    calm = answers_giving("green", 1)
    mild = await take(intake, **{**body, "triage": {"criteria_group": 1, "answers": calm}})
    assert mild["severity"] == "green"
    ride = await take(intake, caller={"phone": PHONE}, location=INSIDE, kind="transfer", appointment={"at": in_days(2)})
    assert (ride["lane"], ride["severity"]) == ("booked", "white")


async def test_answers_that_cannot_be_read_warn_in_an_emergency_and_refuse_a_booking(intake: Running) -> None:
    taken = await emergency(intake, triage={"criteria_group": 11})
    assert [warning["field"] for warning in taken["warnings"]] == ["triage.criteria_group"]
    body = {"lane": "booked", "kind": "transfer", "caller": {"phone": PHONE}, "triage": {"criteria_group": 11}}
    assert (await post(intake, "/v1/calls", body)).status_code == 422


@pytest.mark.parametrize("sex", code_list("sex").codes)
async def test_every_code_of_the_list_of_sexes_may_be_told(intake: Running, sex: str) -> None:
    taken = await emergency(intake, patient={"age": 70, "sex": sex})
    told = (await whole(intake, taken["id"]))["patients"][0]["sex"]
    assert told == (None if sex == "unknown" else sex)


# --- duplicates ----------------------------------------------------------------------


async def test_the_same_matter_told_twice_is_shown_and_taken_all_the_same(intake: Running) -> None:
    first = await emergency(intake, triage={"criteria_group": 25})
    again = await emergency(intake, triage={"criteria_group": 25})
    (found,) = again["possible_duplicates"]
    assert (found["id"], found["number"], found["strength"]) == (first["id"], first["number"], "strong")
    assert found["reasons"][0]["th"]
    far = await emergency(intake, caller={"phone": "0899999999"}, location={"lat": 16.41, "lon": 103.49})
    assert far["possible_duplicates"] == []


async def test_partners_are_not_told_who_else_rang_and_the_desk_sees_it_when_it_looks(intake: Running) -> None:
    ours = await emergency(intake, triage={"criteria_group": 25})
    body = {"lane": "emergency", "caller": {"phone": PHONE}, "location": INSIDE, "triage": {"criteria_group": 25}}
    theirs = await take(intake, "partner", **body)
    assert theirs["possible_duplicates"] == []
    (own,) = (await take(intake, "partner", **body))["possible_duplicates"]
    assert own["id"] == theirs["id"]
    seen = {each["id"] for each in (await whole(intake, theirs["id"]))["possible_duplicates"]}
    assert ours["id"] in seen
    assert theirs["id"] not in seen
    as_partner = (await get(intake, f"/v1/calls/{theirs['id']}", "partner")).json()["possible_duplicates"]
    assert ours["id"] not in {each["id"] for each in as_partner}
    await acted(intake, theirs["id"], "close")
    assert (await whole(intake, theirs["id"]))["possible_duplicates"] == []


async def test_a_telephone_exchange_announces_who_rings_and_learns_nothing(intake: Running) -> None:
    await emergency(intake)
    for role, known in (("partner", 0), ("call_taker", 1)):
        answer = await post(intake, "/v1/ringing", {"from": PHONE}, role)
        assert answer.status_code == 201
        assert len(answer.json()["calls"]) == known


# --- numbers ---------------------------------------------------------------------------


async def test_numbers_are_without_gaps_whatever_fails_between(intake: Running) -> None:
    good = {"lane": "emergency", "caller": {"phone": PHONE}}
    answers = await asyncio.gather(
        *(post(intake, "/v1/calls", good if n % 3 else {"lane": "emergency"}) for n in range(30))
    )
    numbers = sorted(answer.json()["number"] for answer in answers if answer.status_code == 201)
    assert [int(number[-4:]) for number in numbers] == list(range(1, 21))


async def test_numbers_begin_anew_each_month_of_the_buddhist_era_by_thai_time(intake: Running) -> None:
    late = datetime(2026, 5, 31, 16, 59, tzinfo=UTC)  # 23:59 in Thailand
    may = await emergency(intake, received_at=late.isoformat(), back_entry=True)
    june = await emergency(intake, received_at=(late + timedelta(minutes=2)).isoformat(), back_entry=True)
    assert may["number"] == "KLS-6905-0001"
    assert june["number"] == "KLS-6906-0001"


async def test_the_same_key_gives_the_same_call_and_another_body_is_refused(intake: Running) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    body = {"lane": "emergency", "caller": {"phone": PHONE}}
    answers = await asyncio.gather(*(post(intake, "/v1/calls", body, headers=key) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await intake.said()) == 1
    other = await post(intake, "/v1/calls", {**body, "complaint": "x"}, headers=key)
    assert problem_of(other)["code"] == "key_reused"


# --- patients ------------------------------------------------------------------------


async def test_there_is_one_entry_per_person_expected(intake: Running) -> None:
    taken = await emergency(intake, patients=[{"name": "ก"}], patient_count=3)
    assert [patient["name"] for patient in (await whole(intake, taken["id"]))["patients"]] == ["ก", None, None]


async def test_paper_is_only_recorded_and_nobody_is_watched_for(intake: Running) -> None:
    taken = await emergency(intake, back_entry=True, received_at=in_days(-2))
    assert await intake.sql("select from due") == []
    (row,) = await intake.said("intake.call.received")
    assert row["data"]["back_entry"]
    assert taken["status"] == "open"


async def test_an_exercise_is_marked_in_everything_that_is_said(intake: Running) -> None:
    await emergency(intake, exercise=True, barriers=["money"])
    assert all(row["exercise"] for row in await intake.said())


async def test_nobody_is_told_that_help_comes_where_nobody_of_ours_goes(intake: Running) -> None:
    def said_of_help(taken: dict[str, Any]) -> bool:
        return any("Help is on its way" in text["en"] for text in taken["triage"]["advice"])

    assert said_of_help(await emergency(intake, location=INSIDE))
    outside = await emergency(intake, location=OUTSIDE)
    assert outside["served"] is False
    assert not said_of_help(outside)
    assert not said_of_help(await emergency(intake, location=INSIDE, back_entry=True))
