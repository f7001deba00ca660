"""Tables that people send as files: bytes to a head and rows, a part at a time, so that a large file stays small. Pure.

Excel and health programs save Thai as UTF-8 (with or without a mark in front), as "Unicode text" (UTF-16), or as
TIS-620, of which cp874 is the superset that Windows writes.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from shared.features import csv_of, is_geojson, table_of
from shared.refusal import Refusal

HEAD_ROW = 1
"""People count the head as the first row, so the first row of data is the second."""
FIRST_ROW = HEAD_ROW + 1
DELIMITERS = ("|", "\t", ";", ",")
"""The rarest in a name first: whichever the head holds is meant."""
UTF16 = (b"\xff\xfe", b"\xfe\xff")
CONTROL = frozenset("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x0b\x0e\x0f")

BAD_BYTES = (
    "sheet_bytes", "file", "ไฟล์นี้อ่านเป็นข้อความไม่ได้ ให้บันทึกเป็น CSV (UTF-8 หรือ TIS-620)",
    "this file is no text: save it as CSV (UTF-8 or TIS-620)",
)  # fmt: skip
EMPTY = ("sheet_empty", "file", "ไฟล์นี้ไม่มีหัวตารางหรือไม่มีข้อมูล", "this file has no head, or no rows below it")


@dataclass(frozen=True, slots=True)
class Sheet:
    """``columns`` as the head has them, ``rows`` how many stand below it, ``digest`` SHA-256 of the bytes, in hex."""

    columns: tuple[str, ...]
    rows: int
    digest: str
    _text: str = field(repr=False)
    _delimiter: str

    def parts(self, size: int, start: int = FIRST_ROW) -> Iterator[tuple[int, list[list[str]]]]:
        """``(number of the first row, rows)`` from row ``start`` on, at most ``size`` rows at a time."""
        lines = _lines(self._text, self._delimiter)
        next(lines)
        lines = islice(lines, start - FIRST_ROW, self.rows)
        at = start
        while rows := list(islice(lines, size)):
            yield at, rows
            at += len(rows)


def read_sheet(data: bytes, most: int | None = None) -> Sheet:
    """A file with a head, or GeoJSON, whose properties are the columns.

    ``most``: of a file with more rows, empty ones too, ``rows`` is ``most`` + 1.

    Raises:
        Refusal: no text in an encoding we know, no table, nothing in it, or a quote that is not closed (names its row).

    """
    text = _decoded(data)
    theirs = not is_geojson(text)  # the quotes of a table that we write ourselves are closed
    text, delimiter = (text, _delimiter(text)) if theirs else (csv_of(table_of(text)), ",")
    count, head, number = 0, None, -1
    try:
        for number, cells in enumerate(_lines(text, delimiter)):
            head = cells if head is None else head
            if theirs and _swallows(cells, len(head), delimiter):
                raise _quote(number)
            count = number if any(cells) else count  # empty rows at the end are none
            if most is not None and number > most:
                count = number
                break
    except csv.Error:
        raise _quote(number + 1) from None
    if not head or not count:
        raise Refusal(*EMPTY)
    return Sheet(tuple(head), count, hashlib.sha256(data).hexdigest(), text, delimiter)


def _decoded(data: bytes) -> str:
    encodings = ("utf-16",) if data.startswith(UTF16) else ("utf-8-sig", "cp874")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not CONTROL & set(text):
            return text
    raise Refusal(*BAD_BYTES)


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return next((one for one in DELIMITERS if one in head), ",")


def _swallows(cells: list[str], columns: int, delimiter: str) -> bool:
    """Whether a cell of several lines has taken the row below into itself: it holds as many delimiters as a row, or

    there are more cells than the head has. An address of two lines is neither.
    """
    broken = [cell for cell in cells if "\n" in cell or "\r" in cell]
    if not broken:
        return False
    return any(cells[columns:]) or any(0 < columns - 1 <= cell.count(delimiter) for cell in broken)


def _quote(number: int) -> Refusal:
    """Told before anything is sent: who stands below would be read as part of one person's cell."""
    row = HEAD_ROW + number
    return Refusal(
        "sheet_quote",
        "file",
        f'แถว {row}: มีเครื่องหมายคำพูด (") ที่ไม่ปิด หรืออยู่ผิดที่ ให้ลบออก หรือเขียนเป็น "" ในช่องที่ครอบด้วย "',
        f'row {row}: a quote (") is not closed or out of place: take it out, or write "" in a cell within quotes',
    )


def _lines(text: str, delimiter: str) -> Iterator[list[str]]:
    """The 43 files have no quotes, so there a quote is a character like others."""
    lines = io.StringIO(text, newline="")
    if delimiter == "|":
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
    for cells in reader:
        yield [cell.strip() for cell in cells]
