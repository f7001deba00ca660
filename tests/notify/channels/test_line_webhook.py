"""Webhooks: only LINE's own are believed, every event is read or kept, and simulated people are believed too."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from karuna.simulate.serving import listening, serving
from services.notify.channels.base import Accepted
from services.notify.channels.line_webhook import (
    Delivery,
    Follow,
    LocationMessage,
    Postback,
    TextMessage,
    Unfollow,
    UnknownEvent,
    WebhookUnreadableError,
    parse,
    sign,
    verify,
)
from tests.notify.channels.conftest import PERSON, SECRET, TOKEN, outgoing
from tests.patience import PATIENCE_S

SECRETS = [SecretStr(SECRET)]


class Receiver:
    """Our side of the webhook: keeps what came, and answers ``status``."""

    def __init__(self) -> None:
        self.status = 200
        self.came: list[tuple[bytes, str]] = []
        self.url = ""

    async def take(self, request: Request) -> Response:
        self.came.append((await request.body(), request.headers["x-line-signature"]))
        return Response(status_code=self.status)


@pytest.fixture
async def receiver(line) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = Starlette(routes=[Route("/v1/line/kalasin/webhook", receiver.take, methods=["POST"])])
    async with serving(app, listening()) as url:
        line.world.channels[TOKEN].webhook_url = f"{url}/v1/line/kalasin/webhook"
        yield receiver


async def act(line, kind, **body):
    async with httpx.AsyncClient(base_url=line.url, timeout=PATIENCE_S) as http:
        answer = await http.post(f"/_control/users/{PERSON}/{kind}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def only_event(receiver):
    [(raw, signature)] = receiver.came
    assert verify(raw, signature, SECRETS)
    [event] = parse(raw).events
    return event


@pytest.mark.parametrize(
    ("kind", "body", "expected", "fields"),
    [
        ("postback", {"data": "accept:1"}, Postback, {"data": "accept:1"}),
        ("text", {"text": "ช่วยด้วย 🚑"}, TextMessage, {"text": "ช่วยด้วย 🚑"}),
        ("location", {"lat": 16.43, "lon": 103.5, "address": "กาฬสินธุ์"}, LocationMessage, {"lat": 16.43, "lon": 103.5}),
        ("follow", {}, Follow, {"unblocked": False}),
        ("unfollow", {}, Unfollow, {"reply_token": None}),
        ("delivery", {"tag": "tag-0123456789abcdef"}, Delivery, {"tag": "tag-0123456789abcdef"}),
        ("event", {"event": {"type": "beacon", "beacon": {"hwid": "1"}}}, UnknownEvent, {"type": "beacon"}),
        ("event", {"event": {"type": "message", "message": {"type": "sticker", "id": "1"}}}, UnknownEvent, {"type": "message"}),
    ],
)  # fmt: skip
async def test_what_people_do_arrives_typed(line, receiver, kind, body, expected, fields):
    said = await act(line, kind, **body)
    event = only_event(receiver)
    assert type(event) is expected
    assert {name: getattr(event, name) for name in fields} == fields
    assert (event.event_id, event.user_id, event.is_redelivery) == (said["webhookEventId"], PERSON, False)
    assert event.at.tzinfo is not None


async def test_a_redelivery_is_the_same_event_marked(line, receiver):
    await act(line, "postback", data="x", redeliver=2)
    events = [parse(raw).events[0] for raw, signature in receiver.came if verify(raw, signature, SECRETS)]
    assert [event.is_redelivery for event in events] == [False, True, True]
    assert len({event.event_id for event in events}) == 1


async def test_line_delivers_again_what_was_not_taken(line, receiver):
    line.world.channels[TOKEN].redelivery = 2
    receiver.status = 503
    said = await act(line, "text", text="x")
    assert said["statuses"] == [503, 503, 503]


async def test_the_reply_token_of_a_webhook_answers_it(line, receiver, client):
    await act(line, "text", text="ขอรถ")
    event = only_event(receiver)
    assert isinstance(await client.send(outgoing("รับเรื่องแล้ว", reply_token=event.reply_token)), Accepted)
    assert line.world.inbox.after(0)[-1].details["how"] == "reply"


async def test_pressing_a_button_on_the_page_sends_a_postback(line, receiver):
    async with httpx.AsyncClient(base_url=line.url, timeout=PATIENCE_S) as http:
        answer = await http.post(f"/_control/users/{PERSON}/postback", data={"data": "accept:<7>&"})
    assert answer.status_code == 303
    assert only_event(receiver).data == "accept:<7>&"


async def test_a_wrong_signature_is_refused(line, receiver):
    await act(line, "postback", data="accept:1", signature="wrong")
    [(raw, signature)] = receiver.came
    assert not verify(raw, signature, SECRETS)


def test_the_official_package_makes_and_takes_the_same_signature():
    from linebot.v3.webhook import SignatureValidator

    body = '{"destination":"U1","events":[],"ก":"👍"}'
    official = SignatureValidator(SECRET)
    assert official.validate(body, sign(body.encode(), SECRETS[0]).decode())
    assert not official.validate(body + " ", sign(body.encode(), SECRETS[0]).decode())


async def test_the_official_parser_reads_the_simulators_events_as_we_do(line, receiver):
    from linebot.v3.webhook import WebhookParser

    await act(line, "postback", data="accept:1")
    await act(line, "text", text="ช่วยด้วย")
    await act(line, "location", lat=16.4, lon=103.5)
    for raw, signature in receiver.came:
        [official] = WebhookParser(SECRET).parse(raw.decode(), signature)
        [ours] = parse(raw).events
        assert official.webhook_event_id == ours.event_id
        assert official.delivery_context.is_redelivery == ours.is_redelivery
        assert official.source.user_id == ours.user_id
        assert official.timestamp == ours.at.timestamp() * 1000


def test_old_and_new_secret_are_both_believed_while_they_change():
    raw = b"{}"
    new, old = SecretStr("new"), SecretStr("old")
    assert verify(raw, sign(raw, old).decode(), [new, old])
    assert verify(raw, sign(raw, new).decode(), [new, old])
    assert not verify(raw, sign(raw, old).decode(), [new])
    assert not verify(raw, None, [new])
    assert not verify(raw, "ไม่ใช่", [new])
    assert not verify(raw, sign(raw, new).decode(), [])


@given(st.binary(), st.binary())
def test_only_the_very_bytes_are_signed(raw, other):
    signature = sign(raw, SECRETS[0]).decode()
    assert verify(raw, signature, SECRETS)
    assert verify(other, signature, SECRETS) == (other == raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "events", "message", "id", "text", "source", "userId", "timestamp", "webhookEventId", "deliveryContext", "isRedelivery", "destination", "postback", "data", "latitude"]), inner, max_size=6),
    max_leaves=20,
)  # fmt: skip


@given(st.binary() | JSON.map(json.dumps).map(str.encode) | JSON.map(lambda e: json.dumps({"destination": "U", "events": [e]}).encode()))  # fmt: skip
def test_no_body_breaks_the_parser(raw):
    try:
        found = parse(raw)
    except WebhookUnreadableError:
        return
    assert len(found.events) == len(json.loads(raw)["events"]), "what can be read is read whole"


EVENT = {"type": "postback", "timestamp": 1_700_000_000_000, "mode": "active", "webhookEventId": "01HF", "deliveryContext": {"isRedelivery": False}, "postback": {"data": "x"}}  # fmt: skip


def body_of(*events):
    return json.dumps({"destination": "U1", "events": events}).encode()


def test_a_known_event_of_an_unknown_shape_is_kept_and_the_others_are_read():
    strange = {**EVENT, "postback": None}
    first, second = parse(body_of(strange, EVENT)).events
    assert isinstance(first, UnknownEvent)
    assert first.raw == strange
    assert isinstance(second, Postback)


def test_a_place_outside_the_world_is_kept_unread():
    place = {"type": "location", "id": "1", "latitude": 200.0, "longitude": 1.0}
    [event] = parse(body_of({**EVENT, "type": "message", "message": place})).events
    assert isinstance(event, UnknownEvent)


def test_standby_and_groups_are_told():
    [event] = parse(body_of({**EVENT, "mode": "standby", "source": {"type": "group", "groupId": "C1"}})).events
    assert (event.standby, event.group_id, event.user_id) == (True, "C1", None)


def test_the_empty_call_by_which_line_tests_the_address():
    assert parse(body_of()).events == ()
