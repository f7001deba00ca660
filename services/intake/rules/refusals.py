"""Refusing: only for a coded reason with its legal basis, and mostly by handing over.

There is no reason for poverty, for a missing card or for an unknown name, so nobody can be refused for them.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.codes.codes import code_list
from shared.pack_parts import Pack, Partner
from shared.refusal import Refusal
from shared.thai.text import Text

REASONS = "reason_refusal"
# Who takes over where a refusal is not the end, by what the partner of the pack takes.
TAKERS = {
    "needs_1669": "red_flag",
    "outside_area": "outside_area",
    "police_matter": "police",
    "psychiatric_danger": "police",
    "beyond_powers": "social",
    "controlled_disease": "outside_area",
}


@dataclass(frozen=True, slots=True)
class CodedRefusal:
    """A refusal that may be recorded. ``hand_over``: to one of ``partners``, with time and receiver."""

    code: str
    reason: Text
    legal_basis: Text
    text: str | None
    hand_over: bool
    partners: tuple[Partner, ...]


def refuse(code: str, text: str | None, pack: Pack, tambon_code: str | None = None) -> CodedRefusal:
    """The refusal for a code of the list.

    Raises:
        Refusal: no such reason, or a reason that needs a sentence beside it.

    """
    item = code_list(REASONS).item(code, "reason")
    if item.legal_basis is None:
        raise ValueError(f"{code} has no legal basis")
    sentence = (text or "").strip() or None
    if item.needs_text and sentence is None:
        raise Refusal("text_missing", "text", "เหตุผลนี้ต้องอธิบายเพิ่ม", "this reason needs a sentence of explanation")
    partners = pack.partners_for(TAKERS.get(code, "outside_area"), tambon_code) if item.hand_over else ()
    if item.hand_over and not partners:
        partners = pack.partners_for("outside_area", tambon_code)
    return CodedRefusal(item.code, Text(th=item.th, en=item.en), item.legal_basis, sentence, item.hand_over, partners)
