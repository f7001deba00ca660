"""The crew's page: its own open trip, one button for the next step; the phone keeps what was pressed without signal."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from services.console.backend import BackendAway, BackendRefused
from services.console.labels import facility_options, labeller, options
from services.console.people import Person
from services.console.rules import journey
from services.console.rules.journey import Job
from services.console.store import board, crews
from services.console.texts import some
from services.console.tokens import token
from services.console.towns import community_names, town_of
from services.console.web import as_json, asset, backend, lang_of, masked, page, render, runtime, signed_in
from shared.auth import Role
from shared.events.words import Severity, Step
from shared.work import now_utc

router = APIRouter(include_in_schema=False)

Crew = Annotated[Person, Depends(signed_in(Role.CREW, Role.VOLUNTEER))]
Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
Key = Annotated[str, Header(alias="Idempotency-Key", pattern=r"^[0-9a-f-]{36}$")]
PURPOSE = {Role.CREW: "emergency", Role.VOLUNTEER: "care"}
STILL_TOLD = timedelta(hours=12)
"""How long a finished trip asks for the arrival at the base, and whoever was brought may be said to be ready."""
UNITS_KNOWN_S = 30.0
HANDED_OVER = ("transported", "handed_up", "died_in_transport")
LEVELS = ("bls", "ils", "als")
HELP = ("aemt", "paramedic", "lifting", "rescue", "firefighting", "water_rescue")
MODULES = ("queue", "view", "draw", "sheets", "where", "waste")
SHELL = (
    "css/tokens.css", "css/karuna.css", "css/crew.css", "js/crew.js", *(f"js/crew-{name}.js" for name in MODULES),
    "css/visits.css", "js/visits.js", "js/visits-queue.js", "js/visits-sheet.js", "js/visits-picture.js",
    "icon.svg", "icons.svg",
)  # fmt: skip
BARE = (
    "js/base.js", "vendor/fonts/sarabun-thai-400.woff2", "vendor/fonts/sarabun-thai-600.woff2",
    "vendor/fonts/sarabun-latin-400.woff2", "vendor/fonts/sarabun-latin-600.woff2",
)  # fmt: skip
"""What is asked for by its plain name."""


# --- the page ------------------------------------------------------------------


@router.get("/crew")
async def crew_page(request: Request, person: Crew) -> Response:
    """The shell: words, tables and forms. What the trip is comes by ``/crew/state`` and stays on the phone."""
    lang = lang_of(request)
    tables = {
        "account": str(person.account_id), "lang": lang, "next": journey.NEXT, "after": journey.AFTER,
        "stamps": options("step", lang, journey.STAMPS), "steps": dict(options("step", lang)),
        "tones": {step: _tone(step) for step in journey.AFTER},
        "wasteReceivers": dict(options("waste_receiver", lang)),
        "modules": {name: asset(f"js/crew-{name}.js") for name in MODULES},
    }  # fmt: skip
    return page(
        request, "crew/page.html", tables=as_json(tables), town=town_of(request, person.area),
        reasons=options("reason_decline", lang), corrections=options("reason_correction", lang),
        outcomes=options("trip_outcome", lang, journey.ENDS_RIDE)
        + options("mission_outcome", lang, journey.ENDS_AT_SCENE),
        receivers=options("handover_receiver", lang), severities=options("severity_cbd", lang),
        handover_outcomes=options("mission_outcome", lang, HANDED_OVER), backup_needs=options("skill", lang, HELP),
        backup_levels=options("unit_level", lang, LEVELS), waste_receivers=options("waste_receiver", lang),
        script_words=as_json(some("crew", lang)),
    )  # fmt: skip


def _tone(step: str) -> dict[str, str]:
    """What the big button of a step looks like."""
    of = token("step", step)
    return {"tone": of.tone, "icon": f"{asset('icons.svg')}#{of.icon}"}


# --- what there is to do ---------------------------------------------------------


@router.get("/crew/state")
async def state(
    request: Request, person: Crew, seen: Annotated[str, Query(max_length=60)] = "", full: bool = False,
    had: Annotated[tuple[UUID, ...], Query(max_length=50)] = (),
) -> Response:  # fmt: skip
    """What this crew has to do now. Unchanged since ``seen``: 204, and nothing personal was read.

    ``full`` reads in any case, so that nothing is missed while the picture of open facts stands still.
    ``had``: assignments the phone knew as open; ``ended`` says of those that are over how they ended.
    """
    units = await _units(request, person)
    ids = [UUID(unit["id"]) for unit in units]
    since = now_utc() - STILL_TOLD
    mark = await crews.mark(runtime(request).pool, person.areas, ids, since)
    mark = f"{mark}.{_print(units)}.{lang_of(request)}"
    if seen == mark and not full:
        return Response(status_code=204)
    trips = await backend(request).get(person, "dispatch", "/v1/trips", purpose=PURPOSE[person.role])
    bags = await _packed(request, person)
    facilities = await facilities_of(request, person)
    lang = lang_of(request)
    jobs = journey.jobs_of(trips["items"])
    numbers = await _numbers(request, jobs)
    returns = await crews.returns(runtime(request).pool, person.areas, ids, since)
    return JSONResponse({
        "mark": mark, "now": now_utc().isoformat(), "account": str(person.account_id), "csrf": masked(person.csrf),
        "units": [_unit(unit, person) for unit in units],
        "jobs": [_job(request, job, facilities, jobs, numbers.get(job.trip["call_id"])) for job in jobs],
        "ended": await _ended(request, had, {unit["id"] for unit in units}),
        "home": [_home(unit) for unit in units if _homeward(unit, since)],
        "returns": [{"id": str(row["id"]), "at": row["brought_at"], "number": row["number"]} for row in returns],
        "waste": None if bags is None else [_bags(each) for each in bags],
        "facilities": [{"id": key, "name": name} for key, name in facility_options(facilities.values(), lang)],
    })  # fmt: skip


_known_units: dict[UUID, tuple[float, list[dict[str, Any]]]] = {}


async def _units(request: Request, person: Person) -> list[dict[str, Any]]:
    """The crew's own units; asked again after half a minute, or at once after an act of theirs."""
    asked_at, units = _known_units.get(person.session_id, (0.0, []))
    if time.monotonic() - asked_at > UNITS_KNOWN_S:
        units = (await backend(request).get(person, "dispatch", "/v1/units"))["items"]
        if len(_known_units) > 1000:  # noqa: PLR2004 more phones than a town has
            _known_units.clear()
        _known_units[person.session_id] = (time.monotonic(), units)
    return units


