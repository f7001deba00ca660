"""An outsider gets exactly what was granted, without a restart of the server, and nothing after it was removed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import nats as nats_py
import pytest
import pytest_asyncio
from nats.aio.client import Client
from nats.errors import Error, NoRespondersError

from karuna.platform.grants import grant
from karuna.platform.home import Home
from karuna.platform.provision import call, provision
from karuna.subscribers import SubscriberExists, Subscribers, UnknownSubscriber
from shared.streams import open_subject, position_subject
from tests.patience import PATIENCE_S
from tests.platform_fixtures import PATIENTLY, Broker, settle

TRIPS = "karuna.kalasin.dispatch.>"


@pytest_asyncio.fixture
async def subscribers(streams: Broker) -> AsyncIterator[Subscribers]:
    home = Home(streams.accounts.folder.parent)
    home.create()
    made = Subscribers(home, streams.accounts, streams.url)
    yield made
    await streams.start()
    for subscriber in made.all():
        await made.remove(subscriber.name)


class Outsider:
    """A client of one subscriber that counts what the server refuses."""

    def __init__(self, client: Client, closed: asyncio.Event) -> None:
        self.client = client
        self.closed = closed

    async def take(self, stream: str, durable: str, count: int = 100) -> list[dict[str, Any]]:
        """What is there now. With ``no_wait`` the broker itself says that there is no more, and keeps no request open."""
        inbox = self.client.new_inbox()
        answers = await self.client.subscribe(inbox)
        wanted = json.dumps({"batch": count, "no_wait": True}).encode()
        await self.client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}", wanted, reply=inbox)
        taken: list[dict[str, Any]] = []
        while len(taken) < count:
            message = await answers.next_msg(timeout=PATIENCE_S)
            if "Status" in (message.headers or {}):
                break
            taken.append(json.loads(message.data))
            await message.ack_sync(timeout=PATIENCE_S)
        await answers.unsubscribe()
        return taken


@asynccontextmanager
async def outsider(subscribers: Subscribers, name: str, **options: Any) -> AsyncIterator[Outsider]:
    subscriber, closed = subscribers.get(name), asyncio.Event()

    async def on_closed() -> None:
        closed.set()

    client = await nats_py.connect(
        subscriber.server,
        user_credentials=str(subscribers.creds(name)),
        inbox_prefix=subscriber.inbox_prefix.encode(),
        allow_reconnect=False,
        closed_cb=on_closed,
        **PATIENTLY,
        **options,
    )
    try:
        yield Outsider(client, closed)
    finally:
        await client.close()


async def say(broker: Broker, *events: str, area: str = "kalasin", service: str = "dispatch") -> None:
    async with broker.connected(service) as client:
        for event in events:
            subject = open_subject(area, service, "trip", uuid4(), event)
            await client.jetstream(timeout=PATIENCE_S).publish(subject, json.dumps({"said": event}).encode())


async def messages_in(broker: Broker, stream: str) -> int:
    async with broker.connected("doctor") as client:
        state = (await call(client, f"$JS.API.STREAM.INFO.{stream}"))["state"]
        return int(state["messages"])


async def test_it_hears_everything_from_the_beginning_and_then_live(streams: Broker, subscribers: Subscribers) -> None:
    await say(streams, "requested", "planned")
    await say(streams, "requested", area="elsewhere")
    await say(streams, "received", service="intake")
    made = await subscribers.add(grant("demo", (TRIPS,)))
    assert [(s["stream"], s["durable"]) for s in made.streams] == [("DISPATCH", "ext_demo")]
    async with outsider(subscribers, "demo") as demo:
        assert await demo.take("DISPATCH", "ext_demo") == [{"said": "requested"}, {"said": "planned"}]
        live = await demo.client.subscribe(TRIPS)
        everything = await demo.client.subscribe(TRIPS, queue="q")
        await settle(demo.client)
        await say(streams, "completed")
        await say(streams, "completed", area="elsewhere")
        assert json.loads((await live.next_msg(timeout=PATIENCE_S)).data) == {"said": "completed"}
        assert json.loads((await everything.next_msg(timeout=PATIENCE_S)).data) == {"said": "completed"}
        assert await demo.take("DISPATCH", "ext_demo") == [{"said": "completed"}]
        assert live.pending_msgs == 0
    async with streams.connected("doctor") as doctor:
        info = await call(doctor, "$JS.API.CONSUMER.INFO.DISPATCH.ext_demo")
        assert (info["num_pending"], info["num_ack_pending"]) == (0, 0)
        assert not [finding for finding in await provision(doctor, apply=False) if finding.drifted]


async def test_replay_from_the_start_and_from_a_time(streams: Broker, subscribers: Subscribers) -> None:
    await subscribers.add(grant("demo", (TRIPS, "karuna.*.intake.call.>")))
    await say(streams, "requested", "planned")
    async with streams.connected("doctor") as client:
        between = (await call(client, "$JS.API.STREAM.INFO.DISPATCH"))["state"]["last_ts"]
    between = datetime.fromisoformat(between) + timedelta(microseconds=1)
    await say(streams, "completed")
    async with outsider(subscribers, "demo") as demo:
        assert len(await demo.take("DISPATCH", "ext_demo")) == 3
        assert await demo.take("DISPATCH", "ext_demo") == []
        assert await subscribers.replay("demo") == {"DISPATCH": 1, "INTAKE": 1}
        assert len(await demo.take("DISPATCH", "ext_demo")) == 3
        assert (await subscribers.replay("demo", between))["DISPATCH"] == 3
        assert await demo.take("DISPATCH", "ext_demo") == [{"said": "completed"}]
        later = datetime.now(UTC) + timedelta(hours=1)
        assert (await subscribers.replay("demo", later))["DISPATCH"] == 4
        assert await demo.take("DISPATCH", "ext_demo") == []
        # it may do the same for itself
        await call(demo.client, "$JS.API.CONSUMER.RESET.DISPATCH.ext_demo", b'{"seq":1}')
        assert len(await demo.take("DISPATCH", "ext_demo")) == 3
    with pytest.raises(ValueError, match="time zone"):
        await subscribers.replay("demo", datetime(2026, 1, 1))  # noqa: DTZ001


REFUSED_CALLS = [
    "$JS.API.CONSUMER.MSG.NEXT.DISPATCH.registry",
    "$JS.API.CONSUMER.MSG.NEXT.DISPATCH.ext_other",
    "$JS.API.CONSUMER.RESET.DISPATCH.ext_other",
    "$JS.API.CONSUMER.RESET.DISPATCH.registry",
    "$JS.API.CONSUMER.CREATE.DISPATCH.mine",
    "$JS.API.CONSUMER.CREATE.DISPATCH",
    "$JS.API.CONSUMER.DELETE.DISPATCH.registry",
    "$JS.API.CONSUMER.INFO.DISPATCH.ext_demo",
    "$JS.API.STREAM.INFO.DISPATCH",
    "$JS.API.STREAM.NAMES",
    "$JS.API.STREAM.CREATE.MINE",
    "$JS.API.STREAM.PURGE.DISPATCH",
    "$JS.API.STREAM.MSG.GET.DISPATCH",
    "$JS.API.DIRECT.GET.DISPATCH",
    "$JS.API.DIRECT.GET.POSITIONS",
    "$SYS.REQ.CLAIMS.UPDATE",
    "karuna.kalasin.inbox.calls",
    "karuna.kalasin.inbox.positions.u7",
    "karuna.kalasin.ask.dispatch.queue",
    "wake.dispatch",
    open_subject("kalasin", "dispatch", "trip", uuid4(), "requested"),
    open_subject("kalasin", "intake", "call", uuid4(), "received"),
]
REFUSED_SUBSCRIPTIONS = [
    ">",
    "internal.>",
    "internal.*.dispatch.>",
    "internal.*.telemetry.>",
    "karuna.>",
    "karuna.*.dispatch.>",
    "karuna.kalasin.intake.>",
    "karuna.kalasin.inbox.>",
    "$JS.ACK.>",
    "$JS.EVENT.>",
    "_INBOX.>",
    "_INBOX.ext_other.>",
]


async def test_everything_else_is_refused(streams: Broker, subscribers: Subscribers) -> None:
    await subscribers.add(grant("other", ("karuna.kalasin.dispatch.trip.>",)))
    await subscribers.add(grant("demo", (TRIPS,)))
    refusals: asyncio.Queue[str] = asyncio.Queue()

    async def on_error(error: Exception) -> None:
        await refusals.put(str(error).lower())

    async def refused(subject: str) -> None:
        text = await asyncio.wait_for(refusals.get(), PATIENCE_S)
        assert "permissions violation" in text
        assert subject.lower() in text

    async with outsider(subscribers, "demo", error_cb=on_error) as demo:
        for subject in REFUSED_CALLS:
            await demo.client.publish(subject, b"{}", reply=demo.client.new_inbox())
            await refused(subject)
        for subject in REFUSED_SUBSCRIPTIONS:
            await demo.client.subscribe(subject)
            await refused(subject)
        # an acknowledgement for another's durable
        await demo.client.publish("$JS.ACK.DISPATCH.registry.1.1.1.1.0", b"+ACK")
        await refused("$js.ack.dispatch.registry")
    assert await messages_in(streams, "DISPATCH") == 0
    assert await messages_in(streams, "INTAKE") == 0


async def test_a_forged_reply_subject_writes_into_no_stream(streams: Broker, subscribers: Subscribers) -> None:
    await say(streams, "requested")
    await subscribers.add(grant("demo", (TRIPS,), inbox_calls=("kalasin",)))
    forged = [
        open_subject("kalasin", "dispatch", "trip", uuid4(), "planned"),
        open_subject("kalasin", "intake", "call", uuid4(), "received"),
        f"internal.kalasin.intake.call.{uuid4()}.received.v1",
        position_subject("kalasin", uuid4()),
        "$JS.API.STREAM.DELETE.INTAKE",
    ]

    async with streams.connected("intake") as intake, outsider(subscribers, "demo") as demo:
        asked = await intake.subscribe("karuna.*.inbox.calls")
        await settle(intake)
        for reply in forged:
            await demo.client.publish("$JS.API.CONSUMER.MSG.NEXT.DISPATCH.ext_demo", b"1", reply=reply)
            await demo.client.publish("karuna.kalasin.inbox.calls", b"{}", reply=reply)
            await settle(demo.client)
            request = await asked.next_msg(timeout=PATIENCE_S)
            assert request.reply.startswith("_R_.")
            await request.respond(b"number")
        await settle(intake)
    counts = {name: await messages_in(streams, name) for name in ("DISPATCH", "INTAKE", "POSITIONS")}
    assert counts == {"DISPATCH": 1, "INTAKE": 0, "POSITIONS": 0}


async def test_doors_are_opened_one_by_one(streams: Broker, subscribers: Subscribers) -> None:
    await subscribers.add(
        grant(
            "partner",
            inbox_calls=("kalasin",),
            positions=(("kalasin", "u7"),),
            asks=(("kalasin", "dispatch", "queue"),),
        )
    )
    async with (
        streams.connected("intake") as intake,
        streams.connected("dispatch") as dispatch,
        outsider(subscribers, "partner") as partner,
    ):

        async def number(message: nats_py.aio.msg.Msg) -> None:
            await message.respond(b'{"number":"K1"}')

        await intake.subscribe("karuna.*.inbox.calls", cb=number)
        await dispatch.subscribe("karuna.*.ask.dispatch.*", cb=number)
        positions = await dispatch.subscribe("karuna.*.inbox.positions.*")
        await settle(intake)
        await settle(dispatch)
        answer = await partner.client.request("karuna.kalasin.inbox.calls", b"{}", timeout=PATIENCE_S)
        assert answer.data == b'{"number":"K1"}'
        answer = await partner.client.request("karuna.kalasin.ask.dispatch.queue", b"{}", timeout=PATIENCE_S)
        assert answer.data == b'{"number":"K1"}'
        await partner.client.publish("karuna.kalasin.inbox.positions.u7", b"here")
        await partner.client.publish("karuna.kalasin.inbox.positions.u8", b"not mine")
        await partner.client.publish("karuna.elsewhere.inbox.calls", b"not mine")
        assert (await positions.next_msg(timeout=PATIENCE_S)).data == b"here"
        await settle(partner.client)
        assert positions.pending_msgs == 0


async def test_removed_is_out_at_once_and_stays_out(streams: Broker, subscribers: Subscribers) -> None:
    await subscribers.add(grant("demo", (TRIPS,)))
    await subscribers.add(grant("other", (TRIPS,)))
    credentials = subscribers.creds("demo").read_text()
    kept = subscribers.creds("demo").with_name("stolen.creds")
    kept.write_text(credentials)

    async def comes_in() -> bool:
        client = Client()
        try:
            await client.connect(
                streams.url,
                user_credentials=str(kept),
                allow_reconnect=False,
                inbox_prefix=b"_INBOX.ext_demo",
                **PATIENTLY,
            )
        except Error:
            return False
        else:
            return True
        finally:
            await client.close()

    assert await comes_in()
    async with outsider(subscribers, "demo") as demo, outsider(subscribers, "other") as other:
        await subscribers.remove("demo")
        await asyncio.wait_for(demo.closed.wait(), PATIENCE_S)
        assert other.client.is_connected
    assert not await comes_in()
    await streams.kill()
    await streams.start()
    assert not await comes_in()
    # the same name again is somebody else
    await subscribers.add(grant("demo", (TRIPS,)))
    assert not await comes_in()
    async with outsider(subscribers, "demo") as demo:
        assert await demo.take("DISPATCH", "ext_demo") == []
    async with streams.connected("doctor") as doctor:
        await call(doctor, "$JS.API.CONSUMER.INFO.DISPATCH.ext_demo")
    kept.unlink()


async def test_an_outsider_is_still_in_after_a_restart(streams: Broker, subscribers: Subscribers) -> None:
    await subscribers.add(grant("demo", (TRIPS,)))
    await say(streams, "requested")
    await streams.kill()
    await streams.start()
    async with outsider(subscribers, "demo") as demo:
        assert len(await demo.take("DISPATCH", "ext_demo")) == 1


async def test_names_are_given_once(subscribers: Subscribers) -> None:
    await subscribers.add(grant("demo", (TRIPS,)))
    with pytest.raises(SubscriberExists):
        await subscribers.add(grant("demo", ("karuna.*.>",)))
    assert [subscriber.name for subscriber in subscribers.all()] == ["demo"]
    await subscribers.remove("demo")
    with pytest.raises(UnknownSubscriber):
        await subscribers.remove("demo")


async def test_nobody_is_there_to_answer(subscribers: Subscribers) -> None:
    await subscribers.add(grant("partner", inbox_calls=("kalasin",)))
    async with outsider(subscribers, "partner") as partner:
        with pytest.raises(NoRespondersError):
            await partner.client.request("karuna.kalasin.inbox.calls", b"{}", timeout=PATIENCE_S)
