"""Who was taken for whom, by a call or a row of a file: what waits to be checked, and taking it out of somebody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.registry import store, views
from services.registry import told as texts
from services.registry.answers import Age, Answer, Label, PersonHit
from services.registry.api.gate import (
    AreaCode,
    areas_of,
    gate,
    narrowed,
    own_held_for,
    own_person_for,
    person_for,
    places_for,
    runtime_of,
    sees_protected,
)
from services.registry.api.locations import agreement_of
from services.registry.bodies import ConfirmBody, UnmatchBody
from services.registry.rules.belongings import Belonging
from services.registry.rules.identity import Described, unpacked
from services.registry.rules.questionnaires import questionnaires
from services.registry.store.people import Row
from services.registry.verbs import belongings, unmatching
from services.registry.verbs.matching import TOLD
from shared.audit import audit
from shared.auth import Caller
from shared.database import Pool
from shared.errors import refuse
from shared.openapi import problems
from shared.thai.dates import local_day
from shared.work import now_utc

router = APIRouter(prefix="/v1", tags=["duplicates"])

Lists = Annotated[Caller, Depends(gate("GET /v1/matches"))]
Reads = Annotated[Caller, Depends(gate("GET /v1/persons/{person_id}/matches"))]
ReadsEffect = Annotated[Caller, Depends(gate("GET /v1/matches/{match_id}"))]
Confirms = Annotated[Caller, Depends(gate("POST /v1/matches/{match_id}/confirm"))]
Unmatches = Annotated[Caller, Depends(gate("POST /v1/matches/{match_id}/unmatch"))]
MOST = 50


class ToldShown(Answer):
    """What a call has told of them, to be compared with the record. ``number``: that one was told, not which."""

    name: str | None
    age: Age | None
    birth_on: date | None
    sex: str | None
    phones: list[str]
    number: bool


class MatchShown(Answer):
    """``call_id``, or ``run_id`` and ``row`` of a file, was taken for ``person``, by ``method``.

    ``to_check``: nobody has said so yet. ``owner``: whose number was told, where all else spoke against it and a new
    record was made. ``instead_id``: of whom it was told, where it was taken out.
    """

    id: UUID
    person: PersonHit
    call_id: UUID | None
    run_id: UUID | None
    row: int | None
    method: Label
    to_check: bool
    matched_at: datetime
    decision: str | None
    decided_at: datetime | None
    instead_id: UUID | None
    owner: PersonHit | None
    told: ToldShown | None
    protected: bool


class CameBy(Answer):
    """The row of a file by which somebody came, or was met: which file, when and by whom it was brought.

    ``agency_id``: whose list it was, with its name; none is the municipality's own.
    """

    run_id: UUID
    row: int
    verdict: Label
    format: Label
    begun_at: datetime
    begun_by: str
    agency_id: UUID | None
    agency_th: str | None
    agency_en: str | None


class MatchPage(Answer):
    items: list[MatchShown]
    next: UUID | None


class PersonMatches(MatchPage):
    """``files``: rows of files, also where nobody had to be told from another."""

    files: list[CameBy]


class Confirmed(Answer):
    id: UUID


class BelongingShown(Answer):
    """One thing that is somebody's now; ``what``: which, where it has a code."""

    id: UUID
    kind: Label
    what: Label | None
    at: datetime
    fate: Label
    why: Label


class MatchEffect(Answer):
    """What would become of each of these, if it were taken out."""

    id: UUID
    items: list[BelongingShown]


class Unmatched(Answer):
    """``person_id``: whose it is now."""

    id: UUID
    person_id: UUID


@router.get("/matches", responses=problems(401, 403))
async def list_matches(
    request: Request,
    caller: Lists,
    area_code: AreaCode = None,
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 20,
) -> MatchPage:
    """รอยืนยันว่าเป็นใคร | Calls and rows of files that were taken for somebody, and nobody has said so; newest first."""
    runtime = runtime_of(request)
    places = await places_for(runtime, caller, area_code)
    rows = await store.matches.read_open(runtime.pool, areas_of(caller), cursor, limit, places)
    items = await _shown(runtime.pool, rows)
    ids, areas = [one.person.id for one in items], [one.person.area for one in items]
    detail = {"matches": len(rows), **narrowed(area_code)}
    await audit(runtime.pool, caller, "list_matches", "person", ids or None, detail, area=areas or None)
    return MatchPage(items=items, next=rows[-1]["id"] if len(rows) == limit else None)


@router.get("/persons/{person_id}/matches", responses=problems(401, 403, 404))
async def read_matches(request: Request, caller: Reads, person_id: UUID, call_id: UUID | None = None) -> PersonMatches:
    """ข้อมูลใดเข้ามาเป็นของบุคคลนี้ | What was taken for this person, by which rule, and what was taken out; the last 50."""
    runtime = runtime_of(request)
    person = await person_for(runtime, caller, person_id)
    rows = await store.matches.of_person(
        runtime.pool, person.id, protected=sees_protected(caller), call_id=call_id, limit=MOST
    )
    await audit(runtime.pool, caller, "read_matches", "person", person.id, area=person.area)
    files = [] if call_id else await store.imports.of_person(runtime.pool, person.id, MOST)
    return PersonMatches(items=await _shown(runtime.pool, rows), next=None, files=[_came_by(row) for row in files])


