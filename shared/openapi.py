"""How answers are described in OpenAPI: every refusal is a problem document (RFC 9457) in both languages."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from shared.errors import TwoTongued
from shared.events.words import Sex
from shared.thai.dates import BE_OFFSET
from shared.thai.text import arabic_digits

_TEXT: Final = {"type": "string"}
PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "title": "Problem",
    "type": "object",
    "required": ["type", "title", "status", "code", "th", "en", "errors"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": _TEXT,
        "status": {"type": "integer"},
        "code": _TEXT,
        "th": _TEXT,
        "en": _TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "th", "en"],
                "properties": {"field": _TEXT, "code": _TEXT, "th": _TEXT, "en": _TEXT},
            },
        },
    },
}
MEANING: Final = {
    400: "not JSON",
    401: "not signed in, or the token is no longer good",
    403: "the role may not do this",
    404: "no such thing, or another municipality's",
    409: "the matter stands differently meanwhile",
    410: "it was removed",
    413: "the body is too large",
    422: "fields are wrong; each is named",
    429: "too many tries; wait",
    503: "the database is away or another change won; try again",
}
EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route that may refuse with these; 422 and 503 can happen to every route."""
    content = {"application/problem+json": {"schema": PROBLEM_SCHEMA}}
    return {status: {"description": MEANING[status], "content": content} for status in {*statuses, 422, 503}}


OUT_OF_TIME = TwoTongued(
    "ปีต้องอยู่ระหว่าง ค.ศ. 1900 ถึง 2199 ถ้าเป็น พ.ศ. ให้ลบ 543", "the year is between 1900 and 2199 (not the Buddhist era)",
    "date_out_of_range",
)  # fmt: skip
NOT_WRITTEN_OUT = TwoTongued(
    "ต้องเขียนวันเวลาเต็มรูปแบบพร้อมเขตเวลา เช่น 2026-11-23T09:00:00+07:00",
    "an instant is written out, with its time zone, e.g. 2026-11-23T09:00:00+07:00", "not_written_out",
)  # fmt: skip
TYPED_YEAR: Final = re.compile(r"\s*(\d{4})-")


def _storable(at: datetime) -> datetime:
    """In UTC, and of a time in which anything of ours can have happened: the ends of the calendar overflow."""
    if not EARLIEST <= at < LATEST:
        raise OUT_OF_TIME
    return at.astimezone(UTC)


def _of_our_time(day: date) -> date:
    if not EARLIEST.date() <= day < LATEST.date():
        raise OUT_OF_TIME
    return day


def _written_out(value: Any) -> Any:
    """A bare number would be read as seconds since 1970, which nobody means here."""
    try:
        float(value)
    except (TypeError, ValueError):
        return value
    raise NOT_WRITTEN_OUT


def _christian(value: Any) -> Any:
    """Thai digits as Arabic ones; a year of the Buddhist era is refused, with the one that is meant.

    Not turned in silence: a day in a list, a pickup or a stamp that is 543 years off is somebody's mistake, and
    whoever makes it must learn of it. Only births are read in either era (``rules/reading.py`` of intake, ``bodies.py``
    of registry), for people know theirs by it.
    """
    if not isinstance(value, str):
        return value
    typed = arabic_digits(value)
    found = TYPED_YEAR.match(typed)
    year = int(found[1]) if found else 0
    if EARLIEST.year + BE_OFFSET <= year < LATEST.year + BE_OFFSET:
        raise TwoTongued(
            f"ปี {year} เป็น พ.ศ. ช่องนี้ต้องเป็น ค.ศ. คือ {year - BE_OFFSET}",
            f"{year} is a year of the Buddhist era; this field takes the Christian year {year - BE_OFFSET}",
            "year_in_buddhist_era",
        )
    return typed


Day = Annotated[date, BeforeValidator(_christian), AfterValidator(_of_our_time)]
"""A day from outside (ISO 8601). A year of the Buddhist era is refused with the Christian one."""
Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), BeforeValidator(_christian), AfterValidator(_storable)]
"""An instant from outside (ISO 8601): aware, turned to UTC; a year of the Buddhist era as in :data:`Day`."""


def _known(value: Any) -> Any:
    return None if value == "unknown" else value


ToldSex = Annotated[Sex | None, BeforeValidator(_known, json_schema_input_type=Sex | Literal["unknown"] | None)]
"""A code of the list ``sex``; ``unknown`` is the same as left out."""
