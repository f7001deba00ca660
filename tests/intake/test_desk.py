"""The desk: list, search, read, change; who may do what, and where."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from services.intake.rules.triage import answers_giving
from tests.harness import Running, bearer, problem_of
from tests.intake.conftest import E164, INSIDE, OUTSIDE, PHONE, acted, booked, emergency, get, post, take, whole
from tests.intake.test_take import in_days


async def patch(intake: Running, call: dict[str, Any], body: dict[str, Any], **headers: str) -> Any:
    given = {**bearer("call_taker"), "If-Match": f'"{call["version"]}"', **headers}
    return await intake.client.patch(f"/v1/calls/{call['id']}", json=body, headers=given)


async def test_the_list_holds_nothing_personal_and_pages_through_everything_once(intake: Running) -> None:
    for number in range(5):
        await emergency(intake, complaint=f"ลับ{number}", patient={"name": "ยายมา"})
    seen, after = [], ""
    while after is not None:
        page = (await get(intake, f"/v1/calls?limit=2{after and '&after=' + after}")).json()
        seen += page["items"]
        after = page["next"]
    assert len({item["id"] for item in seen}) == len(seen) == 5
    assert "ลับ" not in str(seen)
    assert "ยายมา" not in str(seen)
    assert E164 not in str(seen)


async def test_the_list_can_be_narrowed(intake: Running) -> None:
    urgent, ride = await emergency(intake), await booked(intake, in_days(2))
    for query, expected in (
        ("lane=emergency", [urgent]), ("lane=booked", [ride]), ("status=closed", []), ("severity=red", [urgent]),
        ("area=kalasin&from=2020-01-01T00:00:00Z", [ride, urgent]), ("to=2020-01-01T00:00:00Z", []),
    ):  # fmt: skip
        items = (await get(intake, f"/v1/calls?{query}")).json()["items"]
        assert [item["id"] for item in items] == [call["id"] for call in expected], query


@pytest.mark.parametrize(
    "wanted",
    [
        {"phone": "081 234 5678"},
        {"name": "นางมา ใจ"},
        {"name": "สมชาย"},
        {"national_id": "1234567890121"},
        {"number": "1669-77"},
        {"line_user_id": "U77"},
    ],
)
async def test_a_call_is_found_by_whatever_is_known_and_the_search_is_written_down(
    intake: Running, wanted: dict[str, str]
) -> None:
    taken = await emergency(
        intake,
        caller={"phone": PHONE, "name": "นายสมชาย ดีงาม", "line_user_id": "U77"},
        patient={"name": "มา ใจดี", "national_id": "1-2345-67890-12-1"},
        external_refs=[{"system": "1669", "number": "1669-77"}],
    )
    await emergency(intake, caller={"phone": "0899999999"}, patient={"name": "คนอื่น"})
    found = (await post(intake, "/v1/calls/search", wanted)).json()["items"]
    assert [item["id"] for item in found] == [taken["id"]]
    assert found[0]["caller"]["phone"] == E164
    (row,) = await intake.sql("select * from audit where act = 'search'")
    assert (str(row["subject_id"]), row["purpose"], row["role"]) == (taken["id"], "care", "call_taker")
    assert row["detail"] == {"by": sorted(wanted), "found": 1}, "what was searched for is not kept"


async def test_calls_are_found_by_ids_numbers_and_tracking_codes(intake: Running) -> None:
    calls = [await emergency(intake) for _ in range(3)]
    ids = [call["id"] for call in calls[:2]]
    found = (await post(intake, "/v1/calls/search", {"ids": [*ids, str(uuid4())]})).json()["items"]
    assert {item["id"] for item in found} == set(ids)
    for name in ("number", "tracking_code"):
        found = (await post(intake, "/v1/calls/search", {name: calls[0][name].lower()})).json()["items"]
        assert [item["id"] for item in found] == [calls[0]["id"]], name
    assert (await post(intake, "/v1/calls/search", {})).status_code == 422


async def test_reading_a_call_is_written_down_with_its_purpose(intake: Running) -> None:
    taken = await emergency(intake)
    answer = await intake.client.get(f"/v1/calls/{taken['id']}", headers=bearer("call_taker", purpose="handover"))
    assert answer.headers["etag"] == '"1"'
    (row,) = await intake.sql("select * from audit where act = 'read'")
    assert (str(row["subject_id"]), row["caller"], row["purpose"]) == (
        taken["id"], "person:test-call_taker", "handover",
    )  # fmt: skip


# --- changing --------------------------------------------------------------------------


async def test_what_is_given_changes_and_the_rest_stays(intake: Running) -> None:
    taken = await emergency(intake, complaint="ล้ม", patient={"name": "มา", "age": 80})
    answer = await patch(intake, taken, {"location": {**INSIDE, "landmark": "ข้างวัด"}, "notes": "มีหมาดุ"})
    assert answer.status_code == 200
    assert answer.json()["version"] == 2
    call = await whole(intake, taken["id"])
    assert (call["complaint"], call["notes"], call["location"]["landmark"]) == ("ล้ม", "มีหมาดุ", "ข้างวัด")
    (row,) = await intake.said("intake.call.updated")
    private = row["data"]["private"]
    assert private["complaint"] == "ล้ม", "the whole state is said again"
    assert private["changed"] == ["landmark", "notes"]


async def test_a_barrier_heard_of_later_opens_its_action_once(intake: Running) -> None:
    taken = await emergency(intake, barriers=["money"], patient={"name": "ยายมา"})
    answer = await patch(intake, taken, {"barriers": ["money", "vehicle"]})
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    await patch(intake, {**taken, "version": 2}, {"barriers": []})
    opened = (await whole(intake, taken["id"]))["barriers"]
    assert {each["barrier"]: each["state"] for each in opened} == {"money": "asked", "vehicle": "asked"}
    assert len(await intake.said("intake.barrier.opened")) == 2
    [told] = await intake.said("intake.call.updated")
    assert told["data"]["private"]["changed"] == ["barriers"]
    assert sorted(told["data"]["private"]["barriers"]) == ["money", "vehicle"]


async def test_a_ride_becomes_a_series_once_and_keeps_its_rule(intake: Running) -> None:
    ride = await booked(intake, in_days(2), patient={"name": "ยายมา"})
    appointment = {"at": in_days(2), "clinic": "ไตเทียม", "recurrence": "FREQ=WEEKLY;COUNT=3"}
    unread = await patch(intake, ride, {"appointment": {**appointment, "recurrence": "every monday"}})
    assert problem_of(unread)["errors"][0]["field"] == "appointment.recurrence"
    assert (await patch(intake, ride, {"appointment": appointment})).status_code == 200
    call = await whole(intake, ride["id"])
    assert (len(call["series"]), call["occurrence"]) == (2, 1), "the first is not among those that follow"
    visit = await whole(intake, call["series"][0]["id"])
    assert (visit["series_of"], visit["occurrence"], visit["patients"][0]["name"]) == (ride["id"], 2, "ยายมา")
    other = {"appointment": {**appointment, "recurrence": "FREQ=DAILY"}}
    fixed = await patch(intake, {**ride, "version": 2}, other)
    assert problem_of(fixed)["errors"][0]["code"] == "recurrence_fixed"


async def test_two_changes_at_once_one_wins_and_the_other_is_told(intake: Running) -> None:
    taken = await emergency(intake)
    answers = await asyncio.gather(*(patch(intake, taken, {"notes": f"{n}"}) for n in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert problem_of(refused)["code"] == "changed_meanwhile"
    assert problem_of(refused)["version"] == 2


async def test_a_change_must_say_what_was_read(intake: Running) -> None:
    taken = await emergency(intake)
    answer = await intake.client.patch(f"/v1/calls/{taken['id']}", json={"notes": "x"}, headers=bearer("call_taker"))
    assert problem_of(answer)["code"] == "version_missing"
    by_body = await intake.client.patch(
        f"/v1/calls/{taken['id']}", json={"notes": "x", "version": 1}, headers=bearer("call_taker")
    )
    assert by_body.status_code == 200


async def test_another_judgement_is_said_with_what_was_before(intake: Running) -> None:
    taken = await emergency(intake)
    answer = await patch(intake, taken, {"triage": {"criteria_group": 1, "answers": answers_giving("green", 1)}})
    assert answer.json()["severity"] == "green"
    (row,) = await intake.said("intake.call.triaged")
    assert (row["data"]["previous_severity"], row["data"]["severity"]) == ("red", "green")
    assert await intake.said("intake.call.updated") == []


async def test_a_booking_that_becomes_an_emergency_is_watched_from_now(intake: Running) -> None:
    ride = await booked(intake, in_days(1))
    assert await intake.sql("select from due where kind = 'watchdog'") == []
    answer = await patch(intake, ride, {"lane": "emergency"})
    assert answer.json()["lane"] == "emergency"
    assert len(await intake.sql("select from due where kind = 'watchdog'")) == 1
    again = await patch(intake, answer.json(), {"lane": "booked", "triage": {"answers": _all_no()}})
    assert again.json()["lane"] == "booked", again.text
    assert await intake.sql("select from due where kind = 'watchdog'") == []


def _all_no() -> dict[str, str]:
    from services.intake.rules.triage import questions_for

    return {question.id: "no" for question in questions_for(None, "transfer")}


async def test_patients_keep_their_ids_when_they_are_changed(intake: Running) -> None:
    taken = await emergency(intake, patients=[{"name": "ก"}, {"name": "ข"}])
    before = (await whole(intake, taken["id"]))["patients"]
    body = {"patients": [{"id": before[1]["id"], "name": "ขวัญ"}, {"name": "ค"}]}
    assert (await patch(intake, taken, body)).status_code == 200
    after = (await whole(intake, taken["id"]))["patients"]
    assert [patient["name"] for patient in after] == ["ขวัญ", "ค"]
    assert after[0]["id"] == before[1]["id"]
    stranger = await patch(intake, {**taken, "version": 2}, {"patients": [{"id": str(uuid4())}]})
    assert problem_of(stranger)["errors"][0]["field"] == "patients.0.id"


async def test_a_call_cannot_be_changed_into_one_that_nobody_finds(intake: Running) -> None:
    taken = await emergency(intake, location=None)
    answer = await patch(intake, taken, {"caller": {"name": "ใครสักคน"}})
    assert answer.status_code == 422
    assert (await whole(intake, taken["id"]))["caller"]["phone"] == E164


async def test_a_place_that_turns_out_to_be_outside_is_pointed_out(intake: Running) -> None:
    taken = await emergency(intake)
    answer = await patch(intake, taken, {"location": OUTSIDE})
    assert [warning["code"] for warning in answer.json()["warnings"]] == ["place_outside"]
    assert answer.json()["status"] == "open"


async def test_a_change_that_changes_nothing_says_nothing(intake: Running) -> None:
    taken = await emergency(intake, notes="x")
    assert (await patch(intake, taken, {"notes": "x"})).json()["version"] == 1
    assert len(await intake.said()) == 1


# --- who may ---------------------------------------------------------------------------

# Who may call which route stands in tests/house/roles.toml.


async def test_another_municipalitys_call_does_not_exist(intake: Running) -> None:
    taken = await emergency(intake)
    elsewhere = {"areas": ["sample"]}
    assert (await get(intake, f"/v1/calls/{taken['id']}", **elsewhere)).status_code == 404
    assert (await get(intake, "/v1/calls", **elsewhere)).json()["items"] == []
    assert (await get(intake, "/v1/calls?area=kalasin", **elsewhere)).status_code == 404
    for act in ("withdraw", "close", "link"):
        body = {"other_call_id": taken["id"]} if act == "link" else {}
        answer = await post(intake, f"/v1/calls/{taken['id']}/{act}", body, **elsewhere)
        assert answer.status_code == 404, act
    assert (await post(intake, "/v1/calls/search", {"ids": [taken["id"]]}, **elsewhere)).json()["items"] == []
    assert (await get(intake, f"/v1/calls/{taken['id']}", areas=["*"])).status_code == 200


async def test_partners_bring_calls_and_see_only_their_own(intake: Running) -> None:
    ours = await emergency(intake)
    theirs = await take(intake, role="partner", lane="emergency", caller={"phone": PHONE})
    (row,) = [row for row in await intake.said("intake.call.received") if str(row["aggregate_id"]) == theirs["id"]]
    assert row["data"]["channel"] == "partner"
    assert [item["id"] for item in (await get(intake, "/v1/calls", "partner")).json()["items"]] == [theirs["id"]]
    assert (await get(intake, f"/v1/calls/{ours['id']}", "partner")).status_code == 404
    assert (await get(intake, f"/v1/calls/{theirs['id']}", "partner")).status_code == 200
    assert (await get(intake, f"/v1/calls/{theirs['id']}", "partner", subject="another")).status_code == 404
    forged = await post(intake, "/v1/calls", {"caller": {"phone": PHONE}, "channel": "phone"}, "partner")
    assert problem_of(forged)["errors"][0]["field"] == "channel"


async def test_a_partner_is_not_told_that_somebody_else_rang_about_the_same(intake: Running) -> None:
    mine, own = [await take(intake, role="partner", lane="emergency", caller={"phone": PHONE}) for _ in range(2)]
    ours = await emergency(intake)
    for other in (ours, own):
        await acted(intake, other["id"], "link", {"other_call_id": mine["id"]})
    links = (await get(intake, f"/v1/calls/{mine['id']}", "partner")).json()["links"]
    assert [link["other_call_id"] for link in links] == [own["id"]]
    assert len((await whole(intake, mine["id"]))["links"]) == 2


async def test_an_account_without_a_municipality_here_takes_no_calls(intake: Running) -> None:
    answer = await post(intake, "/v1/calls", {"caller": {"phone": PHONE}}, areas=["atlantis"])
    assert problem_of(answer)["code"] == "no_area"


async def test_a_desk_of_several_municipalities_takes_a_call_where_the_place_lies(intake: Running) -> None:
    both = {"areas": ["*"]}
    inside = await post(intake, "/v1/calls", {"caller": {"phone": PHONE}, "location": INSIDE}, **both)
    assert inside.json()["area"] == "kalasin"
    nowhere = await post(intake, "/v1/calls", {"lane": "emergency", "caller": {"phone": PHONE}}, **both)
    assert [warning["code"] for warning in nowhere.json()["warnings"]] == ["area_guessed"]


# --- ringing, triage, codes --------------------------------------------------------------


async def test_a_ringing_telephone_shows_what_is_known_under_its_number(intake: Running) -> None:
    taken = await emergency(intake)
    answer = await post(intake, "/v1/ringing", {"from": "081 234 5678"})
    assert answer.status_code == 201
    assert [call["id"] for call in answer.json()["calls"]] == [taken["id"]]
    (ringing,) = (await get(intake, "/v1/ringing")).json()["items"]
    assert ringing["phone"] == E164


async def test_who_rings_stands_once_the_longest_waiting_first_until_a_call_is_taken(intake: Running) -> None:
    for phone in (PHONE, "0812346002", PHONE):
        await post(intake, "/v1/ringing", {"from": phone})
    first, once = (await get(intake, "/v1/ringing")).json()["items"]
    assert [first["phone"], once["phone"]] == [E164, "+66812346002"]
    assert first["rang_again_at"] > first["rang_at"], "whoever has taken it must answer anew"
    assert once["rang_again_at"] is None
    await emergency(intake)
    assert [each["phone"] for each in (await get(intake, "/v1/ringing")).json()["items"]] == ["+66812346002"]
    await post(intake, "/v1/ringing", {"from": PHONE})
    assert [each["phone"] for each in (await get(intake, "/v1/ringing")).json()["items"]] == ["+66812346002", E164]


async def test_the_desk_gets_questions_and_can_try_answers(intake: Running) -> None:
    tree = (await get(intake, "/v1/triage/6")).json()
    assert tree["questions"][0]["th"]
    assert tree["mark"]["th"]
    assert (await get(intake, "/v1/triage/11")).status_code == 404
    assert (await get(intake, "/v1/triage/none?kind=hazard")).json()["questions"]
    body = {"triage": {"criteria_group": 1, "answers": answers_giving("green", 1)}}
    assert (await post(intake, "/v1/triage", body)).json()["severity"] == "green"
    assert await intake.sql("select from call") == []


async def test_codes_come_in_thai_and_english(intake: Running) -> None:
    (stages,) = (await get(intake, "/v1/codes?list=call_stage", "volunteer")).json()["lists"]
    assert all(item["th"] and item["en"] for item in stages["items"])
