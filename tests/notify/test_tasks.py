"""Tasks and invitations of the registry's cases: whom they are given to is told, and nothing of whose case it is."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from shared.events.registry import (
    CoordinatorChanged,
    CoordinatorErased,
    TaskAssigned,
    TaskOverdue,
    TeamInvited,
    VisitCancelled,
    VisitPlanned,
)
from shared.work import new_id, now_utc
from tests.notify.conftest import Town, call_origin, phone

TASKS: dict[str, tuple[type[Any], dict[str, Any], dict[str, Any], str]] = {
    "crew_task_assigned": (TaskAssigned, {"due_on": date(2027, 1, 31)}, {"task": "visit"}, "เยี่ยมบ้าน"),
    "crew_task_overdue": (TaskOverdue, {"due_on": date(2027, 1, 31)}, {"task": "visit"}, "เลยกำหนด"),
    "crew_team_invited": (TeamInvited, {}, {"role": "lead"}, "ร่วมทีม"),
}


@pytest.mark.parametrize("rule", TASKS)
async def test_the_member_alone_is_told(town: Town, rule: str) -> None:
    kind, facts, private, words = TASKS[rule]
    member, _ = await town.crew(1, line=True), await town.crew(2)
    event = kind(
        case_id=new_id(), assignee_id=member, at=now_utc(), private=kind.Private.model_validate(private), **facts
    )
    await town.service.emit(new_id(), event, call_origin(new_id()))
    [message] = await town.messages()
    assert (message["rule"], message["recipient_id"]) == (rule, member)
    texts = [each["text"] for each in await town.attempts(message["id"])]
    assert words in texts[0]
    assert not facts or all("31 ม.ค. 2570" in text for text in texts)


OF_AGENCIES: dict[str, tuple[type[Any], dict[str, Any], dict[str, Any], str]] = {
    "agency_task_assigned": (TaskAssigned, {"due_on": date(2027, 1, 31)}, {"task": "visit"}, "งานใหม่ของหน่วยงาน"),
    "agency_task_overdue": (TaskOverdue, {"due_on": date(2027, 1, 31)}, {"task": "visit"}, "งานของหน่วยงานเลยกำหนด"),
    "agency_team_invited": (TeamInvited, {"assignee_id": new_id()}, {"role": "lead"}, "หน่วยงานร่วมทีม"),
}


@pytest.mark.parametrize("rule", OF_AGENCIES)
async def test_whom_an_agency_has_named_is_told_by_their_own_number(town: Town, rule: str) -> None:
    kind, facts, private, words = OF_AGENCIES[rule]
    member = await town.crew(1, line=True)
    mobile, landline, left = new_id(), new_id(), new_id()
    for one, number in ((mobile, phone(7)), (landline, "+6643811222"), (left, phone(9))):
        named = CoordinatorChanged(agency_id=new_id(), at=now_utc(), private=CoordinatorChanged.Private(phone=number))
        await town.service.emit(one, named, call_origin(one))
    await town.service.emit(left, CoordinatorErased(at=now_utc()), call_origin(left))
    ids = (mobile, member, landline, left)
    said = kind.Private.model_validate({**private, "coordinator_ids": ids})
    event = kind(case_id=new_id(), agency_id=new_id(), at=now_utc(), private=said, **facts)
    await town.service.emit(new_id(), event, call_origin(new_id()))
    rows = {each["recipient_id"]: each for each in await town.messages() if each["rule"] == rule}
    assert {who: (row["status"], row["reason"]) for who, row in rows.items()} == {
        mobile: ("planned", None), member: ("planned", None), landline: ("failed", "no_address"),
        left: ("failed", "no_address"),
    }  # fmt: skip
    [sms] = await town.attempts(rows[mobile]["id"])
    assert (sms["channel"], sms["address"]) == ("sms", phone(7))
    assert words in sms["text"]
    assert not facts.get("due_on") or "31 ม.ค. 2570" in sms["text"]
    assert (await town.attempts(rows[member]["id"]))[0]["channel"] == "line", "who is known as crew, as crew"
    assert await town.service.sql("select 1 from recipient where id = $1", left) == []


async def test_who_is_to_do_it_is_told_once_though_they_coordinate(town: Town) -> None:
    member = await town.crew(1)
    private = TaskAssigned.Private(task="visit", coordinator_ids=(member,))
    event = TaskAssigned(case_id=new_id(), assignee_id=member, agency_id=new_id(), at=now_utc(), private=private)
    await town.service.emit(new_id(), event, call_origin(new_id()))
    assert [each["rule"] for each in await town.messages()] == ["crew_task_assigned"]


async def test_an_agency_that_has_named_nobody_is_not_told(town: Town) -> None:
    event = TaskAssigned(case_id=new_id(), agency_id=new_id(), at=now_utc(), private=TaskAssigned.Private(task="visit"))
    await town.service.emit(new_id(), event, call_origin(new_id()))
    assert await town.messages() == []


async def test_everybody_who_is_to_make_a_visit_is_told_by_when_and_not_to_whom(town: Town) -> None:
    one, other = await town.crew(1, line=True), await town.crew(2)
    event = VisitPlanned(
        person_id=new_id(), at=now_utc(), crew_ids=(one, other), due_on=date(2027, 1, 31),
        private=VisitPlanned.Private(kind="home_visit"),
    )  # fmt: skip
    await town.service.emit(new_id(), event, call_origin(new_id()))
    messages = await town.messages()
    assert {(each["rule"], each["recipient_id"]) for each in messages} == {
        ("crew_visit_planned", one), ("crew_visit_planned", other),
    }  # fmt: skip
    for message in messages:
        texts = [each["text"] for each in await town.attempts(message["id"])]
        assert all("31 ม.ค. 2570" in text for text in texts)


async def test_who_need_not_go_any_more_is_told_unless_they_cancelled_it_themselves(town: Town) -> None:
    one, other, third = await town.crew(1, line=True), await town.crew(2), await town.crew(3)
    event = VisitCancelled(
        person_id=new_id(), at=now_utc(), crew_ids=(one, other, third), due_on=date(2027, 1, 31), by_crew_id=third,
        private=VisitCancelled.Private(kind="home_visit"),
    )  # fmt: skip
    await town.service.emit(new_id(), event, call_origin(new_id()))
    messages = await town.messages()
    assert {(each["rule"], each["recipient_id"]) for each in messages} == {
        ("crew_visit_cancelled", one), ("crew_visit_cancelled", other),
    }  # fmt: skip
    for message in messages:
        texts = [each["text"] for each in await town.attempts(message["id"])]
        assert all("ยกเลิกการเยี่ยมบ้าน" in text and "31 ม.ค. 2570" in text for text in texts)


async def test_a_visit_that_is_cancelled_before_anybody_was_told_of_it_tells_nobody(quiet_town: Town) -> None:
    town = quiet_town
    one, other = await town.crew(1, line=True), await town.crew(2)
    plan, another = new_id(), new_id()
    facts: dict[str, Any] = {"person_id": new_id(), "crew_ids": (one, other), "due_on": date(2026, 1, 31)}
    for visit in (plan, another):
        told = VisitPlanned(at=now_utc(), private=VisitPlanned.Private(kind="home_visit"), **facts)
        await town.service.emit(visit, told, call_origin(new_id()))
    gone = VisitCancelled(at=now_utc(), private=VisitCancelled.Private(kind="home_visit"), **facts)
    # What the provider has been asked to send may be read already: that member hears of the end as well.
    sent = """
    update attempt set state = 'sending', due_at = null, lease_until = now() + interval '1 minute'
    where message_id = (select id from message where intent_id = $1 and recipient_id = $2) and state = 'ready'
    """
    await town.service.sql(sent, plan, other)
    await town.service.emit(plan, gone, call_origin(new_id()))
    rows = {(each["rule"], each["recipient_id"], each["intent_id"]): each for each in await town.messages()}
    assert {key: (row["status"], row["reason"]) for key, row in rows.items() if key[0] == "crew_visit_planned"} == {
        ("crew_visit_planned", one, plan): ("cancelled", "visit_cancelled"),
        ("crew_visit_planned", other, plan): ("cancelled", "visit_cancelled"),
        ("crew_visit_planned", one, another): ("planned", None),
        ("crew_visit_planned", other, another): ("planned", None),
    }
    assert [key[1] for key in rows if key[0] == "crew_visit_cancelled"] == [other]
    taken_back = await town.attempts(rows["crew_visit_planned", one, plan]["id"])
    assert {each["state"] for each in taken_back} == {"cancelled"}
