"""A matrix of travel times between numbered places. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from shared.refusal import Refusal

Numbers = NDArray[np.float64]

MOST_PLACES = 2400
"""As many as a plan of 1,000 trips and 200 vehicles can name."""
MOST_WITHIN = 1000
"""Of a matrix that comes within another body, which is unpacked as a whole."""
GREATEST = 1e9
"""Seconds or metres: beyond it sums lose what schedules are compared by."""
MOST_COMMAS = 2 * MOST_WITHIN**2
"""Of a body with two matrices that is unpacked as a whole."""
NUMBERS = frozenset({int, float, type(None)})
OPEN, NAME, LIST, ROW, NEXT, END = (
    re.compile(rb"\s*" + each)
    for each in (rb"({)", rb'"(\w{1,40})"\s*:', rb"(\[|null)", rb"(\[[^][{}]*\])", rb"([],])", rb"([,}])")
)
"""What a large body is made of: ``{ "NAME": [ ROW, ROW, … ], "NAME": … }``."""


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
    """Look at a body before it is unpacked as a whole: numbers take a multiple of the room that their letters took.

    ``beside``: so many commas more may stand in what else the body says.

    Raises:
        Refusal: ``matrix_size``.

    """
    if body.count(b",") > MOST_COMMAS + beside:
        raise _too_many(field, MOST_WITHIN)


def read_text(body: bytes) -> Matrix:
    """A matrix from a body as it came; a large one row by row, so that it takes little more room than its letters.

    Raises:
        Refusal: as ``read_matrix``.
        JSONDecodeError: it is no JSON.

    """
    if body.count(b",") <= MOST_COMMAS:
        return read_matrix(orjson.loads(body))
    text, found = _Text(body), dict[str, Numbers | None]()
    text.take(OPEN)
    while True:
        name = text.take(NAME).decode()
        _refuse_unknown({name}, "")
        found[name] = _filled(text.rows(), name, MOST_PLACES) if text.take(LIST) == b"[" else None
        if text.take(END) == b"}":
            break
    duration, distance = found.get("duration_s"), found.get("distance_m")
    if duration is None or body[text.at :].strip():
        raise _no_rows("duration_s")
    return _together(duration, distance, "")


@dataclass(slots=True)
class _Text:
    """A body, and how far it has been read."""

    body: bytes
    at: int = 0

    def take(self, what: re.Pattern[bytes]) -> bytes:
        found = what.match(self.body, self.at)
        if found is None:
            raise _no_rows("body")
        self.at = found.end()
        return found[1]

    def rows(self) -> Iterator[Any]:
        while True:
            yield orjson.loads(self.take(ROW))
            if self.take(NEXT) == b"]":
                return


def read_matrix(said: Any, within: str = "") -> Matrix:
    """What a body says: ``{"duration_s": [[…]], "distance_m"?: [[…]]}``. ``within`` is the field it stands in.

    Raises:
        Refusal: names the field; not a matrix of numbers, not square, too large, negative, of two sizes, a drive
            without its distance.

    """
    place = f"{within}." if within else ""
    if not isinstance(said, dict):
        raise Refusal("object", within or "body", "ต้องเป็นออบเจ็กต์ที่มีชื่อช่อง", "this is an object with named fields")
    _refuse_unknown(set(said), place)
    most = MOST_WITHIN if within else MOST_PLACES
    duration = _square(said.get("duration_s"), f"{place}duration_s", most)
    distance = said.get("distance_m")
    return _together(duration, None if distance is None else _square(distance, f"{place}distance_m", most), place)


def _refuse_unknown(names: set[Any], place: str) -> None:
    if unknown := sorted(names - {"duration_s", "distance_m"}):
        raise Refusal("extra_forbidden", f"{place}{str(unknown[0])[:40]}", "ไม่รู้จักช่องข้อมูลนี้", "there is no such field")


def _together(duration: Numbers, distance: Numbers | None, place: str) -> Matrix:
    if distance is None:
        return Matrix(duration)
    if distance.shape != duration.shape:
        raise Refusal("matrix_shape", f"{place}distance_m", "ขนาดไม่เท่ากับ duration_s", "not of the size of duration_s")
    if (np.isinf(distance) & np.isfinite(duration)).any():
        raise Refusal(
            "matrix_distance", f"{place}distance_m", "เป็น null ได้เฉพาะที่ duration_s เป็น null",
            "null only where duration_s is null",
        )  # fmt: skip
    return Matrix(duration, distance)


def _square(rows: Any, field: str, most: int) -> Numbers:
    if not isinstance(rows, list):
        raise _no_rows(field)
    if len(rows) > most:
        raise _too_many(field, most)
    return _filled(rows, field, most)


def _filled(rows: Iterable[Any], field: str, most: int) -> Numbers:
    """As many rows as the first one has numbers."""
    made, count = None, 0
    for row in rows:
        if not isinstance(row, list):
            raise _no_rows(field)
        if made is None:
            if len(row) > most:
                raise _too_many(field, most)
            made = np.empty((len(row), len(row)))
        if len(row) != len(made) or count == len(made):
            raise _not_square(field)
        made[count] = _drives(row, field)
        count += 1
    if made is None:
        raise _no_rows(field)
    if count < len(made):
        raise _not_square(field)
    return made


def _drives(row: list[Any], field: str) -> Numbers:
    """Numbers, infinite where there is no way."""
    if not NUMBERS.issuperset(map(type, row)):
        raise Refusal(
            "matrix_numbers", field, "ต้องเป็นตัวเลขหรือ null ทั้งหมด", "all are numbers, or null where there is no way"
        )
    try:
        made = np.array(row, dtype=np.float64)
    except OverflowError:
        raise _too_large(field) from None
    if (np.isfinite(made) & (made > GREATEST)).any():
        raise _too_large(field)
    no_way = np.isnan(made)
    if no_way.sum() != row.count(None) or (made < 0).any():
        raise Refusal("matrix_numbers", field, "ต้องไม่ติดลบและไม่เป็น NaN", "none is negative or not a number")
    made[no_way] = np.inf
    return made


def _no_rows(field: str) -> Refusal:
    return Refusal("matrix_shape", field, "ต้องเป็นรายการของแถว แถวละรายการ", "this is a list of rows, each a list")


def _not_square(field: str) -> Refusal:
    return Refusal("matrix_shape", field, "ทุกแถวต้องยาวเท่าจำนวนแถว", "every row is as long as there are rows")


def _too_many(field: str, most: int) -> Refusal:
    if most == MOST_PLACES:
        return Refusal("matrix_size", field, f"ไม่เกิน {most} แห่ง", f"{most} places at most")
    return Refusal(
        "matrix_size", field, f"ในคำขอไม่เกิน {most} แห่ง มากกว่านั้นส่งไว้ก่อนที่ /v1/travel-matrices",
        f"{most} places at most within a body; put a larger one at /v1/travel-matrices first",
    )  # fmt: skip


def _too_large(field: str) -> Refusal:
    return Refusal("matrix_numbers", field, f"ตัวเลขไม่เกิน {GREATEST:.0f}", f"a number is {GREATEST:.0f} at most")
