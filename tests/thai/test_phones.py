"""Phone numbers of every shape."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.refusal import Refusal
from shared.thai import phones
from shared.thai.phones import last4, read_phone

MOBILE = "+66812345678"


@pytest.mark.parametrize(
    "typed",
    [
        "0812345678",
        "081-234-5678",
        "081 234 5678",
        "081.234.5678",
        "(081) 234-5678",
        "08-1234-5678",
        "๐๘๑๒๓๔๕๖๗๘",
        "๐๘๑-๒๓๔-๕๖๗๘",
        "+66812345678",
        "+66 81 234 5678",
        "+66 (0)81 234 5678",
        "0066812345678",
        "โทร. 081-234-5678",
        "Tel: 0812345678",
        "081\u20112345678",
        "\u200b081\u200b2345678\ufeff",
        "\u202a0812345678\u202c",
        "０８１２３４５６７８".translate({0xFF10 + n: str(n) for n in range(10)}),
    ],
)
def test_one_mobile_number_in_every_shape(typed):
    phone = read_phone(typed)
    assert (phone.kind, phone.e164, phone.last4) == ("mobile", MOBILE, "5678")
    assert phone.shown == "081 234 5678"


@given(st.from_regex(r"(0|\+66|0066)[0-9]{8,10}", fullmatch=True))
def test_mobiles_are_read_as_the_library_reads_them(typed: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        quick = _read(typed)
        patch.setattr(phones, "_mobiles", lambda: re.compile("never"))
        assert _read(typed) == quick


def _read(typed: str) -> object:
    try:
        return read_phone(typed)
    except Refusal as refused:
        return refused.code


def test_a_landline_with_an_extension():
    for typed in ("043-811-234 ต่อ 12", "043 811234 ext. 12", "043811234#12", "(043) 811 234 x12"):
        phone = read_phone(typed)
        assert (phone.kind, phone.e164, phone.extension, phone.last4) == ("landline", "+6643811234", "12", "1234")
        assert not phone.can_receive_sms
    assert read_phone("043-811-234 ต่อ 12").shown == "043 811 234 ต่อ 12"


@pytest.mark.parametrize("code", ["1132", "1669", "191", "๑๖๖๙", "1323"])
def test_short_codes_stand_apart(code):
    phone = read_phone(code)
    assert phone.kind == "short"
    assert phone.e164 is None
    assert not phone.can_receive_sms
    with pytest.raises(Refusal) as refused:
        read_phone(code, short_codes=False)
    assert refused.value.code == "phone_short_code"


def test_a_foreign_number_needs_its_country():
    assert read_phone("+856 20 5555 1234").e164 == "+8562055551234"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "phone_empty"),
        (" \u200b ", "phone_empty"),
        ("08123456", "phone_too_short"),
        ("081234567", "phone_too_short"),
        ("08123456789", "phone_too_long"),
        ("0812345678, 0898765432", "phone_two_numbers"),
        ("0812345678 หรือ 0898765432", "phone_two_numbers"),
        ("0812345678/0898765432", "phone_two_numbers"),
        ("081-CALL-NOW", "phone_not_digits"),
        ("📞", "phone_not_digits"),
        ("++66812345678", "phone_not_digits"),
        ("0000000000", "phone_unknown"),
        ("043 111", "phone_too_short"),
        ("010 234 5678", "phone_unknown"),
        ("+99912345678", "phone_unknown"),
        ("1" * 61, "phone_too_long"),
    ],
)
def test_a_wrong_number_is_refused_by_name_and_never_repeated(typed, code):
    with pytest.raises(Refusal) as refused:
        read_phone(typed, "caller.phone")
    assert (refused.value.code, refused.value.field) == (code, "caller.phone")
    if len(typed) > 3:
        assert typed not in refused.value.th + refused.value.en


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text):
    with suppress(Refusal):
        phone = read_phone(text)
        assert phone.e164 is None or read_phone(phone.e164).e164 == phone.e164
        assert len(phone.last4) >= 3


def test_last_four_digits():
    assert last4("๕๖๗๘") == "5678"
    assert last4(" 56 78 ") == "5678"
    for wrong in ("567", "56789", "abcd", ""):
        with pytest.raises(Refusal):
            last4(wrong)
