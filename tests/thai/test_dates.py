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