def _came_by(row: Row) -> CameBy:
    codes = {name: views.label(f"import_{name}", row[name]) for name in ("verdict", "format")}
    same = ("run_id", "row", "begun_at", "begun_by", "agency_id", "agency_th", "agency_en")
    return CameBy(**codes, **{name: row[name] for name in same})


@router.get("/matches/{match_id}", responses=problems(401, 403, 404))
async def read_effect(request: Request, caller: ReadsEffect, match_id: UUID) -> MatchEffect:
    """อะไรจะไปด้วย | What would go along if it were taken out of this person, what may, what stays, and why."""
    pool = runtime_of(request).pool
    noted = await store.matches.read(pool, match_id)
    if noted is None:
        raise refuse("not_found")
    person = await own_person_for(runtime_of(request), caller, noted["person_id"])
    there = await belongings.look(pool, noted, changed=await unmatching.changed_since(pool, noted, person))
    await audit(pool, caller, "read_matches", "person", person.id, {"goes": len(there)}, area=person.area)
    return MatchEffect(id=match_id, items=[_belonging(one) for one in there])


LISTS = {
    "visit": "visit_kind", "plan": "visit_kind", "location": "location_use", "need": "life_need", "group": "group",
    "identifier": "identifier_kind", "task": "task_kind", "team": "team_role", "consent": "purpose",
    "field": "person_field",
}  # fmt: skip
"""Kind of belonging → the code list of what it is; a questionnaire has its own name, the others say no more."""


def _belonging(one: Belonging) -> BelongingShown:
    found = one.found
    return BelongingShown(
        id=found.id, kind=views.label("belonging", found.kind), what=_what(found.kind, found.code), at=found.at,
        fate=views.label("belonging_fate", one.fate), why=views.label("belonging_why", one.why),
    )  # fmt: skip


def _what(kind: str, code: str | None) -> Label | None:
    if code is None:
        return None
    if kind == "assessment":
        form = questionnaires().get(code)
        return Label(code=code, th=form.th if form else code, en=form.en if form else code)
    return views.label(LISTS[kind], code) if kind in LISTS else None


@router.post("/matches/{match_id}/confirm", responses=problems(400, 401, 403, 404, 409, 413))
async def confirm_match(
    request: Request, caller: Confirms, match_id: UUID, body: ConfirmBody | None = None
) -> Confirmed:
    """ยืนยันว่าเป็นบุคคลนี้ | Somebody has made sure."""
    runtime = runtime_of(request)
    seen = (body or ConfirmBody()).document_seen
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        noted = await unmatching.lock(work, match_id, None)
        person = await own_held_for(work, caller, noted["person_id"])
        await unmatching.confirm(work, noted, document_seen=seen)
        await audit(work, caller, "confirm_match", "person", person.id, {"document_seen": seen}, area=person.area)
    return Confirmed(id=match_id)


@router.post("/matches/{match_id}/unmatch", responses=problems(400, 401, 403, 404, 409, 413))
async def unmatch(request: Request, caller: Unmatches, match_id: UUID, body: UnmatchBody | None = None) -> Unmatched:
    """เป็นคนอื่น | It was told of somebody else: it goes to them, or to a record of its own, with its own and ``also``."""
    runtime, asked = runtime_of(request), body or UnmatchBody()
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        noted = await unmatching.lock(work, match_id, asked.person_id)
        person = await own_held_for(work, caller, noted["person_id"])
        other = None if asked.person_id is None else await own_held_for(work, caller, asked.person_id)
        meant = unmatching.Whose(other, asked.reason, agreement_of(runtime), frozenset(asked.also))
        now_of = await unmatching.unmatch(work, noted, meant)
        areas = [person.area, other.area if other else person.area]
        await audit(work, caller, "unmatch", "person", [person.id, now_of], area=areas)
    return Unmatched(id=match_id, person_id=now_of)


async def _shown(pool: Pool, rows: Iterable[Row]) -> list[MatchShown]:
    rows = list(rows)
    today = local_day(now_utc())
    ids = {row[name] for row in rows for name in ("person_id", "owner_id")} - {None}
    hits = {row["id"]: row for row in await store.people.read_hits(pool, sorted(ids))}
    told = await texts.of(pool, [row["id"] for row in rows])
    return [_one(row, hits, told.get(row["id"], {}).get(TOLD), today) for row in rows]


def _one(row: Row, hits: Mapping[UUID, Row], told: str | None, today: date) -> MatchShown:
    owner = hits.get(row["owner_id"])
    shown = owner is not None and owner["erased_at"] is None and owner["disclosure"] != "secret"
    same = ("id", "call_id", "run_id", "row", "to_check", "matched_at", "decision", "decided_at", "instead_id")
    return MatchShown(
        person=views.hit(hits[row["person_id"]], today),
        owner=views.hit(owner, today) if owner is not None and shown else None,
        method=views.label("match_method", row["method"]),
        told=_told(unpacked(told), today) if told else None,
        protected=bool(row["protected"]),
        **{name: row[name] for name in same},
    )


def _told(told: Described, today: date) -> ToldShown:
    return ToldShown(
        name=told.name,
        age=views.age_of(told.birth, today),
        birth_on=told.birth.on if told.birth else None,
        sex=told.sex,
        phones=[phone.e164 for phone in told.phones],
        number=bool(told.held),
    )
