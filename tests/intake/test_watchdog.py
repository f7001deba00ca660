"""The watchdog: an emergency nobody has accepted in time alarms at the desk, whatever is down."""

from __future__ import annotations

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from services.intake.app import SERVICE
from shared.events import dispatch
from shared.events.base import Event
from shared.events.words import Leg
from shared.work import Cause, new_id, now_utc
from tests.harness import ROOT, Running, call_origin, problem_of, service_running
from tests.intake.conftest import E164, INSIDE, acted, booked, emergency, get, post, take, whole
from tests.intake.events import Crew
from tests.intake.test_take import in_days
from tests.patience import PATIENCE_S
from tests.platform_fixtures import MakeDatabase


async def alarms(intake: Running, query: str = "") -> list[dict[str, object]]:
    found: list[dict[str, object]] = (await get(intake, f"/v1/alarms{query}")).json()["items"]
    return found


async def test_it_is_due_a_minute_after_receipt_and_alarms_with_numbers_to_ring(intake: Running) -> None:
    taken = await emergency(intake, location={**INSIDE, "landmark": "หน้าวัด"})
    (due,) = await intake.sql("select * from due where kind = 'watchdog'")
    (call,) = await intake.sql("select * from call")
    assert due["due_at"] - call["received_at"] == timedelta(seconds=60)
    assert await alarms(intake) == []
    assert await intake.do_due("watchdog") == 1
    (alarm,) = await alarms(intake)
    assert (alarm["call_id"], alarm["caller_phone"]) == (taken["id"], E164)
    assert alarm["location"]["landmark"] == "หน้าวัด"  # type: ignore[index]
    assert [number["phone"] for number in alarm["ring"]] == ["1132", "1669"]  # type: ignore[attr-defined]
    (row,) = await intake.said("intake.call.unanswered")
    assert row["open_data"]["waited_s"] >= 0


async def test_it_runs_by_the_database_s_clock_without_a_broker(intake: Running) -> None:
    await emergency(intake, received_at=(now_utc() - timedelta(minutes=3)).isoformat())
    assert not intake.runtime.bus.connected
    async with asyncio.timeout(PATIENCE_S):
        while await intake.runtime.due.do_one():
            pass
    (alarm,) = await alarms(intake)
    assert alarm["waited_s"] >= 180  # type: ignore[operator]


async def test_an_accepted_assignment_calls_it_off(intake: Running) -> None:
    taken = await emergency(intake)
    crew = Crew(intake, taken["id"])
    await crew.requested()
    await crew.tells(dispatch.AssignmentOrdered)
    assert len(await intake.sql("select from due where kind = 'watchdog'")) == 1, "an order is not an answer"
    await crew.tells(dispatch.AssignmentAccepted)
    assert await intake.sql("select from due where kind = 'watchdog'") == []


async def test_a_unit_in_support_answers_no_call(intake: Running) -> None:
    taken = await emergency(intake)
    crew = Crew(intake, taken["id"])
    await crew.requested()
    for kind in (dispatch.AssignmentAccepted, dispatch.AssignmentEnRoute, dispatch.AssignmentAtScene):
        await crew.tells(kind, role="support")
    assert len(await intake.sql("select from due where kind = 'watchdog'")) == 1
    assert (await get(intake, f"/v1/calls/{taken['id']}")).json()["stage"] == "received"


async def test_an_acceptance_that_comes_later_answers_the_alarm_but_a_person_must_see_it(intake: Running) -> None:
    taken = await emergency(intake)
    await intake.do_due("watchdog")
    crew = Crew(intake, taken["id"])
    await crew.requested()
    await crew.tells(dispatch.AssignmentAccepted)
    (alarm,) = await alarms(intake)
    assert alarm["answered_at"]
    later = await emergency(intake)
    await intake.do_due("watchdog")
    assert [each["call_id"] for each in await alarms(intake)] == [later["id"], taken["id"]], "what is over comes last"
    (waiting, alarm) = await alarms(intake)
    third = await emergency(intake)
    await intake.do_due("watchdog")
    assert (await post(intake, f"/v1/calls/{third['id']}/withdraw", {})).status_code == 200
    assert (await alarms(intake))[0]["call_id"] == later["id"], "nor does a withdrawn call come first"
    assert (await post(intake, f"/v1/alarms/{waiting['id']}/acknowledge")).status_code == 200
    answer = await post(intake, f"/v1/alarms/{alarm['id']}/acknowledge")
    assert answer.status_code == 200
    assert [each["call_id"] for each in await alarms(intake)] == [third["id"]]
    assert len(await alarms(intake, "?acknowledged=true")) == 3
    again = await post(intake, f"/v1/alarms/{alarm['id']}/acknowledge")
    assert problem_of(again)["code"] == "alarm_acknowledged"


