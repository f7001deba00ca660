"""SMS by SMPP 3.4: parts with headers of our own, receipts always drained, one way only.

Sources: SMPP Protocol Specification v3.4, issue 1.2 (5.1.3 statuses, 5.2.28 message states, appendix B receipts) and
3GPP TS 23.040, 9.2.3.24.1 (the header that joins parts). Thai networks carry no answers back: what a person sends to
us is acknowledged to the provider, counted in :attr:`SmppChannel.ignored`, and dropped.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Self
from uuid import UUID

import smpp34

from services.notify.channels.base import (
    Accepted,
    GiveUp,
    LinkLostError,
    NoAnswerError,
    NotSentError,
    Outcome,
    Outgoing,
    Part,
    Reason,
    Receipt,
    ReceiptSink,
    ReceiptState,
    TryLater,
    Unknown,
)
from services.notify.channels.smpp_link import Link, LinkState
from services.notify.channels.smpp_session import ESME_ROK, ESME_RX_T_APPN, Role, SmppSettings
from services.notify.channels.sms_text import Alphabet, Segments, TextUnfit, encode_gsm, segment

RETRY: dict[int, tuple[Reason, float | None]] = {
    0x04: (Reason.UNREACHABLE, None),  # ESME_RINVBNDSTS: not bound for this
    0x08: (Reason.SERVER_ERROR, None),  # ESME_RSYSERR
    0x14: (Reason.THROTTLED, 5.0),  # ESME_RMSGQFUL
    0x45: (Reason.SERVER_ERROR, None),  # ESME_RSUBMITFAIL
    0x58: (Reason.THROTTLED, 1.0),  # ESME_RTHROTTLED
    0x64: (Reason.SERVER_ERROR, None),  # ESME_RX_T_APPN
}
"""SMPP status -> try later, after so many seconds. The answer is a refusal: nothing was accepted."""
FINAL: dict[int, Reason] = {
    0x01: Reason.CONTENT_REFUSED,  # ESME_RINVMSGLEN
    0x02: Reason.MISCONFIGURED,  # ESME_RINVCMDLEN
    0x03: Reason.MISCONFIGURED,  # ESME_RINVCMDID
    0x0A: Reason.SENDER_REFUSED,  # ESME_RINVSRCADR
    0x0B: Reason.BAD_ADDRESS,  # ESME_RINVDSTADR
    0x0E: Reason.UNAUTHORISED,  # ESME_RINVPASWD
    0x0F: Reason.UNAUTHORISED,  # ESME_RINVSYSID
    0x33: Reason.MISCONFIGURED,  # ESME_RINVNUMDESTS
    0x43: Reason.MISCONFIGURED,  # ESME_RINVESMCLASS
    0x48: Reason.SENDER_REFUSED,  # ESME_RINVSRCTON
    0x49: Reason.SENDER_REFUSED,  # ESME_RINVSRCNPI
    0x50: Reason.BAD_ADDRESS,  # ESME_RINVDSTTON
    0x51: Reason.BAD_ADDRESS,  # ESME_RINVDSTNPI
    0x53: Reason.MISCONFIGURED,  # ESME_RINVSYSTYP
    0x65: Reason.REFUSED,  # ESME_RX_P_APPN
    0x66: Reason.REFUSED,  # ESME_RX_R_APPN
}
"""SMPP status -> give up. What stands in neither table (vendors' own codes) is tried again after a while."""
UNLISTED_AFTER_S = 30.0

STATES: dict[str | int, ReceiptState] = {
    "ENROUTE": ReceiptState.UNDERWAY, 1: ReceiptState.UNDERWAY,
    "DELIVRD": ReceiptState.DELIVERED, 2: ReceiptState.DELIVERED,
    "EXPIRED": ReceiptState.UNDELIVERED, 3: ReceiptState.UNDELIVERED,
    "DELETED": ReceiptState.UNDELIVERED, 4: ReceiptState.UNDELIVERED,
    "UNDELIV": ReceiptState.UNDELIVERED, 5: ReceiptState.UNDELIVERED,
    "ACCEPTD": ReceiptState.UNDERWAY, 6: ReceiptState.UNDERWAY,
    "UNKNOWN": ReceiptState.UNKNOWN, 7: ReceiptState.UNKNOWN,
    "REJECTD": ReceiptState.UNDELIVERED, 8: ReceiptState.UNDELIVERED,
}  # fmt: skip
"""The word in a receipt's text, and the number in its field ``message_state``."""

RADIX = {"as_given": (None, None), "hex_then_decimal": (16, 10), "decimal_then_hex": (10, 16)}
ROLES: dict[str, tuple[Role, ...]] = {
    "transceiver": ("transceiver",),
    "transmitter": ("transmitter",),
    "split": ("transmitter", "receiver"),
}
NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
RECEIPT_ID = re.compile(rb"\bid:\s*([^\s\0]+)", re.IGNORECASE)
RECEIPT_STATE = re.compile(rb"\bstat:\s*([A-Z]+)", re.IGNORECASE)
RECEIPT_ERROR = re.compile(rb"\berr:\s*([0-9A-Za-z]{1,8})", re.IGNORECASE)

CODING = {Alphabet.GSM7: 0, Alphabet.UCS2: 8}
UDH_INDICATOR = 0x40
TYPE_OF_MESSAGE, IS_RECEIPT = 0x3C, 0x04
TLV_RECEIPTED_MESSAGE_ID, TLV_MESSAGE_STATE = 0x001E, 0x0427
INTERNATIONAL, ISDN, ALPHANUMERIC = 1, 1, 5
REMEMBERED_IDS = 20_000
SECONDS = {"day": 86_400, "hour": 3600, "minute": 60}
LONGEST_VALIDITY_S = 14 * 86_400
WITHIN_S = 28.0
"""A message takes no longer, its turn included: whoever asked for it waits 30 s."""
TURN_WITHIN_S, ROUTINE_TURN_WITHIN_S = 20.0, 2.0
"""Whose turn comes later is put off instead; routine sooner, so that emergencies find a short line."""
OWN_PACE = "own pace"


class SmppChannel:
    """``async with SmppChannel(settings, on_receipt) as channel`` keeps it bound until the block ends."""

    def __init__(self, settings: SmppSettings, on_receipt: ReceiptSink, *, bind_within_s: float = 2.0) -> None:
        self._settings, self._on_receipt, self._bind_within_s = settings, on_receipt, bind_within_s
        self._links = [Link(settings, role, self._deliver) for role in ROLES[settings.mode]]
        self._sent: OrderedDict[str, tuple[UUID, Part]] = OrderedDict()
        self._stack = AsyncExitStack()
        self._next_slot_at = 0.0
        self.ignored = 0
        """Messages people sent to us: there is no two-way SMS."""

    async def __aenter__(self) -> Self:
        for link in self._links:
            await self._stack.enter_async_context(link)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def state(self) -> LinkState:
        """Of the session that sends: for readiness and figures."""
        return self._links[0].state

    async def send(self, message: Outgoing) -> Outcome:
        """Submit the parts in order and stop at the first that is not accepted."""
        try:
            segments = segment(message.text, ucs2_only=not self._settings.gsm7)
        except TextUnfit as problem:
            return GiveUp(Reason.TOO_LONG if problem.code == "too_many_parts" else Reason.CONTENT_REFUSED)
        if not NUMBER.fullmatch(message.to):
            return GiveUp(Reason.BAD_ADDRESS)
        wanted = [number for number in range(1, segments.count + 1) if number not in message.parts_done]
        turn = self._take_turn(len(wanted), TURN_WITHIN_S if message.urgent else ROUTINE_TURN_WITHIN_S)
        if isinstance(turn, TryLater):
            return turn
        accepted: list[Part] = []
        try:
            async with asyncio.timeout(WITHIN_S):
                return await self._send_parts(message, segments, zip(wanted, turn, strict=True), accepted)
        except TimeoutError:
            return Unknown(Reason.NO_ANSWER, parts=tuple(accepted))

    def _take_turn(self, count: int, within_s: float) -> Sequence[float] | TryLater:
        """When each of so many parts may go: no more than ``per_s`` a second from this process, a message's together.

        The loop's time in seconds. Nothing is taken where the first would have to wait longer than ``within_s``.
        """
        now = asyncio.get_running_loop().time()
        if self._settings.per_s is None:
            return [now] * count
        first, every_s = max(now, self._next_slot_at), 1 / self._settings.per_s
        if first - now > within_s:
            return TryLater(Reason.THROTTLED, first - now, code=OWN_PACE)
        self._next_slot_at = first + count * every_s
        return [first + place * every_s for place in range(count)]

    async def _send_parts(
        self, message: Outgoing, segments: Segments, wanted: Iterable[tuple[int, float]], accepted: list[Part]
    ) -> Outcome:
        """``accepted`` grows, for whoever breaks this off."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for number, at in wanted:
            if at - begun > TURN_WITHIN_S:
                return TryLater(Reason.THROTTLED, at - loop.time(), code=OWN_PACE, parts=tuple(accepted))
            await asyncio.sleep(at - loop.time())
            part = await self._send_part(message, segments, number)
            if not isinstance(part, Part):
                return part(parts=tuple(accepted))
            accepted.append(part)
        return Accepted(tuple(accepted))

    async def _send_part(
        self, message: Outgoing, segments: Segments, number: int
    ) -> Part | partial[TryLater] | partial[GiveUp] | partial[Unknown]:
        session = await self._links[0].session(self._bind_within_s)
        if session is None:
            return self._unbound()
        try:
            status, given_id = await session.submit(partial(_submit_sm, self._settings, message, segments, number))
        except NotSentError:
            return partial(TryLater, Reason.UNREACHABLE)
        except NoAnswerError:
            return partial(Unknown, Reason.NO_ANSWER)
        except LinkLostError:
            return partial(Unknown, Reason.LINK_LOST)
        if status != ESME_ROK:
            return _refusal(status)
        part = Part(number, segments.count, _plain_id(given_id, RADIX[self._settings.ids][0]))
        self._remember(message.key, part)
        return part

    def _unbound(self) -> partial[TryLater] | partial[GiveUp]:
        refused_with = self._links[0].refused_with
        if self.state is LinkState.REFUSED and refused_with is not None:
            reason = FINAL.get(refused_with, Reason.MISCONFIGURED)
            return partial(GiveUp, reason, code=_code(refused_with))
        return partial(TryLater, Reason.UNREACHABLE)

    def _remember(self, key: UUID, part: Part) -> None:
        self._sent[part.provider_id] = (key, part)
        if len(self._sent) > REMEMBERED_IDS:
            self._sent.popitem(last=False)

    async def _deliver(self, pdu: smpp34.DeliverSm) -> int:
        """Answer only when the receipt is safe; else the provider brings it again."""
        receipt = read_receipt(pdu, RADIX[self._settings.ids][1])
        if receipt is None:
            self.ignored += 1
            return ESME_ROK
        key, part = self._sent.get(receipt.provider_id, (None, None))
        try:
            await self._on_receipt(Receipt(receipt.provider_id, receipt.state, part, key, receipt.code))
        except Exception:  # noqa: BLE001 - whatever kept it from being stored, bring it again
            return ESME_RX_T_APPN
        return ESME_ROK


def read_receipt(pdu: smpp34.DeliverSm, radix: int | None = None) -> Receipt | None:
    """The delivery receipt in a deliver_sm, from its fields or else its text; ``None`` when it is none.

    A NUL after the id, and ids in another radix than the submission's answer gave, are put right.
    """
    if pdu.esm_class & TYPE_OF_MESSAGE != IS_RECEIPT:
        return None
    fields = {tlv.tag: tlv for tlv in pdu.tlvs}
    said_id, said_state = RECEIPT_ID.search(pdu.short_message), RECEIPT_STATE.search(pdu.short_message)
    id_field, state_field = fields.get(TLV_RECEIPTED_MESSAGE_ID), fields.get(TLV_MESSAGE_STATE)
    raw_id = id_field.value if id_field else said_id[1] if said_id else b""
    provider_id = _plain_id(raw_id.decode("ascii", "replace"), radix)
    if not provider_id:
        return None
    word = said_state[1].decode().upper()[:7] if said_state else None
    state: str | int | None = state_field.as_int() if state_field else word
    error = RECEIPT_ERROR.search(pdu.short_message)
    known = STATES.get(state, ReceiptState.UNKNOWN) if state is not None else ReceiptState.UNKNOWN
    return Receipt(provider_id, known, code=error[1].decode() if error else None)


def _submit_sm(settings: SmppSettings, message: Outgoing, segments: Segments, number: int, sequence: int) -> bytes:
    text = segments.parts[number - 1]
    octets = encode_gsm(text) if segments.alphabet is Alphabet.GSM7 else text.encode("utf-16-be")
    header = _udh(message.key, segments.count, number) if segments.count > 1 else b""
    digits = settings.sender.lstrip("+").isdigit()
    pdu = smpp34.SubmitSm(
        settings.sender.lstrip("+"),
        message.to.lstrip("+"),
        header + octets,
        source_addr_ton=INTERNATIONAL if digits else ALPHANUMERIC,
        source_addr_npi=ISDN if digits else 0,
        dest_addr_ton=INTERNATIONAL,
        dest_addr_npi=ISDN,
        esm_class=UDH_INDICATOR if header else 0,
        registered_delivery=1,
        data_coding=CODING[segments.alphabet],
        validity_period=_relative_time(message.valid_for_s),
        sequence_number=sequence,
    )
    return pdu.encode()


def _udh(key: UUID, of: int, number: int) -> bytes:
    """Concatenation header; the reference comes from the key, so a part sent again joins its own message."""
    return bytes([5, 0, 3, key.int % 256, of, number])


def _relative_time(seconds: int | None) -> str:
    """``YYMMDDhhmmss000R``: so long from now (SMPP 3.4, 7.1.1.2)."""
    if seconds is None:
        return ""
    days, rest = divmod(max(1, min(seconds, LONGEST_VALIDITY_S)), SECONDS["day"])
    hours, rest = divmod(rest, SECONDS["hour"])
    minutes, rest = divmod(rest, SECONDS["minute"])
    return f"0000{days:02}{hours:02}{minutes:02}{rest:02}000R"


def _refusal(status: int) -> partial[TryLater] | partial[GiveUp]:
    if status in FINAL:
        return partial(GiveUp, FINAL[status], code=_code(status))
    reason, after_s = RETRY.get(status, (Reason.SERVER_ERROR, UNLISTED_AFTER_S))
    return partial(TryLater, reason, after_s, code=_code(status))


def _plain_id(given: str, radix: int | None) -> str:
    """Without NUL and spaces; as a decimal number where a radix is told and fits."""
    plain = given.strip("\0 \t\r\n")
    try:
        return plain if radix is None else str(int(plain, radix))
    except ValueError:
        return plain


def _code(status: int) -> str:
    return f"smpp 0x{status:02x}"
