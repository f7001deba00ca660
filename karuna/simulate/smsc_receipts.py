"""Delivery receipts as SMS centres really write them: before the answer, twice, out of order, with NUL, hex or decimal.

Fields and text after SMPP 3.4, issue 1.2, appendix B.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import smpp34

IS_RECEIPT = 0x04
TLV_RECEIPTED_MESSAGE_ID, TLV_MESSAGE_STATE = 0x001E, 0x0427
DELIVERED, UNDELIVERABLE = ("DELIVRD", 2, "000"), ("UNDELIV", 5, "034")


@dataclass(slots=True)
class Habits:
    """How this centre behaves. Ids are ``hex`` or ``decimal`` in the answer, and in the receipt, apart."""

    id_style: Literal["hex", "decimal"] = "decimal"
    receipt_id_style: Literal["hex", "decimal"] = "decimal"
    receipts: Literal["late", "early", "none"] = "late"
    """``early``: on the wire before the answer to the submission."""
    twice: bool = False
    shuffled: bool = False
    with_nul: bool = False
    with_fields: bool = True
    with_text: bool = True
    delay_s: float = 0.02
    bring_again_after_s: float = 0.2
    undeliverable: Collection[str] = ()
    """Numbers, digits only, at which nothing arrives."""
    per_s: int | None = None
    """More submissions a second than this are throttled."""

    def message_id(self, number: int) -> str:
        return _written(number, self.id_style)

    def receipt_id(self, number: int) -> str:
        return _written(number, self.receipt_id_style)


@dataclass(frozen=True, slots=True)
class DueReceipt:
    """A receipt still to be brought."""

    system_id: str
    number: int
    sender: str
    to: str
    delivered: bool


def receipt_pdu(due: DueReceipt, habits: Habits, sequence: int) -> bytes:
    """The deliver_sm that brings it."""
    word, state, error = DELIVERED if due.delivered else UNDELIVERABLE
    written, nul = habits.receipt_id(due.number), "\0" if habits.with_nul else ""
    now = datetime.now(UTC).strftime("%y%m%d%H%M")
    text = (
        f"id:{written}{nul} sub:001 dlvrd:{int(due.delivered):03} submit date:{now} done date:{now} "
        f"stat:{word} err:{error} text:"
    )
    fields = [
        smpp34.Tlv(TLV_RECEIPTED_MESSAGE_ID, written.encode() + b"\0"),
        smpp34.Tlv(TLV_MESSAGE_STATE, bytes([state])),
    ]
    return smpp34.DeliverSm(
        due.to,
        due.sender,
        text.encode() if habits.with_text else b"",
        esm_class=IS_RECEIPT,
        source_addr_ton=1,
        source_addr_npi=1,
        tlvs=fields if habits.with_fields else [],
        sequence_number=sequence,
    ).encode()


def _written(number: int, style: str) -> str:
    return f"{number:X}" if style == "hex" else str(number)
