"""Do two records speak of one person? Points for and against, and the keys by which such records find each other. Pure.

People decide; this only puts pairs before them. The points are weights of evidence in the manner of Fellegi and Sunter
(1969), set by hand and tuned on invented people of known truth (``python -m bench duplicates``). Twins and families
are what must not be taken for one person: a given name that differs weighs more than all that a household shares.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from services.registry.rules.identity import Birth
from services.registry.rules.sounds import folded, likeness, near, sound, together, variants, words_of
from shared.thai.names import NameKey

THRESHOLD: Final = 8.0
"""Points from which a pair is put before an officer."""

EQUAL, ALIKE, ODD = 0.999, 0.84, 0.70
"""Likeness of two words from which on they are the same, likely misspelt, perhaps misspelt."""
POINTS: Final[dict[str, float]] = {
    "given_equal": 5.0, "given_alike": 3.5, "given_odd": -1.5, "given_differs": -7.0,
    "family_equal": 6.0, "family_alike": 5.0, "family_odd": 2.0, "family_differs": -4.0,
    "birth_equal": 7.0, "birth_swapped": 5.5, "birth_other_year": 4.0, "birth_near": 3.0,
    "year_equal": 2.25, "year_near": 1.0, "year_other_era": 1.5, "birth_differs": -5.0,
    "sex_equal": 0.5, "sex_differs": -3.0,
    "phone_equal": 3.0, "phone_shared": 1.5,
    "number_equal": 12.0, "number_differs": -9.0,
    "swapped": -1.0,
}  # fmt: skip
"""Code of the list ``duplicate_reason`` → points."""
ERA_SLIP: Final = 43
"""``93`` meant as 2493 (1950) and read as 1993: 43 years."""
ESTIMATE_OFF: Final = 2
ONE_DAY: Final = 1


@dataclass(frozen=True, slots=True)
class Known:
    """What is compared of one record. ``phones``: number → whether it is the person's own."""

    name: NameKey
    birth: Birth | None = None
    sex: str | None = None
    phones: tuple[tuple[str, bool], ...] = ()
    numbers: tuple[tuple[str, str], ...] = ()
    """``(kind, whole number)`` of those of which a person has one at a time."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The points, and why, the weightiest first."""

    score: float
    reasons: tuple[str, ...]

    @property
    def may_be_one(self) -> bool:
        return self.score >= THRESHOLD


def compare(one: Known, other: Known) -> Compared:
    """What speaks for and against one person; of two who cannot be one, no more than shows it."""
    reasons = _beside_names(one, other)
    reasons += _names(one.name, other.name, THRESHOLD - _points(reasons))
    reasons.sort(key=lambda code: -abs(POINTS[code]))
    return Compared(_points(reasons), tuple(reasons))


def could_be_one(one: Known, other: Known) -> bool:
    """Whether they might be, whatever their names are: asked before names are opened."""
    return _points(_beside_names(one, other)) + POINTS["given_equal"] + POINTS["family_equal"] >= THRESHOLD


def _points(reasons: Sequence[str]) -> float:
    return sum(POINTS[code] for code in reasons)


def _beside_names(one: Known, other: Known) -> list[str]:
    return [
        *_births(one.birth, other.birth), *_sexes(one.sex, other.sex), *_phones(one, other), *_numbers(one, other)
    ]  # fmt: skip


def _names(one: NameKey, other: NameKey, wanted: float) -> list[str]:
    """``wanted``: points; where no family name could bring them together any more, none is looked at."""
    if one.given and one.family and _same(one.given, other.family) and _same(one.family, other.given):
        return ["given_equal", "family_equal", "swapped"]
    given = [*_word("given", one.given, other.given)]
    if _points(given) + POINTS["family_equal"] < wanted:
        return given
    return [*given, *_word("family", one.family, other.family)]


def _same(one: str, other: str) -> bool:
    return folded(one) == folded(other)


def _word(part: str, one: str, other: str) -> Iterator[str]:
    if not one or not other:
        return
    found = max(likeness(a, b) for a in _forms(part, one) for b in _forms(part, other))
    band = "equal" if found >= EQUAL else "alike" if found >= ALIKE else "odd" if found >= ODD else "differs"
    yield f"{part}_{band}"


