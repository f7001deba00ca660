"""Recurring appointments, the trips they need, and the numbers of calls."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from dateutil import rrule
from hypothesis import given
from hypothesis import strategies as st

from services.intake.rules import numbers
from services.intake.rules.appointments import occurrences, trips
from shared.refusal import Refusal
from shared.thai.dates import BANGKOK

MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=BANGKOK)
NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


def days(rule, **more):
    return [at.strftime("%m-%d %H:%M") for at in occurrences(MONDAY, rule, now=NOW, **more)]


def test_dialysis_three_times_a_week_in_thai_time():
    assert days("FREQ=WEEKLY;BYDAY=MO,WE,FR;COUNT=4") == ["11-23 08:00", "11-25 08:00", "11-27 08:00", "11-30 08:00"]


@pytest.mark.parametrize("rule", [None, "", "  "])
def test_without_a_rule_there_is_one(rule):
    assert days(rule) == ["11-23 08:00"]


def test_the_first_is_always_there_and_counts():
    assert days("FREQ=WEEKLY;BYDAY=TU;COUNT=3") == ["11-23 08:00", "11-24 08:00", "12-01 08:00"]


@pytest.mark.parametrize(
    ("until", "last"),
    [("20261127", "11-27 08:00"), ("20261127T010000Z", "11-27 08:00"), ("20261127T005959Z", "11-25 08:00"),
     ("20261127T075959", "11-25 08:00"), ("20200101", "11-23 08:00")],
)  # fmt: skip
def test_until_is_a_day_or_an_instant(until, last):
    assert days(f"FREQ=WEEKLY;BYDAY=MO,WE,FR;UNTIL={until}")[-1] == last


def test_what_is_made_ahead_is_bounded():
    daily = occurrences(MONDAY, "FREQ=DAILY", now=NOW)
    assert len(daily) == 60
    weekly = occurrences(MONDAY, "RRULE:FREQ=WEEKLY", now=NOW)
    assert weekly[-1] <= MONDAY + timedelta(days=120)
    assert len(weekly) == 18


def test_every_occurrence_keeps_the_hour_of_the_clinic():
    for at in occurrences(datetime(2026, 11, 23, 17, 30, tzinfo=UTC), "FREQ=DAILY;COUNT=60", now=NOW):
        assert (at.hour, at.minute, at.utcoffset()) == (0, 30, timedelta(hours=7))


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=HOURLY", "FREQ=SECONDLY", "WEEKLY", "FREQ=WEEKLY;INTERVAL=0", "FREQ=WEEKLY;INTERVAL=-1", "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=3;UNTIL=20270101", "FREQ=DAILY;UNTIL=20271345", "FREQ=DAILY;UNTIL=later", "FREQ=DAILY;FREQ=WEEKLY",
        "FREQ=WEEKLY;BYDAY=XX", "FREQ=MONTHLY;BYMONTHDAY=99x", "FREQ=DAILY\nRDATE:20270101T000000", "FREQ=DAILY;BYEASTER=1",
        "FREQ=MONTHLY;BYSETPOS=0", "ทุกวันจันทร์", "FREQ=" + "A" * 400, "💉",
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_refused_by_its_field(rule):
    with pytest.raises(Refusal) as refused:
        occurrences(MONDAY, rule, now=NOW)
    assert refused.value.field == "appointment.recurrence"


def test_a_rule_that_never_comes_again_costs_no_time(monkeypatch):
    """dateutil looks up to the year 9999; few years of them are left where the search begins."""
    looked_at = set()
    rebuild = rrule._iterinfo.rebuild

    def counted(info, year, month):
        looked_at.add(year)
        rebuild(info, year, month)

    monkeypatch.setattr(rrule._iterinfo, "rebuild", counted)
    assert days("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30") == ["11-23 08:00"]
    assert 0 < len(looked_at) <= 400


@given(
    st.text("FREQ=WKLYDAIMONTH;BS0123456789,-+", max_size=60), st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
)
def test_any_rule_is_read_or_refused_and_never_runs_away(text, freq):
    try:
        found = occurrences(MONDAY, f"FREQ={freq};{text}", now=NOW)
    except Refusal:
        return
    assert 1 <= len(found) <= 60
    assert found == sorted(set(found))
    assert found[-1] <= MONDAY + timedelta(days=120)


def test_a_trip_there_is_due_an_hour_before_and_back_when_the_person_is_ready():
    there, back = trips(MONDAY, return_trip=True, duration_min=240)
    assert there.due_at == MONDAY - timedelta(minutes=60)
    assert not there.call_when_ready
    assert back.call_when_ready
    assert back.expected_ready_at == MONDAY + timedelta(hours=4)
    assert len(trips(MONDAY, return_trip=False)) == 1


def test_case_numbers_carry_the_buddhist_year_and_month_of_thai_time():
    late_october = datetime(2026, 10, 31, 17, 30, tzinfo=UTC)
    assert numbers.case_number("KLS", late_october, 1) == "KLS-6911-0001"
    assert numbers.case_number("KLS", late_october, 12345) == "KLS-6911-12345"
    assert numbers.is_case_number("KLS-6911-0001")
    assert not numbers.is_case_number("KLS-6911-1")
    with pytest.raises(ValueError, match="begin with 1"):
        numbers.case_number("KLS", late_october, 0)


CODES = st.integers(0, 2**32).map(lambda seed: numbers.new_tracking_code(random.Random(seed).choice))


@given(CODES, st.integers(0, 8), st.sampled_from(numbers.ALPHABET))
def test_every_mistyped_character_of_a_tracking_code_is_caught(code, place, letter):
    plain = code.replace("-", "")
    assert numbers.read_tracking_code(plain.lower()) == code
    wrong = plain[:place] + letter + plain[place + 1 :]
    if wrong != plain:
        with pytest.raises(Refusal):
            numbers.read_tracking_code(wrong)


@given(CODES, st.integers(0, 7), st.integers(0, 7))
def test_every_exchange_of_two_characters_is_caught(code, one, other):
    letters = list(code.replace("-", ""))
    letters[one], letters[other] = letters[other], letters[one]
    if "".join(letters) != code.replace("-", ""):
        with pytest.raises(Refusal):
            numbers.read_tracking_code("".join(letters))


def test_codes_have_no_letters_that_look_alike_and_differ():
    assert not set("01ILO") & set(numbers.ALPHABET)
    made = {numbers.new_tracking_code() for _ in range(2000)}
    assert len(made) == 2000


@pytest.mark.parametrize("text", ["", "ABCD", "O0O0-0000-1", "๕" * 400, "🔑" * 9])
def test_what_is_no_code_is_refused(text):
    with pytest.raises(Refusal):
        numbers.read_tracking_code(text)
