"""The simulated telephones: they join the parts of an SMS, and show what cannot be read as unreadable.

After 3GPP TS 23.040, 9.2.3.24.1 (concatenation) and TS 23.038 (alphabets). Strict where a real network would send
rubbish on: what a handset could not show is refused with the SMPP status a good centre would give.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Literal

import gsm0338  # type: ignore[import-untyped]

from karuna.simulate.inbox import Entry, Inbox

ESME_RINVMSGLEN, ESME_RINVESMCLASS = 0x01, 0x43
UDH_INDICATOR = 0x40
OCTETS = 140
JOINING_KEPT = 5_000
GSM7, UCS2 = 0, 8
_GSM = gsm0338.Codec()


def is_gsm7(text: str) -> bool:
    try:
        _GSM.encode(text)
    except UnicodeEncodeError:
        return False
    return True


class UnfitError(ValueError):
    """``status`` is the SMPP status that refuses it."""

    def __init__(self, status: int) -> None:
        super().__init__(hex(status))
        self.status = status


@dataclass(frozen=True, slots=True)
class Sms:
    """One part as it came. ``text`` is ``None`` when its octets are not of its alphabet."""

    reference: int
    of: int
    number: int
    text: str | None


def read_sms(octets: bytes, esm_class: int, data_coding: int) -> Sms:
    """Take header and text apart.

    Raises:
        UnfitError: longer than an SMS, or a header that is not there.

    """
    header, text = b"", octets
    if esm_class & UDH_INDICATOR:
        if not octets or len(octets) <= octets[0]:
            raise UnfitError(ESME_RINVESMCLASS)
        header, text = octets[: octets[0] + 1], octets[octets[0] + 1 :]
    if _octets_on_air(len(header), text, data_coding) > OCTETS:
        raise UnfitError(ESME_RINVMSGLEN)
    reference, of, number = _joining(header) if header else (0, 1, 1)
    return Sms(reference, of, number, _decode(text, data_coding))


def _octets_on_air(header: int, text: bytes, data_coding: int) -> int:
    if data_coding != GSM7:
        return header + len(text)
    header_septets = -(-header * 8 // 7)
    return -(-(header_septets + len(text)) * 7 // 8)


def _joining(header: bytes) -> tuple[int, int, int]:
    """Reference, parts, number, from the element 00 of a user data header."""
    elements = header[1:]
    while len(elements) >= 2:
        kind, value = elements[0], elements[2 : 2 + elements[1]]
        if kind == 0 and len(value) == 3 and 1 <= value[2] <= value[1]:
            return value[0], value[1], value[2]
        elements = elements[2 + elements[1] :]
    raise UnfitError(ESME_RINVESMCLASS)


def _decode(text: bytes, data_coding: int) -> str | None:
    try:
        if data_coding == UCS2:
            return text.decode("utf-16-be")
        return str(_GSM.decode(text)[0])
    except (UnicodeDecodeError, KeyError):
        return None


@dataclass(slots=True)
class _Joining:
    entry: Entry
    parts: dict[int, str | None] = field(default_factory=dict)


class Handsets:
    """All simulated telephones together; what they show goes to ``inbox``."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._joining: OrderedDict[tuple[str, str, int, int], _Joining] = OrderedDict()

    def take(self, via: Literal["smpp", "http"], sender: str, to: str, sms: Sms) -> Entry:
        """Show it, or join it to the parts that came before. A part that came before is shown as ``repeated``."""
        key = (sender, to, sms.reference, sms.of)
        joining = self._joining.get(key) if sms.of > 1 else None
        if joining and len(joining.parts) == sms.of and joining.parts.get(sms.number) != sms.text:
            joining = None  # the 8-bit reference came round: another message
        if joining is None:
            joining = _Joining(self._inbox.add(via, sender, to, "", "waiting"))
            self._joining[key] = joining
            if len(self._joining) > JOINING_KEPT:
                self._joining.popitem(last=False)
        details = joining.entry.details
        if sms.number in joining.parts:
            details["repeated"] = details.get("repeated", 0) + 1
        joining.parts[sms.number] = sms.text
        self._show(joining, sms.of)
        return joining.entry

    def _show(self, joining: _Joining, of: int) -> None:
        entry, parts = joining.entry, joining.parts
        entry.text = "".join(parts.get(number, "…") or "�" for number in range(1, of + 1))
        entry.details["parts"] = [parts.get(number) for number in range(1, of + 1)]
        if None in parts.values():
            entry.state = "unreadable"
        else:
            entry.state = "received" if len(parts) == of else "waiting"
        self._inbox.changed()
