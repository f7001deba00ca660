"""One row of a file of people, as the fields of ``POST /v1/persons``. Pure; formats are data (``data/imports.toml``).

What cannot be read names its column; what stands in a cell is never quoted. Of :data:`SOFT` fields the cell alone is
passed over, others refuse their row. Nobody is refused for what is missing, an identifier least of all.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.registry.rules import import_words as said
from services.registry.rules.identity import SECRET_GROUPS
from services.registry.rules.questionnaires import questionnaires
from shared.codes.codes import code_list
from shared.geo import Point, read_point
from shared.refusal import UNSTORABLE, Refusal
from shared.thai.areas import find_tambon
from shared.thai.text import arabic_digits, tidy

DATA = Path(__file__).parents[1] / "data" / "imports.toml"

CODED: Final = {"sex": "sex", "mobility": "mobility", "needs": "need", "groups": "group", "need": "life_need"}
"""Field → code list whose codes and labels (Thai or English) may stand in the cell."""
LISTS: Final = frozenset({"needs", "groups"})
SOFT: Final = frozenset({
    "sex", "mobility", "needs", "birth_date", "birth_year", "birth8", "age", "phone", "mobile", "telephone", "language",
    "adl", "need", "urgency", "lat", "lon", "accuracy_m",
})  # fmt: skip
"""Fields whose cell is passed over where it cannot be read. Not ``groups``: an unknown word may mean a secret one; nor
numbers and addresses, by which somebody is told from others."""
SEPARATORS: Final = str.maketrans(";,/|", "    ")
URGENCY: Final = {"1": 1, "5": 5, "9": 9}
"""iMed@home: can wait, urgent, very urgent."""
DISCHARGED: Final = {"1": ("ตาย", "died"), "2": ("ย้าย", "moved"), "3": ("สาบสูญ", "missing")}
"""43 files, DISCHARGE; 9 or nothing: still there."""
FIRST_OF_JANUARY: Final = "0101"
YEAR: Final = re.compile("[0-9]{4}")
"""A birth of which the year alone is written."""


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    source: str = Field(min_length=1)
    point_method: Literal["gps", "map"]
    ignored: tuple[str, ...]
    columns: dict[str, str]
    codes: dict[str, dict[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Format:
    """``columns``: name of a column → field; ``codes``: field → what stands in a cell → code."""

    id: str
    columns: Mapping[str, str]
    ignored: frozenset[str]
    codes: Mapping[str, Mapping[str, str]]
    point_method: str


@dataclass(slots=True)
class Row:
    """``body``: of ``POST /v1/persons``; ``columns``: field → the file's column, for what is refused later.

    ``passed``: why which cell was passed over (``field`` is the file's column); nobody is turned away for that.
    """

    body: dict[str, Any] = field(default_factory=dict)
    needs: tuple[str, int] | None = None
    passed: list[Refusal] = field(default_factory=list)
    point: Point | None = None
    accuracy_m: int | None = None
    point_method: str = "map"
    columns: dict[str, str] = field(default_factory=dict)

    def pass_over(self, column: str, why: Refusal) -> None:
        """Say of this cell that it was not taken, and why."""
        th, en = f"ไม่ได้บันทึกช่องนี้: {why.th}", f"this cell was not taken: {why.en}"
        self.passed.append(Refusal(why.code, column, th, en))


@cache
def formats() -> dict[str, Format]:
    """All of them by id.

    Raises:
        ValueError: the file is not as it should be.

    """
    told = [_Told.model_validate(one) for one in tomllib.loads(DATA.read_text(encoding="utf-8"))["format"]]
    return {
        one.id: Format(one.id, one.columns, frozenset(one.ignored), _codes(one.codes), one.point_method) for one in told
    }


def _codes(own: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Codes and their labels in both languages, other ways of writing them, and the format's own, which win."""
    found: dict[str, dict[str, str]] = {}
    for name, list_id in CODED.items():
        items = code_list(list_id).items
        found[name] = {text.casefold(): item.code for item in items for text in (item.code, item.th, item.en)}
        found[name] |= said.WORDS.get(name, {})
    for name, table in own.items():
        found[name] = {**found.get(name, {}), **table}
    return found


def fields_of(format_: Format, columns: Sequence[str]) -> list[str | None]:
    """The field of each column; None for those that are left out.

    Raises:
        Refusal: columns we do not know, by their place (what stands there may be a person), or none that we know.

    """
    names = ["".join(name.casefold().split()) for name in columns]
    unknown = [
        str(at) for at, name in enumerate(names, 1) if name not in format_.columns and name not in format_.ignored
    ]
    found = [format_.columns.get(name) for name in names]
    told = [one for one in found if one is not None]
    if unknown or not told:
        places, known = ", ".join(unknown) or "1", ", ".join(format_.columns)
        raise Refusal(
            "columns_unknown", "columns", f"หัวตารางไม่ตรงกับรูปแบบ {format_.id}: ไม่รู้จักคอลัมน์ที่ {places} · ใช้ได้: {known}",
            f"the head is none of the format {format_.id}: unknown columns {places}; known are {known}",
        )  # fmt: skip
    if len(told) != len(set(told)):
        raise Refusal("columns_twice", "columns", "หัวตารางมีคอลัมน์ซ้ำ", "a column stands twice")
    return found


def read_row(format_: Format, columns: Sequence[str], fields: Sequence[str | None], cells: Sequence[str]) -> Row:
    """What a row tells.

    Raises:
        Refusal: a field that is not soft cannot be read, or nothing is told; ``field`` is the column.

    """
    if not any(cells):
        raise Refusal(*said.EMPTY)
    if len(cells) != len(columns):
        raise Refusal(*said.WIDTH)
    told: dict[str, str] = {}
    row = Row(point_method=format_.point_method)
    for column, name, cell in zip(columns, fields, cells, strict=True):
        if name is None or not cell:
            continue
        if UNSTORABLE.search(cell):
            raise Refusal(said.CHARACTERS[0], column, *said.CHARACTERS[1:])
        told[name] = cell
        row.columns[name] = column
    for step in STEPS:
        _take(step, format_, told, row)
    for name, text in told.items():
        row.body[name] = text
    if not row.body:
        raise Refusal(*said.EMPTY)
    return row


def _take(step: Step, format_: Format, told: dict[str, str], row: Row) -> None:
    """Take a step; what it cannot read of a soft field is taken out of ``told``, and the rest of it is read."""
    try:
        step(format_, told, row)
    except Refusal as refusal:
        column = row.columns.get(refusal.field, refusal.field)
        if refusal.field not in SOFT:
            raise refusal.at(column) from None
        told.pop(refusal.field, None)
        row.pass_over(column, refusal)
        _take(step, format_, told, row)


def column_of(row: Row, path: str) -> str:
    """The file's column in which the field of a body stood (``addresses.current.area_code``, ``identifiers.0``)."""
    steps = path.split(".")
    feeds = FEEDS.get(".".join(steps[:2])) or FEEDS.get(steps[0]) or (steps[0],)
    return next((row.columns[name] for name in feeds if name in row.columns), path)


# --- the steps: each takes its fields out of what was told and puts what they mean into the row ----------------------


def _coded(format_: Format, told: dict[str, str], row: Row) -> None:
    for name in ("sex", "mobility", "needs", "groups"):
        if name not in told:
            continue
        table = format_.codes[name]
        if name not in LISTS:
            row.body[name] = _code(table, told.pop(name), name)
            continue
        text = told.pop(name)
        whole = table.get(text.casefold())
        words = [text] if whole else text.translate(SEPARATORS).split()
        known = [code for word in words if (code := table.get(arabic_digits(word).casefold()))]
        if known:
            row.body[name] = sorted(set(known))
        if len(known) < len(words):
            raise Refusal(said.UNKNOWN[0], name, *said.UNKNOWN[1:])
    if not SECRET_GROUPS.isdisjoint(row.body.get("groups", ())):
        raise Refusal(said.SECRET[0], "groups", *said.SECRET[1:])


def _code(table: Mapping[str, str], text: str, name: str) -> str:
    found = table.get(arabic_digits(text).casefold())
    if found is None:
        raise Refusal(said.UNKNOWN[0], name, *said.UNKNOWN[1:])
    return found


def _name(format_: Format, told: dict[str, str], row: Row) -> None:
    """A title that is a number we do not know is left out."""
    title = told.pop("prename", "")
    title = format_.codes.get("prename", {}).get(title, "" if title.isdecimal() else title)
    given, family = told.pop("given", ""), told.pop("family", "")
    if given or family:
        row.body["name"] = tidy(f"{title}{given} {family}") if given else tidy(family)


def _numbers(_: Format, told: dict[str, str], row: Row) -> None:
    hospital, listed = told.pop("hospital", ""), []
    if number := told.pop("hn", ""):
        if not hospital:
            raise Refusal("hospital_missing", "hn", "เลข HN ต้องมีรหัสสถานพยาบาล", "a hospital number needs its hospital")
        listed.append({"kind": "hospital-no", "value": number, "issuer": hospital})
    if passport := told.pop("passport", ""):
        listed.append({"kind": "passport", "value": passport})
    if listed:
        row.body["identifiers"] = listed


def _birth(_: Format, told: dict[str, str], row: Row) -> None:
    """The standard writes the first of January where only the year is known, so that day is believed of nobody."""
    for name in ("birth_year", "age"):
        if name in told:
            row.body[name] = _whole(told.pop(name), name)
    if YEAR.fullmatch(year := arabic_digits(told.get("birth_date", ""))) and "birth_year" not in row.body:
        row.body["birth_year"] = int(year)
        del told["birth_date"]
    text = arabic_digits(told.pop("birth8", ""))
    if not text:
        return
    if len(text) != len("YYYYMMDD") or not text.isdecimal():
        raise Refusal(said.BIRTH[0], "birth8", *said.BIRTH[1:])
    if text.endswith(FIRST_OF_JANUARY):
        row.body["birth_year"] = int(text[:4])
    else:
        row.body["birth_date"] = f"{text[:4]}-{text[4:6]}-{text[6:]}"


def _whole(text: str, name: str) -> int:
    digits = arabic_digits(text)
    if not digits.isdecimal() or len(digits) > len("100000"):
        raise Refusal(said.NO_NUMBER[0], name, *said.NO_NUMBER[1:])
    return int(digits)


def _phone(_: Format, told: dict[str, str], row: Row) -> None:
    fixed, mobile = told.pop("telephone", ""), told.pop("mobile", "")
    if mobile or fixed:
        row.body["phone"] = mobile or fixed


def _addresses(_: Format, told: dict[str, str], row: Row) -> None:
    for prefix, kind in (("reg", "registered"), ("cur", "current")):
        parts = {name: told.pop(f"{prefix}_{name}", "") for name in PARTS}
        code = parts["code"] or _tambon(prefix, parts)
        words = [parts["text"], parts["house"], f"หมู่ {parts['moo']}" if parts["moo"] else "", parts["road"]]
        detail = tidy(" ".join(word for word in words if word))
        if code or detail:
            address = {"area_code": code, "detail": detail}
            row.body.setdefault("addresses", {})[kind] = {name: text for name, text in address.items() if text}


PARTS: Final = ("code", "text", "house", "moo", "road", "tambon", "amphoe", "changwat")


def _tambon(prefix: str, parts: Mapping[str, str]) -> str:
    name = parts["tambon"]
    if not name:
        return ""
    if (digits := arabic_digits(name)).isdecimal():
        return digits
    bare = {part: _bare(parts[part]) or None for part in ("amphoe", "changwat")}
    found = find_tambon(_bare(name), **bare)
    if len(found) != 1:
        raise Refusal(said.TAMBON[0], f"{prefix}_tambon", *said.TAMBON[1:])
    return found[0].code


def _bare(name: str) -> str:
    """Without ``ต.``, ``ตำบล`` and the like in front."""
    for before in ("ตำบล", "แขวง", "อำเภอ", "เขต", "จังหวัด", "ต.", "อ.", "จ."):
        if name.startswith(before) and name != before:
            return name[len(before) :].strip()
    return name


def _adl(_: Format, told: dict[str, str], row: Row) -> None:
    """The band's group: 0-4 bed-bound, 5-11 home-bound, from 12 on none. A mere total is no assessment."""
    text = told.pop("adl", "")
    if not text:
        return
    total = _whole(text, "adl")
    if total > ADL_MOST:
        raise Refusal(said.ADL[0], "adl", *said.ADL[1:])
    group = questionnaires()["barthel_adl"].band_of(total).group
    if group is not None:
        row.body["groups"] = sorted({*row.body.get("groups", ()), group})


ADL_MOST: Final = 20


def _need(format_: Format, told: dict[str, str], row: Row) -> None:
    urgency = arabic_digits(told.get("urgency", "1"))
    if "urgency" in told and "need" not in told:
        raise Refusal(said.NO_NEED[0], "urgency", *said.NO_NEED[1:])
    if urgency not in URGENCY:
        raise Refusal(said.UNKNOWN[0], "urgency", *said.UNKNOWN[1:])
    need = told.pop("need", None)
    told.pop("urgency", None)
    if need is None:
        return
    code = format_.codes["need"].get(need.casefold())
    if code is None:
        raise Refusal(said.UNKNOWN_NEED[0], "need", *said.UNKNOWN_NEED[1:])
    row.needs = (code, URGENCY[urgency])


def _point(_: Format, told: dict[str, str], row: Row) -> None:
    lat, lon, accuracy = (told.pop(name, "") for name in ("lat", "lon", "accuracy_m"))
    if not lat and not lon:
        return
    if not lat or not lon:
        raise Refusal(said.POINT[0], "lat" if lat else "lon", *said.POINT[1:])
    try:
        lat_lon = float(lat), float(lon)
    except ValueError:
        raise Refusal(said.NO_NUMBER[0], "lat", *said.NO_NUMBER[1:]) from None
    try:
        row.point = read_point(lat_lon[1], lat_lon[0], "lat")
    except Refusal as refusal:
        raise refusal.at("lat") from None
    row.accuracy_m = _whole(accuracy, "accuracy_m") if accuracy else None


def _gone(_: Format, told: dict[str, str], __: Row) -> None:
    said = DISCHARGED.get(told.pop("discharge", ""))
    if said is not None:
        raise Refusal("discharged", "discharge", f"จำหน่ายแล้ว ({said[0]}): ไม่นำเข้า", f"discharged ({said[1]}): left out")


Step = Callable[[Format, dict[str, str], Row], None]
STEPS: Final[tuple[Step, ...]] = (_gone, _coded, _name, _numbers, _birth, _phone, _addresses, _adl, _need, _point)

FEEDS: Final[dict[str, tuple[str, ...]]] = {
    "name": ("name", "given", "family"),
    "birth_date": ("birth_date", "birth8"),
    "birth_year": ("birth_year", "birth8", "birth_date"),
    "phone": ("phone", "mobile", "telephone"),
    "identifiers": ("hn", "passport"),
    "groups": ("groups", "adl"),
    "addresses.registered": tuple(f"reg_{name}" for name in ("code", "tambon", "text", "house", "moo", "road")),
    "addresses.current": tuple(f"cur_{name}" for name in ("code", "tambon", "text", "house", "moo", "road")),
}
"""Field of a body → fields of a row out of which it was made."""


def every_column() -> Iterator[tuple[str, str]]:
    """``(format, column)`` of all that are read, for the documentation's test."""
    return ((one.id, column) for one in formats().values() for column in one.columns)