async def test_a_crew_that_accepted_and_does_not_set_out_is_an_alarm_until_it_goes(intake: Running) -> None:
    taken = await emergency(intake)
    crew = Crew(intake, taken["id"])
    await crew.requested()
    await crew.tells(dispatch.AssignmentAccepted, previous_status="ordered")
    assert await alarms(intake) == []
    await crew.tells(dispatch.AssignmentDelayed, previous_status="accepted", depart_by_at=now_utc())
    (alarm,) = await alarms(intake)
    assert (alarm["kind"], alarm["call_id"], alarm["answered_at"]) == ("not_departed", taken["id"], None)
    assert alarm["ring"]
    next_one = Crew(intake, taken["id"])
    await next_one.tells(dispatch.AssignmentOrdered)
    await next_one.tells(dispatch.AssignmentReleased, previous_status="ordered", reason="another_accepted")
    assert (await alarms(intake))[0]["answered_at"] is None, "whoever was alerted beside it does not end it"
    await crew.tells(dispatch.AssignmentEnRoute, previous_status="accepted")
    (alarm,) = await alarms(intake)
    assert alarm["answered_at"]
    assert (await post(intake, f"/v1/alarms/{alarm['id']}/acknowledge")).status_code == 200


@pytest.mark.parametrize(
    ("risk", "kind", "over"),
    [
        ("late", "van_late", dispatch.AssignmentAtScene),
        ("late", "van_late", dispatch.AssignmentReleased),
        ("left_behind", "left_behind", dispatch.AssignmentAccepted),
    ],
)
async def test_a_promise_in_danger_is_an_alarm_until_somebody_keeps_it(
    intake: Running, risk: str, kind: str, over: type[Event]
) -> None:
    taken = await booked(intake, in_days(1))
    crew = Crew(intake, taken["id"])
    await crew.requested()
    await crew.at_risk(risk)
    (alarm,) = await alarms(intake)
    assert (alarm["kind"], alarm["call_id"], alarm["answered_at"]) == (kind, taken["id"], None)
    assert alarm["caller_phone"]
    await crew.tells(dispatch.AssignmentOffered)
    assert (await alarms(intake))[0]["answered_at"] is None
    await crew.tells(over, **({"reason": "replanned"} if over is dispatch.AssignmentReleased else {}))
    assert (await alarms(intake))[0]["answered_at"]


async def test_nobody_at_the_door_is_an_alarm_and_no_ride_that_was_done(intake: Running) -> None:
    taken = await booked(intake, in_days(1))
    crew = Crew(intake, taken["id"])
    await crew.requested()
    await crew.tells(dispatch.AssignmentAccepted)
    await crew.completed(outcome="no_show")
    (alarm,) = await alarms(intake)
    assert (alarm["kind"], alarm["call_id"]) == ("no_show", taken["id"])
    call = await whole(intake, taken["id"])
    assert (call["status"], call["outcome"], call["reason"]) == ("closed", "unmet", "no_show")


async def test_nobody_is_alarmed_for_what_needs_nobody(intake: Running) -> None:
    await booked(intake, in_days(1))
    await take(intake, lane="emergency", caller={"phone": "0812345678"}, back_entry=True)
    withdrawn = await emergency(intake)
    await acted(intake, withdrawn["id"], "withdraw")
    handed = await emergency(intake)
    body = {"receiver": "centre_1669", "reason": "red_flag", "ends_call": True}
    await acted(intake, handed["id"], "hand-over", body)
    await intake.do_due("watchdog")
    assert await alarms(intake) == []


async def test_a_watchdog_that_wakes_too_late_looks_before_it_barks(intake: Running) -> None:
    """Its row may have been claimed in the moment in which somebody accepted, or the call ended."""
    taken, ended = await emergency(intake), await emergency(intake)
    crew = Crew(intake, taken["id"])
    await crew.requested()
    await crew.tells(dispatch.AssignmentAccepted)
    await acted(intake, ended["id"], "withdraw")
    async with intake.runtime.work(Cause("system:intake")) as work:
        for call in (taken, ended):
            await work.later("watchdog", UUID(call["id"]), work.now, call_origin(UUID(call["id"])))
    assert await intake.do_due("watchdog") == 2
    assert await alarms(intake) == []


async def test_a_call_has_one_alarm_however_often_it_is_due(intake: Running) -> None:
    taken = await emergency(intake)
    await intake.do_due("watchdog")
    answer = await intake.client.patch(
        f"/v1/calls/{taken['id']}", json={"version": 1, "lane": "booked"}, headers=_desk()
    )
    await intake.client.patch(
        f"/v1/calls/{taken['id']}", json={"version": answer.json()["version"], "lane": "emergency"}, headers=_desk()
    )
    await intake.do_due("watchdog")
    assert len(await alarms(intake)) == 1
    assert len(await intake.said("intake.call.unanswered")) == 1


async def test_a_lost_unit_wakes_it_again_and_it_barks_as_often_as_nobody_goes(intake: Running) -> None:
    taken = await emergency(intake)
    crew = Crew(intake, taken["id"])
    await crew.requested()
    for before in ([], [True]):
        await crew.tells(dispatch.AssignmentAccepted)
        assert await intake.sql("select from due where kind = 'watchdog'") == []
        await crew.unassigned()
        (due,) = await intake.sql("select due_at - now() as left from due where kind = 'watchdog'")
        assert timedelta(seconds=20) < due["left"] <= timedelta(seconds=60), "a minute from the loss on"
        assert await intake.do_due("watchdog") == 1
        standing = await alarms(intake)
        assert [bool(alarm["answered_at"]) for alarm in standing] == [False, *before]
    assert len(await intake.said("intake.call.unanswered")) == 2


