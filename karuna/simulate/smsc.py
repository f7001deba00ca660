"""An SMS centre that speaks SMPP 3.4 over a socket, to be bound to by whoever has the password.

Own framing on the codec of ``smpp34``: its server can neither refuse a bind, nor break a link, nor answer late, and
those are the days worth playing. Statuses after SMPP 3.4, issue 1.2, 5.1.3.
"""

from __future__ import annotations

import asyncio
import random
import struct
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Self

import smpp34
from pydantic import SecretStr

from karuna.simulate.faults import Faults
from karuna.simulate.handset import Handsets, UnfitError, read_sms
from karuna.simulate.inbox import Inbox
from karuna.simulate.serving import LOOPBACK
from karuna.simulate.smsc_receipts import DueReceipt, Habits, receipt_pdu

HEADER = struct.Struct(">IIII")
RESPONSE = 0x80000000
BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER = 0x01, 0x02, 0x09
SUBMIT_SM, DELIVER_SM, UNBIND, ENQUIRE_LINK = 0x04, 0x05, 0x06, 0x15
OK, BAD_LENGTH, BAD_COMMAND, BAD_BIND_STATE, SYSTEM_ERROR = 0x00, 0x02, 0x03, 0x04, 0x08
BAD_SOURCE, BAD_DESTINATION, BIND_FAILED, BAD_PASSWORD = 0x0A, 0x0B, 0x0D, 0x0E
QUEUE_FULL, THROTTLED = 0x14, 0x58
LONGEST = 70_000
LONGEST_NAME = 11
ACK_WITHIN_S = 2.0
OWED_KEPT = 10_000
FAULTS = {
    "throttled": THROTTLED,
    "queue_full": QUEUE_FULL,
    "system_error": SYSTEM_ERROR,
    "bad_sender": BAD_SOURCE,
    "drop_link": None,  # the link breaks before the message is taken
    "accept_then_drop": None,  # taken, then the link breaks
    "accept_silently": None,  # taken, never answered
    "ignore": None,  # neither taken nor answered
}
"""Faults of a submission, with the status that is answered where one is. ``bind_refused`` is one of the bind."""


@dataclass(eq=False, slots=True)
class _Bound:
    """One session of one account."""

    system_id: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    sends: bool = False
    receives: bool = False
    sequence: int = 0
    acks: dict[int, asyncio.Future[int]] = field(default_factory=dict)

    def write(self, command: int, status: int, sequence: int, body: bytes = b"") -> None:
        self.writer.write(HEADER.pack(HEADER.size + len(body), command, status, sequence) + body)


