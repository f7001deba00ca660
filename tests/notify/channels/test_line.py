"""LINE, over HTTP, against a LINE that remembers: nothing twice, nothing lost, every answer told apart."""

from __future__ import annotations

import asyncio
import dataclasses
import time

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from karuna.simulate.faults import Fault
from karuna.simulate.line_rules import check_messages
from services.notify.channels.base import Accepted, Blame, Button, GiveUp, Outgoing, Reason, TryLater, Unknown
from services.notify.channels.line import LineChannel, LineSettings, QuotaUnknownError
from services.notify.channels.line_messages import MessageUnfitError, message_objects
from tests.notify.channels.conftest import PERSON, TOKEN, TOO_LATE, outgoing
from tests.patience import PATIENCE_S

ACCEPT = Button("รับงาน", "accept:0198f000", "รับงานแล้ว")
DECLINE = Button("ไม่รับ", "decline:0198f000")


def entries(line):
    return line.world.inbox.after(0)


async def test_a_push_is_accepted_and_seen_once(line, client):
    message = outgoing(buttons=(ACCEPT, DECLINE))
    outcome = await client.send(message)
    assert isinstance(outcome, Accepted)
    [seen] = entries(line)
    assert (seen.to, seen.text) == (PERSON, message.text)
    assert [button["label"] for button in seen.buttons] == ["รับงาน", "ไม่รับ"]
    assert [part.provider_id for part in outcome.parts] == seen.details["ids"]


@pytest.mark.parametrize("fault", ["lose_response", "accept_then_500", "lose_request", "server_error"])
async def test_the_same_key_again_after_a_failure_is_one_message(line, client, fault):
    line.world.faults.add(Fault(fault))
    message = outgoing()
    assert isinstance(await client.send(message), TryLater)
    assert isinstance(await client.send(message), Accepted)
    assert len(entries(line)) == 1


async def test_an_answer_too_late_is_tried_again_with_the_same_key(line, client, impatient):
    line.world.faults.add(Fault("slow", delay_s=TOO_LATE))
    message = outgoing()
    assert await impatient.send(message) == TryLater(Reason.NO_ANSWER)
    second = await client.send(message)
    assert isinstance(second, Accepted)
    [seen] = entries(line)
    assert [part.provider_id for part in second.parts] == seen.details["ids"], "409 names what was accepted first"


async def test_another_key_is_another_message(line, client):
    await client.send(outgoing("หนึ่ง"))
    await client.send(outgoing("หนึ่ง"))
    assert len(entries(line)) == 2


async def test_too_many_requests_and_spent_quota_are_told_apart(line, client):
    line.world.faults.add(Fault("rate_limited"))
    assert await client.send(outgoing()) == TryLater(Reason.THROTTLED, code="http 429")
    next(iter(line.world.channels.values())).quota = 0
    outcome = await client.send(outgoing())
    assert outcome == GiveUp(Reason.QUOTA_SPENT, code="http 429")
    assert outcome.blame is Blame.CHANNEL


async def test_real_rate_limit(line):
    line.world._rate_per_s = 3
    async with LineChannel(LineSettings(access_token=SecretStr(TOKEN), base_url=line.url)) as client:
        outcomes = await asyncio.gather(*(client.send(outgoing()) for _ in range(6)))
    assert sum(isinstance(one, Accepted) for one in outcomes) == 3 == len(entries(line))
    assert {one.reason for one in outcomes if isinstance(one, TryLater)} == {Reason.THROTTLED}


async def test_quota_is_read(line, client):
    channel = next(iter(line.world.channels.values()))
    assert (await client.quota()).left is None
    channel.quota = 200
    await client.send(outgoing())
    quota = await client.quota()
    assert (quota.limit, quota.used, quota.left) == (200, 1, 199)


async def test_a_wrong_token_is_a_technical_failure(line):
    async with LineChannel(LineSettings(access_token=SecretStr("stale"), base_url=line.url)) as client:
        outcome = await client.send(outgoing())
        assert outcome == GiveUp(Reason.UNAUTHORISED, code="http 401")
        assert outcome.blame is Blame.CHANNEL
        with pytest.raises(QuotaUnknownError, match="http 401"):
            await client.quota()
    assert "stale" not in repr(LineSettings(access_token=SecretStr("stale")))


