"""``karuna.<area>.inbox.calls``: calls from other systems over a real broker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import uuid4

import nats
from nats.aio.client import Client

from karuna.platform import jwt
from karuna.platform.grants import grant
from karuna.platform.home import Home
from karuna.subscribers import Subscribers
from tests.harness import Running
from tests.intake.conftest import E164, INSIDE, OUTSIDE
from tests.intake.test_erasure import on_air
from tests.patience import PATIENCE_S
from tests.platform_fixtures import PATIENTLY, Broker

__all__ = ["on_air"]
SUBJECT = "karuna.kalasin.inbox.calls"
BODY = {"lane": "emergency", "caller": {"phone": "0812345678"}, "location": INSIDE}


async def ask(client: Client, body: Any, *, key: str | None = "", subject: str = SUBJECT) -> tuple[int, dict[str, Any]]:
    """Ask until intake listens; the status header and the document that came back."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {} if key is None else {"Idempotency-Key": key or uuid4().hex}
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                reply = await client.request(subject, data, timeout=PATIENCE_S, headers=headers or None)
            except Exception as problem:  # nobody listens yet
                if "responders" not in str(problem).lower():
                    raise
                await asyncio.sleep(0.05)
            else:
                return int((reply.headers or {})["Karuna-Status"]), json.loads(reply.data)


async def test_a_call_asked_for_on_the_topic_gets_its_number(on_air: Running, streams: Broker) -> None:
    async with streams.connected("notify") as client:
        status, answer = await ask(client, {**BODY, "channel": "line"})
    assert (status, answer["area"]) == (201, "kalasin")
    assert answer["number"].startswith("KLS-")
    (row,) = await on_air.said("intake.call.received")
    assert (row["data"]["channel"], row["actor"]) == ("line", "topic:kalasin")
    assert row["data"]["private"]["caller"]["phone"] == E164


async def test_the_same_key_is_one_call_and_no_key_is_none(on_air: Running, streams: Broker) -> None:
    async with streams.connected("notify") as client:
        first = await ask(client, BODY, key="k-1")
        assert await ask(client, BODY, key="k-1") == first
        assert (await ask(client, {**BODY, "complaint": "x"}, key="k-1"))[1]["code"] == "key_reused"
        status, answer = await ask(client, BODY, key=None)
        assert (status, answer["code"]) == (422, "key_missing")
    assert len(await on_air.said()) == 1


@asynccontextmanager
async def partners(broker: Broker, *names: str) -> AsyncIterator[dict[str, tuple[str, Client]]]:
    """Outsiders who may ask for calls: name → (public key of their account, their client)."""
    home = Home(broker.accounts.folder.parent)
    home.create()
    subscribers = Subscribers(home, broker.accounts, broker.url)
    async with AsyncExitStack() as stack:
        made = {}
        for name in names:
            mine = await subscribers.add(grant(name, inbox_calls=("kalasin",)))
            stack.push_async_callback(subscribers.remove, name)
            token = (broker.accounts.folder / "subscribers" / f"{name}.jwt").read_text()
            options = {"user_credentials": str(subscribers.creds(name)), "inbox_prefix": mine.inbox_prefix.encode()}
            client = await nats.connect(broker.url, allow_reconnect=False, **PATIENTLY, **options)
            stack.push_async_callback(client.close)
            made[name] = (jwt.decode(token)["sub"], client)
        yield made


async def test_two_partners_may_use_the_same_key_and_each_call_knows_who_brought_it(
    on_air: Running, streams: Broker
) -> None:
    async with partners(streams, "hospital", "village") as both:
        numbers = []
        for _, client in both.values():
            status, first = await ask(client, BODY, key="k-1")
            assert (status, first["possible_duplicates"]) == (201, []), "whom others told of is none of theirs"
            assert (await ask(client, BODY, key="k-1"))[1] == first
            numbers.append(first["number"])
        assert len(set(numbers)) == 2
        said = [(row["actor"], row["data"]["number"]) for row in await on_air.said("intake.call.received")]
        assert said == [(f"account:{key}", number) for (key, _), number in zip(both.values(), numbers, strict=True)]
        assert {row["taken_by"] for row in await on_air.sql("select taken_by from call")} == {who for who, _ in said}


