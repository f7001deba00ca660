"""LINE unseen, LINE down, LINE strange: the crew is told all the same, and never after it has answered."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from services.notify import house
from services.notify.rules.policy import Policy
from tests.harness import AREA
from tests.notify.conftest import Town, a_town, line_id, phone, seen
from tests.platform_fixtures import MakeDatabase

SHORT = Policy(emergency_wait=timedelta(seconds=0.3))


async def test_unanswered_line_is_followed_by_sms_in_time_and_both_are_one_message(town: Town) -> None:
    house.settle({AREA: SHORT})
    crew = await town.crew(1)
    call = await town.call(crew)
    await town.order(call)
    sms = (await town.texts(1))[0]
    assert len(await town.chat(1)) == 1
    assert sms.text.endswith("โทร 1132")
    assert call.number in sms.text
    messages = await town.messages(rule="crew_ordered")
    assert len(messages) == 1
    attempts = await town.attempts(messages[0]["id"])
    assert [a["channel"] for a in attempts] == ["line", "sms"]
    assert sms.at >= messages[0]["planned_at"] + SHORT.emergency_wait


async def test_who_answers_gets_silence_on_every_way(town: Town) -> None:
    crew = await town.crew(1)
    call = await town.call(crew)
    await town.order(call)
    entry = (await town.chat(1))[0]
    await town.press(1, entry.buttons[0])
    message = (await town.messages(rule="crew_ordered"))[0]
    assert (await town.attempts(message["id"]))[1]["state"] == "cancelled"
    assert message["status"] == "acknowledged"


async def test_who_has_no_line_is_told_by_sms_at_once(town: Town) -> None:
    crew = await town.crew(1, line=False)
    call = await town.call(crew)
    await town.order(call)
    assert call.number in (await town.texts(1))[0].text


async def test_who_has_no_address_at_all_is_a_failure_the_others_hear_of_at_once(town: Town) -> None:
    crew = await town.crew(1, line=False, sms=False)
    call = await town.call(crew)
    await town.order(call)
    failed = [row for row in await town.said("message.failed") if row["data"]["recipient_kind"] == "crew"]
    assert [row["data"]["final"] for row in failed] == [True]
    assert failed[0]["data"]["private"]["reason"] == "no_address"
    assert failed[0]["data"]["assignment_id"] == str(call.assignment_id)


async def test_a_dead_line_brings_sms_after_two_tries_long_before_its_time(town: Town) -> None:
    town.line.world.faults.add(_fault("server_error", times=None))
    crew = await town.crew(1)
    call = await town.call(crew)
    await town.order(call)
    sms = (await town.texts(1))[0]
    assert call.number in sms.text


async def test_an_answer_lost_after_acceptance_is_still_exactly_one_message(
    database: MakeDatabase, tmp_path: Path
) -> None:
    async with a_town(database, tmp_path, {"timeout_s": 1.0}) as town:
        town.start()
        await _answers_are_lost(town)


async def _answers_are_lost(town: Town) -> None:
    for fault in ("lose_response", "accept_then_500", "slow"):
        town.line.world.faults.add(_fault(fault, delay_s=1.5 if fault == "slow" else 0))
        crew = await town.crew(1)
        call = await town.call(crew)
        await town.order(call)
        message = (await town.messages(rule="crew_ordered", call_id=call.id))[0]
        await town.status(message["id"], "accepted")
        got = [entry for entry in seen(town.line.world.inbox, line_id(1)) if call.number in entry.text]
        assert len(got) == 1, fault
        attempts = await town.attempts(message["id"])
        assert attempts[0]["tries"] >= 2, fault


async def test_a_spent_quota_is_not_tried_again_but_goes_by_sms(town: Town) -> None:
    town.line.world.faults.add(_fault("quota_spent"))
    crew = await town.crew(1)
    call = await town.call(crew)
    await town.order(call)
    await town.texts(1)
    message = (await town.messages(rule="crew_ordered"))[0]
    attempts = await town.attempts(message["id"])
    assert (attempts[0]["state"], attempts[0]["reason"], attempts[0]["tries"]) == ("failed", "quota_spent", 1)


async def test_a_throttled_line_is_tried_again_and_nothing_is_sent_twice(town: Town) -> None:
    town.line.world.faults.add(_fault("rate_limited"))
    crew = await town.crew(1)
    call = await town.call(crew)
    await town.order(call)
    assert len(await town.chat(1)) == 1
    assert not seen(town.smsc.inbox, phone(1)[1:])


async def test_a_crew_no_way_reaches_is_a_failure_within_seconds_and_is_still_tried(town: Town) -> None:
    town.line.world.faults.add(_fault("server_error", times=None))
    town.smsc.faults.add(_fault("system_error", times=None))
    crew = await town.crew(1)
    call = await town.call(crew)
    await town.order(call)
    message = (await town.messages(rule="crew_ordered"))[0]
    await town.status(message["id"], "failed")
    finals = [row["data"]["final"] for row in await town.said("message.failed") if row["data"]["assignment_id"]]
    assert finals == [True], "once"
    town.line.world.faults.clear()
    town.smsc.faults.clear()
    reached = "select 1 from message where id = $1 and status in ('accepted', 'delivered')"
    await town.until(lambda: town.service.sql(reached, message["id"]))


async def test_the_crew_that_lost_the_race_is_stood_down_only_where_it_was_told(quiet_town: Town) -> None:
    town = quiet_town
    told, untold = await town.crew(1), await town.crew(2)
    first, second = await town.call(told), await town.call(untold)
    await town.order(first)
    town.start()
    await town.chat(1)
    await town.stop()
    await town.order(second)
    await town.released(first)
    await town.released(second)
    assert [m["status"] for m in await town.messages(rule="crew_ordered")] == ["cancelled", "cancelled"]
    town.start()
    entries = await town.chat(1, 2)
    assert "ยกเลิกภารกิจ" in entries[1].text
    assert len(await town.messages(rule="crew_stand_down")) == 1
    assert not seen(town.line.world.inbox, line_id(2))


async def test_the_rest_of_the_crew_learns_that_a_mate_accepted_and_is_asked_no_more(town: Town) -> None:
    one, two = await town.crew(1), await town.crew(2)
    call = await town.call(one, two)
    await town.order(call)
    entry = (await town.chat(1))[0]
    await town.chat(2)
    await town.press(1, entry.buttons[0])
    await town.accepted(call, one)
    assert "เพื่อนร่วมทีมรับงาน" in (await town.chat(2, 2))[1].text
    statuses = {m["recipient_id"]: m["status"] for m in await town.messages(rule="crew_ordered")}
    assert statuses == {one: "acknowledged", two: "cancelled"}


def _fault(kind: str, **options: object):
    from karuna.simulate.faults import Fault

    return Fault(kind, **options)  # type: ignore[arg-type]
