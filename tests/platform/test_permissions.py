"""The permission table, tried on a real server: each allowed act works, everything any other row allows is refused."""

from __future__ import annotations

import asyncio
import json
from uuid import UUID, uuid4

import httpx
import pytest
from nats.aio.client import Client
from nats.micro import ServiceConfig, add_service
from nats.micro.service import EndpointConfig

from karuna.platform import jwt
from karuna.platform.grants import covers
from karuna.platform.permissions import SYSTEM_RIGHTS, SYSTEM_USER, TABLE, exports
from karuna.platform.provision import call
from shared.streams import (
    DURABLES,
    LISTENERS,
    SERVICES,
    Durable,
    durables_of,
    internal_subject,
    last_positions,
    open_subject,
    position_subject,
    stream_name,
    wake_subject,
)
from tests.patience import PATIENCE_S
from tests.platform_fixtures import PATIENTLY, Broker, settle

ROWS = {**TABLE, SYSTEM_USER: SYSTEM_RIGHTS}
# Beside what some row allows: ways around, and what nobody may do.
NOBODY_PUBLISHES = (
    "$JS.API.CONSUMER.CREATE.INTAKE",
    "$JS.API.CONSUMER.DURABLE.CREATE.INTAKE.x",
    "$JS.API.CONSUMER.PAUSE.INTAKE.dispatch",
    "$JS.API.STREAM.RESTORE.INTAKE",
    "$JS.API.STREAM.SNAPSHOT.INTAKE",
    "$JS.API.META.LEADER.STEPDOWN",
    "$SYS.REQ.SERVER.PING",
    "$SRV.PING",
    "anything",
    "internal.kalasin.payroll.x.y.z.v1",
    "karuna.kalasin.payroll.x.y.z.v1",
)
NOBODY_SUBSCRIBES = (
    ">",
    "*",
    "internal.>",
    "karuna.>",
    "$JS.>",
    "$JS.ACK.>",
    "$JS.EVENT.>",
    "$SYS.>",
    "_R_.>",
    "_INBOX.>",
)


def example_of(pattern: str) -> str:
    """One subject of a pattern; the names it makes up are of nothing that exists."""
    return ".".join({"*": "x7", ">": "x7.y.z"}.get(token, token) for token in pattern.split("."))


def granted(subject: str, patterns: tuple[str, ...]) -> bool:
    return any(covers(pattern, subject) for pattern in patterns)


