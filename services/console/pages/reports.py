"""Reports: figures computed by the services that own the facts, set out as tables, bars, CSV and paper."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from http import HTTPStatus
from importlib import resources
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from services.console.area_tree import Place, tambon_name
from services.console.backend import BackendAway, BackendRefused
from services.console.labels import label, said
from services.console.navigation import roles_of
from services.console.paper import Table, printed
from services.console.people import Person
from services.console.rules import periods, tables
from services.console.rules.periods import Period
from services.console.rules.tables import NUMBERS, Column, Report, Section
from services.console.texts import teller
from services.console.towns import area_names, area_options, town_of
from services.console.web import backend, instant, page, signed_in
from shared.auth import Role
from shared.refusal import Refusal
from shared.thai.dates import BANGKOK, local_day, show_day, show_moment
from shared.work import now_utc

router = APIRouter(prefix="/reports", include_in_schema=False)

Reader = Annotated[Person, Depends(signed_in(*roles_of("reports")))]
Exporter = Annotated[Person, Depends(signed_in(Role.SUPERVISOR, Role.AUDITOR))]
"""Who may send a row for each mission on."""
Word = Annotated[str, Query(max_length=40)]
From = Annotated[str, Query(alias="from", max_length=40)]
READERS = {
    "intake": roles_of("reports"),
    "dispatch": roles_of("reports"),
    "registry": frozenset({Role.SUPERVISOR, Role.CASE_MANAGER, Role.AUDITOR, Role.ADMIN}),
    "notify": frozenset({Role.DISPATCHER, Role.SUPERVISOR, Role.CASE_MANAGER, Role.AUDITOR, Role.ADMIN}),
}
"""Whose figures a role may see; the service decides again."""
OF_PLACES = frozenset({"registry"})
"""Whose figures an account may see that is held to places: calls, units and messages are the whole municipality's."""
NO_REPORT = {"code": "not_found", "th": "ไม่มีรายงานนี้", "en": "there is no such report"}
UNKNOWN = "–"
MISSION_COLUMNS = (
    "trip_id", "call_id", "area", "kind", "severity_scheme", "idc", "rc", "status", "outcome", "unit", "unit_level",
    "facility", "received_at", "asked_at", "en_route_at", "at_scene_at", "left_scene_at", "at_destination_at",
    "at_base_at", "driven_km", "back_entry",
)  # fmt: skip
MOST_MISSIONS = 20_000
BY_PART = frozenset({"intake", "dispatch", "registry"})
"""Whose figures can be asked of a tambon or a community; messages lie in none."""
SEES_PARTS = roles_of("reports") - {Role.AUDITOR, Role.ADMIN}
"""Who sees counts alone sees the municipality as a whole."""
SEES_TRIPS = frozenset({Role.CALL_TAKER, Role.DISPATCHER, Role.SUPERVISOR})
"""Who may ask dispatch of a part."""


Answer = dict[str, Any] | BackendAway | BackendRefused


@cache
def all_reports() -> dict[str, Report]:
    """The table of figures by key.

    Raises:
        ValueError: ``reports.toml`` is not as it should be.

    """
    text = (resources.files("services.console") / "reports.toml").read_text("utf-8")
    return {each["key"]: Report.model_validate(each) for each in tomllib.loads(text)["report"]}


