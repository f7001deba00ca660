"""One bound SMPP 3.4 session over a socket: framing, window, time limits, links kept alive, nothing of SMS itself.

The packets are coded by the ``smpp34`` package. Its own client is not used, because three things it does matter here:
it acknowledges a receipt before anybody has stored it, reports a wrong password as a time-out after ten seconds, and
cannot tell a message that was never written from one that was written and not answered. Source of codes and fields:
SMPP Protocol Specification v3.4, issue 1.2.
"""

from __future__ import annotations

import asyncio
import itertools
import struct
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from enum import IntEnum
from typing import Literal

import smpp34
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from services.notify.channels.base import LinkLostError, NoAnswerError, NotSentError

HEADER = struct.Struct(">IIII")
"""Length, command, status, sequence number."""
LONGEST_PDU = 70_000
VERSION = 0x34
MOST_SEQUENCE = 0x7FFFFFFF
RECEIPTS_IN_HAND = 200
UNBIND_WITHIN_S = 1.0


class Command(IntEnum):
    GENERIC_NACK = 0x80000000
    SUBMIT_SM = 0x04
    DELIVER_SM = 0x05
    UNBIND = 0x06
    ENQUIRE_LINK = 0x15


RESPONSE = 0x80000000
BINDS = {"receiver": 0x01, "transmitter": 0x02, "transceiver": 0x09}
Role = Literal["receiver", "transmitter", "transceiver"]

ESME_ROK = 0x00
ESME_RINVCMDID = 0x03
ESME_RMSGQFUL = 0x14
ESME_RX_T_APPN = 0x64
ESME_RX_R_APPN = 0x66


class SmppSettings(BaseModel):
    """One account at an SMS provider. ``mode`` says how it wants to be bound; ``split`` is one session each way."""

    model_config = ConfigDict(frozen=True)

    host: str
    port: int = Field(gt=0, lt=65536)
    system_id: str
    password: SecretStr
    sender: str = Field(min_length=1, max_length=15)
    mode: Literal["transceiver", "transmitter", "split"] = "transceiver"
    system_type: str = ""
    tls: bool = False
    window: int = Field(default=10, ge=1, le=1000)
    per_s: float | None = Field(default=None, gt=0)
    """Submissions a second that the contract allows; ``None`` leaves it to the provider's throttling."""
    ids: Literal["as_given", "hex_then_decimal", "decimal_then_hex"] = "as_given"
    """How ids are written in the answer to a submission, then in its receipt, where the two differ."""
    gsm7: bool = True
    """False when the provider's default alphabet is not GSM 03.38: everything goes as UCS-2."""
    connect_within_s: float = Field(default=5.0, gt=0)
    answer_within_s: float = Field(default=10.0, gt=0)
    enquire_every_s: float = Field(default=30.0, gt=0)


class BindRefusedError(Exception):
    """The provider answered the bind with an error: credentials, account or too many sessions."""

    def __init__(self, status: int) -> None:
        super().__init__(f"smpp 0x{status:02x}")
        self.status = status


Deliver = Callable[[smpp34.DeliverSm], Awaitable[int]]
"""Handles what the provider sends us and returns the status to answer with."""
Answer = tuple[int, bytes]
"""Status and body."""


