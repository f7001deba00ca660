"""Identifiers, the numbers that begin with 0 among them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.refusal import Refusal
from shared.thai import identifiers
from shared.thai.identifiers import Identifier, read_identifier


def numbered(first_twelve: str) -> str:
    return first_twelve + str(identifiers.check_digit(first_twelve))


def remainder(number: str) -> int:
    return sum(weight * int(digit) for weight, digit in zip(range(13, 1, -1), number[:12], strict=True)) % 11


@pytest.mark.parametrize("typed", ["1-2345-67890-12-1", "1234567890121", "๑๒๓๔๕๖๗๘๙๐๑๒๑", "1 2345 67890 12 1"])
def test_a_card_number_in_every_shape(typed):
    assert read_identifier(typed) == Identifier("cid", "1234567890121")


def test_numbers_of_people_without_registration_begin_with_0_and_are_welcome():
    number = numbered("012345678901")
    assert read_identifier(number) == Identifier("cid-0", number)


@given(
    st.text("0123456789", min_size=12, max_size=12).filter(lambda t: t[0] != "9"), st.integers(0, 12), st.integers(1, 9)
)
def test_one_wrong_digit_is_always_caught_except_where_the_check_itself_cannot(first, place, shift):
    good = numbered(first)
    assert identifiers.is_cid(good)
    bad = good[:place] + str((int(good[place]) + shift) % 10) + good[place + 1 :]
    # The third digit weighs 11, nothing modulo 11; and eleven remainders share ten digits: 0 and 10 both give 1.
    assert not identifiers.is_cid(bad) or place == 2 or {remainder(good), remainder(bad)} == {0, 10}


@pytest.mark.parametrize("typed", ["", "-", "ไม่มี", "ไม่ทราบ", "?123", "None"])
def test_nobody_needs_an_identifier(typed):
    assert read_identifier(typed) == Identifier("none", "")


def test_other_kinds():
    assert read_identifier("g123456789012") == Identifier("g-code", "G123456789012")
    assert identifiers.read_passport("aa 1234567") == Identifier("passport", "AA1234567")
    assert identifiers.read_hospital_no("HN. 123/65", "khrung") == Identifier("hospital-no", "khrung:123/65")


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("1234567890122", "id_wrong_check_digit"),
        ("9234567890121", "id_wrong_check_digit"),
        ("123456789012", "id_wrong_length"),
        ("12345678901211", "id_wrong_length"),
        ("12345abc", "id_not_digits"),
        ("🆔", "id_not_digits"),
    ],
)
def test_a_mistyped_number_is_refused_by_name(typed, code):
    with pytest.raises(Refusal) as refused:
        read_identifier(typed, "patients.0.national_id")
    assert (refused.value.code, refused.value.field) == (code, "patients.0.national_id")
    assert typed not in refused.value.th + refused.value.en


@given(st.text(max_size=90))
def test_any_text_is_read_or_refused(text):
    with suppress(Refusal):
        assert read_identifier(text).kind in {"cid", "cid-0", "g-code", "none"}


def test_shown_and_masked():
    assert identifiers.show_cid("1234567890121") == "1-2345-67890-12-1"
    assert identifiers.mask_cid("1234567890121") == "x-xxxx-xxxxx-12-1"
