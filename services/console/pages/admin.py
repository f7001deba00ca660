"""Administration: what is in force, code lists, maps, exercises, audit search."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import date, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, File, Form, Query, Request, UploadFile
from fastapi.responses import Response

from services.console import maps
from services.console.audited import NotOne, asked_about
from services.console.backend import BackendAway, BackendRefused
from services.console.labels import label, labeller, said
from services.console.lookers import agencies_named
from services.console.navigation import roles_of
from services.console.pages.admin_fleet import every
from services.console.people import Person, caller_of
from services.console.texts import teller, texts
from services.console.towns import area_options
from services.console.web import backend, page, runtime, saved, settings, signed_in
from shared.audit import READ_AUDIT, audit
from shared.auth import Role
from shared.codes.codes import all_lists
from shared.database import look_up
from shared.pack_parts import Policies
from shared.packs import PackError, load
from shared.refusal import Refusal
from shared.thai.dates import Years, day_bounds, local_day, read_day
from shared.work import now_utc

router = APIRouter(prefix="/admin", include_in_schema=False)

Reader = Annotated[Person, Depends(signed_in(*roles_of("admin")))]
Admin = Annotated[Person, Depends(signed_in(Role.ADMIN))]
Trainer = Annotated[Person, Depends(signed_in(Role.SUPERVISOR))]
"""Who starts an exercise: a role that intake takes calls from."""
Auditor = Annotated[Person, Depends(signed_in(Role.AUDITOR))]
Word = Annotated[str, Query(max_length=200)]
SERVICES = ("intake", "dispatch", "registry", "notify")
AUDITED = (*SERVICES, "console")
MOST_AUDIT = 200
EXERCISES: dict[str, dict[str, Any]] = {
    "chest_pain": {"kind": "medical", "lane": "emergency", "complaint": "ซ้อม: เจ็บหน้าอก หายใจไม่ออก",
                   "triage": {"criteria_group": 7, "answers": {}}},
    "fall": {"kind": "medical", "lane": "emergency", "complaint": "ซ้อม: ผู้สูงอายุหกล้ม ลุกไม่ได้"},
    "ride": {"kind": "transfer", "lane": "booked", "complaint": "ซ้อม: ขอรถไปโรงพยาบาลตามนัด"},
}  # fmt: skip
"""What one practises; every one is taken with ``exercise: true`` and never counts."""


# --- overview, settings pack, code lists ---------------------------------------------------------------------------


@router.get("")
async def overview(request: Request, _: Reader) -> Response:
    """Whether every service is ready, and who listens from outside."""
    ready = await asyncio.gather(*(_ready(request, service) for service in SERVICES))
    return page(
        request, "admin/overview.html", ready=dict(zip(SERVICES, ready, strict=True)),
        subscribers=await asyncio.to_thread(_subscribers, settings(request).subscribers_dir),
    )  # fmt: skip


async def _ready(request: Request, service: str) -> dict[str, Any] | None:
    """What ``/readyz`` says; None: it does not answer. It says 503 with the same document when it is not ready."""
    found = await raw(request, service, "/readyz")
    try:
        said = json.loads(found) if found is not None else None
    except ValueError:
        return None
    return said if isinstance(said, dict) and "ready" in said else None


async def raw(request: Request, service: str, path: str) -> str | None:
    """A page of a service that needs no token; None where it does not answer."""
    asking = backend(request)
    try:
        async with asking.client.get(getattr(asking.settings, f"{service}_url") + path) as answer:
            return await answer.text()
    except (OSError, TimeoutError, asyncio.CancelledError) as problem:
        if isinstance(problem, asyncio.CancelledError):
            raise
        return None


def _subscribers(folder: Path | None) -> list[dict[str, Any]] | None:
    """Those outside who listen and ask, and their rights; None where this process may not read the list."""
    if folder is None or not folder.is_dir():
        return None
    return [json.loads(file.read_text("utf-8")) for file in sorted(folder.glob("*.json"))]


@router.get("/pack")
async def pack(request: Request, person: Reader, area: Word = "") -> Response:
    """The municipality's settings as its files stand now; the services took them at their start."""
    areas = area_options(request, person)
    known = [slug for slug, _ in areas]
    chosen = area if area in known else (known[0] if known else settings(request).home_area)
    try:
        shown, problem = await asyncio.to_thread(load, settings(request).areas_dir / chosen), ""
    except PackError as wrong:
        shown, problem = None, wrong.en if person.lang == "en" else wrong.th
    return page(
        request, "admin/pack.html", pack=shown, problem=problem, areas=areas, chosen=chosen,
        policies=policies_said(shown.policies, person.lang) if shown else [],
    )  # fmt: skip


def policies_said(policies: Policies, lang: str) -> list[tuple[str, str, str]]:
    """``(what it is called, dispatch.order_timeout_s, its value in words)``."""
    return [(_called(name, lang), name, _said(value, lang)) for name, value in _flat(policies.model_dump(mode="json"))]