def _forms(part: str, word: str) -> list[str]:
    return variants(word) if part == "given" else [word]


def _births(one: Birth | None, other: Birth | None) -> Iterator[str]:
    if one is None or other is None:
        return
    if one.on is not None and other.on is not None:
        yield _days(one, other)
        return
    apart = abs(one.year - other.year)
    if apart == 0:
        yield "year_equal"
    elif apart <= (ESTIMATE_OFF if one.estimated or other.estimated else ONE_DAY):
        yield "year_near"
    else:
        yield "year_other_era" if apart == ERA_SLIP else "birth_differs"


def _days(one: Birth, other: Birth) -> str:
    a, b = one.on, other.on
    assert a is not None and b is not None  # noqa: S101, PT018 asked before
    if a == b:
        return "birth_equal"
    if a.year == b.year and (a.month, a.day) == (b.day, b.month):
        return "birth_swapped"
    if (a.month, a.day) == (b.month, b.day):
        slip = _digits_apart(a.year, b.year) == 1 or abs(a.year - b.year) == ERA_SLIP
        return "birth_other_year" if slip else "birth_differs"
    if a.year == b.year:
        if _is_first_of_january(one) or _is_first_of_january(other):
            return "year_equal"  # the day that is written where nobody knows it
        if a.month == b.month or a.day == b.day:
            return "birth_near"
    return "birth_differs"


def _digits_apart(one: int, other: int) -> int:
    return sum(a != b for a, b in zip(f"{one:04d}", f"{other:04d}", strict=True))


def _is_first_of_january(birth: Birth) -> bool:
    return birth.on is not None and (birth.on.month, birth.on.day) == (1, 1)


def _sexes(one: str | None, other: str | None) -> Iterator[str]:
    if one and other:
        yield "sex_equal" if one == other else "sex_differs"


def _phones(one: Known, other: Known) -> Iterator[str]:
    theirs = dict(other.phones)
    common = [own and theirs[phone] for phone, own in one.phones if phone in theirs]
    if common:
        yield "phone_equal" if any(common) else "phone_shared"


def _numbers(one: Known, other: Known) -> Iterator[str]:
    theirs = dict(other.numbers)
    common = [theirs[kind] == value for kind, value in one.numbers if kind in theirs]
    if common:
        yield "number_equal" if any(common) else "number_differs"


# --- keys ---------------------------------------------------------------------------------------------------------


def found_by(name: NameKey) -> set[str]:
    """The keys by which a search finds the name: of each word, and of both written without the space between."""
    keys = {key for word in words_of(name) for key in near(word)}
    return keys | {together(name)} if name.family else keys


def pairs_by(name: NameKey, birth: Birth | None) -> set[str]:
    """The keys that two records of one person mostly share, beside telephones and numbers: stored with the person."""
    keys: set[str] = set()
    given, family = sound(name.given) or folded(name.given), sound(name.family) or folded(name.family)
    if given and family:
        keys.add(f"gf{given}{family}")
    if birth is None:
        return keys
    if given:
        keys.add(f"gy{given}{birth.year}")
    if family:
        keys.add(f"fy{family}{birth.year}")
    if birth.on is not None:
        low, high = sorted((birth.on.day, birth.on.month))
        keys.add(f"bd{birth.year}-{low}-{high}")
        if family:
            keys.add(f"fd{family}{low}-{high}")
        if given:
            keys.add(f"gd{given}{low}-{high}")
    return keys


def pairs_sought(name: NameKey, birth: Birth | None) -> set[str]:
    """The keys under which candidates are looked for: those of :func:`pairs_by`, and of the years next to it."""
    keys = pairs_by(name, birth)
    if birth is not None and birth.on is None:
        reach = range(-ESTIMATE_OFF, ESTIMATE_OFF + 1) if birth.estimated else (-ONE_DAY, ONE_DAY)
        for off in reach:
            keys |= {key for key in pairs_by(name, Birth(birth.year + off)) if key[:2] in {"gy", "fy"}}
    return keys
