"""Bodies and answers of where people live."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from services.registry.answers import Age, Answer, Label
from services.registry.api.pictures_models import PictureShown
from services.registry.values import Area, AreaCode, Code, Line, known_group
from shared.codes.codes import code_list
from shared.errors import FieldProblem, TwoTongued, field_problems
from shared.geo import Point, read_point
from shared.http import Body
from shared.openapi import Moment
from shared.refusal import Refusal
from shared.thai.dates import Years, day_bounds, local_day, read_day
from shared.work import now_utc

MOST_ROWS = 500
MOST_NEAR = 500
SEEN_YEARS = 30
"""So long ago a point may have been seen."""

Degrees = Annotated[float, Field(ge=-180, le=180)]
Metres = Annotated[int, Field(ge=0, le=100_000)]
Use = Literal["home", "usual"]
AGENCY = "agency"
"""What somebody of another agency is: known by the account, and said by nobody."""


def _source(code: str) -> str:
    if code == AGENCY or code not in code_list("observer_kind").codes:
        raise TwoTongued("ไม่รู้จักผู้บันทึกชนิดนี้ ดูรายการที่ /v1/codes", "unknown kind of observer; see /v1/codes", "unknown_code")
    return code


class PointBody(Body):
    lon: Degrees
    lat: Degrees

    @model_validator(mode="after")
    def _in_the_country(self) -> Self:
        self.point()
        return self

    def point(self) -> Point:
        """The point.

        Raises:
            TwoTongued: it is none in Thailand.

        """
        try:
            return read_point(self.lon, self.lat)
        except Refusal as refusal:
            raise TwoTongued(refusal.th, refusal.en, refusal.code) from None


class LocationBody(PointBody):
    """Where somebody lives, as one person saw it. ``photo``: a reference; pictures come by themselves.

    ``id``: the client's own, so that a phone may send twice. ``method`` ``visit`` is an officer's alone. ``visit_id``:
    the visit on which it was seen; where that has gone to somebody else since, so does this.
    """

    id: UUID | None = None
    use: Use = "home"
    accuracy_m: Metres | None = None
    method: Literal["visit", "gps", "map", "address"] = "gps"
    source: Annotated[Code, AfterValidator(_source)] | None = None
    observed_at: Moment | None = None
    photo: Line = None
    visit_id: UUID | None = None


class NearBody(Body):
    """Near a point, or near what GeoJSON draws (a risk map's layer). ``groups``: any of these; left out: everybody."""

    point: PointBody | None = None
    geojson: dict[str, Any] | None = None
    within_m: Annotated[float, Field(ge=0, le=5000)] = 300
    groups: Annotated[list[Annotated[Code, AfterValidator(known_group)]], Field(min_length=1, max_length=20)] | None = (
        None
    )
    area: Area | None = None
    exercise: bool = False
    limit: Annotated[int, Field(ge=1, le=MOST_NEAR)] = 200

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.point is None) == (self.geojson is None):
            raise TwoTongued("ระบุจุดหรือ GeoJSON อย่างใดอย่างหนึ่ง", "one of point and geojson is wanted", "one_thing")
        return self

    def document(self) -> dict[str, Any]:
        if self.point is not None:
            return {"type": "Point", "coordinates": [self.point.lon, self.point.lat]}
        return self.geojson or {}


def _day_too(value: Any) -> Any:
    """A day as offices write it, in either era, is the beginning of that day in Thailand."""
    if not isinstance(value, str) or ":" in value:
        return value
    this_year = local_day(now_utc()).year
    try:
        return day_bounds(read_day(value, Years(this_year - SEEN_YEARS, this_year), "observed_at"))[0]
    except Refusal as refusal:
        raise TwoTongued(refusal.th, refusal.en, refusal.code) from None


RowNumber = Annotated[int, Field(ge=0, le=10_000_000)]


class NumberedRow(BaseModel):
    """A row as it may come: only its number has to be right. What else cannot be read is told of this row alone.

    Fields: ``row``, ``person_id``, ``area_code``, ``address``, ``name``, ``lon``, ``lat``, ``accuracy_m``, and
    ``observed_at``: an instant, or a day as ``2026-11-01`` or ``01/11/2569``.
    """

    model_config = ConfigDict(extra="allow")
    row: RowNumber


