"""What a field of a body may hold: read once, refused in both languages, kept as it was typed."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from services.registry.rules.areas import OWN, VILLAGE
from services.registry.rules.identity import Held
from shared.codes.codes import code_list
from shared.errors import TwoTongued
from shared.refusal import Refusal
from shared.thai.areas import area
from shared.thai.dates import BANGKOK, Years, read_day, read_year
from shared.thai.identifiers import read_identifier
from shared.thai.phones import read_phone
from shared.thai.text import arabic_digits
from shared.work import now_utc


def _nothing_is_none(value: Any) -> Any:
    """Forms send empty fields as empty texts."""
    return None if isinstance(value, str) and not value.strip() else value


def two_tongued(refusal: Refusal) -> TwoTongued:
    return TwoTongued(refusal.th, refusal.en, refusal.code)


def read_national_id(text: str) -> Held:
    """A 13-digit number or G-code as typed.

    Raises:
        TwoTongued: says what is wrong with it.

    """
    try:
        return Held(read_identifier(text))
    except Refusal as refusal:
        raise two_tongued(refusal) from None


def read_own_phone(text: str) -> str:
    """A subscriber's number as E.164.

    Raises:
        TwoTongued: says what is wrong with it; a short code is nobody's own.

    """
    try:
        return read_phone(text, short_codes=False).e164 or ""
    except Refusal as refusal:
        raise two_tongued(refusal) from None


def thai_today() -> date:
    return now_utc().astimezone(BANGKOK).date()


def read_birth_date(text: str) -> date:
    """A day in either era, not in the future.

    Raises:
        TwoTongued: says what is wrong with it.

    """
    today = thai_today()
    try:
        on = read_day(text, Years.of_birth(today))
    except Refusal as refusal:
        raise two_tongued(refusal) from None
    if on > today:
        raise TwoTongued("วันเกิดอยู่ในอนาคต", "the date of birth lies in the future", "born_later")
    return on


def read_birth_year(year: int) -> int:
    """The Christian year of a year in either era.

    Raises:
        TwoTongued: it makes sense in neither.

    """
    try:
        return read_year(year, Years.of_birth(thai_today()))
    except Refusal as refusal:
        raise two_tongued(refusal) from None


def read_area_code(code: str) -> str:
    """An official code of 2, 4 or 6 digits, of a village (8), or of a municipality's own row, as its shape allows.

    Whether there is such a row is asked of the store (``verbs/areas.py``).

    Raises:
        TwoTongued: there is no such area; of an abolished one it says which took its place.

    """
    code = arabic_digits(code.strip())
    if OWN.match(code) or VILLAGE.match(code):
        return code
    try:
        return area(code, "area_code").code
    except Refusal as refusal:
        raise two_tongued(refusal) from None


def known_group(code: str) -> str:
    if code not in code_list("group"):
        raise TwoTongued("ไม่รู้จักกลุ่มนี้ ดูรายการที่ /v1/codes", "unknown group; see /v1/codes", "unknown_code")
    return code


def coded(list_id: str) -> AfterValidator:
    """A code of this list that may be used."""

    def check(code: Any) -> Any:
        if code is not None and str(code) not in code_list(list_id).codes:
            raise TwoTongued("ไม่รู้จักรหัสนี้ ดูรายการที่ /v1/codes", "unknown code; see /v1/codes", "unknown_code")
        return code

    return AfterValidator(check)


def readable(read: Any) -> AfterValidator:
    """Checks that a text can be read, and keeps it as it was typed."""

    def check(value: Any) -> Any:
        if value is not None:
            read(value)
        return value

    return AfterValidator(check)


MOST_TOLD = 4000
"""The longest note of a need: several people may have added to it."""
Short = Annotated[str, Field(min_length=1, max_length=60)]
Long = Annotated[str, Field(min_length=1, max_length=200)]
Empty = BeforeValidator(_nothing_is_none, json_schema_input_type=Annotated[str, Field(max_length=60)] | None)
EmptyLine = BeforeValidator(_nothing_is_none, json_schema_input_type=Annotated[str, Field(max_length=200)] | None)
Told = Annotated[
    Annotated[str, Field(min_length=1, max_length=MOST_TOLD)] | None,
    BeforeValidator(_nothing_is_none, json_schema_input_type=Annotated[str, Field(max_length=MOST_TOLD)] | None),
]
Word = Annotated[Short | None, Empty]
Line = Annotated[Long | None, EmptyLine]
NationalId = Annotated[Short | None, Empty, readable(read_national_id)]
PhoneNumber = Annotated[Short | None, Empty, readable(read_own_phone)]
BirthDate = Annotated[Short | None, Empty, readable(read_birth_date)]
BirthYear = Annotated[Annotated[int, Field(ge=0, le=9999)] | None, readable(read_birth_year)]
Area = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,30}$")]
Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
PaperNumber = Annotated[
    str,
    Field(
        # A code, or something with a digit soon: a name or a reason is no number, and this stands in the clear.
        pattern=r"^(?:[a-z0-9][a-z0-9_-]{0,39}"
        r"|[A-Za-z\u0E01-\u0E4E./() _-]{0,16}[0-9\u0E50-\u0E59][0-9A-Za-z\u0E01-\u0E5B ./()_-]{0,43})$",
        description="number of a paper as it stands on it, e.g. กส 52001/123",
    ),
]
IdentifierKind = Literal["cid", "cid-0", "g-code", "passport", "hospital-no", "none"]
AREA_CODE = r"^(?:\d{2}|\d{4}|\d{6}|\d{8}|[a-z][a-z0-9-]{1,30}(?::[a-z0-9][a-z0-9_-]{0,39})?)$"
AreaCode = Annotated[str, Field(pattern=AREA_CODE)]