class Refusals:
    """What the server refused to one client, lower-cased as the client tells it."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def hear(self, error: Exception) -> None:
        self.texts.append(str(error).lower())

    def names(self, subject: str) -> bool:
        return any(f'"{subject.lower()}"' in text and "permissions violation" in text for text in self.texts)


PUBLISHED = sorted({example_of(p) for row in ROWS.values() for p in row.publish} | set(NOBODY_PUBLISHES))
SUBSCRIBED = sorted({example_of(p) for row in ROWS.values() for p in row.subscribe} | set(NOBODY_SUBSCRIBES))


@pytest.mark.parametrize("user", ROWS)
async def test_a_user_publishes_its_row_and_nothing_else(streams: Broker, user: str) -> None:
    refusals = Refusals()
    async with streams.connected(user, error_cb=refusals.hear) as client:
        for subject in PUBLISHED:
            await client.publish(subject, b"{}")
        await settle(client)
        wrong = [s for s in PUBLISHED if refusals.names(s) == granted(s, ROWS[user].publish)]
    assert wrong == []
    assert any(granted(subject, ROWS[user].publish) for subject in PUBLISHED)


@pytest.mark.parametrize("user", ROWS)
async def test_a_user_hears_its_row_and_nothing_else(streams: Broker, user: str) -> None:
    refusals = Refusals()
    async with streams.connected(user, error_cb=refusals.hear) as client:
        # Not even an inbox is granted to who only sends; the client's own is asked for by a request.
        for subject in SUBSCRIBED:
            await client.subscribe(subject)
        await settle(client)
        wrong = [s for s in SUBSCRIBED if refusals.names(s) == granted(s, ROWS[user].subscribe)]
    assert wrong == []


async def said(client: Client, durable: Durable) -> list[str]:
    """One message for every filter of a durable, said by the service that owns the stream."""
    subjects = []
    for pattern in durable.filters:
        _tree, _, service, noun, *_ = (*pattern.split("."), "")
        make = open_subject if durable.name == "console" else internal_subject
        subjects.append(make("kalasin", service, "call" if noun in {">", ""} else noun, uuid4(), "happened"))
        await client.jetstream(timeout=PATIENCE_S).publish(subjects[-1], b"{}")
    return subjects


@pytest.mark.parametrize("listener", LISTENERS)
async def test_a_listener_takes_acknowledges_and_goes_back(streams: Broker, listener: str) -> None:
    refusals = Refusals()
    async with streams.connected(listener, error_cb=refusals.hear) as client:
        for durable in durables_of(listener):
            async with streams.connected(durable.stream.lower()) as speaker:
                subjects = await said(speaker, durable)
                unheard = open_subject if listener != "console" else internal_subject
                await speaker.jetstream(timeout=PATIENCE_S).publish(
                    unheard("kalasin", durable.stream.lower(), "call", uuid4(), "happened"), b"{}"
                )
            subscription = await client.jetstream(timeout=PATIENCE_S).pull_subscribe_bind(
                durable.name, stream=durable.stream
            )
            messages = await subscription.fetch(len(subjects), timeout=PATIENCE_S)
            assert [message.subject for message in messages] == subjects
            await messages[0].nak()
            (again,) = await subscription.fetch(1, timeout=PATIENCE_S)
            await again.in_progress()
            await again.ack_sync(timeout=PATIENCE_S)
            for message in messages[1:]:
                await message.ack_sync(timeout=PATIENCE_S)
            await call(client, f"$JS.API.CONSUMER.RESET.{durable.stream}.{durable.name}", b'{"seq":1}')
            assert len(await subscription.fetch(len(subjects), timeout=PATIENCE_S)) == len(subjects)
            info = await call(client, f"$JS.API.CONSUMER.INFO.{durable.stream}.{durable.name}")
            assert info["num_pending"] == 0
    assert refusals.texts == []


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_keeps_its_own_stream(streams: Broker, service: str) -> None:
    stream, refusals = stream_name(service), Refusals()
    async with streams.connected(service, error_cb=refusals.hear) as client:
        subject = internal_subject("kalasin", service, "thing", uuid4(), "happened")
        batch = {"Nats-Batch-Id": "b1", "Nats-Batch-Sequence": "1", "Nats-Expected-Last-Sequence": "0"}
        await client.request(subject, b"one", headers=batch, timeout=PATIENCE_S)
        batch = {"Nats-Batch-Id": "b1", "Nats-Batch-Sequence": "2", "Nats-Batch-Commit": "1"}
        reply = await client.request(
            open_subject("kalasin", service, "thing", uuid4(), "happened"), b"two", headers=batch, timeout=PATIENCE_S
        )
        assert json.loads(reply.data)["batch"] == "b1"
        jetstream = client.jetstream(timeout=PATIENCE_S)
        assert (await call(client, f"$JS.API.STREAM.INFO.{stream}"))["state"]["messages"] == 2
        assert (await jetstream.get_msg(stream, 1)).data == b"one"
        assert (await jetstream.get_msg(stream, 1, direct=True)).data == b"one"
        assert (await jetstream.get_last_msg(stream, subject, direct=True)).data == b"one"
        assert await jetstream.delete_msg(stream, 1)
        woken = await client.subscribe(wake_subject(service))
        await client.publish(wake_subject(service))
        await woken.next_msg(timeout=PATIENCE_S)
    assert refusals.texts == []


async def test_headers_that_remove_or_delay_are_refused(streams: Broker) -> None:
    subject = internal_subject("kalasin", "intake", "call", uuid4(), "received")
    async with streams.connected("intake") as client:
        for headers in (
            {"Nats-Rollup": "all"},
            {"Nats-Schedule": "@at 2030-01-01T00:00:00Z", "Nats-Schedule-Target": subject},
        ):
            reply = await client.request(subject, b"{}", headers=headers, timeout=PATIENCE_S)
            assert "error" in json.loads(reply.data)


async def test_the_last_position_of_every_unit(streams: Broker) -> None:
    units = [uuid4(), uuid4()]
    async with streams.connected("dispatch") as dispatch:
        for text in (b"old", b"new"):
            for unit in units:
                await dispatch.publish(position_subject("kalasin", unit), text)
        await dispatch.publish(position_subject("elsewhere", units[0]), b"far")
        await settle(dispatch)
    for user in ("dispatch", "registry", "console"):
        async with streams.connected(user) as client:
            live = await client.subscribe("internal.*.telemetry.unit.*.position.v1")
            inbox = client.new_inbox()
            answers = await client.subscribe(inbox)
            subject, body = last_positions("kalasin")
            await client.publish(subject, body, reply=inbox)
            found = [(await answers.next_msg(timeout=PATIENCE_S)) for _ in range(3)]
            assert [message.data for message in found] == [b"new", b"new", b""]
            await settle(client)
            async with streams.connected("dispatch") as dispatch:
                await dispatch.publish(position_subject("kalasin", units[0]), b"live")
                assert (await live.next_msg(timeout=PATIENCE_S)).data == b"live"
                await dispatch.publish(position_subject("kalasin", units[0]), b"new")
                await settle(dispatch)  # before the next one looks


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_answers_questions(streams: Broker, service: str) -> None:
    refusals = Refusals()
    async with streams.connected(service, error_cb=refusals.hear) as client:
        micro = await add_service(client, ServiceConfig(name=service, version="1.0.0"))

        async def answer(request: object) -> None:
            raise NotImplementedError

        await micro.add_endpoint(EndpointConfig(name="queue", subject=f"karuna.*.ask.{service}.queue", handler=answer))
        await settle(client)
        await micro.stop()
    assert refusals.texts == []


async def test_notify_asks_for_a_call(streams: Broker) -> None:
    async with streams.connected("intake") as intake, streams.connected("notify") as notify:
        asked = await intake.subscribe("karuna.*.inbox.calls")
        await settle(intake)
        waiting = asyncio.create_task(notify.request("karuna.kalasin.inbox.calls", b"{}", timeout=PATIENCE_S))
        await (await asked.next_msg(timeout=PATIENCE_S)).respond(b"K1")
        assert (await waiting).data == b"K1"


async def test_nobody_comes_in_without_a_key(streams: Broker) -> None:
    client = Client()
    with pytest.raises(Exception, match=r"(?i)authorization|authentication"):
        await client.connect(streams.url, allow_reconnect=False, **PATIENTLY)
    await client.close()
    async with httpx.AsyncClient(timeout=PATIENCE_S) as http, asyncio.timeout(PATIENCE_S):
        # The server sees a moment later that a client has gone.
        while (await http.get(f"{streams.monitor_url}/connz")).json()["num_connections"]:
            await asyncio.sleep(0.02)


async def test_rights_once_taken_away_are_gone(streams: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    old = streams.creds("simulator").read_text()
    monkeypatch.setitem(TABLE, "simulator", jwt.Rights(("karuna.kalasin.inbox.positions.*",), ()))
    streams.accounts.renew()
    await streams.accounts.push(streams.url)
    async with streams.connected("simulator"):
        pass
    (stolen := streams.creds("simulator").with_name("old.creds")).write_text(old)
    client = Client()
    with pytest.raises(Exception, match=r"(?i)authorization"):
        await client.connect(streams.url, user_credentials=str(stolen), allow_reconnect=False, **PATIENTLY)
    await client.close()
    stolen.unlink()
    monkeypatch.undo()
    streams.accounts.renew()
    await streams.accounts.push(streams.url)
    async with streams.connected("simulator", error_cb=(refusals := Refusals()).hear) as simulator:
        await simulator.publish("karuna.elsewhere.inbox.positions.u7", b"")
        await settle(simulator)
    assert refusals.texts == []


def test_exports_are_per_service_and_hold_no_inbox() -> None:
    streams_out = [export["subject"] for export in exports() if export["type"] == "stream"]
    assert streams_out == [f"karuna.*.{service}.>" for service in SERVICES]


@pytest.mark.parametrize("empty", [jwt.Rights((), ()), jwt.Rights(("a",), ()), jwt.Rights((), ("a",))])
def test_an_empty_list_denies(empty: jwt.Rights) -> None:
    key = jwt.Key.new(jwt.ACCOUNT)
    claims = jwt.decode(jwt.user(key, jwt.Key.new(jwt.USER).public, "x", empty))["nats"]
    for side, rule in (("pub", empty.publish), ("sub", empty.subscribe)):
        assert claims[side] == ({"allow": list(rule)} if rule else {"deny": [">"]})


@pytest.mark.parametrize("bad", [{"allow": []}, {}, {"allow": [""]}])
def test_a_token_that_would_allow_everything_is_not_signed(bad: dict[str, list[str]]) -> None:
    class Careless(jwt.Rights):
        def claims(self) -> jwt.Claims:
            return {"pub": bad, "sub": {"deny": [">"]}}

    with pytest.raises(ValueError, match="empty"):
        jwt.user(jwt.Key.new(jwt.ACCOUNT), jwt.Key.new(jwt.USER).public, "x", Careless())


def test_every_durable_has_one_leader_who_may_take() -> None:
    for durable in DURABLES:
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{durable.stream}.{durable.name}"
        assert [user for user, row in TABLE.items() if granted(subject, row.publish)] == [durable.name]


SOME = UUID("0198f000-0000-7000-8000-000000000001")
WRITERS = {
    **{internal_subject("a", s, "n", SOME, "e"): {s, "provisioner"} for s in SERVICES},
    **{open_subject("a", s, "n", SOME, "e"): {s, "provisioner"} for s in SERVICES},
    **{wake_subject(s): {s} for s in LISTENERS},
    position_subject("a", SOME): {"dispatch"},
    "karuna.a.inbox.calls": {"notify"},
    "karuna.a.inbox.positions.u7": {"simulator"},
    "$JS.API.STREAM.CREATE.INTAKE": {"provisioner"},
    "$JS.API.STREAM.PURGE.INTAKE": {"provisioner"},
    "$JS.API.STREAM.MSG.DELETE.INTAKE": {"intake"},
    "$JS.API.STREAM.MSG.GET.INTAKE": {"intake", "provisioner"},
    "$JS.API.CONSUMER.CREATE.INTAKE.x": {"provisioner"},
    "$SYS.REQ.CLAIMS.UPDATE": {SYSTEM_USER},
}
HEARERS = {
    **{internal_subject("a", s, "n", SOME, "e"): set() for s in SERVICES},
    **{open_subject("a", s, "n", SOME, "e"): {"console"} for s in SERVICES},
    position_subject("a", SOME): {"dispatch", "registry", "console"},
    "karuna.a.inbox.calls": {"intake"},
    "karuna.a.inbox.positions.u7": {"dispatch"},
    **{f"karuna.a.ask.{s}.q": {s} for s in SERVICES},
    **{f"_INBOX.{user}.x": {user} for user in ROWS if user != "simulator"},
}


@pytest.mark.parametrize("subject", WRITERS)
def test_who_may_write_where(subject: str) -> None:
    assert {user for user, row in ROWS.items() if granted(subject, row.publish)} == WRITERS[subject]


@pytest.mark.parametrize("subject", HEARERS)
def test_who_may_hear_what(subject: str) -> None:
    assert {user for user, row in ROWS.items() if granted(subject, row.subscribe)} == HEARERS[subject]
