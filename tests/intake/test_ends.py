"""Withdrawn, handed over, closed, refused, linked, unlinked: how calls end, and that nobody waiting is forgotten."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.events import dispatch
from tests.harness import Running, bearer, problem_of
from tests.intake.conftest import INSIDE, OUTSIDE, PHONE, acted, booked, emergency, post, take, whole
from tests.intake.events import Crew
from tests.intake.test_take import in_days

TO_1669 = {"receiver": "centre_1669", "reason": "higher_level"}


async def test_only_an_exercise_ends_as_one(intake: Running) -> None:
    real, practised = await emergency(intake), await emergency(intake, exercise=True)
    path = "/v1/calls?status=open&exercise={}"
    for asked, expected in (("true", practised), ("false", real)):
        found = (await intake.client.get(path.format(asked), headers=bearer("supervisor"))).json()["items"]
        assert [each["id"] for each in found] == [expected["id"]]
    body = {"reason": "exercise_ended"}
    assert (await post(intake, f"/v1/calls/{real['id']}/withdraw", body)).status_code == 422
    assert (await post(intake, f"/v1/calls/{practised['id']}/withdraw", body)).status_code == 200


async def test_withdrawing_says_so_once_and_ends_the_call(intake: Running) -> None:
    taken = await emergency(intake)
    stands = await acted(intake, taken["id"], "withdraw", {"reason": "went_alone"})
    assert (stands["status"], stands["stage"]) == ("withdrawn", "withdrawn")
    (row,) = await intake.said("intake.call.withdrawn")
    assert (row["data"]["by"], row["data"]["private"]["reason"]) == ("person", "went_alone")
    for act in ("withdraw", "close"):
        again = await post(intake, f"/v1/calls/{taken['id']}/{act}", {})
        assert again.status_code == 409
        assert problem_of(again)["code"] == "call_withdrawn"
    change = await intake.client.patch(f"/v1/calls/{taken['id']}", json={"version": 2, "notes": "x"}, headers=_desk())
    assert change.status_code == 409


def _desk() -> dict[str, str]:
    from tests.harness import bearer

    return bearer("call_taker")


async def test_the_same_key_withdraws_once(intake: Running) -> None:
    taken = await emergency(intake)
    key = {"Idempotency-Key": uuid4().hex}
    answers = [await post(intake, f"/v1/calls/{taken['id']}/withdraw", {}, headers=key) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert len(await intake.said("intake.call.withdrawn")) == 1


@pytest.mark.parametrize(
    ("act", "body", "field"),
    [
        ("withdraw", {"reason": "bored"}, "reason"),
        ("withdraw", {"reason": "other"}, "text"),
        ("hand-over", {"receiver": "centre_1669", "reason": "just_so"}, "reason"),
        ("hand-over", {"receiver": "somebody", "reason": "higher_level"}, "receiver"),
        ("close", {"outcome": "vanished"}, "outcome"),
        ("close", {"outcome": "unmet"}, "text"),
    ],
)
async def test_reasons_are_coded_and_some_need_a_sentence(
    intake: Running, act: str, body: dict[str, str], field: str
) -> None:
    taken = await emergency(intake)
    answer = await post(intake, f"/v1/calls/{taken['id']}/{act}", body)
    assert answer.status_code == 422
    assert problem_of(answer)["errors"][0]["field"] == field
    assert len(await intake.said()) == 1


# --- refusals (A14) ----------------------------------------------------------------------


async def test_a_refusal_needs_a_coded_reason_with_a_legal_basis(intake: Running) -> None:
    ride = await booked(intake, in_days(1))
    path = f"/v1/calls/{ride['id']}/close"
    for body, field in (
        ({"outcome": "refused"}, "reason"),
        ({"outcome": "refused", "reason": "too_poor"}, "reason"),
        ({"outcome": "refused", "reason": "no_insurance"}, "reason"),
        ({"outcome": "refused", "reason": "outside_area"}, "reason"),  # handed over, never refused
        ({"outcome": "refused", "reason": "false_call"}, "text"),
    ):
        answer = await post(intake, path, body)
        assert answer.status_code == 422, body
        assert problem_of(answer)["errors"][0]["field"] == field, body
    body = {"outcome": "refused", "reason": "unlawful", "text": "ขอให้ขนของผิดกฎหมาย"}
    assert (await post(intake, path, body)).json()["status"] == "closed"
    call = await whole(intake, ride["id"])
    assert (call["outcome"], call["reason"], call["reason_text"]) == ("refused", "unlawful", body["text"])
    assert call["refusal"]["service"] == "patient_transport"
    assert len(call["refusal"]["legal_basis"]) > 1, "the reason's own, and those of the municipality's service"
    await acted(intake, ride["id"], "erase")
    assert (await whole(intake, ride["id"]))["refusal"]["text"] is None


async def test_an_emergency_is_never_refused(intake: Running) -> None:
    taken = await emergency(intake)
    body = {"outcome": "refused", "reason": "false_call", "text": "โทรเล่น"}
    answer = await post(intake, f"/v1/calls/{taken['id']}/close", body)
    assert problem_of(answer)["code"] == "emergency_never_refused"


# --- duplicates ----------------------------------------------------------------------


async def linked(intake: Running, one: dict[str, Any], other: dict[str, Any], kind: str = "duplicate") -> Any:
    return await post(intake, f"/v1/calls/{one['id']}/link", {"other_call_id": other["id"], "link": kind})


async def test_a_duplicate_is_led_by_the_other_call_and_both_are_told(intake: Running) -> None:
    first, again = await emergency(intake), await emergency(intake)
    assert (await linked(intake, again, first)).status_code == 200
    said = {str(row["aggregate_id"]): row["data"] for row in await intake.said("intake.call.linked")}
    assert set(said) == {first["id"], again["id"]}
    assert {data["leading_call_id"] for data in said.values()} == {first["id"]}
    watched = await intake.sql("select subject_id from due where kind = 'watchdog'")
    assert [str(row["subject_id"]) for row in watched] == [first["id"]]
    links = (await whole(intake, again["id"]))["links"]
    assert [(link["other_number"], link["leading"]) for link in links] == [(first["number"], True)]


async def test_what_cannot_be_linked_is_refused(intake: Running) -> None:
    one, two, three = [await emergency(intake) for _ in range(3)]
    assert (await linked(intake, one, one)).status_code == 422
    assert (await linked(intake, two, one)).status_code == 200
    for call, other, code in (
        (two, one, "linked_already"), (two, three, "linked_already"), (three, two, "leader_follows"),
        (one, three, "is_leader"),
    ):  # fmt: skip
        answer = await linked(intake, call, other)
        assert (answer.status_code, problem_of(answer)["code"]) == (409, code)
    await acted(intake, three["id"], "withdraw")
    assert problem_of(await linked(intake, await emergency(intake), three))["code"] == "other_over"


async def test_two_who_link_each_other_at_once_do_not_both_win(intake: Running) -> None:
    one, two = await emergency(intake), await emergency(intake)
    answers = await asyncio.gather(linked(intake, one, two), linked(intake, two, one))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_an_unlinked_duplicate_is_watched_again(intake: Running) -> None:
    first, again = await emergency(intake), await emergency(intake)
    await linked(intake, again, first)
    body = {"other_call_id": first["id"]}
    assert (await post(intake, f"/v1/calls/{again['id']}/unlink", body)).status_code == 200
    assert len(await intake.said("intake.call.unlinked")) == 2
    assert len(await intake.sql("select from due where kind = 'watchdog'")) == 2
    answer = await post(intake, f"/v1/calls/{again['id']}/unlink", body)
    assert problem_of(answer)["code"] == "not_linked"


async def test_what_is_over_is_not_unlinked_as_if_somebody_would_come_then(intake: Running) -> None:
    first, again = await emergency(intake), await emergency(intake)
    await linked(intake, again, first)
    await acted(intake, first["id"], "close", {"outcome": "done"})
    body = {"other_call_id": first["id"]}
    for erased in (False, True):
        if erased:
            await acted(intake, again["id"], "erase")
        answer = await post(intake, f"/v1/calls/{again['id']}/unlink", body)
        assert (answer.status_code, problem_of(answer)["code"]) == (409, "call_erased" if erased else "call_closed")
    assert await intake.said("intake.call.unlinked") == []


async def test_a_duplicate_ends_with_the_call_that_leads_it(intake: Running) -> None:
    first, again = await emergency(intake), await emergency(intake)
    own = Crew(intake, again["id"])
    await own.requested()
    await linked(intake, again, first)
    await own.cancelled("duplicate")
    assert (await whole(intake, again["id"]))["status"] == "open", "its leading call is still served"
    crew = Crew(intake, first["id"])
    await crew.requested()
    await crew.tells(dispatch.AssignmentAccepted)
    await crew.completed()
    ends = await whole(intake, again["id"])
    assert (ends["status"], ends["outcome"]) == ("closed", "duplicate")


async def test_when_the_leading_call_is_withdrawn_those_who_still_wait_are_not_forgotten(intake: Running) -> None:
    first, second, third = [await emergency(intake) for _ in range(3)]
    await linked(intake, second, first)
    await linked(intake, third, first)
    await acted(intake, first["id"], "withdraw", {"reason": "went_alone"})
    assert (await whole(intake, second["id"]))["status"] == "open"
    leading = {link["other_call_id"] for link in (await whole(intake, third["id"]))["links"] if link["leading"]}
    assert leading == {second["id"]}
    watched = await intake.sql("select subject_id from due where kind = 'watchdog'")
    assert [str(row["subject_id"]) for row in watched] == [second["id"]]


async def test_related_calls_only_belong_together(intake: Running) -> None:
    one, two = await emergency(intake), await emergency(intake)
    assert (await linked(intake, one, two, "related")).status_code == 200
    assert len(await intake.sql("select from due where kind = 'watchdog'")) == 2
    assert all(row["data"]["leading_call_id"] is None for row in await intake.said("intake.call.linked"))


# --- barriers (A3), visits that come again (A7) --------------------------------------------


async def barriers_of(intake: Running, call_id: str) -> list[dict[str, Any]]:
    answer = await intake.client.get(f"/v1/calls/{call_id}/barriers", headers=_desk())
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_ticking_a_barrier_opens_its_action_with_an_owner(intake: Running) -> None:
    taken = await emergency(intake, barriers=["people", "money", "people"])
    assert [barrier["barrier"] for barrier in taken["barriers"]] == ["people", "money"]
    assert all(barrier["action"] and barrier["owner"] and barrier["due_at"] for barrier in taken["barriers"])
    opened = await intake.said("intake.barrier.opened")
    assert {row["open_data"]["call_id"] for row in opened} == {taken["id"]}
    assert all("barrier" not in row["open_data"] for row in opened), "a barrier tells of need"


async def test_a_barrier_ends_met_or_unmet_by_a_coded_outcome(intake: Running) -> None:
    taken = await emergency(intake, barriers=["people", "money"])
    people, money = (barrier["id"] for barrier in taken["barriers"])
    wrong = await post(intake, f"/v1/barriers/{people}/met", {"outcome": "free_ride"})
    assert problem_of(wrong)["errors"][0]["field"] == "outcome"
    met = await post(intake, f"/v1/barriers/{people}/met", {"outcome": "escort_sent"}, "case_manager")
    assert (met.json()["state"], met.json()["outcome"]) == ("met", "escort_sent")
    unmet = await post(intake, f"/v1/barriers/{money}/unmet", {"reason": "no_funds", "owner": "case_manager"})
    assert (unmet.json()["state"], unmet.json()["reason"]) == ("unmet", "no_funds")
    again = await post(intake, f"/v1/barriers/{people}/unmet", {"reason": "no_funds"})
    assert again.status_code == 409
    assert len(await intake.said("intake.barrier.")) == 4


async def test_every_visit_of_a_recurring_appointment_is_a_call_linked_to_the_first(intake: Running) -> None:
    ride = await booked(
        intake, in_days(1), appointment={"recurrence": "FREQ=DAILY;INTERVAL=2;COUNT=4", "return_trip": True}
    )
    assert len(ride["series"]) == 3
    numbers = [ride["number"], *(visit["number"] for visit in ride["series"])]
    assert [int(number[-4:]) for number in numbers] == [1, 2, 3, 4]
    visit = await whole(intake, ride["series"][1]["id"])
    assert (visit["series_of"], visit["occurrence"], visit["lane"]) == (ride["id"], 3, "booked")
    assert visit["tracking_code"] != ride["tracking_code"]
    said = [row for row in await intake.said("intake.call.received") if str(row["aggregate_id"]) == visit["id"]]
    appointment = said[0]["data"]["private"]["appointment"]
    assert (appointment["series_of"], appointment["return_trip"]) == (ride["id"], True)
    assert appointment["recurrence"] is None
    assert {row["data"]["link"] for row in await intake.said("intake.call.linked")} == {"occurrence"}


async def test_a_recurrence_that_cannot_be_read_is_refused_by_name(intake: Running) -> None:
    for rule in ("FREQ=SECONDLY", "FREQ=DAILY;INTERVAL=0", "every monday", "FREQ=DAILY;COUNT=2;UNTIL=20300101"):
        body = {"kind": "transfer", "caller": {"phone": PHONE}, "appointment": {"at": in_days(1), "recurrence": rule}}
        answer = await post(intake, "/v1/calls", body)
        assert answer.status_code == 422, rule
        assert problem_of(answer)["errors"][0]["field"] == "appointment.recurrence"


async def test_a_series_without_end_goes_on_when_its_time_comes(intake: Running) -> None:
    ride = await booked(intake, in_days(1), appointment={"recurrence": "FREQ=WEEKLY"}, patient={"name": "ยายมา"})
    made = len(ride["series"])
    (due,) = await intake.sql("select due_at from due where kind = 'series'")
    await _go_on(intake, ride["id"], due["due_at"].replace(microsecond=0))
    rows = await intake.sql("select occurrence from call where series_of = $1 order by occurrence", _uuid(ride["id"]))
    assert [row["occurrence"] for row in rows] == list(range(2, len(rows) + 2))
    assert len(rows) > made
    riders = await intake.sql("select call_id from patient where name = 'ยายมา'")
    assert len(riders) == len(rows) + 1, "every visit knows who rides"


async def test_outside_the_area_the_visits_that_are_made_later_are_handed_over_too(intake: Running) -> None:
    ride = await booked(intake, in_days(2), location=OUTSIDE, appointment={"recurrence": "FREQ=YEARLY;COUNT=3"})
    (due,) = await intake.sql("select due_at from due where kind = 'series'")
    await _go_on(intake, ride["id"], due["due_at"])
    (visit,) = await intake.sql("select * from call where series_of = $1", _uuid(ride["id"]))
    assert (visit["status"], visit["served"], visit["stage"]) == ("handed_over", False, "handed_over")
    [first, second] = await intake.said("intake.call.handed_over")
    assert second["aggregate_id"] == visit["id"]
    assert second["data"]["private"] == first["data"]["private"]
    received = (await intake.said("intake.call.received"))[-1]["data"]
    assert (received["served"], received["status"]) == (False, "handed_over")


async def test_a_visit_that_comes_seldom_is_made_when_it_comes_near(intake: Running) -> None:
    """Once a year lies beyond what is made ahead: nothing now, and it is not forgotten for that."""
    ride = await booked(intake, in_days(2), appointment={"recurrence": "FREQ=YEARLY;COUNT=3"})
    assert ride["series"] == []
    first_at = datetime.fromisoformat((await whole(intake, ride["id"]))["appointment"]["at"])
    for occurrence in (2, 3):
        (due,) = await intake.sql("select due_at from due where kind = 'series'")
        assert (
            timedelta(days=20) < first_at + timedelta(days=365 * (occurrence - 1)) - due["due_at"] < timedelta(days=40)
        )
        await intake.sql("delete from due where kind = 'series'")
        await _go_on(intake, ride["id"], due["due_at"])
        rows = await intake.sql("select max(occurrence) as last from call where series_of = $1", _uuid(ride["id"]))
        assert rows[0]["last"] == occurrence
    assert await intake.sql("select from due where kind = 'series'") == [], "the third was the last"


async def _go_on(intake: Running, call_id: str, at: datetime) -> None:
    from services.intake.verbs import series

    async with intake.runtime.work(_later_cause()) as work:
        object.__setattr__(work, "now", at)
        await series.go_on(work, _uuid(call_id), series.Ahead("KLS", 60, 120))


def _later_cause() -> Any:
    from shared.work import Cause

    return Cause("system:intake")


def _uuid(text: str) -> Any:
    from uuid import UUID

    return UUID(text)


async def test_what_is_still_open_when_a_visit_ends_is_carried_over_to_the_next(intake: Running) -> None:
    ride = await booked(
        intake, in_days(1), appointment={"recurrence": "FREQ=DAILY;COUNT=3"}, barriers=["vehicle", "knowledge"]
    )
    card = next(barrier for barrier in ride["barriers"] if barrier["barrier"] == "knowledge")
    await post(intake, f"/v1/barriers/{card['id']}/met", {"outcome": "card_sent"})
    await acted(intake, ride["id"], "close", {"outcome": "done"})
    (carried,) = await barriers_of(intake, ride["series"][0]["id"])
    vehicle = next(barrier for barrier in ride["barriers"] if barrier["barrier"] == "vehicle")
    assert (carried["barrier"], carried["state"], carried["carried_from"]) == ("vehicle", "asked", vehicle["id"])
    states = {barrier["barrier"]: barrier["state"] for barrier in await barriers_of(intake, ride["id"])}
    assert states == {"vehicle": "unmet", "knowledge": "met"}
    opened = await intake.said("intake.barrier.opened")
    assert opened[-1]["data"]["private"]["carried_from"] == vehicle["id"]
    await acted(intake, ride["series"][0]["id"], "withdraw")
    assert [barrier["state"] for barrier in await barriers_of(intake, ride["series"][1]["id"])] == ["asked"]


async def test_one_visit_is_withdrawn_or_the_whole_series(intake: Running) -> None:
    ride = await booked(intake, in_days(1), appointment={"recurrence": "FREQ=DAILY;COUNT=4"}, barriers=["vehicle"])
    await acted(intake, ride["series"][0]["id"], "withdraw")
    statuses = [(await whole(intake, visit["id"]))["status"] for visit in ride["series"]]
    assert statuses == ["withdrawn", "open", "open"]
    await acted(intake, ride["id"], "withdraw", {"whole_series": True, "reason": "recovered"})
    statuses = [(await whole(intake, call["id"]))["status"] for call in (ride, *ride["series"])]
    assert statuses == ["withdrawn"] * 4
    assert await intake.sql("select from due where kind = 'series'") == []
    said = {
        str(row["aggregate_id"]): row["data"]["along_with_id"] for row in await intake.said("intake.call.withdrawn")
    }
    assert said == {
        ride["series"][0]["id"]: None, ride["id"]: ride["id"],
        **{visit["id"]: ride["id"] for visit in ride["series"][1:]},
    }  # fmt: skip
    other = await booked(intake, in_days(1), appointment={"recurrence": "FREQ=DAILY;COUNT=3"})
    await acted(intake, other["series"][1]["id"], "withdraw", {"reason": "died"})
    statuses = [(await whole(intake, visit["id"]))["status"] for visit in (other, *other["series"])]
    assert statuses == ["withdrawn"] * 3, "nobody comes for who has died"


async def test_a_booking_is_refused_for_a_past_appointment_and_taken_from_paper(intake: Running) -> None:
    body = {"kind": "transfer", "caller": {"phone": PHONE}, "location": INSIDE, "appointment": {"at": in_days(-1)}}
    answer = await post(intake, "/v1/calls", body)
    assert problem_of(answer)["errors"][0]["field"] == "appointment.at"
    assert (await take(intake, **body, back_entry=True))["number"]
