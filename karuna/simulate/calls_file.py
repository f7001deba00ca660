"""A CSV of somebody's calls, read through a mapping: rows with one call number are one call, in order of time."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from karuna.simulate.mapping import Box, Kind, Mapping
from karuna.simulate.wrong import FileProblem
from shared.geo import Point

Row = dict[str, str]


@dataclass(slots=True)
class FileCall:
    """One call of the file. ``after_s``: seconds since the call before it. ``place`` as the file has it."""

    number: str
    at: datetime
    kind: Kind
    severity: str
    place: Point | None
    address: str | None
    line: int
    units: list[tuple[str, str]] = field(default_factory=list)
    after_s: float = 0.0


def read_calls(path: Path, mapping: Mapping, limit: int | None = None) -> list[FileCall]:
    """Every call, or the first ``limit``, by time; gaps are shortened to the mapping's longest.

    A call whose time is missing in every row is taken to have come with the one before it.

    Raises:
        FileProblem: names file and line.

    """
    calls: dict[str, FileCall] = {}
    last: datetime | None = None
    try:
        with path.open(encoding=mapping.encoding, newline="") as file:
            for line, row in _rows(path, file, mapping):
                number = row[mapping.columns.call]
                at = _time(path, line, row, mapping)
                if number in calls:
                    calls[number].at = min(calls[number].at, at) if at else calls[number].at
                elif (when := at or last) is not None:
                    calls[number] = _call(path, line, row, mapping, when)
                    last = when
                else:
                    continue  # nothing says when this began, and nothing came before it
                _unit(calls[number], row, mapping)
    except OSError:
        raise FileProblem(path, 0, "เปิดไฟล์นี้ไม่ได้", "this file cannot be opened") from None
    except (UnicodeDecodeError, LookupError):
        th, en = f"อ่านไม่ได้ด้วยรหัส {mapping.encoding}", f"not readable as {mapping.encoding}"
        raise FileProblem(path, 0, th, en) from None
    if not calls:
        raise FileProblem(path, 0, "ไม่มีเหตุในไฟล์", "there is no call in the file")
    return _spaced(sorted(calls.values(), key=lambda call: call.at)[:limit], mapping)


def _spaced(calls: list[FileCall], mapping: Mapping) -> list[FileCall]:
    longest_s = mapping.longest_gap_min * 60 if mapping.longest_gap_min is not None else float("inf")
    for before, call in pairwise(calls):
        call.after_s = min((call.at - before.at).total_seconds(), longest_s)
    return calls


def _rows(path: Path, file: Iterable[str], mapping: Mapping) -> Iterator[tuple[int, Row]]:
    """Line and row; every text that means nothing is empty."""
    reader = csv.DictReader(file, delimiter=mapping.delimiter)
    try:
        present = list(reader.fieldnames or [])
        for name, column in mapping.columns.used.items():
            if column not in present:
                known = ", ".join(present)
                raise FileProblem(
                    path,
                    1,
                    f"ไม่มีคอลัมน์ {column} ({name}) มีแต่: {known}",
                    f"no column {column} ({name}); there are: {known}",
                )
        for raw in reader:
            if None in raw or None in raw.values():
                th, en = "จำนวนช่องไม่เท่าหัวตาราง", "this row has more or fewer fields than the heading"
                raise FileProblem(path, reader.line_num, th, en)
            row = {name: "" if value.strip() in mapping.empty else value.strip() for name, value in raw.items()}
            if not row[mapping.columns.call]:
                column = mapping.columns.call
                raise FileProblem(path, reader.line_num, f"{column}: ไม่มีเลขเหตุ", f"{column}: no call number")
            yield reader.line_num, row
    except csv.Error as problem:
        raise FileProblem(path, reader.line_num, f"รูปแบบ CSV ผิด: {problem}", f"not CSV: {problem}") from None


def _time(path: Path, line: int, row: Row, mapping: Mapping) -> datetime | None:
    text = row[mapping.columns.time]
    if not text:
        return None
    try:
        at = datetime.strptime(text, mapping.time.format)  # noqa: DTZ007 - the zone is given beside it
    except ValueError:
        column, form = mapping.columns.time, mapping.time.format
        th, en = (
            f"{column}: อ่านเวลา {text!r} ตามรูปแบบ {form!r} ไม่ได้",
            f"{column}: {text!r} is no time of format {form!r}",
        )
        raise FileProblem(path, line, th, en) from None
    return at if at.tzinfo is not None else at.replace(tzinfo=mapping.time.tz)


def _call(path: Path, line: int, row: Row, mapping: Mapping, at: datetime) -> FileCall:
    columns = mapping.columns
    kind = mapping.kinds.get(row[columns.kind], mapping.other_kind) if columns.kind else mapping.other_kind
    priority = row[columns.priority] if columns.priority else ""
    severity = kind.severity or mapping.priorities.get(priority, mapping.other_severity)
    address = row[columns.address] if columns.address else ""
    return FileCall(row[columns.call], at, kind, severity, _place(path, line, row, mapping), address or None, line)


def _place(path: Path, line: int, row: Row, mapping: Mapping) -> Point | None:
    columns = mapping.columns
    if columns.lat is not None and columns.lon is not None:
        texts = [row[columns.lat], row[columns.lon]]
    elif columns.location is not None:
        texts = row[columns.location].strip("()[] ").replace(";", ",").split(",")
        texts = texts if mapping.location == "lat,lon" else texts[::-1]
    else:
        return None
    if not any(text.strip() for text in texts):
        return None
    try:
        lat, lon = (float(text) for text in texts)
    except ValueError:
        th, en = f"อ่านพิกัดไม่ได้: {', '.join(texts)!r}", f"these are no coordinates: {', '.join(texts)!r}"
        raise FileProblem(path, line, th, en) from None
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        th, en = f"พิกัดอยู่นอกโลก: {lat}, {lon}", f"there is no such place: {lat}, {lon}"
        raise FileProblem(path, line, th, en)
    return Point(lon, lat)


def _unit(call: FileCall, row: Row, mapping: Mapping) -> None:
    sign = row[mapping.columns.unit] if mapping.columns.unit else ""
    kind = row[mapping.columns.unit_type] if mapping.columns.unit_type else ""
    if sign and (sign, kind) not in call.units:
        call.units.append((sign, kind))


def box_of(calls: Iterable[FileCall]) -> Box | None:
    """The smallest box around all places; None where there are fewer than two different ones."""
    places = [call.place for call in calls if call.place is not None]
    lons, lats = sorted(place.lon for place in places), sorted(place.lat for place in places)
    if not places or lons[0] == lons[-1] or lats[0] == lats[-1]:
        return None
    return Box(lon=(lons[0], lons[-1]), lat=(lats[0], lats[-1]))