def _may_see(person: Person, report: Report) -> bool:
    return person.role in READERS[report.service] and (not person.places or report.service in OF_PLACES)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reader wants to know: the time, one municipality or all of theirs, and a part of it with its name."""

    period: Period
    area: str | None
    place: str = ""
    place_name: str = ""

    def query(self) -> str:
        """The same again, in an address."""
        days = {"from": self.period.from_on.isoformat(), "to": self.period.to_on.isoformat()}
        asked = {"period": self.period.choice, **(days if self.period.choice == "days" else {})}
        where = {"area": self.area or "", "place": self.place}
        return urlencode(asked | {name: value for name, value in where.items() if value})

    def line(self, lang: str, area_name: Callable[[str], str]) -> str:
        days = f"{show_day(self.period.from_on, 'en' if lang == 'en' else 'th')} – "
        days += show_day(self.period.to_on, "en" if lang == "en" else "th")
        return " · ".join(each for each in (days, self.area and area_name(self.area), self.place_name) if each)


def _by_part(person: Person, report: Report) -> bool:
    """Whether this person may ask for these figures of a part of the municipality."""
    return report.service in BY_PART and (report.service != "dispatch" or person.role in SEES_TRIPS)


def parts_of(request: Request, person: Person) -> list[tuple[str, str]]:
    """``(code, name)`` of the tambons, communities, villages and quarters whose figures this person may ask for."""
    if person.role not in SEES_PARTS:
        return []
    lang = "en" if person.lang == "en" else "th"
    towns = [town for slug, _ in area_options(request, person) if (town := town_of(request, slug))]
    tambons = {code for town in towns for code in (*town.area.whole_tambons, *town.area.partial_tambons)}
    own = [
        (f"{town.area.slug}:{one.code}", one.name.say("en" if lang == "en" else "th"))
        for town in towns
        for one in town.area.community
    ]
    bounded = [(one.code, one.name.say("en" if lang == "en" else "th")) for town in towns for one in town.bounded]
    return list(dict([*((code, tambon_name(code, lang)) for code in sorted(tambons)), *own, *bounded]).items())


def _ask(
    request: Request, person: Person, period: str, from_: str, to: str, area: str, place: str
) -> tuple[Asked, str]:
    """What was asked, and what is wrong with it: then the fiscal year is shown."""
    today = local_day(now_utc())
    where = area if area and area != "*" and person.sees(area) else None
    if where is None and len(person.areas) == 1:
        where = person.area
    part = next(((code, name) for code, name in parts_of(request, person) if code == place), ("", ""))
    try:
        return Asked(periods.period(period, today, from_, to), where, *part), ""
    except Refusal as refused:
        return Asked(periods.period("fiscal", today), where, *part), refused.en if person.lang == "en" else refused.th


@router.get("")
async def overview(
    request: Request, person: Reader, period: Word = "fiscal", from_: From = "", to: Word = "", area: Word = "",
    place: Place = "",
) -> Response:  # fmt: skip
    """All figures this role may see, over one time; of a part of the municipality those that know of parts."""
    asked, problem = _ask(request, person, period, from_, to, area, place)
    wanted = [each for each in all_reports().values() if _may_see(person, each)]
    wanted = [each for each in wanted if not asked.place or _by_part(person, each)]
    answers = await asyncio.gather(*(_figures(request, person, each, asked) for each in wanted))
    shown = [_shown(each, answer, person.lang) for each, answer in zip(wanted, answers, strict=True)]
    return page(
        request, "reports/overview.html", reports=shown, asked=asked, problem=problem, typed_from=from_, typed_to=to,
        choices=periods.CHOICES, query=asked.query(), line=asked.line(person.lang, area_names(request, person.lang)),
        exports=person.role in {Role.SUPERVISOR, Role.AUDITOR},
        areas=area_options(request, person), parts=parts_of(request, person),
    )  # fmt: skip


async def _figures(request: Request, person: Person, report: Report, asked: Asked) -> Answer:
    """The owner's answer, or why there is none."""
    start, end = asked.period.bounds
    if report.service == "registry":
        span = {"from": asked.period.from_on.isoformat(), "to": asked.period.to_on.isoformat()}
    else:
        span = {"from": start.isoformat(), "to": end.isoformat()}
    where = {"area": asked.area, "area_code": asked.place if _by_part(person, report) else None}
    params = {**span, **{name: value for name, value in where.items() if value}}
    try:
        answer: dict[str, Any] = await backend(request).get(
            person, report.service, f"/v1/reports/{report.key}", params=params, purpose="audit"
        )
    except (BackendAway, BackendRefused) as problem:
        return problem
    return answer


def _shown(report: Report, answer: Answer, lang: str) -> dict[str, Any]:
    """A report ready to be drawn; ``sections`` None: not known now, or not shown to this person (``why``)."""
    shown: dict[str, Any] = {"key": report.key, "sdg": report.sdg, "sections": None, "why": ""}
    if isinstance(answer, BackendRefused) and answer.status == HTTPStatus.FORBIDDEN:
        shown["why"] = answer.sentence(lang)
    if not isinstance(answer, Exception):
        shown["sections"] = [_section(each, answer, lang) for each in report.section]
    return shown


def _section(section: Section, answer: dict[str, Any], lang: str) -> dict[str, Any]:
    rows = tables.rows_of(section, answer)
    cells = [[_cell(column, row, lang) for column in section.columns] for row in rows]
    drawn = next((place for place, column in enumerate(section.columns) if column.name == section.chart), None)
    chart = []
    if drawn is not None and section.chart is not None:
        names = [" · ".join(c for c, column in zip(line, section.columns, strict=True) if column.kind not in NUMBERS)
                 for line in cells]  # fmt: skip
        top = 100 if section.columns[drawn].kind == "share" else 0
        chart = tables.bars(names, [row[section.chart] for row in rows], [line[drawn] for line in cells], top)
    return {
        "name": section.rows,
        "columns": [(column.head, column.kind in NUMBERS) for column in section.columns],
        "cells": cells,
        "values": [[row.get(column.name) for column in section.columns] for row in rows],
        "chart": chart,
        "chart_of": section.chart,
    }


def _cell(column: Column, row: dict[str, Any], lang: str) -> str:
    """A figure as people read it. Kept back: said so; ``–``: nobody knows; days since what did not happen in words."""
    value = row.get(column.name)
    if column.kind == "code":
        scheme = f"severity_{row['severity_scheme']}" if "severity_scheme" in row else str(column.list)
        return label(scheme if column.name == "severity" else str(column.list), value, lang)
    if column.kind == "label":
        return str(row["en" if lang == "en" else "th"])
    if column.kind == "word":
        return said("reports", "word", str(value), lang)
    if column.kind == "value":
        return _value(str(row.get("by", "severity")), str(value), lang)
    if value is None:
        return (
            teller(lang)("reports.none_days")
            if column.kind == "days"
            else teller(lang)("reports.hidden")
            if column.kind == "count"
            else UNKNOWN
        )
    return _number(column.kind, value, lang)


