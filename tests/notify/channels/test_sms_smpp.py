"""SMPP over real sockets: parts join at the handset, every failure is told apart, no receipt is lost."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
import smpp34
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from karuna.simulate.faults import Fault
from karuna.simulate.smsc import Smsc
from karuna.simulate.smsc_receipts import Habits
from services.notify.channels.base import Accepted, Blame, GiveUp, Reason, Receipt, ReceiptState, TryLater, Unknown
from services.notify.channels.smpp_link import LinkState
from services.notify.channels.smpp_session import SmppSettings
from services.notify.channels.sms_smpp import SmppChannel, read_receipt
from tests.notify.channels.conftest import outgoing
from tests.patience import PATIENCE_S
from tests.platform_fixtures import free_port

PASSWORD = SecretStr("pa55word")
MOBILE, OTHER = "+66812345678", "+66898765432"
LONG = "กรุณา: ผู้ป่วยติดเตียง บ้านหนองบัว รถออกแล้ว 🚑 จะถึงใน 12 นาที กรุณาเปิดประตูรั้วและผูกสุนัข " * 2


class Sink:
    """Where receipts go: kept in order, and can be waited for. ``failing`` times it raises first."""

    def __init__(self) -> None:
        self.came: list[Receipt] = []
        self.failing = 0
        self._more = asyncio.Condition()

    async def __call__(self, receipt: Receipt) -> None:
        async with self._more:
            if self.failing:
                self.failing -= 1
                raise OSError("database away")
            self.came.append(receipt)
            self._more.notify_all()

    async def wait(self, count: int) -> list[Receipt]:
        async with asyncio.timeout(PATIENCE_S), self._more:
            await self._more.wait_for(lambda: len(self.came) >= count)
        return self.came


@pytest.fixture
async def smsc() -> AsyncIterator[Smsc]:
    async with Smsc({"karuna": PASSWORD}) as running:
        yield running


@pytest.fixture
def sink() -> Sink:
    return Sink()


def settings(smsc: Smsc, **more: object) -> SmppSettings:
    common = {"host": "127.0.0.1", "port": smsc.port, "system_id": "karuna", "password": PASSWORD, "sender": "KARUNA"}
    return SmppSettings(**{**common, "answer_within_s": PATIENCE_S, **more})


@pytest.fixture
async def channel(smsc: Smsc, sink: Sink) -> AsyncIterator[SmppChannel]:
    async with SmppChannel(settings(smsc), sink) as bound:
        yield bound


def seen(smsc):
    return [(entry.to, entry.text, entry.state) for entry in smsc.inbox.after(0)]


def sms(text="กรุณา: รถถึงแล้ว โทร 1132", to=MOBILE, **more):
    return outgoing(text, to=to, **more)


async def test_one_part_arrives_with_its_receipt(smsc, channel, sink):
    message = sms()
    outcome = await channel.send(message)
    assert isinstance(outcome, Accepted)
    [part] = outcome.parts
    assert seen(smsc) == [("66812345678", message.text, "received")]
    [receipt] = await sink.wait(1)
    assert receipt == Receipt(part.provider_id, ReceiptState.DELIVERED, part, message.key, "000")


async def test_a_long_thai_text_is_joined_at_the_handset_and_receipts_come_per_part(smsc, channel, sink):
    message = sms(LONG)
    outcome = await channel.send(message)
    assert [(part.number, part.of) for part in outcome.parts] == [(1, 3), (2, 3), (3, 3)]
    assert seen(smsc) == [("66812345678", LONG, "received")]
    receipts = await sink.wait(3)
    assert {receipt.part for receipt in receipts} == set(outcome.parts)


async def test_latin_text_goes_in_the_gsm_alphabet(smsc, channel):
    text = "KARUNA: call 1132 [door 4] €5 " * 8
    outcome = await channel.send(sms(text))
    assert len(outcome.parts) == 2
    assert seen(smsc) == [("66812345678", text, "received")]


async def test_a_number_where_nothing_arrives(smsc, channel, sink):
    smsc.habits.undeliverable = {"66812345678"}
    await channel.send(sms())
    [receipt] = await sink.wait(1)
    assert (receipt.state, receipt.code) == (ReceiptState.UNDELIVERED, "034")


HABITS = {
    "early": Habits(receipts="early"),
    "twice": Habits(twice=True),
    "shuffled": Habits(shuffled=True),
    "nul": Habits(with_nul=True),
    "text only": Habits(with_fields=False, with_nul=True),
    "fields only": Habits(with_text=False),
    "hex": Habits(id_style="hex", receipt_id_style="hex"),
}


@pytest.mark.parametrize("name", HABITS)
async def test_every_habit_of_centres_is_matched_by_id(smsc, channel, sink, name):
    smsc.habits = HABITS[name]
    sent = {}
    for number in range(5):
        outcome = await channel.send(sms(f"กรุณา {number}"))
        sent[outcome.parts[0].provider_id] = outcome.parts[0]
    receipts = await sink.wait(10 if name == "twice" else 5)
    assert {receipt.provider_id for receipt in receipts} == set(sent)
    assert {receipt.state for receipt in receipts} == {ReceiptState.DELIVERED}
    if name != "early":
        assert all(receipt.part == sent[receipt.provider_id] for receipt in receipts)


@pytest.mark.parametrize(("ids", "first", "then"), [("hex_then_decimal", "hex", "decimal"), ("decimal_then_hex", "decimal", "hex")])  # fmt: skip
async def test_ids_in_two_radixes(smsc, sink, ids, first, then):
    smsc.habits = Habits(id_style=first, receipt_id_style=then)
    async with SmppChannel(settings(smsc, ids=ids), sink) as channel:
        outcome = await channel.send(sms())
        [receipt] = await sink.wait(1)
    assert receipt.part == outcome.parts[0]


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("throttled", TryLater(Reason.THROTTLED, 1.0, code="smpp 0x58")),
        ("queue_full", TryLater(Reason.THROTTLED, 5.0, code="smpp 0x14")),
        ("system_error", TryLater(Reason.SERVER_ERROR, code="smpp 0x08")),
        ("bad_sender", GiveUp(Reason.SENDER_REFUSED, code="smpp 0x0a")),
        ("drop_link", Unknown(Reason.LINK_LOST)),
        ("accept_then_drop", Unknown(Reason.LINK_LOST)),
        ("ignore", Unknown(Reason.NO_ANSWER)),
        ("accept_silently", Unknown(Reason.NO_ANSWER)),
    ],
)
async def test_each_failure_is_told_apart(smsc, sink, fault, outcome):
    smsc.faults.add(Fault(fault))
    within_s = 1.0 if outcome == Unknown(Reason.NO_ANSWER) else PATIENCE_S
    async with SmppChannel(settings(smsc, answer_within_s=within_s), sink) as channel:
        assert await channel.send(sms()) == outcome
        assert isinstance(await channel.send(sms("อีกข้อความ")), Accepted), "the channel mends itself"


@pytest.fixture
def one_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the centre's count of messages a second all of the test happens within one."""
    monkeypatch.setattr("karuna.simulate.smsc.time", SimpleNamespace(monotonic=lambda: 0.0, time=time.time))


