"""SMS over HTTP: any gateway by description, honest about what may have gone, receipts only from who knows the token."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from karuna.simulate.faults import Fault
from karuna.simulate.inbox import Inbox
from karuna.simulate.serving import listening, serving
from karuna.simulate.sms_gateway import RunningGateway, sms_gateway
from services.notify.channels.base import Accepted, Blame, GiveUp, Reason, ReceiptState, TryLater, Unknown
from services.notify.channels.sms_gateway import PRESETS, SIMULATED, THAIBULKSMS, TWILIO, Gateway
from services.notify.channels.sms_http import (
    ReceiptCall,
    ReceiptRefusedError,
    SmsHttpChannel,
    SmsHttpSettings,
    read_receipts,
)
from tests.notify.channels.conftest import TOO_LATE, outgoing
from tests.patience import PATIENCE_S

MOBILE = "+66812345678"
RECEIPT_TOKEN = SecretStr("receipt-token")


def sms(text="กรุณา: รถถึงแล้ว โทร 1132", to=MOBILE):
    return outgoing(text, to=to)


@pytest.fixture
async def provider() -> AsyncIterator[RunningGateway]:
    async with sms_gateway("api-token", RECEIPT_TOKEN.get_secret_value()) as running:
        yield running


def settings(provider, gateway=SIMULATED, **more):
    secrets = {"token": SecretStr("api-token")}
    common = {"gateway": gateway, "secrets": secrets, "sender": "KARUNA", "timeout_s": PATIENCE_S}
    return SmsHttpSettings(**{**common, "url": f"{provider.url}/sms/messages", **more})


@pytest.fixture
async def channel(provider) -> AsyncIterator[SmsHttpChannel]:
    async with SmsHttpChannel(settings(provider)) as opened:
        yield opened


async def test_a_message_arrives(provider, channel):
    message = sms()
    outcome = await channel.send(message)
    [seen] = provider.gateway.inbox.after(0)
    assert (seen.sender, seen.to, seen.text) == ("KARUNA", MOBILE, message.text)
    assert [part.provider_id for part in outcome.parts] == seen.details["ids"]
    assert seen.details["reference"] == str(message.key)


@pytest.mark.parametrize(
    ("fault", "outcome", "arrived"),
    [
        ("throttled", TryLater(Reason.THROTTLED, 7.0, code="http 429"), 0),
        ("unavailable", TryLater(Reason.SERVER_ERROR, code="http 503"), 0),
        ("credit_spent", GiveUp(Reason.CREDIT_SPENT, code="http 402"), 0),
        ("server_error", Unknown(Reason.SERVER_ERROR, code="http 500"), 0),
        ("accept_then_500", Unknown(Reason.SERVER_ERROR, code="http 500"), 1),
        ("lose_request", Unknown(Reason.LINK_LOST), 0),
        ("lose_response", Unknown(Reason.LINK_LOST), 1),
        ("slow", Unknown(Reason.NO_ANSWER), 0),
        ("strange", Unknown(Reason.STRANGE_ANSWER, code="http 200"), 0),
    ],
)
async def test_each_failure_is_told_apart(provider, fault, outcome, arrived):
    provider.gateway.faults.add(Fault(fault, delay_s=TOO_LATE))
    within_s = 1.0 if fault == "slow" else PATIENCE_S
    async with SmsHttpChannel(settings(provider, timeout_s=within_s)) as channel:
        assert await channel.send(sms()) == outcome
    assert len(provider.gateway.inbox.after(0)) == arrived


async def test_a_gateway_that_knows_repetitions_is_asked_again(provider):
    idempotent = SIMULATED.model_copy(update={"idempotent": True})
    provider.gateway.faults.add(Fault("lose_response"))
    async with SmsHttpChannel(settings(provider, idempotent)) as channel:
        assert await channel.send(sms()) == TryLater(Reason.LINK_LOST)


async def test_a_wrong_token_is_a_technical_failure(provider):
    wrong = settings(provider, secrets={"token": SecretStr("stale-token")})
    async with SmsHttpChannel(wrong) as channel:
        outcome = await channel.send(sms())
    assert outcome == GiveUp(Reason.UNAUTHORISED, code="http 401")
    assert outcome.blame is Blame.CHANNEL
    assert "stale-token" not in repr(wrong)


async def test_nobody_there_is_temporary(provider):
    async with SmsHttpChannel(settings(provider, url="http://127.0.0.1:1")) as channel:
        assert await channel.send(sms()) == TryLater(Reason.UNREACHABLE)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (sms(to="0812345678"), Reason.BAD_ADDRESS),
        (sms("ก" * 202), Reason.TOO_LONG),
        (sms("\0"), Reason.CONTENT_REFUSED),
    ],
)
async def test_what_cannot_go_is_not_sent(provider, channel, message, reason):
    assert await channel.send(message) == GiveUp(reason)
    assert provider.gateway.inbox.total == 0


class Asked:
    """Any provider: answers what it is told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.status, self.answer, self.asked, self.bodies = 200, "{}", [], []

    async def take(self, request: Request) -> Response:
        self.asked.append(request)
        self.bodies.append((await request.body()).decode())
        return PlainTextResponse(self.answer, self.status)


