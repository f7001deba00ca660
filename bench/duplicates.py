"""``python -m bench duplicates``: how well second records of people are found, on invented towns of known truth.

The registry's own rules (keys and points), in memory: what is measured is whom they find, and what one core does of it
in a second. The points were tuned on the town of :data:`TUNED_ON` alone; the others were never looked at.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from bench.folk import Folk, Town
from bench.report import GOALS, Table, met
from services.registry.rules.duplicates import Known, compare, pairs_by, pairs_sought
from services.registry.rules.identity import Birth
from services.registry.rules.sounds import near, variants
from shared.thai.names import name_key

TUNED_ON: Final = 1
SEEDS: Final = (TUNED_ON, 4, 5)
PEOPLE, COPIES = 100_000, 5_000
PRECISION, RECALL = 0.97, 0.95
MOST_OF_A_PHONE: Final = 20


@dataclass(frozen=True, slots=True)
class Found:
    """One town. Precision and recall over the pairs that an officer would see."""

    seed: int
    people: int
    copies: int
    pairs: int
    right: int
    blocked: int
    """True pairs among the candidates."""
    candidates: int
    keys_per_s: float
    compared_per_s: float
    whole_s: float

    @property
    def precision(self) -> float:
        return self.right / self.pairs if self.pairs else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.copies

    @property
    def block_recall(self) -> float:
        return self.blocked / self.copies


def known(one: Folk) -> Known:
    birth = Birth.unpacked(one.birth) if one.birth else None
    phones = ((one.phone, one.own_phone),) if one.phone else ()
    numbers = (("cid", one.number),) if one.number else ()
    return Known(name_key(one.name), birth, one.sex, phones, numbers)


class Register:
    """Who was written down so far, by the keys under which the registry would find them."""

    def __init__(self) -> None:
        self._keys: defaultdict[str, list[int]] = defaultdict(list)
        self._words: defaultdict[str, list[int]] = defaultdict(list)
        self._phones: defaultdict[str, list[int]] = defaultdict(list)

    def sought(self, one: Known, given: set[str], family: set[str]) -> set[int]:
        found: set[int] = set()
        for key in pairs_sought(one.name, one.birth):
            found.update(self._keys.get(key, ()))
        if given and family:
            by_given, by_family = ({at for key in keys for at in self._words.get(key, ())} for keys in (given, family))
            found |= by_given & by_family
        for phone, _ in one.phones:
            found.update(self._phones[phone][:MOST_OF_A_PHONE])
        return found

    def add(self, at: int, one: Known, keys: set[str], words: set[str]) -> None:
        for key in keys:
            self._keys[key].append(at)
        for word in words:
            self._words[word].append(at)
        for phone, _ in one.phones:
            self._phones[phone].append(at)


def town(seed: int, people: int = PEOPLE, copies: int = COPIES) -> Found:
    """Everybody is written down one after the other, the second records last, each compared with all before it."""
    made = Town(people, copies, seed)
    folk = [*made.people, *made.copies]
    begun = time.perf_counter()
    seen = [known(one) for one in folk]
    stored = [(pairs_by(one.name, one.birth), *near_words(one)) for one in seen]
    keyed = time.perf_counter()
    register = Register()
    pairs = right = blocked = candidates = 0
    for at, (one, (keys, given, family)) in enumerate(zip(seen, stored, strict=True)):
        sought = register.sought(one, given, family)
        candidates += len(sought)
        for other in sought:
            same = folk[other].who == folk[at].who
            blocked += same
            if compare(one, seen[other]).may_be_one:
                pairs += 1
                right += same
        register.add(at, one, keys, given | family)
    ended = time.perf_counter()
    return Found(
        seed, people, copies, pairs, right, blocked, candidates, len(folk) / (keyed - begun),
        candidates / (ended - keyed), ended - begun,
    )  # fmt: skip


def near_words(one: Known) -> tuple[set[str], set[str]]:
    given = {key for word in variants(one.name.given) for key in near(word)} if one.name.given else set()
    return given, near(one.name.family) if one.name.family else set()


def table(found: list[Found]) -> Table:
    rows: list[tuple[str, str, str, str]] = []
    for one in found:
        named = f"town {one.seed}{' (the points were tuned on it)' if one.seed == TUNED_ON else ''}"
        rows += [
            (f"{named}: precision of the pairs shown", f"{one.precision:.3f}", f"≥ {PRECISION}",
             met(one.precision, PRECISION, at_least=True)),
            (f"{named}: recall", f"{one.recall:.3f}", f"≥ {RECALL}", met(one.recall, RECALL, at_least=True)),
            (f"{named}: recall of the keys alone", f"{one.block_recall:.3f}", "", ""),
            (f"{named}: candidates a record", f"{one.candidates / (one.people + one.copies):.1f}", "", ""),
        ]  # fmt: skip
    last = found[-1]
    rows += [
        ("records keyed a second, one core", f"{last.keys_per_s:,.0f}", "", ""),
        ("candidates found and compared a second, one core", f"{last.compared_per_s:,.0f}", "", ""),
        ("the whole town, s", f"{last.whole_s:.0f}", "", ""),
    ]
    note = (
        f"{PEOPLE:,} invented people in households (1.2 % twins with names that begin alike, 75 % with a number) and "
        f"{COPIES:,} second records without a number: 45 % of given and 40 % of family names misheard or mistyped, "
        "5 % without a family name, half of the births a year from an age, none, or wrong (day and month, era, digit), "
        "half of the telephones another's or none. Mistakes are a model (`bench/folk.py`), no real register."
    )
    return Table("Duplicates: two records of one person", GOALS, rows, note)
