"""How answers are described in OpenAPI: every refusal is a problem document (RFC 9457) in both languages."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from shared.errors import TwoTongued
from shared.events.words import Sex

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
    raise ValueError("an instant is written out, with its time zone")


Day = Annotated[date, AfterValidator(_of_our_time)]
"""A day from outside. A year of the Buddhist era is refused here: an empty list of that day would be believed."""
Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_storable)]
"""An instant from outside: aware, turned to UTC."""


def _known(value: Any) -> Any:
    return None if value == "unknown" else value


ToldSex = Annotated[Sex | None, BeforeValidator(_known, json_schema_input_type=Sex | Literal["unknown"] | None)]
"""A code of the list ``sex``; ``unknown`` is the same as left out."""
