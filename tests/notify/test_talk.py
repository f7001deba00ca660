"""Talking with the chat: linking, stopping, showing where, pressing late, and those who are not who they say."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from asyncpg import DeadlockDetectedError
from pydantic import SecretStr

from services.notify.api import line
from services.notify.channels.line_webhook import sign
from shared.events.dispatch import AssignmentEnRoute
from shared.work import now_utc
from tests.harness import bearer, problem_of
from tests.notify.conftest import SECRET, Town, line_id, phone
from tests.notify.test_public import CALLER, plan_ride


async def link_code(town: Town, kind: str, recipient_id) -> str:
    answer = await town.client.post(
        "/v1/line/links", json={"recipient_kind": kind, "recipient_id": str(recipient_id)}, headers=bearer("dispatcher")
    )
    assert answer.status_code == 201, answer.text
    code: str = answer.json()["code"]
    return code


async def test_a_code_from_the_desk_links_a_crew_member_once(town: Town) -> None:
    crew = await town.crew(1, line=False)
    code = await link_code(town, "crew", crew)
    await town.act(5, "follow")
    await town.chat(5)
    await town.write(5, f"{code[:4]} {code[4:]}".lower())
    await town.write(6, code)
    welcome, linked = await town.chat(5, 2)
    assert "ยินดีต้อนรับ" in welcome.text
    assert "เชื่อมต่อบัญชี" in linked.text
    assert "รหัสนี้ใช้ไม่ได้" in (await town.chat(6))[0].text
    call = await town.call(crew)
    await town.order(call)
    assert call.number in (await town.chat(5, 3))[2].text


async def test_a_code_of_another_municipality_or_too_old_links_nobody(town: Town) -> None:
    crew = await town.crew(1, line=False)
    code = await link_code(town, "crew", crew)
    await town.service.sql("update link_code set expires_at = now() - interval '1 second'")
    await town.write(5, code)
    assert "รหัสนี้ใช้ไม่ได้" in (await town.chat(5))[0].text


async def test_stop_ends_routine_messages_on_every_way_and_start_brings_them_back(town: Town) -> None:
    pickup_at = now_utc() + timedelta(days=2)
    caller = {**CALLER, "line_user_id": line_id(9)}
    call = await town.call(caller=caller, lane="booked", appointment=pickup_at)
    await town.chat(9)
    await town.write(9, "STOP")
    await plan_ride(town, call, pickup_at)
    message = (await town.messages(rule="ride_planned"))[0]
    assert (message["status"], message["reason"]) == ("suppressed", "opted_out")
    # by telephone number as well, and an emergency all the same
    other = await town.call(caller={"phone": CALLER["phone"]}, lane="booked", appointment=pickup_at)
    assert (await town.messages(call_id=other.id))[0]["status"] == "suppressed"
    urgent = await town.call(caller=caller)
    await town.until(lambda: town.messages(call_id=urgent.id, status="accepted"))
    await town.write(9, "START")
    await plan_ride(town, other, pickup_at)
    assert [m["status"] for m in await town.messages(rule="ride_planned")][1] != "suppressed"
    assert [row["data"]["answer"] for row in await town.said("reply.received")] == ["stop", "start"]


async def test_a_position_is_kept_for_the_desk_and_no_event_tells_it(town: Town) -> None:
    call = await town.call(caller={**CALLER, "line_user_id": line_id(9)})
    await town.act(9, "location", lat=16.434, lon=103.506, address="บ้านเลขที่ 1")
    assert "ได้รับตำแหน่งแล้ว" in (await town.chat(9, 2))[1].text
    answer = await town.client.get(f"/v1/replies?call_id={call.id}", headers=bearer("call_taker"))
    item = answer.json()["items"][0]
    assert (item["lat"], item["lon"], item["answer"]) == (16.434, 103.506, "unknown")
    assert "16.43" not in str([dict(row) for row in await town.said("")])
    unseen = await town.client.get(f"/v1/replies?call_id={call.id}", headers=bearer("auditor"))
    assert unseen.json()["items"][0]["lat"] is None


async def test_whom_we_do_not_know_is_told_politely_where_help_is(town: Town) -> None:
    await town.write(77, "ช่วยด้วย รถชน")
    assert "1132" in (await town.chat(77))[0].text
    assert await town.said("reply.received") == []


async def test_who_presses_for_another_is_not_believed(town: Town) -> None:
    crew = await town.crew(1)
    call = await town.call(crew)
    await town.order(call)
    entry = (await town.chat(1))[0]
    await town.press(2, entry.buttons[0])
    await town.act(1, "postback", data="k1.AAAAAAAAAAAAAAAAAAAAAA.accept")
    assert await town.said("reply.received") == []
    assert [m["status"] for m in await town.messages(rule="crew_ordered")] != ["acknowledged"]


async def test_who_presses_too_late_is_told_and_the_answer_is_still_said(town: Town) -> None:
    crew = await town.crew(1)
    call = await town.call(crew)
    await town.order(call)
    entry = (await town.chat(1))[0]
    await town.released(call)
    await town.chat(1, 2)
    await town.press(1, entry.buttons[0])
    assert "ไม่ต้องดำเนินการ" in (await town.chat(1, 3))[2].text
    assert [row["data"]["answer"] for row in await town.said("reply.received")] == ["accept"]


async def test_whoever_presses_a_step_gets_the_button_of_the_next(town: Town) -> None:
    crew = await town.crew(1)
    call = await town.call(crew)
    await town.order(call)
    await town.press(1, (await town.chat(1))[0].buttons[0])
    await town.accepted(call, crew)
    await town.press(1, (await town.chat(1, 2))[1].buttons[0])
    await town.step(AssignmentEnRoute, call, crew_id=crew, previous_status="accepted")
    assert [button["label"] for button in (await town.chat(1, 3))[2].buttons] == ["ถึงที่เกิดเหตุ"]
    assert [row["data"]["answer"] for row in await town.said("reply.received")] == ["accept", "en_route"]


async def test_who_removes_the_account_is_told_by_sms_from_then_on(town: Town) -> None:
    crew = await town.crew(1, line=False)
    await town.write(5, await link_code(town, "crew", crew))
    await town.chat(5)
    await town.act(5, "unfollow")
    call = await town.call(crew)
    await town.order(call)
    assert call.number in (await town.texts(1))[0].text


async def test_an_account_that_blocks_us_is_passed_over_whoever_named_it_until_it_follows_again(town: Town) -> None:
    crew = await town.crew(1)
    for act, way in (("unfollow", "sms"), ("follow", "line")):
        await town.act(1, act)
        call = await town.call(crew)
        await town.order(call)
        (order,) = await town.messages(rule="crew_ordered", call_id=call.id)
        assert (await town.attempts(order["id"]))[0]["channel"] == way


async def test_a_reply_token_that_the_chat_uses_is_kept_for_no_message(town: Town) -> None:
    """It works once: a message that took it would count as sent."""
    crew = await town.crew(1)
    await town.write(1, "ขอบคุณครับ")
    await town.chat(1)
    assert await town.service.sql("select from reply_token") == []
    await town.order(await town.call(crew))
    await town.press(1, (await town.chat(1, 2))[1].buttons[0])
    assert len(await town.service.sql("select from reply_token")) == 1, "the next button goes with this one"


async def test_one_event_that_collides_does_not_keep_the_others_of_its_delivery_out(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, real = [2, 9], line.take

    async def colliding(work: Any, area: str, event: Any) -> Any:
        which = int(event.event_id[-1])
        if which < len(left) and left[which] > 0:
            left[which] -= 1
            raise DeadlockDetectedError
        return await real(work, area, event)

    monkeypatch.setattr(line, "take", colliding)
    raw = json.dumps({"destination": "U1", "events": [_stop(number) for number in range(3)]}).encode()
    signed = {"x-line-signature": sign(raw, SecretStr(SECRET)).decode()}
    answer = await town.client.post("/v1/line/kalasin/webhook", content=raw, headers=signed)
    assert answer.status_code == 503, "LINE shall bring it again"
    rows = await town.service.sql("select address from opt_out order by address")
    assert [row["address"] for row in rows] == [line_id(0), line_id(2)]


def _stop(number: int) -> dict[str, Any]:
    """A line of text as LINE brings it."""
    return {
        "type": "message", "webhookEventId": f"event-{number}", "mode": "active", "timestamp": 1_700_000_000_000,
        "source": {"type": "user", "userId": line_id(number)}, "deliveryContext": {"isRedelivery": False},
        "message": {"type": "text", "id": str(number), "text": "STOP"},
    }  # fmt: skip


async def test_a_wrong_signature_an_unknown_area_and_rubbish_are_refused(town: Town) -> None:
    pressed = await town.act(1, "text", text="STOP", signature="wrong")
    assert pressed["statuses"] == [401]
    raw = b'{"destination": "U1", "events": []}'
    signed = {"x-line-signature": sign(raw, SecretStr(SECRET)).decode()}
    assert (await town.client.post("/v1/line/kalasin/webhook", content=raw, headers=signed)).status_code == 200
    assert (await town.client.post("/v1/line/elsewhere/webhook", content=raw, headers=signed)).status_code == 404
    assert problem_of(await town.client.post("/v1/line/kalasin/webhook", content=raw))["code"] == "signature_wrong"
    rubbish = {"x-line-signature": sign(b"rubbish", SecretStr(SECRET)).decode()}
    answer = await town.client.post("/v1/line/kalasin/webhook", content=b"rubbish", headers=rubbish)
    assert answer.status_code == 400


async def test_an_event_is_handled_once_however_often_it_comes(town: Town) -> None:
    await town.crew(9, line=True)
    answer = await town.write(9, "STOP", redeliver=4)
    assert set(answer["statuses"]) == {200}
    assert len(await town.said("reply.received")) == 1
    assert len(await town.service.sql("select 1 from line_event")) == 1
    assert phone(9) in {row["address"] for row in await town.service.sql("select address from opt_out")}


async def test_who_gives_back_a_trip_they_took_hears_that_it_is_not_done_yet(town: Town) -> None:
    crew = await town.crew(1)
    call = await town.call(crew)
    await town.order(call)
    decline = (await town.chat(1))[0].buttons[1]
    await town.accepted(call, crew)
    await town.press(1, decline)
    assert any("ขอคืนงาน" in entry.text for entry in await town.chat(1, 2))


async def test_who_declines_when_asked_is_thanked(town: Town) -> None:
    crew = await town.crew(1)
    call = await town.call(crew)
    await town.order(call)
    await town.press(1, (await town.chat(1))[0].buttons[1])
    assert "รับทราบว่าไม่รับงาน" in (await town.chat(1, 2))[1].text
