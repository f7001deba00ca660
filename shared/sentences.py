"""What is wrong with a field, in people's words: pydantic's error types in Thai and English.

Pydantic's own English is for programmers and quotes what was typed; none of it reaches an answer. Words in ``{}`` are
limits of the contract, never the input. What any route can produce is here: ``tests/house/test_sentences.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TEXT = ("ต้องเป็นข้อความ", "this is a text")
_WHOLE = ("ต้องเป็นจำนวนเต็ม", "this is a whole number")
_NUMBER = ("ต้องเป็นตัวเลข", "this is a number")
_TRUTH = ("ต้องเป็นจริงหรือเท็จ (true, false)", "this is true or false")
_CODE = ("ไม่ใช่ค่าที่กำหนดไว้ ใช้ได้: {expected}", "not one of the known values: {expected}")
_ID = ("ไม่ใช่รหัสของรายการในระบบ (UUID)", "this is not an id of ours (UUID)")
_DAY = ("ไม่ใช่วันที่ที่ถูกต้อง เช่น 2026-11-23", "this is a day, e.g. 2026-11-23")
_MOMENT = (
    "ไม่ใช่วันเวลาที่ถูกต้อง เช่น 2026-11-23T09:00:00+07:00", "this is an instant, e.g. 2026-11-23T09:00:00+07:00",
)  # fmt: skip
_CLOCK = ("ไม่ใช่เวลาที่ถูกต้อง เช่น 09:00", "this is a time of day, e.g. 09:00")
_LIST = ("ต้องเป็นรายการ", "this is a list")
_OBJECT = ("ต้องเป็นออบเจ็กต์ที่มีชื่อช่อง", "this is an object with named fields")
GENERAL = ("ข้อมูลไม่ถูกต้อง", "this is not right")

SENTENCES: Mapping[str, tuple[str, str]] = {
    "missing": ("ต้องมีข้อมูลนี้", "this is needed"),
    "extra_forbidden": ("ไม่รู้จักช่องข้อมูลนี้", "there is no such field"),
    "string_type": _TEXT,
    "string_unicode": ("มีอักขระที่อ่านไม่ได้", "holds characters that cannot be read"),
    "string_too_long": ("ยาวเกิน {max_length} ตัวอักษร", "longer than {max_length} characters"),
    "string_too_short": ("ต้องมีอย่างน้อย {min_length} ตัวอักษร", "at least {min_length} characters are needed"),
    "string_pattern_mismatch": ("รูปแบบไม่ถูกต้อง", "not written as it should be"),
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": ("ตัวเลขใหญ่เกินไป", "this number is too large"),
    "int_from_float": ("ต้องเป็นจำนวนเต็ม ไม่มีทศนิยม", "this is a whole number, without a fraction"),
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": ("ต้องเป็นจำนวนจำกัด", "this number must be finite"),
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "enum": _CODE,
    "literal_error": _CODE,
    "uuid_type": _ID,
    "uuid_parsing": _ID,
    "date_type": _DAY,
    "date_parsing": _DAY,
    "date_from_datetime_parsing": _DAY,
    "date_from_datetime_inexact": ("ต้องเป็นวันที่ ไม่มีเวลา เช่น 2026-11-23", "this is a day without a time, e.g. 2026-11-23"),
    "datetime_type": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "datetime_object_invalid": _MOMENT,
    "timezone_aware": ("ต้องระบุเขตเวลา เช่น +07:00", "a time zone is needed, e.g. +07:00"),
    "time_type": _CLOCK,
    "time_parsing": _CLOCK,
    "greater_than": ("ต้องมากกว่า {gt}", "must be more than {gt}"),
    "greater_than_equal": ("ต้องไม่น้อยกว่า {ge}", "must be {ge} at least"),
    "less_than": ("ต้องน้อยกว่า {lt}", "must be less than {lt}"),
    "less_than_equal": ("ต้องไม่เกิน {le}", "must be {le} at most"),
    "too_long": ("มีได้ไม่เกิน {max_length} รายการ", "at most {max_length} entries"),
    "too_short": ("ต้องมีอย่างน้อย {min_length} รายการ", "at least {min_length} entries"),
    "list_type": _LIST,
    "tuple_type": _LIST,
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "value_error": GENERAL,
    "assertion_error": GENERAL,
}

SLUG = r"^[a-z][a-z0-9-]{1,30}$"
PATTERNS: Mapping[str, tuple[str, str]] = {
    SLUG: (
        "รหัสพื้นที่ใช้ a-z ตัวเล็ก ตัวเลข และ - ขึ้นต้นด้วยตัวอักษร 2–31 ตัว เช่น kalasin",
        "a municipality's slug is 2 to 31 of a-z, 0-9 and -, a letter first, e.g. kalasin",
    )
}
"""What some patterns mean, in place of ``string_pattern_mismatch``."""


def sentence(kind: str, limits: Mapping[str, Any]) -> tuple[str, str]:
    """Thai and English for an error type of pydantic; ``limits`` is its context."""
    th, en = PATTERNS.get(str(limits.get("pattern")), SENTENCES.get(kind, GENERAL))
    shown = {name: str(value).replace(" or ", ", ") for name, value in limits.items()}
    return th.format_map(shown), en.format_map(shown)