def _print(units: list[dict[str, Any]]) -> str:
    """Changes with the duty and cleanliness of the units, and with what they came back from."""
    said = "|".join(f"{unit['id']}{unit['duty']}{unit['cleanliness']}{unit['homeward_id']}" for unit in units)
    return hashlib.sha256(said.encode()).hexdigest()[:8]


async def _numbers(request: Request, jobs: Sequence[Job]) -> dict[str, str]:
    """Call id → the number by which desk, LINE and radio speak of it; none for one that is not told openly."""
    calls = await board.calls(runtime(request).pool, [UUID(job.trip["call_id"]) for job in jobs])
    return {str(call.id): call.state["number"] for call in calls if call.state.get("number")}


async def _ended(request: Request, had: Sequence[UUID], units: Collection[str]) -> dict[str, str]:
    """Assignment → how it ended (``cleared``, ``released``, …), of those of these units that are over.

    One that is not told openly says no unit: its id is known to its crew alone.
    """
    found = await board.assignments(runtime(request).pool, had) if had else []
    return {
        str(each.id): each.status
        for each in found
        if each.ended_at is not None and each.state.get("unit_id") in {None, *units}
    }


def _homeward(unit: dict[str, Any], after: datetime) -> bool:
    """Whether it may still say that it is back at its base: dispatch knows, also of what is not told openly."""
    return unit["homeward_id"] is not None and datetime.fromisoformat(unit["last_closed_at"]) > after