@pytest.fixture
async def any_provider() -> AsyncIterator[Asked]:
    asked = Asked()
    async with serving(Starlette(routes=[Route("/{rest:path}", asked.take, methods=["POST"])]), listening()) as url:
        asked.url = f"{url}/api"
        yield asked


def account(gateway, any_provider):
    secrets = {name: SecretStr(f"the-{name}") for name in gateway.secrets_needed}
    receipt_url = "https://kalasin.example/v1/sms/x/receipts?token=t"
    return SmsHttpSettings(
        gateway=gateway, secrets=secrets, sender="KARUNA", url=any_provider.url, receipt_url=receipt_url
    )


@pytest.mark.parametrize(
    ("gateway", "status", "answer", "ids"),
    [
        (TWILIO, 201, {"sid": "SM1", "status": "queued"}, ["SM1"]),
        (THAIBULKSMS, 201, {"phone_number_list": [{"number": "668", "message_id": "T1"}], "bad_phone_number_list": []}, ["T1"]),
    ],
)  # fmt: skip
async def test_presets_fill_their_form_and_read_their_answer(any_provider, gateway, status, answer, ids):
    any_provider.status, any_provider.answer = status, json.dumps(answer)
    async with SmsHttpChannel(account(gateway, any_provider)) as channel:
        outcome = await channel.send(sms("ก&ข=ค+€"))
    assert [part.provider_id for part in outcome.parts] == ids
    form = parse_qs(any_provider.bodies[0])
    assert ["ก&ข=ค+€"] in form.values()
    assert any_provider.asked[0].headers["authorization"].startswith("Basic ")
    assert "8123" not in str(any_provider.asked[0].url)


@pytest.mark.parametrize(
    ("gateway", "status", "answer", "outcome"),
    [
        (TWILIO, 400, {"code": 21211}, GiveUp(Reason.BAD_ADDRESS, code="http 400")),
        (TWILIO, 400, {"code": 21606}, GiveUp(Reason.SENDER_REFUSED, code="http 400")),
        (TWILIO, 401, {"code": 20003}, GiveUp(Reason.UNAUTHORISED, code="http 401")),
        (TWILIO, 400, {"code": 1}, GiveUp(Reason.CONTENT_REFUSED, code="http 400")),
        (THAIBULKSMS, 201, {"phone_number_list": [], "bad_phone_number_list": [{}]}, Unknown(Reason.STRANGE_ANSWER, code="http 201")),
        (THAIBULKSMS, 201, {"bad_phone_number_list": [{"number": "668"}]}, GiveUp(Reason.BAD_ADDRESS, code="http 201")),
        (SIMULATED, 202, [], Unknown(Reason.STRANGE_ANSWER, code="http 202")),
        (SIMULATED, 302, "", Unknown(Reason.STRANGE_ANSWER, code="http 302")),
        (SIMULATED, 404, "", GiveUp(Reason.MISCONFIGURED, code="http 404")),
    ],
)  # fmt: skip
async def test_presets_read_refusals(any_provider, gateway, status, answer, outcome):
    any_provider.status, any_provider.answer = status, json.dumps(answer)
    async with SmsHttpChannel(account(gateway, any_provider)) as channel:
        assert await channel.send(sms()) == outcome


async def test_a_gateway_of_bare_text(any_provider):
    """Kannel's way: ``0: Accepted for delivery`` or an id in plain text."""
    gateway = Gateway(
        name="text", source="a test", url="https://sms.example/send", headers={"X-To": "${to}"}, encode="text",
        fields="${text}", accepted="status == `202` && body.id", ids="body.id", pattern=r"Accepted: (?P<id>\w+)",
    )  # fmt: skip
    any_provider.status, any_provider.answer = 202, "Accepted: k77"
    async with SmsHttpChannel(account(gateway, any_provider)) as channel:
        outcome = await channel.send(sms("สวัสดี"))
    assert isinstance(outcome, Accepted)
    assert (outcome.parts[0].provider_id, any_provider.bodies) == ("k77", ["สวัสดี"])


@pytest.mark.parametrize(
    "change",
    [
        {"url": "https://sms.example/send?to=${to}"},
        {"url": "https://sms.example/${text}"},
        {"fields": {"to": "${phone}"}},
        {"accepted": "status == "},
        {"colour": "red"},
    ],
)
def test_unsound_gateways_are_refused(change):
    with pytest.raises(ValidationError):
        Gateway.model_validate({**SIMULATED.model_dump(), **change})