@pytest.mark.usefixtures("one_second")
async def test_a_failure_in_the_middle_says_which_parts_went_and_only_the_rest_goes_again(smsc, channel):
    smsc.habits.per_s = 1
    message = sms(LONG)
    first = await channel.send(message)
    assert isinstance(first, TryLater)
    assert [part.number for part in first.parts] == [1]
    smsc.habits.per_s = None
    rest = await channel.send(dataclasses.replace(message, parts_done=frozenset({1})))
    assert isinstance(rest, Accepted)
    assert [part.number for part in rest.parts] == [2, 3]
    assert seen(smsc) == [("66812345678", LONG, "received")], "parts of two tries join: one reference a message"
    assert "repeated" not in smsc.inbox.after(0)[0].details


@pytest.mark.usefixtures("one_second")
async def test_real_throttling(smsc, sink):
    smsc.habits.per_s = 5
    async with SmppChannel(settings(smsc), sink) as channel:
        outcomes = await asyncio.gather(*(channel.send(sms(f"กรุณา {i}")) for i in range(8)))
    assert sum(isinstance(one, Accepted) for one in outcomes) == 5
    assert {one.reason for one in outcomes if not isinstance(one, Accepted)} == {Reason.THROTTLED}


async def test_our_own_pace_keeps_below_the_limit(smsc, sink):
    async with SmppChannel(settings(smsc, per_s=100), sink) as channel:
        start = asyncio.get_running_loop().time()
        await asyncio.gather(*(channel.send(sms(f"กรุณา {i}")) for i in range(11)))
        assert asyncio.get_running_loop().time() - start >= 0.099