async def facilities_of(request: Request, person: Person) -> dict[str, dict[str, Any]]:
    """Names and numbers of hospitals; without them the way is still shown by its point."""
    try:
        found = await backend(request).get(person, "dispatch", "/v1/facilities", params={"limit": 200})
    except (BackendAway, BackendRefused):
        return {}
    return {each["id"]: each for each in found["items"]}


async def _packed(request: Request, person: Person) -> list[dict[str, Any]] | None:
    """Waste that this crew has not handed on to the end; None: not known, and a trip is shown all the same."""
    try:
        found = await backend(request).get(person, "dispatch", "/v1/waste/own", purpose=PURPOSE[person.role])
    except (BackendAway, BackendRefused):
        return None
    items: list[dict[str, Any]] = found["items"]
    return items


def _name(facility: dict[str, Any], lang: str) -> str:
    english = facility.get("name_en") if lang == "en" else None
    return str(english or facility["name"])


def _unit(unit: dict[str, Any], person: Person) -> dict[str, Any]:
    """``here``: this person is on duty with it; the others are units with which they usually go."""
    crew = unit["crew_ids"] or unit["usual_crew_ids"]
    here = unit["duty"] == "on_duty" and str(person.crew_id) in crew
    return {**{name: unit[name] for name in ("id", "call_sign", "duty", "cleanliness")}, "here": here}


def _home(unit: dict[str, Any]) -> dict[str, Any]:
    return {"id": unit["homeward_id"], "at": unit["last_closed_at"], "unit_id": unit["id"]}


def _bags(log: dict[str, Any]) -> dict[str, Any]:
    """What was packed, and every hand that took it."""
    hands = [{name: each[name] for name in ("receiver", "bags", "weight_g")} for each in log["chain"]]
    facts = {name: log[name] for name in ("id", "bags", "weight_g", "sealed")}
    return {**facts, "at": log["packed_at"], "hands": hands}


def _job(
    request: Request, job: Job, facilities: dict[str, dict[str, Any]], jobs: Sequence[Job], number: str | None
) -> dict[str, Any]:
    """For the phone: what it counts with, and the card as it is to be shown."""
    lang = lang_of(request)
    facility = facilities.get(job.destination.get("facility_id") or job.trip.get("facility_id") or "")
    html = render(
        "crew/job.html", lang, person=None, csrf="", code=labeller(lang), job=job, number=number,
        trip=job.trip, facility=facility, facility_name=_name(facility, lang) if facility else None,
        community_name=community_names(request, lang), stops=journey.stops_of(jobs, job.assignment.get("run_id")),
    )  # fmt: skip
    return {
        "id": job.id, "number": number, "trip_id": job.trip["id"], "unit_id": job.assignment["unit_id"],
        "status": job.status, "transports": job.transports, "stamps": job.assignment["stamps"],
        "lane": job.trip["lane"], "severity": job.trip["severity"], "html": html,
        "facility_id": facility["id"] if facility else None, "asked_at": job.assignment["asked_at"],
        "run_id": job.assignment.get("run_id"), "pickup_at": job.assignment.get("pickup_at"),
        "dropoff_at": job.assignment.get("dropoff_at"),
    }  # fmt: skip


# --- what was pressed --------------------------------------------------------------


class _Act(BaseModel):
    model_config = ConfigDict(extra="forbid")


class StepAct(_Act):
    """A step, or the correction of one. ``at``: when it happened, by the phone's clock set right."""

    kind: Literal["step"]
    id: UUID
    step: Step
    at: str = Field(max_length=40)
    reason: Code | None = None
    outcome: Code | None = None
    rc: Severity | None = None
    odometer_km: float | None = None
    facility_id: UUID | None = None
    correction: bool = False
    correction_of: UUID | None = None


class HandoverAct(_Act):
    kind: Literal["handover"]
    id: UUID
    receiver: Code
    at: str = Field(max_length=40)
    facility_id: UUID | None = None
    outcome: Code | None = None


class BackupAct(_Act):
    kind: Literal["backup"]
    id: UUID
    level: Code | None = None
    requirements: list[Code] = Field(default_factory=list, max_length=20)


class DutyAct(_Act):
    kind: Literal["duty"]
    id: UUID
    on: bool
    reason: Code | None = None
    confirm: bool | None = None


