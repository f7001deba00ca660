"""Days as people in Thailand read and type them."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.refusal import Refusal
from shared.thai import dates
from shared.thai.dates import Years

TODAY = date(2026, 11, 22)
BIRTH = Years.of_birth(TODAY)


@pytest.mark.parametrize(
    ("lang", "style", "weekday", "shown"),
    [
        ("th", "full", False, "22 พฤศจิกายน พ.ศ. 2569"),
        ("th", "short", False, "22 พ.ย. 2569"),
        ("th", "full", True, "วันอาทิตย์ที่ 22 พฤศจิกายน พ.ศ. 2569"),
        ("en", "full", False, "22 November 2026"),
        ("en", "short", True, "Sunday 22 Nov 2026"),
    ],
)
def test_a_day_is_shown_in_thai_and_english(lang, style, weekday, shown):
    assert dates.show_day(TODAY, lang, style, weekday=weekday) == shown


def test_an_instant_is_shown_in_thai_time_even_when_the_day_differs_from_utc():
    late = datetime(2026, 12, 31, 17, 30, tzinfo=UTC)
    assert dates.show_moment(late) == "1 ม.ค. 2570 เวลา 00:30 น."
    assert dates.show_moment(late, "en") == "1 Jan 2027, 00:30"
    assert dates.be_year(late) == 2570


def test_an_instant_without_a_time_zone_is_an_error():
    with pytest.raises(ValueError, match="time zone"):
        dates.show_time(datetime(2026, 11, 22, 8, 0))  # noqa: DTZ001


def test_a_thai_day_is_24_hours_from_17_utc():
    start, end = dates.day_bounds(TODAY)
    assert start == datetime(2026, 11, 21, 17, tzinfo=UTC)
    assert end == datetime(2026, 11, 22, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("2512-03-05", date(1969, 3, 5)),
        ("1969-03-05", date(1969, 3, 5)),
        ("5/3/2512", date(1969, 3, 5)),
        ("๐๕/๐๓/๒๕๑๒", date(1969, 3, 5)),
        (" 05-03-2512\u200b", date(1969, 3, 5)),
        ("๕ มีนาคม พ.ศ. ๒๕๑๒", date(1969, 3, 5)),
        ("5 มี.ค.2512", date(1969, 3, 5)),
        ("5 mar 1969", date(1969, 3, 5)),
        ("5 March 2512", date(1969, 3, 5)),
        ("2567-02-29", date(2024, 2, 29)),  # 2567 is no leap year of the Christian calendar, 2024 is
    ],
)
def test_a_birthday_is_read_in_either_era(typed, day):
    assert dates.read_day(typed, BIRTH) == day


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("2569-02-29", "no_such_day"),
        ("2512-13-01", "no_such_day"),
        ("31/4/2512", "no_such_day"),
        ("69-01-01", "not_a_day"),
        ("เมื่อวาน", "not_a_day"),
        ("5 มนาคม 2512", "not_a_day"),
        ("5/3/12", "two_digits_of_year"),
        ("2200-01-01", "year_implausible"),
        ("2600-01-01", "year_implausible"),
        ("0000-01-01", "year_implausible"),
    ],
)
def test_a_wrong_day_is_refused_by_name(typed, code):
    with pytest.raises(Refusal) as refused:
        dates.read_day(typed, BIRTH, "patients.0.birth_date")
    assert (refused.value.code, refused.value.field) == (code, "patients.0.birth_date")
    assert refused.value.th
    assert refused.value.en


def test_a_buddhist_year_where_a_christian_one_belongs_is_caught_with_the_right_one_named():
    with pytest.raises(Refusal) as refused:
        dates.require_ce(2512, BIRTH, "birth_year")
    assert refused.value.code == "year_in_buddhist_era"
    assert "1969" in refused.value.th
    assert "1969" in refused.value.en
    assert dates.require_ce(1969, BIRTH, "birth_year") == 1969


@given(st.integers(0, 9999))
def test_no_year_is_plausible_in_both_eras(year):
    for years in (BIRTH, Years.of_appointment(TODAY)):
        if years.era(year) is not None:
            ce = dates.read_year(year, years)
            assert years.earliest <= ce <= years.latest
            assert dates.read_year(ce + 543, years) == ce


EVER = Years(1900, 2150)
THAI_DIGITS = str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")
WRITINGS = {
    "iso": lambda d, year: f"{year}-{d.month:02}-{d.day:02}",
    "slashes": lambda d, year: f"{d.day}/{d.month}/{year}",
    "dots": lambda d, year: f"{d.day:02}.{d.month:02}.{year}",
    "the month by its name": lambda d, year: f"{d.day} {dates.MONTHS_TH[d.month - 1]} {year}",
    "the month cut short": lambda d, year: f"{d.day} {dates.MONTHS_TH_SHORT[d.month - 1]} {year}",
    "without dots and spaces": lambda d, year: f"{d.day}{dates.MONTHS_TH_SHORT[d.month - 1].replace('.', '')}{year}",
    "in English": lambda d, year: f"{d.day} {dates.MONTHS_EN[d.month - 1].upper()} {year}",
    "in short English": lambda d, year: f" {d.day} {dates.MONTHS_EN[d.month - 1][:3]} {year} ",
}
DAYS = st.dates(date(1900, 1, 1), date(2150, 12, 31))


@given(DAYS, st.sampled_from(sorted(WRITINGS)), st.sampled_from([0, 543]), st.booleans())
def test_a_day_is_read_as_it_was_meant_however_it_is_written(day, writing, era, thai):
    typed = WRITINGS[writing](day, day.year + era)
    assert dates.read_day(typed.translate(THAI_DIGITS) if thai else typed, EVER) == day


@given(DAYS, st.sampled_from(["th", "en"]), st.sampled_from(["full", "short"]))
def test_a_day_that_is_shown_can_be_typed_again(day, lang, style):
    assert dates.read_day(dates.show_day(day, lang, style), EVER) == day


@given(st.one_of(st.text(max_size=20), st.from_regex(dates.THAI_DAY, fullmatch=True), st.from_regex(dates.WORDED_DAY)))
def test_whatever_is_typed_is_a_day_of_these_years_or_refused_by_name(typed):
    found = refused_or_read(typed)
    if isinstance(found, Refusal):
        assert (found.field, bool(found.th)) == ("born", True)
        assert found.code in {"not_a_day", "no_such_day", "two_digits_of_year", "year_implausible"}
    else:
        assert BIRTH.earliest <= found.year <= BIRTH.latest


def refused_or_read(typed):
    try:
        return dates.read_day(typed, BIRTH, "born")
    except Refusal as refusal:
        return refusal


@pytest.mark.parametrize(("typed", "code"), [
    ("22 พ.ย. ค.ศ. 2569", "year_implausible"), ("22 พฤศจิกายน พ.ศ. 2026", "year_implausible"), ("31 เม.ย. 2569", "no_such_day"),
    ("22 มกรา 2569", "not_a_day"), ("22 พ.ย. 69", "two_digits_of_year"),
])  # fmt: skip
def test_a_day_in_words_is_refused_where_it_contradicts_itself(typed, code):
    with pytest.raises(Refusal) as refused:
        dates.read_day(typed, EVER)
    assert refused.value.code == code


def test_ages():
    assert dates.age(TODAY, birth_date=date(1969, 11, 23)) == dates.Age(56, estimated=False)
    assert dates.age(TODAY, birth_date=date(1969, 11, 22)) == dates.Age(57, estimated=False)
    assert dates.age(TODAY, birth_year=1969) == dates.Age(57, estimated=True)
    assert dates.age(TODAY) is None
    assert dates.age(TODAY, birth_year=1969).show("th") == "ประมาณ 57 ปี"
    assert dates.birth_year_of(80, TODAY) == 1946


@pytest.mark.parametrize("years", [-1, 131, 2569])
def test_an_impossible_age_is_refused(years):
    with pytest.raises(Refusal, match="between 0 and 130"):
        dates.birth_year_of(years, TODAY)


def test_a_birth_in_the_future_is_refused():
    with pytest.raises(Refusal) as refused:
        dates.age(TODAY, birth_date=date(2026, 11, 23))
    assert refused.value.field == "birth_date"


@pytest.mark.parametrize(
    ("said", "years"),
    [
        ("72", 72), ("๗๒ ปี", 72), ("อายุ 72", 72), ("3 ขวบ", 3), ("1 ปี 6 เดือน", 1), ("18 เดือน", 1), ("8 เดือน", 0), ("5 days", 0),
        ("131", None), ("2497", None), ("เจ็ดสิบสอง", None), ("", None), ("-3", None),
    ],
)  # fmt: skip
def test_an_age_is_read_as_people_say_it(said: str, years: int | None) -> None:
    assert dates.read_age(said) == years
