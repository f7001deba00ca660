"""Bodies of ``POST /v1/plans/preview``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from services.dispatch.travel.matrix import GREATEST, MOST_WITHIN
from services.dispatch.travel.places import Id, Metric, Place, Said
from shared.errors import TwoTongued
from shared.http import Body

MOST_TRIPS, MOST_VEHICLES, MOST_SECONDS = 1000, 200, 120
INVERTED = TwoTongued("ช่วงเวลาต้องปิดหลังเปิด", "a time span closes after it opens", "inverted")
NO_LOAD = TwoTongued("ต้องใช้ที่อย่างน้อยหนึ่งที่", "at least one place is taken", "no_load")

Second = Annotated[float, Field(ge=0, le=1e9)]
Kind = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
Amount = Annotated[float, Field(ge=0, le=1e6)]
Skills = Annotated[list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=50)]


def _in_order(span: tuple[float, float]) -> tuple[float, float]:
    if span[0] > span[1]:
        raise INVERTED
    return span


def _some(load: dict[str, float]) -> dict[str, float]:
    if not any(load.values()):
        raise NO_LOAD
    return load


Span = Annotated[tuple[Second, Second], AfterValidator(_in_order)]
"""``[open_s, close_s]``, seconds from the plan's zero."""
Places = Annotated[dict[Kind, Amount], Field(max_length=8)]
"""Places by kind: ``seat``, ``wheelchair``, ``stretcher``, or a kind of the caller's own."""
Load = Annotated[Places, AfterValidator(_some)]


class StopIn(Place):
    """A place with the window in which service begins, and how long it takes."""

    window: Span
    service_s: Second = 0.0

    @property
    def metric(self) -> Metric | None:
        given = self.model_fields_set - {"window", "service_s"}
        kinds: dict[frozenset[str], Metric] = {
            frozenset({"x", "y"}): "euclidean", frozenset({"lon", "lat"}): "road", frozenset({"index"}): "matrix",
        }  # fmt: skip
        whole = all(getattr(self, name) is not None for name in given)
        return kinds.get(frozenset(given)) if whole else None


class VehicleIn(Body):
    id: Id
    start: Place
    end: Place
    capacity: Places
    shift: Span
    max_duration_s: Second | None = None
    max_ride_s: Second | None = None
    skills: Skills = Field(default_factory=list)


class TripIn(Body):
    """``priority``: who is served first where not everybody can be; 0 like most, up to 9."""

    id: Id
    pickup: StopIn
    dropoff: StopIn
    load: Load = Field(default_factory=lambda: {"seat": 1.0})
    max_ride_s: Second | None = None
    skills: Skills = Field(default_factory=list)
    priority: Annotated[int, Field(ge=0, le=9)] = 0


_DRIVE = {"type": "number", "minimum": 0, "maximum": GREATEST, "nullable": True}
_ROWS = {"type": "array", "minItems": 1, "maxItems": MOST_WITHIN, "items": {"type": "array", "items": _DRIVE}}
MatrixIn = Annotated[
    Any,
    WithJsonSchema(
        {
            "type": "object", "required": ["duration_s"], "additionalProperties": False,
            "properties": {"duration_s": _ROWS, "distance_m": _ROWS},
        }
    ),
]  # fmt: skip
"""Read by ``travel.matrix.read_matrix``, which says what is wrong with it."""


class PlanBody(Body):
    """``metric`` euclidean: distance = duration = distance in the plane. ``matrix`` or ``matrix_id`` with matrix.

    A matrix within has 1,000 places at most, which is 499 trips where each has two of its own. One that was put before
    has 2,400, which is enough for 1,000 trips and 200 vehicles at places of their own.
    """

    metric: Metric = "euclidean"
    matrix: MatrixIn = None
    matrix_id: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    objective: Literal["distance", "vehicles_then_distance", "service"] = "distance"
    time_limit_s: Annotated[float, Field(gt=0, le=MOST_SECONDS)] = 5.0
    seed: Annotated[int, Field(ge=0, le=2**31)] = 1
    vehicles: Annotated[list[VehicleIn], Field(max_length=MOST_VEHICLES)]
    trips: Annotated[list[TripIn], Field(max_length=MOST_TRIPS)]


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid")


class StopOut(_Out):
    trip: str | int
    kind: Literal["pickup", "dropoff"]
    arrive_s: float
    begin_s: float
    depart_s: float


class RouteOut(_Out):
    vehicle: str | int
    cost: float
    stops: list[StopOut]


class UnservedOut(_Out):
    """``reason`` is a code; what it means, and what would help, stands beside it in both languages."""

    trip: str | int
    reason: str
    th: str
    en: str
    help_th: str
    help_en: str


class PlanOut(_Out):
    """``cost``: distance; for ``service`` seconds driven plus seconds that people ride or wait for others to board.

    ``routes``: vehicles that drive. ``feasible``: the checker, which is separate from the search, has proved the
    routes. ``travel_times``: who says how long a drive takes.
    """

    cost: float
    vehicles_used: int
    feasible: bool
    routes: list[RouteOut]
    unserved: list[UnservedOut]
    elapsed_s: float
    travel_times: Said
