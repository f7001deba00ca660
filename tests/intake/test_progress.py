"""How far a call is, after what dispatch, registry and notify say; and what its caller may know of it."""

from __future__ import annotations

import pytest

from shared.events import dispatch
from shared.events.words import Answer, Leg, RecipientKind
from shared.work import new_id
from tests.harness import Running, problem_of
from tests.intake import events
from tests.intake.conftest import acted, booked, emergency, post, whole
from tests.intake.events import Crew
from tests.intake.test_take import in_days
from tests.intake.test_watchdog import alarms


async def stage(intake: Running, call_id: str) -> tuple[str, str]:
    call = await whole(intake, call_id)
    return call["status"], call["stage"]


async def test_a_call_follows_its_crew_and_closes_when_the_last_trip_is_done(intake: Running) -> None:
    taken = await emergency(intake)
    crew = Crew(intake, taken["id"])
    seen = [await stage(intake, taken["id"])]
    await crew.requested()
    await crew.queued()
    seen.append(await stage(intake, taken["id"]))
    for step in (
        dispatch.AssignmentOrdered, dispatch.AssignmentAccepted, dispatch.AssignmentEnRoute, dispatch.AssignmentAtScene,
        dispatch.AssignmentLeftScene, dispatch.AssignmentAtDestination, dispatch.AssignmentCleared,
    ):  # fmt: skip
        await crew.tells(step)
        seen.append(await stage(intake, taken["id"]))
    await crew.completed()
    seen.append(await stage(intake, taken["id"]))
    assert [step for _, step in seen] == [
        "received", "queued", "queued", "assigned", "on_the_way", "at_scene", "to_destination", "at_destination",
        "at_destination", "done",
    ]  # fmt: skip
    assert seen[-1] == ("closed", "done")
    (closed,) = await intake.said("intake.call.closed")
    assert closed["data"]["private"]["outcome"] == "done"
    assert closed["data"]["by"] == "system"


async def test_a_call_with_two_trips_is_done_with_the_second(intake: Running) -> None:
    taken = await emergency(intake)
    there, back = Crew(intake, taken["id"]), Crew(intake, taken["id"])
    await there.requested()
    await back.requested(Leg.RETURN)
    await there.completed()
    assert (await stage(intake, taken["id"]))[0] == "open"
    await back.completed(Leg.RETURN)
    assert (await stage(intake, taken["id"]))[0] == "closed"


async def test_a_trip_that_becomes_known_late_opens_its_call_again(intake: Running) -> None:
    taken = await emergency(intake)
    first, late = Crew(intake, taken["id"]), Crew(intake, taken["id"])
    await first.requested()
    await first.completed()
    await late.requested()
    assert (await stage(intake, taken["id"]))[0] == "open"
    (said,) = await intake.said("intake.call.updated")
    assert said["data"]["status"] == "open"


async def test_a_call_opened_again_is_watched_again(intake: Running) -> None:
    taken = await emergency(intake)
    first, late = Crew(intake, taken["id"]), Crew(intake, taken["id"])
    await first.requested()
    await first.tells(dispatch.AssignmentAccepted)
    await first.completed()
    assert await intake.sql("select from due where kind = 'watchdog'") == []
    await late.requested()
    assert (await whole(intake, taken["id"]))["answered_at"] is None, "who came was another trip's crew"
    assert await intake.do_due("watchdog") == 1
    assert len(await intake.said("intake.call.unanswered")) == 1


async def test_what_could_not_be_served_is_closed_as_unmet(intake: Running) -> None:
    taken = await emergency(intake)
    crew = Crew(intake, taken["id"])
    await crew.requested()
    await crew.cancelled("no_unit")
    call = await whole(intake, taken["id"])
    assert (call["status"], call["outcome"], call["reason"]) == ("closed", "unmet", "no_unit")


