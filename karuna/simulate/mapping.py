"""The small file that says what the columns of somebody's CSV of calls mean. ``docs/replay.md`` explains every field.

Whatever is wrong is said in Thai and English with the file and the line, before the first call is made.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from karuna.simulate.bringing import UnitType
from karuna.simulate.wrong import FileProblem, Wrong
from services.intake.rules.triage import BLANK_GROUP
from shared.events.words import CallKind
from shared.pack_parts import Slug


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise Wrong(f"ไม่รู้จักเขตเวลา {name}", f"no such time zone: {name}")
    return name


def _group(number: int) -> int:
    if number == BLANK_GROUP:
        raise Wrong("กลุ่มอาการ 11 เว้นว่าง", "criteria group 11 is blank")
    return number


Severity = Literal["red", "yellow", "green", "white"]
Names = tuple[str, ...]


class Columns(_Part):
    """Names of columns. ``location`` holds both numbers, or ``lat`` and ``lon`` one each."""

    call: str
    time: str
    kind: str | None = None
    priority: str | None = None
    location: str | None = None
    lat: str | None = None
    lon: str | None = None
    address: str | None = None
    unit: str | None = None
    unit_type: str | None = None

    @model_validator(mode="after")
    def _a_place(self) -> Self:
        if (self.lat is None) != (self.lon is None):
            raise Wrong("ต้องมีทั้ง lat และ lon", "lat and lon go together")
        if self.location is None and self.lat is None and self.address is None:
            raise Wrong("ต้องบอกคอลัมน์ของสถานที่ (location, lat/lon หรือ address)", "say which column tells the place")
        return self

    @property
    def used(self) -> dict[str, str]:
        """Field → column, those that are named."""
        return {name: column for name, column in self.model_dump().items() if column is not None}


class Time(_Part):
    """``format`` as Python's ``strptime`` reads it; ``zone`` as in the tz database, where the format has none."""

    format: str
    zone: Annotated[str, AfterValidator(_zone)]

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


class Kind(_Part):
    """What a type of call is here. ``severity`` overrides what the priority says."""

    kind: CallKind
    criteria_group: Annotated[int, Field(ge=1, le=25), AfterValidator(_group)] | None = None
    complaint: Annotated[str, Field(min_length=1, max_length=200)]
    severity: Severity | None = None


class Box(_Part):
    """Degrees: west and east, south and north."""

    lon: tuple[float, float]
    lat: tuple[float, float]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.lon[0] >= self.lon[1] or self.lat[0] >= self.lat[1]:
            raise Wrong("กรอบพิกัดต้องเรียงจากน้อยไปมาก", "the box runs from west to east and from south to north")
        return self


class MoveTo(_Part):
    """Scale places into an existing municipality. ``source`` left out: the box around all places of the file."""

    area: Slug
    source: Box | None = None


class Units(_Part):
    """``bring``: put the file's units into the area for the time of the replay, with crews of their own."""

    bring: bool = False
    types: dict[str, UnitType] = {}


class Mapping(_Part):
    """The whole file. ``empty`` are texts that mean nothing; a longer silence than ``longest_gap_min`` is shortened."""

    name: Slug
    encoding: str = "utf-8-sig"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    empty: tuple[str, ...] = ("",)
    longest_gap_min: Annotated[float, Field(gt=0)] | None = None
    location: Literal["lat,lon", "lon,lat"] = "lat,lon"
    other_severity: Severity = "yellow"
    columns: Columns
    time: Time
    kinds: dict[str, Kind] = {}
    other_kind: Kind = Kind(kind=CallKind.MEDICAL, criteria_group=17, complaint="เหตุจากไฟล์นำเข้า")
    priorities: dict[str, Severity] = {}
    move_to: MoveTo
    units: Units = Units()


def read_mapping(path: Path) -> Mapping:
    """The mapping in a file.

    Raises:
        FileProblem: it cannot be used; names file and line.

    """
    try:
        text = path.read_text("utf-8")
        content = tomllib.loads(text)
    except OSError:
        raise FileProblem(path, 0, "เปิดไฟล์นี้ไม่ได้", "this file cannot be opened") from None
    except UnicodeDecodeError:
        raise FileProblem(path, 0, "ไฟล์ต้องเป็น UTF-8", "the file must be UTF-8") from None
    except tomllib.TOMLDecodeError as problem:
        raise FileProblem(path, _said_line(str(problem)), f"รูปแบบ TOML ผิด: {problem}", f"not TOML: {problem}") from None
    try:
        return Mapping.model_validate(content)
    except ValidationError as problem:
        raise _readable(path, text, problem) from None


def _readable(path: Path, text: str, problem: ValidationError) -> FileProblem:
    """The first thing that is wrong, in both languages."""
    first = problem.errors()[0]
    steps = [str(step) for step in first["loc"]]
    field = ".".join(steps)
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, Wrong):
        th, en = cause.th, cause.en
    elif first["type"] == "missing":
        th, en = "ไม่มีช่องนี้", "this field is missing"
    elif first["type"] == "extra_forbidden":
        th, en = "ไม่รู้จักช่องนี้", "no such field"
    else:
        th, en = f"ค่านี้ใช้ไม่ได้: {first['msg']}", first["msg"]
    return FileProblem(path, _line_of(text, steps), f"{field}: {th}", f"{field}: {en}")


def _said_line(text: str) -> int:
    """``(at line 3, column 5)`` → 3."""
    _, _, after = text.partition("at line ")
    number = after.partition(",")[0]
    return int(number) if number.isdigit() else 0


def _line_of(text: str, steps: list[str]) -> int:
    """Where a field stands, else its table, else 0: tomllib keeps no positions."""
    lines = text.splitlines()
    for depth in range(len(steps), 0, -1):
        name = steps[depth - 1]
        table = ".".join(steps[: depth - 1])
        inside = not table
        for number, line in enumerate(lines, start=1):
            plain = line.strip().replace('"', "").replace("'", "")
            if plain.startswith("["):
                header = plain.strip("[]")
                if header == ".".join(steps[:depth]):
                    return number
                inside = header == table
            elif inside and plain.partition("=")[0].strip() == name:
                return number
    return 0
