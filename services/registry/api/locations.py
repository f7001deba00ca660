"""Where people live: somebody saw it, two agree, and who lives near what was drawn on a map."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from services.registry import records, store, views
from services.registry.api.access import as_writer, classes, open_person
from services.registry.api.gate import area_for, areas_of, gate, held_for, runtime_of, sees_protected, sent_for
from services.registry.api.locations_models import (
    AGENCY,
    FileBody,
    FileVerdicts,
    LocationBody,
    LocationKept,
    Locations,
    LocationShown,
    NearBody,
    NearPeople,
    NearPerson,
    RowBody,
    RowVerdict,
)
from services.registry.api.pictures_models import PictureShown, by_owner
from services.registry.api.reach import within_reach
from services.registry.keys import ring
from services.registry.rules.access import CARE
from services.registry.rules.addresses import house_of
from services.registry.rules.fields import RESTRICTED
from services.registry.verbs import locations as verbs
from services.registry.verbs.locations import Agreement, Observation
from shared.audit import audit
from shared.auth import Caller, Role
from shared.errors import FieldProblem, Refused
from shared.geo import Point, read_point
from shared.http import IdempotencyKey, once
from shared.openapi import problems
from shared.refusal import Refusal
from shared.service import Runtime
from shared.thai.dates import local_day
from shared.work import Work, now_utc

router = APIRouter(prefix="/v1", tags=["locations"])

Observes = Annotated[Caller, Depends(gate("POST /v1/persons/{person_id}/locations"))]
Reads = Annotated[Caller, Depends(gate("GET /v1/persons/{person_id}/locations"))]
AsksNear = Annotated[Caller, Depends(gate("POST /v1/persons/near"))]
Imports = Annotated[Caller, Depends(gate("POST /v1/locations/import"))]

OWN_SOURCE = {Role.VOLUNTEER: "other", Role.CREW: "crew"}
"""Who somebody is where they do not say; everybody else at a desk is an officer."""
SPOKEN_FOR = frozenset({"officer", "crew", "post"})
"""Kinds that a volunteer cannot claim to be."""
NOT_YOURS = (403, "not_yours", "บทบาทของท่านบันทึกแบบนี้ไม่ได้", "your role cannot say so")


def agreement_of(runtime: Runtime) -> Agreement:
    settings = runtime.settings
    return Agreement(settings.locations_agree_m, timedelta(days=settings.locations_agree_days))


@router.post(
    "/persons/{person_id}/locations", status_code=201, response_model=LocationKept,
    responses=problems(400, 401, 403, 404, 409, 413),
)  # fmt: skip
async def observe(
    request: Request, caller: Observes, person_id: UUID, body: LocationBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """บันทึกพิกัด | Somebody saw where this person lives. Nothing is overwritten; two who agree verify it.

    An agency is one source, whoever there writes, and its word alone displaces nobody else's.
    """
    runtime = runtime_of(request)
    source = body.source or _own(caller)
    if body.method == "visit" and not _is_officer(caller):
        raise Refused(*NOT_YOURS, field="method")
    if source != _own(caller) and not _may_say(caller, source):
        raise Refused(*NOT_YOURS, field="source")
    caller = await as_writer(runtime, caller, person_id, RESTRICTED, writes="location")
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            person = await sent_for(work, caller, person_id, body.visit_id)
            told = Observation(
                body.use, body.point(), body.accuracy_m, body.method, source, caller.actor,
                body.observed_at or work.now, body.photo, body.id, caller.agency_id,
            )  # fmt: skip
            made = await verbs.observe(work, person, told, agreement_of(runtime))
            await audit(work, caller, "observe", "person", person.id, {"verdict": made.verdict}, area=person.area)
            verdict = views.label("location_verdict", made.verdict)
            return 201, LocationKept(id=made.id, verdict=verdict).model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)


def _own(caller: Caller) -> str:
    return AGENCY if caller.agency_id is not None else OWN_SOURCE.get(caller.role, "officer")


def _is_officer(caller: Caller) -> bool:
    return caller.role in CARE and caller.agency_id is None


def _may_say(caller: Caller, source: str) -> bool:
    """Whether they may say that somebody of this kind saw it, and not they themselves."""
    return _is_officer(caller) or (caller.agency_id is None and source not in SPOKEN_FOR)


@router.get("/persons/{person_id}/locations", responses=problems(401, 403, 404))
async def read_locations(request: Request, caller: Reads, person_id: UUID) -> Locations:
    """พิกัดที่บันทึกไว้ | Everything that was seen of where this person lives, and what is held to be right."""
    runtime = runtime_of(request)
    person, seen = await open_person(runtime, caller, person_id, RESTRICTED)
    told_of = {"classes": classes(seen.allowed)}
    await audit(runtime.pool, seen.caller, "read_locations", "person", person_id, told_of, area=person.area)
    rows = await store.locations.read_locations(runtime.pool, person_id)
    standing = {row["location_id"]: row for row in await store.locations.read_whereabouts(runtime.pool, person_id)}
    pictures = by_owner(await store.pictures.of_locations(runtime.pool, [row["id"] for row in rows]), "location_id")
    return Locations(items=[_shown(row, standing.get(row["id"]), pictures.get(row["id"], [])) for row in rows])


def _shown(row: Any, now: Any, pictures: list[PictureShown]) -> LocationShown:
    point = verbs.point_of(row)
    method = None if now is None else now["method"]
    return LocationShown(
        id=row["id"],
        use=views.label("location_use", row["use"]),
        lon=point.lon,
        lat=point.lat,
        accuracy_m=row["accuracy_m"],
        method=views.label("location_method", row["method"]),
        source=views.label("observer_kind", row["source"]),
        seen_by=row["seen_by"],
        agency_id=row["agency_id"],
        photo=records.opened_value(row, ring(), "location", "photo"),
        pictures=pictures,
        observed_at=row["observed_at"],
        recorded_at=row["recorded_at"],
        stands=now is not None,
        verified=views.label("verification_method", method) if method else None,
        with_id=None if now is None else now["with_location_id"],
        verified_at=None if now is None else now["verified_at"],
        area_code=None if now is None else now["area_code"],
        **(views.area_names(now) if now is not None else {"area_th": None, "area_en": None}),
    )


@router.post("/persons/near", responses=problems(400, 401, 403, 404, 413))
async def near(request: Request, caller: AsksNear, body: NearBody) -> NearPeople:
    """ใครอยู่ใกล้ | Who lives near a point or a risk map's layer, e.g. the bedridden within 300 m of the flood."""
    runtime = runtime_of(request)
    areas = areas_of(caller) if body.area is None else [area_for(caller, body.area)]
    asked = verbs.Asked(
        body.document(), body.within_m, body.groups, areas, body.limit,
        exercise=body.exercise, protected=sees_protected(caller),
    )  # fmt: skip
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        try:
            # As with the gate: nothing is asked of who is not held to places.
            known = partial(within_reach, work.db, caller) if caller.places else None
            answer = await verbs.near(work, asked, known)
        except Refusal as refusal:
            raise Refused(422, refusal.code, refusal.th, refusal.en, field=refusal.field) from None
        shown = [answer.people[one.person_id] for one in answer.found]
        ids, where = [row["id"] for row in shown], [row["area"] for row in shown]
        by = "point" if body.point is not None else "layer"
        detail = {"by": by, "within_m": body.within_m, "groups": body.groups or [], "found": answer.total}
        await audit(work, caller, "near", "person", ids or None, detail, area=where or None)
    today = local_day(work.now)
    items = []
    for one in answer.found:
        person = records.opened(answer.people[one.person_id], ring())
        items.append(
            NearPerson(
                id=person.id,
                area=person.area,
                name=person.name,
                age=views.age_of(person.birth, today),
                mobility=person.mobility,
                needs=list(person.needs),
                groups=[views.label("group", code) for code in answer.groups.get(person.id, [])],
                use=views.label("location_use", one.use),
                lon=one.point.lon,
                lat=one.point.lat,
                distance_m=round(one.distance_m),
                verified=one.verified,
            )
        )
    return NearPeople(items=items, total=answer.total, more=answer.total > len(items))