async def test_nobody_there_is_temporary():
    settings = LineSettings(access_token=SecretStr(TOKEN), base_url="http://127.0.0.1:1")
    async with LineChannel(settings) as client:
        assert await client.send(outgoing()) == TryLater(Reason.UNREACHABLE)
        assert await client.send(outgoing(reply_token=SecretStr("x"))) == TryLater(Reason.UNREACHABLE)
        with pytest.raises(QuotaUnknownError):
            await client.quota()


async def test_a_login_page_is_not_line(line, client):
    line.world.faults.add(Fault("strange"))
    message = outgoing()
    assert await client.send(message) == TryLater(Reason.STRANGE_ANSWER, code="http 200")
    assert isinstance(await client.send(message), Accepted)


async def test_an_unknown_person_is_a_permanent_failure_of_the_address(line, client):
    line.world.user(PERSON).unknown = True
    assert await client.send(outgoing()) == GiveUp(Reason.BAD_ADDRESS, code="http 400")
    for never in ("+66812345678", "somchai", "", "U" + "g" * 32):
        assert await client.send(outgoing(to=never)) == GiveUp(Reason.BAD_ADDRESS)
    assert entries(line) == []


async def test_who_blocked_us_is_accepted_all_the_same(line, client):
    line.world.user(PERSON).blocked = True
    assert isinstance(await client.send(outgoing()), Accepted)
    assert entries(line)[0].state == "blocked"


async def test_a_reply_token_works_once_and_never_carries_a_key(line, client):
    token = SecretStr(line.world.reply_token(line.world.channels[TOKEN], PERSON, time.time()))
    message = outgoing("ขอบคุณ", reply_token=token)
    assert isinstance(await client.send(message), Accepted)
    assert await client.send(message) == GiveUp(Reason.REPLY_TOKEN_SPENT, code="http 400")
    assert line.world.channels[TOKEN].used == 0, "replies cost no quota"


@pytest.mark.parametrize("fault", ["lose_response", "server_error", "accept_then_500", "slow"])
async def test_a_reply_whose_answer_is_lost_is_shown_once(line, client, impatient, fault):
    line.world.faults.add(Fault(fault, delay_s=TOO_LATE))
    client = impatient if fault == "slow" else client
    token = SecretStr(line.world.reply_token(line.world.channels[TOKEN], PERSON, time.time()))
    assert isinstance(await client.send(outgoing(reply_token=token)), Accepted)
    assert len(entries(line)) == 1


@pytest.mark.parametrize("fault", ["lose_response", "server_error", "accept_then_500", "slow"])
async def test_a_reply_that_failed_twice_is_unknown(line, client, impatient, fault):
    line.world.faults.add(Fault(fault, times=2, delay_s=TOO_LATE))
    client = impatient if fault == "slow" else client
    assert isinstance(await client.send(outgoing(reply_token=SecretStr("t"))), Unknown)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (outgoing(" "), Reason.CONTENT_REFUSED),
        (outgoing(buttons=(ACCEPT,) * 5), Reason.CONTENT_REFUSED),
        (outgoing(buttons=(Button("x" * 21, "d"),)), Reason.CONTENT_REFUSED),
        (outgoing(buttons=(Button("x", "d" * 301),)), Reason.CONTENT_REFUSED),
        (outgoing(quick_replies=(ACCEPT,) * 14), Reason.CONTENT_REFUSED),
        (outgoing("ก" * 25_001), Reason.TOO_LONG),
        (outgoing("half \ud83d"), Reason.CONTENT_REFUSED),
        (outgoing(buttons=(Button("x", "\udc00"),)), Reason.CONTENT_REFUSED),
    ],
)
async def test_what_line_would_refuse_is_not_sent(line, client, message, reason):
    assert await client.send(message) == GiveUp(reason)
    assert entries(line) == []


async def test_long_text_goes_in_pieces_with_the_buttons_below(line, client):
    message = outgoing("สวัสดีครับ " * 600, buttons=(ACCEPT,), prompt="รับงานหรือไม่")
    assert isinstance(await client.send(message), Accepted)
    [seen] = entries(line)
    texts = [one["text"] for one in seen.details["messages"] if one["type"] == "text"]
    assert "".join(texts) == message.text
    assert seen.details["messages"][-1]["template"]["text"] == "รับงานหรือไม่"