async def test_whose_turn_is_too_far_off_is_put_off_before_anything_of_it_is_sent(smsc, sink):
    """It is no provider that does not answer: what was never sent is not in doubt."""
    async with SmppChannel(settings(smsc, per_s=0.001), sink) as channel:
        assert isinstance(await channel.send(sms("กรุณา")), Accepted)
        for urgent in (False, True):
            later = await asyncio.wait_for(channel.send(dataclasses.replace(sms(LONG), urgent=urgent)), PATIENCE_S)
            assert (type(later), later.reason, later.parts) == (TryLater, Reason.THROTTLED, ())
    assert len(seen(smsc)) == 1


async def test_a_routine_message_is_put_off_sooner_than_an_emergency(smsc, sink, monkeypatch):
    monkeypatch.setattr("services.notify.channels.sms_smpp.ROUTINE_TURN_WITHIN_S", 0.0)
    async with SmppChannel(settings(smsc, per_s=2), sink) as channel:
        assert isinstance(await channel.send(sms("กรุณา 1")), Accepted)
        assert isinstance(await channel.send(sms("กรุณา 2")), TryLater)
        assert isinstance(await channel.send(dataclasses.replace(sms("กรุณา 3"), urgent=True)), Accepted)


async def test_what_was_taken_of_a_message_that_is_broken_off_is_known(smsc, sink, monkeypatch):
    async with SmppChannel(settings(smsc, per_s=0.001), sink) as channel:
        first = await asyncio.wait_for(channel.send(sms(LONG)), PATIENCE_S)
    assert (type(first), [part.number for part in first.parts]) == (TryLater, [1])
    monkeypatch.setattr("services.notify.channels.sms_smpp.WITHIN_S", 3.0)
    async with SmppChannel(settings(smsc, per_s=0.1), sink) as channel:
        first = await channel.send(sms(LONG))
    assert (type(first), [part.number for part in first.parts]) == (Unknown, [1])


async def test_a_wrong_password_is_a_technical_failure_told_at_once(smsc, sink):
    async with SmppChannel(settings(smsc, password=SecretStr("wrong")), sink) as channel:
        outcome = await channel.send(sms())
        assert outcome == GiveUp(Reason.UNAUTHORISED, code="smpp 0x0e")
        assert outcome.blame is Blame.CHANNEL
        assert channel.state is LinkState.REFUSED
    assert "pa55word" not in repr(settings(smsc))


async def test_nobody_there_is_temporary(smsc, sink):
    async with SmppChannel(settings(smsc, port=1), sink, bind_within_s=0.05) as channel:
        assert await channel.send(sms()) == TryLater(Reason.UNREACHABLE)


@pytest.mark.parametrize("bad", ["0812345678", "1132", "+6681234567x", "", "+66 81 234 5678"])
async def test_only_whole_numbers_are_sent_to(smsc, channel, bad):
    assert await channel.send(sms(to=bad)) == GiveUp(Reason.BAD_ADDRESS)
    assert seen(smsc) == []


@pytest.mark.parametrize(("text", "reason"), [("ก" * 202, Reason.TOO_LONG), ("a\0b", Reason.CONTENT_REFUSED)])
async def test_what_cannot_go_as_sms(channel, text, reason):
    assert await channel.send(sms(text)) == GiveUp(reason)


async def test_a_receipt_that_could_not_be_stored_comes_again(smsc, channel, sink):
    sink.failing = 2
    outcome = await channel.send(sms())
    [receipt] = await sink.wait(1)
    assert receipt.part == outcome.parts[0]
    assert sink.failing == 0


async def test_receipts_owed_while_the_link_was_down_come_after_binding_again(smsc, sink):
    smsc.habits.delay_s = 0
    async with SmppChannel(settings(smsc, mode="transmitter"), sink) as sender:
        outcome = await sender.send(sms())
        assert isinstance(outcome, Accepted)
    async with SmppChannel(settings(smsc), sink):
        [receipt] = await sink.wait(1)
    assert (receipt.provider_id, receipt.part) == (outcome.parts[0].provider_id, None), "another process sent it"


async def test_split_binds_send_on_one_and_receive_on_the_other(smsc, sink):
    async with SmppChannel(settings(smsc, mode="split"), sink) as channel:
        await channel.send(sms())
        await sink.wait(1)
        assert smsc.bound == 2