@router.post("/locations/import", responses=problems(400, 401, 403, 404, 413))
async def import_points(request: Request, caller: Imports, body: FileBody) -> FileVerdicts:
    """นำเข้าพิกัดจากแฟ้ม | Points from a file (the post's), a verdict for each row; a verified point is never displaced.

    A rehearsal does not say who lives at an address.
    """
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        taking = partial(_rows, work, runtime, caller, body)
        verdicts, met = await (work.rehearse(taking) if body.dry_run else taking())
        detail = {"rows": len(verdicts), "source": body.source, "dry_run": body.dry_run}
        await audit(work, caller, "import", "person", sorted(met) or None, detail)
    if body.dry_run:
        by_house = {one.row for one in body.rows if one.person_id is None}  # also where two rows have one number
        verdicts = [one.model_copy(update=NOBODY) if one.row in by_house else one for one in verdicts]
    verdicts.sort(key=lambda one: one.row)
    counts = Counter(one.verdict.code for one in verdicts)
    return FileVerdicts(dry_run=body.dry_run, items=verdicts, counts=dict(sorted(counts.items())))


NOBODY = {"person_id": None, "location_id": None}
Told = tuple[list[RowVerdict], set[UUID]]
"""What became of the rows, and everybody of whom they tell that they live there: also the several of one house."""


