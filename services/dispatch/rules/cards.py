"""Several units for one call: which ones a run card asks for, and which of them are still missing. Pure.

What is asked of one further unit travels as a short text, its *slot* (``level=bls;kind=rescue_truck;skill=rescue``), in
the trip's need and with the assignment that fills it: a card that changes leaves calls under way as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from services.dispatch.rules.requirements import Demand
from shared.codes.codes import code_list
from shared.pack_cards import RunCard
from shared.thai.text import Text

LISTS = {"level": "unit_level", "kind": "vehicle_kind", "skill": "skill", "equipment": "equipment"}
LEVELS = tuple(code_list("unit_level").codes)
ANY = "any"
"""One more unit that could have been sent in the first place."""


def card_for(cards: Sequence[RunCard], severity: str, group: int | None, flags: Iterable[str]) -> RunCard | None:
    """The first card that fits; None where none does."""
    known = frozenset(flags)
    for card in cards:
        fits_group = not card.groups or group in card.groups
        fits_severity = not card.severity or severity in card.severity
        if fits_group and fits_severity and (not card.flags or card.flags & known):
            return card
    return None


def slots_of(card: RunCard) -> tuple[str, ...]:
    """One slot for each unit, the call's own first."""
    return tuple(
        slot(level=asked.level, kinds=asked.kinds, skills=asked.skills, equipment=asked.equipment)
        for asked in card.units
        for _ in range(asked.count)
    )


def slot(
    *, level: str | None = None, kinds: Iterable[str] = (), skills: Iterable[str] = (), equipment: Iterable[str] = ()
) -> str:
    parts = {"level": [level] if level else [], "kind": kinds, "skill": skills, "equipment": equipment}
    return ";".join(f"{name}={'|'.join(sorted(codes))}" for name, codes in parts.items() if codes) or ANY


@lru_cache(maxsize=512)
def demand(of_slot: str) -> Demand:
    """What a unit must have to fill it. Codes that are not known any more ask for nothing."""
    codes = _codes(of_slot)
    return Demand(
        level=next(iter(codes["level"]), None), crew=1, kinds=frozenset(codes["kind"]),
        skills=frozenset(codes["skill"]), equipment=frozenset(codes["equipment"]),
    )  # fmt: skip


def _codes(of_slot: str) -> dict[str, list[str]]:
    parts = dict(part.split("=", 1) for part in of_slot.split(";") if "=" in part)
    return {
        name: [code for code in parts.get(name, "").split("|") if code in code_list(list_id)]
        for name, list_id in LISTS.items()
    }


@lru_cache(maxsize=512)
def named(of_slot: str) -> Text:
    """A slot as people say it: ``BLS``, ``รถกู้ภัยอุปกรณ์หนัก (กู้ภัย)``."""
    if of_slot == ANY:
        return Text(th="หน่วยใดก็ได้", en="any unit")
    codes = _codes(of_slot)

    def said(lang: str) -> str:
        level = " ".join(code.upper() for code in codes["level"])
        kinds = " / ".join(code_list("vehicle_kind").label(code, lang) for code in codes["kind"])  # type: ignore[arg-type]
        more = [code_list(name).label(code, lang) for name in ("skill", "equipment") for code in codes[name]]  # type: ignore[arg-type]
        head = " ".join(part for part in (level, kinds) if part)
        return f"{head} ({', '.join(more)})" if head and more else head or ", ".join(more)

    return Text(th=said("th"), en=said("en"))


def lacking(wanted: Sequence[str], filled: Iterable[str], enough: Iterable[str] = ()) -> list[str]:
    """Those of the wanted slots that nobody fills, in their order. ``enough``: somebody said they need not come."""
    there = Counter(filled)
    there.update(enough)
    return list(_left(wanted, there))


def _left(wanted: Sequence[str], there: Counter[str]) -> Iterator[str]:
    for each in wanted:
        if there[each]:
            there[each] -= 1
        else:
            yield each


def counted(slots: Iterable[str]) -> Text:
    """``2 BLS + 1 รถกู้ภัย``."""
    counts = Counter(slots)
    said = {
        lang: " + ".join(f"{n} {getattr(named(each), lang)}" for each, n in counts.items()) for lang in ("th", "en")
    }
    return Text(**said)


def sentence(wanted: Sequence[str], missing: Sequence[str]) -> Text:
    """What was asked for, and what of it is missing."""
    asked = counted(wanted)
    if not missing:
        return Text(th=f"ขอ {asked.th}", en=f"asked for {asked.en}")
    lacks = counted(missing)
    return Text(
        th=f"ขอ {asked.th} · ยังขาด {len(missing)}: {lacks.th}",
        en=f"asked for {asked.en}; {len(missing)} missing: {lacks.en}",
    )
