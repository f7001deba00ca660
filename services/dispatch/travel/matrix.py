"""A matrix of travel times between numbered places. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.refusal import Refusal

Numbers = NDArray[np.float64]

MOST_PLACES = 1000
GREATEST = 1e9
"""Seconds or metres: beyond it sums lose what schedules are compared by."""
TWO_DIMENSIONS = 2
MOST_COMMAS = 2 * MOST_PLACES**2
"""Of a body with two matrices of the largest size."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """``duration_s[i, j]``: seconds from place i to place j; ``distance_m`` likewise, or None where it was not given.

    Both are square, of the same size, and not below zero; infinite where there is no way (``null`` in JSON).
    """

    duration_s: Numbers
    distance_m: Numbers | None = None

    @property
    def places(self) -> int:
        return int(self.duration_s.shape[0])


def refuse_crowd(body: bytes, field: str, beside: int = 0) -> None:
    """Look at a body before it is unpacked: numbers take a multiple of the room that their letters took.

    ``beside``: so many commas more may stand in what else the body says.

    Raises:
        Refusal: ``matrix_size``.

    """
    if body.count(b",") > MOST_COMMAS + beside:
        raise _too_many(field)


def _too_many(field: str) -> Refusal:
    return Refusal("matrix_size", field, f"ไม่เกิน {MOST_PLACES} แห่ง", f"{MOST_PLACES} places at most")


def read_matrix(said: Any, within: str = "") -> Matrix:
    """What a body says: ``{"duration_s": [[…]], "distance_m"?: [[…]]}``. ``within`` is the field it stands in.

    Raises:
        Refusal: names the field; not a matrix of numbers, not square, too large, negative, of two sizes, a drive
            without its distance.

    """
    place = f"{within}." if within else ""
    if not isinstance(said, dict):
        raise Refusal("object", within or "body", "ต้องเป็นออบเจ็กต์ที่มีชื่อช่อง", "this is an object with named fields")
    if unknown := sorted(set(said) - {"duration_s", "distance_m"}):
        raise Refusal("extra_forbidden", f"{place}{str(unknown[0])[:40]}", "ไม่รู้จักช่องข้อมูลนี้", "there is no such field")
    duration = _square(said.get("duration_s"), f"{place}duration_s")
    if said.get("distance_m") is None:
        return Matrix(duration)
    distance = _square(said["distance_m"], f"{place}distance_m")
    if distance.shape != duration.shape:
        raise Refusal("matrix_shape", f"{place}distance_m", "ขนาดไม่เท่ากับ duration_s", "not of the size of duration_s")
    if (np.isinf(distance) & np.isfinite(duration)).any():
        raise Refusal(
            "matrix_distance", f"{place}distance_m", "เป็น null ได้เฉพาะที่ duration_s เป็น null",
            "null only where duration_s is null",
        )  # fmt: skip
    return Matrix(duration, distance)


def _square(rows: Any, field: str) -> Numbers:
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) for row in rows):
        raise Refusal("matrix_shape", field, "ต้องเป็นรายการของแถว แถวละรายการ", "this is a list of rows, each a list")
    if len(rows) > MOST_PLACES:
        raise _too_many(field)
    if any(len(row) != len(rows) for row in rows):
        raise Refusal("matrix_shape", field, "ทุกแถวต้องยาวเท่าจำนวนแถว", "every row is as long as there are rows")
    if any(type(value) not in {int, float, type(None)} for row in rows for value in row):
        raise Refusal(
            "matrix_numbers", field, "ต้องเป็นตัวเลขหรือ null ทั้งหมด", "all are numbers, or null where there is no way"
        )
    try:
        made = np.array([[np.inf if value is None else value for value in row] for row in rows], dtype=np.float64)
    except OverflowError:
        raise _too_large(field) from None
    if (np.isfinite(made) & (made > GREATEST)).any():
        raise _too_large(field)
    if np.isnan(made).any() or (made < 0).any():
        raise Refusal("matrix_numbers", field, "ต้องไม่ติดลบและไม่เป็น NaN", "none is negative or not a number")
    return made


def _too_large(field: str) -> Refusal:
    return Refusal("matrix_numbers", field, f"ตัวเลขไม่เกิน {GREATEST:.0f}", f"a number is {GREATEST:.0f} at most")
