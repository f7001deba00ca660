"""What a form says of a person against what is known: only what differs is sent. Pure; nothing is asked of anybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import orjson

from services.console.rules import days
from shared.refusal import Refusal
from shared.thai.areas import full_name, search
from shared.thai.dates import BE_OFFSET, Years, read_day
from shared.thai.text import arabic_digits, tidy

Doc = dict[str, Any]
TEXTS = ("name", "alias", "usual_place")
CODES = ("sex", "language", "mobility")
KINDS = ("registered", "current")
CODE_DIGITS = (2, 4, 6, 8)
MOST_AREAS = 12
NOT_BORN = Refusal(
    "not_born", "born", "พิมพ์วันเกิด ปีเกิด หรืออายุ เช่น 12/3/2497, 2497, 72",
    "a day or year of birth, or an age: 12/3/1954, 1954, 72",
)  # fmt: skip
NO_NAME = Refusal(
    "no_name", "name",
    "ช่องชื่อว่างอยู่ ยังไม่ได้บันทึกอะไร: ใส่ชื่อ หรือเลือก “ลบชื่อออก” แล้วบันทึกอีกครั้ง",
    "The name is empty and nothing was saved yet: type it, or tick “Take the name away” and save again",
)  # fmt: skip
NO_AREA = ("no_area", "ไม่พบพื้นที่ชื่อนี้", "there is no area of that name")
WHICH_AREA = ("which_area", "มีหลายพื้นที่ที่ชื่อคล้ายกัน กรุณาเลือก", "several areas are called so: choose one")


def shown(known: Doc, lang: str) -> Doc:
    """The fields of the form as they stand before anybody types."""
    found: Doc = {name: known[name] or "" for name in (*TEXTS, *CODES)}
    found |= {"born": _born(known, lang), "birth_estimated": bool(known["birth_estimated"])}
    found |= {"needs": sorted(known["needs"]), "may_be_texted": bool(known["may_be_texted"])}
    by_kind = {each["kind"]: each for each in known["addresses"]}
    for kind in KINDS:
        each = by_kind.get(kind, {})
        found |= {f"{kind}_area": each.get("area_code") or "", f"{kind}_detail": each.get("detail") or ""}
    return found


def nobody() -> Doc:
    """The fields before anything is known of somebody."""
    fields: Doc = dict.fromkeys((*TEXTS, *CODES, "born"), "")
    fields |= {f"{kind}_{part}": "" for kind in KINDS for part in ("area", "detail")}
    return fields | {"language": "th", "birth_estimated": False, "needs": [], "may_be_texted": True}


def _born(known: Doc, lang: str) -> str:
    if known["birth_on"]:
        return days.in_field(known["birth_on"], lang)
    return str(known["birth_year"] + (BE_OFFSET if lang == "th" else 0)) if known["birth_year"] else ""


def kept(fields: Doc) -> str:
    """The fields as they stood when the form was opened, for the form to carry."""
    return orjson.dumps(fields).decode()


def merged(was: str, after: Doc, now: Doc) -> tuple[Doc, list[str]]:
    """What was typed on top of what stands ``now``, and the fields that somebody else changed as well meanwhile.

    ``was``: of :func:`kept`; a field that was not touched takes what stands now.
    """
    try:
        before = orjson.loads(was)
    except orjson.JSONDecodeError:
        before = None
    if not isinstance(before, dict) or before.keys() != now.keys():
        before = now
    touched = {name for name in after if after[name] != before[name]}
    both = [name for name in after if name in touched and now[name] not in (before[name], after[name])]
    return {name: after[name] if name in touched else now[name] for name in after}, both


def typed(form: Mapping[str, Any], needs: Sequence[str]) -> Doc:
    """The same fields as they came with the form; what is no field of it is left."""
    texts = (*TEXTS, *CODES, "born", *(f"{kind}_{part}" for kind in KINDS for part in ("area", "detail")))
    found: Doc = {name: str(form.get(name, "")).strip() for name in texts}
    boxes = {name: bool(form.get(name)) for name in ("birth_estimated", "may_be_texted")}
    return found | boxes | {"needs": sorted(needs)}


def change(before: Doc, after: Doc, today: date) -> Doc:
    """The body of a change: what differs; an emptied field is null, which is "not known any more".

    Raises:
        Refusal: the birth cannot be read.

    """
    body: Doc = {name: after[name] or None for name in (*TEXTS, *CODES) if after[name] != before[name]}
    if (after["born"], after["birth_estimated"]) != (before["born"], before["birth_estimated"]):
        body |= birth(after["born"], today)
        body["birth_estimated"] = after["birth_estimated"]
    body |= {name: after[name] for name in ("needs", "may_be_texted") if after[name] != before[name]}
    addresses = {
        kind: _address(after, kind) for kind in KINDS
        if any(after[f"{kind}_{part}"] != before[f"{kind}_{part}"] for part in ("area", "detail"))
    }  # fmt: skip
    return body | ({"addresses": addresses} if addresses else {})


def name_kept(before: Doc, after: Doc, *, taken_away: bool) -> None:
    """A name is not lost by an empty field alone.

    Raises:
        Refusal: there was a name, and nobody said that it goes.

    """
    if before["name"] and not after["name"] and not taken_away:
        raise NO_NAME


def _address(after: Doc, kind: str) -> Doc | None:
    code, detail = after[f"{kind}_area"], after[f"{kind}_detail"]
    return {"area_code": code or None, "detail": detail or None} if code or detail else None


def birth(text: str, today: date) -> Doc:
    """A day in either era, a year of four digits, or an age; nothing is "not known any more".

    Raises:
        Refusal: none of them.

    """
    plain = arabic_digits(tidy(text))
    if not plain:
        return {"birth_year": None}
    if plain.isdigit() and len(plain) == 4:  # noqa: PLR2004 a year
        return {"birth_year": int(plain)}
    if plain.isdigit() and len(plain) <= 3:  # noqa: PLR2004 an age
        return {"age": int(plain)}
    try:
        return {"birth_date": read_day(plain, Years.of_birth(today), "born").isoformat()}
    except Refusal:
        raise NOT_BORN from None


def area_named(text: str, field: str, lang: str) -> tuple[str, list[tuple[str, str]]]:
    """The code of an area as it was typed, a code or a name; and, where several are called so, those to choose from.

    Raises:
        Refusal: none is called so.

    """
    plain = arabic_digits(tidy(text))
    if plain.isdigit() and len(plain) in CODE_DIGITS:
        return plain, []
    found = search(plain, MOST_AREAS)
    if not found:
        raise Refusal(NO_AREA[0], field, *NO_AREA[1:])
    named = [(each.code, full_name(each.code, "en" if lang == "en" else "th")) for each in found]
    return (named[0][0], []) if len(named) == 1 else ("", named)


def area_said(code: str, lang: str) -> str:
    """The whole name of an official area; another code as it is."""
    try:
        return full_name(code, "en" if lang == "en" else "th") if code else "–"
    except Refusal:
        return code
