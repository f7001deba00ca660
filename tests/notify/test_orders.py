"""From the order to the crew's phone and back."""

from __future__ import annotations

import pytest

from shared.events.dispatch import AssignmentAtScene, AssignmentEnRoute
from tests.notify.conftest import Town


async def test_an_order_reaches_the_crews_line_with_two_buttons_and_no_more_than_it_may_say(town: Town) -> None:
    crew = await town.crew(1)
    call = await town.call(crew)
    await town.order(call)
    entry = (await town.chat(1))[0]
    assert [button["label"] for button in entry.buttons] == ["รับงาน", "ไม่รับงาน"]
    assert call.number in entry.text
    assert "สมศรี" in entry.text
    assert "1132" in entry.text
    for secret in ("ทองแท้", "เจ็บหน้าอก", "ABCD-EFGH"):
        assert secret not in entry.text


@pytest.mark.parametrize("protected", [False, True])
async def test_the_order_warns_of_what_lies_ahead_in_the_language_of_each(town: Town, protected: bool) -> None:
    first, second = await town.crew(1), await town.crew(2, language="en")
    call = await town.call(first, second, protected=protected)
    risks = ({"kind": "flood", "level": "high"}, {"kind": "crime", "level": "medium"})
    await town.order(call, private={"risks": risks})
    thai, english = [
        [one["text"] for row in await town.messages() if row["recipient_id"] == member
         for one in await town.attempts(row["id"])]
        for member in (first, second)
    ]  # fmt: skip
    assert "ระวัง: น้ำท่วม (เสี่ยงสูง), อาชญากรรม (เสี่ยงปานกลาง)" in thai[0]
    assert "Take care: flood (high risk), crime (medium risk)" in english[0]
    assert "ระวังน้ำท่วม" in thai[1], "by SMS the gravest"
    assert "ake care: flood" in english[1]


async def test_pressing_accept_becomes_a_reply_once_and_the_next_button_comes_when_dispatch_agrees(town: Town) -> None:
    crew = await town.crew(1)
    call = await town.call(crew)
    await town.order(call)
    entry = (await town.chat(1))[0]
    pressed = await town.press(1, entry.buttons[0], redeliver=3)
    assert pressed["statuses"] == [200, 200, 200, 200]
    replies = await town.said("reply.received")
    assert len(replies) == 1
    data = replies[0]["data"]
    assert (data["answer"], data["crew_id"], data["assignment_id"]) == ("accept", str(crew), str(call.assignment_id))
    assert [row["status"] for row in await town.messages(rule="crew_ordered")] == ["acknowledged"]
    assert len(await town.said("message.acknowledged")) == 1
    await town.accepted(call, crew)
    entries = await town.chat(1, 2)
    assert [button["label"] for button in entries[1].buttons] == ["ออกจากฐาน"]
    assert town.line.world.channels["line-token"].used == 1  # the second went by the free reply token


async def test_the_next_shift_gets_the_button_and_who_went_home_is_told_it_is_too_late(town: Town) -> None:
    old, fresh, mate = await town.crew(1), await town.crew(2), await town.crew(3)
    call = await town.call(old)
    await town.order(call)
    entry = (await town.chat(1))[0]
    await town.press(1, entry.buttons[0])
    await town.accepted(call, old)
    went_home = (await town.chat(1, 2))[1]
    await town.taken_over(call, "accepted", fresh, mate)
    for number in (2, 3):
        assert [button["label"] for button in (await town.chat(number))[0].buttons] == ["ออกจากฐาน"]
    await town.press(1, went_home.buttons[0])
    assert "ไม่ต้องดำเนินการ" in (await town.chat(1, 3))[-1].text
    buttons = {row["recipient_id"]: row["status"] for row in await town.messages(rule="crew_next_en_route")}
    assert buttons.keys() == {old, fresh, mate}


async def test_of_a_new_shift_everybody_gets_the_next_button_until_one_of_them_has_pressed(town: Town) -> None:
    old, one, two = await town.crew(1), await town.crew(2), await town.crew(3)
    call = await town.call(old)
    await town.order(call)
    await town.press(1, (await town.chat(1))[0].buttons[0])
    await town.accepted(call, old)
    await town.taken_over(call, "accepted", one, two)
    call.crew_ids = (one, two)
    await town.step(AssignmentEnRoute, call)  # the desk said so for them: nobody has pressed
    for number in (2, 3):
        assert [button["label"] for button in (await town.chat(number, 2))[1].buttons] == ["ถึงที่เกิดเหตุ"]
    await town.press(3, (await town.chat(3, 2))[1].buttons[0])
    await town.step(AssignmentAtScene, call, crew_id=two)
    assert len((await town.chat(3, 3))[2].buttons) == 2
    told = [row["recipient_id"] for row in await town.messages(rule="crew_next_left_scene")]
    assert told == [two], "who presses goes on"


async def test_who_comes_on_duty_while_the_unit_is_asked_is_asked_too_and_who_stays_not_twice(town: Town) -> None:
    old, stays, fresh = await town.crew(1), await town.crew(2), await town.crew(3)
    call = await town.call(old, stays)
    await town.order(call)
    await town.chat(1)
    await town.chat(2)
    await town.taken_over(call, "ordered", stays, fresh)
    assert [button["label"] for button in (await town.chat(3))[0].buttons] == ["รับงาน", "ไม่รับงาน"]
    orders = {row["recipient_id"]: row["status"] for row in await town.messages(rule="crew_ordered")}
    assert orders[old] == "cancelled"
    assert len(await town.messages(rule="crew_ordered")) == 3
