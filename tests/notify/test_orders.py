"""From the order to the crew's phone and back."""

from __future__ import annotations

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
