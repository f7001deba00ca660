"""Places as previews name them, and travel times between them. Pure.

A place is on a plane (``x, y``, at one unit of length a second), on the earth (``lon, lat``), or a number in a matrix
(``index``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from services.dispatch.rules.ranking import Source
from services.dispatch.travel.matrix import Matrix, Numbers
from shared.geo import EARTH_RADIUS_M
from shared.refusal import Refusal

Metric = Literal["euclidean", "road", "matrix"]
Id = Annotated[str, Field(min_length=1, max_length=100)] | Annotated[int, Field(strict=True, ge=-(2**53), le=2**53)]
"""The caller's own name or number for something; answered as it was said. A number and its text are one."""
PAIR = 2
Said = Source | Literal["plane"]
SOURCES: dict[Metric, Said] = {"euclidean": "plane", "road": "great_circle", "matrix": "matrix"}
KINDS: dict[Metric, tuple[str, ...]] = {"euclidean": ("x", "y"), "road": ("lon", "lat"), "matrix": ("index",)}


class Place(BaseModel):
    """``{x, y}``, ``{lon, lat}`` or ``{index}``: one of them (:func:`refuse_others` sees to it).

    Hundreds come with each question, so nothing is checked here that only Python could check.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    x: Annotated[float | None, Field(ge=-1e9, le=1e9)] = None
    y: Annotated[float | None, Field(ge=-1e9, le=1e9)] = None
    lon: Annotated[float | None, Field(ge=-180, le=180)] = None
    lat: Annotated[float | None, Field(ge=-90, le=90)] = None
    index: Annotated[int | None, Field(ge=0)] = None

    @property
    def metric(self) -> Metric | None:
        """The way of measuring that knows such a place; None where it is none or a mixture."""
        if self.index is not None:
            return "matrix" if len(self.model_fields_set) == 1 else None
        if len(self.model_fields_set) != PAIR:
            return None
        if self.lon is not None and self.lat is not None:
            return "road"
        return "euclidean" if self.x is not None and self.y is not None else None


def refuse_others(places: Sequence[tuple[str, Place]], metric: Metric, matrix: Matrix | None) -> None:
    """Every place must be one that ``metric`` knows; ``places`` are (field, place).

    Raises:
        Refusal: names the first field that is not, or whose index lies outside the matrix.

    """
    names = ", ".join(KINDS[metric])
    for field, place in places:
        if place.metric is None:
            th = "ต้องเป็น {x, y} หรือ {lon, lat} หรือ {index} อย่างใดอย่างหนึ่ง"
            raise Refusal("place", field, th, "this is {x, y} or {lon, lat} or {index}, one of them")
        if place.metric != metric:
            raise Refusal("place", field, f"ระยะแบบ {metric} ใช้ {{{names}}}", f"with metric {metric} it is {{{names}}}")
        if matrix is not None and place.index is not None and place.index >= matrix.places:
            th, en = f"เมทริกซ์มี {matrix.places} แห่ง", f"the matrix has {matrix.places} places"
            raise Refusal("place", f"{field}.index", th, en)


def durations(
    origins: Sequence[Place], destinations: Sequence[Place], metric: Metric, matrix: Matrix | None,
    factor: float, speed_m_s: float,
) -> tuple[Numbers, Said]:  # fmt: skip
    """Seconds from every origin to every destination, and who says so. All places are of the metric."""
    if not origins or not destinations:
        return np.zeros((len(origins), len(destinations))), SOURCES[metric]
    if metric == "matrix":
        assert matrix is not None  # noqa: S101 asked for before
        rows = np.fromiter((place.index or 0 for place in origins), dtype=np.intp, count=len(origins))
        columns = np.fromiter((place.index or 0 for place in destinations), dtype=np.intp, count=len(destinations))
        return matrix.duration_s[np.ix_(rows, columns)], SOURCES[metric]
    one, other = _points(origins, metric), _points(destinations, metric)
    if metric == "euclidean":
        return np.hypot(one[:, None, 0] - other[None, :, 0], one[:, None, 1] - other[None, :, 1]), SOURCES[metric]
    one, other = np.radians(one), np.radians(other)
    lon, lat = (one[:, None, axis] - other[None, :, axis] for axis in (0, 1))
    chord = np.sin(lat / 2) ** 2 + np.cos(one[:, None, 1]) * np.cos(other[None, :, 1]) * np.sin(lon / 2) ** 2
    metres = 2 * EARTH_RADIUS_M * np.arcsin(np.minimum(1.0, np.sqrt(chord)))
    return metres * factor / speed_m_s, SOURCES[metric]


def _points(places: Sequence[Place], metric: Metric) -> Numbers:
    return np.array([[getattr(place, name) for name in KINDS[metric]] for place in places], dtype=np.float64)