class Session:
    """Use :meth:`open`. Ends by itself when the peer is gone; :meth:`wait_closed` tells."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, settings: SmppSettings, deliver: Deliver
    ) -> None:
        self._reader, self._writer, self._settings, self._deliver = reader, writer, settings, deliver
        self._sequence = itertools.cycle(range(1, MOST_SEQUENCE))
        self._pending: dict[int, asyncio.Future[Answer]] = {}
        self._window = asyncio.Semaphore(settings.window)
        self._closed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._deliveries: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, settings: SmppSettings, role: Role, deliver: Deliver) -> Session:
        """Connect and bind.

        Raises:
            OSError, TimeoutError: no connection, or it broke.
            BindRefusedError: the provider does not want us.

        """
        async with asyncio.timeout(settings.connect_within_s):
            reader, writer = await asyncio.open_connection(settings.host, settings.port, ssl=settings.tls or None)
        session = cls(reader, writer, settings, deliver)
        _start(session._read(), session._tasks)
        try:
            status, _ = await session._ask(BINDS[role], _bind_body(settings))
        except (LinkLostError, NoAnswerError, NotSentError) as problem:
            session._end()
            raise ConnectionError(type(problem).__name__) from None
        except BaseException:
            session._end()
            raise
        if status != ESME_ROK:
            session._end()
            raise BindRefusedError(status)
        _start(session._keep_alive(), session._tasks)
        return session

    @property
    def is_closed(self) -> bool:
        return self._closed.is_set()

    async def wait_closed(self) -> None:
        await self._closed.wait()

    async def submit(self, pdu: Callable[[int], bytes]) -> tuple[int, str]:
        """Send the submit_sm that ``pdu`` makes for a sequence number; status and message id come back.

        Raises:
            NotSentError, LinkLostError, NoAnswerError: see there.

        """
        async with self._window:
            status, body = await self._exchange(pdu)
        return status, body.split(b"\0", 1)[0].decode("ascii", "replace").strip()

    async def close(self) -> None:
        """Finish the receipts in hand, say goodbye and leave: each as far as one second allows."""
        if self._deliveries:
            await asyncio.wait(self._deliveries, timeout=UNBIND_WITHIN_S)
        if not self.is_closed:
            with suppress(LinkLostError, NoAnswerError, NotSentError, TimeoutError):
                async with asyncio.timeout(UNBIND_WITHIN_S):
                    await self._ask(Command.UNBIND)
        self._end()
        left = self._tasks | self._deliveries
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _ask(self, command: int, body: bytes = b"") -> Answer:
        return await self._exchange(lambda sequence: _packet(command, ESME_ROK, sequence, body))

    async def _exchange(self, pdu: Callable[[int], bytes]) -> Answer:
        sequence = next(self._sequence)
        packet = pdu(sequence)
        if self.is_closed:
            raise NotSentError
        self._pending[sequence] = answer = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._settings.answer_within_s):
                self._writer.write(packet)
                await self._writer.drain()
                status, body = await answer
        except TimeoutError:
            raise NoAnswerError from None
        except OSError:
            raise LinkLostError from None
        finally:
            self._pending.pop(sequence, None)
        return status, body

    async def _read(self) -> None:
        try:
            while True:
                head = await self._reader.readexactly(HEADER.size)
                length, command, status, sequence = HEADER.unpack(head)
                if not HEADER.size <= length <= LONGEST_PDU:
                    return
                body = await self._reader.readexactly(length - HEADER.size)
                self._take(command, status, sequence, head + body)
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            self._end()

    def _take(self, command: int, status: int, sequence: int, packet: bytes) -> None:
        if command & RESPONSE:
            answer = self._pending.get(sequence)
            if answer is not None and not answer.done():
                answer.set_result((status, packet[HEADER.size :]))
        elif command == Command.DELIVER_SM:
            self._take_delivery(sequence, packet)
        elif command == Command.ENQUIRE_LINK:
            self._reply(command, ESME_ROK, sequence)
        elif command == Command.UNBIND:
            self._reply(command, ESME_ROK, sequence)
            self._end()
        else:
            self._reply(Command.GENERIC_NACK, ESME_RINVCMDID, sequence)

    def _take_delivery(self, sequence: int, packet: bytes) -> None:
        """Never lets the reader wait: an undrained receipt would in time block our own submissions."""
        if len(self._deliveries) >= RECEIPTS_IN_HAND:
            self._reply(Command.DELIVER_SM, ESME_RMSGQFUL, sequence, b"\0")
        else:
            _start(self._handle_delivery(sequence, packet), self._deliveries)

    async def _handle_delivery(self, sequence: int, packet: bytes) -> None:
        try:
            pdu = smpp34.decode(packet)
            status = await self._deliver(pdu) if isinstance(pdu, smpp34.DeliverSm) else ESME_RX_R_APPN
        except (smpp34.SmppError, ValueError):
            status = ESME_RX_R_APPN
        self._reply(Command.DELIVER_SM, status, sequence, b"\0")

    async def _keep_alive(self) -> None:
        while not self.is_closed:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.enquire_every_s):
                    await self.wait_closed()
            try:
                await self._ask(Command.ENQUIRE_LINK)
            except (NoAnswerError, LinkLostError, NotSentError):
                self._end()

    def _reply(self, command: int, status: int, sequence: int, body: bytes = b"") -> None:
        if not self.is_closed:
            self._writer.write(_packet(command | RESPONSE, status, sequence, body))

    def _end(self) -> None:
        if self.is_closed:
            return
        self._closed.set()
        self._writer.close()
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(LinkLostError())


def _start(work: Coroutine[None, None, None], tasks: set[asyncio.Task[None]]) -> None:
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


def _packet(command: int, status: int, sequence: int, body: bytes = b"") -> bytes:
    return HEADER.pack(HEADER.size + len(body), command, status, sequence) + body


def _bind_body(settings: SmppSettings) -> bytes:
    names = (settings.system_id, settings.password.get_secret_value(), settings.system_type)
    strings = b"".join(name.encode("ascii", "replace") + b"\0" for name in names)
    return strings + bytes([VERSION, 0, 0, 0])