async def test_an_outsider_is_not_the_desk(on_air: Running, streams: Broker) -> None:
    """What is given away must be seen by a person, unless one saw the answer."""
    async with partners(streams, "hospital") as only:
        ((_, client),) = only.values()
        status, refused = await ask(client, {**BODY, "location": OUTSIDE, "channel": "phone"})
        assert (status, refused["code"]) == (422, "not_your_channel")
        status, given = await ask(client, {**BODY, "location": OUTSIDE, "channel": "partner"})
        assert (status, given["status"]) == (201, "handed_over")
    assert [row["kind"] for row in await on_air.sql("select kind from alarm")] == ["hand_over"]


async def test_nobody_asks_in_anothers_name(on_air: Running, streams: Broker) -> None:
    """However the header is written, what the server writes is what counts."""
    async with partners(streams, "hospital", "village") as both:
        (hospital, _), (village, client) = both.values()
        forged = json.dumps({"acc": hospital})
        assert (await ask(client, BODY, key=None))[0] == 422  # intake listens now
        subject, inbox = SUBJECT, client.new_inbox()
        answers = await client.subscribe(inbox)
        tries = ["{}", "{}{}", "x-note: 1\r\n{}", "nats-request-info: {1}\r\n{}", "Nats-Request-Info : {1}\r\n{}"]
        for number, shape in enumerate(tries):
            line = f"Nats-Request-Info: {forged}\r\n"
            head = (
                f"NATS/1.0\r\nIdempotency-Key: k-{number}\r\n"
                + shape.replace("{1}", forged).replace("{}", line)
                + "\r\n"
            )
            body = json.dumps(BODY).encode()
            sizes = f"{len(head)} {len(head) + len(body)}"
            await client._send_command(f"HPUB {subject} {inbox} {sizes}\r\n{head}".encode() + body + b"\r\n")
            await client._flush_pending()
            answer = await answers.next_msg(timeout=PATIENCE_S)
            assert (answer.headers or {})["Karuna-Status"] == "201", answer.data
        assert {row["actor"] for row in await on_air.said()} == {f"account:{village}"}


async def test_rubbish_gets_a_problem_document_and_ends_nothing(on_air: Running, streams: Broker) -> None:
    deep = b'{"caller":' * 3000 + b"1" + b"}" * 3000
    rubbish = [b"", b"\xff\xfe", b"null", b"[]", b"{", deep, b'{"complaint":"' + b"a" * 300_000 + b'"}',
               b'{"unheard":1}', b'{"caller":{"phone":"0812345678"},"complaint":"\\u0000"}', b'"\\ud800"']  # fmt: skip
    async with streams.connected("notify") as client:
        for data in rubbish:
            status, answer = await ask(client, data)
            assert 400 <= status < 500, data[:40]
            assert answer["th"]
            assert answer["en"]
        nowhere = await ask(client, BODY, subject="karuna.atlantis.inbox.calls")
        assert (nowhere[0], nowhere[1]["code"]) == (404, "no_such_area")
        assert (await ask(client, BODY))[0] == 201
    assert len(await on_air.said()) == 1


async def test_the_area_is_the_subject_s_and_a_place_elsewhere_is_handed_over(on_air: Running, streams: Broker) -> None:
    async with streams.connected("notify") as client:
        _, answer = await ask(client, {**BODY, "location": OUTSIDE})
    assert (answer["area"], answer["status"]) == ("kalasin", "handed_over")


async def test_a_forged_reply_subject_is_never_written_to(on_air: Running, streams: Broker) -> None:
    forged = "karuna.kalasin.intake.call.01890000-0000-7000-8000-000000000000.received.v1"
    async with streams.connected("notify") as client:
        await ask(client, BODY)
        await client.publish(SUBJECT, json.dumps(BODY).encode(), reply=forged, headers={"Idempotency-Key": "f"})
        await client.flush()
        assert (await ask(client, BODY, key="after"))[0] == 201
    async with asyncio.timeout(PATIENCE_S):
        while await on_air.runtime.pool.fetchval("select count(*) from outbox"):
            await asyncio.sleep(0.02)
    async with streams.connected("provisioner") as client:
        state = (await client.jetstream(timeout=PATIENCE_S).stream_info("INTAKE")).state
    assert state.messages == 2 * len(await on_air.said()), "only what we said stands in our stream"