def _value(by: str, value: str, lang: str) -> str:
    """A code of the list that ``by`` names; severities carry their scheme before them, and are said with it."""
    scheme, colon, code = value.partition(":")
    if colon:
        return f"{label(f'severity_{scheme}', code, lang)} · {label('severity_scheme', scheme, lang)}"
    lists = {"status": "call_status", "all": "", "outcome": "reason_close"}
    return said("reports", "word", value, lang) if by == "all" else label(lists.get(by, by), value, lang)


def _number(kind: str, value: Any, lang: str) -> str:
    if kind == "moment":
        return show_moment(instant(value), "en" if lang == "en" else "th")
    if kind == "seconds":
        return f"{int(value) // 60}:{int(value) % 60:02d}"
    if kind == "share":
        return f"{value:.0f} %"
    if kind in {"km", "kg", "baht", "each"}:
        return f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


@router.get("/missions.csv")
async def missions(
    request: Request, person: Exporter, period: Word = "fiscal", from_: From = "", to: Word = "", area: Word = "",
) -> Response:  # fmt: skip
    """A row for each emergency with its seven stamps, as the national system counts them; local time."""
    asked, _ = _ask(request, person, period, from_, to, area, "")
    start, end = asked.period.bounds
    params: dict[str, str | int] = {"from": start.isoformat(), "to": end.isoformat(), "limit": 500}
    params |= {"area": asked.area} if asked.area else {}
    rows: list[dict[str, Any]] = []
    while len(rows) < MOST_MISSIONS:
        found = await backend(request).get(person, "dispatch", "/v1/exports/missions", params=params, purpose="audit")
        rows += found["items"]
        if found["next"] is None:
            break
        params["after"] = found["next"]
    head = [said("reports", "mission", name, person.lang) for name in MISSION_COLUMNS]
    cells = [[_plain(name, row[name]) for name in MISSION_COLUMNS] for row in rows]
    return _download(tables.as_csv([(head, cells)]), "text/csv; charset=utf-8", f"missions-{asked.period.from_on}.csv")


def _plain(name: str, value: Any) -> object:
    """Instants in Thailand's time, ISO 8601: what other systems read."""
    if name.endswith("_at") and value:
        return f"{datetime.fromisoformat(value).astimezone(BANGKOK):%Y-%m-%d %H:%M:%S}"
    return value


@router.get("/{key}.{form}")
async def download(
    request: Request, person: Reader, key: str, form: str, period: Word = "fiscal",
    from_: From = "", to: Word = "", area: Word = "",
    place: Place = "",
) -> Response:  # fmt: skip
    """One report to keep: ``csv`` for a spreadsheet, ``pdf`` for paper."""
    report = all_reports().get(key)
    if report is None or form not in {"csv", "pdf"} or not _may_see(person, report):
        raise BackendRefused(404, NO_REPORT)
    asked, _ = _ask(request, person, period, from_, to, area, place)
    if asked.place and not _by_part(person, report):
        raise BackendRefused(404, NO_REPORT)
    answer = await _figures(request, person, report, asked)
    if isinstance(answer, Exception):
        raise answer
    t = teller(person.lang)
    shown = _shown(report, answer, person.lang)["sections"]
    heads = [[t(f"reports.col_{name}") for name, _ in each["columns"]] for each in shown]
    name = f"{key}-{asked.period.from_on}.{form}"
    if form == "csv":
        content = tables.as_csv([(head, _for_sheet(each)) for head, each in zip(heads, shown, strict=True)])
        return _download(content, "text/csv; charset=utf-8", name)
    sheets = [
        Table(t(f"reports.part_{each['name']}") if len(shown) > 1 else "", head, each["cells"],
              frozenset(place for place, (_, number) in enumerate(each["columns"]) if number))
        for head, each in zip(heads, shown, strict=True)
    ]  # fmt: skip
    about, goals = t(f"reports.about_{key}"), f"SDG {', '.join(report.sdg)}"
    lines = [asked.line(person.lang, area_names(request, person.lang)), about, t("reports.small_cells"), goals]
    made = t("reports.made", at=show_moment(now_utc(), "en" if person.lang == "en" else "th"))
    content = await printed(t(f"reports.title_{key}"), lines, sheets, made, person.lang)
    return _download(content, "application/pdf", name)


def _for_sheet(section: dict[str, Any]) -> list[list[object]]:
    """Numbers as numbers, everything else as people read it."""
    return [
        [value if number and value is not None else text
         for value, text, (_, number) in zip(values, line, section["columns"], strict=True)]
        for values, line in zip(section["values"], section["cells"], strict=True)
    ]  # fmt: skip


def _download(content: bytes, kind: str, name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(content, media_type=kind, headers=headers)
