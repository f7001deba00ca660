"""Phone numbers of every shape a Thai caller, form or old file has, as E.164.

The library ``phonenumbers`` knows which numbers exist. Around it we clean (Thai digits, dots, invisible marks,
``ต่อ`` for an extension) and keep short codes apart: 1132 is neither a valid number nor a short number known to
the library, 1669 and 191 are, and none of them can be written as E.164 or receive an SMS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import phonenumbers
from phonenumbers import PhoneNumberType

from shared.refusal import Refusal
from shared.thai.text import Text, arabic_digits, tidy

REGION = "TH"
Kind = Literal["mobile", "landline", "other", "short"]

SHORT_CODE = re.compile(r"1\d{2,3}")
EXTENSION = re.compile(r"(?:ต่อ|เบอร์ต่อ|ext(?:ension)?\.?|x|#)\s*(\d{1,6})\s*$", re.IGNORECASE)
LABEL = re.compile(r"^(?:โทรศัพท์|โทร|เบอร์|มือถือ|tel|phone|mobile)[.:\s]*", re.IGNORECASE)
PUNCTUATION = re.compile(r"[\s().\-\u2010-\u2015\u2212]")
TWO_NUMBERS = re.compile(r"[,;/|]|หรือ|\bor\b", re.IGNORECASE)
LONGEST_TEXT = 60
LAST = 4

THAILAND = 66
# Digits after the leading 0, by the first of them (numbering plan of NBTC): mobiles 9, landlines 8. The library
# calls 7 to 13 digits "possible" in Thailand, so it cannot say which digit is missing.
SUBSCRIBER_LENGTHS = {"6": 9, "8": 9, "9": 9, "2": 8, "3": 8, "4": 8, "5": 8, "7": 8}

KNOWN_SHORT_CODES: dict[str, Text] = {
    "191": Text(th="ตำรวจ", en="police"),
    "199": Text(th="ดับเพลิง", en="fire brigade"),
    "1129": Text(th="การไฟฟ้าส่วนภูมิภาค", en="provincial electricity authority"),
    "1132": Text(th="ศูนย์กู้ชีพกู้ภัย 1132", en="1132 emergency medical and rescue centre"),
    "1300": Text(th="ศูนย์ช่วยเหลือสังคม", en="social assistance centre"),
    "1323": Text(th="สายด่วนสุขภาพจิต", en="mental health hotline"),
    "1669": Text(th="การแพทย์ฉุกเฉิน", en="emergency medical service"),
    "1784": Text(th="ป้องกันและบรรเทาสาธารณภัย", en="disaster prevention and mitigation"),
}

MOBILE_KINDS = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}


@dataclass(frozen=True, slots=True)
class Phone:
    """``e164`` for a subscriber's number (``+66812345678``), ``short`` for a short code (``1669``): never both."""

    kind: Kind
    e164: str | None
    short: str | None = None
    extension: str | None = None

    @property
    def last4(self) -> str:
        """The last four digits, by which a caller proves to be the caller (the number itself, not the extension)."""
        return (self.e164 or self.short or "")[-LAST:]

    @property
    def can_receive_sms(self) -> bool:
        return self.kind == "mobile"

    @property
    def shown(self) -> str:
        """As Thais write it: ``081 234 5678``, ``043 811 234 ต่อ 12``, ``1669``."""
        if self.e164 is None:
            return self.short or ""
        number = phonenumbers.parse(self.e164)
        national = number.country_code == phonenumbers.country_code_for_region(REGION)
        style = phonenumbers.PhoneNumberFormat
        text = phonenumbers.format_number(number, style.NATIONAL if national else style.INTERNATIONAL)
        return f"{text} ต่อ {self.extension}" if self.extension else text


