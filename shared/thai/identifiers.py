"""Identifiers of people: the 13-digit number, the school G-code, passports, hospital numbers, and none at all.

Why not python-stdnum: its ``th.pin`` checks the same digit but refuses every number that starts with 0, and
those belong to people without civil registration status, whom this project must serve first. The check is five
lines, so it is our own.

An identifier helps to recognise a person; it never decides whether somebody is helped. ``none`` is a kind like
the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from shared.refusal import Refusal
from shared.thai.text import arabic_digits, tidy

Kind = Literal["cid", "cid-0", "g-code", "passport", "hospital-no", "none"]

CID_LENGTH = 13
G_CODE = re.compile(r"G\d{12}")
"""Ministry of Education: pupils without civil registration get ``G`` and 12 digits."""
PASSPORT = re.compile(r"[A-Z0-9]{5,12}")
HOSPITAL_NO = re.compile(r"[A-Z0-9][A-Z0-9/-]{0,19}")
NOBODY_KNOWS = {"", "-", "?", "ไม่มี", "ไม่ทราบ", "ไม่รู้", "none", "unknown", "n/a"}
GAPS = re.compile(r"[\s\-\u2010-\u2015]")


@dataclass(frozen=True, slots=True)
class Identifier:
    """``value`` is the canonical form for comparing and for the blind index; empty for ``none``."""

    kind: Kind
    value: str


def check_digit(first_twelve: str) -> int:
    """The 13th digit: weights 13 down to 2, modulo 11 (Department of Provincial Administration).

    It cannot catch everything: the third digit weighs 11 and so counts for nothing.
    """
    total = sum(weight * int(digit) for weight, digit in zip(range(13, 1, -1), first_twelve, strict=True))
    return (11 - total % 11) % 10


def is_cid(digits: str) -> bool:
    """Whether 13 ASCII digits carry the right check digit. A first digit of 9 has never been assigned."""
    return (
        len(digits) == CID_LENGTH
        and digits.isascii()
        and digits.isdigit()
        and digits[0] != "9"
        and check_digit(digits[:12]) == int(digits[12])
    )


def read_identifier(text: str, field: str = "national_id") -> Identifier:
    """A 13-digit number or G-code as typed: ``1-2345-67890-12-1``, Thai digits, or ``ไม่มี``.

    Raises:
        Refusal: says whether digits are missing, too many or mistyped.

    """
    typed = arabic_digits(tidy(text[:80]))
    # iMed@home writes an unknown number with a question mark in front.
    if typed.casefold() in NOBODY_KNOWS or typed.startswith("?"):
        return Identifier("none", "")
    value = GAPS.sub("", typed).upper()
    if G_CODE.fullmatch(value):
        return Identifier("g-code", value)
    if not re.fullmatch(r"[0-9]+", value):
        raise Refusal(
            "id_not_digits", field, "เลขประจำตัวต้องเป็นตัวเลข 13 หลัก หรือรหัส G ตามด้วยตัวเลข 12 หลัก",
            "an identification number is 13 digits, or G and 12 digits",
        )  # fmt: skip
    if len(value) != CID_LENGTH:
        raise Refusal(
            "id_wrong_length", field, f"เลขประจำตัวต้องมี 13 หลัก ที่ใส่มามี {len(value)} หลัก",
            f"an identification number has 13 digits, this one has {len(value)}",
        )  # fmt: skip
    if not is_cid(value):
        raise Refusal(
            "id_wrong_check_digit", field, "เลขประจำตัวไม่ถูกต้อง อาจพิมพ์ผิดบางหลัก กรุณาตรวจสอบ หรือเว้นว่างไว้",
            "the identification number is not right: a digit may be mistyped; correct it or leave it out",
        )  # fmt: skip
    return Identifier("cid-0" if value[0] == "0" else "cid", value)


def read_passport(text: str, field: str = "passport") -> Identifier:
    """A passport number: letters and digits only, upper case.

    Raises:
        Refusal: not 5 to 12 letters and digits.

    """
    value = GAPS.sub("", arabic_digits(tidy(text[:80]))).upper()
    if not PASSPORT.fullmatch(value):
        raise Refusal("passport_shape", field, "เลขหนังสือเดินทางเป็นตัวอักษรและตัวเลข 5-12 ตัว",
                      "a passport number is 5 to 12 letters and digits")  # fmt: skip
    return Identifier("passport", value)


def read_hospital_no(text: str, hospital: str, field: str = "hospital_no") -> Identifier:
    """A hospital number (HN). It means something only together with the hospital's code, so both are the value.

    Raises:
        Refusal: not a hospital number.

    """
    value = arabic_digits(tidy(text[:80])).upper().removeprefix("HN").strip(" .:")
    if not HOSPITAL_NO.fullmatch(value):
        raise Refusal("hospital_no_shape", field, "เลขประจำตัวผู้ป่วย (HN) ไม่ถูกต้อง", "this is not a hospital number")
    return Identifier("hospital-no", f"{hospital}:{value}")


def show_cid(value: str) -> str:
    """``1-2345-67890-12-1``, as on the card."""
    return "-".join((value[0], value[1:5], value[5:10], value[10:12], value[12]))


def mask_cid(value: str) -> str:
    """``x-xxxx-xxxxx-12-1``: enough for a person to recognise their own number, no more."""
    return show_cid("x" * 10 + value[10:])