class RowBody(Body):
    """One line of a file of points; ``row`` is its number there.

    ``observed_at``: an instant, or a day (``2026-11-01``, ``01/11/2569``).
    Without ``person_id`` the house says who: ``area_code`` (tambon or village) and ``address``, and ``name`` where
    several live there.
    """

    row: RowNumber
    person_id: UUID | None = None
    area_code: AreaCode | None = None
    address: Line = None
    name: Line = None
    lon: Degrees
    lat: Degrees
    accuracy_m: Metres | None = None
    observed_at: Annotated[Moment | None, BeforeValidator(_day_too)] = None
    _wrong: FieldProblem | None = PrivateAttr(None)

    @property
    def wrong(self) -> FieldProblem | None:
        """Why the row cannot be read; then nothing but its number is known of it."""
        return self._wrong

    @classmethod
    def unread(cls, row: int, wrong: FieldProblem) -> Self:
        body = cls(row=row, lon=0, lat=0)
        body._wrong = wrong
        return body


def _or_why_not(value: Any, read: ValidatorFunctionWrapHandler) -> RowBody:
    """One row that cannot be read stops no other. Without its number nobody could be told which it is."""
    try:
        row: RowBody = read(value)
    except ValidationError as problem:
        found = field_problems(problem.errors(include_url=False, include_input=False))
        if not isinstance(value, dict) or any(one.field in {"row", "body"} for one in found):
            raise
        return RowBody.unread(int(value["row"]), found[0])
    return row


Row = Annotated[RowBody, WrapValidator(_or_why_not, json_schema_input_type=NumberedRow)]


class FileBody(Body):
    """A part of a file of points. ``dry_run``: say what would become of each row, and keep nothing."""

    source: Annotated[Code, AfterValidator(_source)] = "post"
    method: Literal["gps", "map", "address"] = "gps"
    dry_run: bool = False
    rows: Annotated[list[Row], Field(min_length=1, max_length=MOST_ROWS)]

    @model_validator(mode="after")
    def _each_row_once(self) -> Self:
        if len({row.row for row in self.rows}) < len(self.rows):
            raise TwoTongued("หมายเลขแถวซ้ำกัน", "a row's number stands there twice", "row_twice")
        return self


class LocationKept(Answer):
    """``verdict``: what became of it, list ``location_verdict``."""

    id: UUID
    verdict: Label


class RowVerdict(Answer):
    """``field, th, en``: of a row that cannot be read (``bad_row``), in which column and why."""

    row: int
    verdict: Label
    field: str | None = None
    th: str | None = None
    en: str | None = None
    location_id: UUID | None
    person_id: UUID | None


class FileVerdicts(Answer):
    dry_run: bool
    items: list[RowVerdict]
    counts: dict[str, int]


class LocationShown(Answer):
    """``stands``: here the person is held to live. ``verified``: how, where two sources or an officer say so.

    ``area_code``: in whose boundary that point plainly lies, with its name.
    ``agency_id``: whose observation it is; none is the municipality.
    """

    id: UUID
    use: Label
    lon: float
    lat: float
    accuracy_m: int | None
    method: Label
    source: Label
    seen_by: str
    agency_id: UUID | None = None
    photo: str | None
    pictures: list[PictureShown]
    observed_at: datetime
    recorded_at: datetime
    stands: bool
    verified: Label | None
    with_id: UUID | None
    verified_at: datetime | None
    area_code: str | None
    area_th: str | None
    area_en: str | None


class Locations(Answer):
    """The last 200, newest first."""

    items: list[LocationShown]


class NearPerson(Answer):
    """Somebody who lives there. ``distance_m``: 0 inside what was drawn."""

    id: UUID
    area: str
    name: str | None
    age: Age | None
    mobility: str | None
    needs: list[str]
    groups: list[Label]
    use: Label
    lon: float
    lat: float
    distance_m: int
    verified: bool


class NearPeople(Answer):
    """The nearest first. ``total`` counts those beyond ``limit`` as well."""

    items: list[NearPerson]
    total: int
    more: bool