def _called(name: str, lang: str) -> str:
    """By its own text; of what is set for each severity the setting's, with the severity."""
    known = texts().get("pack." + name.replace(".", "_"))
    if known is not None:
        return known.of(lang)
    setting, _, severity = name.rpartition(".")
    return f"{_called(setting, lang)} · {label('severity_ed5', severity, lang)}" if setting else name


def _said(value: str, lang: str) -> str:
    severities = value.split(", ")
    if set(severities) <= set(all_lists()["severity_ed5"].codes):
        ranked = [code for code in all_lists()["severity_ed5"].codes if code in severities]
        return ", ".join(label("severity_ed5", code, lang) for code in ranked)
    return said("pack", "is", value, lang).removesuffix(".0")


def _flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    """``(dispatch.order_timeout_s, 30)``: every setting that is in force, under the name it has in its file."""
    if isinstance(value, dict):
        return [pair for key, each in value.items() for pair in _flat(each, f"{name}.{key}" if name else key)]
    return [(name, ", ".join(map(str, value)) if isinstance(value, list) else str(value))]


@router.get("/codes")
async def codes(request: Request, _: Reader) -> Response:
    """Every code list with its name, version, source and the physician or body that approved it."""
    lists = [(texts()[f"codes.{each}"], all_lists()[each]) for each in sorted(all_lists())]
    return page(request, "admin/codes.html", lists=lists)


# --- maps ----------------------------------------------------------------------------------------------------------


@router.get("/map")
async def map_form(request: Request, person: Admin) -> Response:
    return await _map_page(request, person)


async def _map_page(request: Request, person: Person, problem: str = "", told: str = "", status: int = 200) -> Response:
    found = await asyncio.to_thread(maps.known, settings(request).map_dir)
    own = [each for each in found if person.sees(each["area"])]
    return page(
        request, "admin/map.html", status=status, maps=own, problem=problem, told=told,
        areas=area_options(request, person),
    )  # fmt: skip


@router.post("/map")
async def import_map(
    request: Request, person: Admin, file: Annotated[UploadFile, File()],
    attribution: Annotated[str, Form(max_length=400)], area: Annotated[str, Form(max_length=40)],
) -> Response:  # fmt: skip
    """Keep a GeoJSON or PMTiles file as the municipality's own map."""
    if not person.sees(area):
        return await _map_page(request, person, teller(person.lang)("admin.fault_areas_not_yours"), status=403)
    content = await file.read(max(maps.MOST_BYTES.values()) + 1)
    try:
        await asyncio.to_thread(maps.put, settings(request).map_dir, area, content, attribution, now_utc())
    except Refusal as refused:
        return await _map_page(request, person, refused.en if person.lang == "en" else refused.th, status=422)
    await audit(runtime(request).pool, caller_of(person), "import_map", "map", None, {"bytes": len(content)}, area=area)
    return await _map_page(request, person, told="map_kept")


# --- exercise ------------------------------------------------------------------------------------------------------


@router.get("/exercise")
async def exercise(request: Request, person: Trainer) -> Response:
    return await _exercise_page(request, person)


async def _exercise_page(request: Request, person: Person, made: dict[str, Any] | None = None) -> Response:
    """``nobody``: no exercise unit is on duty; ``going``: the exercises that are not over. Not known is neither."""
    nobody, going = False, []
    with suppress(BackendAway, BackendRefused):
        units = await every(request, person, "unit")
        nobody = not any(each["exercise"] and each["duty"] == "on_duty" for each in units)
    with suppress(BackendAway, BackendRefused):
        going = await _exercises(request, person)
    return page(request, "admin/exercise.html", kinds=list(EXERCISES), made=made, nobody=nobody, going=going)


async def _exercises(request: Request, person: Person) -> list[dict[str, Any]]:
    """The open calls of exercises."""
    params: dict[str, str | int] = {"status": "open", "exercise": "true", "limit": 200}
    found = await backend(request).get(person, "intake", "/v1/calls", params=params, purpose="emergency")
    return list(found["items"])


@router.post("/exercise/end")
async def end_exercises(request: Request, person: Trainer) -> Response:
    """Every open exercise ends: dispatch frees its units. One that somebody ended meanwhile is ended."""
    for call in await _exercises(request, person):
        try:
            await backend(request).post(
                person, "intake", f"/v1/calls/{call['id']}/withdraw", {"reason": "exercise_ended"}, purpose="emergency"
            )
        except BackendRefused as refused:
            if refused.status != HTTPStatus.CONFLICT:
                raise
    return saved("/admin/exercise")