class Smsc:
    """``async with Smsc({"karuna": SecretStr("...")}) as smsc`` listens on ``smsc.port`` until the block ends."""

    def __init__(
        self,
        accounts: dict[str, SecretStr],
        inbox: Inbox | None = None,
        habits: Habits | None = None,
        port: int = 0,
        host: str = LOOPBACK,
    ) -> None:
        self.inbox = inbox or Inbox()
        self.habits = habits or Habits()
        self.faults = Faults([*FAULTS, "bind_refused"])
        self.port = port
        self._host = host
        self.owed: deque[DueReceipt] = deque(maxlen=OWED_KEPT)
        """Receipts that nobody was there to take, or that were not acknowledged."""
        self._accounts = accounts
        self._handsets = Handsets(self.inbox)
        self._sessions: set[_Bound] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._random = random.Random(1)
        # Never the id of a message before the last start: a receipt would be taken for that one's.
        self._next_id = int(time.time() * 8) % 2**31
        self._recent: deque[float] = deque()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self._host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.drop_links()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def bound(self) -> int:
        return len(self._sessions)

    def drop_links(self) -> None:
        """Break every link at once, without goodbye."""
        for session in self._sessions:
            session.writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs this as a task
        self._tasks.add(task)
        session = _Bound("", reader, writer)
        try:
            await self._serve(session)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._sessions.discard(session)
            self._tasks.discard(task)
            writer.close()
            for ack in session.acks.values():
                ack.cancel()

    async def _serve(self, session: _Bound) -> None:
        while True:
            head = await session.reader.readexactly(HEADER.size)
            length, command, status, sequence = HEADER.unpack(head)
            if not HEADER.size <= length <= LONGEST:
                return
            body = await session.reader.readexactly(length - HEADER.size)
            if command == DELIVER_SM | RESPONSE:
                if (ack := session.acks.pop(sequence, None)) and not ack.done():
                    ack.set_result(status)
            elif command in {BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER}:
                self._bind(session, command, sequence, body)
            elif command == SUBMIT_SM:
                self._submit(session, sequence, head + body)
            elif command in {ENQUIRE_LINK, UNBIND}:
                session.write(command | RESPONSE, OK, sequence)
                if command == UNBIND:
                    return
            elif not command & RESPONSE:
                session.write(RESPONSE, BAD_COMMAND, sequence)
            await session.writer.drain()

    def _bind(self, session: _Bound, command: int, sequence: int, body: bytes) -> None:
        name, password, *_ = [*body.split(b"\0", 2), b"", b""]
        system_id = name.decode("ascii", "replace")
        known = self._accounts.get(system_id)
        right = known is not None and known.get_secret_value().encode() == password
        status = OK if right else BAD_PASSWORD
        if right and self.faults.take(system_id, {"bind_refused"}):
            status = BIND_FAILED
        session.write(command | RESPONSE, status, sequence, b"karuna-smsc\0" if status == OK else b"")
        if status == OK:
            session.system_id = system_id
            session.sends, session.receives = command != BIND_RECEIVER, command != BIND_TRANSMITTER
            self._sessions.add(session)
            self._bring_owed(system_id)

    def _submit(self, session: _Bound, sequence: int, packet: bytes) -> None:
        pdu = _submission(packet)
        if pdu is None:
            session.write(SUBMIT_SM | RESPONSE, BAD_LENGTH, sequence)
            return
        fault = self.faults.take(pdu.destination_addr, FAULTS)
        kind = fault.kind if fault else None
        if kind == "drop_link":
            session.writer.transport.abort()
        if kind in {"drop_link", "ignore"}:
            return
        status = (FAULTS[kind] if kind else None) or self._refusal(session)
        if status != OK:
            session.write(SUBMIT_SM | RESPONSE, status, sequence)
            return
        try:
            due = self._take(session.system_id, pdu)
        except UnfitError as problem:
            session.write(SUBMIT_SM | RESPONSE, problem.status, sequence)
            return
        if self.habits.receipts == "early":
            self._bring(due)
        if kind == "accept_then_drop":
            session.writer.transport.abort()
        elif kind != "accept_silently":
            session.write(SUBMIT_SM | RESPONSE, OK, sequence, self.habits.message_id(due.number).encode() + b"\0")
        if self.habits.receipts == "late":
            self._later(due)

    def _refusal(self, session: _Bound) -> int:
        if not session.sends:
            return BAD_BIND_STATE
        if self.habits.per_s is None:
            return OK
        now = time.monotonic()
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if len(self._recent) >= self.habits.per_s:
            return THROTTLED
        self._recent.append(now)
        return OK

    def _take(self, system_id: str, pdu: smpp34.SubmitSm) -> DueReceipt:
        if not pdu.destination_addr.isdigit():
            raise UnfitError(BAD_DESTINATION)
        if not pdu.source_addr or (not pdu.source_addr.isdigit() and len(pdu.source_addr) > LONGEST_NAME):
            raise UnfitError(BAD_SOURCE)
        sms = read_sms(pdu.short_message, pdu.esm_class, pdu.data_coding)
        delivered = pdu.destination_addr not in self.habits.undeliverable
        entry = self._handsets.take("smpp", pdu.source_addr, pdu.destination_addr, sms)
        if not delivered:
            entry.state = "undelivered"
        self._next_id += 1
        entry.details.setdefault("ids", []).append(self.habits.message_id(self._next_id))
        return DueReceipt(system_id, self._next_id, pdu.source_addr, pdu.destination_addr, delivered)

    def _later(self, due: DueReceipt) -> None:
        share = self._random.random() if self.habits.shuffled else 1.0
        self._after(self.habits.delay_s * share, due)

    def _after(self, delay_s: float, due: DueReceipt) -> None:
        async def wait() -> None:
            await asyncio.sleep(delay_s)
            self._bring(due)

        self._start(wait())

    def _bring(self, due: DueReceipt) -> None:
        """Write the receipt to a session that receives, now; its acknowledgement is awaited apart."""
        session = next((s for s in self._sessions if s.receives and s.system_id == due.system_id), None)
        if session is None:
            self.owed.append(due)
            return
        for _ in range(2 if self.habits.twice else 1):
            session.sequence += 1
            ack = session.acks[session.sequence] = asyncio.get_running_loop().create_future()
            session.writer.write(receipt_pdu(due, self.habits, session.sequence))
            self._start(self._see_acknowledged(due, ack))

    async def _see_acknowledged(self, due: DueReceipt, ack: asyncio.Future[int]) -> None:
        try:
            async with asyncio.timeout(ACK_WITHIN_S):
                status = await ack
        except (TimeoutError, asyncio.CancelledError):
            self.owed.append(due)  # brought when somebody binds
            return
        if status != OK:
            self._after(self.habits.bring_again_after_s, due)

    def _bring_owed(self, system_id: str) -> None:
        owed = [due for due in self.owed if due.system_id == system_id]
        self.owed = deque((due for due in self.owed if due.system_id != system_id), maxlen=OWED_KEPT)
        for due in owed:
            self._after(0, due)

    def _start(self, work: object) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _submission(packet: bytes) -> smpp34.SubmitSm | None:
    """``None`` when it cannot be read."""
    try:
        pdu = smpp34.decode(packet)
    except (smpp34.SmppError, ValueError):
        return None
    return pdu if isinstance(pdu, smpp34.SubmitSm) else None
