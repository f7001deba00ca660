"""Days and instants as people in Thailand read and type them.

Stored instants are aware UTC; people see Asia/Bangkok (no daylight saving since 1920) and, in Thai, the Buddhist
era: พ.ศ. = ค.ศ. + 543. Babel has no Buddhist calendar, hence these few tables of our own.

The classic fault is a Buddhist year typed where a Christian year is expected, or the reverse. The two ranges of
plausible years never meet (they lie 543 years apart), so the era of a year can always be told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from shared.refusal import Refusal
from shared.thai.text import Lang, arabic_digits, tidy

BANGKOK = ZoneInfo("Asia/Bangkok")
BE_OFFSET = 543
OLDEST_AGE = 130
"""Nobody is known to have lived longer than 122 years; some room for documents that are wrong."""

Era = Literal["ce", "be"]
Style = Literal["full", "short"]

# Office of the Royal Society: names and abbreviations of the months.
MONTHS_TH = ("มกราคม", "กุมภาพันธ์", "มีนาคม", "เมษายน", "พฤษภาคม", "มิถุนายน",
             "กรกฎาคม", "สิงหาคม", "กันยายน", "ตุลาคม", "พฤศจิกายน", "ธันวาคม")  # fmt: skip
MONTHS_TH_SHORT = ("ม.ค.", "ก.พ.", "มี.ค.", "เม.ย.", "พ.ค.", "มิ.ย.", "ก.ค.", "ส.ค.", "ก.ย.", "ต.ค.", "พ.ย.", "ธ.ค.")
MONTHS_EN = ("January", "February", "March", "April", "May", "June",
             "July", "August", "September", "October", "November", "December")  # fmt: skip
WEEKDAYS_TH = ("จันทร์", "อังคาร", "พุธ", "พฤหัสบดี", "ศุกร์", "เสาร์", "อาทิตย์")
WEEKDAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

ISO_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
THAI_DAY = re.compile(r"(\d{1,2})[/.\-](\d{1,2})(?:[/.\-](\d{4})|/(\d{2}))")
WORDED_DAY = re.compile(r"(\d{1,2})\s*([^\d\s]+?)\s*(พ\.?ศ\.?|ค\.?ศ\.?)?\s*(\d{4}|\d{2})")
MONTHS: dict[str, int] = {
    name.replace(".", "").casefold(): number
    for names in (MONTHS_TH, MONTHS_TH_SHORT, MONTHS_EN, [each[:3] for each in MONTHS_EN])
    for number, name in enumerate(names, 1)
}
"""A month as it is called, without its dots → its number."""
CENTURIES = (2000, 1900, 2500 - BE_OFFSET, 2400 - BE_OFFSET)
"""What two digits of a year may stand for, in the Christian era."""
AGE = re.compile(
    r"(?:อายุ|age)?\s*(\d{1,4})\s*(?:(ปี|ขวบ|years?(?: old)?|yrs?|y)(?:\s*\d{1,2}\s*(?:เดือน|months?|m))?"
    r"|(เดือน|months?|m)|(สัปดาห์|weeks?|w)|(วัน|days?|d))?\.?"
)
PARTS_OF_YEAR = (1, 12, 52, 365)


def local(instant: datetime) -> datetime:
    """The instant in Asia/Bangkok.

    Raises:
        ValueError: the instant has no time zone; guessing one would be wrong by seven hours.

    """
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(BANGKOK)


def local_day(instant: datetime) -> date:
    """The calendar day in Thailand on which the instant falls."""
    return local(instant).date()


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """The first instant of a Thai calendar day and of the next one, in UTC: ``start <= at < end``."""
    start = datetime.combine(day, time(), BANGKOK).astimezone(UTC)
    return start, start + timedelta(days=1)


def show_day(day: date | datetime, lang: Lang = "th", style: Style = "full", *, weekday: bool = False) -> str:
    """``22 พฤศจิกายน พ.ศ. 2569``, ``22 พ.ย. 2569``; in English ``22 November 2026``, ``22 Nov 2026``.

    The year always has four digits: ``69`` could be read as 1969 or 2569. An instant is shown by its Thai day.
    """
    shown = local_day(day) if isinstance(day, datetime) else day
    if lang == "en":
        month = MONTHS_EN[shown.month - 1]
        text = f"{shown.day} {month if style == 'full' else month[:3]} {shown.year}"
        return f"{WEEKDAYS_EN[shown.weekday()]} {text}" if weekday else text
    year = shown.year + BE_OFFSET
    if style == "full":
        text = f"{shown.day} {MONTHS_TH[shown.month - 1]} พ.ศ. {year}"
    else:
        text = f"{shown.day} {MONTHS_TH_SHORT[shown.month - 1]} {year}"
    return f"วัน{WEEKDAYS_TH[shown.weekday()]}ที่ {text}" if weekday else text


def show_time(instant: datetime, lang: Lang = "th") -> str:
    """``14:30 น.``, in English ``14:30``: the 24-hour clock in Asia/Bangkok."""
    clock = local(instant).strftime("%H:%M")
    return f"{clock} น." if lang == "th" else clock


def show_moment(instant: datetime, lang: Lang = "th", style: Style = "short", *, weekday: bool = False) -> str:
    """``22 พ.ย. 2569 เวลา 14:30 น.``, in English ``22 Nov 2026, 14:30``."""
    joint = " เวลา " if lang == "th" else ", "
    return f"{show_day(instant, lang, style, weekday=weekday)}{joint}{show_time(instant, lang)}"


def be_year(day: date | datetime) -> int:
    """The Buddhist year of a day or instant in Thailand."""
    return (local_day(day) if isinstance(day, datetime) else day).year + BE_OFFSET


@dataclass(frozen=True, slots=True)
class Years:
    """Years that make sense for one field, in the Christian era, both ends included."""

    earliest: int
    latest: int

    @classmethod
    def of_birth(cls, today: date) -> Years:
        return cls(today.year - OLDEST_AGE, today.year)

    @classmethod
    def of_appointment(cls, today: date) -> Years:
        return cls(today.year, today.year + 2)

    def era(self, year: int) -> Era | None:
        """In which era the year makes sense; None where it makes sense in neither."""
        if self.earliest <= year <= self.latest:
            return "ce"
        if self.earliest + BE_OFFSET <= year <= self.latest + BE_OFFSET:
            return "be"
        return None


def read_year(year: int, years: Years, field: str = "birth_year") -> int:
    """The Christian year of what a person typed in either era: 2512 and 1969 are both 1969.

    Raises:
        Refusal: the year makes sense in neither era.

    """
    era = years.era(year)
    if era is None:
        raise _implausible(year, years, field)
    return year - BE_OFFSET if era == "be" else year


def require_ce(year: int, years: Years, field: str) -> int:
    """The year, where the contract asks for ค.ศ. (ISO 8601) and a Buddhist year must be caught.

    Raises:
        Refusal: a Buddhist year (the text gives the Christian one), or a year that makes no sense.

    """
    era = years.era(year)
    if era is None:
        raise _implausible(year, years, field)
    if era == "be":
        raise Refusal(
            "year_in_buddhist_era", field,
            f"ปี {year} เป็น พ.ศ. ช่องนี้ต้องเป็น ค.ศ. คือ {year - BE_OFFSET}",
            f"{year} is a year of the Buddhist era; this field takes the Christian year {year - BE_OFFSET}",
        )  # fmt: skip
    return year


def read_day(text: str, years: Years, field: str = "birth_date") -> date:
    """A day typed by a person: ``2569-11-22``, ``2026-11-22``, ``22/11/2569``, ``๒๒/๑๑/๒๕๖๙``, ``22 พ.ย. 2569``.

    The year is turned first: 29 February 2567 exists (2024), 29 February 2569 does not. A year of two digits is taken
    where it can mean one year alone: ``22/11/69`` of an appointment, and hardly ever of a birth.

    Raises:
        Refusal: not a day, no such day in the calendar, or a year that makes sense in neither era, or not in the one
            that is named beside it.

    """
    year, month, day, era = _parts(arabic_digits(tidy(text)), years, field)
    if era is not None and years.era(year) not in {era, None}:
        raise _implausible(year, years, field)
    try:
        return date(read_year(year, years, field), month, day)
    except Refusal:
        raise
    except ValueError:
        raise Refusal("no_such_day", field, "ไม่มีวันที่นี้ในปฏิทิน", "there is no such day in the calendar") from None


def _parts(typed: str, years: Years, field: str) -> tuple[int, int, int, Era | None]:
    """Year, month and day as they were typed, and the era where it is named."""
    if found := ISO_DAY.fullmatch(typed):
        year, month, day = (int(part) for part in found.groups())
        return year, month, day, None
    if found := THAI_DAY.fullmatch(typed):
        return _year(found[3] or found[4], years, field), int(found[2]), int(found[1]), None
    if (found := WORDED_DAY.fullmatch(typed)) and (number := MONTHS.get(found[2].replace(".", "").casefold())):
        era: Era | None = None if found[3] is None else "be" if found[3].startswith("พ") else "ce"
        return _year(found[4], years, field), number, int(found[1]), era
    raise Refusal(
        "not_a_day", field,
        "อ่านวันที่ไม่ออก กรุณาพิมพ์ เช่น 22/11/2569 หรือ 22 พ.ย. 2569",
        "this is not a day: write for example 22/11/2026 or 22 Nov 2026",
    )  # fmt: skip


def _year(typed: str, years: Years, field: str) -> int:
    if len(typed) == 4:  # noqa: PLR2004 digits
        return int(typed)
    possible = [year for century in CENTURIES if years.era(year := century + int(typed)) == "ce"]
    if len(possible) == 1:
        return possible[0]
    raise Refusal(
        "two_digits_of_year", field, f"ปี {typed} หมายถึงปีใดไม่แน่ กรุณาพิมพ์ปีสี่หลัก",
        f"{typed} may be more than one year: write four digits",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Age:
    """An age in whole years. ``estimated`` where only the year of birth is known: then it may be one too high."""

    years: int
    estimated: bool

    def show(self, lang: Lang = "th") -> str:
        if lang == "th":
            return f"{'ประมาณ ' if self.estimated else ''}{self.years} ปี"
        return f"{'about ' if self.estimated else ''}{self.years} years"


def age(on: date, *, birth_date: date | None = None, birth_year: int | None = None) -> Age | None:
    """The age on a day, from a full date of birth or from the (Christian) year alone; None where both lack.

    Raises:
        Refusal: the birth lies after ``on``, or more than 130 years before it.

    """
    if birth_date is not None:
        before = (on.month, on.day) < (birth_date.month, birth_date.day)
        return Age(_possible(on.year - birth_date.year - before, "birth_date"), estimated=False)
    if birth_year is not None:
        return Age(_possible(on.year - birth_year, "birth_year"), estimated=True)
    return None


def read_age(text: str) -> int | None:
    """The whole years of an age as people say it: ``72``, ``๗๒ ปี``, ``1 ปี 6 เดือน``, ``8 เดือน`` (0). None: no age."""
    found = AGE.fullmatch(arabic_digits(tidy(text)).casefold())
    if found is None:
        return None
    unit = next((at for at, said in enumerate(found.groups()[1:]) if said), 0)
    years = int(found[1]) // PARTS_OF_YEAR[unit]
    return years if years <= OLDEST_AGE else None


def birth_year_of(age_years: int, on: date, field: str = "age") -> int:
    """The year of birth that an age told on a day suggests (Christian era; may be one too high).

    Raises:
        Refusal: an impossible age.

    """
    return on.year - _possible(age_years, field)


def _possible(years: int, field: str) -> int:
    if 0 <= years <= OLDEST_AGE:
        return years
    raise Refusal(
        "impossible_age", field,
        f"อายุต้องอยู่ระหว่าง 0 ถึง {OLDEST_AGE} ปี",
        f"an age lies between 0 and {OLDEST_AGE} years",
    )  # fmt: skip


def _implausible(year: int, years: Years, field: str) -> Refusal:
    earliest, latest = years.earliest, years.latest
    return Refusal(
        "year_implausible", field,
        f"ปี {year} ไม่น่าเป็นไปได้ ต้องเป็น พ.ศ. {earliest + BE_OFFSET}-{latest + BE_OFFSET} หรือ ค.ศ. {earliest}-{latest}",
        f"the year {year} makes no sense here: {earliest}-{latest}, or {earliest + BE_OFFSET}-{latest + BE_OFFSET} "
        "in the Buddhist era",
    )  # fmt: skip