def test_a_missing_secret_is_named():
    with pytest.raises(ValidationError, match="account"):
        SmsHttpSettings(gateway=TWILIO, secrets={"token": SecretStr("x")}, sender="K")


def test_only_what_was_sent_through_is_called_verified():
    assert [name for name, gateway in PRESETS.items() if gateway.verified] == ["simulated"]


# receipts


class Receiver:
    """Our receipt address: reads, keeps, and answers ``status``."""

    def __init__(self) -> None:
        self.box, self.calls, self.statuses = Inbox(), [], []

    async def take(self, request: Request) -> Response:
        call = ReceiptCall(await request.body(), request.headers["content-type"], request.headers, request.query_params)
        status = self.statuses.pop(0) if self.statuses else 204
        if status < 300:
            self.calls += read_receipts(SIMULATED, RECEIPT_TOKEN, call)
            self.box.add("http", "", "", "", "received")
        return Response(status_code=status)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = Starlette(routes=[Route("/v1/sms/simulated/receipts", receiver.take, methods=["POST"])])
    async with serving(app, listening()) as url:
        receiver.url = f"{url}/v1/sms/simulated/receipts"
        yield receiver


async def test_receipts_come_to_the_address_we_gave(provider, receiver):
    provider.gateway.habits.undeliverable = ["+66898765432"]
    async with SmsHttpChannel(settings(provider, receipt_url=receiver.url)) as channel:
        first, second = await asyncio.gather(channel.send(sms()), channel.send(sms(to="+66898765432")))
    await receiver.box.wait(lambda box: box.total == 2)
    assert {receipt.provider_id: receipt.state for receipt in receiver.calls} == {
        first.parts[0].provider_id: ReceiptState.DELIVERED,
        second.parts[0].provider_id: ReceiptState.UNDELIVERED,
    }


async def test_a_receipt_not_taken_comes_again(provider, receiver):
    receiver.statuses = [503, 500]
    async with SmsHttpChannel(settings(provider, receipt_url=receiver.url)) as channel:
        await channel.send(sms())
    await receiver.box.wait(lambda box: box.total == 1)
    assert receiver.statuses == []


def call(body, authorization="Bearer receipt-token", kind="application/json", query=None):
    return ReceiptCall(body, kind, {"Authorization": authorization}, query or {})


@pytest.mark.parametrize(
    ("given_call", "code"),
    [
        (call(b'{"id":"1","status":"DELIVRD"}', "Bearer guess"), "wrong_token"),
        (call(b'{"id":"1","status":"DELIVRD"}', ""), "wrong_token"),
        (call(b"{"), "unreadable"),
        (call(b"\xff"), "unreadable"),
        (call(b'{"status":"DELIVRD"}'), "unreadable"),
        (call(b'{"id":" "}'), "unreadable"),
        (call(b'["id"]'), "unreadable"),
    ],
)
def test_calls_that_are_not_believed(given_call, code):
    with pytest.raises(ReceiptRefusedError) as problem:
        read_receipts(SIMULATED, RECEIPT_TOKEN, given_call)
    assert problem.value.code == code


def test_a_form_with_the_token_in_the_query():
    given_call = call(
        b"MessageSid=SM1&MessageStatus=delivered", "", "application/x-www-form-urlencoded", {"token": "receipt-token"}
    )
    [receipt] = read_receipts(TWILIO, RECEIPT_TOKEN, given_call)
    assert (receipt.provider_id, receipt.state) == ("SM1", ReceiptState.DELIVERED)


def test_several_receipts_in_one_call_and_a_state_nobody_told_us_of():
    rules = SIMULATED.receipts.model_copy(update={"each": "body.all[*]", "id": "id", "state": "status"})
    gateway = SIMULATED.model_copy(update={"receipts": rules})
    body = b'{"all":[{"id":"a","status":"DELIVRD"},{"id":7,"status":"SEEN"}]}'
    receipts = read_receipts(gateway, RECEIPT_TOKEN, call(body))
    assert [(one.provider_id, one.state) for one in receipts] == [
        ("a", ReceiptState.DELIVERED),
        ("7", ReceiptState.UNKNOWN),
    ]


def test_a_gateway_without_receipts_takes_none():
    with pytest.raises(ReceiptRefusedError):
        read_receipts(SIMULATED.model_copy(update={"receipts": None}), RECEIPT_TOKEN, call(b"{}"))


@given(st.binary() | st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.sampled_from(["id", "status", "error"]), x)).map(json.dumps).map(str.encode))  # fmt: skip
def test_no_call_breaks_the_reader(body):
    try:
        receipts = read_receipts(SIMULATED, RECEIPT_TOKEN, call(body))
    except ReceiptRefusedError:
        return
    assert all(receipt.provider_id for receipt in receipts)