@router.post("/exercise")
async def start_exercise(request: Request, person: Trainer, kind: Annotated[str, Form(max_length=40)]) -> Response:
    """A practice call: exercise units and simulated channels alone, never in a figure."""
    if kind not in EXERCISES:
        raise BackendRefused(422, {"code": "unknown_code", "th": "ไม่รู้จักแบบฝึกนี้", "en": "no such exercise"})
    where = await asyncio.to_thread(load, settings(request).areas_dir / (person.area or settings(request).home_area))
    body = {
        **EXERCISES[kind], "channel": "phone", "exercise": True,
        "caller": {"name": "ผู้แจ้งสมมติ (ซ้อม)", "phone": "0900000999"},
        "patient": {"name": "ผู้ป่วยสมมติ (ซ้อม)", "mobility": "stretcher"},
        "location": {"lat": where.area.centre.lat, "lon": where.area.centre.lon},
    }  # fmt: skip
    made = await backend(request).post(person, "intake", "/v1/calls", body, key=uuid4().hex, purpose="emergency")
    return await _exercise_page(request, person, made)


# --- audit search --------------------------------------------------------------------------------------------------


@router.get("/audit")
async def audit_form(request: Request, person: Auditor) -> Response:
    return _audit_page(request, person, {}, None)


def _audit_page(
    request: Request, person: Person, typed: dict[str, str], rows: list[dict[str, Any]] | None, *, problem: str = "",
    away: list[str] | None = None, lookers: dict[str, str] | None = None, status: int = 200, skip: int = 0,
    every: int = 0,
) -> Response:  # fmt: skip
    """``skip``: how many newer ones than ``rows`` there are, of ``every`` one that was found."""
    return page(
        request, "admin/audit.html", status=status, typed=typed, rows=rows, skip=skip, every=every, problem=problem,
        away=away or [],
        services=AUDITED, code=labeller(person.lang), purpose=lambda code: label("purpose", code, person.lang),
        most=MOST_AUDIT, lookers=lookers or {}, said=lambda kind, code: said("people", kind, code, person.lang),
    )  # fmt: skip


@router.post("/audit")
async def search_audit(
    request: Request, person: Auditor, actor: Annotated[str, Form(max_length=200)] = "",
    subject: Annotated[str, Form(max_length=200)] = "", day: Annotated[str, Form(max_length=20)] = "",
    service: Annotated[str, Form(max_length=20)] = "", skip: Annotated[int, Form(ge=0, le=10_000_000)] = 0,
) -> Response:  # fmt: skip
    """Who did what to whom and why, in every service that answers. By POST: an actor's login is personal."""
    typed = {"actor": actor.strip(), "subject": subject.strip(), "day": day.strip(), "service": service}
    today = local_day(now_utc())
    try:
        about = await asked_about(request, person, typed["subject"])
        on = read_day(typed["day"], Years(today.year - 20, today.year + 1), "day") if typed["day"] else today
    except Refusal as refused:
        sentence = refused.en if person.lang == "en" else refused.th
        return _audit_page(request, person, typed, None, problem=sentence, status=422)
    except NotOne as none:
        sentence = teller(person.lang)(f"admin.audit_{none.code}")
        return _audit_page(request, person, typed, None, problem=sentence, status=422)
    span = None if about is not None and not typed["day"] else _bounds(on)
    wanted = [service] if service in AUDITED else list(AUDITED)
    found = await asyncio.gather(*(_audited(request, person, each, typed["actor"], about, span) for each in wanted))
    rows = [row for part in found if part is not None for row in part]
    rows.sort(key=lambda row: row["at"], reverse=True)
    away = [each for each, part in zip(wanted, found, strict=True) if part is None]
    shown = rows[skip : skip + MOST_AUDIT]
    lookers = await agencies_named(request, person, shown)
    return _audit_page(request, person, typed, shown, away=away, lookers=lookers, skip=skip, every=len(rows))


def _bounds(on: date) -> tuple[datetime, datetime]:
    return day_bounds(on)


async def _audited(
    request: Request, person: Person, service: str, actor: str, about: UUID | None,
    span: tuple[datetime, datetime] | None,
) -> list[dict[str, Any]] | None:  # fmt: skip
    """The rows of one service, ``at`` as an instant; None: it does not answer."""
    if service == "console":
        pool, areas = runtime(request).pool, None if "*" in person.areas else list(person.areas)
        start, end = span or (None, None)
        own: list[Any] = []
        while part := await look_up(
            pool, READ_AUDIT, about, actor or None, start, end, own[-1]["id"] if own else 0, 500, areas
        ):
            own += part
        await audit(pool, caller_of(person), "read_audit", "audit", about, {"rows": len(own)})
        return [{"service": service, **dict(row)} for row in own]
    params: dict[str, str | int] = {"limit": 500}
    params |= {"actor": actor} if actor else {}
    params |= {"subject_id": str(about)} if about else {}
    params |= {"from": span[0].isoformat(), "to": span[1].isoformat()} if span else {}
    rows: list[dict[str, Any]] = []
    try:
        while True:
            found = await backend(request).get(person, service, "/v1/audit", params=params, purpose="audit")
            rows += found["items"]
            if found["next"] is None:
                break
            params["after"] = found["next"]
    except (BackendAway, BackendRefused):
        return None
    return [{"service": service, **row, "at": datetime.fromisoformat(row["at"])} for row in rows]
