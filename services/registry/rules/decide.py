"""May this asker see this kind of field? One pure function, closed unless something opens it.

The municipality itself (a token without an agency) works on its own data, each role as far as it always could; an
emergency is never stopped there by anything that is missing. Everybody else needs an agreement that both sides have
signed and that holds today, here, for this purpose, this class and on a legal basis; or breaks the glass. Whoever is
held to places sees nobody beside them, whosever people they are: who lives elsewhere does not exist for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from services.registry.rules.access import DESK, SEES_PROTECTED
from services.registry.rules.fields import FieldClass, Kind
from services.registry.rules.grounds import (
    BASES,
    BY_CODE,
    CONSENT,
    NOWHERE,
    Agreement,
    BreakGlass,
    Consent,
    Lives,
    lies_in,
    party,
    reaches,
)
from shared.auth import Role
from shared.thai.dates import local_day

OWN, GLASS = "own", "break_glass"

MISSING: Final[dict[str, tuple[str, str, str, str]]] = {
    "role": (
        "บทบาทของท่านไม่เห็นข้อมูลชั้นนี้", "your role does not see this class",
        "ให้ผู้จัดการรายกรณีหรือหัวหน้างานเป็นผู้ดู", "a case manager or supervisor may look",
    ),
    "no_agreement": (
        "ไม่มีข้อตกลงระหว่างหน่วยงานของท่านกับเทศบาล", "there is no agreement between your agency and the municipality",
        "ทำข้อตกลงกับเทศบาลเจ้าของข้อมูล", "make one with the municipality that keeps the data",
    ),
    "not_signed": (
        "ข้อตกลงยังลงนามไม่ครบทั้งสองฝ่าย", "the agreement is not signed by both sides",
        "ให้ฝ่ายที่ยังไม่ลงนามลงนาม", "whoever has not signed yet signs",
    ),
    "not_yet": (
        "ข้อตกลงยังไม่เริ่มใช้", "the agreement does not hold yet",
        "รอถึงวันเริ่มข้อตกลง", "wait for its first day",
    ),
    "expired": (
        "ข้อตกลงหมดอายุหรือถูกยกเลิก", "the agreement has expired or was ended",
        "ต่ออายุหรือทำข้อตกลงใหม่", "renew it, or make a new one",
    ),
    "other_area": (
        "ข้อตกลงไม่ครอบคลุมพื้นที่นี้", "the agreement does not reach this area",
        "ขยายพื้นที่ในข้อตกลงใหม่", "make one that names the area",
    ),
    "other_place": (
        "บุคคลนี้ไม่ได้อยู่ในพื้นที่ที่บัญชีของท่านดูแล", "the person does not live in the places your account is held to",
        "ให้ผู้ที่ดูแลทั้งเทศบาลเป็นผู้ดู หรือให้ผู้ดูแลระบบเพิ่มพื้นที่",
        "somebody of the whole municipality may look, or an administrator gives the place",
    ),
    "purpose": (
        "วัตถุประสงค์นี้ไม่อยู่ในข้อตกลง", "the purpose is not in the agreement",
        "ใช้วัตถุประสงค์ที่ตกลงไว้ หรือทำข้อตกลงใหม่", "name a purpose that is in it, or make one that has it",
    ),
    "field_class": (
        "ข้อมูลชั้นนี้ไม่อยู่ในข้อตกลง", "the field class is not in the agreement",
        "ขอเฉพาะข้อมูลที่ตกลงไว้ หรือทำข้อตกลงใหม่", "do with what is in it, or make one that has it",
    ),
    "writes": (
        "ข้อตกลงไม่ได้ให้หน่วยงานของท่านบันทึกเรื่องนี้", "the agreement does not entrust your agency with writing this down",
        "ทำข้อตกลงใหม่ที่ระบุให้บันทึก", "make one that says so",
    ),
    "basis": (
        "ข้อตกลงไม่มีฐานกฎหมายสำหรับข้อมูลนี้", "the agreement names no legal basis for this",
        "เพิ่มฐานกฎหมายในข้อตกลงใหม่ หรือขอความยินยอม", "make one that names the basis, or ask for consent",
    ),
    "consent": (
        "ไม่มีความยินยอมของบุคคลนี้", "the person has not consented",
        "ขอความยินยอมและบันทึกไว้", "ask the person, and record the answer",
    ),
    "consent_expired": (
        "ความยินยอมหมดอายุ", "the consent has expired",
        "ขอความยินยอมใหม่", "ask the person again",
    ),
    "consent_withdrawn": (
        "บุคคลนี้ถอนความยินยอมแล้ว", "the person has withdrawn the consent",
        "หยุดใช้ข้อมูล ถ้าจำเป็นให้ขอความยินยอมใหม่", "stop; where it is needed, ask the person again",
    ),
}  # fmt: skip
"""Code → what is missing, and what would help, in Thai and English. In the order in which they are told."""


@dataclass(frozen=True, slots=True)
class Asked:
    """``agency`` None: the municipality itself. ``areas``: the codes under which the record lies; ``owner``: its

    municipality. ``basis``: one that the asker insists on, else any does. ``places``: codes to which the asker is held,
    with all that lies in them; ``lives``: where the person is, for this asker. ``writes``: what an agency wants to
    write down, beside seeing the field.
    """

    role: Role
    agency: UUID | None
    caller: str
    owner: str
    areas: frozenset[str]
    purpose: str
    kind: Kind
    basis: str | None = None
    places: frozenset[str] = frozenset()
    lives: Lives = NOWHERE
    writes: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """``way``: own, agreement or break_glass; ``missing``: codes of :data:`MISSING`, empty where allowed."""

    allowed: bool
    basis: str | None = None
    way: str | None = None
    agreement: UUID | None = None
    missing: tuple[str, ...] = ()


def decide(
    asked: Asked,
    agreements: Sequence[Agreement],
    consents: Sequence[Consent],
    break_glass: Sequence[BreakGlass],
    now: datetime,
) -> Decision:
    """The decision, with what it stands on, or with everything that the nearest agreement lacks.

    ``consents`` and ``break_glass`` are those of the one person asked about.
    """
    if asked.role not in (SEES_PROTECTED if asked.kind.field_class is FieldClass.SECRET else DESK):
        return Decision(allowed=False, missing=("role",))
    if asked.agency is None:
        return _of_our_own(asked, local_day(now))
    lacking: list[tuple[Agreement, tuple[str, ...]]] = []
    for agreement in _between(asked, agreements):
        lacks, basis = _lacks(agreement, asked, consents, now)
        if not lacks:
            return Decision(allowed=True, basis=basis, way="agreement", agreement=agreement.id)
        lacking.append((agreement, lacks))
    if _glass_is_open(asked, break_glass, now):
        return Decision(allowed=True, basis="s26_1" if asked.kind.sensitive else "s24_2", way=GLASS)
    if not lacking:
        return Decision(allowed=False, missing=("no_agreement",))
    nearest, lacks = min(lacking, key=lambda each: len(each[1]))
    return Decision(allowed=False, agreement=nearest.id, missing=lacks)


PROPOSES_FOR: Final = frozenset({"care", "case_work", "registration"})
"""For which purposes an agency writes something down, where an agreement has them; the others are for looking."""


def lacks_to_propose(purpose: str, decisions: Iterable[Decision]) -> Decision | None:
    """Why an agency may not propose what these decisions are about, or None: what an agreement opens may be proposed.

    Broken glass is for looking in an emergency, and so opens nothing here.
    """
    for each in decisions:
        if not each.allowed:
            return each
        if each.way != "agreement":
            return Decision(allowed=False, missing=("no_agreement",))
    return None if purpose in PROPOSES_FOR else Decision(allowed=False, missing=("purpose",))


def _of_our_own(asked: Asked, today: date) -> Decision:
    if not reaches(asked.places, asked.lives):
        return Decision(allowed=False, missing=("other_place",))
    return Decision(allowed=True, basis=own_basis(asked.purpose, today, sensitive=asked.kind.sensitive), way=OWN)


def own_basis(purpose: str, today: date, *, sensitive: bool) -> str:
    """On what the municipality itself stands: some basis of its own tasks, never a consent."""
    fit = (each.code for each in BASES if each.code != CONSENT and each.opens(purpose, today, sensitive=sensitive))
    return next(fit, "s26_5a" if sensitive else "s24_4")


def _between(asked: Asked, agreements: Sequence[Agreement]) -> list[Agreement]:
    """Those of which both are parties, in a fixed order; of others nobody is told."""
    both = {party(agency=asked.agency), party(area=asked.owner)}
    return sorted((each for each in agreements if both <= each.parties), key=lambda each: each.id)


def _lacks(
    agreement: Agreement, asked: Asked, consents: Sequence[Consent], now: datetime
) -> tuple[tuple[str, ...], str | None]:
    """What this agreement lacks; and on which basis it opens, where it lacks nothing."""
    today = local_day(now)
    over = (agreement.until_on is not None and today > agreement.until_on) or (
        agreement.ended_on is not None and today >= agreement.ended_on
    )
    both = {party(agency=asked.agency), party(area=asked.owner)}
    checks = {
        "not_signed": not both <= agreement.signed,
        "not_yet": today < agreement.from_on,
        "expired": over,
        "other_area": not lies_in(asked.areas, agreement.areas),
        "other_place": not reaches(asked.places, asked.lives),
        "purpose": asked.purpose not in agreement.purposes,
        "field_class": asked.kind.field_class.rank > agreement.field_class.rank,
        "writes": asked.writes is not None and asked.writes not in agreement.writes,
    }
    lacks = [code for code, wrong in checks.items() if wrong]
    # A purpose that is not agreed upon has no basis either: only the first is told.
    basis, wants = (None, None) if checks["purpose"] else _basis(agreement, asked, consents, now)
    if wants is not None:
        lacks.append(wants)
    return tuple(lacks), basis


def _basis(
    agreement: Agreement, asked: Asked, consents: Sequence[Consent], now: datetime
) -> tuple[str | None, str | None]:
    """The basis in the agreement that opens it, or what is missing: ``basis``, or what the consent lacks."""
    today = local_day(now)
    wanted = agreement.bases if asked.basis is None else agreement.bases & {asked.basis}
    fit = [each.code for each in BASES if each.code in wanted
           and BY_CODE[each.code].opens(asked.purpose, today, sensitive=asked.kind.sensitive)]  # fmt: skip
    if not fit:
        return None, "basis"
    if fit[0] != CONSENT:
        return fit[0], None
    lacks = consent_lacks(asked.agency, asked.purpose, consents, now)
    return (CONSENT, None) if lacks is None else (None, lacks)


def consent_lacks(agency: UUID | None, purpose: str, consents: Sequence[Consent], now: datetime) -> str | None:
    """None where one of the consents holds for this agency and purpose now, else what is missing.

    The last word counts: a consent that was given before another one of the same scope was withdrawn is withdrawn too.
    """
    today = local_day(now)
    mine = [one for one in consents if one.purpose == purpose and one.agency in (None, agency) and one.given_at <= now]
    withdrawn_at = max((one.withdrawn_at for one in mine if one.withdrawn_at is not None), default=None)
    standing = [
        one for one in mine if one.withdrawn_at is None and (withdrawn_at is None or one.given_at > withdrawn_at)
    ]
    if any(each.until_on is None or today <= each.until_on for each in standing):
        return None
    if standing:
        return "consent_expired"
    return "consent_withdrawn" if mine else "consent"


def _glass_is_open(asked: Asked, break_glass: Sequence[BreakGlass], now: datetime) -> bool:
    """Secret matters stay closed, and so does everything for another purpose than an emergency."""
    if asked.kind.field_class is FieldClass.SECRET or asked.purpose != "emergency":
        return False
    return any(
        each.caller == asked.caller and each.agency == asked.agency and each.from_at <= now < each.until_at
        for each in break_glass
    )