async def test_what_the_crew_finds_stands_beside_what_triage_gave(intake: Running) -> None:
    taken = await emergency(intake)
    crew = Crew(intake, taken["id"])
    await crew.requested()
    await crew.tells(dispatch.AssignmentAccepted)
    await crew.tells(dispatch.AssignmentAtScene, rc="yellow")
    call = await whole(intake, taken["id"])
    assert (call["severity"], call["rc"]) == ("red", "yellow")
    await crew.tells(dispatch.AssignmentAtBase)
    assert (await whole(intake, taken["id"]))["stage"] == "at_scene", "a stamp is no status"


async def test_what_is_said_of_a_call_that_is_not_ours_is_let_go(intake: Running) -> None:
    crew = Crew(intake, str(new_id()))
    await crew.requested()
    await crew.tells(dispatch.AssignmentAccepted)
    await events.rated(intake, str(new_id()), 5)
    assert await intake.dead_letters() == []


async def test_hearing_everything_twice_changes_nothing(intake: Running) -> None:
    taken = await emergency(intake)
    crew = Crew(intake, taken["id"])
    await crew.requested()
    raw = await crew.tells(dispatch.AssignmentAccepted)
    before = await whole(intake, taken["id"])
    await intake.runtime.inbox.take([raw, raw])
    assert await whole(intake, taken["id"]) == before


async def test_a_patient_becomes_a_person_and_the_call_can_be_found_by_them(intake: Running) -> None:
    taken = await emergency(intake)
    patient = (await whole(intake, taken["id"]))["patients"][0]
    person_id = new_id()
    await events.person(intake, person_id)
    await events.matched(intake, person_id, taken["id"], patient["id"])
    for presumed in (True, False):
        await events.matched(intake, person_id, taken["id"], patient["id"], presumed=presumed)
        shown = (await whole(intake, taken["id"]))["patients"][0]
        assert (shown["person_id"], shown["person_presumed"]) == (str(person_id), presumed)
    found = (await post(intake, "/v1/calls/search", {"person_id": str(person_id)})).json()["items"]
    assert [item["id"] for item in found] == [taken["id"]]
    assert found[0]["patients"][0]["person_id"] == str(person_id)


@pytest.mark.parametrize("order", ["asm", "ams", "mas"])
async def test_whose_call_it_is_follows_the_last_word_of_the_registry_in_whatever_order(
    intake: Running, order: str
) -> None:
    """First (a), then it was said not to be them (s) but somebody else (m): in no order the first comes back."""
    taken = await emergency(intake)
    patient = (await whole(intake, taken["id"]))["patients"][0]
    first, second = new_id(), new_id()
    say = {
        "a": lambda: events.matched(intake, first, taken["id"], patient["id"]),
        "s": lambda: events.unmatched(intake, first, taken["id"], patient["id"], 1),
        "m": lambda: events.matched(intake, second, taken["id"], patient["id"], 1),
    }
    for each in order:
        await say[each]()
    assert (await whole(intake, taken["id"]))["patients"][0]["person_id"] == str(second)
    await events.person_erased(intake, first)
    assert (await whole(intake, taken["id"]))["erased_at"] is None, "it was not theirs"


async def test_a_call_of_a_secret_person_shows_only_id_and_time_from_then_on(intake: Running) -> None:
    taken = await emergency(intake)
    patient = (await whole(intake, taken["id"]))["patients"][0]
    person_id = new_id()
    await events.person(intake, person_id, "secret")
    await events.matched(intake, person_id, taken["id"], patient["id"])
    await acted(intake, taken["id"], "withdraw")
    (row,) = await intake.said("intake.call.withdrawn")
    assert row["protected"]
    assert row["open_data"] == {}


async def test_that_a_call_has_become_protected_is_told_at_once_for_what_grows_from_it(intake: Running) -> None:
    """Whether its patient is secret when they are matched, or becomes it later."""
    calls = [await emergency(intake) for _ in range(2)]
    patients = [(await whole(intake, each["id"]))["patients"][0]["id"] for each in calls]
    person_id = new_id()
    await events.matched(intake, person_id, calls[0]["id"], patients[0])
    assert await intake.said("intake.call.updated") == []
    await events.person(intake, person_id, "secret")
    await events.matched(intake, person_id, calls[1]["id"], patients[1])
    await events.person(intake, person_id, "secret")
    told = await intake.said("intake.call.updated")
    assert [str(row["aggregate_id"]) for row in told] == [each["id"] for each in calls], "each once"
    assert all(row["protected"] and row["open_data"] == {} for row in told)