async def _rows(work: Work, runtime: Runtime, caller: Caller, file: FileBody) -> Told:
    """Person by person, so that two files at once lock people in one order."""
    rows = [one for one in file.rows if one.wrong is None]
    houses = {one.row: house_of(one.area_code, one.address) for one in rows if one.person_id is None}
    tambons = {house.tambon for house in houses.values() if house is not None}
    homes = await verbs.homes_in(work, tambons, areas_of(caller)) if tambons else {}
    whose: dict[int, set[UUID]] = {}
    met: set[UUID] = set()
    for one in rows:
        house = houses.get(one.row)
        known = set() if one.person_id is None else {one.person_id}
        there = verbs.who_lives_in(house, one.name, homes) if house is not None else set()
        whose[one.row] = there or known
        met |= there
    ordered = sorted(rows, key=lambda one: (sorted(map(str, whose[one.row])), one.row))
    verdicts = [await _row(work, runtime, caller, file, row, whose[row.row]) for row in ordered]
    verdicts += [_unread(one.row, one.wrong) for one in file.rows if one.wrong is not None]
    return verdicts, met | {one.person_id for one in verdicts if one.person_id is not None}


def _unread(row: int, wrong: FieldProblem) -> RowVerdict:
    label = views.label("location_verdict", "bad_row")
    return RowVerdict(
        row=row, verdict=label, location_id=None, person_id=None, field=wrong.field, th=wrong.th, en=wrong.en
    )


async def _row(
    work: Work, runtime: Runtime, caller: Caller, file: FileBody, row: RowBody, whose: set[UUID]
) -> RowVerdict:
    """One row of a file; what cannot be used says why and takes nothing with it. ``whose``: who may be meant."""

    def verdict(code: str, person_id: UUID | None = None, location_id: UUID | None = None) -> RowVerdict:
        label = views.label("location_verdict", code)
        return RowVerdict(row=row.row, verdict=label, location_id=location_id, person_id=person_id)

    try:
        point: Point = read_point(row.lon, row.lat)
    except Refusal:
        return verdict("bad_point")
    if len(whose) != 1:
        return verdict("several" if whose else "not_found")
    try:
        person = await held_for(work, caller, next(iter(whose)))
    except Refused:
        return verdict("not_found")
    at = min(row.observed_at or now_utc(), work.now)
    told = Observation("home", point, row.accuracy_m, file.method, file.source, f"source:{file.source}", at)
    made = await verbs.observe(work, person, told, agreement_of(runtime))
    return verdict(made.verdict, person.id, made.id)