def read_phone(text: str, field: str = "phone", *, short_codes: bool = True) -> Phone:
    """The phone number a person typed. Numbers without ``+`` or ``00`` are Thai.

    ``short_codes=False`` refuses 191 and the like, where a person's own number is asked for.

    Raises:
        Refusal: names what is wrong (letters, two numbers, too short, too long, no such number).

    """
    typed = arabic_digits(tidy(text[: LONGEST_TEXT + 1]))
    if not typed:
        raise Refusal("phone_empty", field, "ยังไม่ได้ใส่เบอร์โทรศัพท์", "no phone number was given")
    if len(text) > LONGEST_TEXT:
        raise _too_long(field)
    typed = LABEL.sub("", typed)
    extension = None
    if found := EXTENSION.search(typed):
        extension, typed = found[1], typed[: found.start()]
    if TWO_NUMBERS.search(typed):
        raise Refusal("phone_two_numbers", field, "มีมากกว่าหนึ่งเบอร์ กรุณาใส่ทีละเบอร์",
                      "more than one number: please give one")  # fmt: skip
    digits = PUNCTUATION.sub("", typed)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    if not re.fullmatch(r"\+?\d+", digits):
        raise Refusal("phone_not_digits", field, "เบอร์โทรศัพท์ต้องเป็นตัวเลขเท่านั้น",
                      "a phone number consists of digits only")  # fmt: skip
    if SHORT_CODE.fullmatch(digits):
        return _short(digits, field, allowed=short_codes)
    return _subscriber(digits, extension, field)


def last4(text: str, field: str = "phone_last4") -> str:
    """Four digits typed as proof, Thai digits allowed.

    Raises:
        Refusal: not exactly four digits.

    """
    digits = arabic_digits(tidy(text[:LONGEST_TEXT])).replace(" ", "")
    if not re.fullmatch(r"[0-9]{4}", digits):
        raise Refusal("not_four_digits", field, "กรุณาใส่เลขท้าย 4 ตัวของเบอร์โทรศัพท์",
                      "please give the last four digits of the phone number")  # fmt: skip
    return digits


def _short(digits: str, field: str, *, allowed: bool) -> Phone:
    if allowed:
        return Phone("short", None, short=digits)
    raise Refusal("phone_short_code", field, "เบอร์นี้เป็นเลขหมายพิเศษ กรุณาใส่เบอร์ของบุคคล",
                  "this is a short code: please give a person's number")  # fmt: skip


def _subscriber(digits: str, extension: str | None, field: str) -> Phone:
    national = digits.removeprefix("0" if digits.startswith("0") else f"+{THAILAND}")
    if national != digits and _mobiles().fullmatch(national):
        return Phone("mobile", f"+{THAILAND}{national}", extension=extension)
    try:
        number = phonenumbers.parse(digits, REGION)
    except phonenumbers.NumberParseException as problem:
        too_long = problem.error_type == phonenumbers.NumberParseException.TOO_LONG
        raise (_too_long(field) if too_long else _unknown(field)) from None
    if not phonenumbers.is_valid_number(number):
        raise _wrong(number, field)
    return Phone(
        _kind_of(number), phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), extension=extension
    )


@cache
def _mobiles() -> re.Pattern[str]:
    """What the library knows of Thai mobiles. Nearly every number is one, and its parser asks everything else first."""
    known: Any = phonenumbers.PhoneMetadata.metadata_for_region(REGION)
    return re.compile(known.mobile.national_number_pattern)


def _wrong(number: phonenumbers.PhoneNumber, field: str) -> Refusal:
    """Why a number is none: digits missing, digits too many, or no such number."""
    wanted = SUBSCRIBER_LENGTHS.get(str(number.national_number)[:1]) if number.country_code == THAILAND else None
    if wanted is None:
        return _unknown(field)
    digits = len(str(number.national_number))
    if digits < wanted:
        return Refusal("phone_too_short", field, "เบอร์โทรศัพท์สั้นเกินไป ตัวเลขขาด",
                       "the phone number is too short: digits are missing")  # fmt: skip
    return _too_long(field) if digits > wanted else _unknown(field)


def _kind_of(number: phonenumbers.PhoneNumber) -> Kind:
    kind = phonenumbers.number_type(number)
    if kind in MOBILE_KINDS:
        return "mobile"
    return "landline" if kind == PhoneNumberType.FIXED_LINE else "other"


def _too_long(field: str) -> Refusal:
    return Refusal("phone_too_long", field, "เบอร์โทรศัพท์ยาวเกินไป ตัวเลขเกิน",
                   "the phone number is too long: there are digits too many")  # fmt: skip


def _unknown(field: str) -> Refusal:
    return Refusal("phone_unknown", field, "ไม่มีเบอร์โทรศัพท์รูปแบบนี้ กรุณาตรวจสอบอีกครั้ง",
                   "there is no phone number of this shape: please check it")  # fmt: skip