async def test_a_rating_stands_at_the_call_and_a_bad_one_is_a_complaint(intake: Running) -> None:
    taken = await emergency(intake)
    await events.rated(intake, taken["id"], 5)
    await events.rated(intake, taken["id"], 1)
    ratings = (await whole(intake, taken["id"]))["ratings"]
    assert [(rating["score"], rating["complaint"]) for rating in ratings] == [(5, False), (1, True)]
    raised = await alarms(intake)
    assert [(alarm["kind"], alarm["call_id"]) for alarm in raised] == [("complaint", taken["id"])], "somebody rings"


async def test_a_caller_cancels_a_booked_ride_by_answering_but_never_an_emergency(intake: Running) -> None:
    ride, urgent = await booked(intake, in_days(1)), await emergency(intake)
    await events.replied(intake, ride["id"], Answer.CANCEL, RecipientKind.CREW)
    assert (await whole(intake, ride["id"]))["status"] == "open"
    await events.replied(intake, ride["id"], Answer.CANCEL)
    await events.replied(intake, urgent["id"], Answer.CANCEL)
    assert (await whole(intake, ride["id"]))["status"] == "withdrawn"
    assert (await whole(intake, urgent["id"]))["status"] == "open"


# --- tracking --------------------------------------------------------------------------


async def track(intake: Running, code: str, digits: str) -> object:
    return await intake.client.post("/v1/track", json={"code": code, "phone_last4": digits})


async def test_whoever_holds_code_and_number_learns_the_stage_and_nothing_else(intake: Running) -> None:
    taken = await emergency(intake, complaint="ลับ")
    typed = taken["tracking_code"].lower().replace("-", " ")
    answer = await intake.client.post("/v1/track", json={"code": typed, "phone_last4": "๕๖๗๘"})
    assert set(answer.json()) == {"stage", "th", "en", "since"}
    assert answer.json()["stage"] == "received"


async def test_guesses_are_limited_per_code_and_a_wrong_number_looks_like_a_wrong_code(intake: Running) -> None:
    from services.intake.rules.numbers import new_tracking_code

    taken = await emergency(intake)
    nobody = await intake.client.post("/v1/track", json={"code": new_tracking_code(), "phone_last4": "5678"})
    for guess in range(5):
        body = {"code": taken["tracking_code"], "phone_last4": f"{guess:04d}"}
        answer = await intake.client.post("/v1/track", json=body)
        assert problem_of(answer) == problem_of(nobody)
    right = {"code": taken["tracking_code"], "phone_last4": "5678"}
    refused = await intake.client.post("/v1/track", json=right)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    kept = await intake.sql("select * from throttle")
    assert taken["tracking_code"] not in str(kept)


async def test_guesses_are_limited_per_address_too(intake: Running) -> None:
    from services.intake.rules.numbers import new_tracking_code

    statuses = [
        (await intake.client.post("/v1/track", json={"code": new_tracking_code(), "phone_last4": "0000"})).status_code
        for _ in range(32)
    ]
    assert statuses == [404] * 30 + [429] * 2


async def test_a_duplicate_is_as_far_as_its_leading_call(intake: Running) -> None:
    first, again = await emergency(intake), await emergency(intake)
    await acted(intake, again["id"], "link", {"other_call_id": first["id"]}, "call_taker")
    crew = Crew(intake, first["id"])
    await crew.requested()
    await crew.tells(dispatch.AssignmentEnRoute)
    answer = await intake.client.post("/v1/track", json={"code": again["tracking_code"], "phone_last4": "5678"})
    assert answer.json()["stage"] == "on_the_way"