async def test_a_lost_link_is_bound_again(smsc, channel, sink):
    await channel.send(sms("กรุณา 1"))
    smsc.drop_links()
    outcome = await channel.send(sms("กรุณา 2"))
    if not isinstance(outcome, Accepted):  # the break may be seen only when writing
        assert isinstance(outcome, Unknown)
    assert isinstance(await channel.send(sms("กรุณา 3")), Accepted)


async def test_a_dead_link_is_noticed_by_asking(sink):
    """A peer that binds and then says nothing more: half-open connections look like that."""

    async def deaf(reader, writer):
        head = await reader.readexactly(16)
        writer.write(bytes.fromhex("0000001180000009") + b"\0" * 4 + head[12:16] + b"\0")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(deaf, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    common = {"host": "127.0.0.1", "port": port, "system_id": "k", "password": PASSWORD, "sender": "KARUNA"}
    quick = SmppSettings(**common, enquire_every_s=0.05, answer_within_s=0.05)
    async with server, SmppChannel(quick, sink) as channel:
        session = await channel._links[0].session(1)
        async with asyncio.timeout(PATIENCE_S):
            await session.wait_closed()


async def test_a_thousand_with_random_faults_each_has_one_honest_outcome(smsc, sink):
    for kind in ("throttled", "system_error", "accept_silently", "ignore"):
        smsc.faults.add(Fault(kind, times=None, share=0.02))
    smsc.habits = Habits(shuffled=True, twice=True)
    async with SmppChannel(settings(smsc, window=50, answer_within_s=0.5), sink) as channel:
        outcomes = await asyncio.gather(*(channel.send(sms(f"กรุณา {i}", to=f"+668{i:08}")) for i in range(1000)))
        accepted = {i for i, one in enumerate(outcomes) if isinstance(one, Accepted)}
        perhaps = {i for i, one in enumerate(outcomes) if isinstance(one, Unknown)}
        arrived = {int(entry.to[3:]) for entry in smsc.inbox.after(0)}
        assert accepted <= arrived <= accepted | perhaps
        await sink.wait(2 * len(arrived))
    ids = {one.parts[0].provider_id for one in outcomes if isinstance(one, Accepted)}
    assert ids <= {receipt.provider_id for receipt in sink.came}


async def test_against_the_server_of_another_make(sink):
    """smpp34's own server: another reading of the protocol than our simulator's."""
    port = free_port()
    server = smpp34.Server("127.0.0.1", port)
    await server.start()
    got = []

    async def serve():
        while True:
            event = await server.next()
            if isinstance(event, smpp34.Esme):
                esme = event
            elif isinstance(event, smpp34.SubmitSmEvent):
                got.append(event.short_message)
                event.accept(f"m{len(got)}")
                await esme.deliver_sm(
                    "KARUNA", f"id:m{len(got)} stat:DELIVRD err:000".encode(), source_addr="668", esm_class=4
                )

    serving = asyncio.create_task(serve())
    common = {"host": "127.0.0.1", "port": port, "system_id": "k", "password": PASSWORD, "sender": "KARUNA"}
    async with SmppChannel(SmppSettings(**common), sink) as channel:
        outcome = await channel.send(sms(LONG))
        assert [part.provider_id for part in outcome.parts] == ["m1", "m2", "m3"]
        await sink.wait(3)
    serving.cancel()
    await server.stop()
    assert b"".join(part[6:] for part in got).decode("utf-16-be") == LONG
    assert [part[4:6] for part in got] == [b"\x03\x01", b"\x03\x02", b"\x03\x03"]


async def test_the_client_of_another_make_is_served_by_our_centre(smsc):
    other = smpp34.Client("127.0.0.1", smsc.port, "karuna", PASSWORD.get_secret_value(), bind_type="TRX")
    session = await other.connect()
    answer = await session.submit_sm("66812345678", b"hello", source_addr="KARUNA", registered_delivery=1)
    event = await session.next()
    await session.unbind()
    assert answer.is_success
    assert re.search(rb"id:(\S+)", event.short_message)[1].decode() == answer.message_id
    assert seen(smsc) == [("66812345678", "hello", "received")]


@given(
    st.binary(max_size=80),
    st.integers(0, 255),
    st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=9)), max_size=3),
)
def test_no_receipt_breaks_the_reader(text, esm_class, fields):
    tlvs = [smpp34.Tlv(tag, value) for tag, value in fields]
    pdu = smpp34.decode(smpp34.DeliverSm("a", "b", text, esm_class=esm_class, tlvs=tlvs).encode())
    receipt = read_receipt(pdu, 16)
    assert receipt is None or receipt.provider_id
