"""Invented people with known truth: households, twins, one family name for many, and second records of some of them as

a call-taker who hears badly, a form or another office's list would write them. Names are PyThaiNLP's lists of Thai
given and family names (thai-names-corpus, CC0), so that alike names occur as often as they do among people.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from pythainlp.corpus.common import thai_family_names, thai_female_names, thai_male_names

TODAY: Final = date(2026, 11, 23)
GIVEN_SKEW, FAMILY_SKEW = 0.75, 0.4
"""Exponents by which the n-th name is rarer than the first: given names repeat far more than family names."""
TWINS = 0.012
MARRIED_KEEPS = 0.3
KNOWS_NUMBER, KNOWS_DAY, KNOWS_YEAR, FIRST_OF_JANUARY = 0.75, 0.85, 0.09, 0.03
OWN_PHONE, HOUSE_PHONE = 0.6, 0.3
MISHEARD_GIVEN, MISHEARD_FAMILY, TWICE = 0.45, 0.40, 0.12
NO_FAMILY, NEW_FAMILY, CALLED_GRANNY, SWAPPED = 0.05, 0.02, 0.10, 0.01
BIRTHS: Final = (("day", 0.52), ("age", 0.26), ("none", 0.10), ("swapped", 0.04), ("era", 0.03), ("digit", 0.03),
                 ("january", 0.02))  # fmt: skip
PHONES: Final = (("own", 0.50), ("house", 0.25), ("other", 0.10), ("none", 0.15))
SEX_TOLD = 0.85


@dataclass(frozen=True, slots=True)
class Folk:
    """One record. ``who``: the human being it speaks of; ``birth`` as ``Birth.packed`` writes it."""

    who: int
    house: int
    title: str
    given: str
    family: str
    born: date
    birth: str | None
    sex: str | None
    phone: str | None
    own_phone: bool
    number: str | None

    @property
    def name(self) -> str:
        return f"{self.title}{self.given} {self.family}".strip()


class Town:
    """``size`` people, and ``copies`` second records; the same seed gives the same town."""

    def __init__(self, size: int, copies: int, seed: int) -> None:
        self.dice = random.Random(seed)
        self.women, self.men = sorted(thai_female_names()), sorted(thai_male_names())
        families = sorted(thai_family_names())
        for names in (self.women, self.men, families):
            self.dice.shuffle(names)
        self._families = families
        self._draw_woman = self._drawer(self.women, GIVEN_SKEW)
        self._draw_man = self._drawer(self.men, GIVEN_SKEW)
        self._draw_family = self._drawer(families, FAMILY_SKEW)
        self._phones = iter(self.dice.sample(range(10_000_000, 99_999_999), size * 2))
        self.people: list[Folk] = []
        house = 0
        while len(self.people) < size:
            self._household(house)
            house += 1
        del self.people[size:]
        chosen = self.dice.sample(self.people, copies)
        self.copies = [self._again(one) for one in chosen]

    def _drawer(self, names: Sequence[str], skew: float) -> Callable[[], str]:
        weights = [1 / (rank + 10) ** skew for rank in range(len(names))]
        return iter_of(lambda: self.dice.choices(names, weights, k=4096)).__next__

    def _household(self, house: int) -> None:
        family, phone = self._draw_family(), self._phone()
        older = self.dice.randint(22, 85)
        members = [("m", older), ("f", older + self.dice.randint(-6, 4))]
        if older > 40 and self.dice.random() < 0.25:
            members.append((self.dice.choice("mf"), min(99, older + self.dice.randint(20, 32))))
        children = self.dice.choices((0, 1, 2, 3), (0.3, 0.35, 0.25, 0.1))[0]
        members += [(self.dice.choice("mf"), max(0, older - self.dice.randint(20, 38))) for _ in range(children)]
        for place, (sex, years) in enumerate(members):
            own = self._draw_family() if place == 1 and self.dice.random() < MARRIED_KEEPS else family
            born = TODAY - timedelta(days=int(365.25 * years) + self.dice.randrange(365))
            given = self._given(sex)
            self._add(house, sex, given, own, born, phone)
            if place > 1 and self.dice.random() < TWINS:
                self._add(house, sex, self._twin_of(given, sex), own, born, phone)

    def _given(self, sex: str) -> str:
        return self._draw_man() if sex == "m" else self._draw_woman()

    def _twin_of(self, given: str, sex: str) -> str:
        """Twins are often called alike: the same beginning, another end."""
        names = self.men if sex == "m" else self.women
        alike = [name for name in names if name[:2] == given[:2] and name != given]
        return self.dice.choice(alike) if alike else self._given(sex)

    def _add(self, house: int, sex: str, given: str, family: str, born: date, phone: str) -> None:
        dice = self.dice
        known = dice.random()
        birth: str | None = None
        if known < KNOWS_DAY:
            birth = f"{born.year}-01-01" if dice.random() < FIRST_OF_JANUARY else born.isoformat()
        elif known < KNOWS_DAY + KNOWS_YEAR:
            birth = f"{born.year:04d}"
        how = dice.random()
        own = how < OWN_PHONE
        reached = self._phone() if own else phone if how < OWN_PHONE + HOUSE_PHONE else None
        number = f"{len(self.people):013d}" if dice.random() < KNOWS_NUMBER else None
        young = born.year > TODAY.year - 15
        title = {"m": "ด.ช." if young else "นาย", "f": "ด.ญ." if young else dice.choice(("นาง", "นางสาว", "น.ส."))}[sex]
        sex_name = "male" if sex == "m" else "female"
        self.people.append(
            Folk(len(self.people), house, title, given, family, born, birth, sex_name, reached, own, number)
        )

    def _phone(self) -> str:
        return f"+668{next(self._phones):08d}"

    def _again(self, one: Folk) -> Folk:
        """The second record of somebody."""
        dice = self.dice
        given, family, title = one.given, one.family, dice.choice((one.title, "", "คุณ"))
        if dice.random() < MISHEARD_GIVEN:
            given = self._misheard(given)
        if dice.random() < MISHEARD_FAMILY:
            family = self._misheard(family)
        if one.born.year < TODAY.year - 60 and dice.random() < CALLED_GRANNY:
            title = "ยาย" if one.sex == "female" else "ตา"
        left_out = dice.random()
        if left_out < NO_FAMILY:
            family = ""
        elif left_out < NO_FAMILY + NEW_FAMILY and one.sex == "female":
            family = self._draw_family()
        elif left_out > 1 - SWAPPED:
            given, family = family, given
        own, phone = self._reached(one)
        sex = one.sex if dice.random() < SEX_TOLD else None
        return replace(
            one, title=title, given=given, family=family, birth=self._born(one), sex=sex, phone=phone, own_phone=own,
            number=None,
        )  # fmt: skip

    def _reached(self, one: Folk) -> tuple[bool, str | None]:
        how = pick(self.dice, PHONES)
        if how == "own":
            return True, one.phone
        if how == "house":
            others = [who for who in self.people[max(0, one.who - 6) : one.who + 7] if who.house == one.house]
            return False, self.dice.choice(others).phone
        return True, self._phone() if how == "other" else None

    def _born(self, one: Folk) -> str | None:
        born, dice = one.born, self.dice
        how = pick(dice, BIRTHS)
        if how == "day":
            return born.isoformat()
        if how == "age":
            return f"~{TODAY.year - ((TODAY - born).days // 365) + dice.choice((-1, 0, 0, 0, 0, 1)):04d}"
        if how == "swapped":
            return born.replace(day=born.month, month=born.day).isoformat() if born.day <= 12 else born.isoformat()
        if how == "era":  # a year of two digits, read in the other era; impossible ones are refused, so unknown
            slipped = born.year + 43
            return _year(born, slipped).isoformat() if slipped <= TODAY.year else None
        if how == "digit":
            slipped = born.year + dice.choice((-10, 10, -1, 1, -3, 3))
            return _year(born, min(slipped, TODAY.year)).isoformat()
        return f"{born.year}-01-01" if how == "january" else None

    def _misheard(self, word: str) -> str:
        for _ in range(2 if self.dice.random() < TWICE else 1):
            word = self.dice.choices(MISTAKES, WEIGHTS)[0](self.dice, word)
        return word


def iter_of(draw: Callable[[], list[str]]) -> Iterator[str]:
    while True:
        yield from draw()


def pick(dice: random.Random, table: Sequence[tuple[str, float]]) -> str:
    return dice.choices([code for code, _ in table], [weight for _, weight in table])[0]


def _year(day: date, year: int) -> date:
    return day.replace(year=year, day=min(day.day, 28))


# --- how names are misheard and mistyped ----------------------------------------------------------------------------

SOUND_ALIKE = ("นณ", "สศษซ", "ทธฑฒ", "พภ", "คขฆ", "ตฏ", "ดฎ", "รล", "ยญ", "ใไ", "ชฌ", "ถฐ")
LENGTHS = {"ิ": "ี", "ี": "ิ", "ุ": "ู", "ู": "ุ", "ึ": "ื", "ื": "ึ", "เ": "แ", "แ": "เ", "ะ": "า", "โ": "ไ"}
SILENT = ("่", "้", "๊", "๋", "็", "์")
LETTERS = "กขคงจฉชซญดตทธนบปพฟภมยรลวศสหอ"
KEYBOARD = ("ฟหกดเ้่าสวง", "ๆไำพะัีรนยบลฃ", "ผปแอิืทมใฝ", "ๅภถุึคตจขช")
"""Rows of the Kedmanee keyboard, unshifted: letters beside each other are hit for each other."""


def other_letter(dice: random.Random, word: str) -> str:
    """A letter that sounds the same."""
    places = [(at, letters) for at, sign in enumerate(word) for letters in SOUND_ALIKE if sign in letters]
    if not places:
        return mistyped(dice, word)
    at, letters = dice.choice(places)
    return word[:at] + dice.choice([sign for sign in letters if sign != word[at]]) + word[at + 1 :]


def silent_mark(dice: random.Random, word: str) -> str:
    """A tone or silencer left out, else put in."""
    places = [at for at, sign in enumerate(word) if sign in SILENT]
    if places:
        at = dice.choice(places)
        return word[:at] + word[at + 1 :]
    after = [at for at, sign in enumerate(word) if sign in LETTERS]
    at = dice.choice(after) if after else len(word) - 1
    return word[: at + 1] + dice.choice(SILENT[:2]) + word[at + 1 :]


def other_length(dice: random.Random, word: str) -> str:
    """A short vowel for a long one, or the reverse."""
    places = [at for at, sign in enumerate(word) if sign in LENGTHS]
    if not places:
        return other_letter(dice, word)
    at = dice.choice(places)
    return word[:at] + LENGTHS[word[at]] + word[at + 1 :]


def silent_letter(dice: random.Random, word: str) -> str:
    """A consonant under ์ left out altogether, or a double consonant made one."""
    for at, sign in enumerate(word):
        if sign == "์" and at > 1:
            return word[: at - 1] + word[at + 1 :]
        if at and sign == word[at - 1]:
            return word[:at] + word[at + 1 :]
    return word.replace("รร", "ัน") if "รร" in word else silent_mark(dice, word)


def left_out(dice: random.Random, word: str) -> str:
    if len(word) < 4:
        return silent_mark(dice, word)
    at = dice.randrange(1, len(word))
    return word[:at] + word[at + 1 :]


def doubled(dice: random.Random, word: str) -> str:
    at = dice.randrange(len(word)) if word else 0
    return word[: at + 1] + word[at : at + 1] + word[at + 1 :]


def turned(dice: random.Random, word: str) -> str:
    if len(word) < 3:
        return word
    at = dice.randrange(1, len(word) - 1)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def mistyped(dice: random.Random, word: str) -> str:
    """The key beside it."""
    places = [(at, row) for at, sign in enumerate(word) for row in KEYBOARD if sign in row]
    if not places:
        return word
    at, row = dice.choice(places)
    key = row.index(word[at])
    beside = row[key - 1] if key and dice.random() < 0.5 else row[(key + 1) % len(row)]
    return word[:at] + beside + word[at + 1 :]


MISTAKES = (other_letter, silent_mark, other_length, silent_letter, left_out, doubled, turned, mistyped)
WEIGHTS = (30, 20, 15, 12, 7, 4, 4, 8)