class CleanAct(_Act):
    kind: Literal["disinfected"]
    id: UUID


class ReadyAct(_Act):
    """Whom this crew brought may be fetched. ``id``: the trip home."""

    kind: Literal["ready"]
    id: UUID


Bags = Annotated[int, Field(ge=1, le=1000)]
Grams = Annotated[int, Field(ge=0, le=1_000_000)]


class WasteAct(_Act):
    """Infectious waste that was packed; ``id`` is the phone's own name for it, and dispatch's from then on."""

    kind: Literal["waste"]
    id: UUID
    unit_id: UUID
    trip_id: UUID | None = None
    bags: Bags
    weight_g: Grams | None = None
    sealed: bool
    at: str = Field(max_length=40)


class WasteSealedAct(_Act):
    kind: Literal["waste_sealed"]
    id: UUID


class WasteHandedAct(_Act):
    kind: Literal["waste_handed"]
    id: UUID
    receiver: Code
    bags: Bags
    weight_g: Grams | None = None
    at: str = Field(max_length=40)


Act = Annotated[
    StepAct | HandoverAct | BackupAct | DutyAct | CleanAct | ReadyAct | WasteAct | WasteSealedAct | WasteHandedAct,
    Field(discriminator="kind"),
]
WHERE = {
    "step": "/v1/assignments/{id}/steps",
    "handover": "/v1/assignments/{id}/handover",
    "backup": "/v1/assignments/{id}/backup",
    "duty": "/v1/units/{id}/duty",
    "disinfected": "/v1/units/{id}/disinfected",
    "ready": "/v1/trips/{id}/ready",
    "waste": "/v1/waste",
    "waste_sealed": "/v1/waste/{id}/sealed",
    "waste_handed": "/v1/waste/{id}/hand-overs",
}
NAMED_HERE = {"waste"}
"""What has its id from the phone: dispatch is told."""


@router.post("/crew/act")
async def act(request: Request, person: Crew, body: Act, key: Key) -> Response:
    """Pass on what the crew pressed, under the phone's own key: the same key is done once, however often it comes."""
    path = WHERE[body.kind].format(id=body.id)
    known = {"kind"} if body.kind in NAMED_HERE else {"kind", "id"}
    said = body.model_dump(mode="json", exclude_none=True, exclude=known)
    answer = await backend(request).post(person, "dispatch", path, said, key=key, purpose=PURPOSE[person.role])
    _known_units.pop(person.session_id, None)
    done = {"step_id": answer["step"]["id"], "at": answer["step"]["at"]} if body.kind == "step" else {}
    return JSONResponse({"done": True, **done})


class Fix(BaseModel):
    """Where a unit is, as its phone measured it. WGS 84."""

    model_config = ConfigDict(extra="forbid")

    unit_id: UUID
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    at: str = Field(max_length=40)
    accuracy_m: float | None = None
    speed_kmh: float | None = None
    heading_deg: float | None = None


@router.post("/crew/position")
async def position(request: Request, person: Crew, body: Fix) -> Response:
    """Pass the fix on; dispatch takes only those of the crew's own unit. Nothing of it is kept here."""
    fixes = {"positions": [body.model_dump(mode="json", exclude_none=True)]}
    await backend(request).post(person, "dispatch", "/v1/positions", fixes, purpose=PURPOSE[person.role])
    return Response(status_code=204)


# --- without signal ----------------------------------------------------------------


@cache
def worker_script() -> str:
    """The service worker, with the list of what it keeps and a name that changes with any of it."""
    kept = [asset(path) for path in SHELL] + [f"/static/{path}" for path in BARE]
    script = (resources.files("services.console") / "static" / "sw.js").read_text("utf-8")
    version = hashlib.sha256("".join([script, *kept, *map(asset, BARE)]).encode()).hexdigest()[:12]
    return script.replace("__VERSION__", version).replace('["__SHELL__"]', as_json(kept))


@router.get("/sw.js")
async def worker() -> Response:
    return Response(worker_script(), media_type="text/javascript", headers={"cache-control": "no-cache"})