buttons = st.builds(
    Button, st.text(min_size=1, max_size=25), st.text(min_size=1, max_size=310), st.none() | st.text(max_size=310)
)
messages = st.builds(
    Outgoing,
    key=st.uuids(),
    to=st.just(PERSON),
    text=st.text(max_size=200) | st.text("ก้ำ👨‍👩‍👧 ", max_size=400),
    buttons=st.lists(buttons, max_size=5).map(tuple),
    quick_replies=st.lists(buttons, max_size=14).map(tuple),
)


@given(messages)
def test_what_we_build_is_what_line_takes(message):
    """The rules of the simulator are written apart from the builder's: neither may be laxer for what is sent."""
    try:
        objects = message_objects(message)
    except MessageUnfitError:
        return
    assert check_messages(objects) == []
    if message.quick_replies:
        assert "quickReply" in objects[-1]


@pytest.mark.parametrize(
    "message",
    [
        outgoing(),
        outgoing(buttons=(ACCEPT, DECLINE)),
        outgoing("ยาว " * 200, buttons=(ACCEPT,), quick_replies=(DECLINE,)),
    ],
)
def test_the_official_models_read_what_we_send(message):
    from linebot.v3.messaging import PushMessageRequest

    request = {"to": message.to, "messages": message_objects(message), "notificationDisabled": False}
    read = PushMessageRequest.from_dict(request)
    assert read.to_dict() == request, "no field is unknown to the official package"


async def test_the_official_client_gets_the_same_answers_from_the_simulator(line):
    """The simulator is held against LINE's own package too: success, repetition, refusal."""
    from linebot.v3.messaging import ApiException, AsyncApiClient, AsyncMessagingApi, Configuration
    from linebot.v3.messaging.models import PushMessageRequest, TextMessage

    key = str(outgoing().key)
    async with AsyncApiClient(Configuration(host=line.url, access_token=TOKEN)) as official:
        api = AsyncMessagingApi(official)
        request = PushMessageRequest(to=PERSON, messages=[TextMessage(text="สวัสดี")])
        first = await api.push_message(request, x_line_retry_key=key)
        with pytest.raises(ApiException) as again:
            await api.push_message(request, x_line_retry_key=key)
        assert again.value.status == 409
        assert first.sent_messages[0].id in again.value.body
        assert again.value.headers["x-line-accepted-request-id"]
        with pytest.raises(ApiException) as refused:
            await api.push_message(PushMessageRequest(to=PERSON, messages=[TextMessage(text="ก" * 5001)]))
        assert refused.value.status == 400
        assert '"property":"messages[0].text"' in refused.value.body
        assert (await api.get_message_quota_consumption()).total_usage == 1
    assert len(entries(line)) == 1


async def test_a_reply_with_a_retry_key_is_refused_by_line(line):
    async with httpx.AsyncClient(
        base_url=line.url, headers={"authorization": f"Bearer {TOKEN}"}, timeout=PATIENCE_S
    ) as http:
        body = {"replyToken": "t", "messages": [{"type": "text", "text": "x"}]}
        headers = {"x-line-retry-key": str(outgoing().key)}
        assert (await http.post("/v2/bot/message/reply", json=body, headers=headers)).status_code == 400


async def test_many_at_once_with_random_faults_none_lost_none_doubled(line):
    for kind in ("lose_response", "accept_then_500", "lose_request", "server_error", "rate_limited"):
        line.world.faults.add(Fault(kind, times=None, share=0.1))
    waiting = [outgoing(f"ข้อความที่ {i}") for i in range(60)]
    async with LineChannel(LineSettings(access_token=SecretStr(TOKEN), base_url=line.url)) as client:
        while waiting:
            outcomes = await asyncio.gather(*(client.send(message) for message in waiting))
            waiting = [message for message, one in zip(waiting, outcomes, strict=True) if not isinstance(one, Accepted)]
    assert sorted(entry.text for entry in entries(line)) == sorted(f"ข้อความที่ {i}" for i in range(60))


def test_neither_address_nor_text_is_in_the_repr():
    message = dataclasses.replace(outgoing("ลับมาก"), reply_token=SecretStr("token-text"))
    for secret in (PERSON, "ลับมาก", "token-text"):
        assert secret not in repr(message)