async def test_of_two_patients_one_without_a_unit_is_an_alarm_though_the_other_one_s_is_on_its_way(
    intake: Running,
) -> None:
    taken = await emergency(intake)
    one, two = Crew(intake, taken["id"]), Crew(intake, taken["id"])
    for crew in (one, two):
        await crew.requested()
        await crew.tells(dispatch.AssignmentAccepted)
    await one.unassigned()
    await two.tells(dispatch.AssignmentEnRoute)
    await intake.do_due("watchdog")
    (alarm,) = await alarms(intake)
    assert alarm["answered_at"] is None
    await one.tells(dispatch.AssignmentAccepted)
    (alarm,) = await alarms(intake)
    assert alarm["answered_at"]


async def test_a_booked_ride_that_becomes_an_emergency_is_watched_though_its_crew_has_accepted_for_tomorrow(
    intake: Running,
) -> None:
    ride, under_way = await booked(intake, in_days(1)), await booked(intake, in_days(1))
    for call, last in ((ride, dispatch.AssignmentAccepted), (under_way, dispatch.AssignmentEnRoute)):
        crew = Crew(intake, call["id"])
        await crew.requested()
        await crew.tells(last)
        version = (await whole(intake, call["id"]))["version"]
        body = {"version": version, "lane": "emergency"}
        answer = await intake.client.patch(f"/v1/calls/{call['id']}", json=body, headers=_desk())
        assert answer.status_code == 200, answer.text
    (due,) = await intake.sql("select subject_id, due_at - now() as left from due where kind = 'watchdog'")
    assert str(due["subject_id"]) == ride["id"], "who is on the way is on the way"
    assert timedelta(seconds=20) < due["left"] <= timedelta(seconds=60)
    assert await intake.do_due("watchdog") == 1
    assert [alarm["call_id"] for alarm in await alarms(intake)] == [ride["id"]]
    assert "answered_at" not in str(await intake.said("intake.call")), "our own bookkeeping is nobody's news"


async def test_who_waits_for_the_way_home_is_no_alarm(intake: Running) -> None:
    taken = await emergency(intake)
    there, back = Crew(intake, taken["id"]), Crew(intake, taken["id"])
    await there.requested()
    await there.tells(dispatch.AssignmentAccepted)
    await back.requested(Leg.RETURN)
    await back.queued()
    assert await intake.sql("select from due where kind = 'watchdog'") == []


def _desk() -> dict[str, str]:
    from tests.harness import bearer

    return bearer("call_taker")


async def test_it_begins_anew_with_the_time_of_the_municipality(database: MakeDatabase, tmp_path: Path) -> None:
    """After a lost unit, and when another trip opens a closed call again, as at the first time."""
    pack = Path(shutil.copytree(ROOT / "deploy" / "areas" / "kalasin", tmp_path / "areas" / "kalasin"))
    text = (pack / "policies.toml").read_text("utf-8")
    (pack / "policies.toml").write_text(text.replace("watchdog_s = 60", "watchdog_s = 240"), "utf-8")
    made = await database("intake")
    async with service_running(SERVICE, made.dsn, tmp_path, areas_dir=tmp_path / "areas") as intake:
        taken = await emergency(intake)
        crew = Crew(intake, taken["id"])
        await crew.requested()
        await crew.tells(dispatch.AssignmentAccepted)
        await crew.unassigned()
        assert await _left_s(intake) > 200
        await crew.tells(dispatch.AssignmentAccepted)
        await crew.completed()
        await Crew(intake, taken["id"]).requested()
        assert await _left_s(intake) > 200


async def _left_s(intake: Running) -> float:
    (due,) = await intake.sql("select due_at - now() as left from due where kind = 'watchdog'")
    return float(due["left"].total_seconds())


async def test_the_most_urgent_stands_first_and_complaints_last(intake: Running) -> None:
    later = (now_utc() - timedelta(minutes=9), now_utc() - timedelta(minutes=5))
    white = await emergency(intake, received_at=later[0].isoformat(), triage={"criteria_group": 17, "answers": {}})
    red = await emergency(intake, received_at=later[1].isoformat())
    await intake.sql("update call set severity = 'white' where id = $1", UUID(white["id"]))
    await intake.sql("update call set severity = 'red' where id = $1", UUID(red["id"]))
    while await intake.runtime.due.do_one():
        pass
    raised = "insert into alarm (id, kind, call_id, area, raised_at) select $1, 'complaint', id, area, $2 from call where id = $3"
    await intake.sql(raised, new_id(), now_utc() - timedelta(hours=1), UUID(red["id"]))
    found = [(each["kind"], each["call_id"]) for each in await alarms(intake)]
    assert found == [("unanswered", red["id"]), ("unanswered", white["id"]), ("complaint", red["id"])]
